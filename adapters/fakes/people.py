"""People who act in a dialogue: they see what a fake platform shows them, and press and type there."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from adapters.base import Button, Card, Field
from adapters.fakes import read_back
from adapters.fakes.direct import Happening, as_happenings
from adapters.fakes.screens import Change, Json, ScreenItem
from adapters.fakes.slack.server import SlackServer
from adapters.fakes.teams.server import TeamsServer
from conversations.model import Answers, Person, Value

_SORTED = 6  # bytes of an object id that are the name's


def nothing_is_missed() -> frozenset[str]:
    """By default a dialogue writes down everything that is shown."""
    return frozenset()


@dataclass(slots=True)
class FakePeople:
    """All people on one fake platform, each by name. `unheard` gives the lines that no dialogue writes down."""

    fake: SlackServer | TeamsServer
    unheard: Callable[[], frozenset[str]] = nothing_is_missed
    _filled: dict[Person, dict[str, Value]] = field(default_factory=dict)

    # ------------------------------------------------------------ who

    def person(self, name: str) -> Person:
        """A person, who is given an account if they have none."""
        if isinstance(self.fake, SlackServer):
            if name not in self.fake.people:
                self.fake.joins(name, id=f"U0{name.upper()}", tz="UTC")
            return Person("slack", self.fake.team, self.fake.spaces.id_of(name))
        if name not in self.fake.people:
            self.fake.joins(name, id=_object_id(name), tz="UTC")
        return Person("teams", self.fake.tenant, self.fake.aad(name))

    def name(self, person: Person) -> str:
        """What they are called here."""
        return self.fake.handle_of(person.id) or self._gone(person)

    def _gone(self, person: Person) -> str:
        return next((name for name in self.fake.away if self.person(name) == person), "")

    def leaves(self, who: Person) -> None:
        """Let their account end; the bot is not told."""
        self.fake.away.add(self.name(who))

    async def is_switched_off(self, who: Person, _: Any) -> None:
        """Let their account end, or on Teams let them remove the app. The bot is told, and posts are still taken."""
        if isinstance(self.fake, SlackServer):
            await self.fake.changes(self.name(who), deleted=True)
        else:
            await self.fake.uninstalls_for(self.name(who))

    @property
    def busy(self) -> bool:
        """Whether the platform does not answer."""
        return self.fake.weather != "none"

    @busy.setter
    def busy(self, busy: bool) -> None:
        self.fake.weather = "busy" if busy else "none"

    # ------------------------------------------------------------ what they see

    @property
    def happenings(self) -> list[Happening]:
        """What was shown, in order. What people typed, or see as the answer to their own press, is not news."""
        return as_happenings(
            (
                change.shown.id,
                self.person(change.shown.who),
                change.what == "new",
                self._read(change.shown.id, change.body),
            )
            for change in self.fake.screens.changes
            if self._is_told(change)
        )

    def notified(self, who: Person) -> list[tuple[str, ...]]:
        """What each notification of theirs said, in order: on a phone and, on Slack, on a desktop too."""
        if isinstance(self.fake, SlackServer):
            return [texts for user, texts in self.fake.api.notifications if user == self.name(who)]
        return [(text,) for user, text in self.fake.connector.pushes if user == self.name(who)]

    def _is_told(self, change: Change) -> bool:
        shown = change.shown
        ours = shown.platform == self.fake.platform and shown.kind in {"card", "aside", "form"}
        return ours and change.what in {"new", "edited"} and change.body.get("text") not in self.unheard()

    def cards(self, who: Person) -> list[Card]:
        """What stands on their screen, newest first."""
        return [self._read(shown.id, shown.body) for shown in self._of(who) if not shown.gone]

    def old_cards(self, who: Person) -> list[Card]:
        """What once stood there: edited or taken away since, newest first."""
        return [
            self._read(f"{shown.id}@{version}", body)
            for shown in self._of(who)
            for version, body in reversed(list(enumerate([*shown.was, *([shown.body] if shown.gone else [])])))
        ]

    def reads(self, shown: ScreenItem[Json]) -> Card:
        """What its reader sees there now."""
        return self._read(shown.id, shown.seen)

    def _of(self, who: Person) -> list[ScreenItem[Json]]:
        theirs = self.fake.screens.of(self.name(who), "card", "aside", "form", "home", also_gone=True)
        return [shown for shown in theirs if shown.platform == who.platform]

    def _read(self, id: str, body: Json) -> Card:
        if isinstance(self.fake, SlackServer):
            return read_back.on_slack(id, body, self.fake.handle_of)
        return read_back.on_teams(id, body, self._by_address)

    def _by_address(self, address: object) -> str:
        people = self.fake.people.items()
        return next(name for name, account in people if account["userPrincipalName"] == address)

    # ------------------------------------------------------------ what they do

    async def types(self, who: Person, typed: str, _: Any) -> None:
        """Write to the bot."""
        await self.fake.writes(self.name(who), typed)

    async def opens_home(self, who: Person, _: Any) -> None:
        """Look at the Home tab, where there is one."""
        if isinstance(self.fake, SlackServer):
            await self.fake.opens_home(self.name(who))

    async def presses(self, who: Person, button: Button, card: Card, _: Any) -> None:
        """Press a button, with what was filled in on its card. The card may be another person's."""
        id, _, version = card.id.partition("@")
        shown = self.fake.screens.find(id)
        if shown is None:
            raise AssertionError("the card was read from a screen")
        body = [*shown.was, shown.body][int(version)] if version else shown.body
        answers, name = self._filled.pop(who, {}), self.name(who)
        if isinstance(self.fake, TeamsServer):
            await self.fake.presses_nth(name, shown, int(button.token), read_back.teams_inputs(body, answers), body)
        elif button.token == read_back.SEND:
            await self.fake.submits(name, shown, read_back.slack_inputs(body, answers))
        else:
            await self.fake.presses_nth(name, shown, int(button.token), read_back.slack_inputs(body, answers), body)

    async def presses_twice(self, who: Person, button: Button, card: Card, desk: Any) -> None:
        """Press once; the platform delivers it twice."""
        before, self.fake.wire.twice = self.fake.wire.twice, True
        try:
            await self.presses(who, button, card, desk)
        finally:
            self.fake.wire.twice = before

    def fills(self, who: Person, answers: Answers) -> None:
        """Remember what they ticked or wrote, until they press a button."""
        self._filled.setdefault(who, {}).update(answers)

    def filled(self, who: Person, asked: Field) -> tuple[str, ...]:
        """What is ticked for this question so far."""
        ticked = self._filled.get(who, {}).get(asked.name, asked.initial)
        return tuple(tick for tick in ticked if isinstance(tick, str))


def _object_id(name: str) -> str:
    """An object id that sorts as the names do, so that lots fall the same wherever a dialogue is played."""
    digest = hashlib.sha256(name.encode()).digest()[: 16 - _SORTED]
    return str(uuid.UUID(bytes=name.encode()[:_SORTED].ljust(_SORTED, b"\0") + digest))
