"""One person with an account on two platforms: a peer on one is never offered their own request from the other.

A peer makes a code where they are a peer, and enters it where they also are. So only they themselves can link the two.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final

from conversations import slots
from conversations.flow import Decision
from conversations.messages import KnownElsewhere
from conversations.model import Chose, Code, Elapsed, Facts, Message, Person, Post, Question, Refresh, Tell, change
from conversations.peers.record import PeerRecord, flow, ready_card, standing
from conversations.vocabulary import CardKind, Choice, Kind, Timer

COUNTS_FOR: Final = timedelta(minutes=10)
DIGITS: Final = 8


def make_code(record: PeerRecord, facts: Facts) -> Decision[PeerRecord]:
    """Make a code; a new one replaces the last."""
    made = flow.wait(change(record, code=facts.fresh[-DIGITS:]), {Timer.CODE: facts.now + COUNTS_FOR})
    shown = f"{made.code[: DIGITS // 2]}-{made.code[DIGITS // 2 :]}".upper()
    return made, (Post(standing(made, CardKind.VOLUNTEER_CODE, Choice.NOT_NOW, code=shown)),)


def code_expires(record: PeerRecord, event: Elapsed, facts: Facts) -> Decision[PeerRecord]:
    """The code counts no more."""
    over = change(record, code="")
    return over, (Refresh(ready_card(over)),)


def known_elsewhere(record: PeerRecord, event: KnownElsewhere, facts: Facts) -> Decision[PeerRecord]:
    """The person who entered the code is this peer, too. A code works once."""
    if not record.code or not event.who.is_apart_from(record.peer.person):
        return record, ()
    also = tuple(dict.fromkeys((*record.peer.also, event.who)))
    linked = flow.wait(change(record, code="", peer=change(record.peer, also=also)), {Timer.CODE: None})
    return linked, (Post(change(ready_card(linked), card=CardKind.VOLUNTEER_LINKED, details={}, times={})),)


def form(to: Person) -> Message:
    """The form in which a code is entered."""
    return Message(to, CardKind.LINK_FORM, slots.LINK, (Choice.LINK_ME,), (Question("code", "text"),))


def entered(event: Chose) -> tuple[Tell, ...]:
    """The message to the peer who made the code that was entered, if it could be one."""
    given = event.answers.get("code", "")
    code = re.sub(r"[^0-9a-f]", "", given.casefold()) if isinstance(given, str) else ""
    return (Tell(Kind.PEER, Code(code), KnownElsewhere(event.by)),) if len(code) == DIGITS else ()
