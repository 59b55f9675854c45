"""One clinician's request: what we remember of it, who is who in it, and the table of its stages."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from conversations.flow import FORGOTTEN, Conversation, Flow, Role
from conversations.model import Chose, Event, Facts, Person, Tell, Told, Urgency

CODE_NAMES = 24  # how many `code-name-<n>` the texts hold; after them come the same again, numbered
STEPS = (5, 7, 11, 13, 17, 19, 23)  # none of them shares a factor with 24


@dataclass(frozen=True, slots=True)
class Offer:
    """An open question to one peer, under a code name no other peer is given."""

    peer: Person
    alias: int


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the clinician ticked. For matching; `how` stands in an offer, and whoever comes also reads `when`.

    By the words about a lawyer they also know of a complaint. Nothing else is shown to anybody.
    """

    about: str = field(default="", repr=False)
    how: str = "any"
    who: tuple[str, ...] = ("other-department",)
    language: str = field(default="", repr=False)
    role: str = field(default="", repr=False)
    department: str = field(default="", repr=False)
    leave_out: tuple[Person, ...] = field(default=(), repr=False)
    when: str = "any-time"
    nights: bool = False
    check_in: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Request(Conversation):
    """A search round begins with `searching_since`; `asked` belongs to it, `passed` to the whole request."""

    clinician: Person
    urgency: Urgency = "soon"
    zone: str = "UTC"
    wishes: Wishes = field(default=Wishes(), repr=False)
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
    met: bool = False  # somebody was brought together with them at least once
    counted_from: datetime | None = None  # what check-ins are counted from
    worried: Person | None = None  # the peer who called for the on-call person
    lines: int = 0  # how many relay lines were written
    reminded: bool = False  # the peer was asked whether they talked
    check_ins: tuple[datetime, ...] = ()  # still to come, before they are moved into waking hours
    checked_in: datetime | None = None
    touched: datetime | None = None


def by_urgency(request: Request, soon: timedelta, other: timedelta) -> timedelta:
    """Settings that come in two speeds: for *soon*, and for everything else."""
    return soon if request.urgency == "soon" else other


# ---------------------------------------------------------------- who is who

clinician: Role[Request] = Role("clinician", lambda request, who, _: who == request.clinician)
offered: Role[Request] = Role("offered", lambda request, who, _: who in {offer.peer for offer in request.offers})
peer: Role[Request] = Role("peer", lambda request, who, _: who == request.peer)
coordinator: Role[Request] = Role(
    "coordinator", lambda request, who, facts: who in request.told and _serves(who, facts)
)
on_call: Role[Request] = Role("on-call", lambda _, who, facts: _is_on_call(who, facts))
wrote: Role[Request] = Role(
    "wrote", lambda request, who, _: who in (request.clinician, request.peer) or who in request.passed
)


