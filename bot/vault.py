"""Whatever names or quotes a person leaves this module only as a keyed hash or a sealed box."""

from __future__ import annotations

import base64
import hmac
import os
import struct
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, NoReturn, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bot.store.base import Damaged, NotOnTheRing
from conversations.model import Person

KEY_ID: Final = 8  # bytes
ROOT_ITSELF: Final = bytes(KEY_ID)  # the id of no day key: wrapped under a key derived from the root

_VERSION = bytes((2,))
_RELEASED = struct.pack(">BI", 1, 0)  # how everything began before there were day keys; still read, never written
_TOKEN = bytes((1,))
_LENGTH = struct.Struct(">I")
_GENERATION = struct.Struct(">I")
_KEY = 32
_NONCE = 12
_TAG = 16
_FILE_ID = 16
_WRAP = len(_VERSION) + KEY_ID  # where each part of a sealed record begins: nonce, wrapped key, nonce, box
_WRAPPED = _WRAP + _NONCE
_WRAP_ENDS = _WRAPPED + _KEY + _TAG
_BOX = _WRAP_ENDS + _NONCE
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


@dataclass(frozen=True, slots=True)
class Lasting:
    """The keys that must not change while a programme lives: records are known by one, buttons open by the other."""

    index: bytes = field(repr=False)
    token: bytes = field(repr=False)

    @classmethod
    def of(cls, root: bytes) -> Lasting:
        """As a programme begins with them. Raises ValueError for a root that is none."""
        _look_at(root)
        return cls(derived(root, b"index"), derived(root, b"token"))


class Keys(Protocol):
    """What a vault asks of a key ring."""

    @property
    def lasting(self) -> Lasting:
        """The keys of this programme that outlive every root."""

    def current(self) -> tuple[bytes, AESGCM]:
        """What is sealed from now on is sealed under this key; its id, and the key."""

    def key(self, id: bytes) -> AESGCM | None:
        """The key of that id, or None where it is not here: dropped, or of another ring."""


class _RootAlone:
    """No ring: everything hangs on the root itself, and opens as long as that exists."""

    def __init__(self, root: bytes) -> None:
        self.lasting = Lasting.of(root)
        self._current = ROOT_ITSELF, AESGCM(derived(root, b"ring"))

    def current(self) -> tuple[bytes, AESGCM]:
        return self._current

    def key(self, id: bytes) -> AESGCM | None:
        return self._current[1] if id == ROOT_ITSELF else None


