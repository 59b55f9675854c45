"""A whole store at once: a consistent snapshot while others serve, and filling an empty one in one step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from bot.config.parsers import Postgres
from bot.crypto.vault import Vault
from bot.errors import NotServable
from bot.store.base import Record
from bot.store.retired import FILLING, MARKER_ID, make_marker

if TYPE_CHECKING:
    import psycopg

    from bot.store.embedded.tracking_table import Document

T = TypeVar("T")

BATCH: Final = 64  # records
HOUSEKEEPING: Final = frozenset({MARKER_ID, "key-ring", "numbers"})
"""Kinds of records; a store that holds only these counts as empty."""


class StoreNotEmpty(NotServable):
    """The store to be filled holds records already; nothing was changed. The message says what to do."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Every record of a store as it stood at one moment.

    Attributes:
        kind: "tinydb" or "postgresql".
        count: How many records there are, without the marker.
        marker: The record that retires the store, if there is one.
        batches: The other records in the order of ids, some at a time; can be read once.
    """

    kind: str
    count: int
    marker: Record | None
    batches: Iterator[Sequence[Record]] = field(repr=False)


@contextmanager
def open_snapshot(where: Path | Postgres, vault: Vault) -> Iterator[Snapshot]:
    """Take a snapshot without locking anyone out.

    Args:
        where: The folder of an embedded store, or the address of a database.
        vault: Opens the embedded store's journal.

    Raises:
        NotServable: There is no store, or the database is not prepared.
        Corrupt: The embedded store does not decrypt.
        DatabaseUnavailable: PostgreSQL does not answer.
        OSError: A file cannot be read.
    """
    if isinstance(where, Postgres):
        with _postgres_snapshot(where.url) as found:
            yield found
        return
    records = _embedded_records(where, vault)
    marked = next((record for record in records if record.id == MARKER_ID), None)
    kept = [record for record in records if record.id != MARKER_ID]
    yield Snapshot("tinydb", len(kept), marked, in_batches(kept))


def in_batches(many: Iterable[T]) -> Iterator[Sequence[T]]:
    """Group items into tuples of at most `BATCH`."""
    them = iter(many)
    while batch := tuple(islice(them, BATCH)):
        yield batch


async def fill_store(where: Path | Postgres, vault: Vault, records: Iterable[Record], day: date) -> None:
    """Fill an empty store with these records, at the revisions they have, and with the `FILLING` marker: all or none.

    Args:
        where: The folder of an embedded store, or the address of a database.
        vault: Seals the embedded store's journal.
        records: What the store is to hold.
        day: Today, for the marker.

    Raises:
        StoreNotEmpty: It holds records; nothing was changed.
        NotServable: The database is not prepared.
        StoreInUse: Another process uses the store.
        DatabaseUnavailable: PostgreSQL does not answer.
        OSError: A file cannot be written.
    """
    filled = chain((make_marker(FILLING, day, revision=1),), records)
    if isinstance(where, Postgres):
        from bot.store.postgres.advisory_locks import hold_exclusively

        _refuse_unprepared(where.url)
        async with hold_exclusively(where.url):
            _fill_tables(where.url, filled)
        return
    from bot.store.embedded.store import EmbeddedStore

    store = EmbeddedStore.open(where, vault)
    try:
        found = await store.scan("", len(HOUSEKEEPING) + 1)
        _refuse_nonempty({record.kind for record in found}, await store.load(MARKER_ID))
        await store.replace_all(filled)
    finally:
        await store.close()


def _refuse_nonempty(kinds: set[str], found: Record | None) -> None:
    """Refuse a store with records, unless a filling was interrupted there: that may be begun again."""
    if found is not None and found.stage == FILLING:
        return
    if found is not None or kinds - HOUSEKEEPING:
        raise StoreNotEmpty(
            "The store to be filled is not empty, and nothing was changed: name an empty folder or database. "
            "To replace what is there, move that away first."
        )


# ---------------------------------------------------------------- the embedded store


def _embedded_records(folder: Path, vault: Vault) -> list[Record]:
    from bot.store.embedded.journal import JOURNAL_NAME
    from bot.store.embedded.journal_reader import read_alongside_writer
    from bot.store.embedded.row_format import apply_changes, to_record

    documents: dict[str, Document] = {}
    try:
        read_alongside_writer(folder / JOURNAL_NAME, vault, lambda _, plain: apply_changes(documents, plain))
    except FileNotFoundError:
        raise NotServable(
            "There is no store yet in the folder that PEERSUPPORT_STORE names: look at that setting."
        ) from None
    return [to_record(id, documents[id]) for id in sorted(documents)]


# ---------------------------------------------------------------- PostgreSQL


@contextmanager
def _postgres_snapshot(url: str) -> Iterator[Snapshot]:
    import psycopg

    from bot.store.postgres import sql
    from bot.store.postgres.connection import connect, to_unavailable

    _refuse_unprepared(url)
    connection = connect(url)
    try:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        (count,) = _fetch_row(connection, sql.COUNT)  # from here on everything is as it is now
        marked = _load_marker(connection)
        with connection.cursor("backup") as cursor:
            cursor.itersize = BATCH
            cursor.execute(sql.ALL_RECORDS.encode("ascii"), binary=True)
            kept = (record for record in map(sql.to_record, cursor) if record.id != MARKER_ID)
            yield Snapshot("postgresql", int(count), marked, in_batches(kept))
    except psycopg.Error as error:
        raise to_unavailable(error) from None
    finally:
        connection.close()


def _refuse_unprepared(url: str) -> None:
    from bot.store.postgres.connection import inspect_server

    if why := inspect_server(url).problem():
        raise NotServable(why)


def _load_marker(connection: psycopg.Connection[Any]) -> Record | None:
    from bot.store.postgres import sql

    rows = connection.cursor(binary=True).execute(sql.LOAD.encode("ascii"), {"id": MARKER_ID}).fetchall()
    return sql.to_record(rows[0]) if rows else None


def _fetch_row(connection: psycopg.Connection[Any], statement: str) -> tuple[Any, ...]:
    return tuple(connection.execute(statement.encode("ascii")).fetchone() or (0,))


def _fill_tables(url: str, records: Iterable[Record]) -> None:
    import psycopg

    from bot.store.postgres import sql
    from bot.store.postgres.connection import connect, to_unavailable

    connection = connect(url)
    try:
        with connection.transaction():
            connection.execute(sql.LOCK_TABLES.encode("ascii"))
            kinds = {kind for (kind,) in connection.execute(sql.KINDS.encode("ascii")).fetchall()}
            _refuse_nonempty(kinds, _load_marker(connection))
            connection.execute(sql.DELETE_ALL.encode("ascii"))
            for batch in in_batches(records):
                with connection.cursor() as cursor:
                    cursor.executemany(
                        sql.INSERT_UNCHANGED.encode("ascii"), [sql.record_values(record) for record in batch]
                    )
    except psycopg.Error as error:
        raise to_unavailable(error) from None
    finally:
        connection.close()
