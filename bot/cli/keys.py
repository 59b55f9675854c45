"""`peersupport keys`: makes a root key, changes it, and says what a lost key ring costs."""

from __future__ import annotations

import asyncio
import base64
import secrets
from typing import Annotated

import typer

from bot import config
from bot.cli import command

app = typer.Typer(help="The root key and the key ring.", no_args_is_help=True)


@app.command("new")
def print_new_key() -> None:
    """Print a new root key. Keep it apart from the store: with both, everything can be read."""
    typer.echo(base64.b64encode(secrets.token_bytes(32)).decode("ascii"))


@app.command("rotate")
def rotate() -> None:
    """Wrap the key ring with the new root key. PEERSUPPORT_ROOT_KEY holds the new one, a comma, and the old one."""
    settings = config.load()
    command.refuse_as_root(settings)
    from bot.keys import unlock

    with command.failures_refused():
        changed = unlock.rewrap_key_ring(settings)
    typer.echo(f"{changed} files of the key ring were wrapped anew; the ring needs only the new root key.")
    typer.echo("Leave only the new key in PEERSUPPORT_ROOT_KEY, restart every `serve`, and destroy the old key.")


@app.command("lost")
def report_loss(
    start_again: Annotated[
        bool, typer.Option("--start-again", help="Destroy what cannot be opened, and begin with a new ring.")
    ] = False,
) -> None:
    """Say what cannot be opened because the key ring is lost. Ends with 1 when there is something."""
    settings = command.load_settings()
    if start_again:
        command.refuse_as_root(settings)
    from bot.keys import recovery

    with command.failures_refused():
        loss = asyncio.run(
            recovery.discard_unreadable(settings, command.now()) if start_again else recovery.assess_loss(settings)
        )
    if not loss:
        typer.echo("Nothing is lost: the store opens with this root key and this key ring.")
        return
    typer.echo(loss.sentence())
    if start_again:
        typer.echo("It is destroyed. Start `serve`, and tell coordinators and peers that they begin anew.")
        return
    typer.echo("Look for the folder of PEERSUPPORT_KEY_RING first: with it everything opens again. If it is gone for")
    typer.echo("good, stop every `serve` and run this with --start-again: it destroys what cannot be opened.")
    raise typer.Exit(1)
