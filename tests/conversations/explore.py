"""Explores every flow from its beginning: everyone does everything at every stage, and every deadline passes.

What the laws of the flows are held against, and the arrows of the tables.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Any

from conversations import registry, slots
from conversations.crisis.listener import Listener
from conversations.crisis.phrases import CrisisPhrases
from conversations.flow import FORGOTTEN, Flow
from conversations.front_door.doorstep import Doorstep
from conversations.front_door.typed_words import ABOUT_A_PEER
from conversations.immutable import replace
from conversations.messages import (
    Accompanies,
    CameBy,
    CannotBeReached,
    Freed,
    Helped,
    HideCards,
    Invited,
    IsReady,
    IsThere,
    KnownElsewhere,
    NeedsABreak,
    Nominated,
    NotAPeer,
    NotToday,
    OfferMade,
    PeerCameBy,
    PeerComesBack,
    PeerLeft,
    QueueAsked,
    ReadLate,
    Removed,
    RequestAsked,
    RequestEnded,
    RequestForgotten,
    RequestOpens,
    RosterChanged,
    TakenAwayUnread,
    Undelivered,
    WasWorried,
)
from conversations.model import (
    Answers,
    Chose,
    Effect,
    Elapsed,
    Event,
    Facts,
    Line,
    Message,
    OnCall,
    Opened,
    Peer,
    Person,
    Programme,
    Show,
    Told,
    Unreached,
)
from conversations.peers import coordinator
from conversations.peers.record import PeerRecord
from conversations.support.request import Finished, Request
from conversations.vocabulary import CardKind, Kind, Timer, Word

SUPPORT, VOLUNTEERING, DOORSTEP = registry.REQUESTS.flow, registry.PEERS.flow, registry.VISITORS.flow
FLOWS: tuple[Flow[Any], ...] = (SUPPORT, VOLUNTEERING, DOORSTEP)
MONDAY = datetime(2026, 3, 2, 14, tzinfo=UTC)

ANA, BO, CY, DI, DANA, EVE, KIM, OTTO = (
    Person(platform, "hospital", name)
    for platform, name in (
        ("slack", "Ana"),
        ("teams", "Bo"),
        ("slack", "Cy"),
        ("slack", "Di"),
        ("slack", "Dana"),
        ("teams", "Eve"),
        ("slack", "Kim"),
        ("slack", "Otto"),
    )
)
TRAINED = date(2028, 1, 1)
SINCE = date(2025, 1, 1)
PEERS = (
    Peer(BO, role="nurse", zone="America/New_York", trained_until=TRAINED, since=SINCE),
    Peer(CY, role="", visible=True, trained_until=TRAINED, since=SINCE),
)
KIM_ON_CALL = OnCall("Dr. Kim Lee", "555 0100", "day and night", KIM)
LINES = (Line("Physician Support Line", "1-888-409-0141"), Line("Crisis Text Line", "text HOME to 741741"))
HEARS = Listener((CrisisPhrases(hear=("not safe",)),))
FULL_HOUSE = Programme(
    coordinators=(DANA, EVE),
    on_call=KIM_ON_CALL,
    waves=(1,),
    lines=LINES,
    listener=HEARS,
    complaints="Sam Ortiz, 555 0177",
)

WORLDS: dict[str, Facts] = {
    "everybody is there": Facts(MONDAY, FULL_HOUSE, PEERS),
    "one trained peer, a phone on call": Facts(
        MONDAY,
        Programme(
            automatic_approval=True,
            crisis_texts=False,
            check_ins=(timedelta(hours=4),),
            lines=LINES,
            relay=False,
            on_call=replace(KIM_ON_CALL, person=None),
            quiet=None,
        ),
        (replace(PEERS[1], role="midwife"),),
    ),
    "everybody sleeps": Facts(
        MONDAY, FULL_HOUSE, tuple(replace(peer, hours=("nights",), zone="UTC") for peer in PEERS)
    ),
    "nobody volunteered": Facts(MONDAY, Programme(lines=LINES, quiet=(time(22), time(7)))),
}
CALLED = {who: (who.id,) for who in (BO, CY, DI, DANA, EVE, KIM, OTTO)}
WORLDS = {name: replace(facts, names=CALLED) for name, facts in WORLDS.items()}


@dataclass(frozen=True, slots=True)
class Tried:
    """One event, and what it did."""

    before: Any
    event: Event
    facts: Facts
    after: Any
    effects: tuple[Effect, ...]

    @property
    def shows(self) -> tuple[Show, ...]:
        return tuple(effect for effect in self.effects if isinstance(effect, Show))

    @property
    def says(self) -> tuple[Message, ...]:
        return tuple(effect.message for effect in self.shows)


Happens = Callable[[Any, Facts], Iterator[tuple[Event, Facts]]]
Likeness = Callable[[Any], object]

MOST = 2000  # states of one kind in one world that are not alike


def explore(flow: Flow[Any], first: Iterable[tuple[Any, Facts]], happens: Happens, alike: Likeness) -> Iterator[Tried]:
    """Every event from every state that can be reached, breadth first; states that are alike are tried once."""
    todo = deque(first)
    seen: set[object] = set()
    while todo:
        talk, facts = todo.popleft()
        if talk.stage == FORGOTTEN or alike(talk) in seen:
            continue
        seen.add(alike(talk))
        assert len(seen) < MOST, "something grows without end"
        for event, then in happens(talk, facts):
            yield from _one(flow, talk, event, then, todo)
        for late in (timedelta(0), timedelta(days=3), timedelta(days=40)):
            yield from _time_passes(flow, talk, facts, late, todo)


def _one(flow: Flow[Any], talk: Any, event: Event, facts: Facts, todo: deque[tuple[Any, Facts]]) -> Iterator[Tried]:
    after, effects = flow.decide(talk, event, facts)
    todo.append((after, facts))
    yield Tried(talk, event, facts, after, effects)


def _time_passes(
    flow: Flow[Any], talk: Any, facts: Facts, late: timedelta, todo: deque[tuple[Any, Facts]]
) -> Iterator[Tried]:
    """Each deadline that has passed, oldest first and once: a clock may be late, never early."""
    if talk.due is None:
        return
    then = replace(facts, now=max(talk.due, facts.now) + late)
    over: set[str] = set()
    while running := sorted((at, name) for name, at in talk.deadlines.items() if name not in over and at <= then.now):
        over.add(running[0][1])
        for step in _one(flow, talk, Elapsed(running[0][1]), then, todo):
            yield step
            talk = step.after


# ---------------------------------------------------------------- support

WISHES: tuple[Answers, ...] = (
    {},
    {
        "about": "lawsuit",
        "how": "call",
        "who": ("same-role", "been-through", "may-evaluate"),
        "leave-out": (DANA,),
        "leave-out-names": "Kowalski, B. Lem",
        "when": "break",
        "follow-up": ("check-in", "nights"),
    },
    {"leave-out-names": "\n".join(f"Kowalski-{letter}" for letter in "abcdefghijkl")},
    {"how": "here", "follow-up": (), "role": 7, "language": "Klingon", "who": "none"},  # forged, or nonsense
)
ANSWERS: dict[str, tuple[Answers, ...]] = {
    "offer-times": (
        {},
        {"times": ("tomorrow-break", "tea-time")},
        {"times": ("tomorrow-break", "tomorrow-evening", "day-after-break")},
        {"times": ("tomorrow-break", "tomorrow-evening", "day-after-break", "day-after-evening")},
    ),
    "ask": WISHES,
    "save": WISHES[1:2],
    "send": ({"line": "It has been a long week."}, {"line": "I am not safe."}, {"line": " "}, {}),
}


def requests(facts: Facts) -> Iterator[tuple[Request, Facts]]:
    for urgency in ("soon", "today", "no-rush"):
        begun = SUPPORT.begin("r", RequestOpens(ANA, urgency), facts)
        assert begun
        yield begun, facts


def _what_happens_to_a_request(talk: Request, facts: Facts) -> Iterator[tuple[Event, Facts]]:
    if talk.stage == "new":
        yield RequestOpens(ANA), facts
        return
    peers = {*(offer.peer for offer in talk.offers), *(finished.peer for finished in talk.finished)}
    involved = {ANA, KIM, *talk.told, *peers, *((talk.peer,) if talk.peer else ())}
    for by in sorted({*involved, OTTO}):
        for choice in SUPPORT.choices(talk.stage):
            for answers in ANSWERS.get(choice, ({},)):
                slot = slots.PAGE if choice == "on-it" else slots.pen(talk.alias)
                yield Chose(by, choice, answers, slot), replace(facts, luck=len(talk.passed))
    later = replace(facts, now=facts.now + timedelta(days=7))  # the times that were named have passed
    yield from ((Chose(by, "first-time"), later) for by in involved if talk.meeting.offered)
    for offer in talk.offers:  # they said yes somewhere else a moment ago
        full = (
            replace(peer, holding=("a", "b", "c", "d", "e")) if peer.person == offer.peer else peer
            for peer in facts.peers
        )
        yield Chose(offer.peer, "yes"), replace(facts, peers=tuple(full))
    for who in sorted(involved):
        yield Unreached(who, CardKind.RELAY_LINE), facts
        yield Undelivered(who, CardKind.RELAY_LINE), facts
        yield TakenAwayUnread(who, CardKind.RELAY_LINE), facts
        yield PeerCameBy(who), facts
        yield IsThere(who), facts
        yield HideCards(who), facts
        yield PeerComesBack(who), facts
        yield Undelivered(who, CardKind.SUPPORT_ASKING), facts
        yield ReadLate(who, CardKind.SUPPORT_CHOSEN), facts
        yield ReadLate(who, CardKind.PEER_TALKED), facts
        yield ReadLate(who, CardKind.CHECK_IN_MONTH), facts
        yield PeerLeft(who), facts
        yield PeerLeft(who, "kindly"), facts
        yield PeerLeft(who, "at-once"), facts
    yield from _time_passes_unread(talk, facts)
    yield RosterChanged(), facts
    yield Chose(ANA, "not-now", {}, slots.OR_ELSE), facts
    for who in (DANA, OTTO):
        yield QueueAsked(who), facts
    for word in (Word.NONE, Word.SOON, Word.STOP, Word.CHANGE, Word.DATA, Word.FORGET_ME, Word.HIDE, Word.NOT_SAFE):
        yield Opened(ANA, word, "typed"), facts
    yield Opened(OTTO, Word.STOP), facts


def _time_passes_unread(talk: Request, facts: Facts) -> Iterator[tuple[Event, Facts]]:
    """A platform is down: what the two were asked could not be read when the time for an answer is over."""
    waits = {Timer.GIVE_UP, Timer.CHOOSE, Timer.TALKED}.intersection(talk.deadlines)
    asked = {(ANA, slots.STATUS): facts.now, (ANA, slots.CONNECTED): facts.now}
    for timer in sorted(waits):
        yield Elapsed(timer), replace(facts, unread=asked)


def _requests_alike(talk: Request) -> object:
    """What decides how a request goes on, without the hour and without what is as good as the same."""
    match talk.stage:
        case "new" | "details":
            return talk.stage, talk.urgency, talk.choosing
        case "asking":
            offers = frozenset(offer.peer for offer in talk.offers)
            wishes = talk.wishes.about, bool(talk.check_ins)
            story = talk.late, talk.met, bool(talk.told), len(talk.passed) > 1
            return talk.stage, talk.urgency == "soon", wishes, offers, *story
        case "together":
            named = talk.clinician_named, talk.peer_named
            unnamed = talk.contact.wrote_last if named == (False, False) else ""
            waiting = talk.reminded, talk.contact.asked, talk.contact.waited and talk.reminded
            beside = () if any(waiting) else ("page" in talk.deadlines, bool(talk.check_ins))
            plain = talk.urgency == "soon" and not (any(waiting) or any(beside) or any(named) or unnamed)
            offered, agreed = talk.meeting.offered, talk.meeting.agreed is not None
            meeting = (talk.meeting.by_clinician, len(offered), agreed) if plain else ()
            return talk.stage, talk.peer, named, waiting, beside, unnamed, meeting
        case _:
            left = "tidy" in talk.deadlines, bool(talk.check_ins), len(talk.finished)
            return talk.stage, talk.wishes.about, talk.peer, talk.met, *left


# ---------------------------------------------------------------- volunteering

PROFILES: tuple[Answers, ...] = (
    {},
    {
        "my-role": "physician",
        "my-department": "wards",
        "been-through": ("work",),
        "languages": ("es",),
        "my-hours": ("nights", "tea-time"),
        "limit": "1",
        "showing": ("visible", "plain-push"),
        "evaluates": ("reviews",),
    },
    {"limit": "many", "my-role": ("nurse",), "languages": (), "my-hours": "days"},
)
VOLUNTEER_ANSWERS: dict[str, tuple[Answers, ...]] = {
    "next": PROFILES,
    "save-shifts": ({}, {"shift-mon": "19-07", "shift-tue": "off", "shift-wed": "tea-time"}),
    "save": PROFILES,
    "approve": ({}, {"trained": "year"}, {"trained": "never"}),
}


TOLD_A_PEER: tuple[Told, ...] = (
    OfferMade(),
    Accompanies("r"),
    CameBy(),
    CameBy(worried=True),
    Freed("r"),
    Helped("r"),
    Helped("r", was_hard=True),
    WasWorried(),
    IsReady(),
    Removed(DANA),
    Removed(DANA, at_once=True),
    NotToday(),
    NeedsABreak(),
    HideCards(DI),
    HideCards(DANA),
    CannotBeReached(),
    Invited(DI, DANA),
    Nominated(DI),
)


def volunteers(facts: Facts) -> Iterator[tuple[PeerRecord, Facts]]:
    begun = VOLUNTEERING.begin("v", Opened(DI, Word.PEER), facts)
    assert begun
    yield begun, replace(facts, known_in=("r",), fresh="1a2b3c4d")


def _what_happens_to_a_volunteer(talk: PeerRecord, facts: Facts) -> Iterator[tuple[Event, Facts]]:
    for word in sorted(ABOUT_A_PEER):
        yield Opened(DI, word, "typed"), facts
    if talk.stage == "new":
        yield from ((asked, facts) for asked in (Invited(DI, DANA), Invited(DI, DANA, facts.now.date()), Nominated(DI)))
        return
    for by in (DI, DANA, EVE, OTTO):
        for choice in VOLUNTEERING.choices(talk.stage):
            for answers in VOLUNTEER_ANSWERS.get(choice, ({},)):
                yield Chose(by, choice, answers), facts
    for told in TOLD_A_PEER:
        yield told, facts
    yield KnownElsewhere(DI), facts
    yield KnownElsewhere(BO), facts
    yield Unreached(DI), facts


def _how_soon(talk: PeerRecord, timer: str) -> int | None:
    """In which of the weeks before their training ends this timer stands; None where it does not run."""
    ends, at = talk.deadlines.get(Timer.EXPIRED), talk.deadlines.get(Timer(timer))
    return None if at is None or ends is None else (ends - at).days // 7


def _volunteers_alike(talk: PeerRecord) -> object:
    """What decides how a peer goes on. What they say of themselves is told apart only where they are free."""
    peer = talk.peer
    busy = peer.paused or peer.resting_until is not None or len(peer.holding) > 1
    on_duty = peer.on_duty_until is not None
    of_themselves = (on_duty,) if busy or on_duty else (bool(peer.role), bool(talk.code), bool(peer.also))
    return (
        talk.stage,
        peer.paused,
        talk.paused_until is None,
        talk.approved_on is None,
        bool(peer.asked),
        len(peer.holding) > 1,
        peer.resting_until is None,
        talk.reminders,
        _how_soon(talk, "expiring"),
        "expired" in talk.deadlines,
        "tidy" in talk.deadlines,
        of_themselves,
    )


# ---------------------------------------------------------------- the door


def doorsteps(facts: Facts) -> Iterator[tuple[Doorstep, Facts]]:
    begun = DOORSTEP.begin("d", Opened(ANA), facts)
    assert begun
    there, _ = DOORSTEP.decide(begun, Opened(ANA), facts)
    yield there, replace(facts, fresh="r")


ENROLLING: tuple[Answers, ...] = (
    {},
    {"invite": (BO,), "trained": "year"},
    {"invite-list": "name;id\nEve;slack:hospital:EVE\nslack:hospital:U0EVE"},
    {"invite-list": "one\ntwo\nslack:hospital:EVE"},
    {"invite-list": "\n".join("?" * 30)},
    {"invite-list": "\n".join(f"slack:hospital:P{number}" for number in range(201))},
    {"invite": "Bo", "invite-list": ("Bo",)},
)


def _what_is_filled_in_at_the_door(facts: Facts, coordinates: Facts) -> Iterator[tuple[Event, Facts]]:
    """Cards that are filled in at the front door, by a coordinator and by anyone."""
    for answers in ({}, {"whom": (BO,)}, {"whom": (BO, DI), "safety": ("at-once",)}, {"whom": "Bo"}):
        for choice in ("remove", "not-now"):
            yield Chose(ANA, choice, answers), coordinates
            yield Chose(ANA, choice, answers), facts
    for answers in ENROLLING:
        yield Chose(ANA, "invite", answers), coordinates
        yield Chose(ANA, "invite", answers), facts
    yield Opened(ANA, Word.NOMINATE, "typed"), coordinates
    for people in ((), (BO,), (BO, DI, ANA), (BO, DI, EVE, OTTO)):
        yield Chose(ANA, "nominate", {"nominate": people}), facts
    for slot in (slots.REMOVE, slots.ENROL, slots.NOMINATE, slots.DOOR):
        yield Chose(ANA, "not-now", {}, slot), facts


def _what_happens_at_the_door(talk: Doorstep, facts: Facts) -> Iterator[tuple[Event, Facts]]:
    for word in sorted(Word):
        for how in ("pressed", "typed", "command"):
            yield Opened(ANA, word, how), facts
    coordinates = replace(facts, programme=replace(facts.programme, coordinators=(ANA,)))
    for word in sorted(coordinator.WORDS):
        yield Opened(ANA, word, "typed"), coordinates
        ends = facts.now.date() + timedelta(days=9), facts.now.date() - timedelta(days=9)
        peers = tuple(Peer(BO, trained_until=day) for day in ends)
        yield Opened(ANA, word, "typed"), replace(coordinates, peers=peers, waiting=(facts.now - timedelta(hours=3),))
    yield from _what_is_filled_in_at_the_door(facts, coordinates)
    for holding in ((), ("r",)):
        linked = replace(facts, peers=(Peer(BO, also=(ANA,), holding=holding),))
        yield Opened(ANA, Word.WORRIED, "typed"), linked
        yield NotAPeer(), linked
    for code in ("1A2B-3c4d", "a word", 7):
        for by in (ANA, OTTO):
            yield Chose(by, "link-me", {"code": code}, "link"), facts
    yield RequestAsked(), facts
    yield NotAPeer(), facts
    yield IsThere(ANA), facts
    for request in ("r", "another"):
        yield RequestEnded(request), facts
        yield RequestForgotten(request), facts
    yield Unreached(ANA), facts


def _doorsteps_alike(talk: Doorstep) -> object:
    return (
        talk.stage,
        talk.request,
        min(len(talk.asked), 4),
        talk.closed[:2],
        min(len(talk.named), 3),
        "tidy" in talk.deadlines,
    )


@cache
def tried(name: Kind) -> tuple[Tried, ...]:
    """Everything that can happen to this kind of conversation, in every world."""
    first, happens, alike = {
        SUPPORT.kind: (requests, _what_happens_to_a_request, _requests_alike),
        VOLUNTEERING.kind: (volunteers, _what_happens_to_a_volunteer, _volunteers_alike),
        DOORSTEP.kind: (doorsteps, _what_happens_at_the_door, _doorsteps_alike),
    }[name]
    flow = next(flow for flow in FLOWS if flow.kind == name)
    steps = tuple(
        step
        for facts in WORLDS.values()
        for step in explore(flow, first(facts), happens, alike)  # type: ignore[operator]
    )
    return (*steps, *_walking(steps)) if name == VOLUNTEERING.kind else steps


def _walking(steps: tuple[Tried, ...]) -> Iterator[Tried]:
    """A peer who walks with someone types a word: exploring holds one request as good as none."""
    ready = next(step.after for step in steps if step.after.stage == "ready")
    walks = replace(ready, peer=replace(ready.peer, holding=("r",)))
    for told in (CameBy(), HideCards(DI)):
        yield _tried(VOLUNTEERING, walks, told, next(iter(WORLDS.values())))


def seldom() -> Iterator[Tried]:
    """What an exploration from the beginning does not come by: deadlines that fall together by other settings, and a
    coordinator who turned out to be left out after they were told.
    """
    facts = next(iter(WORLDS.values()))
    one_of_each = {step.after.stage: step.after for step in tried(SUPPORT.kind) if step.after.deadlines}
    for request in one_of_each.values():
        if Timer.PAGE in SUPPORT.waits(request.stage):
            paged = replace(request, worried=BO, deadlines={**request.deadlines, Timer.PAGE: facts.now})
            yield _tried(SUPPORT, paged, Elapsed(Timer.PAGE), facts)
        if Timer.LAST_CARD in SUPPORT.waits(request.stage):
            finished = replace(request, finished=(Finished(BO, facts.now),))
            yield _tried(SUPPORT, finished, Elapsed(Timer.LAST_CARD), facts)
        if Timer.CLOSE in SUPPORT.waits(request.stage):
            late = replace(facts, now=facts.now + timedelta(days=60))
            yield _tried(SUPPORT, request, Elapsed(Timer.CLOSE), late)
            yield _tried(SUPPORT, replace(request, touched=late.now), Elapsed(Timer.CLOSE), late)
    yield _tried(SUPPORT, one_of_each["chosen"], Chose(ANA, "someone-else", {}, slots.CHECK_IN), facts)
    asking = one_of_each["asking"]
    left_out = replace(asking, told=(DANA,), wishes=replace(asking.wishes, leave_out=(DANA,)))
    yield _tried(SUPPORT, left_out, Chose(DANA, "take-it"), facts)


def _tried(flow: Flow[Any], talk: Any, event: Event, facts: Facts) -> Tried:
    return Tried(talk, event, facts, *flow.decide(talk, event, facts))
