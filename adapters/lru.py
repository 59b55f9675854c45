"""A bounded in-memory cache for what a platform said about people."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final, Generic, TypeVar

CAPACITY: Final = 10_000

_T = TypeVar("_T")


class LruCache(Generic[_T]):
    """Holds the 10,000 entries that were used last."""

    def __init__(self) -> None:
        self._entries: OrderedDict[str, _T] = OrderedDict()

    def get(self, key: str) -> _T | None:
        """Return the entry, or None, and count it as used."""
        if key in self._entries:
            self._entries.move_to_end(key)
        return self._entries.get(key)

    def put(self, key: str, value: _T) -> None:
        """Add or replace an entry; drop the one that was not used for the longest time if there are too many."""
        self._entries[key] = value
        if len(self._entries) > CAPACITY:
            self._entries.popitem(last=False)

    def drop(self, key: str) -> None:
        """Remove an entry if it is there."""
        self._entries.pop(key, None)
