"""Whatever names or quotes a person leaves this module only as a keyed hash or a sealed box."""

from __future__ import annotations

import base64
import hmac
import os
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NoReturn

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bot.store.base import Damaged
from conversations.model import Person

_VERSION = 1
_RING_ITSELF = 0  # key id: wrapped under the ring key; a day key will carry its day number here
_HEAD = struct.Struct(">BI")
_LENGTH = struct.Struct(">I")
_GENERATION = struct.Struct(">I")
_KEY = 32
_NONCE = 12
_TAG = 16
_SIZES = (64, 256, 1024, 4096)
_TOKEN_SIZES = (96, 160)  # 160 becomes 252 characters: an action id holds 255
_CHOICE_ROOM = 40  # every choice takes at least this much, so that length says nothing
_HEX, _TEXT = 1, 0
_PEERS = 4096


@dataclass(frozen=True, slots=True)
class Token:
    """What a button means: the press `choice`, in this slot's `generation`-th card, about this record."""

    record_id: str = field(repr=False)
    slot: str = field(repr=False)
    generation: int
    choice: str = field(repr=False)


class Vault:
    """All keys of one programme, derived from one root. Knows no record and keeps nothing."""

    __slots__ = ("_file", "_index", "_ring", "_token", "peer_key")

    def __init__(self, root: bytes) -> None:
        """Refuse anything but 32 bytes; the refusal never repeats what it was given."""
        if type(root) is not bytes or len(root) != _KEY:
            reason = (
                "PEERSUPPORT_ROOT_KEY must be exactly 32 bytes of key. "
                "Make one with `peersupport keys new` and keep it apart from the store."
            )
            raise ValueError(reason)
        self._index = _derive(root, b"index")
        self._ring = AESGCM(_derive(root, b"ring"))
        self._token = AESGCM(_derive(root, b"token"))
        self._file = AESGCM(_derive(root, b"file"))
        # Peers only, who are on the roster in memory anyway: an open request names them at every write.
        self.peer_key: Callable[[str, Person], str] = lru_cache(_PEERS)(self.pseudonym)

    def __repr__(self) -> str:
        """Say nothing."""
        return "Vault(…)"

    # ------------------------------------------------------------ keyed hashes

    def pseudonym(self, purpose: str, person: Person) -> str:
        """The same person under another purpose gives an unrelated name. 64 hex digits."""
        return self._keyed("person", purpose, person.platform, person.workspace, person.id)

    def mark(self, purpose: str, value: str) -> str:
        """A keyed hash of any string, such as an event's id. 64 hex digits."""
        return self._keyed("mark", purpose, value)

    def _keyed(self, *parts: str) -> str:
        return hmac.digest(self._index, _joined(*parts), "sha256").hex()

    # ------------------------------------------------------------ records

    def seal(self, kind: str, id: str, shape: int, plain: bytes) -> bytes:
        """Box `plain` under a key of its own, so that losing this one wrapped key forgets this one record.

        The box opens only for the same kind, id and shape. Its length tells `plain`'s size class
        (64, 256, 1024, 4096, then each 4096), nothing finer.
        """
        head = _HEAD.pack(_VERSION, _RING_ITSELF)
        place = _joined(kind, id, str(shape))
        key = os.urandom(_KEY)
        wrap_nonce, nonce = os.urandom(_NONCE), os.urandom(_NONCE)
        wrapped = self._ring.encrypt(wrap_nonce, key, head + place)
        box = AESGCM(key).encrypt(nonce, _padded(plain), head + place)
        return b"".join((head, wrap_nonce, wrapped, nonce, box))

    def open(self, kind: str, id: str, shape: int, sealed: bytes) -> bytes:
        """What was sealed at this place. Raises Damaged, always with the same words."""
        head, rest = sealed[: _HEAD.size], sealed[_HEAD.size :]
        if head != _HEAD.pack(_VERSION, _RING_ITSELF):
            _refuse()
        place = _joined(kind, id, str(shape))
        at = _NONCE + _KEY + _TAG
        try:
            key = self._ring.decrypt(rest[:_NONCE], rest[_NONCE:at], head + place)
            padded = AESGCM(key).decrypt(rest[at : at + _NONCE], rest[at + _NONCE :], head + place)
        except (InvalidTag, ValueError):
            _refuse()
        (length,) = _LENGTH.unpack_from(padded)
        return padded[_LENGTH.size : _LENGTH.size + length]

    # ------------------------------------------------------------ files

    def wrap_file_key(self, file_id: bytes, key: bytes) -> bytes:
        """Box the random key of one file; it opens only for the same file id."""
        nonce = os.urandom(_NONCE)
        return nonce + self._file.encrypt(nonce, key, file_id)

    def unwrap_file_key(self, file_id: bytes, wrapped: bytes) -> bytes:
        """The key of this file. Raises Damaged."""
        try:
            return self._file.decrypt(wrapped[:_NONCE], wrapped[_NONCE:], file_id)
        except (InvalidTag, ValueError):
            _refuse()

    # ------------------------------------------------------------ tokens

    def token(self, record_id: str, slot: str, generation: int, choice: str) -> str:
        """What a button carries: at most 252 characters, other bytes each time, as long for any choice."""
        nonce = os.urandom(_NONCE)
        version = bytes((_VERSION,))
        box = self._token.encrypt(nonce, _packed(record_id, slot, generation, choice), version)
        return base64.urlsafe_b64encode(version + nonce + box).rstrip(b"=").decode("ascii")

    def read_token(self, text: str) -> Token | None:
        """What we once put on a button, or None for everything else."""
        try:
            raw = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), b"-_", validate=True)
            if base64.urlsafe_b64encode(raw).rstrip(b"=") != text.encode("ascii"):
                return None  # another spelling of the same bytes
            version, nonce, box = raw[:1], raw[1 : 1 + _NONCE], raw[1 + _NONCE :]
            return _unpacked(self._token.decrypt(nonce, box, version))
        except (InvalidTag, ValueError):
            return None


