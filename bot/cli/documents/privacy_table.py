"""Prints docs/privacy.md, and its excerpt in the README, from the table of who can read what; a test compares them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from bot.rendering import PLATFORMS, Renderer
from conversations import privacy
from conversations.model import Programme
from conversations.privacy import Verdict

COLUMNS: Final = (*privacy.READERS[:-1], *PLATFORMS)
"""The readers, with a column for the export of each platform in place of one for exports."""
NO: Final = "\u2013"
"""A dash that is long enough to be seen in a table."""
OWN: Final = frozenset(map(privacy.why_key, ("own-offer", "own-answer")))
EXCERPT: Final = ("typed", "ticked", "offer", "declined", "unnamed", "shared-name", "line", "answer")


def page(programme: Programme) -> str:
    """Return the whole page for these settings: a table for each group, and the reasons that its cells name."""
    words = Renderer.load(programme)
    found: dict[str, int] = {}
    parts = [_INTRODUCTION]
    for group, things in privacy.GROUPS.items():
        parts += [f"## {words.text(privacy.group_key(group))}", "\n".join(_table(words, things, found))]
    parts += ["## Why", "\n".join(f"{number}. {sentence}" for sentence, number in found.items())]
    return "\n\n".join(parts) + "\n"


def excerpt(programme: Programme) -> str:
    """Return the rows that matter most, without reasons. "own" means: each only their own."""
    return "\n".join(_table(Renderer.load(programme), EXCERPT, None)) + "\n"


def why(words: Renderer, verdict: Verdict, platform: str) -> str:
    """Return the reason of a verdict as a sentence."""
    return words.text(verdict.why, platform=PLATFORMS[platform])


def _table(words: Renderer, things: Iterable[str], found: dict[str, int] | None) -> Iterable[str]:
    heads = [words.text(privacy.reader_key(reader)) for reader in privacy.READERS[:-1]]
    yield f"| | {' | '.join((*heads, *(f'{name} export' for name in PLATFORMS.values())))} |"
    yield "|---" * (len(COLUMNS) + 1) + "|"
    for thing in things:
        cells = (_cell(words, _verdict(words.programme, thing, column), column, found) for column in COLUMNS)
        yield f"| {words.text(privacy.thing_key(thing))} | {' | '.join(cells)} |"


def _verdict(programme: Programme, thing: str, column: str) -> Verdict:
    if column in PLATFORMS:
        return privacy.verdicts(thing, programme, column)["export"]
    return privacy.verdicts(thing, programme, "slack")[column]


def _cell(words: Renderer, verdict: Verdict, column: str, found: dict[str, int] | None) -> str:
    mark = "own" if verdict.why in OWN else "✓" if verdict.can else NO
    if found is None:
        return mark
    sentence = why(words, verdict, column if column in PLATFORMS else "slack")
    return f"{mark} {found.setdefault(sentence, len(found) + 1)}"


_INTRODUCTION: Final = """\
# Who can read what

<!-- Written by `python -m tests.project.write_pages`; a test fails when it is out of date. -->

Everything the programme shows or keeps, and who can read it: ✓ yes; *own* each their own only; a dash: no. The number
is that of the reason, [below](#why). In the repository this page is for a hospital with coordinators and someone on
call, where two people may write unnamed; `peersupport config --privacy` prints it for the settings in force.

Readers are parts, and one person may have several: a coordinator who is asked as a peer reads what a peer reads. *IT
with the database* has its file, but neither the root key nor the key ring. Who has all three, or controls the running
server, can read what is open until it is erased; a copy of the file opens for as long as the key of its day is kept.
What two people tell each other elsewhere is not in this table."""
