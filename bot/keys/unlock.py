"""Opens the vault of an installation: which root key, which key ring, and whether they are those of the store."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Final

from bot.config.parsers import Postgres
from bot.config.settings import Settings
from bot.crypto.stable_keys import ROOT_KEY_ID
from bot.crypto.vault import Vault
from bot.errors import FULL, KEY_RING_MISMATCH, Corrupt, NotServable, StaleRevision
from bot.keys.key_ring import KeyRing, KeyRingMissing, restrict_access
from bot.store.base import Record, Store
from bot.store.embedded.journal import JOURNAL_NAME, read_wrapping_key_id
from bot.store.erasure_log import ErasureLog

RING_RECORD: Final = "key-ring"
"""Kind, stage and id of the one record in a store that says which key ring the store belongs to."""

_PAYLOAD_VERSION: Final = 0


def root_keys(settings: Settings) -> tuple[bytes, ...]:
    """Return the root key, and while it is being rotated the former one behind it.

    Raises:
        NotServable: None is set.
    """
    if not settings.root_keys:
        raise NotServable("PEERSUPPORT_ROOT_KEY is not set: run `peersupport keys new`.")
    return tuple(key.get_secret_value() for key in settings.root_keys)


def key_ring_folder(settings: Settings) -> Path:
    """Return the key ring's folder: the one that is set, or else one beside the store."""
    if settings.key_ring is not None:
        return settings.key_ring
    return Path("ring") if isinstance(settings.store, Postgres) else settings.store / "ring"


def open_vault(settings: Settings, now: datetime) -> tuple[Vault, KeyRing]:
    """Open the vault to serve with, with a key for today; create a key ring for a store that never had one.

    Call `bind_store` before anything else is read from the store or written to it.

    Args:
        settings: Name the root key, the key ring and the store.
        now: The present time.

    Raises:
        NotServable: The root key or the key ring is not the right one; the message says what to do.
        DatabaseUnavailable: PostgreSQL does not answer whether the store had a ring.
        OSError: The disk of the key ring is full.
    """
    root, *former = root_keys(settings)
    where = key_ring_folder(settings)
    try:
        ring = _open_or_create_ring(settings.store, where, (root, *former), now)
        restrict_access(where)
    except OSError as failure:
        if failure.errno in FULL:
            raise  # nothing is wrong with the setting
        raise NotServable(
            f"PEERSUPPORT_KEY_RING cannot be read and written ({failure.strerror}): give the folder to the service's "
            "user, on a disk that it may write."
        ) from None
    return Vault(root, ring, former), ring


def _open_or_create_ring(store: Path | Postgres, where: Path, roots: tuple[bytes, ...], now: datetime) -> KeyRing:
    with suppress(KeyRingMissing):
        return open_ring(where, roots, now)
    if not has_key_ring(store):
        return KeyRing.create(where, roots, now)
    try:
        # another process may have created it meanwhile, and named it in the store afterwards
        return open_ring(where, roots, now)
    except KeyRingMissing:
        raise NotServable(KEY_RING_MISMATCH) from None


def open_ring(where: Path, roots: tuple[bytes, ...], now: datetime) -> KeyRing:
    """Open the key ring in this folder, with a key for today.

    Raises:
        KeyRingMissing: There is none.
        NotServable: It does not decrypt with these root keys.
        OSError: It cannot be read or written.
    """
    ring = KeyRing.open(where, roots)
    ring.ensure_key_for(now)
    return ring


def open_vault_read_only(settings: Settings) -> Vault:
    """Open the vault for a command that only reads; no key and no ring is created.

    Raises:
        NotServable: No root key is set, or it does not open the key ring.
        OSError: The key ring cannot be read.
    """
    root, *former = root_keys(settings)
    try:
        return Vault(root, KeyRing.open(key_ring_folder(settings), (root, *former)), former)
    except KeyRingMissing:
        return Vault(root, None, former)


def open_erasure_log(settings: Settings, vault: Vault, now: Callable[[], datetime]) -> ErasureLog:
    """Return the erasure log of this installation: a file in the key ring's folder, so that it is outside the store.

    Args:
        settings: Name the key ring's folder, and for how many days a key is kept.
        vault: Hashes the ids that the log names.
        now: The present time; the day of a line is its date.
    """
    return ErasureLog(key_ring_folder(settings), vault, settings.key_days, lambda: now().date())


