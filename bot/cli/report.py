"""The command that prints the programme's report. It reads a snapshot; `serve` may go on meanwhile."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from bot.cli import command
from bot.cli.backup import storage_failures_refused
from bot.config.settings import Refused, Settings


class Format(StrEnum):
    """What a report can be written as."""

    TEXT = "text"
    CSV = "csv"
    HTML = "html"


def report(
    format_: Annotated[Format, typer.Option("--format", help="What to write it as.")] = Format.TEXT,
    out: Annotated[Path | None, typer.Option("--out", help="Write it to this file instead of printing it.")] = None,
) -> None:
    """Print the programme's report: peers, when they can be asked, and the years that are over; never of a few."""
    with storage_failures_refused():
        written = write_report(command.load_settings(), format_, command.now())
        if out is None:
            typer.echo(written, nl=False)
            return
        try:
            out.write_text(written, "utf-8")
        except OSError as problem:
            raise Refused([f"The report was not written ({problem.strerror}): look at the folder of FILE."]) from None


def write_report(settings: Settings, format_: Format, now: datetime) -> str:
    """Return the report of this installation. Raises what a store or its keys raise."""
    from bot.engine.codec import decode
    from bot.errors import Corrupt, WrittenByNewerVersion
    from bot.keys import unlock
    from bot.report.figures import figures_of
    from bot.report.formats import FORMATS
    from bot.report.weekly import NUMBERS, open_numbers
    from bot.store.snapshot import open_snapshot
    from conversations import registry
    from conversations.numbers import Year
    from conversations.peers.record import INVITED, PeerRecord

    vault, peers, invited = unlock.open_vault_read_only(settings), list[PeerRecord](), 0
    years: tuple[Year, ...] = ()
    with open_snapshot(settings.store, vault) as found:
        for record in (record for batch in found.batches for record in batch):
            if record.kind == NUMBERS:
                years = open_numbers(record, vault).years
            if record.kind == registry.ROSTER:
                invited += record.stage == INVITED
                try:
                    peers.append(decode(record, vault).conversation)
                except (Corrupt, WrittenByNewerVersion):
                    continue  # one that does not open keeps no one from the report; `verify` names it
    programme = settings.programme()
    figures = figures_of(
        registry.roster(peers),
        years,
        invited=invited,
        name=programme.name,
        zone=programme.zone,
        small_cell=programme.small_cell,
        now=now,
    )
    return FORMATS[format_](figures)
