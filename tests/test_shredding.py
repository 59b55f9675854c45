"""What was forgotten is noted before it is gone, so that no backup brings it back."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import cast
from unittest.mock import MagicMock

import pytest
import pytest_asyncio
from store_contract import NOON, StoreContract, a_record

from bot.clock.chosen import clock_for
from bot.clock.shared import SharedClock
from bot.engine import Engine
from bot.store.base import Gone, Stale, Store
from bot.store.opened import opened
from bot.store.shredding import NAME, NoLog, Noted, Shredding, ShredLog
from bot.store.tiny import TinyStore
from bot.values import Postgres
from bot.vault import Vault

VAULT = Vault(bytes(range(32)))
DAY = date(2026, 3, 2)


@asynccontextmanager
async def serving(where: Path | Postgres, vault: Vault, log: ShredLog | None = None) -> AsyncIterator[Store]:
    """The store as a `serve` has it."""
    async with opened(where, vault, log) as kept:
        await kept.joined()
        yield kept.store


def a_log(folder: Path, day: date = DAY, key_days: int = 7) -> ShredLog:
    return ShredLog(folder, VAULT, key_days, lambda: day)


class TestTheShreddingStore(StoreContract):
    """It is a store like the one inside."""

    @pytest_asyncio.fixture
    async def places(self, tmp_path: Path) -> AsyncIterator[list[Store]]:
        kept: list[Store] = []
        yield kept
        for store in kept:
            await store.close()

    @pytest.fixture
    def store(self, tmp_path: Path, places: list[Store]) -> Store:
        places.append(Shredding(TinyStore.open(tmp_path / "data", VAULT), a_log(tmp_path / "ring")))
        return places[-1]

    @pytest.fixture
    def reopen(self, tmp_path: Path, places: list[Store]) -> Callable[[], Awaitable[Store]]:
        async def again() -> Store:
            await places.pop().close()
            places.append(Shredding(TinyStore.open(tmp_path / "data", VAULT), a_log(tmp_path / "ring")))
            return places[-1]

        return again


async def test_a_record_is_noted_and_an_event_that_was_seen_is_not(tmp_path: Path) -> None:
    log = a_log(tmp_path / "ring")
    async with serving(tmp_path / "data", VAULT, log) as store:
        await store.save(replace(a_record("r1"), kind="support"), replace(a_record("s1"), kind="seen"))
        before = log.read()
        await store.save(Gone("s1", 1))
        assert log.read() == before
        await store.save(Gone("r1", 1))
    forgotten = log.read().since(before)
    assert forgotten.has("r1", VAULT)
    assert not forgotten.has("s1", VAULT)
    assert (tmp_path / "ring" / NAME).stat().st_mode & 0o777 == 0o600


async def test_what_was_not_destroyed_after_all_is_not_forgotten(tmp_path: Path) -> None:
    log = a_log(tmp_path)
    async with serving(tmp_path / "data", VAULT, log) as store:
        await store.save(a_record("r1"))
        before = log.read()
        with pytest.raises(Stale):
            await store.save(Gone("r1", 7))
        assert not log.read().since(before).has("r1", VAULT)
        await store.save(Gone("r1", 1))
        assert log.read().since(before).has("r1", VAULT)


async def test_who_came_back_on_the_same_day_is_told_from_who_left(tmp_path: Path) -> None:
    log = a_log(tmp_path)
    async with serving(tmp_path / "data", VAULT, log) as store:
        await store.save(a_record("door"))
        await store.save(Gone("door", 1))
        await store.save(a_record("door"))
        backup = log.read()
        assert not log.read().since(backup).has("door", VAULT)
        await store.save(Gone("door", 1))
        assert log.read().since(backup).has("door", VAULT)


async def test_nothing_is_destroyed_that_could_not_be_noted(tmp_path: Path) -> None:
    log = a_log(tmp_path / "ring")
    async with serving(tmp_path / "data", VAULT, log) as store:
        await store.save(a_record("r1"))
        (tmp_path / "ring" / NAME).unlink()
        (tmp_path / "ring").rmdir()
        (tmp_path / "ring").write_bytes(b"")  # as if the volume were gone
        with pytest.raises(OSError, match="ring"):
            await store.save(Gone("r1", 1))
        with pytest.raises(OSError, match="ring"):
            await store.check()
        assert await store.load("r1")
        (tmp_path / "ring").unlink()
        await store.save(Gone("r1", 1))
        assert await store.load("r1") is None


async def test_whoever_is_cancelled_lets_go_of_the_log(tmp_path: Path) -> None:
    log = a_log(tmp_path)
    async with serving(tmp_path / "data", VAULT, log) as store:
        for n in range(20):
            await store.save(a_record(f"r{n}"))
            task = asyncio.ensure_future(store.save(Gone(f"r{n}", 1)))
            for _ in range(n):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
    with log.still() as noted:  # nobody holds it
        gone = noted.since(Noted(noted.id))
    assert {n for n in range(20) if gone.has(f"r{n}", VAULT)} >= set(range(1, 20))


def test_a_torn_line_spoils_no_other(tmp_path: Path) -> None:
    log = a_log(tmp_path)
    log.note(["r1"]).over()
    before = log.read()
    with (tmp_path / NAME).open("ab") as file:
        file.write(b"\n2026-03-02 0123456789abc")
    log.note(["r2"]).over()
    assert len(log.read().lines) == len(before.lines) + 1
    assert log.read().since(before).has("r2", VAULT)


def test_lines_are_kept_as_long_as_a_backup_can_be_opened_and_then_dropped(tmp_path: Path) -> None:
    a_log(tmp_path).note(["r1"]).over()
    before = a_log(tmp_path).read()
    for days, kept in ((9, 1), (10, 0)):
        later = a_log(tmp_path, DAY + timedelta(days=days))
        later.trim()
        assert len(later.read().lines) == kept
        assert later.read().goes_on_from(before, later.oldest())
    assert not later.read().goes_on_from(before, DAY)


def test_a_log_that_was_lost_and_begun_again_is_another(tmp_path: Path) -> None:
    log = a_log(tmp_path)
    with pytest.raises(NoLog):
        log.read()
    log.begin()
    before = log.read()
    (tmp_path / NAME).unlink()
    log.begin()
    assert not log.read().goes_on_from(before, DAY)


def test_the_lines_of_one_person_cannot_be_linked_from_day_to_day(tmp_path: Path) -> None:
    for n in range(3):
        a_log(tmp_path, DAY + timedelta(days=n)).note(["door"]).over()
    marks = {line.split()[1] for line in a_log(tmp_path).read().lines}
    assert len(marks) == 3
    assert b"door" not in (tmp_path / NAME).read_bytes()


def _many(folder: Path, who: int) -> None:
    log = a_log(folder, DAY + timedelta(days=who % 2))
    for n in range(50):
        log.note([f"r{who}-{n}"]).over()
        if n % 10 == who:
            log._trimmed = date.min
            log.trim()


def test_several_processes_append_while_it_is_shortened_and_no_line_is_lost(tmp_path: Path) -> None:
    a_log(tmp_path, DAY - timedelta(days=30)).note([f"old{n}" for n in range(20)]).over()
    born = multiprocessing.get_context("spawn")
    processes = [born.Process(target=_many, args=(tmp_path, who)) for who in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    noted = a_log(tmp_path).read()
    gone = noted.since(Noted(noted.id))
    assert all(gone.has(f"r{who}-{n}", VAULT) for who in range(4) for n in range(50))
    assert len(noted.lines) == 200


async def test_a_store_that_replicas_share_is_woken_as_one_behind_the_log_too(
    tmp_path: Path, new_database: str
) -> None:
    async with serving(Postgres(new_database), VAULT, a_log(tmp_path)) as store:
        engine = cast("Engine", SimpleNamespace(house=SimpleNamespace(now=lambda: NOON), post=MagicMock()))
        clock = await clock_for(store, engine)
        assert isinstance(clock, SharedClock)
