"""What an adapter may show at once: the bot's own lines, the home page, and the card that stands where a person is."""

from __future__ import annotations

from typing import Any

from adapters.base import Card, Reply
from bot.card_content import CardContent, Manner
from bot.engine.codec import Stored
from bot.engine.outbox import CardSlot
from bot.engine.services import Services
from bot.rendering import Notice, Reader
from conversations import slots
from conversations.front_door.coming_in import door_card
from conversations.front_door.typed_words import WELCOME
from conversations.model import Message, Person
from conversations.vocabulary import CardKind


class Replies:
    """Draws cards for a reply. What it draws is written nowhere.

    Args:
        services: What every part of the engine shares.
    """

    def __init__(self, services: Services) -> None:
        self._services = services

    # ------------------------------------------------------------ lines of the bot's own

    def refused(self, notice: Notice = Notice.OLD_BUTTON) -> Reply:
        """A reply that edits nothing on any screen."""
        return Reply("refused", self.line(notice))

    def line(self, notice: Notice) -> Card:
        """One line, the same bytes for everyone."""
        names = {Notice.NOT_HERE: "not-here", Notice.NOTED: "noted"}
        return self._services.notice(names.get(notice, "refused"), notice)

    async def home_page(self, person: Person) -> Card:
        """The same page for everyone, always: if everyone has the card, having it proves nothing."""
        return await self._constant(door_card(person, CardKind.WELCOME, WELCOME))

    async def see_chat(self, person: Person) -> Reply:
        """The answer to a command waits in our own chat."""
        card = await self._constant(Message(person, CardKind.DOOR_SEE_CHAT, slots.DOOR))
        return Reply("ephemeral", card)

    async def _constant(self, message: Message) -> Card:
        content = CardContent.of(message, Manner.ANSWER)
        return await self._services.card(content, "", slots.DOOR, 0, self._services.new_id(), Reader())

    # ------------------------------------------------------------ cards of a conversation

    async def form(self, content: CardContent, record_id: str, of: Person) -> Reply:
        """A form that opens on top of what the person sees."""
        key, reader = self._services.form_key(content.slot, of), Reader(self._services.programme.zone)
        card = await self._services.card(content, record_id, key, 0, self._services.new_id(), reader)
        return Reply("form", card)

    async def copy(self, stored: Stored[Any], content: CardContent) -> Reply:
        """A copy of a card, in reply to the command that caused it.

        Raises:
            RetryLater: A name cannot be looked up now.
        """
        return Reply("ephemeral", await self._drawn(stored, content, stored.outbox.slot(content.to, content.slot)))

    async def standing(self, stored: Stored[Any], slot: CardSlot | None) -> Card | None:
        """The card as it stands now in this slot; None where nothing stands that can be drawn again.

        Raises:
            RetryLater: A name cannot be looked up now.
        """
        if slot is None or slot.quoted or slot.is_erased:
            return None
        return await self._drawn(stored, slot.content, slot)

    async def _drawn(self, stored: Stored[Any], content: CardContent, slot: CardSlot | None) -> Card:
        _, reader = await self._services.reader(stored, content.to)
        key, generation = (slot.key, slot.generation) if slot else ("", 0)
        card_id = (slot.posted if slot else "") or self._services.new_id()
        return await self._services.card(content, stored.conversation.id, key, generation, card_id, reader)
