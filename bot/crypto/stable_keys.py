"""Keys that are derived from the root key, and where a vault gets the keys that wrap everything else."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Protocol

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_ID_BYTES: Final = 8
ROOT_KEY_ID: Final = bytes(KEY_ID_BYTES)
"""The id that stands in place of a day key's where a key is wrapped under one derived from the root key."""

_KEY_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class StableKeys:
    """The two keys that never change while a programme lives: hashes name records, and tokens open with the other."""

    index: bytes = field(repr=False)
    token: bytes = field(repr=False)

    @classmethod
    def derive_from(cls, root: bytes) -> StableKeys:
        """Derive the keys that a new programme begins with.

        Raises:
            ValueError: The root key is not 32 bytes long.
        """
        check_root_key(root)
        return cls(derive_key(root, b"index"), derive_key(root, b"token"))


class KeySource(Protocol):
    """What a vault needs from a key ring."""

    @property
    def stable_keys(self) -> StableKeys:
        """The keys of this programme that survive every change of the root key."""

    def current_key(self) -> tuple[bytes, AESGCM]:
        """Return the id and the key under which everything is wrapped from now on."""

    def key(self, id: bytes) -> AESGCM | None:
        """Return the key of that id, or None where it was destroyed or belongs to another ring."""


class RootOnlyKeys:
    """A key source without a ring, for tests and rehearsals: every key is wrapped under one derived from the root.

    Raises:
        ValueError: The root key is not 32 bytes long.
    """

    def __init__(self, root: bytes) -> None:
        """Derive all keys at once."""
        self.stable_keys = StableKeys.derive_from(root)
        self._current = ROOT_KEY_ID, AESGCM(derive_key(root, b"ring"))

    def current_key(self) -> tuple[bytes, AESGCM]:
        """Return the one key there is."""
        return self._current

    def key(self, id: bytes) -> AESGCM | None:
        """Return the one key for `ROOT_KEY_ID`, and None for any other id."""
        return self._current[1] if id == ROOT_KEY_ID else None


def derive_key(root: bytes, name: bytes) -> bytes:
    """Derive a key of 32 bytes from the root key with HKDF-SHA256; keys of different names are unrelated."""
    return HKDF(SHA256(), _KEY_BYTES, salt=None, info=b"peersupport " + name).derive(root)


def check_root_key(root: bytes) -> None:
    """Refuse anything but 32 bytes; the message never repeats what was given.

    Raises:
        ValueError: It is something else.
    """
    if type(root) is not bytes or len(root) != _KEY_BYTES:
        reason = (
            "PEERSUPPORT_ROOT_KEY must be exactly 32 bytes of key. "
            "Make one with `peersupport keys new` and keep it apart from the store."
        )
        raise ValueError(reason)
