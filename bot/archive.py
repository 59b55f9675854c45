"""Conversations, opened: what the store holds sealed, and in memory what was opened lately."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import structlog

from bot.records import Saved, dump, load
from bot.store.base import Damaged, Gone, Newer, Record, Store
from bot.vault import Vault
from conversations.model import Peer
from conversations.volunteering import roster

log = structlog.get_logger()

LATELY = 1024  # conversations kept open in memory; one that is forgotten is dropped at once


@dataclass(frozen=True, slots=True)
class Opened:
    """A conversation, and the very bytes it was opened from: sealed anew, even the same words give other bytes."""

    sealed: bytes = field(repr=False)
    saved: Saved[Any]


@dataclass(frozen=True, slots=True)
class Roster:
    """Every volunteer as the store knew them at one moment."""

    records: Sequence[Record] = ()
    opened: Mapping[str, Opened] = field(default_factory=dict, repr=False)
    volunteers: Mapping[str, Saved[Any]] = field(default_factory=dict, repr=False)
    peers: tuple[Peer, ...] = field(default=(), repr=False)


class Archive:
    """The store is the only truth: what is kept open here counts only for the bytes the store names."""

    def __init__(self, store: Store, vault: Vault, now: Callable[[], datetime]) -> None:
        self._store, self._vault, self._now = store, vault, now
        self._lately: OrderedDict[str, Opened] = OrderedDict()
        self._roster = Roster()

    async def load(self, id: str) -> Saved[Any] | None:
        """A conversation at its newest revision, or None. Raises Damaged, and Newer for what we must not touch."""
        record = await self._store.load(id)
        if record is None or record.kind == "seen":
            self._lately.pop(id, None)
            return None
        opened = self._open(record, self._lately.get(id))
        self._keep(opened)
        return opened.saved

    def _open(self, record: Record, known: Opened | None) -> Opened:
        if known is not None and known.sealed == record.sealed and known.saved.revision == record.revision:
            return known
        return Opened(record.sealed, load(record, self._vault))

    def _keep(self, opened: Opened) -> None:
        id = opened.saved.talk.id
        self._lately[id] = opened
        self._lately.move_to_end(id)
        if len(self._lately) > LATELY:
            self._lately.popitem(last=False)

    async def roster(self) -> Roster:
        """The whole roster; nothing is opened twice."""
        records = await self._store.kind("volunteering")
        if records is not self._roster.records:
            opened = {record.id: known for record in records if (known := self._volunteer(record)) is not None}
            saved = {id: known.saved for id, known in opened.items()}
            self._roster = Roster(records, opened, saved, roster(one.talk for one in saved.values()))
        return self._roster

    def _volunteer(self, record: Record) -> Opened | None:
        """One record that does not open must not keep the others from being asked."""
        try:
            return self._open(record, self._roster.opened.get(record.id))
        except (Damaged, Newer) as failed:
            log.error("record-failed", kind=type(failed).__name__)
            return None

    async def write(self, changed: Iterable[Saved[Any]], *also: Record | Gone) -> tuple[Saved[Any], ...]:
        """All or nothing: what stands in the store afterwards, one revision on. Raises Stale."""
        now, before = self._now(), tuple(changed)
        changes = tuple(dump(saved, self._vault, now) for saved in before)
        await self._store.save(*changes, *also)
        after = tuple(replace(saved, revision=saved.revision + 1) for saved in before)
        for change, saved in zip(changes, after, strict=True):
            if isinstance(change, Record) and saved.beyond is None:
                self._keep(Opened(change.sealed, saved))
            else:
                self._lately.pop(change.id, None)
        return after
