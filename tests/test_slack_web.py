"""The two doors to the network."""

from __future__ import annotations

import asyncio
import logging

import aiohttp
import pytest
from aiohttp import web as aio

from bot import web


async def _get(url: str, method: str = "GET") -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.request(method, url) as answer:
        return answer.status, await answer.text()


async def test_ready_names_what_fails_and_nothing_else():
    async def good() -> bool:
        return True

    async def bad() -> bool:
        raise OSError("postgresql://user:password@host")

    checks = {"store": good, "slack": good}
    listening = await web.listen(web.ops(checks), "127.0.0.1:0")
    assert await _get(listening.url + "/livez") == (200, "ok")
    assert await _get(listening.url + "/readyz") == (200, "ok")
    checks["store"] = bad
    assert await _get(listening.url + "/readyz") == (503, "store")
    assert await _get(listening.url + "/readyz?verbose") == (503, "store: failing\nslack: ok")
    assert await _get(listening.url + "/anything") == (404, "not found")
    assert await _get(listening.url + "/livez", "POST") == (404, "not found")
    await listening.stop()


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
        await web.listen(web.ops({}), bind)


async def test_an_address_may_be_ipv6():
    listening = await web.listen(web.ops({}), "[::1]:0")
    assert await _get(listening.url + "/livez") == (200, "ok")
    await listening.stop()
