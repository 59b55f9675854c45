"""The erasure log: which records were destroyed, kept outside the store, so that no restore brings them back.

A backup of yesterday still holds what was forgotten today. So the id of every record that is destroyed is noted, as a
keyed hash, in a file beside the key ring, and a restore leaves out what was noted after the backup was made.

    line    the day, a keyed hash of the day and the record's id, and `not` where it was not destroyed after all

Without the keys a line tells only that something was forgotten on that day: the hash of one person's record is a
different one every day. Records of events that a platform delivered ("seen") are not noted, as they name no person.

The order of writes is that of a write-ahead log. A line is durable before its record is destroyed, so a crash in
between leaves a line too many, about a record whose time had come, and never one too few. Where the destruction turns
out not to have happened (another writer was first), a second line ending in `not` takes the first one back.

Several processes append to the file. Each line is one write that begins on a new line, so a torn write damages no
other line. A shared lock is held from the writing of a line until its record is destroyed; a backup takes the exclusive
lock for as long as it needs to open its snapshot, so its snapshot and the log it carries agree about every record.
Locks of files are not fair: one shared lock after another would keep a backup waiting for ever. So whoever asks for
either lock holds the file of turns meanwhile; erasures that begin later wait behind a backup, which waits for those
under way, and gives up after some seconds.
Pruning replaces the file, and a process that waited for the lock of the old file begins again with the new one.
"""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from bot.crypto.durable_file import FileSystem, write_new_file
from bot.crypto.vault import Vault
from bot.errors import NotServable

FILE_NAME: Final = "forgotten"  # in the folder of the key ring
_SPARE_DAYS: Final = 2  # for time zones, and for a key rotation that was late
_HEAD: Final = "peersupport forgotten 1 "
_LINE: Final = re.compile(r"\d{4}-\d\d-\d\d [0-9a-f]{64}(?: not)?")
_APPEND: Final = "lock"  # one append at a time: on a network file system two may overwrite each other
_TURN: Final = "turn"  # whoever waits for the log's own lock holds this one, so that all wait in turn
_LOOK_AGAIN: Final = 0.02  # seconds; a lock of a file cannot be waited for until a time
_OWNER_ONLY: Final = 0o600


class ErasureLogBusy(NotServable):
    """The exclusive lock was not to be had in time. The message says what to do."""

    def __init__(self) -> None:
        """Use the one message that this has."""
        super().__init__(
            "Something was being destroyed in the store all the while, so nothing was read: run the command again; if "
            "it stays so, look whether the disk or the server of the store hangs."
        )


class ErasureLogMissing(Exception):
    """There is no erasure log at this place, or the file is not one."""


@dataclass(frozen=True, slots=True)
class ErasureLogState:
    """What an erasure log held at one moment.

    Attributes:
        id: Random; a log that was lost and begun again has another one.
        lines: Its valid lines, oldest first.
    """

    id: str = ""
    lines: tuple[str, ...] = field(default=(), repr=False)

    def erased_since(self, before: ErasureLogState) -> ErasedRecords:
        """Return what was destroyed between `before` and this state of the same log."""
        new = Counter(self.lines) - Counter(before.lines)
        gone = Counter({line: times for line, times in new.items() if not line.endswith(" not")})
        gone -= Counter({line.removesuffix(" not"): times for line, times in new.items() if line.endswith(" not")})
        return ErasedRecords(frozenset(gone), tuple(sorted({line[:10] for line in gone})))

    def continues(self, before: ErasureLogState, oldest: date) -> bool:
        """Say whether this is the same log at a later time.

        Args:
            before: The earlier state.
            oldest: The first day of which lines are kept; older ones may be missing.
        """
        kept = Counter(line for line in before.lines if line[:10] >= oldest.isoformat())
        return self.id == before.id and not kept - Counter(self.lines)


@dataclass(frozen=True, slots=True)
class ErasedRecords:
    """A set of destroyed records; membership needs the vault, since the lines are keyed hashes."""

    lines: frozenset[str] = field(default=frozenset(), repr=False)
    days: tuple[str, ...] = ()

    def contains(self, id: str, vault: Vault) -> bool:
        """Say whether the record of this id was destroyed, on whichever day."""
        return any(_format_line(day, id, vault) in self.lines for day in self.days)


