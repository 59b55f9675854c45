"""Envelope encryption of records and files, keyed hashes of people, and button tokens.

Whatever names or quotes a person leaves this module only as a keyed hash or as ciphertext.

A record is sealed in two layers (envelope encryption). Its content is encrypted under a random key of its own, and that
key is encrypted ("wrapped") under the current day key of the key ring. Two things follow. The daily key rotation only
needs to wrap 32 bytes anew, and decrypts no content. And once a day key is destroyed, every copy of a record that was
wrapped under it (in a backup, on a stolen disk, in free blocks) is noise for good, even with the root key.

Both layers authenticate the record's kind, id and format version as associated data, so ciphertext that was moved to
another record does not decrypt. All encryption is AES-256-GCM with a random nonce of 12 bytes. A random nonce is safe
for the content, because each key encrypts once; a day key wraps far fewer than the 2^32 keys that NIST SP 800-38D
allows with random nonces.

    sealed record    version 2, key id (8), nonce (12), wrapped key (48), nonce (12), padded content and tag
    version 1        (release 0.1.0) version and four zero bytes, nonce, key wrapped under the root, nonce, content

Content is padded to 64, 256, 1,024 or 4,096 bytes, or to the next multiple of 4,096, so that its length tells little.

Searching needs no decryption: a record is found by keyed hashes (HMAC-SHA256). Their key never changes, since it would
change every record's name.
"""

from __future__ import annotations

import base64
import hmac
import os
import struct
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import NoReturn

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bot.crypto.button_token import ButtonToken, pack_token, unpack_token
from bot.crypto.stable_keys import KEY_ID_BYTES, ROOT_KEY_ID, KeySource, RootOnlyKeys, check_root_key, derive_key
from bot.errors import Corrupt, KeyRingMismatch
from conversations.model import Person

_VERSION = bytes((2,))
_FORMAT_1 = struct.pack(">BI", 1, 0)  # how every record of 0.1.0 begins; still read, never written
_TOKEN_VERSION = bytes((1,))
_LENGTH = struct.Struct(">I")
_KEY = 32
_NONCE = 12
_TAG = 16
_FILE_ID = 16
_WRAP = len(_VERSION) + KEY_ID_BYTES  # where each part of a sealed record begins: nonce, wrapped key, nonce, content
_WRAPPED = _WRAP + _NONCE
_WRAP_ENDS = _WRAPPED + _KEY + _TAG
_CONTENT = _WRAP_ENDS + _NONCE
_SIZE_CLASSES = (64, 256, 1024, 4096)
_CACHED_PEERS = 4096


