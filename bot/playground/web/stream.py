"""Server-sent events: every page is sent the same, and a page that was away for a moment is sent what it missed.

https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson
from aiohttp import web

STREAMS = 5  # of one browser; its sixth connection is for everything else
REMEMBERED = 1000  # events that can be told again


@dataclass(frozen=True, slots=True)
class _Told:
    number: int
    bytes: bytes


class Stream:
    """`tell` to everybody; `follow` answers one page until it leaves, or until we `close`."""

    def __init__(self) -> None:
        self._run, self._number = secrets.token_hex(4), 0
        self._lately: deque[_Told] = deque(maxlen=REMEMBERED)
        self._followers: set[asyncio.Queue[_Told | None]] = set()
        self._open: Counter[str] = Counter()  # by browser
        self._closed = False

    def tell(self, event: str, data: Any) -> None:
        """Send an event to every page, and remember it for those that are away."""
        self._number += 1
        told = _Told(self._number, self._frame(event, data))
        self._lately.append(told)
        for follower in self._followers:
            follower.put_nowait(told)

    async def follow(self, request: web.Request, everything: Callable[[], Any]) -> web.StreamResponse:
        """What was missed since the last event this page has seen, or else everything there is; then whatever comes.

        A browser opens six connections to one address and keeps what else it wants waiting without a word. So the sixth
        stream of a browser is sent `full` alone, and its page says so and asks again.
        """
        browser = request.headers.get("User-Agent", "")
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        await response.prepare(request)
        if self._open[browser] >= STREAMS:
            await response.write(self._frame("full", None))
            return response
        queue: asyncio.Queue[_Told | None] = asyncio.Queue()
        missed = self._since(request.headers.get("Last-Event-ID", ""))
        self._followers.add(queue)
        self._open[browser] += 1
        try:
            if missed is None:
                await response.write(self._frame("state", everything()))
            for told in missed or ():
                await response.write(told.bytes)
            while not self._closed and (news := await queue.get()) is not None:
                await response.write(news.bytes)
        except ConnectionError:
            pass
        finally:
            self._followers.discard(queue)
            self._open[browser] -= 1
        return response

    def _since(self, last: str) -> list[_Told] | None:
        """None where we cannot tell what that page has seen: it saw another run of ours, or too long ago."""
        run, _, number = last.partition("-")
        if run != self._run or not number.isdigit() or not self._number - REMEMBERED <= int(number) <= self._number:
            return None
        return [told for told in self._lately if told.number > int(number)]

    def close(self) -> None:
        """Nothing more will come."""
        self._closed = True
        for follower in self._followers:
            follower.put_nowait(None)

    def _frame(self, event: str, data: Any) -> bytes:
        id = f"{self._run}-{self._number}".encode()
        written = orjson.dumps(data, option=orjson.OPT_NON_STR_KEYS)  # the names of timers are enumerations
        return b"id: %b\nevent: %b\ndata: %b\n\n" % (id, event.encode(), written)
