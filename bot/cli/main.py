"""Composes the command line `peersupport` from the modules beside this one; each loads only what it needs."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Annotated

import typer

from bot import config
from bot.cli import backup, db, demo, doctor, keys, serve, slack, teams
from bot.cli import config as config_command
from bot.cli.command import REFUSED
from bot.cli.reading import audit, report
from bot.config import sources
from bot.config.settings import Refused

app = typer.Typer(
    help="Brings clinicians together with trained colleagues, privately, inside Slack and Microsoft Teams.",
    pretty_exceptions_enable=False,  # a pretty traceback shows local variables
    add_completion=False,
)
app.add_typer(keys.app, name="keys")
app.add_typer(db.app, name="db")
app.add_typer(audit.app, name="audit")
for command in (
    backup.backup,
    backup.verify,
    backup.restore,
    backup.move,
    serve.serve,
    demo.demo,
    doctor.doctor,
    report.report,
    report.simulate,
):
    app.command()(command)
app.command("config")(config_command.show)
app.command("slack-manifest")(slack.print_manifest)
app.command("teams-package")(teams.write_package)


def main() -> None:
    """Run `peersupport`. A refusal is printed as its sentences and ends with exit code 2."""
    try:
        app()
    except Refused as refused:
        typer.echo("\n".join(describe_refusal(refused)), err=True)
        raise SystemExit(REFUSED) from None


def describe_refusal(refused: Refused) -> Sequence[str]:
    """Return its sentences; where one names a setting that is not set, the last says where we looked for settings."""
    *others, last = refused.problems
    present, _, unreadable = sources.read(os.environ, Path(), config.NAMES, sources.find_dotenv())
    named = set(re.findall(r"\b[A-Z]+(?:_[A-Z]+)+\b", " ".join(refused.problems)))
    is_elsewhere = unreadable or named & set(config.NAMES) - present.keys()
    return (*others, f"{last} {sources.describe_search()}" if is_elsewhere else last)


@app.callback(invoke_without_command=True)
def without_command(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
) -> None:
    """Print the version or the help; without any setting, start the playground."""
    if version:
        typer.echo(metadata.version("peersupport"))
    elif context.invoked_subcommand is None and config.load().anything:
        typer.echo(context.get_help())
    elif context.invoked_subcommand is None:
        demo.demo(demo.PORT, no_browser=False, script="")
