"""Counts and a digest of a store's records, by which an operator compares two stores without seeing what they hold."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import orjson

from bot.crypto.vault import Vault
from bot.engine.codec import Stored, decode
from bot.errors import Corrupt
from bot.store.base import Record
from conversations.registry import ENTRIES


class UnreadableRecord(Exception):
    """A record does not decrypt, or this release does not understand what it holds."""


@dataclass(slots=True)
class StoreSummary:
    """Counts of records, and a digest over all of them. Add records in the order of their ids, or the digest differs.

    Attributes:
        kinds: How many records of each kind.
        open: How many open requests at each stage.
        undelivered: How many messages are not delivered yet.
    """

    kinds: Counter[str] = field(default_factory=Counter)
    open: Counter[str] = field(default_factory=Counter)
    undelivered: int = 0
    _digest: Any = field(default_factory=hashlib.sha256, repr=False)

    def add(self, record: Record, vault: Vault) -> Stored[Any] | None:
        """Decrypt and count a record.

        Returns:
            The conversation that it holds, or None for a housekeeping record.

        Raises:
            UnreadableRecord: It does not decrypt, or this release does not understand it.
        """
        saved = _read(record, vault)
        self.kinds[record.kind] += 1
        self._digest.update(_digest_input(record))
        if saved is not None:
            self.undelivered += len(saved.outbox.deliveries)
        if (entry := ENTRIES.get(record.kind)) is not None and record.stage in entry.open_stages:
            self.open[record.stage] += 1
        return saved

    @property
    def total(self) -> int:
        """How many records there are."""
        return sum(self.kinds.values())

    def digest(self) -> str:
        """Return a hash over all records; it is the same for the same records in either kind of store."""
        return str(self._digest.hexdigest())

    def to_lines(self) -> list[str]:
        """Return lines for an operator: counts and the digest, and no ids."""
        going = ", ".join(f"{many} {stage}" for stage, many in sorted(self.open.items()))
        return [
            *(f"{kind:<14} {many:>7}" for kind, many in sorted(self.kinds.items())),
            f"{'open requests':<14} {sum(self.open.values()):>7}  {going}".rstrip(),
            f"{'owed messages':<14} {self.undelivered:>7}",
            f"digest         {self.digest()}",
        ]


def _read(record: Record, vault: Vault) -> Stored[Any] | None:
    try:
        if record.kind in ENTRIES:
            return decode(record, vault)
        if record.sealed:
            vault.open(record.kind, record.id, record.shape, record.sealed)
    except (Corrupt, ValueError, KeyError, TypeError):
        raise UnreadableRecord from None
    return None


def _digest_input(record: Record) -> bytes:
    clear = orjson.dumps(
        [
            *(record.id, record.kind, record.stage, record.due, record.day, record.revision, record.shape),
            sorted((index, *keys) for index, keys in record.keys.items()),
            len(record.sealed),
        ]
    )
    return clear + record.sealed
