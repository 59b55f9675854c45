"""The front door: whatever anyone types or taps, at any stage, is met with a kind answer.

Each visitor has a record of their own, apart from any request: it knows which request is theirs, so that two taps open
one. A day after they last came by, what we answered here leaves their chat, but for the welcome; an hour later the
record is forgotten. Forgotten first, it would leave cards that no word of theirs could take away.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final

from conversations import slots
from conversations.crisis.listener import Listener
from conversations.flow import SAME, Conversation, Decision, Flow, Role, after, on, opened, told
from conversations.messages import (
    CameBy,
    HideCards,
    IsThere,
    NotAPeer,
    PeerCameBy,
    PeerComesBack,
    RequestAsked,
    RequestEnded,
    RequestForgotten,
    RequestOpens,
)
from conversations.model import (
    URGENCIES,
    Chose,
    Effect,
    Elapsed,
    Erase,
    Event,
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
from conversations.support.request import all_of_them, is_unread
from conversations.vocabulary import CardKind, Choice, Kind, Timer, Word

DAY: Final = timedelta(hours=24)
AN_HOUR: Final = timedelta(hours=1)  # long enough to take our cards away; the platform is not waited for
AT_ONCE: Final = timedelta(minutes=1)  # likewise, where all of it is to go now

CRISIS: Final = frozenset((slots.CRISIS,))

ABOUT_A_PEER: Final = frozenset(
    (Word.PEER, Word.PAUSE, Word.RESUME, Word.ON_DUTY, Word.SHIFTS, Word.CHANGE, Word.LEAVE, Word.LINK)
)
ABOUT_A_REQUEST: Final = frozenset((Word.NONE, Word.HELP, Word.STATUS, Word.STOP, Word.NOT_SAFE, Word.WORRIED))
ABOUT_A_WALK: Final = frozenset((Word.HELP, Word.STATUS, Word.WORRIED))
"""Words by which a peer asks for the cards of the colleague they walk with."""

_WORDS: Final = {word.value: word for word in Word} | {"enroll": Word.ENROL}
"""What is typed for each word."""

WELCOME: Final = (Word.SOON, Word.TODAY, Word.NO_RUSH, Word.NUMBERS, Word.PEER, Word.PRIVACY)


def parse_word(typed: str, listener: Listener) -> Word:
    """The word that was typed, whatever its case, marks or leading command; `Word.NONE` for everything else.

    Nothing else of what was typed leaves this function.

    Args:
        typed: What was typed.
        listener: What hears that someone is not safe; then the word is `Word.NOT_SAFE`.
    """
    plain = unicodedata.normalize("NFKC", typed).casefold().replace("\u2019", "'")
    plain = re.sub(r"^\s*/?peersupport\b", "", plain)
    plain = re.sub(r"[^\w' -]+", " ", plain)
    plain = " ".join(plain.split())
    if plain in _WORDS:
        return _WORDS[plain]
    return Word.NOT_SAFE if listener.hears(typed) else Word.NONE


class DoorStage(StrEnum):
    """A visitor's record has one place."""

    DOOR = "door"
    FORGOTTEN = "forgotten"


DOOR: Final = DoorStage.DOOR
GONE: Final = DoorStage.FORGOTTEN


class Doorstep(Conversation, frozen=True, kw_only=True):
    """One person at our front door: their open request, if any, and when they asked for a peer today."""

    stage: DoorStage
    person: Person
    request: str = ""
    closed: tuple[str, ...] = ()  # requests of theirs that are not forgotten yet
    asked: tuple[datetime, ...] = ()
    named: tuple[date, ...] = ()  # the days on which they named a colleague as a peer, for a year
    goes_at: datetime | None = None  # when the record goes; None once our cards were taken away, which comes before

    def requests(self) -> tuple[str, ...]:
        """The ids of every request of theirs that is not forgotten."""
        return *self.closed, *((self.request,) if self.request else ())


def _begin(id: str, event: Event, facts: Facts) -> Doorstep | None:
    return Doorstep(id=id, stage=DOOR, person=event.by) if isinstance(event, Opened) else None


