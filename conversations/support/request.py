"""One clinician's request: its stages, what we remember of it, and who is who in it. Its table is in table.py."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Literal

from conversations import hours, slots
from conversations.flow import Conversation, Deadlines, Flow, Role
from conversations.immutable import Immutable
from conversations.messages import (
    Accompanies,
    Freed,
    Helped,
    IsThere,
    OfferMade,
    PeerCameBy,
    RequestAsked,
    RequestEnded,
    RequestForgotten,
    RequestOpens,
)
from conversations.model import Chose, Event, Facts, Opened, Person, Tell, Urgency, change
from conversations.numbers import Outcome
from conversations.options import HARD, topics
from conversations.slots import Slot
from conversations.vocabulary import CardKind, Choice, Kind, Timer

ANSWERS = (  # to a check-in
    *(Choice.OKAY_FOR_NOW, Choice.SOMETHING_ELSE, Choice.NO_MORE, Choice.THIRTY_DAYS),
    *(Choice.ASK_LATER, Choice.TOMORROW, Choice.IN_THREE_DAYS),
)
CODE_NAMES = 24  # how many `code-name-<n>` the texts hold; after them come the same again, numbered
STEPS = (5, 7, 11, 13, 17, 19, 23)  # none of them shares a factor with 24


A_DAY: Final = timedelta(hours=24)
A_MINUTE: Final = timedelta(minutes=1)  # long enough to show a card; the platform is not waited for


class RequestStage(StrEnum):
    """The places where a request rests."""

    NEW = "new"
    DETAILS = "details"
    ASKING = "asking"
    CHOSEN = "chosen"
    RESTING = "resting"
    TOGETHER = "together"
    AFTERWARDS = "afterwards"
    CLOSED = "closed"
    FORGOTTEN = "forgotten"


NEW: Final = RequestStage.NEW
DETAILS: Final = RequestStage.DETAILS  # the clinician may say more, or just ask
ASKING: Final = RequestStage.ASKING  # peers are asked in waves
CHOSEN: Final = RequestStage.CHOSEN  # a peer said yes; the clinician decides
RESTING: Final = RequestStage.RESTING  # the clinician did not decide; nothing is asked until they tap
TOGETHER: Final = RequestStage.TOGETHER  # the two talk
AFTERWARDS: Final = RequestStage.AFTERWARDS  # the peer has finished; nobody is asked until the clinician taps
CLOSED: Final = RequestStage.CLOSED  # over; erased on its day
GONE: Final = RequestStage.FORGOTTEN

OPEN: Final = (DETAILS, ASKING, CHOSEN, RESTING, TOGETHER, AFTERWARDS)
ACCOMPANIED: Final = (ASKING, CHOSEN, RESTING, TOGETHER, AFTERWARDS)
LASTING: Final = (*ACCOMPANIED, CLOSED)
OVER: Final = (CLOSED, GONE)


class Offer(Immutable, frozen=True):
    """An open question to one peer, under a code name no other peer is given."""

    peer: Person
    alias: int


class Contact(Immutable, frozen=True):
    """What is known of the contact between two who are together.

    Args:
        wrote_last: Who wrote the last relay line; empty where there was none.
        asked: Whether the clinician was asked if the two have connected, and has not answered.
        waited: Whether the clinician chose to wait once more.
        peer_wrote: Whether a line of the peer stands in the clinician's chat.
    """

    wrote_last: Literal["", "clinician", "peer"] = ""
    asked: bool = False
    waited: bool = False
    peer_wrote: bool = False


class Meeting(Immutable, frozen=True):
    """A time to talk that two who are together look for.

    Args:
        asked_at: When one of them was asked to name times: *today* is counted from then.
        offered: The times that were named, and not yet picked.
        by_clinician: Whether it was the clinician who named them.
        agreed: The time that was picked, until it comes.
    """

    asked_at: datetime | None = None
    offered: tuple[datetime, ...] = ()
    by_clinician: bool = False
    agreed: datetime | None = None


class Finished(Immutable, frozen=True):
    """A peer whose part is over.

    Args:
        peer: Who it was.
        until: When the numbers leave their last card.
        rests_until: The end of their rest, where it is a long one.
        card: What their last card says.
    """

    peer: Person
    until: datetime
    card: CardKind = CardKind.PEER_AFTER
    rests_until: datetime | None = None


class WorriedCall(Immutable, frozen=True):
    """A worried peer's call for the on-call person.

    Args:
        peer: Who is worried.
        page: Where it stands in the on-call person's chat.
        phone_at: When the peer is told to phone; None once they were, or the on-call person has answered.
    """

    peer: Person
    page: Slot = slots.PAGE
    phone_at: datetime | None = None


class Wishes(Immutable, frozen=True):
    """What the clinician ticked. For matching; `how` stands in an offer, and the peer who comes also reads `when`.

    By the words about a lawyer they also know of a complaint. Nothing else is shown to anyone.
    """

    about: str = ""
    how: str = "any"
    who: tuple[str, ...] = ("other-department",)
    language: str = ""
    gender: str = ""
    role: str = ""
    department: str = ""
    leave_out: tuple[Person, ...] = ()
    names: tuple[str, ...] = ()  # to leave out, as they were typed
    when: str = "any-time"
    nights: bool = False  # this week
    nights_until: datetime | None = None  # when that week ends; an older release did not say
    check_in: bool = True


class Request(Conversation, frozen=True, kw_only=True):
    """All that is remembered of a request, until it is forgotten.

    A search round begins with `searching_since`; `asked` belongs to it, `passed` to the whole request.
    """

    stage: RequestStage
    clinician: Person
    urgency: Urgency = "soon"
    zone: str = "UTC"
    wishes: Wishes = Wishes()
    choosing: bool = False  # the clinician wants the questions of the details card, before anyone is asked
    searching_since: datetime | None = None
    wave: int = 0
    offers: tuple[Offer, ...] = ()
    asked: tuple[Person, ...] = ()
    passed: tuple[Person, ...] = ()  # said no, handed back, or were swapped: never asked again
    told: tuple[Person, ...] = ()  # coordinators who know that someone is waiting
    late: bool = False  # the target has passed
    peer: Person | None = None
    alias: int = 0  # which of this request's code names the peer knows the clinician by
    seed: int = 0  # the order of this request's code names, so that it cannot be guessed
    aliases: int = 0  # how many were given so far; no two peers are given the same
    clinician_named: bool = False
    peer_named: bool = False
    met: bool = False  # a peer was brought together with them at least once
    counted_from: datetime | None = None  # what check-ins are counted from
    worried: Person | None = None  # the peer who called for the on-call person last: all that 0.2.0 knows of it
    calls: tuple[WorriedCall, ...] = ()  # of every worried peer, in order
    lines: int = 0  # how many relay lines were written
    reminded: bool = False  # the peer was asked whether they talked, and has not answered
    contact: Contact = Contact()
    meeting: Meeting = Meeting()
    finished: tuple[Finished, ...] = ()  # in order; the last one can be asked first when they would like to talk again
    parted: Person | None = None  # the last peer who was with them, so that a line that was not shown is owned up to
    check_ins: tuple[datetime, ...] = ()  # still to come, before they are moved into waking hours
    checked_in: datetime | None = None
    postponed: tuple[str, ...] = ()  # by how much a check-in was put off; each can be chosen once
    touched: datetime | None = None
    outcome: Outcome = Outcome()
    kept_until: datetime | None = None  # the day of erasure they read when they asked for a check-in after thirty days


def by_urgency(request: Request, soon: timedelta, other: timedelta) -> timedelta:
    """Settings that come in two speeds: for *soon*, and for everything else."""
    return soon if request.urgency == "soon" else other


def when_others_may_be_asked(request: Request, moment: datetime, zone: str, facts: Facts) -> datetime:
    """When to act for this request: *soon* ignores quiet hours, everything else waits for the morning of this zone."""
    return moment if request.urgency == "soon" else hours.waking(moment, zone, facts.programme.quiet)


def zone_of_peer(request: Request, facts: Facts) -> str:
    """The peer's time zone; where there is no peer, the programme's."""
    return next((peer.zone for peer in facts.peers if peer.person == request.peer), facts.programme.zone)


def between_reminders(request: Request, facts: Facts) -> timedelta:
    """How long to wait for a sign that the two talked, and again for an answer."""
    return by_urgency(request, facts.programme.talked_soon, facts.programme.talked_other)


def time_to_answer(request: Request, facts: Facts) -> datetime:
    """Until when we wait for the clinician's answer to a question that they can read from now on."""
    return when_others_may_be_asked(request, facts.now + between_reminders(request, facts), request.zone, facts)


