"""What is going to happen, in order: acts of people, faults that were planned, and moments without any."""

from __future__ import annotations

import asyncio
import hashlib
import heapq
import itertools
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

Act = Callable[[], Awaitable[None]]


class Schedule:
    """Acts by the second at which they happen; those of one second in the order in which they were planned."""

    def __init__(self) -> None:
        self._acts: list[tuple[float, int, Act]] = []
        self._numbers = itertools.count()
        self._sooner = asyncio.Event()  # something was planned before what is waited for
        self.steps = 0

    def plan(self, after: float, act: Act) -> None:
        """Let this happen so many seconds from now."""
        at = asyncio.get_running_loop().time() + after
        heapq.heappush(self._acts, (at, next(self._numbers), act))
        if self._acts[0][0] == at:
            self._sooner.set()

    async def run(self, until: float, after_each: Callable[[], None]) -> None:
        """Let everything happen that is planned before this second, and judge after each act."""
        while await self._is_one_due(until):
            _, _, act = heapq.heappop(self._acts)
            self.steps += 1
            await act()
            after_each()
        after_each()

    async def _is_one_due(self, until: float) -> bool:
        """Wait for the next act; False where there is none before this second."""
        loop = asyncio.get_running_loop()
        while loop.time() < until:
            at = min(self._acts[0][0], until) if self._acts else until
            if self._acts and at <= loop.time():
                return True
            self._sooner.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout_at(at):
                    await self._sooner.wait()
        return False


class Trace:
    """What happened: the last lines of it to read, and a digest of all of it to compare two runs by."""

    def __init__(self, kept: int = 40) -> None:
        self.last: deque[str] = deque(maxlen=kept)
        self._digest = hashlib.sha256()

    def add(self, *what: Any) -> None:
        """Note one line."""
        line = " ".join(map(str, what))
        self.last.append(line)
        self._digest.update(line.encode() + b"\n")

    @property
    def digest(self) -> str:
        """The same for two runs in which the same happened."""
        return self._digest.hexdigest()
