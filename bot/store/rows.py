"""How changed records look inside the sealed journal: one line of JSON about them, then their sealed blobs."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime

import orjson

from bot.store.base import Record
from bot.store.tables import Document

Change = tuple[str, Document | None]  # None: destroyed

_LENGTH = struct.Struct(">I")


def document(record: Record) -> Document:
    """What is stored of a record, one revision on. Raises ValueError for a due time without a zone."""
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


def as_it_is(record: Record) -> Document:
    """What is stored of a record that is copied, at the revision it has."""
    return {**document(record), "revision": record.revision}


def record(id: str, stored: Document) -> Record:
    """The record as it was stored."""
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


def encode(changes: Iterable[Change]) -> bytes:
    """Bytes of these changes; several of them may simply be joined."""
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


def decode(plain: bytes) -> Iterator[Change]:
    """The changes of which `encode` made these bytes, in order."""
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
