"""The clock of one process: APScheduler. It remembers nothing: what is due is a question to the store at every turn."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from apscheduler.executors.asyncio import AsyncIOExecutor
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from bot.clock.base import AGAIN, SOONEST, TICK
from bot.engine import Engine
from bot.store.base import Store

# However late, and beside one that still runs: APScheduler would skip it with a warning, and a deadline with it.
ONCE: Final[Mapping[str, Any]] = {"misfire_grace_time": None, "max_instances": 1000}


class EmbeddedClock:
    """Fires at the next due time, and at a safety tick in case that one was missed."""

    def __init__(self, engine: Engine, store: Store, *, tick: timedelta = TICK) -> None:
        self._engine, self._store, self._tick = engine, store, tick
        self._scheduler = AsyncIOScheduler(timezone=UTC, executors={"default": AsyncIOExecutor()})
        self._planned: datetime | None = None
        self._looked: datetime | None = None  # up to when everything due was looked at
        self._turning = asyncio.Lock()
        self._planning: asyncio.Task[None] | None = None
        engine.post.ledger.written = self._something_was_written

    def start(self) -> None:
        """Begin, with everything that is due already."""
        self._scheduler.start()
        always = {"max_instances": 1, "coalesce": True, "misfire_grace_time": None}
        self._scheduler.add_job(self.tick, "interval", seconds=self._tick.total_seconds(), id="tick", **always)
        self._scheduler.add_job(self.turn, "date", id="next", run_date=datetime.now(UTC), **ONCE)

    async def turn(self) -> None:
        """Do what is due, then plan the next turn. What is still due after it waits for the tick, not in a spin."""
        async with self._turning:
            self._planned, self._looked = None, self._engine.house.now()
            await self._engine.wake()
            await self._plan()

    async def tick(self) -> None:
        """The safety net, and the minute within which what was forgotten is gone from the disk."""
        await self.turn()
        async with self._turning:
            await self._store.purge()

    def _something_was_written(self) -> None:
        """A deadline may have come nearer than the one we wait for. A burst of writes is looked at once."""
        if self._planning is None or self._planning.done():
            self._planning = asyncio.get_running_loop().create_task(self._plan())

    async def _plan(self) -> None:
        due = await self._store.next_due()
        if due is not None and self._looked is not None and due <= self._looked:
            due = self._looked + AGAIN  # it could not be done just now; what comes after it must not wait for it
        if due is None or (self._planned is not None and self._planned <= due):
            return
        self._planned = due
        wait = max(due - self._engine.house.now(), SOONEST)
        at = datetime.now(UTC) + wait
        self._scheduler.add_job(self.turn, "date", id="next", run_date=at, replace_existing=True, **ONCE)

    async def stop(self) -> None:
        """Wake nobody any more; a turn that has begun is finished."""
        if self._scheduler.running:
            self._scheduler.remove_all_jobs()
        async with self._turning:
            if self._scheduler.running:
                self._scheduler.shutdown(wait=False)
