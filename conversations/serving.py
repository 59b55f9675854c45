"""Being a peer: pausing, changing, training that ends, and how much one person carries."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from conversations import hours
from conversations.flow import Decision
from conversations.linking import make_code
from conversations.model import Chose, Elapsed, Facts, Opened, Peer, Say, Told
from conversations.volunteering import (
    READY,
    Volunteer,
    ask_coordinators,
    filled_in,
    flow,
    gone,
    in_place,
    profile_card,
    ready_card,
    say,
)

WEEK = timedelta(days=7)


@flow.opened(READY)
def back_at_the_door(talk: Volunteer, event: Opened, facts: Facts) -> Decision[Volunteer]:
    match event.word:
        case "pause":
            return talk, (pause_card(talk),)
        case "resume":
            return _resumed(talk)
        case "change":
            return talk, (replace(profile_card(talk, ("save", "not-now"), facts), text="volunteer-change"),)
        case "leave":
            return gone(talk, facts, "volunteer-left")
        case "link":
            return make_code(talk, facts)
        case _:
            return talk, (ready_card(talk),)


# ---------------------------------------------------------------- stepping back for a while


@flow.on(READY, choice="pause")
def how_long(talk: Volunteer, event: Chose, facts: Facts) -> Decision[Volunteer]:
    return talk, (in_place(pause_card(talk)),)


def pause_card(talk: Volunteer) -> Say:
    return say(talk, "volunteer-pause", "for-today", "a-week", "until-i-say", "not-now")


@flow.on(READY, choice="for-today")
def pause_today(talk: Volunteer, event: Chose, facts: Facts) -> Decision[Volunteer]:
    return _paused(talk, hours.tomorrow(facts.now, talk.peer.zone))


@flow.on(READY, choice="a-week")
def pause_a_week(talk: Volunteer, event: Chose, facts: Facts) -> Decision[Volunteer]:
    return _paused(talk, facts.now + WEEK)


@flow.on(READY, choice="until-i-say")
def pause_until_i_say(talk: Volunteer, event: Chose, facts: Facts) -> Decision[Volunteer]:
    return _paused(talk, None)


def _paused(talk: Volunteer, until: datetime | None) -> Decision[Volunteer]:
    paused = flow.wait(
        replace(talk, peer=replace(talk.peer, paused=True), paused_until=until),
        resume=until,
    )
    return paused, (in_place(ready_card(paused)),)


@flow.on(READY, choice="resume")
@flow.after(READY, timer="resume")
def resume(talk: Volunteer, event: Chose | Elapsed, facts: Facts) -> Decision[Volunteer]:
    return _resumed(talk)


def _resumed(talk: Volunteer) -> Decision[Volunteer]:
    back = flow.wait(replace(talk, peer=replace(talk.peer, paused=False), paused_until=None), resume=None)
    return back, (in_place(ready_card(back)),)


@flow.on(READY, choice="change")
def change(talk: Volunteer, event: Chose, facts: Facts) -> Decision[Volunteer]:
    return talk, (replace(profile_card(talk, ("save", "not-now"), facts), text="volunteer-change"),)


@flow.on(READY, choice="save")
def save(talk: Volunteer, event: Chose, facts: Facts) -> Decision[Volunteer]:
    saved = replace(talk, peer=filled_in(talk.peer, event))
    return saved, (in_place(ready_card(saved)),)


@flow.on(READY, choice="not-now")
def leave_it(talk: Volunteer, event: Chose, facts: Facts) -> Decision[Volunteer]:
    return talk, (in_place(ready_card(talk)),)


# ---------------------------------------------------------------- training


@flow.after(READY, timer="expiring")
def training_ends_soon(talk: Volunteer, event: Elapsed, facts: Facts) -> Decision[Volunteer]:
    until = talk.deadlines.get("expired", facts.now)
    return talk, (
        Say(talk.peer.person, "volunteer-training-ends", "training", times={"until": until}, considerate=True),
    )


@flow.after(READY, timer="expired")
def training_ended(talk: Volunteer, event: Elapsed, facts: Facts) -> Decision[Volunteer]:
    """Nothing new is offered; who they walk with now, they walk with. A coordinator may approve them again."""
    return talk, (say(talk, "volunteer-training-ended", "leave"), *ask_coordinators(talk, facts))


# ---------------------------------------------------------------- what requests tell us


def _tidied(talk: Volunteer, peer: Peer, facts: Facts) -> Volunteer:
    """Keep a week of offers and no more, so that the roster does not remember who helped when."""
    asked = tuple(at for at in peer.asked if at > facts.now - WEEK)
    rest = peer.resting_until if peer.resting_until and peer.resting_until > facts.now else None
    ends = [*(at + WEEK for at in asked[:1]), *((rest,) if rest else ())]
    tidy = replace(talk, peer=replace(peer, asked=asked, resting_until=rest))
    return flow.wait(tidy, tidy=min(ends, default=None)) if talk.stage == READY.name else tidy


@flow.told(READY, what="asked")
def was_asked(talk: Volunteer, event: Told, facts: Facts) -> Decision[Volunteer]:
    return _tidied(talk, replace(talk.peer, asked=(*talk.peer.asked, facts.now)), facts), ()


@flow.told(READY, what="holds")
def walks_with_someone(talk: Volunteer, event: Told, facts: Facts) -> Decision[Volunteer]:
    return replace(talk, peer=replace(talk.peer, holding=(*talk.peer.holding, event.request))), ()


@flow.told(READY, what="freed")
def is_free_again(talk: Volunteer, event: Told, facts: Facts) -> Decision[Volunteer]:
    return replace(talk, peer=_without(talk.peer, event.request)), ()


@flow.told(READY, what="rests")
def rests_after_helping(talk: Volunteer, event: Told, facts: Facts) -> Decision[Volunteer]:
    rested = replace(_without(talk.peer, event.request), resting_until=facts.now + facts.programme.rest)
    return _tidied(talk, rested, facts), ()


def _without(peer: Peer, request: str) -> Peer:
    return replace(peer, holding=tuple(held for held in peer.holding if held != request))


@flow.after(READY, timer="tidy")
def tidy(talk: Volunteer, event: Elapsed, facts: Facts) -> Decision[Volunteer]:
    return _tidied(talk, talk.peer, facts), ()


@flow.told(READY, what="not-today")
def not_today(talk: Volunteer, event: Told, facts: Facts) -> Decision[Volunteer]:
    return _paused_at_least(talk, hours.tomorrow(facts.now, talk.peer.zone))


@flow.told(READY, what="break")
def needs_a_break(talk: Volunteer, event: Told, facts: Facts) -> Decision[Volunteer]:
    return _paused_at_least(talk, facts.now + WEEK)


def _paused_at_least(talk: Volunteer, until: datetime) -> Decision[Volunteer]:
    """A longer pause they chose themselves is never made shorter."""
    longer = talk.peer.paused and (talk.paused_until is None or talk.paused_until > until)
    return (talk, ()) if longer else _paused(talk, until)


@flow.told(READY, what="unreachable")
def cannot_be_reached(talk: Volunteer, event: Told, facts: Facts) -> Decision[Volunteer]:
    """Nobody is offered to a chat that does not open; they resume by writing to us."""
    paused = flow.wait(replace(talk, peer=replace(talk.peer, paused=True), paused_until=None), resume=None)
    return paused, ()
