"""The key ring: a folder with one key a day. What was wrapped under a key that was destroyed can never be read again.

    ring                                   the ring's own id, and the two keys that never change
    2026-03-02.000007.9f86d081884c7d65.key one day key: day, number, id

Forgetting is hard where copies exist: a deleted record is still in yesterday's backup, in a snapshot of the disk, in
the write-ahead log of a database. So every record is encrypted under a key of its own, and that key under the key of a
day (envelope encryption, see `bot.crypto.vault`). Each day a new day key is made, and what still exists is wrapped
under it (see `rotation`). A day key that has outlived its days is destroyed, and with it every copy from that time.

Several processes may share the folder, and need no lock. A process that needs a key for today makes one. Two
processes that do so at the same time make two keys; both count, the later one in order is used from then on, and both
are destroyed on the same day. So no process waits for another, and any network file system will do.

Keys are ordered by their numbers, not by their days: a clock that was wrong for a while changes neither what is
encrypted under which key, nor what can be decrypted.

A process that could not read the folder for half an hour refuses to encrypt, because others may meanwhile have
destroyed what it takes for the newest key. A key is destroyed at the earliest an hour after a newer one was made, so
within that hour every process has noticed the newer one.
"""

from __future__ import annotations

import os
import re
import stat
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final, Self

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bot.crypto.durable_file import FileSystem
from bot.crypto.stable_keys import KEY_ID_BYTES, StableKeys
from bot.errors import NotServable
from bot.keys.key_files import KeyFiles

RING_FILE: Final = "ring"
OVERLAP: Final = timedelta(hours=1)
"""How long after a newer key was made an older one is kept at least: a process may still be encrypting under it."""

_KEY_FILE: Final = re.compile(r"(\d{4}-\d\d-\d\d)\.(\d{6})\.([0-9a-f]{16})\.key")
_OWNER_ONLY: Final = 0o700
_KEY, _RING_ID, _MADE = 32, 16, 8  # bytes
_A_DAY: Final = timedelta(days=1)
_ATTEMPTS: Final = 8
_MAX_AGE: Final = OVERLAP.total_seconds() / 2  # seconds for which the folder need not be read again


class KeyRingMissing(Exception):
    """There is no key ring in this folder."""


@dataclass(frozen=True, slots=True, order=True)
class DayKey:
    """One key of the ring; keys are ordered by number.

    Attributes:
        number: One more than that of the newest key when it was made.
        id: 8 random bytes, which stand in what is encrypted under it.
        day: The day it is for, in UTC.
        made: When it was made, by the clock of the process that made it.
        key: The key itself.
    """

    number: int
    id: bytes
    day: date
    made: datetime = field(compare=False)
    key: AESGCM = field(repr=False, compare=False)

    @property
    def file_name(self) -> str:
        """The name of its file."""
        return f"{self.day.isoformat()}.{self.number:06}.{self.id.hex()}.key"


