"""The journal of the embedded store: one sealed, append-only file, and the class that appends to it.

    file    header, then entries, then zeros that were written ahead
    header  magic, version, 16 bytes of file id, this file's key wrapped by the vault, crc
    entry   magic, sequence, length, crc of the payload, crc of this head | nonce, ciphertext, tag | 0xff

A file begins with SNAPSHOT entries and one END, which are synced before the file gets its name; BATCH entries follow,
each of them written and synced before the next one is begun. So at any moment only the very last entry can be
incomplete. How such a torn entry is told from damage is explained in `journal_reader`.

Each entry is encrypted under the file's key, with the file id and the entry's sequence number as associated data: an
entry cannot be moved to another file or another position. The file's key is wrapped under a key of the key ring, whose
id begins the file id. In files of version 1, which are still read, it is wrapped under the root key. A file that is
written anew is wrapped under the current key.

Zeros are written ahead of the end, because an append then changes neither the file's size nor its extents, and its
fdatasync needs no second write for metadata.
"""

from __future__ import annotations

import os
import struct
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bot.crypto.stable_keys import KEY_ID_BYTES

if TYPE_CHECKING:
    from pathlib import Path

    from bot.crypto.durable_file import FileSystem
    from bot.crypto.vault import Vault

JOURNAL_NAME: Final = "store.peersupport"  # in the store's folder
SNAPSHOT, END, BATCH = b"S", b"E", b"B"

MAGIC: Final = b"peersupport store\n"
VERSION: Final = 2
FILE_HEADER: Final = struct.Struct(">18sB16s60sI")
CRC: Final = struct.Struct(">I")
ENTRY_MAGIC: Final = b"\xf5psj"
ENTRY_HEAD: Final = struct.Struct(">4sQIII")
END_MARK: Final = b"\xff"
NONCE_BYTES: Final = 12

_PREALLOCATED: Final = 512 << 10  # bytes of zeros written ahead
_SYNC_EVERY: Final = 4 << 20  # bytes: while a snapshot is written, sync this often rather than once for very long


@dataclass(frozen=True, slots=True)
class JournalKey:
    """What encrypts one journal file.

    Attributes:
        file_id: 16 random bytes that name the file; in version 2 they begin with the id of the wrapping key.
        box: The file's own key.
        is_on_ring: Whether that key is wrapped under the key ring, as in version 2.
    """

    file_id: bytes
    box: AESGCM = field(repr=False)
    is_on_ring: bool = True

    @property
    def wrapping_key_id(self) -> bytes | None:
        """The id of the key on the ring that the file needs; None for version 1, which needs the root key."""
        return self.file_id[:KEY_ID_BYTES] if self.is_on_ring else None

    def associated_data(self, sequence: int) -> bytes:
        """Return what an entry is authenticated with besides its content."""
        return self.file_id + sequence.to_bytes(8, "big")


class Journal:
    """Appends entries to one file. One thread at a time may use it.

    Args:
        disk: The file system.
        fd: The open file.
        key: What encrypts it.
        size: Where its entries end, in bytes.
        base: Where its snapshot ends, in bytes.
        sequence: The sequence number of the next entry.
        filled: How many bytes the file holds, zeros that were written ahead included.
    """

    def __init__(
        self, disk: FileSystem, fd: int, key: JournalKey, *, size: int, base: int, sequence: int, filled: int
    ) -> None:
        """Continue a file; `create` and `journal_reader.recover_journal` know how."""
        self._disk, self._fd, self._key = disk, fd, key
        self.size, self.base, self._next = size, base, sequence
        self._filled, self._synced = filled, size

    @classmethod
    def create(cls, disk: FileSystem, path: Path, vault: Vault) -> Journal:
        """Create a file under a new random key. Nothing is synced yet."""
        key = os.urandom(32)
        file_id, wrapped = vault.wrap_file_key(key)
        header = FILE_HEADER.pack(MAGIC, VERSION, file_id, wrapped, 0)[: -CRC.size]
        fd = disk.create(path)
        size = FILE_HEADER.size
        journal = cls(disk, fd, JournalKey(file_id, AESGCM(key)), size=size, base=size, sequence=0, filled=size)
        disk.write(fd, header + CRC.pack(zlib.crc32(header)), 0)
        return journal

    @property
    def wrapping_key_id(self) -> bytes | None:
        """The id of the key on the ring that this file needs; None where it needs the root key."""
        return self._key.wrapping_key_id

    def add(self, kind: bytes, plain: bytes) -> None:
        """Append part of a snapshot; it is durable once `finish` has returned."""
        entry = self._entry(kind, plain)
        self._disk.write(self._fd, entry, self.size)
        self.size += len(entry)
        self._filled = self.size
        if self.size - self._synced > _SYNC_EVERY:
            self._disk.sync(self._fd)
            self._synced = self.size

    def finish(self) -> None:
        """Make everything that was added durable."""
        self._disk.sync(self._fd)
        self._synced = self.size

    def append(self, plain: bytes) -> None:
        """Append one batch; it is durable when this returns. After an OSError nothing more may be appended."""
        entry = self._entry(BATCH, plain)
        end = self.size + len(entry)
        if end > self._filled:
            entry += bytes(_PREALLOCATED)
            self._filled = self.size + len(entry)
        self._disk.write(self._fd, entry, self.size)
        self._disk.sync(self._fd)
        self.size = self._synced = end

    def destroy_key(self) -> None:
        """Overwrite the wrapped key in the header, so that blocks of this file which the disk keeps stay noise."""
        self._disk.write(self._fd, bytes(FILE_HEADER.size), 0)
        self._disk.sync(self._fd)

    def close(self) -> None:
        """Close the file."""
        self._disk.close(self._fd)

    def _entry(self, kind: bytes, plain: bytes) -> bytes:
        sequence, nonce = self._next, os.urandom(NONCE_BYTES)
        self._next += 1
        payload = nonce + self._key.box.encrypt(nonce, kind + plain, self._key.associated_data(sequence))
        head = ENTRY_HEAD.pack(ENTRY_MAGIC, sequence, len(payload), zlib.crc32(payload), 0)[: -CRC.size]
        if kind == END:
            self.base = self.size + ENTRY_HEAD.size + len(payload) + 1
        return b"".join((head, CRC.pack(zlib.crc32(head)), payload, END_MARK))


def read_wrapping_key_id(folder: Path) -> bytes | None:
    """Return the id of the key on the ring that the journal in this store's folder needs.

    Returns:
        None where there is no journal, or one of version 1, which needs the root key.
    """
    try:
        with (folder / JOURNAL_NAME).open("rb") as file:
            magic, version, file_id, _, _ = FILE_HEADER.unpack(file.read(FILE_HEADER.size))
    except (OSError, struct.error):
        return None
    return file_id[:KEY_ID_BYTES] if (magic, version) == (MAGIC, VERSION) else None
