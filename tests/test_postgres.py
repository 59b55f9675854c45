"""PostgreSQL keeps the same contract, whoever else uses the database, and whenever the server or we go down."""

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
from clock_contract import until
from postgres_server import Server, store_in
from story_scenes import ASKED, STORY, play
from story_serve import story

from bot.logs import Gate
from bot.store import presence, schema, server, statements
from bot.store.base import Gone, NoAnswer, Record, Stale, Store
from bot.store.disk import InUse
from bot.store.opened import opened
from bot.store.postgres import PostgresStore
from bot.store.shredding import Noted, Shredding, ShredLog
from bot.values import Postgres
from bot.vault import Vault
from tests.store_contract import NOON, StoreContract, a_record


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


async def test_replicas_serve_side_by_side_and_a_command_is_alone_or_refused(
    new_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "PATIENCE", "100ms")
    where, vault = Postgres(new_database), Vault(bytes(32))
    async with opened(where, vault) as first:
        assert first.first
        with pytest.raises(InUse, match="itself"):  # until the first has taken up what nobody else can have under way
            async with opened(where, vault):
                pass
        await first.joined()
        async with opened(where, vault) as second:
            assert not second.first
            await second.joined()
            with pytest.raises(InUse, match="stop it first"):
                async with presence.alone(new_database):
                    pass
    async with presence.alone(new_database):
        with pytest.raises(InUse, match="wait until it has ended"):
            async with opened(where, vault):
                pass
    async with opened(where, vault) as again:
        assert again.first


async def test_a_replica_whose_connection_broke_is_still_present(
    postgres: Server, new_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "LOOK", 0.01)
    held = await presence.Presence.begin(new_database)
    try:
        await held.joined()
        cut = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ShareLock'"
        await until(lambda: postgres.sql(cut))
        await until(lambda: postgres.sql("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ShareLock'"))
        with pytest.raises(InUse):
            async with presence.alone(new_database):
                pass
    finally:
        await held.end()


@pytest.fixture
async def pair(new_database: str) -> AsyncIterator[tuple[PostgresStore, PostgresStore]]:
    """Two processes, as far as the server can tell."""
    async with store_in(new_database) as one, store_in(new_database) as other:
        yield one, other


Pair = tuple[PostgresStore, PostgresStore]


async def test_what_one_saves_the_other_sees_at_once(pair: Pair) -> None:
    one, other = pair
    await one.save(a_record(due=NOON, open=("k1",)))
    assert await other.load("r1") == await one.load("r1")
    assert list(await other.find("open", "k1")) == list(await other.due(NOON)) == ["r1"]
    assert await other.next_due() == NOON
    assert [record.revision for record in await other.kind("request")] == [1]
    await other.save(replace(a_record(), revision=1))
    assert [record.revision for record in await one.kind("request")] == [2]
    assert list(await one.find("open", "k1")) == list(await one.due(NOON)) == []


async def test_a_list_is_the_same_until_somebody_changes_it_even_to_the_same_revision(pair: Pair) -> None:
    one, other = pair
    await one.save(a_record("r1"), a_record("r2"))
    before = await one.kind("request")
    assert await one.kind("request") is before
    await other.save(Gone("r1", 1))
    await other.save(a_record("r1", sealed=b"begun again"))
    after = await one.kind("request")
    assert [(record.revision, record.sealed) for record in after] == [(1, b"begun again"), (1, b"box")]
    assert after[1] is before[1]


async def test_of_twenty_here_and_there_exactly_one_wins_and_everybody_else_is_stale(pair: Pair) -> None:
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
        assert sorted(map(repr, results)) == ["None", *["Stale()"] * 19]
        (won,) = (n for n, result in enumerate(results) if result is None)
        assert (await pair[0].load("r1")).sealed == b"%d" % won
        assert list(await pair[1].find("open", f"{won}")) == ["r2"]
    assert len(await pair[0].kind("request")) == 7


async def test_saves_that_cross_never_wait_in_a_circle(pair: Pair) -> None:
    ids = [f"r{n}" for n in range(6)]
    await pair[0].save(*map(a_record, ids))

    async def rotate(store: PostgresStore, first: int) -> int:
        saved = 0
        for _ in range(20):
            found = [await store.load(id) for id in (*ids[first:], *ids[:first])]
            with suppress(Stale):
                await store.save(*filter(None, found))
                saved += 1
        return saved

    async with asyncio.timeout(30):
        saved = await asyncio.gather(*(rotate(pair[n % 2], n) for n in range(6)))
    assert {record.revision for record in await pair[0].kind("request")} == {sum(saved) + 1}


async def test_acknowledged_means_written_whatever_the_servers_default(postgres: Server, new_database: str) -> None:
    name = new_database.partition("?")[0].rpartition("/")[2]
    postgres.sql(f"ALTER DATABASE {name} SET synchronous_commit = off")
    async with store_in(new_database) as store:
        assert await store._read("SELECT current_setting('synchronous_commit')") == [("on",)]


# ---------------------------------------------------------------- the server goes away


async def test_a_server_that_restarts_is_found_again_with_all_that_was_acknowledged(
    postgres: Server, new_database: str
) -> None:
    async with store_in(new_database) as store:
        await asyncio.gather(*(store.save(a_record(f"r{n}")) for n in range(20)))
        postgres.stop()
        postgres.start()
        assert len(await store.kind("request")) == 20
        postgres.stop()
        postgres.start()
        with suppress(Stale):  # the connection was gone: read again, begin again
            await store.save(a_record("later"))
        await store.save(a_record("last"))
        await store.check()
        await store.purge()


