"""Who may be asked, and in which order. A colleague is protected first, then the clinician's wishes are met."""

from __future__ import annotations

from datetime import datetime, timedelta

from conversations import hours
from conversations.model import Facts, Peer
from conversations.request import Request, all_of_them

WEEK = timedelta(days=7)


def free(request: Request, facts: Facts) -> tuple[Peer, ...]:
    """Peers who may be asked now, best first.

    Someone who had this week's share of offers is asked only when nobody else is left.
    """
    able = [peer for peer in facts.peers if could_ever(request, peer, facts) and free_now(peer, facts)]
    fresh = [peer for peer in able if len(_lately(peer, facts)) < facts.programme.offers_a_week]
    return _ranked(request, fresh or able, facts)


def could_ever(request: Request, peer: Peer, facts: Facts) -> bool:
    """Whether this peer may be asked for this request at all, today or on a better day."""
    wishes = request.wishes
    walking = (request.peer,) if request.peer else ()
    kept_out = all_of_them({request.clinician, *walking, *wishes.leave_out, *request.asked, *request.passed}, facts)
    same_department = bool(wishes.department) and peer.department == wishes.department
    return not (
        not kept_out.isdisjoint((peer.person, *peer.also))
        or (same_department and "other-department" in wishes.who)
        or (peer.evaluates and "may-evaluate" not in wishes.who)
        or (wishes.about in peer.rather_not)
        or peer.trained_until is None
        or peer.trained_until < facts.now.date()
    )


def full(peer: Peer) -> bool:
    """Whether they walk with as many colleagues as they chose to."""
    return len(peer.holding) >= peer.limit


def next_free(request: Request, facts: Facts) -> datetime | None:
    """When the next peer comes into hours or out of rest, as far as we can know; None if nobody ever will."""
    able = [peer for peer in facts.peers if could_ever(request, peer, facts) and not peer.paused]
    return min((_from(peer, facts) for peer in able), default=None)


def _from(peer: Peer, facts: Facts) -> datetime:
    rested = max(facts.now, peer.resting_until or facts.now)
    return hours.next_within(rested, peer.zone, peer.hours)


def free_now(peer: Peer, facts: Facts) -> bool:
    """Whether they can be asked at this moment, as far as they themselves are concerned."""
    resting = peer.resting_until is not None and peer.resting_until > facts.now
    on_shift = hours.within(facts.now, peer.zone, peer.hours)
    return on_shift and not (peer.paused or resting or full(peer))


def _lately(peer: Peer, facts: Facts) -> list[datetime]:
    return [at for at in peer.asked if at > facts.now - WEEK]


def _ranked(request: Request, peers: list[Peer], facts: Facts) -> tuple[Peer, ...]:
    """Best first; those who are equal take turns by lot, so that the roster's order favours nobody."""
    order = sorted(peers, key=lambda peer: peer.person)
    turn = facts.luck % len(order) if order else 0
    return tuple(sorted(order[turn:] + order[:turn], key=lambda peer: _distance(request, peer, facts)))


def _distance(request: Request, peer: Peer, facts: Facts) -> tuple[bool, bool, bool, int, datetime]:
    wishes = request.wishes
    lately = _lately(peer, facts)
    return (
        "been-through" in wishes.who and wishes.about not in peer.been_through,
        "same-role" in wishes.who and wishes.role != peer.role,
        bool(wishes.language) and wishes.language not in peer.languages,
        len(lately),
        max(lately, default=facts.now - WEEK),
    )
