"""What a coordinator may ask for at the front door: how many wait, and how the peers stand. No card names who asked.

The queue counts by the hour, so that who looks at it often does not see the moment at which somebody asks.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Final

from conversations import slots
from conversations.messages import QueueAsked
from conversations.model import Effect, Facts, KnownTo, Message, Opened, Peer, Respond, Tell
from conversations.vocabulary import CardKind, Kind, Word

WORDS: Final = frozenset((Word.QUEUE, Word.PEERS))
ENDS_SOON: Final = timedelta(days=60)
LISTED: Final = 10
"""How many names stand in one list of a card."""

BANDS: Final = {"up-to-1": timedelta(hours=1), "up-to-4": timedelta(hours=4), "up-to-24": timedelta(hours=24)}
"""How long people have waited, as the queue counts them; who waits for longer is counted together."""


def asks_for_the_queue(event: object, facts: Facts) -> bool:
    """Whether this is a coordinator who wants to know how many wait."""
    return isinstance(event, Opened) and event.word == Word.QUEUE and is_coordinator(event, facts)


def is_coordinator(event: Opened, facts: Facts) -> bool:
    """Whether they are one now: a role that was taken away ends with the next word."""
    return event.by in facts.programme.coordinators


def answer(event: Opened, facts: Facts) -> tuple[Effect, ...]:
    """The card that a coordinator asked for; after the queue come the requests that they can do something about."""
    if event.word == Word.PEERS:
        return (Respond(peers_card(event, facts)),)
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
    people = {
        f"{name}-names-{n}": peer.person for name, some in (("soon", soon), ("over", over)) for n, peer in _first(some)
    }
    return Message(event.by, CardKind.COORDINATOR_PEERS, slots.DOOR, details=details, people=people)


def _ends(peer: Peer) -> date:
    return peer.trained_until or date.min


def _first(peers: Iterable[Peer]) -> list[tuple[int, Peer]]:
    return list(enumerate(sorted(peers, key=lambda peer: (_ends(peer), peer.person))[:LISTED]))


def waiting_since(moments: Iterable[datetime | None]) -> tuple[datetime, ...]:
    """Since when people wait, oldest first."""
    return tuple(sorted(moment for moment in moments if moment is not None))
