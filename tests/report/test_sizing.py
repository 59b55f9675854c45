"""How many peers a programme needs, by block of three hours."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.report.figures import BLOCKS, DAYS
from bot.report.formats import sizing_to_html, sizing_to_text
from bot.report.sizing import Sizing, evenly
from tests.running.warm_cli import warm_cli


@given(st.integers(0, 200), st.floats(0.01, 0.99))
def test_so_many_as_are_needed_reach_the_goal_and_one_fewer_does_not(peers, says_yes):
    sizing = Sizing(evenly(peers), says_yes)
    assert 1 - (1 - says_yes) ** sizing.needed >= sizing.goal - 1e-9
    assert sizing.needed == 1 or 1 - (1 - says_yes) ** (sizing.needed - 1) < sizing.goal
    assert {number for day in sizing.missing for number in day} == {max(0, sizing.needed - peers)}
    assert sizing.blocks_that_reach_it == (BLOCKS * len(DAYS) if peers >= sizing.needed else 0)


def test_fifteen_peers_are_needed_where_one_in_seven_says_yes():
    """1 - 0.85^14 is 89.7 %, and 1 - 0.85^15 is 91.3 %."""
    assert Sizing(evenly(14)).needed == 15
    assert round(Sizing(evenly(15)).chances[0][0], 3) == 0.913


def test_each_block_is_told_on_its_own():
    week = ((20, *(0,) * 7), *((0,) * 8,) * 6)
    said = sizing_to_text(Sizing(week))
    assert re.search(r"Monday +96% +0%", said)
    assert "1 of 56 blocks of the week reach that; the most that one lacks is 15 peers." in said
    assert sizing_to_html(Sizing(week)).count("<rect") == BLOCKS * len(DAYS)


@pytest.mark.parametrize(("words", "named"), [(("--peers", "-1"), "--peers"), (("--says-yes", "2"), "--says-yes")])
def test_the_command_refuses_what_no_programme_can_have(tmp_path, words, named):
    ran = warm_cli().run(tmp_path, "simulate", *words)
    assert ran.returncode == 2
    assert named in ran.stderr


def test_the_command_needs_no_store_for_a_number_of_peers(tmp_path):
    ran = warm_cli().run(tmp_path, "simulate", "--peers", "15", "--format", "html", "--out", "sizing.html")
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
    assert "91%" in (tmp_path / "sizing.html").read_text("utf-8")
    missing = warm_cli().run(tmp_path, "simulate", "--peers", "15", "--out", "nowhere/sizing.html")
    assert (missing.returncode, "--out" in missing.stderr) == (2, True)
