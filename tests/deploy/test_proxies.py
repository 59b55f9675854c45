"""The reverse proxies of deploy/: four routes, the very bytes, no line about anybody, and no press lost with a replica.

The files themselves are run (proxies.py): in front of pretend replicas that show what arrived, and of real ones.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from multidict import CIMultiDictProxy

from adapters.fakes.slack.server import SlackServer
from bot.health import Finding
from bot.monitoring import readiness
from bot.monitoring.readiness import Readiness
from bot.server import http
from bot.server.http import BODY_LIMIT
from tests.deploy.proxies import CADDY, HAPROXY, NGINX, PATIENCE, Proxy, Replica, Sample, examine, installed, proxy
from tests.running.ports import free_port
from tests.stories.serve import Serve, Time, environment

EVERY = pytest.mark.parametrize("sample", [NGINX, HAPROXY, CADDY], ids=lambda sample: sample.program)
OF_SEVERAL = pytest.mark.parametrize("sample", [NGINX, HAPROXY], ids=lambda sample: sample.program)
PRESSES = ("/slack/events", "/api/messages")
VISITS = ("/slack/install", "/slack/oauth_redirect")
CANARY = "kestrel-in-a-query"


@dataclass
class Faults:
    """What the next requests meet, whichever replica they come to."""

    cut: int = 0  # so many are taken in, and never answered
    not_now: int = 0  # so many are answered with 503


@dataclass
class Pretend:
    """A replica that shows what came, and fails on demand."""

    place: Replica
    faults: Faults
    came: list[tuple[str, str, bytes, CIMultiDictProxy[str]]] = field(default_factory=list)
    accepted: set[str] = field(default_factory=lambda: {"slack", "teams"})  # the platforms that do not refuse it
    asked: asyncio.Event = field(default_factory=asyncio.Event)  # whether it is ready
    _runners: list[web.AppRunner] = field(default_factory=list)

    async def _take(self, request: web.Request) -> web.Response:
        self.came.append((request.method, str(request.rel_url), await request.read(), request.headers))
        if self.faults.cut:
            self.faults.cut -= 1
            assert request.transport is not None
            request.transport.abort()
        if self.faults.not_now:
            self.faults.not_now -= 1
            return web.Response(status=503)
        return web.json_response({})

    async def _is_ready(self) -> tuple[Finding, ...]:
        self.asked.set()
        is_open = {name: partial(self.accepted.__contains__, name) for name in ("slack", "teams")}
        return await Readiness(readiness.platforms(is_open, {})).check()

    async def is_asked(self, times: int) -> None:
        """Wait until it was asked so many times more whether it is ready."""
        async with asyncio.timeout(PATIENCE):
            for _ in range(times):
                self.asked.clear()
                await self.asked.wait()

    async def open(self) -> None:
        """Both of its doors are open when this returns."""
        taking = web.Application(client_max_size=2**22)
        taking.router.add_route("*", "/{anything:.*}", self._take)
        for port, app in ((self.place.public, taking), (self.place.ops, http.ops(self._is_ready))):
            self._runners.append(web.AppRunner(app, access_log=None, shutdown_timeout=0.1))
            await self._runners[-1].setup()
            await web.TCPSite(self._runners[-1], self.place.host, port).start()

    async def close(self) -> None:
        for runner in self._runners:
            await runner.cleanup()


def places(number: int) -> list[Replica]:
    public, ops = free_port(), free_port()
    return [Replica(f"127.0.0.{n}", public, ops) for n in range(1, number + 1)]


@dataclass
class House:
    front: Proxy
    replicas: list[Pretend]
    session: aiohttp.ClientSession
    faults: Faults

    async def press(self, body: bytes = b"{}", path: str = "/slack/events", **more: Any) -> int:
        async with self.session.post(self.front.url + path, data=body, **more) as answer:
            await answer.read()
            return answer.status

    def came(self) -> list[tuple[str, str, bytes, CIMultiDictProxy[str]]]:
        return [each for replica in self.replicas for each in replica.came]


@asynccontextmanager
async def house(sample: Sample, replicas: int = 1) -> AsyncIterator[House]:
    async with AsyncExitStack() as ending:
        faults = Faults()
        pretends = [Pretend(place, faults) for place in places(replicas)]
        for each in pretends:
            ending.push_async_callback(each.close)
            await each.open()
        front = await ending.enter_async_context(proxy(sample, free_port(), *(each.place for each in pretends)))
        session = await ending.enter_async_context(_calling(front.trust))
        made = House(front, pretends, session, faults)
        async with asyncio.timeout(PATIENCE):
            while not all(each.came for each in pretends):
                await made.press()  # until it has asked who is ready
        for each in pretends:
            each.came.clear()
        yield made


def _calling(trust: ssl.SSLContext) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trust, force_close=True))


# ---------------------------------------------------------------- what arrives, and what does not


@EVERY
def test_the_file_is_taken_as_it_stands(sample, tmp_path):
    assert examine(sample, tmp_path) == ""


@EVERY
async def test_what_slack_signed_arrives_byte_for_byte(sample):
    body = b"payload=%7B%22a%22%3A+%22%C3%A4%22%7D&x=%2B+" + bytes(range(1, 256)) * 780  # 199 KB
    signature = hmac.new(b"secret", b"v0:1:" + body, hashlib.sha256).hexdigest()
    sent = {"X-Slack-Signature": signature, "X-Slack-Request-Timestamp": "1", "Authorization": "Bearer a.b.c"}
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    async with house(sample) as h:
        assert await h.press(body, headers=sent | kind) == 200
        ((method, path, arrived, headers),) = h.came()
    assert (method, path) == ("POST", "/slack/events")
    assert hmac.new(b"secret", b"v0:1:" + arrived, hashlib.sha256).hexdigest() == headers["X-Slack-Signature"]
    assert all(headers[name] == value for name, value in (sent | kind).items())
    assert "X-Forwarded-For" not in headers  # nobody downstream needs to know from where


@EVERY
async def test_only_the_four_routes_are_public(sample):
    async with house(sample) as h:
        for path in PRESSES:
            assert await h.press(path=path) == 200
        for path in VISITS:
            async with h.session.get(f"{h.front.url}{path}?code=1.2&state=a%2Bb") as answer:
                assert answer.status == 200
        assert [each[1] for each in h.came()] == [*PRESSES, *(f"{path}?code=1.2&state=a%2Bb" for path in VISITS)]
        hidden = (
            "/",
            "/livez",
            "/readyz",
            "/readyz?verbose",
            "/metrics",
            "/slack",
            "/slack/events/",
            "/api/messages/x",
        )
        wrong = [("POST", path) for path in (*VISITS, *hidden)] + [("GET", path) for path in (*PRESSES, *hidden)]
        for method, path in wrong:
            async with h.session.request(method, h.front.url + path) as answer:
                assert answer.status in {403, 404}, (method, path)
        async with h.session.get(f"{h.front.url}/slack/install/%2e%2e/%2e%2e/metrics") as answer:
            assert answer.status in {400, 404}
        assert len(h.came()) == 4


@EVERY
async def test_a_body_larger_than_a_platforms_is_stopped_here(sample):
    async with house(sample) as h:
        assert await h.press(bytes(BODY_LIMIT)) == 200
        h.replicas[0].came.clear()
        assert await h.press(bytes(BODY_LIMIT + 1)) in {413, 502}
        assert [len(each[2]) for each in h.came() if len(each[2]) > BODY_LIMIT] == []


# ---------------------------------------------------------------- no press is lost


@OF_SEVERAL
async def test_a_replica_that_is_gone_loses_no_press(sample):
    async with house(sample, replicas=2) as h:
        await h.replicas[0].close()
        assert {await h.press() for _ in range(10)} == {200}
        assert len(h.replicas[1].came) == 10


@OF_SEVERAL
async def test_a_press_that_a_dying_replica_took_goes_to_the_other_once(sample):
    async with house(sample, replicas=2) as h:
        h.faults.cut = 1
        assert await h.press(b"once") == 200
        assert [each[2] for each in h.came()] == [b"once", b"once"]
        assert all(len(each.came) == 1 for each in h.replicas)


@OF_SEVERAL
async def test_a_code_that_is_good_for_one_try_is_not_sent_again(sample):
    async with house(sample, replicas=2) as h:
        h.faults.cut = 1
        async with h.session.get(f"{h.front.url}/slack/oauth_redirect?code=1") as answer:
            assert answer.status == 502
        assert len(h.came()) == 1


@OF_SEVERAL
async def test_not_now_from_one_replica_is_asked_of_the_other(sample):
    async with house(sample, replicas=2) as h:
        h.faults.not_now = 1
        assert await h.press() == 200
        assert len(h.came()) == 2


@pytest.mark.parametrize("refuses", ["slack", "teams"])
async def test_a_replica_that_one_platform_refuses_is_kept_and_one_that_both_refuse_is_not(refuses):
    async with house(HAPROXY) as h:
        (replica,) = h.replicas
        replica.accepted.remove(refuses)
        await replica.is_asked(4)  # it is taken out after two answers
        assert {await h.press(path=path) for path in PRESSES} == {200}
        other = set(replica.accepted)
        replica.accepted.clear()
        await replica.is_asked(2)
        async with asyncio.timeout(PATIENCE):
            while await h.press() != 503:
                pass
        replica.accepted |= other
        await replica.is_asked(1)
        async with asyncio.timeout(PATIENCE):
            while await h.press() != 200:
                pass


@EVERY
async def test_nothing_a_proxy_writes_tells_of_a_request(sample):
    async with house(sample) as h:
        await h.press(CANARY.encode() * 4000)
        async with h.session.get(f"{h.front.url}/slack/oauth_redirect?code={CANARY}") as answer:
            assert answer.status == 200
        await h.press(b"<" * (BODY_LIMIT + 1), f"/slack/events?{CANARY}")
        await h.press(path=f"/elsewhere?{CANARY}")
        await h.replicas[0].close()
        assert await h.press(path=f"/slack/events?{CANARY}") in {502, 503, 504}
        async with h.session.get(f"{h.front.url}/slack/oauth_redirect?code={CANARY}") as answer:
            assert answer.status in {502, 503, 504}
        written = b"".join(path.read_bytes() for path in h.front.folder.rglob("*") if path.is_file())
    said = bytes(h.front.said)  # until it was gone
    assert CANARY.encode() not in said + written
    for trace in (b"/slack/", b"POST", b"GET", b'"remote', b"Connect from"):
        assert trace not in said, said.decode()


# ---------------------------------------------------------------- real replicas


@asynccontextmanager
async def serving(
    tmp_path: Path, sample: Sample, *, database: str = ""
) -> AsyncIterator[tuple[SlackServer, list[Serve]]]:
    """One real `serve`, or two on one PostgreSQL, behind the sample. Ana has typed the command."""
    installed(sample)  # else nothing need start
    async with AsyncExitStack() as ending:
        time = Time(tmp_path / "clock")
        slack = await ending.enter_async_context(SlackServer(now=time.now))
        for user in ("U0ANA", "U0DANA"):
            slack.joins(user)
        store = {"PEERSUPPORT_STORE": database} if database else {}
        serves, at = [], places(2 if database else 1)
        for place in at:
            serve = Serve(time.path, environment(slack, tmp_path / "data", **store))
            serve.public, serve.ops = f"{place.host}:{place.public}", f"{place.host}:{place.ops}"
            serve.environ |= {"PEERSUPPORT_BIND": serve.public, "PEERSUPPORT_OPS_BIND": serve.ops}
            await serve.warm_up()
            ending.push_async_callback(serve.close)
            serves.append(serve)
        await asyncio.gather(*(serve.start() for serve in serves))
        front = await ending.enter_async_context(proxy(sample, free_port(), *at))
        await slack.wire.call_with(_calling(front.trust))
        slack.app_url = f"{front.url}/slack/events"
        async with asyncio.timeout(PATIENCE):
            while (await slack.command("U0ANA")).status != 200:
                pass  # it has not asked yet who is ready
        yield slack, serves


@EVERY
async def test_people_are_answered_through_it_and_nobody_else_is(sample, tmp_path):
    async with serving(tmp_path, sample) as (slack, _):
        assert "Would you like to talk" in slack.whispered("U0ANA")[-1].text
        unsigned = await slack.post(b"command=%2Fpeersupport", "application/x-www-form-urlencoded", signed=False)
        assert unsigned.status == 401


@OF_SEVERAL
async def test_a_replica_that_is_killed_loses_no_press(sample, tmp_path, new_database):
    async with serving(tmp_path, sample, database=new_database) as (slack, serves):
        await serves[0].kill()
        assert (await slack.presses("U0ANA", "Talk to someone soon")).status == 200
        await slack.until(lambda: slack.reads("U0ANA"))
        assert "No trained colleague can be asked just now." in slack.reads("U0ANA")[-1].text
        assert [(await slack.command("U0ANA")).status for _ in range(6)] == [200] * 6


@OF_SEVERAL
async def test_a_replica_that_is_stopped_while_people_press_loses_nothing(sample, tmp_path, new_database):
    async with serving(tmp_path, sample, database=new_database) as (slack, serves):
        pressing = [asyncio.ensure_future(slack.command("U0ANA")) for _ in range(10)]
        ended = asyncio.ensure_future(serves[0].end())
        pressing += [asyncio.ensure_future(slack.command("U0ANA")) for _ in range(20)]
        assert {(await each).status for each in pressing} == {200}
        assert await ended == 0
