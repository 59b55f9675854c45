"""Repository of conversations, with an LRU cache of decrypted records; an entry is valid for one revision."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import structlog

from bot.crypto.vault import Vault
from bot.engine.codec import Stored, decode, encode
from bot.engine.outbox import Outbox
from bot.errors import Corrupt, StaleRevision, WrittenByNewerVersion
from bot.store.base import Deletion, Record, Store
from conversations import registry
from conversations.immutable import replace
from conversations.model import Peer
from conversations.registry import ENTRIES

log = structlog.get_logger()

OutboxChange = Callable[[Outbox], Outbox]
Updated = asyncio.Future[Stored[Any] | None]

CACHED: Final = 1024  # conversations; one that is forgotten is dropped at once


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
            known: The conversation as it was just read or written, which saves reading it again. What is no longer the
                newest cannot be saved, and is read again then.

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
        while (stored := known or await self.load(id)) is not None:
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
