"""The clock that goes with a store."""

from __future__ import annotations

from datetime import timedelta

from bot.clock.base import TICK, Clock
from bot.engine import Engine
from bot.store.base import Store


async def clock_for(store: Store, engine: Engine, *, tick: timedelta = TICK) -> Clock:
    """Procrastinate for a store that replicas share, APScheduler for one of our own; the other is not even imported."""
    if store.shared:
        from bot.clock.shared import SharedClock
        from bot.store.postgres import PostgresStore

        if isinstance(store, PostgresStore):
            return SharedClock(engine, store, await store.waking(engine.house.now), tick=tick)
    from bot.clock.embedded import EmbeddedClock

    return EmbeddedClock(engine, store, tick=tick)