def is_unread(facts: Facts, span: timedelta, *cards: tuple[Person, Slot]) -> bool:
    """Whether a platform has not shown one of these cards, so that a deadline that follows it has to begin anew.

    The wait ends: what was held up for a day longer than the deadline itself is treated as if it had been read.

    Args:
        facts: The world as it is.
        span: How long the deadline gives its reader.
        cards: Their readers, and where they stand.
    """
    since = min((facts.unread[card] for card in cards if card in facts.unread), default=None)
    return since is not None and facts.now < since + span + A_DAY


def when_to_ask_the_peer(request: Request, facts: Facts) -> datetime:
    """When the peer is asked whether they talked, outside their quiet hours.

    Where *soon* would wait for their morning, the clinician is asked at double the time instead, if that comes before.
    """
    between = between_reminders(request, facts)
    decent = hours.waking(facts.now + between, zone_of_peer(request, facts), facts.programme.quiet)
    return min(decent, facts.now + 2 * between) if request.urgency == "soon" else decent


def time_for_the_peer(request: Request, facts: Facts, since: datetime) -> datetime:
    """Until when we wait for the peer's answer to a question that they can read from this moment on."""
    until = since + between_reminders(request, facts)
    return when_others_may_be_asked(request, until, zone_of_peer(request, facts), facts)