class KeyRing:
    """The keys in one folder, as they were when it was last read. Use `open` or `create`.

    Args:
        folder: The folder.
        roots: The root keys; while the root key is being rotated the new one first.
        disk: The file system.
    """

    def __init__(self, folder: Path, roots: Sequence[bytes], disk: FileSystem) -> None:
        """Remember the folder; nothing is read yet."""
        self.folder = folder
        self._files = KeyFiles(folder, roots, disk)
        self._day_keys: tuple[DayKey, ...] = ()  # oldest first
        self._keys: dict[bytes, AESGCM] = {}
        self._read_at = 0.0
        self.id = b""
        self.stable_keys = StableKeys(b"", b"")

    def __repr__(self) -> str:
        """Reveal nothing."""
        return "KeyRing(…)"

    @classmethod
    def open(cls, folder: Path, roots: Sequence[bytes], disk: FileSystem | None = None) -> Self:
        """Read the ring in this folder, and change nothing.

        Raises:
            KeyRingMissing: There is none.
            NotServable: It does not decrypt with these root keys.
            OSError: It cannot be read.
        """
        ring = cls(folder, roots, disk or FileSystem())
        ring._read_ring_file()
        ring.reload()
        return ring

    @classmethod
    def create(cls, folder: Path, roots: Sequence[bytes], now: datetime, disk: FileSystem | None = None) -> Self:
        """Create a ring with a key for today; where another process has just created one, use that.

        Raises:
            NotServable: There are two root keys, or the ring of the other process does not decrypt.
            OSError: The folder cannot be written.
        """
        if len(roots) != 1:
            raise NotServable(
                "PEERSUPPORT_ROOT_KEY holds two keys, and PEERSUPPORT_KEY_RING is empty: begin a ring with one key."
            )
        disk = disk or FileSystem()
        ring = cls(folder, roots, disk)
        if not folder.exists():
            folder.mkdir(_OWNER_ONLY, parents=True, exist_ok=True)
            disk.sync_folder(folder.parent)
        keys = StableKeys.derive_from(roots[0])
        ring._files.write_first(RING_FILE, os.urandom(_RING_ID) + keys.index + keys.token)
        ring._read_ring_file()
        ring.ensure_key_for(now)
        return ring

    # ------------------------------------------------------------ what a vault needs

    def current_key(self) -> tuple[bytes, AESGCM]:
        """Return the id and the key that everything is encrypted under from now on: the newest.

        Raises:
            NotServable: The folder could not be read for half an hour, and is not readable now. Others may have
                destroyed the key meanwhile, and it is better not to write than to lose what is written.
            OSError: As before.
        """
        if time.monotonic() - self._read_at > _MAX_AGE:
            self.reload()
        newest = self._day_keys[-1]
        return newest.id, newest.key

    def key(self, id: bytes) -> AESGCM | None:
        """Return a key by its id, or None. For an unknown id the folder is read again: another process made it."""
        if id not in self._keys:
            with suppress(OSError, NotServable):
                self.reload()
        return self._keys.get(id)

    # ------------------------------------------------------------ day keys

    @property
    def day_keys(self) -> Sequence[DayKey]:
        """Every key that was there when the folder was last read, oldest first."""
        return self._day_keys

    def reload(self) -> None:
        """Read the folder again.

        Raises:
            NotServable: The ring is gone, or a file in it does not decrypt.
            OSError: The folder cannot be read.
        """
        if not (self.folder / RING_FILE).exists():
            raise NotServable("PEERSUPPORT_KEY_RING is not there any more: mount it again where it was.")
        for _ in range(_ATTEMPTS):
            try:
                found = tuple(sorted(self._read_day_keys()))
            except FileNotFoundError:  # destroyed, or replaced, by another process between listing and reading
                continue
            self._day_keys, self._keys = found, {day.id: day.key for day in found}
            self._read_at = time.monotonic()
            return
        raise NotServable("PEERSUPPORT_KEY_RING changes while it is read: is something else writing there?")

    def _read_day_keys(self) -> Iterable[DayKey]:
        known = {day.file_name: day for day in self._day_keys}
        for name in self._files.names():
            match = _KEY_FILE.fullmatch(name)
            if match is None:
                continue
            if name in known:
                yield known[name]
                continue
            plain, _ = self._files.read(name)
            made = datetime.fromtimestamp(int.from_bytes(plain[_KEY:], "big"), UTC)
            number, id = int(match[2]), bytes.fromhex(match[3])
            yield DayKey(number, id, date.fromisoformat(match[1]), made, AESGCM(plain[:_KEY]))

    def ensure_key_for(self, now: datetime) -> bool:
        """Make a key for today unless there is one, and return whether it had to be made.

        A key of tomorrow counts, too: a process whose clock is ahead by seconds makes it before midnight.

        Raises:
            NotServable: As `reload` does.
            OSError: The folder cannot be read or written.
        """
        self.reload()
        today = now.astimezone(UTC).date()
        if self._day_keys and today <= self._day_keys[-1].day <= today + _A_DAY:
            return False
        number = self._day_keys[-1].number + 1 if self._day_keys else 1
        key, made = os.urandom(_KEY), now.replace(microsecond=0)
        day = DayKey(number, os.urandom(KEY_ID_BYTES), today, made, AESGCM(key))
        plain = key + int(made.timestamp()).to_bytes(_MADE, "big")
        by = self._read_ring_file()  # as the file `ring` is, so that every process can decrypt it
        self._files.write_new(day.file_name, plain, by)
        self.reload()
        return True

    def expired_keys(self, now: datetime, days: int) -> Sequence[DayKey]:
        """Return the keys, oldest first, that may be destroyed.

        Args:
            now: The present time.
            days: For how many days a key is kept after its own. One that has no newer key, at least `OVERLAP` old, is
                kept longer, since a process may still be encrypting under it.
        """
        today, found = now.astimezone(UTC).date(), []
        day, followed = date.max, False
        for each in reversed(self._day_keys):
            day = min(day, each.day)  # a day later than that of a newer key was a clock's mistake
            if followed and day + timedelta(days=days) < today:
                found.append(each)
            followed = followed or each.made <= now - OVERLAP
        return found[::-1]

    def destroy_keys(self, keys: Iterable[DayKey]) -> None:
        """Destroy these keys: overwritten, unlinked, synced. What they encrypt can never be read again."""
        for each in keys:
            self._files.destroy(each.file_name)
        self._files.sync()
        self.reload()

    def remove_leftovers(self) -> None:
        """Remove what a killed process has left in the folder."""
        self._files.remove_leftovers(OVERLAP)

    # ------------------------------------------------------------ rotating the root key

    def count_outdated_wraps(self) -> int:
        """Return how many files of the ring are not encrypted under the first root key yet."""
        return sum(1 for _, _, by in self._all_files() if by)

    def rewrap(self) -> int:
        """Encrypt every file of the ring under the first root key; may be repeated and interrupted.

        The file `ring` comes last: until then other processes encrypt new keys under the former root key, which every
        process can decrypt.

        Returns:
            How many files that changed.
        """
        changed = 0
        for _ in range(_ATTEMPTS):
            outdated = [(name, plain) for name, plain, by in self._all_files() if by]
            if not outdated:
                break
            for name, plain in outdated:
                self._files.rewrap(name, plain)
                changed += 1
        return changed

    def _all_files(self) -> Iterable[tuple[str, bytes, int]]:
        self.reload()
        for name in (*(day.file_name for day in self._day_keys), RING_FILE):
            with suppress(FileNotFoundError):
                yield (name, *self._files.read(name))

    def _read_ring_file(self) -> int:
        """Take over the ring's id and stable keys; return which root key the file is encrypted under."""
        try:
            plain, by = self._files.read(RING_FILE)
        except (FileNotFoundError, NotADirectoryError):
            raise KeyRingMissing from None
        self.id, rest = plain[:_RING_ID], plain[_RING_ID:]
        self.stable_keys = StableKeys(rest[:_KEY], rest[_KEY:])
        return by


def restrict_access(folder: Path) -> None:
    """Close the folder to other users.

    Raises:
        NotServable: Every user of this machine may still read it, as it belongs to another user.
    """
    with suppress(PermissionError):  # a mounted volume may belong to another user
        folder.chmod(_OWNER_ONLY)
    if stat.S_IMODE(folder.stat().st_mode) & stat.S_IRWXO:
        raise NotServable(
            "PEERSUPPORT_KEY_RING can be read by every user of this machine: `chmod 700` it, and give it to the "
            "service's user."
        )
