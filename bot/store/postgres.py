"""The store for more than one process: PostgreSQL 14 or newer, over psycopg and a pool.

When is something true? When it is committed, and PostgreSQL shows a commit to nobody before it is on the disk. `save`
is one transaction; each of its statements names the revision that was read, and the first that meets another undoes
them all. Rows are taken in the order of their ids, so that two saves never wait for each other in a circle.

A connection may break in the very moment of a commit. Then the save looks, on a new connection, for its own bytes:
sealed anew, even the same words give other bytes. What is there is done; what is not is Stale, and whoever begins
again while that commit is still under way waits for its rows, and finds them changed. NoAnswer only where nobody
could be asked. A save whose task is cancelled is written all the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Final, Self

import psycopg
import structlog
from psycopg_pool import AsyncConnectionPool

from bot.store import statements
from bot.store.base import Gone, NoAnswer, Record, Stale, Unfit
from bot.store.pokes import HOUR, Pokes
from bot.store.server import conninfo, failure, look

log = structlog.get_logger()

CONNECTIONS: Final = 8  # that we use ourselves; one more waits for pokes
LEASE: Final = timedelta(seconds=60)  # for which whoever claims what is due keeps it from the others
PAGE: Final = 500  # records given a poke in one transaction
PATIENCE: Final = 2.0  # seconds to wait for a connection: a platform waits three for its answer
GIVE_UP: Final = 2.0  # seconds after which an attempt to connect is given up; whoever asks next begins a new one

Connection = psycopg.AsyncConnection[Any]
_Poke = tuple[int | None, datetime | None]
_UNDONE: Final = frozenset({"40001", "40P01"})  # not serializable, deadlock: as when somebody was faster
_CUT: Final = ("08", "57P")  # the connection failed, or the server is going down


class _Broken(Exception):
    """The connection is gone, and with it the answer."""


@dataclass(frozen=True, slots=True)
class _Listed:
    """Every record of one kind, and which transaction wrote each."""

    versions: tuple[tuple[str, str], ...] = ()
    records: tuple[Record, ...] = ()


class PostgresStore:
    """A Store in one database, which other processes may use at the same time. Use it from one event loop.

    Where it has `pokes`, each save sees in its own transaction that somebody is woken in time.
    """

    shared: ClassVar[bool] = True

    def __init__(self, pool: AsyncConnectionPool[Connection]) -> None:
        """Serve from this pool; use `open`."""
        self._pool = pool
        self._room = asyncio.Semaphore(CONNECTIONS)  # who waits for another of us has not waited for the server
        self.pokes: Pokes | None = None
        self._saving: set[asyncio.Task[None]] = set()
        self._kinds: dict[str, _Listed] = {}  # as they were when asked for last
        self._outdated = False  # whether something was destroyed or replaced that a page may still hold

    @classmethod
    async def open(cls, url: str) -> Self:
        """Connect, and see that server and schema are what this version needs. Raises NoAnswer, or Unfit."""
        why = (await asyncio.to_thread(look, url)).unfit()
        if why:
            raise Unfit(why)
        pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            conninfo(url),
            kwargs={"autocommit": True, "prepare_threshold": 0},  # planned once for each connection: half the time
            min_size=1,
            max_size=CONNECTIONS + 1,
            timeout=PATIENCE,
            reconnect_timeout=GIVE_UP,
            configure=_set_up,
            open=False,
        )
        await pool.open()
        return cls(pool)

    async def waking(self, now: Callable[[], datetime]) -> Pokes:
        """From now on see to it that somebody is woken for what is saved. `now` is the programme's time."""
        self.pokes = Pokes(self._pool, now)
        await self.pokes.open()
        return self.pokes

    def __repr__(self) -> str:
        """Say nothing of what is kept, nor where."""
        return "PostgresStore(…)"

    # ------------------------------------------------------------ reading

    async def load(self, id: str) -> Record | None:
        """The newest version, or None."""
        rows = await self._read(statements.LOAD, {"id": id})
        return statements.record(rows[0]) if rows else None

    async def due(self, before: datetime, limit: int = 1000) -> Sequence[str]:
        """Ids due by then, earliest first."""
        return [id for (id,) in await self._read(statements.DUE, {"before": before, "limit": limit})]

    async def claim(self, before: datetime, limit: int, beside: Collection[str] = ()) -> Sequence[str]:
        """Ids due by then, earliest first, without those; ours for a while."""
        values = {"before": before, "limit": limit, "lease": LEASE, "beside": list(beside)}
        rows = await self._read(statements.CLAIM, values)
        return [id for id, _ in sorted(rows, key=lambda row: (row[1], row[0]))]

    async def give_back(self, ids: Collection[str]) -> None:
        """These may be claimed again."""
        if ids:
            await self._read(statements.GIVE_BACK, {"ids": list(ids)})

    async def next_due(self) -> datetime | None:
        """When the earliest record falls due."""
        ((due,),) = await self._read(statements.NEXT_DUE)
        return due.astimezone(UTC) if due else None

    async def find(self, index: str, key: str) -> Sequence[str]:
        """Ids that carry this keyed hash."""
        return [id for (id,) in await self._read(statements.FIND, {"index": index, "key": key})]

    async def kind(self, kind: str) -> Sequence[Record]:
        """Every record of one kind: the very same answer until one changes, and then only what changed is fetched."""
        before = self._kinds.get(kind, _Listed())
        versions = tuple(await self._read(statements.KIND, {"kind": kind}))
        if versions != before.versions:
            unchanged = {id for id, _ in set(versions) & set(before.versions)}
            found = {record.id: record for record in before.records if record.id in unchanged}
            missing = [id for id, _ in versions if id not in found]
            found |= {record.id: record for record in await self._load_all(missing)}
            before = self._kinds[kind] = _Listed(versions, tuple(found[id] for id, _ in versions if id in found))
        return before.records

    async def page(self, after: str, limit: int) -> Sequence[Record]:
        """Records after this id, in the order of ids, which is that of their bytes."""
        return [statements.record(row) for row in await self._read(statements.PAGE, {"after": after, "limit": limit})]

    async def _load_all(self, ids: Sequence[str]) -> Sequence[Record]:
        return [statements.record(row) for row in await self._read(statements.LOAD_ALL, {"ids": list(ids)})]

    async def _read(self, statement: str, values: Mapping[str, Any] | None = None) -> list[Any]:
        """Once more where the connection was an old one, which the server has closed since. Raises NoAnswer."""
        try:
            return await self._read_once(statement, values)
        except _Broken:
            await self._pool.drain()  # its neighbours are as old
        try:
            return await self._read_once(statement, values)
        except _Broken:
            raise NoAnswer from None

    async def _read_once(self, statement: str, values: Mapping[str, Any] | None) -> list[Any]:
        async with self._connection() as connection:
            cursor = await connection.cursor(binary=True).execute(statement.encode("ascii"), values)
            return await cursor.fetchall() if cursor.description else []

    # ------------------------------------------------------------ writing

    async def save(self, *changes: Record | Gone) -> None:
        """All or nothing, and durable when it returns. Raises Stale; NoAnswer when nobody knows if it is written."""
        _refuse_what_makes_no_sense(changes)
        if not changes:
            return
        task = asyncio.get_running_loop().create_task(self._save(sorted(changes, key=lambda change: change.id)))
        self._saving.add(task)
        task.add_done_callback(self._saved)
        await asyncio.shield(task)

    def _saved(self, task: asyncio.Task[None]) -> None:
        self._saving.discard(task)
        if not task.cancelled():
            task.exception()  # who waited was told

    async def _save(self, changes: Sequence[Record | Gone]) -> None:
        self._outdated = self._outdated or any(change.revision for change in changes)
        try:
            await self._save_once(changes)
        except _Broken:
            await self._pool.drain()  # its neighbours are as old
            if not await self._is_written(changes):
                raise Stale from None

    async def _save_once(self, changes: Sequence[Record | Gone]) -> None:
        async with self._connection() as connection:
            if len(changes) == 1 and self.pokes is None:  # a statement alone is a transaction of its own
                await _written([await _say(connection, changes[0])])
                return
            if len(changes) == 1 and await self._written_alone(connection, changes[0]):
                return
            async with connection.pipeline() as pipeline, connection.transaction():
                said = [await _say(connection, change) for change in changes]
                await pipeline.sync()
                pokes = await _written(said)
                if self.pokes is not None:
                    await self._keep_appointments(self.pokes, connection, changes, pokes)

    async def _written_alone(self, connection: Connection, change: Record | Gone) -> bool:
        """Most saves change one record, for which no poke stands, and none has to: they are one statement, too."""
        if isinstance(change, Gone) or not change.revision or self.pokes is None or self.pokes.wanted(change.wake):
            return False
        return await (await _say(connection, change, without_a_job=True)).fetchone() is not None

    async def _keep_appointments(
        self, pokes: Pokes, connection: Connection, changes: Sequence[Record | Gone], standing: Sequence[_Poke]
    ) -> None:
        """A poke for each that falls due within the hour, in time; none for what does not, or is gone."""
        for change, (job, at) in zip(changes, standing, strict=True):
            wanted = pokes.wanted(change.wake) if isinstance(change, Record) else None
            if at is not None and at > datetime.now(UTC) and wanted is not None and at <= wanted:
                continue
            if job is not None:
                await pokes.cancel(connection, job)
            if job is not None or wanted is not None:
                await self._poke(pokes, connection, [(change.id, wanted)] if wanted else [], change.id)

    async def _poke(
        self, pokes: Pokes, connection: Connection, what: Sequence[tuple[str, datetime]], *without: str
    ) -> None:
        """Defer these, and note in each record which job stands for it; for those without, that none does."""
        jobs = await pokes.defer(connection, what) if what else []
        noted = [{"id": id, "job": job, "poke": at} for (id, at), job in zip(what, jobs, strict=True)]
        noted = noted or [{"id": id, "job": None, "poke": None} for id in without]
        for values in noted:
            await connection.execute(statements.POKED.encode("ascii"), values)

    async def poke_what_comes(self) -> None:
        """A poke for all that falls due within the hour and has none, or one that was lost."""
        pokes = self.pokes
        while pokes is not None:
            now = pokes.now()
            values = {"now": now, "until": now + HOUR, "limit": PAGE}
            async with self._connection() as connection, connection.transaction():
                found = await (await connection.execute(statements.COMING.encode("ascii"), values)).fetchall()
                for _, _, job in found:
                    if job is not None:
                        await pokes.cancel(connection, job)
                what = [(id, at) for id, wake, _ in found if (at := pokes.wanted(wake)) is not None]
                await self._poke(pokes, connection, what)
            if len(found) < PAGE:
                return

    async def _is_written(self, changes: Sequence[Record | Gone]) -> bool:
        """Whether each record stands there as this save, and no other, would have left it."""
        log.warning("save-looked-for")
        found = {record.id: record for record in await self._load_all([change.id for change in changes])}
        return all(_stands(change, found.get(change.id)) for change in changes)

    # ------------------------------------------------------------ forgetting

    async def purge(self) -> None:
        """Take what was destroyed or replaced out of tables and indexes, now and not when autovacuum gets to it.

        What the log, a standby, a backup or the unused part of a page still holds is sealed (docs/decisions).
        """
        outdated, self._outdated = self._outdated, False
        try:
            if outdated:
                await self._read(statements.CLEAN)
        except (NoAnswer, Stale):
            self._outdated = True  # the next turn of the clock does it

    # ------------------------------------------------------------ living

    async def check(self) -> None:
        """Really write something empty, and wait for its commit."""
        if not await self._read(statements.PROBE):
            raise NoAnswer

    async def close(self) -> None:
        """Finish what is being written and let go of every connection."""
        while self._saving:
            await asyncio.wait(self._saving)
        await self._pool.close()

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        """One connection. What PostgreSQL raises leaves here as one of our own, without its words."""
        try:
            async with self._room, self._pool.connection() as connection:
                try:
                    yield connection
                except psycopg.Error as error:
                    state = error.sqlstate or ""
                    if state in _UNDONE:
                        raise Stale from None
                    if connection.closed or state.startswith(_CUT):
                        raise _Broken from None
                    raise _told(failure(error)) from None
        except psycopg.Error as error:  # no connection was to be had
            raise _told(failure(error)) from None


