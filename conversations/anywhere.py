"""The front door: whatever anyone types or taps, at any stage, is met with a kind answer.

A doorstep is where a person stands with us apart from any request: it knows which request is theirs, so that two taps
open one, and it is forgotten a day after they last came by.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from conversations import linking
from conversations.closing import close_now, not_before_the_page
from conversations.details import details_card
from conversations.flow import FORGOTTEN, Conversation, Decision, Effect, Flow, Role
from conversations.model import EVERY_SLOT, Chose, Elapsed, Event, Facts, Opened, Person, Say, Tell, Told, Urgency
from conversations.request import ASKING, CHOSEN, CLOSED, DETAILS, OPEN, TOGETHER, Request
from conversations.request import flow as support_flow
from conversations.support import asking_card, chosen_card, crisis_card, resting_card
from conversations.together import clear, clinician_card

LINGERS = timedelta(hours=25)
AT_ONCE = timedelta(minutes=1)  # long enough to take our cards away; the platform is not waited for
DAY = timedelta(hours=24)

URGENCIES: dict[str, Urgency] = {"soon": "soon", "today": "today", "no-rush": "no-rush"}
ABOUT_A_PEER = frozenset(("peer", "pause", "resume", "change", "leave", "link"))
ABOUT_A_REQUEST = frozenset(("", "help", "status", "stop"))
NOT_SAFE = "i am not safe"
ABOUT_US = frozenset(("numbers", "privacy", "data", "forget me", "hide", "settings", "code"))
WORDS = frozenset((*URGENCIES, *ABOUT_A_PEER, *ABOUT_A_REQUEST, *ABOUT_US, NOT_SAFE))

WELCOME = ("soon", "today", "no-rush", "numbers", "peer", "privacy")

# These may only show the crisis card sooner. They never block, label, store or report; no match never means safe.
_CRISIS = re.compile(
    r"not safe|unsafe|kill (my|our)self|suicid|end (my life|it all)|want to die|hurt myself|harm myself"
    r"|better off (dead|without me)|can'?t (go on|stay safe|keep myself safe)|no reason to live|overdose"
)


def hear(typed: str) -> str:
    """The word somebody typed, whatever its case, marks or leading command; "" for everything else.

    Nothing else of what was typed leaves this function.
    """
    plain = unicodedata.normalize("NFKC", typed).casefold().replace("\u2019", "'")
    plain = re.sub(r"^\s*/?peersupport\b", "", plain)
    plain = re.sub(r"[^\w' -]+", " ", plain)
    plain = " ".join(plain.split())
    if plain in WORDS:
        return plain
    return NOT_SAFE if _CRISIS.search(plain) else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Doorstep(Conversation):
    """One person at our door: their open request, if any, and when they asked for a peer today."""

    person: Person
    request: str = field(default="", repr=False)
    closed: tuple[str, ...] = field(default=(), repr=False)  # requests of theirs that are not forgotten yet
    asked: tuple[datetime, ...] = ()


def _begin(id: str, event: Event, facts: Facts) -> Doorstep | None:
    return Doorstep(id=id, stage=DOOR.name, person=event.by) if isinstance(event, Opened) else None


def _stay_a_day(door: Doorstep, facts: Facts) -> Doorstep:
    return replace(door, deadlines={"go": facts.now + LINGERS})


flow = Flow[Doorstep]("doorstep", begin=_begin)

visitor: Role[Doorstep] = Role("visitor", lambda door, who, _: who == door.person)

DOOR = flow.stage("door", visitor.may("link-me"), waits=("go",))


@flow.opened(DOOR)
def somebody_is_here(door: Doorstep, event: Opened, facts: Facts) -> Decision[Doorstep]:
    """Never silence: whatever was said gets the card that fits where this person stands."""
    door = _stay_a_day(door, facts)
    if event.word in URGENCIES:
        return _wants_to_talk(door, event, facts)
    if event.word in ABOUT_A_PEER:
        return door, (Tell("volunteering", event.by, event),)
    if event.word == "forget me":
        return _forget(door, event, facts)
    if event.word == "hide":
        return door, _hide(door, event)
    if door.request and (event.word in ABOUT_A_REQUEST or event.word == NOT_SAFE):
        return door, (Tell("support", door.request, event),)
    return door, (_card(event),)


def _forget(door: Doorstep, event: Opened, facts: Facts) -> Decision[Doorstep]:
    """Everything they ever asked for goes, and this doorstep with it."""
    leaving = flow.wait(replace(door, asked=()), go=facts.now + AT_ONCE)
    return leaving, (*(Tell("support", request, event) for request in _theirs(door)), _card(event))


def _hide(door: Doorstep, event: Opened) -> tuple[Effect, ...]:
    """Every card of ours goes out of this chat, whatever it was about."""
    standing = Tell("volunteering", event.by, Told("hide", event.by))
    here = Say(event.by, "", EVERY_SLOT, manner="erase")
    return *(Tell("support", request, event) for request in _theirs(door)), standing, here, _card(event)


def _theirs(door: Doorstep) -> tuple[str, ...]:
    return *door.closed, *((door.request,) if door.request else ())


def _wants_to_talk(door: Doorstep, event: Opened, facts: Facts) -> Decision[Doorstep]:
    """Two taps at once open one request, because both write this record."""
    if door.request:
        return door, (Tell("support", door.request, event),)
    today = tuple(at for at in door.asked if at > facts.now - DAY)
    if len(today) >= facts.programme.requests_a_day:
        return door, (_say(event.by, "door-enough-today", ("numbers", "privacy")),)
    opened = replace(door, request=facts.fresh, asked=today)
    told = Told("opens", event.by, request=facts.fresh, urgency=URGENCIES[event.word])
    return opened, (Tell("support", facts.fresh, told),)


def _card(event: Opened) -> Say:
    if event.word == "code":
        return linking.form(event.by)
    texts = {
        "numbers": ("numbers", ("soon", "privacy")),
        "privacy": ("privacy", ("soon", "data")),
        "data": ("data", ("privacy",)),
        "settings": ("settings", ("link", "code", "privacy")),
        "stop": ("door-nothing-open", WELCOME),
        "forget me": ("door-forgotten", WELCOME),
        "hide": ("door-hidden", WELCOME),
        NOT_SAFE: ("crisis", ("soon", "numbers")),
    }
    text, choices = texts.get(event.word, ("welcome", WELCOME))
    return _say(event.by, text, choices, event.how)


def _say(who: Person, text: str, choices: tuple[str, ...], how: str = "pressed") -> Say:
    return Say(who, text, "door", choices, details={"how": how}, manner="answer")


@flow.on(DOOR, choice="link-me")
def say_who_they_are(door: Doorstep, event: Chose, facts: Facts) -> Decision[Doorstep]:
    """The same answer whether the code was right or not: only the account that made it says so."""
    return door, (*linking.said(event), _say(event.by, "link-checked", ("privacy",)))


@flow.told(DOOR, what="asked")
def they_asked(door: Doorstep, event: Told, facts: Facts) -> Decision[Doorstep]:
    """Only asking counts towards the day's limit: whoever hesitates may hesitate as often as they like."""
    return replace(door, asked=(*door.asked, facts.now)), ()


