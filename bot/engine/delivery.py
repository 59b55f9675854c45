"""The delivery worker: makes the calls that outboxes owe, so that every platform shows what was decided."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final
from weakref import WeakValueDictionary

import structlog

from adapters.base import (
    A_PAUSE,
    AccessRevoked,
    LeftOut,
    NotUnderstood,
    OutcomeUnknown,
    Ref,
    Rejected,
    RetryLater,
    Unreachable,
)
from bot.engine.calls import NEWER_RETRY, Made, PlatformCalls, WordsNotKnown
from bot.engine.codec import Stored
from bot.engine.outbox import Action, Delivery, Outbox
from bot.engine.repository import OutboxChange
from bot.engine.services import Homes, Services
from bot.engine.unit_of_work import Outgoing, UnitOfWork
from bot.errors import StaleRevision, WrittenByNewerVersion
from conversations.messages import ReadLate, Undelivered
from conversations.model import Event, Person, Unreached
from conversations.registry import ENTRIES

log = structlog.get_logger()

UNKNOWN_RETRY: Final = timedelta(seconds=10)  # doubled with each attempt
UNKNOWN_DOUBLINGS: Final = 6
REVOKED_RETRY: Final = timedelta(seconds=5)  # doubled with each attempt
REVOKED_DOUBLINGS: Final = 4
FAILED_RETRY: Final = timedelta(minutes=1)  # times the number of failures
FAILURES: Final = 20
LATE: Final = timedelta(minutes=5)  # beyond which words were read late: leases are shorter
AT_ONCE: Final = 64  # deliveries under way, beyond which the scheduler adds no more for a while
RESUMED_AT_ONCE: Final = 8  # conversations whose deliveries a start takes up: a press waits for one step of each
LONGEST_PAUSE: Final = timedelta(minutes=5)  # between two attempts while a platform is down
A_WHILE: Final = 5.0  # seconds; a platform that hangs must not stop the scheduler for the other


Next = tuple[Stored[Any] | None, Delivery | None]
"""A conversation as it stands, and the call that is marked as in flight, as it was before; None where there is none."""


class DeliveryWorker:
    """Delivers at least once, and twice only where the platform never said whether it had.

    Before a call the delivery is durably in flight; one found so after a crash is looked for before it is repeated.

    Args:
        services: What every part of the engine shares.
        shut_out: Platforms that refuse us now; a call that succeeds takes its platform out again.
    """

    def __init__(self, services: Services, shut_out: set[str]) -> None:
        self._services = services
        self._calls = PlatformCalls(services)
        self._shut_out = shut_out
        self._turns: WeakValueDictionary[Person, asyncio.Lock] = WeakValueDictionary()  # while one waits
        self._tasks: set[asyncio.Task[None]] = set()

    # ------------------------------------------------------------ tasks

    def schedule(self, *outgoing: Outgoing) -> None:
        """Deliver what these conversations owe in the background, in this order."""
        for turn in self._turns_in(outgoing, None):
            self.start(turn)

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Do this in the background; `idle` waits for it."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)  # the loop alone may collect a task half-way
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """What failed here is still owed, and found when its lease is over."""
        self._tasks.discard(task)
        if not task.cancelled() and (failed := task.exception()) is not None:
            log.error("delivery-failed", kind=type(failed).__name__)

    async def idle(self) -> None:
        """Return when nothing is under way."""
        while self._tasks:
            await asyncio.gather(*tuple(self._tasks), return_exceptions=True)

    async def room(self) -> None:
        """Return when few enough deliveries are under way, or after a while."""
        if len(self._tasks) >= AT_ONCE:
            await asyncio.wait(tuple(self._tasks), timeout=A_WHILE, return_when=asyncio.FIRST_COMPLETED)

    # ------------------------------------------------------------ one conversation's deliveries

    async def resume(self, ids: Iterable[str], started: datetime) -> None:
        """Make the calls that a stop left in these conversations, few at once: what people do now goes before it.

        Args:
            ids: The conversations.
            started: When we started, if no other process ran then: a lease of before is nobody's any more.
        """
        left = iter(ids)

        async def one_after_the_other() -> None:
            for id_ in left:
                try:
                    await self._resume(id_, started)
                except WrittenByNewerVersion:
                    continue  # a replica of that release delivers it
                except Exception as failed:  # noqa: BLE001 - the edge: it is still owed, and found when its lease is over
                    log.error("delivery-failed", kind=type(failed).__name__)

        await asyncio.gather(*(one_after_the_other() for _ in range(RESUMED_AT_ONCE)))

    async def _resume(self, id_: str, started: datetime) -> None:
        """Take up what a stop left here: to one person several calls may have been under way, each of them once."""
        left: set[tuple[str, int]] | None = None
        while (stored := await self._services.repository.load(id_)) is not None:
            under_way = {(one.id, one.attempts) for one in stored.outbox.deliveries if one.in_flight}
            untried = under_way if left is None else under_way & left
            if left is not None and not (untried and untried < left):
                return  # all of them were tried, or this one will not get further than the last
            left = untried
            await self.deliver(Outgoing(stored), started=started)

    async def deliver(self, *outgoing: Outgoing, started: datetime | None = None) -> None:
        """Make every call that these conversations owe and that need not wait.

        No one waits for another person's slow call.

        Args:
            outgoing: The conversations, just read or written.
            started: When we started, if no other process ran then: a lease of before is nobody's any more.
        """
        await asyncio.gather(*self._turns_in(outgoing, started))

    def _turns_in(self, outgoing: Iterable[Outgoing], started: datetime | None) -> Iterator[Coroutine[Any, Any, None]]:
        """What delivers to each reader of these conversations for whom there is something to deliver now."""
        now = self._services.now()
        for each in outgoing:
            outbox = each.stored.outbox
            readers = dict.fromkeys([one.to for one in (*each.going, *outbox.ready(now, started))])
            for who in sorted(readers, key=outbox.is_awaited, reverse=True):  # who just pressed sees it before others
                yield self._deliver_to(each, who, started)

    async def _deliver_to(self, outgoing: Outgoing, who: Person, started: datetime | None) -> None:
        """One person's deliveries, one at a time; first come, first served."""
        turn, load = self._turns.setdefault(who, asyncio.Lock()), self._services.repository.load
        stored: Stored[Any] | None = outgoing.stored
        going = next((delivery for delivery in outgoing.going if delivery.to == who), None)
        waits, homes = turn.locked(), self._services.homes(who)
        async with turn:
            with suppress(WrittenByNewerVersion):  # it became so meanwhile
                if waits:
                    stored = await load(outgoing.stored.conversation.id)
                    going = going if going and stored and self._is_ours(going, outgoing, stored) else None
                while stored is not None:
                    if going is None:
                        stored, going = await self._mark_next(stored, who, started)
                        started = None
                    if stored is not None and going is not None:
                        stored, going = await self._attempt(stored, going, homes)

    def _is_ours(self, delivery: Delivery, marked: Outgoing, stored: Stored[Any]) -> bool:
        """Whether the lease of our mark still runs: no one else may take this delivery up, and no one has."""
        mark = marked.stored.outbox.delivery(delivery.id)
        runs = mark is not None and mark.retry_at is not None and self._services.now() < mark.retry_at
        return runs and mark in stored.outbox.deliveries

    async def _mark_next(self, stored: Stored[Any], who: Person, started: datetime | None) -> Next:
        """Mark the next call to this person as in flight."""
        if stored.outbox.next_for(who, self._services.now(), started) is None:
            return None, None
        return await self._update_and_mark(stored.conversation.id, lambda outbox: outbox, who, stored, started)

    async def _update_and_mark(
        self,
        id_: str,
        change: OutboxChange,
        who: Person,
        known: Stored[Any] | None = None,
        started: datetime | None = None,
    ) -> Next:
        """Change an outbox, and in the same write mark what is then the next call to this person as in flight."""
        going: Delivery | None = None

        def marked(outbox: Outbox) -> Outbox:
            nonlocal going
            after, now = change(outbox), self._services.now()
            going = after.next_for(who, now, started)
            return after if going is None else after.marked_in_flight((going.id,), now)

        stored = await self._services.repository.update(id_, marked, known)
        self._services.written.set()
        return stored, going

    # ------------------------------------------------------------ one call

    async def _attempt(self, stored: Stored[Any], delivery: Delivery, homes: Homes) -> Next:
        """One call to one platform, and what it means; nothing is next where it was given up.

        Nothing that goes wrong here reaches anyone's screen.
        """
        platform, change = delivery.to.platform, None
        made = Made(None)
        try:
            made = await self._calls.make(stored, delivery, homes)
        except WrittenByNewerVersion:  # the reader is known to us by a record we cannot read
            change = self._put_off(delivery, NEWER_RETRY)
        except RetryLater as busy:
            change = await self._later(stored, delivery, busy)
        except OutcomeUnknown:
            wait = UNKNOWN_RETRY * 2 ** min(delivery.attempts, UNKNOWN_DOUBLINGS)  # each attempt may be one post more
            now = self._services.now()
            change = partial(Outbox.outcome_unknown, before=delivery, until=now + wait, now=now)
        except AccessRevoked:
            self._refused(platform)
            change = self._put_off(delivery, REVOKED_RETRY * 2 ** min(delivery.attempts, REVOKED_DOUBLINGS))
        except LeftOut:
            change = partial(Outbox.dropped, id=delivery.id)
        except Unreachable:
            await self._give_up(stored, delivery, lambda card: Unreached(delivery.to, card))
        except Rejected:
            await self._dead(stored, delivery)
        except Exception as failed:  # noqa: BLE001 - the edge: one card that cannot be shown must not stop the others
            log.error("delivery-failed", kind=type(failed).__name__, tries=delivery.attempts)
            change = await self._failed(stored, delivery)
        else:
            self._accepted(platform, by_a_call=made.ref is not None)
            change = partial(made.noted, delivery_id=delivery.id, new_id=self._services.new_id)
        return (None, None) if change is None else await self._noted(stored, delivery, change, made)

    def _is_read_late(self, delivery: Delivery, made: Made) -> bool:
        """Whether the words of this card were long missing: a platform held its post up, or a line stood for them."""
        posted = delivery.action is Action.POST and made.ref is not None
        since = delivery.held_since if posted else None
        held = self._services.now() - since if since else timedelta(0)
        return max(made.waited, held) >= LATE

    async def _read_late(self, stored: Stored[Any], delivery: Delivery) -> Stored[Any] | None:
        """The words of a card can be read only now: a deadline that follows its question counts from now."""
        id_, slot = stored.conversation.id, stored.outbox.slot(delivery.to, delivery.slot)
        while slot is not None and await (work := UnitOfWork(self._services)).load(id_) is not None:
            await work.decide(stored.kind, id_, ReadLate(delivery.to, slot.content.card))
            with suppress(StaleRevision):
                self.schedule(*await work.write())
                self._services.written.set()
                break
        return await self._services.repository.load(id_)

    async def _noted(self, stored: Stored[Any], delivery: Delivery, change: OutboxChange, made: Made) -> Next:
        """Note what came of a call, unless it took longer than its lease and another process has gone on without it.

        A post that is still owed is there now, whoever owes it: to take it away would take away what the other finds.
        """
        mark, ref, new_id = stored.outbox.delivery(delivery.id), made.ref, self._services.new_id

        def noted(outbox: Outbox) -> Outbox:
            posted = ref is not None and delivery.action is Action.POST and outbox.delivery(delivery.id) is not None
            return change(outbox) if posted or mark in outbox.deliveries else outbox.came_late(delivery, ref, new_id)

        known = None if ENTRIES[stored.kind].is_home else stored  # a home may be another by now, at the same revision
        after, going = await self._update_and_mark(stored.conversation.id, noted, delivery.to, known)
        in_time = mark is not None and mark.retry_at is not None and mark.retry_at > self._services.now()
        if after is None and ref is not None and not (in_time and delivery.action is Action.EDIT):
            await self._take_away(delivery, ref)  # an edit that came in time left what was to stand there
        if after is not None and self._is_read_late(delivery, made):
            after = await self._read_late(after, delivery)
        return after, going

    async def _take_away(self, delivery: Delivery, ref: Ref) -> None:
        """The conversation was forgotten while the call was under way: nothing is left that could owe this."""
        adapter = self._services.adapters.get(delivery.to.platform)
        try:
            if adapter is not None and delivery.action is not Action.ERASE:
                await adapter.erase(ref, self._services.taken_away())
        except Exception as failed:  # noqa: BLE001 - the edge: there is no record to try again from
            log.error("delivery-failed", kind=type(failed).__name__, tries=delivery.attempts)

    # ------------------------------------------------------------ whether a platform accepts us

    def _refused(self, platform: str) -> None:
        self._shut_out.add(platform)  # told when it lasts: the moment of a refusal is the moment of a request

    def _accepted(self, platform: str, *, by_a_call: bool = True) -> None:
        if by_a_call:
            self._shut_out.discard(platform)

    async def ask_the_shut(self) -> None:
        """Ask each platform that refused us whether it still does, for where nothing is owed that would find out."""
        for platform in sorted(self._shut_out):
            adapter = self._services.adapters.get(platform)
            if adapter is not None and await adapter.is_accepted():
                self._accepted(platform)

    # ------------------------------------------------------------ what went wrong

    def _put_off(self, delivery: Delivery, after: timedelta, *, failed: bool = False) -> OutboxChange:
        now = self._services.now()
        return partial(Outbox.put_off, before=delivery, until=now + after, now=now, failed=failed)

    async def _later(self, stored: Stored[Any], delivery: Delivery, busy: RetryLater) -> OutboxChange | None:
        """Wait as long as was asked; while a platform is down, ever longer, but never long beside what it was down."""
        if isinstance(busy, NotUnderstood):
            return await self._failed(stored, delivery, busy.after)
        after = busy.after
        if after == A_PAUSE and delivery.held_since is not None:
            after = max(after, min((self._services.now() - delivery.held_since) / 4, LONGEST_PAUSE))
        return self._put_off(delivery, after, failed=isinstance(busy, WordsNotKnown))

    async def _failed(
        self, stored: Stored[Any], delivery: Delivery, after: timedelta | None = None
    ) -> OutboxChange | None:
        """Our own fault, or a platform's nonsense: back off, and give up after many such failures."""
        if delivery.failures < FAILURES:
            return self._put_off(delivery, after or FAILED_RETRY * (delivery.failures + 1), failed=True)
        await self._dead(stored, delivery)
        return None

    async def _dead(self, stored: Stored[Any], delivery: Delivery) -> None:
        """Never shown, and never will be: the operator hears of it, and so does whoever waits for it."""
        log.error("message-dead", platform=delivery.to.platform)
        await self._give_up(stored, delivery, lambda card: Undelivered(delivery.to, card))

    async def _give_up(self, stored: Stored[Any], delivery: Delivery, event: Callable[[str], Event]) -> None:
        """The delivery is over; the conversation decides what that means, in the same write, and goes on from there."""
        id_, mark = stored.conversation.id, stored.outbox.delivery(delivery.id)
        while (now := await (work := UnitOfWork(self._services)).load(id_)) is not None:
            if mark not in now.outbox.deliveries:
                return  # another process has taken it up
            slot = now.outbox.slot(delivery.to, delivery.slot)
            work.change(id_, now.outbox.dropped(delivery.id))
            if delivery.action is Action.POST:
                await work.decide(now.kind, id_, event(slot.content.card if slot else ""))
            try:
                touched = await work.write()
            except StaleRevision:
                continue
            self._services.written.set()
            self.schedule(*touched)
            return
