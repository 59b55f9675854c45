"""Processes on the loopback, one of which asks the others: who they are, how they are asked, and what it cost them."""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web

from adapters.rate_limit import RateLimiter, Rates

ROOT = Path(__file__).parent.parent
CROWD = 32  # connections at once


# ---------------------------------------------------------------- what is measured


async def _nothing() -> None:
    """Everything was done when it was answered."""


@dataclass(slots=True)
class Figures:
    """One server's rounds."""

    together: list[float] = field(default_factory=list)  # requests a second
    alone: list[float] = field(default_factory=list)  # seconds, the median of a round
    cpu: list[float] = field(default_factory=list)  # seconds of processor time a request

    async def measure(
        self, who: Other, crowd: Sequence[bytes], alone: Sequence[bytes], then: Callable[[], Awaitable[Any]] = _nothing
    ) -> None:
        """One round: many ask at once, then somebody alone. `then` waits for what still follows the answers."""
        before = who.cpu()
        taken, seconds = await at_once(who.url, crowd, CROWD)
        answered = time.perf_counter()
        await then()
        self.together.append(len(taken) / (seconds + time.perf_counter() - answered))
        self.cpu.append((who.cpu() - before) / len(taken))
        taken, _ = await at_once(who.url, alone, 1)
        self.alone.append(statistics.median(taken))
        await then()

    def __str__(self) -> str:
        rate, alone, cpu = map(statistics.median, (self.together, self.alone, self.cpu))
        return f"{rate:8,.0f}/s{alone * 1e3:11.2f} ms{cpu * 1e6:9.0f} µs"


# ---------------------------------------------------------------- asking


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
        if head.startswith(b"HTTP/1.1 2"):
            answer.set_result(None)
        else:
            answer.set_exception(RuntimeError(head.partition(b"\r\n")[0].decode()))

    async def ask(self, request: bytes) -> float:
        """Seconds until the answer was here. Raises RuntimeError for a refusal."""
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
async def launched(module: str, role: str, *more: str) -> AsyncIterator[Other]:
    """A benchmark in another role, in a process of its own. It ends when we are done with it."""
    command, pipe = (sys.executable, "-m", module, role, *more), asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, cwd=ROOT)
    assert process.stdin is not None  # noqa: S101
    assert process.stdout is not None  # noqa: S101
    try:
        url, orders = (await process.stdout.readline()).decode().split()
        yield Other(url, orders, process.pid)
    finally:
        process.stdin.close()
        await process.wait()


async def serve(app: web.Application, path: str, public: str = "") -> None:
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


def unpaced(rates: Rates) -> RateLimiter:
    """A platform that may be spoken to at any time."""
    return RateLimiter(rates, patience=float("inf"), sleep=_no_wait)


async def _no_wait(_: float) -> None:
    """Waits are asked for, and take no time."""
