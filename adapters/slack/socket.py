"""Socket Mode: we call Slack, and what would knock at the door comes through a line that we keep open.

The door behind it is the same: what it acknowledges is acknowledged here, and what it does not, Slack sends again.
There is no signature, for nobody can reach us: whoever speaks was called by us, over TLS, with a ticket of that minute.
See docs/decisions/socket-mode.md.
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

from adapters.base import Desk, Stopped, TryLater
from adapters.slack import quiet
from adapters.slack.door import BODY_LIMIT, Door
from adapters.slack.replies import ok
from adapters.slack.signature import parse
from adapters.slack.ticket import AT_ONCE, TAKES, Tickets
from adapters.tasks import Tasks

BEAT: Final = 10.0  # seconds between two signs of life that we ask for; after half as much silence the line is dead
GRACE: Final = 30.0  # seconds without a line before the operator's probe says so
LINGER: Final = 30.0  # seconds in which a line that Slack is about to close may still bring something
LONGEST_WAIT: Final = 60.0  # seconds between two tries; what Slack itself asks for may be longer

_STEADY: Final = 30.0  # a line that lasted so many seconds ended by no fault of ours
_FRAME: Final = 4 * 1024 * 1024  # bytes; more in one message ends the line
_ENVELOPES: Final = frozenset({"events_api", "slash_commands", "interactive"})
_REASONS: Final = frozenset({"warning", "refresh_requested", "link_disabled", "too_many_websockets"})


@dataclass(frozen=True, slots=True)
class Times:
    """How time passes for the line: monotonic seconds, waiting, and luck from 0 to 1 so that replicas part ways."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    luck: Callable[[], float] = lambda: secrets.randbelow(1 << 20) / (1 << 20)
    beat: float = BEAT
    linger: float = LINGER


@dataclass(eq=False, slots=True)
class _Line:
    """One WebSocket to Slack. `leaving`: it is time for another, because this one ended or will."""

    ws: aiohttp.ClientWebSocketResponse
    since: float
    leaving: asyncio.Event = field(default_factory=asyncio.Event)
    reason: str = ""
    reading: asyncio.Task[None] | None = None


