"""Asking for support: two taps, then colleagues are asked in waves until one is chosen.

The table is in request.py; each function below is one answer to one of its stages.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from conversations import hours, matching
from conversations.details import details_card, wishes
from conversations.flow import Decision, Effect
from conversations.model import Chose, Elapsed, Facts, Manner, Person, Say, Tell, Told
from conversations.request import (
    ASKING,
    CHOSEN,
    CRISIS,
    DETAILS,
    NEW,
    RESTING,
    TOGETHER,
    Offer,
    Request,
    by_urgency,
    code_name,
    flow,
    next_in_line,
)

UNFINISHED = timedelta(hours=24)

# ---------------------------------------------------------------- opening and asking


@flow.told(NEW, what="opens")
def ask_for_details(request: Request, event: Told, facts: Facts) -> Decision[Request]:
    """One card, everything optional; "we can start asking" is one more tap away."""
    opened = flow.move(replace(request, touched=facts.now), DETAILS, **{"give-up": facts.now + UNFINISHED})
    return opened, (details_card(opened, facts),)


@flow.on(DETAILS, choice="ask")
def start_asking(request: Request, event: Chose, facts: Facts) -> Decision[Request]:
    ticked = wishes(event, facts)
    check_ins = tuple(facts.now + after for after in facts.programme.check_ins) if ticked.check_in else ()
    asking = replace(request, wishes=ticked, check_ins=check_ins, counted_from=facts.now, seed=facts.luck)
    return search(asking, facts, manner="progress")


# ---------------------------------------------------------------- searching


def search(request: Request, facts: Facts, *, manner: Manner = "news", text: str = "") -> Decision[Request]:
    """Begin to ask, or begin again after someone fell away: a new round with its own target.

    `text` is what the clinician reads instead of the status when a search starts over.
    """
    fresh = replace(
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
    )
    target = facts.programme.targets[request.urgency]
    asking = flow.move(
        fresh,
        ASKING,
        half=_decent(request, facts.now + target / 2, facts.programme.zone, facts),
        target=_decent(request, facts.now + target, request.zone, facts),
        **lasting(fresh, facts),
    )
    if not any(matching.could_ever(asking, peer, facts) for peer in facts.peers):
        asking = flow.wait(asking, half=_decent(request, facts.now, facts.programme.zone, facts))
    asking, offers = ask_the_next(asking, facts)
    return asking, (*offers, asking_card(asking, facts, manner, text), crisis_kept_true(asking))


def _decent(request: Request, moment: datetime, zone: str, facts: Facts) -> datetime:
    """Escalation of *soon* ignores quiet hours; everything else waits for the morning."""
    return moment if request.urgency == "soon" else hours.waking(moment, zone, facts.programme.quiet)


def lasting(request: Request, facts: Facts) -> dict[str, datetime | None]:
    """The deadlines that go along through every stage: the next check-in, and letting go at a decent hour."""
    quiet, nights = facts.programme.quiet, request.wishes.nights
    due = min(request.check_ins, default=None)
    last = max((*request.check_ins, request.checked_in or facts.now, request.touched or facts.now))
    return {
        "check-in": due and hours.waking(max(due, facts.now), request.zone, quiet, nights=nights),
        "close": hours.waking(last + facts.programme.close_after, zone_of_peer(request, facts), quiet),
    }


def zone_of_peer(request: Request, facts: Facts) -> str:
    return next((peer.zone for peer in facts.peers if peer.person == request.peer), facts.programme.zone)


def ask_the_next(request: Request, facts: Facts) -> tuple[Request, tuple[Say, ...]]:
    """Offer the request to the next wave of those who are free; each reads another code name."""
    waves = facts.programme.waves
    candidates = matching.free(request, facts)
    size = waves[request.wave] if request.wave < len(waves) else len(candidates)
    new = tuple(Offer(peer.person, alias) for alias, peer in enumerate(candidates[:size], request.aliases))
    step = by_urgency(request, facts.programme.step_soon, facts.programme.step_other)
    asked = replace(
        request,
        wave=request.wave + bool(new),
        aliases=request.aliases + len(new),
        offers=(*request.offers, *new),
        asked=(*request.asked, *(offer.peer for offer in new)),
    )
    soonest = matching.next_free(asked, facts)
    sooner = soonest if soonest is not None and soonest > facts.now else facts.now + step
    return flow.wait(asked, wave=min(facts.now + step, sooner)), tuple(offer_card(asked, offer) for offer in new)


def offer_card(request: Request, offer: Offer) -> Say:
    details = {"alias": code_name(request, offer.alias), "urgency": request.urgency, "how": request.wishes.how}
    return Say(offer.peer, "peer-offer", "offer", ("yes", "not-this-time", "not-today"), details=details)


def asking_card(request: Request, facts: Facts, manner: Manner = "progress", text: str = "") -> Say:
    """The live status: how many were asked, what comes next, and whom to call meanwhile. Always the truth."""
    following = _next_try(request, facts)
    known = {"by": request.deadlines.get("target"), "next": following}
    times = {name: at for name, at in known.items() if at is not None}
    knows = bool(request.told) or ("half" in request.deadlines and next_in_line(request, facts) is not None)
    asked = {"asked": len(request.asked), "coordinator": "yes" if knows else "no"}
    if not text:
        text = _how_it_stands(request, following)
    return Say(request.clinician, text, "status", ("change-my-mind",), details=asked, times=times, manner=manner)


def _how_it_stands(request: Request, following: datetime | None) -> str:
    if request.asked and not request.late:
        return "support-asking"
    if following:
        return "support-nobody-yet" if request.late else "support-none-free"
    if request.offers:
        return "support-still-open"
    return "support-nobody-found" if request.late else "support-nobody-now"


def _next_try(request: Request, facts: Facts) -> datetime | None:
    """When we ask again: the next wave, or the hour at which the next colleague can be asked."""
    soonest = matching.next_free(request, facts)
    return request.deadlines.get("wave") if soonest is not None and soonest <= facts.now else soonest


@flow.after(ASKING, timer="wave")
def ask_again(request: Request, event: Elapsed, facts: Facts) -> Decision[Request]:
    """Silence and "not this time" are the same answer: nobody has to say no."""
    asking, offers = ask_the_next(request, facts)
    return asking, (*offers, asking_card(asking, facts, "refresh"))


@flow.after(ASKING, timer="target")
def tell_the_truth(request: Request, event: Elapsed, facts: Facts) -> Decision[Request]:
    """Nobody yet: said as news, with other ways. We keep asking."""
    late = replace(request, late=True)
    return late, (asking_card(late, facts, "news"),)


# ---------------------------------------------------------------- what a peer answers


@flow.on(ASKING, choice="yes")
def somebody_said_yes(request: Request, event: Chose, facts: Facts) -> Decision[Request]:
    """First yes wins. Everyone else's card turns into the same line, in this same write."""
    offer = next(offer for offer in request.offers if offer.peer == event.by)
    mine = next((peer for peer in facts.peers if peer.person == event.by), None)
    if mine is not None and matching.full(mine):
        return _without(request, event.by), (neutral(event.by, "peer-full"),)
    others = tuple(neutral(other.peer) for other in request.offers if other != offer)
    chosen = replace(request, peer=offer.peer, alias=offer.alias, offers=())
    return to_choose(chosen, facts, *others)


