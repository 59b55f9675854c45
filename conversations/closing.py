"""Letting go: closing a request, and forgetting that it ever was."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from conversations import hours
from conversations.flow import FORGOTTEN, Decision, Effect
from conversations.model import Chose, Elapsed, Facts, Manner, Opened, Person, Say, Tell, Told
from conversations.request import (
    ACCOMPANIED,
    ASKING,
    CHOSEN,
    CLOSED,
    DETAILS,
    RESTING,
    TOGETHER,
    Request,
    flow,
)
from conversations.support import neutral, zone_of_peer
from conversations.together import clear

SOON = timedelta(hours=1)  # long enough to take our cards out of the chats
NEVER = timedelta(days=3650)


# ---------------------------------------------------------------- closing


@flow.on(DETAILS, choice="change-my-mind")
@flow.after(DETAILS, timer="give-up")
def nothing_was_asked(request: Request, event: Chose | Elapsed, facts: Facts) -> Decision[Request]:
    closed = flow.move(request, CLOSED, forget=facts.now + SOON)
    card = Say(request.clinician, "support-any-time", "status", manner="withdraw")
    return closed, (*clear(request.clinician), card)


@flow.on(ASKING, CHOSEN, RESTING, choice="change-my-mind")
@flow.on(ASKING, RESTING, choice="stop-asking")
@flow.on(TOGETHER, choice="close")
def close(request: Request, event: Chose, facts: Facts) -> Decision[Request]:
    """Either of the two may, without a reason and without being asked twice."""
    return close_now(request, facts, closer=event.by)


@flow.after(*ACCOMPANIED, timer="close")
def close_quietly(request: Request, event: Elapsed, facts: Facts) -> Decision[Request]:
    """A week after the last touch and the last check-in, whichever came later."""
    last = max(at for at in (request.checked_in, request.touched, request.searching_since, facts.now - NEVER) if at)
    due = hours.waking(last + facts.programme.close_after, zone_of_peer(request, facts), facts.programme.quiet)
    if due > facts.now:
        return flow.wait(request, close=due), ()
    return close_now(request, facts, closer=None)


def close_now(request: Request, facts: Facts, closer: Person | None) -> Decision[Request]:
    """From here on nothing is asked of anyone; our own cards are taken out of every chat."""
    together = request.stage == TOGETHER.name
    closed = flow.move(
        replace(request, offers=(), check_ins=(), peer=request.peer if together else None),
        CLOSED,
        forget=not_before_the_page(request, facts.now + max(facts.programme.erase_after, SOON)),
    )
    return closed, (*_goodbye(request, facts, closer), *_release(request, closer, together=together))


def not_before_the_page(request: Request, moment: datetime) -> datetime:
    """A peer who called the on-call person must still be answered, whoever wants the request gone."""
    page = request.deadlines.get("page")
    return max(moment, page + SOON) if page else moment


def _goodbye(request: Request, facts: Facts, closer: Person | None) -> tuple[Effect, ...]:
    erased = facts.now + facts.programme.erase_after
    manner: Manner = "progress" if closer == request.clinician else "news"
    card = Say(
        request.clinician,
        "support-closed",
        "status",
        times={"erased": erased},
        manner=manner,
        considerate=closer is None,
    )
    return *clear(request.clinician), card


def _release(request: Request, closer: Person | None, *, together: bool) -> tuple[Effect, ...]:
    """Everyone else reads the neutral line; a peer who was there is asked how they are.

    A press is answered at any hour: the old card, with a name and buttons, must not stand until morning.
    """
    offers = tuple(neutral(offer.peer) for offer in request.offers)
    coordinators = tuple(neutral(who, "coordinator-settled", "waiting") for who in request.told)
    if request.peer is None:
        return *offers, *coordinators
    if not together:
        return *offers, *coordinators, neutral(request.peer)
    after = Say(request.peer, "peer-after", "offer", ("okay", "break", "to-talk"), considerate=closer is None)
    return *offers, *coordinators, *clear(request.peer), after


# ---------------------------------------------------------------- the peer, afterwards


@flow.on(CLOSED, choice="okay")
def the_peer_is_okay(request: Request, event: Chose, facts: Facts) -> Decision[Request]:
    return request, (_to_peer(event.by, "peer-after-okay"),)


@flow.on(CLOSED, choice="break")
def the_peer_wants_a_break(request: Request, event: Chose, facts: Facts) -> Decision[Request]:
    pause = Tell("volunteering", event.by, Told("break", event.by))
    return request, (_to_peer(event.by, "peer-after-break"), pause)


@flow.on(CLOSED, choice="to-talk")
def the_peer_wants_to_talk(request: Request, event: Chose, facts: Facts) -> Decision[Request]:
    """Peers are looked after too: the same door, opened for them."""
    return request, (_to_peer(event.by, "peer-after-talk"), Tell("doorstep", event.by, Opened(event.by, "soon")))


def _to_peer(who: Person, text: str) -> Say:
    return Say(who, text, "offer", manner="progress")


# ---------------------------------------------------------------- forgetting


@flow.after(CLOSED, timer="forget")
def forget(request: Request, event: Elapsed, facts: Facts) -> Decision[Request]:
    """The record is destroyed in this same write; what no platform has yet been told is dropped with it."""
    return replace(request, stage=FORGOTTEN, deadlines={}), ()
