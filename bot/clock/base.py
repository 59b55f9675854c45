"""What the programme asks of a clock, and nothing more."""

from __future__ import annotations

from datetime import timedelta
from typing import Final, Protocol

TICK: Final = timedelta(seconds=60)  # how often everything due is looked at, whoever should have been woken
AGAIN: Final = timedelta(seconds=5)  # until what could not be done just now is looked at again
SOONEST: Final = timedelta(milliseconds=250)


class Clock(Protocol):
    """Has the engine look at what is due.

    The record alone says what is due, and is asked again each time. So a clock may be late, look twice, or look for
    nothing: that delays, and never breaks, a promise. The programme's time may differ from the machine's (tests push
    it); only the distance to what is due is used.
    """

    def start(self) -> None:
        """Begin, with everything that is due already."""

    async def stop(self) -> None:
        """Wake nobody any more; a turn that has begun is finished."""
