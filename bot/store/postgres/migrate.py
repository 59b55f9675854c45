"""Creates and upgrades the tables in PostgreSQL with Alembic, by one process at a time."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import psycopg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from bot.errors import DatabaseUnavailable, NotServable
from bot.store.postgres.connection import (
    OLDEST_SERVER,
    SCHEMA_VERSION,
    compatibility_comment,
    connect,
    inspect_server,
    to_unavailable,
)

_LOCK: Final = 7_331_019_041  # identifies our lock among the database's advisory locks; any number would do


def upgrade(url: str) -> int:
    """Upgrade the schema to what this release needs, in one transaction; of two processes the second one waits.

    Returns:
        The schema number afterwards. A newer schema on which this release works is left as it is.

    Raises:
        NotServable: The server is too old, or the database is another program's.
        DatabaseUnavailable: The server does not answer, or refuses.
    """
    before = inspect_server(url)
    if before.version < OLDEST_SERVER or before.schema < 0 or (before.schema > SCHEMA_VERSION and before.problem()):
        raise NotServable(before.problem())
    if before.schema > SCHEMA_VERSION:
        return before.schema
    engine = create_engine("postgresql+psycopg://", creator=lambda: connect(url), poolclass=NullPool)
    try:
        with engine.connect() as connection, connection.begin():
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            command.upgrade(_alembic_config(connection=connection), "head")
            connection.execute(text(compatibility_comment(oldest_compatible_schema())))
    except DBAPIError as error:
        cause = error.orig
        raise (to_unavailable(cause) if isinstance(cause, psycopg.Error) else DatabaseUnavailable()) from None
    finally:
        engine.dispose()
    return inspect_server(url).schema


def current_schema(url: str) -> int:
    """Return the schema's number; 0 where there is none. Raises as `upgrade` does."""
    return inspect_server(url).schema


def newest_migration() -> str:
    """Return the number of this release's last migration."""
    return ScriptDirectory.from_config(_alembic_config()).get_current_head() or ""


def oldest_compatible_schema() -> int:
    """Return the oldest schema number whose releases work on ours; each migration states it as `works_for`."""
    scripts = ScriptDirectory.from_config(_alembic_config()).walk_revisions()
    return max(int(script.module.works_for) for script in scripts)


def _alembic_config(**attributes: object) -> Config:
    found = Config(attributes=attributes)
    found.set_main_option("script_location", str(Path(__file__).parents[1] / "migrations").replace("%", "%%"))
    return found
