"""Plays a `.chat` dialogue in a simulation, and says in one sentence where the bot differs."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Container, Iterator, Mapping
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from adapters.base import Button, Card, Field
from adapters.fakes.direct import Happening, is_neutral_line
from bot.playground.simulator import PLATFORMS, Simulator
from conversations.model import OnCall
from conversations.options import NAMES

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
NEUTRAL = "You have a message."
UNITS = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1)}


class Disagrees(Exception):
    """The script says one thing and the bot did another."""


class ChatScript:
    """Plays one dialogue, line by line. Whatever a person is shown has to be read before anybody acts again."""

    def __init__(self, simulator: Simulator, *, restarting: bool = False) -> None:
        self.simulator = simulator
        self.restarting = restarting  # the bot restarts after every line in which a person acts
        self._read: dict[str, int] = dict.fromkeys(PLATFORMS, 0)
        self.unread: list[Happening] = []
        self.told_in_full: set[str] = set()  # who lets a notification say what it is about

    async def play(self, lines: Iterator[tuple[int, str]], told: Callable[[str], None]) -> None:
        """Play a whole dialogue; `told` is given each line once it came true. Raises Disagrees."""
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
        await self.simulator.stop()

    async def _line(self, line: str) -> None:
        for pattern, act, acts in _LINES:
            if found := re.fullmatch(pattern, line):
                if acts:
                    await self._nothing_unread()
                    await self.simulator.open()
                before = self._notified()
                await act(self, **found.groupdict())
                if acts:
                    await self.simulator.settle()
                    await self._notified_neutrally(before, _actors(found.groupdict()))
                    if self.restarting:
                        await self.simulator.restart()
                return
        message = "(this line is not understood)"
        raise Disagrees(message)

    def gather(self) -> None:
        """Take in what was shown since."""
        for name, chat in self.simulator.chats.items():
            self.unread += chat.happenings[self._read[name] :]
            self._read[name] = len(chat.happenings)

    def as_line(self, happening: Happening) -> str:
        """What a person was shown, as a dialogue writes it."""
        who = next((name for name, person in self.simulator.people.items() if person == happening.to), happening.to.id)
        return f"{who:<5} {happening.verb:<8} {' '.join(said(happening.card).split())}"

    async def _nothing_unread(self) -> None:
        self.gather()
        if self.unread:
            raise Disagrees(self.as_line(self.unread[0]))

    # ------------------------------------------------------------ what others may see

    def _notified(self) -> dict[str, int]:
        people = self.simulator.people
        return {name: len(self.simulator.chat(name).notified(person)) for name, person in people.items()}

    async def _notified_neutrally(self, before: Mapping[str, int], acted: Container[str]) -> None:
        """No notification says what it is about, but to who just acted or chose so. Raises Disagrees."""
        await self.simulator.idle()
        for name, person in self.simulator.people.items():
            if name in acted or name in self.told_in_full:
                continue
            for texts in self.simulator.chat(name).notified(person)[before.get(name, 0) :]:
                if any(text != NEUTRAL for text in texts):
                    raise Disagrees(f"{name} is notified  {' / '.join(texts)}")

    async def is_notified(self, who: str, text: str) -> None:
        """`Ana is notified  You have a message.`: the last notification of hers, on every device. Raises Disagrees."""
        await self.simulator.idle()
        last = self.simulator.chat(who).notified(self.simulator.person(who))[-1:]
        for said in last[0] if last else ("(nothing)",):
            if not re.fullmatch(_pattern(text), " ".join(said.split())):
                raise Disagrees(f"{who} is notified  {said}")

    # ------------------------------------------------------------ what is given

    async def add_peers(self, names: str, traits: str | None, platform: str | None) -> None:
        """`Given peers Bo, Cy (nurse) on Teams`: they are trained and ready."""
        for name in _names(names):
            self.told_in_full |= {name} if "plain-push" in (traits or "") else set()
            ticked = tuple(trait.strip() for trait in (traits or "").split(",") if trait.strip())
            await self.simulator.add_peer(name, (platform or "slack").lower(), ticked)

    async def coordinators(self, names: str) -> None:
        """`Given coordinator Dana`: she approves peers."""
        self.simulator.roles["coordinators"] = tuple(self.simulator.person(name) for name in _names(names))
        self.simulator.environment["PEERSUPPORT_APPROVAL"] = "coordinator"

    async def on_call(self, name: str) -> None:
        """`Given Kim on call`: he takes urgent requests."""
        person = self.simulator.person(name)
        self.simulator.roles["on_call"] = OnCall(name, "555 0100", "day and night", person)

    async def setting(self, name: str, value: str) -> None:
        """`Given PEERSUPPORT_X=y`: a setting, as in the environment."""
        self.simulator.environment[name] = value

    async def has_account(self, name: str, platform: str) -> None:
        """`Given Ana on Teams`: where she has her account."""
        self.simulator.people[name] = self.simulator.chats[platform.lower()].person(name)

    # ------------------------------------------------------------ what people do

    async def types(self, who: str, text: str) -> None:
        """`Ana types help`."""
        await self.simulator.chat(who).types(self.simulator.person(who), text, self.simulator.engine)

    async def opens_home(self, who: str) -> None:
        """`Ana opens the Home tab`."""
        await self.simulator.chat(who).opens_home(self.simulator.person(who), self.simulator.engine)

    async def presses(self, who: str, label: str, nth: str | None = None) -> None:
        """The newest button of that name, or the one on the second newest card that has it, and so on.

        Who sees only a neutral line, because its words are not filled in yet, presses for them first.
        """
        await self._shows_what_is_neutral(who, label)
        cards = [card for card in self.simulator.chat(who).cards(self.simulator.person(who)) if _has(card, label)]
        button, card = self._find(who, label, cards[int(nth or 1) - 1 :])
        await self.simulator.chat(who).presses(self.simulator.person(who), button, card, self.simulator.engine)

    async def _shows_what_is_neutral(self, who: str, label: str) -> None:
        chat, person = self.simulator.chat(who), self.simulator.person(who)
        cards = chat.cards(person)
        line = next((card for card in cards if is_neutral_line(card)), None)
        if line is not None and not any(_has(card, label) for card in cards):
            await chat.presses(person, line.buttons[0], line, self.simulator.engine)
            await self.simulator.idle()

    async def presses_old(self, who: str, label: str) -> None:
        """`Ana presses the old [Yes]`: on a card that has changed or gone since."""
        button, card = self._find(who, label, self.simulator.chat(who).old_cards(self.simulator.person(who)))
        await self.simulator.chat(who).presses(self.simulator.person(who), button, card, self.simulator.engine)

    async def presses_anothers(self, who: str, other: str, label: str) -> None:
        """`Ana presses Bo's [Yes]`: a button that was never shown to her."""
        button, card = self._find(other, label, self.simulator.chat(other).cards(self.simulator.person(other)))
        await self.simulator.chat(who).presses(self.simulator.person(who), button, card, self.simulator.engine)

    async def press_at_once(self, names: str, label: str) -> None:
        """`Bo, Cy press [Yes] at once`."""
        await asyncio.gather(*(self.presses(name, label) for name in _names(names)))

    async def presses_twice(self, who: str, label: str) -> None:
        """`Ana presses twice [Ask]`: the platform delivers one press twice."""
        chat, person = self.simulator.chat(who), self.simulator.person(who)
        button, card = self._find(who, label, chat.cards(person))
        await chat.presses_twice(person, button, card, self.simulator.engine)

    def _find(self, who: str, label: str, cards: list[Card]) -> tuple[Button, Card]:
        for card in cards:
            for button in card.buttons:
                if button.label == label:
                    return button, card
        message = f"(there is no [{label}] for {who})"
        raise Disagrees(message)

    async def chooses(self, who: str, label: str) -> None:
        """`Ana chooses Same role`: ticks an option, or takes the tick away; `Monday: Any time` names the question."""
        asked, value = self._option(who, label)
        chat, person = self.simulator.chat(who), self.simulator.person(who)
        if asked.kind == "choice":
            return chat.fills(person, {asked.name: value})
        ticked = chat.filled(person, asked)
        after = tuple(v for v in ticked if v != value) if value in ticked else (*ticked, value)
        return chat.fills(person, {asked.name: after})

    def _option(self, who: str, label: str) -> tuple[Field, str]:
        for card in self.simulator.chat(who).cards(self.simulator.person(who)):
            for asked in card.fields:
                for option in asked.options:
                    if label in (option.label, f"{asked.label}: {option.label}"):
                        return asked, option.value
        message = f"({who} was not asked that)"
        raise Disagrees(message)

    async def leaves_out(self, who: str, names: str) -> None:
        """`Ana leaves out Bo`: in a people picker."""
        people = tuple(self.simulator.person(name) for name in _names(names))
        self.simulator.chat(who).fills(self.simulator.person(who), {"leave-out": people})

    async def picks(self, who: str, names: str) -> None:
        """`Dana picks Bo`: in the people picker of the newest card that has one."""
        chat, person = self.simulator.chat(who), self.simulator.person(who)
        people = tuple(self.simulator.person(name) for name in _names(names))
        asked = [field.name for card in chat.cards(person) for field in card.fields if field.kind == "people"]
        if not asked:
            message = f"({who} was asked for nobody)"
            raise Disagrees(message)
        chat.fills(person, {asked[0]: people})

    async def leaves_out_anyone_called(self, who: str, text: str) -> None:
        """`Ana leaves out anyone called Chen, B. Smith`: by names, in any directory."""
        self.simulator.chat(who).fills(self.simulator.person(who), {NAMES: text})

    async def is_also(self, who: str, name: str) -> None:
        """`Dana says that this is Bo here`: links two accounts of one person."""
        self.simulator.chat(who).fills(self.simulator.person(who), {"also": (self.simulator.person(name),)})

    async def enters(self, who: str, text: str) -> None:
        """`Bo enters 1234-5678`: into the field for a code."""
        self.simulator.chat(who).fills(self.simulator.person(who), {"code": text})

    async def enters_anothers(self, who: str, other: str) -> None:
        """`Bo enters the code of Cy`: the code that stands on Cy's screen."""
        shown = " ".join(card.text for card in self.simulator.chat(other).cards(self.simulator.person(other)))
        found = re.search(r"[0-9A-F]{4}-[0-9A-F]{4}", shown)
        await self.enters(who, found[0] if found else "")

    async def writes(self, who: str, text: str) -> None:
        """`Ana writes Could we talk at noon?`: into the field for a line."""
        self.simulator.chat(who).fills(self.simulator.person(who), {"line": text})

    async def pastes(self, who: str, text: str) -> None:
        """`Dana pastes Name;Id | Bo;{Bo}`: a list, its lines between strokes; a name in braces is their account."""
        lines = re.sub(r"\{(\w+)\}", lambda name: self._account(name[1]), text.replace(" | ", "\n"))
        self.simulator.chat(who).fills(self.simulator.person(who), {"invite-list": lines})

    def _account(self, name: str) -> str:
        person = self.simulator.person(name)
        return f"{person.platform}:{person.workspace}:{person.id}"

    async def leaves(self, who: str) -> None:
        """`Ana leaves the hospital`: her account ends."""
        self.simulator.chat(who).leaves(self.simulator.person(who))

    async def is_switched_off(self, who: str) -> None:
        """`Ana's account is switched off`: the platform says so; on Teams she removes the app."""
        await self.simulator.chat(who).is_switched_off(self.simulator.person(who), self.simulator.engine)

    # ------------------------------------------------------------ what people see

    async def reads(self, who: str, verb: str, text: str) -> None:
        """`Ana reads …` or `Ana sees …`: the next thing she was shown, new or changed. Raises Disagrees."""
        await self.simulator.idle()
        self.gather()
        person = self.simulator.person(who)
        mine = next((happening for happening in self.unread if happening.to == person), None)
        if mine is None:
            raise Disagrees(self.as_line(self.unread[0]) if self.unread else "(nothing)")
        if mine.verb != verb or not re.fullmatch(_pattern(text), said(mine.card)):
            raise Disagrees(self.as_line(mine))
        self.unread.remove(mine)

    async def sees_nothing(self, who: str) -> None:
        """`Ana sees an empty chat`. Raises Disagrees."""
        left = self.simulator.chat(who).cards(self.simulator.person(who))
        if left:
            raise Disagrees(f"{who} still has  {said(left[0])}")

    async def sees_only(self, who: str, text: str) -> None:
        """`Ana sees only  If you can't …`: nothing else stands in her chat. Raises Disagrees."""
        await self.simulator.idle()
        stand = self.simulator.chat(who).cards(self.simulator.person(who))
        passing = self.simulator.engine.acknowledgement().text  # Teams shows it for a moment
        left = [said(card) for card in stand if card.text != passing]
        if not left or any(not re.fullmatch(_pattern(text), card) for card in left):
            raise Disagrees(f"{who} sees only  {' / '.join(left) or '(nothing)'}")

    async def nothing_kept(self, who: str) -> None:
        """`nothing about Ana is kept`. Raises Disagrees."""
        await self.simulator.engine.services.store.purge()
        if kept := await self.simulator.kept_about(who):
            raise Disagrees(f"(still kept: {', '.join(kept)})")

    # ------------------------------------------------------------ time, and the world

    async def passes(self, amount: str, unit: str) -> None:
        """`30 minutes pass`."""
        await self.simulator.wait(self.simulator.now + int(amount) * UNITS[unit])

    async def becomes(self, weekday: str, clock: str) -> None:
        """`it is Friday 23:00`."""
        days = (WEEKDAYS.index(weekday) - self.simulator.now.weekday()) % 7
        at = datetime.combine(self.simulator.now.date() + timedelta(days=days), time.fromisoformat(clock), UTC)
        await self.simulator.wait(at if at >= self.simulator.now else at + timedelta(days=7))

    async def down(self, amount: str, unit: str) -> None:
        """`the bot is down for 3 hours`."""
        await self.simulator.sleep(self.simulator.now + int(amount) * UNITS[unit])

    async def restarts(self) -> None:
        """`the bot restarts`."""
        await self.simulator.restart()

    async def busy(self, platform: str) -> None:
        """`Slack does not answer`."""
        self.simulator.chats[platform.lower()].busy = True

    async def answers(self, platform: str) -> None:
        """`Slack answers again`."""
        self.simulator.chats[platform.lower()].busy = False


