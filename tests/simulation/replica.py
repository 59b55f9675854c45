"""One process of ours: the real engine, over a store and platforms at each of whose awaits it may die."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from contextvars import ContextVar, copy_context
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from adapters.base import Address, Card, Profile, Ref
from bot.crypto.vault import Vault
from bot.engine.engine import Engine
from bot.engine.repository import ConversationRepository
from bot.engine.services import Services
from bot.errors import DatabaseUnavailable
from bot.playground.simulator import refuse_undeclared_target
from bot.rendering import Renderer
from bot.store.base import Deletion, Record
from conversations.model import Person, Programme
from tests.simulation.memory_store import MemoryStore
from tests.simulation.platform import HostilePlatform
from tests.simulation.weather import Fault, Weather

T = TypeVar("T")
_OURS: ContextVar[Replica | None] = ContextVar("replica", default=None)


def keep_track(loop: asyncio.AbstractEventLoop) -> None:
    """Let every task know which replica began it, so that a crash can end them all."""

    def begin(loop: asyncio.AbstractEventLoop, work: Any, **more: Any) -> asyncio.Task[Any]:
        task = asyncio.Task(work, loop=loop, **more)
        if (replica := _OURS.get()) is not None:
            replica.adopt(task)
        return task

    def complain(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        if not isinstance(context.get("exception"), asyncio.CancelledError):  # those come of our crashes
            loop.default_exception_handler(context)

    loop.set_task_factory(begin)
    loop.set_exception_handler(complain)


@dataclass(frozen=True, slots=True)
class Common:
    """What every replica of a hospital shares."""

    store: MemoryStore
    platforms: Mapping[str, HostilePlatform]
    vault: Vault
    programme: Programme
    renderer: Renderer
    weather: Weather
    luck: random.Random
    now: Callable[[], datetime]
    new_id: Callable[[], str]
    crashed: Callable[[Replica], None]


class Replica:
    """A process that can be started, and can end between any two awaits.

    Args:
        name: By which a trace knows it.
        common: What it shares with the others.
    """

    def __init__(self, name: str, common: Common) -> None:
        self.name, self.common = name, common
        self.alive = False
        self._tasks: dict[asyncio.Task[Any], None] = {}  # in order, so that they end in order
        self.engine = self._begin()

    def _begin(self) -> Engine:
        common, store = self.common, StoreOfOne(self)
        return Engine(
            Services(
                store=store,
                repository=ConversationRepository(store, common.vault, common.now),
                vault=common.vault,
                renderer=common.renderer,
                programme=common.programme,
                adapters={name: AdapterOfOne(self, platform) for name, platform in common.platforms.items()},
                now=common.now,
                new_id=common.new_id,
                luck=lambda: common.luck.getrandbits(32),
                on_undeclared_target=refuse_undeclared_target,
            )
        )

    async def start(self) -> None:
        """Start afresh: nothing is remembered, and what was left undone is taken up where no other process runs."""
        self.engine, self.alive = self._begin(), True
        if not self.common.store.shared:
            await self.call(self.engine.resume())

    def crash(self) -> None:
        """End now, wherever its tasks are."""
        if not self.alive:
            return
        self.alive = False
        for task in tuple(self._tasks):
            task.cancel()
        self._tasks.clear()
        self.common.crashed(self)

    def adopt(self, task: asyncio.Task[Any]) -> None:
        """Take note of a task of ours."""
        self._tasks[task] = None
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.pop(task, None)
        if not task.cancelled():
            task.exception()  # it was looked at: the loop need not complain

    async def call(self, work: Coroutine[Any, Any, T]) -> T | None:
        """Do this in the process; None where it died meanwhile. What the engine raises comes out."""
        context = copy_context()
        context.run(_OURS.set, self)
        task = asyncio.get_running_loop().create_task(work, context=context)
        self.adopt(task)
        await asyncio.wait([task])
        return None if task.cancelled() else task.result()

    async def cross(self) -> None:
        """Stand at an await: the process may end here, and one that has ended goes no further."""
        if self.alive and self.common.weather.happens(Fault.CRASH):
            self.crash()
        if not self.alive:
            raise asyncio.CancelledError


class StoreOfOne:
    """The shared tables as one process reaches them."""

    def __init__(self, replica: Replica) -> None:
        self._replica, self._inner = replica, replica.common.store

    @property
    def shared(self) -> bool:
        """Whether other processes may use the same records."""
        return self._inner.shared

    async def _asked(self) -> None:
        """Reach the database: it takes a moment, or does not answer."""
        replica = self._replica
        await replica.cross()
        if self._inner.shared:
            common = replica.common
            if common.luck.random() < 0.2:
                await asyncio.sleep(common.luck.random() * 0.05)
                await replica.cross()
            if common.weather.happens(Fault.DATABASE):
                raise DatabaseUnavailable

    async def load(self, id: str) -> Record | None:
        """Return a record, or None."""
        await self._asked()
        return await self._inner.load(id)

    async def load_all(self, ids: Collection[str]) -> Mapping[str, Record]:
        """Return these records by their ids."""
        await self._asked()
        return await self._inner.load_all(ids)

    async def save(self, *changes: Record | Deletion) -> None:
        """Apply all changes or none; the process may die before or after, or never hear which it was."""
        await self._asked()
        await asyncio.sleep(0.002)  # of virtual time: nothing is waited for
        await self._replica.cross()
        await self._inner.save(*changes)
        await self._replica.cross()
        if self._inner.shared and self._replica.common.weather.happens(Fault.DATABASE):
            raise DatabaseUnavailable

    async def due(self, before: datetime, limit: int = 1000) -> Sequence[str]:
        """Return the ids that are due by then."""
        await self._asked()
        return await self._inner.due(before, limit)

    async def claim(self, before: datetime, limit: int, exclude: Collection[str] = ()) -> Sequence[str]:
        """Return the ids that are due and not claimed by another."""
        await self._asked()
        return await self._inner.claim(before, limit, exclude)

    async def release(self, ids: Collection[str]) -> None:
        """Give up the leases on these records."""
        await self._asked()
        await self._inner.release(ids)

    async def next_due(self) -> datetime | None:
        """Return when the earliest record falls due."""
        return await self._inner.next_due()

    async def find(self, index: str, key: str) -> Sequence[str]:
        """Return the ids that carry this keyed hash."""
        await self._asked()
        return await self._inner.find(index, key)

    async def all_of_kind(self, kind: str) -> Sequence[Record]:
        """Return every record of one kind."""
        await self._asked()
        return await self._inner.all_of_kind(kind)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class AdapterOfOne:
    """A platform as one process reaches it."""

    def __init__(self, replica: Replica, platform: HostilePlatform) -> None:
        self._replica, self._inner = replica, platform
        self.platform = platform.platform
        self.opens_forms, self.notifies_in_full = platform.opens_forms, platform.notifies_in_full
        self.check_rate = platform.check_rate

    async def _through(self, call: Coroutine[Any, Any, T]) -> T:
        try:
            await self._replica.cross()
        except asyncio.CancelledError:
            call.close()
            raise
        answer = await call
        await self._replica.cross()
        return answer

    async def deliver(self, to: Person, address: Address | None, card: Card, replacing: Ref | None) -> Ref:
        """Put the card on their screen."""
        return await self._through(self._inner.deliver(to, address, card, replacing))

    async def erase(self, ref: Ref, instead: Card) -> None:
        """Take a card away."""
        await self._through(self._inner.erase(ref, instead))

    async def find(self, to: Person, address: Address | None, card_id: str) -> Ref | None:
        """Look for a post."""
        return await self._through(self._inner.find(to, address, card_id))

    async def is_accepted(self) -> bool:
        """Ask whether our credentials are accepted."""
        return await self._through(self._inner.is_accepted())

    async def profile(self, person: Person) -> Profile:
        """Ask who somebody is."""
        return await self._through(self._inner.profile(person))
