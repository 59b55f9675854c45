"""Chooses the scheduler that goes with a store."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from bot.scheduler.base import NO_UPKEEP, TICK, Scheduler, Upkeep, Wakeable
from bot.store.base import Store
from bot.store.erasure_logging_store import ErasureLoggingStore


async def scheduler_for(
    engine: Wakeable,
    store: Store,
    now: Callable[[], datetime],
    written: asyncio.Event,
    *,
    tick: timedelta = TICK,
    upkeep: Upkeep = NO_UPKEEP,
) -> Scheduler:
    """Return Procrastinate for a store that replicas share, APScheduler otherwise; the other is not even imported.

    The arguments are those of `EmbeddedScheduler`.
    """
    if store.shared:
        from bot.scheduler.procrastinate_ import SharedScheduler
        from bot.store.postgres.store import PostgresStore

        inner = store.inner if isinstance(store, ErasureLoggingStore) else store
        if isinstance(inner, PostgresStore):
            return SharedScheduler(engine, inner, await inner.enable_wake_jobs(now), now, tick=tick, upkeep=upkeep)
    from bot.scheduler.apscheduler_ import EmbeddedScheduler

    return EmbeddedScheduler(engine, store, now, written, tick=tick, upkeep=upkeep)
