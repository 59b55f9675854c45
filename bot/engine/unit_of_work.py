"""Unit of work: one event and everything it means, in any number of conversations, until it is one write."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, Literal

from adapters.base import Address, RetryLater
from bot.audit import chain
from bot.card_content import CardContent, Manner
from bot.engine.codec import Stored, id_of, key_of
from bot.engine.outbox import Delivery, Outbox
from bot.engine.outbox_builder import Change, Erasure, changes_of, never_shown, owed_posts, with_changes
from bot.engine.repository import Roster
from bot.engine.services import Services
from bot.store.base import Record
from conversations import registry
from conversations.immutable import replace
from conversations.messages import CannotBeReached, TakenAwayUnread
from conversations.model import (
    Chose,
    Code,
    Elapsed,
    Event,
    Facts,
    KnownTo,
    Opened,
    Peer,
    Person,
    Searching,
    Tell,
    Unreached,
    WalksWith,
)
from conversations.peers.acts import CoordinatorAct, act_of
from conversations.registry import ANY, ENTRIES, HOMES, Index, Need
from conversations.vocabulary import Kind

Waiting = tuple[str, str | Person, Event]
"""What an event waits for: a kind of conversation, which one, and the event."""

SEEN: Final = "seen"
"""The kind of records that say an event of a platform was handled: its idempotency mark."""

SEEN_FOR: Final = timedelta(hours=25)  # platforms deliver an event again for at most 24


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A conversation that owes something, and the deliveries that this process is to make at once.

    Args:
        stored: The conversation as it was read or written.
        going: What its write marked in flight, one of each person, as it was before; empty where it was only read.
    """

    stored: Stored[Any]
    going: tuple[Delivery, ...] = ()