def is_silent(line: str) -> bool:
    """Whether a line says nothing to the bot: it is empty, or a comment."""
    return not line.strip() or line.startswith("#")


def _names(text: str) -> list[str]:
    return [name for name in re.split(r",\s*|\s+and\s+", text) if name]


def _pattern(text: str) -> str:
    """A line of a dialogue as a regular expression: … stands for anything."""
    wanted = ".*".join(re.escape(" ".join(part.split())) for part in text.split("…"))
    return wanted.replace(r"\ .*", ".*").replace(r".*\ ", ".*")


def _actors(line: Mapping[str, str | None]) -> list[str]:
    """Who acts in a line."""
    return [*_names(line.get("names") or ""), *_names(line.get("who") or "")]


def _has(card: Card, label: str) -> bool:
    return any(button.label == label for button in card.buttons)


def said(card: Card) -> str:
    """A card as a dialogue writes it: the words, the quoted line, and the buttons."""
    quote = f" “{card.quote}”" if card.quote else ""
    link = f" <{card.link.label}: {card.link.person.id}>" if card.link else ""
    return " ".join([" ".join(card.text.split()) + quote + link, *(f"[{button.label}]" for button in card.buttons)])


_WHO = r"(?P<who>[A-Z]\w*)"
_NAMES = r"(?P<names>[A-Z]\w*(?:(?:, | and )[A-Z]\w*)*)"
_PLATFORM = r"(?P<platform>Slack|Teams)"
_LABEL = r"\[(?P<label>[^\]]+)\]"
_SPAN = r"(?P<amount>\d+) (?P<unit>minute|hour|day)s?"

