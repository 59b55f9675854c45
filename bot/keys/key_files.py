"""The files of the key ring: each encrypted under the root key, written atomically, and overwritten when destroyed.

A file is written under a temporary name, synced, and then renamed, so that under its own name it is complete or not
there. Nothing is changed in place, except to destroy it. The name is authenticated with the content, so one key file
cannot pass for another.

While the root key is being rotated there are two root keys. New files are encrypted under the one that every process
can decrypt with, and any of the two decrypts.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bot.crypto.durable_file import FileSystem, write_new_file
from bot.crypto.stable_keys import derive_key
from bot.errors import NotServable

_NEW, _DESTROYED = ".new", ".dropped"
_VERSION: Final = b"\x01"
_NONCE: Final = 12
_READ_ATTEMPTS: Final = 8
_OTHER_ROOT_KEY: Final = (
    "PEERSUPPORT_KEY_RING does not open with this PEERSUPPORT_ROOT_KEY: use the key it was made with; while "
    "rotating, both keys, separated by a comma (docs/operating.md)."
)
_DAMAGED: Final = (
    "A file in the folder of PEERSUPPORT_KEY_RING is damaged, while others open with this PEERSUPPORT_ROOT_KEY: look "
    "at the disk, and see `peersupport keys lost`."
)


class KeyFiles:
    """The sealed files in one folder.

    Args:
        folder: The key ring's folder.
        roots: The root keys, the one that files are to be encrypted under first.
        disk: The file system.
    """

    def __init__(self, folder: Path, roots: Sequence[bytes], disk: FileSystem) -> None:
        """Derive the keys; nothing is read."""
        self.folder, self._disk = folder, disk
        self._boxes = tuple(AESGCM(derive_key(root, b"key ring")) for root in roots)

    def names(self) -> Sequence[str]:
        """Return the names of all files in the folder, sorted."""
        return sorted(path.name for path in self.folder.iterdir())

    def read(self, name: str) -> tuple[bytes, int]:
        """Decrypt a file.

        Returns:
            Its content, and which of the root keys it is encrypted under: 0 for the first.

        Raises:
            NotServable: It does not decrypt; the message says whether the file is damaged or the root key another one.
            FileNotFoundError: There is no such file.
        """
        opened = self._decrypt(name, self._read_bytes(name))
        if opened is None:
            raise NotServable(_DAMAGED if self._opens_another(name) else _OTHER_ROOT_KEY)
        return opened

    def write_new(self, name: str, plain: bytes, by: int = 0) -> None:
        """Write a file under a name that no other process can choose, or replace one.

        Args:
            name: The file's name.
            plain: Its content.
            by: Which of the root keys to encrypt it under.
        """
        self._disk.replace(self._write_temporary(name, self._encrypt(name, plain, by)), self.folder / name)
        self._disk.sync_folder(self.folder)

    def write_first(self, name: str, plain: bytes) -> None:
        """Write a file unless there is one of this name; of several processes one succeeds."""
        new = self._write_temporary(name, self._encrypt(name, plain, 0))
        try:
            with suppress(FileExistsError):
                os.link(new, self.folder / name)
        finally:
            self._disk.remove(new)
        self._disk.sync_folder(self.folder)

    def rewrap(self, name: str, plain: bytes) -> None:
        """Replace a file by the same content under the first root key, and destroy the old bytes afterwards."""
        try:
            old = self._disk.open(self.folder / name)
        except FileNotFoundError:
            return
        try:
            self.write_new(name, plain)
            self._overwrite(old)
        finally:
            self._disk.close(old)

    def destroy(self, name: str) -> None:
        """Overwrite and unlink a file. It is renamed first, so that no key's name ever stands for half a key."""
        path = self.folder / name
        with suppress(FileNotFoundError):  # another process was faster
            destroyed = path.with_name(path.name + _DESTROYED)
            self._disk.replace(path, destroyed)
            self.sync()
            self._shred(destroyed)

    def sync(self) -> None:
        """Return once renames and unlinks in the folder are on the disk."""
        self._disk.sync_folder(self.folder)

    def remove_leftovers(self, older_than: timedelta) -> None:
        """Destroy what a killed process left: half-destroyed keys, and temporary files older than that."""
        for path in sorted(self.folder.iterdir()):
            with suppress(FileNotFoundError):
                old = path.name.endswith(_NEW) and time.time() - path.stat().st_mtime > older_than.total_seconds()
                if old or path.name.endswith(_DESTROYED):
                    self._shred(path)

    def _read_bytes(self, name: str) -> bytes:
        """Read a file; again where it was replaced, and its old bytes overwritten, while we read them."""
        data, attempts = b"\0", _READ_ATTEMPTS
        while data.startswith(b"\0") and attempts:
            data, attempts = (self.folder / name).read_bytes(), attempts - 1
        return data

    def _encrypt(self, name: str, plain: bytes, by: int) -> bytes:
        nonce = os.urandom(_NONCE)
        return _VERSION + nonce + self._boxes[by].encrypt(nonce, plain, name.encode("ascii"))

    def _opens_another(self, name: str) -> bool:
        """Whether a root key opens some other file of the ring: then it is the right one."""
        others = [other for other in self.names() if other != name and not other.endswith((_NEW, _DESTROYED))]
        return any(self._decrypt(other, self._read_bytes(other)) is not None for other in others)

    def _decrypt(self, name: str, data: bytes) -> tuple[bytes, int] | None:
        if data.startswith(_VERSION):
            for by, box in enumerate(self._boxes):
                with suppress(InvalidTag, ValueError):
                    at = len(_VERSION) + _NONCE
                    return box.decrypt(data[len(_VERSION) : at], data[at:], name.encode("ascii")), by
        return None

    def _write_temporary(self, name: str, data: bytes) -> Path:
        new = self.folder / f"{name}.{os.urandom(4).hex()}{_NEW}"
        write_new_file(self._disk, new, data)
        return new

    def _shred(self, path: Path) -> None:
        fd = self._disk.open(path)
        try:
            self._overwrite(fd)
        finally:
            self._disk.close(fd)
        self._disk.remove(path)

    def _overwrite(self, fd: int) -> None:
        self._disk.write(fd, bytes(os.fstat(fd).st_size), 0)
        self._disk.sync(fd)
