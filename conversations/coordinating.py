"""The human at the end of every wait. A coordinator learns that someone is waiting, and never who."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from conversations import matching
from conversations.flow import Decision, Effect
from conversations.model import Chose, Elapsed, Facts, Person, Say
from conversations.request import ASKING, Request, all_of_them, flow, next_in_line
from conversations.support import ask_the_next, asking_card, neutral, offer_card, to_choose, yes_card

NEXT_IN = timedelta(minutes=10)

CHOICES = ("ask-everyone", "take-it")


@flow.after(ASKING, timer="half")
@flow.after(ASKING, timer="escalate")
def somebody_is_waiting(request: Request, event: Elapsed, facts: Facts) -> Decision[Request]:
    """Tell one coordinator at a time, then the on-call person; whoever answers ends the row."""
    following = next_in_line(request, facts)
    if following is None:
        return request, ()
    told = replace(request, told=(*request.told, following))
    more = next_in_line(told, facts)
    return flow.wait(told, escalate=facts.now + NEXT_IN if more else None), (waiting_card(told, following),)


def waiting_card(request: Request, to: Person) -> Say:
    return Say(to, "coordinator-waiting", "waiting", CHOICES, details={"urgency": request.urgency})


@flow.on(ASKING, choice="ask-everyone")
def ask_everyone_again(request: Request, event: Chose, facts: Facts) -> Decision[Request]:
    """Open offers are said again to those who are free; whoever has become free is asked, but nobody who said no."""
    free = {peer.person for peer in facts.peers if matching.free_now(peer, facts)}
    again = tuple(offer_card(request, offer) for offer in request.offers if offer.peer in free)
    everyone = replace(request, wave=len(facts.programme.waves), asked=tuple(o.peer for o in request.offers))
    asking, new = ask_the_next(everyone, facts)
    answered = flow.wait(asking, escalate=None)
    card = Say(event.by, "coordinator-asked-again", "waiting", ("take-it",), manner="progress")
    return answered, (*again, *new, card, asking_card(answered, facts))


@flow.on(ASKING, choice="take-it")
def take_it_myself(request: Request, event: Chose, facts: Facts) -> Decision[Request]:
    """An ordinary yes, which the clinician may decline.

    Whoever cannot be theirs (left out, or swapped before) reads the very same card, so that it tells nothing.
    """
    card = Say(event.by, "coordinator-if-it-fits", "waiting", manner="progress")
    if event.by in all_of_them({request.clinician, *request.wishes.leave_out, *request.passed}, facts):
        return request, (card,)
    others = tuple(neutral(offer.peer) for offer in request.offers)
    told = tuple(who for who in request.told if who != event.by)
    taken = replace(request, peer=event.by, alias=request.aliases, aliases=request.aliases + 1, offers=(), told=told)
    chosen, effects = to_choose(taken, facts)
    return chosen, (*others, card, *(say for say in effects if say != yes_card(chosen)))


def cannot_reach(request: Request, facts: Facts) -> tuple[Effect, ...]:
    """Of a clinician the platform cannot show anything to, a coordinator hears; no name, but not silence."""
    to = next_in_line(replace(request, told=()), facts)
    return (Say(to, "coordinator-cannot-reach", "waiting"),) if to else ()
