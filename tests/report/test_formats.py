"""A report as text, CSV and a page that loads nothing; the command reads a store that serves."""

from __future__ import annotations

import csv
import xml.etree.ElementTree as ET
from datetime import UTC, date, datetime

import pytest

from bot.report.figures import BLOCKS, DAYS, Figures, coverage, figures_of
from bot.report.formats import FORMATS, NOT_SAID, to_csv, to_html, to_text
from conversations.model import Peer, Person
from conversations.numbers import Year

NOW = datetime(2027, 1, 12, 15, tzinfo=UTC)
BO = Person("slack", "hospital", "canary-bo")
TRAINED = date(2028, 1, 1)
PEERS = (
    Peer(BO, trained_until=TRAINED, shifts=("mon 07-19", "tue 19-07")),
    Peer(BO, trained_until=TRAINED, hours=("nights",)),
    Peer(BO, trained_until=date(2027, 2, 1)),
    Peer(BO, trained_until=TRAINED, paused=True),
    Peer(BO, trained_until=date(2027, 1, 1)),
)
YEARS = (Year(2024), Year(2025, 21), Year(2026, 57, (13, 14, 15, 15), 46, 11, None, 0))


def figures() -> Figures:
    return figures_of(PEERS, YEARS, invited=3, name="A <Peer> Support", zone="UTC", small_cell=11, now=NOW)


def test_peers_are_counted_by_what_concerns_no_one_who_asked():
    found = figures()
    assert (found.trained, found.active, found.paused, found.ends_soon, found.over, found.invited) == (4, 3, 1, 1, 1, 3)


def test_the_coverage_is_who_can_be_asked_in_each_block_on_the_hospitals_clock():
    monday, tuesday, wednesday, *_ = coverage(PEERS[:1], "UTC", NOW.date())
    assert monday == (0, 0, 1, 1, 1, 1, 0, 0)  # 07-19: the middles of 6 to 9, 9 to 12, 12 to 15 and 15 to 18
    assert tuesday == (0, 0, 0, 0, 0, 0, 1, 1)
    assert wednesday == (1, 1, 0, 0, 0, 0, 0, 0)
    assert coverage(PEERS[1:2], "America/New_York", NOW.date())[0] == (1, 0, 0, 0, 0, 0, 1, 1)
    assert len(coverage((), "UTC", NOW.date())) == len(DAYS)


def test_what_would_tell_of_a_few_stands_as_not_said():
    _, few, some, many = (row for row in csv.reader(to_csv(figures()).splitlines()) if row[0] == "years")
    assert few == ["years", "2024", "fewer than 11", *(NOT_SAID,) * 8]
    assert some == ["years", "2025", "21", *(NOT_SAID,) * 8]
    assert many == ["years", "2026", "57", "13", "14", "15", "15", "46 (81%)", "11 (19%)", NOT_SAID, "0 (0%)"]


def test_the_page_is_well_formed_loads_nothing_and_has_a_table_beside_each_picture():
    page = to_html(figures())
    assert "http" not in page
    assert "src=" not in page
    tree = ET.fromstring(page.removeprefix("<!doctype html>"))  # noqa: S314 - our own page
    pictures = [each.get("aria-label") for each in tree.iter("svg")]
    assert pictures == [
        "Peers who can be asked, by day and hours; the table below says the same",
        "Requests by year; the table below says the same",
    ]
    assert len(list(tree.iter("table"))) == 3
    drawn = [each.text for each in next(tree.iter("svg")).iter("text")]
    assert len(drawn) == BLOCKS + len(DAYS) * (BLOCKS + 1)


@pytest.mark.parametrize("written", FORMATS)
def test_no_format_names_anyone_and_every_one_says_what_is_not_said(written: str):
    said = FORMATS[written](figures())
    assert "canary" not in said
    assert NOT_SAID in said


def test_before_a_year_is_over_the_report_says_so():
    young = figures_of((), (), invited=0, name="Peers", zone="UTC", small_cell=11, now=NOW)
    assert "No year is over yet." in to_text(young)
    assert "No year is over yet." in to_html(young)
    assert to_html(young).count("<svg") == 1
