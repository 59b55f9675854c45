"""The post: runs the errands of a conversation, so that every platform shows what was decided."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from datetime import timedelta
from typing import Any
from weakref import WeakValueDictionary

import structlog

from adapters.base import Adapter, Broken, Ref, Stopped, TryLater, Unclear, Unreachable
from bot import outbox
from bot.house import House
from bot.ledger import Ledger
from bot.outbox import Errand, Mail, Slot
from bot.records import Saved
from bot.step import Step
from bot.store.base import Newer, Stale
from bot.texts import Reader
from conversations.hours import waking
from conversations.model import Person, Say, Told, Unreached

log = structlog.get_logger()

UNCLEAR_FOR = timedelta(seconds=10)
UNCLEAR_DOUBLES = 6
STOPPED_FOR = timedelta(minutes=5)
BROKEN_FOR = timedelta(minutes=1)
NEWER_FOR = timedelta(seconds=20)
NEWER_TRIES = 15  # five minutes: by then a replica of the version that has the words has found it
TRIES = 20
ROOM = 64  # deliveries under way, beyond which the clock adds no more for a while
A_WHILE = 5.0  # seconds; a platform that hangs must not stop the clock for the other


class Post:
    """Delivers at least once, and twice only where the platform never said whether it had.

    Before a call the errand is durably *sending*; one found so after a crash is looked for before it is repeated.
    """

    def __init__(self, house: House) -> None:
        self.house = house
        self.ledger = Ledger(house.archive)
        self._turns: WeakValueDictionary[Person, asyncio.Lock] = WeakValueDictionary()  # while somebody waits
        self._tasks: set[asyncio.Task[None]] = set()
        self.stopped: Callable[[str], None] = lambda _: None  # told when a platform refuses us

    def soon(self, *ids: str) -> None:
        """Deliver in the background, to each person in this order; `idle` waits for it."""
        if ids:
            self.start(self.deliver(*ids))

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Do this in the background."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)  # a task nobody holds may be collected half-way
        task.add_done_callback(self._over)

    def _over(self, task: asyncio.Task[None]) -> None:
        """What broke here is owed still, and found when its lease is over."""
        self._tasks.discard(task)
        if not task.cancelled() and (broken := task.exception()) is not None:
            log.error("delivery-failed", kind=type(broken).__name__)

    async def idle(self) -> None:
        """Return when nothing is under way."""
        while self._tasks:
            await asyncio.gather(*tuple(self._tasks), return_exceptions=True)

    async def room(self) -> None:
        """Return when few enough deliveries are under way, or after a while."""
        if len(self._tasks) >= ROOM:
            await asyncio.wait(tuple(self._tasks), timeout=A_WHILE, return_when=asyncio.FIRST_COMPLETED)

    async def deliver(self, *ids: str, nobody_else_runs: bool = False) -> None:
        """Run every errand of these conversations that can be run now; nobody waits for another person's slow call.

        After a start nobody else can be running them, whatever their lease says.
        """
        waiting: list[tuple[str, Person]] = []
        for id_ in ids:
            with suppress(Newer):  # one of its own version delivers it
                saved = await self.house.archive.load(id_)
                ready = outbox.ready(saved.mail, self.house.now(), nobody_else_runs=nobody_else_runs) if saved else ()
                waiting += ((id_, who) for who in dict.fromkeys(errand.to for errand in ready))
        await asyncio.gather(*(self._deliver_to(id_, who, nobody_else_runs=nobody_else_runs) for id_, who in waiting))

    async def _deliver_to(self, id_: str, who: Person, *, nobody_else_runs: bool) -> None:
        """One person's errands, one at a time; who came first is served first."""
        turn = self._turns.setdefault(who, asyncio.Lock())
        async with turn:
            with suppress(Newer):  # it became so meanwhile
                while await self._next(id_, who, nobody_else_runs=nobody_else_runs):
                    nobody_else_runs = False

    async def _next(self, id_: str, who: Person, *, nobody_else_runs: bool) -> bool:
        before: list[Errand] = []

        def set_out(mail: Mail) -> Mail:
            now = self.house.now()
            ready = outbox.ready(mail, now, nobody_else_runs=nobody_else_runs)
            before[:] = [errand for errand in ready if errand.to == who][:1]
            return outbox.set_out(mail, (errand.id for errand in before), now)

        saved = await self.ledger.note(id_, set_out)
        if saved is None or not before:
            return False
        after = await self._run(id_, saved, before[0])
        return after is None or any(errand.to == who for errand in outbox.ready(after.mail, self.house.now()))

    async def _run(self, id_: str, saved: Saved[Any], errand: Errand) -> Saved[Any] | None:
        """One call to one platform, and what it means: the conversation once it was shown, None where it was not.

        Nothing that goes wrong here reaches anybody's screen.
        """
        now, new_id = self.house.now, self.house.new_id
        adapter = self.house.adapters.get(errand.to.platform)
        shown = saved.mail.slot(errand.to, errand.slot)
        found = ref = None
        try:
            if adapter is not None:
                found = await self._found(adapter, saved, errand, shown)
                ref = found or await self._call(adapter, id_, saved, errand, shown)
        except Newer:  # whoever reads it is known to us by a record we cannot read
            await self.ledger.note(id_, lambda mail: outbox.put_off(mail, errand, now() + NEWER_FOR))
        except TryLater as busy:
            after = busy.after
            await self.ledger.note(id_, lambda mail: outbox.put_off(mail, errand, now() + after))
        except Unclear:
            wait = UNCLEAR_FOR * 2 ** min(errand.tries, UNCLEAR_DOUBLES)  # where nobody can look, each try is one more
            await self.ledger.note(id_, lambda mail: outbox.unclear(mail, errand.id, now() + wait))
        except Stopped:
            log.error("platform-stopped", platform=errand.to.platform)
            self.stopped(errand.to.platform)
            await self.ledger.note(id_, lambda mail: outbox.put_off(mail, errand, now() + STOPPED_FOR))
        except Unreachable:
            await self._given_up(id_, errand, lambda text: Unreached(errand.to, text))
        except Broken:
            await self._dead(id_, errand)
        except Exception as broken:  # noqa: BLE001 - the edge: one card that cannot be shown must not stop the others
            log.error("delivery-failed", kind=type(broken).__name__, tries=errand.tries)
            await self._broken(id_, errand)
        else:
            by_us = shown if found is None else None
            return await self.ledger.note(id_, lambda mail: outbox.done(mail, errand.id, ref, new_id, by_us))
        return None

    async def _broken(self, id_: str, errand: Errand) -> None:
        until = self.house.now() + BROKEN_FOR * (errand.tries + 1)
        if errand.tries < TRIES:
            await self.ledger.note(id_, lambda mail: outbox.put_off(mail, errand, until))
        else:
            await self._dead(id_, errand)

    async def _dead(self, id_: str, errand: Errand) -> None:
        """Never shown, and never will be: the operator hears of it, and so does whoever waits for it."""
        log.error("message-dead", platform=errand.to.platform)
        await self._given_up(id_, errand, lambda text: Told("undelivered", errand.to, request=text))

    async def _found(self, adapter: Adapter, saved: Saved[Any], errand: Errand, slot: Slot | None) -> Ref | None:
        """What an earlier call had shown after all. Only a fresh post has to be looked for."""
        edits = errand.deed == "edit" and slot is not None and slot.ref is not None
        if not errand.sending or errand.deed == "erase" or edits:
            return None
        log.warning("delivery-looked-for", platform=errand.to.platform)
        address, _ = await self.house.reader(saved.mail, saved.talk, errand.to)
        return await adapter.find(errand.to, address, errand.id)

    async def _call(
        self, adapter: Adapter, id_: str, saved: Saved[Any], errand: Errand, slot: Slot | None
    ) -> Ref | None:
        if errand.deed == "erase":
            if errand.ref is not None:
                await adapter.erase(errand.ref, self.house.taken_away())
            return None
        if slot is None or slot.say.manner == "erase":
            return None
        if errand.tries < NEWER_TRIES and not self.house.words.knows(slot.say):
            raise TryLater(NEWER_FOR)
        address, reader = await self.house.reader(saved.mail, saved.talk, errand.to)
        self._not_at_night(slot.say, saved, reader)
        card = await self.house.card(slot.say, id_, self.house.slot_key(slot), slot.generation, errand.id, reader)
        return await adapter.show(errand.to, address, card, outbox.changes(saved.mail, errand))

    def _not_at_night(self, say: Say, saved: Saved[Any], reader: Reader) -> None:
        """What is considerate waits for the morning, however late it comes to be delivered."""
        now = self.house.now()
        nights = saved.kind == "support" and say.to == saved.talk.clinician and saved.talk.wishes.nights
        awake = waking(now, reader.zone, self.house.programme.quiet, nights=nights)
        if say.considerate and awake > now:
            raise TryLater(awake - now)

    async def _given_up(self, id_: str, errand: Errand, event: Callable[[str], Unreached | Told]) -> None:
        """The errand is over; the conversation decides what that means, in the same write."""
        while (saved := await (step := Step(self.house)).found(id_)) is not None:
            slot = saved.mail.slot(errand.to, errand.slot)
            step.change(id_, outbox.drop(saved.mail, errand.id))
            if errand.deed == "post":
                await step.decide(saved.kind, id_, event(slot.say.text if slot else ""))
            try:
                touched = await step.write()
            except Stale:
                continue
            self.ledger.written()
            self.soon(*touched)
            return
