"""The store for more than one process: PostgreSQL 14 or newer, over psycopg and a connection pool.

When is a change visible? When it is committed, and PostgreSQL shows a commit to no one before it is on the disk. `save`
is one transaction. Each of its statements names the revision that was read, and the first one that meets another
revision rolls all of them back (optimistic locking). Rows are locked in the order of their ids, so two saves never wait
for each other in a circle.

Leases let replicas share the work. `claim` takes due rows with FOR UPDATE SKIP LOCKED
(https://www.postgresql.org/docs/current/sql-select.html#SQL-FOR-UPDATE-SHARE) and marks them as held for a minute, so
other replicas pass them over. A save or a `release` ends the lease; a replica that dies loses it when the minute is
over. The lease only avoids double work. What keeps two replicas from acting on one record, even if a lease ran out
under a slow one, is the revision in its save (fencing).

A connection may break at the very moment of a commit, and then the client does not know whether it happened. So the
save looks, over a new connection, for its own bytes: sealed anew, even equal content gives different bytes. If they are
there, the save succeeded. If not, it is stale: a commit that is still under way holds its row locks, so the next
attempt waits for them and then finds the record changed. DatabaseUnavailable is raised only where no connection can be
had.

A save whose task is cancelled is written all the same.
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

from bot.errors import DatabaseUnavailable, NotServable, StaleRevision
from bot.store.base import Deletion, Lingering, Record
from bot.store.postgres import sql
from bot.store.postgres.connection import conninfo, inspect_server, to_unavailable
from bot.store.postgres.wake_jobs import StandingJob, WakeJobs

log = structlog.get_logger()

CONNECTIONS: Final = 8  # that the store uses; one more is Procrastinate's
HELD_SECONDS: Final = 60.0  # for which something may hold a snapshot before it is told
LEASE: Final = timedelta(seconds=60)  # for how long a claimed record is kept from other replicas
POOL_TIMEOUT: Final = 2.0  # seconds to wait for a connection; a platform waits three for its answer
CONNECT_TIMEOUT: Final = 2.0  # seconds after which an attempt to connect is given up; the next caller begins a new one

Connection = psycopg.AsyncConnection[Any]
_ROLLED_BACK: Final = frozenset({"40001", "40P01"})  # serialization failure, deadlock: another writer was faster
_DISCONNECTED: Final = ("08", "57P")  # the connection failed, or the server is going down


class _ConnectionLost(Exception):
    """The connection broke before the answer came."""


@dataclass(frozen=True, slots=True)
class _KindCache:
    """Every record of one kind, and which transaction wrote each of them (xmin)."""

    versions: tuple[tuple[str, str], ...] = ()
    records: tuple[Record, ...] = ()


class PostgresStore:
    """A `Store` in one database, which other processes may use at the same time. Use `open`, from one event loop.

    Attributes:
        wake_jobs: Where it is set, every save also sees to it, in its transaction, that a replica is woken in time.
    """

    shared: ClassVar[bool] = True

    def __init__(self, pool: AsyncConnectionPool[Connection]) -> None:
        """Serve from this pool."""
        self._pool = pool
        self._room = asyncio.Semaphore(CONNECTIONS)  # waiting for our own tasks is no sign that the server is slow
        self.wake_jobs: WakeJobs | None = None
        self._saving: set[asyncio.Task[None]] = set()
        self._kinds: dict[str, _KindCache] = {}  # the last answers of `all_of_kind`
        self._holding: dict[str, float] = {}  # snapshots that are held, and since when we see them
        self._outdated = True  # whether pages may hold what was destroyed or replaced, be it by a process before us

    @classmethod
    async def open(cls, url: str) -> Self:
        """Connect, and see that server and schema are what this release needs.

        Raises:
            DatabaseUnavailable: The server does not answer, or refuses.
            NotServable: The server is too old, or the schema is not one this release works on.
        """
        why = (await asyncio.to_thread(inspect_server, url)).problem()
        if why:
            raise NotServable(why)
        pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            conninfo(url),
            kwargs={
                "autocommit": True,
                "prepare_threshold": 0,
            },  # statements are planned once a connection, which halves their time
            min_size=1,
            max_size=CONNECTIONS + 1,
            timeout=POOL_TIMEOUT,
            reconnect_timeout=CONNECT_TIMEOUT,
            configure=_configure,
            open=False,
        )
        await pool.open()
        return cls(pool)

    async def enable_wake_jobs(self, now: Callable[[], datetime]) -> WakeJobs:
        """Keep wake jobs in step with what is saved from now on.

        Args:
            now: Returns the programme's time.
        """
        self.wake_jobs = WakeJobs(self._pool, now)
        await self.wake_jobs.open()
        return self.wake_jobs

    def __repr__(self) -> str:
        """Reveal nothing of what is stored, nor where."""
        return "PostgresStore(…)"

    # ------------------------------------------------------------ reading

    async def load(self, id: str) -> Record | None:
        """Return the newest version, or None."""
        rows = await self._read(sql.LOAD, {"id": id})
        return sql.to_record(rows[0]) if rows else None

    async def load_all(self, ids: Collection[str]) -> Mapping[str, Record]:
        """Return the newest versions of these, in one statement."""
        rows = await self._read(sql.LOAD_ALL, {"ids": list(ids)})
        return {record.id: record for record in map(sql.to_record, rows)}

    async def due(self, before: datetime, limit: int = 1000) -> Sequence[str]:
        """Return the ids that are due by then, earliest first."""
        return [id for (id,) in await self._read(sql.DUE, {"before": before, "limit": limit})]

    async def claim(self, before: datetime, limit: int, exclude: Collection[str] = ()) -> Sequence[str]:
        """Lease due records that no other replica holds and that are not excluded; return ids, earliest first."""
        values = {"before": before, "limit": limit, "lease": LEASE, "exclude": list(exclude)}
        rows = await self._read(sql.CLAIM, values)
        return [id for id, _ in sorted(rows, key=lambda row: (row[1], row[0]))]

    async def release(self, ids: Collection[str]) -> None:
        """End the leases on these records."""
        if ids:
            await self._read(sql.RELEASE, {"ids": list(ids)})

    async def next_due(self) -> datetime | None:
        """Return when the earliest record falls due, or None."""
        ((due,),) = await self._read(sql.NEXT_DUE)
        return due.astimezone(UTC) if due else None

    async def find(self, index: str, key: str) -> Sequence[str]:
        """Return the ids that carry this keyed hash."""
        return [id for (id,) in await self._read(sql.FIND, {"index": index, "key": key})]

    async def all_of_kind(self, kind: str) -> Sequence[Record]:
        """Return every record of one kind; the same object until one changes, and then only what changed is fetched."""
        before = self._kinds.get(kind, _KindCache())
        versions = tuple(await self._read(sql.ALL_OF_KIND, {"kind": kind}))
        if versions != before.versions:
            unchanged = {id for id, _ in set(versions) & set(before.versions)}
            found = {record.id: record for record in before.records if record.id in unchanged}
            missing = [id for id, _ in versions if id not in found]
            found |= await self.load_all(missing)
            before = self._kinds[kind] = _KindCache(versions, tuple(found[id] for id, _ in versions if id in found))
        return before.records

    async def scan(self, after: str, limit: int) -> Sequence[Record]:
        """Return records after this id, in the order of ids (by their bytes)."""
        return [sql.to_record(row) for row in await self._read(sql.SCAN, {"after": after, "limit": limit})]

    async def _read(self, statement: str, values: Mapping[str, Any] | None = None) -> list[Any]:
        """Run a statement, and repeat it once where the server had closed the connection."""
        try:
            return await self._read_once(statement, values)
        except _ConnectionLost:
            await self._pool.drain()  # the pool's other connections are broken, too
        try:
            return await self._read_once(statement, values)
        except _ConnectionLost:
            raise DatabaseUnavailable from None

    async def _read_once(self, statement: str, values: Mapping[str, Any] | None) -> list[Any]:
        async with self._connection() as connection:
            cursor = await connection.cursor(binary=True).execute(statement.encode("ascii"), values)
            return await cursor.fetchall() if cursor.description else []

    # ------------------------------------------------------------ writing

    async def save(self, *changes: Record | Deletion) -> None:
        """Apply all changes or none, and return once they are durable.

        Raises:
            StaleRevision: A record is not at the revision that the change names; nothing was saved.
            DatabaseUnavailable: The outcome is unknown: read before writing again.
            ValueError: One record is changed twice, or a due time has no time zone.
        """
        _check_changes(changes)
        if not changes:
            return
        task = asyncio.get_running_loop().create_task(self._save(sorted(changes, key=lambda change: change.id)))
        self._saving.add(task)
        task.add_done_callback(self._save_ended)
        await asyncio.shield(task)

    def _save_ended(self, task: asyncio.Task[None]) -> None:
        self._saving.discard(task)
        if not task.cancelled():
            task.exception()  # the caller of `save` has it

    async def _save(self, changes: Sequence[Record | Deletion]) -> None:
        try:
            await self._save_once(changes)
        except _ConnectionLost:
            await self._pool.drain()  # the pool's other connections are broken, too
            if not await self._is_written(changes):
                raise StaleRevision from None
        finally:  # not before: a purge meanwhile does not see it
            self._outdated = self._outdated or any(change.revision for change in changes)

    async def _save_once(self, changes: Sequence[Record | Deletion]) -> None:
        async with self._connection() as connection:
            if len(changes) == 1 and (self.wake_jobs is None or self._needs_no_job(changes[0])):
                ending = self.wake_jobs is not None  # a statement alone is a transaction of its own
                await _fetch_wake_jobs([await _execute_change(connection, changes[0], ending_job=ending)])
                return
            async with connection.pipeline() as pipeline, connection.transaction():
                said = [await _execute_change(connection, change) for change in changes]
                await pipeline.sync()
                standing = await _fetch_wake_jobs(said)
                if self.wake_jobs is not None:
                    await self.wake_jobs.update(connection, changes, standing)

    def _needs_no_job(self, change: Record | Deletion) -> bool:
        """Whether this is a change of a record that falls due within no hour, as most are."""
        if isinstance(change, Deletion) or self.wake_jobs is None or not change.revision:
            return False
        return self.wake_jobs.wake_time(change.wake) is None

    async def add_missing_wake_jobs(self) -> None:
        """Give a wake job to whatever falls due within the hour and has none, or one that was lost."""
        more = self.wake_jobs is not None
        while more and self.wake_jobs is not None:
            async with self._connection() as connection, connection.transaction():
                more = await self.wake_jobs.add_missing(connection)

    async def _is_written(self, changes: Sequence[Record | Deletion]) -> bool:
        """Say whether each record is as this save, and no other, would have left it."""
        log.warning("save-looked-for")
        found = await self.load_all([change.id for change in changes])
        return all(_is_applied(change, found.get(change.id)) for change in changes)

    # ------------------------------------------------------------ forgetting

    async def purge(self) -> None:
        """Remove destroyed and replaced versions from tables and indexes now, not whenever autovacuum gets to it.

        What the write-ahead log, a standby, a backup or the unused part of a page still holds is sealed
        (docs/decisions/postgres-store.md). A failure, and what something else held meanwhile, is left to the next call.
        """
        outdated, self._outdated = self._outdated, False
        if not outdated:
            return
        try:
            self._outdated = bool(await self._read(sql.HOLDING))  # it is not removed while this is held
            await self._read(sql.VACUUM)
        except (DatabaseUnavailable, StaleRevision):
            self._outdated = True  # the next call does it

    async def lingering(self) -> Collection[Lingering]:
        """Return why what is destroyed may stay in the tables for longer than a minute."""
        ((not_vacuumed,),) = await self._read(sql.NOT_VACUUMED)
        now = asyncio.get_running_loop().time()
        self._holding = {name: self._holding.get(name, now) for (name,) in await self._read(sql.HOLDING)}
        held = any(now - since >= HELD_SECONDS for since in self._holding.values())
        return [why for why, found in ((Lingering.NOT_OWNED, not_vacuumed), (Lingering.SNAPSHOT, held)) if found]

    # ------------------------------------------------------------ living

    async def check(self) -> None:
        """Write something empty and wait for its commit. Raises DatabaseUnavailable."""
        if not await self._read(sql.PROBE):
            raise DatabaseUnavailable

    async def close(self) -> None:
        """Finish the saves that are under way, and close every connection."""
        while self._saving:
            await asyncio.wait(self._saving)
        await self._pool.close()

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        """Take a connection from the pool, and convert what PostgreSQL raises, without its message."""
        try:
            async with self._room, self._pool.connection() as connection:
                try:
                    yield connection
                except psycopg.Error as error:
                    state = error.sqlstate or ""
                    if state in _ROLLED_BACK:
                        raise StaleRevision from None
                    if connection.closed or state.startswith(_DISCONNECTED):
                        raise _ConnectionLost from None
                    raise _logged(to_unavailable(error)) from None
        except psycopg.Error as error:  # no connection was to be had
            raise _logged(to_unavailable(error)) from None


def _logged(failed: DatabaseUnavailable) -> DatabaseUnavailable:
    state = failed.state.lower()
    log.warning("store-failed", why=f"sqlstate-{state[:2]}-{state[2:]}" if state else "no-answer")
    return failed


async def _execute_change(
    connection: Connection, change: Record | Deletion, *, ending_job: bool = False
) -> psycopg.AsyncCursor[Any]:
    statement, values = sql.write_statement(change, ending_job=ending_job)
    return await connection.cursor(binary=True).execute(statement.encode("ascii"), values)


async def _fetch_wake_jobs(said: Sequence[psycopg.AsyncCursor[Any]]) -> list[StandingJob]:
    """Return the wake job of each written record. Raises StaleRevision where one was not written."""
    rows = [await one.fetchone() for one in said]
    if any(row is None for row in rows):
        raise StaleRevision
    return [row for row in rows if row is not None]


def _check_changes(changes: Sequence[Record | Deletion]) -> None:
    if len({change.id for change in changes}) < len(changes):
        raise ValueError("one save may change a record only once")
    if any(isinstance(change, Record) and change.due and change.due.tzinfo is None for change in changes):
        raise ValueError("a due time needs its zone")


def _is_applied(change: Record | Deletion, found: Record | None) -> bool:
    if isinstance(change, Deletion) or found is None:
        return isinstance(change, Deletion) and found is None
    return (found.revision, found.sealed) == (change.revision + 1, change.sealed)


async def _configure(connection: Connection) -> None:
    await connection.execute(sql.SESSION_SETTINGS.encode("ascii"))
