"""What a clinician who has a request meets at the front door, whatever they type, press or change there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from conversations import slots
from conversations.flow import Decision
from conversations.messages import HideCards, IsThere, PeerCameBy
from conversations.model import (
    URGENCIES,
    Chose,
    Effect,
    Erase,
    Facts,
    Message,
    Opened,
    Post,
    Respond,
    Tell,
    Update,
    change,
)
from conversations.options import NAMES
from conversations.support.afterwards import finished_card
from conversations.support.asking import asking_card, search, with_wishes
from conversations.support.choosing import chosen_card, resting_card, thank_you_card
from conversations.support.closing import close_now, not_before_the_page
from conversations.support.crisis import crisis_card, if_unsafe
from conversations.support.details import (
    change_card,
    change_some_card,
    data_card,
    details_card,
    left_out_card,
    some_wishes,
    wishes,
)
from conversations.support.escalation import make_it_sooner
from conversations.support.request import (
    A_MINUTE,
    AFTERWARDS,
    ASKING,
    CHOSEN,
    DETAILS,
    RESTING,
    TOGETHER,
    Request,
    RequestStage,
    flow,
    still_serves,
)
from conversations.support.together.cards import clinician_card, guide_card, peer_card
from conversations.support.together.last_card import goodbye_to_the_peers
from conversations.support.together.parting import clear
from conversations.vocabulary import CardKind, Choice, Timer, Word


def back_at_the_front_door(request: Request, event: Opened, facts: Facts) -> Decision[Request]:
    """Answer the clinician; typed words stay in their chat, and one line says what became of them."""
    if event.by != request.clinician:
        return request, ()
    decided, effects = _OWN.get(event.word, _answer)(request, event, facts)
    if event.how != "typed" or event.word != Word.NONE:
        return decided, effects
    relay = "yes" if Choice.WRITE in status_card(request, facts).choices else "no"
    typed = Post(Message(event.by, CardKind.DOOR_TYPED, slots.TYPED, details={"relay": relay}))
    return decided, (typed, *effects)


def _answer(request: Request, event: Opened, facts: Facts) -> Decision[Request]:
    if event.word in URGENCIES:
        return _asks_anew(change(request, urgency=URGENCIES[event.word]), request, facts)
    match event.word:
        case Word.STOP:
            return close_now(request, facts, closer=event.by)
        case Word.FORGET_ME:
            return _forget_now(request, event, facts)
        case Word.HIDE:
            return request, clear(request, event.by)
        case Word.NOT_SAFE:
            return request, (Post(crisis_card(request)),)
        case _:
            return request, (Post(status_card(request, facts)),)


def open_details(request: Request, event: Opened, facts: Facts) -> Decision[Request]:
    """What they chose for this request, to be changed: it comes before a peer's own profile, which *peer* shows.

    While a peer is there, only what still can be changed.
    """
    if request.stage == DETAILS:
        choosing = change(request, choosing=True)
        return choosing, (Post(details_card(choosing, facts)),)
    card = change_some_card if request.stage in (CHOSEN, TOGETHER) else change_card
    return request, (Post(card(request, facts)),)


def tell_data(request: Request, event: Opened, facts: Facts) -> Decision[Request]:
    """What we hold, in reply: a command's answer is not even kept by the platform."""
    return request, (Respond(data_card(request, facts)),)


_OWN: Final = {Word.CHANGE: open_details, Word.DATA: tell_data}


def peer_came_by(request: Request, event: PeerCameBy, facts: Facts) -> Decision[Request]:
    """A peer who asks finds what they can do for this request at the bottom of their chat again.

    Before the two are together, a coordinator or on-call person finds nothing, because one who took it and cannot be
    theirs finds nothing either.
    """
    if event.peer != request.peer or not event.asks:
        return request, ()
    if request.stage == CHOSEN:
        tells_nothing = still_serves(event.peer, facts) or all(event.peer != peer.person for peer in facts.peers)
        return request, () if tells_nothing else (Post(thank_you_card(request)),)
    return request, (Post(peer_card(request, facts)), Post(guide_card(request, facts)))


def is_there(request: Request, event: IsThere, facts: Facts) -> Decision[Request]:
    """They are there: no one else is asked yet. It answers nothing, and nothing that anyone reads changes."""
    return request, ()


_TO_ANSWER: Final = frozenset(
    (
        CardKind.PEER_OFFER,
        CardKind.COORDINATOR_WAITING,
        CardKind.COORDINATOR_ASKED_AGAIN,
        CardKind.ON_CALL_PAGE,
        *(CardKind.PEER_WORRIED, CardKind.PEER_PHONE_NOW),
    )
)
"""Cards that still need an answer, or whom to call while one is waited for: hiding does not take them from anyone."""


