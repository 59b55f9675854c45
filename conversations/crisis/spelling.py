"""Typed text as plain words: without capitals, accents, apostrophes, letters held down and digits for letters.

Phrases go through the same functions, so what is changed here is changed on both sides.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import cache
from typing import Final

_APOSTROPHES: Final = re.compile(r"(?<=\w)(?:['\u2018\u2019\u02bc`\u00b4]+|;(?=(?:d|ll|m|re|s|t|ve)\b))(?=\w)")
_HIDDEN: Final = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060\ufeff*]")  # what splits a word unseen, or masks it
_END: Final = re.compile(r"(?<![.!?])[.!?](?=\s|$)|;|\n\s*\n|[\u00bf\u00a1]")  # three dots end nothing
_WORD: Final = re.compile(r"(?:[^\W_]|(?<=[^\W_])[@$!|](?=[^\W_]))+")
_REPEATED: Final = re.compile(r"([^\W\d_])\1{2,}")
_RUN: Final = 3  # letters that stand alone and are one word; "i u" are two words
_DIGITS: Final = str.maketrans("0134578@$!|", "oieastbasii")
_MIXED: Final = re.compile(r"[^\W\d_].*[\d@$!|]|[\d@$!|].*[^\W\d_]")


def clauses(text: str) -> Iterator[list[str]]:
    """The words of each sentence, folded. Nothing of it is kept.

    Args:
        text: Anything that was typed.
    """
    return _clauses(text, _folded)


def _clauses(text: str, folded: Callable[[str], str]) -> Iterator[list[str]]:
    if not text.isascii():
        text = "".join(mark for mark in unicodedata.normalize("NFKD", text) if not unicodedata.combining(mark))
    plain = _APOSTROPHES.sub("", _HIDDEN.sub("", text.casefold()))
    for clause in _END.split(plain):
        yield [folded(word) for word in _spelled_out(_WORD.findall(clause))]


@cache
def words(phrase: str) -> tuple[str, ...]:
    """The words of one phrase, folded; where it ends a sentence does not matter. Nothing typed is read by this."""
    plain = phrase.casefold().split()
    if phrase.isascii() and all(map(str.isalpha, plain)) and sum(len(word) == 1 for word in plain) < _RUN:
        return tuple(map(_folded_once, plain))  # most are: nothing to take out, and nothing spelled out
    return tuple(word for clause in _clauses(phrase, _folded_once) for word in clause)


def _spelled_out(found: list[str]) -> Iterator[str]:
    """Three and more letters that stand alone are one word: s u i c i d e."""
    alone = ""
    for word in [*found, ""]:
        if len(word) == 1:
            alone += word
            continue
        yield from [alone] if len(alone) >= _RUN else alone
        alone = ""
        if word:
            yield word


def _folded(word: str) -> str:
    if _MIXED.search(word):
        word = word.translate(_DIGITS)
    return _REPEATED.sub(r"\1\1", word)


_folded_once = cache(_folded)
"""The same for the words of phrases, which are few and come again and again."""
