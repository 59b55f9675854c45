"""The log does not tell when someone asked: what one request causes is told on the hour, as counts."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog

from bot import logging as logs
from bot.monitoring.hourly_log import HELD, HourlyLog
from bot.monitoring.readiness import REFUSED_SECONDS, RefusedPlatforms
from tests.stories.scenes import ANA
from tests.stories.serve import story

NOON = datetime(2026, 3, 2, 12, 0, 7, tzinfo=UTC)


def told(text: str) -> list[dict[str, Any]]:
    """The lines of a log without their times."""
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    return [{key: value for key, value in line.items() if key != "time"} for line in lines]


class Lines(logging.Handler):
    """Every line of our own that is not held back: its level, and what it says."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[tuple[str, dict[str, Any]]] = []

    def emit(self, record: logging.LogRecord) -> None:
        assert isinstance(record.msg, dict)
        self.said.append((record.levelname, dict(record.msg)))

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
    root.handlers = [lines := Lines()]
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
