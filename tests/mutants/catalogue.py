"""The catalogue of guards: each can be taken out of the code, and the tests that then fail are named with it.

A guard is a line that keeps a promise, and a mutant is the code without it (mutation testing). A promise whose mutant
no test notices is held by luck. The list is our own and not made by a tool, because a tool changes thousands of lines
that promise nothing.

Each file `*.toml` beside this one is a group; each table in it is a mutant, under a name of its own:

    promise    what the guard keeps, in a sentence
    file       where it stands
    guard      its text, which stands exactly once in that file
    becomes    what the mutant has in its place
    killed_by  the tests that notice, as pytest names them; together they take seconds

`backed_up.toml` explains guards without which nothing changes, since another one stands behind them.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
GROUPS: Final = ("authorisation", "privacy", "durability", "liveness", "configuration")
"""The groups, in the order in which they are listed."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One guard, and the code without it; the fields are those of its table."""

    name: str
    group: str
    promise: str
    file: str
    guard: str
    becomes: str
    killed_by: tuple[str, ...]

    def applied(self, source: str) -> str:
        """Return the source of its file without the guard.

        Raises:
            ValueError: The guard does not stand there exactly once.
        """
        if source.count(self.guard) != 1:
            raise ValueError(f"the guard of {self.name} stands {source.count(self.guard)} times in {self.file}")
        return source.replace(self.guard, self.becomes)


def mutants() -> Sequence[Mutant]:
    """Return every mutant, group by group, in the order of the files."""
    return tuple(
        Mutant(name, group, **{**table, "killed_by": tuple(table["killed_by"])})
        for group in GROUPS
        for name, table in _read(group).items()
    )


@dataclass(frozen=True, slots=True)
class BackedUp:
    """A guard whose mutant no test can notice, and what stands behind it."""

    name: str
    promise: str
    file: str
    guard: str
    behind: str


def backed_up() -> Sequence[BackedUp]:
    """Return every guard behind which another one stands."""
    return tuple(BackedUp(name, **table) for name, table in _read("backed_up").items())


def _read(group: str) -> Mapping[str, dict[str, str]]:
    return tomllib.loads(Path(__file__).with_name(f"{group}.toml").read_text("utf-8"))
