"""In-memory indexes of the embedded store: by keyed hash, by kind, and by due time."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from bot.store.embedded.tracking_table import Changes, Document

IndexKey = tuple[str, str]
"""Where a record is found: `(BY_KIND, kind)`, or `(index, keyed hash)`."""

_STALE_ENTRIES = 64


BY_KIND: Final = ""
"""The index of kinds: under its keys all records of one kind are found."""


def index_keys(document: Document) -> list[IndexKey]:
    """Return every key under which this document is found."""
    return [(BY_KIND, document["kind"]), *[(index, key) for index, keys in document["keys"].items() for key in keys]]


class Indexes:
    """Both indexes of a store.

    Args:
        documents: What is indexed, by id; the caller changes it after `change`.
    """

    def __init__(self, documents: Mapping[str, Document]) -> None:
        """Index these documents."""
        self._documents = documents
        self.keys, self.due = KeyIndex(), DueIndex()
        for id, document in documents.items():
            self.keys.add(id, index_keys(document))
            self.due.put(id, document["due"])

    def change(self, changes: Changes) -> set[IndexKey]:
        """Index the new versions instead of the old ones, which are still among the documents.

        Returns:
            Every key under which one of them was or will be found.
        """
        touched: set[IndexKey] = set()
        for id, new in changes.items():
            old = self._documents.get(id)
            before = [] if old is None else index_keys(old)
            after = [] if new is None else index_keys(new)
            if before != after:
                self.keys.discard(id, before)
                self.keys.add(id, after)
            self.due.put(id, None if new is None else new["due"])
            touched.update(before, after)
        return touched


class KeyIndex:
    """Ids by key, in the order in which they were added. Most keys hold one id, which then needs no dict of its own."""

    def __init__(self) -> None:
        """Create an empty index."""
        self._ids: dict[IndexKey, str | dict[str, None]] = {}

    def add(self, id: str, keys: Iterable[IndexKey]) -> None:
        """Add the record under these keys."""
        for key in keys:
            ids = self._ids.setdefault(key, id)
            if isinstance(ids, dict):
                ids[id] = None
            elif ids != id:
                self._ids[key] = {ids: None, id: None}

    def discard(self, id: str, keys: Iterable[IndexKey]) -> None:
        """Remove the record from these keys."""
        for key in keys:
            ids = self._ids.get(key)
            if isinstance(ids, dict):
                ids.pop(id, None)
            if not ids or ids == id:
                self._ids.pop(key, None)

    def under(self, key: IndexKey) -> Sequence[str]:
        """Return the ids under this key."""
        ids = self._ids.get(key, ())
        return (ids,) if isinstance(ids, str) else tuple(ids)


class DueIndex:
    """Due times in a heap with lazy deletion: reading costs what is due, changing one costs O(log n)."""

    def __init__(self) -> None:
        """Create an empty index."""
        self._due: dict[str, datetime] = {}
        self._heap: list[tuple[datetime, str]] = []

    def put(self, id: str, due: datetime | None) -> None:
        """Set when this record falls due; None for never."""
        if self._due.get(id) == due:
            return
        if due is None:
            del self._due[id]
        else:
            self._due[id] = due
            heapq.heappush(self._heap, (due, id))
        if len(self._heap) > 2 * len(self._due) + _STALE_ENTRIES:
            self._heap = [(due, id) for id, due in self._due.items()]
            heapq.heapify(self._heap)

    def until(self, before: datetime, limit: int) -> Sequence[str]:
        """Return at most `limit` ids that are due by then, earliest first."""
        found: list[tuple[datetime, str]] = []
        while len(found) < limit and (first := self._first()) is not None and first[0] <= before:
            heapq.heappop(self._heap)
            if not found or found[-1] != first:  # a time that was changed and changed back is in the heap twice
                found.append(first)
        for entry in found:
            heapq.heappush(self._heap, entry)
        return [id for _, id in found]

    def earliest(self) -> datetime | None:
        """Return the earliest due time, or None."""
        first = self._first()
        return None if first is None else first[0]

    def _first(self) -> tuple[datetime, str] | None:
        while self._heap:
            due, id = self._heap[0]
            if self._due.get(id) == due:
                return self._heap[0]
            heapq.heappop(self._heap)
        return None
