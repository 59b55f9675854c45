"""Letting go: closing a request, and forgetting that it ever was."""

from __future__ import annotations

from datetime import datetime, timedelta

from conversations import slots
from conversations.flow import TIDIED_BEFORE, Deadlines, Decision
from conversations.model import (
    Chose,
    Effect,
    Elapsed,
    Erase,
    Facts,
    Message,
    Person,
    Post,
    Update,
    Withdraw,
    change,
)
from conversations.support.asking import UNFINISHED, neutral
from conversations.support.crisis import crisis_kept_true
from conversations.support.request import (
    A_DAY,
    CLOSED,
    GONE,
    TOGETHER,
    Request,
    closes_at,
    flow,
    is_unread,
    next_last_card,
    promised,
)
from conversations.support.together.last_card import still_asked, with_last_card
from conversations.support.together.parting import KEPT, clear, unsent
from conversations.vocabulary import CardKind, Timer

SOON = timedelta(hours=1)  # long enough to take our cards out of the chats
KEPT_AT_CLOSE = KEPT | {slots.CRISIS}
"""A crisis card stays for a day after closing."""


# ---------------------------------------------------------------- closing


def nothing_was_asked(request: Request, event: Chose | Elapsed, facts: Facts) -> Decision[Request]:
    """The clinician changed their mind before anyone was asked, or never finished.

    They have as long again while no platform has shown them the card to finish. The record is kept for as long as a
    crisis card stays: nothing else could take it away.
    """
    if isinstance(event, Elapsed) and is_unread(facts, UNFINISHED, (request.clinician, slots.STATUS)):
        return flow.wait(request, {Timer.GIVE_UP: facts.now + UNFINISHED}), ()
    closed = flow.move(request, CLOSED, _until_forgotten(facts.now + A_DAY, facts))
    card = Message(request.clinician, CardKind.SUPPORT_ANY_TIME, slots.STATUS)
    return closed, (*clear(request, request.clinician, KEPT_AT_CLOSE), Withdraw(card), crisis_kept_true(closed))


def close(request: Request, event: Chose, facts: Facts) -> Decision[Request]:
    """The clinician closes, without a reason and without being asked twice."""
    return close_now(request, facts, closer=event.by, in_place=event.slot == slots.STATUS)


def stop_asking(request: Request, event: Chose, facts: Facts) -> Decision[Request]:
    """Close, and take the crisis card away: its numbers stand in the closing card at the bottom of the chat."""
    closed, effects = close_now(request, facts, closer=event.by)
    return flow.wait(closed, {Timer.CRISIS: None}), (*effects, Erase(request.clinician, slots.CRISIS))


def close_quietly(request: Request, event: Elapsed, facts: Facts) -> Decision[Request]:
    """Close a week after the last touch or the last check-in, whichever came later; or on the day that was promised.

    A check-in that no platform has shown yet is not taken away unread: it is looked at again a day later, as long as
    the day of erasure that was promised can be kept.
    """
    due = closes_at(request, facts)
    if _check_in_is_unread(request, facts):
        due = max(due, facts.now + A_DAY)
    if due > facts.now:
        return flow.wait(request, {Timer.CLOSE: due}), ()
    return close_now(request, facts, closer=None)


def _check_in_is_unread(request: Request, facts: Facts) -> bool:
    longest = facts.programme.close_after + facts.programme.erase_after
    kept = promised(request, facts)
    in_time = kept is None or facts.now + A_DAY < kept
    return in_time and is_unread(facts, longest, (request.clinician, slots.CHECK_IN))


def close_now(request: Request, facts: Facts, closer: Person | None, *, in_place: bool = False) -> Decision[Request]:
    """Close: from here on no one is asked anything, and our own cards are taken out of every chat.

    Args:
        request: The request, at any open stage.
        facts: The world as it is.
        closer: Who closed it; None where time did.
        in_place: Whether the clinician pressed a button of their status card, so that the card itself changes.
    """
    forget = not_before_the_page(request, _erased_at(request, facts, closer))
    ended, to_others = _release(request, facts, closer, forget)
    deadlines = {**_until_forgotten(forget, facts), Timer.LAST_CARD: next_last_card(ended, facts)}
    outcome = change(ended.outcome, closed_on=facts.now.date())
    closed = flow.move(change(ended, offers=(), check_ins=(), outcome=outcome), CLOSED, deadlines)
    goodbye = _goodbye(request, closer, forget, in_place=in_place)
    return closed, (*goodbye, *unsent(request, facts), crisis_kept_true(closed), *to_others)


