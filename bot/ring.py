"""The key ring: a folder with one key a day, wrapped by the root. What hung on a dropped key opens never again.

    ring                                   the ring's own id, and the two keys that outlive every root
    2026-03-02.000007.9f86d081884c7d65.key one day's key: day, number, id

Every file is written beside its place, synced, and then named, so that it is whole or not there; nothing is ever
changed in place but to destroy it. Several processes may share the folder. Who needs a key for today makes one, and
two who do so at once make two: both count, the later in order is used from then on, and both are dropped on the same
day. So nobody waits for anybody, and no file system needs to know a lock.

The order of keys is that of their numbers, not of their days: a clock that was wrong for a while changes neither what
is sealed under which key, nor what opens.
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

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bot.store.base import Unfit
from bot.store.disk import Disk
from bot.vault import KEY_ID, Lasting, derived

RING: Final = "ring"
OVERLAP: Final = timedelta(hours=1)
"""For so long after a newer key was made nothing is dropped: somebody may just be writing under the older one."""

_KEY_FILE: Final = re.compile(r"(\d{4}-\d\d-\d\d)\.(\d{6})\.([0-9a-f]{16})\.key")
_NEW, _DROPPED = ".new", ".dropped"
_OURS_ONLY: Final = 0o700
_VERSION: Final = b"\x01"
_KEY, _NONCE, _ID, _MADE = 32, 12, 16, 8
_A_DAY: Final = timedelta(days=1)
_LOOKS: Final = 8
_BLIND: Final = OVERLAP.total_seconds() / 2


class NoRing(Exception):
    """There is no ring in this folder."""


@dataclass(frozen=True, slots=True, order=True)
class Day:
    """One key. `made` is when, by the clock of whoever made it."""

    number: int
    id: bytes
    day: date
    made: datetime = field(compare=False)
    key: AESGCM = field(repr=False, compare=False)

    @property
    def file(self) -> str:
        return f"{self.day.isoformat()}.{self.number:06}.{self.id.hex()}.key"


class Ring:
    """The keys in one folder, as they were when it was last looked into. Use `open` or `make`."""

    def __init__(self, folder: Path, roots: Sequence[bytes], disk: Disk) -> None:
        """Know the place; nothing is read yet."""
        self.folder = folder
        self._boxes = tuple(AESGCM(derived(root, b"key ring")) for root in roots)
        self._disk = disk
        self._days: tuple[Day, ...] = ()  # oldest first
        self._keys: dict[bytes, AESGCM] = {}
        self._looked = 0.0
        self.id = b""
        self.lasting = Lasting(b"", b"")

    def __repr__(self) -> str:
        """Say nothing."""
        return "Ring(…)"

    @classmethod
    def open(cls, folder: Path, roots: Sequence[bytes], disk: Disk | None = None) -> Self:
        """The ring that is there; changes nothing. Raises NoRing, Unfit with a sentence, OSError."""
        ring = cls(folder, roots, disk or Disk())
        ring._take(ring._ring()[0])
        ring.look()
        return ring

    @classmethod
    def make(cls, folder: Path, roots: Sequence[bytes], now: datetime, disk: Disk | None = None) -> Self:
        """A new ring, with a key for today; where somebody else has just made one, theirs. Raises Unfit, OSError."""
        if len(roots) != 1:
            raise Unfit(
                "PEERSUPPORT_ROOT_KEY holds two keys, and PEERSUPPORT_KEY_RING is empty: begin a ring with one key."
            )
        ring = cls(folder, roots, disk or Disk())
        if not folder.exists():
            folder.mkdir(_OURS_ONLY, parents=True, exist_ok=True)
            ring._disk.sync_folder(folder.parent)
        lasting = Lasting.of(roots[0])
        ring._write_first(RING, ring._sealed(RING, os.urandom(_ID) + lasting.index + lasting.token, 0))
        ring._take(ring._ring()[0])
        ring.keep_up(now)
        return ring

    # ------------------------------------------------------------ what a vault asks

    def current(self) -> tuple[bytes, AESGCM]:
        """The newest key there is. Raises Unfit, OSError when the folder could not be looked into for long.

        Others may have dropped meanwhile what we think is the newest: better not to write than to lose it.
        """
        if time.monotonic() - self._looked > _BLIND:
            self.look()
        newest = self._days[-1]
        return newest.id, newest.key

    def key(self, id: bytes) -> AESGCM | None:
        """A key by its id. For one that is not known the folder is looked into again: another process made it."""
        if id not in self._keys:
            with suppress(OSError, Unfit):
                self.look()
        return self._keys.get(id)

    # ------------------------------------------------------------ day by day

    @property
    def days(self) -> Sequence[Day]:
        """Every key, oldest first."""
        return self._days

    def look(self) -> None:
        """Read the folder again. Raises Unfit for a file that does not open or a ring that is gone, OSError."""
        if not (self.folder / RING).exists():
            raise Unfit("PEERSUPPORT_KEY_RING is not there any more: mount it again where it was.")
        for _ in range(_LOOKS):
            try:
                found = tuple(sorted(self._read_days()))
            except FileNotFoundError:  # dropped, or replaced, by another process between list and read
                continue
            self._days, self._keys = found, {day.id: day.key for day in found}
            self._looked = time.monotonic()
            return
        raise Unfit("PEERSUPPORT_KEY_RING changes while it is read: is something else writing there?")

    def _read_days(self) -> Iterable[Day]:
        known = {day.file: day for day in self._days}
        for name in sorted(path.name for path in self.folder.iterdir()):
            match = _KEY_FILE.fullmatch(name)
            if match is None:
                continue
            if name in known:
                yield known[name]
                continue
            plain, _ = self._opened(name, self._standing(name))
            made = datetime.fromtimestamp(int.from_bytes(plain[_KEY:], "big"), UTC)
            number, id = int(match[2]), bytes.fromhex(match[3])
            yield Day(number, id, date.fromisoformat(match[1]), made, AESGCM(plain[:_KEY]))

    def keep_up(self, now: datetime) -> bool:
        """See that what is sealed from now on is sealed under a key of today; whether one had to be made.

        A key of tomorrow is good, too: a clock that is ahead by seconds makes one before midnight.
        """
        self.look()
        today = now.astimezone(UTC).date()
        if self._days and today <= self._days[-1].day <= today + _A_DAY:
            return False
        number = self._days[-1].number + 1 if self._days else 1
        key, made = os.urandom(_KEY), now.replace(microsecond=0)
        day = Day(number, os.urandom(KEY_ID), today, made, AESGCM(key))
        plain = key + int(made.timestamp()).to_bytes(_MADE, "big")
        self._write_new(day.file, self._sealed(day.file, plain, self._ring()[1]))
        self.look()
        return True

    def outlived(self, now: datetime, days: int) -> Sequence[Day]:
        """Keys that are older than so many days, and under which nobody can be writing any more."""
        today, found = now.astimezone(UTC).date(), []
        day, followed = date.max, False
        for each in reversed(self._days):
            day = min(day, each.day)  # a day that lies ahead of what followed it was a clock's mistake
            if followed and day + timedelta(days=days) < today:
                found.append(each)
            followed = followed or each.made <= now - OVERLAP
        return found[::-1]

    def drop(self, days: Iterable[Day]) -> None:
        """Destroy these keys: overwritten, unlinked, synced. What hangs on them opens never again."""
        for each in days:
            path = self.folder / each.file
            with suppress(FileNotFoundError):  # another process was faster
                dropped = path.with_name(path.name + _DROPPED)
                self._disk.replace(path, dropped)
                self._disk.sync_folder(self.folder)  # no name of a key ever stands for half of one
                self._shred(dropped)
        self._disk.sync_folder(self.folder)
        self.look()

    def tidy(self) -> None:
        """Remove what a process that was killed has left: names that were never given, keys half destroyed."""
        for path in sorted(self.folder.iterdir()):
            with suppress(FileNotFoundError):
                old = path.name.endswith(_NEW) and time.time() - path.stat().st_mtime > OVERLAP.total_seconds()
                if old or path.name.endswith(_DROPPED):
                    self._shred(path)

    def _shred(self, path: Path) -> None:
        fd = self._disk.open(path)
        try:
            self._disk.write(fd, bytes(os.fstat(fd).st_size), 0)
            self._disk.sync(fd)
        finally:
            self._disk.close(fd)
        self._disk.remove(path)

    # ------------------------------------------------------------ another root

    def behind(self) -> int:
        """How many files of the ring are not wrapped by the first root yet."""
        return sum(1 for _, _, by in self._everything() if by)

    def rewrap(self) -> int:
        """Wrap every file of the ring by the first root; how many that changed. May be repeated and interrupted.

        The file `ring` comes last: until then keys made meanwhile are wrapped as before, which everybody can open.
        """
        changed = 0
        for _ in range(_LOOKS):
            behind = [(name, plain) for name, plain, by in self._everything() if by]
            if not behind:
                break
            for name, plain in behind:
                self._replace(name, self._sealed(name, plain, 0))
                changed += 1
        return changed

    def _everything(self) -> Iterable[tuple[str, bytes, int]]:
        self.look()
        for name in (*(day.file for day in self._days), RING):
            with suppress(FileNotFoundError):
                yield (name, *self._opened(name, self._standing(name)))

    # ------------------------------------------------------------ files

    def _ring(self) -> tuple[bytes, int]:
        try:
            return self._opened(RING, self._standing(RING))
        except (FileNotFoundError, NotADirectoryError):
            raise NoRing from None

    def _standing(self, name: str) -> bytes:
        """What this file holds; again if it was replaced, and what it held destroyed, while we read it."""
        data, looks = b"\0", _LOOKS
        while data.startswith(b"\0") and looks:
            data, looks = (self.folder / name).read_bytes(), looks - 1
        return data

    def _take(self, plain: bytes) -> None:
        self.id, rest = plain[:_ID], plain[_ID:]
        self.lasting = Lasting(rest[:_KEY], rest[_KEY:])

    def _sealed(self, name: str, plain: bytes, by: int) -> bytes:
        nonce = os.urandom(_NONCE)
        return _VERSION + nonce + self._boxes[by].encrypt(nonce, plain, name.encode("ascii"))

    def _opened(self, name: str, data: bytes) -> tuple[bytes, int]:
        """What the file holds, and by which of the roots it is wrapped. Raises Unfit."""
        if data.startswith(_VERSION):
            for by, box in enumerate(self._boxes):
                with suppress(InvalidTag, ValueError):
                    at = len(_VERSION) + _NONCE
                    return box.decrypt(data[len(_VERSION) : at], data[at:], name.encode("ascii")), by
        raise Unfit(
            "PEERSUPPORT_KEY_RING does not open with this PEERSUPPORT_ROOT_KEY: use the key it was made with; while "
            "rotating, both keys, separated by a comma (docs/operating.md)."
        )

    def _write_first(self, name: str, data: bytes) -> None:
        """Give this name to our bytes unless somebody has it already."""
        new = self._unnamed(name, data)
        try:
            os.link(new, self.folder / name)
        except FileExistsError:
            pass
        finally:
            self._disk.remove(new)
        self._disk.sync_folder(self.folder)

    def _write_new(self, name: str, data: bytes) -> None:
        """Under a name that nobody else can have."""
        self._disk.replace(self._unnamed(name, data), self.folder / name)
        self._disk.sync_folder(self.folder)

    def _replace(self, name: str, data: bytes) -> None:
        """Destroy what stands there, once the new bytes have its name."""
        path = self.folder / name
        try:
            old = self._disk.open(path)
        except FileNotFoundError:
            return
        try:
            self._write_new(name, data)
            self._disk.write(old, bytes(os.fstat(old).st_size), 0)
            self._disk.sync(old)
        finally:
            self._disk.close(old)

    def _unnamed(self, name: str, data: bytes) -> Path:
        new = self.folder / f"{name}.{os.urandom(4).hex()}{_NEW}"
        fd = self._disk.create(new)
        try:
            self._disk.write(fd, data, 0)
            self._disk.sync(fd)
        finally:
            self._disk.close(fd)
        return new


def close_to_others(folder: Path) -> None:
    """Let nobody else look into the ring. Raises Unfit where every user of this machine may, whatever we do."""
    with suppress(PermissionError):  # a mounted volume may belong to somebody else
        folder.chmod(_OURS_ONLY)
    if stat.S_IMODE(folder.stat().st_mode) & stat.S_IRWXO:
        raise Unfit(
            "PEERSUPPORT_KEY_RING can be read by every user of this machine: `chmod 700` it, and give it to the "
            "service's user."
        )
