"""One append-only file, in which a write that never finished can be told from damage.

    file    header, then entries, then zeros that were written ahead
    header  magic, version, 16 bytes of file id, this file's key wrapped by the vault, crc
    entry   magic, sequence, length, crc of the payload, crc of this head | nonce, ciphertext, tag | 0xff

A file begins with SNAPSHOT entries and one END, which are synced before the file gets its name; BATCH entries
follow, each written and synced before the next one is begun. So only the very last entry may be torn, and a torn
entry shows it: the file stops inside it, or its 0xff is still the zero written ahead, or one of its 512-byte
sectors is. Every other difference is damage; damage is refused and nothing is touched.

The file's key hangs on a key of the vault's ring, whose id begins the file id; in files of version 1, which are still
read, on the root. A file that is written anew hangs on the key of that day.

What cannot be told from "never written": a file cut exactly between two entries, or zeros over its whole end.
"""

from __future__ import annotations

import mmap
import os
import struct
import time
import zlib
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, NoReturn

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bot.store.base import Damaged, NotOnTheRing
from bot.vault import KEY_ID

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from bot.store.disk import Disk
    from bot.vault import Vault

SNAPSHOT, END, BATCH = b"S", b"E", b"B"

_MAGIC = b"peersupport store\n"
_VERSION, _RELEASED = 2, 1
_HEADER = struct.Struct(">18sB16s60sI")
_CRC = struct.Struct(">I")
_ENTRY = b"\xf5psj"
_HEAD = struct.Struct(">4sQIII")
_MARK = b"\xff"
_NONCE = 12
_SECTOR = 512
_AHEAD = 512 << 10  # zeros written ahead: an append then changes no size and no extent, and its sync is cheaper
_LOOKS, _A_MOMENT = 20, 0.005  # how often to look at what somebody else is writing, and seconds between
_NO_FILE = -1
_SOFT = 4 << 20  # while a snapshot is written, sync this often rather than once for very long


class Journal:
    """The file being appended to. One thread at a time."""

    def __init__(self, disk: Disk, fd: int, key: bytes, file_id: bytes, size: int) -> None:
        """Continue a file whose entries end at `size`; use `create` or `read` instead."""
        self._disk, self._fd, self._box, self._file_id = disk, fd, AESGCM(key), file_id
        self.size = self._filled = self._synced = size
        self._next = 0
        self.hangs_on: bytes | None = file_id[:KEY_ID]  # the id of a key on the ring; None: on the root, as before
        self.base = size  # where the snapshot ends and the batches begin

    @classmethod
    def create(cls, disk: Disk, path: Path, vault: Vault) -> Journal:
        """Begin a file under a new random key. Nothing is synced yet."""
        key = os.urandom(32)
        file_id, wrapped = vault.wrap_file_key(key)
        header = _HEADER.pack(_MAGIC, _VERSION, file_id, wrapped, 0)[: -_CRC.size]
        fd = disk.create(path)
        journal = cls(disk, fd, key, file_id, _HEADER.size)
        disk.write(fd, header + _CRC.pack(zlib.crc32(header)), 0)
        return journal

    def add(self, kind: bytes, plain: bytes) -> None:
        """Append part of a snapshot; it counts once `finish` has returned."""
        entry = self._entry(kind, plain)
        self._disk.write(self._fd, entry, self.size)
        self.size += len(entry)
        self._filled = self.size
        if self.size - self._synced > _SOFT:
            self._disk.sync(self._fd)
            self._synced = self.size

    def finish(self) -> None:
        """Make everything added durable."""
        self._disk.sync(self._fd)
        self._synced = self.size

    def append(self, plain: bytes) -> None:
        """Append one batch; it is durable when this returns. After an error the file must not be appended to."""
        entry = self._entry(BATCH, plain)
        end = self.size + len(entry)
        if end > self._filled:
            entry += bytes(_AHEAD)
            self._filled = self.size + len(entry)
        self._disk.write(self._fd, entry, self.size)
        self._disk.sync(self._fd)
        self.size = self._synced = end

    def shred(self) -> None:
        """Overwrite this file's wrapped key: what blocks the disk still holds of it can be opened by nobody."""
        self._disk.write(self._fd, bytes(_HEADER.size), 0)
        self._disk.sync(self._fd)

    def close(self) -> None:
        """Let go of the file."""
        self._disk.close(self._fd)

    def _entry(self, kind: bytes, plain: bytes) -> bytes:
        sequence, nonce = self._next, os.urandom(_NONCE)
        self._next += 1
        payload = nonce + self._box.encrypt(nonce, kind + plain, _place(self._file_id, sequence))
        head = _HEAD.pack(_ENTRY, sequence, len(payload), zlib.crc32(payload), 0)[: -_CRC.size]
        if kind == END:
            self.base = self.size + _HEAD.size + len(payload) + 1
        return b"".join((head, _CRC.pack(zlib.crc32(head)), payload, _MARK))


