"""Who serves from a database: any number of replicas, or one command that must be alone with it.

Both are PostgreSQL's own advisory locks, shared and exclusive, and go with the connection that holds them: a process
that was killed holds nothing. They guard against a slip, not against a network that comes apart. A replica whose
connection broke takes its lock again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final, Self

import psycopg
import structlog

from adapters.tasks import called_off
from bot.store.base import NoAnswer
from bot.store.disk import InUse
from bot.store.server import conninfo, failure

log = structlog.get_logger()

PATIENCE: Final = "60s"  # in which whoever is alone may end; the first of us is until its platforms have answered
LOOK: Final = 5.0  # seconds between two looks at our connection
_NAME: Final = "hashtext('peersupport serve')"
_ALONE: Final = f"SELECT pg_try_advisory_lock({_NAME})"
_NO_LONGER_ALONE: Final = f"SELECT pg_advisory_unlock({_NAME})"
_BESIDE_OTHERS: Final = f"SELECT pg_advisory_lock_shared({_NAME})"
_TIMED_OUT: Final = "55P03"

Connection = psycopg.AsyncConnection[Any]


class Presence:
    """Held from `begin` to `end`. `first`: nobody else served when it was taken, and none can until `joined`."""

    def __init__(self, url: str, connection: Connection, *, first: bool) -> None:
        """Hold the lock of this connection; use `begin`."""
        self._url, self._connection, self.first = url, connection, first
        self._watching = asyncio.get_running_loop().create_task(self._watch())

    @classmethod
    async def begin(cls, url: str) -> Self:
        """Serve beside others. Raises InUse while a command has the database for itself, and NoAnswer."""
        connection, first = await _beside_others(url)
        return cls(url, connection, first=first)

    async def joined(self) -> None:
        """Let others begin."""
        if self.first:
            self.first = False
            try:
                await self._connection.execute(_NO_LONGER_ALONE.encode("ascii"))
            except psycopg.Error as error:
                raise failure(error) from None

    async def end(self) -> None:
        """We serve no more."""
        await called_off(self._watching)
        await self._connection.close()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(LOOK)
            try:
                await self._connection.execute(b"SELECT 1")
            except psycopg.Error:
                log.warning("presence-lost")
                await self._again()

    async def _again(self) -> None:
        await self._connection.close()
        try:
            self._connection, first = await _beside_others(self._url)
            if first:
                await self._connection.execute(_NO_LONGER_ALONE.encode("ascii"))
        except (psycopg.Error, NoAnswer, InUse):
            return  # the next look tries again


@asynccontextmanager
async def alone(url: str) -> AsyncIterator[None]:
    """Nobody serves from this database until the end. Raises InUse where somebody does, and NoAnswer."""
    connection = await _connected(url)
    try:
        if not await _got(connection, _ALONE):
            raise InUse("A peersupport serves from the database of PEERSUPPORT_STORE: stop it first.")
        yield
    finally:
        await connection.close()


async def _beside_others(url: str) -> tuple[Connection, bool]:
    connection = await _connected(url)
    try:
        first = await _got(connection, _ALONE)
        await _got(connection, f"SET lock_timeout = '{PATIENCE}'")
        await _got(connection, _BESIDE_OTHERS)
    except BaseException:
        await connection.close()
        raise
    return connection, first


async def _connected(url: str) -> Connection:
    try:
        return await psycopg.AsyncConnection.connect(conninfo(url), autocommit=True)
    except psycopg.Error as error:
        raise failure(error) from None


async def _got(connection: Connection, statement: str) -> bool:
    try:
        cursor = await connection.execute(statement.encode("ascii"))
        row = await cursor.fetchone() if cursor.description else None
    except psycopg.Error as error:
        if error.sqlstate == _TIMED_OUT:
            raise InUse(
                "A command has the database of PEERSUPPORT_STORE for itself: wait until it has ended."
            ) from None
        raise failure(error) from None
    return bool(row and row[0])
