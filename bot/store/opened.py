"""The store that the settings name. A database that is not used is not even imported."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bot.store.base import Store
from bot.values import Postgres
from bot.vault import Vault


@asynccontextmanager
async def opened(where: Path | Postgres, vault: Vault) -> AsyncIterator[Store]:
    """For one programme alone, until it ends. Raises InUse, Damaged and OSError; NoAnswer and Unfit for PostgreSQL."""
    if not isinstance(where, Postgres):
        from bot.store.tiny import TinyStore

        store: Store = TinyStore.open(where, vault)
        try:
            yield store
        finally:
            await _finished(store)
        return
    from bot.store.alone import Alone
    from bot.store.postgres import PostgresStore

    store = await PostgresStore.open(where.url)
    try:
        async with await Alone.take(where.url):
            yield store
    finally:
        await _finished(store)


async def _finished(store: Store) -> None:
    """Whoever stops the programme for good keeps nothing that was forgotten."""
    try:
        await store.purge()
    finally:
        await store.close()
