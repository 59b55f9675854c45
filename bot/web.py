"""Our two doors to the network: the platforms' routes, and the operator's probes. Nothing else answers.

Every unknown path, method or failure has one constant answer, and nothing about a request is ever logged but a kind.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import structlog
from aiohttp import web

from bot.checks.finding import Finding

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Look = Callable[[], Awaitable[Sequence[Finding]]]
Drain = Callable[[], Awaitable[None]]

BODY_LIMIT: Final = 256 * 1024

_GRACE = 5.0  # seconds in which open requests may end
_log = structlog.get_logger("bot.web")


def public(posts: Mapping[str, Handler]) -> web.Application:
    """The public routes: each path answers POST with its adapter's handler."""
    app = _application()
    for path, handler in posts.items():
        app.router.add_post(path, handler)
    app.router.add_route("*", "/{anything:.*}", _not_found)
    return app


def ops(look: Look, page: Callable[[], bytes] = lambda: b"") -> web.Application:
    """The operator's: `/livez` says the loop turns, `/readyz` that no check fails, `/metrics` is a page of numbers."""

    async def live(_: web.Request) -> web.Response:
        return web.Response(text="ok")

    async def ready(request: web.Request) -> web.Response:
        findings = await look()
        failing = [finding.id for finding in findings if finding.status == "fail"]
        lines = [line for finding in findings for line in finding.as_lines()]
        shown = lines if "verbose" in request.query else failing or ["ok"]
        status = HTTPStatus.SERVICE_UNAVAILABLE if failing else HTTPStatus.OK
        return web.Response(status=status, text="\n".join(shown))

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=page(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})

    app = _application()
    app.router.add_get("/livez", live)
    app.router.add_get("/readyz", ready)
    app.router.add_get("/metrics", metrics)
    app.router.add_route("*", "/{anything:.*}", _not_found)
    return app


@dataclass(frozen=True, slots=True)
class Listening:
    """An application that is being served. `url` says where, also when the port was 0."""

    url: str
    _runner: web.AppRunner

    async def stop(self, *drains: Drain) -> None:
        """Accept nothing new, let open requests end, then finish what was promised after them."""
        await self._runner.cleanup()
        await asyncio.gather(*(drain() for drain in drains))


async def listen(app: web.Application, bind: str) -> Listening:
    """Serve the application at `host:port`; an IPv6 host stands in brackets."""
    host, _, port = bind.rpartition(":")
    if not host or not port.isdigit():
        raise ValueError(f"{bind!r} is no address to listen on: write host:port, for example 127.0.0.1:3000")
    runner = web.AppRunner(
        app, access_log=None, logger=_Kinds("bot.web.server"), handle_signals=False, shutdown_timeout=_GRACE
    )
    await runner.setup()
    site = web.TCPSite(runner, host.strip("[]"), int(port))
    try:
        await site.start()
    except OSError:
        await runner.cleanup()
        raise
    return Listening(f"http://{host}:{runner.addresses[0][1]}", runner)


# ---------------------------------------------------------------- constants


def _application() -> web.Application:
    app = web.Application(middlewares=[_constant], client_max_size=BODY_LIMIT)
    app.on_response_prepare.append(_say_nothing_of_ourselves)
    return app


@web.middleware
async def _constant(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPException as refused:
        return web.Response(status=refused.status)
    except Exception as error:  # noqa: BLE001  the edge
        _log.error("request-failed", kind=type(error).__name__)
        return web.Response(status=HTTPStatus.INTERNAL_SERVER_ERROR)


async def _not_found(_: web.Request) -> web.Response:
    return web.Response(status=HTTPStatus.NOT_FOUND, text="not found")


async def _say_nothing_of_ourselves(_: web.Request, response: web.StreamResponse) -> None:
    response.headers.pop("Server", None)


class _Kinds(logging.Logger):
    """What the server wants to log, without what somebody sent: the kind of the failure, at any level."""

    def isEnabledFor(self, level: int) -> bool:  # noqa: N802  logging's own name
        return level >= logging.ERROR

    def handle(self, record: logging.LogRecord) -> None:
        kind = record.exc_info[0] if record.exc_info else None
        _log.error("server-failed", kind=kind.__name__ if kind else "other")
