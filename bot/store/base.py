"""What the engine asks of a database, and nothing more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Record:
    """One document: clear columns that say nothing about a person, keyed hashes, and one sealed blob.

    `id` is random, or a keyed hash of somebody. `revision` is the one that was read: 0 for a record never stored.
    `keys` maps an index to the keyed hashes under which this record is found there.
    """

    id: str = field(repr=False)
    kind: str
    stage: str
    due: datetime | None
    day: date
    revision: int = 0
    shape: int = 0
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
    sealed: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Gone:
    """This record is to be destroyed, if it is still at the revision that was read."""

    id: str = field(repr=False)
    revision: int


class Stale(Exception):
    """Somebody else wrote one of these records since we read it. Nothing was saved: read again."""


class Damaged(Exception):
    """Stored bytes do not open: wrong key, wrong place, or changed. Never treated as empty."""


class Store(Protocol):
    """Durable records. Every method may be called from many tasks at once."""

    async def load(self, id: str) -> Record | None:
        """The newest durable-or-pending version, or None."""

    async def save(self, *changes: Record | Gone) -> None:
        """All or nothing, and durable when it returns. Each record becomes `revision + 1`. Raises Stale."""

    async def due(self, before: datetime, limit: int = 1000) -> Sequence[str]:
        """Ids whose `due` is not after `before`, earliest first."""

    async def next_due(self) -> datetime | None:
        """When the earliest record falls due, or None."""

    async def find(self, index: str, key: str) -> Sequence[str]:
        """Ids of the records that carry this keyed hash in this index; costs what it finds, not what is stored."""

    async def kind(self, kind: str) -> Sequence[Record]:
        """Every record of one kind; used for the roster, which is small."""

    async def purge(self) -> None:
        """Leave no byte of what was destroyed; safe to call at any time."""

    async def check(self) -> None:
        """Raise if writing is not possible now (used by /readyz)."""

    async def close(self) -> None:
        """Finish what is being written and let go of the lock."""
