"""The embedded store: TinyDB in memory, a sealed journal on disk, one process.

When is something true? `save` checks revisions against what was accepted, synced or not, and returns when it is
synced. A reader never sees what is not yet on the disk: `load`, `find` and `kind` wait for the sync that is under way
if, and only if, it concerns what they read. So whatever is delivered or acknowledged was durable, even where nothing
is written after reading. `due` and `next_due` name candidates at once; who acts on one loads it first.

A save whose task is cancelled is written all the same.
"""

from __future__ import annotations

import asyncio
import gc
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Self, cast

from bot.store.base import Damaged, Gone, Record, Stale
from bot.store.disk import Disk, InUse
from bot.store.indexes import Dues, Name, Names, by_kind, names
from bot.store.journal import read
from bot.store.rows import Change, decode, document, record
from bot.store.tables import Changes, Document, TrackingStorage, TrackingTable, TrackingTinyDB
from bot.store.writer import LEFTOVER, NAME, CompactionFailed, WriteFailed, Writer, end_the_process, rewritten

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from tinydb.queries import QueryLike

    from bot.store.journal import Journal
    from bot.vault import Vault

__all__ = ["CompactionFailed", "Damaged", "InUse", "TinyStore", "WriteFailed"]

_TABLE = "records"
_LOCK = "lock"
_OURS_ONLY = 0o700


class TinyStore:
    """A Store in one folder. Use it from one event loop."""

    shared: ClassVar[bool] = False

    def __init__(
        self, folder: Path, disk: Disk, lock: int, documents: dict[str, Document], open_writer: Callable[[], Writer]
    ) -> None:
        """Serve these documents; use `open`."""
        self._folder, self._disk, self._lock = folder, disk, lock
        self._documents = documents
        self._database = TrackingTinyDB({_TABLE: documents}, self._changed, storage=TrackingStorage)
        self._table = cast("TrackingTable", self._database.table(_TABLE))
        self._names, self._dues = Names(), Dues()
        self._kinds: dict[Name, tuple[Record, ...]] = {}  # as they were asked for, until one of them changes
        self._unsynced: dict[str | Name, asyncio.Future[None]] = {}  # by id, and by whatever finds it
        self._touched: set[str | Name] = set()
        self._last: asyncio.Future[None] | None = None
        self._outdated = 0  # versions destroyed or replaced, that the file may still hold
        self._cleaned = 0
        self._compacting: asyncio.Future[None] | None = None
        self._closed = False
        for id, stored in documents.items():
            self._names.add(id, names(stored))
            self._dues.put(id, stored["due"])
        self._writer = open_writer()

    @classmethod
    def open(
        cls, folder: Path, vault: Vault, *, disk: Disk | None = None, on_failure: Callable[[], None] = end_the_process
    ) -> Self:
        """Read everything, finish a purge that was interrupted, and hold the folder.

        Raises InUse if another process holds it, Damaged (with nothing touched) if its file does not open.
        `on_failure` is called from the writing thread when a write or a sync failed, before anybody hears of it.
        """
        disk = disk or Disk()
        if not folder.exists():
            folder.mkdir(_OURS_ONLY, parents=True)
            disk.sync_folder(folder.parent)
        with suppress(PermissionError):  # a mounted volume may belong to somebody else
            folder.chmod(_OURS_ONLY)
        lock = disk.lock(folder / _LOCK)
        try:
            with _no_collection():
                documents, journal, replaced = _recovered(folder, disk, vault)
                store = cls(folder, disk, lock, documents, lambda: Writer(folder, disk, vault, journal, on_failure))
        except BaseException:
            disk.close(lock)
            raise
        store._outdated = replaced
        return store

    def __repr__(self) -> str:
        """Say nothing of what is kept."""
        return "TinyStore(…)"

    # ------------------------------------------------------------ reading

    async def load(self, id: str) -> Record | None:
        """The newest version, once it is durable, or None."""
        await self._durable(id)
        stored = self._table.get(doc_id=id)  # type: ignore[call-overload]  # our ids are words
        return None if stored is None else record(id, stored)

    async def find(self, index: str, key: str) -> Sequence[str]:
        """Ids that carry this keyed hash, in the order they came."""
        name = (index, key)
        await self._durable(name)
        return self._names.under(name)

    async def kind(self, kind: str) -> Sequence[Record]:
        """Every record of one kind; the very same answer until one of them changes."""
        name = by_kind(kind)
        await self._durable(name)
        if name not in self._kinds:
            self._kinds[name] = tuple(record(id, self._documents[id]) for id in self._names.under(name))
        return self._kinds[name]

    async def due(self, before: datetime, limit: int = 1000) -> Sequence[str]:
        """Ids due by then, earliest first."""
        self._refuse_if_over()
        return self._dues.until(before, limit)

    async def claim(self, before: datetime, limit: int, beside: Collection[str] = ()) -> Sequence[str]:
        """Ids due by then, earliest first, without those."""
        return [id for id in await self.due(before, limit + len(beside)) if id not in beside][:limit]

    async def give_back(self, ids: Collection[str]) -> None:
        """Nobody else could have asked for them."""

    async def next_due(self) -> datetime | None:
        """When the earliest record falls due."""
        self._refuse_if_over()
        return self._dues.earliest()

    async def search(self, where: QueryLike) -> Sequence[Record]:
        """Records whose clear columns match a TinyDB Query. Looks at every record: for tools, not for steps."""
        if self._last is not None:
            await asyncio.shield(self._last)
        self._refuse_if_over()
        return [record(cast("str", found.doc_id), found) for found in self._table.search(where)]

    async def _durable(self, name: str | Name) -> None:
        self._refuse_if_over()
        while (pending := self._unsynced.get(name)) is not None and not pending.done():
            await asyncio.shield(pending)
        self._refuse_if_over()

    # ------------------------------------------------------------ writing

    async def save(self, *changes: Record | Gone) -> None:
        """All or nothing, and durable when it returns. Raises Stale, or WriteFailed when the process is to end."""
        self._refuse_if_over()
        checked = self._checked(changes)
        if not checked:
            return
        self._table.change(checked)  # no await between the check and this
        await asyncio.shield(cast("asyncio.Future[None]", self._last))
        if self._writer.outgrown() and self._compacting is None:
            self._compact()

    def _checked(self, changes: Sequence[Record | Gone]) -> Changes:
        checked: dict[str, Document | None] = {}
        for change in changes:
            stored = self._documents.get(change.id)
            found = 0 if stored is None else stored["revision"]
            if change.id in checked:
                reason = "one save may change a record only once"
                raise ValueError(reason)
            if change.revision != found or (isinstance(change, Gone) and stored is None):
                raise Stale
            checked[change.id] = None if isinstance(change, Gone) else document(change)
        return checked

    def _changed(self, _: str, changes: Changes) -> None:
        """Hear of a change before it is made: hand it to the writer, and let the indexes know."""
        done = self._writer.save(changes.items())
        if done is not self._last:  # a new turn of the loop
            self._last, self._touched = done, set()
            done.add_done_callback(partial(self._synced, self._touched))
        touched: set[str | Name] = set(changes)
        for id, new in changes.items():
            touched.update(self._reindexed(id, self._documents.get(id), new))
        for name in self._kinds.keys() & touched:
            del self._kinds[name]
        self._touched.update(touched)
        self._unsynced.update(dict.fromkeys(touched, done))

    def _reindexed(self, id: str, old: Document | None, new: Document | None) -> Sequence[Name]:
        """Every name under which the record was or will be found."""
        self._dues.put(id, None if new is None else new["due"])
        before = [] if old is None else names(old)
        after = [] if new is None else names(new)
        self._outdated += old is not None
        if before == after:
            return after
        self._names.discard(id, before)
        self._names.add(id, after)
        return before + after

    def _synced(self, touched: set[str | Name], done: asyncio.Future[None]) -> None:
        for name in touched:
            if self._unsynced.get(name) is done:
                del self._unsynced[name]
        if not done.cancelled():
            done.exception()  # who waited was told; if nobody did, the process is ending anyway

    # ------------------------------------------------------------ forgetting

    async def purge(self) -> None:
        """Leave no byte of what was destroyed or replaced before this call. Raises CompactionFailed if it stays."""
        self._refuse_if_over()
        outdated = self._outdated
        while self._cleaned < outdated:
            await asyncio.shield(self._compacting or self._compact())
            await asyncio.sleep(0)  # a future may be done before its callback has run; without this we would spin
            self._refuse_if_over()

    def _compact(self) -> asyncio.Future[None]:
        """Begin a compaction of what is accepted now; the queue's order makes the file agree."""
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
        """Really write and sync something empty, and see that there is room for a compaction.

        The room matters: on a disk that is full a batch may still fit into zeros written ahead, but nothing could
        be forgotten any more.
        """
        self._refuse_if_over()
        needed = self._writer.room_needed()
        if self._disk.free(self._folder) < needed:
            reason = f"The disk of PEERSUPPORT_STORE has less than {needed >> 20} MiB left; forgetting needs them."
            raise WriteFailed(reason)
        await asyncio.shield(self._writer.save(()))

    async def close(self) -> None:
        """Finish what is being written and let go of the lock."""
        if not self._closed:
            self._closed = True
            await self._writer.close()
            self._disk.close(self._lock)

    def _refuse_if_over(self) -> None:
        if self._writer.failed:
            raise WriteFailed("The store could not be written; the process must end.")
        if self._closed:
            raise WriteFailed("The store is closed.")


