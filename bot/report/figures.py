"""The figures of a report, out of the roster and the sums: first what is about no one who asked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from conversations import hours
from conversations.model import Peer
from conversations.numbers import Year, monday_of
from conversations.peers.coordinator import ENDS_SOON

BLOCK: Final = timedelta(hours=3)
BLOCKS: Final = 8
"""A day has so many blocks of three hours."""

DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, slots=True)
class Figures:
    """What a report says.

    Attributes:
        name: What the programme is called.
        made: The day of the report.
        trained: Peers whose training counts.
        paused: Those of them who pause.
        ends_soon: Those of them whose training ends within 60 days.
        over: Peers whose training has ended.
        invited: Invitations that are open.
        coverage: By day of the week and block of three hours, how many trained peers who do not pause can be asked.
        small_cell: The smallest number of requests that anything is said of.
        years: What is said of the years that are over.
    """

    name: str
    made: date
    trained: int
    paused: int
    ends_soon: int
    over: int
    invited: int
    coverage: tuple[tuple[int, ...], ...]
    small_cell: int
    years: tuple[Year, ...] = ()

    @property
    def active(self) -> int:
        """Trained peers who do not pause."""
        return self.trained - self.paused


def figures_of(
    peers: Sequence[Peer],
    years: tuple[Year, ...],
    *,
    invited: int,
    name: str,
    zone: str,
    small_cell: int,
    now: datetime,
) -> Figures:
    """Return the figures of a programme.

    Args:
        peers: The roster.
        years: What may be said of the years that are over.
        invited: How many invitations are open.
        name: What the programme is called.
        zone: The time zone of the hospital.
        small_cell: The smallest number of requests that anything is said of.
        now: The present time.
    """
    today = now.date()
    trained = [peer for peer in peers if peer.trained_until and peer.trained_until >= today]
    ready = [peer for peer in trained if not peer.paused]
    return Figures(
        name=name,
        made=today,
        trained=len(trained),
        paused=len(trained) - len(ready),
        ends_soon=sum(1 for peer in trained if peer.trained_until and peer.trained_until <= today + ENDS_SOON),
        over=len(peers) - len(trained),
        invited=invited,
        coverage=coverage(ready, zone, today),
        small_cell=small_cell,
        years=years,
    )


def coverage(peers: Iterable[Peer], zone: str, today: date) -> tuple[tuple[int, ...], ...]:
    """How many of these peers can be asked in the middle of each block, from Monday's midnight on, in this zone."""
    them = tuple(peers)
    monday = datetime.combine(monday_of(today), datetime.min.time(), ZoneInfo(zone))
    middles = [[monday + timedelta(days=day) + BLOCK * (block + 0.5) for block in range(BLOCKS)] for day in range(7)]
    return tuple(tuple(_can_be_asked(them, at.astimezone(UTC)) for at in day) for day in middles)


def _can_be_asked(peers: tuple[Peer, ...], at: datetime) -> int:
    return sum(hours.within(at, peer.zone, peer.shifts or peer.hours) for peer in peers)
