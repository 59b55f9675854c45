"""What breaks, how often, and when it does not: one place from which every fault is drawn and counted."""

from __future__ import annotations

import random
from collections import Counter
from enum import StrEnum
from typing import Final


class Fault(StrEnum):
    """One thing that goes wrong."""

    # a platform
    BUSY = "429"
    SERVER_ERROR = "5xx"
    ONE_401 = "one 401"
    NOT_FOUND = "a card not found"
    NOBODY_FOUND = "a person not found once"
    DROPPED = "dropped, outcome unknown"
    ACCEPTED_THEN_DROPPED = "accepted, outcome unknown"
    SLOW = "slower than a lease"
    DEAD_ACCOUNT = "accepted by a dead account"
    NO_PROFILE = "no profile"
    OUTAGE = "a platform down"
    # what a platform delivers to us
    DOUBLED = "a press delivered twice"
    LATE = "a press delivered late"
    OLD = "an old button"
    FOREIGN = "another's button"
    AGAIN = "a press delivered again after a failure"
    # our side
    CRASH = "a crash between two awaits"
    KILLED = "a kill at some moment"
    DOWN = "long downtime"
    DATABASE = "no answer from the database"
    CLOCK = "a clock that jumps"
    LOST_WAKE = "a wake-up lost"
    DOUBLED_WAKE = "a wake-up doubled"


A_CALL: Final = {
    Fault.BUSY: 0.06,
    Fault.SERVER_ERROR: 0.05,
    Fault.ONE_401: 0.01,
    Fault.NOT_FOUND: 0.01,
    Fault.NOBODY_FOUND: 0.0004,
    Fault.DROPPED: 0.03,
    Fault.ACCEPTED_THEN_DROPPED: 0.05,
    Fault.SLOW: 0.004,
}
"""How likely one call to a platform meets each fault, on a bad day."""

ELSEWHERE: Final = {
    Fault.NO_PROFILE: 0.03,
    Fault.DOUBLED: 0.08,
    Fault.LATE: 0.04,
    Fault.CRASH: 0.0005,  # at each await of a store or a platform
    Fault.DATABASE: 0.002,
    Fault.LOST_WAKE: 0.15,
    Fault.DOUBLED_WAKE: 0.15,
}
"""How likely everything else breaks at each opportunity, on a bad day."""


class Weather:
    """Draws faults from one random source. `calm` while nothing breaks; `rough` scales every likelihood.

    Args:
        luck: Decides everything.
    """

    def __init__(self, luck: random.Random) -> None:
        self._luck = luck
        self.calm = False
        self.rough = 0.3
        self.met: Counter[Fault] = Counter()

    def happens(self, fault: Fault) -> bool:
        """Draw whether this fault happens now, and count it if it does."""
        if self.calm or self._luck.random() >= ELSEWHERE[fault] * self.rough:
            return False
        self.met[fault] += 1
        return True

    def of_a_call(self) -> Fault | None:
        """Draw what one call to a platform meets."""
        if self.calm:
            return None
        drawn = self._luck.random() / self.rough
        for fault, likely in A_CALL.items():
            drawn -= likely
            if drawn < 0:
                self.met[fault] += 1
                return fault
        return None

    def count(self, fault: Fault) -> None:
        """Note a fault that was planned elsewhere."""
        self.met[fault] += 1
