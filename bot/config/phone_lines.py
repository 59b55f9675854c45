"""Crisis and professional phone lines: a country's, shipped with the programme, and a hospital's own before them.

Each entry carries the date on which it was last dialled, or looked up at its source.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from importlib import resources
from typing import Any

from conversations.model import Line

CHECK_AGAIN = timedelta(days=90)
"""How long a check of a number counts."""


@dataclass(frozen=True, slots=True)
class PhoneLines:
    """The numbers a person can reach.

    Args:
        crisis: The crisis line; empty in a hospital's file: the country's.
        emergency: The emergency number; empty likewise.
        lines: Further lines, in the order they are shown.
        verified_on: The oldest of the dates; None where there is nothing to check.
        crisis_texts: Whether the crisis line takes texts; None where that is not known.
    """

    crisis: str
    emergency: str
    lines: tuple[Line, ...]
    verified_on: date | None
    crisis_texts: bool | None = None

    def overdue(self, today: date) -> bool:
        """Whether a number was last checked longer ago than CHECK_AGAIN."""
        return self.verified_on is not None and today - self.verified_on > CHECK_AGAIN


def parse(text: str) -> PhoneLines:
    """Read a hospital's own file. Raises TOMLDecodeError, or ValueError with words that follow "the file"."""
    return _numbers(tomllib.loads(text))


def numbers(country: str, own: PhoneLines | None = None) -> PhoneLines:
    """The country's numbers with the hospital's put first. Raises KeyError for a country we have no lines for."""
    known = countries()[country]
    if own is None:
        return known
    # what is known of the country's crisis line is not known of the hospital's
    crisis_texts = None if own.crisis else known.crisis_texts
    return PhoneLines(
        crisis=own.crisis or known.crisis,
        emergency=own.emergency or known.emergency,
        lines=own.lines + known.lines,
        verified_on=min((day for day in (known.verified_on, own.verified_on) if day), default=None),
        crisis_texts=crisis_texts if own.crisis_texts is None else own.crisis_texts,
    )


@cache
def countries() -> Mapping[str, PhoneLines]:
    """The countries we have lines for, and these lines."""
    text = resources.files("bot.config").joinpath("phone_lines.toml").read_text("utf-8")
    return {country: _numbers(entry) for country, entry in tomllib.loads(text).items()}


def _numbers(entry: dict[str, Any]) -> PhoneLines:
    if entry.keys() - {"crisis", "crisis_texts", "emergency", "lines", "source", "verified_on"}:
        raise ValueError("holds more than crisis, crisis_texts, emergency, source, verified_on and lines")
    texts, rows = entry.get("crisis_texts"), entry.get("lines", [])
    if not isinstance(texts, bool | None):
        raise ValueError("needs crisis_texts = true or false, without quotes")  # noqa: TRY004  # as below
    if not isinstance(rows, list):
        raise ValueError("must list its lines as [[lines]]")  # noqa: TRY004  # the caller turns ValueError into a refusal
    lines = tuple(Line(name=_words(row, "name"), reach=_words(row, "reach")) for row in rows)
    crisis, emergency = (_words(entry, key) if key in entry else "" for key in ("crisis", "emergency"))
    dates = [_day(each) for each in (*rows, *([entry] if crisis or emergency else ()))]
    return PhoneLines(crisis, emergency, lines, min(dates, default=None), texts)


def _words(row: object, key: str) -> str:
    value = row.get(key) if isinstance(row, dict) else None
    if isinstance(value, str) and value.strip():
        return value.strip()
    raise ValueError(f'needs {key} = "..." in every entry')


def _day(row: dict[str, Any]) -> date:
    value = row.get("verified_on")
    if type(value) is date:
        return value
    raise ValueError("needs verified_on = YYYY-MM-DD in every entry: the day it was last dialled, or looked up")
