"""Starting over after the key ring was lost: says which records cannot be read any more, and destroys them on command.

Without its keys nothing can bring a record back, so this is a command of its own that says what is lost before it
deletes anything.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bot.audit.chain import OperatorAct, appended, by_operator
from bot.config.settings import Settings
from bot.crypto.vault import Vault
from bot.errors import Corrupt, NotServable, StaleRevision
from bot.keys import unlock
from bot.keys.key_ring import KeyRing, KeyRingMissing
from bot.store.base import Deletion, Record, Store
from bot.store.factory import open_without_lock

_SCAN_BATCH = 500


@dataclass(frozen=True, slots=True)
class KeyRingLoss:
    """What cannot be decrypted any more; false where everything can.

    Attributes:
        records: How many records of each kind.
        everything: Whether it is the whole of an embedded store.
    """

    records: Mapping[str, int]
    everything: bool = False

    def __bool__(self) -> bool:
        """Say whether anything is lost."""
        return self.everything or bool(self.records)

    def sentence(self) -> str:
        """Say to an operator what is lost, before or after it is destroyed."""
        if self.everything:
            return "Nothing in the embedded store can be opened: peers, requests, all of it."
        told = ", ".join(f"{count} {kind}" for kind, count in sorted(self.records.items()))
        return f"Of the records in the store these cannot be opened: {told}."


async def assess_loss(settings: Settings) -> KeyRingLoss:
    """Find out what is lost; destroy nothing.

    Raises:
        NotServable: The root key is missing or does not open the key ring, or the database is not prepared.
        StoreInUse: An embedded store is being served from.
        DatabaseUnavailable: PostgreSQL does not answer.
        OSError: A file cannot be read.
    """
    vault, store = _open_vault(settings), settings.store
    if isinstance(store, Path):
        if not unlock.journal_decrypts(store, vault):
            return KeyRingLoss({}, everything=True)
        if not store.exists():
            return KeyRingLoss({})  # opening it would create it
    async with open_without_lock(store, vault) as opened:
        return KeyRingLoss(Counter(record.kind for record in await _find_unreadable(opened, vault)))


async def discard_unreadable(settings: Settings, now: datetime) -> KeyRingLoss:
    """Destroy what cannot be decrypted, and bind the store to the key ring that is there, or to a new one.

    Every `serve` must be stopped before. Raises as `assess_loss` does.

    Returns:
        What was destroyed.
    """
    vault, store = _open_vault(settings), settings.store
    if isinstance(store, Path):
        if not unlock.journal_decrypts(store, vault):
            from bot.store.embedded.startup import delete_journal

            delete_journal(store)
            await _begin_anew(settings, now)
            return KeyRingLoss({}, everything=True)
        if not store.exists():
            return KeyRingLoss({})
    async with open_without_lock(store, vault) as opened:
        unreadable = await _find_unreadable(opened, vault)
        for record in unreadable:
            with suppress(StaleRevision):
                await opened.save(Deletion(record.id, record.revision))
        if unreadable:
            await _bind_and_note(opened, *_new_vault(settings, now), now)
        await opened.purge()
        return KeyRingLoss(Counter(record.kind for record in unreadable))


async def _begin_anew(settings: Settings, now: datetime) -> None:
    """Begin an embedded store whose audit log says at once why it begins anew."""
    vault, ring = _new_vault(settings, now)
    async with open_without_lock(settings.store, vault) as opened:
        await _bind_and_note(opened, vault, ring, now)


def _new_vault(settings: Settings, now: datetime) -> tuple[Vault, KeyRing]:
    ring, (root, *former) = _open_or_create_ring(settings, now), unlock.root_keys(settings)
    return Vault(root, ring, former), ring


async def _bind_and_note(store: Store, vault: Vault, ring: KeyRing, now: datetime) -> None:
    await unlock.bind_store(store, vault, ring, now)
    await store.save(*await appended(store, vault, now.date(), by_operator(OperatorAct.BEGAN_ANEW)))


def _open_or_create_ring(settings: Settings, now: datetime) -> KeyRing:
    where, roots = unlock.key_ring_folder(settings), unlock.root_keys(settings)
    try:
        return unlock.open_ring(where, roots, now)
    except KeyRingMissing:
        return KeyRing.create(where, roots, now)


def _open_vault(settings: Settings) -> Vault:
    unlock.root_keys(settings)
    try:
        return unlock.open_vault_read_only(settings)
    except NotServable as wrong:
        reason = (
            f"{wrong} If that key is lost for good, so is the ring: move the folder away, and run this again with a "
            "new key."
        )
        raise NotServable(reason) from None


async def _find_unreadable(store: Store, vault: Vault) -> list[Record]:
    found: list[Record] = []
    after = ""
    while page := await store.scan(after, _SCAN_BATCH):
        found += [record for record in page if record.sealed and not _can_be_decrypted(record, vault)]
        after = page[-1].id
    return found


def _can_be_decrypted(record: Record, vault: Vault) -> bool:
    try:
        vault.open(record.kind, record.id, record.shape, record.sealed)
    except Corrupt:
        return False
    return True
