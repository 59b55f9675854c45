"""Keeps a Socket Mode connection to Slack open, and hands each envelope to the same webhook that stands behind HTTP.

An envelope is acknowledged when the webhook answers 200; everything else Slack sends again. There is no signature to
verify: no one can reach us, because we connect to Slack, over TLS, with a ticket that is good once.

Before a connection ends, Slack asks for the next one (`disconnect`). The new one is opened first and the old one read
until Slack closes it, so that nothing is missed in between. Pauses between attempts grow and are random, so that
replicas spread out.

https://docs.slack.dev/apis/events-api/using-socket-mode
"""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

import aiohttp

from adapters.background import BackgroundTasks
from adapters.base import AccessRevoked, Inbound, RetryLater
from adapters.payload import BODY_LIMIT, json_object
from adapters.slack import log
from adapters.slack.respond import ok
from adapters.slack.socket_mode.url import NO_PAUSE, TIMEOUT, SocketUrls
from adapters.slack.webhook import PATIENCE, SlackWebhook

HEARTBEAT: Final = 10.0
"""Seconds between two pings. A connection that does not answer one within half as long is dead."""

GRACE: Final = 30.0
"""Seconds without a connection before `up` is False."""

LINGER: Final = 30.0
"""Seconds in which a connection that Slack is about to close may still bring something."""

LONGEST_WAIT: Final = 60.0
"""The longest pause between two attempts, in seconds; Slack itself may ask for a longer one."""

_STEADY: Final = 30.0  # a connection that lasted so many seconds did not fail
_LARGEST_FRAME: Final = 4 * 1024 * 1024  # bytes; a longer message ends the connection
_ENVELOPES: Final = frozenset({"events_api", "slash_commands", "interactive"})
_REASONS: Final = frozenset({"warning", "refresh_requested", "link_disabled", "too_many_websockets"})


@dataclass(frozen=True, slots=True)
class SocketTiming:
    """How time passes for a connection: tests pass a clock of their own.

    Args:
        now: A monotonic clock, in seconds.
        sleep: Waits so many seconds.
        jitter: A random number from 0 to 1.
        heartbeat: Seconds between two pings.
        linger: Seconds for which an old connection is still read.
    """

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    jitter: Callable[[], float] = lambda: secrets.randbelow(1 << 20) / (1 << 20)
    heartbeat: float = HEARTBEAT
    linger: float = LINGER


@dataclass(eq=False, slots=True)
class _Socket:
    """One WebSocket. `leaving` is set when another is needed, because this one ended or soon will."""

    ws: aiohttp.ClientWebSocketResponse
    since: float
    leaving: asyncio.Event = field(default_factory=asyncio.Event)
    reason: str = ""
    reading: asyncio.Task[None] | None = None


