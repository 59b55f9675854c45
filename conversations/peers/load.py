"""How much one peer carries: what requests tell them, kept no longer than fairness needs it."""

from __future__ import annotations

from conversations import slots
from conversations.flow import Decision
from conversations.messages import Accompanies, CameBy, Freed, Helped, OfferMade
from conversations.model import Elapsed, Facts, Message, Peer, Post, change
from conversations.peers.record import READY, WEEK, PeerRecord, flow
from conversations.vocabulary import CardKind, Timer


def was_asked(record: PeerRecord, event: OfferMade, facts: Facts) -> Decision[PeerRecord]:
    """Count an offer towards this week's."""
    return _tidied(record, change(record.peer, asked=(*record.peer.asked, facts.now)), facts), ()


def accompanies(record: PeerRecord, event: Accompanies, facts: Facts) -> Decision[PeerRecord]:
    """Count an open request."""
    return change(record, peer=change(record.peer, holding=(*record.peer.holding, event.request))), ()


def freed(record: PeerRecord, event: Freed, facts: Facts) -> Decision[PeerRecord]:
    """Count one open request less."""
    return change(record, peer=_without(record.peer, event.request)), ()


def rests_after_helping(record: PeerRecord, event: Helped, facts: Facts) -> Decision[PeerRecord]:
    """Count one open request less, and ask nothing for a while."""
    rested = change(_without(record.peer, event.request), resting_until=facts.now + facts.programme.rest)
    return _tidied(record, rested, facts), ()


def came_by(record: PeerRecord, event: CameBy, facts: Facts) -> Decision[PeerRecord]:
    """A peer who is worried and walks with nobody any more reads whom to phone; else the cards of the walk say so."""
    if record.peer.holding or not event.worried or facts.programme.on_call is None:
        return record, ()
    return record, (Post(Message(record.peer.person, CardKind.VOLUNTEER_WORRIED, slots.WORRIED)),)


def tidy(record: PeerRecord, event: Elapsed, facts: Facts) -> Decision[PeerRecord]:
    """Drop what fairness no longer needs."""
    return _tidied(record, record.peer, facts), ()


def _tidied(record: PeerRecord, peer: Peer, facts: Facts) -> PeerRecord:
    """Keep a week of offers and no more, so that the roster does not remember who helped when."""
    asked = tuple(at for at in peer.asked if at > facts.now - WEEK)
    rest = peer.resting_until if peer.resting_until and peer.resting_until > facts.now else None
    ends = [*(at + WEEK for at in asked[:1]), *((rest,) if rest else ())]
    tidied = change(record, peer=change(peer, asked=asked, resting_until=rest))
    return flow.wait(tidied, {Timer.TIDY: min(ends, default=None)}) if record.stage == READY else tidied


def _without(peer: Peer, request: str) -> Peer:
    return change(peer, holding=tuple(held for held in peer.holding if held != request))
