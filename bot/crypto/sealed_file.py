"""A sealed backup file: written once, read in order, and rejected if it was cut, reordered, changed or extended.

    file    magic, length of the header, header, chunks
    header  JSON in clear: format, day, number of records and kind of store; the file's own random key, sealed by the
            vault; and a keyed hash over all of it
    chunk   length, ciphertext and tag

The nonce of a chunk is its number and whether it is the last one, and the header's hash is its associated data. So
chunks of two files cannot be mixed, and a file that ends before its last chunk is noticed (the STREAM construction).

The file's key is sealed as a record is: under a day key of the key ring. When that key is destroyed, the whole backup
is noise, which is how a backup forgets.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import struct
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date
from typing import BinaryIO, Final, NoReturn

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bot.crypto.vault import Vault
from bot.errors import Corrupt

MAGIC: Final = b"peersupport backup\n"
FORMAT: Final = 1
_LENGTH: Final = struct.Struct(">I")
_CHUNK_NONCE: Final = struct.Struct(">QI")  # the chunk's number, and 1 for the last: twelve bytes that never repeat
_MAX_HEADER: Final = 4096
_MAX_CHUNK: Final = 1 << 28
_KIND: Final = "backup"
_PAYLOAD_VERSION: Final = 0


class UnreadableBackup(Exception):
    """This file cannot be read as a backup; the message is a sentence that says why."""


@dataclass(frozen=True, slots=True)
class BackupHeader:
    """What a backup says in clear: the day it was made, how many records it holds, and the kind of store.

    Nothing in it is about a person. `store` is "tinydb" or "postgresql". The names of the fields stand in the file.
    """

    made: date
    records: int
    store: str


class SealedFileWriter:
    """Writes a sealed file. Only ciphertext reaches the disk, and without `finish` the file is never readable.

    Args:
        out: The file to write to, at its beginning.
        vault: Seals the file's key.
        header: What the file says in clear.
    """

    def __init__(self, out: BinaryIO, vault: Vault, header: BackupHeader) -> None:
        """Write the header."""
        id_, key = os.urandom(16).hex(), os.urandom(32)
        sealed = base64.b64encode(vault.seal(_KIND, id_, _PAYLOAD_VERSION, key)).decode("ascii")
        said = orjson.dumps({"format": FORMAT, **asdict(header), "id": id_, "key": sealed})
        begins = orjson.dumps({**orjson.loads(said), "check": vault.keyed_hash(_KIND, said.decode())})
        self._out, self._box, self._header_hash = out, AESGCM(key), hashlib.sha256(MAGIC + begins).digest()
        self._next, self._held = 0, b""
        out.write(MAGIC + _LENGTH.pack(len(begins)) + begins)

    def add(self, plain: bytes) -> None:
        """Add a chunk of at least one byte. It is written with the next call, since the last chunk is marked."""
        if self._held:
            self._write(last=0)
        self._held = plain

    def finish(self) -> None:
        """Write the chunk that was held back, marked as the last."""
        self._write(last=1)

    def _write(self, *, last: int) -> None:
        box = self._box.encrypt(_CHUNK_NONCE.pack(self._next, last), self._held, self._header_hash)
        self._out.write(_LENGTH.pack(len(box)) + box)
        self._next += 1


def open_sealed_file(file: BinaryIO, vault: Vault, key_days: str) -> tuple[BackupHeader, Iterator[bytes]]:
    """Check the header and decrypt the chunks one by one.

    The file is complete only when the iterator has ended without an exception.

    Args:
        file: The file, at its beginning.
        vault: Opens the file's key.
        key_days: The setting that says for how long keys are kept, for the message where the key is gone.

    Raises:
        UnreadableBackup: At once where the header is wrong, or from the iterator at the first chunk that is.
    """
    begins = file.read(len(MAGIC))
    if begins != MAGIC:
        _refuse("is not a backup of this programme")
    length = _unpack_length(file.read(_LENGTH.size))
    begins = file.read(min(length, _MAX_HEADER))
    header, id_, sealed = _parse_header(begins, vault)
    try:
        key = vault.open(_KIND, id_, _PAYLOAD_VERSION, base64.b64decode(sealed))
    except (Corrupt, ValueError):
        raise UnreadableBackup(
            f"The key of this backup of {header.made} is not in PEERSUPPORT_KEY_RING: either it is older than the key "
            f"ring keeps keys ({key_days}), and it cannot be opened any more, or that is another ring."
        ) from None
    return header, _read_chunks(file, AESGCM(key), hashlib.sha256(MAGIC + begins).digest())


def _parse_header(begins: bytes, vault: Vault) -> tuple[BackupHeader, str, str]:
    try:
        said = orjson.loads(begins)
        check = said.pop("check")
        version, made, records = said["format"], date.fromisoformat(said["made"]), int(said["records"])
        header, id_, sealed = BackupHeader(made, records, str(said["store"])), str(said["id"]), str(said["key"])
    except (ValueError, KeyError, TypeError, AttributeError):
        _refuse("is damaged at its beginning")
    if not hmac.compare_digest(str(check).encode(), vault.keyed_hash(_KIND, orjson.dumps(said).decode()).encode()):
        _refuse("was made with another PEERSUPPORT_ROOT_KEY or PEERSUPPORT_KEY_RING, or is damaged at its beginning")
    if version != FORMAT:
        _refuse(f"has format {version}, and this version reads format {FORMAT}: use the version that made it")
    return header, id_, sealed


def _read_chunks(file: BinaryIO, box: AESGCM, header_hash: bytes) -> Iterator[bytes]:
    number, last = 0, False
    while not last:
        payload = _read_payload(file)
        for flag in (0, 1):
            try:
                plain = box.decrypt(_CHUNK_NONCE.pack(number, flag), payload, header_hash)
            except InvalidTag:
                continue
            last = bool(flag)
            break
        else:
            _refuse("is damaged")
        yield plain
        number += 1
    if file.read(1):
        _refuse("goes on after its end: something was appended to it")


def _read_payload(file: BinaryIO) -> bytes:
    head = file.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        _refuse("ends too early: it was cut short")
    length = _unpack_length(head)
    if length > _MAX_CHUNK:
        _refuse("is damaged")
    payload = file.read(length)
    if len(payload) < length:
        _refuse("ends too early: it was cut short")
    return payload


def _unpack_length(head: bytes) -> int:
    return int(_LENGTH.unpack(head)[0]) if len(head) == _LENGTH.size else 0


def _refuse(why: str) -> NoReturn:
    raise UnreadableBackup(f"This file {why}.") from None
