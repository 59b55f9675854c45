"""The table of who can read what is whole, and true: nobody's screen ever shows what is a no for them.

Everything the flows can say is looked up in it, and every dialogue is played with somebody looking over every shoulder.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from bot.card_content import CardContent
from bot.cli.documents import privacy_table
from bot.engine.codec import Stored, decode, json_of
from bot.playground.chat_script import ChatScript, said, scenarios
from bot.playground.simulator import Simulator
from bot.rendering import FOLDER, LANGUAGE, Renderer
from conversations import privacy
from conversations.immutable import replace
from conversations.messages import PeerLeft
from conversations.model import Chose, Message, Person, Programme, Told, Unreached
from conversations.privacy import READERS, THINGS, thing_of, verdicts
from conversations.support.request import Request
from tests.conversations.explore import FLOWS, FULL_HOUSE, Tried, tried
from tests.conversations.test_flow import HOUSE
from tests.conversations.test_words import BANNED
from tests.security.test_canaries import hidden_in

SHOWN_TO = READERS[:4]  # who has a screen of ours
NOT_CARDS = {"typed", "ticked", "left-out", "unnamed", "record", "audit", "footprint"}
CARDS_OF_THE_HOUSE = {
    *("old-button", "still-open", "without-buttons", "show-card", "noted", "not-here", "being-updated"),
    *("door-see-chat", "taken-away", "push", "push-offer"),
}

# ---------------------------------------------------------------- whole


@cache
def everything_said() -> tuple[tuple[str, Tried, Message], ...]:
    return tuple((flow.kind, step, say) for flow in FLOWS for step in tried(flow.kind) for say in step.says)


def spoken(kind: str, text: str, slot: str) -> set[str]:
    """The names by which the table may know this text."""
    return {f"{kind}/{text}", f"{slot}/{text}", text} & set(privacy.SPOKEN)


def test_everything_that_can_be_said_is_one_thing():
    found = {(kind, say.card, say.slot) for kind, _, say in everything_said()}
    for kind, text, slot in sorted(found):
        assert len(spoken(kind, text, slot)) == 1, f"{text}, said in {slot} of {kind}"
        assert thing_of(kind, text, slot) in THINGS
    known = set().union(*(spoken(*one) for one in found)) | CARDS_OF_THE_HOUSE
    assert set(privacy.SPOKEN) == known, "a text stands in the table that nobody says"
    assert {thing_of("", text, "") for text in CARDS_OF_THE_HOUSE} | {thing_of(*one) for one in found} == (
        set(THINGS) - NOT_CARDS
    )


def test_what_the_house_says_around_it_are_no_cards():
    assert {
        *(
            "link-elsewhere",
            "link-another-workspace",
            "a-colleague",
            "link-to-chat",
            "when-tomorrow",
            "when-weekday",
            "span-days",
            "span-hours",
        ),
    } == HOUSE - CARDS_OF_THE_HOUSE


def test_every_text_stands_in_the_table_once():
    texts = Counter(text for _, *texts in privacy._rows(privacy._TEXTS) for text in texts)
    assert [text for text, times in texts.items() if times > 1] == []
    things = Counter(thing for thing, *_ in privacy._rows(privacy._TABLE)[1:] if thing != "#")
    assert [thing for thing, times in things.items() if times > 1] == []
    assert {thing for thing, *_ in privacy._rows(privacy._TEXTS)} <= set(THINGS)


def test_every_row_has_a_cell_for_every_reader():
    head, *rows = privacy._rows(privacy._TABLE)
    assert head == ["thing", *READERS[:-1], "slack", "teams"]
    for row in rows:
        assert len(row) == (2 if row[0] == "#" else len(head)), row
    assert [thing for things in privacy.GROUPS.values() for thing in things] == list(THINGS)


def test_a_reason_says_yes_or_no_and_is_given_somewhere():
    assert privacy.reasons() >= privacy.CAN
    titles = re.split(r"^## ", (FOLDER / LANGUAGE / "privacy.ftl").read_text("utf-8"), flags=re.MULTILINE)
    under = {part.partition("\n")[0]: set(re.findall(r"^why-(\S+) =", part, re.MULTILINE)) for part in titles}
    assert under["Why they can"] == privacy.CAN
    assert under["Why they cannot"] == privacy.reasons() - privacy.CAN


# ---------------------------------------------------------------- plain


def test_readers_things_and_reasons_are_short_and_promise_nothing_too_much():
    words = Renderer.load(FULL_HOUSE)
    keys = [
        *map(privacy.reader_key, READERS),
        *map(privacy.thing_key, THINGS),
        *map(privacy.why_key, privacy.reasons()),
    ]
    for key in keys:
        text = words.text(key, platform="Teams")
        assert text not in {key, ""}
        assert len(text) <= (120 if key.startswith("why-") else 60), (len(text), key)
        assert "{" not in text, key
        for phrase in BANNED:
            assert not re.search(rf"\b{re.escape(phrase.strip())}\b", text.casefold()), (key, phrase)


@pytest.mark.parametrize(
    ("sentence", "card", "reason"),
    [
        ("passed-on", "support-relay", "why-wrote"),
        ("passed-on", "peer-relay", "why-wrote"),
        ("hospital-sees", "privacy", "why-message"),
        ("hospital-sees", "privacy", "why-card"),
        ("coordinator-hears", "support-nobody-now", "why-told-of-it"),
    ],
)
def test_a_sentence_changed_once_changes_on_the_card_and_in_the_table(sentence, card, reason, tmp_path):
    (tmp_path / LANGUAGE).mkdir()
    for file in (FOLDER / LANGUAGE).glob("*.ftl"):
        changed = re.sub(
            rf"^{sentence} = .*$", f"{sentence} = It is otherwise", file.read_text("utf-8"), flags=re.MULTILINE
        )
        (tmp_path / LANGUAGE / file.name).write_text(changed, "utf-8")
    words = Renderer.load(FULL_HOUSE, folder=tmp_path)
    given = {
        "platform": "Slack",
        "alias": "Maple",
        "peer-alias": "Brook",
        "clinician": "Ana",
        "by": "9",
        "coordinator": "yes",
    }
    for key in (card, reason):
        assert "It is otherwise" in words.text(key, **given), key


# ---------------------------------------------------------------- true of the settings


def can(thing: str, programme: Programme) -> set[str]:
    return {reader for reader, verdict in verdicts(thing, programme, "slack").items() if verdict.can}


def test_what_is_switched_off_is_read_by_nobody():
    no_relay, nobody = replace(FULL_HOUSE, relay=False), replace(FULL_HOUSE, on_call=None, coordinators=())
    by_phone = replace(FULL_HOUSE, on_call=replace(FULL_HOUSE.on_call, person=None))
    for thing in ("relay", "pen", "line", "sent"):
        assert can(thing, FULL_HOUSE)
        assert can(thing, no_relay) == set()
    for thing in ("worried", "page", "waiting", "unreached", "approval"):
        assert can(thing, FULL_HOUSE)
        assert can(thing, nobody) == set()
    assert can("worried", by_phone)
    assert can("page", by_phone) == set()


def test_what_does_not_exist_under_some_settings_is_never_said_there():
    """Trying everything also writes where no card offers to, and loses lines nobody wrote."""
    for kind, step, say in everything_said():
        programme, thing = step.facts.programme, thing_of(kind, say.card, say.slot)
        writes = isinstance(step.event, Chose) and step.event.choice in {"write", "send"}
        loses = isinstance(step.event, Unreached | Told)
        if not writes and not loses:
            assert programme.relay or "write" not in say.choices
            absent = {verdict.why for verdict in verdicts(thing, programme, say.to.platform).values()}
            assert not absent & {"why-relay-off", "why-nobody-on-call", "why-nobody-coordinates"}, say.card


def test_the_platforms_differ_where_they_do():
    slack, teams = (
        {thing for thing in THINGS if verdicts(thing, FULL_HOUSE, platform)["export"].can}
        for platform in ("slack", "teams")
    )
    assert slack < teams
    assert teams - slack == {"refusal", "pen"}


def test_the_page_printed_for_other_settings_is_another():
    assert privacy_table.page(replace(FULL_HOUSE, relay=False)) != privacy_table.page(FULL_HOUSE)


# ---------------------------------------------------------------- true of everything that is decided


def parts_in(kind: str, talk: Any, who: Person, programme: Programme, said_yes: set[Person]) -> set[str]:
    """Every part somebody has in this conversation; the person on call stands in no column.

    At the front door a peer is who comes by with another account that is linked to theirs.
    """
    on_call = programme.on_call is not None and who == programme.on_call.person
    coordinates = {"coordinator"} if who in programme.coordinators else {"on-call"} if on_call else set()
    if kind == "doorstep":
        visitor = {"clinician"} if who == talk.person else set()
        return visitor | coordinates | ({"peer"} if who in said_yes else set())
    if kind == "volunteering":
        return ({"peer"} if who == talk.peer.person else set()) | coordinates
    if who == talk.clinician:
        return {"clinician"}
    asked = who in {*talk.asked, *talk.passed, *(offer.peer for offer in talk.offers)}
    was_there = {"peer"} if who in said_yes else set()  # and may be asked again
    return was_there | ({"other-peers"} if asked else set()) | coordinates


ON_CALL = {"page", "waiting", "unreached", "neutral"}


def may_read(thing: str, parts: set[str], programme: Programme, platform: str) -> bool:
    judged = verdicts(thing, programme, platform)
    return any(judged[part].can for part in parts if part in judged) or ("on-call" in parts and thing in ON_CALL)


# said to who was there before, too
HANDED_BACK = {
    "relay-not-passed-on",
    "relay-undelivered",
    "peer-unsafe",
    "peer-worried",
    "peer-worried-on-call",
    "peer-worried-phone",
    "peer-phone-now",
    "peer-on-call-coming",
}


def made_up(step: Tried) -> bool:
    """A word about a peer is told of peers; trying everything also tries it of others."""
    event, talk = step.event, step.before
    if not isinstance(event, PeerLeft):
        return False
    return event.peer not in {talk.peer, *(offer.peer for offer in talk.offers)}


def were_there(talk: Request) -> set[Person | None]:
    return {talk.peer, *(finished.peer for finished in talk.finished)}


def test_nothing_is_decided_to_be_shown_to_whom_it_is_a_no():
    seen: set[tuple[str, str]] = set()
    for kind, step, say in everything_said():
        if made_up(step):
            continue
        programme = step.facts.programme
        walked = {who for talk in (step.before, step.after) for who in were_there(talk)} if kind == "support" else set()
        walked |= {who for peer in step.facts.peers for who in peer.also} if kind == "doorstep" else set()
        parts = {
            part
            for talk in (step.before, step.after)
            for part in parts_in(kind, talk, say.to, programme, walked - {None})
        }
        if "other-peers" in parts and say.card in HANDED_BACK:
            parts = {"peer"}
        thing = thing_of(kind, say.card, say.slot)
        assert may_read(thing, parts, FULL_HOUSE, say.to.platform), (kind, thing, say.card, parts)
        seen |= {(thing, part) for part in parts}
    said_to = {
        (thing, part)
        for thing in THINGS
        for part in SHOWN_TO
        if verdicts(thing, FULL_HOUSE, "slack")[part].why in {"why-to-them", "why-own-answer", "why-to-approve"}
    }
    assert said_to - seen == set(), "the table says that it is said to them, and it never is"


# ---------------------------------------------------------------- true of everything that is shown


@dataclass(slots=True)
class Shoulder:
    """Looks over everybody's shoulder while a dialogue is played, and into the store's file."""

    simulator: Simulator
    canaries: tuple[str, ...] = ()
    said_yes: dict[str, set[Person]] = field(default_factory=dict)
    asked: dict[str, set[Person]] = field(default_factory=dict)  # in any search, a new one begins a new list
    linked: set[Person] = field(default_factory=set)
    knows: set[tuple[Person, str]] = field(default_factory=set)  # whose screen may say whose name
    read: dict[str, int] = field(default_factory=dict)
    seen: Counter[tuple[str, str]] = field(default_factory=Counter)  # things and parts
    looked: int = 0

    async def look(self) -> None:
        records = [saved async for saved in self._records()]
        for saved in records:
            self._parts(saved)
        for saved in records:
            for slot in saved.outbox.slots:
                if slot.content.manner != "erase":
                    self._judge(saved, slot.content, slot.name)
        self._names({saved.conversation.clinician.id for saved in records if saved.kind == "support"})
        self._file()

    async def _records(self) -> Any:
        services = self.simulator.engine.services
        for kind in ("support", "volunteering", "doorstep"):
            for record in await services.store.all_of_kind(kind):
                yield decode(record, services.vault)

    def _parts(self, saved: Stored[Any]) -> None:
        if saved.kind == "support":
            talk = saved.conversation
            self.said_yes.setdefault(talk.id, set()).update({talk.peer} - {None})
            self.asked.setdefault(talk.id, set()).update(talk.asked)
        elif saved.kind == "volunteering":
            self.linked.update(saved.conversation.peer.also)

    def _judge(self, saved: Stored[Any], say: CardContent, slot: str) -> None:
        programme = self.simulator.engine.services.programme
        said_yes = self.linked if saved.kind == "doorstep" else self.said_yes.get(saved.conversation.id, set())
        parts = parts_in(saved.kind, saved.conversation, say.to, programme, said_yes)
        if not parts and say.to in self.asked.get(saved.conversation.id, ()):
            parts = {"other-peers"}
        thing = thing_of(saved.kind, say.card, slot)
        assert may_read(thing, parts, programme, say.to.platform), f"{say.to.id}, {parts}, is shown {thing}: {say.card}"
        self.seen.update((thing, part) for part in parts)
        named = {*say.people.values(), *((say.meet,) if say.meet else ())}
        if saved.kind == "support" and saved.conversation.clinician in named:
            assert thing in {"shared-name", "line"}, f"{say.card} names who asked"
            assert thing == "shared-name" or (say.to, saved.conversation.clinician.id) in self.knows
        self.knows |= {(say.to, person.id) for person in named}

    def _names(self, clinicians: set[str]) -> None:
        """On the screens themselves, whatever the records say: nobody reads a name before it was shared."""
        for platform, chat in self.simulator.chats.items():
            new = chat.happenings[self.read.get(platform, 0) :]
            self.read[platform] = len(chat.happenings)
            for happening in new:
                shown = said(happening.card)
                for name in clinicians - {happening.to.id}:
                    if re.search(rf"\b{name}\b", shown):
                        assert (happening.to, name) in self.knows, f"{happening.to.id} reads of {name}: {shown}"
                self.looked += 1

    def _file(self) -> None:
        for path in (self.simulator.folder / "store").rglob("*") if self.canaries else ():
            if path.is_file():
                assert hidden_in(path.read_bytes(), self.canaries) == [], path.name


class Watched(ChatScript):
    """Plays a dialogue, and looks after every line."""

    def __init__(self, simulator: Simulator, shoulder: Shoulder) -> None:
        super().__init__(simulator)
        self.shoulder = shoulder

    async def _line(self, line: str) -> None:
        await super()._line(line)
        if not line.startswith("Given"):
            await self.shoulder.look()


@cache
def watched(path: Path) -> Shoulder:
    with TemporaryDirectory() as folder:
        simulator = Simulator(Path(folder))
        shoulder = Shoulder(simulator)
        lines = enumerate(path.read_text("utf-8").splitlines(), 1)
        asyncio.run(Watched(simulator, shoulder).play(lines, lambda _: None))
    return shoulder


@pytest.mark.parametrize("name", scenarios())
def test_no_screen_shows_what_is_a_no(name):
    assert watched(scenarios()[name]).looked


def test_the_dialogues_show_enough_to_be_believed():
    seen = {one for path in scenarios().values() for one in watched(path).seen}
    assert len({thing for thing, _ in seen}) > 25
    assert {part for _, part in seen} >= set(SHOWN_TO)
    assert {("shared-name", "peer"), ("offer", "other-peers"), ("waiting", "coordinator")} <= seen


# ---------------------------------------------------------------- true of what is kept

ANA, BO, LINE = "Anastasia", "Bonifacius", "It was a long week on the seventh floor."


def acts(script: ChatScript) -> Iterator[Any]:
    yield script.types(ANA, "I had a canary of a night")
    yield script.presses(ANA, "Talk to someone soon")
    yield script.presses(ANA, "Choose more")
    yield script.leaves_out(ANA, "Leopoldine")
    yield script.leaves_out_anyone_called(ANA, "Quillfeather")
    yield script.presses(ANA, "Ask")
    yield script.presses(BO, "Yes, I can")
    yield script.presses(ANA, "Stay unnamed and write here")
    yield script.presses(ANA, "Write")
    yield script.writes(ANA, LINE)
    yield script.presses(ANA, "Send")
    yield script.presses(ANA, "Share my name")


async def test_the_store_without_its_key_reads_as_nothing(tmp_path):
    simulator = Simulator(tmp_path)
    canaries = (
        ANA,
        BO,
        "Leopoldine",
        "Quillfeather",
        LINE,
        "canary of a night",
        "emergency",
        "together",
        "relay-line",
        "peer-offer",
    )
    shoulder = Shoulder(simulator, canaries)
    await simulator.add_peer(BO, "slack", ("emergency",))
    for act in acts(ChatScript(simulator)):
        await act
        await simulator.settle()
        await shoulder.look()
    read = [said(shown.body) for shown in simulator.chats["slack"].screens.all if shown.who == BO]
    assert any(LINE in card for card in read)
    assert any(ANA in card for card in read)
    await simulator.stop()


async def test_what_is_typed_and_written_is_kept_nowhere_once_it_is_passed_on(tmp_path):
    """Not sealed either: opened with the key, the records hold neither the typed words nor the delivered line."""
    simulator = Simulator(tmp_path)
    await simulator.add_peer(BO, "slack", ())
    shoulder = Shoulder(simulator)
    for act in acts(ChatScript(simulator)):
        await act
        await simulator.settle()
        opened = [json_of(saved) async for saved in shoulder._records()]
        assert opened
        assert not any(b"canary" in record or LINE.encode() in record for record in opened)
    await simulator.stop()
