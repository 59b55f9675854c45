"""What stands in each person's chat, and what has still to be put there. Pure: the post does the talking.

A slot holds what should be read there now; an errand says that the platform does not show it yet. So an unsent text
that was overtaken is never sent, and what is sent is always the newest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal

from adapters.base import Address, Ref
from conversations.model import EVERY_SLOT, KEPT, Person, Say

KEY = 16  # characters of a slot's key
LEASE = timedelta(seconds=60)  # longer than any call to a platform takes


@dataclass(frozen=True, slots=True)
class Slot:
    """One place in one person's chat. `generation` grows whenever what can be pressed there changes its meaning.

    `key` is what a button carries instead of the name: it is this person's alone, so nobody can press for another.
    """

    to: Person
    name: str
    key: str
    generation: int
    say: Say = field(repr=False)
    ref: Ref | None = field(default=None, repr=False)
    seen: int = 0  # the generation that stands on their screen
    news: int = 0  # the generation of the last news: what they pressed before reading it may have meant another matter
    quoted: bool = False  # somebody's own words stood here; they are gone, so the card is never drawn again

    def answers_to(self, generation: int) -> bool:
        """Whether a press of this generation's card still means what they read; what it does is decided elsewhere."""
        return max(self.seen, self.news) <= generation <= self.generation


@dataclass(frozen=True, slots=True)
class Errand:
    """Something a platform has still to do for us.

    `sending` is set durably before the call: an errand found so after a crash may have been done already.
    """

    id: str  # random; a post carries it, so that it can be looked for
    to: Person
    slot: str
    deed: Literal["post", "edit", "erase"]
    ref: Ref | None = field(default=None, repr=False)  # what to erase
    generation: int = 0  # of the slot, when it first set out: what a post that is found again carries
    sending: bool = False
    not_before: datetime | None = None
    tries: int = 0


@dataclass(frozen=True, slots=True)
class Mail:
    """Everything one conversation shows to people, and owes them."""

    slots: tuple[Slot, ...] = ()
    errands: tuple[Errand, ...] = ()
    addresses: tuple[tuple[Person, Address], ...] = field(default=(), repr=False)

    def slot(self, to: Person, name: str) -> Slot | None:
        return next((slot for slot in self.slots if slot.to == to and slot.name == name), None)

    def pressed(self, by: Person, key: str) -> Slot | None:
        """The slot whose button this person holds."""
        return next((slot for slot in self.slots if slot.key == key and slot.to == by), None)

    def address(self, to: Person) -> Address | None:
        return dict(self.addresses).get(to)

    def waiting(self, to: Person, name: str) -> Errand | None:
        """The errand for this slot that nobody has set out on yet."""
        mine = (errand for errand in self.errands if errand.to == to and errand.slot == name)
        return next((errand for errand in mine if not errand.sending and errand.deed != "erase"), None)


NewId = Callable[[], str]
Key = tuple[Person, str]  # of a slot


def say_all(mail: Mail, says: Iterable[Say], new_id: NewId) -> Mail:
    """Take in what a decision said, in order."""
    said = tuple(says)
    draft = _Draft(mail, new_id, {(say.to, say.slot) for say in said})
    for say in said:
        draft.take_in(say)
    return draft.mail()


