"""What is destroyed leaves PostgreSQL's tables within a minute, or somebody reads why it does not."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator
from pathlib import Path

import aiohttp
import psycopg
import pytest

from bot.diagnostics.storage import gone_finding
from bot.health import STATUSES, Status
from bot.monitoring import readiness
from bot.store.base import Deletion, Lingering
from bot.store.postgres import connection, sql, store
from tests.store.contract import a_record
from tests.store.postgres_server import Server, store_in
from tests.stories.serve import at_home, probe


@pytest.fixture
def not_the_owner(postgres: Server, new_database: str) -> Iterator[str]:
    """The address for a user who may read and write every row, and owns nothing."""
    name = new_database.partition("?")[0].rpartition("/")[2]
    postgres.sql(f"CREATE ROLE writer_{name} LOGIN")
    for what in ("TABLES", "SEQUENCES", "FUNCTIONS"):
        postgres.sql(f"GRANT ALL ON ALL {what} IN SCHEMA public TO writer_{name}", name)
    if postgres.sql("SHOW server_version_num")[0][0] >= "170000":
        postgres.sql(f"REVOKE MAINTAIN ON ALL TABLES IN SCHEMA public FROM writer_{name}", name)
    yield new_database.replace("peersupport@", f"writer_{name}@")
    postgres.sql(f"DROP OWNED BY writer_{name}", name)
    postgres.sql(f"DROP ROLE writer_{name}")


def looked_at(found: Collection[Lingering], url: str) -> tuple[str, Collection[Lingering]]:
    """What readiness and the doctor say of it."""
    return gone_finding(found).status, connection.inspect_server(url).lingering


async def test_its_owner_removes_what_was_destroyed(new_database: str) -> None:
    async with store_in(new_database) as opened:
        assert looked_at(await opened.lingering(), new_database) == ("ok", ())


async def test_tables_that_we_do_not_own_are_not_vacuumed_and_that_is_said(not_the_owner: str) -> None:
    async with store_in(not_the_owner) as opened:
        found = await opened.lingering()
        assert looked_at(found, not_the_owner) == ("warn", (Lingering.NOT_OWNED,))
    assert "may not vacuum" in gone_finding(found).says


@pytest.mark.parametrize(("owner", "status"), [(True, "ok"), (False, "warn")])
async def test_the_programme_that_serves_says_it_in_its_readiness_and_its_metrics(
    owner: bool, status: Status, new_database: str, not_the_owner: str, tmp_path: Path
) -> None:
    store = {"PEERSUPPORT_STORE": new_database if owner else not_the_owner, "PEERSUPPORT_KEY_RING": str(tmp_path / "r")}
    async with at_home(tmp_path, "U0ANA", **store) as home:
        code, said = await probe(home.ops, "verbose")
        await home.sampler.sample()
        async with aiohttp.ClientSession() as session, session.get(f"{home.ops}/metrics") as answer:
            page = await answer.text()
    assert code == 200
    assert [line.split()[0] for line in said.splitlines() if " gone-from-tables " in line] == [status]
    assert f'peersupport_check{{check="gone-from-tables"}} {float(STATUSES.index(status))}' in page


@pytest.mark.parametrize("writes", [False, True])
async def test_a_snapshot_that_is_held_is_said_once_a_minute_has_passed(
    writes, new_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with store_in(new_database) as opened:
        await opened.save(a_record("r1"))
        with psycopg.connect(new_database, autocommit=True) as other:
            other.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
            other.execute("SELECT count(*) FROM records")
            if writes:
                other.execute("CREATE TABLE written ()")  # it has an id of its own then
            await opened.save(Deletion("r1", 1))
            await opened.purge()
            assert looked_at(await opened.lingering(), new_database) == ("ok", ())
            monkeypatch.setattr(store, "HELD_SECONDS", 0.0)
            monkeypatch.setattr(sql, "HELD_FOR_LONG", sql.HELD_FOR_LONG.replace("1 minute", "0"))
            found = await opened.lingering()
            assert looked_at(found, new_database) == ("warn", (Lingering.SNAPSHOT,))
            assert (await readiness.forgetting(opened.lingering)()).id == "gone-from-tables"
            other.execute("ROLLBACK")
        assert looked_at(await opened.lingering(), new_database) == ("ok", ())


def bytes_of_the_table(url: str) -> int:
    """How long the table is: VACUUM gives the pages back once nothing on them is left."""
    with psycopg.connect(url, autocommit=True) as look:
        ((size,),) = look.execute("SELECT pg_relation_size('records')").fetchall()
    return int(size)


@pytest.mark.parametrize(
    "holds",
    [
        ("BEGIN ISOLATION LEVEL REPEATABLE READ", "SELECT count(*) FROM records"),
        ("BEGIN", "LOCK TABLE records IN SHARE UPDATE EXCLUSIVE MODE"),
    ],
    ids=["a snapshot", "a lock"],
)
async def test_what_was_held_for_a_moment_only_is_removed_by_the_purge_that_follows(holds, new_database: str) -> None:
    async with store_in(new_database) as opened:
        await opened.save(a_record("r1"))
        with psycopg.connect(new_database, autocommit=True) as other:
            for statement in holds:
                other.execute(statement)
            await opened.save(Deletion("r1", 1))
            await opened.purge()
            other.execute("ROLLBACK")
        assert bytes_of_the_table(new_database)
        await opened.purge()
    assert bytes_of_the_table(new_database) == 0


async def test_what_a_killed_process_left_is_removed_by_the_next_one(new_database: str) -> None:
    async with store_in(new_database) as opened:
        await opened.save(a_record("r1"))
        await opened.save(Deletion("r1", 1))
    async with store_in(new_database) as opened:
        await opened.purge()
    assert bytes_of_the_table(new_database) == 0


async def test_what_is_destroyed_while_a_purge_runs_is_removed_by_the_next_one(
    new_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql, "HOLDING", "SELECT '' WHERE false")  # looked at before anything is held
    async with store_in(new_database) as opened:
        await opened.save(a_record("r1"))
        with psycopg.connect(new_database, autocommit=True) as other:
            other.execute("BEGIN")
            other.execute("SELECT FROM records FOR UPDATE")
            deleting = asyncio.ensure_future(opened.save(Deletion("r1", 1)))
            while other.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone() == (0,):
                await opened.check()
            await opened.purge()
            other.execute("ROLLBACK")
            await deleting
        await opened.purge()
    assert bytes_of_the_table(new_database) == 0


async def test_a_lock_that_is_held_is_said(new_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "HELD_SECONDS", 0.0)
    async with store_in(new_database) as opened:
        with psycopg.connect(new_database, autocommit=True) as other:
            other.execute("BEGIN")
            other.execute("LOCK TABLE record_keys IN SHARE MODE")
            assert await opened.lingering() == [Lingering.SNAPSHOT]
            other.execute("ROLLBACK")
        assert await opened.lingering() == []


async def test_a_snapshot_of_another_user_is_said_by_the_doctor_too(not_the_owner: str, new_database: str) -> None:
    with psycopg.connect(new_database, autocommit=True) as other:
        other.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        other.execute("SELECT count(*) FROM records")
        assert Lingering.SNAPSHOT in connection.inspect_server(not_the_owner).lingering
        other.execute("ROLLBACK")
    assert Lingering.SNAPSHOT not in connection.inspect_server(not_the_owner).lingering
