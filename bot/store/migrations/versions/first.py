"""The records, and the index over their keyed hashes.

`keys` in a record says under which keyed hashes it is found, and `record_keys` is the index over them. It is a table
with B-trees because a GIN index never removes a key, and would keep the hash of a person who was forgotten. Text is
compared by its bytes (COLLATE "C"), so that a new C library under the server corrupts no index. Ciphertext is stored
uncompressed, since it does not compress.
"""

from alembic import op

revision = "0001"
down_revision = None
works_for = 1  # the oldest schema number whose releases work on this schema


def upgrade() -> None:
    op.execute("""
        CREATE TABLE records (
            id       text COLLATE "C" PRIMARY KEY,
            kind     text COLLATE "C" NOT NULL,
            stage    text COLLATE "C" NOT NULL,
            due      timestamptz,
            day      date NOT NULL,
            revision integer NOT NULL CHECK (revision > 0),
            shape    integer NOT NULL,
            keys     jsonb NOT NULL,
            sealed   bytea NOT NULL
        )
    """)
    op.execute("ALTER TABLE records ALTER COLUMN sealed SET STORAGE EXTERNAL")
    op.execute("CREATE INDEX records_due ON records (due, id) WHERE due IS NOT NULL")
    op.execute("CREATE INDEX records_kind ON records (kind)")
    op.execute("""
        CREATE TABLE record_keys (
            index text COLLATE "C" NOT NULL,
            key   text COLLATE "C" NOT NULL,
            id    text COLLATE "C" NOT NULL REFERENCES records ON DELETE CASCADE,
            PRIMARY KEY (index, key, id)
        )
    """)
    op.execute("CREATE INDEX record_keys_id ON record_keys (id)")
