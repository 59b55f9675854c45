"""Alerts tell the operator what is wrong by its kind alone; a missing heartbeat tells that we are not running."""

from __future__ import annotations

import asyncio
import json
import re
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import web as aio

from bot import logging as logs
from bot.config.proxy import Route
from bot.health import Finding
from bot.monitoring.alerts import HEARTBEAT, KINDS, REPEAT_AFTER, Alerts
from bot.server import http
from tests.config.network_stand_in import Proxy, Says, at
from tests.running.ports import free_port
from tests.stories.serve import MORNING, PATIENCE, ROOT, story

WELL = (Finding("store", "ok", "The store can be written."),)
ILL = (Finding("store", "fail", "The store cannot be written.", "Mend it."),)


class Pager:
    """Somebody's monitoring; remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[dict[str, str]] = []
        self.status = 200
        self.heard = asyncio.Event()

    async def take(self, request: aio.Request) -> aio.Response:
        if self.status == 200:
            self.told.append(json.loads(await request.read()))
        self.heard.set()
        return aio.Response(status=self.status)

    def kinds(self) -> list[str]:
        found = [each["kind"] for each in self.told]
        self.told.clear()
        return found


@asynccontextmanager
async def pager() -> AsyncIterator[tuple[Pager, str]]:
    answers = Pager()
    listening = await http.listen(http.public({"/alerts": answers.take}), "127.0.0.1:0")
    try:
        yield answers, listening.url + "/alerts"
    finally:
        await listening.stop()


class Now:
    """A clock one can push."""

    def __init__(self) -> None:
        self.now = MORNING

    def __call__(self):
        return self.now


def logged(alerts: Alerts, event: str, **more: object) -> None:
    """As an error of ours arrives there."""
    record = logs.logging.LogRecord("bot", logs.logging.ERROR, "x.py", 1, logs._OwnEvent(event=event, **more), (), None)
    alerts.handle(record)


async def test_an_error_is_sent_once_an_hour_by_its_kind_alone():
    now = Now()
    async with pager() as (told, url):
        alerts = Alerts(url, Route(ssl.create_default_context()), now)
        for _ in range(3):
            logged(alerts, "message-dead", platform="slack", who="canary")
        logged(alerts, "canary")
        await alerts.send(WELL)
        assert told.told[0] == {"kind": "message-dead", "text": "peersupport: message-dead"}
        assert told.kinds() == ["message-dead", "well"]
        logged(alerts, "message-dead")
        await alerts.send(WELL)
        assert told.kinds() == []
        now.now += REPEAT_AFTER
        logged(alerts, "message-dead")
        await alerts.send(WELL)
        assert told.kinds() == ["message-dead", "well"]


async def test_the_heartbeat_is_sent_every_five_minutes_while_ready():
    now = Now()
    async with pager() as (told, url):
        alerts = Alerts(url, Route(ssl.create_default_context()), now)
        for _ in range(40):  # ten minutes
            await alerts.send(WELL)
            now.now += timedelta(seconds=15)
        assert told.kinds() == ["well", "well"]
        assert timedelta(minutes=5) == HEARTBEAT
        for _ in range(40):
            await alerts.send(ILL)
            now.now += timedelta(seconds=15)
        assert told.kinds() == ["not-ready"]
        await alerts.send(WELL)
        assert told.kinds() == ["well"]


async def test_an_alert_that_failed_is_sent_with_the_next_sample():
    async with pager() as (told, url):
        alerts = Alerts(url, Route(ssl.create_default_context()), Now())
        told.status = 500
        logged(alerts, "record-failed")
        await alerts.send(WELL)
        assert told.kinds() == []
        told.status = 200
        await alerts.send(WELL)
        assert told.kinds() == ["record-failed", "well"]


async def test_an_unreachable_address_is_logged_by_kind_and_never_by_name(capsys):
    alerts = Alerts(f"http://127.0.0.1:{free_port()}/canary", Route(ssl.create_default_context()), Now())
    await alerts.send(ILL)
    said = capsys.readouterr()
    assert "alert-not-taken" in said.out + said.err
    assert "canary" not in said.out + said.err


async def test_alerts_go_through_the_proxy():
    async with Says(at(MORNING)) as proxy:
        alerts = Alerts("http://alerts.example/x", Route(ssl.create_default_context(), proxy.url), Now())
        await alerts.send(WELL)
    assert proxy.heard[0].startswith(b"POST http://alerts.example/x HTTP/1.1\r\n")
    async with Proxy({}) as refuses:
        alerts = Alerts("https://alerts.example/x", Route(ssl.create_default_context(), refuses.url), Now())
        await alerts.send(WELL)
    assert refuses.asked == ["CONNECT alerts.example:443"]


@pytest.mark.parametrize("kind", sorted(KINDS - {"well", "not-ready", "unhandled"}))
def test_every_kind_is_an_error_that_we_log(kind):
    rooms = (ROOT / "bot", ROOT / "adapters")
    source = "".join(path.read_text("utf-8") for room in rooms for path in room.rglob("*.py"))
    assert f'error("{kind}"' in source


def test_every_error_that_we_log_while_serving_is_a_kind():
    source = "".join(path.read_text("utf-8") for path in (ROOT / "bot").rglob("*.py"))
    logged = set(re.findall(r'log\.error\("([a-z-]+)"', source))
    assert logged - KINDS == {"stop-failed", "stopped-by-force"}  # when nobody is left to tell


async def test_a_programme_that_serves_sends_a_heartbeat(tmp_path: Path):
    async with pager() as (told, url), story(tmp_path, PEERSUPPORT_ALERT_URL=url) as s:
        async with asyncio.timeout(PATIENCE):
            await told.heard.wait()
        assert told.kinds() == ["well"]
        assert await s.serve.end() == 0
    assert b"alerts" not in s.serve.said


PROGRAM = """
import asyncio, logging, ssl, sys
from datetime import UTC, datetime
import structlog
from bot import logging as logs
from bot.monitoring.alerts import Alerts
from bot.config.proxy import Route

logs.configure("json", "ERROR")
alerts = Alerts(sys.argv[1], Route(ssl.create_default_context()), lambda: datetime.now(UTC))
alerts.attach()
structlog.get_logger("bot.post").error("message-dead", platform="slack", to="canary")
structlog.get_logger("bot.post").warning("platform-stopped")
logging.getLogger("asyncio").error("record-failed")
asyncio.run(alerts.send(()))
"""


async def test_our_errors_are_sent_and_those_of_libraries_are_not():
    async with pager() as (told, url):
        ran = await asyncio.create_subprocess_exec(sys.executable, "-c", PROGRAM, url, cwd=ROOT)
        assert await ran.wait() == 0
        assert "canary" not in repr(told.told)
        assert told.kinds() == ["message-dead", "well"]
