"""Both stores' promises without a disk: claims and leases as PostgreSQL gives them, or none as in one process.

Disks, journals and transactions are proven elsewhere (tests/store). Here a save is one step of the event loop.
"""

from __future__ import annotations

import asyncio
import bisect
import heapq
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from bot.errors import StaleRevision
from bot.store.base import Deletion, Lingering, Record

LEASE = timedelta(seconds=60)
BY_KIND = ""
Written = Callable[[Sequence[Record | Deletion]], None]


class Tables:
    """What is kept, whichever process asks. It outlives every crash.

    written   called with every change, in the step in which it was made
    """

    def __init__(self, written: Written = lambda _: None) -> None:
        self.records: dict[str, Record] = {}
        self.held: dict[str, datetime] = {}  # until when a claim keeps a record from others
        self.written = written
        self._due: list[tuple[datetime, str]] = []  # in order
        self._ids: dict[tuple[str, str], dict[str, None]] = {}
        self._kinds: dict[str, tuple[Record, ...]] = {}  # until a record of the kind changes

    def apply(self, changes: Sequence[Record | Deletion]) -> None:
        """Make these changes, or none. Raises StaleRevision or ValueError."""
        self._check(changes)
        for change in changes:
            old = self.records.pop(change.id, None)
            if old is not None:
                self._forget(old)
            self.held.pop(change.id, None)
            if isinstance(change, Record):
                self._keep(replace(change, revision=change.revision + 1))
        self.written(changes)

    def _check(self, changes: Sequence[Record | Deletion]) -> None:
        if len({change.id for change in changes}) < len(changes):
            raise ValueError("one save may change a record only once")
        for change in changes:
            old = self.records.get(change.id)
            if change.revision != (old.revision if old else 0) or (old is None and isinstance(change, Deletion)):
                raise StaleRevision
            if isinstance(change, Record) and change.due is not None and change.due.tzinfo is None:
                raise ValueError("a due time needs its zone")

    def _places(self, record: Record) -> list[tuple[str, str]]:
        return [(BY_KIND, record.kind), *((index, key) for index, keys in record.keys.items() for key in keys)]

    def _keep(self, record: Record) -> None:
        self.records[record.id] = record
        self._kinds.pop(record.kind, None)
        for place in self._places(record):
            self._ids.setdefault(place, {})[record.id] = None
        if record.due is not None:
            bisect.insort(self._due, (record.due, record.id))

    def _forget(self, record: Record) -> None:
        self._kinds.pop(record.kind, None)
        for place in self._places(record):
            ids = self._ids[place]
            del ids[record.id]
            if not ids:
                del self._ids[place]
        if record.due is not None:
            del self._due[bisect.bisect_left(self._due, (record.due, record.id))]

    def due(self, before: datetime) -> list[str]:
        """Return what is due by then, earliest first."""
        end = bisect.bisect_right(self._due, before, key=lambda entry: entry[0])
        return [id for _, id in self._due[:end]]

    def next_due(self) -> datetime | None:
        """Return when the earliest record falls due, or None."""
        return self._due[0][0] if self._due else None

    def find(self, index: str, key: str) -> list[str]:
        """Return the ids under this key."""
        return list(self._ids.get((index, key), ()))

    def of_kind(self, kind: str) -> tuple[Record, ...]:
        """Return every record of one kind, the same object until one of them changes."""
        if kind not in self._kinds:
            self._kinds[kind] = tuple(self.records[id] for id in self._ids.get((BY_KIND, kind), ()))
        return self._kinds[kind]


class MemoryStore:
    """A `Store` over tables in memory, with leases where other processes share them."""

    def __init__(self, tables: Tables, *, shared: bool = False) -> None:
        self._tables, self._shared = tables, shared
        self._closed = False

    def __repr__(self) -> str:
        return "MemoryStore(…)"

    @property
    def shared(self) -> bool:
        """Whether other processes may use the same records."""
        return self._shared

    async def load(self, id: str) -> Record | None:
        """Return a record, or None."""
        return self._tables.records.get(id)

    async def load_all(self, ids: Collection[str]) -> Mapping[str, Record]:
        """Return these records by their ids; what there is not is left out."""
        records = self._tables.records
        return {id: records[id] for id in ids if id in records}

    async def save(self, *changes: Record | Deletion) -> None:
        """Apply all changes or none. Raises StaleRevision or ValueError."""
        if changes:
            self._tables.apply(changes)

    async def due(self, before: datetime, limit: int = 1000) -> Sequence[str]:
        """Return the ids that are due by then, earliest first."""
        return self._tables.due(before)[:limit]

    async def claim(self, before: datetime, limit: int, exclude: Collection[str] = ()) -> Sequence[str]:
        """Return what is due and, where others share the tables, leased to none of them; it is ours for a minute."""
        ids = [id for id in self._tables.due(before) if id not in exclude]
        if not self._shared:
            return ids[:limit]
        held = self._tables.held
        free = [id for id in ids if id not in held or held[id] <= before][:limit]
        held.update(dict.fromkeys(free, before + LEASE))
        return free

    async def release(self, ids: Collection[str]) -> None:
        """Give up the leases on these records."""
        for id in ids:
            self._tables.held.pop(id, None)

    async def next_due(self) -> datetime | None:
        """Return when the earliest record falls due, or None."""
        return self._tables.next_due()

    async def find(self, index: str, key: str) -> Sequence[str]:
        """Return the ids that carry this keyed hash."""
        return self._tables.find(index, key)

    async def all_of_kind(self, kind: str) -> Sequence[Record]:
        """Return every record of one kind; the same object until one of them changes."""
        return self._tables.of_kind(kind)

    async def scan(self, after: str, limit: int) -> Sequence[Record]:
        """Return at most `limit` records whose id comes after this one, in the order of ids."""
        ids = heapq.nsmallest(limit, (id for id in self._tables.records if id > after))
        return [self._tables.records[id] for id in ids]

    async def purge(self) -> None:
        """Do nothing: what was replaced is nowhere."""
        await asyncio.sleep(0)

    async def lingering(self) -> Collection[Lingering]:
        """Return nothing."""
        return ()

    async def check(self) -> None:
        """Do nothing: memory can be written."""

    async def close(self) -> None:
        """Let go of the tables."""
        self._closed = True
