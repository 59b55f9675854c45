"""Bounds what one listener gives to connections, so that idle or slow ones cannot use up the process.

A connection is either serving a request or waiting for one. Only waiting has a limit of its own: a request that is
being served is bounded by its handler, which reads its body and answers within seconds. Where there are as many
connections as allowed, the one that has waited longest makes room for a new one: a platform that has something to say
is heard, however many connections lie idle.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from aiohttp import web

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

PUBLIC_CONNECTIONS: Final = 512
"""On the platforms' port: with those to a database and to the platforms, below the usual limit of 1,024 open files."""
OPS_CONNECTIONS: Final = 32
"""On the operator's port, which stays reachable whatever happens on the other."""


@dataclass(frozen=True, slots=True)
class ConnectionTimes:
    """How long a connection may wait.

    Args:
        head: Seconds from the connection, or from the first byte of a further request, to the end of its headers.
        idle: Seconds between two requests; more than a reverse proxy keeps a connection (Caddy: two minutes), so that
            it is the proxy that closes.
    """

    head: float = 10.0
    idle: float = 150.0


class ConnectionLimiter:
    """Admits connections of one listener, and closes those that wait too long.

    Args:
        limit: How many there may be at once.
        times: How long each may wait.
    """

    def __init__(self, limit: int, times: ConnectionTimes = ConnectionTimes()) -> None:
        self._limit = limit
        self._times = times
        self._waiting: dict[asyncio.BaseTransport, float] = {}  # until when (loop time); who waits longest comes first
        self._serving: set[asyncio.BaseTransport] = set()
        self._timer: asyncio.TimerHandle | None = None  # one for all: it goes off with the first of them, or before

    def wrap(self, server: Callable[[], asyncio.Protocol]) -> Callable[[], asyncio.Protocol]:
        """Return a factory of the server's protocols that admits each connection first."""
        return lambda: _Admitted(server(), self)

    @web.middleware
    async def middleware(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        """Note that a connection serves a request, and afterwards that it waits for the next."""
        transport = request.transport
        if transport is not None:
            self._stop_waiting(transport)
            self._serving.add(transport)
        try:
            return await handler(request)
        finally:
            if transport in self._serving:
                self._serving.discard(transport)
                self._wait(transport, self._times.idle)

    def admit(self, transport: asyncio.Transport) -> bool:
        """Admit a connection, in place of the one that waits longest if need be; close it if every one is serving."""
        if len(self._waiting) + len(self._serving) >= self._limit:
            if not self._waiting:
                transport.abort()
                return False
            self._abort(next(iter(self._waiting)))
        self._wait(transport, self._times.head)
        return True

    def heard(self, transport: asyncio.Transport) -> None:
        """Note that bytes arrived: an idle connection has begun its next request."""
        until = self._waiting.get(transport)
        if until is not None and until > asyncio.get_running_loop().time() + self._times.head:
            self._stop_waiting(transport)
            self._wait(transport, self._times.head)

    def forget(self, transport: asyncio.BaseTransport) -> None:
        """Note that a connection is closed."""
        self._stop_waiting(transport)
        self._serving.discard(transport)

    def _wait(self, transport: asyncio.BaseTransport, seconds: float) -> None:
        until = self._waiting[transport] = asyncio.get_running_loop().time() + seconds
        if self._timer is None or until < self._timer.when():
            self._look_at(until)

    def _stop_waiting(self, transport: asyncio.BaseTransport) -> None:
        self._waiting.pop(transport, None)

    def _look_at(self, when: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_at(when, self._abort_overdue)

    def _abort_overdue(self) -> None:
        self._timer, now = None, asyncio.get_running_loop().time()
        for transport in [each for each, until in self._waiting.items() if until <= now]:
            self._abort(transport)
        if self._waiting:
            self._look_at(min(self._waiting.values()))

    def _abort(self, transport: asyncio.BaseTransport) -> None:
        self._stop_waiting(transport)
        if isinstance(transport, asyncio.Transport):
            transport.abort()


class _Admitted(asyncio.Protocol):
    """Hands a connection that was admitted to the protocol of the server."""

    def __init__(self, inner: asyncio.Protocol, limiter: ConnectionLimiter) -> None:
        self._inner = inner
        self._limiter = limiter
        self._transport: asyncio.Transport | None = None  # once it is admitted

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport) and self._limiter.admit(transport):
            self._transport = transport
            self._inner.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        if self._transport is not None:
            self._limiter.heard(self._transport)
            self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        return self._inner.eof_received() if self._transport is not None else None

    def connection_lost(self, exc: Exception | None) -> None:
        if self._transport is not None:
            self._limiter.forget(self._transport)
            self._inner.connection_lost(exc)

    def pause_writing(self) -> None:
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._inner.resume_writing()
