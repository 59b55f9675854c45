"""What a benchmark is held to."""

from __future__ import annotations

import json
import os
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

RECORD = "BENCH_GOALS"  # in the environment: a file that the goals are added to, a line of JSON each


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure and what it should be."""

    what: str
    value: float
    goal: float
    at_least: bool = False

    @property
    def met(self) -> bool:
        return self.value >= self.goal if self.at_least else self.value <= self.goal

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"met": self.met}

    def __str__(self) -> str:
        sign = "≥" if self.at_least else "≤"
        return f"{self.what:52}{self.value:8.3f}   goal {sign} {self.goal:<6.3g}{'met' if self.met else 'MISSED'}"


def ratio(ones: Sequence[float], others: Sequence[float]) -> float:
    """The median of the ratios within each round."""
    return statistics.median(one / other for one, other in zip(ones, others, strict=True))


def missed(goals: Sequence[Goal]) -> int:
    """Print them all, and count those that were missed."""
    print()
    for goal in goals:
        print(goal)
    if path := os.environ.get(RECORD):
        with Path(path).open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(asdict(goal)) + "\n" for goal in goals)
    return sum(not goal.met for goal in goals)
