"""`peersupport config`: the settings in force, or the two documents that are printed from the code."""

from __future__ import annotations

from typing import Annotated

import typer

from bot import config
from bot.config import sources


def show(
    markdown: Annotated[bool, typer.Option("--markdown", help="Print the table of docs/settings.md instead.")] = False,
    privacy: Annotated[
        bool, typer.Option("--privacy", help="Print who can read what under these settings instead.")
    ] = False,
) -> None:
    """Show the settings in force and where each came from; secrets are masked."""
    if markdown:
        from bot.cli.documents import settings_table

        typer.echo(settings_table.page(), nl=False)
        return
    if privacy:
        from bot.cli.documents import privacy_table

        typer.echo(privacy_table.page(config.load().programme()), nl=False)
        return
    rows = config.load().effective()
    names, values = (max(map(len, column)) for column in zip(*((row.name, row.value) for row in rows), strict=True))
    for row in rows:
        typer.echo(f"{row.name:<{names}}  {row.value:<{min(values, 40)}}  {row.source}")
    typer.echo(sources.describe_search(), err=True)