def open_vault_and_erasure_log(settings: Settings, now: Callable[[], datetime]) -> tuple[Vault, ErasureLog]:
    """Open what a command needs that copies a store: the vault, read-only, and the erasure log.

    Raises as `open_vault_read_only` does.
    """
    vault = open_vault_read_only(settings)
    return vault, open_erasure_log(settings, vault, now)


def rewrap_key_ring(settings: Settings) -> int:
    """Finish a rotation of the root key: encrypt the key ring under the new one of two root keys.

    Returns:
        How many files of the ring that changed.

    Raises:
        NotServable: There is one root key, or no ring, or the store still needs the former root key itself.
        OSError: The key ring cannot be read or written.
    """
    found = root_keys(settings)
    if len(found) == 1:
        raise NotServable(
            "PEERSUPPORT_ROOT_KEY holds one key: put a new one of `peersupport keys new`, a comma and the present one "
            "there, restart every `serve`, and run this again."
        )
    try:
        ring = KeyRing.open(key_ring_folder(settings), found)
    except KeyRingMissing:
        raise NotServable(
            "PEERSUPPORT_KEY_RING has no ring yet, and nothing to wrap: start `serve` with the present key first."
        ) from None
    if _needs_root_key(settings.store):
        raise NotServable(
            "The store still needs the present root key itself, as an older version left it: let `serve` run for a "
            "night first."
        )
    return ring.rewrap()


def _needs_root_key(store: Path | Postgres) -> bool:
    """Say whether anything in the store is wrapped under the root key itself, as release 0.1.0 left it."""
    if isinstance(store, Postgres):
        from bot.store.postgres.connection import has_root_wrapped_records

        return has_root_wrapped_records(store.url)
    return (store / JOURNAL_NAME).exists() and read_wrapping_key_id(store) in {None, ROOT_KEY_ID}


def has_key_ring(store: Path | Postgres) -> bool:
    """Say whether the store was written with a key ring.

    Raises:
        DatabaseUnavailable: PostgreSQL does not answer.
        NotServable: The address of the database makes no sense.
    """
    if not isinstance(store, Postgres):
        return read_wrapping_key_id(store) not in {None, ROOT_KEY_ID}
    from bot.store.postgres.connection import load_one

    return load_one(store.url, RING_RECORD) is not None


def journal_decrypts(folder: Path, vault: Vault) -> bool:
    """Say whether the key that an embedded store needs is there; a store that does not exist yet needs none."""
    key_id = read_wrapping_key_id(folder)
    return key_id in {None, ROOT_KEY_ID} or vault.has_key(key_id)


def was_written_with(store: Path | Postgres, vault: Vault, ring: KeyRing) -> bool:
    """Say whether the store belongs to this key ring, or to none yet; the store is read from outside.

    Raises as `has_key_ring` does.
    """
    if not isinstance(store, Postgres):
        return journal_decrypts(store, vault)
    from bot.store.postgres.connection import load_one

    found = load_one(store.url, RING_RECORD)
    return found is None or names_key_ring(found, vault, ring)


async def bind_store(store: Store, vault: Vault, ring: KeyRing, now: datetime) -> None:
    """See that the store was written with this key ring; a store that belongs to none belongs to this one from now on.

    The record that says so is encrypted as every other one and rewrapped with them, so an older copy of the ring does
    not decrypt it either.

    Raises:
        NotServable: It belongs to another ring.
    """
    while (found := await store.load(RING_RECORD)) is None:
        sealed = vault.seal(RING_RECORD, RING_RECORD, _PAYLOAD_VERSION, ring.id)
        record = Record(RING_RECORD, RING_RECORD, RING_RECORD, None, now.date(), 0, _PAYLOAD_VERSION, {}, sealed)
        with suppress(StaleRevision):  # another process was faster
            await store.save(record)
    if not names_key_ring(found, vault, ring):
        raise NotServable(KEY_RING_MISMATCH)


def names_key_ring(found: Record, vault: Vault, ring: KeyRing) -> bool:
    """Say whether the record that names a key ring names this one."""
    try:
        return vault.open(found.kind, found.id, found.shape, found.sealed) == ring.id
    except Corrupt:
        return False