def next_last_card(request: Request, facts: Facts) -> datetime | None:
    """When the numbers next leave the last card of a peer who has finished."""
    return min((finished.until for finished in request.finished if finished.until > facts.now), default=None)


def on_nights(request: Request, moment: datetime) -> bool:
    """Whether the clinician works nights at this moment: what they ticked ends with its week."""
    began = request.counted_from
    week = request.wishes.nights_until or (began and hours.end_of_week(began, request.zone))
    return request.wishes.nights and week is not None and moment < week


def awake(request: Request, moment: datetime, facts: Facts) -> datetime:
    """This moment, or the end of the clinician's quiet hours, which are by day while they work nights."""
    nights = on_nights(request, moment)
    return hours.waking(moment, request.zone, facts.programme.quiet, nights=nights)


def closes_at(request: Request, facts: Facts) -> datetime:
    """When it closes by itself: a while after the last touch and the last check-in; or on the day that was promised.

    A check-in that comes late can be read and answered for a day before.
    """
    if (kept := promised(request, facts)) is not None:
        closes = kept - facts.programme.erase_after
        answered = request.checked_in + A_DAY if request.checked_in else closes
        return max(closes, hours.waking(answered, zone_of_peer(request, facts), facts.programme.quiet))
    known = (*request.check_ins, request.checked_in, request.touched, request.searching_since)
    last = max((at for at in known if at is not None), default=facts.now)
    return hours.waking(last + facts.programme.close_after, zone_of_peer(request, facts), facts.programme.quiet)


def promised(request: Request, facts: Facts) -> datetime | None:
    """The day of erasure that the clinician read, unless the two went on so late that more time is needed."""
    if request.kept_until is None:
        return None
    went_on = (request.touched or facts.now) + facts.programme.close_after + facts.programme.erase_after
    return request.kept_until if went_on <= request.kept_until else None


def lasting(request: Request, facts: Facts) -> Deadlines:
    """The deadlines that go along through every stage: the next check-in, and closing at a decent hour."""
    due = min(request.check_ins, default=None)
    return {
        Timer.CHECK_IN: due and awake(request, max(due, facts.now), facts),
        Timer.CLOSE: closes_at(request, facts),
    }


# ---------------------------------------------------------------- who is who

clinician: Role[Request] = Role("clinician", lambda request, who, _: who == request.clinician)
offered: Role[Request] = Role("offered", lambda request, who, _: who in {offer.peer for offer in request.offers})
peer: Role[Request] = Role("peer", lambda request, who, _: who == request.peer)
has_finished: Role[Request] = Role(
    "has-finished", lambda request, who, _: who in {finished.peer for finished in request.finished}
)
has_parted: Role[Request] = Role(
    "has-parted", lambda request, who, _: who != request.clinician and who in (request.parted, *request.passed)
)
coordinator: Role[Request] = Role(
    "coordinator", lambda request, who, facts: who in request.told and still_serves(who, facts)
)
on_call: Role[Request] = Role("on-call", lambda _, who, facts: _is_on_call(who, facts))
wrote: Role[Request] = Role(
    "wrote",
    lambda request, who, _: who in (request.clinician, request.peer, request.parted) or who in request.passed,
)


