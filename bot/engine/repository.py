"""Repository of conversations, with an LRU cache of decrypted records; an entry is valid for one revision.

What was read is believed by nothing but a write, which fails at its revision if another was faster. So a record may be
written without being read once more, and what is due is read many records at a time (`ReadAhead`). A revision alone
does not tell one life of a record from the next: of a record whose id belongs to a person, who may be forgotten and
come back, only what was read at the same moment is believed.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Final

import structlog

from bot.crypto.vault import Vault
from bot.engine.codec import Stored, decode, encode
from bot.engine.outbox import Outbox
from bot.errors import Corrupt, DatabaseUnavailable, StaleRevision, WrittenByNewerVersion
from bot.store.base import Deletion, Record, Store
from conversations import registry
from conversations.immutable import replace
from conversations.model import Peer
from conversations.registry import ENTRIES

log = structlog.get_logger()

OutboxChange = Callable[[Outbox], Outbox]
Updated = asyncio.Future[Stored[Any] | None]

CACHED: Final = 1024  # conversations; one that is forgotten is dropped at once
AHEAD: Final = 32  # records that are read at once before their turn comes
A_MOMENT: Final = timedelta(seconds=1)  # for which what was read in passing is believed without being read again


@dataclass(frozen=True, slots=True)
class CachedEntry:
    """A conversation, and the revision and the very bytes it was decrypted from.

    Sealed anew, even the same words give other bytes.
    """

    version: tuple[int, bytes] = field(repr=False)
    stored: Stored[Any]


@dataclass(frozen=True, slots=True)
class Roster:
    """Every peer's record as the store knew it at one moment."""

    records: Sequence[Record] = ()
    cached: Mapping[str, CachedEntry] = field(default_factory=dict, repr=False)
    stored: Mapping[str, Stored[Any]] = field(default_factory=dict, repr=False)
    peers: tuple[Peer, ...] = field(default=(), repr=False)


