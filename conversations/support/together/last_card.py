"""The last card of a peer whose part is over: how are they, and for three days whom to call if they are worried."""

from __future__ import annotations

from datetime import datetime, timedelta

from conversations import slots
from conversations.flow import Decision
from conversations.messages import IsReady, NeedsABreak, PeerComesBack
from conversations.model import (
    Chose,
    Effect,
    Elapsed,
    Facts,
    Message,
    Opened,
    Person,
    Post,
    Refresh,
    Tell,
    Update,
    change,
)
from conversations.options import LONG_REST
from conversations.support.request import (
    CLOSED,
    OVER,
    TOGETHER,
    Finished,
    Request,
    flow,
    is_unread,
    next_last_card,
    was_hard,
)
from conversations.vocabulary import CardKind, Choice, Kind, Timer, Word

STAYS = timedelta(hours=72)
"""How long the numbers and *I'm worried* stay on the card."""


def with_last_card(request: Request, facts: Facts, *, until: datetime | None = None) -> tuple[Request, Message]:
    """Note that the peer's part is over.

    Args:
        request: The request, with its peer.
        facts: The world as it is.
        until: When the numbers leave the card at the latest; None where nothing but their own time ends them.

    Returns:
        The request, and the card that asks the peer how they are.
    """
    assert request.peer is not None
    ends, hard = facts.now + STAYS, was_hard(request, request.peer)
    rests = (
        facts.now + max(LONG_REST, facts.programme.rest) if hard and _is_in_the_roster(request.peer, facts) else None
    )
    finished = Finished(request.peer, min(ends, until) if until else ends, rests_until=rests)
    others = tuple(other for other in request.finished if other.peer != request.peer)
    noted = change(request, finished=(*others, finished), parted=request.peer)
    return noted, _card(finished, facts)


def _card(finished: Finished, facts: Facts) -> Message:
    asked = finished.card == CardKind.PEER_AFTER
    long = asked and finished.rests_until is not None
    rest = (Choice.IM_READY if long else Choice.BREAK,) if _is_in_the_roster(finished.peer, facts) else ()
    choices = (Choice.OKAY, *rest, Choice.TO_TALK) if asked else ()
    numbers = finished.until > facts.now
    worried = (Choice.WORRIED,) if numbers and facts.programme.on_call else ()
    details = {"numbers": "yes" if numbers else "no"}
    card = CardKind.PEER_AFTER_LONG if long else finished.card
    times = {"rests-until": finished.rests_until} if long and finished.rests_until else {}
    return Message(finished.peer, card, slots.LAST, (*choices, *worried), details=details, times=times)


def _is_in_the_roster(who: Person, facts: Facts) -> bool:
    """Whether a break means anything: who took a request themselves goes on being told of others."""
    return any(peer.person == who for peer in facts.peers)


def the_numbers_leave(request: Request, event: Elapsed, facts: Facts) -> Decision[Request]:
    """Three days are over: the card keeps its words, and what it asks can still be answered.

    Where no platform has shown the card yet, its peer has three days from now; at most until the record goes.
    """
    read_now = change(request, finished=tuple(_with_its_days(request, each, facts) for each in request.finished))
    over = [finished for finished in read_now.finished if finished.until <= facts.now]
    left = change(read_now, finished=still_asked(read_now, facts)) if request.stage in OVER else read_now
    cards = tuple(Refresh(_card(finished, facts)) for finished in over)
    return flow.wait(left, {Timer.LAST_CARD: next_last_card(left, facts)}), cards


def _with_its_days(request: Request, finished: Finished, facts: Facts) -> Finished:
    if finished.until > facts.now or not is_unread(facts, STAYS, (finished.peer, slots.LAST)):
        return finished
    tidy = request.deadlines.get(Timer.TIDY)
    return change(finished, until=min(facts.now + STAYS, tidy) if tidy else facts.now + STAYS)


def still_asked(request: Request, facts: Facts) -> tuple[Finished, ...]:
    """Whose last card has buttons: once a request is closed, no other peer of it is remembered."""
    return tuple(
        finished for finished in request.finished if finished.until > facts.now or finished.card == CardKind.PEER_AFTER
    )


