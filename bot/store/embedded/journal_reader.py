"""Reads a journal, and tells a write that never finished from damage.

After a crash the last entry may be incomplete ("torn"): it was never acknowledged, so it is cut off and forgotten. Any
other difference is damage: entries that were acknowledged are missing or changed. Damage is refused and nothing is
touched, because cutting there would silently lose what people were promised. So the two must be told apart.

Each batch is synced before the next one is begun, hence only the very last entry can be torn. A disk writes sectors of
512 bytes, each of which arrives whole or not at all, in any order. A torn entry therefore shows in one of three ways:

* The file ends inside the entry.
* Its last byte, which is written as 0xff, is still the zero that was written ahead.
* One of its sectors is still all zero. Ciphertext is random, so a sector that arrived is not all zero.

If none of them holds, the entry arrived whole and was changed afterwards. An entry whose head does not parse is torn
only if a sector is missing and no later entry decrypts: where something readable follows, it was not the last.

Two losses cannot be told from "never written": a file cut exactly between two entries, and zeros over its whole end.
"""

from __future__ import annotations

import mmap
import os
import time
import zlib
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final, NoReturn

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bot.errors import Corrupt, Damaged, KeyRingMismatch
from bot.store.embedded.journal import (
    CRC,
    END,
    END_MARK,
    ENTRY_HEAD,
    ENTRY_MAGIC,
    FILE_HEADER,
    MAGIC,
    NONCE_BYTES,
    SNAPSHOT,
    VERSION,
    Journal,
    JournalKey,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from bot.crypto.durable_file import FileSystem
    from bot.crypto.vault import Vault

_VERSION_1: Final = 1  # as release 0.1.0 wrote it
_SECTOR: Final = 512  # bytes
_READ_ATTEMPTS, _READ_PAUSE = 20, 0.005  # how often to read beside a writer, and seconds in between


def recover_journal(disk: FileSystem, path: Path, vault: Vault, take: Callable[[bytes, bytes], object]) -> Journal:
    """Read a journal, cut off a torn end, and continue the file.

    Args:
        disk: The file system.
        path: The file.
        vault: Unwraps its key.
        take: Called with the kind and the content of every entry, in order.

    Raises:
        Damaged: Something other than the last entry is incomplete or changed. Nothing was written.
        Corrupt: It is encrypted under another root key.
        KeyRingMismatch: The file's key is wrapped under one that is not on the ring.
        OSError: The file cannot be read or written.
    """
    fd = disk.open(path)
    try:
        size = os.fstat(fd).st_size
        if size < FILE_HEADER.size:
            _raise_damaged("its first bytes are missing")
        with mmap.mmap(fd, 0, access=mmap.ACCESS_READ) as data:
            key = _open_header(data, vault)
            reader = _EntryReader(data, key)
            for kind, plain in reader.entries():
                take(kind, plain)
            last = data[reader.last : reader.at]
        if reader.torn:
            disk.truncate(fd, reader.at)
            size = reader.at
        # The last entry may stand in the page cache only: its writer was killed before the sync, or the sync failed,
        # after which Linux calls the pages clean. Nothing may build on it before it is really written.
        disk.write(fd, last, reader.last)
        disk.sync(fd)
    except BaseException:
        disk.close(fd)
        raise
    return Journal(disk, fd, key, size=reader.at, base=reader.base, sequence=reader.sequence, filled=size)


def read_alongside_writer(path: Path, vault: Vault, take: Callable[[bytes, bytes], object]) -> None:
    """Read a journal while another process may be writing it; nothing is locked or changed.

    What `take` is given is a state that the store was in while this ran. Entries are only ever appended, and one that
    is just being written is taken for not there yet.

    Args:
        path: The file.
        vault: Unwraps its key.
        take: Called with the kind and the content of every entry, in order, once all of them are known.

    Raises:
        Damaged: The file is damaged.
        Corrupt: It is encrypted under another root key.
        FileNotFoundError: There is no such file.
    """
    for kind, plain in _read_consistent(path, vault):
        take(kind, plain)


def _read_consistent(path: Path, vault: Vault) -> list[tuple[bytes, bytes]]:
    before = b""
    for more in reversed(range(_READ_ATTEMPTS)):
        with path.open("rb") as file:
            data, inode = file.read(), os.fstat(file.fileno()).st_ino
        try:
            return _entries(data, vault)
        except Corrupt:
            # A compaction may have replaced the file and destroyed its key just now, or half of an entry was there.
            # The next attempt then finds another file, or more of this one. Damage does not change.
            if not more or (data == before and path.stat().st_ino == inode):
                raise
        before = data
        time.sleep(_READ_PAUSE)
    raise AssertionError


def _entries(data: bytes, vault: Vault) -> list[tuple[bytes, bytes]]:
    if len(data) < FILE_HEADER.size:
        _raise_damaged("its first bytes are missing")
    return list(_EntryReader(data, _open_header(data, vault)).entries())


def _open_header(data: mmap.mmap | bytes, vault: Vault) -> JournalKey:
    head = data[: FILE_HEADER.size]
    magic, version, file_id, wrapped, crc = FILE_HEADER.unpack(head)
    if magic != MAGIC:
        _raise_damaged("it does not begin like a store of ours")
    if version not in {VERSION, _VERSION_1}:
        _raise_damaged(f"it is written in version {version}, and this programme reads version {VERSION}")
    if crc != zlib.crc32(head[: -CRC.size]):
        _raise_damaged("its header is damaged")
    unwrap = vault.unwrap_file_key if version == VERSION else vault.unwrap_file_key_v1
    try:
        key = unwrap(file_id, wrapped)
    except KeyRingMismatch:
        raise
    except Corrupt:
        raise Corrupt("It was written under another root key than the one in PEERSUPPORT_ROOT_KEY.") from None
    return JournalKey(file_id, AESGCM(key), is_on_ring=version == VERSION)


@dataclass(slots=True)
class _EntryReader:
    """Walks the entries; afterwards `at` is where they end, and `torn` whether a torn entry follows there."""

    data: mmap.mmap | bytes
    key: JournalKey
    at: int = FILE_HEADER.size
    last: int = 0
    sequence: int = 0
    base: int = 0
    torn: bool = False

    def entries(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield the kind and content of every entry; afterwards `at` and `torn` are known. Raises Damaged."""
        while (payload := self._whole_payload()) is not None:
            plain = self._decrypt(self.sequence, payload)
            if plain is None:
                _raise_damaged("an entry does not open")
            self.last, self.at = self.at, self.at + ENTRY_HEAD.size + len(payload) + 1
            self.sequence += 1
            kind = plain[:1]
            if kind == END:
                self.base = self.at
            if (kind == SNAPSHOT) is bool(self.base):
                _raise_damaged("its entries are not in order")
            yield kind, plain[1:]
        if not self.base:
            _raise_damaged("its snapshot is not complete")
        self.torn = self._is_torn()

    def _whole_payload(self) -> bytes | None:
        """Return the payload of the entry here if it arrived whole."""
        length = self._length(self.at)
        if length is None:
            return None
        start = self.at + ENTRY_HEAD.size
        payload = self.data[start : start + length]
        whole = self.data[start + length : start + length + 1] == END_MARK
        if not whole or zlib.crc32(payload) != ENTRY_HEAD.unpack_from(self.data, self.at)[3]:
            return None
        if ENTRY_HEAD.unpack_from(self.data, self.at)[1] != self.sequence:
            _raise_damaged("an entry is missing, repeated or out of order")
        return payload

    def _length(self, at: int) -> int | None:
        if at + ENTRY_HEAD.size > len(self.data):
            return None
        magic, _, length, _, crc = ENTRY_HEAD.unpack_from(self.data, at)
        if magic != ENTRY_MAGIC or crc != zlib.crc32(self.data[at : at + ENTRY_HEAD.size - CRC.size]):
            return None
        return int(length)

    def _decrypt(self, sequence: int, payload: bytes) -> bytes | None:
        nonce, box = payload[:NONCE_BYTES], payload[NONCE_BYTES:]
        try:
            return self.key.box.decrypt(nonce, box, self.key.associated_data(sequence))
        except (InvalidTag, ValueError):
            return None

    def _is_torn(self) -> bool:
        """Say whether a torn entry follows; False where nothing does. Raises Damaged for a changed one."""
        rest = self.data[self.at :]
        written = len(rest.rstrip(b"\0"))
        if not written:
            return False
        length = self._length(self.at)
        if length is not None and ENTRY_HEAD.unpack_from(self.data, self.at)[1] != self.sequence:
            _raise_damaged("an entry is missing, repeated or out of order")
        extent = ENTRY_HEAD.size if length is None else ENTRY_HEAD.size + length + 1
        cut_short = len(rest) < extent or (rest[extent - 1] == 0 and written < extent)
        if cut_short:
            return True
        if length is None:
            plausible = _has_zero_sector(rest[:extent], self.at) and not self._readable_later()
        else:
            plausible = written <= extent and _has_zero_sector(rest[:extent], self.at)
        if not plausible:
            _raise_damaged("an entry was changed after it was written")
        return True

    def _readable_later(self) -> bool:
        at = self.data.find(ENTRY_MAGIC, self.at + 1)
        while at >= 0:
            length = self._length(at)
            if length is not None:
                start, sequence = at + ENTRY_HEAD.size, ENTRY_HEAD.unpack_from(self.data, at)[1]
                if self._decrypt(sequence, self.data[start : start + length]) is not None:
                    return True
            at = self.data.find(ENTRY_MAGIC, at + 1)
        return False


def _has_zero_sector(entry: bytes, at: int) -> bool:
    """Say whether one sector's share of this entry, which begins at byte `at` of the file, is still all zero."""
    first = _SECTOR - at % _SECTOR
    bounds = [0, *range(first, len(entry), _SECTOR), len(entry)]
    return any(not any(entry[start:end]) for start, end in pairwise(bounds))


def _raise_damaged(why: str) -> NoReturn:
    reason = (
        f"The store was not opened and not touched: {why}. Restore a backup, or ask for help before changing anything."
    )
    raise Damaged(reason) from None
