"""After a peer has finished: the request goes on without them until its clinician closes it.

Who the peer was stays sealed with it, so that the same peer can be asked first when the clinician would like to talk
again. Nobody is asked before they tap.
"""

from __future__ import annotations

from conversations import slots
from conversations.flow import Decision
from conversations.model import Chose, Facts, Message, Post, change
from conversations.support.asking import search
from conversations.support.check_ins import asking_reply
from conversations.support.closing import close
from conversations.support.crisis import crisis_kept_true
from conversations.support.request import AFTERWARDS, Contact, Meeting, Request, flow, lasting, next_last_card
from conversations.support.together.last_card import with_last_card
from conversations.support.together.parting import KEPT_WHILE_OPEN, clear, unsent
from conversations.vocabulary import CardKind, Choice, Timer, Word


def finish(request: Request, event: Chose, facts: Facts) -> Decision[Request]:
    """The peer ends their own part. The request, its check-ins and dates stay, and the clinician reads it."""
    noted, last_card = with_last_card(request, facts)
    ended = change(noted, peer=None, reminded=False, contact=Contact(), meeting=Meeting())
    deadlines = {Timer.LAST_CARD: next_last_card(ended, facts), **lasting(ended, facts)}
    after = flow.move(ended, AFTERWARDS, deadlines)
    cleared = (*clear(request, request.clinician, KEPT_WHILE_OPEN), *clear(request, event.by))
    return after, (
        *cleared,
        *unsent(request, facts),
        Post(last_card),
        Post(finished_card(after)),
        crisis_kept_true(after),
    )


def close_or_finish(request: Request, event: Chose, facts: Facts) -> Decision[Request]:
    """Only the clinician closes. The cards of 0.2.0 say *Close* to a peer, too: there it ends the peer's part."""
    return close(request, event, facts) if event.by == request.clinician else finish(request, event, facts)


def finished_card(request: Request) -> Message:
    """The peer has finished; a colleague is one tap away, the same one first with *I'd like to talk again*."""
    last = request.finished[-1].peer if request.finished and request.peer_named else None
    card = CardKind.SUPPORT_FINISHED_NAMED if last else CardKind.SUPPORT_FINISHED
    choices = (Word.SOON, Choice.TALK_AGAIN, Choice.CLOSE)
    planned = {"checks-in": "yes" if Timer.CHECK_IN in request.deadlines else "no"}
    return Message(
        request.clinician, card, slots.STATUS, choices, details=planned, people={"peer": last} if last else {}
    )


def ask_the_same_peer_first(request: Request, event: Chose, facts: Facts) -> Decision[Request]:
    """An ordinary offer to the peer or coordinator who was there; to others where they are resting, paused or gone."""
    last = request.finished[-1].peer if request.finished else None
    asking, effects = search(request, facts, first=last)
    reply = (asking_reply(request),) if event.slot == slots.CHECK_IN else ()
    return asking, (*reply, *effects)
