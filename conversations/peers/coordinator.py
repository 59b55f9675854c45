"""What a coordinator may ask for at the front door: how many wait, and how the peers stand. No card names who asked.

The queue counts by the hour, so that who looks at it often does not see the moment at which a colleague asks.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Final

from conversations import slots
from conversations.messages import HowRemoved, PeerLeft, QueueAsked, Removed
from conversations.model import (
    Chose,
    Effect,
    Erase,
    Facts,
    KnownTo,
    Message,
    Opened,
    Peer,
    Person,
    Post,
    Question,
    Respond,
    Tell,
    Update,
    WalksWith,
)
from conversations.numbers import Year
from conversations.options import several
from conversations.peers import enrolment
from conversations.vocabulary import CardKind, Choice, Kind, Word

WORDS: Final = frozenset((Word.QUEUE, Word.PEERS, Word.REMOVE, Word.ENROL, Word.REPORT))
AT_ONCE: Final[HowRemoved] = "at-once"
ENDS_SOON: Final = timedelta(days=60)
LISTED: Final = 10
"""How many names stand in one list of a card."""

BANDS: Final = {"up-to-1": timedelta(hours=1), "up-to-4": timedelta(hours=4), "up-to-24": timedelta(hours=24)}
"""How long people have waited, as the queue counts them; who waits for longer is counted together."""


def asks_for(word: Word, event: object, facts: Facts) -> bool:
    """Whether this is a coordinator who typed this word of theirs."""
    return isinstance(event, Opened) and event.word == word and is_coordinator(event, facts)


def is_coordinator(event: Opened, facts: Facts) -> bool:
    """Whether they are one now: a role that was taken away ends with the next word."""
    return event.by in facts.programme.coordinators


def answer(event: Opened, facts: Facts) -> tuple[Effect, ...]:
    """The card that a coordinator asked for; after the queue come the requests that they can do something about."""
    match event.word:
        case Word.REMOVE:
            return (Post(remove_card(event.by)),)
        case Word.ENROL:
            return (Post(enrolment.enrol_card(event.by)),)
        case Word.PEERS:
            return (Respond(peers_card(event, facts)),)
        case Word.REPORT:
            return (Respond(report_card(event, facts)),)
        case _:
            return Respond(queue_card(event, facts)), Tell(Kind.REQUEST, KnownTo(event.by), QueueAsked(event.by))


def queue_card(event: Opened, facts: Facts) -> Message:
    """How many waited when this hour began, and for how long."""
    hour = facts.now.replace(minute=0, second=0, microsecond=0)
    waited = [hour - since for since in facts.waiting if since <= hour]
    details: dict[str, str | int] = {"total": len(waited), "longer": 0, **dict.fromkeys(BANDS, 0)}
    for each in waited:
        band = next((name for name, most in BANDS.items() if each <= most), "longer")
        details[band] = int(details[band]) + 1
    return Message(event.by, CardKind.COORDINATOR_QUEUE, slots.DOOR, details=details, times={"hour": hour})


def peers_card(event: Opened, facts: Facts) -> Message:
    """How many can be asked, and whose training ends. Who rests, and how much anyone carries, is for themselves."""
    today = facts.now.date()
    trained = [peer for peer in facts.peers if _ends(peer) >= today]
    soon = [peer for peer in trained if _ends(peer) <= today + ENDS_SOON]
    over = [peer for peer in facts.peers if _ends(peer) < today]
    details: dict[str, str | int] = {
        "ready": sum(not peer.paused for peer in trained),
        "paused": sum(peer.paused for peer in trained),
        "soon": len(soon),
        "over": len(over),
        "more": max(0, len(soon) - LISTED) + max(0, len(over) - LISTED),
    }
    people = _numbered("soon-names", soon) | _numbered("over-names", over)
    return Message(event.by, CardKind.COORDINATOR_PEERS, slots.DOOR, details=details, people=people)


def report_card(event: Opened, facts: Facts) -> Message:
    """The peers in numbers, and what may be said of the last year that is over."""
    year = facts.years[-1] if facts.years else None
    peers = peers_card(event, facts).details
    details = {
        "ready": peers["ready"],
        "paused": peers["paused"],
        "over": peers["over"],
        "least": facts.programme.small_cell,
        "year": str(year.year) if year else "none",
        "requests": year.requests if year and year.requests is not None else "few",
        "in-time": _share(year, year.in_time if year else None),
        "after-hours": _share(year, year.after_hours if year else None),
        "escalated": _share(year, year.escalated if year else None),
    }
    return Message(event.by, CardKind.COORDINATOR_REPORT, slots.DOOR, details=details)


def _share(year: Year | None, part: int | None) -> str:
    """A part of a year's requests in percent, where it is said."""
    return f"{part / year.requests:.0%}" if year and year.requests and part is not None else "not-said"


def _ends(peer: Peer) -> date:
    return peer.trained_until or date.min


def _numbered(name: str, peers: Iterable[Peer]) -> dict[str, Person]:
    """The first of a list, whose training ends first, as people of a card."""
    first = sorted(peers, key=lambda peer: (_ends(peer), peer.person))[:LISTED]
    return {f"{name}-{number}": peer.person for number, peer in enumerate(first)}


def remove_card(to: Person, *, again: bool = False) -> Message:
    """Who is to be asked no more; `again` where no one was picked. No reason is asked for, and none is kept."""
    questions = Question("whom", "people"), Question("safety", "several", (AT_ONCE,))
    choices, details = (Choice.REMOVE, Choice.NOT_NOW), {"again": "yes" if again else "no"}
    return Message(to, CardKind.COORDINATOR_REMOVE, slots.REMOVE, choices, questions, details)


def remove(event: Chose, facts: Facts) -> tuple[Effect, ...]:
    """Tell each who was picked, by each of their accounts. The answer is the same whether they were peers or not."""
    if event.by not in facts.programme.coordinators:
        return (Erase(event.by, slots.REMOVE),)
    given = event.answers.get("whom", ())
    picked = {who for who in given if isinstance(who, Person)}
    if not picked:
        return (Post(remove_card(event.by, again=True)),)
    accounts = {peer.person for peer in facts.peers if not picked.isdisjoint((peer.person, *peer.also))}
    at_once = AT_ONCE in several(event, "safety", (AT_ONCE,))
    told = [Tell(Kind.PEER, who, Removed(event.by, at_once=at_once)) for who in sorted(picked | accounts)]
    if at_once:
        told += _end_what_no_roster_knows(picked, facts)
    return *told, Update(Message(event.by, CardKind.COORDINATOR_REMOVED, slots.REMOVE))


def _end_what_no_roster_knows(picked: set[Person], facts: Facts) -> list[Tell]:
    """Who was removed before, or took a request as a coordinator, may walk with a colleague and is in no roster."""
    gone = picked - {peer.person for peer in facts.peers}
    return [Tell(Kind.REQUEST, WalksWith(who), PeerLeft(who, AT_ONCE)) for who in sorted(gone)]


def waiting_since(moments: Iterable[datetime | None]) -> tuple[datetime, ...]:
    """Since when people wait, oldest first."""
    return tuple(sorted(moment for moment in moments if moment is not None))
