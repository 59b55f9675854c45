"""The words, from conversations/texts/<language>/*.ftl, made into cards for one reader."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import structlog
from babel.dates import format_date, format_time
from fluent.runtime import FluentBundle, FluentResource
from fluent.syntax import ast

from adapters.base import Button, Card, Field, Link, Option
from conversations.model import Person, Programme, Question, Say
from conversations.request import CODE_NAMES

log = structlog.get_logger()

FOLDER = Path(__file__).parent.parent / "conversations" / "texts"
LANGUAGE = "en"

PRIMARY = frozenset(("soon", "ask", "yes", "connect", "write", "send", "next", "promise", "approve", "save"))
SPELT_OUT = {"role": "ask-role", "department": "ask-department"}  # values that stand for words of a question
CODE_NAMED = {"alias": "code-name", "peer-alias": "peer-name"}
PLATFORMS = {"slack": "Slack", "teams": "Teams"}
WEEK = timedelta(days=6)


@dataclass(frozen=True, slots=True)
class Reader:
    """Whoever will read a card: where their clock is, and what their lock screen may show."""

    zone: str = "UTC"
    plain_push: bool = False


@dataclass(frozen=True, slots=True)
class Words:
    """One language, and everything the running settings have to say in it."""

    programme: Programme
    bundle: FluentBundle = field(repr=False)
    settings: dict[str, str | int] = field(default_factory=dict)

    @classmethod
    def load(cls, programme: Programme, language: str = LANGUAGE, folder: Path = FOLDER) -> Words:
        bundle = FluentBundle([language], use_isolating=False)
        for resource in _resources(folder / language):
            bundle.add_resource(resource)
        words = cls(programme, bundle)
        words.settings.update(words._settings())
        return words

    def say(self, key: str, **values: str | int) -> str:
        """The sentence of this key. A gap in the words is logged by its key and never leaves somebody in silence."""
        pattern = self.bundle.get_message(key).value if self.bundle.has_message(key) else None
        if pattern is None:
            log.error("words-missing", key=key)
            return key
        text, errors = self.bundle.format_pattern(pattern, {**self.settings, **values})
        if errors:
            log.error("words-incomplete", key=key)
        return str(text)

    def knows(self, say: Say) -> bool:
        """Whether all of it can be said; a newer version may say what we have no words for."""
        asked = (f"ask-{question.name}" for question in say.questions)
        buttons = (f"button-{choice}" for choice in say.choices)
        return all(map(self.bundle.has_message, (say.text, *buttons, *asked)))

    def _settings(self) -> dict[str, str | int]:
        programme, on_call = self.programme, self.programme.on_call
        return {
            "name": programme.name,
            "crisis": programme.crisis,
            "emergency": programme.emergency,
            "lines": "\n".join(f"{line.name}: {line.reach}" for line in programme.lines) or programme.emergency,
            "limits": programme.limits.rstrip(". "),
            "limits-signed": "yes" if programme.limits else "no",
            "crisis-texts": "yes" if programme.crisis_texts else "no",
            "close-after": self.span(programme.close_after),
            "erase-after": self.span(programme.erase_after),
            "relay-open": "yes" if programme.relay else "no",
            "on-call": on_call.name if on_call else "",
            "on-call-phone": on_call.phone if on_call else "",
        }

    def card(
        self,
        say: Say,
        card_id: str,
        token: Callable[[str], str],
        reader: Reader,
        names: Mapping[Person, str],
        now: datetime,
    ) -> Card:
        """Words, buttons and questions as this reader sees them. `token` gives each choice its opaque press."""
        values: dict[str, str | int] = {name: self._value(name, value) for name, value in say.details.items()}
        values |= {name: self.when(at, now, reader.zone) for name, at in say.times.items()}
        values |= {name: names[person] for name, person in say.people.items()}
        values["platform"] = PLATFORMS.get(say.to.platform, self.programme.name)
        apart = say.meet is not None and say.meet.is_apart_from(say.to)
        return Card(
            id=card_id,
            text=self.say(say.text, **values)
            + (self._elsewhere(say.to, say.meet, names) if say.meet and apart else ""),
            push=self.say("push-offer" if reader.plain_push and say.text == "peer-offer" else "push"),
            quote=str(say.details.get("line", "")),
            fields=tuple(self._field(question) for question in say.questions),
            buttons=tuple(
                Button(self.say(f"button-{choice}"), token(choice), "primary" if choice in PRIMARY else "plain")
                for choice in say.choices
            ),
            link=Link(self.say("link-to-chat"), say.meet) if say.meet and not apart else None,
            title=self.say(f"{say.text}-title") if say.manner == "form" else "",
        )

    def _elsewhere(self, to: Person, meet: Person, names: Mapping[Person, str]) -> str:
        """Where no link leads from one platform or workspace to another: who is where."""
        platform = PLATFORMS.get(meet.platform, self.programme.name)
        key = "link-elsewhere" if meet.platform != to.platform else "link-another-workspace"
        return "\n" + self.say(key, person=names[meet], **{"their-platform": platform})

    def _value(self, name: str, value: str | int) -> str | int:
        if name in CODE_NAMED:
            round_, place = divmod(int(value), CODE_NAMES)
            return self.say(f"{CODE_NAMED[name]}-{place}") + (f" {round_ + 1}" if round_ else "")
        if name in SPELT_OUT:
            return self.say(f"{SPELT_OUT[name]}-{value or 'none'}")
        return value

    def _field(self, question: Question) -> Field:
        key = f"ask-{question.name}"
        options = tuple(Option(option, self.say(f"{key}-{option}")) for option in question.options)
        return Field(question.name, question.kind, self.say(key), options, question.chosen)

    def span(self, duration: timedelta) -> str:
        """A duration as people say it: whole days, else hours."""
        hours = max(1, round(duration / timedelta(hours=1)))
        return self.say("span-hours", n=hours) if hours % 24 else self.say("span-days", n=hours // 24)

    def when(self, at: datetime, now: datetime, zone: str) -> str:
        """A moment as people say it: "4:30 PM", "tomorrow at 8:00 AM", "Friday at …", "March 9"."""
        there, here = at.astimezone(ZoneInfo(zone)), now.astimezone(ZoneInfo(zone))
        clock = format_time(there, "short", locale=LANGUAGE).replace("\u202f", " ")
        days = (there.date() - here.date()).days
        if days == 0:
            return clock
        if days == 1:
            return self.say("when-tomorrow", time=clock)
        if timedelta(0) < at - now < WEEK:
            return self.say("when-weekday", day=format_date(there, "EEEE", locale=LANGUAGE), time=clock)
        return format_date(there, "MMMM d", locale=LANGUAGE)


@cache
def _resources(folder: Path) -> tuple[ast.Resource, ...]:
    """The words of one language, parsed once in a process: it takes a third of a second."""
    return tuple(FluentResource(file.read_text(encoding="utf-8")) for file in sorted(folder.glob("*.ftl")))
