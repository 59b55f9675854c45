"""Takes in what a decision shows: slots get their newest words; deliveries are owed where a screen has to change."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from bot.card_content import CardContent, Manner
from bot.engine.outbox import KEY, Action, CardSlot, Delivery, NewId, Outbox
from conversations.immutable import replace
from conversations.model import Effect, Erase, OpenForm, Person, Post, Refresh, Respond, Show, Update, Withdraw

SlotKey = tuple[Person, str]

_MANNERS: Final[dict[type[Show], Manner]] = {
    Post: Manner.NEWS,
    Update: Manner.PROGRESS,
    Refresh: Manner.REFRESH,
    Withdraw: Manner.WITHDRAW,
    Respond: Manner.ANSWER,
    OpenForm: Manner.FORM,
}


@dataclass(frozen=True, slots=True)
class Erasure:
    """Take cards away, as `Erase` says."""

    to: Person | None
    slot: str | None
    keep: frozenset[str] = frozenset()
    spare: frozenset[str] = frozenset()


Change = CardContent | Erasure


def changes_of(effects: Iterable[Effect]) -> list[Change]:
    """What these effects change on people's screens, in order."""
    found: list[Change] = []
    for effect in effects:
        if isinstance(effect, Show):
            found.append(CardContent.of(effect.message, _MANNERS[type(effect)]))
        elif isinstance(effect, Erase):
            keep, spare = frozenset(map(str, effect.keep)), frozenset(map(str, effect.spare))
            found.append(Erasure(effect.to, effect.slot, keep, spare))
    return found


def with_changes(outbox: Outbox, changes: Sequence[Change], new_id: NewId) -> Outbox:
    """The outbox after these changes, in order."""
    shown = {(change.to, change.slot) for change in changes if isinstance(change, CardContent)}
    builder = _OutboxBuilder(outbox, new_id, shown)
    for change in changes:
        builder.take_in(change)
    return builder.outbox()


def never_shown(before: Outbox, after: Outbox) -> tuple[CardContent, ...]:
    """What was still owed before, and will never be shown after: a card taken away before its reader saw it."""
    waiting = {(delivery.to, delivery.slot) for delivery in before.deliveries if not delivery.in_flight}
    return tuple(
        slot.content
        for slot in before.slots
        if slot.ref is None and (slot.to, slot.name) in waiting and after.slot(slot.to, slot.name) is None
    )


def owed_posts(outbox: Outbox) -> list[tuple[Delivery, str]]:
    """The posts that no platform was asked for yet, and which card each is."""
    waiting = [delivery for delivery in outbox.deliveries if delivery.action is Action.POST and not delivery.in_flight]
    shown = [(delivery, outbox.slot(delivery.to, delivery.slot)) for delivery in waiting]
    return [(delivery, slot.content.card) for delivery, slot in shown if slot is not None]


class _OutboxBuilder:
    """An outbox while it is being changed: the same slots and deliveries, found by person and name."""

    __slots__ = ("_addresses", "_deliveries", "_in_flight", "_new_id", "_shown", "_slots", "_waiting")

    def __init__(self, outbox: Outbox, new_id: NewId, shown: set[SlotKey]) -> None:
        self._slots: dict[SlotKey, CardSlot] = {(slot.to, slot.name): slot for slot in outbox.slots}
        self._deliveries: dict[str, Delivery] = {delivery.id: delivery for delivery in outbox.deliveries}
        self._waiting: dict[SlotKey, str] = {}  # deliveries that have not set out yet
        self._in_flight: set[SlotKey] = set()
        self._addresses, self._new_id, self._shown = outbox.addresses, new_id, shown
        for delivery in outbox.deliveries:
            if delivery.in_flight:
                self._in_flight.add((delivery.to, delivery.slot))
            elif delivery.action is not Action.ERASE:
                self._waiting[delivery.to, delivery.slot] = delivery.id

    def outbox(self) -> Outbox:
        """The outbox after every change so far."""
        return Outbox(tuple(self._slots.values()), tuple(self._deliveries.values()), self._addresses)

    def take_in(self, change: Change) -> None:
        """Apply one change."""
        if isinstance(change, Erasure):
            for key in [key for key in self._slots if self._is_meant(change, key)]:
                self._erase(key)
        elif change.manner in (Manner.NEWS, Manner.FORM):
            self._post(change)
        else:
            self._edit(change)

    def _is_meant(self, erasure: Erasure, key: SlotKey) -> bool:
        if erasure.to not in (None, key[0]) or self._slots[key].content.card in erasure.spare:
            return False
        if erasure.slot is None:
            return key not in self._shown and key[1] not in erasure.keep
        return erasure.slot == key[1]

    def _owe(self, content: CardContent, action: Action) -> str:
        id_ = self._new_id()
        self._deliveries[id_] = Delivery(id_, content.to, content.slot, action)
        self._waiting[content.to, content.slot] = id_
        return id_

    def _drop_waiting(self, key: SlotKey) -> None:
        if (waiting := self._waiting.pop(key, None)) is not None:
            del self._deliveries[waiting]

    def _erase(self, key: SlotKey) -> None:
        self._drop_waiting(key)
        slot = self._slots[key]
        if slot.ref is not None:
            id_ = self._new_id()
            self._deliveries[id_] = Delivery(id_, slot.to, slot.name, Action.ERASE, slot.ref)
        if key in self._in_flight:  # what is on its way is taken away when it has arrived
            erased = replace(slot.content, manner=Manner.ERASE, details={})
            self._slots[key] = replace(slot, content=erased, ref=None)
        else:
            del self._slots[key]

    def _post(self, content: CardContent) -> None:
        key = content.to, content.slot
        self._drop_waiting(key)
        id_ = self._owe(content, Action.POST)
        old = self._slots.pop(key, None)
        if old is None:
            slot = CardSlot(content.to, content.slot, key=id_[-KEY:], generation=1, news=1, content=content)
        elif old.content.reads_like(content):  # said again: a press of the copy above it means the same
            slot = replace(old, content=content)
        else:
            slot = replace(old, generation=old.generation + 1, news=old.generation + 1, content=content)
        self._slots[key] = slot

    def _edit(self, content: CardContent) -> None:
        key = content.to, content.slot
        old = self._slots.get(key)
        if old is None:
            if content.manner is Manner.PROGRESS:
                self._post(content)
        elif content.manner is Manner.WITHDRAW and old.ref is None and key not in self._in_flight:
            self._drop_waiting(key)
            del self._slots[key]
        elif key in self._waiting or not old.content.reads_like(content):
            changed = old.content.choices != content.choices
            self._slots[key] = replace(old, content=content, generation=old.generation + changed)
            if key not in self._waiting:
                self._owe(content, Action.EDIT)