def goodbye_to_the_peers(request: Request) -> tuple[Refresh, ...]:
    """The request is about to be gone: what its peers were asked must be answered at the front door.

    A peer who is there now reads so in a card of their own.
    """
    choices = (Word.SOON, Word.WORRIED, Word.PRIVACY)
    there = request.peer if request.stage == TOGETHER else None
    asked = [finished.peer for finished in request.finished if finished.peer != there]
    return tuple(Refresh(Message(who, CardKind.PEER_AFTER_DOOR, slots.LAST, choices)) for who in asked)


def comes_back(request: Request, event: PeerComesBack, facts: Facts) -> Decision[Request]:
    """Who is worried after their part was over finds whom to call, and *I'm worried*, at the bottom of their chat.

    Who walks with the clinician again finds other cards there. Once our cards have left every chat, none comes back.
    """
    if event.peer == request.peer or (request.stage == CLOSED and Timer.TIDY not in request.deadlines):
        return request, ()
    mine = next((finished for finished in request.finished if finished.peer == event.peer), None)
    if mine is not None:
        return request, (Post(_card(mine, facts)),) if mine.until > facts.now else ()
    return request, (Post(parted_card(event.peer, facts)),) if _parted_lately(request, event.peer, facts) else ()


def _parted_lately(request: Request, peer: Person, facts: Facts) -> bool:
    """Whether this peer was the last who parted, and that is not long ago: others are asked from that moment on."""
    since = request.searching_since
    return peer == request.parted and since is not None and facts.now < since + STAYS


def parted_card(peer: Person, facts: Facts, card: CardKind = CardKind.NEUTRAL) -> Message:
    """The peer's last line about a walk that others go on with, and whom to call: they may have read what worries them.

    Args:
        peer: Whose part is over.
        facts: The world as it is.
        card: What it says; the neutral line is true whatever the reason was.
    """
    worried = (Choice.WORRIED,) if facts.programme.on_call else ()
    return Message(peer, card, slots.OFFER, worried, details={"numbers": "yes"})


# ---------------------------------------------------------------- what the peer answers


def peer_is_okay(request: Request, event: Chose, facts: Facts) -> Decision[Request]:
    """The peer is okay."""
    return _answered(request, event, CardKind.PEER_AFTER_OKAY, facts)


def peer_wants_a_break(request: Request, event: Chose, facts: Facts) -> Decision[Request]:
    """The peer gets no offers for a while; nothing is promised to who is in no roster."""
    if not _is_in_the_roster(event.by, facts):
        return _answered(request, event, CardKind.PEER_AFTER_OKAY, facts)
    rest = Tell(Kind.PEER, event.by, NeedsABreak())
    return _answered(request, event, CardKind.PEER_AFTER_BREAK, facts, rest)


def peer_is_ready(request: Request, event: Chose, facts: Facts) -> Decision[Request]:
    """The peer would like to be asked again before their long rest is over; who pauses or has left is only thanked."""
    if not any(peer.person == event.by and not peer.paused for peer in facts.peers):
        return _answered(request, event, CardKind.PEER_AFTER_OKAY, facts, Tell(Kind.PEER, event.by, IsReady()))
    return _answered(request, event, CardKind.PEER_AFTER_READY, facts, Tell(Kind.PEER, event.by, IsReady()))


def peer_wants_to_talk(request: Request, event: Chose, facts: Facts) -> Decision[Request]:
    """Peers are looked after too: the same front door, opened for them."""
    door = Tell(Kind.FRONT_DOOR, event.by, Opened(event.by, Word.SOON))
    return _answered(request, event, CardKind.PEER_AFTER_TALK, facts, door)


def _answered(request: Request, event: Chose, card: CardKind, facts: Facts, *also: Effect) -> Decision[Request]:
    """Thank the peer in place; the numbers stay.

    A request of 0.2.0 remembers no last card, and asked in the place of the offer: nothing stays there.
    """
    mine = next((finished for finished in request.finished if finished.peer == event.by), Finished(event.by, facts.now))
    answered = change(mine, card=card)
    noted = tuple(answered if finished is mine else finished for finished in request.finished)
    place = slots.OFFER if event.slot == slots.OFFER else slots.LAST
    return change(request, finished=noted), (Update(change(_card(answered, facts), slot=place)), *also)