def _derive(root: bytes, name: bytes) -> bytes:
    return HKDF(SHA256(), _KEY, salt=None, info=b"peersupport " + name).derive(root)


def _joined(*parts: str) -> bytes:
    """Each part behind its length, so that no two lists of parts give the same bytes."""
    return b"".join(_LENGTH.pack(len(raw)) + raw for raw in (part.encode() for part in parts))


def _padded(plain: bytes) -> bytes:
    needed = _LENGTH.size + len(plain)
    size = next((size for size in _SIZES if needed <= size), -(-needed // _SIZES[-1]) * _SIZES[-1])
    return (_LENGTH.pack(len(plain)) + plain).ljust(size, b"\0")


def _packed(record_id: str, slot: str, generation: int, choice: str) -> bytes:
    try:
        form, name = _HEX, bytes.fromhex(record_id)
        if name.hex() != record_id:
            form, name = _TEXT, record_id.encode()
    except ValueError:
        form, name = _TEXT, record_id.encode()
    parts = (name, slot.encode(), choice.encode())
    if max(map(len, parts)) > 255:  # noqa: PLR2004  (one byte of length)
        reason = "A button cannot carry this: a part of its token is too long."
        raise ValueError(reason)
    plain = bytes((form,)) + _GENERATION.pack(generation) + b"".join(bytes((len(part),)) + part for part in parts)
    needed = len(plain) - len(parts[2]) + max(len(parts[2]), _CHOICE_ROOM)
    for size in _TOKEN_SIZES:
        if needed <= size:
            return plain.ljust(size, b"\0")
    reason = "A button cannot carry this: its token would not fit a platform's limit."
    raise ValueError(reason)


def _unpacked(plain: bytes) -> Token:
    form, (generation,) = plain[0], _GENERATION.unpack_from(plain, 1)
    parts, at = [], 1 + _GENERATION.size
    for _ in range(3):
        length = plain[at]
        parts.append(plain[at + 1 : at + 1 + length])
        at += 1 + length
    name = parts[0].hex() if form == _HEX else parts[0].decode()
    return Token(name, parts[1].decode(), generation, parts[2].decode())


def _refuse() -> NoReturn:
    reason = "This does not open: another key, another place, or changed bytes."
    raise Damaged(reason) from None
