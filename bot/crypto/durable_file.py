"""The file operations that durability depends on, behind one class so that tests can cut the power between any two."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_OWNER_ONLY = 0o600


class FileLocked(Exception):
    """Another process holds the lock.

    Args:
        holder: the process id written in the lock file, or "unknown".
    """

    def __init__(self, holder: str) -> None:
        """Keep who holds it."""
        super().__init__(holder)
        self.holder = holder


class FileSystem:
    """The real file system. Every method raises OSError as the system reports it."""

    def open(self, path: Path) -> int:
        """Open an existing file for reading and writing, and return its descriptor."""
        return os.open(path, os.O_RDWR | os.O_CLOEXEC)

    def create(self, path: Path) -> int:
        """Create a new, empty file that only its owner may read, and return its descriptor."""
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _OWNER_ONLY)

    def write(self, fd: int, data: bytes, at: int) -> None:
        """Write all of `data` from byte `at` on. After an error, part of it may have been written."""
        view = memoryview(data)
        while view:
            done = os.pwrite(fd, view, at)
            view, at = view[done:], at + done

    def append(self, fd: int, data: bytes) -> None:
        """Append all of `data` in one write, to a file that was opened for appending; raise OSError for a part."""
        if os.write(fd, data) < len(data):
            raise OSError("a file could not be appended to whole")

    def sync(self, fd: int) -> None:
        """Return once the bytes, and the size needed to read them back, are on the disk (fdatasync)."""
        os.fdatasync(fd)

    def truncate(self, fd: int, size: int) -> None:
        """Cut the file to `size` bytes."""
        os.ftruncate(fd, size)

    def replace(self, old: Path, new: Path) -> None:
        """Rename `old` to `new` atomically, replacing what is there."""
        old.replace(new)

    def remove(self, path: Path) -> None:
        """Unlink the file."""
        path.unlink()

    def sync_folder(self, folder: Path) -> None:
        """Return once renames and unlinks in this folder are on the disk."""
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def close(self, fd: int) -> None:
        """Close the descriptor, which also gives up its lock."""
        os.close(fd)

    def free_bytes(self, folder: Path) -> int:
        """Return how many bytes this process may still write in this folder."""
        space = os.statvfs(folder)
        return space.f_bavail * space.f_frsize

    def lock(self, path: Path) -> int:
        """Lock this file until the descriptor is closed, and write our process id into it.

        Returns:
            The descriptor that holds the lock.

        Raises:
            FileLocked: Another process holds it; this does not wait.
        """
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _OWNER_ONLY)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(fd, 32, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(fd)
            raise FileLocked(holder) from None
        with suppress(OSError):  # a full disk must not keep us from reading
            os.ftruncate(fd, 0)
            os.pwrite(fd, f"{os.getpid()}\n".encode("ascii"), 0)
        return fd


def write_new_file(files: FileSystem, path: Path, data: bytes) -> None:
    """Create this file with `data` and sync it; its name is durable once the folder is synced, too.

    Raises:
        FileExistsError: There is such a file already.
        OSError: It could not be written.
    """
    fd = files.create(path)
    try:
        files.write(fd, data, 0)
        files.sync(fd)
    finally:
        files.close(fd)
