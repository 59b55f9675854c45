"""Somebody with an account on two platforms: a peer on one is never offered their own request from the other.

A peer makes a code where they are a peer, and says it where they also are. So only they themselves can link the two.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

from conversations.flow import Decision
from conversations.model import Chose, Code, Elapsed, Facts, Person, Question, Say, Tell, Told
from conversations.volunteering import READY, Volunteer, flow, ready_card, say

COUNTS_FOR = timedelta(minutes=10)
DIGITS = 8

FORM = "link"


def make_code(talk: Volunteer, facts: Facts) -> Decision[Volunteer]:
    """A new one replaces the last."""
    made = flow.wait(replace(talk, code=facts.fresh[-DIGITS:]), code=facts.now + COUNTS_FOR)
    shown = f"{made.code[: DIGITS // 2]}-{made.code[DIGITS // 2 :]}".upper()
    return made, (say(made, "volunteer-code", "not-now", code=shown),)


@flow.after(READY, timer="code")
def the_code_is_over(talk: Volunteer, event: Elapsed, facts: Facts) -> Decision[Volunteer]:
    over = replace(talk, code="")
    return over, (replace(ready_card(over), manner="refresh"),)


@flow.told(READY, what="also")
def known_elsewhere(talk: Volunteer, event: Told, facts: Facts) -> Decision[Volunteer]:
    """Whoever said the code is this volunteer, too. A code counts once."""
    if not talk.code or not event.who.is_apart_from(talk.peer.person):
        return talk, ()
    also = tuple(dict.fromkeys((*talk.peer.also, event.who)))
    linked = flow.wait(replace(talk, code="", peer=replace(talk.peer, also=also)), code=None)
    return linked, (replace(ready_card(linked), text="volunteer-linked", details={}, times={}),)


def form(to: Person) -> Say:
    """Where the code is said."""
    return Say(to, "link-form", FORM, ("link-me",), (Question("code", "text"),), manner="form")


def said(event: Chose) -> tuple[Tell, ...]:
    """The word to whoever made that code, if anybody did."""
    given = event.answers.get("code", "")
    code = re.sub(r"[^0-9a-f]", "", given.casefold()) if isinstance(given, str) else ""
    return (Tell("volunteering", Code(code), Told("also", event.by)),) if len(code) == DIGITS else ()
