"""Nothing that a report ever says tells of fewer than k requests, alone or together with all else it says."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conversations.immutable import replace
from conversations.numbers import Numbers, Outcome, Tally, Year, count, counted, monday_of, parts, said
from tests.running.examples import examples

profile = settings(derandomize=True, deadline=None, max_examples=examples(60))
K = 3
MOST = 7
"""The most requests of a quarter that are tried: all there is to a small hospital's year is tried once."""

FIRST = date(2026, 1, 5)
"""A Monday."""


def tallies(requests: int) -> list[Tally]:
    """Every way in which so many requests may have gone, as far as the sums tell."""
    whole = range(requests + 1)
    return [
        Tally(requests, in_time, later, after_hours, 0)
        for in_time, later, after_hours in product(whole, whole, whole)
        if in_time + later <= requests
    ]


def of_quarters(*requests: int) -> Numbers:
    """A year with so many requests in its quarters, all of them answered in time."""
    return Numbers(FIRST, 2026, tuple(Tally(number, number) for number in requests))


def test_no_number_of_a_quarter_below_k_follows_from_what_is_said_of_the_year():
    """Of all years that would be told in the same words, in some every small quarter is another."""
    told: dict[Year, list[tuple[int, ...]]] = {}
    for quarters in product(range(MOST), repeat=4):
        told.setdefault(said(of_quarters(*quarters), K), []).append(quarters)
    for alike in told.values():
        for place in range(4):
            possible = {quarters[place] for quarters in alike}
            assert len(possible) > 1 or not 0 < min(possible) < K


@pytest.mark.parametrize("requests", range(2 * MOST))
def test_no_part_of_a_year_below_k_follows_from_what_is_said_of_it(requests: int):
    """A reader who knows the rule, and all that is said, cannot tell how many were answered late, or came at night."""
    told: dict[Year, list[Tally]] = {}
    for tally in tallies(requests):
        told.setdefault(said(Numbers(FIRST, 2026, (tally, *(Tally(),) * 3)), K), []).append(tally)
    for alike in told.values():
        for part in ("in_time", "later", "after_hours"):
            possible = {getattr(tally, part) for tally in alike}
            assert len(possible) > 1 or not 0 < min(possible) < K or requests < K
    assert requests >= K or set(told) == {Year(2026)}


@profile
@given(st.integers(0, 60), st.lists(st.integers(0, 20), min_size=1, max_size=3), st.integers(2, 12))
def test_the_parts_of_a_whole_are_said_together_or_not_at_all(rest, cells, k):
    whole = sum(cells) + rest
    shown = parts(whole, k, *cells)
    assert shown in (tuple(cells), (None,) * len(cells))
    assert (None in shown) == any(0 < cell < k for cell in (*cells, rest))


closings = st.builds(
    Outcome,
    after_hours=st.booleans(),
    answered=st.sampled_from(("", "in-time", "later")),
    escalated=st.booleans(),
    closed_on=st.integers(-10, 80).map(lambda days: FIRST + timedelta(days=days)),
)


@profile
@given(st.lists(closings, max_size=20), st.lists(st.integers(1, 5), max_size=12))
def test_each_request_is_counted_once_however_late_the_weeks_are_counted(closed, gaps):
    """The programme may be down for weeks: what closed in a week that is over is counted when it is back, once."""
    numbers, monday = Numbers(FIRST, 2026), FIRST
    for gap in gaps:
        monday += gap * timedelta(days=7)
        numbers = counted(numbers, count(closed, numbers.until, monday), K)
    assert numbers.until == monday
    expected = [one for one in closed if FIRST <= one.closed_on < monday]
    whole = sum(numbers.quarters, start=Tally())
    assert whole.requests == len(expected)
    assert whole.escalated == sum(one.escalated for one in expected)
    assert whole.after_hours == sum(one.after_hours for one in expected)
    assert whole.in_time + whole.later == sum(bool(one.answered) for one in expected)


def test_a_year_that_is_over_is_said_once_and_its_sums_are_destroyed():
    numbers = Numbers(date(2026, 12, 21), 2026, tuple(Tally(n, n, 0, 0, n) for n in (11, 12, 13, 14)))
    weeks = {date(2026, 12, 21): Tally(1, 1), date(2026, 12, 28): Tally(), date(2027, 1, 4): Tally(2, 0, 2)}
    after = counted(numbers, weeks, 11)
    assert after.years == (Year(2026, 51, (11, 12, 13, 15), 51, 0, 0, None),)
    assert (after.year, after.until) == (2027, date(2027, 1, 11))
    assert after.quarters == (Tally(2, 0, 2), Tally(), Tally(), Tally())
    later = counted(after, {date(2027, 1, 11): Tally(30, 30)}, 11)
    assert later.years == after.years


def test_a_share_is_said_of_twice_k_and_a_year_of_few_says_nothing():
    whole = replace(Numbers(FIRST, 2026), quarters=(Tally(21, 21), *(Tally(),) * 3))
    assert said(whole, 11) == Year(2026, 21)
    assert said(replace(whole, quarters=(Tally(22, 22), *(Tally(),) * 3)), 11) == Year(2026, 22, (), 22, 0, 0, 0)
    assert said(replace(whole, quarters=(Tally(10, 10), *(Tally(),) * 3)), 11) == Year(2026)


@given(st.dates(date(2020, 1, 1), date(2040, 1, 1)))
def test_a_week_begins_on_monday(day):
    monday = monday_of(day)
    assert monday.weekday() == 0
    assert timedelta() <= day - monday < timedelta(days=7)
    assert datetime.combine(monday, datetime.min.time(), UTC).date() == monday