class Vault:
    """Holds all keys of one programme; encrypts, decrypts and hashes. It keeps nothing and knows no store.

    Args:
        root: The root key, 32 bytes.
        keys: The key ring that new ciphertext is wrapped under. Without one it is wrapped under the root key, as in
            tests and rehearsals.
        former: Former root keys, while the root key is being rotated: what 0.1.0 encrypted under one is still read.

    Raises:
        ValueError: A root key is not 32 bytes long; the message never repeats it.
    """

    __slots__ = ("_audit", "_index", "_keys", "_root_file_keys", "_root_record_keys", "_token", "peer_key")

    def __init__(self, root: bytes, keys: KeySource | None = None, former: Sequence[bytes] = ()) -> None:
        """Derive what is needed from the root keys."""
        self._keys: KeySource = RootOnlyKeys(root) if keys is None else keys
        self._index = hmac.new(self._keys.stable_keys.index, digestmod="sha256")  # of nothing yet: each hash copies it
        self._token = AESGCM(self._keys.stable_keys.token)
        self._audit = derive_key(self._keys.stable_keys.index, b"audit")
        for each in (root, *former):
            check_root_key(each)
        self._root_record_keys = tuple(AESGCM(derive_key(each, b"ring")) for each in (root, *former))
        self._root_file_keys = tuple(AESGCM(derive_key(each, b"file")) for each in (root, *former))
        # Only peers' hashes are cached: they are on the roster in memory anyway, and an open request needs them at
        # every write.
        self.peer_key: Callable[[str, Person], str] = lru_cache(_CACHED_PEERS)(self.pseudonym)

    def __repr__(self) -> str:
        """Reveal nothing."""
        return "Vault(…)"

    # ------------------------------------------------------------ keyed hashes

    def pseudonym(self, purpose: str, person: Person) -> str:
        """Hash a person under our key to 64 hexadecimal digits; hashes for different purposes are unrelated."""
        return self._hmac_hex("person", purpose, person.platform, person.workspace, person.id)

    def keyed_hash(self, purpose: str, value: str) -> str:
        """Hash any string, such as an event's id, under our key to 64 hexadecimal digits."""
        return self._hmac_hex("mark", purpose, value)

    def audit_hmac(self, before: str, content: str) -> str:
        """Return the HMAC of an entry of the audit log, of 64 hexadecimal digits.

        Its key is derived from the stable keys, so it outlives every change of the root key.

        Args:
            before: The HMAC of the entry before; "" for the first.
            content: What the entry says.
        """
        return hmac.digest(self._audit, _encode_parts(before, content), "sha256").hex()

    def _hmac_hex(self, *parts: str) -> str:
        keyed = self._index.copy()
        keyed.update(_encode_parts(*parts))
        return keyed.hexdigest()

    # ------------------------------------------------------------ records

    def seal(self, kind: str, id: str, shape: int, plain: bytes) -> bytes:
        """Encrypt a record's content under a new key of its own, wrapped under the current key of the ring.

        Args:
            kind: The record's kind, authenticated with it, as its id and format version are.
            id: The record's id.
            shape: The version of the content's format.
            plain: The content; of its length only a size class can be told from the result.
        """
        place = _VERSION + _encode_parts(kind, id, str(shape))
        key, nonce, wrap_nonce = os.urandom(_KEY), os.urandom(_NONCE), os.urandom(_NONCE)
        content = AESGCM(key).encrypt(nonce, _pad(plain), place)
        key_id, ring_key = self._keys.current_key()
        wrapped = ring_key.encrypt(wrap_nonce, key, key_id + place)
        return b"".join((_VERSION, key_id, wrap_nonce, wrapped, nonce, content))

    def open(self, kind: str, id: str, shape: int, sealed: bytes) -> bytes:
        """Decrypt what `seal` made for the same kind, id and format version.

        Raises:
            Corrupt: It does not decrypt. The message is always the same.
        """
        if sealed.startswith(_FORMAT_1):
            return self._open_format_1(_encode_parts(kind, id, str(shape)), sealed)
        place = _VERSION + _encode_parts(kind, id, str(shape))
        key = AESGCM(self._unwrap(place, sealed))
        try:
            padded = key.decrypt(sealed[_WRAP_ENDS:_CONTENT], sealed[_CONTENT:], place)
        except (InvalidTag, ValueError):
            return _raise_corrupt()
        return _unpad(padded)

    def rewrap(self, kind: str, id: str, shape: int, sealed: bytes) -> bytes:
        """Wrap a record's key under the ring's current key, without decrypting its content.

        A record of format 1 is decrypted and sealed anew.

        Returns:
            The new bytes; the very same object where it is wrapped under the current key already.

        Raises:
            Corrupt: Its key cannot be unwrapped.
        """
        key_id, ring_key = self._keys.current_key()
        if wrapping_key_id(sealed) == key_id:
            return sealed
        if sealed.startswith(_FORMAT_1):
            return self.seal(kind, id, shape, self.open(kind, id, shape, sealed))
        place = _VERSION + _encode_parts(kind, id, str(shape))
        key, wrap_nonce = self._unwrap(place, sealed), os.urandom(_NONCE)
        wrapped = ring_key.encrypt(wrap_nonce, key, key_id + place)
        return b"".join((_VERSION, key_id, wrap_nonce, wrapped, sealed[_WRAP_ENDS:]))

    def _unwrap(self, place: bytes, sealed: bytes) -> bytes:
        key_id = wrapping_key_id(sealed)
        ring_key = None if key_id is None else self._keys.key(key_id)
        if ring_key is None and key_id == ROOT_KEY_ID:
            return _decrypt_with_any(self._root_record_keys, key_id + place, sealed[_WRAP:_WRAP_ENDS])
        if key_id is None or ring_key is None:
            _raise_corrupt()
        try:
            return ring_key.decrypt(sealed[_WRAP:_WRAPPED], sealed[_WRAPPED:_WRAP_ENDS], key_id + place)
        except (InvalidTag, ValueError):
            return _raise_corrupt()

    def _open_format_1(self, place: bytes, sealed: bytes) -> bytes:
        head, rest = sealed[: len(_FORMAT_1)], sealed[len(_FORMAT_1) :]
        at = _NONCE + _KEY + _TAG
        key = _decrypt_with_any(self._root_record_keys, head + place, rest[:at])
        return _unpad(_decrypt_with_any((AESGCM(key),), head + place, rest[at:]))

    # ------------------------------------------------------------ files

    def current_key_id(self) -> bytes:
        """Return the id of the key under which everything is wrapped from now on."""
        return self._keys.current_key()[0]

    def has_key(self, key_id: bytes | None) -> bool:
        """Say whether the key of this id is on the ring."""
        return key_id is not None and self._keys.key(key_id) is not None

    def wrap_file_key(self, key: bytes) -> tuple[bytes, bytes]:
        """Wrap the random key of a new file under the ring's current key.

        Returns:
            A new id for the file, 16 bytes that begin with the id of the wrapping key, and the wrapped key, which can
            be unwrapped for that id alone.
        """
        key_id, ring_key = self._keys.current_key()
        file_id, nonce = key_id + os.urandom(_FILE_ID - KEY_ID_BYTES), os.urandom(_NONCE)
        return file_id, nonce + ring_key.encrypt(nonce, key, b"file " + file_id)

    def unwrap_file_key(self, file_id: bytes, wrapped: bytes) -> bytes:
        """Return the key of a file that `wrap_file_key` named.

        Raises:
            KeyRingMismatch: It is wrapped under a key that is not on the ring.
            Corrupt: It does not decrypt.
        """
        key_id = file_id[:KEY_ID_BYTES]
        ring_key = self._keys.key(key_id)
        if ring_key is None and key_id != ROOT_KEY_ID:
            raise KeyRingMismatch
        keys = self._root_record_keys if ring_key is None else (ring_key,)
        return _decrypt_with_any(keys, b"file " + file_id, wrapped)

    def unwrap_file_key_v1(self, file_id: bytes, wrapped: bytes) -> bytes:
        """Return the key of a file that 0.1.0 began, wrapped under the root key.

        Raises:
            Corrupt: It does not decrypt.
        """
        return _decrypt_with_any(self._root_file_keys, file_id, wrapped)

    # ------------------------------------------------------------ tokens

    def tokens(self, record_id: str, slot: str, generation: int, choices: Sequence[str]) -> dict[str, str]:
        """Encrypt what a card's buttons mean, by choice: at most 252 characters, of the same length for every choice.

        The characters differ each time, so two people's buttons cannot be compared.

        Raises:
            ValueError: The parts are too long for a button.
        """
        packed = [pack_token(ButtonToken(record_id, slot, generation, choice)) for choice in choices]
        return {choice: self._sealed_token(plain) for choice, plain in zip(choices, packed, strict=True)}

    def token(self, record_id: str, slot: str, generation: int, choice: str) -> str:
        """Encrypt what one button means; see `tokens`."""
        return self.tokens(record_id, slot, generation, (choice,))[choice]

    def _sealed_token(self, plain: bytes) -> str:
        nonce = os.urandom(_NONCE)
        box = self._token.encrypt(nonce, plain, _TOKEN_VERSION)
        return base64.urlsafe_b64encode(_TOKEN_VERSION + nonce + box).rstrip(b"=").decode("ascii")

    def read_token(self, text: str) -> ButtonToken | None:
        """Return what `token` encrypted, or None for any other text."""
        try:
            raw = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), b"-_", validate=True)
            if base64.urlsafe_b64encode(raw).rstrip(b"=") != text.encode("ascii"):
                return None  # another spelling of the same bytes
            version, nonce, box = raw[:1], raw[1 : 1 + _NONCE], raw[1 + _NONCE :]
            return unpack_token(self._token.decrypt(nonce, box, version))
        except (InvalidTag, ValueError):
            return None