class Vault:
    """All keys of one programme. Knows no record and keeps nothing."""

    __slots__ = ("_index", "_keys", "_released", "_released_files", "_token", "peer_key")

    def __init__(self, root: bytes, keys: Keys | None = None, former: Sequence[bytes] = ()) -> None:
        """Refuse a root of anything but 32 bytes; the refusal never repeats what it was given.

        `keys` is the ring that what is sealed hangs on; without one it hangs on the root, as in rehearsals. What an
        older version sealed opens with `root` or one of the `former` ones.
        """
        self._keys: Keys = _RootAlone(root) if keys is None else keys
        self._index = self._keys.lasting.index
        self._token = AESGCM(self._keys.lasting.token)
        for each in (root, *former):
            _look_at(each)
        self._released = tuple(AESGCM(derived(each, b"ring")) for each in (root, *former))
        self._released_files = tuple(AESGCM(derived(each, b"file")) for each in (root, *former))
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
        place = _VERSION + _joined(kind, id, str(shape))
        key_id, ring = self._keys.current()
        key = os.urandom(_KEY)
        wrap_nonce, nonce = os.urandom(_NONCE), os.urandom(_NONCE)
        wrapped = ring.encrypt(wrap_nonce, key, key_id + place)
        box = AESGCM(key).encrypt(nonce, _padded(plain), place)
        return b"".join((_VERSION, key_id, wrap_nonce, wrapped, nonce, box))

    def open(self, kind: str, id: str, shape: int, sealed: bytes) -> bytes:
        """What was sealed at this place. Raises Damaged, always with the same words."""
        if sealed.startswith(_RELEASED):
            return self._open_released(_joined(kind, id, str(shape)), sealed)
        place = _VERSION + _joined(kind, id, str(shape))
        key = AESGCM(self._unwrapped(place, sealed))
        try:
            padded = key.decrypt(sealed[_WRAP_ENDS:_BOX], sealed[_BOX:], place)
        except (InvalidTag, ValueError):
            return _refuse()
        return _unpadded(padded)

    def rewrap(self, kind: str, id: str, shape: int, sealed: bytes) -> bytes:
        """The same box, its key wrapped under the current key of the ring; the very same bytes where it is already.

        Nothing is decrypted but the key of this one box (a box of the released format is sealed anew). Raises Damaged.
        """
        key_id, ring = self._keys.current()
        if wrapped_under(sealed) == key_id:
            return sealed
        if sealed.startswith(_RELEASED):
            return self.seal(kind, id, shape, self.open(kind, id, shape, sealed))
        place = _VERSION + _joined(kind, id, str(shape))
        key, wrap_nonce = self._unwrapped(place, sealed), os.urandom(_NONCE)
        wrapped = ring.encrypt(wrap_nonce, key, key_id + place)
        return b"".join((_VERSION, key_id, wrap_nonce, wrapped, sealed[_WRAP_ENDS:]))

    def _unwrapped(self, place: bytes, sealed: bytes) -> bytes:
        key_id = wrapped_under(sealed)
        ring = None if key_id is None else self._keys.key(key_id)
        if ring is None and key_id == ROOT_ITSELF:
            return _first(self._released, key_id + place, sealed[_WRAP:_WRAP_ENDS])
        if key_id is None or ring is None:
            _refuse()
        try:
            return ring.decrypt(sealed[_WRAP:_WRAPPED], sealed[_WRAPPED:_WRAP_ENDS], key_id + place)
        except (InvalidTag, ValueError):
            return _refuse()

    def _open_released(self, place: bytes, sealed: bytes) -> bytes:
        head, rest = sealed[: len(_RELEASED)], sealed[len(_RELEASED) :]
        at = _NONCE + _KEY + _TAG
        key = _first(self._released, head + place, rest[:at])
        return _unpadded(_first((AESGCM(key),), head + place, rest[at:]))

    # ------------------------------------------------------------ files

    def current(self) -> bytes:
        """The id of the key under which everything is sealed now."""
        return self._keys.current()[0]

    def knows(self, key_id: bytes | None) -> bool:
        """Whether the key of this id is here."""
        return key_id is not None and self._keys.key(key_id) is not None

    def wrap_file_key(self, key: bytes) -> tuple[bytes, bytes]:
        """An id for a new file, of 16 bytes, and its random key in a box that opens only for that id."""
        key_id, ring = self._keys.current()
        file_id, nonce = key_id + os.urandom(_FILE_ID - KEY_ID), os.urandom(_NONCE)
        return file_id, nonce + ring.encrypt(nonce, key, b"file " + file_id)

    def unwrap_file_key(self, file_id: bytes, wrapped: bytes) -> bytes:
        """The key of this file. Raises Damaged, or NotOnTheRing where it hangs on a key that is not here."""
        key_id = file_id[:KEY_ID]
        ring = self._keys.key(key_id)
        if ring is None and key_id != ROOT_ITSELF:
            raise NotOnTheRing
        return _first(self._released if ring is None else (ring,), b"file " + file_id, wrapped)

    def unwrap_released_file_key(self, file_id: bytes, wrapped: bytes) -> bytes:
        """The key of a file as older versions began one. Raises Damaged."""
        return _first(self._released_files, file_id, wrapped)

    # ------------------------------------------------------------ tokens

    def token(self, record_id: str, slot: str, generation: int, choice: str) -> str:
        """What a button carries: at most 252 characters, other bytes each time, as long for any choice."""
        nonce = os.urandom(_NONCE)
        box = self._token.encrypt(nonce, _packed(record_id, slot, generation, choice), _TOKEN)
        return base64.urlsafe_b64encode(_TOKEN + nonce + box).rstrip(b"=").decode("ascii")

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


def wrapped_under(sealed: bytes) -> bytes | None:
    """The id of the key that this hangs on; None for what is no box of ours, or one of the released format."""
    return sealed[len(_VERSION) : _WRAP] if sealed.startswith(_VERSION) and len(sealed) > _BOX else None


def derived(root: bytes, name: bytes) -> bytes:
    """One of the keys that hang on a root; another name gives an unrelated one."""
    return HKDF(SHA256(), _KEY, salt=None, info=b"peersupport " + name).derive(root)


def _look_at(root: bytes) -> None:
    if type(root) is not bytes or len(root) != _KEY:
        reason = (
            "PEERSUPPORT_ROOT_KEY must be exactly 32 bytes of key. "
            "Make one with `peersupport keys new` and keep it apart from the store."
        )
        raise ValueError(reason)


def _first(keys: Sequence[AESGCM], place: bytes, boxed: bytes) -> bytes:
    """Open nonce and box with the first key that does. Raises Damaged."""
    for key in keys:
        with suppress(InvalidTag, ValueError):
            return key.decrypt(boxed[:_NONCE], boxed[_NONCE:], place)
    return _refuse()


def _joined(*parts: str) -> bytes:
    """Each part behind its length, so that no two lists of parts give the same bytes."""
    return b"".join(_LENGTH.pack(len(raw)) + raw for raw in (part.encode() for part in parts))


def _padded(plain: bytes) -> bytes:
    needed = _LENGTH.size + len(plain)
    size = next((size for size in _SIZES if needed <= size), -(-needed // _SIZES[-1]) * _SIZES[-1])
    return (_LENGTH.pack(len(plain)) + plain).ljust(size, b"\0")


def _unpadded(padded: bytes) -> bytes:
    (length,) = _LENGTH.unpack_from(padded)
    return padded[_LENGTH.size : _LENGTH.size + length]


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
