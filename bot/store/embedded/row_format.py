"""The format of changed records inside the journal, and the documents that TinyDB holds.

    batch   length of the JSON, the JSON, then the sealed blobs one behind the other
    JSON    one row a change: `[id]` for a deletion, or the id and every column, with the blob's length in its place

Batches may be joined: several of them in a row are read as one.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime

import orjson

from bot.store.base import Record
from bot.store.embedded.tracking_table import Document

Change = tuple[str, Document | None]
"""A record's id and what is stored of it; None where it is destroyed."""

_LENGTH = struct.Struct(">I")


def to_document(record: Record) -> Document:
    """Convert a record that is saved: its revision is one more than the one that was read.

    Raises:
        ValueError: Its due time has no time zone.
    """
    due = record.due
    if due is not None:
        if due.tzinfo is None:
            reason = "a record's due time must say its time zone"
            raise ValueError(reason)
        due = due.astimezone(UTC)
    return {
        "kind": record.kind,
        "stage": record.stage,
        "due": due,
        "day": record.day,
        "revision": record.revision + 1,
        "shape": record.shape,
        "keys": {index: tuple(keys) for index, keys in record.keys.items()},
        "sealed": record.sealed,
    }


def to_unchanged_document(record: Record) -> Document:
    """Convert a record that is copied: it keeps its revision."""
    return {**to_document(record), "revision": record.revision}


def to_record(id: str, stored: Document) -> Record:
    """Convert a stored document back to the record it was."""
    return Record(
        id,
        stored["kind"],
        stored["stage"],
        stored["due"],
        stored["day"],
        stored["revision"],
        stored["shape"],
        dict(stored["keys"]),
        stored["sealed"],
    )


def encode_changes(changes: Iterable[Change]) -> bytes:
    """Encode these changes as one batch."""
    rows: list[list[object]] = []
    parts = [b"", b""]
    for id, stored in changes:
        if stored is None:
            rows.append([id])
            continue
        rows.append([id, *stored.values()])
        sealed = rows[-1][-1] = len(stored["sealed"])
        if sealed:
            parts.append(stored["sealed"])
    text = orjson.dumps(rows)
    parts[0], parts[1] = _LENGTH.pack(len(text)), text
    return b"".join(parts)


def decode_changes(plain: bytes) -> Iterator[Change]:
    """Yield the changes in these batches, in order."""
    at = 0
    while at < len(plain):
        (length,) = _LENGTH.unpack_from(plain, at)
        at += _LENGTH.size + length
        for row in orjson.loads(plain[at - length : at]):
            if len(row) == 1:
                yield row[0], None
                continue
            id, kind, stage, due, day, revision, shape, keys, sealed = row
            yield (
                id,
                {
                    "kind": kind,
                    "stage": stage,
                    "due": None if due is None else datetime.fromisoformat(due),
                    "day": date.fromisoformat(day),
                    "revision": revision,
                    "shape": shape,
                    "keys": {index: tuple(values) for index, values in keys.items()},
                    "sealed": plain[at : at + sealed],
                },
            )
            at += sealed


@dataclass(frozen=True, slots=True)
class AppliedChanges:
    """How many deletions a batch held, and how many new versions of records that existed."""

    destroyed: int = 0
    replaced: int = 0


def apply_changes(documents: dict[str, Document], plain: bytes) -> AppliedChanges:
    """Apply the changes in these batches to `documents`, in place."""
    destroyed = replaced = 0
    for id, stored in decode_changes(plain):
        if stored is None:
            documents.pop(id, None)
            destroyed += 1
        else:
            replaced += id in documents
            documents[id] = stored
    return AppliedChanges(destroyed, replaced)
