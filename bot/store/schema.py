"""The tables in PostgreSQL: how they come to be, by Alembic, and nobody else at the same time."""

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

from bot.store.base import NoAnswer, Unfit
from bot.store.server import OLDEST, SCHEMA, connect, failure, look, works_for

_LOCK: Final = 7_331_019_041  # ours among the advisory locks of this database; any number nobody else uses


def upgrade(url: str) -> int:
    """Bring the schema to what this version needs, all of it or nothing; two at once do it one after the other.

    Returns the number it has now; a newer one on which this version works is left as it is. Raises NoAnswer, and Unfit
    for a server that is too old or not ours.
    """
    before = look(url)
    if before.version < OLDEST or before.schema < 0 or (before.schema > SCHEMA and before.unfit()):
        raise Unfit(before.unfit())
    if before.schema > SCHEMA:
        return before.schema
    engine = create_engine("postgresql+psycopg://", creator=lambda: connect(url), poolclass=NullPool)
    try:
        with engine.connect() as connection, connection.begin():
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            command.upgrade(_migrations(connection=connection), "head")
            connection.execute(text(works_for(oldest())))
    except DBAPIError as error:
        cause = error.orig
        raise (failure(cause) if isinstance(cause, psycopg.Error) else NoAnswer()) from None
    finally:
        engine.dispose()
    return look(url).schema


def current(url: str) -> int:
    """The number of the schema as it is; 0 where there is none. Raises NoAnswer, Unfit."""
    return look(url).schema


def newest() -> str:
    """The last migration of this version."""
    return ScriptDirectory.from_config(_migrations()).get_current_head() or ""


def oldest() -> int:
    """The oldest schema whose programmes may go on working on ours: each migration says it of itself (`works_for`)."""
    scripts = ScriptDirectory.from_config(_migrations()).walk_revisions()
    return max(int(script.module.works_for) for script in scripts)


def _migrations(**attributes: object) -> Config:
    found = Config(attributes=attributes)
    found.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    return found
