"""Have the two talked? The peer is asked first, then the clinician; others only when she says so, or both are silent.

A line or a press of the peer is an answer at any point. Nothing that is not known is claimed: a peer who does not
answer the bot may have called long ago.
"""

from __future__ import annotations

from conversations import hours, slots
from conversations.flow import Decision
from conversations.model import Chose, Elapsed, Facts, Message, Post, Update, Withdraw, change
from conversations.support.request import (
    Contact,
    Request,
    awake,
    between_reminders,
    flow,
    is_unread,
    time_for_the_peer,
    time_to_answer,
    when_to_ask_the_peer,
    zone_of_peer,
)
from conversations.support.together.cards import about_them
from conversations.support.together.parting import look_again
from conversations.vocabulary import CardKind, Choice, Timer


def nobody_has_said(request: Request, event: Elapsed, facts: Facts) -> Decision[Request]:
    """The time for a sign that they talked is over: ask the peer, then the clinician, then other peers.

    The clinician is asked however late the peer's question is shown: it takes nothing from anyone, and she may be
    waiting. Where it is *soon* and the peer has their night, she is asked first, and the peer in the morning. No one is
    called silent before both could read what they were asked.
    """
    if request.contact.asked and request.reminded:
        if _could_not_answer(request, facts):
            return flow.wait(request, {Timer.TALKED: time_to_answer(request, facts)}), ()
        return look_again(request, facts, CardKind.PEER_SILENT, CardKind.SUPPORT_LOOKING_ON)
    if request.reminded:
        return _ask_the_clinician(request, facts)
    morning = hours.waking(facts.now, zone_of_peer(request, facts), facts.programme.quiet)
    if request.urgency != "soon" or morning == facts.now:
        return _ask_the_peer(request, facts)
    if request.contact.asked or request.contact.waited:
        return flow.wait(request, {Timer.TALKED: morning}), ()
    return _ask_the_clinician(request, facts)


def _could_not_answer(request: Request, facts: Facts) -> bool:
    """Whether no platform has shown one of the two what they were asked, or the peer whom they walk with."""
    assert request.peer is not None
    asked = (request.clinician, slots.CONNECTED), (request.peer, slots.TALKED), (request.peer, slots.OFFER)
    return is_unread(facts, between_reminders(request, facts), *asked)


def _ask_the_peer(request: Request, facts: Facts) -> Decision[Request]:
    choices = (Choice.TALKED, Choice.NOT_YET, Choice.HAND_BACK)
    question = about_them(request, CardKind.PEER_TALKED, CardKind.PEER_TALKED_NAMED, slots.TALKED, choices)
    readable = hours.waking(facts.now, zone_of_peer(request, facts), facts.programme.quiet)
    asked = flow.wait(change(request, reminded=True), {Timer.TALKED: time_for_the_peer(request, facts, readable)})
    return asked, (Post(change(question, considerate=True)),)


def _ask_the_clinician(request: Request, facts: Facts) -> Decision[Request]:
    """Ask her before anyone else is asked, in her waking hours unless it is *soon*."""
    decent = awake(request, facts.now, facts)
    if request.urgency != "soon" and decent > facts.now:
        return flow.wait(request, {Timer.TALKED: decent}), ()
    asked = change(request, contact=change(request.contact, asked=True))
    waiting = flow.wait(asked, {Timer.TALKED: time_to_answer(request, facts)})
    return waiting, (Post(_question(request)),)


def _question(request: Request) -> Message:
    unanswered = request.contact.wrote_last == "clinician"
    card = CardKind.SUPPORT_UNANSWERED if unanswered else CardKind.SUPPORT_CONNECTED
    answers = (Choice.KEEP_WAITING,) if unanswered else (Choice.CONNECTED, Choice.NOT_CONNECTED)
    choices = (*answers, Choice.SOMEONE_ELSE)
    return Message(request.clinician, card, slots.CONNECTED, choices, considerate=request.urgency != "soon")


# ---------------------------------------------------------------- what the peer answers


def they_talked(request: Request, event: Chose, facts: Facts) -> Decision[Request]:
    """The two have talked: neither is asked again."""
    thanks = Message(event.by, CardKind.PEER_THANKS, slots.TALKED)
    return flow.wait(request, {Timer.TALKED: None}), (Update(thanks),)


def they_will(request: Request, event: Chose, facts: Facts) -> Decision[Request]:
    """The two have not talked yet: the peer is asked once more, later."""
    not_yet = Message(event.by, CardKind.PEER_NOT_YET, slots.TALKED)
    again = {Timer.TALKED: when_to_ask_the_peer(request, facts)}
    return flow.wait(change(request, reminded=False), again), (Update(not_yet),)


def peer_wrote(request: Request) -> Request:
    """A line of the peer is their answer."""
    return flow.wait(change(request, contact=Contact(wrote_last="peer", peer_wrote=True)), {Timer.TALKED: None})


def clinician_wrote(request: Request, facts: Facts) -> Request:
    """A line of hers puts nothing off. Where the peer answered by a line before, we wait for the next one.

    If none comes for as long as it takes to ask the peer and then her, she is asked whether to go on waiting.
    """
    peer_wrote_before = request.contact.wrote_last == "peer" and Timer.TALKED not in request.deadlines
    wrote = change(request, contact=change(request.contact, wrote_last="clinician"))
    if not peer_wrote_before:
        return wrote
    double = facts.now + 2 * between_reminders(request, facts)
    return flow.wait(change(wrote, reminded=True), {Timer.TALKED: double})


# ---------------------------------------------------------------- what the clinician answers


def they_connected(request: Request, event: Chose, facts: Facts) -> Decision[Request]:
    """The clinician says that they have connected: neither is asked again."""
    glad = Message(event.by, CardKind.SUPPORT_CONNECTED_YES, slots.CONNECTED)
    assert request.peer is not None
    settled = Withdraw(Message(request.peer, CardKind.PEER_THANKS, slots.TALKED))
    done = change(request, reminded=False, contact=change(request.contact, asked=False))
    return flow.wait(done, {Timer.TALKED: None}), (Update(glad), settled)


def wait_on(request: Request, event: Chose, facts: Facts) -> Decision[Request]:
    """The clinician would rather wait: they are asked once more, and after that it is up to them."""
    once_more = not request.contact.waited
    again = facts.now + between_reminders(request, facts) if once_more else None
    waiting = change(request, contact=change(request.contact, asked=False, waited=True))
    details = {"again": "yes" if once_more else "no"}
    card = Message(event.by, CardKind.SUPPORT_WAITING_ON, slots.CONNECTED, (Choice.SOMEONE_ELSE,), details=details)
    return flow.wait(waiting, {Timer.TALKED: again}), (Update(card),)
