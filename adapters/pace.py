"""How fast a platform lets us speak.

A short wait is waited here; a longer one is handed back as TryLater, so that the message stands in the durable queue
and not in the memory of a process. Nothing that acknowledges a person's press ever comes through here.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from adapters.base import TryLater

CHATS_REMEMBERED: Final = 10_000

Rates = Mapping[str, tuple[float, int]]
"""By name: the spacing of two calls in seconds, and how many may go at once before it binds."""

CHAT: Final = "chat"  # the rate that every chat has for itself


@dataclass(slots=True)
class Pace:
    """One workspace's rates (GCRA: each key holds the time at which its next turn would be fair)."""

    rates: Rates
    patience: float = 2.0  # seconds waited here rather than in the queue
    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    _fair: OrderedDict[tuple[str, str], float] = field(default_factory=OrderedDict)
    _shut: dict[str, float] = field(default_factory=dict)
    _row: dict[str, float] = field(default_factory=dict)  # when the last who was sent away may come back

    def look(self, rate: str, chat: str = "") -> float:
        """Seconds until one more call of this rate is fair, in this chat too. Raises TryLater when that is not soon."""
        wait = max(0.0, self._shut.get(rate, 0.0) - self.now(), *(self._wait(key) for key in _keys(rate, chat)))
        if wait > self.patience:
            raise TryLater(timedelta(seconds=self._place_in_the_row(rate, wait)))
        return wait

    async def turn(self, rate: str, chat: str = "") -> None:
        """Take that turn, and wait for it. Raises TryLater, and takes none, when it is not soon."""
        wait = self.look(rate, chat)
        for key in _keys(rate, chat):
            self._take(key)  # no await between looking and taking
        if wait:
            await self.sleep(wait)

    def _place_in_the_row(self, rate: str, wait: float) -> float:
        """Each who is sent away is told another time, one spacing after the last, or all would be back at once."""
        last = max(self._row.get(rate, 0.0), self.now() + wait - self.rates[rate][0])
        self._row[rate] = last + self.rates[rate][0]
        return self._row[rate] - self.now()

    def close(self, rate: str, after: timedelta) -> None:
        """Slack asked us to wait: nobody calls at this rate before."""
        self._shut[rate] = max(self._shut.get(rate, 0.0), self.now() + after.total_seconds())

    def _wait(self, key: tuple[str, str]) -> float:
        spacing, burst = self.rates[key[0]]
        return self._fair.get(key, 0.0) - spacing * (burst - 1) - self.now()

    def _take(self, key: tuple[str, str]) -> None:
        self._fair[key] = max(self._fair.get(key, 0.0), self.now()) + self.rates[key[0]][0]
        self._fair.move_to_end(key)
        while len(self._fair) > CHATS_REMEMBERED:
            self._fair.popitem(last=False)


def _keys(rate: str, chat: str) -> list[tuple[str, str]]:
    return [(rate, "")] + ([(CHAT, chat)] if chat else [])