def was_hard(request: Request, who: Person) -> bool:
    """Whether walking with this clinician asks for a long rest: after a death or a lawsuit, or where they worried."""
    about = topics((request.wishes.about,))
    return not about.isdisjoint(HARD) or who in {call.peer for call in request.calls}


def code_name(request: Request, alias: int) -> int:
    """The number of a name in the texts: the row is walked in steps that visit each name once, from a secret start."""
    row, place = divmod(alias, CODE_NAMES)
    step = STEPS[request.seed // CODE_NAMES % len(STEPS)]
    return row * CODE_NAMES + (request.seed + place * step) % CODE_NAMES


def all_of_them(people: set[Person], facts: Facts) -> set[Person]:
    """These people by every identity the roster knows them by."""
    linked = [{peer.person, *peer.also} for peer in facts.peers if peer.also]
    return people.union(*(one for one in linked if not one.isdisjoint(people)))


def still_serves(who: Person, facts: Facts) -> bool:
    """A role that was taken away ends with the next press."""
    return who in facts.programme.coordinators or _is_on_call(who, facts)


def _is_on_call(who: Person, facts: Facts) -> bool:
    return facts.programme.on_call is not None and who == facts.programme.on_call.person


def _touch(request: Request, event: Event, facts: Facts) -> Request:
    """Any press of the two keeps the request from closing by itself, and shows that its presser is there.

    Whatever they type, and a press that is refused, shows only that they are there. An answer to a check-in does not
    move a day of erasure that was promised.
    """
    by = _who_is_there(event)
    answers = isinstance(event, Chose) and event.choice in ANSWERS and request.kept_until is not None
    touched = isinstance(event, Chose) and by in (request.clinician, request.peer) and not answers
    noted = change(request, touched=facts.now) if touched else request
    if request.stage != TOGETHER or by is None:
        return noted
    if by == request.peer and (request.reminded or request.contact.asked):
        heard = change(noted, reminded=False, contact=change(request.contact, asked=False, waited=False))
        return flow.wait(heard, {Timer.TALKED: when_to_ask_the_peer(request, facts)})
    if by == request.clinician and request.contact.asked:
        heard = change(noted, contact=change(request.contact, asked=False))
        return flow.wait(heard, {Timer.TALKED: facts.now + between_reminders(request, facts)})
    return noted


def _who_is_there(event: Event) -> Person | None:
    match event:
        case PeerCameBy(peer=who) | IsThere(who=who) | Chose(by=who) | Opened(by=who):
            return who
        case _:
            return None


def _told_elsewhere(before: Request, after: Request, facts: Facts) -> tuple[Tell, ...]:
    """What this step means for the load of peers, and for the door the clinician came in by."""
    new = {offer.peer for offer in after.offers} - {offer.peer for offer in before.offers}
    told = [Tell(Kind.PEER, who, OfferMade()) for who in sorted(new)]
    was, now = _holder(before), _holder(after)
    if was != now:
        if was is not None:
            helped = Helped(before.id, was_hard=was_hard(before, was))
            parted = helped if before.stage == TOGETHER else Freed(before.id)
            told.append(Tell(Kind.PEER, was, parted))
        if now is not None:
            told.append(Tell(Kind.PEER, now, Accompanies(after.id)))
    if before.searching_since is None and after.searching_since is not None:
        told.append(Tell(Kind.FRONT_DOOR, after.clinician, RequestAsked()))
    if before.stage not in OVER and after.stage in OVER:
        told.append(Tell(Kind.FRONT_DOOR, after.clinician, RequestEnded(after.id)))
    if after.stage == GONE:
        told.append(Tell(Kind.FRONT_DOOR, after.clinician, RequestForgotten(after.id)))
    return tuple(told)


def _holder(request: Request) -> Person | None:
    return request.peer if request.stage in (CHOSEN, TOGETHER) else None


def _begin(id: str, event: Event, facts: Facts) -> Request | None:
    if not isinstance(event, RequestOpens):
        return None
    return Request(id=id, stage=NEW, clinician=event.clinician, urgency=event.urgency, zone=facts.zone)


flow = Flow[Request](Kind.REQUEST, RequestStage, begin=_begin, before=_touch, ripple=_told_elsewhere)
