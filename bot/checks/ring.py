"""The key ring: is it where it should be, the right one, and turned. Looking changes nothing and makes none."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from bot import keys
from bot.checks.finding import Finding, halves
from bot.config import Settings
from bot.ring import NoRing, Ring
from bot.store.base import ANOTHER_RING, NoAnswer, Unfit
from bot.values import Postgres
from bot.vault import ROOT_ITSELF, Vault

_LONG: Final = 31  # days
_LATE: Final = timedelta(days=2)


def findings(settings: Settings, today: date) -> Iterator[Finding]:
    """Whatever can be seen of it from outside."""
    yield _apart(settings)
    yield _days(settings)
    if not settings.root_keys:
        return  # another check says so
    where = keys.folder(settings)
    try:
        roots = keys.roots(settings)
        ring = Ring.open(where, roots)
        behind = ring.behind()
    except NoRing:
        yield from _no_ring(settings)
        return
    except Unfit as wrong:
        yield Finding("ring", "fail", *halves(str(wrong)))
        return
    except OSError:
        yield Finding(
            "ring",
            "fail",
            "The key ring cannot be read by this user.",
            "Give the folder of PEERSUPPORT_KEY_RING to the service's user, or run the doctor as that user.",
        )
        return
    yield Finding("ring", "ok", f"The key ring opens with the root key; keys on it: {len(ring.days)}.")
    yield _private(where)
    yield _fits(settings, Vault(roots[0], ring, roots[1:]), ring)
    yield _turned(settings, ring, today)
    yield _root(len(roots), behind)


def _apart(settings: Settings) -> Finding:
    where, store = keys.folder(settings), settings.store
    inside = isinstance(store, Path) and where.resolve().is_relative_to(store.resolve())
    if settings.key_ring is None or inside:
        return Finding(
            "ring-apart",
            "warn",
            "The key ring lies beside the store: whoever copies one copies the other, and the copy opens for ever.",
            "Name a folder elsewhere in PEERSUPPORT_KEY_RING, outside backups and snapshots, and move the ring there.",
        )
    return Finding("ring-apart", "ok", "The key ring lies apart from the store.")


def _days(settings: Settings) -> Finding:
    if settings.key_days > _LONG:
        return Finding(
            "ring-days",
            "warn",
            f"What was forgotten can be read in copies of the store for {settings.key_days} days.",
            "Set PEERSUPPORT_KEY_DAYS to as many days as you would go back to a backup; 7 is the default.",
        )
    return Finding("ring-days", "ok", f"A key is kept for {settings.key_days} days after its own.")


def _no_ring(settings: Settings) -> Iterator[Finding]:
    try:
        lost = keys.had_a_ring(settings.store)
    except (NoAnswer, Unfit):
        return  # another check says so
    if lost:
        yield Finding("ring", "fail", *halves(ANOTHER_RING))
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


def _fits(settings: Settings, vault: Vault, ring: Ring) -> Finding:
    try:
        fits = _is_of(settings.store, vault, ring)
    except (NoAnswer, Unfit):
        return Finding("ring-fits", "warn", "The store was not asked which ring it belongs to.", "See the other lines.")
    if not fits:
        return Finding("ring-fits", "fail", *halves(ANOTHER_RING))
    return Finding("ring-fits", "ok", "The key ring is the one the store was written with.")


def _is_of(store: Path | Postgres, vault: Vault, ring: Ring) -> bool:
    if not isinstance(store, Postgres):
        from bot.store.journal import hangs_on
        from bot.store.writer import NAME

        id = hangs_on(store / NAME)
        return id in {None, ROOT_ITSELF} or vault.knows(id)
    from bot.store.server import one

    found = one(store.url, keys.FINGERPRINT)
    return found is None or keys.is_of(found, vault, ring)


def _turned(settings: Settings, ring: Ring, today: date) -> Finding:
    oldest = min((day.day for day in ring.days), default=today)
    if oldest + timedelta(days=settings.key_days) + _LATE < today:
        return Finding(
            "ring-turn",
            "warn",
            f"A key from {(today - oldest).days} days ago has not been dropped: the nightly turn is late.",
            "Let `serve` run; if it does, look for `night-failed` and `records-do-not-open` in its log.",
        )
    return Finding("ring-turn", "ok", "Keys are dropped in time.")


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
