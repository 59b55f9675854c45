"""Crisis and professional lines are data with a date on which a human checked them; the hospital's own come first."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from importlib import resources
from typing import Any

from conversations.model import Line

CHECK_AGAIN = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Numbers:
    """Whom a person can reach. An empty `crisis` or `emergency` in a hospital's file leaves the country's in force."""

    crisis: str
    emergency: str
    lines: tuple[Line, ...]
    verified_on: date | None  # the oldest of the dates; None where there is nothing to verify
    crisis_texts: bool | None = None  # whether the crisis line takes texts; None: nobody said

    def overdue(self, today: date) -> bool:
        return self.verified_on is not None and today - self.verified_on > CHECK_AGAIN


def parse(text: str) -> Numbers:
    """Read a hospital's own file. Raises ValueError with a sentence that continues "the file ..."."""
    try:
        return _numbers(tomllib.loads(text))
    except tomllib.TOMLDecodeError:
        raise ValueError("is not valid TOML") from None


def numbers(country: str, own: Numbers | None = None) -> Numbers:
    """The country's numbers with the hospital's put first. Raises KeyError for a country we have no lines for."""
    known = _countries()[country]
    if own is None:
        return known
    dates = [day for day in (known.verified_on, own.verified_on) if day is not None]
    return Numbers(
        crisis=own.crisis or known.crisis,
        emergency=own.emergency or known.emergency,
        lines=own.lines + known.lines,
        verified_on=min(dates, default=None),
        crisis_texts=_texts(known, own),
    )


def _texts(known: Numbers, own: Numbers) -> bool | None:
    """What is said of one number says nothing of another: a hospital's own is not texted until the hospital says so."""
    if own.crisis_texts is not None:
        return own.crisis_texts
    return None if own.crisis else known.crisis_texts


def countries() -> tuple[str, ...]:
    return tuple(_countries())


@cache
def _countries() -> dict[str, Numbers]:
    text = resources.files("bot").joinpath("lines.toml").read_text("utf-8")
    return {country: _numbers(entry) for country, entry in tomllib.loads(text).items()}


def _numbers(entry: dict[str, Any]) -> Numbers:
    unknown = entry.keys() - {"crisis", "crisis_texts", "emergency", "lines", "verified_on"}
    if unknown:
        raise ValueError("holds more than crisis, crisis_texts, emergency, verified_on and lines")
    texts = entry.get("crisis_texts")
    if not isinstance(texts, bool | None):
        raise ValueError("needs crisis_texts = true or false, without quotes")  # noqa: TRY004  # as below
    rows = entry.get("lines", [])
    if not isinstance(rows, list):
        raise ValueError("must list its lines as [[lines]]")  # noqa: TRY004  # the caller turns ValueError into a refusal
    lines = tuple(Line(name=_words(row, "name"), reach=_words(row, "reach")) for row in rows)
    dates = [_day(row) for row in rows]
    crisis, emergency = (_words(entry, key) if key in entry else "" for key in ("crisis", "emergency"))
    if crisis or emergency:
        dates.append(_day(entry))
    return Numbers(crisis, emergency, lines, min(dates, default=None), texts)


def _words(row: object, key: str) -> str:
    value = row.get(key) if isinstance(row, dict) else None
    if isinstance(value, str) and value.strip():
        return value.strip()
    raise ValueError(f'needs {key} = "..." in every entry')


def _day(row: dict[str, Any]) -> date:
    value = row.get("verified_on")
    if type(value) is date:
        return value
    raise ValueError("needs verified_on = YYYY-MM-DD in every entry: the day a human last dialled the number")
