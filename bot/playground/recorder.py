"""Writes down what people did on the page, and what they were shown, as a dialogue that can be played."""

from __future__ import annotations

from collections.abc import Iterator

from adapters.base import Card, Field
from bot.playground.chat_script import said
from bot.playground.simulator import Simulator
from conversations.model import Answers, Person, Value
from conversations.options import NAMES

ORDINALS = {2: "nd", 3: "rd"}


class Recorder:
    """`lines` is the dialogue so far."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._heard = dict.fromkeys(simulator.chats, 0)
        self.lines: list[str] = []

    def wrote(self, line: str) -> None:
        """Add a line of a story, which writes down itself what followed from it."""
        self.lines.append(line)
        self._heard = {name: len(chat.happenings) for name, chat in self._simulator.chats.items()}

    def did(self, line: str) -> None:
        """Add a line."""
        self.lines.append(line)

    def types(self, who: str, text: str) -> None:
        """Add the line of a person who typed something."""
        self.did(f"{who:<5} types{_in_a_line(text)}")

    def presses(
        self, who: str, label: str, card: Card, answers: Answers, *, older: int = 0, twice: bool = False
    ) -> None:
        """What was changed on the card, and the button; `older` by so many than the newest card that has it."""
        for asked in card.fields:
            self.lines += [f"{who:<5} {line}" for line in self._answered(asked, answers)]
        which = f" the {older + 1}{ORDINALS.get(older + 1, 'th')}" if older else ""
        self.did(f"{who:<5} presses{which or (' twice' if twice else '')}  [{label}]")

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
            case "people", name if who := self._names(given):
                is_also, people = name == "also", ", ".join(who)
                yield f"says that this is {people} here" if is_also else f"leaves out {people}"
            case "text", name if given and name == NAMES:
                yield f"leaves out anyone called{_in_a_line(', '.join(str(given).splitlines()), 1)}"
            case "text", "code" if given:
                yield f"enters{_in_a_line(str(given), 2)}"
            case "text", _ if given:
                yield f"writes{_in_a_line(str(given), 2)}"

    def _names(self, given: Value) -> list[str]:
        names = {person: name for name, person in self._simulator.people.items()}
        return [names[each] for each in given if isinstance(each, Person) and each in names]

    def listen(self) -> None:
        """Write down what was shown since."""
        names = {person: name for name, person in self._simulator.people.items()}
        for platform, chat in self._simulator.chats.items():
            happenings = chat.happenings
            for happening in happenings[self._heard[platform] :]:
                text = " ".join(said(happening.card).split())
                self.lines.append(f"{names.get(happening.to, '?'):<5} {happening.verb:<8} {text}")
            self._heard[platform] = len(happenings)


def _in_a_line(text: str, gap: int = 3) -> str:
    """Without breaks; and two spaces before a # would begin a comment."""
    line = " ".join(text.split())
    return " " * (1 if line.startswith("#") else gap + 1) + line
