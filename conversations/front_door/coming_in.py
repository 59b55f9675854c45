"""Coming in: whatever was typed or tapped gets the card that fits where this person stands."""

from __future__ import annotations

from typing import Final

from conversations import slots
from conversations.flow import Decision
from conversations.front_door.doorstep import AT_ONCE, DAY, Doorstep, stay, stay_a_day
from conversations.front_door.typed_words import ABOUT_A_PEER, ABOUT_A_REQUEST, ABOUT_A_WALK, WELCOME
from conversations.messages import CameBy, HideCards, IsThere, NotAPeer, PeerCameBy, PeerComesBack, RequestOpens
from conversations.model import (
    URGENCIES,
    Effect,
    Erase,
    Facts,
    KnownTo,
    Message,
    Opened,
    OpenForm,
    Person,
    Post,
    Respond,
    Tell,
    WalksWith,
    change,
)
from conversations.peers import coordinator, enrolment, linking
from conversations.support.request import all_of_them
from conversations.vocabulary import CardKind, Kind, Word


def come_in(door: Doorstep, event: Opened, facts: Facts) -> Decision[Doorstep]:
    """Never silence: whatever was typed or tapped gets the card that fits where this person stands.

    It also shows every request they walk with that they are there, and one that they ask about shows its cards again.
    """
    if event.word in coordinator.WORDS and not coordinator.is_coordinator(event, facts):
        event = change(event, word=Word.STATUS)  # who asks for the queue, asks how things stand
    answered, effects = _answer(stay_a_day(door, facts), event, facts)
    asks = event.word in ABOUT_A_WALK
    about_walks = _about_their_walks(event, facts) if asks else ()
    unheard = all(not isinstance(effect, Tell) or effect.of != door.request for effect in effects)
    there = _is_there(door) if unheard else ()
    return answered, (*effects, *about_walks, *_came_by(event.by, facts, asks=asks), *there)


def signs_of_life(who: Person, facts: Facts) -> tuple[Tell, ...]:
    """What a press shows of which nothing else comes: everyone who waits for a sign of this person has one."""
    return *_came_by(who, facts, asks=False), Tell(Kind.FRONT_DOOR, who, IsThere(who))


def show_life(door: Doorstep, event: IsThere, facts: Facts) -> Decision[Doorstep]:
    """Their own request learns that they are there."""
    return door, _is_there(door)


def _is_there(door: Doorstep) -> tuple[Tell, ...]:
    return (Tell(Kind.REQUEST, door.request, IsThere(door.person)),) if door.request else ()


def _about_their_walks(event: Opened, facts: Facts) -> tuple[Effect, ...]:
    came_by = Tell(Kind.PEER, event.by, CameBy(worried=event.word == Word.WORRIED))
    back = Tell(Kind.REQUEST, KnownTo(event.by), PeerComesBack(event.by))
    return came_by, *_about_another_account(event, facts), back


def _came_by(who: Person, facts: Facts, *, asks: bool) -> tuple[Tell, ...]:
    """Who takes a request themselves is in no roster, and a peer may write from another account of theirs."""
    accounts = sorted(all_of_them({who}, facts))
    return tuple(Tell(Kind.REQUEST, WalksWith(account), PeerCameBy(account, asks)) for account in accounts)


def _about_another_account(event: Opened, facts: Facts) -> tuple[Post, ...]:
    """Where the cards of a walk stand, or whom to phone, for a peer who asks from a linked account."""
    others = [peer for peer in facts.peers if event.by in peer.also]
    if any(peer.holding for peer in others):
        return (Post(Message(event.by, CardKind.DOOR_OTHER_ACCOUNT, slots.OTHER_ACCOUNT)),)
    is_peer = any(peer.person == event.by for peer in facts.peers)
    if not others or is_peer or event.word != Word.WORRIED or facts.programme.on_call is None:
        return ()
    return (Post(Message(event.by, CardKind.VOLUNTEER_WORRIED, slots.OTHER_ACCOUNT)),)


def _answer(door: Doorstep, event: Opened, facts: Facts) -> Decision[Doorstep]:
    if event.word in URGENCIES:
        return _wants_to_talk(door, event, facts)
    if event.word in ABOUT_A_PEER and not (door.request and event.word == Word.CHANGE):
        return door, (Tell(Kind.PEER, event.by, event),)
    if event.word in coordinator.WORDS:
        return door, coordinator.answer(event, facts)
    if event.word in _ANSWERED_HERE:
        return _ANSWERED_HERE[event.word](door, event, facts)
    if door.request and event.word in (*ABOUT_A_REQUEST, Word.CHANGE):
        numbers = (_card(event, facts),) if event.word == Word.WORRIED else ()
        return door, (Tell(Kind.REQUEST, door.request, event), *numbers)
    return door, (_card(event, facts),)


def _forget(door: Doorstep, event: Opened, facts: Facts) -> Decision[Doorstep]:
    """Everything they ever asked for goes, and this record with it, when the answer has been read."""
    requests = (Tell(Kind.REQUEST, request, event) for request in door.requests())
    leaving = change(door, request="", closed=door.requests(), asked=(), named=())
    return stay(leaving, facts.now + AT_ONCE, AT_ONCE), (*requests, Erase(event.by), _card(event, facts))


