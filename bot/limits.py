"""The limits of secrecy, as the hospital signed them: without signatures nothing may be promised in its name."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date
from typing import Any


@dataclass(frozen=True, slots=True)
class Limits:
    """`text` completes "Limits: ..." on the privacy card. The signatures are kept as a fact, not as names."""

    text: str
    by_counsel: bool = False
    by_clinical_lead: bool = False
    signed_on: date | None = None

    def signed(self, today: date) -> bool:
        on_paper = self.signed_on is not None and self.signed_on <= today
        return on_paper and self.by_counsel and self.by_clinical_lead


def parse(text: str) -> Limits:
    """Read the file. Raises ValueError with a sentence that continues "the file ..."."""
    try:
        entry = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise ValueError("is not valid TOML") from None
    limits = entry.get("limits")
    if not isinstance(limits, str) or not limits.strip():
        raise ValueError('needs limits = "...": who may break confidence, and when, in one sentence')
    day = entry.get("date")
    return Limits(
        text=limits.strip(),
        by_counsel=_is_named(entry, "counsel"),
        by_clinical_lead=_is_named(entry, "clinical_lead"),
        signed_on=day if type(day) is date else None,
    )


def _is_named(entry: dict[str, Any], role: str) -> bool:
    name = entry.get(role)
    return isinstance(name, str) and bool(name.strip())
