"""What a benchmark is held to."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


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
    return sum(not goal.met for goal in goals)
