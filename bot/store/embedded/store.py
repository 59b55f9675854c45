"""The embedded store: TinyDB in memory, a sealed journal on disk, for one process.

When is a change visible? `save` checks revisions against what was accepted, durable or not, and returns once the change
is durable. A reader never sees what is not durable: `load`, `find` and `all_of_kind` wait for the sync that is under
way if, and only if, it concerns what they read. So whatever is delivered or acknowledged is durable, even where nothing
is written after reading. `due` and `next_due` name candidates at once; the caller loads one before acting on it.

A save whose task is cancelled is written all the same.

What is destroyed or replaced stays in the journal until it is compacted. `purge` compacts it, and so does a save after
which the journal has outgrown its snapshot.
"""

from __future__ import annotations

import asyncio
import heapq
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Final, Self, cast

from bot.crypto.durable_file import FileSystem
from bot.errors import StaleRevision
from bot.store.base import Deletion, Lingering, Record
from bot.store.embedded.compaction import CompactionFailed, WriteFailed
from bot.store.embedded.indexes import BY_KIND, Indexes, IndexKey
from bot.store.embedded.row_format import encode_changes, to_document, to_record, to_unchanged_document
from bot.store.embedded.startup import gc_paused, lock_folder, read_folder
from bot.store.embedded.tracking_table import (
    Changes,
    Document,
    TrackingStorage,
    TrackingTable,
    TrackingTinyDB,
)
from bot.store.embedded.writer import Writer, exit_process

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from tinydb.queries import QueryLike

    from bot.crypto.vault import Vault

__all__ = ["CompactionFailed", "EmbeddedStore", "WriteFailed"]

_TABLE = "records"

RECORDS: Final = 1024  # kept as they were loaded


