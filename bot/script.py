"""Plays a `.chat` dialogue on the stage of the theatre, and says in one sentence where the bot differs."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from adapters.base import Button, Card, Field
from adapters.playground.playground import Happening
from bot.theatre import PLATFORMS, Theatre
from conversations.model import OnCall

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
UNITS = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1)}


class Disagrees(Exception):
    """The script says one thing and the bot did another."""


class Script:
    """Plays one dialogue, line by line. Whatever a person is shown has to be read before anybody acts again."""

    def __init__(self, theatre: Theatre, *, restarting: bool = False) -> None:
        self.theatre = theatre
        self.restarting = restarting  # the bot restarts after every line somebody acts in
        self._read: dict[str, int] = dict.fromkeys(PLATFORMS, 0)
        self.unread: list[Happening] = []

    async def play(self, lines: Iterator[tuple[int, str]], told: Callable[[str], None]) -> None:
        for number, line in lines:
            await self.line(number, line)
            told(line)
        await self.end()

    async def line(self, number: int, line: str) -> None:
        """Play one line. Raises Disagrees."""
        if is_silent(line):
            return
        try:
            await self._line(line.split("  # ", maxsplit=1)[0].strip())
        except Disagrees as disagrees:
            raise Disagrees(
                f"line {number}\n  the script says:  {line.strip()}\n  the bot did:      {disagrees}"
            ) from None

    async def end(self) -> None:
        """Whatever was shown has been read. Raises Disagrees."""
        await self._nothing_unread()
        await self.theatre.stop()

    async def _line(self, line: str) -> None:
        for pattern, act, acts in _LINES:
            if found := re.fullmatch(pattern, line):
                if acts:
                    await self._nothing_unread()
                    await self.theatre.open()
                await act(self, **found.groupdict())
                if acts:
                    await self.theatre.settle()
                    if self.restarting:
                        await self.theatre.restart()
                return
        message = "(this line is not understood)"
        raise Disagrees(message)

    def gather(self) -> None:
        """Take in what was shown since."""
        for name, chat in self.theatre.chats.items():
            self.unread += chat.happenings[self._read[name] :]
            self._read[name] = len(chat.happenings)

    def as_line(self, happening: Happening) -> str:
        """What somebody was shown, as a dialogue writes it."""
        who = next((name for name, person in self.theatre.people.items() if person == happening.to), happening.to.id)
        return f"{who:<5} {happening.verb:<8} {' '.join(said(happening.card).split())}"

    async def _nothing_unread(self) -> None:
        self.gather()
        if self.unread:
            raise Disagrees(self.as_line(self.unread[0]))

    # ------------------------------------------------------------ setting the stage

    async def cast(self, names: str, traits: str | None, platform: str | None) -> None:
        for name in _names(names):
            ticked = tuple(trait.strip() for trait in (traits or "").split(",") if trait.strip())
            await self.theatre.cast(name, (platform or "slack").lower(), ticked)

    async def coordinators(self, names: str) -> None:
        self.theatre.roles["coordinators"] = tuple(self.theatre.person(name) for name in _names(names))
        self.theatre.environment["PEERSUPPORT_APPROVAL"] = "coordinator"

    async def on_call(self, name: str) -> None:
        person = self.theatre.person(name)
        self.theatre.roles["on_call"] = OnCall(name, "555 0100", "day and night", person)

    async def setting(self, name: str, value: str) -> None:
        self.theatre.environment[name] = value

    async def somebody(self, name: str, platform: str) -> None:
        self.theatre.people[name] = self.theatre.chats[platform.lower()].person(name)

    # ------------------------------------------------------------ what people do

    async def types(self, who: str, text: str) -> None:
        await self.theatre.chat(who).types(self.theatre.person(who), text, self.theatre.engine)

    async def opens_home(self, who: str) -> None:
        await self.theatre.chat(who).opens_home(self.theatre.person(who), self.theatre.engine)

    async def presses(self, who: str, label: str, nth: str | None = None) -> None:
        """The newest button of that name, or the one on the second newest card that has it, and so on."""
        cards = [card for card in self.theatre.chat(who).cards(self.theatre.person(who)) if _has(card, label)]
        button, card = self._find(who, label, cards[int(nth or 1) - 1 :])
        await self.theatre.chat(who).presses(self.theatre.person(who), button, card, self.theatre.engine)

    async def presses_old(self, who: str, label: str) -> None:
        button, card = self._find(who, label, self.theatre.chat(who).old_cards(self.theatre.person(who)))
        await self.theatre.chat(who).presses(self.theatre.person(who), button, card, self.theatre.engine)

    async def presses_anothers(self, who: str, other: str, label: str) -> None:
        button, card = self._find(other, label, self.theatre.chat(other).cards(self.theatre.person(other)))
        await self.theatre.chat(who).presses(self.theatre.person(who), button, card, self.theatre.engine)

    async def press_at_once(self, names: str, label: str) -> None:
        await asyncio.gather(*(self.presses(name, label) for name in _names(names)))

    async def presses_twice(self, who: str, label: str) -> None:
        chat, person = self.theatre.chat(who), self.theatre.person(who)
        button, card = self._find(who, label, chat.cards(person))
        await chat.presses_twice(person, button, card, self.theatre.engine)

    def _find(self, who: str, label: str, cards: list[Card]) -> tuple[Button, Card]:
        for card in cards:
            for button in card.buttons:
                if button.label == label:
                    return button, card
        message = f"(there is no [{label}] for {who})"
        raise Disagrees(message)

    async def chooses(self, who: str, label: str) -> None:
        asked, value = self._option(who, label)
        chat, person = self.theatre.chat(who), self.theatre.person(who)
        if asked.kind == "choice":
            return chat.fills(person, {asked.name: value})
        ticked = chat.filled(person, asked)
        after = tuple(v for v in ticked if v != value) if value in ticked else (*ticked, value)
        return chat.fills(person, {asked.name: after})

    def _option(self, who: str, label: str) -> tuple[Field, str]:
        for card in self.theatre.chat(who).cards(self.theatre.person(who)):
            for asked in card.fields:
                for option in asked.options:
                    if option.label == label:
                        return asked, option.value
        message = f"(nobody asked {who} that)"
        raise Disagrees(message)

    async def leaves_out(self, who: str, names: str) -> None:
        people = tuple(self.theatre.person(name) for name in _names(names))
        self.theatre.chat(who).fills(self.theatre.person(who), {"leave-out": people})

    async def is_also(self, who: str, name: str) -> None:
        self.theatre.chat(who).fills(self.theatre.person(who), {"also": (self.theatre.person(name),)})

    async def enters(self, who: str, text: str) -> None:
        self.theatre.chat(who).fills(self.theatre.person(who), {"code": text})

    async def enters_anothers(self, who: str, other: str) -> None:
        shown = " ".join(card.text for card in self.theatre.chat(other).cards(self.theatre.person(other)))
        found = re.search(r"[0-9A-F]{4}-[0-9A-F]{4}", shown)
        await self.enters(who, found[0] if found else "")

    async def writes(self, who: str, text: str) -> None:
        self.theatre.chat(who).fills(self.theatre.person(who), {"line": text})

    async def leaves(self, who: str) -> None:
        self.theatre.chat(who).leaves(self.theatre.person(who))

    # ------------------------------------------------------------ what people see

    async def reads(self, who: str, verb: str, text: str) -> None:
        await self.theatre.idle()
        self.gather()
        person = self.theatre.person(who)
        mine = next((happening for happening in self.unread if happening.to == person), None)
        if mine is None:
            raise Disagrees(self.as_line(self.unread[0]) if self.unread else "(nothing)")
        wanted = ".*".join(re.escape(" ".join(part.split())) for part in text.split("…"))
        if mine.verb != verb or not re.fullmatch(wanted.replace(r"\ .*", ".*").replace(r".*\ ", ".*"), said(mine.card)):
            raise Disagrees(self.as_line(mine))
        self.unread.remove(mine)

    async def sees_nothing(self, who: str) -> None:
        left = self.theatre.chat(who).cards(self.theatre.person(who))
        if left:
            raise Disagrees(f"{who} still has  {said(left[0])}")

    async def nothing_kept(self, who: str) -> None:
        await self.theatre.engine.house.store.purge()
        if kept := await self.theatre.kept_about(who):
            raise Disagrees(f"(still kept: {', '.join(kept)})")

    # ------------------------------------------------------------ time, and the world

    async def passes(self, amount: str, unit: str) -> None:
        await self.theatre.wait(self.theatre.now + int(amount) * UNITS[unit])

    async def becomes(self, weekday: str, clock: str) -> None:
        days = (WEEKDAYS.index(weekday) - self.theatre.now.weekday()) % 7
        at = datetime.combine(self.theatre.now.date() + timedelta(days=days), time.fromisoformat(clock), UTC)
        await self.theatre.wait(at if at >= self.theatre.now else at + timedelta(days=7))

    async def down(self, amount: str, unit: str) -> None:
        await self.theatre.sleep(self.theatre.now + int(amount) * UNITS[unit])

    async def restarts(self) -> None:
        await self.theatre.restart()

    async def busy(self, platform: str) -> None:
        self.theatre.chats[platform.lower()].busy = True

    async def answers(self, platform: str) -> None:
        self.theatre.chats[platform.lower()].busy = False


def is_silent(line: str) -> bool:
    """Whether a line says nothing to the bot: it is empty, or a comment."""
    return not line.strip() or line.startswith("#")


def _names(text: str) -> list[str]:
    return [name for name in re.split(r",\s*|\s+and\s+", text) if name]


def _has(card: Card, label: str) -> bool:
    return any(button.label == label for button in card.buttons)


def said(card: Card) -> str:
    """A card as a dialogue writes it: the words, what somebody wrote, and the buttons."""
    quote = f" “{card.quote}”" if card.quote else ""
    link = f" <{card.link.label}: {card.link.person.id}>" if card.link else ""
    return " ".join([" ".join(card.text.split()) + quote + link, *(f"[{button.label}]" for button in card.buttons)])


_WHO = r"(?P<who>[A-Z]\w*)"
_NAMES = r"(?P<names>[A-Z]\w*(?:(?:, | and )[A-Z]\w*)*)"
_PLATFORM = r"(?P<platform>Slack|Teams)"
_LABEL = r"\[(?P<label>[^\]]+)\]"
_SPAN = r"(?P<amount>\d+) (?P<unit>minute|hour|day)s?"

# pattern, what it does, whether somebody acts (so that everything shown before must have been read)
_LINES = (
    (rf"Given peers? {_NAMES}(?: \((?P<traits>[^)]*)\))?(?: on {_PLATFORM})?", Script.cast, True),
    (rf"Given coordinators? {_NAMES}", Script.coordinators, False),
    (r"Given (?P<name>[A-Z]\w*) on call", Script.on_call, False),
    (r"Given (?P<name>PEERSUPPORT_\w+)=(?P<value>.*)", Script.setting, False),
    (rf"Given (?P<name>[A-Z]\w*) on {_PLATFORM}", Script.somebody, False),
    (rf"{_WHO} +types +(?P<text>.+)", Script.types, True),
    (rf"{_WHO} +opens +the Home tab", Script.opens_home, True),
    (rf"{_WHO} +presses the old +{_LABEL}", Script.presses_old, True),
    (rf"{_WHO} +presses (?P<other>[A-Z]\w*)'s +{_LABEL}", Script.presses_anothers, True),
    (rf"{_WHO} +presses twice +{_LABEL}", Script.presses_twice, True),
    (rf"{_WHO} +presses(?: the (?P<nth>\d)(?:nd|rd|th))? +{_LABEL}", Script.presses, True),
    (rf"{_NAMES} +press +{_LABEL} at once", Script.press_at_once, True),
    (rf"{_WHO} +chooses +(?P<label>.+)", Script.chooses, False),
    (rf"{_WHO} +leaves out +{_NAMES}", Script.leaves_out, False),
    (rf"{_WHO} +says that this is (?P<name>[A-Z]\w*) here", Script.is_also, False),
    (rf"{_WHO} +enters +the code of (?P<other>[A-Z]\w*)", Script.enters_anothers, False),
    (rf"{_WHO} +enters +(?P<text>.+)", Script.enters, False),
    (rf"{_WHO} +leaves the hospital", Script.leaves, False),
    (rf"{_WHO} +writes +(?P<text>.+)", Script.writes, False),
    (rf"{_WHO} +sees an empty chat", Script.sees_nothing, False),
    (rf"{_WHO} +(?P<verb>reads|sees) +(?P<text>.+)", Script.reads, False),
    (rf"nothing about {_WHO} is kept", Script.nothing_kept, True),
    (rf"{_SPAN} pass(?:es)?", Script.passes, True),
    (r"it is (?P<weekday>[A-Z]\w+day) (?P<clock>\d\d:\d\d)", Script.becomes, True),
    (rf"the bot is down for {_SPAN}", Script.down, True),
    (r"the bot restarts", Script.restarts, True),
    (rf"{_PLATFORM} does not answer", Script.busy, False),
    (rf"{_PLATFORM} answers again", Script.answers, False),
)

# ---------------------------------------------------------------- from outside


def scenarios() -> Mapping[str, Path]:
    """The dialogues that come with the programme, by name: those of this checkout, or those that were installed."""
    here = Path(__file__).parent.parent
    folders = (here / "tests" / "scenarios", here / "adapters" / "playground" / "scenarios")
    folder = next((folder for folder in folders if folder.is_dir()), folders[0])
    return {path.stem: path for path in sorted(folder.glob("*.chat"))}


def perform(path: Path, out: Callable[[str], None], *, restarting: bool = False) -> bool:
    """Play a dialogue, telling each line as it comes true; False (and the disagreement told) where the bot differs."""
    lines = enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
    with TemporaryDirectory() as folder:
        try:
            asyncio.run(Script(Theatre(Path(folder)), restarting=restarting).play(lines, out))
        except Disagrees as disagrees:
            out(f"{path.name}: {disagrees}")
            return False
    return True
