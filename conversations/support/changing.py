"""Changing what the clinician chose while nobody is asked: it counts for the peer who is there, or is asked next."""

from __future__ import annotations

from conversations import slots
from conversations.flow import Decision
from conversations.model import Chose, Effect, Erase, Facts, Post
from conversations.options import NAMES
from conversations.support.asking import with_wishes
from conversations.support.crisis import if_unsafe
from conversations.support.details import left_out_card, some_wishes, wishes
from conversations.support.request import TOGETHER, Request
from conversations.support.status import status_card
from conversations.support.together.cards import peer_card


def save_for_later(request: Request, event: Chose, facts: Facts) -> Decision[Request]:
    """Nobody is asked now: what was changed counts for the next search."""
    changed = with_wishes(request, wishes(event, request, facts), facts)
    said = left_out_card(changed, event)
    unsafe = if_unsafe(changed, event.answers.get(NAMES, ""), facts)
    return changed, (Post(said) if said else _over(event), Post(status_card(changed, facts)), *unsafe)


def save_some(request: Request, event: Chose, facts: Facts) -> Decision[Request]:
    """A peer is there: how and when to talk are news for them, once they know that they are needed."""
    changed = with_wishes(request, some_wishes(event, request, facts), facts)
    before, after = request.wishes, changed.wishes
    is_news = request.stage == TOGETHER and (before.how, before.when) != (after.how, after.when)
    news: tuple[Effect, ...] = (Post(peer_card(changed, facts)),) if is_news else ()
    return changed, (_over(event), *news, Post(status_card(changed, facts)))


def leave_it(request: Request, event: Chose, facts: Facts) -> Decision[Request]:
    """Nothing was changed: the status says where the request stands."""
    return request, (_over(event), Post(status_card(request, facts)))


def _over(event: Chose) -> Erase:
    return Erase(event.by, slots.DETAILS)
