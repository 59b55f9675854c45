"""The transactional outbox of one conversation: what stands in each person's chat, and what has still to be shown.

A card slot holds the newest words for one place in one person's chat. A delivery says that the platform does not show
them yet, and carries no words of its own. So words that were overtaken before they were sent are never sent, and what
is sent is always the newest. State and outbox are one record and one write: nothing is decided without its deliveries
being owed, and nothing is owed that was not decided.

A delivery is durably *in flight* before the platform is called. One that is found in flight after a crash may have
been done already: it is looked for on the platform before it is repeated.

Everything here is pure. The delivery worker makes the calls; outbox_builder.py takes in what a decision says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from adapters.base import Address, Ref
from bot.card_content import CardContent, Manner
from conversations.immutable import Immutable, field, replace
from conversations.model import Person

KEY: Final = 16  # characters of a slot's key
LEASE: Final = timedelta(seconds=60)  # longer than any call to a platform takes

NewId = Callable[[], str]


class CardSlot(Immutable, frozen=True):
    """One place in one person's chat, and the newest card in it.

    Args:
        to: Whose chat.
        name: Which place.
        key: What a button carries instead of the name: it is this person's alone, so no one can press for another.
        generation: Grows whenever what can be pressed here changes its meaning.
        content: The newest words.
        ref: The post on the platform, once it is there.
        shown: The generation that stands on their screen.
        news: The generation of the last news: what was pressed before it was read may have meant another matter.
        quoted: Whether a person's own words stood here; they are gone, so the card is never drawn again.
        veiled: Since when one neutral line stands on the screen, whose words are still to be filled in.
        posted: The id of the delivery that posted it; every edit carries it on, so that the post can still be found.
    """

    to: Person
    name: str
    key: str
    generation: int
    content: CardContent = field(name="say")
    ref: Ref | None = None
    shown: int = field(default=0, name="seen")
    news: int = 0
    quoted: bool = False
    veiled: datetime | None = None
    posted: str = ""

    def answers_to(self, generation: int) -> bool:
        """Whether a press of this generation's card still means what they read; what it does is decided elsewhere."""
        return max(self.shown, self.news) <= generation <= self.generation

    @property
    def is_erased(self) -> bool:
        """Whether its card is to be taken away as soon as it has arrived."""
        return self.content.manner is Manner.ERASE


class Action(StrEnum):
    """What a platform has to do."""

    POST = "post"
    EDIT = "edit"
    ERASE = "erase"


class Delivery(Immutable, frozen=True):
    """One call to a platform that is still owed.

    Args:
        id: Random; a post carries it, so that it can be looked for.
        to: Whose chat.
        slot: Which place.
        action: What to do.
        ref: The post to erase.
        generation: The slot's when it first set out: what a post that is found again carries.
        in_flight: Set durably before the call: found so after a crash, the call may have been made already.
        retry_at: Not before this moment; in flight, when its lease is over.
        attempts: How often it was put off.
        failures: How often of these it was our own fault, or an answer that makes no sense: those have an end.
        held_since: When it, or one before it in the same chat, was first put off; None where none was.
    """

    id: str
    to: Person
    slot: str
    action: Action = field(name="deed")
    ref: Ref | None = None
    generation: int = 0
    in_flight: bool = field(default=False, name="sending")
    retry_at: datetime | None = field(default=None, name="not_before")
    attempts: int = field(default=0, name="tries")
    failures: int = 0
    held_since: datetime | None = None


