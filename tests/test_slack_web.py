"""The two doors to the network."""

from __future__ import annotations

import asyncio
import logging

import aiohttp
import pytest
from aiohttp import web as aio

from bot import web
from bot.checks.finding import Finding
from bot.readiness import Check, Readiness, once


async def _get(url: str, method: str = "GET") -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.request(method, url) as answer:
        return answer.status, await answer.text()


async def test_ready_names_what_fails_and_nothing_else():
    async def good() -> Finding:
        return Finding("slack", "ok", "It lets us in.")

    async def doubtful() -> Finding:
        return Finding("clock", "warn", "It is slow.", "Wind it.")

    async def bad() -> Finding:
        raise OSError("postgresql://user:password@host")

    checks: dict[str, Check] = {"store": good, "clock": doubtful}
    listening = await web.listen(web.ops(Readiness(checks).look, lambda: b"numbers"), "127.0.0.1:0")
    assert await _get(listening.url + "/livez") == (200, "ok")
    assert await _get(listening.url + "/readyz") == (200, "ok")  # a warning leaves us ready
    assert await _get(listening.url + "/metrics") == (200, "numbers")
    checks["store"] = bad
    assert await _get(listening.url + "/readyz") == (503, "store")
    status, said = await _get(listening.url + "/readyz?verbose")
    assert status == 503
    assert [tuple(line.split()[:2]) for line in said.splitlines() if "->" not in line] == [
        ("fail", "store"),
        ("warn", "clock"),
    ]
    assert said.count("  -> ") == 2
    assert "password" not in said
    assert await _get(listening.url + "/anything") == (404, "not found")
    assert await _get(listening.url + "/livez", "POST") == (404, "not found")
    await listening.stop()


async def test_whoever_leaves_is_not_ready_and_says_so_at_once():
    readiness = Readiness({})
    assert await readiness.look() == ()
    readiness.stops()
    assert [(finding.id, finding.status) for finding in await readiness.look()] == [("stopping", "fail")]


async def test_however_many_ask_the_store_is_asked_once():
    asked = []

    async def store() -> Finding:
        asked.append(1)
        await asyncio.sleep(0)
        return Finding("store", "ok", "The store can be written.")

    check = once(store)
    found = await asyncio.gather(*(check() for _ in range(50)))
    assert len(set(found)) == len(asked) == 1
    assert await check() == found[0]
    assert asked == [1]  # it is kept for a second


async def test_stopping_lets_open_requests_end_and_finishes_what_was_promised():
    entered, go, order = asyncio.Event(), asyncio.Event(), []

    async def slow(_: aio.Request) -> aio.Response:
        entered.set()
        await go.wait()
        order.append("answered")
        return aio.Response(text="done")

    async def drain() -> None:
        order.append("drained")

    listening = await web.listen(web.public({"/x": slow}), "127.0.0.1:0")
    request = asyncio.create_task(_get(listening.url + "/x", "POST"))
    await entered.wait()
    stopping = asyncio.create_task(listening.stop(drain))
    go.set()
    assert await request == (200, "done")
    await stopping
    assert order == ["answered", "drained"]
    with pytest.raises(aiohttp.ClientConnectorError):
        await _get(listening.url + "/x", "POST")


async def test_a_handler_that_breaks_says_nothing(caplog):
    async def broken(_: aio.Request) -> aio.Response:
        raise RuntimeError("canary")

    listening = await web.listen(web.public({"/x": broken}), "127.0.0.1:0")
    with caplog.at_level(logging.DEBUG):
        assert await _get(listening.url + "/x", "POST") == (500, "")
    await listening.stop()
    assert "canary" not in caplog.text


@pytest.mark.parametrize("bind", ["3000", ":3000", "localhost:", "a:b"])
async def test_an_address_that_is_none_is_refused_with_an_example(bind):
    with pytest.raises(ValueError, match="host:port"):
        await web.listen(web.ops(Readiness({}).look), bind)


async def test_an_address_may_be_ipv6():
    listening = await web.listen(web.ops(Readiness({}).look), "[::1]:0")
    assert await _get(listening.url + "/livez") == (200, "ok")
    await listening.stop()