def read(disk: Disk, path: Path, vault: Vault, take: Callable[[bytes, bytes], None]) -> Journal:
    """Give every entry's kind and plain bytes to `take`, cut a torn end, and continue the file.

    Raises Damaged, with nothing written, for anything else that does not open.
    """
    fd = disk.open(path)
    try:
        size = os.fstat(fd).st_size
        if size < _HEADER.size:
            _refuse("its first bytes are missing")
        with mmap.mmap(fd, 0, access=mmap.ACCESS_READ) as data:
            journal = _opened(disk, fd, data, vault)
            reader = _Reader(data, journal._box, journal._file_id)  # noqa: SLF001  (the same module)
            for kind, plain in reader.entries():
                take(kind, plain)
            last = data[reader.last : reader.at]
        journal.size, journal.base, journal._next = reader.at, reader.base, reader.sequence  # noqa: SLF001
        if reader.torn:
            disk.truncate(fd, reader.at)
            size = reader.at
        # The last entry may stand in the page cache only: its writer was killed before the sync, or the sync failed,
        # after which Linux calls the pages clean. Nothing may build on it before it is really written.
        disk.write(fd, last, reader.last)
        disk.sync(fd)
        journal._filled = size  # noqa: SLF001
    except BaseException:
        disk.close(fd)
        raise
    return journal


def look(disk: Disk, path: Path, vault: Vault, take: Callable[[bytes, bytes], None]) -> None:
    """Give what `read` would to `take`, beside whoever writes this file: nothing is locked, and nothing changed.

    It is a state that the store was in while this ran: entries are only ever appended, and what is being written just
    now is taken for not there yet. Raises Damaged, FileNotFoundError.
    """
    for kind, plain in _looked(disk, path, vault):
        take(kind, plain)


def _looked(disk: Disk, path: Path, vault: Vault) -> list[tuple[bytes, bytes]]:
    before = b""
    for more in reversed(range(_LOOKS)):
        with path.open("rb") as file:
            data, inode = file.read(), os.fstat(file.fileno()).st_ino
        try:
            return _entries(disk, data, vault)
        except Damaged:
            # A compaction may just have replaced and shredded it, or an entry stand there by half: looked at again,
            # that is another file, or more of it. Damage stays.
            if not more or (data == before and path.stat().st_ino == inode):
                raise
        before = data
        time.sleep(_A_MOMENT)
    raise AssertionError


def _entries(disk: Disk, data: bytes, vault: Vault) -> list[tuple[bytes, bytes]]:
    if len(data) < _HEADER.size:
        _refuse("its first bytes are missing")
    journal = _opened(disk, _NO_FILE, data, vault)
    return list(_Reader(data, journal._box, journal._file_id).entries())  # noqa: SLF001  (the same module)


def _opened(disk: Disk, fd: int, data: mmap.mmap | bytes, vault: Vault) -> Journal:
    head = data[: _HEADER.size]
    magic, version, file_id, wrapped, crc = _HEADER.unpack(head)
    if magic != _MAGIC:
        _refuse("it does not begin like a store of ours")
    if version not in {_VERSION, _RELEASED}:
        _refuse(f"it is written in version {version}, and this programme reads version {_VERSION}")
    if crc != zlib.crc32(head[: -_CRC.size]):
        _refuse("its header is damaged")
    unwrap = vault.unwrap_file_key if version == _VERSION else vault.unwrap_released_file_key
    try:
        key = unwrap(file_id, wrapped)
    except NotOnTheRing:
        raise
    except Damaged:
        _refuse("it was written under another root key than the one in PEERSUPPORT_ROOT_KEY")
    journal = Journal(disk, fd, key, file_id, _HEADER.size)
    if version == _RELEASED:
        journal.hangs_on = None
    return journal


