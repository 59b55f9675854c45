"""The PostgreSQL store: the contract, several replicas, lost connections, restarts, and what its errors reveal."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from bot.config.parsers import Postgres
from bot.crypto.vault import Vault
from bot.errors import DatabaseUnavailable, StaleRevision, StoreInUse
from bot.logging import FilteringFormatter
from bot.store.base import Deletion, Record, Store
from bot.store.erasure_log import ErasureLog, ErasureLogState
from bot.store.erasure_logging_store import ErasureLoggingStore
from bot.store.factory import open_for_serving
from bot.store.postgres import advisory_locks, connection, migrate, sql
from bot.store.postgres.store import PostgresStore
from tests.running.looking import until
from tests.store.contract import NOON, StoreContract, a_record
from tests.store.postgres_server import Server, store_in
from tests.stories.scenes import ASKED, STORY, play
from tests.stories.serve import story


class TestPostgresStore(StoreContract):
    """One table of sealed records on a real server."""

    @pytest.fixture
    async def store(self, new_database: str) -> AsyncIterator[PostgresStore]:
        self.stores = [await PostgresStore.open(new_database)]
        yield self.stores[0]
        await self.stores[-1].close()

    @pytest.fixture
    def reopen(self, store: PostgresStore, new_database: str) -> Callable[[], Awaitable[Store]]:
        async def again() -> Store:
            await self.stores[-1].close()
            self.stores.append(await PostgresStore.open(new_database))
            return self.stores[-1]

        return again


# ---------------------------------------------------------------- more than one of us


async def test_replicas_share_a_database_and_a_command_needs_it_alone(
    new_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(advisory_locks, "LOCK_TIMEOUT", "100ms")
    where, vault = Postgres(new_database), Vault(bytes(32))
    async with open_for_serving(where, vault) as first:
        assert first.first
        with pytest.raises(StoreInUse, match="itself"):  # the first resumes its deliveries alone
            async with open_for_serving(where, vault):
                pass
        await first.allow_others()
        async with open_for_serving(where, vault) as second:
            assert not second.first
            await second.allow_others()
            with pytest.raises(StoreInUse, match="stop it first"):
                async with advisory_locks.hold_exclusively(new_database):
                    pass
    async with advisory_locks.hold_exclusively(new_database):
        with pytest.raises(StoreInUse, match="wait until it has ended"):
            async with open_for_serving(where, vault):
                pass
    async with open_for_serving(where, vault) as again:
        assert again.first


async def test_a_replica_takes_its_lock_again_after_its_connection_broke(
    postgres: Server, new_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(advisory_locks, "CHECK_INTERVAL", 0.01)
    held = await advisory_locks.AdvisoryLocks.acquire(new_database)
    try:
        await held.allow_others()
        lock = "FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ShareLock'"
        cut = postgres.sql(f"SELECT pid, pg_terminate_backend(pid) {lock}")[0][0]
        await until(lambda: postgres.sql(f"SELECT 1 {lock} AND pid <> {cut}"))  # the old one may linger while it ends
        with pytest.raises(StoreInUse):
            async with advisory_locks.hold_exclusively(new_database):
                pass
    finally:
        await held.release()


@pytest.fixture
async def pair(new_database: str) -> AsyncIterator[tuple[PostgresStore, PostgresStore]]:
    """Two stores, which are two processes to the server."""
    async with store_in(new_database) as one, store_in(new_database) as other:
        yield one, other


Pair = tuple[PostgresStore, PostgresStore]


async def test_one_replica_sees_at_once_what_another_saves(pair: Pair) -> None:
    one, other = pair
    await one.save(a_record(due=NOON, open=("k1",)))
    assert await other.load("r1") == await one.load("r1")
    assert list(await other.find("open", "k1")) == list(await other.due(NOON)) == ["r1"]
    assert await other.next_due() == NOON
    assert [record.revision for record in await other.all_of_kind("request")] == [1]
    await other.save(replace(a_record(), revision=1))
    assert [record.revision for record in await one.all_of_kind("request")] == [2]
    assert list(await one.find("open", "k1")) == list(await one.due(NOON)) == []


async def test_all_of_kind_notices_every_change_even_to_the_same_revision(pair: Pair) -> None:
    one, other = pair
    await one.save(a_record("r1"), a_record("r2"))
    before = await one.all_of_kind("request")
    assert await one.all_of_kind("request") is before
    await other.save(Deletion("r1", 1))
    await other.save(a_record("r1", sealed=b"begun again"))
    after = await one.all_of_kind("request")
    assert [(record.revision, record.sealed) for record in after] == [(1, b"begun again"), (1, b"box")]
    assert after[1] is before[1]


async def test_of_twenty_saves_from_two_replicas_one_wins_and_the_others_are_stale(pair: Pair) -> None:
    await pair[0].save(a_record("r1"), a_record("r2"))
    for revision in range(1, 6):
        results = await asyncio.gather(
            *(
                pair[n % 2].save(
                    replace(a_record("r1", sealed=b"%d" % n), revision=revision),
                    a_record(f"won-{revision}-{n}"),
                    replace(a_record("r2", open=(f"{n}",)), revision=revision),
                )
                for n in range(20)
            ),
            return_exceptions=True,
        )
        assert sorted(map(repr, results)) == ["None", *["StaleRevision()"] * 19]
        (won,) = (n for n, result in enumerate(results) if result is None)
        assert (await pair[0].load("r1")).sealed == b"%d" % won
        assert list(await pair[1].find("open", f"{won}")) == ["r2"]
    assert len(await pair[0].all_of_kind("request")) == 7


async def test_saves_of_the_same_records_never_deadlock(pair: Pair) -> None:
    ids = [f"r{n}" for n in range(6)]
    await pair[0].save(*map(a_record, ids))

    async def rotate(store: PostgresStore, first: int) -> int:
        saved = 0
        for _ in range(20):
            found = [await store.load(id) for id in (*ids[first:], *ids[:first])]
            with suppress(StaleRevision):
                await store.save(*filter(None, found))
                saved += 1
        return saved

    async with asyncio.timeout(30):
        saved = await asyncio.gather(*(rotate(pair[n % 2], n) for n in range(6)))
    assert {record.revision for record in await pair[0].all_of_kind("request")} == {sum(saved) + 1}


async def test_commits_are_synchronous_whatever_the_servers_default(postgres: Server, new_database: str) -> None:
    name = new_database.partition("?")[0].rpartition("/")[2]
    postgres.sql(f"ALTER DATABASE {name} SET synchronous_commit = off")
    async with store_in(new_database) as store:
        assert await store._read("SELECT current_setting('synchronous_commit')") == [("on",)]


# ---------------------------------------------------------------- the server goes away


async def test_the_store_reconnects_after_a_restart_of_the_server_and_lost_nothing(
    postgres: Server, new_database: str
) -> None:
    async with store_in(new_database) as store:
        await asyncio.gather(*(store.save(a_record(f"r{n}")) for n in range(20)))
        postgres.stop()
        postgres.start()
        assert len(await store.all_of_kind("request")) == 20
        postgres.stop()
        postgres.start()
        with suppress(StaleRevision):  # the connection was gone: read again, begin again
            await store.save(a_record("later"))
        await store.save(a_record("last"))
        await store.check()
        await store.purge()


async def test_calls_fail_quickly_while_the_server_is_down_and_work_afterwards(
    postgres: Server, new_database: str
) -> None:
    async with store_in(new_database) as store:
        await store.save(a_record())
        postgres.stop()
        try:
            async with asyncio.timeout(20):
                for refused in (
                    store.load("r1"),
                    store.save(a_record("r2")),
                    store.check(),
                    store.all_of_kind("request"),
                ):
                    with pytest.raises(DatabaseUnavailable):
                        await refused
                await store.purge()  # it will be done when it can
        finally:
            postgres.start()
        async with asyncio.timeout(10):
            while True:
                with suppress(DatabaseUnavailable):
                    assert await store.load("r1")
                    break
        assert await store.load("r2") is None


class FaultyProxy:
    """A proxy to the server that disconnects at a given word: before the server receives it, or before it answers."""

    def __init__(self, server: Path, word: bytes, *, heard: bool) -> None:
        self.server, self.word, self.heard = server / ".s.PGSQL.5432", word, heard
        self.cuts = 0
        self.joined: list[asyncio.Task[None]] = []

    def join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.joined.append(asyncio.ensure_future(self._join(reader, writer)))

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_unix_connection(self.server)
        hung_up: list[bytes] = []
        answers = asyncio.ensure_future(self._pass_on(from_server, writer, hung_up))
        while data := await reader.read(65536):
            if self.word in data and not self.cuts:
                self.cuts += 1
                hung_up.append(data)
                if self.heard:
                    to_server.write(data)
                    await answers
                break
            to_server.write(data)
        answers.cancel()
        for each in (to_server, writer):
            each.close()
            with suppress(OSError):  # it was gone already
                await each.wait_closed()

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, hung_up: Sequence[bytes]
    ) -> None:
        while (data := await reader.read(65536)) and not hung_up:
            writer.write(data)


@asynccontextmanager
async def cut(
    postgres: Server, url: str, word: bytes, *, heard: bool
) -> AsyncIterator[tuple[PostgresStore, FaultyProxy]]:
    proxy = FaultyProxy(postgres.folder, word, heard=heard)
    with tempfile.TemporaryDirectory() as folder:
        listening = await asyncio.start_unix_server(proxy.join, f"{folder}/.s.PGSQL.5432")
        async with store_in(url.replace(str(postgres.folder), folder)) as store:
            yield store, proxy
        await asyncio.gather(*proxy.joined)
        listening.close()


@pytest.mark.parametrize("heard", [True, False])
@pytest.mark.parametrize("many", [True, False])
async def test_a_commit_whose_answer_was_lost_is_looked_for(
    postgres: Server, new_database: str, *, heard: bool, many: bool
) -> None:
    async with cut(postgres, new_database, b"COMMIT" if many else b"ours", heard=heard) as (store, proxy):
        await store.save(a_record("r1"), a_record("r2")) if not many else await store.save(a_record("r1"))
        new = replace(a_record("r1", sealed=b"ours"), revision=1)
        saving = store.save(new, a_record("beside")) if many else store.save(new)
        if heard:
            await saving  # it was written, so it is not done again
        else:
            with pytest.raises(StaleRevision):
                await saving
            await store.save(new)
        assert proxy.cuts == 1
        assert await store.load("r1") == replace(new, revision=2)


async def test_a_deletion_whose_answer_was_lost_stays_in_the_erasure_log(
    tmp_path: Path, postgres: Server, new_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another writer changes the other record before we look for our bytes: StaleRevision, though it was deleted."""
    vault = Vault(bytes(32))
    log = ErasureLog(tmp_path, vault, 7, NOON.date)
    async with (
        cut(postgres, new_database, b"COMMIT", heard=True) as (store, proxy),
        store_in(new_database) as other,
    ):
        await other.save(a_record("door"))
        await other.save(a_record("request"))
        look = PostgresStore._is_written

        async def somebody_writes_first(self: PostgresStore, changes: Sequence[Record | Deletion]) -> bool:
            await other.save(replace(a_record("door"), revision=2))
            return await look(self, changes)

        monkeypatch.setattr(PostgresStore, "_is_written", somebody_writes_first)
        with pytest.raises(StaleRevision):
            await ErasureLoggingStore(store, log).save(
                Deletion("request", 1), replace(a_record("door", sealed=b"ours"), revision=1)
            )
        assert proxy.cuts == 1
        assert await other.load("request") is None
    noted = log.read()
    assert noted.erased_since(ErasureLogState(noted.id)).contains("request", vault)


