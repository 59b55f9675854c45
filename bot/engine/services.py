"""What every part of the engine shares: store, keys, texts, settings, platforms, time and chance."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from adapters import plain
from adapters.base import (
    AccessRevoked,
    Adapter,
    Address,
    Button,
    Card,
    Profile,
    RetryLater,
    Unreachable,
    front_door_token,
)
from bot.card_content import CardContent, Manner
from bot.crypto.vault import Vault
from bot.engine.codec import Stored, id_of
from bot.engine.outbox import KEY, CardSlot
from bot.engine.repository import A_MOMENT, ConversationRepository
from bot.rendering import Notice, Reader, Renderer
from bot.store.base import Store
from conversations import hours, slots
from conversations.model import Person, Programme
from conversations.numbers import Year
from conversations.registry import ENTRIES, HOMES
from conversations.vocabulary import FRONT_DOOR_ONLY

log = structlog.get_logger()

SHOW: Final = "show"
"""What the button of a neutral line asks for. No conversation decides about it."""

QUICK: Final = 1.0  # seconds in which a platform has to say who somebody is


def log_undeclared_target(kind: str) -> None:
    """A decision landed in a stage that its row does not name. It stands; an operator should report it."""
    log.error("undeclared-target", kind=kind)


async def no_years() -> tuple[Year, ...]:
    """No year is over."""
    return ()


@dataclass(frozen=True, slots=True)
class Services:
    """Given once, at construction; time, ids and chance are arguments, so that a test can hold them still.

    Args:
        store: Where records are kept.
        repository: Conversations of that store, decrypted.
        vault: Seals records and tokens.
        renderer: Makes cards out of texts.
        programme: What the hospital decided.
        adapters: The platforms, by name.
        now: The time.
        new_id: A random id, 32 hex digits.
        luck: A random number for what must not be guessable.
        written: Set after every write; the scheduler clears it.
        on_undeclared_target: Called with the kind of a conversation that landed in a stage its row does not name.
        years: Reads what may be said of the years that are over.
        patience: For how many seconds a platform is waited for to say who a person is (default 1).
    """

    store: Store
    repository: ConversationRepository
    vault: Vault
    renderer: Renderer
    programme: Programme
    adapters: Mapping[str, Adapter]
    now: Callable[[], datetime]
    new_id: Callable[[], str]
    luck: Callable[[], int]
    written: asyncio.Event = field(default_factory=asyncio.Event)
    on_undeclared_target: Callable[[str], None] = log_undeclared_target
    patience: float = QUICK
    years: Callable[[], Awaitable[tuple[Year, ...]]] = no_years

    # ------------------------------------------------------------ readers

    def homes(self, person: Person) -> Homes:
        """A person's own records, to be read when they are needed."""
        return Homes(self, person)

    async def reader(
        self, stored: Stored[Any], to: Person, homes: Homes | None = None
    ) -> tuple[Address | None, Reader]:
        """Where a reader of this conversation is reached, in which time zone, and what their lock screen may show.

        Args:
            stored: The conversation.
            to: The reader.
            homes: Their own records, where several questions in a row need them.
        """
        address, known = stored.outbox.address(to), ENTRIES[stored.kind].preferences(stored.conversation, to)
        zone, plain_push = known.zone, known.plain_push
        for home in await (homes or self.homes(to)).read():
            own = ENTRIES[home.kind].preferences(home.conversation, to)
            address, zone = address or home.outbox.address(to), zone or own.zone
            plain_push = plain_push or own.plain_push
            if address is not None:
                break
        return address, Reader(zone or self.programme.zone, plain_push)

    async def zone(self, person: Person) -> str:
        """A person's time zone, if their platform names one that we know in time; else the programme's."""
        adapter = self.adapters.get(person.platform)
        try:
            profile = await adapter.profile(person) if adapter else None
        except (RetryLater, AccessRevoked):
            profile = None
        known = profile is not None and profile.zone is not None and hours.is_zone(profile.zone)
        return profile.zone if known and profile and profile.zone else self.programme.zone

    async def has_left(self, person: Person) -> bool:
        """Whether no one would read what is posted to this person: such accounts still accept posts.

        False where their platform does not say so in time: no card is held back for an answer.
        """
        adapter = self.adapters.get(person.platform)
        try:
            async with asyncio.timeout(self.patience):
                return adapter is not None and (await adapter.profile(person)).left
        except (TimeoutError, RetryLater, AccessRevoked, Unreachable):
            return False

    async def name(self, person: Person) -> str:
        """What their platform calls a person, asked when it is needed and kept in no record.

        That they cannot be reached, or that their platform is shut, says nothing about whoever reads their name.

        Raises:
            RetryLater: Their platform does not answer now.
        """
        adapter = self.adapters.get(person.platform)
        try:
            profile = await adapter.profile(person) if adapter else None
        except AccessRevoked:
            raise RetryLater from None
        except Unreachable:
            profile = None
        return (profile.name if profile else "") or self.renderer.text(Notice.A_COLLEAGUE)

    async def directory_names(self, people: Iterable[Person]) -> Mapping[Person, tuple[str, ...]]:
        """What directories call these people, looked up when it is needed and kept in no record.

        Who is missing in the answer has no name there, or their platform did not say in time.
        """
        asked = tuple(sorted(people))  # a set has another order in every process, and a run must replay
        found = await asyncio.gather(*map(self._directory_names, asked))
        return {person: names for person, names in zip(asked, found, strict=True) if names}

    async def _directory_names(self, person: Person) -> tuple[str, ...]:
        adapter = self.adapters.get(person.platform)
        try:
            async with asyncio.timeout(self.patience):
                profile = await adapter.profile(person) if adapter else Profile()
        except (TimeoutError, RetryLater, AccessRevoked, Unreachable):
            return ()
        return tuple(name for name in (profile.name, *profile.other_names) if name.strip())

    # ------------------------------------------------------------ cards

    def form_key(self, form: str, of: Person) -> str:
        """What the button of a form carries: it belongs to the person it was opened for, wherever the form stands."""
        return f"{form}/{self.vault.pseudonym('form', of)[:KEY]}"

    def slot_key(self, slot: CardSlot) -> str:
        """What a button of this slot carries."""
        return self.form_key(slot.name, slot.to) if slot.content.manner is Manner.FORM else slot.key

    async def card(
        self, content: CardContent, record_id: str, key: str, generation: int, card_id: str, reader: Reader
    ) -> Card:
        """The card as its reader will see it.

        Args:
            content: What it says.
            record_id: The conversation that its buttons belong to.
            key: What its buttons carry instead of the slot's name.
            generation: The slot's.
            card_id: Random; stands in the post, so that it can be looked for.
            reader: Who reads it.

        Raises:
            RetryLater: A name cannot be looked up now.
        """
        people = dict.fromkeys((*content.people.values(), *((content.meet,) if content.meet else ())))
        names = {person: await self.name(person) for person in people}
        at_the_door = [choice for choice in content.choices if content.slot == slots.DOOR or choice in FRONT_DOOR_ONLY]
        here = tuple(choice for choice in content.choices if choice not in at_the_door)
        tokens = {
            **{choice: front_door_token(choice) for choice in at_the_door},
            **self.vault.tokens(record_id, key, generation, here),
        }
        return self.renderer.card(content, card_id, tokens, reader, names, self.now())

    def veil(self, slot: CardSlot, record_id: str, card_id: str) -> Card:
        """One neutral line in place of a card that no one waits for, with a button that shows the card."""
        push = self.renderer.text(Notice.PUSH)
        show = self.vault.tokens(record_id, self.slot_key(slot), slot.generation, (SHOW,))[SHOW]
        return Card(card_id, push, push, buttons=(Button(self.renderer.text(Notice.SHOW), show),))

    def versions(self, card: Card, content: CardContent, reader: Reader) -> Iterator[Card]:
        """The ways to say a card, the best first. Bare text shows on a lock screen: news stays out of it."""
        words = card.text if content.awaited or reader.plain_push else card.push
        return plain.versions(card, lambda: f"{words}\n{self.renderer.text(Notice.WITHOUT_BUTTONS)}")

    def taken_away(self) -> Card:
        """What stands where a platform lets no post be deleted."""
        return self.notice(self.new_id(), Notice.TAKEN_AWAY)

    def notice(self, card_id: str, notice: Notice) -> Card:
        """A line of the bot's own, with no buttons."""
        return Card(id=card_id, text=self.renderer.text(notice), push=self.renderer.text(Notice.PUSH))


class Homes:
    """A person's own records, read once for what is delivered to them within a moment.

    Args:
        services: Read them, and know the time.
        person: Whose they are.
    """

    def __init__(self, services: Services, person: Person) -> None:
        self._services, self._person = services, person
        self._known: tuple[datetime, list[Stored[Any]]] | None = None

    async def read(self) -> list[Stored[Any]]:
        """Them, the one that knows more first: a peer's own record knows more than that of a visitor."""
        services, now = self._services, self._services.now()
        if self._known is None or not timedelta() <= now - self._known[0] < A_MOMENT:
            ids = [id_of(kind, self._person, services.vault) for kind in HOMES[::-1]]
            found = await services.repository.load_all(ids)
            self._known = now, [home for home in found if home is not None]
        return self._known[1]
