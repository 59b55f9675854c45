"""Makes cards for one reader out of the texts in conversations/texts/<language>/*.ftl."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import structlog
from babel.dates import format_date, format_time
from fluent.runtime import FluentBundle, FluentResource
from fluent.syntax import ast

from adapters.base import Button, Card, Field, Link, Option
from bot.card_content import CardContent, Manner
from conversations import hours
from conversations.model import Person, Programme, Question
from conversations.support.request import CODE_NAMES
from conversations.vocabulary import LOCK_SCREEN, Choice, Word

log = structlog.get_logger()

FOLDER = Path(__file__).parent.parent / "conversations" / "texts"
LANGUAGE = "en"

PRIMARY: Final = frozenset(
    (
        *(Word.SOON, Choice.ASK_NOW, Choice.ASK, Choice.YES, Choice.CONNECT, Choice.WRITE, Choice.SEND),
        *(Choice.NEXT, Choice.PROMISE, Choice.APPROVE, Choice.SAVE),
    )
)
SPELT_OUT: Final = {
    **{name: f"ask-{name}" for name in ("role", "department")},
    **{f"ticked-{name}": f"ask-{name}" for name in ("about", "how", "who", "language", "gender", "when")},
    "ticked-urgency": "button",
    "stage": "data-stage",
}
"""Values that stand for other texts, several between commas: mostly the answers to a question."""
SHARED_OPTIONS: Final = {f"shift-{day}": "ask-shift" for day in hours.WEEKDAYS}
"""Questions whose options have their words in common."""
LISTS: Final = ("left-out", "soon-names", "over-names")
"""People of a card, numbered, whose names stand in one list."""
CODE_NAMED: Final = {"alias": "code-name", "peer-alias": "peer-name"}
PLATFORMS: Final = {"slack": "Slack", "teams": "Teams"}
WEEKDAY_IS_CLEAR: Final = timedelta(days=6)  # so far ahead, "Friday" is this Friday


class Notice(StrEnum):
    """The bot's own lines around what conversations say, by the key of their text."""

    OLD_BUTTON = "old-button"
    STILL_OPEN = "still-open"
    NOT_HERE = "not-here"
    NOTED = "noted"
    BEING_UPDATED = "being-updated"
    NOT_PASSED_ON = "relay-not-passed-on"
    TAKEN_AWAY = "taken-away"
    WITHOUT_BUTTONS = "without-buttons"
    SHOW = "show-card"
    A_COLLEAGUE = "a-colleague"
    PUSH = "push"


@dataclass(frozen=True, slots=True)
class Reader:
    """The reader of a card: their time zone, and whether their lock screen may show more than the constant."""

    zone: str = "UTC"
    plain_push: bool = False


ADDED_LATER: Final[Mapping[str, str]] = {
    "checks-in": "yes",
    "numbers": "no",
    "relay": "no",
    "sent": "yes",
    "to-clinician": "no",
}
"""Details that texts ask for and cards of earlier releases lack, with what was true of those."""


