"""A time to talk, without a calendar: one of the two names up to three times, the other picks one, both are reminded.

A time is a part of a day: before the shift, in the break, after the shift, in the evening, at the hours that the
settings say. Who works nights has them twelve hours later.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from conversations import hours, slots
from conversations.flow import Decision
from conversations.model import Chose, Elapsed, Erase, Facts, Message, Person, Post, Question, Update, change
from conversations.options import several
from conversations.support.request import Meeting, Request, between_reminders, flow, on_nights, zone_of_peer
from conversations.vocabulary import CardKind, Choice, Timer

DAYS: Final = ("today", "tomorrow", "day-after")
AT_MOST: Final = 3
NIGHTS: Final = timedelta(hours=12)
TOO_LATE: Final = timedelta(hours=1)
"""How late a reminder may come and still be one."""

PICKS: Final = (Choice.FIRST_TIME, Choice.SECOND_TIME, Choice.THIRD_TIME)


# ---------------------------------------------------------------- naming times


def find_a_time(request: Request, event: Chose, facts: Facts) -> Decision[Request]:
    """Ask when they could talk, today and on the two days that follow."""
    asked = change(request, meeting=change(request.meeting, asked_at=facts.now))
    return asked, (Post(times_card(asked, event.by, facts)),)


def times_card(request: Request, to: Person, facts: Facts, *, again: bool = False) -> Message:
    """The times that are still to come; `again` where none was picked, or more than three."""
    question = Question("times", "several", tuple(_times(request, to, facts)))
    choices = (Choice.OFFER_TIMES, Choice.NO_TIME) if question.options else (Choice.NO_TIME,)
    details = {"again": "yes" if again else "no"}
    return Message(to, CardKind.TOGETHER_TIMES, slots.MEETING, choices, (question,), details)


def _times(request: Request, who: Person, facts: Facts) -> dict[str, datetime]:
    """The times that this person can be asked about, by the name of each, in order; what is past is left out."""
    hers = who == request.clinician
    zone = request.zone if hers else zone_of_peer(request, facts)
    began = request.meeting.asked_at or facts.now
    later = NIGHTS if hers and on_nights(request, began) else timedelta()
    found = {
        f"{day}-{part}": hours.on_day(began, zone, days, clock) + later
        for days, day in enumerate(DAYS)
        for part, clock in facts.programme.talk_times.items()
    }
    return {name: at for name, at in found.items() if at > facts.now}


def offer_times(request: Request, event: Chose, facts: Facts) -> Decision[Request]:
    """Ask the other one which of these times suits. New times replace those that were named before, by either."""
    times = _times(request, event.by, facts)
    picked = several(event, "times", tuple(times))
    if not 0 < len(picked) <= AT_MOST:
        return request, (Post(times_card(request, event.by, facts, again=True)),)
    offered = tuple(times[name] for name in picked)
    named = change(request, meeting=Meeting(offered=offered, by_clinician=event.by == request.clinician))
    waiting = flow.wait(named, {Timer.MEET: None})
    sent = Message(event.by, CardKind.TOGETHER_OFFERED, slots.MEETING, (Choice.FIND_TIME,))
    return waiting, (Update(sent), Post(which_card(waiting, _other(request, event.by))))


def no_time(request: Request, event: Chose, facts: Facts) -> Decision[Request]:
    """No time is named now, or none of those that were named suits; the other one may name others."""
    if event.by != _asked(request):
        return request, (Erase(event.by, slots.MEETING),)
    none = change(request, meeting=Meeting())
    to = _other(request, event.by)
    others = Message(to, CardKind.TOGETHER_NONE_FITS, slots.MEETING, (Choice.FIND_TIME,), considerate=True)
    said = Message(event.by, CardKind.TOGETHER_NO_TIME, slots.MEETING, (Choice.FIND_TIME,))
    return none, (Update(said), Post(others))


def which_card(request: Request, to: Person) -> Message:
    """The times that the other one named. No one is woken to pick one."""
    offered = request.meeting.offered
    times = {str(choice): at for choice, at in zip(PICKS, offered, strict=False)}
    choices, details = (*PICKS[: len(offered)], Choice.NO_TIME), {"number": len(offered)}
    card = CardKind.TOGETHER_WHICH
    return Message(to, card, slots.MEETING, choices, details=details, times=times, considerate=True)


# ---------------------------------------------------------------- agreeing on one


def pick(request: Request, event: Chose, facts: Facts) -> Decision[Request]:
    """Both read the time. Nobody is asked whether they have talked before it has passed."""
    place = PICKS.index(Choice(event.choice))
    if event.by != _asked(request) or place >= len(request.meeting.offered):
        return request, ()
    at = request.meeting.offered[place]
    if at <= facts.now:
        past = Message(event.by, CardKind.TOGETHER_PAST, slots.MEETING, (Choice.FIND_TIME,))
        return request, (Update(past),)
    agreed = change(request, meeting=Meeting(agreed=at))
    asked_after = at + between_reminders(request, facts)
    talked = request.deadlines.get(Timer.TALKED)
    deadlines = {Timer.MEET: at, Timer.TALKED: max(talked, asked_after) if talked else None}
    both = (Update(agreed_card(agreed, event.by)), Post(agreed_card(agreed, _other(request, event.by))))
    return flow.wait(agreed, deadlines), both


def agreed_card(request: Request, to: Person) -> Message:
    """When the two talk."""
    assert request.meeting.agreed is not None
    times = {"at": request.meeting.agreed}
    return Message(to, CardKind.TOGETHER_AGREED, slots.MEETING, (Choice.FIND_TIME,), times=times)


def it_is_time(request: Request, event: Elapsed, facts: Facts) -> Decision[Request]:
    """Remind both; long after the time, as when the bot was down, the card only goes."""
    over = change(request, meeting=Meeting())
    both = (request.clinician, _other(request, request.clinician))
    if request.meeting.agreed is None or facts.now > request.meeting.agreed + TOO_LATE:
        return over, tuple(Erase(who, slots.MEETING) for who in both)
    return over, tuple(Post(Message(who, CardKind.TOGETHER_NOW, slots.MEETING)) for who in both)


def _other(request: Request, who: Person) -> Person:
    assert request.peer is not None
    return request.peer if who == request.clinician else request.clinician


def _asked(request: Request) -> Person | None:
    """Who is asked which of the times suits."""
    if not request.meeting.offered:
        return None
    return request.peer if request.meeting.by_clinician else request.clinician
