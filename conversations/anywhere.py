"""The front door: whatever anyone types or taps, at any stage, is met with a kind answer.

A doorstep is where a person stands with us apart from any request: it knows which request is theirs, so that two taps
open one, and it is forgotten a day after they last came by.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from conversations.closing import close_now
from conversations.flow import FORGOTTEN, Conversation, Decision, Flow
from conversations.model import Chose, Elapsed, Event, Facts, Opened, Person, Say, Tell, Told, Urgency
from conversations.request import ASKING, CHOSEN, DETAILS, OPEN, TOGETHER, Request
from conversations.request import flow as support_flow
from conversations.support import asking_card, chosen_card, details_card, resting_card
from conversations.together import clear, clinician_card

LINGERS = timedelta(hours=25)
DAY = timedelta(hours=24)

URGENCIES: dict[str, Urgency] = {"soon": "soon", "today": "today", "no-rush": "no-rush"}
ABOUT_A_PEER = frozenset(("peer", "pause", "resume", "change", "leave"))
ABOUT_A_REQUEST = frozenset(("", "help", "status", "stop", "forget me", "hide"))
NOT_SAFE = "i am not safe"
WORDS = frozenset((*URGENCIES, *ABOUT_A_PEER, *ABOUT_A_REQUEST, NOT_SAFE, "numbers", "privacy", "data"))

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
    """One person at our door: their open request, if any, and when they opened requests today."""

    person: Person
    request: str = field(default="", repr=False)
    opened: tuple[datetime, ...] = ()


def _begin(id: str, event: Event, facts: Facts) -> Doorstep | None:
    return Doorstep(id=id, stage=DOOR.name, person=event.by) if isinstance(event, Opened) else None


def _stay_a_day(door: Doorstep, event: Event, facts: Facts) -> Doorstep:
    return replace(door, deadlines={"go": facts.now + LINGERS})


flow = Flow[Doorstep]("doorstep", begin=_begin, before=_stay_a_day)

DOOR = flow.stage("door", waits=("go",))


@flow.opened(DOOR)
def somebody_is_here(door: Doorstep, event: Opened, facts: Facts) -> Decision[Doorstep]:
    """Never silence: whatever was said gets the card that fits where this person stands."""
    if event.word in URGENCIES:
        return _wants_to_talk(door, event, facts)
    if event.word in ABOUT_A_PEER:
        return door, (Tell("volunteering", event.by, event),)
    if door.request and (event.word in ABOUT_A_REQUEST or event.word == NOT_SAFE):
        return door, (Tell("support", door.request, event),)
    return door, (_card(event),)


def _wants_to_talk(door: Doorstep, event: Opened, facts: Facts) -> Decision[Doorstep]:
    """Two taps at once open one request, because both write this record."""
    if door.request:
        return door, (Tell("support", door.request, event),)
    today = tuple(at for at in door.opened if at > facts.now - DAY)
    if len(today) >= facts.programme.requests_a_day:
        return door, (_say(event.by, "door-enough-today", ("numbers", "privacy")),)
    opened = replace(door, request=facts.fresh, opened=(*today, facts.now))
    told = Told("opens", event.by, request=facts.fresh, urgency=URGENCIES[event.word])
    return opened, (Tell("support", facts.fresh, told),)


def _card(event: Opened) -> Say:
    texts = {
        "numbers": ("numbers", ("soon", "privacy")),
        "privacy": ("privacy", ("soon", "data")),
        "data": ("data", ("privacy",)),
        "stop": ("door-nothing-open", WELCOME),
        "forget me": ("door-forgotten", WELCOME),
        "hide": ("door-hidden", WELCOME),
        NOT_SAFE: ("crisis", ("soon", "numbers")),
    }
    text, choices = texts.get(event.word, ("welcome", WELCOME))
    return _say(event.by, text, choices, event.how)


def _say(who: Person, text: str, choices: tuple[str, ...], how: str = "pressed") -> Say:
    return Say(who, text, "door", choices, details={"how": how}, manner="answer")


@flow.told(DOOR, what="ended")
def their_request_ended(door: Doorstep, event: Told, facts: Facts) -> Decision[Doorstep]:
    return (replace(door, request="") if door.request == event.request else door), ()


@flow.after(DOOR, timer="go")
def let_them_go(door: Doorstep, event: Elapsed, facts: Facts) -> Decision[Doorstep]:
    """While a request is open the doorstep stays with it, or two could be opened."""
    if door.request:
        return _stay_a_day(door, event, facts), ()
    return replace(door, stage=FORGOTTEN, deadlines={}), ()


# ---------------------------------------------------------------- at the door while a request is open


@support_flow.opened(*OPEN)
def back_at_the_door(request: Request, event: Opened, facts: Facts) -> Decision[Request]:
    if event.by != request.clinician:
        return request, ()
    match event.word:
        case "stop":
            return close_now(request, facts, closer=event.by)
        case "forget me":
            return _forget_now(request, event, facts)
        case "hide":
            hidden = Say(event.by, "", "*", manner="erase")
            return request, (hidden, replace(status_card(request, facts), text="support-hidden"))
        case "i am not safe":
            return request, (crisis_card(request),)
        case _:
            return request, (status_card(request, facts),)


def _forget_now(request: Request, event: Opened, facts: Facts) -> Decision[Request]:
    closed, effects = close_now(request, facts, closer=event.by)
    to_others = tuple(effect for effect in effects if isinstance(effect, Tell) or effect.to != event.by)
    gone = support_flow.wait(closed, forget=facts.now + AT_ONCE)
    return gone, (*to_others, *clear(event.by), _say(event.by, "door-forgotten", WELCOME))


AT_ONCE = timedelta(minutes=1)  # long enough to take our cards away; the platform is not waited for


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
            return clinician_card(request)
        case _:
            return resting_card(request)


def crisis_card(request: Request) -> Say:
    """Shown only to the writer. Nothing is labelled, stored or told to anyone."""
    choices = ("keep-asking", "stop-asking")
    return Say(request.clinician, "crisis", "crisis", choices)


@support_flow.on(DETAILS, ASKING, CHOSEN, TOGETHER, choice="keep-asking")
def carry_on(request: Request, event: Chose, facts: Facts) -> Decision[Request]:
    kept = Say(event.by, "crisis-keep-asking", "crisis", manner="progress")
    return request, (kept,)
