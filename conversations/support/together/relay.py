"""Writing through the bot, and showing one's name: the two stay unnamed to each other until one of them taps.

A relay line is shown to the other one and is kept nowhere once it is delivered.
"""

from __future__ import annotations

from typing import Final

from conversations import slots
from conversations.flow import Decision
from conversations.messages import TakenAwayUnread
from conversations.model import (
    Chose,
    Effect,
    Erase,
    Facts,
    Message,
    Opened,
    OpenForm,
    Person,
    Post,
    Question,
    Tell,
    Update,
    change,
)
from conversations.support.crisis import crisis_card
from conversations.support.request import CLOSED, TOGETHER, Request, code_name
from conversations.support.together.cards import cards
from conversations.support.together.connection import clinician_wrote, peer_wrote
from conversations.vocabulary import CardKind, Choice, Kind, Word

LONGEST_LINE = 2000  # characters

LINE = (Question("line", "text"),)

LINES: Final = frozenset((CardKind.RELAY_LINE, CardKind.RELAY_LINE_OF_PEER, CardKind.RELAY_LINE_NAMED))
"""What a relay line is shown as."""


def open_the_pen(request: Request, event: Chose, facts: Facts) -> Decision[Request]:
    """Open the form in which one of the two writes to the other."""
    form = Message(event.by, CardKind.RELAY_FORM, slots.pen(request.alias), (Choice.SEND,), LINE)
    return request, (OpenForm(form),)


def pass_it_on(request: Request, event: Chose, facts: Facts) -> Decision[Request]:
    """The line goes to the other one and nowhere else; the writer reads only that it was passed on."""
    line = event.answers.get("line", "")
    writes_now = request.peer is not None and event.by in (request.clinician, request.peer)
    if event.slot != slots.pen(request.alias) or not writes_now or request.peer is None:
        return not_passed_on(request, event, facts)
    if not isinstance(line, str) or not line.strip():
        return open_the_pen(request, event, facts)  # a form is sent once: this one is over, so here is another
    by_peer = event.by == request.peer
    other = request.clinician if by_peer else request.peer
    numbered = change(request, lines=request.lines + 1)
    words = _line_card(request, event.by, other, line.strip()[:LONGEST_LINE])
    said = change(words, slot=slots.line(numbered.lines), choices=(Choice.WRITE,))
    sent = Message(event.by, CardKind.RELAY_SENT, slots.SENT, (Choice.WRITE,))
    heard = peer_wrote(numbered) if by_peer else clinician_wrote(numbered, facts)
    answered = (Erase(request.clinician, slots.CONNECTED),) if by_peer else ()
    return heard, (*answered, Post(said), Post(sent), *_if_unsafe(request, event, facts, sent="yes"))


def _if_unsafe(request: Request, event: Chose, facts: Facts, *, sent: str) -> tuple[Effect, ...]:
    """Words of danger show their writer whom to call, whether or not the line was sent; the other one is told nothing.

    What a clinician writes whose request is closed is answered at the front door, where a newer one is known.
    """
    line = event.answers.get("line", "")
    if not isinstance(line, str) or not facts.programme.listener.hears(line):
        return ()
    if event.by == request.clinician:
        door = Tell(Kind.FRONT_DOOR, event.by, Opened(event.by, Word.NOT_SAFE))
        return (door,) if request.stage == CLOSED else (Post(crisis_card(request)),)
    worried = (Choice.WORRIED,) if facts.programme.on_call else ()
    return (Post(Message(event.by, CardKind.PEER_UNSAFE, slots.CRISIS, worried, details={"sent": sent})),)


def _line_card(request: Request, writer: Person, reader: Person, line: str) -> Message:
    """The line, under the name the reader knows its writer by.

    The clinician's carries the crisis line. The peer's does not: their guide beside it has the numbers and *I'm
    worried*, and under each of her lines a number would say something of her.
    """
    mine = writer == request.clinician
    if request.clinician_named if mine else request.peer_named:
        details = {} if mine else {"to-clinician": "yes"}
        named = Message(reader, CardKind.RELAY_LINE_NAMED, slots.line(0), quote=line, people={"writer": writer})
        return change(named, details=details)
    card, by = (CardKind.RELAY_LINE, "alias") if mine else (CardKind.RELAY_LINE_OF_PEER, "peer-alias")
    return Message(reader, card, slots.line(0), quote=line, details={by: code_name(request, request.alias)})


def not_passed_on(request: Request, event: Chose, facts: Facts) -> Decision[Request]:
    """The two parted while this was being written: the writer reads so, and nothing of it is kept.

    The line that says so where the form stood is taken away: once is enough.
    """
    said = Post(Message(event.by, CardKind.RELAY_NOT_PASSED_ON, slots.SENT))
    stood = Erase(event.by, slots.Slot(event.slot))
    return request, (stood, said, *_if_unsafe(request, event, facts, sent="no"))


def share_my_name(request: Request, event: Chose, facts: Facts) -> Decision[Request]:
    """One of the two reveals themselves to the other."""
    mine = event.by == request.clinician
    shared = change(
        request,
        clinician_named=request.clinician_named or mine,
        peer_named=request.peer_named or not mine,
    )
    own, others = cards(shared, facts) if mine else reversed(cards(shared, facts))
    return shared, (Post(others), Update(own))


# ---------------------------------------------------------------- what could not be delivered


def line_got_lost(request: Request, event: TakenAwayUnread, facts: Facts) -> Decision[Request]:
    """The two parted before a line was shown: its writer reads so."""
    return request, undelivered(request, event.to, event.card)


def undelivered(request: Request, reader: Person, card: str) -> tuple[Post, ...]:
    """The writer of a line that could not be delivered reads so.

    Args:
        request: The request, together or just parted.
        reader: Who did not read it.
        card: What it was; anything but a line says nothing to anyone.
    """
    if card not in LINES:
        return ()
    writer = _peer_who_wrote(request) if reader == request.clinician else request.clinician
    return (Post(Message(writer, CardKind.RELAY_UNDELIVERED, slots.SENT)),) if writer is not None else ()


def _peer_who_wrote(request: Request) -> Person | None:
    """The peer of now, or the one who parted last."""
    if request.stage == TOGETHER or request.peer is not None:
        return request.peer
    return request.parted
