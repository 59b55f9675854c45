"""When a platform cannot show somebody what we say: nobody waits for a word that will not come."""

from __future__ import annotations

from dataclasses import replace

from conversations.closing import close_now
from conversations.coordinating import cannot_reach, somebody_is_waiting
from conversations.flow import Decision
from conversations.model import Elapsed, Facts, Say, Tell, Told, Unreached
from conversations.request import ACCOMPANIED, ASKING, CHOSEN, TOGETHER, Request, flow
from conversations.support import asking_card, search
from conversations.together import look_again


@flow.unreached(*ACCOMPANIED)
def somebody_cannot_be_reached(request: Request, event: Unreached, facts: Facts) -> Decision[Request]:
    if event.who == request.clinician:
        return _the_clinician(request, event, facts)
    if event.who == request.peer:
        return _the_peer(request, event, facts)
    if request.stage == ASKING.name and event.who in request.told:
        return somebody_is_waiting(request, Elapsed("escalate"), facts)
    dropped = tuple(offer for offer in request.offers if offer.peer != event.who)
    asked = tuple(who for who in request.asked if who != event.who)  # who could not be asked was not asked
    passed = replace(request, offers=dropped, asked=asked, passed=(*request.passed, event.who))
    told = Tell("volunteering", event.who, Told("unreachable", event.who))
    if request.stage != ASKING.name:
        return passed, (told,)
    return passed, (asking_card(passed, facts, "refresh"), told)


def _the_clinician(request: Request, event: Unreached, facts: Facts) -> Decision[Request]:
    """They left or shut us out. A coordinator hears of it without a name, and we let go."""
    closed, effects = close_now(request, facts, closer=event.who)
    told = tuple(say for say in effects if not (isinstance(say, Say) and say.to == event.who))
    return closed, (*told, *_undelivered(request, event), *cannot_reach(request, facts))


def _the_peer(request: Request, event: Unreached, facts: Facts) -> Decision[Request]:
    if request.stage == TOGETHER.name:
        looking, effects = look_again(request, facts, "neutral", "support-looking-again")
        return looking, (*_undelivered(request, event), *effects)
    assert request.stage == CHOSEN.name
    passed = replace(request, passed=(*request.passed, event.who))
    return search(passed, facts, text="support-looking-again")


def _undelivered(request: Request, event: Unreached) -> tuple[Say, ...]:
    """The writer of a line that could not be delivered is told."""
    if request.peer is None or not event.text.startswith("relay-line"):
        return ()
    writer = request.peer if event.who == request.clinician else request.clinician
    return (Say(writer, "relay-undelivered", "sent"),)


@flow.told(TOGETHER, what="undelivered")
def a_line_got_lost(request: Request, event: Told, facts: Facts) -> Decision[Request]:
    """Given up after many tries, though both are still there."""
    return request, _undelivered(request, Unreached(event.who, event.request))
