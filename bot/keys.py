"""The vault of an installation: which root and which ring, and whether they are those the store was written with."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Final

from bot.config import Settings
from bot.ring import NoRing, Ring, close_to_others
from bot.store.base import ANOTHER_RING, Damaged, Record, Stale, Store, Unfit
from bot.values import Postgres
from bot.vault import ROOT_ITSELF, Vault

FINGERPRINT: Final = "key-ring"  # kind and id of the one record that says which ring a store belongs to
_SHAPE: Final = 0


def roots(settings: Settings) -> tuple[bytes, ...]:
    """The root, and while rotating the former one behind it. Raises Unfit where there is none."""
    if not settings.root_keys:
        raise Unfit("PEERSUPPORT_ROOT_KEY is not set: run `peersupport keys new`.")
    return tuple(key.get_secret_value() for key in settings.root_keys)


def folder(settings: Settings) -> Path:
    """Where the ring is: beside the store unless somebody has named a better place."""
    if settings.key_ring is not None:
        return settings.key_ring
    return Path("ring") if isinstance(settings.store, Postgres) else settings.store / "ring"


def unlocked(settings: Settings, now: datetime) -> tuple[Vault, Ring]:
    """The vault that opens the store, with a key for today; a new ring for a store that never had one.

    Raises Unfit with a sentence, NoAnswer. Call `belongs` before anything else is read or written.
    """
    root, *former = roots(settings)
    where = folder(settings)
    try:
        ring = _ring(settings.store, where, (root, *former), now)
        close_to_others(where)
    except OSError as failure:
        raise Unfit(
            f"PEERSUPPORT_KEY_RING cannot be read and written ({failure.strerror}): give the folder to the service's "
            "user, on a disk that it may write."
        ) from None
    return Vault(root, ring, former), ring


def _ring(store: Path | Postgres, where: Path, roots: tuple[bytes, ...], now: datetime) -> Ring:
    with suppress(NoRing):
        return _kept_up(where, roots, now)
    if not had_a_ring(store):
        return Ring.make(where, roots, now)
    try:
        # another `serve` may have made it since, and only then named it in the store
        return _kept_up(where, roots, now)
    except NoRing:
        raise Unfit(ANOTHER_RING) from None


def _kept_up(where: Path, roots: tuple[bytes, ...], now: datetime) -> Ring:
    ring = Ring.open(where, roots)
    ring.keep_up(now)
    return ring


def to_look(settings: Settings) -> Vault:
    """The vault as it is, for commands that only read: makes nothing. Raises Unfit, OSError."""
    root, *former = roots(settings)
    try:
        return Vault(root, Ring.open(folder(settings), (root, *former)), former)
    except NoRing:
        return Vault(root, None, former)


def rotate(settings: Settings) -> int:
    """Wrap the ring by the first of two roots; how many files that changed. Raises Unfit with a sentence, OSError."""
    found = roots(settings)
    if len(found) == 1:
        raise Unfit(
            "PEERSUPPORT_ROOT_KEY holds one key: put a new one of `peersupport keys new`, a comma and the present one "
            "there, restart every `serve`, and run this again."
        )
    try:
        ring = Ring.open(folder(settings), found)
    except NoRing:
        raise Unfit(
            "PEERSUPPORT_KEY_RING has no ring yet, and nothing to wrap: start `serve` with the present key first."
        ) from None
    if _hangs_on_a_root(settings.store):
        raise Unfit(
            "The store still hangs on the present root key itself, as an older version left it: let `serve` run for a "
            "night first."
        )
    return ring.rewrap()


def _hangs_on_a_root(store: Path | Postgres) -> bool:
    """Whether something in it would not open any more without the root under which it was made."""
    if isinstance(store, Postgres):
        from bot.store.server import older

        return older(store.url)
    from bot.store.journal import hangs_on
    from bot.store.writer import NAME

    return (store / NAME).exists() and hangs_on(store / NAME) in {None, ROOT_ITSELF}


def had_a_ring(store: Path | Postgres) -> bool:
    """Whether somebody has written it under a key on a ring."""
    if not isinstance(store, Postgres):
        from bot.store.journal import hangs_on
        from bot.store.writer import NAME

        return hangs_on(store / NAME) not in {None, ROOT_ITSELF}
    from bot.store.server import one

    return one(store.url, FINGERPRINT) is not None


async def belongs(store: Store, vault: Vault, ring: Ring, now: datetime) -> None:
    """See that this store was written with this ring; a store that belongs to none belongs to this one from now on.

    Its record hangs on the ring as every other does and is turned with them: so an older copy of the ring does not
    open it either. Raises Unfit.
    """
    while (found := await store.load(FINGERPRINT)) is None:
        sealed = vault.seal(FINGERPRINT, FINGERPRINT, _SHAPE, ring.id)
        try:
            await store.save(Record(FINGERPRINT, FINGERPRINT, FINGERPRINT, None, now.date(), 0, _SHAPE, {}, sealed))
        except Stale:
            continue
    if not is_of(found, vault, ring):
        raise Unfit(ANOTHER_RING)


def is_of(found: Record, vault: Vault, ring: Ring) -> bool:
    """Whether the record that names a ring names this one."""
    try:
        return vault.open(found.kind, found.id, found.shape, found.sealed) == ring.id
    except Damaged:
        return False
