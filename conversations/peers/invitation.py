"""A colleague who was named, or invited: a coordinator's yes comes first, and then their own."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from conversations import slots
from conversations.flow import Decision
from conversations.messages import Invited, Nominated, NotAPeer
from conversations.model import Chose, Elapsed, Facts, Message, Opened, Post, Tell, Unreached, Withdraw, change
from conversations.peers.onboarding import LINGERS, come_to_the_front_door
from conversations.peers.record import (
    GONE,
    INVITED,
    NOMINATED,
    PROFILE,
    WEEK,
    PeerRecord,
    begin,
    flow,
    in_place,
    standing_card,
)
from conversations.vocabulary import CardKind, Choice, Kind, Timer, Word

STANDS_FOR: Final = timedelta(days=14)
"""How long an invitation may be accepted."""

A_MONTH: Final = timedelta(days=30)
"""How long coordinators may take to decide about a name."""


# ---------------------------------------------------------------- named by a colleague


def nominated(record: PeerRecord, event: Nominated, facts: Facts) -> Decision[PeerRecord]:
    """Ask the coordinators whether this person is to be invited; the person themselves reads nothing."""
    named = flow.move(record, NOMINATED, {Timer.GIVE_UP: facts.now + A_MONTH})
    others = tuple(who for who in facts.programme.coordinators if who != event.who)
    cards = (Message(who, CardKind.COORDINATOR_NOMINATED, slots.NOMINATED, _DECIDE) for who in others)
    return named, tuple(Post(change(card, people={"volunteer": event.who}, considerate=True)) for card in cards)


_DECIDE: Final = (Choice.INVITE, Choice.NO_INVITATION)


def invite(record: PeerRecord, event: Chose, facts: Facts) -> Decision[PeerRecord]:
    """A coordinator said yes: the invitation goes out."""
    return _invited(record, facts, CardKind.COORDINATOR_INVITED)


def let_go(record: PeerRecord, event: Chose | Elapsed, facts: Facts) -> Decision[PeerRecord]:
    """No one is invited, and nothing is kept of the name."""
    return _goes(record, facts), _settled(facts, CardKind.COORDINATOR_NOT_INVITED)


def _goes(record: PeerRecord, facts: Facts) -> PeerRecord:
    return flow.move(record, GONE, {Timer.FORGET: facts.now + LINGERS})


def comes_unasked(record: PeerRecord, event: Opened, facts: Facts) -> Decision[PeerRecord]:
    """A person who was named and offers to be a peer begins as anyone does; another word finds that they are none."""
    if event.word != Word.PEER:
        return record, (Tell(Kind.FRONT_DOOR, event.by, NotAPeer()),)
    begun, effects = come_to_the_front_door(record, event, facts)
    return begun, (*effects, *_settled(facts, CardKind.COORDINATOR_NOT_INVITED))


def _settled(facts: Facts, card: CardKind) -> tuple[Withdraw, ...]:
    return tuple(Withdraw(Message(who, card, slots.NOMINATED)) for who in facts.programme.coordinators)


# ---------------------------------------------------------------- invited by a coordinator


def invited(record: PeerRecord, event: Invited, facts: Facts) -> Decision[PeerRecord]:
    """A coordinator would like them to be a peer. Who is one, or is about to be, reads nothing."""
    afresh = begin(record.id, event, facts) or record
    return _invited(change(afresh, approved_on=event.trained_on), facts, CardKind.COORDINATOR_INVITED)


def _invited(record: PeerRecord, facts: Facts, settled: CardKind) -> Decision[PeerRecord]:
    asked = flow.move(record, INVITED, {Timer.GIVE_UP: facts.now + STANDS_FOR})
    card = change(standing_card(asked, facts), considerate=True)
    return asked, (Post(card), *_settled(facts, settled))


def like_to(record: PeerRecord, event: Chose, facts: Facts) -> Decision[PeerRecord]:
    """They would like to: next comes the card about themselves, and then the promise."""
    profile = flow.move(record, PROFILE, {Timer.GIVE_UP: facts.now + WEEK})
    return profile, (in_place(standing_card(profile, facts)),)


def cannot_be_invited(record: PeerRecord, event: Unreached, facts: Facts) -> Decision[PeerRecord]:
    """The invitation cannot be shown to them; nothing is kept."""
    return _goes(record, facts), ()
