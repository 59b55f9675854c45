"""The two HTTP servers: the platforms' routes, and the operator's probes.

Every unknown path, method or failure has one constant answer, and of a request that fails only the kind of the failure
is logged.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, cast

import structlog
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from bot.health import Finding
from bot.server.connection_limit import PUBLIC_CONNECTIONS, ConnectionLimiter

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
CheckReadiness = Callable[[], Awaitable[Sequence[Finding]]]
Drain = Callable[[], Awaitable[None]]

BODY_LIMIT: Final = 256 * 1024

_GRACE = 5.0  # seconds in which open requests may end
_BACKLOG = 512  # connections that the system holds until we accept them
_log = structlog.get_logger("bot.http")


def public(posts: Mapping[str, Handler], pages: Mapping[str, Handler] | None = None) -> web.Application:
    """Return the public application: each path of `posts` answers POST, and each of `pages`, for browsers, GET."""
    app = _application()
    for path, handler in posts.items():
        app.router.add_post(path, handler)
    for path, handler in (pages or {}).items():
        app.router.add_get(path, handler, allow_head=False)
    app.router.add_route("*", "/{anything:.*}", _not_found)
    return app


def ops(check: CheckReadiness, metrics_page: Callable[[], bytes] = lambda: b"") -> web.Application:
    """Return the operator's application.

    `/livez` answers 200 as long as the event loop runs; `/readyz` answers 200 when no check fails, else 503 and the ids
    of those that do, or every finding with `?verbose`; `/metrics` answers in Prometheus' text format
    (https://prometheus.io/docs/instrumenting/exposition_formats/).
    """

    async def live(_: web.Request) -> web.Response:
        return web.Response(text="ok")

    async def ready(request: web.Request) -> web.Response:
        findings = await check()
        failing = [finding.id for finding in findings if finding.status == "fail"]
        lines = [line for finding in findings for line in finding.as_lines()]
        shown = lines if "verbose" in request.query else failing or ["ok"]
        status = HTTPStatus.SERVICE_UNAVAILABLE if failing else HTTPStatus.OK
        return web.Response(status=status, text="\n".join(shown))

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=metrics_page(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})

    app = _application()
    app.router.add_get("/livez", live)
    app.router.add_get("/readyz", ready)
    app.router.add_get("/metrics", metrics)
    app.router.add_route("*", "/{anything:.*}", _not_found)
    return app


@dataclass(frozen=True, slots=True)
class ListeningServer:
    """An application that is being served at `url`, which names the port also where any free one was asked for."""

    url: str
    _runner: web.AppRunner
    _sockets: asyncio.Server

    async def stop(self, *drains: Drain) -> None:
        """Accept nothing new, let open requests end, then finish what was acknowledged in them."""
        self._sockets.close()
        await self._runner.cleanup()
        await asyncio.gather(*(drain() for drain in drains))


async def listen(
    app: web.Application, bind: str, limiter: ConnectionLimiter | None = None, *, log_every: float = 60.0
) -> ListeningServer:
    """Serve the application at `bind`, which is `host:port` with an IPv6 host in brackets; port 0 is any free one.

    Args:
        app: The application.
        bind: Where to listen.
        limiter: Bounds the connections; by default as on the platforms' port.
        log_every: Seconds between two lines about requests that are not HTTP.

    Raises:
        ValueError: `bind` is no such address.
        OSError: it cannot be listened on.
    """
    host, _, port = bind.rpartition(":")
    if not host or not port.isdigit():
        raise ValueError(f"{bind!r} is no address to listen on: write host:port, for example 127.0.0.1:3000")
    limiter = limiter or ConnectionLimiter(PUBLIC_CONNECTIONS)
    app.middlewares.append(limiter.middleware)
    logger = _KindLogger("bot.http.server", asyncio.get_running_loop().time, log_every)
    runner = web.AppRunner(app, access_log=None, logger=logger, handle_signals=False, shutdown_timeout=_GRACE)
    await runner.setup()
    admitted = limiter.wrap(cast("web.Server", runner.server))  # which there is once it is set up
    try:
        sockets = await asyncio.get_running_loop().create_server(
            admitted, host.strip("[]"), int(port), backlog=_BACKLOG
        )
    except OSError:
        await runner.cleanup()
        raise
    return ListeningServer(f"http://{host}:{sockets.sockets[0].getsockname()[1]}", runner, sockets)


# ---------------------------------------------------------------- constant answers


def _application() -> web.Application:
    app = web.Application(middlewares=[_answer_failures], client_max_size=BODY_LIMIT)
    app.on_response_prepare.append(_hide_server)
    return app


@web.middleware
async def _answer_failures(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPException as refused:
        return web.Response(status=refused.status)
    except Exception as error:  # noqa: BLE001  the edge
        _log.error("request-failed", kind=type(error).__name__)
        return web.Response(status=HTTPStatus.INTERNAL_SERVER_ERROR)


async def _not_found(_: web.Request) -> web.Response:
    return web.Response(status=HTTPStatus.NOT_FOUND, text="not found")


async def _hide_server(_: web.Request, response: web.StreamResponse) -> None:
    response.headers.pop("Server", None)


class _KindLogger(logging.Logger):
    """Logs the kind of a failure in place of what the HTTP server logs, which may quote a request.

    What is not HTTP is no fault of ours, and anyone can send it: it is counted, and logged at most once in so long.
    """

    def __init__(self, name: str, clock: Callable[[], float], every: float) -> None:
        super().__init__(name)
        self._clock = clock
        self._every = every
        self._bad, self._silent_until = 0, -math.inf

    def isEnabledFor(self, level: int) -> bool:  # noqa: N802  logging's own name
        """Log errors only, whatever the level is set to."""
        return level >= logging.ERROR

    def handle(self, record: logging.LogRecord) -> None:
        """Log the type of the exception in the record, and nothing else of it."""
        kind = record.exc_info[0] if record.exc_info else None
        if kind is None or not issubclass(kind, HttpProcessingError):
            _log.error("server-failed", kind=kind.__name__ if kind else "other")
            return
        self._bad += 1
        if self._clock() >= self._silent_until:
            _log.warning("not-http", count=self._bad)
            self._bad, self._silent_until = 0, self._clock() + self._every
