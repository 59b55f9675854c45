"""How fast Slack lets us speak: one post a second in a chat, three hundred a minute in a workspace, fifty edits.

A short wait is waited here; a longer one is handed back as TryLater, so that the message stands in the durable queue
and not in the memory of a process. Nothing that acknowledges a person's press ever comes through here.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from adapters.base import TryLater

CHATS_REMEMBERED: Final = 10_000

# spacing in seconds, and how many may go at once before it binds; the method's tier at Slack, with a little air
RATES: Final = {
    "post": (60 / 300, 20),
    "update": (60 / 50, 10),
    "open": (60 / 50, 20),
    "read": (60 / 50, 20),
    "page": (60 / 100, 20),
    "chat": (1.0, 1),
}


@dataclass(slots=True)
class Pace:
    """One workspace's rates (GCRA: each key holds the time at which its next turn would be fair)."""

    patience: float = 2.0  # seconds waited here rather than in the queue
    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    _fair: OrderedDict[tuple[str, str], float] = field(default_factory=OrderedDict)
    _shut: dict[str, float] = field(default_factory=dict)
    _row: dict[str, float] = field(default_factory=dict)  # when the last who was sent away may come back

    async def turn(self, rate: str, chat: str = "") -> None:
        """Wait until one more call of this rate is fair, in this chat too. Raises TryLater when that is not soon."""
        keys = [(rate, "")] + ([("chat", chat)] if chat else [])
        wait = max(0.0, self._shut.get(rate, 0.0) - self.now(), *(self._wait(k) for k in keys))
        if wait > self.patience:
            raise TryLater(timedelta(seconds=self._place_in_the_row(rate, wait)))
        for key in keys:
            self._take(key)  # no await between looking and taking
        if wait:
            await self.sleep(wait)

    def _place_in_the_row(self, rate: str, wait: float) -> float:
        """Each who is sent away is told another time, one spacing after the last, or all would be back at once."""
        last = max(self._row.get(rate, 0.0), self.now() + wait - RATES[rate][0])
        self._row[rate] = last + RATES[rate][0]
        return self._row[rate] - self.now()

    def close(self, rate: str, after: timedelta) -> None:
        """Slack asked us to wait: nobody calls at this rate before."""
        self._shut[rate] = max(self._shut.get(rate, 0.0), self.now() + after.total_seconds())

    def _wait(self, key: tuple[str, str]) -> float:
        spacing, burst = RATES[key[0]]
        return self._fair.get(key, 0.0) - spacing * (burst - 1) - self.now()

    def _take(self, key: tuple[str, str]) -> None:
        self._fair[key] = max(self._fair.get(key, 0.0), self.now()) + RATES[key[0]][0]
        self._fair.move_to_end(key)
        while len(self._fair) > CHATS_REMEMBERED:
            self._fair.popitem(last=False)
