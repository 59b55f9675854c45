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
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import aiohttp
from aiohttp import web

from adapters.pace import Pace, Rates
from bench import hospital
from bench.hospital import TEAM, Button
from bot import app as programme
from bot import config, logs
from bot.engine import Engine
from bot.store.base import Record

ROOT = Path(__file__).parent.parent
SECRET, TOKEN = "a-secret-of-a-benchmark", "xoxb-of-a-benchmark"
ROUNDS, CROWD, TOGETHER, ALONE = 5, 32, 1000, 150
STORED, BACKLOG, A_SECOND, SECONDS = 20_000, 2_000, 50, 10
GROWTH, TURNS = 20_000, 5
BARE = """
import aiohttp.web, apscheduler.schedulers.asyncio, babel.dates, cryptography.hazmat.primitives.ciphers.aead, dotenv
import fluent.runtime, orjson, pydantic_settings, slack_bolt.async_app, slack_sdk.web.async_client
import structlog, tinydb, typer
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmRSS")))
"""


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure and what it should be."""

    what: str
    value: float
    goal: float
    at_least: bool = False

    @property
    def met(self) -> bool:
        return self.value >= self.goal if self.at_least else self.value <= self.goal

    def __str__(self) -> str:
        sign = "≥" if self.at_least else "≤"
        return f"{self.what:52}{self.value:8.3f}   goal {sign} {self.goal:<6.3g}{'met' if self.met else 'MISSED'}"


# ---------------------------------------------------------------- what is measured


@dataclass(slots=True)
class Figures:
    """One server's rounds."""

    together: list[float]  # requests a second
    alone: list[float]  # seconds, the median of a round
    cpu: list[float]  # seconds of processor time a request

    async def measure(self, who: Other, buttons: Sequence[Button]) -> None:
        """One round: a crowd presses most of the buttons, and somebody alone the last ones."""
        before = who.cpu()
        taken, seconds = await at_once(who.url, requests_for(who, buttons[:TOGETHER]), CROWD)
        self.together.append(len(taken) / seconds)
        self.cpu.append((who.cpu() - before) / len(taken))
        taken, _ = await at_once(who.url, requests_for(who, buttons[TOGETHER:]), 1)
        self.alone.append(statistics.median(taken))


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
        figures = {name: Figures([], [], []) for name in everybody}
        for number in range(ROUNDS + 1):
            for name, who in everybody.items():
                made = await buttons_of(ours if who is stock else who, TOGETHER + ALONE)
                await figures[name].measure(who, made)
                if who is not stock:
                    await who.order("idle")
                if not number:  # the first round warms up
                    figures[name] = Figures([], [], [])
    print(f"{'a press, acknowledged':34}{'at once':>10}{'alone, p50':>14}{'CPU':>12}")
    for name, found in figures.items():
        rate, alone, cpu = map(statistics.median, (found.together, found.alone, found.cpu))
        print(f"{name:34}{rate:8,.0f}/s{alone * 1e3:11.2f} ms{cpu * 1e6:9.0f} µs")
    stocks, mine = figures["bolt, trivial"], figures["ours, Slack has asked to wait"]
    return [
        Goal("S1 requests/s, times stock Bolt", _ratio(mine.together, stocks.together), 0.8, at_least=True),
        Goal("S1 p50 one at a time, times stock Bolt", _ratio(mine.alone, stocks.alone), 0.2),
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


def _ratio(ones: Sequence[float], others: Sequence[float]) -> float:
    """The median of the ratios within each round."""
    return statistics.median(one / other for one, other in zip(ones, others, strict=True))


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


async def at_once(url: str, requests: Iterable[bytes], crowd: int) -> tuple[list[float], float]:
    """Each of so many connections asks again once it is answered. The seconds of each request, and of all."""
    waiting = iter(list(requests))

    async def asks(line: Line) -> list[float]:
        return [await line.ask(request) for request in waiting]

    async with _lines(url, crowd) as made:
        started = time.perf_counter()
        taken = await asyncio.gather(*map(asks, made))
        return [seconds for one in taken for seconds in one], time.perf_counter() - started


async def in_time(url: str, requests: Sequence[bytes], a_second: float) -> list[float]:
    """Requests that come when they come, answered or not. Seconds since each was due; inf where it failed."""
    loop = asyncio.get_running_loop()
    async with _lines(url, CROWD) as made:
        free: asyncio.Queue[Line] = asyncio.Queue()
        for line in made:
            free.put_nowait(line)
        started = loop.time()

        async def one(number: int, request: bytes) -> float:
            due = started + number / a_second
            await asyncio.sleep(max(due - loop.time(), 0))
            line = await free.get()
            try:
                await line.ask(request)
            except RuntimeError:  # it was not written in time: Slack would send it again
                return float("inf")
            finally:
                free.put_nowait(line)
            return loop.time() - due

        return await asyncio.gather(*(one(number, request) for number, request in enumerate(requests)))


class Line(asyncio.Protocol):
    """One connection: a request out, an answer back, and no more work than that, for it shares the machine."""

    def __init__(self) -> None:
        self._heard = b""
        self._answer: asyncio.Future[None] | None = None
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)  # noqa: S101
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._heard += data
        head, found, body = self._heard.partition(b"\r\n\r\n")
        if not found or self._answer is None or len(body) < _length(head):
            return
        answer, self._answer, self._heard = self._answer, None, b""
        if head.startswith(b"HTTP/1.1 200 "):
            answer.set_result(None)
        else:
            answer.set_exception(RuntimeError(head.partition(b"\r\n")[0].decode()))

    async def ask(self, request: bytes) -> float:
        """Seconds until the answer was here. Raises RuntimeError for any but 200."""
        assert self._transport is not None  # noqa: S101
        self._answer = asyncio.get_running_loop().create_future()
        started = time.perf_counter()
        self._transport.write(request)
        await self._answer
        return time.perf_counter() - started

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0


