"""Both schedulers keep one contract; and what is Procrastinate's alone: one transaction, and nothing kept."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import procrastinate
import psycopg
import pytest

from bot.crypto.vault import Vault
from bot.errors import StaleRevision
from bot.scheduler import procrastinate_
from bot.scheduler.apscheduler_ import EmbeddedScheduler
from bot.scheduler.base import NO_UPKEEP, Upkeep
from bot.scheduler.procrastinate_ import SharedScheduler
from bot.store.base import Deletion
from bot.store.embedded.store import EmbeddedStore
from bot.store.postgres import wake_jobs
from bot.store.postgres.store import PostgresStore
from tests.running.looking import until
from tests.scheduler.contract import NEVER, OFTEN, SOON, FakeEngine, Make, SchedulerContract, a_record
from tests.store.postgres_server import Server, store_in


class TestEmbeddedScheduler(SchedulerContract):
    """APScheduler, for one process."""

    @pytest.fixture
    async def store(self, tmp_path: Path) -> AsyncIterator[EmbeddedStore]:
        store = EmbeddedStore.open(tmp_path / "data", Vault(bytes(32)))
        yield store
        await store.close()

    @pytest.fixture
    def make(self) -> Make:
        async def scheduler(engine: Any, store: Any, tick: timedelta) -> EmbeddedScheduler:
            return EmbeddedScheduler(engine, store, engine.now, engine.written, tick=tick)

        return scheduler

    @pytest.mark.parametrize("hours", [-5, 5])
    async def test_a_clock_that_is_set_delays_what_falls_due_by_a_tick(
        self, make: Make, engine: FakeEngine, hours: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        clock = SetClock.installed(monkeypatch, engine)
        async with self.running(make, engine, OFTEN):
            await engine.writes("before", SOON)
            await engine.has_seen("before")
            clock.shift = timedelta(hours=hours)
            await engine.writes("meanwhile", timedelta(minutes=50))  # planned by the wrong time
            await engine.store.save(a_record("by-the-wrong-clock", engine.now() + SOON))
            await engine.has_seen("before", "by-the-wrong-clock")
            clock.shift = timedelta()
            await engine.store.save(a_record("by-the-right-clock", engine.now() + SOON))  # only a tick can find it
            await engine.until(lambda: "by-the-right-clock" in engine.seen)


class SetClock:
    """The machine's clock, as APScheduler and the programme read it; the loop's own clock goes on evenly."""

    shift = timedelta()

    @classmethod
    def installed(cls, monkeypatch: pytest.MonkeyPatch, engine: FakeEngine) -> SetClock:
        clock = cls()

        class Shifted(datetime):
            @classmethod
            def now(cls, tz: Any = None) -> Any:
                return datetime.now(tz) + clock.shift

        for module in ("apscheduler.schedulers.base", "apscheduler.triggers.interval", "bot.scheduler.apscheduler_"):
            monkeypatch.setattr(f"{module}.datetime", Shifted)
        monkeypatch.setattr(engine, "now", lambda: Shifted.now(UTC))
        return clock


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is tried again is tried again soon."""
    monkeypatch.setattr(wake_jobs, "POLL_INTERVAL", 0.02)
    monkeypatch.setattr(wake_jobs, "RETRY_AFTER", timedelta(milliseconds=50))
    monkeypatch.setattr(procrastinate_, "RETRY_AFTER", timedelta(milliseconds=50))


@pytest.fixture
async def store(new_database: str) -> AsyncIterator[PostgresStore]:
    async with store_in(new_database) as opened:
        yield opened


@pytest.fixture
async def other(new_database: str) -> AsyncIterator[PostgresStore]:
    async with store_in(new_database) as opened:
        yield opened


async def shared(engine: Any, store: Any, tick: timedelta, upkeep: Upkeep = NO_UPKEEP) -> SharedScheduler:
    return SharedScheduler(
        engine, store, await store.enable_wake_jobs(engine.now), engine.now, tick=tick, upkeep=upkeep
    )