def another_hides(request: Request, event: HideCards, facts: Facts) -> Decision[Request]:
    """What is over leaves the chat of everyone but the clinician, whose word it is at the front door.

    Lines and cards of one who walks with them go, too, and *status* brings back what they need; whom to call stays.
    """
    if event.who == request.clinician:
        return request, ()
    keep = frozenset((slots.WORRIED,)) if event.who == request.peer else frozenset[slots.Slot]()
    return request, (Erase(event.who, keep=keep, spare=_TO_ANSWER),)


def _asks_anew(sooner: Request, request: Request, facts: Facts) -> Decision[Request]:
    """To ask for a colleague again: with details before asking, by a new search where nobody is asked any more."""
    if request.stage == DETAILS:
        return sooner, (Post(details_card(sooner, facts)),)
    if request.stage in (RESTING, AFTERWARDS):
        return search(sooner, facts)
    if request.stage == ASKING and sooner.urgency == "soon" and request.urgency != "soon":
        hurried, effects = make_it_sooner(request, facts)
        return hurried, (*effects, Post(status_card(hurried, facts)))
    return request, (Post(status_card(request, facts)),)


def _forget_now(request: Request, event: Opened, facts: Facts) -> Decision[Request]:
    closed, effects = close_now(request, facts, closer=event.by)
    to_others = tuple(_lasting(effect) for effect in effects if isinstance(effect, Tell) or effect.to != event.by)
    return _going(closed, request, facts), (*goodbye_to_the_peers(request), *to_others, *clear(request, event.by))


def _going(closed: Request, request: Request, facts: Facts) -> Request:
    """It is gone within a minute. What its peers are asked at the last stays: it is answered at the front door."""
    soonest = not_before_the_page(request, facts.now + A_MINUTE)
    nothing_more = dict.fromkeys((Timer.TIDY, Timer.LAST_CARD, Timer.CRISIS))
    return flow.wait(closed, {**nothing_more, Timer.FORGET: soonest})


def _lasting(effect: Effect) -> Effect:
    """The request is about to be gone: what its peer is asked afterwards must be answered at the front door."""
    if not isinstance(effect, Post) or effect.message.card not in (CardKind.PEER_AFTER, CardKind.PEER_AFTER_LONG):
        return effect
    choices = (Word.SOON, Word.WORRIED, Word.PAUSE, Word.PRIVACY)
    return Post(Message(effect.to, CardKind.PEER_AFTER_DOOR, slots.DOOR, choices, details={"how": "pressed"}))


def back_after_closing(request: Request, event: Opened, facts: Facts) -> Decision[Request]:
    """A closed request waits for its day; its clinician may have it gone, or out of sight, at once."""
    if event.by != request.clinician:
        return request, ()
    if event.word == Word.FORGET_ME:
        return _going(request, request, facts), (*goodbye_to_the_peers(request), *clear(request, event.by))
    if event.word == Word.DATA:
        return tell_data(request, event, facts)
    return request, clear(request, event.by) if event.word == Word.HIDE else ()


def status_card(request: Request, facts: Facts) -> Message:
    """Where this request stands, in one card, said again at the bottom of the chat."""
    return _STATUS[request.stage](request, facts)


_STATUS: Final[Mapping[RequestStage, Callable[[Request, Facts], Message]]] = {
    DETAILS: details_card,
    ASKING: asking_card,
    CHOSEN: chosen_card,
    RESTING: lambda request, _: resting_card(request),
    TOGETHER: clinician_card,
    AFTERWARDS: lambda request, _: finished_card(request),
}


def carry_on(request: Request, event: Chose, facts: Facts) -> Decision[Request]:
    """The clinician who read the crisis card wants us to keep asking; its numbers stay."""
    choices = (Choice.STOP_ASKING,)
    return request, (Update(Message(event.by, CardKind.CRISIS_KEEP_ASKING, slots.CRISIS, choices)),)


# ---------------------------------------------------------------- changing what was chosen, while nobody is asked


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
    if event.slot == slots.OR_ELSE:
        return request, (Update(Message(event.by, CardKind.SUPPORT_AS_IT_IS, slots.OR_ELSE)),)
    return request, (_over(event), Post(status_card(request, facts)))


def _over(event: Chose) -> Erase:
    return Erase(event.by, slots.DETAILS)
