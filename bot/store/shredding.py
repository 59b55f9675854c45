"""What was forgotten stays forgotten, also when a backup of yesterday is restored: a log of what was destroyed, outside
the store.

    line    the day, a keyed hash of the day and the record's id, and `not` where it was not destroyed after all

Without the keys it tells that on a day so many things were forgotten, and nothing else: the same person's hash is
another every day. A line is on the disk before what it names is destroyed, so a kill leaves at worst a line too much,
about something whose time had come. Several processes append to it; each line is one write, begun on a new line, so one
that was torn spoils no other. What a platform's events left behind ("seen") is not noted: it names nobody.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import re
import secrets
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final

from bot.store.base import Gone, Record, Stale, Store
from bot.vault import Vault

NAME: Final = "forgotten"  # in the folder of the key ring
NOT_NOTED: Final = frozenset({"seen", "moved", "key-ring"})
_SPARE: Final = 2  # days; a time zone, and a night that was late
_HEAD: Final = "peersupport forgotten 1 "
_LINE: Final = re.compile(r"\d{4}-\d\d-\d\d [0-9a-f]{64}(?: not)?")
_OURS_ONLY: Final = 0o600


class NoLog(Exception):
    """There is no such log, or it is not one."""


@dataclass(frozen=True, slots=True)
class Noted:
    """A log as it stood at one moment."""

    id: str = ""  # random: a log that was lost and begun again is another
    lines: tuple[str, ...] = field(default=(), repr=False)

    def since(self, before: Noted) -> Forgotten:
        """What was destroyed between that moment and this one."""
        new = Counter(self.lines) - Counter(before.lines)
        gone = Counter({line: times for line, times in new.items() if not line.endswith(" not")})
        gone -= Counter({line.removesuffix(" not"): times for line, times in new.items() if line.endswith(" not")})
        return Forgotten(frozenset(gone), tuple(sorted({line[:10] for line in gone})))

    def goes_on_from(self, before: Noted, oldest: date) -> bool:
        """Whether this is that very log, later: whatever it held is there, but for what is older than is kept."""
        kept = Counter(line for line in before.lines if line[:10] >= oldest.isoformat())
        return self.id == before.id and not kept - Counter(self.lines)


@dataclass(frozen=True, slots=True)
class Forgotten:
    """Records that must not come back."""

    lines: frozenset[str] = field(default=frozenset(), repr=False)
    days: tuple[str, ...] = ()

    def has(self, id: str, vault: Vault) -> bool:
        return any(_line(day, id, vault) in self.lines for day in self.days)


class ShredLog:
    """The file. Its methods wait for the disk and for each other's locks: call them from a thread."""

    def __init__(self, folder: Path, vault: Vault, key_days: int, today: Callable[[], date]) -> None:
        """Lines are kept as long as a backup made before them can be opened, and a little longer."""
        self.path, self._vault, self._today = folder / NAME, vault, today
        self._keep = timedelta(days=key_days + _SPARE)
        self._trimmed = date.min

    def oldest(self) -> date:
        """The first day of which lines are kept."""
        return self._today() - self._keep

    def begin(self) -> None:
        """See that the file is there. Raises OSError."""
        if self.path.exists():
            return
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = self.path.with_name(f"{NAME}.{secrets.token_hex(4)}.new")
        _write_whole(new, f"{_HEAD}{secrets.token_hex(16)}\n")
        with suppress(FileExistsError):  # another process was faster
            os.link(new, self.path)
        new.unlink()
        _sync_folder(self.path.parent)

    def note(self, ids: Sequence[str]) -> Noting:
        """Write durably that these are about to be destroyed. Nobody copies the store until the answer is `over`."""
        lines = [_line(self._today().isoformat(), id, self._vault) for id in ids]
        self.begin()
        with _in_turn(self.path):
            fd = self._locked(fcntl.LOCK_SH)
            try:
                _append(fd, lines)
            except BaseException:
                os.close(fd)
                raise
        return Noting(self.path, fd, lines)

    @contextmanager
    def still(self) -> Iterator[Noted]:
        """What the log holds; while this lasts, nothing that is noted is only half destroyed. Keep it short."""
        fd = self._locked(fcntl.LOCK_EX)
        try:
            yield _read(fd)
        finally:
            os.close(fd)

    def read(self) -> Noted:
        """What it holds now. Raises NoLog."""
        if not self.path.exists():
            raise NoLog
        with self.still() as noted:
            return noted

    def trim(self) -> None:
        """Drop what no backup can bring back any more; once a day. Raises OSError."""
        if self._trimmed == self._today():
            return
        fd = self._locked(fcntl.LOCK_EX)
        try:
            noted, oldest = _read(fd), self.oldest().isoformat()
            kept = [line for line in noted.lines if line[:10] >= oldest]
            if len(kept) < len(noted.lines):
                new = self.path.with_name(f"{NAME}.new")
                with suppress(FileNotFoundError):
                    new.unlink()
                _write_whole(new, "".join(f"{line}\n" for line in (_HEAD + noted.id, *kept)))
                new.replace(self.path)
                _sync_folder(self.path.parent)
        finally:
            os.close(fd)
        self._trimmed = self._today()

    def _locked(self, how: int) -> int:
        """The file that bears the name now, locked: it may be replaced by a shorter one while we wait."""
        while True:
            self.begin()
            fd = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
            try:
                fcntl.flock(fd, how)
                if os.fstat(fd).st_ino == self.path.stat().st_ino:
                    return fd
            except FileNotFoundError:
                pass
            except BaseException:
                os.close(fd)
                raise
            os.close(fd)