class Outbox(Immutable, frozen=True):
    """Everything one conversation shows to people, and owes them."""

    slots: tuple[CardSlot, ...] = ()
    deliveries: tuple[Delivery, ...] = field(default=(), name="errands")
    addresses: tuple[tuple[Person, Address], ...] = ()

    # ------------------------------------------------------------ what stands

    def slot(self, to: Person, name: str) -> CardSlot | None:
        """The slot of this name in this person's chat."""
        return next((slot for slot in self.slots if slot.to == to and slot.name == name), None)

    def to_show(self, delivery: Delivery) -> CardSlot | None:
        """The slot that a delivery shows; None where there is nothing to show any more."""
        slot = None if delivery.action is Action.ERASE else self.slot(delivery.to, delivery.slot)
        return None if slot is None or slot.is_erased else slot

    def pressed(self, by: Person, key: str) -> CardSlot | None:
        """The slot whose button this person holds."""
        return next((slot for slot in self.slots if slot.key == key and slot.to == by), None)

    def is_anothers(self, by: Person, key: str) -> bool:
        """Whether this button stands on a card that was shown to another person."""
        return any(slot.key == key and slot.to != by for slot in self.slots)

    def address(self, to: Person) -> Address | None:
        """Where this person was last reached about this conversation."""
        return dict(self.addresses).get(to)

    def delivery(self, id: str) -> Delivery | None:
        """The delivery of this id, while it is owed."""
        return next((delivery for delivery in self.deliveries if delivery.id == id), None)

    def is_changing(self, slot: CardSlot) -> bool:
        """Whether something is still owed in this slot."""
        return any(delivery.to == slot.to and delivery.slot == slot.name for delivery in self.deliveries)

    def is_awaited(self, to: Person) -> bool:
        """Whether this person waits for a card, having just typed or pressed."""
        return any(slot.to == to and slot.content.awaited and self.is_changing(slot) for slot in self.slots)

    def unread(self, now: datetime) -> Mapping[tuple[Person, str], datetime]:
        """The cards, by reader and slot, whose newest words no platform has shown yet, and since when it did not."""
        posts = [d for d in self.deliveries if d.action is Action.POST and self.to_show(d) is not None]
        veiled = {(slot.to, slot.name): slot.veiled for slot in self.slots if slot.veiled is not None}
        return {**veiled, **{(post.to, post.slot): post.held_since or now for post in posts}}

    # ------------------------------------------------------------ what is owed

    def ready(self, now: datetime, started: datetime | None = None) -> tuple[Delivery, ...]:
        """The oldest delivery of each person that need not wait: a person's messages stay in order.

        Args:
            now: The time.
            started: When we started, if no other process ran then: a lease of before is nobody's any more.
        """
        over = now if started is None else max(now, started + LEASE)
        return tuple(
            delivery
            for delivery in self._in_order(now)
            if delivery.retry_at is None or delivery.retry_at <= (over if delivery.in_flight else now)
        )

    def _in_order(self, now: datetime) -> list[Delivery]:
        """Whose turn it is: the oldest of each person.

        Erasing waits for nothing and holds up nothing, and what waits for a decent hour lets by what does not.
        """
        first: dict[Person, Delivery] = {}
        for delivery in self.deliveries:
            if delivery.action is not Action.ERASE and not self._is_asleep(delivery, now):
                first.setdefault(delivery.to, delivery)
        others = [d for d in self.deliveries if d.to not in first or d.action is Action.ERASE]
        return [*first.values(), *others]

    def _is_asleep(self, delivery: Delivery, now: datetime) -> bool:
        if delivery.retry_at is None or delivery.retry_at <= now or delivery.in_flight:
            return False
        slot = self.slot(delivery.to, delivery.slot)
        return slot is not None and (slot.content.considerate or slot.veiled is not None)

    def due(self, now: datetime) -> tuple[datetime | None, datetime | None]:
        """When these deliveries have to be looked at again.

        A fresh delivery is made as soon as it is written, without the scheduler: that only finds what a crash left.

        Returns:
            The first moment, or None when nothing is owed; and the first moment although nothing crashes, or None:
            what was put off has its time.
        """
        order = self._in_order(now)
        appointed = [d.retry_at for d in order if d.retry_at is not None and (d.attempts or not d.in_flight)]
        return min([d.retry_at or now + LEASE for d in order], default=None), min(appointed, default=None)

    def changes(self, delivery: Delivery) -> Ref | None:
        """The post that this delivery edits or erases; None where it posts one."""
        slot = self.slot(delivery.to, delivery.slot) if delivery.action is Action.EDIT else None
        return slot.ref if slot else delivery.ref

    # ------------------------------------------------------------ what came of it

    def next_for(self, to: Person, now: datetime, started: datetime | None = None) -> Delivery | None:
        """The delivery to this person that is to be made now; see `ready`."""
        return next((delivery for delivery in self.ready(now, started) if delivery.to == to), None)

    def marked_in_flight(self, ids: Iterable[str], now: datetime) -> Outbox:
        """The calls are about to be made. What is found so after the lease must be looked for first."""
        going = set(ids)

        def sent_off(delivery: Delivery) -> Delivery:
            slot = self.slot(delivery.to, delivery.slot)
            generation = delivery.generation if delivery.in_flight or slot is None else slot.generation
            return replace(delivery, in_flight=True, retry_at=now + LEASE, generation=generation)

        return self._each(lambda delivery: sent_off(delivery) if delivery.id in going else delivery)

    def put_off(self, before: Delivery, until: datetime, *, now: datetime, failed: bool = False) -> Outbox:
        """It was not done now: retry later. What was unclear before is still to be looked for.

        Args:
            before: The delivery as it was before the attempt.
            until: When it is tried again.
            now: The time; what waits behind it in the same chat is held up from now on, too.
            failed: Whether it counts towards giving up; that a platform is busy or down does not.
        """

        def later(delivery: Delivery) -> Delivery:
            tries, failures = delivery.attempts + 1, delivery.failures + failed
            return replace(delivery, in_flight=before.in_flight, retry_at=until, attempts=tries, failures=failures)

        return self._held_up(before, now, later)

    def outcome_unknown(self, before: Delivery, until: datetime, *, now: datetime) -> Outbox:
        """The platform may have done it: it stays in flight, and is looked for later."""

        def later(delivery: Delivery) -> Delivery:
            return replace(delivery, retry_at=until, attempts=delivery.attempts + 1)

        return self._held_up(before, now, later)

    def _held_up(self, before: Delivery, now: datetime, later: Callable[[Delivery], Delivery]) -> Outbox:
        """It comes later, and what waits behind it in the same chat is held up with it, from now on."""

        def held(delivery: Delivery) -> Delivery:
            it = delivery.id == before.id
            behind = delivery.to == before.to and not delivery.in_flight
            new = delivery.held_since is None and (it or behind)
            since = replace(delivery, held_since=now) if new else delivery
            return later(since) if it else since

        return self._each(held)

    def delivered(
        self, id: str, ref: Ref | None, new_id: NewId, shown: CardSlot | None, *, veiled: datetime | None = None
    ) -> Outbox:
        """The platform did it. A post that news replaced is erased; a person's own words are dropped.

        Args:
            id: Of the delivery.
            ref: The post that now stands; None where none does.
            new_id: Makes ids of further deliveries.
            shown: The slot as this call showed it; None where an earlier call was found to have shown it, so that
                what was said since then is still owed.
            veiled: When it was posted as one neutral line, if it was: its words are owed as a silent edit then.
        """
        delivery = self.delivery(id)
        if delivery is None:
            return self
        left = replace(self, deliveries=tuple(d for d in self.deliveries if d.id != id))
        if delivery.action is Action.ERASE:
            return left
        slot = left.slot(delivery.to, delivery.slot)
        if ref is None:
            return replace(left, slots=_without(left, slot)) if slot and slot.is_erased else left
        if slot is None or slot.is_erased:
            late = Delivery(new_id(), delivery.to, delivery.slot, Action.ERASE, ref)
            return replace(left, slots=_without(left, slot), deliveries=(*left.deliveries, late))
        standing = _with_post(left, delivery, slot, ref, new_id, shown, veiled=veiled)
        return standing if veiled is None else standing.filled_in(delivery.to, delivery.slot, new_id)

    def filled_in(self, to: Person, name: str, new_id: NewId) -> Outbox:
        """The words of a neutral line are owed, unless a delivery that waits shows them anyway."""
        slot = self.slot(to, name)
        if slot is None or slot.ref is None or _waiting(self, slot) is not None:
            return self
        fill = Delivery(new_id(), to, name, Action.EDIT)
        return replace(self, deliveries=(fill, *self.deliveries))  # read in order; put off, it lets everything else by

    def asked_for(self, slot: CardSlot, new_id: NewId) -> Outbox:
        """The reader pressed to see the words of a neutral line: they are owed at once."""
        if slot.is_erased or (slot.quoted and slot.veiled is None):
            return self
        wanted = replace(slot, content=replace(slot.content, awaited=True))
        waiting = _waiting(self, slot)
        at_once = self._each(lambda delivery: replace(delivery, retry_at=None) if delivery == waiting else delivery)
        slots = tuple(wanted if other.key == slot.key else other for other in self.slots)
        return replace(at_once, slots=slots).filled_in(slot.to, slot.name, new_id)

    def came_late(self, delivery: Delivery, ref: Ref | None, new_id: NewId) -> Outbox:
        """A call was made after its lease, when another process had taken the delivery up: what it left is made good.

        A post that no slot knows is taken away. An edit may have put old words in place of newer ones: they are owed
        again.

        Args:
            delivery: What the call was made for.
            ref: The post that the call left; None where it left none.
            new_id: Makes ids of further deliveries.
        """
        if ref is None or delivery.action is Action.ERASE:
            return self
        slot = next((slot for slot in self.slots if slot.ref == ref), None)
        if slot is None:
            owed = Delivery(new_id(), delivery.to, delivery.slot, Action.ERASE, ref)
        elif delivery.action is Action.EDIT and not slot.quoted and _waiting(self, slot) is None:
            owed = Delivery(new_id(), slot.to, slot.name, Action.EDIT)
        else:
            return self
        return replace(self, deliveries=(*self.deliveries, owed))

    def dropped(self, id: str) -> Outbox:
        """It cannot be done, and will not be tried again. A slot that was never shown goes with it."""
        delivery = self.delivery(id)
        if delivery is None:
            return self
        left = replace(self, deliveries=tuple(d for d in self.deliveries if d.id != id))
        slot = left.slot(delivery.to, delivery.slot)
        never_shown = slot is not None and slot.ref is None and not left.is_changing(slot)
        return replace(left, slots=_without(left, slot)) if never_shown else left

    def _each(self, after: Callable[[Delivery], Delivery]) -> Outbox:
        return replace(self, deliveries=tuple(after(delivery) for delivery in self.deliveries))

    # ------------------------------------------------------------ where people are reached

    def reached_at(self, to: Person, address: Address | None) -> Outbox:
        """Remember where a person is reached; the newest address is the one that works."""
        if address is None or self.address(to) == address:
            return self
        return replace(self, addresses=(*self.moved_away(to).addresses, (to, address)))

    def moved_away(self, who: Person) -> Outbox:
        """Forget where a person was reached."""
        others = tuple((known, where) for known, where in self.addresses if known != who)
        return replace(self, addresses=others) if len(others) < len(self.addresses) else self