def wrapping_key_id(sealed: bytes) -> bytes | None:
    """Return the id of the key that a sealed record is wrapped under; None for format 1 and for anything else."""
    return sealed[len(_VERSION) : _WRAP] if sealed.startswith(_VERSION) and len(sealed) > _CONTENT else None


def _decrypt_with_any(keys: Sequence[AESGCM], place: bytes, boxed: bytes) -> bytes:
    """Decrypt a nonce and its ciphertext with the first key that fits. Raises Corrupt."""
    for key in keys:
        with suppress(InvalidTag, ValueError):
            return key.decrypt(boxed[:_NONCE], boxed[_NONCE:], place)
    return _raise_corrupt()


def _encode_parts(*parts: str) -> bytes:
    """Put each part behind its length, so that no two lists of parts give the same bytes."""
    return b"".join(_LENGTH.pack(len(raw)) + raw for raw in (part.encode() for part in parts))


def _pad(plain: bytes) -> bytes:
    needed = _LENGTH.size + len(plain)
    size = next((size for size in _SIZE_CLASSES if needed <= size), -(-needed // _SIZE_CLASSES[-1]) * _SIZE_CLASSES[-1])
    return (_LENGTH.pack(len(plain)) + plain).ljust(size, b"\0")


def _unpad(padded: bytes) -> bytes:
    (length,) = _LENGTH.unpack_from(padded)
    return padded[_LENGTH.size : _LENGTH.size + length]


def _raise_corrupt() -> NoReturn:
    reason = "This does not open: another key, another place, or changed bytes."
    raise Corrupt(reason) from None
