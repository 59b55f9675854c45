"""Every statement of the PostgreSQL store, and the conversion between records and rows.

A write is one statement for each record, which returns a row only if it took place: its revision was the one that was
read. So several records are saved in one round trip, and a stale one is noticed by its missing row. Statements that
change a record return the Procrastinate job that stands for it (`job`) and when it runs by the server's clock (`poke`).

Columns keep the names that earlier releases gave them: `held` is until when a record is leased, and `poke` is when its
wake job runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, Final

from psycopg.types.json import Jsonb

from bot.store.base import Deletion, Record

_COLUMNS: Final = "id, kind, stage, due, day, revision, shape, keys, sealed"

LOAD: Final = f"SELECT {_COLUMNS} FROM records WHERE id = %(id)s"  # noqa: S608  only names of ours
LOAD_ALL: Final = f"SELECT {_COLUMNS} FROM records WHERE id = ANY(%(ids)s)"  # noqa: S608
CLAIM: Final = """
UPDATE records SET held = %(before)s + %(lease)s
FROM (
    SELECT id FROM records
    WHERE due <= %(before)s AND (held IS NULL OR held <= %(before)s) AND id <> ALL(%(exclude)s)
    ORDER BY due, id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
) AS mine
WHERE records.id = mine.id
RETURNING records.id, records.due
"""  # leases due records; a save ends the lease
RELEASE: Final = "UPDATE records SET held = NULL WHERE id = ANY(%(ids)s) AND held IS NOT NULL"
DUE: Final = "SELECT id FROM records WHERE due <= %(before)s ORDER BY due, id LIMIT %(limit)s"
NEXT_DUE: Final = "SELECT min(due) FROM records"
FIND: Final = "SELECT id FROM record_keys WHERE index = %(index)s AND key = %(key)s ORDER BY id"
ALL_OF_KIND: Final = "SELECT id, xmin::text FROM records WHERE kind = %(kind)s ORDER BY id"
SCAN: Final = f"SELECT {_COLUMNS} FROM records WHERE id > %(after)s ORDER BY id LIMIT %(limit)s"  # noqa: S608

COUNT: Final = "SELECT count(*) FROM records WHERE kind <> 'moved'"
ALL_RECORDS: Final = f"SELECT {_COLUMNS} FROM records ORDER BY id"  # noqa: S608
KINDS: Final = "SELECT DISTINCT kind FROM records"
LOCK_TABLES: Final = "LOCK TABLE records, record_keys IN EXCLUSIVE MODE NOWAIT"
DELETE_ALL: Final = "DELETE FROM records"  # used where only housekeeping is left, or an interrupted filling

INSERT_UNCHANGED: Final = """
WITH written AS (
    INSERT INTO records (id, kind, stage, due, wake, day, revision, shape, keys, sealed)
    VALUES (%(id)s, %(kind)s, %(stage)s, %(due)s, %(due)s, %(day)s, %(revision)s, %(shape)s, %(keys)s, %(sealed)b)
    RETURNING id
)
INSERT INTO record_keys (index, key, id)
SELECT DISTINCT place.index, place.key, written.id
FROM written, unnest(%(indexes)s::text[], %(hashes)s::text[]) AS place (index, key)
"""  # at the revision it has; when to wake for it is not known, and never later than it is due

INSERT: Final = """
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
"""  # no row where the id exists already

UPDATE: Final = """
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

UPDATE_ENDING_JOB: Final = (
    UPDATE.replace("SELECT keys FROM", "SELECT keys, job FROM")
    .replace("sealed = %(sealed)b", "sealed = %(sealed)b, job = NULL, poke = NULL")
    .replace(
        "\n)\nSELECT job, poke FROM written",
        """
), ended AS (
    DELETE FROM procrastinate_jobs
    WHERE id = (SELECT before.job FROM before, written) AND status = 'todo'
)
SELECT job, poke FROM written""",
    )
)
"""The same for what falls due within no hour: its wake job, if there is one that no worker has begun, is deleted.

A job that a sweep sets at this very moment may be left: it finds nothing due, and is deleted.
"""

DELETE: Final = """
WITH written AS (DELETE FROM records WHERE id = %(id)s AND revision = %(revision)s RETURNING id, job, poke)
SELECT job, poke FROM written
"""  # its keys are deleted with it (ON DELETE CASCADE)

