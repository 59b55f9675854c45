"""Replicas: when to wake one of them for a record, and which of them is working on it.

`wake` is when a replica should be woken, and `poke` when the Procrastinate job `job` does it: by the server's clock,
while the other times are the programme's. `held` is until when a record is leased to one replica. The table of jobs is
Procrastinate's own. Which of its schema versions this is stands in bot/store/postgres/wake_jobs.py, and a test fails
when a newer one needs a migration here.
"""

from typing import Any

from alembic import op
from procrastinate.schema import SchemaManager

revision = "0002"
down_revision = "0001"
works_for = 2  # an older release fills none of these columns, and takes itself to be alone


def upgrade() -> None:
    op.execute("""
        ALTER TABLE records
            ADD COLUMN wake timestamptz,
            ADD COLUMN poke timestamptz,
            ADD COLUMN job  bigint,
            ADD COLUMN held timestamptz
    """)
    op.execute("UPDATE records SET wake = due WHERE due IS NOT NULL")
    driver: Any = op.get_bind().connection.dbapi_connection
    driver.execute(SchemaManager.get_schema())  # many statements, which SQLAlchemy's placeholders would break
