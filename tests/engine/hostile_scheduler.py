"""A clock that loses, doubles, delays and reorders whatever it is to wake somebody for; and two of us behind it.

It keeps one promise of the contract only: that there is a sweep in the end. Everything else may be as bad as it likes.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from adapters.base import Adapter
from bot.engine.engine import Engine
from bot.engine.repository import ConversationRepository
from bot.playground.simulator import Simulator
from bot.store.embedded.store import EmbeddedStore

LATE = (timedelta(), timedelta(), timedelta(seconds=3), timedelta(minutes=4))


class HostileClock:
    """Wakes these engines, as badly as it can."""

    def __init__(self, engines: Sequence[Engine], seed: int) -> None:
        self._engines, self._luck = engines, random.Random(seed)  # noqa: S311

    async def turn(self) -> None:
        """Something is due: nobody is woken, or several are, for some of it, in any order; then comes the sweep."""
        store = self._engines[0].services.store
        honest = store.claim
        store.claim = self._claims(honest)  # type: ignore[method-assign]
        try:
            await asyncio.gather(*(self._luck.choice(self._engines).wake() for _ in range(self._luck.randrange(4))))
        finally:
            store.claim = honest  # type: ignore[method-assign]
        await self._luck.choice(self._engines).wake()

    def _claims(self, honest: Any) -> Any:
        async def claim(before: datetime, limit: int, beside: Collection[str] = ()) -> Sequence[str]:
            due = list(await honest(before, limit, beside))
            some = self._luck.sample(due, self._luck.randint(0, len(due)))  # lost, and in any order
            return [*some, *some[: self._luck.randrange(3)]]  # doubled

        return claim


class Several:
    """Several engines, as one to whoever acts: each press goes to any of them."""

    def __init__(self, engines: Sequence[Engine], seed: int) -> None:
        self.engines, self.clock = engines, HostileClock(engines, seed)
        self._luck = random.Random(seed)  # noqa: S311

    def __getattr__(self, name: str) -> Any:
        return getattr(self._luck.choice(self.engines), name)

    async def idle(self) -> None:
        """Return when none of them has anything under way."""
        for _ in self.engines:
            for engine in self.engines:
                await engine.idle()

    async def resume(self) -> None:
        """After all of us were stopped, the first to come back knows that nobody else runs."""
        await self.engines[0].resume()


class TwoOfUs(Simulator):
    """The same simulation, with two replicas on one store, and a hostile clock."""

    def __init__(self, folder: Path, seed: int) -> None:
        super().__init__(folder)
        self._seed = seed

    def _begin(self, adapters: Mapping[str, Adapter], key: bytes = bytes(range(32))) -> Any:
        first = super()._begin(adapters, key)
        services = first.services
        assert isinstance(services.store, EmbeddedStore)
        other = Engine(
            replace(services, repository=ConversationRepository(services.store, services.vault, services.now))
        )
        self._seed += 1
        return Several([first, other], self._seed)

    async def catch_up(self) -> None:
        """As the real one, but late."""
        engine: Any = self.engine
        self.now += LATE[self._seed % len(LATE)]
        self._seed += 1
        await engine.clock.turn()
        await self.idle()
