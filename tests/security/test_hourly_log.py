"""The log does not tell when someone asked: what one request causes is told on the hour, as counts."""

from __future__ import annotations

import itertools
import json
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog

from bot import logging as logs
from bot.monitoring.hourly_log import HELD, HourlyLog
from bot.monitoring.readiness import REFUSED_SECONDS, RefusedPlatforms
from tests.running.examples import every_nth
from tests.stories.scenes import ANA, ASKED, BO, play
from tests.stories.serve import EVERYBODY, Home, at_home, story

NOON = datetime(2026, 3, 2, 12, 0, 7, tzinfo=UTC)


def told(text: str) -> list[dict[str, Any]]:
    """The lines of a log without their times."""
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    return [{key: value for key, value in line.items() if key != "time"} for line in lines]


class Lines(logging.Handler):
    """Every line that `serve` logs: its level, and what it says; and when, on this clock."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[tuple[str, dict[str, Any]]] = []
        self.at: list[datetime] = []
        self.clock: Callable[[], datetime] = lambda: NOON

    def emit(self, record: logging.LogRecord) -> None:
        line = json.loads(self.format(record))
        self.said.append((record.levelname, {key: line[key] for key in line if key not in {"time", "level", "logger"}}))
        self.at.append(self.clock())

    def taken(self) -> list[tuple[str, dict[str, Any]]]:
        said, self.said = self.said, []
        return said


@pytest.fixture
def lines() -> Iterator[Lines]:
    """A log as `serve` configures it."""
    root, config = logging.root, structlog.get_config()
    handlers, level = root.handlers, root.level
    logs.configure("json", "INFO")
    structlog.configure(cache_logger_on_first_use=False)  # or other tests would log as this one does
    lines, (ours,) = Lines(), root.handlers
    lines.setFormatter(ours.formatter)
    lines.filters = ours.filters
    root.handlers = [lines]
    yield lines
    root.handlers = handlers
    root.setLevel(level)
    structlog.configure(**config)


def test_counts_are_told_when_another_hour_begins_in_an_order_that_tells_nothing(lines):
    hourly = HourlyLog()
    hourly.start()
    hourly.look(NOON)
    one, other = structlog.get_logger("adapters.teams"), structlog.get_logger("adapters.slack")
    one.warning("teams-failed", what="post", kind="http-500")
    for tries in range(3):
        other.error("delivery-failed", kind="KeyError", tries=tries)
    other.error("clock-stepped", kind="back")
    hourly.look(NOON + timedelta(minutes=59, seconds=50))
    assert lines.taken() == [("ERROR", {"event": "clock-stepped", "kind": "back"})]
    hourly.look(NOON + timedelta(minutes=60))
    assert lines.taken() == [
        ("ERROR", {"event": "delivery-failed", "kind": "KeyError", "count": 3}),
        ("WARNING", {"event": "teams-failed", "what": "post", "kind": "http-500", "count": 1}),
    ]
    hourly.look(NOON + timedelta(minutes=121))
    assert not lines.taken()
    one.warning("teams-failed", what="post", kind="http-500")
    hourly.stop()
    assert [said["count"] for _, said in lines.taken()] == [1]


def test_a_platform_is_told_when_it_refuses_us_for_five_minutes_and_when_it_no_longer_does(lines):
    refused, now = {"slack"}, [0.0]
    state = RefusedPlatforms({"slack": lambda: "slack" in refused}, lambda: now[0])
    for now[0] in (0.0, 15.0, REFUSED_SECONDS - 1):
        state.look()
    assert not lines.taken()
    for now[0] in (REFUSED_SECONDS, REFUSED_SECONDS + 15):
        state.look()
    assert [said["event"] for _, said in lines.taken()] == ["platform-stopped"]
    refused.clear()
    state.look()
    assert [said["event"] for _, said in lines.taken()] == ["platform-open"]


POSTS = {"slack": ("chat.postMessage",), "teams": ("post", "reply")}
OTHERS = {
    "slack": ("chat.update", "chat.delete", "conversations.open", "users.info", "respond"),
    "teams": ("create", "update", "delete", "member"),
}
"""What one request has us call on each platform beside them."""

FAULTS: dict[str, dict[str, Any]] = {
    "an error of the platform's": {"status": 500},
    "an error that nobody knows": {"error": "quill", "status": 400},
    "a connection that is cut": {"reset": True},
    "an answer that is lost": {"reset": True, "done": True},
    "a page for people": {"status": 200, "html": True},
    "a pause": {"retry_after": 40},
}


async def one_request(home: Home) -> None:
    """Ana asks, writes with a peer, and stops; whatever of it can be pressed while calls fail."""
    for who, label, answers in (
        (ANA, "Talk to someone soon", {}),
        (ANA, "Ask now", {}),
        (BO, "Show", {}),
        (BO, "Yes, I can", {}),
        (ANA, "Show", {}),
        (ANA, "Stay unnamed and write", {}),
        (ANA, "Stop asking", {}),
    ):
        if any(label in card.buttons for card in home.at(who).reads(who)):
            await home.at(who).presses(who, label, answers)
        await home.engine.idle()


async def logged(folder: Path, lines: Lines, platform: str, failing: dict[str, dict[str, Any]], asked: bool) -> Any:
    """What is logged in two hours in which these methods fail: when, and what."""
    async with at_home(folder, *EVERYBODY, on_teams=EVERYBODY if platform == "teams" else ()) as home:
        await play(home, ASKED[:8])
        await home.at(ANA).types(ANA, "help")
        await home.engine.idle()
        lines.clock, lines.said, lines.at = home.time.now, [], []
        for method, fault in failing.items():
            home.at(ANA).fails(method, times=10_000, **fault)
        for five_minutes in range(24):
            if asked and five_minutes == 4:
                await one_request(home)
            home.time.pass_(timedelta(minutes=5))
            await home.engine.wake()
            await home.engine.idle()
            await home.sampler.sample()
        return list(zip(lines.at, lines.said, strict=True))


@pytest.mark.parametrize(
    ("fault", "posts_fail", "platform"), [*itertools.product(FAULTS, (True, False), POSTS)][:: every_nth(5)]
)
async def test_under_any_fault_a_request_shows_in_counts_on_the_hour_and_nowhere_else(
    fault, posts_fail, platform, tmp_path: Path, lines: Lines
):
    for folder in (tmp_path / "without", tmp_path / "with"):
        folder.mkdir()
    failing = dict.fromkeys(OTHERS[platform] + POSTS[platform] * posts_fail, FAULTS[fault])
    without = await logged(tmp_path / "without", lines, platform, failing, asked=False)
    with_one = await logged(tmp_path / "with", lines, platform, failing, asked=True)
    more = [line for line in with_one if line not in without]
    assert more or not posts_fail
    assert {said["event"] for _, (_, said) in more} <= HELD
    assert all(at.minute == 0 and said["count"] >= 1 for at, (_, said) in more)
    assert [line for line in with_one if line not in more] == without


@pytest.mark.parametrize("fault", [{"status": 500}, {"error": "internal_error"}, {"reset": True, "done": True}])
async def test_with_and_without_one_request_logs_differ_in_hourly_counts_only(fault, tmp_path: Path):
    said = {}
    for asked in (False, True):
        (tmp_path / str(asked)).mkdir()
        async with story(tmp_path / str(asked)) as s:
            s.slack.fails("chat.postMessage", times=100, **fault)
            if asked:
                await s.slack.types(ANA, "help")
                await s.turns(lambda s=s: any(method == "chat.postMessage" for method, _ in s.slack.calls))
            assert await s.serve.end() == 0
            said[asked] = told(s.serve.said.decode())
    counts = [line for line in said[True] if line not in said[False]]
    assert counts
    assert {line["event"] for line in counts} <= HELD
    assert all(line["count"] >= 1 for line in counts)
    assert [line for line in said[True] if line not in counts] == said[False]
