"""Prints docs/mutants.md: which test notices when a guard is taken out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Final

from tests.mutants.catalogue import GROUPS, ROOT, BackedUp, Mutant, backed_up, mutants

_HEAD: Final = """# Guards, and the tests that notice without them

For whoever reviews this program, or changes it. Printed by `python -m tests.project.write_pages` from
[tests/mutants](../tests/mutants).

`make mutants` takes each of these {count} guards out of a copy of the code, one at a time, and runs the tests named
beside it: at least one of them has to fail. The list also holds the text of each guard, and what it becomes.
"""

_BACKED_UP: Final = """
## Guards behind which another one stands

Without one of these nothing changes that a test could see, so they are not taken out.

| promise | guard in | behind it |
|---|---|---|
"""


def page() -> str:
    """Return the page."""
    found = mutants()
    sections = (_section(group) for group in GROUPS)
    spare = "\n".join(_spare_row(guard) for guard in backed_up())
    return "".join((_HEAD.format(count=len(found)), *sections, _BACKED_UP, spare, "\n"))


def _section(group: str) -> str:
    rows = "\n".join(_row(mutant) for mutant in mutants() if mutant.group == group)
    return f"\n## {group.capitalize()}\n\n| promise | guard in | noticed by |\n|---|---|---|\n{rows}\n"


def _row(mutant: Mutant) -> str:
    return f"| {mutant.promise} | {_where(mutant.file)} | {' · '.join(_links(mutant))} |"


def _spare_row(guard: BackedUp) -> str:
    return f"| {guard.promise} | {_where(guard.file)} | {guard.behind} |"


def _where(file: str) -> str:
    return f"[{PurePosixPath(file).name}](../{file})"


def _links(mutant: Mutant) -> Iterator[str]:
    for test in mutant.killed_by:
        file, name = test.split("::")[0], test.split("::")[-1].partition("[")[0]
        yield (
            f"[{PurePosixPath(file).name}](../{file})"
            if file.endswith(".chat")
            else f"[{name}](../{_home(file, name)})"
        )


def _home(file: str, name: str) -> str:
    """Where a test is written: in its file, or in the contract beside it that its class inherits."""
    here = f"def {name}(" in (ROOT / file).read_text("utf-8")
    return file if here else str(PurePosixPath(file).with_name("contract.py"))