def code_name(request: Request, alias: int) -> int:
    """The number of a name in the texts: the row is walked in steps that visit each name once, from a secret start."""
    row, place = divmod(alias, CODE_NAMES)
    step = STEPS[request.seed // CODE_NAMES % len(STEPS)]
    return row * CODE_NAMES + (request.seed + place * step) % CODE_NAMES


def next_in_line(request: Request, facts: Facts) -> Person | None:
    """Whom to tell next that someone is waiting: never the clinician, and never somebody they wished to leave out."""
    on_call = facts.programme.on_call
    line = (*facts.programme.coordinators, *((on_call.person,) if on_call and on_call.person else ()))
    kept_out = all_of_them({request.clinician, *request.wishes.leave_out, *request.told, *request.passed}, facts)
    return next((who for who in line if who not in kept_out), None)


def all_of_them(people: set[Person], facts: Facts) -> set[Person]:
    """These people by every identity the roster knows them by."""
    linked = [{peer.person, *peer.also} for peer in facts.peers if peer.also]
    return people.union(*(one for one in linked if not one.isdisjoint(people)))


def _serves(who: Person, facts: Facts) -> bool:
    """A role that was taken away ends with the next press."""
    return who in facts.programme.coordinators or _is_on_call(who, facts)


def _is_on_call(who: Person, facts: Facts) -> bool:
    return facts.programme.on_call is not None and who == facts.programme.on_call.person


def _touch(request: Request, event: Event, facts: Facts) -> Request:
    """Whatever the two of them do keeps the request from closing by itself."""
    if isinstance(event, Chose) and event.by in (request.clinician, request.peer):
        return replace(request, touched=facts.now)
    return request


def _felt_elsewhere(before: Request, after: Request, facts: Facts) -> tuple[Tell, ...]:
    """What this step means for the load of peers, and for the door the clinician came in by."""
    new = {offer.peer for offer in after.offers} - {offer.peer for offer in before.offers}
    told = [Tell("volunteering", who, Told("asked", who)) for who in sorted(new)]
    was, now = _holder(before), _holder(after)
    if was != now:
        if was is not None:
            what = "rests" if before.stage == TOGETHER.name else "freed"
            told.append(Tell("volunteering", was, Told(what, was, request=before.id)))
        if now is not None:
            told.append(Tell("volunteering", now, Told("holds", now, request=after.id)))
    if before.searching_since is None and after.searching_since is not None:
        told.append(Tell("doorstep", after.clinician, Told("asked", after.clinician, request=after.id)))
    if before.stage not in OVER and after.stage in OVER:
        told.append(Tell("doorstep", after.clinician, Told("ended", after.clinician, request=after.id)))
    if after.stage == FORGOTTEN:
        told.append(Tell("doorstep", after.clinician, Told("forgotten", after.clinician, request=after.id)))
    return tuple(told)


def _holder(request: Request) -> Person | None:
    return request.peer if request.stage in (CHOSEN.name, TOGETHER.name) else None


def _begin(id: str, event: Event, facts: Facts) -> Request | None:
    if not isinstance(event, Told) or event.what != "opens":
        return None
    return Request(id=id, stage=NEW.name, clinician=event.who, urgency=event.urgency, zone=facts.zone)


flow = Flow[Request]("support", begin=_begin, before=_touch, ripple=_felt_elsewhere)

# ---------------------------------------------------------------- the table

CHECK_IN = ("okay-for-now", "talk-again", "something-else", "no-more", "thirty-days")
CRISIS = ("keep-asking", "stop-asking")
LASTING = ("check-in", "close", "page")
LEFTOVER = (wrote.may("send"), on_call.may("on-it"))  # what may come late, and must not be lost in silence

#                        stage       who may answer what                                               what may run out
NEW = flow.stage("new")
DETAILS = flow.stage("details", clinician.may("ask", "change-my-mind"), waits=("give-up",))
ASKING = flow.stage(
    "asking",
    clinician.may("change-my-mind", *CHECK_IN, *CRISIS),
    offered.may("yes", "not-this-time", "not-today"),
    coordinator.may("ask-everyone", "take-it"),
    *LEFTOVER,
    waits=("wave", "half", "target", "escalate", *LASTING),
)
CHOSEN = flow.stage(
    "chosen",
    clinician.may("connect", "stay-unnamed", "someone-else", "change-my-mind", *CHECK_IN),
    peer.may("hand-back"),
    *LEFTOVER,
    waits=("choose", *LASTING),
)
RESTING = flow.stage(
    "resting",
    clinician.may("keep-asking", "stop-asking", "change-my-mind", *CHECK_IN),
    *LEFTOVER,
    waits=LASTING,
)
TOGETHER = flow.stage(
    "together",
    clinician.may("write", "share-name", "someone-else", "close", *CHECK_IN),
    peer.may("write", "share-name", "hand-back", "worried", "talked", "not-yet", "close"),
    *LEFTOVER,
    waits=("talked", *LASTING),
)
CLOSED = flow.stage("closed", peer.may("okay", "break", "to-talk"), *LEFTOVER, waits=("forget", "page"))

OPEN = (DETAILS, ASKING, CHOSEN, RESTING, TOGETHER)
ACCOMPANIED = (ASKING, CHOSEN, RESTING, TOGETHER)
LASTING_STAGES = (*ACCOMPANIED, CLOSED)
OVER = (CLOSED.name, FORGOTTEN)
