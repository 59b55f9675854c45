"""What finds records without looking at all of them: by keyed hash, by kind, by when they fall due."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

Name = tuple[str, str]  # ("", kind), or (index, key): where a record can be found
_SLACK = 64


def names(document: Mapping[str, Any]) -> list[Name]:
    """Every place under which this document is to be found."""
    return [by_kind(document["kind"]), *((index, key) for index, keys in document["keys"].items() for key in keys)]


def by_kind(kind: str) -> Name:
    """Where the records of one kind are found."""
    return "", kind


class Names:
    """Ids under each name, in the order they came. Most names hold one id, which then needs no dict of its own."""

    def __init__(self) -> None:
        """Begin empty."""
        self._ids: dict[Name, str | dict[str, None]] = {}

    def add(self, id: str, names: Iterable[Name]) -> None:
        """Let this record be found under these names."""
        for name in names:
            ids = self._ids.setdefault(name, id)
            if isinstance(ids, dict):
                ids[id] = None
            elif ids != id:
                self._ids[name] = {ids: None, id: None}

    def discard(self, id: str, names: Iterable[Name]) -> None:
        """Let it not be found under them any more."""
        for name in names:
            ids = self._ids.get(name)
            if isinstance(ids, dict):
                ids.pop(id, None)
            if not ids or ids == id:
                self._ids.pop(name, None)

    def under(self, name: Name) -> Sequence[str]:
        """Ids that are found here."""
        ids = self._ids.get(name, ())
        return (ids,) if isinstance(ids, str) else tuple(ids)


class Dues:
    """When each record falls due. A heap that forgets lazily: to look costs what is due, to change costs log n."""

    def __init__(self) -> None:
        """Begin empty."""
        self._due: dict[str, datetime] = {}
        self._heap: list[tuple[datetime, str]] = []

    def put(self, id: str, due: datetime | None) -> None:
        """Let this record fall due then, and at no other time; never for None."""
        if self._due.get(id) == due:
            return
        if due is None:
            del self._due[id]
        else:
            self._due[id] = due
            heapq.heappush(self._heap, (due, id))
        if len(self._heap) > 2 * len(self._due) + _SLACK:
            self._heap = [(due, id) for id, due in self._due.items()]
            heapq.heapify(self._heap)

    def until(self, before: datetime, limit: int) -> Sequence[str]:
        """Ids due by then, earliest first."""
        found: list[tuple[datetime, str]] = []
        while len(found) < limit and (first := self._first()) is not None and first[0] <= before:
            heapq.heappop(self._heap)
            if not found or found[-1] != first:  # moved away and back, it stands here twice
                found.append(first)
        for entry in found:
            heapq.heappush(self._heap, entry)
        return [id for _, id in found]

    def earliest(self) -> datetime | None:
        """When something falls due next."""
        first = self._first()
        return None if first is None else first[0]

    def _first(self) -> tuple[datetime, str] | None:
        while self._heap:
            due, id = self._heap[0]
            if self._due.get(id) == due:
                return self._heap[0]
            heapq.heappop(self._heap)
        return None
