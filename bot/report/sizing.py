"""How many peers a programme needs: the chance that at least one of those who can be asked says yes, block by block."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log
from typing import Final

from bot.report.figures import BLOCKS, DAYS

SAYS_YES: Final = 0.15
"""How likely one peer who is asked says yes, where nothing better is known: an assumption, not a measurement."""

GOAL: Final = 0.9
"""The chance of a yes that a block should have."""


@dataclass(frozen=True, slots=True)
class Sizing:
    """A week, block by block.

    Attributes:
        peers: By day of the week and block of three hours, how many peers can be asked.
        says_yes: How likely one peer who is asked says yes, between 0 and 1.
        goal: The chance of at least one yes that each block should have.
    """

    peers: tuple[tuple[int, ...], ...]
    says_yes: float = SAYS_YES
    goal: float = GOAL

    @property
    def chances(self) -> tuple[tuple[float, ...], ...]:
        """The chance of at least one yes in each block: 1 - (1 - p)^n."""
        return tuple(tuple(1 - (1 - self.says_yes) ** number for number in day) for day in self.peers)

    @property
    def needed(self) -> int:
        """How many peers must be free to be asked in a block for it to reach the goal."""
        return 1 if self.says_yes >= self.goal else ceil(log(1 - self.goal) / log(1 - self.says_yes))

    @property
    def missing(self) -> tuple[tuple[int, ...], ...]:
        """How many more peers each block needs."""
        return tuple(tuple(max(0, self.needed - number) for number in day) for day in self.peers)

    @property
    def blocks_that_reach_it(self) -> int:
        """How many of the blocks of the week reach the goal."""
        return sum(number >= self.needed for day in self.peers for number in day)


def evenly(peers: int) -> tuple[tuple[int, ...], ...]:
    """The same number of peers in every block of the week, where no hours are known yet."""
    return ((peers,) * BLOCKS,) * len(DAYS)
