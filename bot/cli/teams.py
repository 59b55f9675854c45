"""`peersupport teams-package`: writes the app package for Teams."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path
from typing import Annotated

import typer

from bot import config
from bot.cli import command
from bot.config.settings import Refused


def write_package(
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where to write the zip.")],
    http: command.PublicAddress = "",
) -> None:
    """Write the zip that a Teams administrator uploads: manifest and icons."""
    from adapters.teams.package.build import EXAMPLE, LONGEST_NAME, PATH, package

    command.check_public_address(http, PATH, "Teams")
    settings = config.load()
    if not settings.teams_client_id:
        raise Refused(
            ["TEAMS_CLIENT_ID is not set: make the bot first (README.md, Setting up Teams) and put its id there."]
        )
    if len(settings.name) > LONGEST_NAME:
        raise Refused([f"PEERSUPPORT_NAME is longer than the {LONGEST_NAME} characters Teams shows: shorten it."])
    if not http:
        typer.echo(f"{EXAMPLE} stands for your public address: give yours with --http.", err=True)
    made = package(settings.teams_client_id, settings.name, http or EXAMPLE, metadata.version("peersupport"))
    try:
        out.write_bytes(made)
    except OSError as problem:
        raise Refused([f"--out names a file that cannot be written ({problem.strerror}): name another."]) from None
