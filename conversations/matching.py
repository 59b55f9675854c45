"""Who may be asked, and in which order. A colleague is protected first, then the clinician's wishes are met."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from conversations import hours
from conversations.messages import RosterChanged
from conversations.model import Chose, Event, Facts, Peer, Person, change
from conversations.options import NAMES, TRAINEE, topics
from conversations.peers import names
from conversations.support.request import (
    Request,
    Wishes,
    all_of_them,
    by_urgency,
    still_serves,
    when_others_may_be_asked,
)
from conversations.vocabulary import Timer

WEEK = timedelta(days=7)
ON_DUTY = 2  # how many of those on duty are asked before the first wave
UNTOLD = timedelta(hours=1)  # after which we look again for what no one tells us
AT_MOST = timedelta(hours=4)  # after which we look all the same: an older release tells no request of a peer


def free(request: Request, facts: Facts) -> tuple[Peer, ...]:
    """Peers who may be asked now, best first.

    Someone who had this week's share of offers is asked only when no one else is left.
    """
    able = [peer for peer in could_ever(request, facts) if free_now(peer, facts)]
    fresh = [peer for peer in able if len(_lately(peer, facts)) < facts.programme.offers_a_week]
    return _ranked(request, fresh or able, facts)


def is_in_the_roster(who: Person, facts: Facts) -> bool:
    """Whether this account is a peer's; who takes a request as a coordinator need not be one."""
    return any(peer.person == who for peer in facts.peers)


def asked_first(request: Request, who: Person | None, facts: Facts) -> tuple[Person, ...]:
    """The account by which a person is asked before all others, if they can be asked now.

    A coordinator is in no roster: one who still serves is asked at a decent hour, unless it is for *soon*.

    Args:
        request: The request.
        who: Who was there before; None asks no one first.
        facts: The world as it is.
    """
    if who is None or any(who in (peer.person, *peer.also) for peer in facts.peers):
        return tuple(peer.person for peer in free(request, facts) if who in (peer.person, *peer.also))
    decent = when_others_may_be_asked(request, facts.now, facts.programme.zone, facts) == facts.now
    return (who,) if decent and _may_come_first(request, who, facts) else ()


def _may_come_first(request: Request, who: Person, facts: Facts) -> bool:
    kept_out = {request.clinician, *request.wishes.leave_out, *request.asked, *request.passed}
    return still_serves(who, facts) and who not in kept_out and not may_be_left_out(request, {who}, facts)


def suits(request: Request, who: Person, facts: Facts) -> bool:
    """Whether a peer who was asked already could still be asked, had they not been."""
    afresh = change(request, asked=())
    if any(who in (peer.person, *peer.also) for peer in facts.peers):
        return any(peer.person == who for peer in could_ever(afresh, facts))
    return _may_come_first(afresh, who, facts)


def could_ever(request: Request, facts: Facts) -> list[Peer]:
    """Peers who may be asked for this request at all, today or on a better day."""
    wishes = request.wishes
    walking = (request.peer,) if request.peer else ()
    kept_out = all_of_them({request.clinician, *walking, *wishes.leave_out, *request.asked, *request.passed}, facts)
    return [peer for peer in facts.peers if _may_be_asked(request, peer, kept_out, facts)]


def _may_be_asked(request: Request, peer: Peer, kept_out: set[Person], facts: Facts) -> bool:
    wishes = request.wishes
    same_department = bool(wishes.department) and peer.department == wishes.department
    only_mine = bool(wishes.department) and "my-department-only" in wishes.who
    return not (
        not kept_out.isdisjoint((peer.person, *peer.also))
        or may_be_left_out(request, (peer.person, *peer.also), facts)
        or (same_department and "other-department" in wishes.who and not only_mine)
        or (only_mine and not same_department)
        or ("trainees-only" in wishes.who and peer.role != TRAINEE)
        or (_judges(peer, wishes) and "may-evaluate" not in wishes.who)
        or not topics((wishes.about,)).isdisjoint(topics(peer.rather_not))
        or peer.trained_until is None
        or peer.trained_until < facts.now.date()
    )