def to_choose(request: Request, facts: Facts, *also: Effect) -> Decision[Request]:
    """The clinician sees who said yes while the peer still knows only what the offer said."""
    wait = by_urgency(request, facts.programme.talked_soon, facts.programme.talked_other)
    choose = _decent(request, facts.now + wait, request.zone, facts)
    chosen = flow.move(request, CHOSEN, choose=choose, **lasting(request, facts))
    coordinators = tuple(neutral(who, "coordinator-settled", "waiting") for who in request.told)
    cards = yes_card(chosen), chosen_card(chosen, facts), crisis_kept_true(chosen)
    return chosen, (*also, *coordinators, *cards)


def yes_card(request: Request) -> Say:
    assert request.peer is not None
    by = {"by": request.deadlines["choose"]}
    return Say(request.peer, "peer-said-yes", "offer", ("hand-back",), times=by, manner="progress")


def chosen_card(request: Request, facts: Facts) -> Say:
    assert request.peer is not None
    known = next((peer for peer in facts.peers if peer.person == request.peer), None)
    unnamed = ("stay-unnamed",) if facts.programme.relay else ()
    choices = ("connect", *unnamed, "someone-else", "change-my-mind")
    if known is None:
        return Say(request.clinician, "support-chosen-coordinator", "status", choices)
    text = "support-chosen-named" if known.visible else "support-chosen"
    people = {"peer": known.person} if known.visible else {}
    given = "yes" if known.role else "no"
    details = {"role": known.role, "role-given": given, "since": str(known.since.year) if known.since else ""}
    return Say(request.clinician, text, "status", choices, details=details, people=people)


