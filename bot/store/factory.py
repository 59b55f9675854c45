"""Opens the store that the settings name. The implementation that is not used is not even imported."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bot.config.parsers import Postgres
from bot.crypto.vault import Vault
from bot.store.base import Store
from bot.store.erasure_log import ErasureLog
from bot.store.erasure_logging_store import ErasureLoggingStore
from bot.store.retired import refuse_retired


async def _no_other_process() -> None:
    """Do nothing: an embedded store serves one process."""


@dataclass(frozen=True, slots=True)
class OpenStore:
    """A store that is open for serving.

    Attributes:
        store: The store.
        first: Whether no other process serves from it. None can begin to until `allow_others` was called.
        allow_others: Lets other processes begin to serve.
    """

    store: Store
    first: bool = True
    allow_others: Callable[[], Awaitable[None]] = _no_other_process


@asynccontextmanager
async def open_for_serving(
    where: Path | Postgres, vault: Vault, log: ErasureLog | None = None
) -> AsyncIterator[OpenStore]:
    """Open a store to serve from; it is purged and closed at the end.

    Args:
        where: A folder for the embedded store, or the address of a database.
        vault: Opens the embedded store's journal.
        log: Where deletions are noted; without one they are not.

    Raises:
        StoreInUse: Another process holds it alone.
        Corrupt: The embedded store does not decrypt.
        NotServable: It was retired, or the database is not prepared.
        DatabaseUnavailable: PostgreSQL does not answer.
        OSError: The folder cannot be used.
    """
    async with _open_beside_replicas(where, vault) as opened:
        await refuse_retired(opened.store)
        if log is None:
            yield opened
            return
        log.ensure_exists()
        store = ErasureLoggingStore(opened.store, log)
        try:
            yield replace(opened, store=store)
        finally:
            await store.drain()


@asynccontextmanager
async def open_exclusively(where: Path | Postgres, vault: Vault) -> AsyncIterator[Store]:
    """Open a store for one command that no other process may use it with, even where it was retired.

    It is purged and closed at the end. Raises as `open_for_serving` does.
    """
    async with open_without_lock(where, vault) as store, _purged(store):
        if not isinstance(where, Postgres):
            yield store
            return
        from bot.store.postgres.advisory_locks import hold_exclusively

        async with hold_exclusively(where.url):
            yield store


@asynccontextmanager
async def open_without_lock(where: Path | Postgres, vault: Vault) -> AsyncIterator[Store]:
    """Open a store and close it at the end; a database may be in use by others meanwhile.

    Raises as `open_for_serving` does.
    """
    store: Store
    if isinstance(where, Postgres):
        from bot.store.postgres.store import PostgresStore

        store = await PostgresStore.open(where.url)
    else:
        from bot.store.embedded.store import EmbeddedStore

        store = EmbeddedStore.open(where, vault)
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def _open_beside_replicas(where: Path | Postgres, vault: Vault) -> AsyncIterator[OpenStore]:
    async with open_without_lock(where, vault) as store, _purged(store):
        if not isinstance(where, Postgres):
            yield OpenStore(store)
            return
        from bot.store.postgres.advisory_locks import AdvisoryLocks

        locks = await AdvisoryLocks.acquire(where.url)
        try:
            yield OpenStore(store, locks.first, locks.allow_others)
        finally:
            await locks.release()


@asynccontextmanager
async def _purged(store: Store) -> AsyncIterator[None]:
    """Purge at the end, so that a process that stops for good leaves nothing behind that was forgotten."""
    try:
        yield
    finally:
        await store.purge()
