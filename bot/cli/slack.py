"""`peersupport slack-manifest`: prints the manifest of our Slack app."""

from __future__ import annotations

import json
from typing import Annotated
from urllib.parse import quote

import typer

from bot import config
from bot.cli import command
from bot.config.settings import Refused


def print_manifest(
    http: command.PublicAddress = "",
    socket: Annotated[
        bool, typer.Option("--socket", help="For Socket Mode: we call Slack, and need no public address.")
    ] = False,
    url: Annotated[
        bool, typer.Option("--url", help="Print a link that opens Slack with the manifest filled in.")
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Without reading what people type to the bot.")] = False,
    oauth: Annotated[bool, typer.Option("--oauth", help="To be installed from our own page, in any number.")] = False,
    grid: Annotated[bool, typer.Option("--grid", help="And in a whole organisation of Enterprise Grid.")] = False,
) -> None:
    """Print the manifest with which a Slack administrator makes the app."""
    from adapters.slack.package.manifest import EXAMPLE, PATH, manifest

    if http and socket:
        raise Refused(["--http and --socket exclude each other: with Socket Mode Slack calls no address."])
    command.check_public_address(http, PATH, "Slack")
    if socket and (oauth or grid):
        raise Refused(["--socket is for one workspace: to install in several, leave it out and give --http."])
    if not http and not socket:
        typer.echo(
            f"{EXAMPLE} stands for your public address: give yours with --http, or none with --socket.", err=True
        )
    made = manifest(config.load().name, None if socket else http or EXAMPLE, strict=strict, oauth=oauth, grid=grid)
    if url:
        compact = json.dumps(made, separators=(",", ":"))
        typer.echo(f"https://api.slack.com/apps?new_app=1&manifest_json={quote(compact)}")
    else:
        typer.echo(json.dumps(made, indent=2))