class ConversationRepository:
    """Loads and saves conversations. The store is the only truth: the cache counts only for the bytes it names.

    Args:
        store: Where records are kept.
        vault: Seals and opens them.
        now: The time.
    """

    def __init__(self, store: Store, vault: Vault, now: Callable[[], datetime]) -> None:
        self._store, self._vault, self._now = store, vault, now
        self._cache: OrderedDict[str, CachedEntry] = OrderedDict()
        self._roster = Roster()
        self.roster_writes = 0  # how often this process wrote a record of the roster
        self._waiting: dict[str, list[tuple[OutboxChange, Updated]]] = {}
        self._updating: set[asyncio.Task[None]] = set()

    async def load(self, id: str) -> Stored[Any] | None:
        """A conversation at its newest revision; None where there is none of this id.

        Raises:
            Corrupt: Its record does not open.
            WrittenByNewerVersion: Its record must not be touched by this release.
        """
        return self._read(id, await self._store.load(id))

    async def load_all(self, ids: Sequence[str]) -> list[Stored[Any] | None]:
        """Conversations of these ids, read at once, as `load` reads each; raises what it raises."""
        found = await self._store.load_all(ids)
        return [self._read(id, found.get(id)) for id in ids]

    async def load_ahead(self, ids: Sequence[str]) -> Mapping[str, Stored[Any]]:
        """Conversations of these ids, read at once, whose ids are never used again; whatever does not open is left out.

        One that is left out is loaded alone, and the reason is told then.
        """
        found: dict[str, Stored[Any]] = {}
        for id, record in (await self._store.load_all(ids)).items():
            if record.kind in ENTRIES and not ENTRIES[record.kind].is_home:
                try:
                    stored = self._read(id, record)
                except (Corrupt, WrittenByNewerVersion):
                    continue
                if stored is not None:
                    found[id] = stored
        return found

    def _read(self, id: str, record: Record | None) -> Stored[Any] | None:
        if record is None or (record.kind not in ENTRIES and not record.sealed):
            self._cache.pop(id, None)
            return None
        known = self._cache.get(id)
        if known is None or known.version != (record.revision, record.sealed):
            known = self._decoded(record)
            self._keep(id, known)
        self._cache.move_to_end(id)
        return known.stored

    def _decoded(self, record: Record) -> CachedEntry:
        return CachedEntry((record.revision, record.sealed), decode(record, self._vault))

    def _keep(self, id: str, entry: CachedEntry) -> None:
        self._cache[id] = entry
        self._cache.move_to_end(id)
        if len(self._cache) > CACHED:
            self._cache.popitem(last=False)

    async def roster(self) -> Roster:
        """The whole roster; no record is decrypted twice."""
        records = await self._store.all_of_kind(registry.ROSTER.value)
        if records is not self._roster.records:
            cached = {record.id: known for record in records if (known := self._peer(record)) is not None}
            stored = {id: known.stored for id, known in cached.items()}
            peers = registry.roster(one.conversation for one in stored.values())
            self._roster = Roster(records, cached, stored, peers)
        return self._roster

    async def all_of(self, kind: str) -> list[Any]:
        """Every conversation of a kind that can be read, as it was saved last."""
        records = await self._store.all_of_kind(kind)
        return [known.stored.conversation for record in records if (known := self._peer(record)) is not None]

    def _peer(self, record: Record) -> CachedEntry | None:
        """One record that does not open must not keep the others from being asked."""
        try:
            known = self._roster.cached.get(record.id)
            return known if known and known.version == (record.revision, record.sealed) else self._decoded(record)
        except (Corrupt, WrittenByNewerVersion) as failed:
            log.error("record-failed", kind=type(failed).__name__)
            return None

    async def save(self, changed: Iterable[Stored[Any]], *also: Record | Deletion) -> tuple[Stored[Any], ...]:
        """Write all of them or none.

        Args:
            changed: Conversations, at the revisions that were read.
            also: Further records of the same write.

        Returns:
            What stands in the store afterwards, one revision on.

        Raises:
            StaleRevision: One of them was written by another since it was read; nothing is saved.
        """
        now, before = self._now(), tuple(changed)
        changes = [encode(stored, self._vault, now) for stored in before]
        await self._store.save(*changes, *also)
        self.roster_writes += any(stored.kind == registry.ROSTER for stored in before)
        after = tuple([replace(stored, revision=stored.revision + 1) for stored in before])
        for change, stored in zip(changes, after, strict=True):
            if isinstance(change, Record) and stored.unknown is None:
                self._keep(change.id, CachedEntry((stored.revision, change.sealed), stored))
            else:
                self._cache.pop(change.id, None)
        return after

    def update(self, id: str, change: OutboxChange, known: Stored[Any] | None = None) -> Updated:
        """Apply a pure change to the newest outbox of a conversation, and return when it is durable.

        Changes of one conversation that come in the same turn of the event loop are one write, in the order they came.

        Args:
            id: Of the conversation.
            change: Makes the new outbox out of the newest; it may be called more than once.
            known: The conversation as it was read or written, which saves reading it again. What is no longer the
                newest cannot be saved, and is read again then. Where its id may be used again, just read.

        Returns:
            The conversation as it stands then, or None when it is gone.
        """
        done: Updated = asyncio.get_running_loop().create_future()
        waiting = self._waiting.setdefault(id, [])
        waiting.append((change, done))
        if len(waiting) == 1:
            task = asyncio.get_running_loop().create_task(self._update_at_once(id, known))
            self._updating.add(task)
            task.add_done_callback(self._updating.discard)
        return asyncio.shield(done)

    async def _update_at_once(self, id: str, known: Stored[Any] | None) -> None:
        await asyncio.sleep(0)  # updates of this same turn of the loop come along
        batch = self._waiting.pop(id)
        try:
            stored = await self._apply(id, [change for change, _ in batch], known)
        except BaseException as failed:
            for _, done in batch:
                if not done.done():
                    done.set_exception(failed)
            if not isinstance(failed, Exception):
                raise
            return  # each caller has the exception
        for _, done in batch:
            if not done.done():
                done.set_result(stored)

    async def _apply(self, id: str, changes: list[OutboxChange], known: Stored[Any] | None) -> Stored[Any] | None:
        while (stored := self._newest(known) if known else await self.load(id)) is not None:
            outbox = stored.outbox
            for change in changes:
                outbox = change(outbox)
            if outbox == stored.outbox:
                return stored
            try:
                (after,) = await self.save([replace(stored, outbox=outbox)])
            except StaleRevision:
                known = None
            else:
                return after
        return None

    def _newest(self, known: Stored[Any]) -> Stored[Any]:
        """The conversation as this process read or wrote it last: others of its readers were shown their cards, too."""
        cached = None if ENTRIES[known.kind].is_home else self._cache.get(known.id)
        return cached.stored if cached is not None and cached.stored.revision > known.revision else known


class ReadAhead:
    """What is due, read many records at a time before the turn of each comes, and the roster, read once a moment.

    Args:
        repository: Reads them.
        ids: What is due, in order.
        now: The time.
    """

    def __init__(self, repository: ConversationRepository, ids: Iterable[str], now: Callable[[], datetime]) -> None:
        self._repository, self._ids, self._now = repository, iter(ids), now
        self._read: deque[tuple[str, Stored[Any] | None]] = deque()
        self._reading, self._reading_roster = asyncio.Lock(), asyncio.Lock()
        self._roster: tuple[datetime, int, Roster] | None = None

    async def next(self) -> tuple[str, Stored[Any] | None] | None:
        """The next id, and its conversation where it was read ahead; None when there is no more."""
        async with self._reading:
            if not self._read and (ids := list(islice(self._ids, AHEAD))):
                try:
                    found = await self._repository.load_ahead(ids)
                except (DatabaseUnavailable, StaleRevision):
                    found = {}  # each is loaded in its turn, and fails alone
                self._read.extend((id, found.get(id)) for id in ids)
            return self._read.popleft() if self._read else None

    async def roster(self) -> Roster:
        """The roster as it was less than a moment ago, with whatever this process has written since."""
        async with self._reading_roster:
            now, writes = self._now(), self._repository.roster_writes
            if self._roster is None or writes != self._roster[1] or not timedelta() <= now - self._roster[0] < A_MOMENT:
                self._roster = now, writes, await self._repository.roster()
            return self._roster[2]
