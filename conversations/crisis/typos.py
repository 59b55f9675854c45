"""Finding the word that a mistyped one was meant to be, among the words of the phrases.

As SymSpell does: two close words share a form with a letter or two left out, and these forms of the known words are
made once.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Final

SHORTEST: Final = 3  # letters of a word that may be mistyped; two letters are too close to each other
SURE_FROM: Final = 4  # letters of a word whose first letter may be wrong, too
TWO_EDITS_FROM: Final = 9  # letters of a word in which two slips are taken
LONGEST: Final = 40  # letters; nothing longer is a word


class TypoFinder:
    """The known words, by what is left of each when a letter or two are left out.

    Args:
        known: The words in which a doubled letter counts as one, folded.
        mistyped: Those in which other slips are taken, too.
        own: Words of their own, which are never read as a typo of another.
    """

    def __init__(self, known: Iterable[str], mistyped: Iterable[str], own: Iterable[str]) -> None:
        self._own = frozenset(own)
        self._by_single: dict[str, set[str]] = defaultdict(set)
        self._by_rest: dict[str, tuple[str, ...]] = {}
        for word in known:
            self._by_single[single(word)].add(word)
        for word in mistyped:
            rests = _rests(word, _edits(word))
            shared = [(rest, (*self._by_rest[rest], word)) for rest in self._by_rest.keys() & rests]
            self._by_rest.update(dict.fromkeys(rests, (word,)))  # most are of this word alone
            self._by_rest.update(shared)

    def meant(self, typed: str) -> Iterator[str]:
        """The known words that this one may be a typo of.

        Args:
            typed: A word that is not known itself, folded.
        """
        if typed in self._own or len(typed) > LONGEST:
            return
        yield from self._by_single.get(single(typed), ())
        if len(typed) < SHORTEST:
            return
        found: set[str] = set()
        for rest in _rests(typed, max(1, _edits(typed + "?"))):  # a letter may be missing here
            found.update(self._by_rest.get(rest, ()))
        yield from (word for word in found if _is_typo(typed, word))


def single(word: str) -> str:
    """The word without doubled letters: people type one for two, and two for one."""
    return re.sub(r"(.)\1", r"\1", word)


def distance(one: str, other: str) -> int:
    """How many letters are missing, added, different or swapped with the next between two words."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, left in enumerate(one, 1):
        last, before, row = before, row, [i]
        for j, right in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (left != right))
            if i > 1 and j > 1 and left == other[j - 2] and one[i - 2] == right:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
    return row[-1]


def _is_typo(typed: str, word: str) -> bool:
    """A word with an s is another word, as wants is. In a short word the first letter is right, or swapped."""
    if typed == word + "s" or word == typed + "s":
        return False
    if len(word) < SURE_FROM and typed[0] != word[0] and sorted(typed) != sorted(word):
        return False
    return distance(typed, word) <= _edits(word)


def _edits(word: str) -> int:
    return 0 if len(word) < SHORTEST else 1 if len(word) < TWO_EDITS_FROM else 2


def _rests(word: str, edits: int) -> set[str]:
    rests = {word}
    for _ in range(edits):
        rests |= {rest[:i] + rest[i + 1 :] for rest in rests for i in range(len(rest))}
    return rests