def _stay_a_day(door: Doorstep, facts: Facts) -> Doorstep:
    return _stay(door, facts.now + DAY, AN_HOUR)


def _stay(door: Doorstep, tidied: datetime, then: timedelta) -> Doorstep:
    """Stay until our cards are taken away, and for a while after it.

    One timer does both, because 0.2.0 serves beside us and knows of no other here.
    """
    return flow.wait(change(door, goes_at=tidied + then), {Timer.GO: tidied})


flow = Flow[Doorstep](Kind.FRONT_DOOR, DoorStage, begin=_begin)

visitor: Role[Doorstep] = Role("visitor", lambda door, who, _: who == door.person)


def come_in(door: Doorstep, event: Opened, facts: Facts) -> Decision[Doorstep]:
    """Never silence: whatever was typed or tapped gets the card that fits where this person stands.

    It also shows every request they walk with that they are there, and one that they ask about shows its cards again.
    """
    if event.word in coordinator.WORDS and not coordinator.is_coordinator(event, facts):
        event = change(event, word=Word.STATUS)  # who asks for the queue, asks how things stand
    answered, effects = _answer(_stay_a_day(door, facts), event, facts)
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
    return _stay(leaving, facts.now + AT_ONCE, AT_ONCE), (*requests, Erase(event.by), _card(event, facts))


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
    """Whom they would trust to listen."""
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
        return door, (_respond(event.by, CardKind.DOOR_ENOUGH_TODAY, (Word.NUMBERS, Word.PRIVACY)),)
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
    return _respond(event.by, card, choices, event.how if event.word == Word.NONE else "pressed")


def door_card(who: Person, card: CardKind, choices: tuple[Word, ...] = (), how: str = "pressed") -> Message:
    """A card of the front door: its buttons are words, and the same for everyone."""
    return Message(who, card, slots.DOOR, choices, details={"how": how})


def _respond(who: Person, card: CardKind, choices: tuple[Word, ...], how: str = "pressed") -> Respond:
    return Respond(door_card(who, card, choices, how))


def enter_a_code(door: Doorstep, event: Chose, facts: Facts) -> Decision[Doorstep]:
    """The same answer whether the code was right or not: only the account that made it learns that it was.

    Words of danger are heard wherever a person can write them.
    """
    code = event.answers.get("code", "")
    heard = isinstance(code, str) and facts.programme.listener.hears(code)
    unsafe = (Tell(Kind.FRONT_DOOR, event.by, Opened(event.by, Word.NOT_SAFE)),) if heard else ()
    checked = _respond(event.by, CardKind.LINK_CHECKED, (Word.PRIVACY,))
    return _stay_a_day(door, facts), (*linking.entered(event), checked, *unsafe)


def remove_peers(door: Doorstep, event: Chose, facts: Facts) -> Decision[Doorstep]:
    """A coordinator picked who is to be asked no more."""
    return _stay_a_day(door, facts), coordinator.remove(event, facts)


def enrol_peers(door: Doorstep, event: Chose, facts: Facts) -> Decision[Doorstep]:
    """A coordinator says who is to be invited."""
    return _stay_a_day(door, facts), enrolment.enrol(event, facts)


def nominate_peers(door: Doorstep, event: Chose, facts: Facts) -> Decision[Doorstep]:
    """Someone names colleagues they would trust to listen."""
    named, effects = enrolment.nominate(event, door.named, facts)
    return _stay_a_day(change(door, named=named), facts), effects


def leave_it(door: Doorstep, event: Chose, facts: Facts) -> Decision[Doorstep]:
    """Nothing changes; the card goes."""
    return door, enrolment.leave_it(event)


def not_a_peer(door: Doorstep, event: NotAPeer, facts: Facts) -> Decision[Doorstep]:
    """A word of peers from a person who is none is answered like any other word.

    Who is a peer with a linked account reads where the word is understood.
    """
    elsewhere = any(door.person in peer.also for peer in facts.peers)
    card = CardKind.VOLUNTEER_ELSEWHERE if elsewhere else CardKind.VOLUNTEER_NOT_YET
    return door, (_respond(door.person, card, ()),)


