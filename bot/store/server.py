"""How we speak to a PostgreSQL server, and what may be said when it fails: the kind, never its words.

A message of PostgreSQL may quote what was to be written, and one of its client where and as whom we connect. So none
passes: only the five letters and digits that stand for it (SQLSTATE).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from bot.store.base import NoAnswer, Unfit

OLDEST: Final = 14  # the major version; older ones get no repairs any more
SCHEMA: Final = 2  # what this version reads and writes; bot/store/migrations makes it

_UPGRADE: Final = "run `peersupport db upgrade` and start again."
_DEFAULTS: Final[Mapping[str, str | int]] = {
    "connect_timeout": 5,  # seconds
    "tcp_user_timeout": 10_000,  # milliseconds: a server that vanished is noticed within them
    "keepalives_idle": 30,
    "target_session_attrs": "read-write",  # of several hosts the one that may be written; never a standby
    "fallback_application_name": "peersupport",
}


@dataclass(frozen=True, slots=True)
class Look:
    """A server as it is now. `schema` is 0 where nothing was prepared, and -1 where somebody else did."""

    version: int
    schema: int
    encrypted: bool  # or never on a network
    durable: bool

    def unfit(self) -> str:
        """Why it cannot be served from, as a sentence with its fix; "" when it can."""
        if self.version < OLDEST:
            return f"The server of PEERSUPPORT_STORE is PostgreSQL {self.version}: use {OLDEST} or newer."
        if self.schema < 0:
            return "The database of PEERSUPPORT_STORE is in use by another program: give this one its own."
        if self.schema == 0:
            return f"The database of PEERSUPPORT_STORE is not prepared: {_UPGRADE}"
        if self.schema < SCHEMA:
            return f"The database of PEERSUPPORT_STORE is as an older version left it: {_UPGRADE}"
        if self.schema > SCHEMA:
            return (
                "The database of PEERSUPPORT_STORE was prepared by a newer version: install that one; "
                "`peersupport db upgrade` does not go back."
            )
        return ""


def conninfo(url: str) -> str:
    """What the operator wrote, and our patience where they wrote none. Raises Unfit where it makes no sense."""
    try:
        given = conninfo_to_dict(url)
        return make_conninfo(url, **{name: value for name, value in _DEFAULTS.items() if name not in given})
    except psycopg.Error:
        raise Unfit("PEERSUPPORT_STORE is not an address that PostgreSQL understands: see docs/operating.md.") from None


def connect(url: str) -> psycopg.Connection:
    """For commands; what is not committed is undone. Raises NoAnswer, Unfit."""
    try:
        return psycopg.connect(conninfo(url), prepare_threshold=None)
    except psycopg.Error as error:
        raise failure(error) from None


def look(url: str) -> Look:
    """Read, change nothing. Raises NoAnswer, Unfit."""
    connection = connect(url)
    try:
        connection.autocommit = True
        return Look(
            connection.info.server_version // 10_000,
            _schema(connection),
            encrypted=connection.pgconn.ssl_in_use or _is_here(connection.info.host),
            durable=_one(connection, "SELECT current_setting('fsync')") == "on",
        )
    except psycopg.Error as error:
        raise failure(error) from None
    finally:
        connection.close()


def _is_here(host: str) -> bool:
    return host.startswith(("/", "@", "127.")) or host in {"", "localhost", "::1"}


def _schema(connection: psycopg.Connection) -> int:
    if _one(connection, "SELECT to_regclass('alembic_version')::text") is None:
        return 0
    found = str(_one(connection, "SELECT coalesce(max(version_num), '0000') FROM alembic_version"))
    return int(found) if found.isdecimal() else -1


def _one(connection: psycopg.Connection, statement: str) -> object:
    row = connection.execute(statement.encode("ascii")).fetchone()
    return row[0] if row else None


def failure(error: psycopg.Error) -> NoAnswer:
    """What may be known of it. Raise it `from None`: the error itself may quote a value."""
    return NoAnswer(error.sqlstate or "")
