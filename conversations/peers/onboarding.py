"""Offering to be a peer: the card, the promise, a coordinator's yes; and leaving."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final

from conversations import hours, slots
from conversations.flow import TIDIED_BEFORE, Decision
from conversations.messages import HideCards, NotAPeer, Removed
from conversations.model import (
    Chose,
    Elapsed,
    Erase,
    Facts,
    Message,
    Opened,
    Peer,
    Person,
    Post,
    Question,
    Tell,
    Update,
    Withdraw,
    change,
)
from conversations.options import TRAINED, TRAINED_DAYS, one
from conversations.peers.record import (
    APPROVAL,
    FORGOTTEN,
    GONE,
    PLEDGE,
    PROFILE,
    READY,
    WEEK,
    PeerRecord,
    at_the_bottom,
    begin,
    filled_in,
    flow,
    in_place,
    profile_card,
    ready_card,
    standing,
    standing_card,
)
from conversations.vocabulary import CardKind, Choice, Kind, Timer, Word

LINGERS: Final = timedelta(hours=1)  # until the last card has had time to go out
REMINDER: Final = timedelta(days=3)
REMINDERS: Final = 3
NOTICES: Final = (timedelta(days=60), timedelta(days=14))
"""How long before their training ends a peer is reminded of it."""

_TO_ANSWER: Final = frozenset(
    (
        CardKind.COORDINATOR_APPROVE,
        CardKind.COORDINATOR_APPROVE_EMPTY,
        CardKind.COORDINATOR_APPROVE_WHEN,
        CardKind.COORDINATOR_RENEW,
        CardKind.COORDINATOR_TALK_FIRST,
    )
)
"""A coordinator's cards about a volunteer that still wait for their answer."""


# ---------------------------------------------------------------- coming to the front door


def come_to_the_front_door(record: PeerRecord, event: Opened, facts: Facts) -> Decision[PeerRecord]:
    """Show the card to a person who offers to be a peer.

    Another word about peers is answered at the front door with "not yet": of that there is nothing to remember.
    """
    if event.word != Word.PEER:
        return flow.move(record, FORGOTTEN), (Tell(Kind.FRONT_DOOR, event.by, NotAPeer()),)
    profile = flow.move(record, PROFILE, {Timer.GIVE_UP: facts.now + WEEK})
    card = profile_card(profile, CardKind.VOLUNTEER_PROFILE, (Choice.NEXT, Choice.NOT_NOW), facts)
    return profile, (Post(card),)


def back_at_the_front_door(record: PeerRecord, event: Opened, facts: Facts) -> Decision[PeerRecord]:
    """Show where they stand, or let them go."""
    if event.word == Word.LEAVE:
        return at_the_bottom(leave_now(record, facts, CardKind.VOLUNTEER_LEFT))
    return record, (Post(standing_card(record, facts)),)


# ---------------------------------------------------------------- the card, the promise, the yes


def read_the_pledge(record: PeerRecord, event: Chose, facts: Facts) -> Decision[PeerRecord]:
    """The card is filled in: next comes what a peer promises."""
    changed = change(record, peer=filled_in(record.peer, event))
    filled = flow.move(changed, PLEDGE, {Timer.GIVE_UP: facts.now + WEEK})
    return filled, (in_place(standing_card(filled, facts)),)


def promised(record: PeerRecord, event: Chose, facts: Facts) -> Decision[PeerRecord]:
    """They promised: a coordinator is asked, unless one invited them as trained, or approval is automatic."""
    if record.approved_on is not None:
        return trained(change(record, approved_on=None), facts, record.approved_on)
    if facts.programme.automatic_approval:
        return trained(record, facts, facts.now.date())
    waiting = flow.move(record, APPROVAL, {Timer.REMIND: facts.now + REMINDER})
    return waiting, (in_place(standing_card(waiting, facts)), *ask_coordinators(waiting, facts))


def ask_coordinators(record: PeerRecord, facts: Facts) -> tuple[Post, ...]:
    """Ask all of them; a coordinator does not approve themselves unless they are alone."""
    others = tuple(who for who in facts.programme.coordinators if who != record.peer.person)
    return tuple(Post(approval_card(record, who)) for who in others or facts.programme.coordinators)


