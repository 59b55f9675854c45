"""One pretend platform: every person is a name, and everything shown to them is kept in order."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Literal

from adapters.base import Address, Answer, Button, Card, Desk, Field, Press, Profile, Ref, TryLater, Unreachable
from conversations.model import Answers, Person, Value

WORKSPACE = "hospital"


@dataclass(slots=True)
class Shown:
    """One card on somebody's screen; `was` holds what it said before it was edited."""

    to: Person
    card: Card
    ref: Ref
    was: list[Card] = field(default_factory=list)
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Happening:
    """Somebody's screen changed: they read a new card, or see an old one change."""

    to: Person
    verb: Literal["reads", "sees"]
    card: Card


@dataclass(slots=True)
class Playground:
    """Speaks for one platform. Faults are set by whoever plays: `busy`, and who has `left`."""

    platform: str
    hear: Callable[[str], str]
    screens: dict[Ref, Shown] = field(default_factory=dict)
    happenings: list[Happening] = field(default_factory=list)
    left: set[Person] = field(default_factory=set)
    busy: bool = False
    zones: dict[Person, str] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _filled: dict[Person, dict[str, Value]] = field(default_factory=dict)

    @property
    def opens_forms(self) -> bool:
        """As the platform it stands for does."""
        return self.platform == "slack"

    def person(self, name: str) -> Person:
        return Person(self.platform, WORKSPACE, name)

    # ------------------------------------------------------------ what the house asks of us

    def look(self, to: Person, address: Address | None, changing: Ref | None) -> None:
        """Say of a post that we are busy; of a change one learns it by trying."""
        if self.busy and changing is None:
            raise TryLater

    async def show(self, to: Person, address: Address | None, card: Card, replacing: Ref | None) -> Ref:
        """Put the card on their screen. One that was taken away is put there afresh, if it can be answered."""
        self._answer_for(to)
        old = self.screens.get(replacing) if replacing is not None else None
        if replacing is not None and old is not None and old.gone and not card.buttons:
            return replacing
        if replacing is not None and old is not None and not old.gone:
            old.was.append(old.card)
            old.card = card
            self.happenings.append(Happening(to, "sees", card))
            return replacing
        return self._post(to, card)

    def _post(self, to: Person, card: Card) -> Ref:
        ref = f"{self.platform}-{next(self._numbers)}"
        self.screens[ref] = Shown(to, card, ref)
        self.happenings.append(Happening(to, "reads", card))
        return ref

    def _answer_for(self, who: Person) -> None:
        if self.busy:
            raise TryLater
        if who in self.left:
            raise Unreachable

    async def erase(self, ref: Ref, instead: Card) -> None:
        """Take the card off their screen."""
        if self.busy:
            raise TryLater
        if ref in self.screens:
            self.screens[ref].gone = True

    async def find(self, to: Person, address: Address | None, card_id: str) -> Ref | None:
        """Look for a post that may have arrived."""
        self._answer_for(to)
        return next((shown.ref for shown in self.screens.values() if shown.card.id == card_id), None)

    async def profile(self, person: Person) -> Profile:
        """Names are what they are called by."""
        return Profile(name=person.id, zone=self.zones.get(person))

    # ------------------------------------------------------------ what people do

    async def types(self, who: Person, typed: str, desk: Desk) -> None:
        """Write to the bot, or type Slack's command, which is answered for their eyes only; Teams has none like it."""
        is_command = self.platform == "slack" and typed.startswith("/peersupport")
        how: Literal["typed", "command"] = "command" if is_command else "typed"
        press = Press(self._id(), who, f"={self.hear(typed)}", how=how, address=self._address(who))
        await self._give(who, press, desk)

    async def opens_home(self, who: Person, desk: Desk) -> None:
        """Look at the page that stands open for everybody; nobody is told of anything new."""
        ref = f"{self.platform}-{next(self._numbers)}"
        self.screens[ref] = Shown(who, await desk.home(who), ref)

    async def presses(self, who: Person, button: Button, card: Card, desk: Desk) -> None:
        await self._give(who, self.press(who, button, card), desk)

    async def presses_twice(self, who: Person, button: Button, card: Card, desk: Desk) -> None:
        """One press that the platform delivers twice."""
        press = self.press(who, button, card)
        for answer in await asyncio.gather(*(desk.receive(press) for _ in range(2))):
            if not self._cannot_say(press):
                self.answered(who, answer)

    def leaves(self, who: Person) -> None:
        """They are no longer with the hospital, and nobody tells the bot."""
        self.left.add(who)

    def press(self, who: Person, button: Button, card: Card) -> Press:
        """The press of a button, with what was filled in on its card."""
        answers: dict[str, Value] = {
            asked.name: (asked.initial[0] if asked.initial else "")
            if asked.kind in ("choice", "text")
            else asked.initial
            for asked in card.fields
        }
        return Press(self._id(), who, button.token, {**answers, **self._filled.pop(who, {})}, self._address(who))

    def fills(self, who: Person, answers: Answers) -> None:
        """Remember what they ticked or wrote, until they press a button."""
        self._filled.setdefault(who, {}).update(answers)

    def filled(self, who: Person, asked: Field) -> tuple[str, ...]:
        """What is ticked for this question so far."""
        ticked = self._filled.get(who, {}).get(asked.name, asked.initial)
        return tuple(tick for tick in ticked if isinstance(tick, str))

    async def _give(self, who: Person, press: Press, desk: Desk) -> None:
        answer = await desk.receive(press)
        if not self._cannot_say(press):
            self.answered(who, answer)

    def _cannot_say(self, press: Press) -> bool:
        """A busy Slack opens no form and shows no aside, except in the very answer to a command."""
        return self.busy and self.platform == "slack" and press.how != "command"

    def answered(self, who: Person, answer: Answer) -> None:
        """Show what the house said at once: a refusal, a form, a reply to a command. Nobody else sees it."""
        if answer.card is not None and answer.kind in ("aside", "form", "refused"):
            self._post(who, replace(answer.card))

    def _id(self) -> str:
        return f"{self.platform}-press-{next(self._numbers)}"

    def _address(self, who: Person) -> Address:
        return f"{self.platform}-chat-with-{who.id}"

    # ------------------------------------------------------------ what can be found on a screen

    def cards(self, who: Person) -> list[Card]:
        """What stands on their screen, newest first."""
        return [shown.card for shown in reversed(self.screens.values()) if shown.to == who and not shown.gone]

    def old_cards(self, who: Person) -> list[Card]:
        """What once stood there: edited or taken away since, newest first."""
        mine = [shown for shown in reversed(self.screens.values()) if shown.to == who]
        return [card for shown in mine for card in (*((shown.card,) if shown.gone else ()), *reversed(shown.was))]