async def test_a_save_that_is_cancelled_after_it_began_is_written(new_database: str) -> None:
    async with store_in(new_database) as store:
        for n in range(1, 31):
            task = asyncio.ensure_future(store.save(a_record(f"a{n}"), a_record(f"b{n}")))
            for _ in range(n):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await asyncio.gather(*tuple(store._saving))
        assert len(await store.all_of_kind("request")) == 60


# ---------------------------------------------------------------- what may be said


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Callable[[], str]:
    """Return every line that any logger wrote, at any level."""
    caplog.set_level(logging.DEBUG)
    return lambda: "\n".join(map(FilteringFormatter("json").format, caplog.records))


async def test_no_failure_quotes_what_was_to_be_written(
    postgres: Server, new_database: str, lines: Callable[[], str], capsys: pytest.CaptureFixture[str]
) -> None:
    name = new_database.partition("?")[0].rpartition("/")[2]
    async with store_in(new_database) as store:
        postgres.sql("ALTER TABLE records ADD CHECK (stage <> 'canary-stage')", name)
        bad = replace(a_record("canary-id", sealed=b"canary-box", open=("canary-key",)), stage="canary-stage")
        failures = []
        for deed in (
            store.save(bad),
            store.save(replace(bad, shape=2**40)),
            store.save(replace(bad, kind="canary\0")),
            store.save(bad, a_record("r2")),
            store.load("canary\0"),
            store.find("canary\0", "canary"),
        ):
            with pytest.raises(DatabaseUnavailable) as refused:
                await deed
            failures.append(refused.value)
        assert await store.load("r2") is None
        assert failures[0].state == "23514"
    for failed in failures:
        assert failed.__cause__ is None
        assert failed.__suppress_context__
    said = "\n".join([*map(repr, failures), lines(), *capsys.readouterr()])
    assert "store-failed" in said
    for word in ("canary", b"canary".hex(), "INSERT", "SELECT", "peersupport@"):
        assert word not in said


