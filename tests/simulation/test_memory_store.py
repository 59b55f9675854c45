"""The store of the simulation keeps the contract that both real stores keep."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from bot.store.base import Store
from tests.simulation.memory_store import MemoryStore, Tables
from tests.store.contract import NOON, StoreContract, a_record


class InMemory(StoreContract):
    shared = False

    @pytest.fixture
    def tables(self) -> Tables:
        return Tables()

    @pytest.fixture
    def store(self, tables: Tables) -> Store:
        return MemoryStore(tables, shared=self.shared)

    @pytest.fixture
    def reopen(self, tables: Tables) -> Callable[[], Awaitable[Store]]:
        async def again() -> Store:
            return MemoryStore(tables, shared=self.shared)

        return again


class TestInOneProcess(InMemory):
    pass


class TestShared(InMemory):
    shared = True

    async def test_what_one_claims_no_other_is_given_for_a_minute(self, tables: Tables) -> None:
        one, other = (MemoryStore(tables, shared=True) for _ in range(2))
        await one.save(a_record(due=NOON))
        assert list(await one.claim(NOON, 10)) == ["r1"]
        assert list(await other.claim(NOON, 10)) == []
        await one.release(["r1"])
        assert list(await other.claim(NOON, 10)) == ["r1"]
