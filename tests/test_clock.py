"""Both clocks keep one contract; and what is Procrastinate's alone: one transaction, nothing kept, nobody missed."""

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
from clock_contract import NEVER, OFTEN, SOON, ClockContract, Lookout, Make, a_record, until
from postgres_server import Server, store_in

from bot.clock.embedded import EmbeddedClock
from bot.clock.shared import SharedClock
from bot.store import pokes
from bot.store.base import Gone, Stale
from bot.store.postgres import PostgresStore
from bot.store.tiny import TinyStore
from bot.vault import Vault


class TestEmbeddedClock(ClockContract):
    """APScheduler, for one process."""

    @pytest.fixture
    async def store(self, tmp_path: Path) -> AsyncIterator[TinyStore]:
        store = TinyStore.open(tmp_path / "data", Vault(bytes(32)))
        yield store
        await store.close()

    @pytest.fixture
    def make(self) -> Make:
        async def clock(lookout: Any, store: Any, tick: timedelta) -> EmbeddedClock:
            return EmbeddedClock(lookout, store, tick=tick)

        return clock


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pokes, "POLL", 0.02)


@pytest.fixture
async def store(new_database: str) -> AsyncIterator[PostgresStore]:
    async with store_in(new_database) as opened:
        yield opened


@pytest.fixture
async def other(new_database: str) -> AsyncIterator[PostgresStore]:
    async with store_in(new_database) as opened:
        yield opened


async def shared(lookout: Any, store: Any, tick: timedelta) -> SharedClock:
    return SharedClock(lookout, store, await store.waking(lookout.now), tick=tick)


