"""Server-sent events: everybody who looks is told the same, and whoever was away for a moment is told what they missed.

https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson
from aiohttp import web

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
        self._closed = False

    def tell(self, event: str, data: Any) -> None:
        self._number += 1
        told = _Told(self._number, self._frame(event, data))
        self._lately.append(told)
        for follower in self._followers:
            follower.put_nowait(told)

    async def follow(self, request: web.Request, everything: Callable[[], Any]) -> web.StreamResponse:
        """What was missed since the last event this page has seen, or else everything there is; then whatever comes."""
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        await response.prepare(request)
        queue: asyncio.Queue[_Told | None] = asyncio.Queue()
        missed = self._since(request.headers.get("Last-Event-ID", ""))
        self._followers.add(queue)
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
        return b"id: %b\nevent: %b\ndata: %b\n\n" % (id, event.encode(), orjson.dumps(data))
