"""Transfers a store to another one: copies it, reads both back, compares them, and only then retires the old one.

At no moment can both be served from. The new store is marked as being filled until the old one is marked as moved away,
and both marks are durable before the next step. So a transfer that was killed at any point can be repeated.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from itertools import chain, zip_longest
from pathlib import Path

from bot.audit.chain import OperatorAct, appended, by_operator
from bot.backup.create import BackupRefused
from bot.backup.summary import StoreSummary, UnreadableRecord
from bot.config.parsers import Postgres
from bot.crypto.vault import Vault
from bot.errors import DatabaseUnavailable, NotServable, StoreInUse
from bot.store.base import Deletion, Record, Store
from bot.store.factory import open_exclusively
from bot.store.retired import FILLING, MARKER_ID, MOVED_AWAY, make_marker, why_not_servable
from bot.store.snapshot import Snapshot, fill_store, open_snapshot

Where = Path | Postgres


@dataclass(frozen=True, slots=True)
class TransferProof:
    """Summaries of both stores, which were compared record by record and are the same."""

    old: StoreSummary
    new: StoreSummary


async def transfer_store(old: Where, new: Where, vault: Vault, day: date) -> TransferProof:
    """Copy every record as it is, compare the stores, and retire the old one. It may be repeated after a crash.

    Args:
        old: The store to copy.
        new: An empty store.
        vault: Opens both.
        day: Today.

    Raises:
        BackupRefused: Both are the same store, or they differ after the copy; the old one goes on as it was.
        StoreNotEmpty: The new store holds records.
        NotServable: A store is missing, not prepared, or retired already.
        StoreInUse: A process serves from one of them.
        Corrupt: The old store does not decrypt.
        DatabaseUnavailable: PostgreSQL does not answer.
        OSError: A file cannot be read or written.
    """
    if _is_same_store(old, new):
        raise BackupRefused("--to names the store that PEERSUPPORT_STORE names: name the other one.")
    _require_folder(old)
    async with open_exclusively(old, vault) as source:
        before = await source.load(MARKER_ID)
        _check_resumable(before, new, vault)
        with open_snapshot(old, vault) as found, _new_store_named():
            await fill_store(new, vault, chain.from_iterable(found.batches), day)
        proof = _compare(old, new, vault)
        if before is None:
            await source.save(make_marker(MOVED_AWAY, day))
    async with open_exclusively(new, vault) as target:
        await _remove_marker(target, vault, day)
    return proof


@contextmanager
def _new_store_named() -> Iterator[None]:
    """Where something is wrong with the new store, name --to; its own sentences name PEERSUPPORT_STORE."""
    try:
        yield
    except (DatabaseUnavailable, NotServable, StoreInUse) as wrong:
        sentence = wrong.sentence() if isinstance(wrong, DatabaseUnavailable) else str(wrong)
        if "PEERSUPPORT_STORE" not in sentence:
            raise
        sentence = sentence.replace("PEERSUPPORT_STORE", "--to")
        raise NotServable(sentence.replace("db upgrade`", "db upgrade` with that as PEERSUPPORT_STORE")) from None


async def undo_transfer(where: Where, vault: Vault, day: date) -> bool:
    """Let the old store be served from again, as it was left.

    Args:
        where: The old store.
        vault: Opens it.
        day: Today.

    Returns:
        False where it was not moved away.

    Raises:
        NotServable: There is no store, or it is still being filled.
    """
    _require_folder(where)
    async with open_exclusively(where, vault) as store:
        found = await store.load(MARKER_ID)
        if found is None:
            return False
        if found.stage != MOVED_AWAY:
            raise NotServable(why_not_servable(found))
        noted = await appended(store, vault, day, by_operator(OperatorAct.MOVE_UNDONE))
        await store.save(Deletion(MARKER_ID, found.revision), *noted)
        return True


def _require_folder(where: Where) -> None:
    """Refuse a folder that does not exist: opening it would create it."""
    if isinstance(where, Path) and not where.exists():
        raise NotServable("There is no store yet in the folder that PEERSUPPORT_STORE names: look at that setting.")


def _is_same_store(old: Where, new: Where) -> bool:
    if isinstance(old, Path) and isinstance(new, Path):
        return old.resolve() == new.resolve()
    return old == new


def _check_resumable(before: Record | None, new: Where, vault: Vault) -> None:
    """Refuse a retired store, unless this is the same transfer again, killed after it had retired the old store."""
    if before is None:
        return
    if before.stage == MOVED_AWAY:
        try:
            with open_snapshot(new, vault) as begun:
                if begun.marker is not None and begun.marker.stage == FILLING:
                    return
        except NotServable:
            pass
    raise NotServable(why_not_servable(before))


def _compare(old: Where, new: Where, vault: Vault) -> TransferProof:
    """Read and decrypt every record of both stores, and compare them."""
    proof = TransferProof(StoreSummary(), StoreSummary())
    with open_snapshot(old, vault) as before, open_snapshot(new, vault) as after:
        for one, other in zip_longest(_records(before), _records(after)):
            if one is None or other is None or one != other or not _is_same_content(one, other, proof, vault):
                raise BackupRefused(
                    "What was read back from the new store is not what stands in the old one, which goes on as it was: "
                    "look at the disk and the server of the new one, and run the command again."
                )
    return proof


def _is_same_content(one: Record, other: Record, proof: TransferProof, vault: Vault) -> bool:
    """Compare what two records hold: stage, deadlines, and every message that is not delivered yet."""
    try:
        return proof.old.add(one, vault) == proof.new.add(other, vault)
    except UnreadableRecord:
        raise BackupRefused(
            "A record in the old store does not open, so nothing was moved: run `peersupport doctor`, and look whether "
            "PEERSUPPORT_ROOT_KEY and PEERSUPPORT_KEY_RING are those of this store."
        ) from None


def _records(found: Snapshot) -> chain[Record]:
    return chain.from_iterable(found.batches)


async def _remove_marker(store: Store, vault: Vault, day: date) -> None:
    found = await store.load(MARKER_ID)
    if found is not None:
        noted = await appended(store, vault, day, by_operator(OperatorAct.MOVED))
        await store.save(Deletion(MARKER_ID, found.revision), *noted)