class SocketModeConnection:
    """Receives what Slack sends over a WebSocket, and reconnects for as long as Slack accepts the token.

    `begin` once the engine is ready: the first connection is opened when Slack has accepted the token
    (`SocketUrls.verify_token`). `drain` before the adapter is closed.

    Args:
        urls: Where WebSockets are opened.
        webhook: What handles the payloads.
        inbound: The engine, to be told that Slack no longer accepts the token.
        timing: How time passes.
        patience: The seconds in which an envelope is answered.
    """

    def __init__(
        self,
        urls: SocketUrls,
        webhook: SlackWebhook,
        inbound: Inbound,
        *,
        timing: SocketTiming = SocketTiming(),
        patience: float = PATIENCE,
    ) -> None:
        self._urls = urls
        self._webhook = webhook
        self._inbound = inbound
        self._timing = timing
        self._patience = patience
        self._sockets: set[_Socket] = set()
        self._envelopes = BackgroundTasks(log.failed)
        self._retiring = BackgroundTasks(log.failed)
        self._running: asyncio.Task[None] | None = None
        self._stopping = False
        self._down_since = timing.now()

    # ------------------------------------------------------------ start, state, stop

    def begin(self) -> None:
        """Receive envelopes from now on."""
        self._running = asyncio.get_running_loop().create_task(self._run())

    def up(self) -> bool:
        """Return whether Slack reaches us, or has failed to for less than `GRACE` seconds."""
        return bool(self._sockets) or self._timing.now() - self._down_since < GRACE

    async def drain(self, within: float = 5.0) -> None:
        """Take no new envelope, finish and acknowledge those that were taken, and close the connection.

        Slack gives what is not acknowledged to another replica, or sends it again.
        """
        self._stopping = True
        if self._running is not None:
            self._running.cancel()
            with suppress(asyncio.CancelledError):
                await self._running
        await self._envelopes.drain(within)
        await asyncio.gather(*(self._close(socket) for socket in tuple(self._sockets)))
        await self._retiring.drain(within)
        await self._webhook.drain(min(within, 3.0))

    # ------------------------------------------------------------ keeping a connection open

    async def _run(self) -> None:
        """Keep one connection open, and open the next before it ends."""
        await self._urls.verified.wait()  # before that it is not known whose workspace is ours
        self._down_since = self._timing.now()
        failures, old, refused = 0, None, False
        while not self._stopping:
            try:
                socket = await self._connect()
            except AccessRevoked:
                if not refused:
                    log.failed("socket", "token-refused")
                    await self._inbound.access_revoked("slack")
                refused, failures = True, failures + 1
                await self._timing.sleep(self._pause(failures, 0.0))
                continue
            except RetryLater as later:
                failures += 1
                await self._timing.sleep(self._pause(failures, later.after.total_seconds()))
                continue
            refused = False
            if old is not None:
                self._retiring.start(self._retire(old))
            await socket.leaving.wait()
            failures = 0 if self._timing.now() - socket.since >= _STEADY else failures + 1
            if socket.reason == "too_many_websockets":
                await self._close(socket)
            old = socket if socket in self._sockets else None
            if old is None or failures:
                await self._timing.sleep(self._pause(failures, 0.0))

    def _pause(self, failures: int, asked: float) -> float:
        """Return the seconds until the next attempt: exponential back-off with full jitter, plus what Slack asked for.

        https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
        """
        return asked + self._timing.jitter() * min(LONGEST_WAIT, 2.0 ** min(failures, 10))

    async def _connect(self) -> _Socket:
        """Open a connection on which Slack has said hello. Raises AccessRevoked or RetryLater."""
        url = await self._urls.take()
        try:
            async with asyncio.timeout(TIMEOUT):
                ws = await self._urls.connect(url, heartbeat=self._timing.heartbeat, limit=_LARGEST_FRAME)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            log.failed("socket", type(error).__name__)
            raise RetryLater(NO_PAUSE) from None
        try:
            async with asyncio.timeout(TIMEOUT):
                greeted = _object(await ws.receive()).get("type") == "hello"
        except BaseException as error:
            await _close(ws)
            if not isinstance(error, TimeoutError):
                raise
            greeted = False
        if not greeted:
            log.failed("socket", "no-hello")
            await _close(ws)
            raise RetryLater(NO_PAUSE)
        socket = _Socket(ws, self._timing.now())
        self._sockets.add(socket)
        socket.reading = asyncio.get_running_loop().create_task(self._read(socket))
        log.noted("socket", "open")
        return socket

    async def _retire(self, socket: _Socket) -> None:
        """Read on what Slack had already given to an old connection, until Slack closes it or `linger` is over."""
        if socket.reading is not None:
            await asyncio.wait({socket.reading}, timeout=self._timing.linger)
        await self._close(socket)

    async def _close(self, socket: _Socket) -> None:
        if socket.reading is not None and not socket.reading.done():
            socket.reading.cancel()
            await asyncio.wait({socket.reading})
        await _close(socket.ws)
        self._ended(socket)

    def _ended(self, socket: _Socket) -> None:
        if socket in self._sockets:
            self._sockets.discard(socket)
            self._down_since = self._timing.now()
        socket.leaving.set()

    # ------------------------------------------------------------ envelopes

    async def _read(self, socket: _Socket) -> None:
        try:
            async for message in socket.ws:
                self._receive(socket, message)
        finally:
            if socket.ws.closed and not self._stopping:
                error = socket.ws.exception()
                log.noted("socket", type(error).__name__ if error else "closed")
            self._ended(socket)

    def _receive(self, socket: _Socket, message: aiohttp.WSMessage) -> None:
        """Take one message. Never raises: what makes no sense is logged by its kind and passed over."""
        if self._stopping:
            return  # not acknowledged: Slack gives it to another replica, or to us after the restart
        body = _object(message)
        if not body:
            log.failed("socket", "nonsense")
        elif body.get("type") == "disconnect":
            reason = body.get("reason")
            socket.reason = reason if isinstance(reason, str) and reason in _REASONS else "other"
            log.noted("socket-disconnect", socket.reason.replace("_", "-"))
            socket.leaving.set()
        elif body.get("type") != "hello":
            deadline = asyncio.get_running_loop().time() + self._patience
            self._envelopes.start(self._handle(socket, body, deadline))

    async def _handle(self, socket: _Socket, body: dict[str, Any], deadline: float) -> None:
        """Handle one envelope. It is acknowledged, with the answer, once what it holds is written down."""
        envelope_id, payload = body.get("envelope_id"), body.get("payload")
        if not isinstance(envelope_id, str) or not envelope_id:
            log.failed("socket", "nonsense")
            return
        answer = ok()
        if body.get("type") in _ENVELOPES:
            if not isinstance(payload, dict) or not payload:
                log.failed("socket", "nonsense")
                return
            answer = await self._webhook.dispatch(payload, deadline)
        if answer.status != HTTPStatus.OK:
            return
        acknowledgement: dict[str, Any] = {"envelope_id": envelope_id}
        if answer.body.startswith("{"):
            if body.get("accepts_response_payload") is False:
                log.failed("socket", "answer-not-taken")
            else:
                acknowledgement["payload"] = json.loads(answer.body)
        try:
            async with asyncio.timeout(self._patience):
                await socket.ws.send_str(json.dumps(acknowledgement))
        except (aiohttp.ClientError, OSError, TimeoutError) as error:  # it is written: the repeat is a duplicate
            log.failed("socket-ack", type(error).__name__)


def _object(message: aiohttp.WSMessage) -> dict[str, Any]:
    """Return the JSON object of a text message, or an empty one."""
    if message.type != aiohttp.WSMsgType.TEXT or not isinstance(message.data, str) or len(message.data) > BODY_LIMIT:
        return {}
    return json_object(message.data.encode(errors="replace"))


async def _close(ws: aiohttp.ClientWebSocketResponse) -> None:
    with suppress(aiohttp.ClientError, OSError, RuntimeError):
        await ws.close()
