"""Every statement of the PostgreSQL store. A write is one statement a record, and says whether it took place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, Final

from psycopg.types.json import Jsonb

from bot.store.base import Gone, Record

_COLUMNS: Final = "id, kind, stage, due, day, revision, shape, keys, sealed"

LOAD: Final = f"SELECT {_COLUMNS} FROM records WHERE id = %(id)s"  # noqa: S608  only names of ours
LOAD_ALL: Final = f"SELECT {_COLUMNS} FROM records WHERE id = ANY(%(ids)s)"  # noqa: S608
DUE: Final = "SELECT id FROM records WHERE due <= %(before)s ORDER BY due, id LIMIT %(limit)s"
NEXT_DUE: Final = "SELECT min(due) FROM records"
FIND: Final = "SELECT id FROM record_keys WHERE index = %(index)s AND key = %(key)s ORDER BY id"
KIND: Final = "SELECT id, xmin::text FROM records WHERE kind = %(kind)s ORDER BY id"
PAGE: Final = f"SELECT {_COLUMNS} FROM records WHERE id > %(after)s ORDER BY id LIMIT %(limit)s"  # noqa: S608

ADD: Final = """
WITH written AS (
    INSERT INTO records (id, kind, stage, due, day, revision, shape, keys, sealed)
    VALUES (%(id)s, %(kind)s, %(stage)s, %(due)s, %(day)s, 1, %(shape)s, %(keys)s, %(sealed)b)
    ON CONFLICT (id) DO NOTHING
    RETURNING id
), marked AS (
    INSERT INTO record_keys (index, key, id)
    SELECT DISTINCT place.index, place.key, written.id
    FROM written, unnest(%(indexes)s::text[], %(hashes)s::text[]) AS place (index, key)
)
SELECT count(*) FROM written
"""

CHANGE: Final = """
WITH before AS (
    SELECT keys FROM records WHERE id = %(id)s AND revision = %(revision)s
), written AS (
    UPDATE records
    SET kind = %(kind)s, stage = %(stage)s, due = %(due)s, day = %(day)s, revision = revision + 1, shape = %(shape)s,
        keys = %(keys)s, sealed = %(sealed)b
    WHERE id = %(id)s AND revision = %(revision)s
    RETURNING id
), moved AS (
    SELECT written.id FROM written, before WHERE before.keys <> %(keys)s
), now AS (
    SELECT DISTINCT index, key FROM unnest(%(indexes)s::text[], %(hashes)s::text[]) AS place (index, key)
), unmarked AS (
    DELETE FROM record_keys
    USING moved
    WHERE record_keys.id = moved.id AND (record_keys.index, record_keys.key) NOT IN (SELECT index, key FROM now)
), marked AS (
    INSERT INTO record_keys (index, key, id)
    SELECT now.index, now.key, moved.id FROM now, moved
    ON CONFLICT DO NOTHING
)
SELECT count(*) FROM written
"""

DESTROY: Final = """
WITH written AS (DELETE FROM records WHERE id = %(id)s AND revision = %(revision)s RETURNING id)
SELECT count(*) FROM written
"""  # its keys go with it: they refer to it, ON DELETE CASCADE

PROBE: Final = """
SELECT pg_logical_emit_message(true, 'peersupport', '') WHERE current_setting('transaction_read_only') = 'off'
"""  # nothing, and yet a write: its commit waits for the disk as every other does

CLEAN: Final = "VACUUM (SKIP_LOCKED, INDEX_CLEANUP ON) records, record_keys"

SET_UP: Final = """
SELECT set_config('TimeZone', 'UTC', false),
       set_config('default_transaction_isolation', 'read committed', false),
       set_config('lock_timeout', '2s', false),
       set_config('statement_timeout', '30s', false),
       set_config('idle_in_transaction_session_timeout', '10s', false),
       CASE WHEN current_setting('synchronous_commit') = 'off' THEN set_config('synchronous_commit', 'on', false) END
"""  # acknowledged means written, whatever the server's default is


def written(change: Record | Gone) -> tuple[str, Mapping[str, Any]]:
    """How this change is written, and with what."""
    if isinstance(change, Gone):
        return DESTROY, {"id": change.id, "revision": change.revision}
    places = [(index, key) for index, keys in change.keys.items() for key in keys]
    return CHANGE if change.revision else ADD, {
        "id": change.id,
        "kind": change.kind,
        "stage": change.stage,
        "due": change.due,
        "day": change.day,
        "revision": change.revision,
        "shape": change.shape,
        "keys": Jsonb({index: list(keys) for index, keys in change.keys.items()}),
        "indexes": [index for index, _ in places],
        "hashes": [key for _, key in places],
        "sealed": change.sealed,
    }


Row = tuple[str, str, str, datetime | None, date, int, int, Mapping[str, Sequence[str]], bytes]


def record(row: Row) -> Record:
    """A row of LOAD, as the record it is."""
    id, kind, stage, due, day, revision, shape, keys, sealed = row
    at = due.astimezone(UTC) if due else None
    return Record(id, kind, stage, at, day, revision, shape, {name: tuple(held) for name, held in keys.items()}, sealed)