def _judges(peer: Peer, wishes: Wishes) -> bool:
    """Whether this peer may have to judge the clinician's work: a trainee's is graded, anyone's reviewed."""
    is_graded = wishes.role == TRAINEE or "no-graders" in wishes.who
    return peer.evaluates or (peer.grades and is_graded)


def full(peer: Peer) -> bool:
    """Whether they walk with as many colleagues as they chose to."""
    return len(peer.holding) >= peer.limit


def next_free(request: Request, facts: Facts) -> datetime | None:
    """When the next peer comes into hours or out of rest, as far as we can know; None if none ever will."""
    return _soonest(could_ever(request, facts), facts)


def next_to_ask(request: Request, facts: Facts) -> datetime | None:
    """As `next_free`, of those who are not full: when one of the others is released nobody knows before."""
    return _soonest((peer for peer in could_ever(request, facts) if not full(peer)), facts)


def _soonest(peers: Iterable[Peer], facts: Facts) -> datetime | None:
    return min((_from(peer, facts) for peer in peers if not peer.paused), default=None)


def _from(peer: Peer, facts: Facts) -> datetime:
    rested = max(facts.now, peer.resting_until or facts.now)
    return rested if is_on_duty(peer, rested) else hours.next_within(rested, peer.zone, peer.shifts or peer.hours)


def step(request: Request, facts: Facts) -> timedelta:
    """How long one wave has before the next is asked."""
    return by_urgency(request, facts.programme.step_soon, facts.programme.step_other)


def when_to_look(request: Request, facts: Facts) -> datetime:
    """When to look for peers again, once all of this wave were asked: before anyone could be asked, or a card be wrong.

    Until the target has passed, and while anyone is left to ask, that is at every step. Afterwards we wait for an hour
    that comes, when a peer's hours begin or their rest ends; of whatever else may change the request is told.
    """
    is_settled = request.late and Timer.HALF not in request.deadlines
    soonest = next_to_ask(request, facts) if is_settled else next_free(request, facts)
    longest = UNTOLD if is_in_doubt(request, facts) else AT_MOST
    wait = longest if is_settled and soonest != facts.now else timedelta(0)
    bound = facts.now + max(wait, step(request, facts))
    return min(soonest, bound) if soonest is not None and soonest > facts.now else bound


def free_now(peer: Peer, facts: Facts) -> bool:
    """Whether they can be asked at this moment, as far as they themselves are concerned."""
    resting = peer.resting_until is not None and peer.resting_until > facts.now
    on_shift = is_on_duty(peer, facts.now) or hours.within(facts.now, peer.zone, peer.shifts or peer.hours)
    return on_shift and not (peer.paused or resting or full(peer))


def is_on_duty(peer: Peer, moment: datetime) -> bool:
    """Whether they said that they may be asked first at this moment."""
    return peer.on_duty_until is not None and moment < peer.on_duty_until


def on_duty(request: Request, facts: Facts) -> tuple[Peer, ...]:
    """Who is asked before the first wave: those who said so for these hours, at most two of them, once a search.

    They are asked also where they had this week's share of offers: it is them who chose so.
    """
    ready = [peer for peer in could_ever(request, facts) if is_on_duty(peer, facts.now) and free_now(peer, facts)]
    return () if request.asked else _ranked(request, ready, facts)[:ON_DUTY]


def _lately(peer: Peer, facts: Facts) -> list[datetime]:
    return [at for at in peer.asked if at > facts.now - WEEK]


def _ranked(request: Request, peers: list[Peer], facts: Facts) -> tuple[Peer, ...]:
    """Best first; those who are equal take turns by lot, so that the roster's order favours no one."""
    order = sorted(peers, key=lambda peer: peer.person)
    turn = facts.luck % len(order) if order else 0
    return tuple(sorted(order[turn:] + order[:turn], key=lambda peer: _distance(request, peer, facts)))


def _distance(request: Request, peer: Peer, facts: Facts) -> tuple[bool, bool, bool, bool, int, datetime]:
    wishes = request.wishes
    lately = _lately(peer, facts)
    return (
        "been-through" in wishes.who and topics((wishes.about,)).isdisjoint(topics(peer.been_through)),
        "same-role" in wishes.who and wishes.role != peer.role,
        bool(wishes.language) and wishes.language not in peer.languages,
        bool(wishes.gender) and wishes.gender != peer.gender,
        len(lately),
        max(lately, default=facts.now - WEEK),
    )


