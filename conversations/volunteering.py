"""Offering to be a peer: the card, the promise, a coordinator's yes, and every way to step back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from conversations import hours
from conversations.details import ABOUT, DEPARTMENTS, HOW, LANGUAGES, ROLES, one, several, ways
from conversations.flow import FORGOTTEN, Conversation, Decision, Flow, Role
from conversations.model import (
    EVERY_SLOT,
    Chose,
    Elapsed,
    Event,
    Facts,
    Opened,
    Peer,
    Person,
    Question,
    Say,
    Tell,
    Told,
)

WEEK, DAY = timedelta(days=7), timedelta(days=1)
LINGERS = timedelta(hours=1)  # until the last card has had time to go out
MOST = 5  # open requests at once
REMINDER = timedelta(days=3)
REMINDERS = 3
EXPIRY_NOTICE = timedelta(days=30)

EVALUATES = ("supervises", "reviews")
TRAINED = ("today", "half-year", "year")
TRAINED_DAYS = {"today": 0, "half-year": 182, "year": 365}


@dataclass(frozen=True, slots=True, kw_only=True)
class Volunteer(Conversation):
    """One person's standing with the programme. The roster is these records, and nothing else knows it."""

    peer: Peer
    reminders: int = 0
    paused_until: datetime | None = field(default=None)
    code: str = field(default="", repr=False)  # by which they say on another platform who they are


def _begin(id: str, event: Event, facts: Facts) -> Volunteer | None:
    if not isinstance(event, Opened):
        return None
    peer = Peer(event.by, zone=facts.zone, limit=facts.programme.peer_limit)
    return Volunteer(id=id, stage=NEW.name, peer=peer)


def _elsewhere(before: Volunteer, after: Volunteer, facts: Facts) -> tuple[Tell, ...]:
    """Whoever leaves drops out of every request that knows them, in the same write."""
    if before.stage in SERVING and after.stage not in SERVING:
        who = before.peer.person
        return tuple(Tell("support", request, Told("peer-gone", who)) for request in facts.known_in)
    return ()


flow = Flow[Volunteer]("volunteering", begin=_begin, ripple=_elsewhere)

volunteer: Role[Volunteer] = Role("volunteer", lambda talk, who, _: who == talk.peer.person)
coordinator: Role[Volunteer] = Role("coordinator", lambda _, who, facts: who in facts.programme.coordinators)

#                         stage       who may answer what                                   what may run out
NEW = flow.stage("new")
PROFILE = flow.stage("profile", volunteer.may("next", "not-now"), waits=("give-up",))
PLEDGE = flow.stage("pledge", volunteer.may("promise", "not-now"), waits=("give-up",))
APPROVAL = flow.stage(
    "approval", volunteer.may("leave"), coordinator.may("approve", "talk-first", "decline"), waits=("remind",)
)
READY = flow.stage(
    "ready",
    volunteer.may("pause", "for-today", "a-week", "until-i-say", "resume", "change", "save", "leave", "not-now"),
    coordinator.may("approve", "talk-first", "decline"),
    waits=("resume", "expiring", "expired", "tidy", "code"),
)
GONE = flow.stage("gone", waits=("forget",))

SERVING = (READY.name,)


def roster(volunteers: Iterable[Volunteer]) -> tuple[Peer, ...]:
    """Everyone who was approved and has not left, whether or not they can be asked just now."""
    return tuple(talk.peer for talk in volunteers if talk.stage in SERVING)


# ---------------------------------------------------------------- coming to the door


@flow.opened(NEW)
def at_the_door(talk: Volunteer, event: Opened, facts: Facts) -> Decision[Volunteer]:
    if event.word != "peer":
        nothing = flow.move(talk, GONE, forget=facts.now + LINGERS)
        return nothing, (replace(say(talk, "volunteer-not-yet"), manner="answer"),)
    profile = flow.move(talk, PROFILE, **{"give-up": facts.now + WEEK})
    return profile, (profile_card(profile, ("next", "not-now"), facts),)


@flow.opened(PROFILE, PLEDGE, APPROVAL)
def back_at_the_door(talk: Volunteer, event: Opened, facts: Facts) -> Decision[Volunteer]:
    if event.word == "leave":
        return gone(talk, facts, "volunteer-left")
    return talk, (standing_card(talk, facts),)


def standing_card(talk: Volunteer, facts: Facts) -> Say:
    """Where this volunteer stands, with every way to change it."""
    match talk.stage:
        case PROFILE.name:
            return profile_card(talk, ("next", "not-now"), facts)
        case PLEDGE.name:
            return say(talk, "volunteer-pledge", "promise", "not-now")
        case APPROVAL.name:
            return say(talk, "volunteer-waiting", "leave")
        case _:
            return ready_card(talk)


