"""The dialogues' simulation on a real PostgreSQL, with two of us behind it: each press goes to either."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from adapters.base import Adapter
from bot.crypto.vault import Vault
from bot.engine.engine import Engine
from bot.playground.chat_script import ChatScript, Disagrees
from bot.playground.simulator import KEY, Simulator
from bot.store.postgres.store import PostgresStore
from tests.engine.hostile_scheduler import Several


class InTurn(Several):
    """Two replicas on two connections to one database; whoever was not asked last is asked now."""

    def __init__(self, engines: list[Engine]) -> None:
        super().__init__(engines, seed=0)
        self._turns = itertools.cycle(engines)

    def __getattr__(self, name: str) -> Any:
        return getattr(next(self._turns), name)


class OnPostgres(Simulator):
    """The same simulation; what is kept is kept in tables."""

    def __init__(self, folder: Path, database: str) -> None:
        super().__init__(folder)
        self._database = database
        self._stores: list[PostgresStore] = []

    async def open(self) -> None:
        """Connect twice, and let the programme run."""
        if not self._stores:
            self._stores = [await PostgresStore.open(self._database) for _ in range(2)]
        await super().open()

    def _begin(self, adapters: Mapping[str, Adapter], key: bytes = KEY) -> Any:
        return InTurn([self._on(store, adapters, Vault(key)) for store in self._stores])

    async def stop(self) -> None:
        """Let go of the database, as two processes would."""
        if self._engine is not None:
            await self.idle()
        for store in self._stores:
            await store.close()
        self._stores, self._engine = [], None


def differs_on_postgres(path: Path, database: str) -> str:
    """Where a dialogue comes out differently with two of us on PostgreSQL; "" where it does not."""
    lines = path.read_text(encoding="utf-8").splitlines()

    async def play(folder: str) -> None:
        simulator = OnPostgres(Path(folder), database)
        try:
            await ChatScript(simulator).play(enumerate(lines, 1), lambda _: None)
        finally:
            await simulator.stop()

    with TemporaryDirectory() as folder:
        try:
            asyncio.run(play(folder))
        except Disagrees as disagrees:
            return f"{path.name}: {disagrees}"
    return ""