@dataclass(slots=True)
class UnitOfWork:
    """Works on copies; nothing is true before `write` has saved all of them, or none.

    What a decision relied on is written with it at the revision it was read (optimistic locking): whoever writes
    second begins again.

    Args:
        services: What every part of the engine shares.
        by: Who acts, if a person does.
        source: How they act.
        address: Where their platform reaches them.
        in_own_chat: Whether a command was typed where its cards are posted, so that those are its answer.
        event_id: The platform's id of the event, the same when it is delivered again.
        read_roster: Reads the roster, where it need not be read for this work alone.
    """

    services: Services
    by: Person | None = None
    source: Literal["pressed", "typed", "command"] = "pressed"
    address: Address | None = None
    event_id: str = ""
    in_own_chat: bool = False
    read_roster: Callable[[], Awaitable[Roster]] | None = field(default=None, repr=False)
    asides: list[tuple[str, CardContent]] = field(default_factory=list)  # record id, what may be shown at once
    _mark: str = ""
    _acts: list[CoordinatorAct] = field(default_factory=list, repr=False)  # for the audit log
    _zone: str = ""
    _homes: dict[tuple[str, Person], str] = field(default_factory=dict, repr=False)  # ids, each hashed once
    _read: dict[str, Stored[Any]] = field(default_factory=dict)
    _now: dict[str, Stored[Any]] = field(default_factory=dict)
    _roster: Roster = field(default_factory=Roster)
    _looked_up: set[Person] = field(default_factory=set, repr=False)  # whether they have left

    # ------------------------------------------------------------ reading

    async def happened_before(self) -> bool:
        """Whether this very event was written down already: platforms deliver again."""
        if not self.event_id:
            return False
        self._mark = self.services.vault.keyed_hash("event", self.event_id)
        return await self.services.store.load(self._mark) is not None

    async def load(self, id: str) -> Stored[Any] | None:
        """This conversation as it would stand after the work so far. It is read once, so what is looked at is what is
        decided about, and written over.
        """
        if id not in self._now:
            found = self._roster.stored.get(id) or await self.services.repository.load(id)
            if found is None:
                return None
            self._read[id] = self._now[id] = found
        return self._now[id]

    def begin_with(self, known: Stored[Any]) -> None:
        """Decide about this conversation as it was read before, unless it is written by another meanwhile."""
        self._read[known.id] = self._now[known.id] = known

    async def load_kind(self, kind: str, id: str) -> Stored[Any] | None:
        """As `load`; None where the conversation is of another kind."""
        found = await self.load(id)
        return found if found is not None and found.kind == kind else None

    async def load_home(self, kind: str, person: Person) -> Stored[Any] | None:
        """A person's own record of this kind."""
        return await self.load_kind(kind, self._id_of(kind, person))

    async def _homes_of(self, person: Person) -> list[Stored[Any]]:
        """A person's own records of every kind, read at once."""
        ids = [self._id_of(kind, person) for kind in HOMES]
        missing = [id_ for id_ in ids if id_ not in self._now and id_ not in self._roster.stored]
        for id_, found in zip(missing, await self.services.repository.load_all(missing), strict=True):
            if found is not None:
                self._read[id_] = self._now[id_] = found
        homes = [await self.load(id_) for id_ in ids if id_ in self._now or id_ in self._roster.stored]
        return [home for home in homes if home is not None]

    def _id_of(self, kind: str, of: str | Person) -> str:
        if isinstance(of, str):
            return of
        if (kind, of) not in self._homes:
            self._homes[kind, of] = id_of(kind, of, self.services.vault)
        return self._homes[kind, of]

    # ------------------------------------------------------------ deciding

    async def decide(self, kind: str, of: str | Person, event: Event) -> None:
        """Let one conversation answer, then every conversation it tells something."""
        await self._decide_each([(kind, of, event)])

    async def shows_life(self, person: Person) -> None:
        """Tell every conversation that waits for a sign of this person that they are there."""
        facts = await self.facts(registry.ENTRANCE, person)
        for tell in registry.signs_of_life(person, facts):
            await self._decide_each(await self._told(tell))

    async def _decide_each(self, waiting: list[Waiting]) -> None:
        while waiting:
            kind, of, event = waiting.pop(0)
            for tell in await self._decide(kind, of, event):
                waiting += await self._told(tell)
            waiting += [(kind, of, gone) for gone in await self._found_gone(kind, self._id_of(kind, of))]

    async def _told(self, tell: Tell) -> list[Waiting]:
        """Whom this message waits for; what is read first is shown first."""
        told: list[Waiting] = [(tell.kind, to, tell.event) for to in await self._addressed(tell)]
        for kind, to, _ in told:
            await self.load(self._id_of(kind, to))
        return told

    async def _found_gone(self, kind: str, id_: str) -> list[Unreached]:
        """Who would not read a card that this work owes them, where what someone else reads counts its readers.

        So a number that a clinician reads never counts an account that is off, and no coordinator is said to know who
        could not be told. Each person is looked up once. Who is found gone only later is counted out by an edit.
        """
        stored, counted = self._now.get(id_), ENTRIES[kind].counted
        owed = [] if stored is None or not counted else owed_posts(stored.outbox)
        found, unread, passed = list[Unreached](), frozenset(card for _, card in owed), {self.by, *self._looked_up}
        new = [(delivery, card) for delivery, card in owed if card in counted and delivery.to not in passed]
        self._looked_up.update(delivery.to for delivery, _ in new)
        left = await asyncio.gather(*(self.services.has_left(delivery.to) for delivery, _ in new))
        for (delivery, card), gone in zip(new, left, strict=True):
            if gone:
                self.change(id_, self._now[id_].outbox.dropped(delivery.id))
                found.append(Unreached(delivery.to, card, unread))
        return found

    async def _addressed(self, tell: Tell) -> Sequence[str | Person]:
        """Which conversations this message goes to."""
        if isinstance(tell.of, Code):
            return [*await self._found(Index.CODE, tell.of.text)][:1]
        if isinstance(tell.of, Searching):
            return await self._found(Index.SEARCHING, ANY)
        if isinstance(tell.of, WalksWith):
            return await self._found(Index.PEER, tell.of.person)
        if not isinstance(tell.of, KnownTo):
            return [tell.of]
        found = [
            id_ for index in (Index.PEER, Index.TOLD, Index.KNOWN) for id_ in await self._found(index, tell.of.person)
        ]
        return [id_ for id_ in dict.fromkeys(found) if await self.load_kind(tell.kind, id_) is not None]

    async def _found(self, index: Index, value: Person | str) -> Sequence[str]:
        return await self.services.store.find(index.value, key_of(index, value, self.services.vault))

    async def _decide(self, kind: str, of: str | Person, event: Event) -> Sequence[Tell]:
        id_, flow = self._id_of(kind, of), ENTRIES[kind].flow
        if isinstance(event, Opened) and not self._zone:
            self._zone = await self.services.zone(event.by)
        before = await self.load_kind(kind, id_)
        facts = await self._facts_for(kind, of, event, before)
        if before is None:
            begun = flow.begin(id_, event, facts)
            if begun is None:
                return ()
            before = Stored(begun, kind, day=facts.now.date())
        if isinstance(event, Elapsed):
            facts = replace(facts, unread=before.outbox.unread(facts.now))
        conversation, effects = flow.decide(before.conversation, event, facts)
        if flow.strayed(before.conversation, event, facts, conversation):
            self.services.on_undeclared_target(kind)
        if isinstance(event, Chose) and (act := act_of(kind, before.conversation, event, conversation, effects)):
            self._acts.append(act)
        changes = changes_of(effects)
        if isinstance(event, Chose) and changes and _answers_a_form(before.outbox, event):
            changes.insert(0, Erasure(event.by, event.slot))  # a form is sent once
        outbox = before.outbox
        if isinstance(event, Opened) and event.by == self.by:
            outbox = outbox.reached_at(event.by, self.address)
        if changes:
            outbox = with_changes(outbox, self._for_the_outbox(id_, outbox, changes), self.services.new_id)
        self._now[id_] = replace(before, conversation=conversation, outbox=outbox)
        gone = never_shown(before.outbox, outbox)
        unread = [Tell(Kind(kind), id_, TakenAwayUnread(content.to, content.card)) for content in gone]
        return [*unread, *(effect for effect in effects if isinstance(effect, Tell))]

    async def _facts_for(self, kind: str, of: str | Person, event: Event, before: Stored[Any] | None) -> Facts:
        """What this event is decided on: what is looked up for few events only is looked up here."""
        entry, facts = ENTRIES[kind], await self.facts(kind, of)
        if before is not None and (called := entry.whose_names(before.conversation, event, facts)):
            facts = replace(facts, names=await self.services.directory_names(called))
        if entry.reads_the_years(event, facts):
            facts = replace(facts, years=await self.services.years())
        if entry.counts_the_waiting(event, facts):
            requests = await self.services.repository.all_of(registry.QUEUE)
            facts = replace(facts, waiting=registry.waiting_since(requests))
        return facts

    def _for_the_outbox(self, id_: str, outbox: Outbox, changes: Sequence[Change]) -> Sequence[Change]:
        """Keep back what the presser can be shown at once: forms, and the reply to a command."""
        kept: list[Change] = []
        for change in changes:
            if isinstance(change, Erasure):
                kept.append(change)
                continue
            form, in_reply = self._opens_at_once(change), change.to == self.by and self.source == "command"
            aside = form or (in_reply and self._needs_no_post(change, outbox))
            if change.to == self.by and (aside or (in_reply and not (self.in_own_chat and _posts(change, outbox)))):
                self.asides.append((id_, change))
            if aside:
                continue
            manner = Manner.NEWS if change.manner is Manner.ANSWER else change.manner
            kept.append(replace(change, manner=manner, awaited=change.to == self.by))
        return kept

    def _opens_at_once(self, content: CardContent) -> bool:
        """Whether this is a form that opens on top of what the person sees.

        No platform opens one for typed words: there it is a card, so that it can be taken away.
        """
        adapter = self.services.adapters.get(content.to.platform)
        opens = adapter is not None and adapter.opens_forms and self.source != "typed"
        return content.manner is Manner.FORM and opens

    def _needs_no_post(self, content: CardContent, outbox: Outbox) -> bool:
        """Whether the reply to a command is enough: it is only an answer, or stands in the chat already."""
        standing = outbox.slot(content.to, content.slot)
        stands = standing is not None and standing.ref is not None and standing.content.reads_like(content)
        return content.manner is Manner.ANSWER or stands

    async def elapse(self, id_: str) -> None:
        """Every deadline of this conversation that has passed, oldest first and each at most once."""
        over: set[str] = set()
        while True:
            stored = await self.load(id_)
            if stored is None or stored.is_forgotten:
                return
            running = sorted((at, timer) for timer, at in stored.conversation.deadlines.items() if timer not in over)
            if not running or running[0][0] > self.services.now():
                return
            _, timer = running[0]
            over.add(timer)
            await self.decide(stored.kind, id_, Elapsed(timer))

    # ------------------------------------------------------------ the facts of a decision

    async def facts(self, kind: str, of: str | Person) -> Facts:
        """What a conversation of this kind, known by this id or of this person, is decided on."""
        services, needs = self.services, ENTRIES[kind].needs
        zone = self._zone or services.programme.zone
        facts = Facts(services.now(), services.programme, fresh=services.new_id(), luck=services.luck(), zone=zone)
        if Need.ROSTER in needs:
            facts = replace(facts, peers=await self._peers())
        if Need.KNOWN_IN in needs:
            facts = replace(facts, known_in=await self._known_in(kind, of))
        return facts

    async def _peers(self) -> tuple[Peer, ...]:
        """The roster, read once, with what this work has changed in it."""
        if not self._roster.records:
            self._roster = await (self.read_roster or self.services.repository.roster)()
        changed = {id_: stored for id_, stored in self._now.items() if stored.kind == registry.ROSTER}
        if not changed:
            return self._roster.peers
        return registry.roster(stored.conversation for stored in {**self._roster.stored, **changed}.values())

    async def _known_in(self, kind: str, of: str | Person) -> tuple[str, ...]:
        """The ids of the requests that ask or hold this person."""
        if isinstance(of, Person):
            who: Person | None = of
        else:
            known = await self.load_kind(kind, of)
            who = ENTRIES[kind].person(known.conversation) if known else None
        if who is None:
            return ()
        return tuple(await self._found(Index.PEER, who))

    # ------------------------------------------------------------ where people are reached

    async def reached_at(self, by: Person, address: Address) -> None:
        """Note where the presser is reached now, in the records that are asked for it."""
        theirs = await self._homes_of(by)
        held = [stored for stored in self._now.values() if stored.outbox.address(by)]
        for stored in (*theirs, *held):
            if stored.outbox.address(by) != address:
                self.change(stored.conversation.id, stored.outbox.reached_at(by, address))

    async def gone(self, person: Person) -> None:
        """Every conversation of a person goes on without them: the platform shows them nothing any more."""
        homes = await self._homes_of(person)
        linked = [id_ for home in homes for id_ in ENTRIES[home.kind].links(home.conversation)]
        told = await self._found(Index.TOLD, person)
        for id_ in dict.fromkeys((*linked, *await self._known_in(registry.ROSTER, person), *told)):
            if (stored := await self.load(id_)) is not None:
                await self.decide(stored.kind, id_, Unreached(person))
        if await self.load_home(registry.ROSTER, person) is not None:
            await self.decide(registry.ROSTER, person, CannotBeReached())

    async def moved_away(self, person: Person) -> None:
        """Forget where they are reached, wherever that is held."""
        homes = await self._homes_of(person)
        linked = [id_ for home in homes for id_ in ENTRIES[home.kind].links(home.conversation)]
        others = [other for id_ in linked if (other := await self.load(id_)) is not None]
        for stored in (*homes, *others):
            self.change(stored.conversation.id, stored.outbox.moved_away(person))

    # ------------------------------------------------------------ writing

    def change(self, id_: str, outbox: Outbox) -> None:
        """Note what a delivery found out, as part of this work."""
        self._now[id_] = replace(self._now[id_], outbox=outbox)

    def meant_something(self) -> bool:
        """Whether anything came of the event: a change, or something to show the presser."""
        return bool(self.asides or self._changed())

    def changes(self, id_: str) -> bool:
        """Whether anything came of the event in this conversation."""
        return any(stored.conversation.id == id_ for stored in self._changed())

    def outcome(self, id_: str) -> Stored[Any]:
        """A conversation that was decided about."""
        return self._now[id_]

    async def write(self) -> list[Outgoing]:
        """Make it true, with the mark that this event was seen.

        Nothing is written when nothing happened.

        Returns:
            The conversations that then have something to deliver. What is in flight is the caller's to deliver now.

        Raises:
            StaleRevision: One of the records was written by another first: begin again.
        """
        changed = [stored for stored in self._changed() if stored.revision or not stored.is_forgotten]
        if not changed:
            return []
        outgoing = [self._set_out(stored) for stored in changed]
        audited = await self._audited()
        written = await self.services.repository.save([each.stored for each in outgoing], *self._marks(), *audited)
        return [
            Outgoing(stored, each.going)
            for stored, each in zip(written, outgoing, strict=True)
            if stored.outbox.deliveries and not stored.is_forgotten
        ]

    def _set_out(self, stored: Stored[Any]) -> Outgoing:
        """Each person's next delivery is in flight from this write on; what a platform has no time for is put off."""
        outbox, now, going = stored.outbox, self.services.now(), dict[Person, Delivery]()
        for delivery in outbox.ready(now) if outbox.deliveries else ():
            adapter, slot = self.services.adapters.get(delivery.to.platform), outbox.to_show(delivery)
            where, changing = outbox.address(delivery.to), outbox.changes(delivery)
            try:
                if adapter is not None:
                    awaited = slot is not None and slot.content.awaited
                    adapter.check_rate(delivery.to, where, changing, awaited=awaited)
            except RetryLater as busy:
                outbox = outbox.put_off(delivery, now + busy.after, now=now)
            else:
                going.setdefault(delivery.to, delivery)
        fresh = [delivery for delivery in going.values() if not delivery.in_flight]
        if fresh:
            outbox = outbox.marked_in_flight([delivery.id for delivery in fresh], now)
        return Outgoing(stored if outbox is stored.outbox else replace(stored, outbox=outbox), tuple(fresh))

    def _changed(self) -> list[Stored[Any]]:
        return [stored for id_, stored in self._now.items() if stored != self._read.get(id_)]

    async def _audited(self) -> tuple[Record, ...]:
        """The entries of the audit log for what a coordinator did."""
        services, acts = self.services, map(chain.by_coordinator, self._acts)
        return await chain.appended(services.store, services.vault, services.now().date(), *acts)

    def _marks(self) -> tuple[Record, ...]:
        if not self._mark:
            return ()
        now = self.services.now()
        return (Record(id=self._mark, kind=SEEN, stage=SEEN, due=now + SEEN_FOR, day=now.date()),)


def _posts(change: CardContent, outbox: Outbox) -> bool:
    """Whether this is shown by a new post, at the bottom of the chat."""
    return change.manner in (Manner.NEWS, Manner.ANSWER) or outbox.slot(change.to, change.slot) is None


def _answers_a_form(outbox: Outbox, event: Chose) -> bool:
    slot = outbox.slot(event.by, event.slot)
    return slot is not None and slot.content.manner is Manner.FORM
