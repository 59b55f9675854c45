"""Conversations, opened: what the store holds sealed, and in memory what was opened lately."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import structlog

from bot.records import Saved, dump, load
from bot.store.base import Damaged, Gone, Record, Store
from bot.vault import Vault
from conversations.flow import FORGOTTEN

log = structlog.get_logger()

LATELY = 1024  # conversations kept open in memory; one that is forgotten is dropped at once


@dataclass(frozen=True, slots=True)
class Roster:
    """Every volunteer as the store knew them at one moment."""

    records: Sequence[Record] = ()
    volunteers: Mapping[str, Saved[Any]] = field(default_factory=dict, repr=False)


class Archive:
    """The store is the only truth: what is kept open here counts only at the revision the store names."""

    def __init__(self, store: Store, vault: Vault, now: Callable[[], datetime]) -> None:
        self._store, self._vault, self._now = store, vault, now
        self._lately: OrderedDict[str, Saved[Any]] = OrderedDict()
        self._roster = Roster()

    async def load(self, id: str) -> Saved[Any] | None:
        """A conversation at its newest revision, or None. Raises Damaged."""
        record = await self._store.load(id)
        if record is None or record.kind == "seen":
            self._lately.pop(id, None)
            return None
        return self._opened(record)

    def _opened(self, record: Record) -> Saved[Any]:
        known = self._lately.get(record.id)
        if known is None or known.revision != record.revision:
            known = load(record, self._vault)
        self._keep(known)
        return known

    def _keep(self, saved: Saved[Any]) -> None:
        self._lately[saved.talk.id] = saved
        self._lately.move_to_end(saved.talk.id)
        if len(self._lately) > LATELY:
            self._lately.popitem(last=False)

    async def volunteers(self) -> Mapping[str, Saved[Any]]:
        """The whole roster by record id; nothing is opened twice."""
        records, before = await self._store.kind("volunteering"), self._roster
        if records is not before.records:
            opened = ((record.id, self._volunteer(record)) for record in records)
            self._roster = Roster(records, {id: saved for id, saved in opened if saved is not None})
        return self._roster.volunteers

    def _volunteer(self, record: Record) -> Saved[Any] | None:
        """One record that does not open must not keep the others from being asked."""
        known = self._roster.volunteers.get(record.id)
        if known is not None and known.revision == record.revision:
            return known
        try:
            return load(record, self._vault)
        except Damaged:
            log.error("record-failed", kind="Damaged")
            return None

    async def write(self, changed: Iterable[Saved[Any]], *also: Record | Gone) -> tuple[Saved[Any], ...]:
        """All or nothing: what stands in the store afterwards, one revision on. Raises Stale."""
        now, before = self._now(), tuple(changed)
        await self._store.save(*(dump(saved, self._vault, now) for saved in before), *also)
        after = tuple(replace(saved, revision=saved.revision + 1) for saved in before)
        for saved in after:
            if saved.talk.stage == FORGOTTEN:
                self._lately.pop(saved.talk.id, None)
            else:
                self._keep(saved)
        return after
