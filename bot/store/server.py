"""How we speak to a PostgreSQL server, and what may be said when it fails: the kind, never its words.

A message of PostgreSQL may quote what was to be written, and one of its client where and as whom we connect. So none
passes: only the five letters and digits that stand for it (SQLSTATE).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from bot.store import statements
from bot.store.base import NoAnswer, Record, Unfit

OLDEST: Final = 14  # the major version; older ones get no repairs any more
SCHEMA: Final = 2  # what this version reads and writes; bot/store/migrations makes it

_NOT_LET_IN: Final = r"authentication failed|no pg_hba\.conf entry|role \".*\" does not exist|not permitted to log in"
_WORKS_FOR: Final = "works for "
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
    """A server as it is now. `schema` is 0 where nothing was prepared, and -1 where somebody else did.

    `works_for`: the oldest schema for which a programme may have been made that works on this one; 0 where nobody said.
    """

    version: int
    schema: int
    encrypted: bool  # or never on a network
    durable: bool
    ahead: timedelta = timedelta(0)  # how far our clock is ahead of the server's
    late: timedelta = timedelta(0)  # since when the earliest thing is due; nothing where none is
    works_for: int = 0

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
        if self.schema > SCHEMA and not 0 < self.works_for <= SCHEMA:
            return (
                "The database of PEERSUPPORT_STORE was prepared by a newer version: install that one; "
                "`peersupport db upgrade` does not go back."
            )
        return ""


def fit(schema: int) -> str:
    """How a schema that is not unfit fits, as a sentence."""
    if schema > SCHEMA:
        return f"The schema is {schema:04}, a newer version's; this one, made for {SCHEMA:04}, works on it."
    return f"The schema is {schema:04}, as this version needs it."


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
        schema = _schema(connection)
        return Look(
            connection.info.server_version // 10_000,
            schema,
            encrypted=connection.pgconn.ssl_in_use or _is_here(connection.info.host),
            durable=_one(connection, "SELECT current_setting('fsync')") == "on",
            ahead=_ahead(connection),
            late=_late(connection) if schema == SCHEMA else timedelta(0),
            works_for=_works_for(connection),
        )
    except psycopg.Error as error:
        raise failure(error) from None
    finally:
        connection.close()


def one(url: str, id: str) -> Record | None:
    """One record, for who looks at a store without serving from it. Raises NoAnswer, Unfit."""
    connection = connect(url)
    try:
        if _one(connection, "SELECT to_regclass('records')::text") is None:
            return None
        row = connection.cursor(binary=True).execute(statements.LOAD.encode("ascii"), {"id": id}).fetchone()
        return statements.record(row) if row else None
    except psycopg.Error as error:
        raise failure(error) from None
    finally:
        connection.close()


def older(url: str) -> bool:
    """Whether a record hangs on a root itself, as before the key ring. Raises NoAnswer, Unfit."""
    connection = connect(url)
    try:
        if _one(connection, "SELECT to_regclass('records')::text") is None:
            return False
        found = r"SELECT EXISTS (SELECT 1 FROM records WHERE substring(sealed, 1, 1) = '\x01' OR"
        return bool(_one(connection, found + r" substring(sealed, 2, 8) = '\x0000000000000000')"))
    except psycopg.Error as error:
        raise failure(error) from None
    finally:
        connection.close()


def _is_here(host: str) -> bool:
    return host.startswith(("/", "@", "127.")) or host in {"", "localhost", "::1"}


def _ahead(connection: psycopg.Connection) -> timedelta:
    before = datetime.now(UTC)
    theirs = _one(connection, "SELECT clock_timestamp()")
    ours = before + (datetime.now(UTC) - before) / 2
    return ours - theirs if isinstance(theirs, datetime) else timedelta(0)


def _late(connection: psycopg.Connection) -> timedelta:
    found = _one(connection, "SELECT clock_timestamp() - min(due) FROM records")
    return found if isinstance(found, timedelta) else timedelta(0)


def _schema(connection: psycopg.Connection) -> int:
    if _one(connection, "SELECT to_regclass('alembic_version')::text") is None:
        return 0
    found = str(_one(connection, "SELECT coalesce(max(version_num), '0000') FROM alembic_version"))
    return int(found) if found.isdecimal() else -1


def works_for(number: int) -> str:
    """The statement that writes down for which programmes the schema is good, where every version can read it."""
    return f"COMMENT ON TABLE alembic_version IS '{_WORKS_FOR}{number:04}'"


def _works_for(connection: psycopg.Connection) -> int:
    found = str(_one(connection, "SELECT obj_description(to_regclass('alembic_version'), 'pg_class')"))
    number = found.removeprefix(_WORKS_FOR)
    return int(number) if number.isdecimal() else 0


def _one(connection: psycopg.Connection, statement: str) -> object:
    row = connection.execute(statement.encode("ascii")).fetchone()
    return row[0] if row else None


def failure(error: psycopg.Error) -> NoAnswer:
    """What may be known of it. Raise it `from None`: the error itself may quote a value."""
    return NoAnswer(error.sqlstate or _state_of_a_start(error))


def _state_of_a_start(error: psycopg.Error) -> str:
    """Where no connection came about libpq gives no code: what it says is compared, in English, and never passed on."""
    said = str(error)
    if (error.pgconn is not None and error.pgconn.needs_password) or re.search(_NOT_LET_IN, said):
        return "28000"
    return "3D000" if re.search(r'database ".*" does not exist', said) else ""
