"""A backup becomes a store again, and what was forgotten since stays forgotten.

Until all of it is done the store says that it must not be served from, so a restore that was killed is begun again.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any, BinaryIO

from bot.archive import Archive
from bot.backup import Refusal, chunks, look_at
from bot.house import House
from bot.outbox import Errand, Mail
from bot.records import KINDS, PEER, Saved, dump, load
from bot.step import Step
from bot.store.base import Gone, Record, Store
from bot.store.moved import MARKER
from bot.store.opened import held
from bot.store.sealed_file import Label, Unreadable
from bot.store.shredding import Forgotten, NoLog, Noted, Shredding, ShredLog
from bot.store.whole import fill
from bot.tally import Tally
from bot.texts import Words
from bot.values import Postgres
from bot.vault import Vault
from conversations.flow import FORGOTTEN
from conversations.model import Code, Facts, Programme

LUCK = 1 << 30


@dataclass(slots=True)
class Restored:
    """What came back, and what did not."""

    label: Label
    tally: Tally
    forgotten: int = 0  # records that were destroyed since the backup
    unclear: int = 0  # messages that may have gone out since the backup


@dataclass(frozen=True, slots=True)
class Place:
    """Where it is restored to, and with what."""

    where: Path | Postgres
    vault: Vault
    log: ShredLog
    programme: Programme
    key_days: int
    now: Callable[[], datetime] = field(repr=False)


async def restore(file: BinaryIO, place: Place, *, without_log: bool = False) -> Restored:
    """Fill an empty store from a backup. Raises Unreadable, Refusal, NotEmpty, and whatever opening a store raises.

    `without_log`: what was forgotten since the backup comes back.
    """
    label, noted, records = chunks(file, place.vault, place.key_days)
    forgotten = Forgotten() if without_log else _forgotten(place.log, noted)
    restored, gone, read = Restored(label, Tally()), list[Saved[Any]](), 0
    for one in records:
        read += 1
        comes_back = not forgotten.has(one.id, place.vault)
        saved = look_at(one, restored.tally if comes_back else Tally(), place.vault, label, place.key_days)
        if saved is not None and not comes_back:
            gone.append(saved)
    if read != label.records:
        raise Unreadable("This file does not hold as many records as it says.")
    restored.forgotten = read - restored.tally.total
    file.seek(0)
    await fill(place.where, place.vault, _coming_back(file, place, forgotten, restored), _today(place))
    async with held(place.where, place.vault) as store:
        await _finished(Shredding(store, place.log) if not without_log else store, gone, place)
    return restored


def _today(place: Place) -> date:
    return place.now().date()


def _forgotten(log: ShredLog, before: Noted) -> Forgotten:
    """What must not come back. Raises Refusal where nobody can know."""
    try:
        now = log.read()
    except NoLog:
        raise Refusal(
            f"The log of what was forgotten ({log.path.name}, in the folder of PEERSUPPORT_KEY_RING) is not there: "
            "what was forgotten since this backup would come back. Bring the folder back, or add --without-shred-log."
        ) from None
    if not now.goes_on_from(before, log.oldest()):
        raise Refusal(
            f"The log of what was forgotten ({log.path.name}, in the folder of PEERSUPPORT_KEY_RING) is not the one of "
            "this backup, or an older copy of it: what was forgotten since would come back. Bring the newest copy of "
            "that folder back, or add --without-shred-log."
        )
    return now.since(before)


def _coming_back(file: BinaryIO, place: Place, forgotten: Forgotten, restored: Restored) -> Iterator[Record]:
    restored.unclear = 0
    for one in chunks(file, place.vault, place.key_days)[2]:
        if forgotten.has(one.id, place.vault):
            continue
        if one.kind not in KINDS:
            yield one
            continue
        saved = load(one, place.vault)
        mail = perhaps_sent(saved.mail, place.now())
        restored.unclear += sum(errand.sending for errand in mail.errands)
        changed = dump(replace(saved, mail=mail), place.vault, place.now())
        yield changed if isinstance(changed, Record) and mail != saved.mail else one


def perhaps_sent(mail: Mail, now: datetime) -> Mail:
    """Whatever could have gone out by now may have: it is looked for before it is repeated.

    What was to wait until later than now has not gone out, and waits on.
    """

    def unclear(errand: Errand) -> Errand:
        if errand.sending or (errand.not_before is not None and errand.not_before > now):
            return errand
        slot = mail.slot(errand.to, errand.slot)
        generation = errand.generation if slot is None else slot.generation
        return replace(errand, sending=True, not_before=now, generation=generation)

    return replace(mail, errands=tuple(map(unclear, mail.errands)))


async def _finished(store: Store, gone: list[Saved[Any]], place: Place) -> None:
    """Tell the others what was forgotten, as they were told when it was; then the store may be served from."""
    house = _house(store, place)
    for saved in gone:
        await _felt(house, saved)
    found = await store.load(MARKER)
    if found is not None:
        await store.save(Gone(MARKER, found.revision))


async def _felt(house: House, gone: Saved[Any]) -> None:
    """A doorstep lets go of a request, a peer of a clinician, a request of a peer who left."""
    flow = KINDS[gone.kind].flow
    known_in: tuple[str, ...] = ()
    after = replace(gone.talk, stage=FORGOTTEN, deadlines={})
    if gone.kind == "volunteering":
        known_in = tuple(await house.store.find(PEER, house.vault.pseudonym(PEER, gone.talk.peer.person)))
    facts = Facts(house.now(), house.programme, known_in=known_in)
    for tell in flow.ripple(gone.talk, after, facts):
        if not isinstance(tell.of, Code):  # nobody hears by their code that something is gone
            step = Step(house)
            await step.decide(tell.flow, tell.of, tell.event)
            await step.write()


def _house(store: Store, place: Place) -> House:
    """Nobody is reached from here: whatever is to be said is written, and goes out when it is served."""
    return House(
        store=store,
        archive=Archive(store, place.vault, place.now),
        vault=place.vault,
        words=Words.load(place.programme),
        programme=place.programme,
        adapters={},
        now=place.now,
        new_id=lambda: secrets.token_hex(16),
        luck=lambda: secrets.randbelow(LUCK),
    )
