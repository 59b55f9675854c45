"""A durable Slack press beside stock Bolt's trivial one, a surge, and what the process weighs: python -m bench.slack.

Four processes on the loopback: ours (the whole programme), stock (Bolt with one listener that acknowledges), a Slack
that says yes to everything, and the one that presses, which is this one.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from adapters.fakes.slack.server import SlackServer
from adapters.rate_limit import RateLimiter, Rates
from bench import hospital
from bench.goals import Goal, missed, ratio
from bench.hospital import TEAM, Button
from bench.loopback import CROWD, Figures, Other, at_once, in_time, launched, serve, unpaced
from bot import config
from bot import logging as logs
from bot.engine.engine import Engine
from bot.errors import StaleRevision
from bot.server import app as programme
from bot.store.base import Deletion, Record

other = partial(launched, "bench.slack")
SECRET, TOKEN = "a-secret-of-a-benchmark", "xoxb-of-a-benchmark"
ROUNDS, TOGETHER, ALONE = 5, 1000, 150
STORED, BACKLOG, A_SECOND, SECONDS = 20_000, 2_000, 50, 10
GROWTH, TURNS = 20_000, 5
BARE = """
import aiohttp.web, apscheduler.schedulers.asyncio, babel.dates, cryptography.hazmat.primitives.ciphers.aead, dotenv
import fluent.runtime, orjson, pydantic, slack_bolt.async_app, slack_sdk.web.async_client
import structlog, tinydb, typer
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmRSS")))
"""


# ---------------------------------------------------------------- what is measured


async def presses(api: Other, folder: Path) -> list[Goal]:
    """S1: interleaved rounds of the same payload against ours and against stock Bolt."""
    async with (
        other("stock", api.url) as stock,
        other("ours", api.url, str(folder / "shut"), "shut") as ours,
        other("ours", api.url, str(folder / "free"), "free") as sending,
    ):
        everybody = {
            "bolt, trivial": stock,
            "ours, Slack has asked to wait": ours,
            "ours, and edited at Slack": sending,
        }
        figures = {name: Figures() for name in everybody}
        for number in range(ROUNDS + 1):
            for name, who in everybody.items():
                made = await buttons_of(ours if who is stock else who, TOGETHER + ALONE)
                crowd, alone = (requests_for(who, part) for part in (made[:TOGETHER], made[TOGETHER:]))
                await figures[name].measure(who, crowd, alone)
                if who is not stock:
                    await who.order("idle")
                if not number:  # the first round warms up
                    figures[name] = Figures()
    print(f"{'a press, acknowledged':34}{'at once':>10}{'alone, p50':>14}{'CPU':>12}")
    for name, found in figures.items():
        print(f"{name:34}{found}")
    stocks, mine = figures["bolt, trivial"], figures["ours, Slack has asked to wait"]
    return [
        Goal("S1 requests/s, times stock Bolt", ratio(mine.together, stocks.together), 0.8, at_least=True),
        Goal("S1 p50 one at a time, times stock Bolt", ratio(mine.alone, stocks.alone), 0.2),
    ]


async def surge(api: Other, folder: Path) -> list[Goal]:
    """S7: fifty presses a second with 20,000 stored, with nothing to send and with a queue Slack will not take."""
    print()
    slowest = []
    async with other("ours", api.url, str(folder / "surge"), "as-it-is") as ours:
        await buttons_of(ours, STORED)
        await ours.order("know")
        for queued in (0, BACKLOG):
            before = await buttons_of(ours, queued)
            await in_time(ours.url, requests_for(ours, before), 4 * A_SECOND)
            made = await buttons_of(ours, A_SECOND * SECONDS)
            used = ours.cpu()
            taken = await in_time(ours.url, requests_for(ours, made), A_SECOND)
            busy = (ours.cpu() - used) / SECONDS
            slowest.append(_of(taken, 0.99))
            print(
                f"surge, {queued:5,} queued   acknowledged p50 {_of(taken, 0.5) * 1e3:7.1f} ms, "
                f"p99 {_of(taken, 0.99) * 1e3:7.1f} ms; busy {busy:4.0%}; failed {taken.count(float('inf'))}"
            )
    return [
        Goal("S7 seconds p99, nothing queued", slowest[0], 0.1),
        Goal(f"S7 seconds p99, {BACKLOG:,} queued", slowest[1], 0.1),
    ]


async def weight(api: Other, folder: Path) -> list[Goal]:
    """S8: when it is ready, what it weighs idle, and what twenty thousand presses add."""
    bare = await asyncio.create_subprocess_exec(sys.executable, "-c", BARE, stdout=asyncio.subprocess.PIPE)
    imports = int((await bare.communicate())[0])
    started = time.perf_counter()
    async with other("ours", api.url, str(folder / "weight"), "free") as ours:
        ready, idle, rounds = time.perf_counter() - started, ours.rss(), []
        made = await buttons_of(ours, GROWTH // TURNS)
        now = await ours.order("idle")
        for _ in range(TURNS):
            await at_once(ours.url, requests_for(ours, made, now), CROWD)
            await ours.order("idle")
            await ours.order("restore")
            now = await ours.order("pass", hours=26)  # what was seen is forgotten
            rounds.append(ours.rss())
    print(f"\nready in {ready:.2f} s; {idle / 1024:.0f} MiB idle, bare imports {imports / 1024:.0f} MiB")
    print(f"MiB after each {GROWTH // TURNS:,} presses:", " ".join(f"{kib / 1024:.1f}" for kib in rounds))
    return [
        Goal("S8 seconds until ready", ready, 2.0),
        Goal("S8 idle memory, times the bare imports", idle / imports, 1.3),
        Goal("S8 memory after all presses, times after two fifths", rounds[-1] / rounds[1], 1.03),
    ]


def _of(taken: Sequence[float], part: float) -> float:
    return sorted(taken)[min(int(len(taken) * part), len(taken) - 1)]


# ---------------------------------------------------------------- pressing

_numbers = count()


def requests_for(to: Other, buttons: Iterable[Button], now: float | None = None) -> list[bytes]:
    """Everything Slack would send for these buttons, signed now."""
    return [_request(to.path, _payload(button), now or time.time()) for button in buttons]


def _payload(button: Button) -> dict[str, Any]:
    number = next(_numbers)
    pressed = {
        "type": "button",
        "action_id": "press:0",
        "block_id": "b",
        "text": {"type": "plain_text", "text": "I'm okay for now", "emoji": False},
        "value": button.token,
        "action_ts": f"{number}.000000",
    }
    return {
        "type": "block_actions",
        "user": {"id": button.user, "username": button.user.lower(), "team_id": TEAM},
        "api_app_id": "A0APP",
        "token": "legacy",
        "container": {"type": "message", "message_ts": button.ts, "channel_id": button.channel, "is_ephemeral": False},
        "trigger_id": f"1.2.{number}",
        "team": {"id": TEAM, "domain": "hospital"},
        "channel": {"id": button.channel, "name": "directmessage"},
        "message": {"type": "message", "ts": button.ts, "text": "You have a message.", "blocks": []},
        "state": {"values": {}},
        "response_url": "http://127.0.0.1:9/response",
        "actions": [pressed],
    }


def _request(path: str, payload: dict[str, Any], now: float) -> bytes:
    body = urlencode({"payload": json.dumps(payload)}).encode()
    stamp = str(int(now))
    signed = hmac.new(SECRET.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hexdigest()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: Slackbot 1.0\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n"
        f"X-Slack-Request-Timestamp: {stamp}\r\nX-Slack-Signature: v0={signed}\r\n\r\n"
    )
    return head.encode() + body


# ---------------------------------------------------------------- the other processes


async def buttons_of(ours: Other, number: int) -> list[Button]:
    """So many new requests, and a button of each."""
    return [Button(*one) for one in await ours.order("prepare", count=number)]


async def be_slack() -> None:
    """The fake Slack, to which everybody and every message exists as soon as it is asked for."""
    app = web.Application()
    app.add_routes(SlackServer(team=TEAM, token=TOKEN, secret=SECRET, lenient=True).wire.routes())
    await serve(app, "/api/")


async def be_stock(api: str) -> None:
    """Bolt as its tutorial has it: default mode, one listener, nothing remembered."""
    from slack_bolt.async_app import AsyncApp
    from slack_sdk.web.async_client import AsyncWebClient

    bolt = AsyncApp(signing_secret=SECRET, client=AsyncWebClient(TOKEN, base_url=api))

    @bolt.action("press:0")
    async def acknowledge(ack: Any) -> None:
        await ack()

    await serve(bolt.web_app(), "/slack/events")


async def be_ours(api: str, folder: str, pace: str) -> None:
    """The whole programme. How Slack paces it: "free" never, "shut" not before an hour, "as-it-is" as in production."""
    time_machine = TimeMachine()
    logs.configure("json", "ERROR")
    world = programme.ServerOptions(
        time_machine.now, rate_limiter={"shut": _shut, "free": unpaced, "as-it-is": RateLimiter}[pace]
    )
    async with programme.running_server(config.load(_environ(api, folder), Path(folder)), world) as running:
        services = running.engine.services
        with suppress(StaleRevision):  # after a restart they are there
            await services.store.save(*hospital.volunteers(services.vault, services.now()))
        app = web.Application()
        app.router.add_post("/{what}", Orders(running.engine, time_machine).take)
        await serve(app, "", running.public_url + "/slack/events")


def _shut(rates: Rates) -> RateLimiter:
    pace = RateLimiter(rates)
    pace.back_off("update", timedelta(hours=1))
    return pace


@dataclass(slots=True)
class TimeMachine:
    """The time, and how far ahead of it we are."""

    ahead: timedelta = timedelta(0)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@dataclass(slots=True)
class Orders:
    """What is done to the programme between two measurements."""

    engine: Engine
    time_machine: TimeMachine
    kept: list[Record] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        deeds: dict[str, Callable[..., Awaitable[Any]]] = {
            "prepare": self.prepare,
            "restore": self.restore,
            "forget": self.forget,
            "pass": self.pass_,
            "idle": self.idle,
            "know": self.know,
        }
        return web.json_response(await deeds[request.match_info["what"]](**await request.json()))

    async def prepare(self, count: int, *, owed: bool = False) -> Any:
        services = self.engine.services
        records, buttons = hospital.check_ins(services.vault, count, services.now(), owed=owed)
        for start in range(0, len(records), 500):
            await services.store.save(*records[start : start + 500])
        self.kept.extend(records)
        return [(b.user, b.channel, b.ts, b.token) for b in buttons]

    async def restore(self) -> Any:
        """Everything as it was prepared, so that the same buttons can be pressed again."""
        store = self.engine.services.store
        for record in self.kept:
            if (found := await store.load(record.id)) is not None:
                await store.save(replace(record, revision=found.revision))

    async def forget(self, tokens: Sequence[str]) -> Any:
        """Delete what these buttons are about."""
        services = self.engine.services
        for token in tokens:
            button = services.vault.read_token(token)
            if button is not None and (found := await services.store.load(button.record_id)) is not None:
                await services.store.save(Deletion(found.id, found.revision))

    async def pass_(self, hours: float) -> Any:
        self.time_machine.ahead += timedelta(hours=hours)
        await self.engine.wake()
        await self.engine.services.store.purge()
        return self.engine.services.now().timestamp()

    async def idle(self) -> Any:
        await self.engine.idle()
        return self.engine.services.now().timestamp()

    async def know(self) -> Any:
        """Ask who everybody is, which else their first press would wait for."""
        for who in (*hospital.CLINICIAN, *hospital.VOLUNTEER):
            await self.engine.services.adapters["slack"].profile(who)


def _environ(api: str, folder: str) -> dict[str, str]:
    return {
        "PEERSUPPORT_STORE": f"tinydb:///{folder}",
        "PEERSUPPORT_ROOT_KEY": base64.b64encode(bytes(range(32))).decode("ascii"),
        "PEERSUPPORT_COORDINATORS": f"slack:{TEAM}:U0DANA",
        "PEERSUPPORT_BIND": "127.0.0.1:0",
        "PEERSUPPORT_OPS_BIND": "127.0.0.1:0",
        "SLACK_BOT_TOKEN": TOKEN,
        "SLACK_SIGNING_SECRET": SECRET,
        "SLACK_API_URL": api,
    }


# ---------------------------------------------------------------- all of it


async def main(folder: Path) -> int:
    """Measure and print. Returns how many goals were missed."""
    async with other("slack") as api:
        goals = [*await presses(api, folder), *await surge(api, folder), *await weight(api, folder)]
    return missed(goals)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["slack"]:
            asyncio.run(be_slack())
        case ["stock", api]:
            asyncio.run(be_stock(api))
        case ["ours", api, folder, pace]:
            asyncio.run(be_ours(api, folder, pace))
        case more:
            with tempfile.TemporaryDirectory(dir=more[0] if more else None) as scratch:
                sys.exit(1 if asyncio.run(main(Path(scratch))) else 0)
