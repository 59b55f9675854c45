"""The erasure log: deletions are noted before they happen, so that no backup brings them back."""

from __future__ import annotations

import asyncio
import fcntl
import multiprocessing
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from unittest.mock import AsyncMock

import pytest
import pytest_asyncio

from bot.config.parsers import Postgres
from bot.crypto.vault import Vault
from bot.errors import StaleRevision
from bot.scheduler.factory import scheduler_for
from bot.scheduler.procrastinate_ import SharedScheduler
from bot.store.base import Deletion, Store
from bot.store.embedded.store import EmbeddedStore
from bot.store.erasure_log import FILE_NAME, ErasureLog, ErasureLogBusy, ErasureLogMissing, ErasureLogState
from bot.store.erasure_logging_store import ErasureLoggingStore
from bot.store.factory import open_for_serving
from tests.store.contract import NOON, StoreContract, a_record

VAULT = Vault(bytes(range(32)))
DAY = date(2026, 3, 2)


@asynccontextmanager
async def serving(where: Path | Postgres, vault: Vault, log: ErasureLog | None = None) -> AsyncIterator[Store]:
    """Open the store as `serve` does."""
    async with open_for_serving(where, vault, log) as kept:
        await kept.allow_others()
        yield kept.store


def a_log(folder: Path, day: date = DAY, key_days: int = 7) -> ErasureLog:
    return ErasureLog(folder, VAULT, key_days, lambda: day)


class TestErasureLoggingStore(StoreContract):
    """It keeps the contract that the wrapped store keeps."""

    @pytest_asyncio.fixture
    async def places(self, tmp_path: Path) -> AsyncIterator[list[Store]]:
        kept: list[Store] = []
        yield kept
        for store in kept:
            await store.close()

    @pytest.fixture
    def store(self, tmp_path: Path, places: list[Store]) -> Store:
        places.append(ErasureLoggingStore(EmbeddedStore.open(tmp_path / "data", VAULT), a_log(tmp_path / "ring")))
        return places[-1]

    @pytest.fixture
    def reopen(self, tmp_path: Path, places: list[Store]) -> Callable[[], Awaitable[Store]]:
        async def again() -> Store:
            await places.pop().close()
            places.append(ErasureLoggingStore(EmbeddedStore.open(tmp_path / "data", VAULT), a_log(tmp_path / "ring")))
            return places[-1]

        return again


async def test_deleted_records_are_logged_and_seen_events_are_not(tmp_path: Path) -> None:
    log = a_log(tmp_path / "ring")
    async with serving(tmp_path / "data", VAULT, log) as store:
        await store.save(replace(a_record("r1"), kind="support"), replace(a_record("s1"), kind="seen"))
        before = log.read()
        await store.save(Deletion("s1", 1))
        assert log.read() == before
        await store.save(Deletion("r1", 1))
    forgotten = log.read().erased_since(before)
    assert forgotten.contains("r1", VAULT)
    assert not forgotten.contains("s1", VAULT)
    assert (tmp_path / "ring" / FILE_NAME).stat().st_mode & 0o777 == 0o600


async def test_a_deletion_that_failed_is_taken_back_in_the_log(tmp_path: Path) -> None:
    log = a_log(tmp_path)
    async with serving(tmp_path / "data", VAULT, log) as store:
        await store.save(a_record("r1"))
        before = log.read()
        with pytest.raises(StaleRevision):
            await store.save(Deletion("r1", 7))
        assert not log.read().erased_since(before).contains("r1", VAULT)
        await store.save(Deletion("r1", 1))
        assert log.read().erased_since(before).contains("r1", VAULT)


async def test_a_record_created_again_on_the_same_day_is_not_taken_for_deleted(tmp_path: Path) -> None:
    log = a_log(tmp_path)
    async with serving(tmp_path / "data", VAULT, log) as store:
        await store.save(a_record("door"))
        await store.save(Deletion("door", 1))
        await store.save(a_record("door"))
        backup = log.read()
        assert not log.read().erased_since(backup).contains("door", VAULT)
        await store.save(Deletion("door", 1))
        assert log.read().erased_since(backup).contains("door", VAULT)


async def test_nothing_is_deleted_that_could_not_be_logged(tmp_path: Path) -> None:
    log = a_log(tmp_path / "ring")
    async with serving(tmp_path / "data", VAULT, log) as store:
        await store.save(a_record("r1"))
        (tmp_path / "ring" / FILE_NAME).unlink()
        (tmp_path / "ring").rmdir()
        (tmp_path / "ring").write_bytes(b"")  # as if the volume were gone
        with pytest.raises(OSError, match="ring"):
            await store.save(Deletion("r1", 1))
        with pytest.raises(OSError, match="ring"):
            await store.check()
        assert await store.load("r1")
        (tmp_path / "ring").unlink()
        await store.save(Deletion("r1", 1))
        assert await store.load("r1") is None


