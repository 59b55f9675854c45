"""Restores a store from a backup; what was forgotten since the backup was made stays forgotten.

Three things differ from a plain copy.

* Records that the erasure log names are left out. Other conversations that knew of them are told, in the same way as
  when they were forgotten: a doorstep record lets go of its request, a peer of a clinician.
* The platforms are ahead of the backup: messages may have been sent since. So every pending delivery is marked as being
  of unknown outcome, and is looked up on the platform before it is sent again.
* The store is marked as being filled until all of this is done, so a restore that was killed is simply begun again.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any, BinaryIO

from bot.audit.chain import OperatorAct, appended, by_operator
from bot.backup.create import BackupRefused, count_record, read_backup
from bot.backup.summary import StoreSummary
from bot.config.parsers import Postgres
from bot.crypto.sealed_file import BackupHeader, UnreadableBackup
from bot.crypto.vault import Vault
from bot.engine.codec import Stored, decode, encode
from bot.engine.outbox import Delivery, Outbox
from bot.engine.repository import ConversationRepository
from bot.engine.services import Services
from bot.engine.unit_of_work import UnitOfWork
from bot.rendering import Renderer
from bot.store.base import Deletion, Record, Store
from bot.store.erasure_log import ErasedRecords, ErasureLog, ErasureLogMissing, ErasureLogState
from bot.store.erasure_logging_store import ErasureLoggingStore
from bot.store.factory import open_exclusively
from bot.store.retired import MARKER_ID
from bot.store.snapshot import fill_store
from conversations.flow import FORGOTTEN
from conversations.immutable import replace
from conversations.model import Person, Programme
from conversations.registry import ENTRIES

RANDOM_RANGE = 1 << 30


@dataclass(slots=True)
class RestoreResult:
    """What came back, and what did not.

    Attributes:
        label: The backup's header.
        summary: The records that came back.
        erased: How many records did not, because they were forgotten since the backup.
        possibly_sent: How many messages may have been sent since the backup.
    """

    label: BackupHeader
    summary: StoreSummary
    erased: int = 0
    possibly_sent: int = 0


@dataclass(frozen=True, slots=True)
class RestoreTarget:
    """Where a backup is restored to, and what the restore needs.

    Attributes:
        where: The folder of an embedded store, or the address of a database; it must be empty.
        vault: Opens the backup, and the store.
        log: The erasure log of the installation.
        programme: The programme's settings.
        key_days: For how many days the key ring keeps keys.
        now: Returns the present time.
    """

    where: Path | Postgres
    vault: Vault
    log: ErasureLog
    programme: Programme
    key_days: int
    now: Callable[[], datetime] = field(repr=False)


async def restore_backup(file: BinaryIO, place: RestoreTarget, *, without_log: bool = False) -> RestoreResult:
    """Fill an empty store from a backup.

    Args:
        file: The backup, at its beginning; it is read twice.
        place: Where to restore to.
        without_log: Restore without the erasure log: what was forgotten since the backup comes back.

    Raises:
        UnreadableBackup: It is damaged, or its keys are gone.
        BackupRefused: The erasure log is missing or not the right one, so it is unknown what was forgotten since.
        StoreNotEmpty: The store holds records.
        NotServable, StoreInUse, DatabaseUnavailable, OSError: As when a store is opened.
    """
    label, erased_then, records = read_backup(file, place.vault, place.key_days)
    forgotten = ErasedRecords() if without_log else _erased_since(place.log, erased_then)
    restored, gone, read = RestoreResult(label, StoreSummary()), list[Stored[Any]](), 0
    for one in records:
        read += 1
        comes_back = not forgotten.contains(one.id, place.vault)
        saved = count_record(
            one, restored.summary if comes_back else StoreSummary(), place.vault, label, place.key_days
        )
        if saved is not None and not comes_back:
            gone.append(saved)
    if read != label.records:
        raise UnreadableBackup("This file does not hold as many records as it says.")
    restored.erased = read - restored.summary.total
    file.seek(0)
    await fill_store(place.where, place.vault, _restored_records(file, place, forgotten, restored), _target_day(place))
    async with open_exclusively(place.where, place.vault) as store:
        if without_log:
            await _finish(store, gone, place, OperatorAct.RESTORED_WITHOUT_LOG)
        else:
            await _finish(ErasureLoggingStore(store, place.log), gone, place, OperatorAct.RESTORED)
    return restored


def _target_day(place: RestoreTarget) -> date:
    return place.now().date()


def _erased_since(log: ErasureLog, before: ErasureLogState) -> ErasedRecords:
    """Return what must not come back. Raises BackupRefused where that is unknown."""
    try:
        now = log.read()
    except ErasureLogMissing:
        raise BackupRefused(
            f"The log of what was forgotten ({log.path.name}, in the folder of PEERSUPPORT_KEY_RING) is not there: "
            "what was forgotten since this backup would come back. Bring the folder back, or add --without-shred-log."
        ) from None
    if not now.continues(before, log.oldest_kept_day()):
        raise BackupRefused(
            f"The log of what was forgotten ({log.path.name}, in the folder of PEERSUPPORT_KEY_RING) is not the one of "
            "this backup, or an older copy of it: what was forgotten since would come back. Bring the newest copy of "
            "that folder back, or add --without-shred-log."
        )
    return now.erased_since(before)


def _restored_records(
    file: BinaryIO, place: RestoreTarget, forgotten: ErasedRecords, restored: RestoreResult
) -> Iterator[Record]:
    restored.possibly_sent = 0
    for one in read_backup(file, place.vault, place.key_days)[2]:
        if forgotten.contains(one.id, place.vault):
            continue
        if one.kind not in ENTRIES:
            yield one
            continue
        stored = decode(one, place.vault)
        outbox = mark_possibly_sent(stored.outbox, place.now())
        restored.possibly_sent += sum(delivery.in_flight for delivery in outbox.deliveries)
        changed = encode(replace(stored, outbox=outbox), place.vault, place.now())
        yield changed if isinstance(changed, Record) and outbox != stored.outbox else one


def mark_possibly_sent(outbox: Outbox, now: datetime) -> Outbox:
    """Mark every delivery that may have happened by now as being of unknown outcome.

    It is then looked up on the platform before it is repeated. A delivery that was to wait until later than now has not
    happened, and waits on.

    Args:
        mail: A conversation's outbox, as it is in the backup.
        now: The present time.
    """

    def possibly_sent(delivery: Delivery) -> Delivery:
        if delivery.in_flight or (delivery.retry_at is not None and delivery.retry_at > now):
            return delivery
        slot = outbox.slot(delivery.to, delivery.slot)
        generation = delivery.generation if slot is None else slot.generation
        return replace(delivery, in_flight=True, retry_at=now, generation=generation)

    return replace(outbox, deliveries=tuple(map(possibly_sent, outbox.deliveries)))


async def _finish(store: Store, gone: list[Stored[Any]], place: RestoreTarget, act: OperatorAct) -> None:
    """Tell other conversations what was forgotten, as when it was; note it; then let the store be served from."""
    services = _services(store, place)
    for saved in gone:
        await _propagate_erasure(services, saved)
    found = await store.load(MARKER_ID)
    if found is not None:
        noted = await appended(store, place.vault, _target_day(place), by_operator(act))
        await store.save(Deletion(MARKER_ID, found.revision), *noted)


async def _propagate_erasure(services: Services, gone: Stored[Any]) -> None:
    """Send the messages with which a conversation's flow tells others that it is forgotten."""
    entry = ENTRIES[gone.kind]
    after = replace(gone.conversation, stage=FORGOTTEN, deadlines={})
    facts = await UnitOfWork(services).facts(gone.kind, entry.person(gone.conversation) or gone.id)
    for tell in entry.flow.ripple(gone.conversation, after, facts):
        if isinstance(tell.of, str | Person):  # no one is told by their code that something is gone
            work = UnitOfWork(services)
            await work.decide(tell.kind, tell.of, tell.event)
            await work.write()


def _services(store: Store, place: RestoreTarget) -> Services:
    """Build services without adapters: messages are written to outboxes, and sent when the store is served from."""
    return Services(
        store=store,
        repository=ConversationRepository(store, place.vault, place.now),
        vault=place.vault,
        renderer=Renderer.load(place.programme),
        programme=place.programme,
        adapters={},
        now=place.now,
        new_id=lambda: secrets.token_hex(16),
        luck=lambda: secrets.randbelow(RANDOM_RANGE),
    )
