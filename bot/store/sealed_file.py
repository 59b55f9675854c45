"""One sealed file, written once and read in order: cut, swapped, changed or continued, it does not open.

    file    magic, length of the label, label, chunks
    label   JSON that anybody may read: format, day, how many records from what kind of store; the file's own random
            key, sealed by the vault; and a keyed hash over all of it
    chunk   length, ciphertext and tag; its nonce says which chunk it is and whether it is the last

The key hangs on the key ring as every record's does: when the ring has dropped it, the whole file is noise.
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

from bot.store.base import Damaged
from bot.vault import Vault

MAGIC: Final = b"peersupport backup\n"
FORMAT: Final = 1
_LENGTH: Final = struct.Struct(">I")
_PLACE: Final = struct.Struct(">QI")  # which chunk, and 1 for the last: twelve bytes, a nonce that never repeats
_LONGEST_LABEL: Final = 4096
_LONGEST_CHUNK: Final = 1 << 28
_KIND: Final = "backup"
_SHAPE: Final = 0


class Unreadable(Exception):
    """This file cannot be read as a backup; the message is a sentence."""


@dataclass(frozen=True, slots=True)
class Label:
    """What stands on the outside: nothing about a person."""

    made: date
    records: int
    store: str  # tinydb or postgresql


class Sealing:
    """A file being written. Nothing plain reaches it, and without `finish` it never opens."""

    def __init__(self, out: BinaryIO, vault: Vault, label: Label) -> None:
        """Begin with the label."""
        id_, key = os.urandom(16).hex(), os.urandom(32)
        sealed = base64.b64encode(vault.seal(_KIND, id_, _SHAPE, key)).decode("ascii")
        said = orjson.dumps({"format": FORMAT, **asdict(label), "id": id_, "key": sealed})
        begins = orjson.dumps({**orjson.loads(said), "check": vault.mark(_KIND, said.decode())})
        self._out, self._box, self._seal = out, AESGCM(key), hashlib.sha256(MAGIC + begins).digest()
        self._next, self._held = 0, b""
        out.write(MAGIC + _LENGTH.pack(len(begins)) + begins)

    def add(self, plain: bytes) -> None:
        """One more chunk, of at least a byte. It is held back, because the last one has to say that it is the last."""
        if self._held:
            self._write(last=0)
        self._held = plain

    def finish(self) -> None:
        """Write what was held back as the last chunk."""
        self._write(last=1)

    def _write(self, *, last: int) -> None:
        box = self._box.encrypt(_PLACE.pack(self._next, last), self._held, self._seal)
        self._out.write(_LENGTH.pack(len(box)) + box)
        self._next += 1


def opened(file: BinaryIO, vault: Vault, key_days: str) -> tuple[Label, Iterator[bytes]]:
    """What stands on the file, and its chunks; only when the last has come is the file whole. Raises Unreadable."""
    begins = file.read(len(MAGIC))
    if begins != MAGIC:
        _refuse("is not a backup of this programme")
    length = _number(file.read(_LENGTH.size))
    begins = file.read(min(length, _LONGEST_LABEL))
    label, id_, sealed = _label(begins, vault)
    try:
        key = vault.open(_KIND, id_, _SHAPE, base64.b64decode(sealed))
    except (Damaged, ValueError):
        raise Unreadable(
            f"The key of this backup of {label.made} is not in PEERSUPPORT_KEY_RING: either it is older than the key "
            f"ring keeps keys ({key_days}), and nobody can open it any more, or that is another ring."
        ) from None
    return label, _chunks(file, AESGCM(key), hashlib.sha256(MAGIC + begins).digest())


def _label(begins: bytes, vault: Vault) -> tuple[Label, str, str]:
    try:
        said = orjson.loads(begins)
        check = said.pop("check")
        version, made, records = said["format"], date.fromisoformat(said["made"]), int(said["records"])
        label, id_, sealed = Label(made, records, str(said["store"])), str(said["id"]), str(said["key"])
    except (ValueError, KeyError, TypeError, AttributeError):
        _refuse("is damaged at its beginning")
    if not hmac.compare_digest(str(check).encode(), vault.mark(_KIND, orjson.dumps(said).decode()).encode()):
        _refuse("was made with another PEERSUPPORT_ROOT_KEY or PEERSUPPORT_KEY_RING, or is damaged at its beginning")
    if version != FORMAT:
        _refuse(f"has format {version}, and this version reads format {FORMAT}: use the version that made it")
    return label, id_, sealed


def _chunks(file: BinaryIO, box: AESGCM, seal: bytes) -> Iterator[bytes]:
    number, last = 0, False
    while not last:
        head = file.read(_LENGTH.size)
        if len(head) < _LENGTH.size:
            _refuse("ends too early: it was cut short")
        length = _number(head)
        if length > _LONGEST_CHUNK:
            _refuse("is damaged")
        payload = file.read(length)
        if len(payload) < length:
            _refuse("ends too early: it was cut short")
        for flag in (0, 1):
            try:
                plain = box.decrypt(_PLACE.pack(number, flag), payload, seal)
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


def _number(head: bytes) -> int:
    return int(_LENGTH.unpack(head)[0]) if len(head) == _LENGTH.size else 0


def _refuse(why: str) -> NoReturn:
    raise Unreadable(f"This file {why}.") from None