def hangs_on(path: Path) -> bytes | None:
    """The id of the key on the ring that this file needs; None where it needs none, or is no file of ours."""
    try:
        with path.open("rb") as file:
            magic, version, file_id, _, _ = _HEADER.unpack(file.read(_HEADER.size))
    except (OSError, struct.error):
        return None
    return file_id[:KEY_ID] if (magic, version) == (_MAGIC, _VERSION) else None


@dataclass(slots=True)
class _Reader:
    """Walks the entries; afterwards `at` is where they end, and `torn` whether a cut is due there."""

    data: mmap.mmap | bytes
    box: AESGCM
    file_id: bytes
    at: int = _HEADER.size
    last: int = 0
    sequence: int = 0
    base: int = 0
    torn: bool = False

    def entries(self) -> Iterator[tuple[bytes, bytes]]:
        while (payload := self._whole()) is not None:
            plain = self._plain(self.sequence, payload)
            if plain is None:
                _refuse("an entry does not open")
            self.last, self.at = self.at, self.at + _HEAD.size + len(payload) + 1
            self.sequence += 1
            kind = plain[:1]
            if kind == END:
                self.base = self.at
            if (kind == SNAPSHOT) is bool(self.base):
                _refuse("its entries are not in order")
            yield kind, plain[1:]
        if not self.base:
            _refuse("its snapshot is not complete")
        self.torn = self._is_torn()

    def _whole(self) -> bytes | None:
        """Return the payload here if it arrived whole."""
        length = self._length(self.at)
        if length is None:
            return None
        start = self.at + _HEAD.size
        payload = self.data[start : start + length]
        whole = self.data[start + length : start + length + 1] == _MARK
        if not whole or zlib.crc32(payload) != _HEAD.unpack_from(self.data, self.at)[3]:
            return None
        if _HEAD.unpack_from(self.data, self.at)[1] != self.sequence:
            _refuse("an entry is missing, repeated or out of order")
        return payload

    def _length(self, at: int) -> int | None:
        if at + _HEAD.size > len(self.data):
            return None
        magic, _, length, _, crc = _HEAD.unpack_from(self.data, at)
        if magic != _ENTRY or crc != zlib.crc32(self.data[at : at + _HEAD.size - _CRC.size]):
            return None
        return int(length)

    def _plain(self, sequence: int, payload: bytes) -> bytes | None:
        try:
            return self.box.decrypt(payload[:_NONCE], payload[_NONCE:], _place(self.file_id, sequence))
        except (InvalidTag, ValueError):
            return None

    def _is_torn(self) -> bool:
        """Say whether what stands here is a write that never finished; nothing at all is not. Else refuse."""
        rest = self.data[self.at :]
        written = len(rest.rstrip(b"\0"))
        if not written:
            return False
        length = self._length(self.at)
        if length is not None and _HEAD.unpack_from(self.data, self.at)[1] != self.sequence:
            _refuse("an entry is missing, repeated or out of order")
        extent = _HEAD.size if length is None else _HEAD.size + length + 1
        cut_short = len(rest) < extent or (rest[extent - 1] == 0 and written < extent)
        if cut_short:
            return True
        if length is None:
            plausible = _misses_a_sector(rest[:extent], self.at) and not self._readable_later()
        else:
            plausible = written <= extent and _misses_a_sector(rest[:extent], self.at)
        if not plausible:
            _refuse("an entry was changed after it was written")
        return True

    def _readable_later(self) -> bool:
        at = self.data.find(_ENTRY, self.at + 1)
        while at >= 0:
            length = self._length(at)
            if length is not None:
                start, sequence = at + _HEAD.size, _HEAD.unpack_from(self.data, at)[1]
                if self._plain(sequence, self.data[start : start + length]) is not None:
                    return True
            at = self.data.find(_ENTRY, at + 1)
        return False


def _misses_a_sector(entry: bytes, at: int) -> bool:
    """Say whether a whole sector's share of this entry is still zero. Written, it would hold random bytes."""
    first = _SECTOR - at % _SECTOR
    bounds = [0, *range(first, len(entry), _SECTOR), len(entry)]
    return any(not any(entry[start:end]) for start, end in pairwise(bounds))


def _place(file_id: bytes, sequence: int) -> bytes:
    return file_id + sequence.to_bytes(8, "big")


def _refuse(why: str) -> NoReturn:
    reason = (
        f"The store was not opened and not touched: {why}. Restore a backup, or ask for help before changing anything."
    )
    raise Damaged(reason) from None
