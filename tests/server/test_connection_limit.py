"""No connection that waits, trickles or talks nonsense keeps another from being served."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial

import aiohttp
import pytest
from aiohttp import web as aio
from structlog.testing import capture_logs

import adapters.slack
import adapters.teams
from bot.monitoring.readiness import Readiness
from bot.server import http
from bot.server.connection_limit import OPS_CONNECTIONS, PUBLIC_CONNECTIONS, ConnectionLimiter, ConnectionTimes
from tests.stories.serve import ROOT, at_home

PATIENCE = 10.0  # real seconds after which a test gives up
LONG = ConnectionTimes(head=60, idle=60)
REQUEST = b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"


@dataclass
class Client:
    """One connection, byte for byte."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def says(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def reads(self) -> bytes:
        """The first line of an answer; nothing once the connection is closed."""
        async with asyncio.timeout(PATIENCE):
            try:
                return await self.reader.readuntil(b"\r\n")
            except (asyncio.IncompleteReadError, ConnectionResetError):
                return b""

    async def is_closed(self) -> bool:
        """Wait until it is."""
        async with asyncio.timeout(PATIENCE):
            try:
                return await self.reader.read() is not None
            except ConnectionResetError:
                return True


async def connects(url: str, stack: AsyncExitStack, data: bytes = b"") -> Client:
    """Connect, and say this; the stack hangs up."""
    client = Client(*await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2])))
    stack.callback(client.writer.close)
    await client.says(data)
    return client


@dataclass
class Listener:
    """A server whose only route answers when it is let go."""

    url: str
    may_answer: asyncio.Event
    stack: AsyncExitStack

    async def connects(self, data: bytes = b"") -> Client:
        return await connects(self.url, self.stack, data)

    async def asks(self) -> int:
        async with aiohttp.ClientSession() as session, session.post(self.url + "/x") as answer:
            return answer.status


@asynccontextmanager
async def listener(limit: int = 500, times: ConnectionTimes = LONG, log_every: float = 0.0) -> AsyncIterator[Listener]:
    may_answer = asyncio.Event()
    may_answer.set()

    async def answer(_: aio.Request) -> aio.Response:
        await may_answer.wait()
        return aio.Response(text="done")

    app = http.public({"/x": answer})
    listening = await http.listen(app, "127.0.0.1:0", ConnectionLimiter(limit, times), log_every=log_every)
    async with AsyncExitStack() as stack:
        try:
            yield Listener(listening.url, may_answer, stack)
        finally:
            may_answer.set()
            await listening.stop()


async def test_the_connection_that_has_waited_longest_makes_room_for_a_new_one():
    async with listener(limit=3) as here:
        oldest, *others = [await here.connects() for _ in range(3)]
        assert await here.asks() == 200
        assert await oldest.is_closed()
        for each in others[1:]:
            await each.says(REQUEST)
            assert await each.reads() == b"HTTP/1.1 200 OK\r\n"


async def test_a_request_under_way_is_not_interrupted_for_a_new_connection():
    async with listener(limit=2) as here:
        here.may_answer.clear()
        serving = [await here.connects(REQUEST) for _ in range(2)]
        assert await (await here.connects(REQUEST)).is_closed()  # every place serves someone
        here.may_answer.set()
        assert [await each.reads() for each in serving] == [b"HTTP/1.1 200 OK\r\n"] * 2
        assert await here.asks() == 200


@pytest.mark.parametrize(
    "begun", [b"", b"POST /x HTTP/1.1\r\nHost: x\r\n", b"POST"], ids=["no byte", "half a head", "half a line"]
)
async def test_headers_that_do_not_come_close_the_connection(begun):
    async with listener(times=ConnectionTimes(head=0.05, idle=60)) as here:
        assert await (await here.connects(begun)).is_closed()


async def test_each_of_several_connections_that_wait_is_closed_in_its_turn():
    async with listener(times=ConnectionTimes(head=0.05, idle=60)) as here:
        served = await here.connects(REQUEST)
        assert await served.reads() == b"HTTP/1.1 200 OK\r\n"
        assert [await each.is_closed() for each in [await here.connects() for _ in range(3)]] == [True] * 3
        await served.says(REQUEST)
        assert await served.reads() != b""


async def test_headers_that_trickle_close_the_connection():
    async with listener(times=ConnectionTimes(head=0.2, idle=60)) as here:
        client = await here.connects(b"POST /x HTTP/1.1\r\n")
        closed = asyncio.create_task(client.is_closed())
        async with asyncio.timeout(PATIENCE):
            while not closed.done():
                client.writer.write(b"a: b\r\n")
                await asyncio.wait([closed], timeout=0.02)
        assert await closed


