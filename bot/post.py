"""The post: runs the errands of a conversation, so that every platform shows what was decided."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import timedelta
from typing import Any
from weakref import WeakValueDictionary

import structlog

from adapters.base import Adapter, Broken, Ref, Stopped, TryLater, Unclear, Unreachable
from bot import outbox
from bot.house import House
from bot.outbox import Errand, Mail
from bot.records import Saved
from bot.step import Step
from bot.store.base import Stale
from bot.texts import Reader
from conversations.hours import waking
from conversations.model import Say, Unreached

log = structlog.get_logger()

UNCLEAR_FOR = timedelta(seconds=10)
STOPPED_FOR = timedelta(hours=1)
BROKEN_FOR = timedelta(minutes=1)
TRIES = 20

Change = Callable[[Mail], Mail]


class Post:
    """Delivers at least once, and twice only where the platform never said whether it had.

    Before a call the errand is durably *sending*; one found so after a crash is looked for before it is repeated.
    """

    def __init__(self, house: House) -> None:
        self.house = house
        self._rounds: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()  # alive while somebody waits
        self._tasks: set[asyncio.Task[None]] = set()
        self.written: Callable[[], None] = lambda: None  # told after every write; the clock listens
        self.stopped: Callable[[str], None] = lambda _: None  # told when a platform refuses us

    def soon(self, *ids: str) -> None:
        """Deliver in the background; `idle` waits for it."""
        for id_ in ids:
            self.start(self.deliver(id_))

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Do this in the background."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)  # a task nobody holds may be collected half-way
        task.add_done_callback(self._tasks.discard)

    async def idle(self) -> None:
        """Return when nothing is under way."""
        while self._tasks:
            await asyncio.gather(*tuple(self._tasks), return_exceptions=True)

    async def resume(self, id_: str) -> None:
        """After a start: nobody else can be running these errands, whatever their lease says."""
        await self.deliver(id_, nobody_else_runs=True)

    async def deliver(self, id_: str, *, nobody_else_runs: bool = False) -> None:
        """Run every errand of this conversation that can be run now, one at a time for each person."""
        lock = self._rounds.setdefault(id_, asyncio.Lock())
        async with lock:
            while await self._round(id_, nobody_else_runs=nobody_else_runs):
                nobody_else_runs = False

    async def _round(self, id_: str, *, nobody_else_runs: bool) -> bool:
        before: list[Errand] = []

        def set_out(mail: Mail) -> Mail:
            now = self.house.now()
            before[:] = outbox.ready(mail, now, nobody_else_runs=nobody_else_runs)
            return outbox.set_out(mail, (errand.id for errand in before), now)

        saved = await self._change(id_, set_out)
        if saved is None or not before:
            return False
        await asyncio.gather(*(self._run(id_, saved, errand) for errand in before))
        return True

    async def _change(self, id_: str, change: Change) -> Saved[Any] | None:
        """Apply a pure change to the newest mail and write it. None when the record is gone."""
        while (saved := await self.house.archive.load(id_)) is not None:
            mail = change(saved.mail)
            if mail == saved.mail:
                return saved
            try:
                (after,) = await self.house.archive.write([replace(saved, mail=mail)])
            except Stale:
                continue
            self.written()
            return after
        return None

    async def _run(self, id_: str, saved: Saved[Any], errand: Errand) -> None:
        """One call to one platform, and what it means. Nothing that goes wrong here reaches anybody's screen."""
        now, new_id = self.house.now, self.house.new_id
        adapter = self.house.adapters.get(errand.to.platform)
        try:
            ref = await self._call(adapter, id_, saved, errand) if adapter else None
        except TryLater as busy:
            after = busy.after
            await self._change(id_, lambda mail: outbox.put_off(mail, errand, now() + after))
        except Unclear:
            await self._change(id_, lambda mail: outbox.unclear(mail, errand.id, now() + UNCLEAR_FOR))
        except Stopped:
            log.error("platform-stopped", platform=errand.to.platform)
            self.stopped(errand.to.platform)
            await self._change(id_, lambda mail: outbox.put_off(mail, errand, now() + STOPPED_FOR))
        except Unreachable:
            await self._unreachable(id_, errand)
        except Broken:
            log.error("message-dead", platform=errand.to.platform)
            await self._change(id_, lambda mail: outbox.drop(mail, errand.id))
        except Exception as broken:  # noqa: BLE001 - the edge: one card that cannot be shown must not stop the others
            log.error("delivery-failed", kind=type(broken).__name__, tries=errand.tries)
            await self._broken(id_, errand)
        else:
            await self._change(id_, lambda mail: outbox.done(mail, errand.id, ref, new_id))

    async def _broken(self, id_: str, errand: Errand) -> None:
        until = self.house.now() + BROKEN_FOR * (errand.tries + 1)
        if errand.tries < TRIES:
            await self._change(id_, lambda mail: outbox.put_off(mail, errand, until))
        else:
            log.error("message-dead", platform=errand.to.platform)
            await self._change(id_, lambda mail: outbox.drop(mail, errand.id))

    async def _call(self, adapter: Adapter, id_: str, saved: Saved[Any], errand: Errand) -> Ref | None:
        if errand.deed == "erase":
            if errand.ref is not None:
                await adapter.erase(errand.ref, self.house.taken_away())
            return None
        slot = saved.mail.slot(errand.to, errand.slot)
        address, reader = await self.house.reader(saved.mail, saved.talk, errand.to)
        replacing = slot.ref if slot is not None and errand.deed == "edit" else None
        if errand.sending and replacing is None:
            log.warning("delivery-looked-for", platform=errand.to.platform)
            if (found := await adapter.find(errand.to, address, errand.id)) is not None:
                return found
        if slot is None or slot.say.manner == "erase":
            return None
        self._not_at_night(slot.say, saved, reader)
        card = await self.house.card(slot.say, id_, slot.key, slot.generation, errand.id, reader)
        return await adapter.show(errand.to, address, card, replacing)

    def _not_at_night(self, say: Say, saved: Saved[Any], reader: Reader) -> None:
        """What is considerate waits for the morning, however late it comes to be delivered."""
        now = self.house.now()
        nights = saved.kind == "support" and say.to == saved.talk.clinician and saved.talk.wishes.nights
        awake = waking(now, reader.zone, self.house.programme.quiet, nights=nights)
        if say.considerate and awake > now:
            raise TryLater(awake - now)

    async def _unreachable(self, id_: str, errand: Errand) -> None:
        """The errand is over; the conversation decides what that means, in the same write."""
        while (saved := await self.house.archive.load(id_)) is not None:
            step = Step(self.house)
            await step.saved(saved.kind, id_)
            slot = saved.mail.slot(errand.to, errand.slot)
            step.change(id_, outbox.drop(saved.mail, errand.id))
            if errand.deed == "post":
                await step.decide(saved.kind, id_, Unreached(errand.to, slot.say.text if slot else ""))
            try:
                touched = await step.write()
            except Stale:
                continue
            self.written()
            self.soon(*(other for other in touched if other != id_))
            return