@contextmanager
def _no_collection() -> Iterator[None]:
    """Looking for garbage among what is only being made doubles the time to make it."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _recovered(folder: Path, disk: Disk, vault: Vault) -> tuple[dict[str, Document], Journal, int]:
    """What the folder holds, its journal ready to be appended to, and how many versions it holds in vain."""
    with suppress(FileNotFoundError):
        disk.remove(folder / LEFTOVER)
    documents: dict[str, Document] = {}
    seen = {"destroyed": 0, "replaced": 0}

    def take(_: bytes, plain: bytes) -> None:
        for id, stored in decode(plain):
            if stored is None:
                documents.pop(id, None)
                seen["destroyed"] += 1
            else:
                seen["replaced"] += id in documents
                documents[id] = stored

    path = folder / NAME
    journal = read(disk, path, vault, take) if path.exists() else None
    if journal is not None and not seen["destroyed"]:
        return documents, journal, seen["replaced"]
    return documents, _rewritten_now(folder, disk, vault, list(documents.items()), journal), 0


def _rewritten_now(folder: Path, disk: Disk, vault: Vault, frozen: list[Change], old: Journal | None) -> Journal:
    steps = rewritten(folder, disk, vault, frozen, (), old)
    while True:
        try:
            next(steps)
        except StopIteration as finished:
            return cast("Journal", finished.value)
