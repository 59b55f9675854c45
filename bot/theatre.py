"""A little theatre: the real engine and the real store, with people who are names and a clock one can push."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Protocol

from adapters.base import Adapter, Button, Card, Desk, Field
from adapters.playground.playground import Happening, Playground
from bot import config
from bot.archive import Archive
from bot.engine import Engine
from bot.house import House
from bot.records import Saved, id_of, load
from bot.store.base import Store
from bot.store.tiny import TinyStore
from bot.texts import Words
from bot.vault import Vault
from conversations import anywhere, hours
from conversations.details import ABOUT, DEPARTMENTS, LANGUAGES, ROLES
from conversations.model import Answers, Peer, Person, Programme
from conversations.volunteering import READY, Volunteer

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
PLATFORMS = ("slack", "teams")
KEY = bytes(32)  # nothing real is ever sealed with it


class Chat(Protocol):
    """One platform as those who act in a dialogue meet it."""

    busy: bool

    @property
    def happenings(self) -> list[Happening]:
        """What was shown to anybody, in order."""

    def person(self, name: str) -> Person: ...
    def leaves(self, who: Person) -> None: ...
    def cards(self, who: Person) -> list[Card]: ...
    def old_cards(self, who: Person) -> list[Card]: ...
    def fills(self, who: Person, answers: Answers) -> None: ...
    def filled(self, who: Person, asked: Field) -> tuple[str, ...]: ...
    async def types(self, who: Person, typed: str, desk: Desk) -> None: ...
    async def opens_home(self, who: Person, desk: Desk) -> None: ...
    async def presses(self, who: Person, button: Button, card: Card, desk: Desk) -> None: ...
    async def presses_twice(self, who: Person, button: Button, card: Card, desk: Desk) -> None: ...


class Theatre:
    """The programme on a stage: people are names, and it is Monday morning."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = MONDAY
        self.environment: dict[str, str] = {"PEERSUPPORT_APPROVAL": "automatic"}
        self.roles: dict[str, Any] = {}  # people of the programme, who are names here and not ids of a platform
        self.chats: Mapping[str, Chat] = self._stages()
        self.people: dict[str, Person] = {}
        self.traits: dict[str, tuple[str, ...]] = {}  # of those who are peers when the curtain rises
        self._luck = itertools.count()
        self._ids = itertools.count(1)
        self._engine: Engine | None = None

    # ------------------------------------------------------------ the house

    def _stages(self) -> Mapping[str, Chat]:
        self._playgrounds = {name: Playground(name, anywhere.hear) for name in PLATFORMS}
        return self._playgrounds

    @property
    def engine(self) -> Engine:
        """The running programme."""
        if self._engine is None:
            self._engine = self._begin(self._playgrounds)
        return self._engine

    async def open(self) -> None:
        """Let the programme run, with the settings given by now; once it runs, nothing changes."""
        if self._engine is None:
            self._engine = self._begin(self._playgrounds)

    def _begin(self, adapters: Mapping[str, Adapter], key: bytes = KEY) -> Engine:
        vault = Vault(key)
        return self._on(TinyStore.open(self.folder / "store", vault), adapters, vault)

    def _on(self, store: Store, adapters: Mapping[str, Adapter], vault: Vault) -> Engine:
        """The programme on this store."""
        programme = replace(config.load(self.environment, self.folder).programme(), **self.roles)
        house = House(
            store=store,
            archive=self._archive(store, vault),
            vault=vault,
            words=self._words(programme),
            programme=programme,
            adapters=adapters,
            now=lambda: self.now,
            new_id=lambda: f"{next(self._ids):032x}",
            luck=lambda: next(self._luck),
        )
        return Engine(house)

    def _archive(self, store: Store, vault: Vault) -> Archive:
        return Archive(store, vault, lambda: self.now)

    def _words(self, programme: Programme) -> Words:
        return Words.load(programme)

    async def restart(self) -> None:
        """Stop and start again; what was promised is still owed."""
        await self.stop()
        await self.come_back()

    async def come_back(self) -> None:
        await self.open()
        await self.engine.resume()
        await self.catch_up()

    async def stop(self) -> None:
        if self._engine is not None:
            await self.idle()
            await self._engine.house.store.close()
        self._engine = None

    async def idle(self) -> None:
        """Return when everything that can be shown now is shown."""
        await self.engine.idle()

    async def catch_up(self) -> None:
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
        if name not in self.people:
            self.people[name] = self.chats["slack"].person(name)
        return self.people[name]

    def chat(self, name: str) -> Chat:
        return self.chats[self.person(name).platform]

    def part(self, name: str) -> str:
        """What they are in this play: coordinator, on-call, peer or clinician."""
        person, on_call = self.person(name), self.roles.get("on_call")
        if person in self.roles.get("coordinators", ()):
            return "coordinator"
        if on_call is not None and on_call.person == person:
            return "on-call"
        return "peer" if name in self.traits else "clinician"

    async def cast(self, name: str, platform: str, traits: tuple[str, ...]) -> None:
        """Somebody who is a peer already when the curtain rises."""
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
            trained_until=date(2028, 1, 1),
            since=date(2025, 1, 1),
        )
        house = self.engine.house
        talk = Volunteer(id=id_of("volunteering", person, house.vault), stage=READY.name, peer=peer)
        await house.archive.write([Saved(talk, "volunteering", day=self.now.date())])

    async def kept_about(self, name: str) -> list[str]:
        """The kinds of records that still know of a person as somebody who asked."""
        house, who = self.engine.house, self.person(name)
        records = [record for kind in ("support", "doorstep") for record in await house.store.kind(kind)]
        return [record.kind for record in records if repr(who.id) in str(_plain(load(record, house.vault)))]


def _plain(saved: Saved[Any]) -> object:
    """Everything in a record, with what its `repr` hides."""
    return {name: getattr(saved.talk, name) for name in saved.talk.__dataclass_fields__} | {
        "who": [_ids(getattr(saved.talk, name)) for name in saved.talk.__dataclass_fields__],
        "mail": [slot.to.id for slot in saved.mail.slots],
    }


def _ids(value: object) -> object:
    if isinstance(value, Person):
        return value.id
    return [_ids(part) for part in value] if isinstance(value, tuple) else None
