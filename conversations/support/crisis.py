"""The crisis card of a clinician who has a request. Only the writer sees it; nothing is labelled or passed on."""

from __future__ import annotations

from conversations import slots
from conversations.model import Facts, Message, Post, Refresh, Value
from conversations.support.request import AFTERWARDS, ASKING, CHOSEN, CLOSED, DETAILS, RESTING, TOGETHER, Request
from conversations.vocabulary import CardKind, Choice, Word

_CARDS = {
    DETAILS: (CardKind.CRISIS, (Choice.CHANGE_MY_MIND,)),
    ASKING: (CardKind.CRISIS_ASKING, (Choice.KEEP_ASKING, Choice.STOP_ASKING)),
    RESTING: (CardKind.CRISIS_ASKING, (Choice.KEEP_ASKING, Choice.STOP_ASKING)),
    CHOSEN: (CardKind.CRISIS_SOMEBODY_THERE, (Choice.CHANGE_MY_MIND,)),
    TOGETHER: (CardKind.CRISIS_SOMEBODY_THERE, (Choice.CLOSE,)),
    AFTERWARDS: (CardKind.CRISIS, (Word.SOON, Choice.CLOSE)),
    CLOSED: (CardKind.CRISIS, (Word.SOON,)),
}


def crisis_card(request: Request) -> Message:
    """Whom to call, and what is true at this stage. That the card stands is kept with the request, sealed."""
    card, choices = _CARDS[request.stage]
    return Message(request.clinician, card, slots.CRISIS, choices)


def crisis_kept_true(request: Request) -> Refresh:
    """A crisis card that stands says and offers what holds at the stage the request came to."""
    return Refresh(crisis_card(request))


def if_unsafe(request: Request, words: Value, facts: Facts) -> tuple[Post, ...]:
    """The crisis card, where what the clinician wrote says that they are not safe. Nothing of it is kept for that."""
    heard = isinstance(words, str) and facts.programme.listener.hears(words)
    return (Post(crisis_card(request)),) if heard else ()