@flow.told(DOOR, what="ended")
def their_request_ended(door: Doorstep, event: Told, facts: Facts) -> Decision[Doorstep]:
    if door.request != event.request:
        return door, ()
    return replace(door, request="", closed=(*door.closed, event.request)), ()


@flow.told(DOOR, what="forgotten")
def their_request_is_forgotten(door: Doorstep, event: Told, facts: Facts) -> Decision[Doorstep]:
    """The doorstep goes with the last request it knew, unless they came by lately."""
    left = replace(door, closed=tuple(request for request in door.closed if request != event.request))
    lately = max((at + LINGERS for at in door.asked), default=facts.now)
    return flow.wait(left, go=max(lately, facts.now)), ()


@flow.after(DOOR, timer="go")
def let_them_go(door: Doorstep, event: Elapsed, facts: Facts) -> Decision[Doorstep]:
    """While a request is known the doorstep stays with it: two could be opened, or one not be found to be forgotten."""
    if door.request or door.closed:
        return _stay_a_day(door, facts), ()
    return replace(door, stage=FORGOTTEN, deadlines={}), ()


# ---------------------------------------------------------------- at the door while a request is open


@support_flow.opened(*OPEN)
def back_at_the_door(request: Request, event: Opened, facts: Facts) -> Decision[Request]:
    if event.by != request.clinician:
        return request, ()
    said = _at_open_door(request, event, facts)
    if event.how != "typed" or event.word in ("stop", "forget me", NOT_SAFE):
        return said
    return said[0], (*said[1], Say(event.by, "door-typed", "typed"))


def _at_open_door(request: Request, event: Opened, facts: Facts) -> Decision[Request]:
    match event.word:
        case word if word in URGENCIES and request.stage == DETAILS.name:
            changed = replace(request, urgency=URGENCIES[word])
            return changed, (details_card(changed, facts),)
        case "stop":
            return close_now(request, facts, closer=event.by)
        case "forget me":
            return _forget_now(request, event, facts)
        case "hide":
            return request, clear(event.by)
        case "i am not safe":
            return request, (crisis_card(request),)
        case _:
            return request, (status_card(request, facts),)


def _forget_now(request: Request, event: Opened, facts: Facts) -> Decision[Request]:
    closed, effects = close_now(request, facts, closer=event.by)
    to_others = tuple(_lasting_door(effect) for effect in effects if isinstance(effect, Tell) or effect.to != event.by)
    gone = support_flow.wait(closed, forget=not_before_the_page(request, facts.now + AT_ONCE))
    return gone, (*to_others, *clear(event.by))


def _lasting_door(effect: Effect) -> Effect:
    """The request is about to be gone: what its peer is asked afterwards must be answered at the door."""
    if isinstance(effect, Tell) or effect.text != "peer-after":
        return effect
    return Say(effect.to, "peer-after-door", "door", ("soon", "pause", "privacy"), details={"how": "pressed"})


@support_flow.opened(CLOSED)
def back_after_closing(request: Request, event: Opened, facts: Facts) -> Decision[Request]:
    """A closed request waits for its day; its clinician may have it gone, or out of sight, at once."""
    if event.by != request.clinician:
        return request, ()
    if event.word == "forget me":
        return support_flow.wait(request, forget=not_before_the_page(request, facts.now + AT_ONCE)), clear(event.by)
    return request, clear(event.by) if event.word == "hide" else ()


def status_card(request: Request, facts: Facts) -> Say:
    """Where this request stands, in one card, said again at the bottom of the chat."""
    match request.stage:
        case DETAILS.name:
            return details_card(request, facts)
        case ASKING.name:
            return asking_card(request, facts, "news")
        case CHOSEN.name:
            return chosen_card(request, facts)
        case TOGETHER.name:
            return clinician_card(request, facts)
        case _:
            return resting_card(request)


@support_flow.on(ASKING, choice="keep-asking")
def carry_on(request: Request, event: Chose, facts: Facts) -> Decision[Request]:
    kept = Say(event.by, "crisis-keep-asking", "crisis", manner="progress")
    return request, (kept,)
