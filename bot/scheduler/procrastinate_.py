"""The scheduler of any number of replicas: Procrastinate wakes one of them for each due time.

A job is written or removed in the transaction that saves the record it is for (bot/store/postgres/wake_jobs.py), and
means no more than "look at what is due". So a job that is lost, doubled or late delays a deadline and never loses one:
once a minute every replica sweeps what is due and claimed by no other, and defers a job for whatever falls due within
the hour and has none.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import structlog

from bot.errors import DatabaseUnavailable, StaleRevision
from bot.scheduler.base import NO_UPKEEP, RETRY_AFTER, TICK, Upkeep, Wakeable
from bot.store.postgres.store import PostgresStore
from bot.store.postgres.wake_jobs import WakeJobs

log = structlog.get_logger()

STOP_AGAIN: Final = 0.05  # seconds until a worker that was only starting is told again to stop
CLOCK_SKEW: Final = timedelta(seconds=30)  # how far the server's clock may be ahead of ours and a job still be in time


class SharedScheduler:
    """Runs a worker that waits for jobs, and a sweep that depends on none.

    Args:
        engine: what is woken.
        store: the database that the replicas share.
        jobs: the wake-up jobs in it.
        now: the programme's time.
        tick: between two sweeps.
        upkeep: what runs after every sweep.
    """

    def __init__(
        self,
        engine: Wakeable,
        store: PostgresStore,
        jobs: WakeJobs,
        now: Callable[[], datetime],
        *,
        tick: timedelta = TICK,
        upkeep: Upkeep = NO_UPKEEP,
    ) -> None:
        self._engine, self._store, self._jobs, self._now = engine, store, jobs, now
        self._tick, self._upkeep = tick, upkeep
        self._stopping = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._tidying: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin with everything that is due already."""
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._work()), loop.create_task(self._sweep())]

    async def stop(self) -> None:
        """Take no further job; a wake-up that has begun is finished before this returns."""
        self._stopping.set()
        ending = asyncio.gather(*self._tasks, *([self._tidying] if self._tidying else []))
        try:
            while not ending.done():
                self._jobs.stop()
                await asyncio.wait([ending], timeout=STOP_AGAIN)
        finally:
            ending.cancel()  # where we were not given the time
        await ending

    async def _work(self) -> None:
        """Run Procrastinate's worker, and start it again whenever it ends because the server went away."""
        while not self._stopping.is_set():
            try:
                await self._jobs.run(self._run_job)
            except Exception as failure:  # noqa: BLE001 - the edge: a library's, and the server's
                log.warning("clock-failed", kind=type(failure).__name__)
            await self._pause(RETRY_AFTER)

    async def _run_job(self, id: str) -> None:
        """Do what is due; wait for this job's own record where it is not yet due by our clock."""
        await self._wake()
        record = await self._store.load(id)
        wait = record.due - self._now() if record is not None and record.due is not None else CLOCK_SKEW
        if timedelta() < wait < CLOCK_SKEW:
            await self._pause(wait)
            await self._wake()

    async def _sweep(self) -> None:
        while not self._stopping.is_set():
            try:
                await self._engine.wake()
                await self._store.add_missing_wake_jobs()
                await self._jobs.remove_stalled()
                if not self._stopping.is_set() and (self._tidying is None or self._tidying.done()):
                    self._tidying = asyncio.get_running_loop().create_task(self._tidy())
            except (DatabaseUnavailable, StaleRevision):
                pass  # it was logged; the next sweep does it
            except Exception as failure:  # noqa: BLE001 - the edge
                log.warning("clock-failed", kind=type(failure).__name__)
            await self._pause(self._tick)

    async def _tidy(self) -> None:
        """Run the upkeep in a task of its own: deadlines do not wait for it."""
        try:
            await self._upkeep.run()
            await self._store.purge()
            self._upkeep.tick_done()
        except (DatabaseUnavailable, StaleRevision):
            pass  # it was logged; the next sweep does it
        except Exception as failure:  # noqa: BLE001 - the edge
            log.warning("clock-failed", kind=type(failure).__name__)

    async def _wake(self) -> None:
        try:
            await self._engine.wake()
        except Exception as failure:  # noqa: BLE001 - the edge: the next job or sweep looks again
            log.warning("clock-failed", kind=type(failure).__name__)

    async def _pause(self, wait: timedelta) -> None:
        """Wait so long, or until we stop."""
        try:
            async with asyncio.timeout(wait.total_seconds()):
                await self._stopping.wait()
        except TimeoutError:
            pass
