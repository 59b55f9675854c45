"""When a platform cannot show a person what we say: no one waits for a message that will not come."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from conversations.flow import Decision
from conversations.messages import CannotBeReached, ReadLate, Undelivered
from conversations.model import Elapsed, Facts, Person, Post, Refresh, Tell, Unreached, change
from conversations.support.asking import UNFINISHED, asking_card, fill_a_place, search, tell_the_next_in_line
from conversations.support.choosing import choose_from_now, no_more_changing
from conversations.support.closing import close_now
from conversations.support.escalation import cannot_reach, page_unreadable
from conversations.support.request import (
    ASKING,
    CHOSEN,
    TOGETHER,
    Request,
    closes_at,
    flow,
    time_for_the_peer,
    time_to_answer,
)
from conversations.support.together.parting import look_again
from conversations.support.together.relay import LINES, undelivered
from conversations.vocabulary import CardKind, Kind, Timer

_FELL_AWAY = (CardKind.SUPPORT_LOOKING_AGAIN, CardKind.SUPPORT_LOOKING_ON)
_ALARMS = (CardKind.COORDINATOR_CANNOT_REACH, CardKind.COORDINATOR_CANNOT_SHOW)

_FOLLOWS: Final[Mapping[str, Timer]] = {
    **dict.fromkeys(
        (CardKind.PEER_TALKED, CardKind.PEER_TALKED_NAMED, CardKind.SUPPORT_CONNECTED, CardKind.SUPPORT_UNANSWERED),
        Timer.TALKED,
    ),
    **dict.fromkeys((CardKind.PEER_TOGETHER, CardKind.PEER_APART, CardKind.PEER_RELAY), Timer.TALKED),
    **dict.fromkeys(
        (CardKind.SUPPORT_CHOSEN, CardKind.SUPPORT_CHOSEN_NAMED, CardKind.SUPPORT_CHOSEN_COORDINATOR), Timer.CHOOSE
    ),
    **dict.fromkeys(
        (
            CardKind.SUPPORT_ASK,
            CardKind.SUPPORT_ASK_LATER,
            CardKind.SUPPORT_ASK_NOBODY,
            CardKind.SUPPORT_DETAILS,
            CardKind.SUPPORT_DETAILS_LATER,
            CardKind.SUPPORT_DETAILS_NOBODY,
        ),
        Timer.GIVE_UP,
    ),
}
"""What waits for the answer to a question."""

_CHECK_INS: Final = frozenset(
    (
        CardKind.CHECK_IN_YESTERDAY,
        CardKind.CHECK_IN_NOW,
        CardKind.CHECK_IN_FEW_DAYS,
        CardKind.CHECK_IN_MONTH,
        CardKind.CHECK_IN_NOBODY_YET,
        CardKind.CHECK_IN_STILL_LOOKING,
        CardKind.CHECK_IN_PEER_SILENT,
    )
)


def go_on_without(request: Request, event: Unreached, facts: Facts) -> Decision[Request]:
    """Go on without them: a clinician's request is closed, a peer is replaced, the next in line is told."""
    if event.card in (*_ALARMS, CardKind.ON_CALL_PAGE):
        return alarm_the_next(request, event, facts)
    if event.who == request.clinician:
        return _the_clinician(request, event, facts)
    if event.who == request.peer:
        return _the_peer(request, event, facts)
    passed, effects = _not_told_or_asked(request, event.who, facts, event.unread)
    return passed, (*effects, Tell(Kind.PEER, event.who, CannotBeReached()))


def alarm_the_next(request: Request, event: Unreached, facts: Facts) -> Decision[Request]:
    """Pass over someone who cannot read an alarm: the next in line reads it, and a worried peer to phone at once."""
    if event.card == CardKind.ON_CALL_PAGE:
        return page_unreadable(request, facts)
    alarm = next((card for card in _ALARMS if card == event.card), None)
    if alarm is None:
        return request, ()
    passed = change(request, passed=(*request.passed, event.who))
    return passed, cannot_reach(passed, facts, alarm)


def _not_told_or_asked(
    request: Request, who: Person, facts: Facts, unread: frozenset[str] = frozenset()
) -> Decision[Request]:
    """No coordinator is said to know who is found gone: the next one is told, or the clinician reads that none can be.

    A coordinator may be a peer who was asked, too.
    """
    if request.stage != ASKING or who not in request.told:
        return _not_asked(request, who, facts, unread)
    told = change(request, told=tuple(one for one in request.told if one != who))
    passed, offers = _pass_over(told, who, facts)
    alarmed, alarm = tell_the_next_in_line(passed, Elapsed(Timer.ESCALATE), facts)
    return alarmed, (*offers, *alarm)