@asynccontextmanager
async def _lines(url: str, number: int) -> AsyncIterator[list[Line]]:
    """So many connections."""
    loop, place = asyncio.get_running_loop(), urlsplit(url)
    made = [(await loop.create_connection(Line, place.hostname or "", place.port or 0))[1] for _ in range(number)]
    try:
        yield made
    finally:
        for line in made:
            line.close()


# ---------------------------------------------------------------- the other processes


@dataclass(frozen=True, slots=True)
class Other:
    """A process of ours: where it listens, where it takes orders, and what it uses."""

    url: str
    orders: str
    pid: int

    @property
    def path(self) -> str:
        return urlsplit(self.url).path

    async def order(self, what: str, **values: Any) -> Any:
        """Let it do something that is not measured."""
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=600)) as session,
            session.post(f"{self.orders}/{what}", json=values) as answer,
        ):
            return await answer.json()

    def cpu(self) -> float:
        """Seconds of processor time so far."""
        used = Path(f"/proc/{self.pid}/stat").read_text("ascii").rpartition(")")[2].split()[11:13]
        return sum(map(int, used)) / os.sysconf("SC_CLK_TCK")

    def rss(self) -> int:
        """KiB in memory."""
        said = Path(f"/proc/{self.pid}/status").read_text("ascii")
        return next(int(line.split()[1]) for line in said.splitlines() if line.startswith("VmRSS"))


@asynccontextmanager
async def other(role: str, *more: str) -> AsyncIterator[Other]:
    """This file in another role, in a process of its own."""
    command, pipe = (sys.executable, "-m", "bench.slack", role, *more), asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, cwd=ROOT)
    assert process.stdin is not None  # noqa: S101
    assert process.stdout is not None  # noqa: S101
    try:
        url, orders = (await process.stdout.readline()).decode().split()
        yield Other(url, orders, process.pid)
    finally:
        process.stdin.close()
        await process.wait()


async def buttons_of(ours: Other, number: int) -> list[Button]:
    """So many new requests, and a button of each."""
    return [Button(*one) for one in await ours.order("prepare", count=number)]