def neutral(who: Person, text: str = "neutral", slot: str = "offer") -> Say:
    """The same line for everyone who is no longer needed, whatever the reason was."""
    return Say(who, text, slot, manner="withdraw")


@flow.on(ASKING, choice="not-this-time")
def somebody_cannot(request: Request, event: Chose, facts: Facts) -> Decision[Request]:
    without = _without(request, event.by)
    return without, (neutral(event.by, "peer-not-this-time"),)


@flow.on(ASKING, choice="not-today")
def somebody_cannot_today(request: Request, event: Chose, facts: Facts) -> Decision[Request]:
    until_tomorrow = Tell("volunteering", event.by, Told("not-today", event.by))
    return _without(request, event.by), (neutral(event.by, "peer-not-today"), until_tomorrow)


def _without(request: Request, who: Person) -> Request:
    offers = tuple(offer for offer in request.offers if offer.peer != who)
    return replace(request, offers=offers, passed=(*request.passed, who))


@flow.told(ASKING, what="peer-gone")
def somebody_left(request: Request, event: Told, facts: Facts) -> Decision[Request]:
    return _without(request, event.who), (neutral(event.who),)


# ---------------------------------------------------------------- what the clinician answers


@flow.on(CHOSEN, choice="someone-else")
def somebody_else(request: Request, event: Chose, facts: Facts) -> Decision[Request]:
    """A silent swap: the peer reads the neutral line and never learns why."""
    assert request.peer is not None
    passed = replace(request, passed=(*request.passed, request.peer))
    asking, effects = search(passed, facts, manner="progress")
    return asking, (neutral(request.peer), *effects)


@flow.on(CHOSEN, choice="hand-back")
@flow.told(CHOSEN, what="peer-gone")
def the_peer_stepped_back(request: Request, event: Chose | Told, facts: Facts) -> Decision[Request]:
    assert request.peer is not None
    passed = replace(request, passed=(*request.passed, request.peer))
    asking, effects = search(passed, facts, text="support-looking-again")
    return asking, (neutral(request.peer, "peer-handed-back"), *effects)


@flow.after(CHOSEN, timer="choose")
def no_tap_needed(request: Request, event: Elapsed, facts: Facts) -> Decision[Request]:
    """The peer is let go kindly; the clinician is not chased, and nothing more is asked until they tap."""
    assert request.peer is not None
    resting = flow.move(replace(request, peer=None), RESTING, **lasting(request, facts))
    return resting, (neutral(request.peer), resting_card(resting), crisis_kept_true(resting))


def resting_card(request: Request) -> Say:
    return Say(request.clinician, "support-resting", "status", ("keep-asking", "stop-asking"))


@flow.on(RESTING, choice="keep-asking")
def ask_once_more(request: Request, event: Chose, facts: Facts) -> Decision[Request]:
    return search(request, facts, manner="progress")


# ---------------------------------------------------------------- whoever is not safe


def crisis_card(request: Request) -> Say:
    """Shown only to the writer; it promises what is true at this stage. Nothing is labelled or told.

    That the card stands is kept with the request, sealed, as of every card.
    """
    text, choices = {
        DETAILS.name: ("crisis", ("change-my-mind",)),
        ASKING.name: ("crisis-asking", CRISIS),
        RESTING.name: ("crisis-asking", CRISIS),
        CHOSEN.name: ("crisis-somebody-there", ("change-my-mind",)),
        TOGETHER.name: ("crisis-somebody-there", ("close",)),
    }[request.stage]
    return Say(request.clinician, text, "crisis", choices)


def crisis_kept_true(request: Request) -> Say:
    """A crisis card that stands says and offers what holds at the stage the request came to."""
    return replace(crisis_card(request), manner="refresh")