class TestSharedScheduler(SchedulerContract):
    """Procrastinate, for any number of replicas."""

    @pytest.fixture
    def make(self) -> Make:
        return shared

    async def test_a_lost_job_only_delays(
        self, store: PostgresStore, postgres: Server, new_database: str, engine: FakeEngine
    ) -> None:
        async with self.running(shared, engine, OFTEN):
            await engine.writes("r1", timedelta(minutes=5))
            assert len(postgres.rows("DELETE FROM procrastinate_jobs RETURNING 1", new_database)) == 1
            engine.ahead = timedelta(minutes=6)
            await engine.has_seen("r1")

    async def test_two_replicas_do_each_record_once(
        self, store: PostgresStore, other: PostgresStore, engine: FakeEngine
    ) -> None:
        second = FakeEngine(other, engine.changed)
        async with self.running(shared, engine, OFTEN), self.running(shared, second, OFTEN):
            await asyncio.gather(*(engine.writes(f"r{n}", SOON) for n in range(200)))
            await engine.until(lambda: len(engine.seen) + len(second.seen) >= 200)
        assert sorted(engine.seen + second.seen) == sorted(f"r{n}" for n in range(200))

    async def test_a_dead_worker_s_job_is_done_by_another(
        self, store: PostgresStore, postgres: Server, new_database: str, engine: FakeEngine
    ) -> None:
        await store.enable_wake_jobs(engine.now)
        await engine.writes("r1", timedelta(minutes=5))
        postgres.rows(
            "WITH dead AS (INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 hour')"
            " RETURNING id) UPDATE procrastinate_jobs SET status = 'doing', worker_id = dead.id FROM dead RETURNING 1",
            new_database,
        )
        engine.ahead = timedelta(minutes=6)
        async with self.running(shared, engine, OFTEN):
            await engine.has_seen("r1")
            await no_job_is_left(postgres, new_database)

    async def test_it_recovers_when_the_server_was_away(
        self, postgres: Server, store: PostgresStore, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("bot.scheduler.procrastinate_.RETRY_AFTER", OFTEN)
        async with self.running(shared, engine, NEVER):
            await engine.writes("r1", SOON)
            await engine.has_seen("r1")
            postgres.stop()
            postgres.start()
            await engine.writes("r2", SOON)
            await engine.has_seen("r1", "r2")

    async def test_a_key_rotation_that_hangs_delays_no_deadline(self, store: PostgresStore, engine: FakeEngine) -> None:
        """A network disk may be gone, or a million records need new keys: the sweep goes on all the same."""
        begun, may_end = asyncio.Event(), asyncio.Event()

        async def rotate_keys() -> None:
            begun.set()
            await may_end.wait()

        scheduler = await shared(engine, store, OFTEN, Upkeep((rotate_keys,)))
        scheduler.start()
        try:
            await begun.wait()
            await store.save(replace(a_record("r1", engine.now() + SOON), wake=None))
            await engine.has_seen("r1")
        finally:
            may_end.set()
            await scheduler.stop()

    async def test_finished_jobs_leave_nothing_behind(
        self, store: PostgresStore, postgres: Server, new_database: str, engine: FakeEngine
    ) -> None:
        async with self.running(shared, engine, OFTEN):
            await asyncio.gather(*(engine.writes(f"r{n}", SOON) for n in range(20)))
            await engine.has_seen(*(f"r{n}" for n in range(20)))
            await no_job_is_left(postgres, new_database)
        tables = postgres.rows("SELECT tablename FROM pg_tables WHERE tablename LIKE 'procrastinate%'", new_database)
        assert len(tables) == 4
        assert [postgres.rows(f"TABLE {name}", new_database) for (name,) in tables] == [[]] * 4

    async def test_a_server_whose_clock_is_ahead_makes_nothing_late(
        self, store: PostgresStore, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The job comes before the record is due by our clock, and there is no sweep to find it."""
        early = timedelta(milliseconds=300)
        usual = wake_jobs.WakeJobs.wake_time
        monkeypatch.setattr(
            wake_jobs.WakeJobs, "wake_time", lambda self, wake: (at := usual(self, wake)) and at - early
        )
        async with self.running(shared, engine, NEVER):
            await engine.writes("r1", early + SOON)
            await engine.has_seen("r1")


# ---------------------------------------------------------------- one transaction


async def planned(store: PostgresStore, *, now: datetime | None = None) -> datetime:
    at = now or datetime.now(UTC)
    await store.enable_wake_jobs(lambda: at)
    return at


async def no_job_is_left(postgres: Server, database: str) -> None:
    """A worker removes its job after it did what the job asked; only the table tells when."""
    await until(lambda: not jobs(postgres, database))


def jobs(postgres: Server, database: str) -> list[tuple[Any, ...]]:
    return postgres.rows("SELECT args, queueing_lock FROM procrastinate_jobs ORDER BY id", database)


async def test_a_job_holds_nothing_but_an_id(store: PostgresStore, postgres: Server, new_database: str) -> None:
    now = await planned(store)
    await store.save(a_record("r1", now + timedelta(minutes=10)))
    assert jobs(postgres, new_database) == [({"id": "r1"}, "r1")]


async def test_a_save_that_is_rolled_back_leaves_no_job(
    store: PostgresStore, postgres: Server, new_database: str
) -> None:
    now = await planned(store)
    await store.save(a_record("r1", now + timedelta(hours=2)))
    with pytest.raises(StaleRevision):
        await store.save(a_record("r0", now + timedelta(minutes=1)), replace(a_record("r1", now), revision=7))
    assert jobs(postgres, new_database) == []


@pytest.mark.parametrize("how", ["closed", "put off until tomorrow", "forgotten"])
async def test_the_write_that_moves_a_due_time_beyond_the_hour_removes_its_job(
    store: PostgresStore, postgres: Server, new_database: str, how: str
) -> None:
    now = await planned(store)
    await store.save(a_record("r1", now + timedelta(minutes=10)))
    at = {"closed": None, "put off until tomorrow": now + timedelta(hours=24)}.get(how)
    after = replace(a_record("r1", now), due=at, wake=at, revision=1)
    await store.save(Deletion("r1", 1) if how == "forgotten" else after)
    assert jobs(postgres, new_database) == []


async def test_a_job_that_comes_in_time_is_kept(store: PostgresStore, postgres: Server, new_database: str) -> None:
    now = await planned(store)
    await store.save(a_record("r1", now + timedelta(minutes=10)))
    before = postgres.rows("SELECT id FROM procrastinate_jobs", new_database)
    await store.save(replace(a_record("r1", now + timedelta(minutes=20)), revision=1))
    assert postgres.rows("SELECT id FROM procrastinate_jobs", new_database) == before
    await store.save(replace(a_record("r1", now + timedelta(minutes=5)), revision=2))
    (after,) = postgres.rows("SELECT id FROM procrastinate_jobs", new_database)
    assert [after] != before


async def test_a_lease_alone_has_no_job(store: PostgresStore, postgres: Server, new_database: str) -> None:
    """A minute's lease stands in most writes; a job for each would be most of the work."""
    now = await planned(store)
    await store.save(replace(a_record("r1", now + timedelta(seconds=60)), wake=None))
    assert jobs(postgres, new_database) == []


async def test_a_sweep_adds_jobs_for_what_falls_due_within_the_hour(
    store: PostgresStore, postgres: Server, new_database: str
) -> None:
    now = await planned(store)
    await asyncio.gather(*(store.save(a_record(f"r{n}", now + timedelta(hours=2))) for n in range(3)))
    await store.save(a_record("r9", now + timedelta(hours=9)))
    await planned(store, now=now + timedelta(minutes=90))
    await store.add_missing_wake_jobs()
    await store.add_missing_wake_jobs()
    assert sorted(lock for _, lock in jobs(postgres, new_database)) == ["r0", "r1", "r2"]


async def test_a_claimed_record_is_given_to_no_other_until_it_is_saved(
    store: PostgresStore, other: PostgresStore
) -> None:
    now = datetime.now(UTC)
    for n in range(4):
        await store.save(a_record(f"r{n}", now - timedelta(minutes=9 - n)))
    assert list(await store.claim(now, 2)) == ["r0", "r1"]
    assert list(await other.claim(now, 9)) == ["r2", "r3"]
    assert list(await store.claim(now, 9)) == []
    found = await other.load("r0")
    assert found is not None
    await other.save(found)
    assert list(await other.claim(now, 9)) == ["r0"]


def test_our_migrations_contain_procrastinates_newest() -> None:
    """A new release of it may bring a migration: then bot/store/migrations needs one that applies it."""
    folder = Path(procrastinate.schema.SchemaManager.get_migrations_path())
    newest = max(path.name for path in folder.glob("*.sql"))
    assert newest.startswith(wake_jobs.PROCRASTINATE_SCHEMA)


async def test_a_connection_lost_at_a_job_is_reported_as_at_any_other_statement(
    store: PostgresStore, postgres: Server, new_database: str
) -> None:
    """What Procrastinate says of it is none of what a store may say; whoever saves begins again."""
    now = await planned(store)
    await store.save(a_record("r1", now + timedelta(minutes=10)))
    async with await psycopg.AsyncConnection.connect(new_database) as holds_the_job:
        await holds_the_job.execute("SELECT 1 FROM procrastinate_jobs FOR UPDATE")
        saving = asyncio.ensure_future(store.save(replace(a_record("r1", now + timedelta(minutes=5)), revision=1)))
        cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        while not await asyncio.to_thread(postgres.rows, cut, new_database):
            pass
        with pytest.raises(StaleRevision):
            await saving


async def test_an_id_that_comes_again_takes_over_the_job_that_was_left_behind(
    store: PostgresStore, other: PostgresStore, postgres: Server, new_database: str
) -> None:
    """The id of a doorstep comes again, and the job that stood for it stands still."""
    now = await planned(store)
    await store.save(a_record("r1", now + timedelta(minutes=10)))
    await other.save(Deletion("r1", 1))
    await store.save(a_record("r1", now + timedelta(minutes=20)))
    assert jobs(postgres, new_database) == [({"id": "r1"}, "r1")]
    assert postgres.rows("SELECT id FROM procrastinate_jobs", new_database) == postgres.rows(
        "SELECT job FROM records", new_database
    )