def ready_card(talk: Volunteer) -> Say:
    choices = ("resume" if talk.peer.paused else "pause", "change", "leave")
    if not talk.peer.paused:
        return say(talk, "volunteer-ready", *choices, limit=talk.peer.limit)
    if talk.paused_until:
        return replace(say(talk, "volunteer-paused-until", *choices), times={"until": talk.paused_until})
    return say(talk, "volunteer-paused", *choices)


def say(talk: Volunteer, text: str, *choices: str, **details: str | int) -> Say:
    """What a volunteer reads stands in one slot: how they stand with us."""
    return Say(talk.peer.person, text, "standing", choices, details=details)


def in_place(card: Say) -> Say:
    return replace(card, manner="progress")


def profile_card(talk: Volunteer, choices: tuple[str, ...], facts: Facts) -> Say:
    """Everything a match needs, prefilled with what is known."""
    peer = talk.peer
    chosen = (("visible",) if peer.visible else ()) + (("plain-push",) if peer.plain_push else ())
    questions = (
        Question("my-role", "choice", ROLES, (peer.role,) if peer.role else ()),
        Question("my-department", "choice", DEPARTMENTS, (peer.department,) if peer.department else ()),
        Question("been-through", "several", ABOUT[:-1], peer.been_through),
        Question("rather-not", "several", ABOUT[:-1], peer.rather_not),
        Question("languages", "several", LANGUAGES, peer.languages),
        Question("my-hours", "several", tuple(hours.PARTS), peer.hours),
        Question("limit", "choice", tuple(str(n + 1) for n in range(MOST)), (str(peer.limit),)),
        Question("ways", "several", ways(facts)[1:], peer.ways),
        Question("showing", "several", ("visible", "plain-push"), chosen),
        Question("evaluates", "several", EVALUATES, EVALUATES[:1] if peer.evaluates else ()),
    )
    return replace(say(talk, "volunteer-profile", *choices, zone=peer.zone), questions=questions)


def filled_in(peer: Peer, event: Chose) -> Peer:
    showing = several(event, "showing", ("visible", "plain-push"))
    return replace(
        peer,
        role=one(event, "my-role", ROLES, peer.role),
        department=one(event, "my-department", DEPARTMENTS, peer.department),
        been_through=several(event, "been-through", ABOUT),
        rather_not=several(event, "rather-not", ABOUT),
        languages=several(event, "languages", LANGUAGES) or peer.languages,
        hours=several(event, "my-hours", tuple(hours.PARTS)),
        limit=int(one(event, "limit", tuple(str(n + 1) for n in range(MOST)), str(peer.limit))),
        ways=several(event, "ways", HOW),
        visible="visible" in showing,
        plain_push="plain-push" in showing,
        evaluates=bool(several(event, "evaluates", EVALUATES)),
    )


# ---------------------------------------------------------------- the card, the promise, the yes


@flow.on(PROFILE, choice="next")
def read_the_pledge(talk: Volunteer, event: Chose, facts: Facts) -> Decision[Volunteer]:
    filled = flow.move(replace(talk, peer=filled_in(talk.peer, event)), PLEDGE, **{"give-up": facts.now + WEEK})
    return filled, (in_place(standing_card(filled, facts)),)


@flow.on(PLEDGE, choice="promise")
def promised(talk: Volunteer, event: Chose, facts: Facts) -> Decision[Volunteer]:
    if facts.programme.automatic_approval:
        return trained(talk, facts, facts.now.date())
    waiting = flow.move(talk, APPROVAL, remind=facts.now + REMINDER)
    return waiting, (in_place(standing_card(waiting, facts)), *ask_coordinators(waiting, facts))


def ask_coordinators(talk: Volunteer, facts: Facts) -> tuple[Say, ...]:
    """All of them; a coordinator does not approve themselves unless they are alone."""
    others = tuple(who for who in facts.programme.coordinators if who != talk.peer.person)
    return tuple(approval_card(talk, who) for who in others or facts.programme.coordinators)


def approval_card(talk: Volunteer, to: Person) -> Say:
    peer = talk.peer
    details = {"role": peer.role, "department": peer.department}
    elsewhere = (Question("also", "people"),) if to.is_apart_from(peer.person) else ()
    questions = (Question("trained", "choice", TRAINED, ("today",)), *elsewhere)
    choices = ("approve", "talk-first", "decline")
    return Say(
        to,
        "coordinator-approve",
        "approval",
        choices,
        questions,
        details,
        people={"volunteer": peer.person},
        meet=peer.person,
    )


@flow.on(APPROVAL, READY, choice="approve")
def approved(talk: Volunteer, event: Chose, facts: Facts) -> Decision[Volunteer]:
    """The coordinator records when they were trained; it holds for as long as the programme says."""
    ago = timedelta(days=TRAINED_DAYS[one(event, "trained", TRAINED, "today")])
    ready, effects = trained(_known_as(talk, event), facts, facts.now.date() - ago)
    return ready, (*effects, *settle(facts, "coordinator-approved"))


