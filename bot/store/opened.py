"""The store that the settings name. A database that is not used is not even imported."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bot.store.base import Store
from bot.store.moved import refuse
from bot.store.shredding import Shredding, ShredLog
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
async def opened(where: Path | Postgres, vault: Vault, log: ShredLog | None = None) -> AsyncIterator[Opened]:
    """To serve from, until the end; what is destroyed is noted in `log`.

    Raises InUse, Damaged, OSError and Unfit; NoAnswer for PostgreSQL.
    """
    async with _opened(where, vault) as kept:
        await refuse(kept.store)
        if log is not None:
            log.begin()
        yield kept if log is None else replace(kept, store=Shredding(kept.store, log))


@asynccontextmanager
async def held(where: Path | Postgres, vault: Vault) -> AsyncIterator[Store]:
    """For one command alone, also where the store says that it must not be served from. Raises as `opened` does."""
    if not isinstance(where, Postgres):
        async with _opened(where, vault) as kept:
            yield kept.store
        return
    from bot.store.postgres import PostgresStore
    from bot.store.presence import alone

    store = await PostgresStore.open(where.url)
    try:
        async with alone(where.url):
            yield store
    finally:
        await _finished(store)


@asynccontextmanager
async def _opened(where: Path | Postgres, vault: Vault) -> AsyncIterator[Opened]:
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
