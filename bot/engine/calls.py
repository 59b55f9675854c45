"""The calls to a platform that an outbox owes: what is looked for, posted, edited or taken away, and how it is said."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final, Literal

import structlog

from adapters.base import Adapter, Address, Card, Ref, Rejected, RetryLater, Unreachable
from bot.card_content import CardContent
from bot.engine.codec import Stored
from bot.engine.outbox import Action, CardSlot, Delivery, NewId, Outbox
from bot.engine.services import Homes, Services
from bot.rendering import Reader
from conversations.hours import waking
from conversations.registry import ENTRIES

log = structlog.get_logger()

NEWER_RETRY: Final = timedelta(seconds=20)
NEWER_ATTEMPTS: Final = 15  # five minutes: by then a replica of the release that has the texts has found it

WAITED_FOR: Final = 5  # attempts, some minutes where a platform is down: for so long a person waits before the screen


class WordsNotKnown(RetryLater):
    """A newer release decided on words that ours does not have: a replica of that release may say them."""


@dataclass(frozen=True, slots=True)
class Made:
    """What a call came to.

    Args:
        ref: The post that now stands; None where none does.
        shown: The slot as this call showed it; None where an earlier call was found to have shown it.
        veiled: When it was posted as one neutral line, if it was.
        waited: How long its words were missing on the screen, where this call filled them in.
    """

    ref: Ref | None = field(repr=False)
    shown: CardSlot | None = None
    veiled: datetime | None = None
    waited: timedelta = timedelta(0)

    def noted(self, outbox: Outbox, delivery_id: str, new_id: NewId) -> Outbox:
        """The outbox after this call."""
        return outbox.delivered(delivery_id, self.ref, new_id, self.shown, veiled=self.veiled)


class PlatformCalls:
    """Makes one call at a time; raises what `adapters.base` knows.

    Args:
        services: What every part of the engine shares.
    """

    def __init__(self, services: Services) -> None:
        self._services = services

    async def make(self, stored: Stored[Any], delivery: Delivery, homes: Homes) -> Made:
        """Make the call that this delivery owes, unless an earlier one had done it after all.

        Args:
            stored: The conversation that owes it.
            delivery: What is owed.
            homes: The reader's own records.
        """
        adapter, shown = self._services.adapters.get(delivery.to.platform), stored.outbox.to_show(delivery)
        if adapter is None:
            return Made(None, shown)
        if delivery.action is Action.ERASE:
            if delivery.ref is not None:
                await adapter.erase(delivery.ref, self._services.taken_away())
            return Made(None)
        if shown is None and not delivery.in_flight:
            return Made(None)
        address, reader = await self._services.reader(stored, delivery.to, homes)
        veils = shown is not None and _veils(adapter, delivery, shown, reader)
        veiled = self._services.now() if veils else None
        found = await _found(adapter, delivery, shown, address)
        if found is not None:  # what it says is not known: it may be the neutral line, whatever is wanted by now
            return Made(found, None, self._services.now() if shown is not None and adapter.notifies_in_full else None)
        if shown is None:
            return Made(None)
        card = await self._drawn(stored, delivery, shown, reader, veiled=veils)
        ref = await self._deliver(adapter, delivery, shown, card, address, reader)
        since = shown.veiled if delivery.action is Action.EDIT else None
        return Made(ref, shown, veiled, self._services.now() - since if since else timedelta(0))

    async def _drawn(
        self, stored: Stored[Any], delivery: Delivery, slot: CardSlot, reader: Reader, *, veiled: bool
    ) -> Card:
        """The card to show, unless it has to wait or no one would read it."""
        services = self._services
        if delivery.failures < NEWER_ATTEMPTS and not services.renderer.knows(slot.content):
            raise WordsNotKnown(NEWER_RETRY)
        if delivery.action is Action.POST and not slot.content.awaited and await services.has_left(delivery.to):
            raise Unreachable
        if slot.content.considerate and not slot.content.awaited:
            self._refuse_in_quiet_hours(stored, slot.content, reader)
        card_id = slot.posted if _edits(delivery, slot) and slot.posted else delivery.id  # by which it is looked for
        if veiled:
            return services.veil(slot, stored.conversation.id, card_id)
        key, id_ = services.slot_key(slot), stored.conversation.id
        drawn = await services.card(slot.content, id_, key, slot.generation, card_id, reader)
        return replace(drawn, pace=_pace(slot))

    async def _deliver(
        self, adapter: Adapter, delivery: Delivery, slot: CardSlot, card: Card, address: Address | None, reader: Reader
    ) -> Ref:
        """Post or edit the card, in plainer versions where the platform refuses it."""
        changing = slot.ref if _edits(delivery, slot) else None
        for version in self._services.versions(card, slot.content, reader):
            try:
                return await adapter.deliver(delivery.to, address, version, changing)
            except (Rejected, ValueError) as refused:  # ValueError: it is over a limit that the adapter knows of
                log.error("card-refused", platform=delivery.to.platform, kind=type(refused).__name__)
        raise Rejected

    def _refuse_in_quiet_hours(self, stored: Stored[Any], content: CardContent, reader: Reader) -> None:
        """What is considerate waits for the morning, however late it comes to be delivered."""
        now = self._services.now()
        nights = ENTRIES[stored.kind].on_nights(stored.conversation, content.to, now)
        awake = waking(now, reader.zone, self._services.programme.quiet, nights=nights)
        if awake > now:
            raise RetryLater(awake - now)


def _edits(delivery: Delivery, slot: CardSlot | None) -> bool:
    """Whether this changes a post that stands."""
    return delivery.action is Action.EDIT and slot is not None and slot.ref is not None


async def _found(adapter: Adapter, delivery: Delivery, slot: CardSlot | None, address: Address | None) -> Ref | None:
    """What an earlier call had shown after all. Only a fresh post has to be looked for."""
    if not delivery.in_flight or _edits(delivery, slot):
        return None
    log.warning("delivery-looked-for", platform=delivery.to.platform)
    return await adapter.find(delivery.to, address, delivery.id)


def _veils(adapter: Adapter, delivery: Delivery, slot: CardSlot, reader: Reader) -> bool:
    """Whether this news is posted as one neutral line first, because a notification would show its words.

    What answers its reader's own typing or press is posted in full, and what they chose to be told in full. A
    person no longer waits in front of the screen when it was put off many times.
    """
    waited_for = slot.content.awaited and delivery.attempts < WAITED_FOR
    news = delivery.action is Action.POST and not waited_for
    return news and adapter.notifies_in_full and not reader.plain_push


def _pace(slot: CardSlot) -> Literal["first", "usual", "last"]:
    """How urgent it is that this slot's card is shown."""
    if slot.content.awaited:
        return "first"
    return "usual" if slot.veiled is None else "last"
