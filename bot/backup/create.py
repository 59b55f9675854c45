"""Creates a backup: the whole store as it is at one moment, in one sealed file. Reads and verifies such files.

first chunk   the state of the erasure log at that moment, so that a restore knows what was forgotten afterwards
other chunks  the records, in the format of the embedded store's journal
"""

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

from bot.backup.summary import StoreSummary, UnreadableRecord
from bot.config.parsers import Postgres
from bot.crypto.durable_file import FileSystem
from bot.crypto.sealed_file import BackupHeader, SealedFileWriter, UnreadableBackup, open_sealed_file
from bot.crypto.vault import Vault
from bot.engine.codec import Stored
from bot.errors import NotServable
from bot.store.base import Record
from bot.store.embedded.row_format import decode_changes, encode_changes, to_record, to_unchanged_document
from bot.store.erasure_log import ErasureLog, ErasureLogState
from bot.store.retired import FILLING, why_not_servable
from bot.store.snapshot import open_snapshot

UNFINISHED = ".unfinished"
"""What a backup that is being written has behind its name."""

_OWNER_ONLY = 0o600


class BackupRefused(Exception):
    """Nothing was done; the message is a sentence that says what to do."""


@dataclass(frozen=True, slots=True)
class BackupContents:
    """What a backup holds that was read to its end: every record decrypts, and this release understands it.

    Attributes:
        label: The header.
        erasure_log: What was known to be forgotten when it was made.
        summary: Counts and a digest of its records.
    """

    label: BackupHeader
    erasure_log: ErasureLogState
    summary: StoreSummary


def create_backup(where: Path | Postgres, vault: Vault, log: ErasureLog, file: Path, day: date) -> BackupHeader:
    """Write a backup while others go on serving. It gets its name, replacing a file of that name, once it is complete.

    Args:
        where: The folder of an embedded store, or the address of a database.
        vault: Opens the store, and seals the backup's key.
        log: The erasure log of the store.
        file: The backup.
        day: Today.

    Returns:
        What the backup says in clear.

    Raises:
        BackupRefused: Another process is writing that file.
        NotServable: There is no store, or it is still being filled.
        Corrupt: The store does not decrypt.
        ErasureLogMissing: The file of the erasure log is not one.
        DatabaseUnavailable: PostgreSQL does not answer.
        OSError: A file cannot be read or written.
    """
    with _atomic_file(file) as out, ExitStack() as stack:
        with log.locked_state() as erased:  # no deletion is half done now: what the log names is not in the snapshot
            found = stack.enter_context(open_snapshot(where, vault))
        if found.marker is not None and found.marker.stage == FILLING:
            raise NotServable(why_not_servable(found.marker))
        label = BackupHeader(day, found.count, found.kind)
        sealing = SealedFileWriter(out, vault, label)
        sealing.add(orjson.dumps({"log": erased.id, "lines": erased.lines}))
        for batch in found.batches:
            sealing.add(encode_changes((one.id, to_unchanged_document(one)) for one in batch))
        sealing.finish()
    return label


@contextmanager
def _atomic_file(file: Path) -> Iterator[BinaryIO]:
    """Write a file under another name; it is synced and renamed when all went well, and removed otherwise."""
    unfinished = file.with_name(file.name + UNFINISHED)
    fd = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, _OWNER_ONLY)
    with open(fd, "wb") as out:  # noqa: PTH123  a descriptor has no path
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BackupRefused("Another backup is just being written to that file: wait until it is done.") from None
        os.fchmod(fd, _OWNER_ONLY)
        os.ftruncate(fd, 0)  # a process that was killed may have left something
        try:
            yield out
            out.flush()
            os.fsync(fd)
            unfinished.replace(file)
        except BaseException:
            with suppress(OSError):
                unfinished.unlink()
            raise
    FileSystem().sync_folder(file.parent)


def read_backup(file: BinaryIO, vault: Vault, key_days: int) -> tuple[BackupHeader, ErasureLogState, Iterator[Record]]:
    """Read a backup. It is complete only when the iterator of its records has ended without an exception.

    Args:
        file: The backup, at its beginning.
        vault: Opens its key.
        key_days: For how many days the key ring keeps keys, for messages.

    Returns:
        The header, the erasure log as it was, and the records.

    Raises:
        UnreadableBackup: At once or from the iterator.
    """
    label, plain = open_sealed_file(file, vault, f"PEERSUPPORT_KEY_DAYS={key_days}")
    said = orjson.loads(next(plain))
    rows = (to_record(id, stored) for chunk in plain for id, stored in decode_changes(chunk) if stored is not None)
    return label, ErasureLogState(said["log"], tuple(said["lines"])), rows


def verify_backup(file: BinaryIO, vault: Vault, key_days: int) -> BackupContents:
    """Read a backup to its end, and decrypt every record as `serve` would. Arguments are as for `read_backup`.

    Raises:
        UnreadableBackup: It is damaged or incomplete, or a record in it cannot be used.
    """
    label, erased, records = read_backup(file, vault, key_days)
    summary = StoreSummary()
    for one in records:
        count_record(one, summary, vault, label, key_days)
    if summary.total != label.records:
        raise UnreadableBackup("This file does not hold as many records as it says.")
    return BackupContents(label, erased, summary)


def count_record(
    one: Record, summary: StoreSummary, vault: Vault, label: BackupHeader, key_days: int
) -> Stored[Any] | None:
    """Count a record, and return the conversation that it holds, or None for one that holds none.

    Args:
        one: The record.
        summary: Where it is counted.
        vault: Decrypts it.
        label: The backup's header, for the message.
        key_days: For how many days the key ring keeps keys, for the message.

    Raises:
        UnreadableBackup: It does not decrypt, or this release does not understand it.
    """
    try:
        return summary.add(one, vault)
    except UnreadableRecord:
        raise UnreadableBackup(
            f"A record in this backup of {label.made} does not open: it is older than the key ring keeps keys "
            f"(PEERSUPPORT_KEY_DAYS={key_days}), or comes from a newer version. Use a younger backup, or that version."
        ) from None