def _known_as(talk: Volunteer, event: Chose) -> Volunteer:
    """A coordinator elsewhere may say who this is there, so that nobody is offered their own request."""
    named = event.answers.get("also", ())
    also = tuple(who for who in named if isinstance(who, Person) and who.is_apart_from(talk.peer.person))
    return replace(talk, peer=replace(talk.peer, also=tuple(dict.fromkeys((*talk.peer.also, *also)))))


def settle(facts: Facts, text: str) -> tuple[Say, ...]:
    return tuple(Say(who, text, "approval", manner="withdraw") for who in facts.programme.coordinators)


def trained(talk: Volunteer, facts: Facts, day: date) -> Decision[Volunteer]:
    until = _months_on(day, facts.programme.training_months)
    ends = datetime.combine(until, datetime.min.time(), facts.now.tzinfo)
    peer = replace(talk.peer, trained_until=until, since=talk.peer.since or facts.now.date())
    notice = hours.waking(ends - EXPIRY_NOTICE, peer.zone, facts.programme.quiet)
    ready = flow.move(replace(talk, peer=peer), READY, expiring=notice if notice > facts.now else None, expired=ends)
    return ready, (ready_card(ready),)


def _months_on(day: date, months: int) -> date:
    year, month = divmod(day.month - 1 + months, 12)
    return date(day.year + year, month + 1, min(day.day, 28))


@flow.on(APPROVAL, READY, choice="talk-first")
def talk_first(talk: Volunteer, event: Chose, facts: Facts) -> Decision[Volunteer]:
    told = replace(say(talk, "volunteer-talk-first", "leave"), meet=event.by)
    card = in_place(replace(approval_card(talk, event.by), text="coordinator-talk-first"))
    return flow.wait(talk, remind=facts.now + REMINDER), (told, card)


@flow.on(APPROVAL, READY, choice="decline")
def declined(talk: Volunteer, event: Chose, facts: Facts) -> Decision[Volunteer]:
    return gone(talk, facts, "volunteer-declined", "coordinator-declined")


@flow.after(APPROVAL, timer="remind")
def remind_coordinators(talk: Volunteer, event: Elapsed, facts: Facts) -> Decision[Volunteer]:
    """Three times, at a decent hour; then the volunteer hears the truth and may ask again."""
    awake = hours.waking(facts.now, facts.programme.zone, facts.programme.quiet)
    if awake > facts.now:
        return flow.wait(talk, remind=awake), ()
    if talk.reminders >= REMINDERS:
        return gone(talk, facts, "volunteer-unanswered")
    again = flow.wait(replace(talk, reminders=talk.reminders + 1), remind=facts.now + REMINDER)
    return again, ask_coordinators(again, facts)


@flow.on(PROFILE, PLEDGE, choice="not-now")
def not_now(talk: Volunteer, event: Chose, facts: Facts) -> Decision[Volunteer]:
    return gone(talk, facts, "volunteer-not-now")


@flow.after(PROFILE, PLEDGE, timer="give-up")
def never_mind(talk: Volunteer, event: Elapsed, facts: Facts) -> Decision[Volunteer]:
    return gone(talk, facts, "volunteer-not-now")


# ---------------------------------------------------------------- leaving


@flow.on(APPROVAL, READY, choice="leave")
def leave(talk: Volunteer, event: Chose, facts: Facts) -> Decision[Volunteer]:
    return gone(talk, facts, "volunteer-left")


def gone(talk: Volunteer, facts: Facts, text: str, settled: str = "coordinator-settled") -> Decision[Volunteer]:
    """Out of the roster at once; the record follows within the hour, when its last card has had time to go out."""
    left = flow.move(talk, GONE, forget=facts.now + LINGERS)
    return left, (in_place(say(left, text)), *settle(facts, settled))


@flow.after(GONE, timer="forget")
def forget(talk: Volunteer, event: Elapsed, facts: Facts) -> Decision[Volunteer]:
    return replace(talk, stage=FORGOTTEN, deadlines={}), ()


@flow.opened(GONE)
def back_again(talk: Volunteer, event: Opened, facts: Facts) -> Decision[Volunteer]:
    """Whoever left may begin afresh; nothing is carried over."""
    afresh = _begin(talk.id, event, facts)
    return at_the_door(afresh, event, facts) if afresh else (talk, ())


@flow.told(PROFILE, PLEDGE, APPROVAL, READY, what="hide")
def take_our_cards_away(talk: Volunteer, event: Told, facts: Facts) -> Decision[Volunteer]:
    return talk, (Say(talk.peer.person, "", EVERY_SLOT, manner="erase"),)
