"""`peersupport db`: makes and shows the tables in PostgreSQL."""

from __future__ import annotations

import typer

from bot.cli import command
from bot.config.parsers import Postgres

app = typer.Typer(help="The tables in PostgreSQL; the embedded store has none.", no_args_is_help=True)


@app.command("upgrade")
def upgrade() -> None:
    """Create or change the tables in PostgreSQL as this version needs them: all or nothing, and safe to repeat."""
    if (url := _database()) is None:
        return
    from bot.store.postgres import connection, migrate

    with command.failures_refused():
        number = migrate.upgrade(url)
    typer.echo(connection.describe_schema(number))


@app.command("current")
def show_current() -> None:
    """Show which schema PostgreSQL has. Ends with 1 where this version needs another."""
    if (url := _database()) is None:
        return
    from bot.store.postgres import connection

    with command.failures_refused():
        found = connection.inspect_server(url)
    typer.echo(found.problem() or connection.describe_schema(found.schema))
    raise typer.Exit(1 if found.problem() else 0)


def _database() -> str | None:
    """Return PostgreSQL's address, or None, with a sentence printed, where the store is the embedded one."""
    settings = command.load_settings()
    if isinstance(settings.store, Postgres):
        return settings.store.url
    typer.echo("PEERSUPPORT_STORE names the embedded store, which has no tables: there is nothing to do.")
    return None
