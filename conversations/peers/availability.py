"""A peer who serves: pausing, resuming, changing what they said about themselves, and training that ends."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from conversations import hours, slots
from conversations.flow import Decision
from conversations.messages import CannotBeReached, NeedsABreak, NotToday
from conversations.model import Chose, Elapsed, Facts, Message, Opened, Post, change
from conversations.peers import duty
from conversations.peers.linking import make_code
from conversations.peers.onboarding import ask_coordinators, leave_now, next_notice
from conversations.peers.record import (
    WEEK,
    PeerRecord,
    at_the_bottom,
    filled_in,
    flow,
    in_place,
    profile_card,
    ready_card,
    standing,
)
from conversations.vocabulary import CardKind, Choice, Timer, Word


def back_at_the_front_door(record: PeerRecord, event: Opened, facts: Facts) -> Decision[PeerRecord]:
    """Do what the word says, or show where they stand."""
    match event.word:
        case Word.PAUSE | Word.ON_DUTY | Word.SHIFTS:
            return record, (Post(_ASKED_FOR[event.word](record)),)
        case Word.RESUME:
            return at_the_bottom(_resumed(record, typed=True))
        case Word.CHANGE:
            return record, (Post(change_card(record, facts)),)
        case Word.LEAVE:
            return at_the_bottom(leave_now(record, facts, CardKind.VOLUNTEER_LEFT))
        case Word.LINK:
            return make_code(record, facts)
        case _:
            return record, (Post(ready_card(record)),)


# ---------------------------------------------------------------- stepping back for a while


def how_long(record: PeerRecord, event: Chose, facts: Facts) -> Decision[PeerRecord]:
    """Ask for how long they pause."""
    return record, (in_place(pause_card(record)),)


def pause_card(record: PeerRecord) -> Message:
    """For today, for a week, or until they say."""
    choices = (Choice.FOR_TODAY, Choice.A_WEEK, Choice.UNTIL_I_SAY, Choice.NOT_NOW)
    return standing(record, CardKind.VOLUNTEER_PAUSE, *choices)


_ASKED_FOR: Final = {Word.PAUSE: pause_card, Word.ON_DUTY: duty.how_long_card, Word.SHIFTS: duty.shifts_card}
"""Cards that a typed word shows."""


def pause_today(record: PeerRecord, event: Chose, facts: Facts) -> Decision[PeerRecord]:
    """No offers until tomorrow."""
    return _paused(record, hours.tomorrow(facts.now, record.peer.zone))


def pause_a_week(record: PeerRecord, event: Chose, facts: Facts) -> Decision[PeerRecord]:
    """No offers for a week."""
    return _paused(record, facts.now + WEEK)


def pause_until_i_say(record: PeerRecord, event: Chose, facts: Facts) -> Decision[PeerRecord]:
    """No offers until they resume."""
    return _paused(record, None)


def _paused(record: PeerRecord, until: datetime | None) -> Decision[PeerRecord]:
    pausing = change(record, peer=change(record.peer, paused=True, on_duty_until=None), paused_until=until)
    paused = flow.wait(pausing, {Timer.RESUME: until, Timer.OFF_DUTY: None})
    return paused, (in_place(ready_card(paused)),)


def resume(record: PeerRecord, event: Chose | Elapsed, facts: Facts) -> Decision[PeerRecord]:
    """They may be asked again."""
    return _resumed(record)


def _resumed(record: PeerRecord, *, typed: bool = False) -> Decision[PeerRecord]:
    peer = change(record.peer, paused=False, resting_until=None if typed else record.peer.resting_until)
    resuming = change(record, peer=peer, paused_until=None)
    back = flow.wait(resuming, {Timer.RESUME: None})
    return back, (in_place(ready_card(back)),)


def not_today(record: PeerRecord, event: NotToday, facts: Facts) -> Decision[PeerRecord]:
    """They declined an offer with *I can't today*."""
    return _paused_at_least(record, hours.tomorrow(facts.now, record.peer.zone))


def needs_a_break(record: PeerRecord, event: NeedsABreak, facts: Facts) -> Decision[PeerRecord]:
    """They asked for a break after accompanying a colleague."""
    return _paused_at_least(record, facts.now + WEEK)


def _paused_at_least(record: PeerRecord, until: datetime) -> Decision[PeerRecord]:
    """A longer pause they chose themselves is never made shorter."""
    longer = record.peer.paused and (record.paused_until is None or record.paused_until > until)
    return (record, ()) if longer else _paused(record, until)


def cannot_be_reached(record: PeerRecord, event: CannotBeReached, facts: Facts) -> Decision[PeerRecord]:
    """No one is offered to a chat that does not open; they resume by writing to us."""
    pausing = change(record, peer=change(record.peer, paused=True, on_duty_until=None), paused_until=None)
    return flow.wait(pausing, {Timer.RESUME: None, Timer.OFF_DUTY: None}), ()


# ---------------------------------------------------------------- changing the profile


def change_card(record: PeerRecord, facts: Facts) -> Message:
    """The card of their profile, to be changed."""
    return profile_card(record, CardKind.VOLUNTEER_CHANGE, (Choice.SAVE, Choice.NOT_NOW), facts)


def ask_for_changes(record: PeerRecord, event: Chose, facts: Facts) -> Decision[PeerRecord]:
    """Show what they said about themselves, to be changed."""
    return record, (Post(change_card(record, facts)),)


def save(record: PeerRecord, event: Chose, facts: Facts) -> Decision[PeerRecord]:
    """Keep what they changed."""
    saved = change(record, peer=filled_in(record.peer, event))
    return saved, (in_place(ready_card(saved)),)


def leave_it(record: PeerRecord, event: Chose, facts: Facts) -> Decision[PeerRecord]:
    """Change nothing."""
    return record, (in_place(ready_card(record)),)


# ---------------------------------------------------------------- training


def training_ends_soon(record: PeerRecord, event: Elapsed, facts: Facts) -> Decision[PeerRecord]:
    """Remind them, at a decent hour, that their training will expire; once more when little time is left."""
    until = record.deadlines.get(Timer.EXPIRED, facts.now)
    notice = Message(
        record.peer.person,
        CardKind.VOLUNTEER_TRAINING_ENDS,
        slots.TRAINING,
        times={"until": until},
        considerate=True,
    )
    return flow.wait(record, {Timer.EXPIRING: next_notice(until, record.peer, facts)}), (Post(notice),)


def training_ended(record: PeerRecord, event: Elapsed, facts: Facts) -> Decision[PeerRecord]:
    """Nothing new is offered; whom they accompany now, they accompany. A coordinator may approve them again."""
    ended = standing(record, CardKind.VOLUNTEER_TRAINING_ENDED, Choice.LEAVE)
    return record, (Post(ended), *ask_coordinators(record, facts))
