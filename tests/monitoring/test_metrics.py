"""No metric moves because a person did something, and none gives a person away."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest

from bot.health import Finding
from bot.monitoring.metrics import DELAY_STEPS, LAG_BUCKETS, PROBE_BUCKETS, Metrics
from bot.monitoring.readiness import SchedulerHealth
from tests.stories.scenes import ASKED, TOGETHER, play
from tests.stories.serve import MORNING, at_home

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
"""All there are. A new one is a decision: docs/decisions/metrics.md has to say why it gives no one away."""
LABELS = {"version", "python", "check", "le"}


async def scraped(ops: str) -> str:
    async with aiohttp.ClientSession() as session, session.get(f"{ops}/metrics") as answer:
        assert answer.status == 200
        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        return await answer.text()


def names(page: str) -> set[str]:
    return set(re.findall(r"^# TYPE (\w+) ", page, re.MULTILINE))


async def test_there_are_no_other_metrics_and_labels(tmp_path):
    async with at_home(tmp_path) as home:
        page = await scraped(home.ops)
    assert names(page) == NAMES
    assert set(re.findall(r'[{,](\w+)="', page)) <= LABELS


async def test_a_whole_story_changes_no_metric(tmp_path):
    async with at_home(tmp_path) as home:
        await home.sampler.sample()
        await home.sampler.stop()  # what time moves stands still
        before = await scraped(home.ops)
        await play(home, (*ASKED, *TOGETHER))
        await home.engine.idle()
        assert await home.kinds("support") == 1
        assert await scraped(home.ops) == before


async def test_metrics_after_a_story_equal_those_without_one(tmp_path):
    """One beat more each; only the lag of a busy test machine may differ."""
    pages = []
    for folder, plays in (("with", True), ("without", False)):
        (tmp_path / folder).mkdir()
        async with at_home(tmp_path / folder) as home:
            await home.sampler.stop()
            if plays:
                await play(home, (*ASKED, *TOGETHER))
                await home.engine.idle()
            await home.sampler.sample()
            page = await scraped(home.ops)
        pages.append([line for line in page.splitlines() if not re.match(r"peersupport_(loop|store_probe)_", line)])
    assert pages[0] == pages[1]


def test_durations_below_the_first_bucket_look_the_same():
    pages = []
    for lag, probe in ((0.0, 0.0), (0.02, 0.01)):
        metrics = Metrics(MORNING)
        metrics.observe_lag(lag)
        metrics.observe_store_probe(probe)
        pages.append(metrics.page())
    assert pages[0] == pages[1]


@pytest.mark.parametrize("seconds", [*LAG_BUCKETS, 0.11, 9.9, 11.0])
def test_a_histogram_s_sum_gives_away_no_more_than_its_buckets(seconds):
    metrics = Metrics(MORNING)
    metrics.observe_lag(seconds)
    (total,) = re.findall(rb"loop_lag_seconds_sum (\S+)", metrics.page())
    assert float(total) in {*LAG_BUCKETS, 2 * LAG_BUCKETS[-1]}
    assert float(total) >= seconds
    assert PROBE_BUCKETS[0] > 0.01


def test_delays_are_reported_in_steps():
    metrics = Metrics(MORNING)
    for late in (timedelta(0), timedelta(minutes=4), timedelta(minutes=7), timedelta(days=9)):
        metrics.set_scheduler(late, timedelta(0))
        (said,) = re.findall(rb"peersupport_overdue_seconds ([\d.]+)", metrics.page())
        assert float(said) in DELAY_STEPS
        assert float(said) <= late.total_seconds()


def test_checks_are_numbered_as_the_doctor_s_exit_codes():
    metrics = Metrics(MORNING)
    metrics.set_findings([Finding("store", "ok", ""), Finding("clock", "warn", "")])
    assert b"peersupport_ready 1.0" in metrics.page()
    metrics.set_findings([Finding("store", "fail", "")])
    page = metrics.page()
    assert b"peersupport_ready 0.0" in page
    assert b'peersupport_check{check="store"} 2.0' in page
    assert b'peersupport_check{check="clock"} 1.0' in page


async def test_overdue_work_and_a_silent_scheduler_are_warnings():
    now = datetime(2026, 3, 2, 12, tzinfo=UTC)
    turns = SchedulerHealth(timedelta(seconds=60), lambda: now)
    turns.record_tick()
    assert (await turns.check()).status == "ok"
    turns.record_next_due(now - timedelta(minutes=5))
    assert (await turns.check()).status == "ok"
    turns.record_next_due(now - timedelta(minutes=20))
    assert (await turns.check()).status == "warn"
    turns.record_next_due(None)
    assert (await turns.check()).status == "ok"
    turns._last_tick -= 241  # as long ago as four ticks
    assert (await turns.check()).says == "The scheduler does not run."
