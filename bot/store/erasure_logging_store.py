"""A Store that notes in the erasure log whatever it destroys, before the store it wraps destroys it."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from bot.errors import StaleRevision
from bot.store.base import Deletion, Lingering, Record, Store
from bot.store.erasure_log import ErasureLog, PendingErasure

UNLOGGED_KINDS: Final = frozenset({"seen", "moved", "key-ring"})
"""Kinds of records that name no person."""


class ErasureLoggingStore:
    """Wraps a store, and writes the erasure log ahead of every deletion.

    Args:
        inner: The store that holds the records.
        log: Where deletions are noted.
    """

    def __init__(self, inner: Store, log: ErasureLog) -> None:
        """Wrap `inner`."""
        self.inner, self._log = inner, log
        self._saving: set[asyncio.Task[None]] = set()

    @property
    def shared(self) -> bool:
        """As the wrapped store says."""
        return self.inner.shared

    def __repr__(self) -> str:
        """Reveal nothing of what is stored."""
        return f"ErasureLoggingStore({self.inner!r})"

    async def save(self, *changes: Record | Deletion) -> None:
        """Save as the wrapped store does, with a durable line in the log before a record is destroyed.

        A save whose caller is cancelled goes on to its end, because it holds the log's lock.

        Raises:
            OSError: The log could not be written; nothing was saved.
        """
        if not any(isinstance(change, Deletion) for change in changes):
            return await self.inner.save(*changes)
        task = asyncio.get_running_loop().create_task(self._save(changes))
        self._saving.add(task)
        task.add_done_callback(self._saving.discard)
        return await asyncio.shield(task)

    async def _save(self, changes: Sequence[Record | Deletion]) -> None:
        ids = await self._ids_to_log(changes)
        if not ids:
            return await self.inner.save(*changes)
        pending = await asyncio.to_thread(self._log.begin_erasure, ids)
        try:
            await self.inner.save(*changes)
        except StaleRevision:
            await self._retract(pending, ids)
            raise
        except BaseException:
            pending.finish()
            raise
        pending.finish()
        return None

    async def _retract(self, pending: PendingErasure, ids: Sequence[str]) -> None:
        """Take back the lines of records that still exist.

        A record that does not stays noted: StaleRevision may also mean that the answer to our own commit was lost.
        """
        try:
            found = [await self.inner.load(id) for id in ids]
        except BaseException:
            pending.finish()
            raise
        await asyncio.to_thread(pending.retract, [at for at, record in enumerate(found) if record is not None])

    async def _ids_to_log(self, changes: Iterable[Record | Deletion]) -> Sequence[str]:
        found = [await self.inner.load(change.id) for change in changes if isinstance(change, Deletion)]
        return [record.id for record in found if record is not None and record.kind not in UNLOGGED_KINDS]

    async def purge(self) -> None:
        """Purge the wrapped store, and once a day prune the log."""
        await self.inner.purge()
        await asyncio.to_thread(self._log.prune)

    async def lingering(self) -> Collection[Lingering]:
        """Ask the wrapped store."""
        return await self.inner.lingering()

    async def check(self) -> None:
        """Raise if nothing can be written, or a deletion could not be noted; once a day prune the log."""
        await self.inner.check()
        await asyncio.to_thread(self._log.ensure_exists)
        await asyncio.to_thread(self._log.prune)

    async def drain(self) -> None:
        """Wait until no save holds the log's lock any more."""
        while self._saving:
            await asyncio.wait(self._saving)

    async def close(self) -> None:
        """Finish the saves that are under way, and close the wrapped store."""
        await self.drain()
        await self.inner.close()

    async def load(self, id: str) -> Record | None:
        """As the wrapped store does."""
        return await self.inner.load(id)

    async def load_all(self, ids: Collection[str]) -> Mapping[str, Record]:
        """As the wrapped store does."""
        return await self.inner.load_all(ids)

    async def due(self, before: datetime, limit: int = 1000) -> Sequence[str]:
        """As the wrapped store does."""
        return await self.inner.due(before, limit)

    async def claim(self, before: datetime, limit: int, exclude: Collection[str] = ()) -> Sequence[str]:
        """As the wrapped store does."""
        return await self.inner.claim(before, limit, exclude)

    async def release(self, ids: Collection[str]) -> None:
        """As the wrapped store does."""
        await self.inner.release(ids)

    async def next_due(self) -> datetime | None:
        """As the wrapped store does."""
        return await self.inner.next_due()

    async def find(self, index: str, key: str) -> Sequence[str]:
        """As the wrapped store does."""
        return await self.inner.find(index, key)

    async def all_of_kind(self, kind: str) -> Sequence[Record]:
        """As the wrapped store does."""
        return await self.inner.all_of_kind(kind)

    async def scan(self, after: str, limit: int) -> Sequence[Record]:
        """As the wrapped store does."""
        return await self.inner.scan(after, limit)
