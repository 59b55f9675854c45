"""Nothing at /metrics moves because somebody asked, and nothing of it tells of anybody."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from story_scenes import ASKED, TOGETHER, play
from story_serve import MORNING, at_home

from bot.checks.finding import Finding
from bot.metrics import LAG, PROBE, STEPS, Metrics
from bot.readiness import Turns

NAMES = {
    "peersupport_info",
    "peersupport_start_time_seconds",
    "peersupport_ready",
    "peersupport_check",
    "peersupport_loop_lag_seconds",
    "peersupport_store_probe_seconds",
    "peersupport_overdue_seconds",
    "peersupport_clock_silent_seconds",
}
"""All there are. A new one is a decision: docs/decisions/metrics.md has to say why it tells nothing."""
LABELS = {"version", "python", "check", "le"}


async def scraped(ops: str) -> str:
    async with aiohttp.ClientSession() as session, session.get(f"{ops}/metrics") as answer:
        assert answer.status == 200
        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        return await answer.text()


def names(page: str) -> set[str]:
    return set(re.findall(r"^# TYPE (\w+) ", page, re.MULTILINE))


async def test_these_are_all_there_are(tmp_path):
    async with at_home(tmp_path) as home:
        page = await scraped(home.ops)
    assert names(page) == NAMES
    assert set(re.findall(r'[{,](\w+)="', page)) <= LABELS


async def test_a_whole_story_leaves_every_number_as_it_was(tmp_path):
    async with at_home(tmp_path) as home:
        await home.pulse.beat()
        await home.pulse.stop()  # what time moves stands still
        before = await scraped(home.ops)
        await play(home, (*ASKED, *TOGETHER))
        await home.engine.idle()
        assert await home.kinds("support") == 1
        assert await scraped(home.ops) == before


async def test_what_is_measured_after_a_story_is_what_is_measured_without_one(tmp_path):
    """One beat more each; only the lag of a busy test machine may differ."""
    pages = []
    for folder, plays in (("with", True), ("without", False)):
        (tmp_path / folder).mkdir()
        async with at_home(tmp_path / folder) as home:
            await home.pulse.stop()
            if plays:
                await play(home, (*ASKED, *TOGETHER))
                await home.engine.idle()
            await home.pulse.beat()
            page = await scraped(home.ops)
        pages.append([line for line in page.splitlines() if not re.match(r"peersupport_(loop|store_probe)_", line)])
    assert pages[0] == pages[1]


def test_what_takes_no_longer_than_a_press_is_one_and_the_same():
    pages = []
    for lag, probe in ((0.0, 0.0), (0.02, 0.01)):
        metrics = Metrics(MORNING)
        metrics.lag(lag)
        metrics.probe(probe)
        pages.append(metrics.page())
    assert pages[0] == pages[1]


@pytest.mark.parametrize("seconds", [*LAG, 0.11, 9.9, 11.0])
def test_a_histogram_s_sum_tells_no_more_than_its_buckets(seconds):
    metrics = Metrics(MORNING)
    metrics.lag(seconds)
    (total,) = re.findall(rb"loop_lag_seconds_sum (\S+)", metrics.page())
    assert float(total) in {*LAG, 2 * LAG[-1]}
    assert float(total) >= seconds
    assert PROBE[0] > 0.01


def test_how_late_something_is_is_said_in_steps():
    metrics = Metrics(MORNING)
    for late in (timedelta(0), timedelta(minutes=4), timedelta(minutes=7), timedelta(days=9)):
        metrics.clock(late, timedelta(0))
        (said,) = re.findall(rb"peersupport_overdue_seconds ([\d.]+)", metrics.page())
        assert float(said) in STEPS
        assert float(said) <= late.total_seconds()


def test_checks_are_numbers_as_the_doctor_s_exit_codes():
    metrics = Metrics(MORNING)
    metrics.found([Finding("store", "ok", ""), Finding("clock", "warn", "")])
    assert b"peersupport_ready 1.0" in metrics.page()
    metrics.found([Finding("store", "fail", "")])
    page = metrics.page()
    assert b"peersupport_ready 0.0" in page
    assert b'peersupport_check{check="store"} 2.0' in page
    assert b'peersupport_check{check="clock"} 1.0' in page


async def test_what_nobody_sees_to_is_a_warning_and_so_is_a_clock_that_does_not_turn():
    now = datetime(2026, 3, 2, 12, tzinfo=UTC)
    turns = Turns(timedelta(seconds=60), lambda: now)
    turns.turned()
    assert (await turns.look()).status == "ok"
    turns.is_due(now - timedelta(minutes=5))
    assert (await turns.look()).status == "ok"
    turns.is_due(now - timedelta(minutes=20))
    assert (await turns.look()).status == "warn"
    turns.is_due(None)
    assert (await turns.look()).status == "ok"
    turns._last -= 241  # as long ago as four ticks
    assert (await turns.look()).says == "The clock does not turn."