async def test_the_servers_log_does_not_quote_refused_values(postgres: Server, new_database: str) -> None:
    async with store_in(new_database) as store:
        await store.save(a_record("canary-r1"))
        with pytest.raises(StaleRevision):
            await store.save(a_record("canary-r1"), a_record("canary-r2"))
    assert "canary-r" not in postgres.log()


# ---------------------------------------------------------------- the whole story


async def test_the_story_goes_on_when_the_server_restarts_again_and_again(
    tmp_path: Path, postgres: Server, new_database: str
) -> None:
    async with story(tmp_path, database=new_database) as s:
        for number, scene in enumerate(STORY):
            await play(s, (scene,))
            await s.keeps(lambda kept: not kept.owed())
            if number % 3:
                continue
            postgres.stop()
            postgres.start()
            await s.turns(lambda: True)
        assert await s.serve.end() == 0


async def test_the_tables_name_no_person(tmp_path: Path, new_database: str) -> None:
    async with story(tmp_path, database=new_database) as s:
        await play(s, ASKED)
        kept = await s.keeps(lambda kept: not kept.owed())
        assert await s.serve.end() == 0
    assert b"U0ANA" in kept.plain()
    for word in ("U0ANA", "U0BO", "Ana", "D0U0ANA", "nurse", "visible"):
        for form in (word.encode(), word.encode().hex().encode(), word.encode("utf-16-le")):
            assert form not in kept.files
    assert b"Traceback" not in s.serve.said