class _Draft:
    """Mail while it is being changed: the same slots and errands, found by person and name."""

    __slots__ = ("_addresses", "_errands", "_flying", "_new_id", "_slots", "_spoken", "_waiting")

    def __init__(self, mail: Mail, new_id: NewId, spoken: set[Key]) -> None:
        self._slots: dict[Key, Slot] = {(slot.to, slot.name): slot for slot in mail.slots}
        self._errands: dict[str, Errand] = {errand.id: errand for errand in mail.errands}
        self._waiting: dict[Key, str] = {}  # errands nobody has set out on yet
        self._flying: set[Key] = set()
        self._addresses, self._new_id, self._spoken = mail.addresses, new_id, spoken
        for errand in mail.errands:
            if errand.sending:
                self._flying.add((errand.to, errand.slot))
            elif errand.deed != "erase":
                self._waiting[errand.to, errand.slot] = errand.id

    def mail(self) -> Mail:
        return Mail(tuple(self._slots.values()), tuple(self._errands.values()), self._addresses)

    def take_in(self, say: Say) -> None:
        if say.manner == "erase":
            for key in [key for key in self._slots if key[0] == say.to and self._meant(say.slot, key)]:
                self._erase(key)
        elif say.manner in ("news", "form"):
            self._post(say)
        else:
            self._edit(say)

    def _meant(self, name: str, key: Key) -> bool:
        """Every slot means those this decision does not speak to, and that nobody may still need."""
        if name == EVERY_SLOT:
            return key not in self._spoken and key[1] not in KEPT
        return name == key[1]

    def _errand(self, say: Say, deed: Literal["post", "edit"]) -> str:
        id_ = self._new_id()
        self._errands[id_] = Errand(id_, say.to, say.slot, deed)
        self._waiting[say.to, say.slot] = id_
        return id_

    def _drop_waiting(self, key: Key) -> None:
        if (waiting := self._waiting.pop(key, None)) is not None:
            del self._errands[waiting]

    def _erase(self, key: Key) -> None:
        self._drop_waiting(key)
        slot = self._slots[key]
        if slot.ref is not None:
            id_ = self._new_id()
            self._errands[id_] = Errand(id_, slot.to, slot.name, "erase", slot.ref)
        if key in self._flying:  # what is on its way is taken away when it has arrived
            self._slots[key] = replace(slot, say=replace(slot.say, manner="erase", details={}), ref=None)
        else:
            del self._slots[key]

    def _post(self, say: Say) -> None:
        key = say.to, say.slot
        self._drop_waiting(key)
        id_ = self._errand(say, "post")
        old = self._slots.pop(key, None)
        if old is None:
            slot = Slot(say.to, say.slot, key=id_[-KEY:], generation=1, news=1, say=say)
        elif alike(old.say, say):  # said again: whoever presses the copy above it means the same
            slot = replace(old, say=say)
        else:
            slot = replace(old, generation=old.generation + 1, news=old.generation + 1, say=say)
        self._slots[key] = slot

    def _edit(self, say: Say) -> None:
        key = say.to, say.slot
        old = self._slots.get(key)
        if old is None:
            if say.manner == "progress":
                self._post(say)
        elif say.manner == "withdraw" and old.ref is None and key not in self._flying:
            self._drop_waiting(key)
            del self._slots[key]
        elif key in self._waiting or not alike(old.say, say):
            changed = old.say.choices != say.choices
            self._slots[key] = replace(old, say=say, generation=old.generation + changed)
            if key not in self._waiting:
                self._errand(say, "edit")


def alike(one: Say, other: Say) -> bool:
    """Whether two sayings read the same, however they came to be said."""
    return one.text == other.text and replace(one, manner=other.manner) == other


# ---------------------------------------------------------------- delivering


def ready(mail: Mail, now: datetime, *, nobody_else_runs: bool = False) -> tuple[Errand, ...]:
    """The oldest errand of each person, where it need not wait: a person's messages stay in order.

    After a start nobody else can be running an errand, so the lease of one that was left *sending* is over.
    """
    over = now + LEASE if nobody_else_runs else now

    def may_run(errand: Errand) -> bool:
        return errand.not_before is None or errand.not_before <= (over if errand.sending else now)

    return tuple(errand for errand in _in_order(mail, now) if may_run(errand))


def _in_order(mail: Mail, now: datetime) -> list[Errand]:
    """Whose turn it is: the oldest of each person. Taking away waits for no one and holds nobody up, and what waits
    for a decent hour lets by what does not.
    """
    first: dict[Person, Errand] = {}
    for errand in mail.errands:
        if errand.deed != "erase" and not _asleep(mail, errand, now):
            first.setdefault(errand.to, errand)
    others = [errand for errand in mail.errands if errand.to not in first or errand.deed == "erase"]
    return [*first.values(), *others]


def _asleep(mail: Mail, errand: Errand, now: datetime) -> bool:
    if errand.not_before is None or errand.not_before <= now or errand.sending:
        return False
    slot = mail.slot(errand.to, errand.slot)
    return slot is not None and slot.say.considerate


def due(mail: Mail, now: datetime) -> datetime | None:
    """When the clock has to look at this mail again, or None when nothing is owed.

    Fresh errands are run as soon as they are written, without the clock; it only finds what a crash left behind.
    """
    return min((errand.not_before or now + LEASE for errand in _in_order(mail, now)), default=None)


def appointed(mail: Mail, now: datetime) -> datetime | None:
    """When the clock has to look at this mail although nothing breaks: what was put off has its time."""
    waiting = (errand.not_before for errand in _in_order(mail, now) if errand.tries or not errand.sending)
    return min((at for at in waiting if at is not None), default=None)


def changes(mail: Mail, errand: Errand) -> Ref | None:
    """The card on the platform that this errand edits or erases; None where it posts one."""
    slot = mail.slot(errand.to, errand.slot) if errand.deed == "edit" else None
    return slot.ref if slot else errand.ref


