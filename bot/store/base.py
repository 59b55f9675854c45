"""The Store interface: what the engine needs from a database, and nothing more."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Record:
    """One document: clear columns that say nothing about a person, keyed hashes, and one sealed blob.

    Attributes:
        id: Random, or a keyed hash of a person.
        kind: The kind of conversation, or of housekeeping record.
        stage: The stage of the conversation.
        due: When the record has to be looked at next, with its time zone; None for never.
        day: The day of the last change, which is all that a copy of the store tells about time.
        revision: The revision that was read, for optimistic locking; 0 for a record that was never stored.
        shape: The version of the sealed content's format.
        keys: For each index, the keyed hashes under which `Store.find` finds this record.
        sealed: The encrypted content.
        wake: When a process should be woken for this record. It is due earlier where a crash might leave something half
            done. It is written, and never read back.
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
    wake: datetime | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Deletion:
    """A change that destroys a record, provided that it is still at the revision that was read."""

    id: str = field(repr=False)
    revision: int


class Lingering(StrEnum):
    """Why what was destroyed may stay in a database for longer than a minute."""

    NOT_OWNED = "not-owned"  # we may not vacuum the tables
    SNAPSHOT = "snapshot"  # another session, replica or prepared transaction still sees what was there


class Store(Protocol):
    """Durable records with optimistic locking. Every method may be called from many tasks at once.

    Every method raises `bot.errors.DatabaseUnavailable` (PostgreSQL) or `WriteFailed` (embedded) where the store can
    neither be read nor written.
    """

    @property
    def shared(self) -> bool:
        """Whether other processes may use the same records at the same time."""

    async def load(self, id: str) -> Record | None:
        """Return the newest version of a record, which is durable by the time this returns, or None."""

    async def load_all(self, ids: Collection[str]) -> Mapping[str, Record]:
        """Return the newest versions of these records by their ids, as `load` does; what there is not is left out."""

    async def save(self, *changes: Record | Deletion) -> None:
        """Apply all changes or none, and return once they are durable. Each record becomes `revision + 1`.

        Raises:
            StaleRevision: A record is not at the revision that the change names; nothing was saved.
            ValueError: One record is changed twice, or a due time has no time zone.
        """

    async def due(self, before: datetime, limit: int = 1000) -> Sequence[str]:
        """Return the ids whose `due` is not after `before`, earliest first, at most `limit`."""

    async def claim(self, before: datetime, limit: int, exclude: Collection[str] = ()) -> Sequence[str]:
        """Lease due records to the caller, who is going to work on them.

        No other caller is given them for a minute after `before`, or until one is saved or released.

        Args:
            before: The present time.
            limit: How many ids to return at most.
            exclude: Ids that the caller has already worked on in this round.

        Returns:
            Ids, earliest due first.
        """

    async def release(self, ids: Collection[str]) -> None:
        """Give up the leases on records that were claimed and not saved, so that the next caller is given them."""

    async def next_due(self) -> datetime | None:
        """Return when the earliest record falls due, or None."""

    async def find(self, index: str, key: str) -> Sequence[str]:
        """Return the ids of the records that carry this keyed hash in this index; costs what it finds."""

    async def all_of_kind(self, kind: str) -> Sequence[Record]:
        """Return every record of one kind.

        It is meant for kinds with few records, such as the roster. The same sequence object is returned until one of
        the records changes, so a caller may cache by identity.
        """

    async def scan(self, after: str, limit: int) -> Sequence[Record]:
        """Return at most `limit` records whose id comes after `after`, in the order of ids; "" begins.

        An empty result is the end. A record that exists from the first call to the last is returned exactly once.
        """

    async def purge(self) -> None:
        """Remove the bytes of destroyed and replaced records from the files; may be called at any time."""

    async def lingering(self) -> Collection[Lingering]:
        """Return why `purge` may leave what was destroyed where it was; empty where nothing keeps it."""

    async def check(self) -> None:
        """Raise if writing is not possible now; /readyz calls this."""

    async def close(self) -> None:
        """Finish the writes that are under way, and give up the lock."""
