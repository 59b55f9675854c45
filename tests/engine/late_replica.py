"""Two replicas on one store: the first freezes in one call to a platform, and wakes when a dialogue is over."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Mapping
from contextlib import nullcontext, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from adapters.base import Adapter
from bot.crypto.vault import Vault
from bot.engine.engine import Engine
from bot.engine.outbox import LEASE
from bot.engine.repository import ConversationRepository
from bot.playground.chat_script import ChatScript, Disagrees, scenarios
from bot.playground.simulator import KEY, Simulator
from bot.store.base import Store

SHOWN = re.compile(r"^\w+ +(reads|sees)\b|^nothing about")


class Freezing:
    """An adapter of which one post, edit or deletion stands still, before it or after it, until it is woken."""

    def __init__(self, adapter: Any, simulator: LateReplica) -> None:
        self._adapter, self._simulator = adapter, simulator

    def __getattr__(self, name: str) -> Any:
        return getattr(self._adapter, name)

    async def deliver(self, *args: Any) -> Any:
        return await self._simulator.passes_through(self._adapter.deliver, *args)

    async def erase(self, *args: Any) -> Any:
        return await self._simulator.passes_through(self._adapter.erase, *args)


class OneAfterTheOther:
    """Two replicas on one store, as one to whoever acts: the second is asked once the first has frozen."""

    def __init__(self, first: Engine, second: Engine, simulator: LateReplica) -> None:
        self.first, self.second, self._simulator = first, second, simulator
        self._taken_over = False
        self._waiting: set[asyncio.Future[Any]] = set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.second if self._simulator.frozen.is_set() else self.first, name)

    async def idle(self) -> None:
        """Return when nothing is under way but what has frozen; at once, the second takes over."""
        waits = {asyncio.ensure_future(wait()) for wait in (self.first.idle, self._simulator.frozen.wait)}
        _, self._waiting = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)  # to end one ends the call
        await self._simulator.at_rest()
        if self._simulator.frozen.is_set() and not self._taken_over:
            self._taken_over = True
            self._simulator.now += LEASE
            await self.second.wake()
            await self.second.idle()
            self._simulator.now -= LEASE  # no sentence is to tell another time
        await self.second.idle()


class LateReplica(Simulator):
    """The same simulation with two replicas.

    Args:
        folder: Where the store is.
        call: Which call to a platform freezes, from 0.
        done: Whether it was made before.
    """

    def __init__(self, folder: Path, call: int, *, done: bool) -> None:
        super().__init__(folder)
        self._left, self._done = call, done
        self._calling = 0
        self.frozen, self.woken = asyncio.Event(), asyncio.Event()

    def _begin(self, adapters: Mapping[str, Adapter], key: bytes = KEY) -> Any:
        freezing: Any = {name: Freezing(adapter, self) for name, adapter in adapters.items()}
        first = self._first(freezing, key)
        self._repositories = [first.services.repository]
        services = replace(first.services, store=self._store_of_the_second(first))
        repository = ConversationRepository(services.store, services.vault, services.now)
        self._repositories.append(repository)
        second = Engine(replace(services, repository=repository, adapters=adapters, written=asyncio.Event()))
        return OneAfterTheOther(first, second, self)

    def _first(self, adapters: Mapping[str, Adapter], key: bytes) -> Engine:
        return super()._begin(adapters, key)

    def _store_of_the_second(self, first: Engine) -> Store:
        return first.services.store

    async def passes_through(self, call: Any, *args: Any) -> Any:
        """Make the call, unless it is the one that freezes."""
        self._left -= 1
        freezes = self._left == -1
        if freezes and not self._done:
            await self._freeze()
        answer = await call(*args)
        if freezes and self._done:
            await self._freeze()
        return answer

    async def _freeze(self) -> None:
        self.frozen.set()
        await self.woken.wait()

    async def at_rest(self) -> None:
        """Return when nothing is being written."""
        for _ in range(5):
            await asyncio.sleep(0)
            while writing := [task for each in self._repositories for task in each._updating]:
                await asyncio.wait(writing)

    async def wake_up(self) -> None:
        """The first goes on, and everything that follows from it is done."""
        self.woken.set()
        engine: Any = self.engine
        for _ in range(3):
            await engine.first.idle()
            await engine.second.idle()
            self.now += LEASE * 2
            await engine.second.wake()
        await engine.second.idle()


class LateOnPostgres(LateReplica):
    """The same on a database that the two share, each over connections of its own."""

    def __init__(self, folder: Path, call: int, *, done: bool, stores: tuple[Store, Store]) -> None:
        super().__init__(folder, call, done=done)
        self._stores = stores

    def _first(self, adapters: Mapping[str, Adapter], key: bytes) -> Engine:
        return self._on(self._stores[0], adapters, Vault(key))

    def _store_of_the_second(self, first: Engine) -> Store:
        return self._stores[1]


class Forgiving(ChatScript):
    """Plays what people do, whatever they are shown meanwhile."""

    async def line(self, number: int, line: str) -> None:
        """Play one line; what it says that somebody reads may come later."""
        with suppress(Disagrees) if SHOWN.search(line) else nullcontext():
            await super().line(number, line)

    async def _nothing_unread(self) -> None:
        self.gather()
        self.unread.clear()


async def plays(dialogue: str, simulator: LateReplica) -> tuple[bool, dict[str, list[Any]]]:
    """Whether the call was reached, and what everybody has in their chat after it."""
    script = Forgiving(simulator)
    for number, line in enumerate(scenarios()[dialogue].read_text("utf-8").splitlines(), 1):
        await script.line(number, line)
    reached = simulator.frozen.is_set()
    await simulator.wake_up()
    shown = {
        name: [
            (card.text, tuple(button.label for button in card.buttons)) for card in simulator.chat(name).cards(person)
        ]
        for name, person in simulator.people.items()
    }
    await simulator.stop()
    return reached, shown


Shown = Mapping[str, list[Any]]


def false_cards(shown: Shown, expected: Shown, *, forgotten: bool) -> list[Any]:
    """What somebody has in their chat that they would not have, or has not that they would."""
    found: list[Any] = []
    for name, cards in expected.items():
        kept, wanted = Counter(shown[name]), Counter(cards)
        if kept != wanted and not (forgotten and kept < wanted):
            found += [*(kept - wanted), *(wanted - kept)]
    return found
