"""What the server asks of a scheduler, and how often schedulers look."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Protocol

TICK: Final = timedelta(seconds=60)
"""Between two ticks: at each, everything that is due is looked at, in case a wake-up was missed."""
RETRY_AFTER: Final = timedelta(seconds=5)
"""Until something that could not be done is tried again."""
SHORTEST_WAIT: Final = timedelta(milliseconds=250)
"""The soonest a wake-up is planned: what is due already must not make a busy loop."""


class Wakeable(Protocol):
    """What a scheduler wakes: the engine."""

    async def wake(self) -> None:
        """Do everything that is due. Safe to call late, twice, or from several replicas at once."""


@dataclass(frozen=True, slots=True)
class Upkeep:
    """What a scheduler runs at every tick beside the work that is due.

    Each of `jobs` is awaited at every tick and returns at once when there is nothing to do, as when today's keys are
    rotated; deadlines do not wait for them. `tick_done` is called after a tick that ended without an error, and at no
    other moment.
    """

    jobs: tuple[Callable[[], Awaitable[None]], ...] = ()
    tick_done: Callable[[], None] = lambda: None

    async def run(self) -> None:
        """Run every job, one after the other."""
        for job in self.jobs:
            await job()


NO_UPKEEP: Final = Upkeep()


class Scheduler(Protocol):
    """Wakes the engine when something falls due.

    The store alone says what is due, and is asked again each time. So a scheduler may be late, fire twice, or fire for
    nothing: that delays a deadline and never loses one. The programme's time may differ from the machine's (tests move
    it); only the distance to what is due is used.
    """

    def start(self) -> None:
        """Begin with everything that is due already."""

    async def stop(self) -> None:
        """Plan no further wake-up; one that has begun is finished before this returns."""
