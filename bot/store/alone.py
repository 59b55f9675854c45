"""One programme for each database, as long as each believes at its start that nobody else delivers its messages.

The lock is PostgreSQL's own, and goes with the connection that holds it: a process that was killed holds nothing. It
guards against a slip, not against a network that comes apart.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any, Final, Self

import psycopg

from bot.store.disk import InUse
from bot.store.server import conninfo, failure

PATIENCE: Final = "10s"  # in which the one before us may end
TAKE: Final = "SELECT pg_advisory_lock(hashtext('peersupport serve'))"
_TIMED_OUT: Final = "55P03"


class Alone:
    """Held from `take` to `leave`. Raises InUse where another programme serves from this database, and NoAnswer."""

    def __init__(self, connection: psycopg.AsyncConnection[Any]) -> None:
        """Hold the lock of this connection; use `take`."""
        self._connection = connection

    @classmethod
    async def take(cls, url: str) -> Self:
        try:
            connection = await psycopg.AsyncConnection.connect(conninfo(url), autocommit=True)
        except psycopg.Error as error:
            raise failure(error) from None
        try:
            await connection.execute(f"SET lock_timeout = '{PATIENCE}'".encode("ascii"))
            await connection.execute(TAKE.encode("ascii"))
        except psycopg.Error as error:
            await connection.close()
            if error.sqlstate == _TIMED_OUT:
                raise InUse(
                    "Another peersupport serves from the database of PEERSUPPORT_STORE: stop it first."
                ) from None
            raise failure(error) from None
        return cls(connection)

    async def leave(self) -> None:
        """Let the next one in."""
        await self._connection.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        await self.leave()
