"""What a disk really holds: a file system that can lose power, and whose syncs can fail as they do on Linux.

The files in the folder are what processes see (the page cache). Beside them, this remembers what has reached the disk:
of a file what was synced, and of a folder the names that were there when it was synced. `power_cut` leaves only that.

A sync that fails marks pages clean without writing them (https://wiki.postgresql.org/wiki/Fsync_Errors): processes go
on reading what was written, and no later sync writes it.
"""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

from bot.crypto.durable_file import FileSystem


class Platter(FileSystem):
    """One machine; give it to every process that is to run there, one after the other.

    Args:
        base: Below it everything is remembered; it stands there itself.

    Attributes:
        syncs_fail: Whether syncs of files fail from now on.
    """

    def __init__(self, base: Path) -> None:
        self.base, self.syncs_fail = base, False
        self._links = base.with_name(f"{base.name}.platter")
        self._links.mkdir()
        self._synced: dict[int, bytearray] = {}  # by inode
        self._dirty: dict[int, list[tuple[int, bytes]]] = {}
        self._names: dict[Path, dict[str, Path]] = {}  # of each folder that was synced; a file's other name keeps it

    def write(self, fd: int, data: bytes, at: int) -> None:
        super().write(fd, data, at)
        self._dirty.setdefault(os.fstat(fd).st_ino, []).append((at, data))

    def append(self, fd: int, data: bytes) -> None:
        at = os.fstat(fd).st_size
        super().append(fd, data)
        self._dirty.setdefault(os.fstat(fd).st_ino, []).append((at, data))

    def truncate(self, fd: int, size: int) -> None:
        super().truncate(fd, size)
        del self._synced.setdefault(os.fstat(fd).st_ino, bytearray())[size:]

    def sync(self, fd: int) -> None:
        writes = self._dirty.pop(os.fstat(fd).st_ino, [])
        if self.syncs_fail:
            raise OSError(errno.EIO, "the disk does not answer")
        image = self._synced.setdefault(os.fstat(fd).st_ino, bytearray())
        for at, data in writes:
            image.extend(bytes(max(0, at - len(image))))
            image[at : at + len(data)] = data

    def sync_folder(self, folder: Path) -> None:
        names: dict[str, Path] = {}
        for path in folder.iterdir():
            if path == self._links:
                continue
            names[path.name] = self._links / str(path.stat().st_ino)
            if path.is_file() and not names[path.name].exists():
                os.link(path, names[path.name])
        self._names[folder] = names

    def power_cut(self) -> None:
        """Leave what has reached the disk, and nothing else."""
        self._dirty.clear()
        self._restore(self.base)

    def _restore(self, folder: Path) -> None:
        names = self._names.get(folder, {})
        for path in folder.iterdir():
            if path.is_file():
                path.unlink()
            elif path.name not in names:
                shutil.rmtree(path)
            else:
                self._restore(path)
        for name, kept in names.items():
            if kept.is_file():
                kept.write_bytes(self._synced.get(kept.stat().st_ino, b""))
                os.link(kept, folder / name)