@dataclass(frozen=True, slots=True)
class Noting:
    """Lines that are written, about something that is being destroyed."""

    _path: Path
    _fd: int
    _lines: Sequence[str] = field(repr=False)

    def over(self) -> None:
        """It is destroyed, or nobody knows."""
        os.close(self._fd)

    def undone(self, which: Sequence[int]) -> None:
        """These of them were not destroyed: somebody else wrote first."""
        try:
            if which:
                with _in_turn(self._path):
                    _append(self._fd, [f"{self._lines[each]} not" for each in which])
        finally:
            os.close(self._fd)


class Shredding:
    """A Store around another: whatever is destroyed in that one is noted in the log before."""

    def __init__(self, inner: Store, log: ShredLog) -> None:
        """Note in this log what is destroyed in `inner`."""
        self.inner, self._log = inner, log
        self._saving: set[asyncio.Task[None]] = set()

    @property
    def shared(self) -> bool:
        """As the store inside."""
        return self.inner.shared

    def __repr__(self) -> str:
        """Say nothing of what is kept."""
        return f"Shredding({self.inner!r})"

    async def save(self, *changes: Record | Gone) -> None:
        """As the store inside does, with the log synced before a record is destroyed. Raises OSError where it fails."""
        if not any(isinstance(change, Gone) for change in changes):
            return await self.inner.save(*changes)
        task = asyncio.get_running_loop().create_task(self._save(changes))  # a lock is held: it must come to its end
        self._saving.add(task)
        task.add_done_callback(self._saving.discard)
        return await asyncio.shield(task)

    async def _save(self, changes: Sequence[Record | Gone]) -> None:
        ids = await self._to_note(changes)
        if not ids:
            return await self.inner.save(*changes)
        noting = await asyncio.to_thread(self._log.note, ids)
        try:
            await self.inner.save(*changes)
        except Stale:
            await self._undone(noting, ids)
            raise
        except BaseException:
            noting.over()
            raise
        noting.over()
        return None

    async def _undone(self, noting: Noting, ids: Sequence[str]) -> None:
        """Stale may also mean that nobody heard of the commit: what is not there any more stays noted."""
        try:
            found = [await self.inner.load(id) for id in ids]
        except BaseException:
            noting.over()
            raise
        await asyncio.to_thread(noting.undone, [at for at, record in enumerate(found) if record is not None])

    async def _to_note(self, changes: Iterable[Record | Gone]) -> Sequence[str]:
        found = [await self.inner.load(change.id) for change in changes if isinstance(change, Gone)]
        return [record.id for record in found if record is not None and record.kind not in NOT_NOTED]

    async def purge(self) -> None:
        """As the store inside does, and once a day the log is shortened."""
        await self.inner.purge()
        await asyncio.to_thread(self._log.trim)

    async def check(self) -> None:
        """Raise if what is to be forgotten could not be noted, or nothing written; once a day the log is shortened."""
        await self.inner.check()
        await asyncio.to_thread(self._log.begin)
        await asyncio.to_thread(self._log.trim)

    async def close(self) -> None:
        while self._saving:
            await asyncio.wait(self._saving)
        await self.inner.close()

    async def load(self, id: str) -> Record | None:
        return await self.inner.load(id)

    async def due(self, before: datetime, limit: int = 1000) -> Sequence[str]:
        return await self.inner.due(before, limit)

    async def claim(self, before: datetime, limit: int, beside: Collection[str] = ()) -> Sequence[str]:
        return await self.inner.claim(before, limit, beside)

    async def give_back(self, ids: Collection[str]) -> None:
        await self.inner.give_back(ids)

    async def next_due(self) -> datetime | None:
        return await self.inner.next_due()

    async def find(self, index: str, key: str) -> Sequence[str]:
        return await self.inner.find(index, key)

    async def kind(self, kind: str) -> Sequence[Record]:
        return await self.inner.kind(kind)

    async def page(self, after: str, limit: int) -> Sequence[Record]:
        return await self.inner.page(after, limit)


@contextmanager
def _in_turn(path: Path) -> Iterator[None]:
    """On a disk of the network two who append at once may write over each other."""
    fd = os.open(path.with_name(f"{NAME}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _OURS_ONLY)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def _line(day: str, id: str, vault: Vault) -> str:
    return f"{day} {vault.mark('forgotten ' + day, id)}"


def _append(fd: int, lines: Sequence[str]) -> None:
    """Begun on a new line each, in one write: whatever was torn before it is a line of its own."""
    data = "".join(f"\n{line}\n" for line in lines).encode("ascii")
    if os.write(fd, data) < len(data):
        raise OSError("the log of what was forgotten could not be written whole")
    os.fdatasync(fd)


def _read(fd: int) -> Noted:
    size = os.fstat(fd).st_size
    head, *lines = os.pread(fd, size, 0).decode("ascii", "replace").split("\n")
    if not head.startswith(_HEAD):
        raise NoLog
    return Noted(head.removeprefix(_HEAD), tuple(line for line in lines if _LINE.fullmatch(line)))


def _write_whole(path: Path, text: str) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _OURS_ONLY)
    try:
        data = text.encode("ascii")
        while data:
            data = data[os.write(fd, data) :]
        os.fsync(fd)
    finally:
        os.close(fd)


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
