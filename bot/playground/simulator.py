"""A little simulator: the real engine and the real store, with people who are names and a clock one can push."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Protocol

from adapters.base import Adapter, Button, Card, Field, Inbound
from adapters.fakes.direct import DirectAdapter, Happening
from bot import config
from bot.crypto.vault import Vault
from bot.engine.codec import Stored, decode, id_of, json_of
from bot.engine.engine import Engine
from bot.engine.repository import ConversationRepository
from bot.engine.services import Services
from bot.rendering import Renderer
from bot.store.base import Store
from bot.store.embedded.store import EmbeddedStore
from conversations import hours, registry
from conversations.front_door.typed_words import parse_word
from conversations.immutable import replace
from conversations.model import Answers, Peer, Person, Programme
from conversations.options import ABOUT, DEPARTMENTS, GENDERS, LANGUAGES, ROLES
from conversations.peers.record import READY, PeerRecord
from conversations.vocabulary import Kind, Word

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
PLATFORMS = ("slack", "teams")
KEY = bytes(32)  # nothing real is ever sealed with it


class Chat(Protocol):
    """One platform as those who act in a dialogue meet it."""

    busy: bool

    @property
    def happenings(self) -> list[Happening]:
        """What was shown to anybody, in order."""

    def person(self, name: str) -> Person:
        """The person with this name, who is given an account if they have none."""

    def leaves(self, who: Person) -> None:
        """Let a person's account end; the bot is not told."""

    def notified(self, who: Person) -> list[tuple[str, ...]]:
        """What each notification of a person's said, in order, on every device."""

    async def is_switched_off(self, who: Person, desk: Inbound) -> None:
        """Let a person's account be switched off; the bot is told."""

    def cards(self, who: Person) -> list[Card]:
        """What stands on a person's screen, newest first."""

    def old_cards(self, who: Person) -> list[Card]:
        """What once stood there: edited or taken away since, newest first."""

    def fills(self, who: Person, answers: Answers) -> None:
        """Remember what a person ticked or wrote, until they press a button."""

    def filled(self, who: Person, asked: Field) -> tuple[str, ...]:
        """What a person has ticked for this question so far."""

    async def types(self, who: Person, typed: str, desk: Inbound) -> None:
        """Let a person write to the bot."""

    async def opens_home(self, who: Person, desk: Inbound) -> None:
        """Let a person look at the Home tab, where there is one."""

    async def presses(self, who: Person, button: Button, card: Card, desk: Inbound) -> None:
        """Let a person press a button of a card, with what they filled in."""

    async def presses_twice(self, who: Person, button: Button, card: Card, desk: Inbound) -> None:
        """Let a person press once; the platform delivers it twice."""


PATIENCE = 60.0  # seconds: our platforms answer at once, and how busy this machine is must not change a story
ABOUT_A_CLINICIAN = (Kind.REQUEST.value, Kind.FRONT_DOOR.value)


class UndeclaredTarget(Exception):
    """A decision landed in a stage that its row does not name: declare the target in the table, or fix the function."""


def refuse_undeclared_target(kind: str) -> None:
    """Fail; in service such a decision stands, and is logged."""
    raise UndeclaredTarget(kind)