def set_out(mail: Mail, ids: Iterable[str], now: datetime) -> Mail:
    """Note durably that the call is about to be made. Whoever finds it so after the lease must ask what came of it."""
    going = set(ids)

    def sent_off(errand: Errand) -> Errand:
        slot = mail.slot(errand.to, errand.slot)
        generation = errand.generation if errand.sending or slot is None else slot.generation
        return replace(errand, sending=True, not_before=now + LEASE, generation=generation)

    return _each(mail, lambda errand: sent_off(errand) if errand.id in going else errand)


def put_off(mail: Mail, before: Errand, until: datetime) -> Mail:
    """The platform did not do it now: try again later. What was unclear before is still to be looked for."""

    def later(errand: Errand) -> Errand:
        return replace(errand, sending=before.sending, not_before=until, tries=errand.tries + 1)

    return _each(mail, lambda errand: later(errand) if errand.id == before.id else errand)


def unclear(mail: Mail, id: str, until: datetime) -> Mail:
    """The platform may have done it: it stays *sending*, and is looked into later."""
    return _each(
        mail,
        lambda errand: replace(errand, not_before=until, tries=errand.tries + 1) if errand.id == id else errand,
    )


def done(mail: Mail, id: str, ref: Ref | None, new_id: NewId, shown: Slot | None) -> Mail:
    """The platform did it. A card that news replaced is taken away; a person's own words are dropped.

    `shown` is the slot as this call showed it, and None where an earlier call was found to have shown it: what was
    said since then is still owed.
    """
    errand = next((errand for errand in mail.errands if errand.id == id), None)
    if errand is None:
        return mail
    mail = replace(mail, errands=tuple(e for e in mail.errands if e.id != id))
    slot = mail.slot(errand.to, errand.slot)
    if errand.deed == "erase":
        return mail
    if ref is None:
        unseen = slot is not None and slot.say.manner == "erase"
        return replace(mail, slots=_without(mail, slot)) if slot and unseen else mail
    if slot is None or slot.say.manner == "erase":
        slots = _without(mail, slot) if slot else mail.slots
        late = Errand(new_id(), errand.to, errand.slot, "erase", ref)
        return replace(mail, slots=slots, errands=(*mail.errands, late))
    errands = mail.errands
    if shown is not None and errand.deed == "post" and alike(shown.say, slot.say):  # the newest words are there already
        errands = _without_waiting(mail, errand.to, errand.slot)
    if slot.ref is not None and slot.ref != ref:
        errands = (*errands, Errand(new_id(), errand.to, errand.slot, "erase", slot.ref))
    generation = shown.generation if shown is not None else errand.generation
    return replace(mail, slots=_with(mail, _delivered(slot, ref, generation)), errands=errands)


def _delivered(slot: Slot, ref: Ref, generation: int) -> Slot:
    said: Mapping[str, str | int] = {name: value for name, value in slot.say.details.items() if name != "line"}
    quoted = slot.quoted or len(said) < len(slot.say.details)
    return replace(slot, ref=ref, seen=generation, say=replace(slot.say, details=said), quoted=quoted)


def drop(mail: Mail, id: str) -> Mail:
    """It cannot be done, and will not be tried again. A slot nobody ever saw goes with it."""
    errand = next((errand for errand in mail.errands if errand.id == id), None)
    if errand is None:
        return mail
    errands = tuple(e for e in mail.errands if e.id != id)
    slot = mail.slot(errand.to, errand.slot)
    unseen = (
        slot is not None and slot.ref is None and not any(e.slot == errand.slot and e.to == errand.to for e in errands)
    )
    slots = _without(mail, slot) if slot is not None and unseen else mail.slots
    return replace(mail, slots=slots, errands=errands)


def _with(mail: Mail, slot: Slot) -> tuple[Slot, ...]:
    return (*_without(mail, slot), slot)


def _without(mail: Mail, slot: Slot) -> tuple[Slot, ...]:
    return tuple(s for s in mail.slots if s.key != slot.key)


def _without_waiting(mail: Mail, to: Person, name: str) -> tuple[Errand, ...]:
    waiting = mail.waiting(to, name)
    return tuple(errand for errand in mail.errands if errand != waiting)


def _each(mail: Mail, change: Callable[[Errand], Errand]) -> Mail:
    return replace(mail, errands=tuple(change(errand) for errand in mail.errands))


def at(mail: Mail, to: Person, address: Address | None) -> Mail:
    """Remember where a person can be reached; the newest is the one that works."""
    if address is None or mail.address(to) == address:
        return mail
    return replace(mail, addresses=(*moved_away(mail, to).addresses, (to, address)))


def moved_away(mail: Mail, who: Person) -> Mail:
    """Forget where a person was reached."""
    others = tuple((known, where) for known, where in mail.addresses if known != who)
    return replace(mail, addresses=others) if len(others) < len(mail.addresses) else mail
