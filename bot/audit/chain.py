"""The chain of the audit log: how an entry is appended to it, and how it is checked.

    audit-0000000001    one record for each entry: sealed, and never written again
    audit-head          one record that holds the number of entries and the HMAC of the last

The HMAC of an entry is over its content and the HMAC of the entry before, with a key that is used for nothing else. So
an entry cannot be changed, moved, taken out or put in without every later one being made anew.

An entry is appended in the write that does what it tells of: both are durable, or neither. Two writers at once conflict
on the revision of the head, as on any other record: the second begins again, and stands behind the first.

Where the head is missing or does not open, the log goes on behind the last entry there is, but its next entry is
chained to no other. The act is not refused, and the check names that entry for ever.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Final, TypeVar

import msgspec

from bot.crypto.vault import Vault
from bot.errors import Corrupt
from bot.store.base import Record, Store
from conversations.immutable import Immutable
from conversations.peers.acts import CoordinatorAct

ENTRY: Final = "audit"
"""Kind and stage of the record of an entry."""

HEAD: Final = "audit-head"
"""Kind, stage and id of the record that says where the chain ends."""

OPERATOR: Final = "operator"
"""Who did what was done by a command; the program knows no accounts of operators."""

_BEGINNING: Final = ""  # stands for the HMAC before the first entry
_DIGITS: Final = 10
_SHAPE: Final = 0

T = TypeVar("T")


class OperatorAct(StrEnum):
    """What an operator did with a command, as an entry of the audit log says it."""

    RESTORED = "restored-a-backup"
    RESTORED_WITHOUT_LOG = "restored-a-backup-without-the-shred-log"
    MOVED = "moved-the-store"
    MOVE_UNDONE = "undid-the-move"
    BEGAN_ANEW = "destroyed-what-lost-keys-had-sealed"


class AuditEntry(Immutable, frozen=True):
    """One entry of the log.

    Args:
        sequence: Its number, from 1.
        day: The day of the act. No time is kept: a coordinator's acts would tell when a colleague asked.
        act: What was done; a newer release may have written one that this release does not know.
        actor: The coordinator's platform, workspace and id, or `OPERATOR`.
        count: How many people an invitation went to; 0 for every other act.
    """

    sequence: int
    day: date
    act: str
    actor: str
    count: int = 0


class LinkedEntry(Immutable, frozen=True):
    """An entry as it is sealed: its content as the very text that the HMAC is over, and the HMAC in hexadecimal."""

    content: str
    hmac: str


class ChainEnd(Immutable, frozen=True):
    """What the head holds: how many entries there are, and the HMAC of the last."""

    count: int = 0
    hmac: str = _BEGINNING


@dataclass(frozen=True, slots=True)
class CheckedChain:
    """What a check found.

    Attributes:
        entries: Every entry that can be read, in order, with its HMAC.
        broken: The number of the first entry that is missing or not as it was written; None where all are whole.
    """

    entries: tuple[tuple[AuditEntry, str], ...] = field(default=(), repr=False)
    broken: int | None = None


# ---------------------------------------------------------------- writing


def by_coordinator(act: CoordinatorAct) -> AuditEntry:
    """Return the entry for an act of a coordinator, before it has a number and a day."""
    who = act.by
    return AuditEntry(0, date.min, act.act.value, f"{who.platform}:{who.workspace}:{who.id}", act.count)


def by_operator(act: OperatorAct) -> AuditEntry:
    """Return the entry for an act of an operator, before it has a number and a day."""
    return AuditEntry(0, date.min, act.value, OPERATOR)


async def appended(store: Store, vault: Vault, day: date, *acts: AuditEntry) -> tuple[Record, ...]:
    """Return the records that append these entries, to be saved together with what they tell of.

    Args:
        store: Holds the log; it is only read here.
        vault: Seals the records, and knows the key of the chain.
        day: Today.
        acts: Entries of `by_coordinator` and `by_operator`. Without any there is no record.
    """
    if not acts:
        return ()
    found = await store.load(HEAD)
    end = (_opened(found, vault, ChainEnd) if found else None) or await _end_without_head(store)
    records = list[Record]()
    for act in acts:
        entry = AuditEntry(end.count + 1, day, act.act, act.actor, act.count)
        content = msgspec.json.encode(entry).decode()
        linked = LinkedEntry(content, vault.audit_hmac(end.hmac, content))
        records.append(_sealed(vault, _id_of(entry.sequence), ENTRY, day, 0, linked))
        end = ChainEnd(entry.sequence, linked.hmac)
    return *records, _sealed(vault, HEAD, HEAD, day, found.revision if found else 0, end)


async def _end_without_head(store: Store) -> ChainEnd:
    """Go on behind the last entry there is, chained to none; at the beginning of a log that is simply its first."""
    return ChainEnd(max((_number_of(record) or 0 for record in await store.all_of_kind(ENTRY)), default=0))


def _sealed(vault: Vault, id: str, kind: str, day: date, revision: int, content: Immutable) -> Record:
    sealed = vault.seal(kind, id, _SHAPE, msgspec.json.encode(content))
    return Record(id, kind, kind, None, day, revision, _SHAPE, {}, sealed)


def _id_of(sequence: int) -> str:
    return f"{ENTRY}-{sequence:0{_DIGITS}}"


# ---------------------------------------------------------------- checking


def check_chain(records: Iterable[Record], vault: Vault) -> CheckedChain:
    """Check every link of the chain.

    Args:
        records: Those of a whole store, in any order; what is not of the log is passed over.
        vault: Opens the records, and knows the key of the chain.
    """
    head: Record | None = None
    found, odd = dict[int, Record](), False
    for record in records:
        if record.kind == HEAD:
            head = record
        elif record.kind == ENTRY:
            number = _number_of(record)
            odd = odd or number is None
            found |= {number: record} if number is not None else {}
    end = _opened(head, vault, ChainEnd) if head else None if found else ChainEnd()
    entries, broken, before = list[tuple[AuditEntry, str]](), None, _BEGINNING
    for expected, number in enumerate(sorted(found), 1):
        entry, hmac = _read(found[number], vault)
        is_linked = entry is not None and entry[0].sequence == number and vault.audit_hmac(before, entry[1]) == hmac
        if broken is None and not (is_linked and number == expected):
            broken = expected
        if entry is not None:
            entries.append((entry[0], hmac))
        before = hmac
    if broken is None and (end is None or odd or end != ChainEnd(len(entries), before)):
        broken = 1 + (min(end.count, len(entries)) if end else len(entries))
    return CheckedChain(tuple(entries), broken)


def _read(record: Record, vault: Vault) -> tuple[tuple[AuditEntry, str] | None, str]:
    """Return an entry with the text it was read from, or None where it does not open; and its HMAC."""
    linked = _opened(record, vault, LinkedEntry)
    if linked is None:
        return None, _BEGINNING
    try:
        return (msgspec.json.decode(linked.content, type=AuditEntry), linked.content), linked.hmac
    except msgspec.DecodeError:
        return None, linked.hmac


def _opened(record: Record, vault: Vault, type_: type[T]) -> T | None:
    """Return what a record holds; None where it does not open, or holds something else."""
    try:
        return msgspec.json.decode(vault.open(record.kind, record.id, record.shape, record.sealed), type=type_)
    except (Corrupt, msgspec.DecodeError):
        return None


def _number_of(record: Record) -> int | None:
    """Return the number in the id of an entry's record; None where no entry has such an id."""
    digits = record.id.removeprefix(f"{ENTRY}-")
    number = int(digits) if digits.isascii() and digits.isdigit() else 0
    return number if number and record.id == _id_of(number) else None
