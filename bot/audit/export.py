"""The audit log as CSV and as lines of JSON, each entry with its HMAC, so that a later export can be compared."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping
from typing import Final

from bot.audit.chain import CheckedChain

COLUMNS: Final = ("sequence", "day", "act", "actor", "count", "hmac")
"""What is exported of an entry, under these names in either format."""

Row = tuple[int, str, str, str, int, str]


def to_csv(chain: CheckedChain) -> str:
    """Return the entries as CSV under a heading."""
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(COLUMNS)
    rows.writerows(_rows(chain))
    return out.getvalue()


def to_jsonl(chain: CheckedChain) -> str:
    """Return the entries as one JSON object a line."""
    objects = (dict(zip(COLUMNS, row, strict=True)) for row in _rows(chain))
    return "".join(f"{json.dumps(each)}\n" for each in objects)


def _rows(chain: CheckedChain) -> list[Row]:
    return [
        (entry.sequence, entry.day.isoformat(), entry.act, entry.actor, entry.count, hmac)
        for entry, hmac in chain.entries
    ]


FORMATS: Final[Mapping[str, Callable[[CheckedChain], str]]] = {"csv": to_csv, "jsonl": to_jsonl}
"""What the log can be exported as."""
