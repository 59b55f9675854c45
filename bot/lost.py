"""When the key ring is lost, so is what hung on it. To start again is a deed of its own, and says what it destroys."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bot import keys
from bot.config import Settings
from bot.ring import NoRing, Ring
from bot.store.base import Damaged, Gone, Record, Stale, Store, Unfit
from bot.store.disk import Disk
from bot.values import Postgres
from bot.vault import ROOT_ITSELF, Vault

_PAGE = 500


@dataclass(frozen=True, slots=True)
class Loss:
    """What does not open any more: how many records of each kind, or the whole of an embedded store."""

    records: Mapping[str, int]
    everything: bool = False

    def __bool__(self) -> bool:
        return self.everything or bool(self.records)

    def sentence(self) -> str:
        """What an operator should know before or after."""
        if self.everything:
            return "Nothing in the embedded store can be opened: peers, requests, all of it."
        told = ", ".join(f"{count} {kind}" for kind, count in sorted(self.records.items()))
        return f"Of the records in the store these cannot be opened: {told}."


async def look(settings: Settings) -> Loss:
    """What is lost; destroys nothing. Raises Unfit, NoAnswer, OSError; InUse while an embedded store is served."""
    vault = _vault(settings)
    if not _opens(settings.store, vault):
        return Loss({}, everything=True)
    if isinstance(settings.store, Path) and not settings.store.exists():
        return Loss({})  # and none is made by asking
    async with _opened(settings.store, vault) as store:
        return Loss(Counter(record.kind for record in await _shut(store, vault)))


async def start_again(settings: Settings, now: datetime) -> Loss:
    """Destroy what does not open any more, and let the store belong to the ring that is there, or to a new one.

    Stop every `serve` before. Raises as `look` does.
    """
    vault = _vault(settings)
    if isinstance(settings.store, Path) and not _opens(settings.store, vault):
        _destroy(settings.store)
        return Loss({}, everything=True)
    if isinstance(settings.store, Path) and not settings.store.exists():
        return Loss({})
    async with _opened(settings.store, vault) as store:
        shut = await _shut(store, vault)
        for record in shut:
            with suppress(Stale):
                await store.save(Gone(record.id, record.revision))
        if shut:
            ring, roots = _ring(settings, now), keys.roots(settings)
            await keys.belongs(store, Vault(roots[0], ring, roots[1:]), ring, now)
        await store.purge()
        return Loss(Counter(record.kind for record in shut))


def _ring(settings: Settings, now: datetime) -> Ring:
    where, roots = keys.folder(settings), keys.roots(settings)
    try:
        ring = Ring.open(where, roots)
    except NoRing:
        return Ring.make(where, roots, now)
    ring.keep_up(now)
    return ring


def _vault(settings: Settings) -> Vault:
    keys.roots(settings)
    try:
        return keys.to_look(settings)
    except Unfit as wrong:
        reason = (
            f"{wrong} If that key is lost for good, so is the ring: move the folder away, and run this again with a "
            "new key."
        )
        raise Unfit(reason) from None


def _opens(store: Path | Postgres, vault: Vault) -> bool:
    """Whether an embedded store hangs on a key that is here; one that is not there yet is well."""
    if isinstance(store, Postgres):
        return True  # each record for itself
    from bot.store.journal import hangs_on
    from bot.store.writer import NAME

    id = hangs_on(store / NAME)
    return id in {None, ROOT_ITSELF} or vault.knows(id)


def _destroy(folder: Path) -> None:
    from bot.store.writer import LEFTOVER, NAME

    disk = Disk()
    lock = disk.lock(folder / "lock")
    try:
        for name in (NAME, LEFTOVER):
            with suppress(FileNotFoundError):
                disk.remove(folder / name)
        disk.sync_folder(folder)
    finally:
        disk.close(lock)


async def _shut(store: Store, vault: Vault) -> list[Record]:
    found: list[Record] = []
    after = ""
    while page := await store.page(after, _PAGE):
        found += [record for record in page if record.sealed and not _can_be_opened(record, vault)]
        after = page[-1].id
    return found


def _can_be_opened(record: Record, vault: Vault) -> bool:
    try:
        vault.open(record.kind, record.id, record.shape, record.sealed)
    except Damaged:
        return False
    return True


@asynccontextmanager
async def _opened(where: Path | Postgres, vault: Vault) -> AsyncIterator[Store]:
    store: Store
    if isinstance(where, Postgres):
        from bot.store.postgres import PostgresStore

        store = await PostgresStore.open(where.url)
    else:
        from bot.store.tiny import TinyStore

        store = TinyStore.open(where, vault)
    try:
        yield store
    finally:
        await store.close()
