"""Advisory locks that say who uses a database: any number of replicas, or one command that must be alone with it.

Replicas hold PostgreSQL's shared advisory lock, and a command the exclusive one
(https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS). A lock belongs to a connection, so a
process that was killed holds none. The locks guard against a slip of an operator and not against a network that splits:
a replica whose connection broke goes on serving, and takes its lock again. What keeps replicas from overwriting each
other are the revisions of records, not these locks.

The first replica holds both locks until its platforms have answered, so that it alone takes up deliveries that were
under way when the last process died.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final, Self

import psycopg
import structlog

from adapters.background import cancel_and_wait
from bot.errors import DatabaseUnavailable, StoreInUse
from bot.store.postgres.connection import conninfo, to_unavailable

log = structlog.get_logger()

LOCK_TIMEOUT: Final = "60s"
"""How long to wait for the exclusive lock to be given up; the first replica holds it until its platforms answer."""
CHECK_INTERVAL: Final = 5.0  # seconds between two checks of the connection that holds the lock
_NAME: Final = "hashtext('peersupport serve')"
_TRY_EXCLUSIVE: Final = f"SELECT pg_try_advisory_lock({_NAME})"
_UNLOCK_EXCLUSIVE: Final = f"SELECT pg_advisory_unlock({_NAME})"
_LOCK_SHARED: Final = f"SELECT pg_advisory_lock_shared({_NAME})"
_TIMED_OUT: Final = "55P03"

Connection = psycopg.AsyncConnection[Any]


class AdvisoryLocks:
    """The lock of one replica, from `acquire` to `release`.

    Attributes:
        first: Whether no other replica served when it was taken. None can begin to until `allow_others` was called.
    """

    def __init__(self, url: str, connection: Connection, *, first: bool) -> None:
        """Watch the connection that holds the lock; use `acquire`."""
        self._url, self._connection, self.first = url, connection, first
        self._watching = asyncio.get_running_loop().create_task(self._watch())

    @classmethod
    async def acquire(cls, url: str) -> Self:
        """Take the lock, beside other replicas.

        Raises:
            StoreInUse: A command holds the database alone, for longer than `LOCK_TIMEOUT`.
            DatabaseUnavailable: The database does not answer.
        """
        connection, first = await _acquire_shared(url)
        return cls(url, connection, first=first)

    async def allow_others(self) -> None:
        """Give up the exclusive lock, so that other replicas can begin.

        Raises:
            DatabaseUnavailable: The database does not answer.
        """
        if self.first:
            self.first = False
            try:
                await self._connection.execute(_UNLOCK_EXCLUSIVE.encode("ascii"))
            except psycopg.Error as error:
                raise to_unavailable(error) from None

    async def release(self) -> None:
        """Give up the lock."""
        await cancel_and_wait(self._watching)
        await self._connection.close()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(CHECK_INTERVAL)
            try:
                await self._connection.execute(b"SELECT 1")
            except psycopg.Error:
                log.warning("presence-lost")
                await self._reacquire()

    async def _reacquire(self) -> None:
        await self._connection.close()
        try:
            self._connection, first = await _acquire_shared(self._url)
            if first:
                await self._connection.execute(_UNLOCK_EXCLUSIVE.encode("ascii"))
        except (psycopg.Error, DatabaseUnavailable, StoreInUse):
            return  # the next check tries again


@asynccontextmanager
async def hold_exclusively(url: str) -> AsyncIterator[None]:
    """Hold the database alone until the end.

    Raises:
        StoreInUse: A replica serves from it; this does not wait.
        DatabaseUnavailable: The database does not answer.
    """
    connection = await _connect(url)
    try:
        if not await _execute(connection, _TRY_EXCLUSIVE):
            raise StoreInUse("A peersupport serves from the database of PEERSUPPORT_STORE: stop it first.")
        yield
    finally:
        await connection.close()


async def _acquire_shared(url: str) -> tuple[Connection, bool]:
    connection = await _connect(url)
    try:
        first = await _execute(connection, _TRY_EXCLUSIVE)
        await _execute(connection, f"SET lock_timeout = '{LOCK_TIMEOUT}'")
        await _execute(connection, _LOCK_SHARED)
    except BaseException:
        await connection.close()
        raise
    return connection, first


async def _connect(url: str) -> Connection:
    try:
        return await psycopg.AsyncConnection.connect(conninfo(url), autocommit=True)
    except psycopg.Error as error:
        raise to_unavailable(error) from None


async def _execute(connection: Connection, statement: str) -> bool:
    try:
        cursor = await connection.execute(statement.encode("ascii"))
        row = await cursor.fetchone() if cursor.description else None
    except psycopg.Error as error:
        if error.sqlstate == _TIMED_OUT:
            raise StoreInUse(
                "A command has the database of PEERSUPPORT_STORE for itself: wait until it has ended."
            ) from None
        raise to_unavailable(error) from None
    return bool(row and row[0])
