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
CLAIM: Final = """
UPDATE records SET held = %(before)s + %(lease)s
FROM (
    SELECT id FROM records
    WHERE due <= %(before)s AND (held IS NULL OR held <= %(before)s) AND id <> ALL(%(beside)s)
    ORDER BY due, id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
) AS mine
WHERE records.id = mine.id
RETURNING records.id, records.due
"""  # whoever looks at what is due takes it for a while; a save gives it back
GIVE_BACK: Final = "UPDATE records SET held = NULL WHERE id = ANY(%(ids)s) AND held IS NOT NULL"
DUE: Final = "SELECT id FROM records WHERE due <= %(before)s ORDER BY due, id LIMIT %(limit)s"
NEXT_DUE: Final = "SELECT min(due) FROM records"
FIND: Final = "SELECT id FROM record_keys WHERE index = %(index)s AND key = %(key)s ORDER BY id"
KIND: Final = "SELECT id, xmin::text FROM records WHERE kind = %(kind)s ORDER BY id"
PAGE: Final = f"SELECT {_COLUMNS} FROM records WHERE id > %(after)s ORDER BY id LIMIT %(limit)s"  # noqa: S608

COUNT: Final = "SELECT count(*) FROM records WHERE kind <> 'moved'"
EVERYTHING: Final = f"SELECT {_COLUMNS} FROM records ORDER BY id"  # noqa: S608
KINDS: Final = "SELECT DISTINCT kind FROM records"
TAKE_ALL: Final = "LOCK TABLE records, record_keys IN EXCLUSIVE MODE NOWAIT"
EMPTY: Final = "DELETE FROM records"  # only housekeeping, or what was begun and not finished

PUT: Final = """
WITH written AS (
    INSERT INTO records (id, kind, stage, due, wake, day, revision, shape, keys, sealed)
    VALUES (%(id)s, %(kind)s, %(stage)s, %(due)s, %(due)s, %(day)s, %(revision)s, %(shape)s, %(keys)s, %(sealed)b)
    RETURNING id
)
INSERT INTO record_keys (index, key, id)
SELECT DISTINCT place.index, place.key, written.id
FROM written, unnest(%(indexes)s::text[], %(hashes)s::text[]) AS place (index, key)
"""  # as it is, at the revision it has; when to wake somebody for it is not known, and never later than it is due

ADD: Final = """
WITH written AS (
    INSERT INTO records (id, kind, stage, due, wake, day, revision, shape, keys, sealed)
    VALUES (%(id)s, %(kind)s, %(stage)s, %(due)s, %(wake)s, %(day)s, 1, %(shape)s, %(keys)s, %(sealed)b)
    ON CONFLICT (id) DO NOTHING
    RETURNING id, job, poke
), marked AS (
    INSERT INTO record_keys (index, key, id)
    SELECT DISTINCT place.index, place.key, written.id
    FROM written, unnest(%(indexes)s::text[], %(hashes)s::text[]) AS place (index, key)
)
SELECT job, poke FROM written
"""  # the poke that stands for it, by the server's clock; no row where nothing was written

CHANGE: Final = """
WITH before AS (
    SELECT keys FROM records WHERE id = %(id)s AND revision = %(revision)s
), written AS (
    UPDATE records
    SET kind = %(kind)s, stage = %(stage)s, due = %(due)s, wake = %(wake)s, held = NULL, day = %(day)s,
        revision = revision + 1, shape = %(shape)s, keys = %(keys)s, sealed = %(sealed)b
    WHERE id = %(id)s AND revision = %(revision)s
    RETURNING id, job, poke
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
SELECT job, poke FROM written
"""

CHANGE_WITHOUT_A_JOB: Final = CHANGE.replace("revision = %(revision)s\n", "revision = %(revision)s AND job IS NULL\n")

DESTROY: Final = """
WITH written AS (DELETE FROM records WHERE id = %(id)s AND revision = %(revision)s RETURNING id, job, poke)
SELECT job, poke FROM written
"""  # its keys go with it: they refer to it, ON DELETE CASCADE

POKED: Final = "UPDATE records SET job = %(job)s, poke = %(poke)s WHERE id = %(id)s"

COMING: Final = """
SELECT id, wake, job FROM records
WHERE due <= %(until)s AND wake > %(now)s AND wake <= %(until)s AND (poke IS NULL OR poke <= now())
ORDER BY due, id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
"""  # what falls due soon and has nobody who will be woken for it

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


def written(change: Record | Gone, *, without_a_job: bool = False) -> tuple[str, Mapping[str, Any]]:
    """How this change is written, and with what; or only where no poke stands for the record."""
    if isinstance(change, Gone):
        return DESTROY, {"id": change.id, "revision": change.revision}
    change_it = CHANGE_WITHOUT_A_JOB if without_a_job else CHANGE
    return change_it if change.revision else ADD, put(change)


def put(change: Record) -> Mapping[str, Any]:
    """The values of a record."""
    places = [(index, key) for index, keys in change.keys.items() for key in keys]
    return {
        "id": change.id,
        "kind": change.kind,
        "stage": change.stage,
        "due": change.due,
        "wake": change.wake,
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
