"""Replicas: who is woken for a record, and who is looking at it.

`wake` is when somebody is to be woken, `poke` when the Procrastinate job `job` does it (by the server's clock, the rest
by the programme's), `held` until when whoever looks at what is due keeps it from the others. The job's tables are
Procrastinate's own; which of its schemas this is stands in bot/store/pokes.py, and a test says when a newer one needs a
migration here.
"""

from typing import Any

from alembic import op
from procrastinate.schema import SchemaManager

revision = "0002"
down_revision = "0001"


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
    driver.execute(SchemaManager.get_schema())  # many statements, as they are: past SQLAlchemy's own placeholders
