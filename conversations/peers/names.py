"""Whether a name that a clinician typed may be what a directory calls a person.

People write names as they remember them: without accents, the surname alone, an initial, the other way round. A match
too many costs one peer who could have been asked; a match too few shows a clinician's need to the very person they
wanted to leave out. So in doubt a name fits. Nicknames and other alphabets are not guessed, and the clinician reads so.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable
from functools import lru_cache
from itertools import combinations
from typing import Final

MOST: Final = 10
"""How many names a clinician may leave out."""

_LONGEST = 80  # characters of one name
_BETWEEN = re.compile(r"[\n;&+/|]|\b(?:and|or|y)\b", re.IGNORECASE)
_REMARK = re.compile(r"\([^)]*\)?|(?<=\S)\s(?:the|from|in|at|on|with|who|not)\b.*", re.IGNORECASE | re.DOTALL)
_INITIALS = (2, 3)  # letters of a word that may be initials written together
_ACCOUNT = 4  # letters of a single word from which on it may be an initial and a surname, as in an account's name
_APOSTROPHES = re.compile(r"['\u2018\u2019\u02bc\u02bb`\u00b4]")
_LETTERS = str.maketrans(
    {
        "ø": "o",
        "ł": "l",
        "đ": "d",
        "ð": "d",
        "þ": "th",
        "æ": "ae",
        "œ": "oe",
        "\u0131": "i",
        "ħ": "h",
        "ŧ": "t",
        "ŋ": "n",
    }
)
_SPELT_OUT = (("ae", "a"), ("oe", "o"), ("ue", "u"), ("aa", "a"))  # as in Mueller for Müller
_TITLES = frozenset(
    (
        *("dr", "prof", "professor", "doctor", "mr", "mrs", "ms", "mx", "miss", "sir", "nurse", "sister", "my", "the"),
        *(
            "md",
            "rn",
            "phd",
            "msn",
            "bsn",
            "dnp",
            "frcp",
            "mrcp",
            "jr",
            "sr",
            "ii",
            "iii",
            "no",
            "not",
            "anyone",
            "called",
        ),
    )
)
_IDEOGRAPHS = "\u2e80"  # from here on, scripts that write a name without a space inside


def typed(text: str) -> tuple[str, ...]:
    """The names in what was typed: one a line, or between commas where all stand on one line. There may be too many."""
    lines = [part for part in _BETWEEN.split(text) if part.strip()]
    parts = lines if len(lines) > 1 else [part for line in lines for part in line.split(",")]
    return tuple(dict.fromkeys(name for part in parts if _words(name := " ".join(part.split())[:_LONGEST])))


def fits(names: Iterable[str], directory: Collection[str]) -> bool:
    """Whether one of these typed names may be this person's.

    Args:
        names: As `typed` returns them.
        directory: What directories call the person: their name, a display name, their name on another platform.
    """
    called = [words for words in map(_words, directory) if words]
    several = [words for words in called if len(words) > 1]
    return any(
        _within(words, theirs) or (theirs in (several or called) and _within(theirs, words)) or _same_run(words, theirs)
        for name in names
        for words in _readings(name)
        for theirs in called
        if words
    )


def _readings(name: str) -> set[tuple[str, ...]]:
    """The words of a typed name in every way it may be meant: without a remark, by initials, as an account's name."""
    found = {_words(part) for part in (name, *name.split(","), _REMARK.sub("", name))}
    for words in tuple(found):
        for at, word in enumerate(words):
            if len(word) in _INITIALS and word[0] < _IDEOGRAPHS:
                found.add((*words[:at], *word, *words[at + 1 :]))
        if len(words) == 1 and len(words[0]) >= _ACCOUNT:
            found.add((words[0][0], words[0][1:]))
    return found


def full(directory: Iterable[str]) -> tuple[str, ...]:
    """Of the names of one person those of more than one word, if there are any: a first name alone is many people's."""
    called = tuple(directory)
    return tuple(name for name in called if len(_words(name)) > 1) or called


def _within(some: tuple[str, ...], all_: tuple[str, ...]) -> bool:
    """Whether each of these words is one of the others, as itself or as an initial, and one of them as itself."""
    left, whole = list(all_), 0
    for word in sorted(some, key=len, reverse=True):
        same = next((other for other in left if _alike(word, other)), None)
        found = same or next((other for other in left if _initial(word, other) or _initial(other, word)), None)
        if found is None:
            return False
        left.remove(found)
        whole += same is not None and not _is_initial(word)
    return whole > 0


def _same_run(some: tuple[str, ...], others: tuple[str, ...]) -> bool:
    """Whether one is written in fewer words than the other: *De Luca* and *DeLuca*, *Mary-Ann* and *Maryann*."""
    return _runs_together(some, others) or _runs_together(others, some)


def _runs_together(whole: tuple[str, ...], words: tuple[str, ...]) -> bool:
    ends = combinations(range(len(words) + 1), 2)
    return any("".join(words[start:end]) == "".join(whole) for start, end in ends if end - start != len(whole))


def _alike(word: str, other: str) -> bool:
    if word[0] >= _IDEOGRAPHS:
        return word in other or other in word
    return not _spellings(word).isdisjoint(_spellings(other))


def _initial(letter: str, word: str) -> bool:
    return _is_initial(letter) and word.startswith(letter)


def _is_initial(word: str) -> bool:
    return len(word) == 1 and word.upper() != word


@lru_cache(maxsize=4096)
def _words(name: str) -> tuple[str, ...]:
    """The words of a name without case, accents, marks and titles; a name that is all titles keeps them."""
    plain = unicodedata.normalize("NFKD", _APOSTROPHES.sub("", name).casefold().translate(_LETTERS))
    bare = "".join(c for c in plain if not unicodedata.combining(c))
    words = "".join(c if unicodedata.category(c)[0] in "LM" else " " for c in bare).split()
    return tuple(word for word in words if word not in _TITLES) or tuple(words)


@lru_cache(maxsize=4096)
def _spellings(word: str) -> frozenset[str]:
    shorter = word
    for long, short in _SPELT_OUT:
        shorter = shorter.replace(long, short)
    return frozenset((word, shorter))