def approval_card(record: PeerRecord, to: Person, card: CardKind | None = None) -> Message:
    """Who offers to be a peer, or needs a refresher, for a coordinator, who says when they were trained.

    No date is chosen beforehand: it would be true of nobody. An empty profile is said, before anyone approves it.
    """
    peer = record.peer
    empty = not (peer.role or peer.department)
    fresh = CardKind.COORDINATOR_APPROVE_EMPTY if empty else CardKind.COORDINATOR_APPROVE
    elsewhere = (Question("also", "people"),) if to.is_apart_from(peer.person) else ()
    return Message(
        to,
        card or (CardKind.COORDINATOR_RENEW if _was_approved(record) else fresh),
        slots.APPROVAL,
        (Choice.APPROVE, Choice.TALK_FIRST, Choice.DECLINE),
        (Question("trained", "choice", TRAINED), *elsewhere),
        {"role": peer.role, "department": peer.department, "empty": "yes" if empty else "no"},
        people={"volunteer": peer.person},
        meet=peer.person,
    )


def _was_approved(record: PeerRecord) -> bool:
    """Whether they have been a peer already, so that their training is renewed and nothing is offered."""
    return record.peer.since is not None


def approved(record: PeerRecord, event: Chose, facts: Facts) -> Decision[PeerRecord]:
    """The coordinator records when they were trained; it holds for as long as the programme says.

    Without a date nothing is approved: the card asks for it.
    """
    when = one(event, "trained", TRAINED)
    if not when:
        return record, (Post(approval_card(record, event.by, CardKind.COORDINATOR_APPROVE_WHEN)),)
    ago = timedelta(days=TRAINED_DAYS[when])
    ready, effects = trained(_known_as(record, event), facts, facts.now.date() - ago)
    return ready, (*effects, *settle(facts, CardKind.COORDINATOR_APPROVED))


def _known_as(record: PeerRecord, event: Chose) -> PeerRecord:
    """A coordinator elsewhere may say who this is there, so that no one is offered their own request."""
    named = event.answers.get("also", ())
    also = tuple(who for who in named if isinstance(who, Person) and who.is_apart_from(record.peer.person))
    return change(record, peer=change(record.peer, also=tuple(dict.fromkeys((*record.peer.also, *also)))))


def settle(facts: Facts, card: CardKind) -> tuple[Withdraw, ...]:
    """Close the question on every coordinator's screen."""
    return tuple(Withdraw(Message(who, card, slots.APPROVAL)) for who in facts.programme.coordinators)


def trained(record: PeerRecord, facts: Facts, day: date) -> Decision[PeerRecord]:
    """They may be asked from now on, until their training of that day expires."""
    until = _months_on(day, facts.programme.training_months)
    ends = datetime.combine(until, datetime.min.time(), facts.now.tzinfo)
    peer = change(record.peer, trained_until=until, since=record.peer.since or facts.now.date())
    deadlines = {Timer.EXPIRING: next_notice(ends, peer, facts), Timer.EXPIRED: ends}
    ready = flow.move(change(record, peer=peer), READY, deadlines)
    card = ready_card(ready)
    if _was_approved(record) and not peer.paused:
        card = change(card, card=CardKind.VOLUNTEER_RENEWED, times={"until": ends})
    return ready, (Post(card),)


def next_notice(ends: datetime, peer: Peer, facts: Facts) -> datetime | None:
    """When a peer is next reminded, at a decent hour, that their training ends at this moment."""
    notices = (hours.waking(ends - before, peer.zone, facts.programme.quiet) for before in NOTICES)
    return min((notice for notice in notices if notice > facts.now), default=None)


def _months_on(day: date, months: int) -> date:
    year, month = divmod(day.month - 1 + months, 12)
    return date(day.year + year, month + 1, min(day.day, 28))


def talk_first(record: PeerRecord, event: Chose, facts: Facts) -> Decision[PeerRecord]:
    """The coordinator would like to talk before they decide."""
    invited = change(standing(record, CardKind.VOLUNTEER_TALK_FIRST, Choice.LEAVE), meet=event.by)
    card = approval_card(record, event.by, CardKind.COORDINATOR_TALK_FIRST)
    return flow.wait(record, {Timer.REMIND: facts.now + REMINDER}), (Post(invited), Update(card))