class TestSharedClock(ClockContract):
    """Procrastinate, for any number of replicas."""

    @pytest.fixture
    def make(self) -> Make:
        return shared

    async def test_a_poke_that_was_lost_delays_and_no_more(
        self, store: PostgresStore, postgres: Server, new_database: str, lookout: Lookout
    ) -> None:
        async with self.ticking(shared, lookout, OFTEN):
            await lookout.writes("r1", timedelta(minutes=5))
            assert len(postgres.rows("DELETE FROM procrastinate_jobs RETURNING 1", new_database)) == 1
            lookout.ahead = timedelta(minutes=6)
            await lookout.has_seen("r1")

    async def test_two_replicas_look_at_each_once(
        self, store: PostgresStore, other: PostgresStore, lookout: Lookout
    ) -> None:
        second = Lookout(other)
        async with self.ticking(shared, lookout, OFTEN), self.ticking(shared, second, OFTEN):
            await asyncio.gather(*(lookout.writes(f"r{n}", SOON) for n in range(200)))
            await until(lambda: len(lookout.seen) + len(second.seen) >= 200)
        assert sorted(lookout.seen + second.seen) == sorted(f"r{n}" for n in range(200))

    async def test_what_a_dead_worker_had_begun_is_taken_away_and_done_by_another(
        self, store: PostgresStore, postgres: Server, new_database: str, lookout: Lookout
    ) -> None:
        await store.waking(lookout.now)
        await lookout.writes("r1", timedelta(minutes=5))
        postgres.rows(
            "WITH dead AS (INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 hour')"
            " RETURNING id) UPDATE procrastinate_jobs SET status = 'doing', worker_id = dead.id FROM dead RETURNING 1",
            new_database,
        )
        lookout.ahead = timedelta(minutes=6)
        async with self.ticking(shared, lookout, OFTEN):
            await lookout.has_seen("r1")
            await until(lambda: not jobs(postgres, new_database))

    async def test_it_goes_on_when_the_server_was_away(
        self, postgres: Server, store: PostgresStore, lookout: Lookout, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("bot.clock.shared.AGAIN", OFTEN)
        async with self.ticking(shared, lookout, NEVER):
            await lookout.writes("r1", SOON)
            await lookout.has_seen("r1")
            postgres.stop()
            postgres.start()
            await lookout.writes("r2", SOON)
            await lookout.has_seen("r1", "r2")

    async def test_a_night_that_hangs_keeps_no_deadline_waiting(self, store: PostgresStore, lookout: Lookout) -> None:
        """A disk of the network that is gone, or a million records to turn: what has no poke is for the sweep."""
        begun, dawn = asyncio.Event(), asyncio.Event()

        async def night() -> None:
            begun.set()
            await dawn.wait()

        clock = await shared(lookout, store, OFTEN)
        clock.nightly = night
        clock.start()
        try:
            await begun.wait()
            await store.save(replace(a_record("r1", lookout.now() + SOON), wake=None))
            await lookout.has_seen("r1")
        finally:
            dawn.set()
            await clock.stop()

    async def test_when_all_is_done_nothing_of_it_is_kept(
        self, store: PostgresStore, postgres: Server, new_database: str, lookout: Lookout
    ) -> None:
        async with self.ticking(shared, lookout, OFTEN):
            await asyncio.gather(*(lookout.writes(f"r{n}", SOON) for n in range(20)))
            await lookout.has_seen(*(f"r{n}" for n in range(20)))
            await until(lambda: not jobs(postgres, new_database))
        tables = postgres.rows("SELECT tablename FROM pg_tables WHERE tablename LIKE 'procrastinate%'", new_database)
        assert len(tables) == 4
        assert [postgres.rows(f"TABLE {name}", new_database) for (name,) in tables] == [[]] * 4

    async def test_a_server_whose_clock_is_ahead_of_ours_is_no_reason_to_be_late(
        self, store: PostgresStore, lookout: Lookout, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The poke comes before the record is due by our clock, and there is no sweep to find it."""
        early = timedelta(milliseconds=300)
        wanted = pokes.Pokes.wanted
        monkeypatch.setattr(pokes.Pokes, "wanted", lambda self, wake: (at := wanted(self, wake)) and at - early)
        async with self.ticking(shared, lookout, NEVER):
            await lookout.writes("r1", early + SOON)
            await lookout.has_seen("r1")


# ---------------------------------------------------------------- one transaction


async def planned(store: PostgresStore, *, now: datetime | None = None) -> datetime:
    at = now or datetime.now(UTC)
    await store.waking(lambda: at)
    return at


def jobs(postgres: Server, database: str) -> list[tuple[Any, ...]]:
    return postgres.rows("SELECT args, queueing_lock FROM procrastinate_jobs ORDER BY id", database)


async def test_a_job_says_no_more_than_an_id(store: PostgresStore, postgres: Server, new_database: str) -> None:
    now = await planned(store)
    await store.save(a_record("r1", now + timedelta(minutes=10)))
    assert jobs(postgres, new_database) == [({"id": "r1"}, "r1")]


async def test_a_save_that_is_undone_leaves_no_job(store: PostgresStore, postgres: Server, new_database: str) -> None:
    now = await planned(store)
    await store.save(a_record("r1", now + timedelta(hours=2)))
    with pytest.raises(Stale):
        await store.save(a_record("r0", now + timedelta(minutes=1)), replace(a_record("r1", now), revision=7))
    assert jobs(postgres, new_database) == []


@pytest.mark.parametrize("how", ["closed", "put off until tomorrow", "forgotten"])
async def test_what_is_no_longer_due_within_the_hour_has_no_job_from_the_same_write_on(
    store: PostgresStore, postgres: Server, new_database: str, how: str
) -> None:
    now = await planned(store)
    await store.save(a_record("r1", now + timedelta(minutes=10)))
    at = {"closed": None, "put off until tomorrow": now + timedelta(hours=24)}.get(how)
    after = replace(a_record("r1", now), due=at, wake=at, revision=1)
    await store.save(Gone("r1", 1) if how == "forgotten" else after)
    assert jobs(postgres, new_database) == []


async def test_a_poke_that_comes_in_time_is_left_as_it_is(
    store: PostgresStore, postgres: Server, new_database: str
) -> None:
    now = await planned(store)
    await store.save(a_record("r1", now + timedelta(minutes=10)))
    before = postgres.rows("SELECT id FROM procrastinate_jobs", new_database)
    await store.save(replace(a_record("r1", now + timedelta(minutes=20)), revision=1))
    assert postgres.rows("SELECT id FROM procrastinate_jobs", new_database) == before
    await store.save(replace(a_record("r1", now + timedelta(minutes=5)), revision=2))
    (after,) = postgres.rows("SELECT id FROM procrastinate_jobs", new_database)
    assert [after] != before


async def test_what_only_a_crash_would_make_due_has_no_job(
    store: PostgresStore, postgres: Server, new_database: str
) -> None:
    """A minute's lease stands in most writes; a job for each would be most of the work."""
    now = await planned(store)
    await store.save(replace(a_record("r1", now + timedelta(seconds=60)), wake=None))
    assert jobs(postgres, new_database) == []


async def test_what_comes_within_the_hour_gets_its_poke_from_a_sweep(
    store: PostgresStore, postgres: Server, new_database: str
) -> None:
    now = await planned(store)
    await asyncio.gather(*(store.save(a_record(f"r{n}", now + timedelta(hours=2))) for n in range(3)))
    await store.save(a_record("r9", now + timedelta(hours=9)))
    await planned(store, now=now + timedelta(minutes=90))
    await store.poke_what_comes()
    await store.poke_what_comes()
    assert sorted(lock for _, lock in jobs(postgres, new_database)) == ["r0", "r1", "r2"]


async def test_what_one_has_claimed_nobody_else_is_given_until_it_is_saved(
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
    assert newest.startswith(pokes.SCHEMA)


async def test_a_connection_that_is_cut_at_a_job_is_told_as_at_any_other_statement(
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
        with pytest.raises(Stale):
            await saving


async def test_whoever_comes_again_is_written_though_a_command_without_a_clock_had_destroyed_what_was_there(
    store: PostgresStore, other: PostgresStore, postgres: Server, new_database: str
) -> None:
    """The id of a doorstep comes again, and the job that stood for it stands still."""
    now = await planned(store)
    await store.save(a_record("r1", now + timedelta(minutes=10)))
    await other.save(Gone("r1", 1))
    await store.save(a_record("r1", now + timedelta(minutes=20)))
    assert jobs(postgres, new_database) == [({"id": "r1"}, "r1")]
    assert postgres.rows("SELECT id FROM procrastinate_jobs", new_database) == postgres.rows(
        "SELECT job FROM records", new_database
    )