async def test_a_cancelled_deletion_gives_up_the_lock_of_the_log(tmp_path: Path) -> None:
    log = a_log(tmp_path)
    async with serving(tmp_path / "data", VAULT, log) as store:
        for n in range(20):
            await store.save(a_record(f"r{n}"))
            task = asyncio.ensure_future(store.save(Deletion(f"r{n}", 1)))
            for _ in range(n):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
    with log.locked_state() as noted:  # nobody holds it
        gone = noted.erased_since(ErasureLogState(noted.id))
    assert {n for n in range(20) if gone.contains(f"r{n}", VAULT)} >= set(range(1, 20))


def test_a_torn_line_damages_no_other_line(tmp_path: Path) -> None:
    log = a_log(tmp_path)
    log.begin_erasure(["r1"]).finish()
    before = log.read()
    with (tmp_path / FILE_NAME).open("ab") as file:
        file.write(b"\n2026-03-02 0123456789abc")
    log.begin_erasure(["r2"]).finish()
    assert len(log.read().lines) == len(before.lines) + 1
    assert log.read().erased_since(before).contains("r2", VAULT)


def test_lines_are_pruned_once_no_backup_can_need_them(tmp_path: Path) -> None:
    a_log(tmp_path).begin_erasure(["r1"]).finish()
    before = a_log(tmp_path).read()
    for days, kept in ((9, 1), (10, 0)):
        later = a_log(tmp_path, DAY + timedelta(days=days))
        later.prune()
        assert len(later.read().lines) == kept
        assert later.read().continues(before, later.oldest_kept_day())
    assert not later.read().continues(before, DAY)


def test_a_log_that_was_lost_and_created_again_has_another_id(tmp_path: Path) -> None:
    log = a_log(tmp_path)
    with pytest.raises(ErasureLogMissing):
        log.read()
    log.ensure_exists()
    before = log.read()
    (tmp_path / FILE_NAME).unlink()
    log.ensure_exists()
    assert not log.read().continues(before, DAY)


def test_the_lines_of_one_person_cannot_be_linked_from_day_to_day(tmp_path: Path) -> None:
    for n in range(3):
        a_log(tmp_path, DAY + timedelta(days=n)).begin_erasure(["door"]).finish()
    marks = {line.split()[1] for line in a_log(tmp_path).read().lines}
    assert len(marks) == 3
    assert b"door" not in (tmp_path / FILE_NAME).read_bytes()


def _many(folder: Path, who: int) -> None:
    log = a_log(folder, DAY + timedelta(days=who % 2))
    for n in range(50):
        log.begin_erasure([f"r{who}-{n}"]).finish()
        if n % 10 == who:
            log._trimmed = date.min
            log.prune()


def test_processes_append_while_the_log_is_pruned_and_no_line_is_lost(tmp_path: Path) -> None:
    a_log(tmp_path, DAY - timedelta(days=30)).begin_erasure([f"old{n}" for n in range(20)]).finish()
    born = multiprocessing.get_context("spawn")
    processes = [born.Process(target=_many, args=(tmp_path, who)) for who in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    noted = a_log(tmp_path).read()
    gone = noted.erased_since(ErasureLogState(noted.id))
    assert all(gone.contains(f"r{who}-{n}", VAULT) for who in range(4) for n in range(50))
    assert len(noted.lines) == 200


def test_a_backup_waits_for_an_erasure_only_so_long_and_then_says_so(tmp_path: Path) -> None:
    pending = a_log(tmp_path).begin_erasure(["r1"])
    hasty = ErasureLog(tmp_path, VAULT, 7, lambda: DAY, patience=0.05)
    with pytest.raises(ErasureLogBusy, match="run the command again"), hasty.locked_state():
        pass
    hasty.prune()  # another day
    pending.finish()
    with hasty.locked_state() as state:
        assert len(state.lines) == 1


async def test_an_erasure_that_begins_later_waits_behind_a_backup(tmp_path: Path) -> None:
    """Otherwise one erasure after another keeps it waiting for ever."""
    log, order = a_log(tmp_path), list[str]()

    def backs_up() -> None:
        with log.locked_state():
            order.append("backup")

    def erases() -> None:
        pending = log.begin_erasure(["r2"])
        order.append("erasure")
        pending.finish()

    under_way = log.begin_erasure(["r1"])
    backup = asyncio.create_task(asyncio.to_thread(backs_up))
    with (tmp_path / f"{FILE_NAME}.turn").open("rb") as turn:
        while not await asyncio.to_thread(is_locked, turn.fileno()):
            pass
    erasures = [asyncio.create_task(asyncio.to_thread(erases)) for _ in range(3)]
    assert order == []
    under_way.finish()
    await asyncio.gather(backup, *erasures)
    assert order == ["backup", "erasure", "erasure", "erasure"]


def is_locked(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    fcntl.flock(fd, fcntl.LOCK_UN)
    return False


async def test_a_shared_store_behind_the_log_still_gets_the_shared_scheduler(tmp_path: Path, new_database: str) -> None:
    async with serving(Postgres(new_database), VAULT, a_log(tmp_path)) as store:
        scheduler = await scheduler_for(AsyncMock(), store, lambda: NOON, asyncio.Event())
        assert isinstance(scheduler, SharedScheduler)
