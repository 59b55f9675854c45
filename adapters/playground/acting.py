"""People who act in a dialogue, over the wire of a pretend platform: they see its JSON and send its payloads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from adapters.base import Button, Card, Field
from adapters.playground import reading
from adapters.playground.playground import Happening
from adapters.playground.screens import Change, Json, Shown
from adapters.playground.slack import TEAM, Slack
from adapters.playground.teams import TENANT, Teams, address
from conversations.model import Answers, Person, Value


@dataclass(slots=True)
class Acting:
    """Everybody on one platform. `unheard` holds lines that no dialogue writes down."""

    pretend: Slack | Teams
    unheard: Callable[[], frozenset[str]] = frozenset
    _filled: dict[Person, dict[str, Value]] = field(default_factory=dict)

    # ------------------------------------------------------------ who

    def person(self, name: str) -> Person:
        workspace = TEAM if isinstance(self.pretend, Slack) else TENANT
        return Person(self.pretend.platform, workspace, self.pretend.joins(name))

    def name(self, person: Person) -> str:
        return self.pretend.name_of(person.id)

    def leaves(self, who: Person) -> None:
        """They are no longer with the hospital, and nobody tells the bot."""
        self.pretend.away.add(self.name(who))

    @property
    def busy(self) -> bool:
        return self.pretend.weather != "none"

    @busy.setter
    def busy(self, busy: bool) -> None:
        self.pretend.weather = "busy" if busy else "none"

    # ------------------------------------------------------------ what they see

    @property
    def happenings(self) -> list[Happening]:
        """What was shown, in order. What somebody typed, or sees as the answer to their own press, is not news."""
        told = [change for change in self.pretend.screens.changes if self._is_told(change)]
        return [
            Happening(
                self.person(change.shown.who),
                "reads" if change.what == "new" else "sees",
                self._read(change.shown.id, change.body),
            )
            for change in told
        ]

    def _is_told(self, change: Change) -> bool:
        shown = change.shown
        ours = shown.platform == self.pretend.platform and shown.kind in {"card", "aside", "form"}
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

    def reads(self, shown: Shown) -> Card:
        """What somebody sees there now."""
        return self._read(shown.id, shown.seen)

    def _of(self, who: Person) -> list[Shown]:
        theirs = self.pretend.screens.of(self.name(who), also_gone=True)
        return [shown for shown in theirs if shown.platform == who.platform and shown.kind != "said"]

    def _read(self, id: str, body: Json) -> Card:
        if isinstance(self.pretend, Slack):
            return reading.on_slack(id, body, self.pretend.name_of)
        return reading.on_teams(id, body, lambda known: next(n for n in self.pretend.people if address(n) == known))

    # ------------------------------------------------------------ what they do

    async def types(self, who: Person, typed: str, _: Any) -> None:
        await self.pretend.types(self.name(who), typed)

    async def opens_home(self, who: Person, _: Any) -> None:
        if isinstance(self.pretend, Slack):
            await self.pretend.opens_home(self.name(who))

    async def presses(self, who: Person, button: Button, card: Card, _: Any) -> None:
        """Press a button, with what was filled in on its card. It may be somebody else's."""
        id, _, version = card.id.partition("@")
        shown = self.pretend.screens.find(id)
        assert shown is not None  # noqa: S101  the card was read from there
        body = [*shown.was, shown.body][int(version)] if version else shown.body
        mine = Shown(shown.id, self.name(who), shown.kind, shown.platform, body, shown.order, shown.at, shown.place)
        pressed = shown if shown.who == mine.who and not version else mine
        answers = self._filled.pop(who, {})
        if isinstance(self.pretend, Teams):
            await self.pretend.presses(pressed, int(button.token), reading.teams_inputs(body, answers), body)
        elif button.token == "send":  # noqa: S105  a form's own button
            await self.pretend.sends(pressed, reading.slack_inputs(body, answers))
        else:
            await self.pretend.presses(pressed, int(button.token), reading.slack_inputs(body, answers), body)

    async def presses_twice(self, who: Person, button: Button, card: Card, desk: Any) -> None:
        """One press that the platform delivers twice."""
        before, self.pretend.line.twice = self.pretend.line.twice, True
        try:
            await self.presses(who, button, card, desk)
        finally:
            self.pretend.line.twice = before

    def fills(self, who: Person, answers: Answers) -> None:
        """Remember what they ticked or wrote, until they press a button."""
        self._filled.setdefault(who, {}).update(answers)

    def filled(self, who: Person, asked: Field) -> tuple[str, ...]:
        """What is ticked for this question so far."""
        ticked = self._filled.get(who, {}).get(asked.name, asked.initial)
        return tuple(tick for tick in ticked if isinstance(tick, str))
