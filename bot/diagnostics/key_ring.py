"""Checks the key ring: its place, its permissions, whether it is the store's, and whether keys are rotated in time."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from bot.config.settings import Settings
from bot.crypto.vault import Vault
from bot.errors import KEY_RING_MISMATCH, DatabaseUnavailable, NotServable
from bot.health import Finding, split_problem
from bot.keys import unlock
from bot.keys.key_ring import KeyRing, KeyRingMissing

_LONG_RETENTION: Final = 31  # days
_ROTATION_DELAY: Final = timedelta(days=2)  # that is no fault: a night when nothing ran


def findings(settings: Settings, today: date) -> Iterator[Finding]:
    """Yield what was found, in the order it is shown; changes nothing and creates no ring."""
    yield _apart(settings)
    yield _days(settings)
    if not settings.root_keys:
        return  # another check says so
    where = unlock.key_ring_folder(settings)
    try:
        roots = unlock.root_keys(settings)
        ring = KeyRing.open(where, roots)
        behind = ring.count_outdated_wraps()
    except KeyRingMissing:
        yield from _no_ring(settings)
        return
    except NotServable as wrong:
        yield Finding("ring", "fail", *split_problem(str(wrong)))
        return
    except OSError:
        yield Finding(
            "ring",
            "fail",
            "The key ring cannot be read by this user.",
            "Give the folder of PEERSUPPORT_KEY_RING to the service's user, or run the doctor as that user.",
        )
        return
    yield Finding("ring", "ok", f"The key ring opens with the root key; keys on it: {len(ring.day_keys)}.")
    yield _private(where)
    yield _fits(settings, Vault(roots[0], ring, roots[1:]), ring)
    yield _turned(settings, ring, today)
    yield _root(len(roots), behind)


def _apart(settings: Settings) -> Finding:
    where, store = unlock.key_ring_folder(settings), settings.store
    inside = isinstance(store, Path) and where.resolve().is_relative_to(store.resolve())
    if settings.key_ring is None or inside:
        return Finding(
            "ring-apart",
            "warn",
            "The key ring lies beside the store: both are copied together, and such a copy opens for ever.",
            "Name a folder elsewhere in PEERSUPPORT_KEY_RING, outside backups and snapshots, and move the ring there.",
        )
    return Finding("ring-apart", "ok", "The key ring lies apart from the store.")


def _days(settings: Settings) -> Finding:
    if settings.key_days > _LONG_RETENTION:
        return Finding(
            "ring-days",
            "warn",
            f"What was forgotten can be read in copies of the store for {settings.key_days} days.",
            "Set PEERSUPPORT_KEY_DAYS to as many days as you would go back to a backup; 7 is the default.",
        )
    return Finding("ring-days", "ok", f"A key is kept for {settings.key_days} days after its own.")


def _no_ring(settings: Settings) -> Iterator[Finding]:
    try:
        lost = unlock.has_key_ring(settings.store)
    except (DatabaseUnavailable, NotServable):
        return  # another check says so
    if lost:
        yield Finding("ring", "fail", *split_problem(KEY_RING_MISMATCH))
    else:
        yield Finding("ring", "ok", "The key ring will be made at the first start.")


def _private(where: Path) -> Finding:
    others = stat.S_IRWXG | stat.S_IRWXO
    if any(stat.S_IMODE(path.stat().st_mode) & others for path in (where, *where.iterdir())):
        return Finding(
            "ring-private",
            "warn",
            "Other users of this machine may look into the key ring.",
            "Run `chmod -R go-rwx` on the folder of PEERSUPPORT_KEY_RING, and give it to the service's user.",
        )
    return Finding("ring-private", "ok", "The key ring is closed to other users.")


def _fits(settings: Settings, vault: Vault, ring: KeyRing) -> Finding:
    try:
        fits = unlock.was_written_with(settings.store, vault, ring)
    except (DatabaseUnavailable, NotServable):
        return Finding("ring-fits", "warn", "The store was not asked which ring it belongs to.", "See the other lines.")
    if not fits:
        return Finding("ring-fits", "fail", *split_problem(KEY_RING_MISMATCH))
    return Finding("ring-fits", "ok", "The key ring is the one the store was written with.")


def _turned(settings: Settings, ring: KeyRing, today: date) -> Finding:
    oldest = min((day.day for day in ring.day_keys), default=today)
    if oldest + timedelta(days=settings.key_days) + _ROTATION_DELAY < today:
        return Finding(
            "ring-turn",
            "warn",
            f"A key from {(today - oldest).days} days ago has not been destroyed: the daily key rotation is late.",
            "Let `serve` run; if it does, look for `night-failed` and `records-do-not-open` in its log.",
        )
    return Finding("ring-turn", "ok", "Keys are destroyed in time.")


def _root(roots: int, behind: int) -> Finding:
    if behind:
        return Finding(
            "ring-root",
            "warn",
            "The key ring still needs the old root key.",
            "When every `serve` has both in PEERSUPPORT_ROOT_KEY, run `peersupport keys rotate`.",
        )
    if roots > 1:
        return Finding(
            "ring-root",
            "warn",
            "The old root key is not needed any more.",
            "Leave only the new one in PEERSUPPORT_ROOT_KEY, restart every `serve`, and destroy the old one.",
        )
    return Finding("ring-root", "ok", "The key ring needs one root key, and it is the one that is set.")
