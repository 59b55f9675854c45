"""TinyDB whose writes cost what changed: the table hands its storage the changed documents, not all of them.

A document once stored is never changed in place; a new version takes its place. So a plain list of the stored
documents is a snapshot of one moment, and stays one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Any, NoReturn, cast

from tinydb import TinyDB
from tinydb.storages import Storage
from tinydb.table import Table

Document = Mapping[str, Any]
Changes = Mapping[str, Document | None]  # None: destroyed


class TrackingStorage(Storage):
    """Documents in memory, and a listener who hears of every change before it is made."""

    def __init__(self, tables: dict[str, dict[str, Document]], heard: Callable[[str, Changes], None]) -> None:
        """If `heard` raises, nothing changes."""
        self.tables, self._heard = tables, heard

    def read(self) -> dict[str, dict[str, Any]]:
        """Every document, shared: look, do not touch."""
        return cast("dict[str, dict[str, Any]]", self.tables)

    def write(self, data: dict[str, dict[str, Any]]) -> NoReturn:
        """Refuse: to write everything is what this storage exists to avoid."""
        raise NotImplementedError("this storage is written to through a TrackingTable")

    def commit(self, table: str, changes: Changes) -> None:
        """Tell the listener, then change what is in memory."""
        self._heard(table, changes)
        documents = self.tables.setdefault(table, {})
        for id, document in changes.items():
            if document is None:
                documents.pop(id, None)
            else:
                documents[id] = document


class TrackingTable(Table):
    """TinyDB's table, query language and all; what an update touched is all that is written."""

    document_id_class = str  # type: ignore[assignment]  # our ids are random words, not numbers

    def __repr__(self) -> str:
        """Name the table and nothing in it."""
        return f"<TrackingTable {self.name}>"

    def change(self, changes: Changes) -> None:
        """Put and destroy several documents in one step."""

        def updater(documents: MutableMapping[str, Any]) -> None:
            for id, document in changes.items():
                if document is not None:
                    documents[id] = document
                elif id in documents:
                    del documents[id]

        self._update_table(updater)  # type: ignore[arg-type]

    def _update_table(self, updater: Callable[[dict[int, Document]], None]) -> None:
        storage = cast("TrackingStorage", self._storage)
        view = _View(storage.tables.get(self.name, {}))
        updater(view)  # type: ignore[arg-type]  # if it raises, nothing has happened
        if view.changes:
            storage.commit(self.name, view.changes)
            self.clear_cache()


class TrackingTinyDB(TinyDB):
    """TinyDB with our table."""

    table_class = TrackingTable


class _View(MutableMapping[str, Any]):
    """What an updater sees instead of a copy of the whole table: documents are copied when touched."""

    def __init__(self, stored: Mapping[str, Document]) -> None:
        self._stored = stored
        self.changes: dict[str, Document | None] = {}

    def __getitem__(self, id: str) -> Any:
        if id not in self.changes:
            self.changes[id] = dict(self._stored[id])
        document = self.changes[id]
        if document is None:
            raise KeyError(id)
        return document

    def __setitem__(self, id: str, document: Document) -> None:
        self.changes[id] = document

    def __delitem__(self, id: str) -> None:
        if id not in self:
            raise KeyError(id)
        self.changes[id] = None

    def __contains__(self, id: object) -> bool:
        return self.changes[id] is not None if id in self.changes else id in self._stored

    def __iter__(self) -> Iterator[str]:
        yield from (id for id in self._stored if id not in self.changes or self.changes[id] is not None)
        yield from (id for id, document in self.changes.items() if document is not None and id not in self._stored)

    def __len__(self) -> int:
        return sum(1 for _ in self)
