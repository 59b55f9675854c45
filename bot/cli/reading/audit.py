"""`peersupport audit`: checks the audit log, and exports it. Both read a snapshot and change nothing."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Final

import typer

from bot.cli import command
from bot.cli.backup import storage_failures_refused
from bot.config.settings import Settings

if TYPE_CHECKING:
    from bot.audit.chain import CheckedChain

app = typer.Typer(help="The log of what coordinators and operators did.", no_args_is_help=True)

BROKEN: Final = 1
"""The exit code where the log is not as it was written."""


class ExportFormat(StrEnum):
    """What the log can be exported as."""

    CSV = "csv"
    JSONL = "jsonl"


@app.command("verify")
def verify_log() -> None:
    """Check that the log is as it was written. Ends with 1, and names the first entry that is not."""
    with storage_failures_refused():
        chain = read_chain(command.load_settings())
    if chain.broken is not None:
        typer.echo(describe_break(chain))
        raise typer.Exit(BROKEN)
    count = len(chain.entries)
    typer.echo(f"{count} {'entry' if count == 1 else 'entries'}, unbroken.")


@app.command("export")
def export(
    format_: Annotated[ExportFormat, typer.Option("--format", help="What to write it as.")] = ExportFormat.CSV,
) -> None:
    """Print every entry with its HMAC. Ends with 1 where the log is not whole; what can be read is printed even so."""
    with storage_failures_refused():
        chain = read_chain(command.load_settings())
    from bot.audit.export import FORMATS

    typer.echo(FORMATS[format_](chain), nl=False)
    if chain.broken is not None:
        typer.echo(describe_break(chain), err=True)
        raise typer.Exit(BROKEN)


def describe_break(chain: CheckedChain) -> str:
    """Return the sentence about a log that is not whole."""
    return (
        f"The log is broken at entry {chain.broken}: it was changed, moved, taken out or put in, or the end of the log "
        "is gone. What stands before it is as it was written."
    )


def read_chain(settings: Settings) -> CheckedChain:
    """Return the checked log of this installation. Raises what a store or its keys raise."""
    from bot.audit.chain import check_chain
    from bot.keys import unlock
    from bot.store.snapshot import open_snapshot

    vault = unlock.open_vault_read_only(settings)
    with open_snapshot(settings.store, vault) as found:
        return check_chain((record for batch in found.batches for record in batch), vault)
