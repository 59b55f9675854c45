"""The engine: load a conversation, let it decide, write it once, then deliver what it said."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import datetime
from typing import Any, Final

import structlog

from adapters.base import AccessRevoked, Card, Interaction, Reply, RetryLater, front_door_word
from bot.card_content import Manner
from bot.crypto.button_token import ButtonToken
from bot.engine.codec import Stored, id_of
from bot.engine.delivery import DeliveryWorker
from bot.engine.outbox import LEASE
from bot.engine.replies import Replies
from bot.engine.repository import ReadAhead
from bot.engine.services import SHOW, Services
from bot.engine.unit_of_work import SEEN, Outgoing, UnitOfWork
from bot.errors import StaleRevision, WrittenByNewerVersion
from bot.rendering import Notice
from bot.store.base import Deletion
from conversations import slots
from conversations.model import Chose, Facts, Opened, Person
from conversations.registry import ENTRANCE, ENTRIES, HOMES, word_for
from conversations.vocabulary import FROM_ANY_COPY, Choice, Word

log = structlog.get_logger()

PAGE: Final = 500  # records looked at between two questions to the store
EVERYTHING: Final = 1_000_000
AT_ONCE: Final = 8  # where each waits for a server; as many as the store has connections

_WORDS: Final = {word.value: word for word in Word}


class Engine:
    """Adapters hand it interactions, and the scheduler wakes it. A reply means: it is written down.

    Args:
        services: What every part of the engine shares.
    """

    def __init__(self, services: Services) -> None:
        self.services = services
        self.shut_out: set[str] = set()  # platforms that refuse us now
        self.delivery = DeliveryWorker(services, self.shut_out)
        self._replies = Replies(services)

    # ------------------------------------------------------------ what people do

    async def receive(self, interaction: Interaction) -> Reply:
        """Take an interaction in, exactly once. It raises only when it could not be written, so that it is sent again.

        What a newer release wrote is left to that release: the person is asked to press again, because no platform
        would deliver the press again by itself.
        """
        try:
            word = front_door_word(interaction.token)
            if word is not None:
                return await self._at_the_front_door(interaction, _WORDS.get(word, Word.NONE))
            token = self.services.vault.read_token(interaction.token)
            return self._replies.refused() if token is None else await self._pressed(interaction, token)
        except WrittenByNewerVersion:
            return self._replies.refused(Notice.BEING_UPDATED)

    def _work(self, interaction: Interaction) -> UnitOfWork:
        who, source = interaction.by, interaction.source
        own = interaction.in_own_chat
        return UnitOfWork(self.services, who, source, interaction.address, interaction.id, in_own_chat=own)

    async def _at_the_front_door(self, interaction: Interaction, word: Word) -> Reply:
        while True:
            work = self._work(interaction)
            if await work.happened_before():
                return Reply()
            await work.decide(ENTRANCE, interaction.by, Opened(interaction.by, word, interaction.source))
            if (outgoing := await self._save(work)) is not None:
                record_id = id_of(ENTRANCE, interaction.by, self.services.vault)
                try:
                    form = await self._form(work, interaction, record_id)
                    return form or await self._in_place(work, interaction)
                finally:  # the answer to a command is read before the cards that it changed
                    self.delivery.schedule(*outgoing)

    async def _pressed(self, interaction: Interaction, token: ButtonToken) -> Reply:
        while True:
            work = self._work(interaction)
            stored = await work.load(token.record_id)
            name = self._pressed_on(stored, interaction.by, token) if stored else None
            if stored is None or name is None:
                lost = stored is None and bool(_form_of(token))
                return await (self._lost(interaction, token) if lost else self._refused(stored, interaction, token))
            if await work.happened_before():
                return Reply()
            await self._decide_on_press(work, stored, interaction, token, name)
            if not work.meant_something():
                return await self._old(stored, interaction, token)
            if stored.kind in HOMES:  # it was about themselves, and whoever waits for them learns that they are there
                await work.shows_life(interaction.by)
            if interaction.address is not None:
                await work.reached_at(interaction.by, interaction.address)
            if await self._write(work):
                return await self._form(work, interaction, token.record_id) or Reply()

    async def _decide_on_press(
        self, work: UnitOfWork, stored: Stored[Any], interaction: Interaction, token: ButtonToken, name: str
    ) -> None:
        if token.choice == SHOW and (slot := stored.outbox.pressed(interaction.by, token.slot)) is not None:
            work.change(token.record_id, stored.outbox.asked_for(slot, self.services.new_id))
            return
        if name:
            _refuse_what_is_newer(stored, interaction.by, token)
        if name or token.choice in FROM_ANY_COPY:
            chose = Chose(interaction.by, token.choice, interaction.answers, name)
            await work.decide(stored.kind, token.record_id, chose)

    def _pressed_on(self, stored: Stored[Any], by: Person, token: ButtonToken) -> str | None:
        """The slot or form this button belongs to; "" for a card they no longer have, None for another person's.

        Some choices are taken from any copy of their own: whether they may make them is decided by their role.
        """
        form = _form_of(token)
        if form:
            return form if token.slot == self.services.form_key(form, by) else None
        slot = stored.outbox.pressed(by, token.slot)
        if slot is None:
            own = not stored.outbox.is_anothers(by, token.slot)
            return "" if own and token.choice in FROM_ANY_COPY else None
        return slot.name if slot.answers_to(token.generation) else ""

    async def _note_life(self, interaction: Interaction) -> None:
        """Nothing comes of a press that is refused, except that a wait for a sign of its presser is over."""
        while True:
            work = self._work(interaction)
            if await work.happened_before():
                return
            await work.shows_life(interaction.by)
            if not work.meant_something() or await self._write(work):
                return

    async def _refused(self, stored: Stored[Any] | None, interaction: Interaction, token: ButtonToken) -> Reply:
        """The card is old, or another's. Who is worried is never told so: they read whom to call.

        Nor is anyone told so of what they may still choose, though its card has left: they read where it stands.
        """
        word = Word.WORRIED if token.choice == Choice.WORRIED else self._still_open(stored, interaction.by, token)
        if word is not None:  # a word that is answered shows life, too
            return await self._at_the_front_door(interaction, word)
        await self._note_life(interaction)
        return self._replies.refused()

    def _still_open(self, stored: Stored[Any] | None, by: Person, token: ButtonToken) -> Word | None:
        if stored is None or _form_of(token) or any(slot.key == token.slot for slot in stored.outbox.slots):
            return None
        facts = Facts(self.services.now(), self.services.programme)
        return word_for(stored.kind, stored.conversation, Chose(by, token.choice), facts)

    async def _old(self, stored: Stored[Any], interaction: Interaction, token: ButtonToken) -> Reply:
        """Nothing came of it. Whoever sees the neutral line, or is about to see the card change, needs no more."""
        slot = stored.outbox.pressed(interaction.by, token.slot)
        if slot is None or interaction.ephemeral or token.choice == Choice.WORRIED:
            return await self._refused(stored, interaction, token)
        await self._note_life(interaction)
        settled = stored.outbox.is_changing(slot) or slot.content.manner is Manner.WITHDRAW
        if settled:
            return Reply()
        still_open = slot.content.choices and not slot.answers_to(token.generation)
        return self._replies.refused(Notice.STILL_OPEN if still_open else Notice.OLD_BUTTON)

    async def _lost(self, interaction: Interaction, token: ButtonToken) -> Reply:
        """The conversation is gone. Words written in its form were passed to no one, and their writer reads so.

        Words of danger are heard all the same, and forgotten here.
        """
        hears = self.services.programme.listener.hears
        is_own = token.slot == self.services.form_key(_form_of(token), interaction.by)
        if is_own and any(isinstance(given, str) and hears(given) for given in interaction.answers.values()):
            await self._at_the_front_door(interaction, Word.NOT_SAFE)
        else:
            await self._note_life(interaction)
        return self._replies.refused(Notice.NOT_PASSED_ON if is_own else Notice.OLD_BUTTON)

    async def _write(self, work: UnitOfWork) -> bool:
        """Save the work and send its deliveries on their way; False when another wrote first and it begins again."""
        if (outgoing := await self._save(work)) is None:
            return False
        self.delivery.schedule(*outgoing)
        return True

    async def _save(self, work: UnitOfWork) -> list[Outgoing] | None:
        """Save the work; what it owes, or None when another wrote first and it begins again."""
        try:
            outgoing = await work.write()
        except StaleRevision:
            return None
        self.services.written.set()
        return outgoing

    # ------------------------------------------------------------ what they are shown at once

    async def _form(self, work: UnitOfWork, interaction: Interaction, record_id: str) -> Reply | None:
        forms = [content for _, content in work.asides if content.manner is Manner.FORM]
        return await self._replies.form(forms[-1], record_id, interaction.by) if forms else None

    async def _in_place(self, work: UnitOfWork, interaction: Interaction) -> Reply:
        """Answer a command where it was typed, for the typist's eyes; what is longer waits in our own chat."""
        if interaction.source != "command" and not interaction.ephemeral:
            return Reply()
        if interaction.in_own_chat and not work.asides:
            return Reply()
        short = [(id_, content) for id_, content in work.asides if not content.questions]
        if interaction.ephemeral or len(short) < len(work.asides) or not short:
            return await self._replies.see_chat(interaction.by)
        id_, content = short[-1]
        try:
            return await self._replies.copy(work.outcome(id_), content)
        except (RetryLater, AccessRevoked):  # a name could not be looked up now; it is written all the same
            return await self._replies.see_chat(interaction.by)

    async def current_card(self, by: Person, token: str) -> Card | None:
        """The card as it stands now where this button was pressed; None where nothing stands that can be drawn again.

        Raises:
            RetryLater: A name cannot be looked up now.
        """
        read = None if front_door_word(token) is not None else self.services.vault.read_token(token)
        if read is None and front_door_word(token) is None:
            return None
        record_id = read.record_id if read else id_of(ENTRANCE, by, self.services.vault)
        stored = await self.services.repository.load(record_id)
        if stored is None:
            return None
        slot = stored.outbox.pressed(by, read.slot) if read else stored.outbox.slot(by, slots.DOOR)
        return await self._replies.standing(stored, slot)

    async def home_page(self, person: Person) -> Card:
        """The front door as a page, the same for everyone."""
        return await self._replies.home_page(person)

    def refusal(self) -> Card:
        """One line for every press that is old, another's or no one's: it tells a stranger nothing."""
        return self._replies.line(Notice.OLD_BUTTON)

    def group_notice(self) -> Card:
        """What is shown in a room full of people."""
        return self._replies.line(Notice.NOT_HERE)

    def acknowledgement(self) -> Card:
        """What is shown where there is no card left to show."""
        return self._replies.line(Notice.NOTED)

    async def app_removed(self, person: Person) -> None:
        """They read nothing any more: their conversations go on without them, and no record says where they were."""
        while True:
            work = UnitOfWork(self.services)
            await work.gone(person)
            await work.moved_away(person)
            if await self._write(work):
                return

    async def access_revoked(self, platform: str) -> None:
        """The platform withdrew our access. Deliveries stay owed; the operator is told; the platform is asked again."""
        self.shut_out.add(platform)
        log.error("platform-shut", platform=platform)

    # ------------------------------------------------------------ what time does

    async def resume(self) -> None:
        """Deliver what a stop or a crash left, where no other process runs, before anything new is taken in.

        Beside other replicas it is not ours to take: what one of them left is found when its lease is over.
        """
        started = self.services.now()
        left = await self.services.store.due(started + LEASE, limit=EVERYTHING)
        self.delivery.start(self.delivery.resume(left, started))

    async def wake(self) -> None:
        """Do everything that is due. Safe to run late, twice, in several replicas, or after a crash."""
        if self.shut_out:
            self.delivery.start(self.delivery.ask_the_shut())
        store, tried = self.services.store, set[str]()
        unchanged: list[str] = []
        while ids := await store.claim(self.services.now(), PAGE, tried):
            tried.update(ids)
            ahead = ReadAhead(self.services.repository, ids, self.services.now)
            workers = AT_ONCE if store.shared else 1
            await asyncio.gather(*(self._elapse_each(ahead, unchanged) for _ in range(workers)))
        await store.release(unchanged)

    async def _elapse_each(self, ahead: ReadAhead, unchanged: list[str]) -> None:
        while (following := await ahead.next()) is not None:
            id_, known = following
            try:
                if not await self._elapse(id_, known, ahead):
                    unchanged.append(id_)
            except WrittenByNewerVersion:
                log.warning("left-to-a-newer-version", what="deadline")
                unchanged.append(id_)
            except Exception as failed:  # noqa: BLE001 - the edge: one broken record must not keep the others waiting
                log.error("record-failed", kind=type(failed).__name__)
                unchanged.append(id_)
            await self.delivery.room()

    async def _elapse(self, id_: str, known: Stored[Any] | None, ahead: ReadAhead) -> bool:
        """Let this record's deadlines pass; whether anything was written of it. A new attempt reads all anew."""
        work = UnitOfWork(self.services, read_roster=ahead.roster)
        if known is not None:
            work.begin_with(known)
        while True:
            stored = await work.load(id_)
            if stored is None:
                await self._let_go(id_)
                return True
            await work.elapse(id_)
            changed = work.changes(id_)
            if await self._write(work):
                if not changed:
                    self.delivery.schedule(Outgoing(stored))
                return changed
            work = UnitOfWork(self.services)

    async def _let_go(self, id_: str) -> None:
        """The mark of an event that platforms no longer deliver again."""
        record = await self.services.store.load(id_)
        if record is not None and record.kind == SEEN:
            with suppress(StaleRevision):  # gone already
                await self.services.store.save(Deletion(id_, record.revision))

    async def next_wake(self) -> datetime | None:
        """When something falls due next, or None."""
        return await self.services.store.next_due()

    async def idle(self) -> None:
        """Return when everything that can be delivered now has been."""
        await self.delivery.idle()


def _refuse_what_is_newer(stored: Stored[Any], by: Person, token: ButtonToken) -> None:
    """A button that stands before them, and that our table has never heard of: it must not look like an old one."""
    slot = stored.outbox.pressed(by, token.slot)
    stands = slot is not None and token.choice in slot.content.choices
    if stands and not ENTRIES[stored.kind].flow.knows_choice(token.choice):
        raise WrittenByNewerVersion


def _form_of(token: ButtonToken) -> str:
    """The form this button sends, or "" where it stands on a card."""
    return token.slot.rpartition("/")[0]