def _hide(door: Doorstep, event: Opened, facts: Facts) -> Decision[Doorstep]:
    """Every card of ours goes out of this chat, whatever it was about, but for what someone waits for them to answer.

    What stands there afterwards is what anyone reads who just came by: a line about hiding would tell the next person
    who looks at this screen that there was something to hide.
    """
    requests = (Tell(Kind.REQUEST, request, event) for request in door.requests())
    hides = HideCards(event.by)
    others = (Tell(kind, KnownTo(event.by), hides) for kind in (Kind.REQUEST, Kind.PEER))
    return door, (*requests, Tell(Kind.PEER, event.by, hides), *others, Erase(event.by), _card(event, facts))


def _tell_data(door: Doorstep, event: Opened, facts: Facts) -> Decision[Doorstep]:
    """What each of their requests holds; where there is none, what we would hold."""
    return door, tuple(Tell(Kind.REQUEST, request, event) for request in door.requests()) or (_card(event, facts),)


def _would_name_a_peer(door: Doorstep, event: Opened, facts: Facts) -> Decision[Doorstep]:
    """Whom they would trust to listen; where no coordinator could decide about it, the word means nothing."""
    if not facts.programme.coordinators:
        return _answer(door, change(event, word=Word.STATUS), facts)
    return door, enrolment.answer_nominate(event, door.named, facts)


_ANSWERED_HERE: Final = {
    Word.FORGET_ME: _forget,
    Word.HIDE: _hide,
    Word.DATA: _tell_data,
    Word.NOMINATE: _would_name_a_peer,
}


def _wants_to_talk(door: Doorstep, event: Opened, facts: Facts) -> Decision[Doorstep]:
    """Two taps at once open one request, because both write this record."""
    if door.request:
        return door, (Tell(Kind.REQUEST, door.request, event),)
    today = tuple(at for at in door.asked if at > facts.now - DAY)
    if len(today) >= facts.programme.requests_a_day:
        return door, (respond(event.by, CardKind.DOOR_ENOUGH_TODAY, (Word.NUMBERS, Word.PRIVACY)),)
    opens = RequestOpens(event.by, URGENCIES[event.word])
    return change(door, request=facts.fresh, asked=today), (Tell(Kind.REQUEST, facts.fresh, opens),)


_CARDS: Final = {
    Word.NUMBERS: (CardKind.NUMBERS, (Word.SOON, Word.PRIVACY)),
    Word.PRIVACY: (CardKind.PRIVACY, (Word.SOON, Word.DATA)),
    Word.DATA: (CardKind.DATA, (Word.PRIVACY,)),
    Word.SETTINGS: (CardKind.SETTINGS, (Word.LINK, Word.CODE, Word.PRIVACY)),
    Word.STOP: (CardKind.DOOR_NOTHING_OPEN, WELCOME),
    Word.FORGET_ME: (CardKind.DOOR_FORGOTTEN, WELCOME),
    Word.NOT_SAFE: (CardKind.CRISIS, (Word.SOON, Word.NUMBERS)),
    Word.WORRIED: (CardKind.DOOR_WORRIED, WELCOME),
}

_STAYING: Final = {Word.NOT_SAFE: slots.CRISIS, Word.WORRIED: slots.WORRIED}
"""Cards that stand in the chat, whatever way the word came, each in a place that no other answer takes."""


def _card(event: Opened, facts: Facts) -> Effect:
    if event.word == Word.CODE:
        return OpenForm(linking.form(event.by))
    card, choices = _CARDS.get(event.word, (CardKind.WELCOME, WELCOME))
    hears = bool(facts.programme.complaints)
    if event.word == Word.FELT_WRONG and hears:
        card, choices = CardKind.DOOR_FELT_WRONG, (Word.SOON, Word.PRIVACY)
    if event.word == Word.PRIVACY and hears:
        choices = (*choices, Word.FELT_WRONG)
    if event.word in _STAYING:
        return Post(Message(event.by, card, _STAYING[event.word], choices))
    return respond(event.by, card, choices, event.how if event.word == Word.NONE else "pressed")


def door_card(who: Person, card: CardKind, choices: tuple[Word, ...] = (), how: str = "pressed") -> Message:
    """A card of the front door: its buttons are words, and the same for everyone."""
    return Message(who, card, slots.DOOR, choices, details={"how": how})


def respond(who: Person, card: CardKind, choices: tuple[Word, ...], how: str = "pressed") -> Respond:
    return Respond(door_card(who, card, choices, how))


def not_a_peer(door: Doorstep, event: NotAPeer, facts: Facts) -> Decision[Doorstep]:
    """A word of peers from a person who is none is answered like any other word.

    Who is a peer with a linked account reads where the word is understood.
    """
    elsewhere = any(door.person in peer.also for peer in facts.peers)
    card = CardKind.VOLUNTEER_ELSEWHERE if elsewhere else CardKind.VOLUNTEER_NOT_YET
    return door, (respond(door.person, card, ()),)
