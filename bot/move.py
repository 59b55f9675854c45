"""From one store to the other: copied, read back, compared, and only then is the old one closed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from itertools import chain, zip_longest
from pathlib import Path

from bot.backup import Refusal
from bot.store.base import Gone, Record, Store, Unfit
from bot.store.moved import ARRIVING, AWAY, MARKER, marker, why_not
from bot.store.opened import held
from bot.store.whole import Snapshot, fill, snapshot
from bot.tally import NotOpened, Tally
from bot.values import Postgres
from bot.vault import Vault

Where = Path | Postgres


@dataclass(frozen=True, slots=True)
class Proof:
    """What both stores hold, record by record the same."""

    old: Tally
    new: Tally


async def move(old: Where, new: Where, vault: Vault, day: date) -> Proof:
    """Copy everything as it is, prove it, and mark the old store. Killed anywhere, it may be repeated.

    At no moment can both be served from: the new one not before the old one says that it was moved away. Raises
    Refusal, NotEmpty, Unfit, InUse, Damaged, OSError; NoAnswer for PostgreSQL.
    """
    if _same(old, new):
        raise Refusal("--to names the store that PEERSUPPORT_STORE names: name the other one.")
    _look_at(old)
    async with held(old, vault) as source:
        before = await source.load(MARKER)
        _may_go_on(before, new, vault)
        with snapshot(old, vault) as found:
            await fill(new, vault, chain.from_iterable(found.batches), day)
        proof = _compared(old, new, vault)
        if before is None:
            await source.save(marker(AWAY, day))
    async with held(new, vault) as target:
        await _unmark(target)
    return proof


async def undo(where: Where, vault: Vault) -> bool:
    """Let the old store be served from again, as it was left; False where it was not moved away."""
    _look_at(where)
    async with held(where, vault) as store:
        found = await store.load(MARKER)
        if found is None:
            return False
        if found.stage != AWAY:
            raise Unfit(why_not(found))
        await store.save(Gone(MARKER, found.revision))
        return True


def _look_at(where: Where) -> None:
    """To open a folder would make it."""
    if isinstance(where, Path) and not where.exists():
        raise Unfit("There is no store yet in the folder that PEERSUPPORT_STORE names: look at that setting.")


def _same(old: Where, new: Where) -> bool:
    if isinstance(old, Path) and isinstance(new, Path):
        return old.resolve() == new.resolve()
    return old == new


def _may_go_on(before: Record | None, new: Where, vault: Vault) -> None:
    """A move that was killed after it had closed the old store may be finished, and no other begun."""
    if before is None:
        return
    if before.stage == AWAY:
        try:
            with snapshot(new, vault) as begun:
                if begun.marker is not None and begun.marker.stage == ARRIVING:
                    return
        except Unfit:
            pass
    raise Unfit(why_not(before))


def _compared(old: Where, new: Where, vault: Vault) -> Proof:
    """Every record is read from both stores, opened, and found to be the same."""
    proof = Proof(Tally(), Tally())
    with snapshot(old, vault) as before, snapshot(new, vault) as after:
        for one, other in zip_longest(_records(before), _records(after)):
            if one is None or other is None or one != other or not _reads_the_same(one, other, proof, vault):
                raise Refusal(
                    "What was read back from the new store is not what stands in the old one, which goes on as it was: "
                    "look at the disk and the server of the new one, and run the command again."
                )
    return proof


def _reads_the_same(one: Record, other: Record, proof: Proof, vault: Vault) -> bool:
    """The same conversation: stage, deadlines, and every message that is owed."""
    try:
        return proof.old.take(one, vault) == proof.new.take(other, vault)
    except NotOpened:
        raise Refusal(
            "A record in the old store does not open, so nothing was moved: run `peersupport doctor`, and look whether "
            "PEERSUPPORT_ROOT_KEY and PEERSUPPORT_KEY_RING are those of this store."
        ) from None


def _records(found: Snapshot) -> chain[Record]:
    return chain.from_iterable(found.batches)


async def _unmark(store: Store) -> None:
    found = await store.load(MARKER)
    if found is not None:
        await store.save(Gone(MARKER, found.revision))