@dataclass(frozen=True, slots=True)
class Renderer:
    """One language, with everything the running settings have to say in it. `Renderer.load` makes it."""

    programme: Programme
    bundle: FluentBundle = field(repr=False)
    settings: dict[str, str | int] = field(default_factory=dict)
    fixed: dict[str, str] = field(default_factory=dict, repr=False)  # sentences that no value changes, rendered once

    @classmethod
    def load(cls, programme: Programme, language: str = LANGUAGE, folder: Path = FOLDER) -> Renderer:
        """Read the texts of one language, parsed once in a process."""
        bundle = FluentBundle([language], use_isolating=False)
        for resource in _resources(folder / language):
            bundle.add_resource(resource)
        words = cls(programme, bundle)
        words.settings.update(words._settings())
        return words

    def text(self, key: str, **values: str | int) -> str:
        """The sentence of this key.

        A gap in the texts is logged by its key, and the key is returned: no reader is left in silence.

        Args:
            key: Of a text.
            values: What its variables stand for, besides what the settings say.
        """
        if not values and key in self.fixed:
            return self.fixed[key]
        pattern = self.bundle.get_message(key).value if self.bundle.has_message(key) else None
        if pattern is None:
            log.error("words-missing", key=str(key))
            return key
        text, errors = self.bundle.format_pattern(pattern, {**self.settings, **values})
        said = str(text).rstrip()  # a list may be empty at the end of it
        if errors:
            log.error("words-incomplete", key=str(key))
        elif not values:
            self.fixed[key] = said
        return said

    def knows(self, content: CardContent) -> bool:
        """Whether all of it has words; a newer release may show cards that we have no words for."""
        asked = (f"ask-{question.name}" for question in content.questions)
        buttons = (f"button-{choice}" for choice in content.choices)
        return all(map(self.bundle.has_message, (content.card, *buttons, *asked)))

    def _settings(self) -> dict[str, str | int]:
        programme, on_call = self.programme, self.programme.on_call
        return {
            "name": programme.name,
            "complaints": programme.complaints,
            "crisis": programme.crisis,
            "emergency": programme.emergency,
            "lines": "\n".join(f"{line.name}: {line.reach}" for line in programme.lines),
            "more-lines": "yes" if programme.lines else "no",
            "one-number": "yes" if programme.crisis == programme.emergency else "no",
            "limits": programme.limits.rstrip(". "),
            "limits-signed": "yes" if programme.limits else "no",
            "crisis-texts": "yes" if programme.crisis_texts else "no",
            "close-after": self.span(programme.close_after),
            "erase-after": self.span(programme.erase_after),
            "relay-open": "yes" if programme.relay else "no",
            "on-call": on_call.name if on_call else "",
            "on-call-there": "yes" if on_call else "no",
            "on-call-phone": on_call.phone if on_call else "",
        }

    def card(
        self,
        content: CardContent,
        card_id: str,
        tokens: Mapping[str, str],
        reader: Reader,
        names: Mapping[Person, str],
        now: datetime,
    ) -> Card:
        """Words, buttons and questions as this reader sees them.

        Args:
            content: What the card says.
            card_id: Random; stands in the post, so that it can be looked for.
            tokens: The opaque token of each choice.
            reader: Who reads it.
            names: What their platforms call the people on the card.
            now: The time.
        """
        values: dict[str, str | int] = {**ADDED_LATER}
        values |= {name: self._value(name, value) for name, value in content.details.items()}
        values |= {name: self.when(at, now, reader.zone) for name, at in content.times.items()}
        values |= {name: names[person] for name, person in content.people.items()}
        values |= {each: _listed(each, content.people, names) for each in LISTS}
        values["platform"] = PLATFORMS.get(content.to.platform, self.programme.name)
        apart = content.meet is not None and content.meet.is_apart_from(content.to)
        return Card(
            id=card_id,
            text=self.text(content.card, **values)
            + (self._elsewhere(content.to, content.meet, names) if content.meet and apart else ""),
            push=self.text(_push_of(content, reader)),
            quote=content.quote,
            fields=tuple(self._field(question) for question in content.questions),
            buttons=tuple(
                Button(self.text(f"button-{choice}"), tokens[choice], "primary" if choice in PRIMARY else "plain")
                for choice in content.choices
            ),
            link=Link(self.text("link-to-chat"), content.meet) if content.meet and not apart else None,
            title=self.text(f"{content.card}-title") if content.manner is Manner.FORM else "",
        )

    def _elsewhere(self, to: Person, meet: Person, names: Mapping[Person, str]) -> str:
        """Where no link leads from one platform or workspace to another: who is where."""
        platform = PLATFORMS.get(meet.platform, self.programme.name)
        key = "link-elsewhere" if meet.platform != to.platform else "link-another-workspace"
        return "\n" + self.text(key, person=names[meet], **{"their-platform": platform})

    def _value(self, name: str, value: str | int) -> str | int:
        if name in CODE_NAMED:
            round_, place = divmod(int(value), CODE_NAMES)
            return self.text(f"{CODE_NAMED[name]}-{place}") + (f" {round_ + 1}" if round_ else "")
        if name in SPELT_OUT:
            return ", ".join(self.text(f"{SPELT_OUT[name]}-{each or 'none'}") for each in str(value).split(","))
        return value

    def _field(self, question: Question) -> Field:
        key = f"ask-{question.name}"
        words = SHARED_OPTIONS.get(question.name, key)
        options = tuple(Option(option, self.text(f"{words}-{option}")) for option in question.options)
        return Field(question.name, question.kind, self.text(key), options, question.chosen)

    def span(self, duration: timedelta) -> str:
        """A duration as people say it: whole days, else hours."""
        whole = max(1, round(duration / timedelta(hours=1)))
        return self.text("span-hours", n=whole) if whole % 24 else self.text("span-days", n=whole // 24)

    def when(self, at: datetime, now: datetime, zone: str) -> str:
        """A moment as people say it: "4:30 PM", "tomorrow at 8:00 AM", "Friday at …", "March 9"."""
        there, here = at.astimezone(ZoneInfo(zone)), now.astimezone(ZoneInfo(zone))
        clock = format_time(there, "short", locale=LANGUAGE).replace("\u202f", " ")
        days = (there.date() - here.date()).days
        if days == 0:
            return clock
        if days == 1:
            return self.text("when-tomorrow", time=clock)
        if timedelta(0) < at - now < WEEKDAY_IS_CLEAR:
            return self.text("when-weekday", day=format_date(there, "EEEE", locale=LANGUAGE), time=clock)
        return format_date(there, "MMMM d", locale=LANGUAGE)


@cache
def _resources(folder: Path) -> tuple[ast.Resource, ...]:
    """The words of one language, parsed once in a process: it takes a third of a second."""
    return tuple(FluentResource(file.read_text(encoding="utf-8")) for file in sorted(folder.glob("*.ftl")))


_LOCK_SCREEN: Final[Mapping[str, str]] = {str(card): text for card, text in LOCK_SCREEN.items()}


def _listed(name: str, people: Mapping[str, Person], called: Mapping[Person, str]) -> str:
    return ", ".join(called[who] for each, who in people.items() if each.rpartition("-")[0] == name)


def _push_of(content: CardContent, reader: Reader) -> str:
    """The key of what a lock screen shows of this card."""
    return _LOCK_SCREEN.get(content.card, Notice.PUSH) if reader.plain_push else Notice.PUSH