async def be_slack() -> None:
    """Say yes to everything."""
    numbers = count()
    user = {"id": "U", "team_id": TEAM, "name": "x", "tz": "America/New_York", "locale": "en-US"}
    said: dict[str, dict[str, Any]] = {
        "auth.test": {"team_id": TEAM, "user_id": "U0BOT", "bot_id": "B0BOT", "url": "x", "team": "x", "user": "x"},
        "users.info": {"user": user},
    }

    async def answer(request: web.Request) -> web.Response:
        await request.read()
        found = said.get(request.match_info["method"]) or {"channel": "D0", "ts": f"1700000001.{next(numbers):06d}"}
        return web.json_response({"ok": True} | found)

    app = web.Application()
    app.router.add_post("/api/{method}", answer)
    await _serve(app, "/api/")


async def be_stock(api: str) -> None:
    """Bolt as its tutorial has it: default mode, one listener, nothing remembered."""
    from slack_bolt.async_app import AsyncApp
    from slack_sdk.web.async_client import AsyncWebClient

    bolt = AsyncApp(signing_secret=SECRET, client=AsyncWebClient(TOKEN, base_url=api))

    @bolt.action("press:0")
    async def acknowledge(ack: Any) -> None:
        await ack()

    await _serve(bolt.web_app(), "/slack/events")


async def be_ours(api: str, folder: str, pace: str) -> None:
    """The whole programme. How Slack paces it: "free" never, "shut" not before an hour, "as-it-is" as in production."""
    time_machine = TimeMachine()
    logs.configure("json", "ERROR")
    world = programme.World(time_machine.now, pace={"shut": _shut, "free": _free, "as-it-is": Pace}[pace])
    async with programme.running(config.load(_environ(api, folder), Path(folder)), world) as running:
        house = running.engine.house
        await house.store.save(*hospital.volunteers(house.vault, house.now()))
        app = web.Application()
        app.router.add_post("/{what}", Orders(running.engine, time_machine).take)
        await _serve(app, "", running.public + "/slack/events")


def _shut(rates: Rates) -> Pace:
    pace = Pace(rates)
    pace.close("update", timedelta(hours=1))
    return pace


def _free(rates: Rates) -> Pace:
    return Pace(rates, patience=float("inf"), sleep=_no_wait)


async def _no_wait(_: float) -> None:
    """Waits are asked for, and take no time."""


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
            "pass": self.pass_,
            "idle": self.idle,
            "know": self.know,
        }
        return web.json_response(await deeds[request.match_info["what"]](**await request.json()))

    async def prepare(self, count: int) -> Any:
        house = self.engine.house
        records, buttons = hospital.check_ins(house.vault, count, house.now())
        for start in range(0, len(records), 500):
            await house.store.save(*records[start : start + 500])
        self.kept.extend(records)
        return [(b.user, b.channel, b.ts, b.token) for b in buttons]

    async def restore(self) -> Any:
        """Everything as it was prepared, so that the same buttons can be pressed again."""
        store = self.engine.house.store
        for record in self.kept:
            if (found := await store.load(record.id)) is not None:
                await store.save(replace(record, revision=found.revision))

    async def pass_(self, hours: float) -> Any:
        self.time_machine.ahead += timedelta(hours=hours)
        await self.engine.wake()
        await self.engine.house.store.purge()
        return self.engine.house.now().timestamp()

    async def idle(self) -> Any:
        await self.engine.idle()
        return self.engine.house.now().timestamp()

    async def know(self) -> Any:
        """Ask who everybody is, which else their first press would wait for."""
        for who in (*hospital.CLINICIAN, *hospital.VOLUNTEER):
            await self.engine.house.adapters["slack"].profile(who)


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


async def _serve(app: web.Application, path: str, public: str = "") -> None:
    """Listen, say where, and go on until the one that started us closes our stdin."""
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    print(public or url + path, url, flush=True)
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await reader.read()
    await runner.cleanup()


# ---------------------------------------------------------------- all of it


async def main(folder: Path) -> int:
    """Measure and print. Returns how many goals were missed."""
    async with other("slack") as api:
        goals = [*await presses(api, folder), *await surge(api, folder), *await weight(api, folder)]
    print()
    for goal in goals:
        print(goal)
    return sum(not goal.met for goal in goals)


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
