"""The limits of confidentiality, as the hospital signed them.

Without signatures nothing may be promised in its name.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date
from typing import Any


@dataclass(frozen=True, slots=True)
class ConfidentialityLimits:
    """The named exceptions to confidentiality. Signatures are kept as a fact, not as names.

    Args:
        text: One sentence that completes "Limits: ..." on the privacy card.
        by_counsel: Whether counsel signed.
        by_clinical_lead: Whether the clinical lead signed.
        signed_on: The date of the signatures; None where it is missing or not a date.
    """

    text: str
    by_counsel: bool = False
    by_clinical_lead: bool = False
    signed_on: date | None = None

    def signed(self, today: date) -> bool:
        """Whether both signed, and not in the future."""
        on_paper = self.signed_on is not None and self.signed_on <= today
        return on_paper and self.by_counsel and self.by_clinical_lead


def parse(text: str) -> ConfidentialityLimits:
    """Read the file. Raises TOMLDecodeError, or ValueError with words that follow "the file"."""
    entry = tomllib.loads(text)
    limits, day = _words(entry, "limits"), entry.get("date")
    if not limits:
        raise ValueError('needs limits = "...": who may break confidence, and when, in one sentence')
    signed_on = day if type(day) is date else None
    return ConfidentialityLimits(
        limits, bool(_words(entry, "counsel")), bool(_words(entry, "clinical_lead")), signed_on
    )


def _words(entry: dict[str, Any], key: str) -> str:
    value = entry.get(key)
    return value.strip() if isinstance(value, str) else ""