class ErasureLog:
    """The log file. Its methods wait for the disk and for other processes' locks: call them from a thread.

    Args:
        folder: The folder of the key ring.
        vault: Hashes the ids.
        key_days: For how many days a day key is kept. Lines are kept two days longer, since no older backup can be
            decrypted.
        today: Returns the present day.
        patience: For how many seconds the exclusive lock is waited for; new erasures wait as long.
        disk: The file system.
    """

    def __init__(
        self,
        folder: Path,
        vault: Vault,
        key_days: int,
        today: Callable[[], date],
        patience: float = 10.0,
        disk: FileSystem | None = None,
    ) -> None:
        """Remember where it is; nothing is read or created."""
        self._patience, self._disk = patience, disk or FileSystem()
        self.path, self._vault, self._today = folder / FILE_NAME, vault, today
        self._keep = timedelta(days=key_days + _SPARE_DAYS)
        self._trimmed = date.min

    def oldest_kept_day(self) -> date:
        """Return the first day of which lines are kept."""
        return self._today() - self._keep

    def ensure_exists(self) -> None:
        """Create the file, with a new id, unless it exists; of several processes one creates it.

        Raises:
            OSError: It could not be created.
        """
        if self.path.exists():
            return
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = self.path.with_name(f"{FILE_NAME}.{secrets.token_hex(4)}.new")
        write_new_file(self._disk, new, f"{_HEAD}{secrets.token_hex(16)}\n".encode("ascii"))
        with suppress(FileExistsError):  # another process was faster
            os.link(new, self.path)
        new.unlink()
        self._disk.sync_folder(self.path.parent)

    def begin_erasure(self, ids: Sequence[str]) -> PendingErasure:
        """Note durably that these records are about to be destroyed, and hold the shared lock meanwhile.

        The caller must call `finish` or `retract` on the result; until then no backup can begin.

        Raises:
            OSError: The lines could not be written; nothing may be destroyed.
        """
        lines = [_format_line(self._today().isoformat(), id, self._vault) for id in ids]
        self.ensure_exists()
        with _lock_beside(self.path, _TURN), _lock_beside(self.path, _APPEND):
            fd = self._locked(fcntl.LOCK_SH)
            try:
                _append(self._disk, fd, lines)
            except BaseException:
                os.close(fd)
                raise
        return PendingErasure(self._disk, self.path, fd, lines)

    @contextmanager
    def locked_state(self) -> Iterator[ErasureLogState]:
        """Return what the log holds, under the exclusive lock: meanwhile no erasure is half done. Keep it short.

        Raises:
            ErasureLogBusy: Something was being destroyed all the while.
            ErasureLogMissing: The file is not an erasure log.
            OSError: It could not be read.
        """
        fd = self._exclusively_locked()
        try:
            yield _read(fd)
        finally:
            os.close(fd)

    def read(self) -> ErasureLogState:
        """Return what the log holds now.

        Raises:
            ErasureLogBusy: Something was being destroyed all the while.
            ErasureLogMissing: There is no file, or it is not an erasure log.
        """
        if not self.path.exists():
            raise ErasureLogMissing
        with self.locked_state() as state:
            return state

    def prune(self) -> None:
        """Drop the lines that no backup needs any more, at most once a day; another time where the log is busy.

        Raises:
            OSError: The shorter file could not be written; the old one stays.
        """
        if self._trimmed == self._today():
            return
        try:
            fd = self._exclusively_locked()
        except ErasureLogBusy:
            return
        try:
            state, oldest = _read(fd), self.oldest_kept_day().isoformat()
            kept = [line for line in state.lines if line[:10] >= oldest]
            if len(kept) < len(state.lines):
                new = self.path.with_name(f"{FILE_NAME}.new")
                with suppress(FileNotFoundError):
                    new.unlink()
                write_new_file(
                    self._disk, new, "".join(f"{line}\n" for line in (_HEAD + state.id, *kept)).encode("ascii")
                )
                self._disk.replace(new, self.path)
                self._disk.sync_folder(self.path.parent)
        finally:
            os.close(fd)
        self._trimmed = self._today()

    def _exclusively_locked(self) -> int:
        deadline = time.monotonic() + self._patience
        self.ensure_exists()
        with _lock_beside(self.path, _TURN, deadline):
            return self._locked(fcntl.LOCK_EX, deadline)

    def _locked(self, how: int, deadline: float | None = None) -> int:
        """Open and lock the file; again where it was replaced by a pruned one while we waited."""
        while True:
            self.ensure_exists()
            fd = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
            try:
                _flock(fd, how, deadline)
                if os.fstat(fd).st_ino == self.path.stat().st_ino:
                    return fd
            except FileNotFoundError:
                pass
            except BaseException:
                os.close(fd)
                raise
            os.close(fd)


@dataclass(frozen=True, slots=True)
class PendingErasure:
    """Lines that are durable, about records that are being destroyed. It holds the log's shared lock."""

    _disk: FileSystem
    _path: Path
    _fd: int
    _lines: Sequence[str] = field(repr=False)

    def finish(self) -> None:
        """The records are destroyed, or the outcome is unknown: let the lines stand and give up the lock."""
        os.close(self._fd)

    def retract(self, which: Sequence[int]) -> None:
        """Take back the lines at these positions, because another writer was first, and give up the lock."""
        try:
            if which:
                with _lock_beside(self._path, _APPEND):
                    _append(self._disk, self._fd, [f"{self._lines[each]} not" for each in which])
        finally:
            os.close(self._fd)


@contextmanager
def _lock_beside(path: Path, name: str, deadline: float | None = None) -> Iterator[None]:
    """Hold the lock of a file beside the log for the length of the block."""
    fd = os.open(path.with_name(f"{FILE_NAME}.{name}"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _OWNER_ONLY)
    try:
        _flock(fd, fcntl.LOCK_EX, deadline)
        yield
    finally:
        os.close(fd)


def _flock(fd: int, how: int, deadline: float | None) -> None:
    """Lock a file; until the deadline of the monotonic clock, where there is one. Raises ErasureLogBusy."""
    while deadline is not None and time.monotonic() < deadline:
        with suppress(BlockingIOError):
            return fcntl.flock(fd, how | fcntl.LOCK_NB)
        time.sleep(_LOOK_AGAIN)
    if deadline is not None:
        raise ErasureLogBusy
    return fcntl.flock(fd, how)


def _format_line(day: str, id: str, vault: Vault) -> str:
    return f"{day} {vault.keyed_hash('forgotten ' + day, id)}"


def _append(disk: FileSystem, fd: int, lines: Sequence[str]) -> None:
    """Append in one write, and sync. Each line begins on a new line, so that a torn one before it damages no other."""
    data = "".join(f"\n{line}\n" for line in lines).encode("ascii")
    disk.append(fd, data)
    disk.sync(fd)


def _read(fd: int) -> ErasureLogState:
    size = os.fstat(fd).st_size
    head, *lines = os.pread(fd, size, 0).decode("ascii", "replace").split("\n")
    if not head.startswith(_HEAD):
        raise ErasureLogMissing
    return ErasureLogState(head.removeprefix(_HEAD), tuple(line for line in lines if _LINE.fullmatch(line)))
