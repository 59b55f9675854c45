"""An adapter that shows cards directly, without a platform's JSON: for dialogues and laws of thousands of steps.

It keeps the promises of `tests/adapters/contract.py` as the production adapters do, and puts what it shows on the same
screens as the fake platforms. Why it exists beside them: docs/decisions/one-fake-per-platform.md.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from adapters.base import (
    Address,
    Button,
    Card,
    Field,
    Inbound,
    Interaction,
    Profile,
    Ref,
    Reply,
    RetryLater,
    Unreachable,
    front_door_token,
)
from adapters.fakes.screens import Kind, Screens
from conversations.model import Answers, Person, Value

WORKSPACE = "hospital"


@dataclass(frozen=True, slots=True)
class Happening:
    """A screen changed: its owner reads a new card, or sees an old one change."""

    to: Person
    verb: Literal["reads", "sees"]
    card: Card = field(repr=False)


SHOW: Final = "Show"
"""The button of a neutral line that stands in place of a card."""


def is_neutral_line(card: Card) -> bool:
    """Whether a post says nothing but what a lock screen may show, and can be pressed to see the card itself."""
    return card.text == card.push and [button.label for button in card.buttons] == [SHOW]


def as_happenings(changes: Iterable[tuple[str, Person, bool, Card]]) -> list[Happening]:
    """What a dialogue writes down of changed screens: a neutral line is read when it is filled in.

    Args:
        changes: In order: the id of what changed, whose screen it is on, whether it is new there, and what it says.
    """
    found: list[Happening] = []
    neutral: set[str] = set()
    for id, to, is_new, card in changes:
        reads = is_new or id in neutral
        neutral.discard(id)
        if is_neutral_line(card):
            neutral.add(id)
        else:
            found.append(Happening(to, "reads" if reads else "sees", card))
    return found


class DirectAdapter:
    """Speaks for one platform, whose people are names.

    hear   makes one of the programme's words of what is typed, or ""
    busy   whether the platform takes no calls
    left   those whose account is gone
    zones  time zones of those who have said theirs
    """

    def __init__(self, platform: str, hear: Callable[[str], str]) -> None:
        self.platform, self.hear = platform, hear
        self.screens = Screens[Card]()
        self.left: set[Person] = set()
        self.busy = False
        self.zones: dict[Person, str] = {}
        self._numbers = itertools.count(1)
        self._filled: dict[Person, dict[str, Value]] = {}
        self._notified: dict[Person, list[tuple[str, ...]]] = {}

    @property
    def opens_forms(self) -> bool:
        """As the platform it stands for does."""
        return self.platform == "slack"

    def person(self, name: str) -> Person:
        """A person of this platform; their name is their id."""
        return Person(self.platform, WORKSPACE, name)

    # ------------------------------------------------------------ the adapter

    @property
    def notifies_in_full(self) -> bool:
        """As the platform it stands for does."""
        return self.platform == "slack"

    def check_rate(self, to: Person, address: Address | None, changing: Ref | None, *, awaited: bool = False) -> None:
        """Raise RetryLater for a post while the platform is busy; whether an edit goes through is learnt by trying."""
        if self.busy and changing is None:
            raise RetryLater

    async def deliver(self, to: Person, address: Address | None, card: Card, replacing: Ref | None) -> Ref:
        """Put the card on their screen. One that was taken away is put there afresh, if it can be answered."""
        self._reach(to)
        if replacing is None or not self.screens.was_at(replacing):
            return self._put(to, card)
        standing = self.screens.at(replacing)
        if standing is not None:
            self.screens.edit(standing, card)
            return replacing
        return self._put(to, card) if card.buttons else replacing

    def _put(self, to: Person, card: Card, kind: Kind = "card") -> Ref:
        ref = f"{self.platform}-{next(self._numbers)}"
        self.screens.put(to.id, kind, self.platform, card, ref)
        if kind == "card":
            texts = (card.push, card.title or card.text) if self.notifies_in_full else (card.push,)
            self._notified.setdefault(to, []).append(texts)
        return ref

    def _reach(self, who: Person) -> None:
        if self.busy:
            raise RetryLater
        if who in self.left:
            raise Unreachable

    async def erase(self, ref: Ref, instead: Card) -> None:
        """Take the card off their screen."""
        if self.busy:
            raise RetryLater
        if (shown := self.screens.at(ref)) is not None:
            self.screens.take_away(shown)

    async def find(self, to: Person, address: Address | None, card_id: str) -> Ref | None:
        """Look for a post that may have arrived."""
        self._reach(to)
        return next((shown.place for shown in self.screens.all if shown.body.id == card_id), None)

    async def is_accepted(self) -> bool:
        """There are no credentials here."""
        return not self.busy

    async def profile(self, person: Person) -> Profile:
        """People are called by their names."""
        return Profile(name=person.id, zone=self.zones.get(person), left=person in self.left)

    # ------------------------------------------------------------ what people do

    async def types(self, who: Person, typed: str, desk: Inbound) -> None:
        """Write to the bot, or type Slack's command, which is answered for their eyes only; Teams has none like it."""
        is_command = self.platform == "slack" and typed.startswith("/peersupport")
        how: Literal["typed", "command"] = "command" if is_command else "typed"
        word, where = front_door_token(self.hear(typed)), self._address(who)
        press = Interaction(self._id(), who, word, source=how, address=where, in_own_chat=is_command)
        await self._give(who, press, desk)

    async def opens_home(self, who: Person, desk: Inbound) -> None:
        """Look at the Home tab, of which there is no notification."""
        self._put(who, await desk.home_page(who), "home")

    async def presses(self, who: Person, button: Button, card: Card, desk: Inbound) -> None:
        """Press a button, with what was filled in on its card."""
        await self._give(who, self.press(who, button, card), desk)

    async def presses_twice(self, who: Person, button: Button, card: Card, desk: Inbound) -> None:
        """Press once; the platform delivers it twice."""
        press = self.press(who, button, card)
        for answer in await asyncio.gather(*(desk.receive(press) for _ in range(2))):
            if not self._is_mute(press):
                self.answered(who, answer)

    def leaves(self, who: Person) -> None:
        """Let their account end; the bot is not told."""
        self.left.add(who)

    async def is_switched_off(self, who: Person, desk: Inbound) -> None:
        """Let their account end, and tell the bot."""
        self.leaves(who)
        await desk.app_removed(who)

    def press(self, who: Person, button: Button, card: Card) -> Interaction:
        """The press of a button, with what was filled in on its card."""
        answers: dict[str, Value] = {
            asked.name: (asked.initial[0] if asked.initial else "")
            if asked.kind in ("choice", "text")
            else asked.initial
            for asked in card.fields
        }
        return Interaction(self._id(), who, button.token, {**answers, **self._filled.pop(who, {})}, self._address(who))

    def fills(self, who: Person, answers: Answers) -> None:
        """Remember what they ticked or wrote, until they press a button."""
        self._filled.setdefault(who, {}).update(answers)

    def filled(self, who: Person, asked: Field) -> tuple[str, ...]:
        """What is ticked for this question so far."""
        ticked = self._filled.get(who, {}).get(asked.name, asked.initial)
        return tuple(tick for tick in ticked if isinstance(tick, str))

    async def _give(self, who: Person, press: Interaction, desk: Inbound) -> None:
        answer = await desk.receive(press)
        if not self._is_mute(press):
            self.answered(who, answer)

    def _is_mute(self, press: Interaction) -> bool:
        """A busy Slack opens no form and shows no aside, except in the very answer to a command."""
        return self.busy and self.platform == "slack" and press.source != "command"

    def answered(self, who: Person, answer: Reply) -> None:
        """Show what a press was answered with: a refusal, a form, a reply to a command. Others do not see it."""
        if answer.card is not None and answer.kind in ("ephemeral", "form", "refused"):
            self._put(who, replace(answer.card), "aside")

    def _id(self) -> str:
        return f"{self.platform}-press-{next(self._numbers)}"

    def _address(self, who: Person) -> Address:
        return f"{self.platform}-chat-with-{who.id}"

    # ------------------------------------------------------------ what people see

    @property
    def happenings(self) -> list[Happening]:
        """What was shown, in order: new cards, and old ones that changed."""
        return as_happenings(
            (change.shown.id, self.person(change.shown.who), change.what == "new", change.body)
            for change in self.screens.changes
            if change.what in {"new", "edited"} and change.shown.kind != "home"
        )

    def notified(self, who: Person) -> list[tuple[str, ...]]:
        """What each notification of theirs said, in order: on a phone and, on Slack, on a desktop too."""
        return self._notified.get(who, [])

    def cards(self, who: Person) -> list[Card]:
        """What stands on their screen, newest first."""
        return [shown.body for shown in self.screens.of(who.id)]

    def old_cards(self, who: Person) -> list[Card]:
        """What once stood there: edited or taken away since, newest first."""
        mine = self.screens.of(who.id, also_gone=True)
        return [card for shown in mine for card in (*((shown.body,) if shown.gone else ()), *reversed(shown.was))]
