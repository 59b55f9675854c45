"""One peer's record: its stages, what we remember of a peer, and the cards that say how they stand with us."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

from conversations import hours, slots
from conversations.flow import Conversation, Decision, Flow, Role
from conversations.messages import HowRemoved, Invited, Nominated, PeerLeft, RosterChanged
from conversations.model import (
    Chose,
    Event,
    Facts,
    Message,
    Opened,
    Peer,
    Post,
    Question,
    Searching,
    Tell,
    Update,
    change,
)
from conversations.options import (
    ABOUT_BEFORE,
    DEPARTMENTS,
    GENDERS,
    HOW,
    LANGUAGES,
    ROLES,
    TOPICS,
    one,
    several,
    ticked_topics,
    ways,
)
from conversations.vocabulary import CardKind, Choice, Kind

WEEK: Final = timedelta(days=7)
MOST: Final = 5  # open requests at once

NOT_SAID: Final = "not-said"
GRADES: Final = "grades"
EVALUATES: Final = ("supervises", "reviews", "claims", GRADES)


class PeerStage(StrEnum):
    """The places where a peer's record rests."""

    NEW = "new"
    NOMINATED = "nominated"
    INVITED = "invited"
    PROFILE = "profile"
    PLEDGE = "pledge"
    APPROVAL = "approval"
    READY = "ready"
    GONE = "gone"
    FORGOTTEN = "forgotten"


NEW: Final = PeerStage.NEW
NOMINATED: Final = PeerStage.NOMINATED  # a coordinator may invite them; they know nothing of it
INVITED: Final = PeerStage.INVITED  # reads that they are asked to be a peer
PROFILE: Final = PeerStage.PROFILE  # fills in the card
PLEDGE: Final = PeerStage.PLEDGE  # reads what a peer promises
APPROVAL: Final = PeerStage.APPROVAL  # waits for a coordinator
READY: Final = PeerStage.READY  # serves, until they say otherwise
GONE: Final = PeerStage.GONE  # left, or never began; erased within the hour
FORGOTTEN: Final = PeerStage.FORGOTTEN

SERVING: Final = (READY,)


class PeerRecord(Conversation, frozen=True, kw_only=True):
    """One person's standing with the programme. The roster is these records, and nothing else knows it."""

    stage: PeerStage
    peer: Peer
    reminders: int = 0
    paused_until: datetime | None = None
    approved_on: date | None = None  # trained on this day, as the coordinator said who invited them
    removed: HowRemoved = ""  # by a coordinator; empty where they left themselves
    code: str = ""  # by which they say on another platform who they are


def begin(id: str, event: Event, facts: Facts) -> PeerRecord | None:
    """The record of a person who comes to the front door about being a peer, is invited, or is named by another."""
    if not isinstance(event, (Opened, Invited, Nominated)):
        return None
    who = event.by if isinstance(event, Opened) else event.who
    peer = Peer(who, zone=facts.zone, limit=facts.programme.peer_limit)
    return PeerRecord(id=id, stage=NEW, peer=peer)


def _told_elsewhere(before: PeerRecord, after: PeerRecord, facts: Facts) -> tuple[Tell, ...]:
    """A peer who leaves drops out of every request that knows them, in the same write.

    Who still searches hears that a peer can be asked from now on, or at another time, or not any more.
    """
    told: list[Tell] = []
    if before.stage in SERVING and after.stage not in SERVING:
        left = PeerLeft(before.peer.person, removed=after.removed)
        told += [Tell(Kind.REQUEST, request, left) for request in facts.known_in]
    if _is_asked_otherwise(before, after, facts):
        told.append(Tell(Kind.REQUEST, Searching(), RosterChanged()))
    return tuple(told)


def _is_asked_otherwise(before: PeerRecord, after: PeerRecord, facts: Facts) -> bool:
    if before.peer is after.peer and before.stage == after.stage:
        return False
    freed = _is_full(before.peer) and not _is_full(after.peer)
    return freed or _as_asked(before, facts) != _as_asked(after, facts)


def _as_asked(record: PeerRecord, facts: Facts) -> Peer | None:
    """What decides when this peer can be asked and by whom, but for how much they carry."""
    if record.stage not in SERVING:
        return None
    peer, now = record.peer, facts.now
    rest = peer.resting_until if peer.resting_until and peer.resting_until > now else None
    duty = peer.on_duty_until if peer.on_duty_until and peer.on_duty_until > now else None
    return change(peer, asked=(), holding=(), limit=0, resting_until=rest, on_duty_until=duty)


def _is_full(peer: Peer) -> bool:
    return len(peer.holding) >= peer.limit


flow = Flow[PeerRecord](Kind.PEER, PeerStage, begin=begin, ripple=_told_elsewhere)

volunteer: Role[PeerRecord] = Role("volunteer", lambda record, who, _: who == record.peer.person)
coordinator: Role[PeerRecord] = Role("coordinator", lambda _, who, facts: who in facts.programme.coordinators)


def roster(records: Iterable[PeerRecord]) -> tuple[Peer, ...]:
    """Everyone who was approved and has not left, whether or not they can be asked just now."""
    return tuple(record.peer for record in records if record.stage in SERVING)


# ---------------------------------------------------------------- cards