class Simulator:
    """The programme with pretend people, each by name. It begins on a Monday at nine, and time passes only as told."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = MONDAY
        self.environment: dict[str, str] = {"PEERSUPPORT_APPROVAL": "automatic"}
        self.roles: dict[str, Any] = {}  # people of the programme, who are names here and not ids of a platform
        self.chats: Mapping[str, Chat] = self._chats()
        self.people: dict[str, Person] = {}
        self.traits: dict[str, tuple[str, ...]] = {}  # of those who are peers from the start
        self._luck = itertools.count()
        self._ids = itertools.count(1)
        self._engine: Engine | None = None

    # ------------------------------------------------------------ the programme

    def _chats(self) -> Mapping[str, Chat]:
        self._adapters = {name: DirectAdapter(name, self._parse_word) for name in PLATFORMS}
        return self._adapters

    def _parse_word(self, typed: str) -> Word:
        return parse_word(typed, self.engine.services.programme.listener)

    @property
    def engine(self) -> Engine:
        """The running programme."""
        if self._engine is None:
            self._engine = self._begin(self._adapters)
        return self._engine

    async def open(self) -> None:
        """Let the programme run, with the settings given by now; once it runs, nothing changes."""
        if self._engine is None:
            self._engine = self._begin(self._adapters)

    def _begin(self, adapters: Mapping[str, Adapter], key: bytes = KEY) -> Engine:
        vault = Vault(key)
        return self._on(EmbeddedStore.open(self.folder / "store", vault), adapters, vault)

    def _on(self, store: Store, adapters: Mapping[str, Adapter], vault: Vault) -> Engine:
        """The programme on this store."""
        programme = replace(config.load(self.environment, self.folder).programme(), **self.roles)
        services = Services(
            store=store,
            repository=self._repository(store, vault),
            vault=vault,
            renderer=self._renderer(programme),
            programme=programme,
            adapters=adapters,
            now=lambda: self.now,
            new_id=lambda: f"{next(self._ids):032x}",
            luck=lambda: next(self._luck),
            on_undeclared_target=refuse_undeclared_target,
            patience=PATIENCE,
        )
        return Engine(services)

    def _repository(self, store: Store, vault: Vault) -> ConversationRepository:
        return ConversationRepository(store, vault, lambda: self.now)

    def _renderer(self, programme: Programme) -> Renderer:
        return Renderer.load(programme)

    async def restart(self) -> None:
        """Stop and start again; what was promised is still owed."""
        await self.stop()
        await self.come_back()

    async def come_back(self) -> None:
        """Start, and go on with whatever was left undone."""
        await self.open()
        await self.engine.resume()
        await self.catch_up()

    async def stop(self) -> None:
        """Stop the programme; what it stored stays."""
        if self._engine is not None:
            await self.idle()
            await self._engine.services.store.close()
        self._engine = None

    async def idle(self) -> None:
        """Return when everything that can be shown now is shown."""
        await self.engine.idle()

    async def catch_up(self) -> None:
        """Do what is due now, and show what follows from it."""
        await self.engine.wake()
        await self.idle()

    async def settle(self) -> None:
        """Deliver what was said, and do what is due at this very moment."""
        await self.idle()
        await self.wait(self.now)

    async def wait(self, until: datetime) -> None:
        """Let time pass as the clock would: the bot wakes whenever something falls due."""
        while (due := await self.engine.next_wake()) is not None and due <= until:
            self.now = max(self.now, due)
            await self.catch_up()
        self.now = until

    async def sleep(self, until: datetime) -> None:
        """Let time pass while the bot is down; it finds out when it comes back."""
        await self.stop()
        self.now = until
        await self.come_back()

    # ------------------------------------------------------------ the people

    def person(self, name: str) -> Person:
        """The person with this name; a new one is on Slack."""
        if name not in self.people:
            self.people[name] = self.chats["slack"].person(name)
        return self.people[name]

    def chat(self, name: str) -> Chat:
        """The platform that this person is on."""
        return self.chats[self.person(name).platform]

    def part(self, name: str) -> str:
        """What they are in this play: coordinator, on-call, peer or clinician."""
        person, on_call = self.person(name), self.roles.get("on_call")
        if person in self.roles.get("coordinators", ()):
            return "coordinator"
        if on_call is not None and on_call.person == person:
            return "on-call"
        return "peer" if name in self.traits else "clinician"

    async def add_peer(self, name: str, platform: str, traits: tuple[str, ...]) -> None:
        """Add a person who is a trained peer from the start."""
        self.traits[name] = traits
        person = self.people[name] = self.chats[platform].person(name)
        peer = Peer(
            person,
            role=next((trait for trait in traits if trait in ROLES), "nurse"),
            department=next((trait for trait in traits if trait in DEPARTMENTS), ""),
            been_through=tuple(trait for trait in traits if trait in ABOUT),
            languages=("en", *(trait for trait in traits if trait in LANGUAGES)),
            hours=tuple(trait for trait in traits if trait in hours.PARTS),
            limit=next((int(trait) for trait in traits if trait.isdigit()), 2),
            visible="visible" in traits,
            evaluates="evaluates" in traits,
            grades="grades" in traits,
            gender=next((trait for trait in traits if trait in GENDERS), ""),
            plain_push="plain-push" in traits,
            trained_until=date(2028, 1, 1),
            since=date(2025, 1, 1),
        )
        services = self.engine.services
        record = PeerRecord(id=id_of(registry.ROSTER, person, services.vault), stage=READY, peer=peer)
        await services.repository.save([Stored(record, registry.ROSTER.value, day=self.now.date())])

    async def kept_about(self, name: str) -> list[str]:
        """The kinds of records that still know of a person as one who asked."""
        services, who = self.engine.services, self.person(name)
        records = [record for kind in ABOUT_A_CLINICIAN for record in await services.store.all_of_kind(kind)]
        mention = f'"{who.id}"'.encode()
        return [record.kind for record in records if mention in json_of(decode(record, services.vault))]
