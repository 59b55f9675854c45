"""How much one peer carries: what requests tell them, kept no longer than fairness needs it."""

from __future__ import annotations

from datetime import datetime

from conversations import slots
from conversations.flow import Decision
from conversations.messages import Accompanies, CameBy, Freed, Helped, IsReady, OfferMade, WasWorried
from conversations.model import Chose, Elapsed, Facts, Message, Peer, Post, change
from conversations.options import LONG_REST
from conversations.peers.record import READY, WEEK, PeerRecord, flow, in_place, ready_card
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
    """Count one open request less, and ask nothing for a while; for longer after what was hard to hear."""
    usual = facts.programme.rest
    rest = max(usual, LONG_REST) if event.was_hard else usual
    return _resting(record, _without(record.peer, event.request), facts.now + rest, facts), ()


def rests_after_worrying(record: PeerRecord, event: WasWorried, facts: Facts) -> Decision[PeerRecord]:
    """Ask nothing new for a long while; whom they walk with, they walk with."""
    return _resting(record, record.peer, facts.now + max(facts.programme.rest, LONG_REST), facts), ()


def _resting(record: PeerRecord, peer: Peer, until: datetime, facts: Facts) -> PeerRecord:
    """A rest is never made shorter but by the peer."""
    return _tidied(record, change(peer, resting_until=max(until, peer.resting_until or until)), facts)


def is_ready(record: PeerRecord, event: Chose | IsReady, facts: Facts) -> Decision[PeerRecord]:
    """They may be asked again before their rest is over; only they can say so."""
    rested = _tidied(record, change(record.peer, resting_until=None), facts)
    return rested, (in_place(ready_card(rested)),) if isinstance(event, Chose) else ()


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