class EmbeddedStore:
    """A `Store` in one folder, for one process and one event loop. Use `open`."""

    shared: ClassVar[bool] = False

    def __init__(
        self,
        folder: Path,
        disk: FileSystem,
        lock: int,
        documents: dict[str, Document],
        open_writer: Callable[[], Writer],
    ) -> None:
        """Serve these documents."""
        self._folder, self._disk, self._lock = folder, disk, lock
        self._documents = documents
        self._database = TrackingTinyDB({_TABLE: documents}, storage=TrackingStorage)
        self._table = cast("TrackingTable", self._database.table(_TABLE))
        self._indexes = Indexes(documents)
        self._kinds: dict[IndexKey, tuple[Record, ...]] = {}  # until a record changes
        self._records: dict[str, Record] = {}  # loaded lately, until they change
        self._unsynced: dict[str | IndexKey, asyncio.Future[None]] = {}  # by id, and by every key that finds it
        self._batch_keys: set[str | IndexKey] = set()
        self._last: asyncio.Future[None] | None = None
        self._outdated = 0  # versions destroyed or replaced that the journal may still hold
        self._cleaned = 0
        self._compacting: asyncio.Future[None] | None = None
        self._closed = False
        self._writer = open_writer()

    @classmethod
    def open(
        cls,
        folder: Path,
        vault: Vault,
        *,
        disk: FileSystem | None = None,
        on_failure: Callable[[BaseException], None] = exit_process,
    ) -> Self:
        """Lock the folder, read everything in it, and finish a purge that was interrupted.

        Args:
            folder: The store's folder; it is created if it does not exist.
            vault: Opens the journal.
            disk: The file system; a test may give one that fails.
            on_failure: Called from the writing thread with why a write or a sync failed, before any save raises.

        Raises:
            StoreInUse: Another process holds the folder.
            Corrupt: The journal does not decrypt; nothing was touched.
            OSError: A file cannot be read or written.
        """
        disk = disk or FileSystem()
        lock = lock_folder(disk, folder)
        try:
            with gc_paused():
                documents, journal, replaced = read_folder(folder, disk, vault)
                store = cls(folder, disk, lock, documents, lambda: Writer(folder, disk, vault, journal, on_failure))
        except BaseException:
            disk.close(lock)
            raise
        store._outdated = replaced
        return store

    def __repr__(self) -> str:
        """Reveal nothing of what is stored."""
        return "EmbeddedStore(…)"

    # ------------------------------------------------------------ reading

    async def load(self, id: str) -> Record | None:
        """Return the newest version, once it is durable, or None."""
        await self._wait_until_durable(id)
        stored = self._documents.get(id)
        if stored is None:
            return None
        known = self._records.get(id)
        if known is None:
            known = self._records[id] = to_record(id, stored)
            if len(self._records) > RECORDS:
                del self._records[next(iter(self._records))]
        return known

    async def find(self, index: str, key: str) -> Sequence[str]:
        """Return the ids that carry this keyed hash, in the order in which they were saved."""
        name = (index, key)
        await self._wait_until_durable(name)
        return self._indexes.keys.under(name)

    async def all_of_kind(self, kind: str) -> Sequence[Record]:
        """Return every record of one kind; the same object until one of them changes."""
        name = (BY_KIND, kind)
        await self._wait_until_durable(name)
        if name not in self._kinds:
            self._kinds[name] = tuple(to_record(id, self._documents[id]) for id in self._indexes.keys.under(name))
        return self._kinds[name]

    async def load_all(self, ids: Collection[str]) -> Mapping[str, Record]:
        """Return the newest versions of these, once they are durable."""
        found = [(id, await self.load(id)) for id in ids]
        return {id: record for id, record in found if record is not None}

    async def due(self, before: datetime, limit: int = 1000) -> Sequence[str]:
        """Return the ids that are due by then, earliest first."""
        self._refuse_if_closed()
        return self._indexes.due.until(before, limit)

    async def claim(self, before: datetime, limit: int, exclude: Collection[str] = ()) -> Sequence[str]:
        """Return the ids that are due by then and not excluded, earliest first; no lease is needed in one process."""
        return [id for id in await self.due(before, limit + len(exclude)) if id not in exclude][:limit]

    async def release(self, ids: Collection[str]) -> None:
        """Do nothing: no other process could have claimed them."""

    async def next_due(self) -> datetime | None:
        """Return when the earliest record falls due, or None."""
        self._refuse_if_closed()
        return self._indexes.due.earliest()

    async def scan(self, after: str, limit: int) -> Sequence[Record]:
        """Return records after this id, in the order of ids, as they are at the call, once that is durable."""
        self._refuse_if_closed()
        ids = heapq.nsmallest(limit, (id for id in self._documents if id > after))
        found = [to_record(id, self._documents[id]) for id in ids]  # no await before the line below
        if self._last is not None:
            await asyncio.shield(self._last)
        self._refuse_if_closed()
        return found

    async def search(self, where: QueryLike) -> Sequence[Record]:
        """Return the records whose clear columns match a TinyDB query. It looks at every record: for tools only."""
        if self._last is not None:
            await asyncio.shield(self._last)
        self._refuse_if_closed()
        return [to_record(cast("str", found.doc_id), found) for found in self._table.search(where)]

    async def _wait_until_durable(self, name: str | IndexKey) -> None:
        self._refuse_if_closed()
        while (pending := self._unsynced.get(name)) is not None and not pending.done():
            await asyncio.shield(pending)
        self._refuse_if_closed()

    # ------------------------------------------------------------ writing

    async def save(self, *changes: Record | Deletion) -> None:
        """Apply all changes or none, and return once they are durable.

        Raises:
            StaleRevision: A record is not at the revision that the change names; nothing was saved.
            WriteFailed: The disk refused the write; the process has to end.
        """
        self._refuse_if_closed()
        checked = self._check_revisions(changes)
        if not checked:
            return
        batch = encode_changes(checked.items())  # no await between the check and the line that waits
        touched: set[str | IndexKey] = {*checked, *self._indexes.change(checked)}
        self._outdated += len(checked.keys() & self._documents.keys())
        self._table.change(checked)
        done = self._writer.save(batch)
        if done is not self._last:  # a new batch of the writer
            self._last, self._batch_keys = done, set()
            done.add_done_callback(partial(self._synced, self._batch_keys))
        self._batch_keys |= touched
        self._unsynced.update(dict.fromkeys(touched, done))
        for id in checked:  # what is destroyed or replaced stays nowhere
            self._records.pop(id, None)
        for name in self._kinds.keys() & touched:
            del self._kinds[name]
        await asyncio.shield(done)

    def _check_revisions(self, changes: Sequence[Record | Deletion]) -> Changes:
        checked: dict[str, Document | None] = {}
        for change in changes:
            stored = self._documents.get(change.id)
            found = 0 if stored is None else stored["revision"]
            if change.id in checked:
                reason = "one save may change a record only once"
                raise ValueError(reason)
            if change.revision != found or (isinstance(change, Deletion) and stored is None):
                raise StaleRevision
            checked[change.id] = None if isinstance(change, Deletion) else to_document(change)
        return checked

    def _synced(self, touched: set[str | IndexKey], done: asyncio.Future[None]) -> None:
        for name in touched:
            if self._unsynced.get(name) is done:
                del self._unsynced[name]
        if done.cancelled() or done.exception() is not None:
            return  # each waiting save has the exception; without one, the process is ending anyway
        if self._writer.should_compact() and self._compacting is None:
            self._compact()

    # ------------------------------------------------------------ forgetting

    async def purge(self) -> None:
        """Compact until no byte is left of what was destroyed or replaced before this call.

        Afterwards the journal's key is wrapped under the key that was current at this call, or a newer one.

        Raises:
            CompactionFailed: The bytes are still there.
        """
        self._refuse_if_closed()
        outdated = self._outdated
        while self._cleaned < outdated or not self._writer.is_under_current_key():
            await asyncio.shield(self._compacting or self._compact())
            await asyncio.sleep(0)  # a future may be done before its callback has run; without this we would spin
            self._refuse_if_closed()

    async def lingering(self) -> Collection[Lingering]:
        """Return nothing: `purge` rewrites the file."""
        return ()

    async def replace_all(self, records: Iterable[Record]) -> None:
        """Replace everything by these records, at the revisions they have: all of them or none.

        The store must be closed afterwards, and opened again.

        Raises:
            CompactionFailed: It holds what it held before.
        """
        self._refuse_if_closed()
        await asyncio.shield(self._writer.compact([(record.id, to_unchanged_document(record)) for record in records]))

    def _compact(self) -> asyncio.Future[None]:
        """Begin a compaction to what is accepted now. The writer's queue keeps it behind the saves before it."""
        outdated = self._outdated

        def compacted(done: asyncio.Future[None]) -> None:
            self._compacting = None
            if not done.cancelled() and done.exception() is None:
                self._cleaned = outdated

        self._compacting = self._writer.compact(list(self._documents.items()))
        self._compacting.add_done_callback(compacted)
        return self._compacting

    # ------------------------------------------------------------ living

    async def check(self) -> None:
        """Write and sync an empty batch, and see that there is room for a compaction.

        The room matters: on a full disk a batch may still fit into the zeros that were written ahead, but nothing could
        be forgotten any more.

        Raises:
            WriteFailed: Writing is not possible, or the room is missing.
        """
        self._refuse_if_closed()
        needed = self._writer.compaction_bytes()
        if self._disk.free_bytes(self._folder) < needed:
            reason = f"The disk of PEERSUPPORT_STORE has less than {needed >> 20} MiB left; forgetting needs them."
            raise WriteFailed(reason)
        await asyncio.shield(self._writer.save(encode_changes(())))

    async def close(self) -> None:
        """Finish the writes that are under way, and give up the lock."""
        if not self._closed:
            self._closed = True
            await self._writer.close()
            self._disk.close(self._lock)

    def _refuse_if_closed(self) -> None:
        if self._writer.failed:
            raise WriteFailed("The store could not be written; the process must end.")
        if self._closed:
            raise WriteFailed("The store is closed.")
