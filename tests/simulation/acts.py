"""What people do: they ask, look at their screens, press what stands or stood there, type, and leave."""

from __future__ import annotations

import asyncio
from typing import Final

from adapters.base import Button, Card, Interaction, front_door_token
from adapters.fakes.screens import Change
from conversations.model import Person
from tests.simulation.hospital import Hospital
from tests.simulation.people import ASKING, NOTHING, TYPED, Somebody, fill_in, somebody
from tests.simulation.weather import Fault

SCREEN: Final = 8  # the newest cards, which a person looks at

Stands = tuple[str, Button, Card]
"""A choice, its button and its card."""


class People:
    """Everybody at one hospital, acting."""

    def __init__(self, hospital: Hospital) -> None:
        self.hospital, self.luck = hospital, hospital.luck
        self.away = False  # whether everybody has gone home, at the end of the run
        self._lines = 0
        self._hired = {"Ana": 500, "Bo": 500}
        hospital.watch = self.something_new

    # ------------------------------------------------------------ noticing

    def something_new(self, reader: Person, change: Change) -> None:
        """A card arrived: its reader may look at it, soon or late."""
        one = self.hospital.people.get(reader)
        if one is None or one.is_planned or self.away or self.hospital.judge.has_left(reader):
            return
        one.is_planned = True
        quick = change.shown.kind in ("aside", "form")
        self.hospital.schedule.plan(one.delay(self.luck) / (8 if quick else 1), lambda: self.look(one))

    async def look(self, one: Somebody) -> None:
        """Look at the screen, and mostly press something."""
        one.is_planned = False
        if self.away or self.hospital.judge.has_left(one.person) or self.luck.random() > one.answers:
            return
        drawn = self.luck.random()
        if drawn < 0.04:
            await self.press_old(one)
        elif drawn < 0.06:
            await self.press_anothers(one)
        elif drawn < 0.10:
            await self.type(one, self.luck.choice(TYPED))
        else:
            await self.press_something(one)

    def _stands(self, person: Person, *, gone: bool = False) -> list[Stands]:
        """What can be pressed on a person's screen, or what once could."""
        chat = self.hospital.platforms[person.platform]
        cards = chat.old_cards(person) if gone else chat.cards(person)[:SCREEN]
        return [(self._choice(button), button, card) for card in cards for button in card.buttons]

    def _choice(self, button: Button) -> str:
        token = self.hospital.vault.read_token(button.token) if button.token[0] != "=" else None
        return token.choice if token else "="

    # ------------------------------------------------------------ pressing

    async def press_something(self, one: Somebody) -> None:
        """Press what is likely; or nothing."""
        stands = self._stands(one.person)
        weights = [one.likes(choice) for choice, _, _ in stands]
        chosen = self.luck.choices([None, *stands], [NOTHING, *weights])[0]
        if chosen is None:
            return
        choice, button, card = chosen
        if choice == "yes" and self.luck.random() < 0.3:
            await self._all_say_yes(one, button)
        else:
            await self.hospital.send(self._pressed(one, button, card))

    async def _all_say_yes(self, one: Somebody, button: Button) -> None:
        """Everybody who was asked says yes in the same moment."""
        token = self.hospital.vault.read_token(button.token)
        saved = self.hospital.judge.world.requests.get(token.record_id) if token else None
        asked = {one.person, *(offer.peer for offer in saved.conversation.offers)} if saved else {one.person}
        presses = []
        for who in sorted(asked):
            mine = [stands for stands in self._stands(who) if stands[0] == "yes"]
            if mine and not self.hospital.judge.has_left(who):
                presses.append(self._pressed(self.hospital.people[who], *mine[0][1:]))
        await asyncio.gather(*(self.hospital.send(press) for press in presses))

    def _pressed(self, one: Somebody, button: Button, card: Card, how: str = "presses") -> Interaction:
        chat = self.hospital.platforms[one.person.platform]
        self._lines += 1
        others = [who for who in self.hospital.people if who != one.person]
        chat.fills(one.person, fill_in(card, f"line canary-{self._lines}-end", others, self.luck))
        press = chat.press(one.person, button, card)
        self.hospital.note(one.name, how, f"[{button.label}]")
        return press

    async def press_old(self, one: Somebody) -> None:
        """Press a button of a card that is gone, or says something else by now."""
        old = self._stands(one.person, gone=True)
        if old:
            _, button, card = self.luck.choice(old)
            self.hospital.weather.count(Fault.OLD)
            await self.hospital.send(self._pressed(one, button, card, "presses an old"))

    async def press_anothers(self, one: Somebody) -> None:
        """Press a button that stands before another person: their platform would have to be fooled."""
        other = self.luck.choice(sorted(self.hospital.people))
        theirs = [stands for stands in self._stands(other) if stands[0] != "="]
        if other != one.person and theirs:
            _, button, card = self.luck.choice(theirs)
            self.hospital.weather.count(Fault.FOREIGN)
            await self.hospital.send(self._pressed(one, button, card, "presses another's"), foreign=True)

    # ------------------------------------------------------------ typing

    async def type(self, one: Somebody, typed: str) -> None:
        """Write to the bot, or type its command."""
        chat = self.hospital.platforms[one.person.platform]
        is_command = chat.platform == "slack" and typed.startswith("/peersupport")
        self.hospital.note(one.name, "types", typed)
        press = Interaction(
            chat._id(),
            one.person,
            front_door_token(chat.hear(typed)),
            source="command" if is_command else "typed",
            address=chat._address(one.person),
            in_own_chat=is_command and self.luck.random() < 0.5,
        )
        await self.hospital.send(press)

    async def somebody_asks(self) -> None:
        """A clinician who has no request asks for a peer."""
        busy = {saved.conversation.clinician for saved in self.hospital.judge.world.requests.values()}
        free = [
            one
            for one in self.hospital.people.values()
            if one.role == "Ana" and one.person not in busy and not self.hospital.judge.has_left(one.person)
        ]
        if free and not self.away:
            await self.type(self.luck.choice(free), self.luck.choice(ASKING))

    async def somebody_looks_again(self) -> None:
        """A clinician who waits or talks, their peer, or one who has not answered looks at their screen once more."""
        talks = [saved.conversation for saved in self.hospital.judge.world.requests.values()]
        alive = [talk for talk in talks if talk.stage in ("asking", "together")]
        if alive and not self.away:
            talk = self.luck.choice(alive)
            peers = [talk.peer] if talk.peer else [offer.peer for offer in talk.offers]
            one = self.hospital.people[self.luck.choice([talk.clinician, *peers])]
            if not one.is_planned:
                await self.look(one)

    # ------------------------------------------------------------ coming and going

    async def somebody_leaves(self) -> None:
        """An account ends: some platforms go on taking posts for it, and do not tell us."""
        here = [
            one
            for one in self.hospital.people.values()
            if one.role in self._hired and not self.hospital.judge.has_left(one.person)
        ]
        if self.away or not here:
            return
        one = self.luck.choice(here)
        chat = self.hospital.platforms[one.person.platform]
        self.hospital.note(one.name, "leaves the hospital")
        chat.left.add(one.person)
        if self.luck.random() < 0.5:
            chat.accepting.add(one.person)
        alive = [replica for replica in self.hospital.replicas if replica.alive]
        if alive and self.luck.random() < 0.3:
            replica = self.luck.choice(alive)
            await replica.call(replica.engine.app_removed(one.person))
        self._hire(one.role)

    def _hire(self, role: str) -> Somebody:
        self._hired[role] += 1
        one = somebody(role, self._hired[role], self.hospital.size, self.hospital.platforms, self.luck)
        self.hospital.people[one.person] = one
        return one

    async def keep_the_roster_full(self) -> None:
        """New peers are trained where others have left or paused; who paused comes back in the end."""
        volunteers = self.hospital.judge.world.volunteers
        serving = [who for who, saved in volunteers.items() if saved.conversation.stage == "ready"]
        paused = [who for who in serving if volunteers[who].conversation.peer.paused]
        if paused and not self.away:
            await self.type(self.hospital.people[self.luck.choice(paused)], "resume")
        for _ in range(self.hospital.size.fewest - len(serving) + len(paused)):
            self.hospital.add_peer(self._hire("Bo"))
