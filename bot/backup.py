"""Backups: the whole store as it stood at one moment, in one sealed file; and what such a file holds."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from bot.records import Saved
from bot.store.base import Record, Unfit
from bot.store.moved import ARRIVING, why_not
from bot.store.rows import as_it_is, decode, encode, record
from bot.store.sealed_file import Label, Sealing, Unreadable, opened
from bot.store.shredding import Noted, ShredLog
from bot.store.whole import snapshot
from bot.tally import NotOpened, Tally
from bot.values import Postgres
from bot.vault import Vault

UNFINISHED = ".unfinished"  # behind the name of a backup that is being written
_OURS_ONLY = 0o600


class Refusal(Exception):
    """Nothing was done; the message is a sentence with its fix."""


@dataclass(frozen=True, slots=True)
class Contents:
    """A backup that was read to its end: every record opens, and is understood by this version."""

    label: Label
    noted: Noted  # what was known to be forgotten when it was made
    tally: Tally


def make(where: Path | Postgres, vault: Vault, log: ShredLog, file: Path, day: date) -> Label:
    """Write a backup beside whoever serves; it takes its name, whatever had it, when it is whole and on the disk.

    Raises OSError, Refusal, Unfit, Damaged, NoLog; NoAnswer for PostgreSQL.
    """
    with _to_be_named(file) as out, ExitStack() as stack:
        with log.still() as noted:  # nothing is half destroyed now: what the log names is not in the snapshot
            found = stack.enter_context(snapshot(where, vault))
        if found.marker is not None and found.marker.stage == ARRIVING:
            raise Unfit(why_not(found.marker))
        label = Label(day, found.count, found.kind)
        sealing = Sealing(out, vault, label)
        sealing.add(orjson.dumps({"log": noted.id, "lines": noted.lines}))
        for batch in found.batches:
            sealing.add(encode((one.id, as_it_is(one)) for one in batch))
        sealing.finish()
    return label


@contextmanager
def _to_be_named(file: Path) -> Iterator[BinaryIO]:
    """A file under another name; synced and renamed when all went well, else gone."""
    unfinished = file.with_name(file.name + UNFINISHED)
    fd = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, _OURS_ONLY)
    with open(fd, "wb") as out:  # noqa: PTH123  a descriptor has no path
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refusal("Another backup is just being written to that file: wait until it is done.") from None
        os.fchmod(fd, _OURS_ONLY)
        os.ftruncate(fd, 0)  # one that was killed may have left something
        try:
            yield out
            out.flush()
            os.fsync(fd)
            unfinished.replace(file)
        except BaseException:
            with suppress(OSError):
                unfinished.unlink()
            raise
    folder = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def chunks(file: BinaryIO, vault: Vault, key_days: int) -> tuple[Label, Noted, Iterator[Record]]:
    """What a backup begins with, and its records; it is whole only when the last has come. Raises Unreadable."""
    label, plain = opened(file, vault, f"PEERSUPPORT_KEY_DAYS={key_days}")
    said = orjson.loads(next(plain))
    rows = (record(id, stored) for chunk in plain for id, stored in decode(chunk) if stored is not None)
    return label, Noted(said["log"], tuple(said["lines"])), rows


def verify(file: BinaryIO, vault: Vault, key_days: int) -> Contents:
    """Read all of it, and open every record as `serve` would. Raises Unreadable."""
    label, noted, records = chunks(file, vault, key_days)
    tally = Tally()
    for one in records:
        look_at(one, tally, vault, label, key_days)
    if tally.total != label.records:
        raise Unreadable("This file does not hold as many records as it says.")
    return Contents(label, noted, tally)


def look_at(one: Record, tally: Tally, vault: Vault, label: Label, key_days: int) -> Saved[Any] | None:
    """Count it, and say what it holds. Raises Unreadable where it does not open, with the likely reason."""
    try:
        return tally.take(one, vault)
    except NotOpened:
        raise Unreadable(
            f"A record in this backup of {label.made} does not open: it is older than the key ring keeps keys "
            f"(PEERSUPPORT_KEY_DAYS={key_days}), or comes from a newer version. Use a younger backup, or that version."
        ) from None
