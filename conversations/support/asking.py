"""Asking for support: two taps, then peers are asked in waves until one says yes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from conversations import matching, slots
from conversations.flow import Decision
from conversations.messages import NotToday, PeerLeft, RequestOpens, RosterChanged
from conversations.model import (
    Chose,
    Effect,
    Elapsed,
    Erase,
    Facts,
    Message,
    Person,
    Post,
    Refresh,
    Tell,
    Update,
    Withdraw,
    change,
)
from conversations.numbers import Outcome, is_after_hours
from conversations.options import NAMES
from conversations.slots import Slot
from conversations.support.crisis import crisis_kept_true, if_unsafe
from conversations.support.details import details_card, left_out_card, wishes
from conversations.support.request import (
    ASKING,
    DETAILS,
    Contact,
    Meeting,
    Offer,
    Request,
    Wishes,
    code_name,
    flow,
    lasting,
    still_serves,
    when_others_may_be_asked,
)
from conversations.vocabulary import CardKind, Choice, Kind, Timer

UNFINISHED = timedelta(hours=24)
NEXT_IN = timedelta(minutes=10)  # until the next in line is told that someone is waiting

_NOBODY: Final = (CardKind.SUPPORT_NOBODY_NOW, CardKind.SUPPORT_NOBODY_CAN, CardKind.SUPPORT_NOBODY_FOUND)
"""Cards that say whether a coordinator knows."""

# ---------------------------------------------------------------- opening and asking


def ask_for_details(request: Request, event: RequestOpens, facts: Facts) -> Decision[Request]:
    """Show one short card: asking is one more tap away, and whoever likes may choose more first."""
    opened = flow.move(change(request, touched=facts.now), DETAILS, {Timer.GIVE_UP: facts.now + UNFINISHED})
    return opened, (Post(details_card(opened, facts)),)


def choose_more(request: Request, event: Chose, facts: Facts) -> Decision[Request]:
    """Show the questions, in the place of the short card; every one is optional."""
    choosing = change(request, choosing=True)
    return choosing, (Update(details_card(choosing, facts)),)


def start_asking(request: Request, event: Chose, facts: Facts) -> Decision[Request]:
    """Note what was ticked, and begin to search."""
    ticked = wishes(event, request, facts)
    check_ins = check_ins_from(facts.now, facts) if ticked.check_in else ()
    outcome = Outcome(after_hours=is_after_hours(facts.now, request.zone))
    began = change(request, counted_from=facts.now, outcome=outcome)
    asking = change(began, wishes=ticked, check_ins=check_ins, seed=facts.luck)
    searching, effects = search(asking, facts, show=Update)
    said = left_out_card(searching, event)
    unsafe = if_unsafe(searching, event.answers.get(NAMES, ""), facts)
    return searching, (*effects, *((Post(said),) if said else ()), *unsafe)


def check_ins_from(began: datetime, facts: Facts) -> tuple[datetime, ...]:
    """The check-ins of a request that began then, without those whose time is over."""
    return tuple(began + after for after in facts.programme.check_ins if began + after > facts.now)


# ---------------------------------------------------------------- changing what was ticked


def save_details(request: Request, event: Chose, facts: Facts) -> Decision[Request]:
    """What was changed counts from now on; an open offer that no longer suits is taken back like any other."""
    waiting = with_wishes(request, wishes(event, request, facts), facts)
    kept = tuple(offer for offer in request.offers if matching.suits(waiting, offer.peer, facts))
    taken_back = tuple(neutral(offer.peer) for offer in request.offers if offer not in kept)
    still = tuple(Refresh(offer_card(waiting, offer, facts)) for offer in kept)
    asking, new = _never_without(look_again(change(waiting, offers=kept), facts), facts)
    said = left_out_card(asking, event)
    over = Post(said) if said else Erase(event.by, slots.DETAILS)
    unsafe = if_unsafe(asking, event.answers.get(NAMES, ""), facts)
    return asking, (*taken_back, *still, *new, over, Post(asking_card(asking, facts)), *unsafe)


def with_wishes(request: Request, ticked: Wishes, facts: Facts) -> Request:
    """The request with what was ticked anew: check-ins come, or nothing is kept for them any longer."""
    planned = request.check_ins if request.wishes.check_in else check_ins_from(request.counted_from or facts.now, facts)
    kept_until = request.kept_until if ticked.check_in else None
    changed = change(request, wishes=ticked, check_ins=planned if ticked.check_in else (), kept_until=kept_until)
    return flow.wait(changed, lasting(changed, facts))


def _never_without(request: Request, facts: Facts) -> tuple[Request, tuple[Post, ...]]:
    return (request, ()) if request.offers else ask_the_next(request, facts)


# ---------------------------------------------------------------- searching


def search(
    request: Request,
    facts: Facts,
    *,
    show: Callable[[Message], Effect] = Post,
    card: CardKind | None = None,
    first: Person | None = None,
) -> Decision[Request]:
    """Begin to ask, or begin again after a peer fell away: a new round with its own target.

    Args:
        request: The request, wherever it stood.
        facts: The world as it is.
        show: How the clinician's status changes: posted as news, or updated in place.
        card: What the clinician reads instead of the status where a peer fell away. A coordinator then hears that
            nobody is left at the next step: at once would show who handed back.
        first: A peer to be asked alone before the first wave, if they can be asked now.
    """
    fresh = change(
        request,
        searching_since=facts.now,
        wave=0,
        asked=(),
        offers=(),
        late=False,
        peer=None,
        told=(),
        clinician_named=False,
        peer_named=False,
        reminded=False,
        contact=Contact(),
        meeting=Meeting(),
    )
    target = facts.programme.targets[request.urgency]
    half = when_others_may_be_asked(request, facts.now + target / 2, facts.programme.zone, facts)
    whole = when_others_may_be_asked(request, facts.now + target, request.zone, facts)
    asking = flow.move(fresh, ASKING, {Timer.HALF: half, Timer.TARGET: whole, **lasting(fresh, facts)})
    alarm: tuple[Post, ...] = ()
    if card is None and not (matching.could_ever(asking, facts) or matching.asked_first(asking, first, facts)):
        at_once = when_others_may_be_asked(request, facts.now, facts.programme.zone, facts)
        asking, alarm = _alarm(flow.wait(asking, {Timer.HALF: at_once}), facts)
    asking, offers = ask_the_next(asking, facts, first)
    return asking, (*offers, show(asking_card(asking, facts, card)), *alarm, crisis_kept_true(asking))


def ask_the_next(request: Request, facts: Facts, first: Person | None = None) -> tuple[Request, tuple[Post, ...]]:
    """Offer it to those on duty, or to the next wave of those who are free; each reads another code name.

    Args:
        request: The request.
        facts: The world as it is.
        first: Who is asked alone, if they can be asked; the first wave then comes after them.
    """
    alone, waves = matching.asked_first(request, first, facts), facts.programme.waves
    ahead = alone or tuple(peer.person for peer in matching.on_duty(request, facts))
    candidates = ahead or tuple(peer.person for peer in matching.free(request, facts))
    size = waves[request.wave] if request.wave < len(waves) and not ahead else len(candidates)
    new = tuple(Offer(who, alias) for alias, who in enumerate(candidates[:size], request.aliases))
    asked = change(
        request,
        wave=request.wave + bool(new and not ahead),
        aliases=request.aliases + len(new),
        offers=(*request.offers, *new),
        asked=(*request.asked, *(offer.peer for offer in new)),
    )
    waiting = flow.wait(asked, {Timer.WAVE: matching.when_to_look(asked, facts)})
    return waiting, tuple(Post(offer_card(asked, offer, facts)) for offer in new)


def look_again(request: Request, facts: Facts) -> Request:
    """Something changed for a request that waits for no step any more: it looks at the next one.

    Steps are counted from the beginning of the search. At once, the moment itself would show whose "no" it was.
    """
    if not request.late:
        return request
    step, began = matching.step(request, facts), request.searching_since or facts.now
    following = began + ((facts.now - began) // step + 1) * step
    return flow.wait(request, {Timer.WAVE: min(following, request.deadlines.get(Timer.WAVE, following))})


def roster_changed(request: Request, event: RosterChanged, facts: Facts) -> Decision[Request]:
    """A peer can be asked from now on, or at another time, or not any more."""
    return look_again(request, facts), ()


def fill_a_place(request: Request, facts: Facts) -> tuple[Request, tuple[Post, ...]]:
    """Ask one more of those who are free, where a place in the wave turned out to be nobody. The step stays."""
    new = tuple(Offer(peer.person, request.aliases) for peer in matching.free(request, facts)[:1])
    filled = change(
        request,
        aliases=request.aliases + len(new),
        offers=(*request.offers, *new),
        asked=(*request.asked, *(offer.peer for offer in new)),
    )
    return filled, tuple(Post(offer_card(filled, offer, facts)) for offer in new)


def offer_card(request: Request, offer: Offer, facts: Facts) -> Message:
    """The question to one peer: how soon, how, and a code name; nothing else. A day off is for who is in the roster."""
    details = {"alias": code_name(request, offer.alias), "urgency": request.urgency, "how": request.wishes.how}
    day_off = (Choice.NOT_TODAY,) if matching.is_in_the_roster(offer.peer, facts) else ()
    choices = (Choice.YES, Choice.NOT_THIS_TIME, *day_off)
    return Message(offer.peer, CardKind.PEER_OFFER, slots.OFFER, choices, details=details)


def asking_card(request: Request, facts: Facts, card: CardKind | None = None) -> Message:
    """The live status: how many were asked, what comes next, and whom to call meanwhile. Always the truth."""
    following = _next_try(request, facts)
    known = {"by": request.deadlines.get(Timer.TARGET), "next": following}
    times = {name: at for name, at in known.items() if at is not None}
    details: dict[str, str | int] = {"asked": len(request.asked)}
    said = card or _how_it_stands(request, following, facts)
    if said in _NOBODY:
        details["coordinator"] = _who_knows(request, facts)
    if said == CardKind.SUPPORT_NOBODY_CAN:
        details["again"] = "yes" if following else "no"
    choices = *(() if request.urgency == "soon" else (Choice.SOONER,)), Choice.CHANGE_MY_MIND
    return Message(request.clinician, said, slots.STATUS, choices, details=details, times=times)


def _who_knows(request: Request, facts: Facts) -> str:
    """Whether a coordinator knows: one was told and not found gone, one is still to be told, or none can be."""
    if request.told:
        return "yes"
    if matching.next_in_line(request, facts) is not None:
        return "soon" if Timer.HALF in request.deadlines else "no"
    return "gone" if matching.is_passed_over(request, facts) else "no"


def _how_it_stands(request: Request, following: datetime | None, facts: Facts) -> CardKind:
    if not request.late and (request.asked or following) and _all_have_answered(request, facts):
        return CardKind.SUPPORT_NOBODY_CAN
    if request.asked and not request.late:
        return CardKind.SUPPORT_ASKING
    if following:
        return CardKind.SUPPORT_NOBODY_YET if request.late else CardKind.SUPPORT_NONE_FREE
    if request.offers:
        return CardKind.SUPPORT_STILL_OPEN
    return CardKind.SUPPORT_NOBODY_FOUND if request.late else CardKind.SUPPORT_NOBODY_NOW


def _all_have_answered(request: Request, facts: Facts) -> bool:
    """Whether no offer is open and none can be made, and the next in line has had their turn to hear of it."""
    return not request.offers and Timer.HALF not in request.deadlines and not matching.free(request, facts)


def _next_try(request: Request, facts: Facts) -> datetime | None:
    """When we ask again: the next wave, or the hour at which the next colleague can be asked.

    Once the target has passed, we name no time for those who are full: we hear of it when one is released.
    """
    soonest = matching.next_to_ask(request, facts) if request.late else matching.next_free(request, facts)
    return request.deadlines.get(Timer.WAVE) if soonest is not None and soonest <= facts.now else soonest


def ask_again(request: Request, event: Elapsed, facts: Facts) -> Decision[Request]:
    """Ask the next wave. Silence and "not this time" are the same answer: no peer has to say no.

    Where no offer is open and none can be made, the next in line hears of it now instead of at half the target: at a
    step and a decent hour, because at the last "no" the moment itself would show a coordinator who said it.
    """
    asking, offers = ask_the_next(request, facts)
    decent = when_others_may_be_asked(request, facts.now, facts.programme.zone, facts) == facts.now
    if decent and not asking.offers and Timer.HALF in asking.deadlines:
        asking = flow.wait(asking, {Timer.HALF: facts.now})
    return asking, (*offers, Refresh(asking_card(asking, facts)))


# ---------------------------------------------------------------- who else hears of it


def tell_the_next_in_line(request: Request, event: Elapsed, facts: Facts) -> Decision[Request]:
    """Tell one coordinator at a time, then the on-call person; the first answer ends the row.

    The clinician's status says what is true from now on.
    """
    waiting, alarm = _tell_one_more(request, facts)
    return waiting, (*alarm, Refresh(asking_card(waiting, facts)))


def _tell_one_more(request: Request, facts: Facts) -> tuple[Request, tuple[Post, ...]]:
    following = matching.next_in_line(request, facts)
    if following is None:
        return request, ()
    escalated = change(request.outcome, escalated=True)
    told = change(request, told=(*request.told, following), outcome=escalated)
    more = matching.next_in_line(told, facts)
    waiting = flow.wait(told, {Timer.ESCALATE: facts.now + NEXT_IN if more else None})
    return waiting, (Post(waiting_card(told, following)),)


def _alarm(request: Request, facts: Facts) -> tuple[Request, tuple[Post, ...]]:
    """Where there is no one to ask at all, the next in line is told in the same step, at a decent hour."""
    if request.deadlines[Timer.HALF] > facts.now:
        return request, ()
    return _tell_one_more(flow.wait(request, {Timer.HALF: None}), facts)


def waiting_card(request: Request, to: Person) -> Message:
    """Someone is waiting; how soon they hoped, and nothing else."""
    choices = (Choice.ASK_EVERYONE, Choice.TAKE_IT)
    return Message(to, CardKind.COORDINATOR_WAITING, slots.WAITING, choices, details={"urgency": request.urgency})


def tell_the_truth(request: Request, event: Elapsed, facts: Facts) -> Decision[Request]:
    """Say as news that no peer has said yet, with other ways to find help. We keep asking."""
    late = change(request, late=True)
    return late, (Post(asking_card(late, facts)),)


# ---------------------------------------------------------------- a peer who cannot


def cannot_this_time(request: Request, event: Chose, facts: Facts) -> Decision[Request]:
    """A peer declines; it is kept with this request only, so that they are not asked again."""
    return without(request, event.by, facts), (neutral(event.by, CardKind.PEER_NOT_THIS_TIME),)


def cannot_today(request: Request, event: Chose, facts: Facts) -> Decision[Request]:
    """A peer declines, and asks for no more offers until tomorrow."""
    until_tomorrow = Tell(Kind.PEER, event.by, NotToday())
    return without(request, event.by, facts), (neutral(event.by, CardKind.PEER_NOT_TODAY), until_tomorrow)


def offered_peer_left(request: Request, event: PeerLeft, facts: Facts) -> Decision[Request]:
    """A peer who was asked has left the programme."""
    return without(request, event.peer, facts), (neutral(event.peer),)


def without(request: Request, who: Person, facts: Facts) -> Request:
    """The request without the open offer to this peer, who is not asked again; a coordinator still hears as one."""
    offers = tuple(offer for offer in request.offers if offer.peer != who)
    hears_of_it = still_serves(who, facts) and not matching.is_in_the_roster(who, facts)
    passed = request.passed if hears_of_it else (*request.passed, who)
    return look_again(change(request, offers=offers, passed=passed), facts)


def neutral(who: Person, card: CardKind = CardKind.NEUTRAL, slot: Slot = slots.OFFER) -> Withdraw:
    """The same line for everyone who is no longer needed, whatever the reason was."""
    return Withdraw(Message(who, card, slot))