async def test_while_it_is_down_everybody_is_told_soon_and_afterwards_nobody(
    postgres: Server, new_database: str
) -> None:
    async with store_in(new_database) as store:
        await store.save(a_record())
        postgres.stop()
        try:
            async with asyncio.timeout(20):
                for refused in (store.load("r1"), store.save(a_record("r2")), store.check(), store.kind("request")):
                    with pytest.raises(NoAnswer):
                        await refused
                await store.purge()  # it will be done when it can
        finally:
            postgres.start()
        async with asyncio.timeout(10):
            while True:
                with suppress(NoAnswer):
                    assert await store.load("r1")
                    break
        assert await store.load("r2") is None


class Between:
    """Stands between us and the server, and hangs up at a word: before the server hears it, or before we hear back."""

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
async def cut(postgres: Server, url: str, word: bytes, *, heard: bool) -> AsyncIterator[tuple[PostgresStore, Between]]:
    between = Between(postgres.folder, word, heard=heard)
    with tempfile.TemporaryDirectory() as folder:
        listening = await asyncio.start_unix_server(between.join, f"{folder}/.s.PGSQL.5432")
        async with store_in(url.replace(str(postgres.folder), folder)) as store:
            yield store, between
        await asyncio.gather(*between.joined)
        listening.close()


@pytest.mark.parametrize("heard", [True, False])
@pytest.mark.parametrize("many", [True, False])
async def test_a_commit_of_which_nobody_heard_is_looked_for(
    postgres: Server, new_database: str, *, heard: bool, many: bool
) -> None:
    async with cut(postgres, new_database, b"COMMIT" if many else b"ours", heard=heard) as (store, between):
        await store.save(a_record("r1"), a_record("r2")) if not many else await store.save(a_record("r1"))
        new = replace(a_record("r1", sealed=b"ours"), revision=1)
        saving = store.save(new, a_record("beside")) if many else store.save(new)
        if heard:
            await saving  # it was written, so it is not done again
        else:
            with pytest.raises(Stale):
                await saving
            await store.save(new)
        assert between.cuts == 1
        assert await store.load("r1") == replace(new, revision=2)


async def test_what_was_destroyed_by_a_commit_of_which_nobody_heard_stays_noted(
    tmp_path: Path, postgres: Server, new_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody writes what was saved beside it before we look for our bytes: Stale, and yet it is gone."""
    vault = Vault(bytes(32))
    log = ShredLog(tmp_path, vault, 7, NOON.date)
    async with (
        cut(postgres, new_database, b"COMMIT", heard=True) as (store, between),
        store_in(new_database) as other,
    ):
        await other.save(a_record("door"))
        await other.save(a_record("request"))
        look = PostgresStore._is_written

        async def somebody_writes_first(self: PostgresStore, changes: Sequence[Record | Gone]) -> bool:
            await other.save(replace(a_record("door"), revision=2))
            return await look(self, changes)

        monkeypatch.setattr(PostgresStore, "_is_written", somebody_writes_first)
        with pytest.raises(Stale):
            await Shredding(store, log).save(Gone("request", 1), replace(a_record("door", sealed=b"ours"), revision=1))
        assert between.cuts == 1
        assert await other.load("request") is None
    noted = log.read()
    assert noted.since(Noted(noted.id)).has("request", vault)


async def test_whoever_is_cancelled_once_it_has_begun_has_written(new_database: str) -> None:
    async with store_in(new_database) as store:
        for n in range(1, 31):
            task = asyncio.ensure_future(store.save(a_record(f"a{n}"), a_record(f"b{n}")))
            for _ in range(n):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await asyncio.gather(*tuple(store._saving))
        assert len(await store.kind("request")) == 60


# ---------------------------------------------------------------- what may be said


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Callable[[], str]:
    """Every line that any logger wrote, at any level, as it leaves the gate."""
    caplog.set_level(logging.DEBUG)
    return lambda: "\n".join(map(Gate("json").format, caplog.records))


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
            with pytest.raises(NoAnswer) as refused:
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


async def test_the_server_too_keeps_to_itself_what_was_refused(postgres: Server, new_database: str) -> None:
    async with store_in(new_database) as store:
        await store.save(a_record("canary-r1"))
        with pytest.raises(Stale):
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


async def test_what_is_kept_there_names_nobody(tmp_path: Path, new_database: str) -> None:
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
    assert int(schema.newest()) == server.SCHEMA == schema.current(new_database)
    assert server.look(new_database).works_for == schema.oldest() <= server.SCHEMA
    name = new_database.partition("?")[0].rpartition("/")[2]
    found = postgres.sql("SELECT attname FROM pg_attribute WHERE attrelid = 'records'::regclass AND attnum > 0", name)
    read, for_clocks = set(statements._COLUMNS.split(", ")), {"wake", "poke", "job", "held"}
    assert {column for (column,) in found} == read | for_clocks


async def test_three_upgrades_at_once_make_one_schema_and_a_fourth_changes_nothing(postgres: Server) -> None:
    url = postgres.url(postgres.database())
    assert schema.current(url) == 0
    words = [sys.executable, "-m", "bot", "db", "upgrade"]
    processes = [
        await asyncio.create_subprocess_exec(*words, env=os.environ | {"PEERSUPPORT_STORE": url}) for _ in "abc"
    ]
    assert [await process.wait() for process in processes] == [0, 0, 0]
    assert schema.current(url) == server.SCHEMA
    async with store_in(url) as store:
        await store.save(a_record())
        assert schema.upgrade(url) == server.SCHEMA
        assert await store.load("r1")