def _not_asked(request: Request, peer: Person, facts: Facts, unread: frozenset[str]) -> Decision[Request]:
    """Who could not be asked was not asked: the clinician's status no longer counts them.

    That a peer fell away is still what she reads first, if she has not read it yet.
    """
    passed, offers = _pass_over(request, peer, facts)
    if passed.stage != ASKING:
        return passed, offers
    news = next((card for card in _FELL_AWAY if card in unread), None)
    return passed, (*offers, Refresh(asking_card(passed, facts, news)))


def _pass_over(request: Request, peer: Person, facts: Facts) -> tuple[Request, tuple[Post, ...]]:
    """They are not asked or told again about this request; where an offer to them was open, another takes the place."""
    open_offers = tuple(offer for offer in request.offers if offer.peer != peer)
    asked = tuple(who for who in request.asked if who != peer)
    passed = change(request, offers=open_offers, asked=asked, passed=(*request.passed, peer))
    return fill_a_place(passed, facts) if request.stage == ASKING and open_offers != request.offers else (passed, ())


def _the_clinician(request: Request, event: Unreached, facts: Facts) -> Decision[Request]:
    """They left or shut us out. A coordinator learns of it without a name, and we let go."""
    closed, effects = close_now(request, facts, closer=event.who)
    to_others = tuple(effect for effect in effects if isinstance(effect, Tell) or effect.to != event.who)
    return closed, (*to_others, *undelivered(request, event.who, event.card), *cannot_reach(request, facts))


def _the_peer(request: Request, event: Unreached, facts: Facts) -> Decision[Request]:
    if request.stage == TOGETHER:
        looking, effects = look_again(request, facts, CardKind.NEUTRAL, CardKind.SUPPORT_LOOKING_AGAIN)
        return looking, (*undelivered(request, event.who, event.card), *effects)
    assert request.stage == CHOSEN
    passed = change(request, passed=(*request.passed, event.who))
    asking, effects = search(passed, facts, card=CardKind.SUPPORT_LOOKING_AGAIN)
    return asking, (no_more_changing(request), *effects)


def could_not_be_shown(request: Request, event: Undelivered, facts: Facts) -> Decision[Request]:
    """No way of saying a card was taken, though its reader is still there: who waits for them learns of it."""
    if event.card in LINES:
        return request, undelivered(request, event.to, event.card)
    if event.card in (*_ALARMS, CardKind.ON_CALL_PAGE):
        return alarm_the_next(request, Unreached(event.to, event.card), facts)
    if event.to == request.clinician:
        return request, cannot_reach(request, facts, CardKind.COORDINATOR_CANNOT_SHOW)
    concerned = {offer.peer for offer in request.offers}.union(request.told if request.stage == ASKING else ())
    return _not_told_or_asked(request, event.to, facts) if event.to in concerned else (request, ())


def count_from_now(request: Request, event: ReadLate, facts: Facts) -> Decision[Request]:
    """A deadline that follows a question counts from when it can be read; none comes sooner than it would have."""
    if event.card in _CHECK_INS:
        return _checked_in_now(request, facts)
    timer = _FOLLOWS.get(event.card)
    at = request.deadlines.get(timer) if timer is not None else None
    if timer is None or at is None:
        return request, ()
    if timer is Timer.CHOOSE:
        return choose_from_now(request, facts)
    if timer is Timer.GIVE_UP:
        return flow.wait(request, {timer: facts.now + UNFINISHED}), ()
    to_peer = event.to == request.peer
    answer_by = time_for_the_peer(request, facts, facts.now) if to_peer else time_to_answer(request, facts)
    return flow.wait(request, {timer: max(at, answer_by)}), ()


def _checked_in_now(request: Request, facts: Facts) -> Decision[Request]:
    """A check-in that could be read only now keeps the request open, so that it can be answered."""
    read = change(request, checked_in=facts.now)
    closes = max(closes_at(read, facts), request.deadlines.get(Timer.CLOSE, facts.now))
    return flow.wait(read, {Timer.CLOSE: closes}), ()
