"""The clock of any number of replicas: Procrastinate wakes one of them for each appointment.

What it is told stands in bot/store/pokes.py, in the transaction that says when. A poke means no more than "look at what
is due", so one that is lost, doubled or late delays and never breaks a promise: every replica sweeps once a minute
what is due and held by nobody, and gives a poke to whatever falls due within the hour and has none.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

import structlog

from bot.clock.base import AGAIN, TICK, no_night
from bot.engine import Engine
from bot.store.base import NoAnswer, Stale
from bot.store.pokes import Pokes
from bot.store.postgres import PostgresStore

log = structlog.get_logger()

STOP_AGAIN: Final = 0.05  # seconds until a worker that was only beginning is told again

NEARLY: Final = timedelta(seconds=30)  # how far the server's clock may be ahead of ours and a poke still be in time


class SharedClock:
    """A worker that waits for pokes, and a sweeper that waits for nobody."""

    def __init__(self, engine: Engine, store: PostgresStore, pokes: Pokes, *, tick: timedelta = TICK) -> None:
        self._engine, self._store, self._pokes, self._tick = engine, store, pokes, tick
        self.nightly: Callable[[], Awaitable[None]] = no_night
        self.ticked: Callable[[], None] = lambda: None  # told after every sweep that ended well
        self._stopping = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._tidying: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin, with everything that is due already."""
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._work()), loop.create_task(self._sweep())]

    async def stop(self) -> None:
        """Wake nobody any more; a turn that has begun is finished."""
        self._stopping.set()
        ending = asyncio.gather(*self._tasks, *([self._tidying] if self._tidying else []))
        try:
            while not ending.done():
                self._pokes.stop()
                await asyncio.wait([ending], timeout=STOP_AGAIN)
        finally:
            ending.cancel()  # where we were not given the time
        await ending

    async def _work(self) -> None:
        """Procrastinate ends its worker whenever the server goes away; we begin it again."""
        while not self._stopping.is_set():
            try:
                await self._pokes.work(self._poked)
            except Exception as failure:  # noqa: BLE001 - the edge: a library's, and the server's
                log.warning("clock-failed", kind=type(failure).__name__)
            await self._pause(AGAIN)

    async def _poked(self, id: str) -> None:
        """Look at what is due. Ours may be a moment from it, by our clock."""
        await self._looked()
        record = await self._store.load(id)
        wait = record.due - self._engine.house.now() if record is not None and record.due is not None else NEARLY
        if timedelta() < wait < NEARLY:
            await self._pause(wait)
            await self._looked()

    async def _sweep(self) -> None:
        while not self._stopping.is_set():
            try:
                await self._engine.wake()
                await self._store.poke_what_comes()
                await self._pokes.bury()
                if not self._stopping.is_set() and (self._tidying is None or self._tidying.done()):
                    self._tidying = asyncio.get_running_loop().create_task(self._tidy())
            except (NoAnswer, Stale):
                pass  # it was logged; the next turn does it
            except Exception as failure:  # noqa: BLE001 - the edge
                log.warning("clock-failed", kind=type(failure).__name__)
            await self._pause(self._tick)

    async def _tidy(self) -> None:
        """What takes as long as it takes: deadlines do not wait for it."""
        try:
            await self.nightly()
            await self._store.purge()
            self.ticked()
        except (NoAnswer, Stale):
            pass
        except Exception as failure:  # noqa: BLE001 - the edge
            log.warning("clock-failed", kind=type(failure).__name__)

    async def _looked(self) -> None:
        try:
            await self._engine.wake()
        except Exception as failure:  # noqa: BLE001 - the edge: the next poke or sweep looks again
            log.warning("clock-failed", kind=type(failure).__name__)

    async def _pause(self, wait: timedelta) -> None:
        """Until then, or until we stop."""
        try:
            async with asyncio.timeout(wait.total_seconds()):
                await self._stopping.wait()
        except TimeoutError:
            pass
