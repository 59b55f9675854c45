"""How often a platform lets itself be called, and what it says to a call too many."""

from __future__ import annotations

import math
from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Allowance:
    """So many calls within so many seconds, counted for one key: a method, or a method in one chat."""

    calls: int
    seconds: float


@dataclass(slots=True)
class RateRules:
    """Counts calls by key, each in a sliding window."""

    _times: dict[tuple[str, Allowance], deque[datetime]] = field(default_factory=lambda: defaultdict(deque))

    def wait(self, keys: Iterable[tuple[str, Allowance]], now: datetime) -> int:
        """Count a call under all of its keys. Returns the whole seconds to wait where one is used up, else 0."""
        windows = [(self._times[key, allowance], allowance) for key, allowance in keys]
        waits = [_wait(times, allowance, now) for times, allowance in windows]
        if any(waits):
            return max(waits)
        for times, _ in windows:
            times.append(now)
        return 0


def _wait(times: deque[datetime], allowance: Allowance, now: datetime) -> int:
    """Seconds until the oldest call in a full window leaves it."""
    length = timedelta(seconds=allowance.seconds)
    while times and now - times[0] >= length:
        times.popleft()
    return math.ceil((times[0] + length - now).total_seconds()) if len(times) >= allowance.calls else 0
