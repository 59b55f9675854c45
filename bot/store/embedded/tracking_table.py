"""The TinyDB table that holds the store's documents in memory: everything is read from it, and written by `change`.

A stored document is never changed in place; a new version replaces it. So a plain list of the stored documents is a
consistent snapshot, and stays one. TinyDB's own ways of writing are refused: they would go past the journal.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn, cast

from tinydb import TinyDB
from tinydb.storages import Storage
from tinydb.table import Table

Document = Mapping[str, Any]
Changes = Mapping[str, Document | None]
"""New versions by id; None where the document is destroyed."""


class TrackingStorage(Storage):
    """Holds the documents in memory.

    Args:
        tables: The documents of each table; the caller keeps its reference, and reads what `TrackingTable` writes.
    """

    def __init__(self, tables: dict[str, dict[str, Document]]) -> None:
        """Share these tables."""
        self.tables = tables

    def read(self) -> dict[str, dict[str, Any]]:
        """Return every document, not copied; the caller must not change them."""
        return cast("dict[str, dict[str, Any]]", self.tables)

    def write(self, data: dict[str, dict[str, Any]]) -> NoReturn:
        """Refuse: writing everything is what this storage exists to avoid."""
        raise NotImplementedError("this storage is written to by TrackingTable.change")


class TrackingTable(Table):
    """TinyDB's table with its query language, except that writing costs what changed."""

    document_id_class = str  # type: ignore[assignment]  # our ids are random words, not numbers

    def __repr__(self) -> str:
        """Name the table, and nothing in it."""
        return f"<TrackingTable {self.name}>"

    def change(self, changes: Changes) -> None:
        """Replace and destroy several documents in one step."""
        documents = cast("TrackingStorage", self._storage).tables[self.name]
        for id, document in changes.items():
            if document is not None:
                documents[id] = document
            else:
                documents.pop(id, None)
        self.clear_cache()

    def _update_table(self, updater: object) -> NoReturn:
        raise NotImplementedError("this table is written to by change")


class TrackingTinyDB(TinyDB):
    """TinyDB with `TrackingTable` as its table."""

    table_class = TrackingTable