def declined(record: PeerRecord, event: Chose, facts: Facts) -> Decision[PeerRecord]:
    """The coordinator declined, or did not renew a peer's training."""
    card = CardKind.VOLUNTEER_NOT_RENEWED if _was_approved(record) else CardKind.VOLUNTEER_DECLINED
    return leave_now(change(record, removed="kindly"), facts, card, CardKind.COORDINATOR_DECLINED)


def remind_coordinators(record: PeerRecord, event: Elapsed, facts: Facts) -> Decision[PeerRecord]:
    """Remind them three times, at a decent hour; then the volunteer reads the truth and may ask again."""
    awake = hours.waking(facts.now, facts.programme.zone, facts.programme.quiet)
    if awake > facts.now:
        return flow.wait(record, {Timer.REMIND: awake}), ()
    if record.reminders >= REMINDERS:
        return leave_now(record, facts, CardKind.VOLUNTEER_UNANSWERED)
    again = flow.wait(change(record, reminders=record.reminders + 1), {Timer.REMIND: facts.now + REMINDER})
    return again, ask_coordinators(again, facts)


def not_now(record: PeerRecord, event: Chose | Elapsed, facts: Facts) -> Decision[PeerRecord]:
    """They would rather not, or left the card unfinished for a week."""
    return leave_now(record, facts, CardKind.VOLUNTEER_NOT_NOW)


# ---------------------------------------------------------------- leaving


def leave(record: PeerRecord, event: Chose, facts: Facts) -> Decision[PeerRecord]:
    """They leave the programme."""
    return leave_now(record, facts, CardKind.VOLUNTEER_LEFT)


def leave_now(
    record: PeerRecord, facts: Facts, card: CardKind, settled: CardKind = CardKind.COORDINATOR_SETTLED
) -> Decision[PeerRecord]:
    """Out of the roster at once; the record follows within the hour, when its last card has had time to go out."""
    goes = facts.now + LINGERS
    tidy = goes - TIDIED_BEFORE if card == CardKind.VOLUNTEER_LEFT else None  # whoever left themselves has read it
    left = flow.move(record, GONE, {Timer.FORGET: goes, Timer.TIDY: tidy})
    return left, (in_place(standing(left, card)), *settle(facts, settled))


def removed(record: PeerRecord, event: Removed, facts: Facts) -> Decision[PeerRecord]:
    """A coordinator took them off the roster: nothing new is asked of them from now on. No reason is kept."""
    walks = "yes" if record.peer.holding and not event.at_once else "no"
    marked = change(record, removed="at-once" if event.at_once else "kindly")
    left, (_, *settled) = leave_now(marked, facts, CardKind.VOLUNTEER_REMOVED)
    news = change(standing(left, CardKind.VOLUNTEER_REMOVED, walks=walks), meet=event.by)
    return left, (Post(news), *settled)


def take_the_card_away(record: PeerRecord, event: Elapsed, facts: Facts) -> Decision[PeerRecord]:
    """That they left could be hidden by no one once the record is gone. However late, the platform is told before."""
    goes = max(record.deadlines.get(Timer.FORGET, facts.now), facts.now + TIDIED_BEFORE)
    return flow.wait(record, {Timer.FORGET: goes}), (Erase(record.peer.person),)


def forget(record: PeerRecord, event: Elapsed, facts: Facts) -> Decision[PeerRecord]:
    """Destroy the record."""
    return change(record, stage=FORGOTTEN, deadlines={}), ()


def begin_again(record: PeerRecord, event: Opened, facts: Facts) -> Decision[PeerRecord]:
    """A person who left may begin afresh; nothing is carried over."""
    if event.word != Word.PEER:
        return record, (Tell(Kind.FRONT_DOOR, event.by, NotAPeer()),)
    afresh = begin(record.id, event, facts)
    return come_to_the_front_door(afresh, event, facts) if afresh else (record, ())


def hide_cards(record: PeerRecord, event: HideCards, facts: Facts) -> Decision[PeerRecord]:
    """Take our cards out of their chat; out of a coordinator's, those that need no answer any more."""
    theirs = event.who == record.peer.person
    return record, (Erase(event.who, spare=frozenset() if theirs else _TO_ANSWER),)