# ---------------------------------------------------------------- who is told, and who is left out


def next_in_line(request: Request, facts: Facts) -> Person | None:
    """Whom to tell next that someone is waiting: never the clinician, and never a person they wished to leave out.

    One whose name no directory tells now comes last, but comes: the card names no one, and someone must hear of it.
    """
    kept_out = all_of_them({request.clinician, *request.wishes.leave_out, *request.told, *request.passed}, facts)
    able = [
        who for who in _line(facts) if who not in kept_out and not is_named(request, all_of_them({who}, facts), facts)
    ]
    return next(iter(sorted(able, key=lambda who: may_be_left_out(request, {who}, facts))), None)


def is_passed_over(request: Request, facts: Facts) -> bool:
    """Whether someone in the line who could have been told was found gone, or had taken the request and was swapped."""
    return not set(_line(facts)).isdisjoint(request.passed)


def _line(facts: Facts) -> tuple[Person, ...]:
    on_call = facts.programme.on_call
    return *facts.programme.coordinators, *((on_call.person,) if on_call and on_call.person else ())


def may_be_left_out(request: Request, accounts: Iterable[Person], facts: Facts) -> bool:
    """Whether these accounts may be of a person whose name the clinician left out.

    A directory that does not answer now counts as a match. An offer to the very person she wanted to leave out cannot
    be taken back; a peer who was passed over for nothing is asked with a later wave.

    Args:
        request: The request.
        accounts: One person's, on every platform.
        facts: The world as it is.
    """
    doubt = any(who not in facts.names and _is_compared(request.wishes, who) for who in accounts)
    return doubt or is_named(request, accounts, facts)


def is_in_doubt(request: Request, facts: Facts) -> bool:
    """Whether a directory that does not answer now keeps a peer from being asked."""
    accounts = (who for peer in facts.peers for who in (peer.person, *peer.also))
    return any(who not in facts.names and _is_compared(request.wishes, who) for who in accounts)


def is_named(request: Request, accounts: Iterable[Person], facts: Facts) -> bool:
    """Whether a directory calls one of these accounts by a name that the clinician left out."""
    return any(names.fits(_left_out(request.wishes, who, facts), _called(who, facts)) for who in accounts)


def _is_compared(wishes: Wishes, who: Person) -> bool:
    return bool(wishes.names) or any(picked.is_apart_from(who) for picked in wishes.leave_out)


def _left_out(wishes: Wishes, who: Person, facts: Facts) -> tuple[str, ...]:
    """The names that were typed, and those of picked people who may have an account where this one is."""
    apart = [picked for picked in wishes.leave_out if picked.is_apart_from(who)]
    return *wishes.names, *(name for picked in apart for name in names.full(facts.names.get(picked, ())))


def _called(who: Person, facts: Facts) -> tuple[str, ...]:
    on_call = facts.programme.on_call
    return *facts.names.get(who, ()), *((on_call.name,) if on_call and on_call.person == who else ())


def whose_names(request: Request, event: Event, facts: Facts) -> frozenset[Person]:
    """Whose names in a directory this decision needs: none, unless someone is left out, by this press or before.

    A request that hears of a peer does not ask anyone yet: who presses there does not wait for a directory.
    """
    if isinstance(event, RosterChanged):
        return frozenset()
    answers = event.answers if isinstance(event, Chose) else {}
    given = [who for who in answers.get("leave-out", ()) if isinstance(who, Person)]
    typed = bool(request.wishes.names or answers.get(NAMES))
    picked = (*request.wishes.leave_out, *given)
    if not (typed or picked):
        return frozenset()
    picked_in = {(who.platform, who.workspace) for who in picked}
    everyone = {*_line(facts), *(who for peer in facts.peers for who in (peer.person, *peer.also))}
    compared = {who for who in everyone if typed or picked_in - {(who.platform, who.workspace)}}
    return frozenset((*compared, *picked)) if compared else frozenset()
