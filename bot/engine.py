"""The loop: read a conversation, let it decide, write it once, then say what it said."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from typing import Any

import structlog

from adapters.base import Answer, Card, Press, Stopped, TryLater
from bot.house import House
from bot.outbox import LEASE, Slot
from bot.post import Post
from bot.records import KINDS, Saved, id_of
from bot.step import Step
from bot.store.base import Gone, Newer, Record, Stale
from bot.texts import Reader
from bot.vault import Token
from conversations import anywhere
from conversations.model import Chose, Opened, Person, Say

log = structlog.get_logger()

PAGE = 500  # records looked at between two questions to the store
EVERYTHING = 1_000_000
AT_ONCE = 8  # where each waits for a server; as many as the store has connections


class Engine:
    """What an adapter hands a press to, and what the clock wakes. An answer means: it is written down."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.post = Post(house)
        self.shut_out: set[str] = set()  # platforms that have withdrawn our access, until we start again
        self.post.stopped = self.shut_out.add

    # ------------------------------------------------------------ what people do

    async def receive(self, press: Press) -> Answer:
        """Take a press in, exactly once. Raises only when it could not be written, so that it is sent again.

        What a newer version wrote is left to it: whoever presses is asked to press again, because no platform would.
        """
        try:
            if press.token.startswith("="):
                return await self._at_the_door(press)
            token = self.house.vault.read_token(press.token)
            return self._refused() if token is None else await self._pressed(press, token)
        except Newer:
            return Answer("refused", self._line("refused", "being-updated"))

    async def _at_the_door(self, press: Press) -> Answer:
        word = press.token[1:] if press.token[1:] in anywhere.WORDS else ""
        while True:
            step = Step(self.house, press.by, press.how, press.address, press.id)
            if await step.happened_before():
                return Answer()
            await step.decide("doorstep", press.by, Opened(press.by, word, press.how))
            if await self._write(step):
                form = await self._form(step, press, id_of("doorstep", press.by, self.house.vault))
                return form or await self._in_place(step, press)

    async def _pressed(self, press: Press, token: Token) -> Answer:
        while True:
            step = Step(self.house, press.by, press.how, press.address, press.id)
            saved = await step.found(token.record_id)
            name = self._pressed_on(saved, press.by, token) if saved else None
            if saved is None or name is None:
                return self._lost(press, token) if saved is None else self._refused()
            if await step.happened_before():
                return Answer()
            if name:
                _refuse_what_is_newer(saved, press.by, token)
                await step.decide(saved.kind, token.record_id, Chose(press.by, token.choice, press.answers, name))
            if not step.meant_something():
                return self._old(saved, press, token)
            if press.address is not None:
                await step.reached_at(press.by, press.address)
            if await self._write(step):
                return await self._form(step, press, token.record_id) or Answer()

    def _pressed_on(self, saved: Saved[Any], by: Person, token: Token) -> str | None:
        """The slot or form this button belongs to; "" for a card they no longer have, None for somebody else's."""
        form = _form_of(token)
        if form:
            return form if token.slot == self.house.form_key(form, by) else None
        slot = saved.mail.pressed(by, token.slot)
        if slot is None:
            return None
        return slot.name if slot.answers_to(token.generation) else ""

    def _old(self, saved: Saved[Any], press: Press, token: Token) -> Answer:
        """Nothing came of it. Whoever sees the neutral line, or is about to see the card change, needs no more."""
        slot = saved.mail.pressed(press.by, token.slot)
        if slot is None or press.fleeting:
            return self._refused()
        changing = any(errand.to == slot.to and errand.slot == slot.name for errand in saved.mail.errands)
        return Answer() if changing or slot.say.manner == "withdraw" else self._refused()

    def _lost(self, press: Press, token: Token) -> Answer:
        """The conversation is gone. What somebody wrote in its form was passed to nobody, and they are told."""
        form = _form_of(token)
        if not form or token.slot != self.house.form_key(form, press.by):
            return self._refused()
        return Answer("refused", self._line("refused", "relay-not-passed-on"))

    async def _write(self, step: Step) -> bool:
        """Save the step and send the post on its way; False when somebody wrote first and it has to begin again."""
        try:
            touched = await step.write()
        except Stale:
            return False
        self.post.ledger.written()
        self.post.soon(*touched)
        return True

    # ------------------------------------------------------------ what they are told at once

    async def _form(self, step: Step, press: Press, record_id: str) -> Answer | None:
        forms = [say for _, say in step.asides if say.manner == "form"]
        if not forms:
            return None
        key = self.house.form_key(forms[-1].slot, press.by)
        reader = Reader(self.house.programme.zone)
        form = await self.house.card(forms[-1], record_id, key, 0, self.house.new_id(), reader)
        return Answer("form", form)

    async def _in_place(self, step: Step, press: Press) -> Answer:
        """A command is answered where it was typed, for the typist's eyes; what is longer waits in our own chat."""
        if press.fleeting:
            return Answer("aside", await self._see_chat(press))
        if press.how != "command":
            return Answer()
        short = [(id_, say) for id_, say in step.asides if not say.questions]
        if len(short) < len(step.asides) or not short:
            return Answer("aside", await self._see_chat(press))
        try:
            return Answer("aside", await self._copy(step, press, *short[-1]))
        except (TryLater, Stopped):  # a name could not be looked up now; it is written all the same
            return Answer("aside", await self._see_chat(press))

    async def _copy(self, step: Step, press: Press, id_: str, say: Say) -> Card:
        saved = step.outcome(id_)
        return await self._drawn(saved, say, saved.mail.slot(press.by, say.slot))

    async def current(self, by: Person, token: str) -> Card | None:
        """The card as it stands now where this button was pressed; None where nothing stands that can be drawn again.

        Raises TryLater when a name cannot be looked up now.
        """
        read = None if token.startswith("=") else self.house.vault.read_token(token)
        if read is None and not token.startswith("="):
            return None
        saved = await self.house.archive.load(read.record_id if read else id_of("doorstep", by, self.house.vault))
        if saved is None:
            return None
        slot = saved.mail.pressed(by, read.slot) if read else saved.mail.slot(by, "door")
        if slot is None or slot.quoted or slot.say.manner == "erase":
            return None
        return await self._drawn(saved, slot.say, slot)

    async def _drawn(self, saved: Saved[Any], say: Say, slot: Slot | None) -> Card:
        _, reader = await self.house.reader(saved.mail, saved.talk, say.to)
        key, generation = (slot.key, slot.generation) if slot else ("", 0)
        return await self.house.card(say, saved.talk.id, key, generation, self.house.new_id(), reader)

    async def _see_chat(self, press: Press) -> Card:
        return await self._constant(Say(press.by, "door-see-chat", "door"))

    async def _constant(self, say: Say) -> Card:
        return await self.house.card(say, "", "door", 0, self.house.new_id(), Reader())

    def _refused(self) -> Answer:
        return Answer("refused", self.refusal())

    def refusal(self) -> Card:
        """One line for every press that is old, another's or nobody's: it tells a stranger nothing."""
        return self._line("refused", "old-button")

    def not_here(self) -> Card:
        """What is said in a room full of people."""
        return self._line("not-here", "not-here")

    def noted(self) -> Card:
        """What is said where there is no card left to show."""
        return self._line("noted", "noted")

    def _line(self, id: str, text: str) -> Card:
        words = self.house.words
        return Card(id=id, text=words.say(text), push=words.say("push"))

    async def home(self, person: Person) -> Card:
        """The same page for everyone, always: if everyone has the card, having it proves nothing."""
        say = Say(person, "welcome", "door", anywhere.WELCOME, details={"how": "pressed"})
        return await self._constant(say)

    async def left(self, person: Person) -> None:
        """They took the bot away: nothing says any more where they are reached."""
        while True:
            step = Step(self.house)
            await step.moved_away(person)
            if await self._write(step):
                return

    async def shut(self, platform: str) -> None:
        """The platform withdrew our access. Sends stay owed; the operator is told."""
        self.shut_out.add(platform)
        log.error("platform-shut", platform=platform)

    # ------------------------------------------------------------ what time does

    async def resume(self) -> None:
        """What a stop or a crash left half said, where nobody else runs, before anything new is taken in.

        Beside other replicas it is not ours to take: what one of them left is found when its lease is over.
        """
        for id_ in await self.house.store.due(self.house.now() + LEASE, limit=EVERYTHING):
            self.post.start(self.post.deliver(id_, nobody_else_runs=True))

    async def wake(self) -> None:
        """Everything time owes anyone. Safe to run late, twice, in several replicas, or after a crash."""
        store, tried = self.house.store, set[str]()
        unchanged: list[str] = []
        while ids := await store.claim(self.house.now(), PAGE, tried):
            tried.update(ids)
            waiting = iter(ids)
            lines = AT_ONCE if store.shared else 1
            await asyncio.gather(*(self._elapse_each(waiting, unchanged) for _ in range(lines)))
        await store.give_back(unchanged)

    async def _elapse_each(self, waiting: Iterator[str], unchanged: list[str]) -> None:
        for id_ in waiting:
            try:
                if not await self._elapse(id_):
                    unchanged.append(id_)
            except Newer:
                log.warning("left-to-a-newer-version", what="deadline")
                unchanged.append(id_)
            except Exception as broken:  # noqa: BLE001 - the edge: one broken record must not keep the others waiting
                log.error("record-failed", kind=type(broken).__name__)
                unchanged.append(id_)
            await self.post.room()

    async def _elapse(self, id_: str) -> bool:
        """Whether anything was written of it."""
        while True:
            record = await self.house.store.load(id_)
            if record is None:
                return True
            if record.kind == "seen":
                await self._let_go(record)
                return True
            step = Step(self.house)
            await step.elapse(record.kind, id_)
            changed = step.changes(id_)
            if await self._write(step):
                self.post.soon(id_)
                return changed

    async def _let_go(self, record: Record) -> None:
        """Platforms no longer deliver this event again."""
        with suppress(Stale):  # gone already
            await self.house.store.save(Gone(record.id, record.revision))

    async def next_wake(self) -> datetime | None:
        return await self.house.store.next_due()

    async def idle(self) -> None:
        """Return when everything that can be delivered now has been."""
        await self.post.idle()


def _refuse_what_is_newer(saved: Saved[Any], by: Person, token: Token) -> None:
    """A button that stands before them, and that our table has never heard of: it must not look like an old one."""
    slot = saved.mail.pressed(by, token.slot)
    stands = slot is not None and token.choice in slot.say.choices
    if stands and not KINDS[saved.kind].flow.knows_choice(token.choice):
        raise Newer


def _form_of(token: Token) -> str:
    """The form this button sends, or "" where it stands on a card."""
    return token.slot.rpartition("/")[0]
