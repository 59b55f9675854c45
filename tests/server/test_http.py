"""The two HTTP servers: what they answer, and how they stop."""

from __future__ import annotations

import asyncio
import logging

import aiohttp
import pytest
from aiohttp import web as aio
from structlog.testing import capture_logs

from bot.health import Finding
from bot.monitoring.readiness import Check, Readiness, cached
from bot.server import http


async def _get(url: str, method: str = "GET") -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.request(method, url) as answer:
        return answer.status, await answer.text()


async def test_readyz_names_the_failing_checks_and_nothing_else():
    async def good() -> Finding:
        return Finding("slack", "ok", "The platform accepts our credentials.")

    async def doubtful() -> Finding:
        return Finding("clock", "warn", "It is slow.", "Wind it.")

    async def bad() -> Finding:
        raise OSError("postgresql://user:password@host")

    checks: dict[str, Check] = {"store": good, "clock": doubtful}
    listening = await http.listen(http.ops(Readiness(checks).check, lambda: b"numbers"), "127.0.0.1:0")
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


async def test_readyz_fails_as_soon_as_a_shutdown_begins():
    readiness = Readiness({})
    assert await readiness.check() == ()
    readiness.begin_shutdown()
    assert [(finding.id, finding.status) for finding in await readiness.check()] == [("stopping", "fail")]


async def test_concurrent_probes_check_the_store_once():
    asked = []

    async def store() -> Finding:
        asked.append(1)
        await asyncio.sleep(0)
        return Finding("store", "ok", "The store can be written.")

    check = cached(store)
    found = await asyncio.gather(*(check() for _ in range(50)))
    assert len(set(found)) == len(asked) == 1
    assert await check() == found[0]
    assert asked == [1]  # it is kept for a second


async def test_stopping_lets_open_requests_end_and_then_drains():
    entered, go, order = asyncio.Event(), asyncio.Event(), []

    async def slow(_: aio.Request) -> aio.Response:
        entered.set()
        await go.wait()
        order.append("answered")
        return aio.Response(text="done")

    async def drain() -> None:
        order.append("drained")

    listening = await http.listen(http.public({"/x": slow}), "127.0.0.1:0")
    request = asyncio.create_task(_get(listening.url + "/x", "POST"))
    await entered.wait()
    stopping = asyncio.create_task(listening.stop(drain))
    go.set()
    assert await request == (200, "done")
    await stopping
    assert order == ["answered", "drained"]
    with pytest.raises(aiohttp.ClientConnectorError):
        await _get(listening.url + "/x", "POST")


async def test_a_failing_handler_answers_500_and_logs_only_the_kind(caplog):
    """What we say ourselves does not go through logging here, and would not be found there."""

    async def broken(_: aio.Request) -> aio.Response:
        raise RuntimeError("canary")

    listening = await http.listen(http.public({"/x": broken}), "127.0.0.1:0")
    with caplog.at_level(logging.DEBUG), capture_logs() as ours:
        assert await _get(listening.url + "/x", "POST") == (500, "")
    await listening.stop()
    assert "canary" not in caplog.text
    assert ours == [{"event": "request-failed", "kind": "RuntimeError", "log_level": "error"}]


@pytest.mark.parametrize("bind", ["3000", ":3000", "localhost:", "a:b"])
async def test_an_invalid_bind_address_is_refused_with_an_example(bind):
    with pytest.raises(ValueError, match="host:port"):
        await http.listen(http.ops(Readiness({}).check), bind)


async def test_a_bind_address_may_be_ipv6():
    listening = await http.listen(http.ops(Readiness({}).check), "[::1]:0")
    assert await _get(listening.url + "/livez") == (200, "ok")
    await listening.stop()
