"""How we connect to a PostgreSQL server, how we inspect it, and what we report when it fails.

A message of PostgreSQL may quote a value that was to be written, and one of its client library may say where and as
whom we connect. So no message is passed on, only the five characters of its SQLSTATE code.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from bot.errors import DatabaseUnavailable, NotServable
from bot.store.base import Lingering, Record
from bot.store.postgres import sql

OLDEST_SERVER: Final = (
    14  # major version; older ones get no fixes any more (https://www.postgresql.org/support/versioning/)
)
SCHEMA_VERSION: Final = 2  # what this release reads and writes; made by bot/store/migrations

_LOGIN_REFUSED: Final = (
    r"authentication failed|no pg_hba\.conf entry|role \".*\" does not exist|not permitted to log in"
)
_WORKS_FOR: Final = "works for "
_UPGRADE: Final = "run `peersupport db upgrade` and start again."
_DEFAULTS: Final[Mapping[str, str | int]] = {
    "connect_timeout": 5,  # seconds
    "tcp_user_timeout": 10_000,  # milliseconds after which a server that vanished is noticed
    "keepalives_idle": 30,
    "target_session_attrs": "read-write",  # of several hosts the writable one, never a standby
    "fallback_application_name": "peersupport",
}


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """What `inspect_server` found.

    Attributes:
        version: PostgreSQL's major version.
        schema: The schema's number; 0 where nothing was prepared, and -1 where another program did.
        encrypted: Whether the connection is encrypted, or never on a network.
        durable: Whether the server waits for its disk.
        clock_offset: How far our clock is ahead of the server's.
        overdue: Since when the earliest record is due; zero or less where none is.
        oldest_compatible: The oldest schema number whose releases work on this schema; 0 where it does not say.
    """

    version: int
    schema: int
    encrypted: bool
    durable: bool
    clock_offset: timedelta = timedelta(0)
    overdue: timedelta = timedelta(0)
    oldest_compatible: int = 0
    lingering: tuple[Lingering, ...] = ()

    def problem(self) -> str:
        """Say why it cannot be served from, in a sentence that says what to do; "" where it can."""
        if self.version < OLDEST_SERVER:
            return f"The server of PEERSUPPORT_STORE is PostgreSQL {self.version}: use {OLDEST_SERVER} or newer."
        if self.schema < 0:
            return "The database of PEERSUPPORT_STORE is in use by another program: give this one its own."
        if self.schema == 0:
            return f"The database of PEERSUPPORT_STORE is not prepared: {_UPGRADE}"
        if self.schema < SCHEMA_VERSION:
            return f"The database of PEERSUPPORT_STORE is as an older version left it: {_UPGRADE}"
        if self.schema > SCHEMA_VERSION and not 0 < self.oldest_compatible <= SCHEMA_VERSION:
            return (
                "The database of PEERSUPPORT_STORE was prepared by a newer version: install that one; "
                "`peersupport db upgrade` does not go back."
            )
        return ""


def describe_schema(schema: int) -> str:
    """Say in a sentence how a schema that can be served from fits this release."""
    if schema > SCHEMA_VERSION:
        return f"The schema is {schema:04}, a newer version's; this one, made for {SCHEMA_VERSION:04}, works on it."
    return f"The schema is {schema:04}, as this version needs it."


def conninfo(url: str) -> str:
    """Complete the address that is set with our timeouts and defaults, where it does not name its own.

    Raises:
        NotServable: PostgreSQL does not understand the address.
    """
    try:
        given = conninfo_to_dict(url)
        return make_conninfo(url, **{name: value for name, value in _DEFAULTS.items() if name not in given})
    except psycopg.Error:
        raise NotServable(
            "PEERSUPPORT_STORE is not an address that PostgreSQL understands: see docs/operating.md."
        ) from None


def connect(url: str) -> psycopg.Connection:
    """Connect for a command; what is not committed is rolled back.

    Raises:
        DatabaseUnavailable: The server does not answer, or refuses.
        NotServable: PostgreSQL does not understand the address.
    """
    try:
        return psycopg.connect(conninfo(url), prepare_threshold=None)
    except psycopg.Error as error:
        raise to_unavailable(error) from None


def inspect_server(url: str) -> ServerStatus:
    """Inspect the server and the schema, and change nothing. Raises as `connect` does."""
    connection = connect(url)
    try:
        connection.autocommit = True
        schema = _schema_version(connection)
        return ServerStatus(
            connection.info.server_version // 10_000,
            schema,
            encrypted=connection.pgconn.ssl_in_use or _is_local(connection.info.host),
            durable=_fetch_value(connection, "SELECT current_setting('fsync')") == "on",
            clock_offset=_clock_offset(connection),
            overdue=_overdue(connection) if schema == SCHEMA_VERSION else timedelta(0),
            oldest_compatible=_oldest_compatible(connection),
            lingering=_lingering(connection) if schema == SCHEMA_VERSION else (),
        )
    except psycopg.Error as error:
        raise to_unavailable(error) from None
    finally:
        connection.close()


def _lingering(connection: psycopg.Connection) -> tuple[Lingering, ...]:
    found = ((Lingering.NOT_OWNED, sql.NOT_VACUUMED), (Lingering.SNAPSHOT, sql.HELD_FOR_LONG))
    return tuple(why for why, question in found if _fetch_value(connection, question))


def load_one(url: str, id: str) -> Record | None:
    """Load one record without serving from the store; None where the tables do not exist. Raises as `connect` does."""
    connection = connect(url)
    try:
        if _fetch_value(connection, "SELECT to_regclass('records')::text") is None:
            return None
        row = connection.cursor(binary=True).execute(sql.LOAD.encode("ascii"), {"id": id}).fetchone()
        return sql.to_record(row) if row else None
    except psycopg.Error as error:
        raise to_unavailable(error) from None
    finally:
        connection.close()


def has_root_wrapped_records(url: str) -> bool:
    """Say whether a record is wrapped under a root key itself, as before the key ring. Raises as `connect` does."""
    connection = connect(url)
    try:
        if _fetch_value(connection, "SELECT to_regclass('records')::text") is None:
            return False
        found = r"SELECT EXISTS (SELECT 1 FROM records WHERE substring(sealed, 1, 1) = '\x01' OR"
        return bool(_fetch_value(connection, found + r" substring(sealed, 2, 8) = '\x0000000000000000')"))
    except psycopg.Error as error:
        raise to_unavailable(error) from None
    finally:
        connection.close()


def _is_local(host: str) -> bool:
    return host.startswith(("/", "@", "127.")) or host in {"", "localhost", "::1"}


def _clock_offset(connection: psycopg.Connection) -> timedelta:
    before = datetime.now(UTC)
    theirs = _fetch_value(connection, "SELECT clock_timestamp()")
    ours = before + (datetime.now(UTC) - before) / 2
    return ours - theirs if isinstance(theirs, datetime) else timedelta(0)


def _overdue(connection: psycopg.Connection) -> timedelta:
    found = _fetch_value(connection, "SELECT clock_timestamp() - min(due) FROM records")
    return found if isinstance(found, timedelta) else timedelta(0)


def _schema_version(connection: psycopg.Connection) -> int:
    if _fetch_value(connection, "SELECT to_regclass('alembic_version')::text") is None:
        return 0
    found = str(_fetch_value(connection, "SELECT coalesce(max(version_num), '0000') FROM alembic_version"))
    return int(found) if found.isdecimal() else -1


def compatibility_comment(number: int) -> str:
    """Return the statement that notes, where every release can read it, which releases may use the schema.

    Args:
        number: The oldest schema number whose releases work on this schema.
    """
    return f"COMMENT ON TABLE alembic_version IS '{_WORKS_FOR}{number:04}'"


def _oldest_compatible(connection: psycopg.Connection) -> int:
    found = str(_fetch_value(connection, "SELECT obj_description(to_regclass('alembic_version'), 'pg_class')"))
    number = found.removeprefix(_WORKS_FOR)
    return int(number) if number.isdecimal() else 0


def _fetch_value(connection: psycopg.Connection, statement: str) -> object:
    row = connection.execute(statement.encode("ascii")).fetchone()
    return row[0] if row else None


def to_unavailable(error: psycopg.Error) -> DatabaseUnavailable:
    """Convert an error of PostgreSQL without its message. Raise the result `from None`: the error may quote a value."""
    return DatabaseUnavailable(error.sqlstate or _state_of_failed_connect(error))


def _state_of_failed_connect(error: psycopg.Error) -> str:
    """Find the code of a failed connect. libpq gives none, so its English message is compared, and never passed on."""
    said = str(error)
    if (error.pgconn is not None and error.pgconn.needs_password) or re.search(_LOGIN_REFUSED, said):
        return "28000"
    return "3D000" if re.search(r'database ".*" does not exist', said) else ""
