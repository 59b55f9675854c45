"""The few things we ask of a file system, in one place so that a test can pull the plug between any two."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_OURS_ONLY = 0o600


class InUse(Exception):
    """Another process holds this embedded store."""


class Disk:
    """Real files. Errors are OSError, as the system gave them."""

    def open(self, path: Path) -> int:
        """Open a file that is there, for reading and writing."""
        return os.open(path, os.O_RDWR | os.O_CLOEXEC)

    def create(self, path: Path) -> int:
        """Make a new, empty file that only we may read."""
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _OURS_ONLY)

    def write(self, fd: int, data: bytes, at: int) -> None:
        """Write all of `data`; on an error some of it may have been written."""
        view = memoryview(data)
        while view:
            done = os.pwrite(fd, view, at)
            view, at = view[done:], at + done

    def sync(self, fd: int) -> None:
        """Return when the bytes, and the size needed to read them back, are on the disk."""
        os.fdatasync(fd)

    def truncate(self, fd: int, size: int) -> None:
        """Cut the file to this size."""
        os.ftruncate(fd, size)

    def replace(self, old: Path, new: Path) -> None:
        """Rename over whatever is there, in one step."""
        old.replace(new)

    def remove(self, path: Path) -> None:
        """Unlink."""
        path.unlink()

    def sync_folder(self, folder: Path) -> None:
        """Return when renames and unlinks in this folder are on the disk."""
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def close(self, fd: int) -> None:
        """Let go of a file."""
        os.close(fd)

    def free(self, folder: Path) -> int:
        """Bytes that we may still write here."""
        space = os.statvfs(folder)
        return space.f_bavail * space.f_frsize

    def lock(self, path: Path) -> int:
        """Hold this file until it is closed, and write our pid into it; InUse at once if another does."""
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _OURS_ONLY)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(fd, 32, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(fd)
            reason = (
                f"The store is in use by process {holder}. An embedded store serves one process: "
                "stop that one, or set PEERSUPPORT_STORE to another folder."
            )
            raise InUse(reason) from None
        with suppress(OSError):  # a full disk must not keep us from reading
            os.ftruncate(fd, 0)
            os.pwrite(fd, f"{os.getpid()}\n".encode("ascii"), 0)
        return fd