SET_WAKE_JOB: Final = "UPDATE records SET job = %(job)s, poke = %(poke)s WHERE id = %(id)s"

WITHOUT_WAKE_JOB: Final = """
SELECT id, wake, job FROM records
WHERE due <= %(until)s AND wake > %(now)s AND wake <= %(until)s AND (poke IS NULL OR poke <= now())
ORDER BY due, id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
"""  # what falls due soon and has no wake job, or one whose time has passed

PROBE: Final = """
SELECT pg_logical_emit_message(true, 'peersupport', '') WHERE current_setting('transaction_read_only') = 'off'
"""  # an empty write: its commit waits for the disk as every other one does

VACUUM: Final = "VACUUM (INDEX_CLEANUP ON) records, record_keys"

NOT_VACUUMED: Final = """
SELECT count(*) FROM pg_class AS t WHERE t.oid IN ('records'::regclass, 'record_keys'::regclass)
  AND NOT pg_has_role(t.relowner, 'USAGE')
  AND NOT EXISTS (SELECT FROM pg_database AS d WHERE d.datname = current_database() AND pg_has_role(d.datdba, 'USAGE'))
  AND NOT CASE WHEN current_setting('server_version_num')::int >= 170000
               THEN has_table_privilege(t.oid, 'MAINTAIN') ELSE false END
"""  # VACUUM skips such a table with no more than a warning: https://www.postgresql.org/docs/current/sql-vacuum.html

HOLDING: Final = """
SELECT 'session ' || pid || ' ' || coalesce(backend_xid, backend_xmin)::text FROM pg_stat_activity
WHERE pid <> pg_backend_pid() AND coalesce(backend_xid, backend_xmin) IS NOT NULL
  AND (datname IS NULL OR datname = current_database()) AND backend_type IS DISTINCT FROM 'autovacuum worker'
UNION ALL SELECT 'slot ' || slot_name || ' ' || xmin::text FROM pg_replication_slots WHERE xmin IS NOT NULL
UNION ALL SELECT 'prepared ' || transaction::text FROM pg_prepared_xacts WHERE database = current_database()
UNION ALL SELECT 'lock ' || pid FROM pg_locks
WHERE granted AND pid <> pg_backend_pid() AND relation IN ('records'::regclass, 'record_keys'::regclass)
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND mode IN ('ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
"""  # what holds a snapshot, or a lock that VACUUM conflicts with: while it does, nothing destroyed since is removed

HELD_FOR_LONG: Final = """
SELECT (SELECT count(*) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()
          AND coalesce(backend_xid, backend_xmin) IS NOT NULL
          AND coalesce(xact_start < now() - interval '1 minute', true))  -- of another user's it may not be shown
     + (SELECT count(*) FROM pg_prepared_xacts
        WHERE database = current_database() AND prepared < now() - interval '1 minute')
"""

SESSION_SETTINGS: Final = """
SELECT set_config('TimeZone', 'UTC', false),
       set_config('default_transaction_isolation', 'read committed', false),
       set_config('lock_timeout', '2s', false),
       set_config('statement_timeout', '30s', false),
       set_config('idle_in_transaction_session_timeout', '10s', false),
       CASE WHEN current_setting('synchronous_commit') = 'off' THEN set_config('synchronous_commit', 'on', false) END
"""  # what is acknowledged must be on the disk, whatever the server's default is


def write_statement(change: Record | Deletion, *, ending_job: bool = False) -> tuple[str, Mapping[str, Any]]:
    """Return the statement that applies a change, and its values.

    Args:
        change: The change.
        ending_job: Whether to delete the wake job of a changed record, too.
    """
    if isinstance(change, Deletion):
        return DELETE, {"id": change.id, "revision": change.revision}
    change_it = UPDATE_ENDING_JOB if ending_job else UPDATE
    return change_it if change.revision else INSERT, record_values(change)


def record_values(change: Record) -> Mapping[str, Any]:
    """Return the values of a record for `INSERT`, `UPDATE` and `INSERT_UNCHANGED`."""
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


def to_record(row: Row) -> Record:
    """Convert a row of `LOAD` to the record it is."""
    id, kind, stage, due, day, revision, shape, keys, sealed = row
    at = due.astimezone(UTC) if due else None
    return Record(id, kind, stage, at, day, revision, shape, {name: tuple(held) for name, held in keys.items()}, sealed)
