"""The contract of every scheduler: a wake-up may be late or doubled, and never missing.

The engine is a fake: it claims what is due as the real one does, and records it. Nothing here asserts how soon.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from bot.errors import StaleRevision
from bot.scheduler.base import Scheduler
from bot.store.base import Record, Store

SOON = timedelta(milliseconds=30)
NEVER = timedelta(hours=1)  # between two sweeps: a wake-up within it came from a plan or a job
OFTEN = timedelta(milliseconds=50)
PATIENCE = 60.0  # real seconds after which a test gives up

Make = Callable[[Any, Store, timedelta], Awaitable[Scheduler]]


def a_record(id: str, due: datetime) -> Record:
    return Record(id, "request", "asking", due, date(2026, 3, 2), wake=due)


@dataclass
class FakeEngine:
    """Does what is due, once; from then on it is due no more."""

    store: Store
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)  # notified when more is seen
    seen: list[str] = field(default_factory=list)
    breaks: int = 0
    inside: asyncio.Event = field(default_factory=asyncio.Event)
    may_go: asyncio.Event = field(default_factory=asyncio.Event)
    ahead: timedelta = timedelta()  # of the machine's clock
    written: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.may_go.set()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    async def writes(self, id: str, after: timedelta) -> None:
        with suppress(StaleRevision):  # the connection was an old one: write again
            await self.store.save(a_record(id, self.now() + after))
            return self.written.set()
        await self.store.save(a_record(id, self.now() + after))
        return self.written.set()

    async def wake(self) -> None:
        if self.breaks:
            self.breaks -= 1
            raise RuntimeError
        for id in await self.store.claim(self.now(), 100):
            self.inside.set()
            await self.may_go.wait()
            found = await self.store.load(id)
            if found is None or found.due is None:
                continue
            try:
                await self.store.save(replace(found, due=None, wake=None))
            except StaleRevision:
                continue
            async with self.changed:
                self.seen.append(id)
                self.changed.notify_all()

    async def has_seen(self, *ids: str) -> None:
        """Return when exactly these have been seen, each once."""
        with suppress(TimeoutError):
            await self.until(lambda: sorted(self.seen) == sorted(ids))
        assert sorted(self.seen) == sorted(ids)

    async def until(self, happened: Callable[[], bool]) -> None:
        """Return when enough has been seen."""
        async with asyncio.timeout(PATIENCE), self.changed:
            await self.changed.wait_for(happened)


class SchedulerContract:
    """Subclass it, and give two fixtures: `store`, empty, and `make`, which makes a scheduler for an engine."""

    @pytest.fixture
    def engine(self, store: Store) -> FakeEngine:
        return FakeEngine(store)

    @asynccontextmanager
    async def running(self, make: Make, engine: FakeEngine, tick: timedelta):
        scheduler = await make(engine, engine.store, tick)
        scheduler.start()
        try:
            yield scheduler
        finally:
            await scheduler.stop()

    async def test_what_fell_due_before_the_start_is_done_at_once(self, make: Make, engine: FakeEngine) -> None:
        await engine.writes("r1", -timedelta(hours=100))
        async with self.running(make, engine, NEVER):
            await engine.has_seen("r1")

    async def test_what_falls_due_is_done_then_without_a_sweep(self, make: Make, engine: FakeEngine) -> None:
        async with self.running(make, engine, NEVER):
            await engine.writes("r1", SOON)
            await engine.has_seen("r1")

    async def test_a_due_time_may_be_moved_forward(self, make: Make, engine: FakeEngine) -> None:
        async with self.running(make, engine, NEVER):
            await engine.writes("r1", timedelta(minutes=50))
            found = await engine.store.load("r1")
            assert found is not None
            sooner = engine.now() + SOON
            await engine.store.save(replace(found, due=sooner, wake=sooner))
            engine.written.set()
            await engine.has_seen("r1")

    async def test_a_hundred_records_due_at_once_are_each_done_once(self, make: Make, engine: FakeEngine) -> None:
        async with self.running(make, engine, NEVER):
            await asyncio.gather(*(engine.writes(f"r{n}", SOON) for n in range(100)))
            await engine.has_seen(*(f"r{n}" for n in range(100)))

    async def test_a_failed_wake_up_is_followed_by_another(self, make: Make, engine: FakeEngine) -> None:
        engine.breaks = 2
        await engine.writes("r1", -SOON)
        async with self.running(make, engine, OFTEN):
            await engine.has_seen("r1")

    async def test_the_programmes_time_may_be_another_than_the_machines(self, make: Make, engine: FakeEngine) -> None:
        engine.ahead = timedelta(days=300)
        async with self.running(make, engine, NEVER):
            await engine.writes("r1", SOON)
            await engine.has_seen("r1")

    async def test_stopping_finishes_the_wake_up_under_way(self, make: Make, engine: FakeEngine) -> None:
        engine.may_go.clear()
        async with self.running(make, engine, NEVER) as scheduler:
            await engine.writes("r1", -SOON)
            await engine.inside.wait()
            stopping = asyncio.ensure_future(scheduler.stop())
            await asyncio.sleep(0)
            assert not stopping.done()
            engine.may_go.set()
            await stopping
            assert engine.seen == ["r1"]
            await engine.writes("r2", -SOON)
            assert engine.seen == ["r1"]
