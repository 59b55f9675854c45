"""Coming back after a day and after three: care, not assessment. No score, no question about what happened."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from conversations import hours
from conversations.flow import Decision
from conversations.model import Chose, Elapsed, Facts, Say
from conversations.request import ACCOMPANIED, ASKING, CHOSEN, RESTING, TOGETHER, Request, flow
from conversations.support import lasting, search
from conversations.together import about_them

THIRTY_DAYS = timedelta(days=30)
A_NIGHT, A_DAY_AND_A_NIGHT, FEW_DAYS = timedelta(hours=14), timedelta(hours=40), timedelta(hours=48)


@flow.after(*ACCOMPANIED, timer="check-in")
def check_in(request: Request, event: Elapsed, facts: Facts) -> Decision[Request]:
    """At a decent hour, once for all that fell due meanwhile; never chased."""
    awake = hours.waking(facts.now, request.zone, facts.programme.quiet, nights=request.wishes.nights)
    if awake > facts.now:
        return flow.wait(request, **{"check-in": awake}), ()
    to_come = tuple(at for at in request.check_ins if at > facts.now)
    checked = replace(request, check_ins=to_come, checked_in=facts.now)
    last = () if to_come else ("thirty-days",)
    choices = ("okay-for-now", "talk-again", "something-else", *last, "no-more")
    waiting = flow.wait(checked, **lasting(checked, facts))
    card = Say(request.clinician, _question(request, facts), "check-in", choices, considerate=True)
    return waiting, (card,)


def _question(request: Request, facts: Facts) -> str:
    """What is true of the time that has passed, whatever the settings made it."""
    if request.stage == ASKING.name and not request.met:
        return "check-in-nobody-yet"
    passed = facts.now - (request.counted_from or facts.now)
    if passed > FEW_DAYS:
        return "check-in-few-days"
    return "check-in-yesterday" if A_NIGHT <= passed <= A_DAY_AND_A_NIGHT else "check-in-now"


@flow.on(*ACCOMPANIED, choice="okay-for-now")
def okay(request: Request, event: Chose, facts: Facts) -> Decision[Request]:
    return flow.wait(request, **lasting(request, facts)), (_reply(request, "check-in-thanks"),)


@flow.on(*ACCOMPANIED, choice="no-more")
def no_more(request: Request, event: Chose, facts: Facts) -> Decision[Request]:
    quiet = replace(request, check_ins=(), wishes=replace(request.wishes, check_in=False))
    return flow.wait(quiet, **lasting(quiet, facts)), (_reply(request, "check-in-no-more"),)


@flow.on(*ACCOMPANIED, choice="something-else")
def something_else(request: Request, event: Chose, facts: Facts) -> Decision[Request]:
    """Professional help outside the chain of command; we contact nobody."""
    return request, (_reply(request, "more-help"),)


@flow.on(*ACCOMPANIED, choice="thirty-days")
def a_month_on(request: Request, event: Chose, facts: Facts) -> Decision[Request]:
    """Only on the clinician's own tap, because it means keeping the request longer; the date is shown."""
    began = request.counted_from or facts.now
    later = replace(request, check_ins=(*request.check_ins, max(began + THIRTY_DAYS, facts.now)))
    waiting = flow.wait(later, **lasting(later, facts))
    closes = waiting.deadlines["close"] + facts.programme.erase_after
    reply = replace(_reply(request, "check-in-thirty-days"), times={"until": closes})
    return waiting, (reply,)


@flow.on(TOGETHER, choice="talk-again")
def reach_the_same_peer(request: Request, event: Chose, facts: Facts) -> Decision[Request]:
    """The peer they know is told at once; another colleague is one tap away."""
    to_peer = about_them(request, "peer-talk-again", "talk-again", ("hand-back",))
    return request, (to_peer, replace(_reply(request, "check-in-told-peer"), choices=("someone-else",)))


@flow.on(RESTING, choice="talk-again")
def find_somebody(request: Request, event: Chose, facts: Facts) -> Decision[Request]:
    asking, effects = search(request, facts)
    return asking, (_reply(request, "check-in-asking"), *effects)


@flow.on(ASKING, CHOSEN, choice="talk-again")
def somebody_is_being_found(request: Request, event: Chose, facts: Facts) -> Decision[Request]:
    return request, (_reply(request, "check-in-asking"),)


def _reply(request: Request, text: str) -> Say:
    return Say(request.clinician, text, "check-in", manner="progress")