def standing_card(record: PeerRecord, facts: Facts) -> Message:
    """How this person stands with the programme, with every way to change it."""
    match record.stage:
        case PeerStage.INVITED:
            return standing(record, CardKind.VOLUNTEER_INVITED, Choice.LIKE_TO, Choice.NO_THANKS)
        case PeerStage.PROFILE:
            return profile_card(record, CardKind.VOLUNTEER_PROFILE, (Choice.NEXT, Choice.NOT_NOW), facts)
        case PeerStage.PLEDGE:
            return standing(record, CardKind.VOLUNTEER_PLEDGE, Choice.PROMISE, Choice.NOT_NOW)
        case PeerStage.APPROVAL:
            return standing(record, CardKind.VOLUNTEER_WAITING, Choice.LEAVE)
        case _:
            return ready_card(record)


def ready_card(record: PeerRecord) -> Message:
    """Whether offers come, and until when they do not."""
    peer = record.peer
    choices = (Choice.RESUME if peer.paused else Choice.PAUSE, Choice.SHIFTS, Choice.CHANGE, Choice.LEAVE)
    if not peer.paused and peer.resting_until:
        resting = standing(record, CardKind.VOLUNTEER_RESTING, Choice.IM_READY, *choices)
        return change(resting, times={"until": peer.resting_until})
    if not peer.paused and peer.on_duty_until:
        first = standing(record, CardKind.VOLUNTEER_ON_DUTY, Choice.OFF_DUTY, *choices)
        return change(first, times={"until": peer.on_duty_until})
    if not peer.paused:
        return standing(record, CardKind.VOLUNTEER_READY, Choice.ON_DUTY, *choices, limit=peer.limit)
    if record.paused_until:
        until = standing(record, CardKind.VOLUNTEER_PAUSED_UNTIL, *choices)
        return change(until, times={"until": record.paused_until})
    return standing(record, CardKind.VOLUNTEER_PAUSED, *choices)


def standing(record: PeerRecord, card: CardKind, *choices: Choice, **details: str | int) -> Message:
    """A card in the one slot that says how a peer stands with us."""
    return Message(record.peer.person, card, slots.STANDING, choices, details=details)


def in_place(card: Message) -> Update:
    """Show it where the last card about their standing is."""
    return Update(card)


def at_the_bottom(decision: Decision[PeerRecord]) -> Decision[PeerRecord]:
    """The same, as news: what is typed is answered at the bottom of the chat, and not by an edit further up."""
    record, effects = decision
    return record, tuple(Post(one.message) if isinstance(one, Update) else one for one in effects)


def profile_card(record: PeerRecord, card: CardKind, choices: tuple[Choice, ...], facts: Facts) -> Message:
    """Everything a match needs, prefilled with what is known."""
    peer = record.peer
    chosen = (("visible",) if peer.visible else ()) + (("plain-push",) if peer.plain_push else ())
    questions = (
        Question("my-role", "choice", ROLES, (peer.role,) if peer.role else ()),
        Question("my-department", "choice", DEPARTMENTS, (peer.department,) if peer.department else ()),
        Question("been-through", "several", TOPICS, ticked_topics(peer.been_through)),
        Question("rather-not", "several", TOPICS, ticked_topics(peer.rather_not)),
        Question("languages", "several", LANGUAGES, peer.languages),
        Question("my-gender", "choice", (*GENDERS, NOT_SAID), (peer.gender,) if peer.gender else ()),
        Question("my-hours", "several", tuple(hours.PARTS), peer.hours),
        Question("limit", "choice", tuple(str(n + 1) for n in range(MOST)), (str(peer.limit),)),
        Question("ways", "several", ways(facts)[1:], peer.ways),
        Question("showing", "several", ("visible", "plain-push"), chosen),
        Question("evaluates", "several", EVALUATES, _evaluates(peer)),
    )
    return change(standing(record, card, *choices, zone=peer.zone), questions=questions)


def _evaluates(peer: Peer) -> tuple[str, ...]:
    """What stands ticked of it. Which of the ways to judge colleagues it was is not kept."""
    return (*EVALUATES[:1],) * peer.evaluates + (GRADES,) * peer.grades


def filled_in(peer: Peer, event: Chose) -> Peer:
    """The peer as their card says now; whatever a forged press carries besides counts for nothing."""
    showing = several(event, "showing", ("visible", "plain-push"))
    judging = several(event, "evaluates", EVALUATES)
    return change(
        peer,
        role=one(event, "my-role", ROLES, peer.role),
        department=one(event, "my-department", DEPARTMENTS, peer.department),
        been_through=several(event, "been-through", (*TOPICS, ABOUT_BEFORE)),
        rather_not=several(event, "rather-not", (*TOPICS, ABOUT_BEFORE)),
        languages=several(event, "languages", LANGUAGES) or peer.languages,
        hours=several(event, "my-hours", tuple(hours.PARTS)),
        limit=int(one(event, "limit", tuple(str(n + 1) for n in range(MOST)), str(peer.limit))),
        ways=several(event, "ways", HOW),
        visible="visible" in showing,
        plain_push="plain-push" in showing,
        gender="" if one(event, "my-gender", (NOT_SAID,)) else one(event, "my-gender", GENDERS, peer.gender),
        evaluates=not set(judging).isdisjoint(EVALUATES[:-1]),
        grades=GRADES in judging,
    )
