"""The words that bring the crisis card: ours in each language, and a hospital's own beside them."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Any, Final

from conversations.crisis.listener import Listener
from conversations.crisis.phrases import CrisisPhrases
from conversations.crisis.spelling import words

LANGUAGES: Final = ("en", "es")
"""People may type in any of these, whatever language they read."""


def parse(text: str) -> tuple[str, ...]:
    """Read a hospital's own file: a phrase a line; lines that begin with # are left out.

    Raises ValueError with words that follow "the file".
    """
    phrases = tuple(_lines(text))
    if not phrases:
        raise ValueError("holds no phrase: write one a line")
    skipped = {word for lists in shipped() for each in (*lists.skipped, *lists.between) for word in words(each)}
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip() in phrases and skipped.issuperset(words(line)):
            raise ValueError(f"has nothing to hear in line {number}: it holds only words such as to, the and still")
    return phrases


def _lines(text: str) -> list[str]:
    lines = [line.strip() for line in text.splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


def listener(own: tuple[str, ...] = ()) -> Listener:
    """What hears our phrases and these; made once for each set of them."""
    return _listener(own)


@cache
def _listener(own: tuple[str, ...]) -> Listener:
    return Listener(shipped(), own)


@cache
def shipped() -> tuple[CrisisPhrases, ...]:
    """Our lists, one for each language."""
    return tuple(_lists(language) for language in LANGUAGES)


def _lists(language: str) -> CrisisPhrases:
    folder = resources.files("conversations").joinpath("texts", language)
    lists = tomllib.loads(folder.joinpath("crisis.toml").read_text("utf-8"))
    common_words = " ".join(_lines(folder.joinpath("common_words.txt").read_text("utf-8"))).split()
    alike, sounds, groups = lists.pop("alike"), lists.pop("sounds", []), lists.pop("groups", {})
    return CrisisPhrases(
        common_words=tuple(common_words),
        alike=alike,
        sounds=tuple((written, read) for written, read in sounds),
        groups=groups,
        **{name: tuple(_every_word(entry)) for name, entry in lists.items()},
    )


def _every_word(entry: Any) -> list[str]:
    """A list, or the lists of a table one after another: its headings are for who reads the file."""
    return [word for part in entry.values() for word in part] if isinstance(entry, dict) else entry
