"""How a visitor's record goes: after their request, and after our cards have left their chat."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Final

from conversations import slots
from conversations.flow import Decision
from conversations.front_door.doorstep import DAY, GONE, Doorstep, flow, stay_a_day
from conversations.messages import RequestAsked, RequestEnded, RequestForgotten
from conversations.model import Elapsed, Erase, Facts, change
from conversations.peers import enrolment
from conversations.support.request import is_unread
from conversations.vocabulary import CardKind, Timer

CRISIS: Final = frozenset((slots.CRISIS,))


def they_asked(door: Doorstep, event: RequestAsked, facts: Facts) -> Decision[Doorstep]:
    """Only asking counts towards the day's limit: hesitating does not."""
    return change(door, asked=(*door.asked, facts.now)), ()


def their_request_ended(door: Doorstep, event: RequestEnded, facts: Facts) -> Decision[Doorstep]:
    """The request is closed: another may be opened. A crisis card stays for a day from now."""
    if door.request != event.request:
        return door, ()
    ended = change(door, request="", closed=(*door.closed, event.request))
    return stay_a_day(ended, facts), ()


def their_request_is_forgotten(door: Doorstep, event: RequestForgotten, facts: Facts) -> Decision[Doorstep]:
    """This record goes with the last request it knew, unless its person came by lately: then a card may stand here."""
    left = change(door, closed=tuple(request for request in door.closed if request != event.request))
    if door.goes_at is not None and facts.now < door.goes_at:
        return left, ()
    lately = max((at + DAY for at in door.asked), default=facts.now)
    return flow.wait(left, {Timer.GO: max(lately, facts.now)}), ()


def let_them_go(door: Doorstep, event: Elapsed, facts: Facts) -> Decision[Doorstep]:
    """Take our cards away, and a while later forget the visitor.

    What would tell the next person at this screen what was typed here leaves; the welcome tells nothing, and stays.
    A crisis card stays until a day after their request has ended, and one that no platform has shown yet a day longer,
    with all that stands beside it. Where this comes so late that the record was to be
    gone by now, it goes: erasing never waits for a platform. While a request of theirs is known it never goes: two
    could be opened, or one not be found.
    """
    if door.goes_at is not None and is_unread(facts, DAY, (door.person, slots.CRISIS)):
        return stay_a_day(door, facts), ()
    spare = frozenset((CardKind.WELCOME,))
    if door.request:
        return flow.wait(door, {Timer.GO: facts.now + DAY}), (Erase(door.person, keep=CRISIS, spare=spare),)
    if door.goes_at is not None and facts.now < door.goes_at:
        tidied = flow.wait(change(door, goes_at=None), {Timer.GO: door.goes_at})
        return tidied, (Erase(door.person, spare=spare),)
    if door.closed:
        return flow.wait(door, {Timer.GO: facts.now + DAY}), ()
    return _go(door, facts), ()


def _go(door: Doorstep, facts: Facts) -> Doorstep:
    """Keep nothing but the days on which they named colleagues this year, so that they name no more than they may."""
    named = enrolment.lately(door.named, facts)
    if not named:
        return change(door, stage=GONE, deadlines={})
    a_year_on = datetime.combine(min(named) + enrolment.YEAR, time(), UTC)
    return flow.wait(change(door, named=named, asked=()), {Timer.GO: max(a_year_on, facts.now + DAY)})
