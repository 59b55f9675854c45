"""The store that the settings name. A database that is not used is not even imported."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.store.base import Store
from bot.values import Postgres
from bot.vault import Vault


async def _nobody_waits() -> None:
    """Nobody else can use the embedded store."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A store to serve from. `first`: nobody else serves from it, and nobody begins to until `joined` was called."""

    store: Store
    first: bool = True
    joined: Callable[[], Awaitable[None]] = _nobody_waits


@asynccontextmanager
async def opened(where: Path | Postgres, vault: Vault) -> AsyncIterator[Opened]:
    """To serve from, until the end. Raises InUse, Damaged and OSError; NoAnswer and Unfit for PostgreSQL."""
    if not isinstance(where, Postgres):
        from bot.store.tiny import TinyStore

        store: Store = TinyStore.open(where, vault)
        try:
            yield Opened(store)
        finally:
            await _finished(store)
        return
    from bot.store.postgres import PostgresStore
    from bot.store.presence import Presence

    store = await PostgresStore.open(where.url)
    try:
        presence = await Presence.begin(where.url)
        try:
            yield Opened(store, presence.first, presence.joined)
        finally:
            await presence.end()
    finally:
        await _finished(store)


async def _finished(store: Store) -> None:
    """Whoever stops the programme for good keeps nothing that was forgotten."""
    try:
        await store.purge()
    finally:
        await store.close()
