"""What every clock promises, whatever wakes it: late perhaps, twice perhaps, and never not at all.

The engine is a lookout: it claims what is due as the real one does, and notes it. Nothing here asserts how soon.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from bot.clock.base import Clock
from bot.store.base import Record, Stale, Store

SOON = timedelta(milliseconds=30)
NEVER = timedelta(hours=1)  # between two sweeps: whatever happens then was a poke
OFTEN = timedelta(milliseconds=50)
PATIENCE = 20.0  # real seconds after which a test gives up

Make = Callable[[Any, Store, timedelta], Awaitable[Clock]]


async def until(happened: Callable[[], object]) -> None:
    """Return when it has."""
    async with asyncio.timeout(PATIENCE):
        while True:
            if happened():
                return
            await asyncio.sleep(0.01)


def a_record(id: str, due: datetime) -> Record:
    return Record(id, "request", "asking", due, date(2026, 3, 2), wake=due)


@dataclass
class Lookout:
    """Looks at what is due, once; from then on it is due no more."""

    store: Store
    seen: list[str] = field(default_factory=list)
    breaks: int = 0
    inside: asyncio.Event = field(default_factory=asyncio.Event)
    may_go: asyncio.Event = field(default_factory=asyncio.Event)
    ahead: timedelta = timedelta()  # of the machine's clock

    def __post_init__(self) -> None:
        self.house = SimpleNamespace(now=self.now)
        self.post = SimpleNamespace(ledger=SimpleNamespace(written=lambda: None))
        self.may_go.set()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    async def writes(self, id: str, after: timedelta) -> None:
        with suppress(Stale):  # the connection was an old one; whoever writes begins again
            await self.store.save(a_record(id, self.now() + after))
            return self.post.ledger.written()
        await self.store.save(a_record(id, self.now() + after))
        return self.post.ledger.written()

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
            except Stale:
                continue
            self.seen.append(id)

    async def has_seen(self, *ids: str) -> None:
        await until(lambda: sorted(self.seen) == sorted(ids))


class ClockContract:
    """Subclass it, and give two fixtures: `store`, empty, and `make`, which makes a clock for a lookout."""

    @pytest.fixture
    def lookout(self, store: Store) -> Lookout:
        return Lookout(store)

    @asynccontextmanager
    async def ticking(self, make: Make, lookout: Lookout, tick: timedelta):
        clock = await make(lookout, lookout.store, tick)
        clock.start()
        try:
            yield clock
        finally:
            await clock.stop()

    async def test_what_fell_due_while_nobody_served_is_looked_at_at_once(self, make: Make, lookout: Lookout) -> None:
        await lookout.writes("r1", -timedelta(hours=100))
        async with self.ticking(make, lookout, NEVER):
            await lookout.has_seen("r1")

    async def test_what_falls_due_is_looked_at_then_without_a_sweep(self, make: Make, lookout: Lookout) -> None:
        async with self.ticking(make, lookout, NEVER):
            await lookout.writes("r1", SOON)
            await lookout.has_seen("r1")

    async def test_what_was_planned_later_may_come_nearer(self, make: Make, lookout: Lookout) -> None:
        async with self.ticking(make, lookout, NEVER):
            await lookout.writes("r1", timedelta(minutes=50))
            found = await lookout.store.load("r1")
            assert found is not None
            sooner = lookout.now() + SOON
            await lookout.store.save(replace(found, due=sooner, wake=sooner))
            lookout.post.ledger.written()
            await lookout.has_seen("r1")

    async def test_a_hundred_at_one_moment_are_each_looked_at_once(self, make: Make, lookout: Lookout) -> None:
        async with self.ticking(make, lookout, NEVER):
            await asyncio.gather(*(lookout.writes(f"r{n}", SOON) for n in range(100)))
            await lookout.has_seen(*(f"r{n}" for n in range(100)))

    async def test_a_look_that_failed_is_followed_by_another(self, make: Make, lookout: Lookout) -> None:
        lookout.breaks = 2
        await lookout.writes("r1", -SOON)
        async with self.ticking(make, lookout, OFTEN):
            await lookout.has_seen("r1")

    async def test_the_programmes_time_may_be_another_than_the_machines(self, make: Make, lookout: Lookout) -> None:
        lookout.ahead = timedelta(days=300)
        async with self.ticking(make, lookout, NEVER):
            await lookout.writes("r1", SOON)
            await lookout.has_seen("r1")

    async def test_who_stops_finishes_the_turn_and_wakes_nobody_any_more(self, make: Make, lookout: Lookout) -> None:
        lookout.may_go.clear()
        async with self.ticking(make, lookout, NEVER) as clock:
            await lookout.writes("r1", -SOON)
            await lookout.inside.wait()
            stopping = asyncio.ensure_future(clock.stop())
            await asyncio.sleep(0)
            assert not stopping.done()
            lookout.may_go.set()
            await stopping
            assert lookout.seen == ["r1"]
            await lookout.writes("r2", -SOON)
            assert lookout.seen == ["r1"]