class Socket:
    """Keeps a line to Slack open and hands what it brings to `Door`.

    `begin` when the house is ready for presses: the first line is opened once Slack knows us (`Tickets.prove`). `drain`
    before the adapter is closed. `patience` is the time, in seconds, in which an envelope is answered.
    """

    def __init__(
        self, tickets: Tickets, door: Door, desk: Desk, *, times: Times = Times(), patience: float = 2.3
    ) -> None:
        self._tickets = tickets
        self._door = door
        self._desk = desk
        self._times = times
        self._patience = patience
        self._lines: set[_Line] = set()
        self._envelopes = Tasks(quiet.failed)
        self._behind = Tasks(quiet.failed)
        self._keeping: asyncio.Task[None] | None = None
        self._stopping = False
        self._down_since = times.now()

    # ------------------------------------------------------------ what the house asks

    def begin(self) -> None:
        """Take envelopes from now on."""
        self._keeping = asyncio.get_running_loop().create_task(self._keep())

    def up(self) -> bool:
        """Whether Slack reaches us, or has not reached us only for a moment."""
        return bool(self._lines) or self._times.now() - self._down_since < GRACE

    async def drain(self, within: float = 5.0) -> None:
        """Take nothing new; finish, acknowledge and only then hang up. What is not acknowledged Slack sends again."""
        self._stopping = True
        if self._keeping is not None:
            self._keeping.cancel()
            with suppress(asyncio.CancelledError):
                await self._keeping
        await self._envelopes.drain(within)
        await asyncio.gather(*(self._hang_up(line) for line in tuple(self._lines)))
        await self._behind.drain(within)
        await self._door.drain(min(within, 3.0))

    # ------------------------------------------------------------ keeping a line open

    async def _keep(self) -> None:
        """One line, and the next before it ends."""
        await self._tickets.proved.wait()  # before that we do not know whose workspace is ours
        self._down_since = self._times.now()
        failed, old = 0, None
        while not self._stopping:
            try:
                line = await self._dial()
            except Stopped:
                await self._refused()
                return
            except TryLater as later:
                failed += 1
                await self._times.sleep(self._wait(failed, later.after.total_seconds()))
                continue
            if old is not None:
                self._behind.later(self._retire(old))
            await line.leaving.wait()
            failed = 0 if self._times.now() - line.since >= _STEADY else failed + 1
            if line.reason == "too_many_websockets":
                await self._hang_up(line)
            old = line if line in self._lines else None
            if old is None or failed:
                await self._times.sleep(self._wait(failed, 0.0))

    def _wait(self, failed: int, asked: float) -> float:
        """Seconds until the next try: longer each time, different for each of us, never sooner than Slack asked for."""
        return asked + self._times.luck() * min(LONGEST_WAIT, 2.0 ** min(failed, 10))

    async def _dial(self) -> _Line:
        """A line on which Slack has said hello. Raises Stopped or TryLater."""
        url = await self._tickets.take()
        try:
            async with asyncio.timeout(TAKES):
                ws = await self._tickets.connect(url, beat=self._times.beat, limit=_FRAME)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            quiet.failed("socket", type(error).__name__)
            raise TryLater(AT_ONCE) from None
        try:
            async with asyncio.timeout(TAKES):
                greeted = _object(await ws.receive()).get("type") == "hello"
        except BaseException as error:
            await _close(ws)
            if not isinstance(error, TimeoutError):
                raise
            greeted = False
        if not greeted:
            quiet.failed("socket", "no-hello")
            await _close(ws)
            raise TryLater(AT_ONCE)
        line = _Line(ws, self._times.now())
        self._lines.add(line)
        line.reading = asyncio.get_running_loop().create_task(self._read(line))
        quiet.noted("socket", "open")
        return line

    async def _refused(self) -> None:
        """Slack no longer takes the token; only an operator can help."""
        quiet.failed("socket", "token-refused")
        await self._desk.shut("slack")

    async def _retire(self, line: _Line) -> None:
        """What Slack had already given to the old line still comes; it hangs up itself, or we do."""
        if line.reading is not None:
            await asyncio.wait({line.reading}, timeout=self._times.linger)
        await self._hang_up(line)

    async def _hang_up(self, line: _Line) -> None:
        if line.reading is not None and not line.reading.done():
            line.reading.cancel()
            await asyncio.wait({line.reading})
        await _close(line.ws)
        self._ended(line)

    def _ended(self, line: _Line) -> None:
        if line in self._lines:
            self._lines.discard(line)
            self._down_since = self._times.now()
        line.leaving.set()

    # ------------------------------------------------------------ what a line brings

    async def _read(self, line: _Line) -> None:
        try:
            async for message in line.ws:
                self._hear(line, message)
        finally:
            if line.ws.closed and not self._stopping:
                error = line.ws.exception()
                quiet.noted("socket", type(error).__name__ if error else "closed")
            self._ended(line)

    def _hear(self, line: _Line, message: aiohttp.WSMessage) -> None:
        """Never raises: what makes no sense is passed over, and a kind of it noted."""
        if self._stopping:
            return  # not acknowledged: Slack gives it to somebody else, or to us when we are back
        body = _object(message)
        if not body:
            quiet.failed("socket", "nonsense")
        elif body.get("type") == "disconnect":
            reason = body.get("reason")
            line.reason = reason if isinstance(reason, str) and reason in _REASONS else "other"
            quiet.noted("socket-disconnect", line.reason.replace("_", "-"))
            line.leaving.set()
        elif body.get("type") != "hello":
            deadline = asyncio.get_running_loop().time() + self._patience
            self._envelopes.later(self._take(line, body, deadline))

    async def _take(self, line: _Line, body: dict[str, Any], deadline: float) -> None:
        """One envelope: acknowledged when what it holds is written down, and answered in the same breath."""
        number, payload = body.get("envelope_id"), body.get("payload")
        if not isinstance(number, str) or not number:
            quiet.failed("socket", "nonsense")
            return
        answer = ok()
        if body.get("type") in _ENVELOPES:
            if not isinstance(payload, dict) or not payload:
                quiet.failed("socket", "nonsense")
                return
            answer = await self._door.dispatch(payload, deadline)
        if answer.status != HTTPStatus.OK:
            return
        said: dict[str, Any] = {"envelope_id": number}
        if answer.body.startswith("{"):
            if body.get("accepts_response_payload") is False:
                quiet.failed("socket", "answer-not-taken")
            else:
                said["payload"] = json.loads(answer.body)
        try:
            async with asyncio.timeout(self._patience):
                await line.ws.send_str(json.dumps(said))
        except (aiohttp.ClientError, OSError, TimeoutError) as error:  # it is written: the repeat finds it done
            quiet.failed("socket-ack", type(error).__name__)


def _object(message: aiohttp.WSMessage) -> dict[str, Any]:
    """The object a message holds, or nothing."""
    if message.type != aiohttp.WSMsgType.TEXT or not isinstance(message.data, str) or len(message.data) > BODY_LIMIT:
        return {}
    return parse(message.data.encode(errors="replace"), "application/json") or {}


async def _close(ws: aiohttp.ClientWebSocketResponse) -> None:
    with suppress(aiohttp.ClientError, OSError, RuntimeError):
        await ws.close()
