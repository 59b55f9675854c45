"""What a check reports: a status, a line, a fix, and an id that never changes.

It is safe to paste anywhere: it holds no secret, no person, no id of theirs and no path.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Final, Literal

Status = Literal["ok", "warn", "fail"]
STATUSES: Final[tuple[Status, ...]] = ("ok", "warn", "fail")
"""From best to worst; the index of each is its number in exit codes and metrics."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found: `says` is one sentence, and `fix` what to do where there is something to fix."""

    id: str
    status: Status
    says: str
    fix: str = ""

    def as_json(self) -> Mapping[str, str]:
        """Return it as `doctor --json` prints it."""
        return asdict(self)

    def as_lines(self) -> tuple[str, ...]:
        """Return the lines a person reads: the finding, and below it the fix where one is needed."""
        line = f"{self.status:<5} {self.id:<17} {self.says}"
        return (line, f"      {'':<17} -> {self.fix}") if self.fix and self.status != "ok" else (line,)


def exit_code(findings: Iterable[Finding]) -> int:
    """Return 0 when all is well, 1 when there is a warning, 2 when something failed."""
    return max((STATUSES.index(finding.status) for finding in findings), default=0)


def split_problem(problem: str) -> tuple[str, str]:
    """Split a refusal, which reads "what is wrong: what to do", into a finding's sentence and its fix."""
    says, found, fix = problem.partition(": ")
    return (says + ".", fix[:1].upper() + fix[1:]) if found else (problem, "See docs/settings.md.")
