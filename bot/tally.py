"""What a number of records amounts to: every one is opened and read, and only counts and a digest are told."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import orjson

from bot.records import KINDS, Saved, load
from bot.store.base import Damaged, Record
from bot.vault import Vault
from conversations.request import OPEN

_OPEN = frozenset(stage.name for stage in OPEN)


class NotOpened(Exception):
    """A record does not open, or what it holds cannot be read by this version."""


@dataclass(slots=True)
class Tally:
    """Take records in the order of their ids, else the digest means nothing."""

    kinds: Counter[str] = field(default_factory=Counter)
    open: Counter[str] = field(default_factory=Counter)  # requests that go on, by stage
    owed: int = 0  # messages not delivered yet
    _digest: Any = field(default_factory=hashlib.sha256, repr=False)

    def take(self, record: Record, vault: Vault) -> Saved[Any] | None:
        """Count it; the conversation it holds, or None for what is none. Raises NotOpened."""
        saved = _read(record, vault)
        self.kinds[record.kind] += 1
        self._digest.update(_bytes(record))
        if saved is not None:
            self.owed += len(saved.mail.errands)
        if record.kind == "support" and record.stage in _OPEN:
            self.open[record.stage] += 1
        return saved

    @property
    def total(self) -> int:
        return sum(self.kinds.values())

    def digest(self) -> str:
        """The same for the very same records, in whichever store."""
        return str(self._digest.hexdigest())

    def lines(self) -> list[str]:
        """For an operator: counts, nobody's id."""
        going = ", ".join(f"{many} {stage}" for stage, many in sorted(self.open.items()))
        return [
            *(f"{kind:<14} {many:>7}" for kind, many in sorted(self.kinds.items())),
            f"{'open requests':<14} {sum(self.open.values()):>7}  {going}".rstrip(),
            f"{'owed messages':<14} {self.owed:>7}",
            f"digest         {self.digest()}",
        ]


def _read(record: Record, vault: Vault) -> Saved[Any] | None:
    try:
        if record.kind in KINDS:
            return load(record, vault)
        if record.sealed:
            vault.open(record.kind, record.id, record.shape, record.sealed)
    except (Damaged, ValueError, KeyError, TypeError):
        raise NotOpened from None
    return None


def _bytes(record: Record) -> bytes:
    clear = orjson.dumps(
        [
            *(record.id, record.kind, record.stage, record.due, record.day, record.revision, record.shape),
            sorted((index, *keys) for index, keys in record.keys.items()),
            len(record.sealed),
        ]
    )
    return clear + record.sealed