def _until_forgotten(forget: datetime, facts: Facts) -> Deadlines:
    """What leaves the chats until then: the crisis card after a day, and all the rest before the record goes."""
    tidy = forget - TIDIED_BEFORE
    return {Timer.FORGET: forget, Timer.TIDY: tidy, Timer.CRISIS: min(facts.now + A_DAY, tidy)}


def _erased_at(request: Request, facts: Facts, closer: Person | None) -> datetime:
    """A while after closing; where time closed it, no later than the day that was promised."""
    kept = promised(request, facts) if closer is None else None
    day = facts.now + facts.programme.erase_after
    return max(min(day, kept or day), facts.now + SOON)


def not_before_the_page(request: Request, moment: datetime) -> datetime:
    """The moment, or later: a peer who called the on-call person must still be answered after closing."""
    pages = (request.deadlines.get(Timer.PAGE), *(call.phone_at for call in request.calls))
    return max((moment, *(page + SOON for page in pages if page)))


def _goodbye(request: Request, closer: Person | None, erased: datetime, *, in_place: bool) -> tuple[Effect, ...]:
    card = Message(
        request.clinician,
        CardKind.SUPPORT_CLOSED,
        slots.STATUS,
        times={"erased": erased},
        considerate=closer is None,
    )
    return *clear(request, request.clinician, KEPT_AT_CLOSE), Update(card) if in_place else Post(card)


def _release(
    request: Request, facts: Facts, closer: Person | None, forget: datetime
) -> tuple[Request, tuple[Effect, ...]]:
    """Everyone else reads the neutral line; a peer who was there is asked how they are.

    A press is answered at any hour: the old card, with a name and buttons, must not stand until morning. A peer who
    had finished before is remembered only as long as their last card has buttons.
    """
    offers = tuple(neutral(offer.peer) for offer in request.offers)
    coordinators = tuple(neutral(who, CardKind.COORDINATOR_SETTLED, slots.WAITING) for who in request.told)
    ended = change(request, finished=still_asked(request, facts))
    if request.peer is None:
        return ended, (*offers, *coordinators)
    if request.stage != TOGETHER:
        return change(ended, peer=None), (*offers, *coordinators, neutral(request.peer))
    noted, last_card = with_last_card(ended, facts, until=forget - TIDIED_BEFORE)
    asked = Post(change(last_card, considerate=closer is None))
    return noted, (*offers, *coordinators, *clear(request, request.peer, KEPT - {slots.LAST}), asked)


# ---------------------------------------------------------------- forgetting


def the_crisis_card_goes(request: Request, event: Elapsed, facts: Facts) -> Decision[Request]:
    """A day after closing, the crisis card leaves the chat; one that no platform has shown yet stays as long again.

    It leaves before the record goes, whatever platforms do.
    """
    later = facts.now + A_DAY
    in_time = later < request.deadlines.get(Timer.TIDY, later)
    if in_time and is_unread(facts, facts.programme.erase_after, (request.clinician, slots.CRISIS)):
        return flow.wait(request, {Timer.CRISIS: later}), ()
    return request, (Erase(request.clinician, slots.CRISIS),)


def take_every_card_away(request: Request, event: Elapsed, facts: Facts) -> Decision[Request]:
    """What a forgotten request had shown could be hidden by no one: it leaves every chat before the record goes.

    The record goes on its day all the same: erasing never waits for a platform.
    """
    return request, (Erase(None),)


def forget(request: Request, event: Elapsed, facts: Facts) -> Decision[Request]:
    """Destroy the record in this same write; what no platform has yet been told is dropped with it."""
    return change(request, stage=GONE, deadlines={}), ()
