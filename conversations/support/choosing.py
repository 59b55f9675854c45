"""A peer said yes: the clinician sees who it is and decides, while the peer knows only what the offer said."""

from __future__ import annotations

from conversations import matching, slots
from conversations.flow import Decision
from conversations.messages import PeerLeft
from conversations.model import Chose, Effect, Elapsed, Erase, Facts, Message, Post, Refresh, Update, change
from conversations.support.asking import neutral, search, without
from conversations.support.check_ins import asking_reply
from conversations.support.crisis import crisis_kept_true
from conversations.support.request import (
    CHOSEN,
    RESTING,
    Request,
    between_reminders,
    flow,
    is_unread,
    lasting,
    still_serves,
    time_to_answer,
)
from conversations.vocabulary import CardKind, Choice, Timer

# ---------------------------------------------------------------- the yes


def first_yes_wins(request: Request, event: Chose, facts: Facts) -> Decision[Request]:
    """The first yes wins. Every other card turns into the same line, in this same write."""
    offer = next(offer for offer in request.offers if offer.peer == event.by)
    mine = next((peer for peer in facts.peers if peer.person == event.by), None)
    if mine is None and not still_serves(event.by, facts):
        return without(request, event.by, facts), (neutral(event.by),)
    if mine is not None and matching.full(mine):
        return without(request, event.by, facts), (neutral(event.by, CardKind.PEER_FULL),)
    others = tuple(neutral(other.peer) for other in request.offers if other != offer)
    chosen = change(request, peer=offer.peer, alias=offer.alias, offers=())
    return let_them_choose(chosen, facts, *others, thank=True)


def _answered(request: Request, facts: Facts) -> Request:
    """The first yes of all is counted: whether it came before the target had passed."""
    if request.outcome.answered:
        return request
    target = (request.counted_from or facts.now) + facts.programme.targets[request.urgency]
    return change(request, outcome=change(request.outcome, answered="in-time" if facts.now <= target else "later"))


def let_them_choose(request: Request, facts: Facts, *also: Effect, thank: bool) -> Decision[Request]:
    """Show the clinician who said yes, and wait for their tap.

    Args:
        request: The request with its peer.
        facts: The world as it is.
        also: What is said besides, first.
        thank: Whether the peer reads by when they will know; a coordinator who took it reads another card.
    """
    deadlines = {Timer.CHOOSE: time_to_answer(request, facts), **lasting(request, facts)}
    chosen = flow.move(_answered(request, facts), CHOSEN, deadlines)
    coordinators = tuple(neutral(who, CardKind.COORDINATOR_SETTLED, slots.WAITING) for who in request.told)
    thanks = (Update(thank_you_card(chosen)),) if thank else ()
    cards = *thanks, Post(chosen_card(chosen, facts)), crisis_kept_true(chosen)
    return chosen, (*also, *coordinators, no_more_changing(request), *cards)


def no_more_changing(request: Request) -> Erase:
    """Take away the card of what the clinician chose: with a peer there it asks for less than without."""
    return Erase(request.clinician, slots.DETAILS)


def thank_you_card(request: Request) -> Message:
    """By when the peer who said yes will know whether they are needed."""
    assert request.peer is not None
    by = {"by": request.deadlines[Timer.CHOOSE]}
    return Message(request.peer, CardKind.PEER_SAID_YES, slots.OFFER, (Choice.HAND_BACK,), times=by)


def chosen_card(request: Request, facts: Facts) -> Message:
    """Who said yes: by name only if that peer chose to be visible."""
    assert request.peer is not None
    known = next((peer for peer in facts.peers if peer.person == request.peer), None)
    unnamed = (Choice.STAY_UNNAMED,) if facts.programme.relay else ()
    choices = (Choice.CONNECT, *unnamed, Choice.SOMEONE_ELSE, Choice.CHANGE_MY_MIND)
    if known is None:
        return Message(request.clinician, CardKind.SUPPORT_CHOSEN_COORDINATOR, slots.STATUS, choices)
    card = CardKind.SUPPORT_CHOSEN_NAMED if known.visible else CardKind.SUPPORT_CHOSEN
    people = {"peer": known.person} if known.visible else {}
    given = "yes" if known.role else "no"
    details = {"role": known.role, "role-given": given, "since": str(known.since.year) if known.since else ""}
    return Message(request.clinician, card, slots.STATUS, choices, details=details, people=people)


# ---------------------------------------------------------------- what the clinician answers


def swap_silently(request: Request, event: Chose, facts: Facts) -> Decision[Request]:
    """The clinician wants another peer: this one reads the neutral line and never learns why.

    On a check-in they meant the peer before this one: nobody is swapped, and who can talk is shown to them again.
    """
    assert request.peer is not None
    if event.slot == slots.CHECK_IN:
        return request, (asking_reply(request), Post(chosen_card(request, facts)))
    passed = change(request, passed=(*request.passed, request.peer))
    asking, effects = search(passed, facts, show=Update)
    return asking, (neutral(request.peer), no_more_changing(request), *effects)


def search_again(request: Request, event: Chose | PeerLeft, facts: Facts) -> Decision[Request]:
    """The peer handed back, or left: others are asked."""
    assert request.peer is not None
    passed = change(request, passed=(*request.passed, request.peer))
    asking, effects = search(passed, facts, card=CardKind.SUPPORT_LOOKING_AGAIN)
    removed = isinstance(event, PeerLeft) and event.removed
    reads = CardKind.NEUTRAL if removed else CardKind.PEER_HANDED_BACK
    return asking, (neutral(request.peer, reads), no_more_changing(request), *effects)


def release_the_peer(request: Request, event: Elapsed, facts: Facts) -> Decision[Request]:
    """No tap came: the peer is let go kindly; the clinician is not chased, and nothing more is asked until they tap.

    While no platform has shown them who can talk, they have as long again, and the peer reads by when.
    """
    assert request.peer is not None
    if is_unread(facts, between_reminders(request, facts), (request.clinician, slots.STATUS)):
        return choose_from_now(request, facts)
    resting = flow.move(change(request, peer=None), RESTING, lasting(request, facts))
    cards = Post(resting_card(resting)), crisis_kept_true(resting)
    return resting, (neutral(request.peer), no_more_changing(request), *cards)


def choose_from_now(request: Request, facts: Facts) -> Decision[Request]:
    """The clinician's time to choose is counted from now; the peer who said yes reads by when they will know."""
    waiting = flow.wait(request, {Timer.CHOOSE: time_to_answer(request, facts)})
    return waiting, (Refresh(thank_you_card(waiting)),)


def resting_card(request: Request) -> Message:
    """Nothing is asked of the clinician; asking again is one tap away."""
    choices = (Choice.KEEP_ASKING, Choice.STOP_ASKING)
    return Message(request.clinician, CardKind.SUPPORT_RESTING, slots.STATUS, choices)


def ask_once_more(request: Request, event: Chose, facts: Facts) -> Decision[Request]:
    """The clinician tapped: a new search begins."""
    return search(request, facts, show=Update)
