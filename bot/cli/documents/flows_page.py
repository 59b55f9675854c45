"""Prints how conversations go, from their tables: the page docs/flows.md."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from bot.rendering import Renderer
from conversations.flow import FORGOTTEN, Flow, Row
from conversations.model import Chose, Elapsed, Opened, Programme, Unreached
from conversations.registry import ENTRIES

INTRODUCTION: Final = (
    "Printed from the tables in `conversations/`; a test fails when this page is not current:\n"
    "`python -m tests.project.write_pages` prints it again. In brackets stands what nobody presses: a timer that runs\n"
    "out, or a message of another conversation."
)


def page() -> str:
    """The whole page: a drawing and a table of each kind of conversation that has a title."""
    renderer = Renderer.load(Programme())
    parts = ["# How conversations go", INTRODUCTION]
    for entry in ENTRIES.values():
        if entry.title:
            drawing = "\n".join(_drawing(entry.flow, renderer))
            parts += [f"## {entry.title}", f"```mermaid\n{drawing}\n```", "\n".join(_table(entry.flow, renderer))]
    return "\n\n".join(parts) + "\n"


def _drawing(flow: Flow[Any], renderer: Renderer) -> Iterator[str]:
    """Who moves where, and by what; staying is not drawn."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for row in flow.rows:
        for stage in row.stages:
            for target in row.targets(stage) - {stage}:
                arrows.setdefault((stage, target), []).append(_because(row, renderer))
    order = [str(stage) for stage in flow.stages]
    yield "stateDiagram-v2"
    yield f"    [*] --> {order[0]}"
    for before, after in sorted(arrows, key=lambda arrow: (order.index(arrow[0]), order.index(arrow[1]))):
        yield f"    {before} --> {after}: {' / '.join(arrows[before, after])}"
    yield f"    {FORGOTTEN} --> [*]"


def _because(row: Row[Any], renderer: Renderer) -> str:
    """Why an arrow is drawn, as the people in it would say."""
    event, what = row.trigger
    if event is Chose:
        return renderer.text(f"button-{what}")
    if event is Elapsed:
        return f"({what})"
    if event is Opened:
        return "types a word"
    return "(cannot be reached)" if event is Unreached else f"({event.__name__})"


def _table(flow: Flow[Any], renderer: Renderer) -> Iterator[str]:
    """Every row: the stage, who, what they press, what runs out or is told, where it leads, and which function."""
    yield "| stage | who | says, or what happens | leads to | by |"
    yield "|---|---|---|---|---|"
    for row in flow.rows:
        stages = ", ".join(row.stages)
        who = ", ".join(role.name for role in row.by) or "-"
        targets = ", ".join("the same" if not isinstance(target, str) else target for target in row.to)
        yield f"| {stages} | {who} | {_because(row, renderer)} | {targets} | `{row.do.__name__}` |"
