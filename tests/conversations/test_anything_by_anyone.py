"""Whatever people press, type or leave alone, in whatever order, and whatever breaks meanwhile: the laws hold.

The real engine and the real store play with pretend platforms. What happens is a list of small numbers, so that a
failure is replayed and shrunk; each number means something that can happen to the screens as they stand.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from adapters.base import Button, Card, Reply
from adapters.fakes.direct import DirectAdapter
from bot.engine.codec import Stored, decode
from bot.playground.chat_script import said
from bot.playground.simulator import Simulator
from conversations.model import Facts, OnCall, Person
from conversations.support.request import Request
from tests import laws
from tests.engine.hostile_scheduler import TwoOfUs
from tests.laws import Witness, World

CLINICIANS = ("Ana", "Abe")
PEERS = ("Bo", "Cy", "Di")
HOUSE = ("Dana", "Eve", "Kim")
EVERYBODY = (*CLINICIANS, *PEERS, *HOUSE, "Otto")
TYPED = (
    *("/peersupport", "/peersupport soon", "soon", "help", "no-rush", "privacy", "data", "numbers", "stop", "hide"),
    *("forget me", "I am not safe", "status", "peer", "pause", "resume", "leave", "my patient died, canary-typed"),
)
WAITS = tuple(timedelta(minutes=minutes) for minutes in (1, 11, 40, 130))
DOWN = tuple(timedelta(hours=hours) for hours in (0, 1, 7, 13, 26, 100, 240))

Action = tuple[int, int, int]
Actions = Sequence[Action]


@dataclass(slots=True)
class Play:
    """One evening in a simulation. After every act the laws are checked."""

    simulator: Simulator
    restarting: bool = False
    world: World = field(default_factory=World)
    witness: Witness = field(default_factory=Witness)
    refusals: set[tuple[str, str, int]] = field(default_factory=set)
    read: dict[str, int] = field(default_factory=dict)

    # ------------------------------------------------------------ the simulation

    async def begin(self) -> None:
        simulator = self.simulator
        simulator.environment |= {"PEERSUPPORT_APPROVAL": "coordinator", "PEERSUPPORT_WAVES": "1,2,rest"}
        simulator.people["Abe"] = simulator.chats["teams"].person("Abe")
        simulator.people["Eve"] = simulator.chats["teams"].person("Eve")
        simulator.roles["coordinators"] = (simulator.person("Dana"), simulator.person("Eve"))
        simulator.roles["on_call"] = OnCall("Dr. Kim Lee", "555 0100", "day and night", simulator.person("Kim"))
        await simulator.add_peer("Bo", "slack", ("1", "wards"))
        await simulator.add_peer("Cy", "teams", ("visible", "physician"))
        await simulator.add_peer("Di", "slack", ("days", "evenings"))
        self.world = await self.look()

    async def look(self) -> World:
        services = self.simulator.engine.services

        async def of(kind: str) -> list[Stored[Any]]:
            return [decode(record, services.vault) for record in await services.store.all_of_kind(kind)]

        return World(
            {saved.conversation.id: saved for saved in await of("support")},
            {saved.conversation.peer.person: saved for saved in await of("volunteering")},
            {saved.conversation.id: saved for saved in await of("doorstep")},
        )

    def chat(self, name: str) -> DirectAdapter:
        return self.simulator.chat(name)

    def person(self, name: str) -> Person:
        return self.simulator.person(name)

    def name(self, who: Person) -> str:
        return who.id

    @property
    def busy(self) -> bool:
        return any(chat.busy for chat in self.simulator.chats.values())

    async def begin_at(self, scene: int) -> None:
        """The evening may begin in the middle of a story."""
        told = (
            ("Ana", "Talk to someone soon"),
            ("Ana", "Ask now"),
            ("", "Yes, I can"),
            ("Ana", ("Stay unnamed and write here", "Share my name and connect")[scene % 2]),
            ("", ("I'm worried", "Write")[scene % 2]),
        )
        await self.chat("Ana").types(self.person("Ana"), "help", self.simulator.engine)
        await self.settled()
        for who, label in told[: scene % 8]:
            await self.press_labelled((who,) if who else PEERS, label)
            await self.settled()

    async def press_labelled(self, names: Sequence[str], label: str) -> None:
        for name in names:
            for button, card in self.buttons(name):
                if button.label == label:
                    return await self.press(name, button, card, 2)
        return None

    # ------------------------------------------------------------ what can happen

    async def act(self, action: Action) -> None:
        what, who, which = action
        deeds = (
            *(self.press_something,) * 9,
            *(self.press_at_once,) * 2,
            self.press_twice,
            self.press_something_old,
            self.press_anothers,
            *(self.type_something,) * 2,
            *(self.time_passes,) * 2,
            self.be_down,
            self.platform_stumbles,
            self.somebody_leaves,
        )
        await deeds[what % len(deeds)](who, which)
        await self.settled()
        if self.restarting:
            await self.simulator.restart()
            await self.settled()

    async def settled(self) -> None:
        await self.simulator.engine.idle()
        await self.pass_until(self.simulator.now)

    async def pass_until(self, until: datetime) -> None:
        """As the clock would: awake whenever something falls due, and judged every time."""
        await self.judge()
        while (due := await self.simulator.engine.next_wake()) is not None and due <= until:
            self.simulator.now = max(self.simulator.now, due)
            await self.simulator.catch_up()
            await self.judge()
        self.simulator.now = until

    def buttons(self, name: str) -> list[tuple[Button, Card]]:
        return [(button, card) for card in self.chat(name).cards(self.person(name)) for button in card.buttons]

    def here(self) -> list[str]:
        return [name for name in EVERYBODY if self.person(name) not in self.chat(name).left]

    def somebody(self, who: int) -> str:
        """Somebody who has a button before them, where there is anybody."""
        able = [name for name in self.here() if self.buttons(name)] or ["Otto"]
        return able[who % len(able)]

    async def press_something(self, who: int, which: int) -> None:
        """Mostly what is asked of somebody just now; sometimes a button of the door, which always stands open."""
        everything = [(name, *pair) for name in self.here() for pair in self.buttons(name)]
        asked = [(name, button, card) for name, button, card in everything if button.token[0] != "="]
        able = everything if which % 7 == 0 else asked
        if not able:
            return await self.type_something(who, which % 3)
        name, button, card = able[(who * 31 + which) % len(able)]
        return await self.press(name, button, card, which)

    async def press(self, name: str, button: Button, card: Card, which: int, times: int = 1) -> None:
        self.fill_in(name, card, which)
        person = self.person(name)
        press = self.chat(name).press(person, button, card)
        self.note(person, button, press.answers.get("line", ""))
        world, seen = await self.look(), self.counted(person)
        standing = await self.stands(person, button)
        answers = [await self.simulator.engine.receive(press) for _ in range(times)]
        self.give(name, answers[0])
        await self.simulator.engine.idle()
        if standing and not self.busy:
            again = button.label == "Ask everyone again"  # asked already, and nobody new is free
            assert again or answers[0].kind != "refused", f"{name} presses [{button.label}] and is refused"
            happened = (await self.look()).talks() != world.talks() or self.counted(person) > seen
            assert again or happened or answers[0].kind == "form", (
                f"{name} presses [{button.label}] and nothing happens"
            )

    def give(self, name: str, answer: Reply) -> None:
        if answer.kind == "refused":
            assert answer.card
            self.refusals.add((answer.card.text, answer.card.push, len(answer.card.buttons)))
        self.chat(name).answered(self.person(name), answer)

    def counted(self, person: Person) -> int:
        return sum(happening.to == person for chat in self.simulator.chats.values() for happening in chat.happenings)

    async def stands(self, person: Person, button: Button) -> bool:
        """Whether this button belongs to a card that stands in one of their slots, as delivered."""
        world = await self.look()
        for saved in (*world.requests.values(), *world.volunteers.values()):
            for slot in saved.outbox.slots:
                shown = self.simulator.chats[slot.to.platform].screens.at(slot.ref or "")
                if slot.to == person and shown and button in shown.body.buttons:
                    return not any(delivery.to == person for delivery in saved.outbox.deliveries)
        return False

    def note(self, person: Person, button: Button, line: object) -> None:
        """What this press agrees to, as the presser means it; what the laws allow is read from here."""
        token = self.simulator.engine.services.vault.read_token(button.token) if button.token[0] != "=" else None
        saved = self.world.requests.get(token.record_id) if token else None
        if token is None or saved is None:
            return
        self.witness.saw_press(saved.conversation, person, token, line)

    def fill_in(self, name: str, card: Card, which: int) -> None:
        for asked in card.fields:
            if asked.kind == "text":
                self.chat(name).fills(self.person(name), {asked.name: f"canary-{len(self.witness.lines)}"})
            if asked.kind == "people" and which % 3 == 0:
                left_out = EVERYBODY[which % len(EVERYBODY)]
                self.chat(name).fills(self.person(name), {asked.name: (self.person(left_out),)})
            if asked.kind == "choice" and asked.options and which % 4 == 1:
                self.chat(name).fills(self.person(name), {asked.name: asked.options[which % len(asked.options)].value})

    async def press_at_once(self, who: int, which: int) -> None:
        """Everybody who can say the same, at the same moment."""
        button, _ = (self.buttons(self.somebody(who)) or [(None, None)])[0]
        if button is None:
            return
        presses = []
        for name in self.here():
            for mine, card in self.buttons(name):
                if mine.label == button.label:
                    self.fill_in(name, card, which)
                    press = self.chat(name).press(self.person(name), mine, card)
                    self.note(self.person(name), mine, press.answers.get("line", ""))
                    presses.append((name, press))
                    break
        answers = await asyncio.gather(*(self.simulator.engine.receive(press) for _, press in presses))
        for (name, _), answer in zip(presses, answers, strict=True):
            self.give(name, answer)

    async def press_twice(self, who: int, which: int) -> None:
        """The platform delivers one press again: it counts once."""
        name = self.somebody(who)
        if not (before := self.buttons(name)):
            return
        button, card = before[which % len(before)]
        self.fill_in(name, card, which)
        press = self.chat(name).press(self.person(name), button, card)
        self.note(self.person(name), button, press.answers.get("line", ""))
        self.give(name, await self.simulator.engine.receive(press))
        await self.simulator.engine.idle()
        once = await self.look()
        await asyncio.gather(*(self.simulator.engine.receive(press) for _ in range(3)))
        await self.simulator.engine.idle()
        assert (await self.look()).talks() == once.talks(), f"[{button.label}] counted twice"

    async def press_something_old(self, who: int, which: int) -> None:
        name = self.here()[who % len(self.here())]
        person = self.person(name)
        current = {button.token for button, _ in self.buttons(name)}
        old = [
            (button, card)
            for card in self.chat(name).old_cards(person)
            for button in card.buttons
            if button.token not in current and button.token[0] != "=" and not self.means_the_same(person, button)
        ]
        if old and not self.busy:
            await self.changes_nothing(name, *old[which % len(old)])

    def means_the_same(self, person: Person, button: Button) -> bool:
        """A card that was said again, word for word: whoever presses the copy above means what stands below."""
        token = self.simulator.engine.services.vault.read_token(button.token)
        saved = self.world.requests.get(token.record_id) if token else None
        slot = saved.outbox.pressed(person, token.slot) if saved and token else None
        return bool(token and slot and slot.answers_to(token.generation))

    async def press_anothers(self, who: int, which: int) -> None:
        name, other = self.here()[who % len(self.here())], EVERYBODY[which % len(EVERYBODY)]
        theirs = [(button, card) for button, card in self.buttons(other) if button.token[0] != "="]
        if name == other or not theirs:
            return
        button, card = theirs[which % len(theirs)]
        answer = await self.changes_nothing(name, button, card)
        assert answer.kind == "refused"

    async def changes_nothing(self, name: str, button: Button, card: Card) -> Reply:
        before = await self.look()
        answer = await self.simulator.engine.receive(self.chat(name).press(self.person(name), button, card))
        self.give(name, answer)
        await self.simulator.engine.idle()
        assert (await self.look()).talks() == before.talks(), f"{name} presses an old [{button.label}]"
        return answer

    async def type_something(self, who: int, which: int) -> None:
        name = self.here()[who % len(self.here())]
        person, typed = self.person(name), TYPED[which % len(TYPED)]
        seen = self.counted(person)
        await self.chat(name).types(person, typed, self.simulator.engine)
        await self.simulator.engine.idle()
        if not self.busy:
            assert self.counted(person) > seen, f"{name} types {typed} and reads nothing"

    async def time_passes(self, who: int, which: int) -> None:
        await self.pass_until(self.simulator.now + WAITS[which % len(WAITS)])

    async def be_down(self, who: int, which: int) -> None:
        await self.simulator.sleep(self.simulator.now + DOWN[which % len(DOWN)])

    async def platform_stumbles(self, who: int, which: int) -> None:
        chat = self.simulator.chats[("slack", "teams")[who % 2]]
        chat.busy = not chat.busy

    async def somebody_leaves(self, who: int, which: int) -> None:
        if which % 4 == 0 and len(self.here()) > 5:
            name = EVERYBODY[who % len(EVERYBODY)]
            self.chat(name).left.add(self.person(name))

    # ------------------------------------------------------------ the laws

    async def judge(self) -> None:
        before, self.world = self.world, await self.look()
        for saved in self.world.requests.values():
            self.a_request_is_in_order(saved, before)
        laws.the_roster_knows_who_walks_with_whom(self.world)
        laws.the_door_knows_its_request(self.world)
        self.no_button_is_dead()
        self.screens_show_what_was_decided()
        self.everybody_reads_only_what_is_theirs()
        assert len(self.refusals) <= 1, "refusals differ"

    def a_request_is_in_order(self, saved: Stored[Request], before: World) -> None:
        talk, now = saved.conversation, self.simulator.now
        officials = (*self.simulator.roles["coordinators"], self.person("Kim"))
        laws.a_request_is_in_order(saved, self.witness, officials, now)
        laws.offers_are_fair(talk, before, self.world.requests, now)
        laws.lines_are_gone(saved, self.witness.lines)

    def has_left(self, who: Person) -> bool:
        return who in self.simulator.chats[who.platform].left

    def no_button_is_dead(self) -> None:
        facts = Facts(self.simulator.now, self.simulator.engine.services.programme)
        for kind, saved in self.world.everything():
            if kind != "doorstep":
                laws.no_button_is_dead(kind, saved, facts, self.has_left)

    def screens_show_what_was_decided(self) -> None:
        words, chats = self.simulator.engine.services.renderer, self.simulator.chats
        for _, saved in self.world.everything():
            laws.the_screen_shows_what_was_decided(saved, chats, words, lambda slot: self.has_left(slot.to))
            assert not saved.outbox.ready(self.simulator.now), "unsent, and nobody is at it"

    def everybody_reads_only_what_is_theirs(self) -> None:
        for platform, chat in self.simulator.chats.items():
            new = chat.happenings[self.read.get(platform, 0) :]
            self.read[platform] = len(chat.happenings)
            for happening in new:
                card, reader = happening.card, happening.to
                told = said(card)
                laws.a_lock_screen_says_nothing(card)
                assert "canary-typed" not in told
                mentioned = [name for name in (*CLINICIANS, *PEERS) if re.search(rf"\b{name}\b", told)]
                named = [self.person(name) for name in mentioned]
                laws.names_are_known(told, reader, named, self.may_know)
                assert not card.quote or card.quote in self.witness.lines
                laws.a_line_is_for_the_other_one(card, reader, self.witness, self.world)

    def may_know(self, person: Person, reader: Person, told: str) -> bool:
        official = reader.id in HOUSE and ("offers to be a peer" in told or "is worried about" in told)
        official |= reader.id in HOUSE and "talk first" in told
        known_by = ("is a trained peer", "shared their name", "has finished for now")
        visible = person.id == "Cy" and any(words in told for words in known_by)
        return (person, reader) in self.witness.knows or official or visible

    # ------------------------------------------------------------ the end

    async def end(self) -> None:
        """Nobody does anything any more: everything is let go of, and forgotten."""
        for chat in self.simulator.chats.values():
            chat.busy = False
        for _ in range(8):
            await self.simulator.sleep(self.simulator.now + timedelta(days=16))
            await self.settled()
        assert not self.world.requests, "a request was never forgotten"
        assert not self.world.doors, "a doorstep was never forgotten"
        for saved in self.world.volunteers.values():
            peer = saved.conversation.peer
            kept = (*peer.holding, *peer.asked, *((peer.resting_until,) if peer.resting_until else ()))
            assert not kept, "the roster remembers who helped when"


async def played(
    simulator: Simulator, scene: int, actions: Actions, *, restarting: bool = False
) -> dict[str, list[str]]:
    play = Play(simulator, restarting)
    await play.begin()
    await play.begin_at(scene)
    for action in actions:
        await play.act(action)
    await play.end()
    await play.simulator.stop()
    happenings = [happening for chat in play.simulator.chats.values() for happening in chat.happenings]
    return {
        name: [f"{one.verb} {said(one.card)}" for one in happenings if one.to == play.person(name)]
        for name in EVERYBODY
    }


def run(
    scene: int, actions: Actions, *, restarting: bool = False, stage: Callable[[Path], Simulator] = Simulator
) -> dict[str, list[str]]:
    with TemporaryDirectory() as folder, capture_logs() as logs:
        read = asyncio.run(played(stage(Path(folder)), scene, actions, restarting=restarting))
    assert not [entry for entry in logs if entry["log_level"] == "error"], "something broke and was only logged"
    return read


numbers = st.integers(0, 99)
evenings = st.lists(st.tuples(numbers, numbers, numbers), min_size=8, max_size=20)
profile = settings(
    derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@settings(profile, max_examples=14)
@given(numbers, evenings)
def test_whatever_happens_the_laws_hold(scene: int, actions: Actions):
    run(scene, actions)


@settings(profile, max_examples=10)
@given(numbers, evenings, numbers)
def test_two_of_us_and_a_clock_that_loses_doubles_delays_and_reorders_break_no_law(
    scene: int, actions: Actions, seed: int
):
    run(scene, actions, stage=lambda folder: TwoOfUs(folder, seed))


@settings(profile, max_examples=3)
@given(numbers, evenings)
def test_restarting_anywhere_gives_the_same_messages(scene: int, actions: Actions):
    assert run(scene, actions) == run(scene, actions, restarting=True)