# ---------------------------------------------------------------- tables


def test_the_tables_are_those_that_the_store_expects(postgres: Server, new_database: str) -> None:
    assert int(migrate.newest_migration()) == connection.SCHEMA_VERSION == migrate.current_schema(new_database)
    assert (
        connection.inspect_server(new_database).oldest_compatible
        == migrate.oldest_compatible_schema()
        <= connection.SCHEMA_VERSION
    )
    name = new_database.partition("?")[0].rpartition("/")[2]
    found = postgres.sql("SELECT attname FROM pg_attribute WHERE attrelid = 'records'::regclass AND attnum > 0", name)
    read, for_clocks = set(sql._COLUMNS.split(", ")), {"wake", "poke", "job", "held"}
    assert {column for (column,) in found} == read | for_clocks


async def test_three_upgrades_at_once_make_one_schema_and_a_fourth_changes_nothing(postgres: Server) -> None:
    url = postgres.url(postgres.database())
    assert migrate.current_schema(url) == 0
    words = [sys.executable, "-m", "bot", "db", "upgrade"]
    processes = [
        await asyncio.create_subprocess_exec(*words, env=os.environ | {"PEERSUPPORT_STORE": url}) for _ in "abc"
    ]
    assert [await process.wait() for process in processes] == [0, 0, 0]
    assert migrate.current_schema(url) == connection.SCHEMA_VERSION
    async with store_in(url) as store:
        await store.save(a_record())
        assert migrate.upgrade(url) == connection.SCHEMA_VERSION
        assert await store.load("r1")
