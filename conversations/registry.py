"""Every kind of conversation, and what the engine has to know of each. The engine knows none of them by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Any, Final, Generic, TypeVar

import conversations.front_door.table
import conversations.peers.table
import conversations.support.table  # noqa: F401  each fills its table
from conversations.flow import Conversation, Flow
from conversations.front_door import coming_in, doorstep
from conversations.front_door.doorstep import Doorstep
from conversations.matching import whose_names
from conversations.model import Chose, Event, Facts, Peer, Person, Tell
from conversations.numbers import Outcome
from conversations.peers import coordinator
from conversations.peers import record as peers
from conversations.peers.record import PeerRecord
from conversations.support import request as support
from conversations.support.request import ASKING, OPEN, Request
from conversations.vocabulary import CardKind, Kind, Word

C = TypeVar("C", bound=Conversation)


class Index(StrEnum):
    """Indexes by keyed hash under which records are found."""

    PEER = "peer"  # requests that ask this peer, or that they accompany
    TOLD = "told"  # requests of which this coordinator or on-call person was told that someone is waiting
    CODE = "code"  # the peer who made this code
    SEARCHING = "searching"  # requests that wait to hear of a change in the roster; under the one word ANY
    KNOWN = "known"  # what this person knows of, though none of the above finds it: a card stands in their chat, or did


ANY: Final = "any"
"""The one word of an index that only lists."""


class Need(StrEnum):
    """What the facts of a decision must hold beyond the time and the programme."""

    ROSTER = "roster"  # every peer
    KNOWN_IN = "known-in"  # the ids of the requests that know this peer


@dataclass(frozen=True, slots=True)
class Preferences:
    """What a record knows of how a person reads: their time zone, and whether a lock screen may say more."""

    zone: str = ""
    plain_push: bool = False


@dataclass(frozen=True, slots=True)
class Entry(Generic[C]):
    """One kind of conversation, as the engine needs to know it.

    Args:
        flow: How it decides.
        record: The class of its record.
        title: What people call it, as the title of its drawing; empty for a kind that is not drawn.
        needs: What its facts must hold beyond the time and the programme.
        is_home: Whether each person has one record of this kind, in which the engine keeps where they are reached.
        person: Whom it is about.
        whose_names: Whose names in a directory the facts of this decision must hold.
        keys: What it is found by: people and words for each index.
        counts_the_waiting: Whether the facts of this decision must hold since when people wait for a peer.
        reads_the_years: Whether the facts of this decision must hold what may be said of the years that are over.
        links: The ids of other records that belong to its person.
        preferences: How this reader reads, as far as the record knows.
        on_nights: Whether this reader works nights at a moment, so that their quiet hours are by day.
        open_stages: The stages in which it goes on, as a backup's summary counts them.
        counted: Cards whose readers another person's card counts, so that who would not read one is found out first.
    """

    flow: Flow[C]
    record: type[C]
    title: str = ""
    needs: frozenset[Need] = frozenset()
    is_home: bool = False
    person: Callable[[C], Person | None] = lambda _: None
    whose_names: Callable[[C, Event, Facts], frozenset[Person]] = lambda *_: frozenset()
    keys: Callable[[C], Mapping[Index, tuple[Person | str, ...]]] = lambda _: {}
    counts_the_waiting: Callable[[Event, Facts], bool] = lambda *_: False
    reads_the_years: Callable[[Event, Facts], bool] = lambda *_: False
    links: Callable[[C], tuple[str, ...]] = lambda _: ()
    preferences: Callable[[C, Person], Preferences] = lambda *_: Preferences()
    on_nights: Callable[[C, Person, datetime], bool] = lambda *_: False
    open_stages: tuple[str, ...] = ()
    counted: frozenset[CardKind] = frozenset()


def _people_of(request: Request) -> Mapping[Index, tuple[Person | str, ...]]:
    holder = (request.peer,) if request.peer else ()
    told = request.told if request.stage == ASKING else ()
    over = (*(finished.peer for finished in request.finished), *((request.parted,) if request.parted else ()))
    known = tuple(who for who in dict.fromkeys(over) if who != request.peer)
    return {
        Index.PEER: (*holder, *(offer.peer for offer in request.offers)),
        Index.TOLD: told,
        Index.SEARCHING: (ANY,) if request.stage == ASKING and request.late else (),
        Index.KNOWN: known,
    }


def _code_of(record: PeerRecord) -> Mapping[Index, tuple[Person | str, ...]]:
    return {Index.CODE: (record.code,)} if record.code else {}


def _preferences_of_clinician(request: Request, reader: Person) -> Preferences:
    return Preferences(zone=request.zone) if reader == request.clinician else Preferences()


def _preferences_of_peer(record: PeerRecord, reader: Person) -> Preferences:
    peer = record.peer
    return Preferences(peer.zone, peer.plain_push) if reader == peer.person else Preferences()


REQUESTS: Final = Entry(
    support.flow,
    Request,
    title="Asking for support",
    needs=frozenset((Need.ROSTER,)),
    person=lambda request: request.clinician,
    whose_names=whose_names,
    keys=_people_of,
    preferences=_preferences_of_clinician,
    on_nights=lambda request, reader, at: reader == request.clinician and support.on_nights(request, at),
    open_stages=OPEN,
    counted=frozenset((CardKind.PEER_OFFER, CardKind.COORDINATOR_WAITING)),
)
PEERS: Final = Entry(
    peers.flow,
    PeerRecord,
    title="Offering to be a peer",
    needs=frozenset((Need.KNOWN_IN,)),
    is_home=True,
    person=lambda record: record.peer.person,
    keys=_code_of,
    preferences=_preferences_of_peer,
)
VISITORS: Final = Entry(
    doorstep.flow,
    Doorstep,
    needs=frozenset((Need.ROSTER,)),
    is_home=True,
    person=lambda door: door.person,
    counts_the_waiting=partial(coordinator.asks_for, Word.QUEUE),
    reads_the_years=partial(coordinator.asks_for, Word.REPORT),
    links=Doorstep.requests,
)

ENTRIES: Final[Mapping[str, Entry[Any]]] = {entry.flow.kind: entry for entry in (REQUESTS, PEERS, VISITORS)}
"""Every kind by its name on disk."""

HOMES: Final = (Kind.FRONT_DOOR, Kind.PEER)
"""The kinds of which each person has one record; in this order it is asked where a person is reached."""

ENTRANCE: Final = Kind.FRONT_DOOR
"""The kind that answers whatever anyone types."""

QUEUE: Final = Kind.REQUEST
"""The kind of which some wait for a peer."""

ROSTER: Final = Kind.PEER
"""The kind whose records are the roster."""


def word_for(kind: str, conversation: Conversation, event: Chose, facts: Facts) -> Word | None:
    """The word that shows a person where this conversation stands.

    Args:
        kind: Of the conversation.
        conversation: As it stands.
        event: A choice of theirs, on a card that has left.
        facts: The world as it is.

    Returns:
        The word; None where they may not choose that now, and to others than the two of a request, or the peer.
    """
    row = ENTRIES[kind].flow.row(conversation.stage, event)
    if row is None or not row.may(conversation, event, facts):
        return None
    if isinstance(conversation, Request):
        return Word.STATUS if event.by in (conversation.clinician, conversation.peer) else None
    return Word.PEER if isinstance(conversation, PeerRecord) and conversation.peer.person == event.by else None


def signs_of_life(who: Person, facts: Facts) -> tuple[Tell, ...]:
    """What a press of this person tells others where nothing else comes of it; `facts` are those of `ENTRANCE`."""
    return coming_in.signs_of_life(who, facts)


def waiting_since(requests: Iterable[Request]) -> tuple[datetime, ...]:
    """Since when people wait for a peer, out of the records of `QUEUE`."""
    return coordinator.waiting_since(request.searching_since for request in requests if request.stage == ASKING)


def outcomes(requests: Iterable[Request]) -> Iterator[Outcome]:
    """What each closed request is counted by, out of the records of `QUEUE`.

    A request that was taken back before anyone was asked is not counted.
    """
    return (each.outcome for each in requests if each.outcome.closed_on and each.counted_from)


def roster(records: Iterable[PeerRecord]) -> tuple[Peer, ...]:
    """Everyone who may be a peer to someone, out of the records of `ROSTER`."""
    return peers.roster(records)