def _told(failed: NoAnswer) -> NoAnswer:
    state = failed.state.lower()
    log.warning("store-failed", why=f"sqlstate-{state[:2]}-{state[2:]}" if state else "no-answer")
    return failed


async def _say(
    connection: Connection, change: Record | Gone, *, without_a_job: bool = False
) -> psycopg.AsyncCursor[Any]:
    statement, values = statements.written(change, without_a_job=without_a_job)
    return await connection.cursor(binary=True).execute(statement.encode("ascii"), values)


async def _written(said: Sequence[psycopg.AsyncCursor[Any]]) -> list[_Poke]:
    """Each must have written its one record: the job and the time of the poke that stands for it. Raises Stale."""
    rows = [await one.fetchone() for one in said]
    if any(row is None for row in rows):
        raise Stale
    return [row for row in rows if row is not None]


def _refuse_what_makes_no_sense(changes: Sequence[Record | Gone]) -> None:
    if len({change.id for change in changes}) < len(changes):
        raise ValueError("one save may change a record only once")
    if any(isinstance(change, Record) and change.due and change.due.tzinfo is None for change in changes):
        raise ValueError("a due time needs its zone")


def _stands(change: Record | Gone, found: Record | None) -> bool:
    if isinstance(change, Gone) or found is None:
        return isinstance(change, Gone) and found is None
    return (found.revision, found.sealed) == (change.revision + 1, change.sealed)


async def _set_up(connection: Connection) -> None:
    await connection.execute(statements.SET_UP.encode("ascii"))
