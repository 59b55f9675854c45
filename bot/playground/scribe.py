"""Writes down what people did on the page, and what they were shown, as a dialogue that can be played."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from adapters.base import Card, Field
from bot.script import said
from bot.theatre import Theatre
from conversations.model import Answers, Person


class Scribe:
    """`lines` is the dialogue so far."""

    def __init__(self, theatre: Theatre) -> None:
        self._theatre = theatre
        self._heard = dict.fromkeys(theatre.chats, 0)
        self.lines: list[str] = []

    def wrote(self, line: str) -> None:
        """A line that somebody else wrote; what followed from it is written there as well."""
        self.lines.append(line)
        self._heard = {name: len(chat.happenings) for name, chat in self._theatre.chats.items()}

    def did(self, line: str) -> None:
        self.lines.append(line)

    def types(self, who: str, text: str) -> None:
        self.did(f"{who:<5} types    {' '.join(text.split())}")

    def presses(self, who: str, label: str, card: Card, answers: Answers, *, twice: bool = False) -> None:
        """What was changed on the card, and the button."""
        for asked in card.fields:
            self.lines += [f"{who:<5} {line}" for line in self._answered(asked, answers)]
        self.did(f"{who:<5} presses{' twice' if twice else ''}  [{label}]")

    def _answered(self, asked: Field, answers: Answers) -> Iterator[str]:
        given = answers.get(asked.name)
        if given is None:
            return
        labels = {option.value: option.label for option in asked.options}
        match asked.kind, asked.name:
            case "choice", _ if given and (str(given),) != asked.initial:
                yield f"chooses  {labels[str(given)]}"
            case "several", _:
                changed = {str(each) for each in given} ^ set(asked.initial)
                yield from (f"chooses  {label}" for value, label in labels.items() if value in changed)
            case "people", "also" if given:
                yield f"says that this is {', '.join(self._names(given))} here"
            case "people", _ if given:
                yield f"leaves out {', '.join(self._names(given))}"
            case "text", "code" if given:
                yield f"enters   {given}"
            case "text", _ if given:
                yield f"writes   {' '.join(str(given).split())}"

    def _names(self, given: object) -> list[str]:
        names: Mapping[Person, str] = {person: name for name, person in self._theatre.people.items()}
        return [names[each] for each in given if isinstance(each, Person) and each in names]  # type: ignore[attr-defined]

    def listen(self) -> None:
        """Write down what was shown since."""
        names = {person: name for name, person in self._theatre.people.items()}
        for platform, chat in self._theatre.chats.items():
            happenings = chat.happenings
            for happening in happenings[self._heard[platform] :]:
                text = " ".join(said(happening.card).split())
                self.lines.append(f"{names.get(happening.to, '?'):<5} {happening.verb:<8} {text}")
            self._heard[platform] = len(happenings)
