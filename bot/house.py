"""What every working part shares: where records live, who speaks for which platform, and what time it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from adapters.base import Adapter, Card, Stopped, TryLater, Unreachable
from bot.archive import Archive
from bot.outbox import KEY, Errand, Mail, Slot, changes
from bot.records import id_of
from bot.store.base import Store
from bot.texts import Reader, Words
from bot.vault import Vault
from conversations import hours
from conversations.model import Person, Programme, Say


@dataclass(frozen=True, slots=True)
class House:
    """Time, ids and luck are given, so that a test can hold them still."""

    store: Store
    archive: Archive
    vault: Vault
    words: Words
    programme: Programme
    adapters: Mapping[str, Adapter]
    now: Callable[[], datetime]
    new_id: Callable[[], str]
    luck: Callable[[], int]

    def look(self, mail: Mail, errand: Errand) -> None:
        """Raise TryLater where the platform is known to have no time for this errand yet."""
        if (adapter := self.adapters.get(errand.to.platform)) is not None:
            adapter.look(errand.to, mail.address(errand.to), changes(mail, errand))

    async def reader(self, mail: Mail, talk: Any, to: Person) -> tuple[str | None, Reader]:
        """Where somebody is reached, and how their clock stands."""
        zone = talk.zone if getattr(talk, "clinician", None) == to else None
        address = mail.address(to)
        volunteer = await self.archive.load(id_of("volunteering", to, self.vault))
        if volunteer is not None:
            peer = volunteer.talk.peer
            return address or volunteer.mail.address(to), Reader(zone or peer.zone, peer.plain_push)
        if address is None and (door := await self.archive.load(id_of("doorstep", to, self.vault))):
            address = door.mail.address(to)
        return address, Reader(zone or self.programme.zone)

    def form_key(self, form: str, of: Person) -> str:
        """What the button of a form carries: it belongs to the person it was opened for, wherever the form stands."""
        return f"{form}/{self.vault.pseudonym('form', of)[:KEY]}"

    def slot_key(self, slot: Slot) -> str:
        """What a button of this slot carries."""
        return self.form_key(slot.name, slot.to) if slot.say.manner == "form" else slot.key

    async def card(self, say: Say, record_id: str, key: str, generation: int, card_id: str, reader: Reader) -> Card:
        """The card as its reader will see it. Raises TryLater when a name cannot be looked up now."""
        people = {*say.people.values(), *((say.meet,) if say.meet else ())}
        names = {person: await self.name(person) for person in people}

        def token(choice: str) -> str:
            if say.slot == "door":
                return f"={choice}"
            return self.vault.token(record_id, key, generation, choice)

        return self.words.card(say, card_id, token, reader, names, self.now())

    def taken_away(self) -> Card:
        """What stands where a platform lets no card be taken away."""
        return Card(id=self.new_id(), text=self.words.say("taken-away"), push=self.words.say("push"))

    async def zone(self, person: Person) -> str:
        """Where their clock stands, if their platform names a zone we know in time; else where the programme is."""
        adapter = self.adapters.get(person.platform)
        try:
            profile = await adapter.profile(person) if adapter else None
        except (TryLater, Stopped):
            profile = None
        known = profile is not None and profile.zone is not None and hours.is_zone(profile.zone)
        return profile.zone if known and profile and profile.zone else self.programme.zone

    async def name(self, person: Person) -> str:
        """What their platform calls them, asked when it is needed and kept in no record. Raises TryLater.

        That they cannot be reached, or that their platform is shut, says nothing about whoever reads their name.
        """
        adapter = self.adapters.get(person.platform)
        try:
            profile = await adapter.profile(person) if adapter else None
        except Stopped:
            raise TryLater from None
        except Unreachable:
            profile = None
        return (profile.name if profile else "") or self.words.say("a-colleague")
