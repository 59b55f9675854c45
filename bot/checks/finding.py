"""What a check found: one line, one fix, and an id that never changes.

It is safe to paste anywhere: no secret, no person, no id, no path.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Final, Literal

Status = Literal["ok", "warn", "fail"]
WORST: Final[tuple[Status, ...]] = ("ok", "warn", "fail")


@dataclass(frozen=True, slots=True)
class Finding:
    """One line, and one fix where there is something to fix."""

    id: str
    status: Status
    says: str
    fix: str = ""

    def as_json(self) -> Mapping[str, str]:
        return asdict(self)

    def as_lines(self) -> tuple[str, ...]:
        """For eyes: the line, and below it the fix where one is needed."""
        line = f"{self.status:<5} {self.id:<17} {self.says}"
        return (line, f"      {'':<17} -> {self.fix}") if self.fix and self.status != "ok" else (line,)


def exit_code(findings: Iterable[Finding]) -> int:
    """0 when all is well, 1 when something deserves a look, 2 when something must be repaired."""
    return max((WORST.index(finding.status) for finding in findings), default=0)


def halves(problem: str) -> tuple[str, str]:
    """A refusal is one sentence, "what is wrong: what to do"."""
    says, found, fix = problem.partition(": ")
    return (says + ".", fix[:1].upper() + fix[1:]) if found else (problem, "See docs/settings.md.")
