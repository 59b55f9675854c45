"""A store as a whole: looked at as it stood at one moment, beside whoever serves from it; and filled in one step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from bot.store.base import Record, Unfit
from bot.store.moved import ARRIVING, MARKER, marker
from bot.values import Postgres
from bot.vault import Vault

if TYPE_CHECKING:
    import psycopg

    from bot.store.tables import Document

T = TypeVar("T")

BATCH: Final = 64  # records
HOUSEKEEPING: Final = frozenset({MARKER, "key-ring"})  # kinds: a store that holds nothing else is empty


class NotEmpty(Unfit):
    """Something is kept there already; the message is a sentence."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that stood there at one moment, in the order of ids; the marker stands apart. Read it once."""

    kind: str  # tinydb or postgresql
    count: int
    marker: Record | None
    batches: Iterator[Sequence[Record]] = field(repr=False)


@contextmanager
def snapshot(where: Path | Postgres, vault: Vault) -> Iterator[Snapshot]:
    """Nobody is locked out meanwhile. Raises Unfit, Damaged, OSError; NoAnswer for PostgreSQL."""
    if isinstance(where, Postgres):
        with _tables_at_one_moment(where.url) as found:
            yield found
        return
    records = _documents(where, vault)
    marked = next((record for record in records if record.id == MARKER), None)
    kept = [record for record in records if record.id != MARKER]
    yield Snapshot("tinydb", len(kept), marked, batched(kept))


def batched(many: Iterable[T]) -> Iterator[Sequence[T]]:
    """So many at a time, as are written at once."""
    them = iter(many)
    while batch := tuple(islice(them, BATCH)):
        yield batch


async def fill(where: Path | Postgres, vault: Vault, records: Iterable[Record], day: date) -> None:
    """Put exactly these into an empty store, as they are, and the marker that it is still arriving: all or nothing.

    Raises NotEmpty before anything is changed, Unfit, InUse, OSError; NoAnswer for PostgreSQL.
    """
    filled = chain((marker(ARRIVING, day, revision=1),), records)
    if isinstance(where, Postgres):
        from bot.store.presence import alone

        _refuse_what_is_not_prepared(where.url)
        async with alone(where.url):
            _fill_tables(where.url, filled)
        return
    from bot.store.tiny import TinyStore

    store = TinyStore.open(where, vault)
    try:
        found = await store.page("", len(HOUSEKEEPING) + 1)
        _refuse_what_is_kept({record.kind for record in found}, await store.load(MARKER))
        await store.begin_with(filled)
    finally:
        await store.close()


def _refuse_what_is_kept(kinds: set[str], found: Record | None) -> None:
    """What was begun and not finished may be begun again."""
    if found is not None and found.stage == ARRIVING:
        return
    if found is not None or kinds - HOUSEKEEPING:
        raise NotEmpty(
            "The store to be filled is not empty, and nothing was changed: name an empty folder or database. "
            "To replace what is there, move that away first."
        )


# ---------------------------------------------------------------- the embedded store


def _documents(folder: Path, vault: Vault) -> list[Record]:
    from bot.store.disk import Disk
    from bot.store.journal import look
    from bot.store.rows import decode, record
    from bot.store.writer import NAME

    documents: dict[str, Document] = {}

    def take(_: bytes, plain: bytes) -> None:
        for id, stored in decode(plain):
            if stored is None:
                documents.pop(id, None)
            else:
                documents[id] = stored

    try:
        look(Disk(), folder / NAME, vault, take)
    except FileNotFoundError:
        raise Unfit("There is no store yet in the folder that PEERSUPPORT_STORE names: look at that setting.") from None
    return [record(id, documents[id]) for id in sorted(documents)]


# ---------------------------------------------------------------- PostgreSQL


@contextmanager
def _tables_at_one_moment(url: str) -> Iterator[Snapshot]:
    import psycopg

    from bot.store import statements
    from bot.store.server import connect, failure

    _refuse_what_is_not_prepared(url)
    connection = connect(url)
    try:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        (count,) = _row(connection, statements.COUNT)  # from here on everything is as it is now
        marked = _marker(connection)
        with connection.cursor("backup") as cursor:
            cursor.itersize = BATCH
            cursor.execute(statements.EVERYTHING.encode("ascii"), binary=True)
            kept = (record for record in map(statements.record, cursor) if record.id != MARKER)
            yield Snapshot("postgresql", int(count), marked, batched(kept))
    except psycopg.Error as error:
        raise failure(error) from None
    finally:
        connection.close()


def _refuse_what_is_not_prepared(url: str) -> None:
    from bot.store.server import look

    if why := look(url).unfit():
        raise Unfit(why)


def _marker(connection: psycopg.Connection[Any]) -> Record | None:
    from bot.store import statements

    rows = connection.cursor(binary=True).execute(statements.LOAD.encode("ascii"), {"id": MARKER}).fetchall()
    return statements.record(rows[0]) if rows else None


def _row(connection: psycopg.Connection[Any], statement: str) -> tuple[Any, ...]:
    return tuple(connection.execute(statement.encode("ascii")).fetchone() or (0,))


def _fill_tables(url: str, records: Iterable[Record]) -> None:
    import psycopg

    from bot.store import statements
    from bot.store.server import connect, failure

    connection = connect(url)
    try:
        with connection.transaction():
            connection.execute(statements.TAKE_ALL.encode("ascii"))
            kinds = {kind for (kind,) in connection.execute(statements.KINDS.encode("ascii")).fetchall()}
            _refuse_what_is_kept(kinds, _marker(connection))
            connection.execute(statements.EMPTY.encode("ascii"))
            for batch in batched(records):
                with connection.cursor() as cursor:
                    cursor.executemany(statements.PUT.encode("ascii"), [statements.put(record) for record in batch])
    except psycopg.Error as error:
        raise failure(error) from None
    finally:
        connection.close()
