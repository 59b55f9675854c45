"""The scheduler of a single process: APScheduler. It keeps no state: the store is asked what is due each time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import structlog
from apscheduler.executors.asyncio import AsyncIOExecutor
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from adapters.background import cancel_and_wait
from bot.scheduler.base import NO_UPKEEP, RETRY_AFTER, SHORTEST_WAIT, TICK, Upkeep, Wakeable
from bot.store.base import Store

log = structlog.get_logger()

# However late, and beside one that still runs: APScheduler would skip it with a warning, and a deadline with it.
ONCE: Final[Mapping[str, Any]] = {"misfire_grace_time": None, "max_instances": 1000}


class EmbeddedScheduler:
    """Wakes the engine at the next due time, and at a safety tick in case that wake-up was missed.

    APScheduler waits for a time of day. Where the machine's clock is set back it would wait as much longer; so the tick
    counts seconds by the event loop's monotonic clock, and plans the next wake-up anew.

    Args:
        engine: what is woken.
        store: what is asked for the next due time.
        now: the programme's time.
        written: set after every write of the engine; a write may bring a deadline nearer, so the next wake-up is then
            planned anew. A burst of writes is planned for once.
        tick: between two safety ticks.
        upkeep: what runs at every tick beside the work that is due.
    """

    def __init__(
        self,
        engine: Wakeable,
        store: Store,
        now: Callable[[], datetime],
        written: asyncio.Event,
        *,
        tick: timedelta = TICK,
        upkeep: Upkeep = NO_UPKEEP,
    ) -> None:
        self._engine, self._store, self._now, self._written = engine, store, now, written
        self._tick, self._upkeep = tick, upkeep
        self._scheduler = AsyncIOScheduler(timezone=UTC, executors={"default": AsyncIOExecutor()})
        self._planned: datetime | None = None  # the due time that the next wake-up is for
        self._looked: datetime | None = None  # up to when everything due was looked at
        self._waking, self._ticking = asyncio.Lock(), asyncio.Lock()
        self._stopping = asyncio.Event()
        self._planning: asyncio.Task[None] | None = None
        self._ticks: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin with everything that is due already."""
        self._scheduler.start()
        self._scheduler.add_job(self.wake, "date", id="next", run_date=datetime.now(UTC), **ONCE)
        loop = asyncio.get_running_loop()
        self._planning = loop.create_task(self._plan_after_writes())
        self._ticks = loop.create_task(self._tick_until_we_stop())

    async def wake(self) -> None:
        """Have the engine do what is due, then plan the next wake-up."""
        async with self._waking:
            self._planned, self._looked = None, self._now()
            await self._engine.wake()
            await self._plan()

    async def tick(self) -> None:
        """Do what is due, rotate keys, and overwrite on the disk what was deleted since the last tick."""
        if self._stopping.is_set():
            return
        async with self._ticking:
            await self.wake()
            await self._upkeep.run()
            async with self._waking:
                await self._store.purge()
            self._upkeep.tick_done()

    async def _tick_until_we_stop(self) -> None:
        at = asyncio.get_running_loop().time()
        while not self._stopping.is_set():
            at = max(at + self._tick.total_seconds(), asyncio.get_running_loop().time())
            with suppress(TimeoutError):
                async with asyncio.timeout_at(at):
                    await self._stopping.wait()
            try:
                await self.tick()
            except Exception as failure:  # noqa: BLE001 - the edge: the next tick does it
                log.warning("clock-failed", kind=type(failure).__name__)

    async def _plan_after_writes(self) -> None:
        while True:
            await self._written.wait()
            self._written.clear()
            try:
                await self._plan()
            except Exception as failure:  # noqa: BLE001 - the edge: the next write or tick plans again
                log.warning("clock-failed", kind=type(failure).__name__)

    async def _plan(self) -> None:
        """Plan the next wake-up, unless an earlier one is planned."""
        due = await self._store.next_due()
        if due is not None and self._looked is not None and due <= self._looked:
            due = self._looked + RETRY_AFTER  # it could not be done just now; what comes after it must not wait for it
        if due is None or (self._planned is not None and self._planned <= due):
            return
        self._planned = due
        wait = max(due - self._now(), SHORTEST_WAIT)
        self._scheduler.add_job(
            self.wake, "date", id="next", run_date=datetime.now(UTC) + wait, replace_existing=True, **ONCE
        )

    async def stop(self) -> None:
        """Plan no further wake-up; one that has begun is finished before this returns."""
        self._stopping.set()
        if self._planning is not None:
            await cancel_and_wait(self._planning)
        if self._scheduler.running:
            self._scheduler.remove_all_jobs()
        if self._ticks is not None:
            await self._ticks
        async with self._ticking, self._waking:
            if self._scheduler.running:
                self._scheduler.shutdown(wait=False)
