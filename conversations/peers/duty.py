"""When a peer is asked: by shifts for each day of the week, and first of all in the hours they are on duty."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from conversations import hours
from conversations.flow import Decision
from conversations.model import Chose, Elapsed, Facts, Message, Post, Question, change
from conversations.options import one
from conversations.peers.record import PeerRecord, flow, in_place, ready_card, standing
from conversations.vocabulary import CardKind, Choice, Timer

OFF: Final = "off"
LENGTHS: Final = {
    str(Choice.FOUR_HOURS): timedelta(hours=4),
    str(Choice.EIGHT_HOURS): timedelta(hours=8),
    str(Choice.TWELVE_HOURS): timedelta(hours=12),
}


# ---------------------------------------------------------------- on duty


def how_long(record: PeerRecord, event: Chose, facts: Facts) -> Decision[PeerRecord]:
    """Ask for how long they would like to be asked first."""
    return record, (in_place(how_long_card(record)),)


def how_long_card(record: PeerRecord) -> Message:
    """For four, eight or twelve hours."""
    return standing(record, CardKind.VOLUNTEER_DUTY, *map(Choice, LENGTHS), Choice.NOT_NOW)


def begin(record: PeerRecord, event: Chose, facts: Facts) -> Decision[PeerRecord]:
    """They are asked first for so long. It ends a pause; a rest goes on, because only *I'm ready* ends that."""
    until = facts.now + LENGTHS[event.choice]
    peer = change(record.peer, on_duty_until=until, paused=False)
    first = flow.wait(change(record, peer=peer, paused_until=None), {Timer.OFF_DUTY: until, Timer.RESUME: None})
    return first, (in_place(ready_card(first)),)


def end(record: PeerRecord, event: Chose | Elapsed, facts: Facts) -> Decision[PeerRecord]:
    """They are asked in their turn again."""
    after = flow.wait(change(record, peer=change(record.peer, on_duty_until=None)), {Timer.OFF_DUTY: None})
    return after, (in_place(ready_card(after)),)


# ---------------------------------------------------------------- shifts


def ask_for_shifts(record: PeerRecord, event: Chose, facts: Facts) -> Decision[PeerRecord]:
    """Show their week."""
    return record, (Post(shifts_card(record)),)


def shifts_card(record: PeerRecord) -> Message:
    """The seven days, each with the shift in which they may be asked."""
    chosen = dict(shift.split(" ") for shift in record.peer.shifts)
    otherwise = (OFF,) if chosen else ()
    questions = tuple(
        Question(_name(day), "choice", (OFF, *hours.SHIFTS), (chosen[day],) if day in chosen else otherwise)
        for day in hours.WEEKDAYS
    )
    card = standing(record, CardKind.VOLUNTEER_SHIFTS, Choice.SAVE_SHIFTS, Choice.NOT_NOW, zone=record.peer.zone)
    return change(card, questions=questions)


def save_shifts(record: PeerRecord, event: Chose, facts: Facts) -> Decision[PeerRecord]:
    """Keep the shifts they chose; where they chose none, the hours on their profile count again."""
    chosen = ((day, one(event, _name(day), hours.SHIFTS)) for day in hours.WEEKDAYS)
    shifts = tuple(f"{day} {shift}" for day, shift in chosen if shift)
    saved = change(record, peer=change(record.peer, shifts=shifts))
    return saved, (in_place(ready_card(saved)),)


def _name(day: str) -> str:
    return f"shift-{day}"
