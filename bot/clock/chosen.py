"""The clock that goes with a store."""

from __future__ import annotations

from datetime import timedelta

from bot.clock.base import TICK, Clock
from bot.engine import Engine
from bot.store.base import Store
from bot.store.shredding import Shredding


async def clock_for(store: Store, engine: Engine, *, tick: timedelta = TICK) -> Clock:
    """Procrastinate for a store that replicas share, APScheduler for one of our own; the other is not even imported."""
    if store.shared:
        from bot.clock.shared import SharedClock
        from bot.store.postgres import PostgresStore

        inner = store.inner if isinstance(store, Shredding) else store
        if isinstance(inner, PostgresStore):
            return SharedClock(engine, inner, await inner.waking(engine.house.now), tick=tick)
    from bot.clock.embedded import EmbeddedClock

    return EmbeddedClock(engine, store, tick=tick)
