"""One event and everything it means, in any number of conversations, until it is one write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Literal

from adapters.base import Address, TryLater
from bot import outbox
from bot.archive import Roster
from bot.house import House
from bot.records import CODE, KINDS, PEER, Saved, id_of
from bot.store.base import Record
from conversations.flow import FORGOTTEN
from conversations.model import Chose, Code, Elapsed, Event, Facts, Opened, Peer, Person, Say, Tell
from conversations.volunteering import roster

SEEN_FOR = timedelta(hours=25)


@dataclass(slots=True)
class Step:
    """Works on copies; nothing is true before `write` has saved all of them, or none.

    What a decision relied on is written with it, at the revision it was read: whoever wrote second begins again.
    """

    house: House
    by: Person | None = None
    how: Literal["pressed", "typed", "command"] = "pressed"
    address: str | None = None
    event_id: str = ""
    zone: str = ""
    asides: list[tuple[str, Say]] = field(default_factory=list)  # (record id, what the presser may be told at once)
    _read: dict[str, Saved[Any]] = field(default_factory=dict)
    _now: dict[str, Saved[Any]] = field(default_factory=dict)
    _roster: Roster = field(default_factory=Roster)

    async def happened_before(self) -> bool:
        """Whether this very event was written down already: platforms deliver again."""
        return bool(self.event_id) and await self.house.store.load(self._seen_id()) is not None

    def _seen_id(self) -> str:
        return self.house.vault.mark("event", self.event_id)

    async def saved(self, kind: str, id: str) -> Saved[Any] | None:
        """This conversation as it would stand after the step so far; None where it is none of this kind."""
        found = await self.found(id)
        return found if found is not None and found.kind == kind else None

    async def found(self, id: str) -> Saved[Any] | None:
        """As `saved`, of any kind. Read once: what is looked at is what is decided about, and written over."""
        if id not in self._now:
            found = self._roster.volunteers.get(id) or await self.house.archive.load(id)
            if found is None:
                return None
            self._read[id] = self._now[id] = found
        return self._now[id]

    async def decide(self, kind: str, of: str | Person, event: Event) -> None:
        """Let one conversation answer, then whoever it tells something."""
        waiting: list[tuple[str, str | Person, Event]] = [(kind, of, event)]
        while waiting:
            for tell in await self._decide(*waiting.pop(0)):
                to = await self._who_made(tell.of) if isinstance(tell.of, Code) else tell.of
                if to is not None:
                    waiting.append((tell.flow, to, tell.event))

    async def _who_made(self, code: Code) -> str | None:
        found = await self.house.store.find(CODE, self.house.vault.mark(CODE, code.text))
        return next(iter(found), None)

    async def _decide(self, kind: str, of: str | Person, event: Event) -> Sequence[Tell]:
        id_, flow = id_of(kind, of, self.house.vault), KINDS[kind].flow
        if isinstance(event, Opened) and not self.zone:
            self.zone = await self.house.zone(event.by)
        facts = await self._facts(kind, of)
        saved = await self.saved(kind, id_)
        if saved is None:
            talk = flow.begin(id_, event, facts)
            if talk is None:
                return ()
            saved = Saved(talk, kind, day=facts.now.date())
        talk, effects = flow.decide(saved.talk, event, facts)
        says = [effect for effect in effects if isinstance(effect, Say)]
        mail = saved.mail
        if isinstance(event, Chose) and says and _is_form(mail, event):
            says.insert(0, Say(event.by, "", event.slot, manner="erase"))  # a form is sent once
        if isinstance(event, Opened) and event.by == self.by:
            mail = outbox.at(mail, event.by, self.address)
        mail = outbox.say_all(mail, self._for_the_outbox(id_, mail, says), self.house.new_id)
        self._now[id_] = replace(saved, talk=talk, mail=mail)
        return [effect for effect in effects if isinstance(effect, Tell)]

    def _for_the_outbox(self, id_: str, mail: outbox.Mail, says: Sequence[Say]) -> Sequence[Say]:
        """Keep back what the presser can be told at once: forms, and the reply to a command."""
        kept = []
        for say in says:
            opens = say.manner == "form" and self._opens_forms(say.to)
            if say.to == self.by and say.text and (opens or self.how == "command"):
                self.asides.append((id_, say))
            if opens or (say.manner == "answer" and self.how == "command"):
                continue
            standing = mail.slot(say.to, say.slot)
            if (
                self.how == "command"
                and say.to == self.by
                and standing
                and standing.ref
                and outbox.alike(standing.say, say)
            ):
                continue
            kept.append(replace(say, manner="news") if say.manner == "answer" else say)
        return kept

    def _opens_forms(self, who: Person) -> bool:
        adapter = self.house.adapters.get(who.platform)
        return adapter is not None and adapter.opens_forms

    async def elapse(self, kind: str, id_: str) -> None:
        """Every deadline of this conversation that has passed, oldest first and each at most once."""
        over: set[str] = set()
        while True:
            saved = await self.saved(kind, id_)
            if saved is None or saved.talk.stage == FORGOTTEN:
                return
            running = sorted((at, name) for name, at in saved.talk.deadlines.items() if name not in over)
            if not running or running[0][0] > self.house.now():
                return
            _, timer = running[0]
            over.add(timer)
            await self.decide(kind, id_, Elapsed(timer))

    async def reached_at(self, by: Person, address: Address) -> None:
        """Note where whoever acts is reached now, in the records that are asked for it."""
        theirs = [await self.saved(kind, id_of(kind, by, self.house.vault)) for kind in ("doorstep", "volunteering")]
        held = [saved for saved in self._now.values() if saved.mail.address(by)]
        for saved in (*theirs, *held):
            if saved is not None:
                self.change(saved.talk.id, outbox.at(self._now[saved.talk.id].mail, by, address))

    async def moved_away(self, person: Person) -> None:
        """Forget where they are reached, wherever that is held."""
        door = await self.saved("doorstep", id_of("doorstep", person, self.house.vault))
        requests = (*door.talk.closed, door.talk.request) if door else ()
        found = [await self.saved("support", request) for request in requests if request]
        volunteer = await self.saved("volunteering", id_of("volunteering", person, self.house.vault))
        for saved in (door, volunteer, *found):
            if saved is not None:
                self.change(saved.talk.id, outbox.moved_away(saved.mail, person))

    async def _facts(self, kind: str, of: str | Person) -> Facts:
        house = self.house
        zone = self.zone or house.programme.zone
        facts = Facts(house.now(), house.programme, fresh=house.new_id(), luck=house.luck(), zone=zone)
        if kind == "support":
            return replace(facts, peers=await self._peers())
        if kind == "volunteering":
            id_ = id_of(kind, of, house.vault)
            known = await self.saved(kind, id_)
            who = of if isinstance(of, Person) else known.talk.peer.person if known else None
            known_in = await house.store.find(PEER, house.vault.pseudonym(PEER, who)) if who else ()
            return replace(facts, known_in=tuple(known_in))
        return facts

    def meant_something(self) -> bool:
        """Whether anything came of the event: a change, or something to tell the presser."""
        return bool(self.asides or self._changed())

    def changes(self, id_: str) -> bool:
        """Whether anything came of the event in this conversation."""
        return any(saved.talk.id == id_ for saved in self._changed())

    def change(self, id_: str, mail: outbox.Mail) -> None:
        """Note what the post found out, as part of this step."""
        self._now[id_] = replace(self._now[id_], mail=mail)

    async def _peers(self) -> tuple[Peer, ...]:
        """The roster, read once, with what this step has changed in it."""
        if not self._roster.records:
            self._roster = await self.house.archive.roster()
        changed = {id_: saved for id_, saved in self._now.items() if saved.kind == "volunteering"}
        if not changed:
            return self._roster.peers
        return roster(saved.talk for saved in {**self._roster.volunteers, **changed}.values())

    async def write(self) -> list[str]:
        """Make it true, with the mark that this event was seen; the ids of those who then have something to deliver.

        Nothing is written when nothing happened. Raises Stale when somebody wrote first.
        """
        changed = [saved for saved in self._changed() if saved.revision or saved.talk.stage != FORGOTTEN]
        if not changed:
            return []
        written = await self.house.archive.write(map(self._put_off, changed), *self._seen())
        return [saved.talk.id for saved in written if saved.mail.errands and saved.talk.stage != FORGOTTEN]

    def _put_off(self, saved: Saved[Any]) -> Saved[Any]:
        """What a platform would have us keep for now is written as waiting, in this same write: it never sets out."""
        mail, now = saved.mail, self.house.now()
        for errand in outbox.ready(mail, now):
            try:
                self.house.look(mail, errand)
            except TryLater as busy:
                mail = outbox.put_off(mail, errand, now + busy.after)
        return saved if mail is saved.mail else replace(saved, mail=mail)

    def _changed(self) -> list[Saved[Any]]:
        return [saved for id_, saved in self._now.items() if saved != self._read.get(id_)]

    def _seen(self) -> tuple[Record, ...]:
        if not self.event_id:
            return ()
        now = self.house.now()
        return (Record(id=self._seen_id(), kind="seen", stage="seen", due=now + SEEN_FOR, day=now.date()),)

    def outcome(self, id_: str) -> Saved[Any]:
        """A conversation this step has decided about."""
        return self._now[id_]


def _is_form(mail: outbox.Mail, event: Chose) -> bool:
    slot = mail.slot(event.by, event.slot)
    return slot is not None and slot.say.manner == "form"
