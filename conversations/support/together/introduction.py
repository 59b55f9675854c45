"""Bringing two people together: by name with no bot in the room, or unnamed with the bot between them.

A clinician's name moves only by their own tap; a peer's by theirs, or when a clinician chooses to meet by name.
"""

from __future__ import annotations

from conversations.flow import Decision
from conversations.model import Chose, Facts, Post, Update, change
from conversations.support.choosing import chosen_card
from conversations.support.crisis import crisis_kept_true
from conversations.support.request import TOGETHER, Contact, Request, flow, lasting, when_to_ask_the_peer
from conversations.support.together.cards import cards, guide_card, lawsuit_cards
from conversations.vocabulary import Timer


def introduce(request: Request, event: Chose, facts: Facts) -> Decision[Request]:
    """Each gets the other's name and a direct link; from here they need no bot."""
    return bring_together(change(request, clinician_named=True, peer_named=True), facts)


def let_them_write(request: Request, event: Chose, facts: Facts) -> Decision[Request]:
    """The clinician stays unnamed; a peer who let their name be shown is known by it already."""
    if not facts.programme.relay:
        return request, (Post(chosen_card(request, facts)),)
    shown = any(peer.visible for peer in facts.peers if peer.person == request.peer)
    return bring_together(change(request, peer_named=shown), facts)


def bring_together(request: Request, facts: Facts) -> Decision[Request]:
    """The two talk from now on: check-ins count from here, and the peer is reminded if no word comes."""
    met = change(_check_ins_from_now(request, facts), reminded=False, contact=Contact())
    deadlines = {Timer.TALKED: when_to_ask_the_peer(met, facts), **lasting(met, facts)}
    there = flow.move(met, TOGETHER, deadlines)
    own, others = cards(there, facts)
    guide = Update(guide_card(there, facts))
    return there, (Post(own), Post(others), guide, *lawsuit_cards(there), crisis_kept_true(there))


def _check_ins_from_now(request: Request, facts: Facts) -> Request:
    """Check-ins count from being together; a second peer does not restart them."""
    if request.met or request.checked_in or not request.wishes.check_in:
        return change(request, met=True)
    check_ins = tuple(facts.now + after for after in facts.programme.check_ins)
    return change(request, met=True, check_ins=check_ins, counted_from=facts.now)
