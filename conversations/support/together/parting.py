"""Parting: the clinician wants another peer, a peer hands back or has finished, or neither of the two is heard of."""

from __future__ import annotations

from collections.abc import Callable

from conversations import slots
from conversations.flow import Decision
from conversations.messages import PeerLeft
from conversations.model import Chose, Effect, Erase, Facts, Message, Person, Post, Update, Withdraw, change
from conversations.support.asking import search
from conversations.support.check_ins import asking_reply
from conversations.support.request import Request
from conversations.support.together.last_card import parted_card
from conversations.vocabulary import CardKind, Choice

KEPT = frozenset((slots.WORRIED, slots.PAGE, slots.LAST))
"""A number that a person may still need, and the page it belongs to, stay when every other card is taken away."""

KEPT_WHILE_OPEN = KEPT | {slots.CRISIS, slots.CHECK_IN}
"""While the request goes on, numbers and a question the clinician has not read or answered stay, too."""


def someone_else(request: Request, event: Chose, facts: Facts) -> Decision[Request]:
    """The clinician wants another peer; this one reads the neutral line."""
    asking, effects = look_again(request, facts, CardKind.NEUTRAL)
    reply = (asking_reply(request),) if event.slot == slots.CHECK_IN else ()
    return asking, (*reply, *effects)


def peer_steps_back(request: Request, event: Chose | PeerLeft, facts: Facts) -> Decision[Request]:
    """The peer handed back, for whatever reason, or left the programme."""
    return look_again(request, facts, CardKind.PEER_HANDED_BACK, CardKind.SUPPORT_LOOKING_AGAIN)


def peer_left(request: Request, event: PeerLeft, facts: Facts) -> Decision[Request]:
    """The peer is in the roster no more. Where they did not leave themselves the clinician says how it goes on."""
    if event.removed == "at-once":
        return look_again(request, facts, CardKind.NEUTRAL, CardKind.SUPPORT_LOOKING_AGAIN)
    if not event.removed:
        return peer_steps_back(request, event, facts)
    choices = (Choice.SOMEONE_ELSE, Choice.NOT_NOW)
    asked = Message(request.clinician, CardKind.SUPPORT_OR_ELSE, slots.OR_ELSE, choices, considerate=True)
    return request, (Post(asked),)


def look_again(
    request: Request, facts: Facts, peer_reads: CardKind, clinician_reads: CardKind | None = None
) -> Decision[Request]:
    """Clear the chat with this peer on both sides, and ask others.

    Args:
        request: The request, with its peer.
        facts: The world as it is.
        peer_reads: The peer's closing line.
        clinician_reads: News for the clinician; None updates their status in place.
    """
    assert request.peer is not None
    passed = change(request, passed=(*request.passed, request.peer), parted=request.peer)
    show: Callable[[Message], Effect] = Post if clinician_reads else Update
    asking, effects = search(passed, facts, card=clinician_reads, show=show)
    cleared = (*clear(request, request.clinician, KEPT_WHILE_OPEN), *clear(request, request.peer))
    return asking, (*cleared, *unsent(request, facts), Withdraw(parted_card(request.peer, facts, peer_reads)), *effects)


def clear(request: Request, who: Person, keep: frozenset[slots.Slot] = KEPT) -> tuple[Erase]:
    """Take away every card of this conversation that the same decision does not speak to, but for those to keep."""
    return (Erase(who, keep=keep.union(call.page for call in request.calls)),)


def unsent(request: Request, facts: Facts) -> tuple[Withdraw, ...]:
    """A form that stands in a chat is not taken from under its writer's hands: it says that the line was not passed on.

    Where a platform opens forms on top of the chat, none stands there, and nothing is said before it is sent.
    """
    if request.peer is None or not facts.programme.relay:
        return ()
    writers, pen = (request.clinician, request.peer), slots.pen(request.alias)
    return tuple(Withdraw(Message(writer, CardKind.RELAY_NOT_PASSED_ON, pen)) for writer in writers)
