"""Encodes a conversation into a sealed record of the store, and decodes it: the shapes on disk, and their upgrades.

A record's JSON is `{"fields": …, "talk": …, "mail": …}`: which fields its writer knew, the conversation, and its
outbox. Names on disk never change; where ours do, an alias keeps the old one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, Final, Generic, TypeVar

import msgspec
import orjson

from bot.crypto.vault import Vault
from bot.engine import unknown_fields
from bot.engine.outbox import Outbox
from bot.engine.unknown_fields import UnknownFields
from bot.errors import WrittenByNewerVersion
from bot.store.base import Deletion, Record
from conversations.flow import FORGOTTEN, Conversation
from conversations.immutable import Immutable
from conversations.model import Person
from conversations.registry import ENTRIES, Entry, Index

C = TypeVar("C", bound=Conversation)
V = TypeVar("V", bound=Immutable)

Body = dict[str, Any]
"""A record's JSON."""

UPGRADES: Final[tuple[Callable[[Body], Body], ...]] = ()
"""UPGRADES[n] turns shape n into shape n + 1."""


class Stored(Immutable, Generic[C], frozen=True):
    """One conversation with its outbox, at the revision it was read.

    Args:
        conversation: What is decided about.
        kind: Its kind, as the store knows it.
        outbox: What it shows and owes.
        revision: The revision that was read; 0 for one that was never stored.
        day: The day it was begun.
        unknown: Fields that a newer release wrote, carried along; None where there are none.
    """

    conversation: C
    kind: str
    outbox: Outbox = Outbox()
    revision: int = 0
    day: date = date.min
    unknown: UnknownFields | None = None

    @property
    def id(self) -> str:
        """The id of the record."""
        return self.conversation.id

    @property
    def is_forgotten(self) -> bool:
        """Whether the record is to be destroyed."""
        return self.conversation.stage == FORGOTTEN


class _Plain(Immutable, Generic[C], frozen=True):
    """A record's JSON."""

    talk: C
    mail: Outbox
    fields: str = ""


_DECODERS: Final[Mapping[str, msgspec.json.Decoder[Any]]] = {
    kind: msgspec.json.Decoder(_Plain[entry.record])  # type: ignore[name-defined]  # a class that is a value
    for kind, entry in ENTRIES.items()
}
_ENCODER: Final = msgspec.json.Encoder()
FIELDS: Final = unknown_fields.mark(*(entry.record for entry in ENTRIES.values()), Outbox)
"""Whoever writes these fields writes none that we do not know."""
MIXED: Final = ""
"""Stands for the fields of a record that holds more than its writer knew: every release looks."""


def encode(stored: Stored[Any], vault: Vault, now: datetime) -> Record | Deletion:
    """The record to write; a forgotten conversation is a record to destroy."""
    conversation, kind = stored.conversation, str(stored.kind)  # an enum's member is no plain text to every database
    if stored.is_forgotten:
        return Deletion(conversation.id, stored.revision)
    keys = keys_of(ENTRIES[kind], stored, vault)
    owed, appointed = stored.outbox.due(now)
    deadlines = tuple(conversation.deadlines.values())
    due, wake = _earliest(*deadlines, owed), _earliest(*deadlines, appointed)
    return Record(
        id=conversation.id,
        kind=kind,
        stage=str(conversation.stage),
        due=due,
        day=stored.day if stored.revision else now.date(),
        revision=stored.revision,
        shape=len(UPGRADES),
        keys=keys,
        sealed=vault.seal(kind, conversation.id, len(UPGRADES), json_of(stored)),
        wake=wake,
    )


def _earliest(*times: datetime | None) -> datetime | None:
    return min([at for at in times if at is not None], default=None)


def json_of(stored: Stored[Any]) -> bytes:
    """What is sealed into the record."""
    plain = _ENCODER.encode({"fields": FIELDS, "talk": stored.conversation, "mail": stored.outbox})
    if stored.unknown is None:
        return plain
    return orjson.dumps(unknown_fields.merge(stored.unknown, orjson.loads(plain)) | {"fields": MIXED})


def keys_of(entry: Entry[Any], stored: Stored[Any], vault: Vault) -> Mapping[str, tuple[str, ...]]:
    """The keyed hashes under which a record is found, for each index that has any.

    It is also found by everyone in whose chat a card of it stands, but for the person whom it is about.
    """
    places = dict(entry.keys(stored.conversation))
    named = {entry.person(stored.conversation), *(who for values in places.values() for who in values)}
    shown = dict.fromkeys(slot.to for slot in stored.outbox.slots if slot.to not in named)
    places[Index.KNOWN] = (*places.get(Index.KNOWN, ()), *shown)
    found: dict[str, tuple[str, ...]] = {}
    for index, values in places.items():
        if values:
            found[str(index)] = tuple([key_of(index, value, vault) for value in values])
    return found


def key_of(index: Index, value: Person | str, vault: Vault) -> str:
    """The keyed hash of one person or word in this index."""
    return vault.peer_key(str(index), value) if isinstance(value, Person) else vault.keyed_hash(str(index), value)


def decode(record: Record, vault: Vault) -> Stored[Any]:
    """The conversation that a record holds.

    Raises:
        Corrupt: The record does not open here.
        WrittenByNewerVersion: There is something in it that we cannot carry.
    """
    entry = ENTRIES.get(record.kind)
    if entry is None or record.shape > len(UPGRADES):
        raise WrittenByNewerVersion
    plain = vault.open(record.kind, record.id, record.shape, record.sealed)
    for upgrade in UPGRADES[record.shape :]:
        plain = orjson.dumps(upgrade(orjson.loads(plain)))
    try:
        read = _DECODERS[record.kind].decode(plain)
    except msgspec.DecodeError:
        raise WrittenByNewerVersion from None  # its message quotes what it did not understand
    if not entry.flow.knows(read.talk):
        raise WrittenByNewerVersion
    stored = Stored(read.talk, record.kind, read.mail, record.revision, record.day)
    return stored if read.fields == FIELDS else _with_unknown_fields(stored, orjson.loads(plain))


def _with_unknown_fields(stored: Stored[Any], body: Body) -> Stored[Any]:
    """Another release wrote it: carry along whatever of it we would not write ourselves."""
    ours = orjson.loads(json_of(stored))
    written = {name: value for name, value in body.items() if name != "fields"}
    unknown = unknown_fields.extract(written, {name: value for name, value in ours.items() if name != "fields"})
    return Stored(stored.conversation, stored.kind, stored.outbox, stored.revision, stored.day, unknown)


def value_to_json(value: Immutable) -> bytes:
    """The JSON of a value that is no conversation."""
    return _ENCODER.encode(value)


def value_from_json(plain: bytes, type_: type[V]) -> V:
    """The value of this JSON.

    Raises:
        WrittenByNewerVersion: There is something in it that we cannot read.
    """
    try:
        return msgspec.json.decode(plain, type=type_)
    except msgspec.DecodeError:
        raise WrittenByNewerVersion from None  # its message quotes what it did not understand


def id_of(kind: str, of: str | Person, vault: Vault) -> str:
    """The id of a record: a request's is random; of a kind that each person has one of, a keyed hash of the person."""
    return of if isinstance(of, str) else vault.pseudonym(str(kind), of)