def they_asked(door: Doorstep, event: RequestAsked, facts: Facts) -> Decision[Doorstep]:
    """Only asking counts towards the day's limit: hesitating does not."""
    return change(door, asked=(*door.asked, facts.now)), ()


def their_request_ended(door: Doorstep, event: RequestEnded, facts: Facts) -> Decision[Doorstep]:
    """The request is closed: another may be opened. A crisis card stays for a day from now."""
    if door.request != event.request:
        return door, ()
    ended = change(door, request="", closed=(*door.closed, event.request))
    return _stay_a_day(ended, facts), ()


def their_request_is_forgotten(door: Doorstep, event: RequestForgotten, facts: Facts) -> Decision[Doorstep]:
    """This record goes with the last request it knew, unless its person came by lately: then a card may stand here."""
    left = change(door, closed=tuple(request for request in door.closed if request != event.request))
    if door.goes_at is not None and facts.now < door.goes_at:
        return left, ()
    lately = max((at + DAY for at in door.asked), default=facts.now)
    return flow.wait(left, {Timer.GO: max(lately, facts.now)}), ()


def let_them_go(door: Doorstep, event: Elapsed, facts: Facts) -> Decision[Doorstep]:
    """Take our cards away, and a while later forget the visitor.

    What would tell the next person at this screen what was typed here leaves; the welcome tells nothing, and stays.
    A crisis card stays until a day after their request has ended, and one that no platform has shown yet a day longer,
    with all that stands beside it. Where this comes so late that the record was to be
    gone by now, it goes: erasing never waits for a platform. While a request of theirs is known it never goes: two
    could be opened, or one not be found.
    """
    if door.goes_at is not None and is_unread(facts, DAY, (door.person, slots.CRISIS)):
        return _stay_a_day(door, facts), ()
    spare = frozenset((CardKind.WELCOME,))
    if door.request:
        return flow.wait(door, {Timer.GO: facts.now + DAY}), (Erase(door.person, keep=CRISIS, spare=spare),)
    if door.goes_at is not None and facts.now < door.goes_at:
        tidied = flow.wait(change(door, goes_at=None), {Timer.GO: door.goes_at})
        return tidied, (Erase(door.person, spare=spare),)
    if door.closed:
        return flow.wait(door, {Timer.GO: facts.now + DAY}), ()
    return _go(door, facts), ()


def _go(door: Doorstep, facts: Facts) -> Doorstep:
    """Nothing is kept, but of whoever named colleagues this year the days, so that they name no more than they may."""
    named = enrolment.lately(door.named, facts)
    if not named:
        return change(door, stage=GONE, deadlines={})
    a_year_on = datetime.combine(min(named) + enrolment.YEAR, time(), UTC)
    return flow.wait(change(door, named=named, asked=()), {Timer.GO: max(a_year_on, facts.now + DAY)})


# fmt: off
flow.table(
    # stage      who      choice, timer, me leads to         by
    opened(DOOR,                            to=SAME,         do=come_in),
    on(DOOR,     visitor, Choice.LINK_ME,   to=SAME,         do=enter_a_code),
    on(DOOR,     visitor, Choice.REMOVE,    to=SAME,         do=remove_peers),
    on(DOOR,     visitor, Choice.INVITE,    to=SAME,         do=enrol_peers),
    on(DOOR,     visitor, Choice.NOMINATE,  to=SAME,         do=nominate_peers),
    on(DOOR,     visitor, Choice.NOT_NOW,   to=SAME,         do=leave_it),
    told(DOOR,            RequestAsked,     to=SAME,         do=they_asked),
    told(DOOR,            RequestEnded,     to=SAME,         do=their_request_ended),
    told(DOOR,            RequestForgotten, to=SAME,         do=their_request_is_forgotten),
    told(DOOR,            IsThere,          to=SAME,         do=show_life),
    told(DOOR,            NotAPeer,         to=SAME,         do=not_a_peer),
    after(DOOR,           Timer.GO,         to=(GONE, SAME), do=let_them_go),
)
# fmt: on
