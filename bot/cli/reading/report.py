"""The commands that print numbers: the programme's report, and how many peers it needs. They read a snapshot; `serve`
may go on meanwhile.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli import command
from bot.cli.backup import storage_failures_refused
from bot.config.settings import Refused, Settings

if TYPE_CHECKING:
    from bot.report.figures import Figures

Out = Annotated[Path | None, typer.Option("--out", help="Write it to this file instead of printing it.")]


class ReportFormat(StrEnum):
    """What a report can be written as."""

    TEXT = "text"
    CSV = "csv"
    HTML = "html"


class SizingFormat(StrEnum):
    """What a sizing can be written as."""

    TEXT = "text"
    HTML = "html"


def report(
    format_: Annotated[ReportFormat, typer.Option("--format", help="What to write it as.")] = ReportFormat.TEXT,
    out: Out = None,
) -> None:
    """Print the programme's report: peers, when they can be asked, and the years that are over; never of a few."""
    with storage_failures_refused():
        from bot.report.formats import FORMATS

        _write(FORMATS[format_](read_figures(command.load_settings(), command.now())), out)


def simulate(
    peers: Annotated[
        int | None, typer.Option("--peers", min=0, help="So many peers at every hour, instead of the roster's.")
    ] = None,
    says_yes: Annotated[
        float, typer.Option("--says-yes", min=0.01, max=0.99, help="How likely one peer who is asked says yes.")
    ] = 0.15,
    format_: Annotated[SizingFormat, typer.Option("--format", help="What to write it as.")] = SizingFormat.TEXT,
    out: Out = None,
) -> None:
    """Print how likely at least one peer says yes at each hour of the week, and how many peers 90 % needs."""
    with storage_failures_refused():
        from bot.report.formats import sizing_to_html, sizing_to_text
        from bot.report.sizing import Sizing, evenly

        week = evenly(peers) if peers is not None else read_figures(command.load_settings(), command.now()).coverage
        sizing = Sizing(week, says_yes)
        _write(sizing_to_html(sizing) if format_ is SizingFormat.HTML else sizing_to_text(sizing), out)


def _write(written: str, out: Path | None) -> None:
    if out is None:
        typer.echo(written, nl=False)
        return
    try:
        out.write_text(written, "utf-8")
    except OSError as problem:
        raise Refused([f"Nothing was written ({problem.strerror}): look at the folder of --out."]) from None


def read_figures(settings: Settings, now: datetime) -> Figures:
    """Return the figures of this installation. Raises what a store or its keys raise."""
    from bot.engine.codec import decode
    from bot.errors import Corrupt, WrittenByNewerVersion
    from bot.keys import unlock
    from bot.report.figures import figures_of
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
    return figures_of(
        registry.roster(peers),
        years,
        invited=invited,
        name=programme.name,
        zone=programme.zone,
        small_cell=programme.small_cell,
        now=now,
    )