# pattern, what it does, whether a person acts (so that everything shown before must have been read)
_LINES = (
    (rf"Given peers? {_NAMES}(?: \((?P<traits>[^)]*)\))?(?: on {_PLATFORM})?", ChatScript.add_peers, True),
    (rf"Given coordinators? {_NAMES}", ChatScript.coordinators, False),
    (r"Given (?P<name>[A-Z]\w*) on call", ChatScript.on_call, False),
    (r"Given (?P<name>PEERSUPPORT_\w+)=(?P<value>.*)", ChatScript.setting, False),
    (rf"Given (?P<name>[A-Z]\w*) on {_PLATFORM}", ChatScript.has_account, False),
    (rf"{_WHO} +types +(?P<text>.+)", ChatScript.types, True),
    (rf"{_WHO} +opens +the Home tab", ChatScript.opens_home, True),
    (rf"{_WHO} +presses the old +{_LABEL}", ChatScript.presses_old, True),
    (rf"{_WHO} +presses (?P<other>[A-Z]\w*)'s +{_LABEL}", ChatScript.presses_anothers, True),
    (rf"{_WHO} +presses twice +{_LABEL}", ChatScript.presses_twice, True),
    (rf"{_WHO} +presses(?: the (?P<nth>\d)(?:nd|rd|th))? +{_LABEL}", ChatScript.presses, True),
    (rf"{_NAMES} +press +{_LABEL} at once", ChatScript.press_at_once, True),
    (rf"{_WHO} +chooses +(?P<label>.+)", ChatScript.chooses, False),
    (rf"{_WHO} +leaves out anyone called +(?P<text>.+)", ChatScript.leaves_out_anyone_called, False),
    (rf"{_WHO} +leaves out +{_NAMES}", ChatScript.leaves_out, False),
    (rf"{_WHO} +picks +{_NAMES}", ChatScript.picks, False),
    (rf"{_WHO} +says that this is (?P<name>[A-Z]\w*) here", ChatScript.is_also, False),
    (rf"{_WHO} +enters +the code of (?P<other>[A-Z]\w*)", ChatScript.enters_anothers, False),
    (rf"{_WHO} +enters +(?P<text>.+)", ChatScript.enters, False),
    (rf"{_WHO} +pastes +(?P<text>.+)", ChatScript.pastes, False),
    (rf"{_WHO} +leaves the hospital", ChatScript.leaves, False),
    (rf"{_WHO}'s account is switched off", ChatScript.is_switched_off, True),
    (rf"{_WHO} +writes +(?P<text>.+)", ChatScript.writes, False),
    (rf"{_WHO} +sees an empty chat", ChatScript.sees_nothing, False),
    (rf"{_WHO} +sees only +(?P<text>.+)", ChatScript.sees_only, False),
    (rf"{_WHO} +(?P<verb>reads|sees) +(?P<text>.+)", ChatScript.reads, False),
    (rf"{_WHO} +is notified +(?P<text>.+)", ChatScript.is_notified, False),
    (rf"nothing about {_WHO} is kept", ChatScript.nothing_kept, True),
    (rf"{_SPAN} pass(?:es)?", ChatScript.passes, True),
    (r"it is (?P<weekday>[A-Z]\w+day) (?P<clock>\d\d:\d\d)", ChatScript.becomes, True),
    (rf"the bot is down for {_SPAN}", ChatScript.down, True),
    (r"the bot restarts", ChatScript.restarts, True),
    (rf"{_PLATFORM} does not answer", ChatScript.busy, False),
    (rf"{_PLATFORM} answers again", ChatScript.answers, False),
)

# ---------------------------------------------------------------- from outside


def scenarios() -> Mapping[str, Path]:
    """The dialogues that come with the programme, by name: those of this checkout, or those that were installed."""
    here = Path(__file__).parents[2]
    folders = (here / "tests" / "scenarios", here / "bot" / "playground" / "scenarios")
    folder = next((folder for folder in folders if folder.is_dir()), folders[0])
    return {path.stem: path for path in sorted(folder.glob("*.chat"))}


def perform(path: Path, out: Callable[[str], None], *, restarting: bool = False) -> bool:
    """Play a dialogue, telling each line as it comes true; False (and the disagreement told) where the bot differs."""
    lines = enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
    with TemporaryDirectory() as folder:
        try:
            asyncio.run(ChatScript(Simulator(Path(folder)), restarting=restarting).play(lines, out))
        except Disagrees as disagrees:
            out(f"{path.name}: {disagrees}")
            return False
    return True