def _with_post(
    outbox: Outbox,
    delivery: Delivery,
    slot: CardSlot,
    ref: Ref,
    new_id: NewId,
    shown: CardSlot | None,
    *,
    veiled: datetime | None,
) -> Outbox:
    deliveries = tuple(d for d in outbox.deliveries if d.in_flight or d.action is not Action.ERASE or d.ref != ref)
    if shown is not None and delivery.action is Action.POST and shown.content.reads_like(slot.content):
        waiting = _waiting(outbox, slot)  # the newest words are there already
        deliveries = tuple(d for d in deliveries if d != waiting)
    if slot.ref is not None and slot.ref != ref:
        deliveries = (*deliveries, Delivery(new_id(), delivery.to, delivery.slot, Action.ERASE, slot.ref))
    content = slot.content if veiled is not None else slot.content.without_quote()
    standing = replace(
        slot,
        ref=ref,
        shown=shown.generation if shown is not None else delivery.generation,
        content=content,
        quoted=slot.quoted or content is not slot.content,
        veiled=veiled,
        posted=slot.posted if slot.ref == ref else delivery.id,
    )
    return replace(outbox, slots=(*_without(outbox, slot), standing), deliveries=deliveries)


def _waiting(outbox: Outbox, slot: CardSlot) -> Delivery | None:
    """The delivery for this slot that has not set out yet."""
    mine = (d for d in outbox.deliveries if d.to == slot.to and d.slot == slot.name)
    return next((d for d in mine if not d.in_flight and d.action is not Action.ERASE), None)


def _without(outbox: Outbox, slot: CardSlot | None) -> tuple[CardSlot, ...]:
    return outbox.slots if slot is None else tuple(other for other in outbox.slots if other.key != slot.key)