async def test_a_further_request_has_as_long_for_its_headers_as_the_first():
    async with listener(times=ConnectionTimes(head=0.05, idle=60)) as here:
        client = await here.connects(REQUEST)
        assert await client.reads() == b"HTTP/1.1 200 OK\r\n"
        await client.says(b"POST /x HTTP/1.1\r\n")
        assert await client.is_closed()


async def test_a_connection_that_is_idle_between_requests_is_closed_in_the_end():
    async with listener(times=ConnectionTimes(head=60, idle=0.05)) as here:
        client = await here.connects(REQUEST)
        assert await client.reads() == b"HTTP/1.1 200 OK\r\n"
        assert await client.is_closed()


async def test_a_request_may_take_longer_to_serve_than_its_headers_may_take_to_come():
    async with listener(times=ConnectionTimes(head=0.05, idle=0.05)) as here:
        other = await here.connects()
        here.may_answer.clear()
        client = await here.connects(REQUEST)
        assert await other.is_closed()  # a time as long has passed
        here.may_answer.set()
        assert await client.reads() == b"HTTP/1.1 200 OK\r\n"


async def test_many_requests_on_one_connection_are_all_answered():
    async with listener(limit=1) as here:
        client = await here.connects()
        for _ in range(20):
            await client.says(REQUEST)
            assert await client.reads() == b"HTTP/1.1 200 OK\r\n"
            await client.reader.readuntil(b"done")


async def test_more_idle_connections_than_a_process_may_open_silence_neither_port():
    async with listener() as here:
        ops = await http.listen(http.ops(Readiness({}).check), "127.0.0.1:0", ConnectionLimiter(32, LONG))
        for _ in range(600):
            await here.connects()
        assert await here.asks() == 200
        get = partial(aiohttp.ClientSession.get, url=ops.url + "/readyz")
        async with aiohttp.ClientSession() as session, get(session) as answer:
            assert answer.status == 200
        await ops.stop()


NOWHERE = b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n"
NOT_FOUND = b"HTTP/1.1 404 Not Found\r\n"
OURS = 16  # connections of the test's own, to spare


@pytest.mark.parametrize("flooded", ["public", "ops"])
async def test_each_port_of_the_programme_has_a_limit_of_its_own(flooded, tmp_path):
    limit = {"public": PUBLIC_CONNECTIONS, "ops": OPS_CONNECTIONS}[flooded]
    async with at_home(tmp_path, "U0ANA") as home, AsyncExitStack() as stack:
        urls = {"public": home.slack.app_url.removesuffix("/slack/events"), "ops": home.ops}
        other = await connects(urls["ops" if flooded == "public" else "public"], stack)
        idle = []
        for _ in range(limit + 1):  # each is answered and lies idle, as those of a proxy may for minutes
            idle.append(await connects(urls[flooded], stack, NOWHERE))
            assert await idle[-1].reads() == NOT_FOUND
        assert await idle[0].is_closed()
        await idle[OURS].reader.readuntil(b"not found")
        await idle[OURS].says(NOWHERE)
        assert await idle[OURS].reads() == NOT_FOUND  # the limit is no smaller
        assert await home.is_ready() == (200, "ok")
        assert (await home.slack.command("U0ANA")).status == 200
        await other.says(NOWHERE)
        assert await other.reads() == NOT_FOUND


def test_the_limits_are_those_that_hospital_it_reads():
    page = " ".join((ROOT / "docs/security.md").read_text("utf-8").split())
    numbers = {10.0: "ten", 9.0: "9", 2.3: "2.3"}
    head, slack, teams = (
        numbers[seconds] for seconds in (ConnectionTimes().head, adapters.slack.PATIENCE, adapters.teams.PATIENCE)
    )
    assert f"Headers have {head} seconds to come, and a body {slack} (Slack) or {teams} (Teams)." in page
    assert (
        f"at most {PUBLIC_CONNECTIONS} connections on the public port and {OPS_CONNECTIONS} on the operator's" in page
    )


GARBAGE = (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n", b"canary\r\n\r\n", b"POST /x HTTP/9.canary\r\n\r\n")


async def test_what_is_not_http_is_one_line_in_a_minute():
    with capture_logs() as logs:
        async with listener(log_every=60.0) as here:
            for _ in range(20):
                for garbage in GARBAGE:
                    assert (await (await here.connects(garbage)).reads()).startswith(b"HTTP/1.0 400")
    assert [{**line, "count": 0} for line in logs] == [{"event": "not-http", "log_level": "warning", "count": 0}]
    assert "canary" not in str(logs)


async def test_what_was_not_said_is_counted_in_the_next_line():
    with capture_logs() as logs:
        async with listener(log_every=0.0) as here:
            for _ in range(3):
                await (await here.connects(GARBAGE[-1])).is_closed()
    assert sum(line["count"] for line in logs) == 3
