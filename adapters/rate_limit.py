"""Keeps calls within a platform's rate limits.

A short wait is waited here. A longer one is raised as RetryLater, so that the message stays in the durable outbox and
not in the memory of a process. Nothing that acknowledges an interaction is ever paced.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from adapters.base import RetryLater

CHATS_REMEMBERED: Final = 10_000

Rates = Mapping[str, tuple[float, int]]
"""By name: the spacing of two calls in seconds, and how many may go at once before it applies."""

CHAT: Final = "chat"
"""The rate that each chat has for itself, beside the workspace's."""


@dataclass(slots=True)
class RateLimiter:
    """The rates of one workspace, as a generic cell rate algorithm (GCRA).

    For each key it stores only the theoretical arrival time of the next call.
    https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm

    Args:
        rates: The platform's limits.
        patience: The longest wait in seconds that is waited here (default 2).
        now: A monotonic clock, in seconds.
        sleep: How to wait; tests pass one that does not.
    """

    rates: Rates
    patience: float = 2.0
    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    _arrival: OrderedDict[tuple[str, str], float] = field(default_factory=OrderedDict)
    _paused_until: dict[str, float] = field(default_factory=dict)
    _promised: dict[str, float] = field(default_factory=dict)  # when the last caller that was refused may come back

    def check(self, rate: str, chat: str = "", *, at_once: bool = False) -> float:
        """Return the seconds until a call is allowed, in this chat too, without taking a slot.

        With `at_once` only a pause that the platform asked for counts, as `take_at_once` has it.

        Raises:
            RetryLater: That is longer than `patience`.
        """
        keys = [] if at_once else _keys(rate, chat)
        wait = max(0.0, self._paused_until.get(rate, 0.0) - self.now(), *(self._wait(key) for key in keys))
        if wait > self.patience:
            raise RetryLater(timedelta(seconds=self._spread(rate, wait)))
        return wait

    async def acquire(self, rate: str, chat: str = "") -> None:
        """Take a slot and wait for it.

        Raises:
            RetryLater: The wait is longer than `patience`. No slot is taken then.
        """
        wait = self.check(rate, chat)
        for key in _keys(rate, chat):
            self._take(key)  # no await between checking and taking
        if wait:
            await self.sleep(wait)

    def waiting(self, rate: str) -> int:
        """Return how many calls of this rate wait longer than is waited here, as far as they were told to."""
        spacing, _ = self.rates[rate]
        paused, promised = self._paused_until.get(rate, 0.0), self._promised.get(rate, 0.0)
        wait = max(paused - self.now(), promised - self.now(), self._wait((rate, "")))
        return math.ceil(wait / spacing) if spacing and wait > self.patience else 0

    def take_at_once(self, rate: str, chat: str = "") -> None:
        """Take a slot without waiting, for what a person waits for; what may come later waits longer for it.

        Raises:
            RetryLater: The platform asked for a pause.
        """
        if (wait := self._paused_until.get(rate, 0.0) - self.now()) > 0:
            raise RetryLater(timedelta(seconds=wait))
        for key in _keys(rate, chat):
            self._take(key)

    def back_off(self, rate: str, after: timedelta) -> None:
        """Allow no call of this rate for a while, because the platform asked for a pause."""
        self._paused_until[rate] = max(self._paused_until.get(rate, 0.0), self.now() + after.total_seconds())

    def _spread(self, rate: str, wait: float) -> float:
        """Tell each refused caller another time, one spacing after the last, or all would return at once."""
        last = max(self._promised.get(rate, 0.0), self.now() + wait - self.rates[rate][0])
        self._promised[rate] = last + self.rates[rate][0]
        return self._promised[rate] - self.now()

    def _wait(self, key: tuple[str, str]) -> float:
        spacing, burst = self.rates[key[0]]
        return self._arrival.get(key, 0.0) - spacing * (burst - 1) - self.now()

    def _take(self, key: tuple[str, str]) -> None:
        self._arrival[key] = max(self._arrival.get(key, 0.0), self.now()) + self.rates[key[0]][0]
        self._arrival.move_to_end(key)
        while len(self._arrival) > CHATS_REMEMBERED:
            self._arrival.popitem(last=False)


def _keys(rate: str, chat: str) -> list[tuple[str, str]]:
    return [(rate, "")] + ([(CHAT, chat)] if chat else [])
