"""*data* shows a clinician her own values and only names the rest; *hide* leaves nothing that says it hid."""

from __future__ import annotations

from datetime import timedelta

import pytest

from conversations.immutable import replace
from conversations.model import Message, Opened, Respond, Show
from conversations.support.details import data_card
from conversations.support.request import Request, Wishes
from conversations.vocabulary import CardKind, Kind, Word
from tests.conversations.explore import ANA, BO, DI, DOORSTEP, MONDAY, SUPPORT, WORLDS, tried

FACTS = WORLDS["everybody is there"]

SHOWN = {
    *("stage", "deadlines", "urgency", "wishes", "counted_from", "check_ins", "postponed", "kept_until"),
}
THE_COLLEAGUES_WE_ASKED_AND_WHAT_THEY_ANSWERED = {
    *("searching_since", "wave", "offers", "asked", "passed", "told", "late", "peer", "alias", "seed", "aliases"),
    *(
        "clinician_named",
        "peer_named",
        "met",
        "worried",
        "calls",
        "lines",
        "reminded",
        "contact",
        "meeting",
        "finished",
        "parted",
    ),
    "outcome",
}
WHO_SHE_IS_HERE = {"id", "clinician", "zone", "choosing", "checked_in", "touched"}  # and when she last acted

OTHERWISE = {
    "about": "worn-out",
    "how": "call",
    "who": ("same-role",),
    "language": "es",
    "gender": "woman",
    "role": "nurse",
    "department": "wards",
    "leave_out": (DI,),
    "names": ("Weber",),
    "when": "break",
    "nights": True,
}


def test_every_field_is_shown_or_named_by_its_kind():
    """A field that is missing here belongs into one of the sets, and on the card if it is the clinician's own."""
    kinds = SHOWN, THE_COLLEAGUES_WE_ASKED_AND_WHAT_THEY_ANSWERED, WHO_SHE_IS_HERE
    assert set().union(*kinds) == set(Request.__struct_fields__)
    assert set(Wishes.__struct_fields__) - {"check_in", "nights_until"} == OTHERWISE.keys()


def request() -> Request:
    return next(step.after for step in tried(Kind.REQUEST) if step.after.stage == "asking")


@pytest.mark.parametrize("name", OTHERWISE)
def test_whatever_she_ticked_is_on_her_card(name: str):
    plain = replace(request(), wishes=Wishes())
    ticked = replace(plain, wishes=replace(Wishes(), **{name: OTHERWISE[name]}))
    assert data_card(plain, FACTS) != data_card(ticked, FACTS)


@pytest.mark.parametrize("timer", ["check-in", "close"])
def test_the_dates_are_those_that_hold(timer: str):
    before = request()
    later = {each: at + timedelta(days=2 * (each == timer)) for each, at in before.deadlines.items()}
    assert data_card(before, FACTS) != data_card(replace(before, deadlines=later), FACTS)


def test_the_card_shows_nobody_she_did_not_pick_and_nothing_of_what_they_answered():
    seen = 0
    for step in tried(Kind.REQUEST):
        if isinstance(step.event, Opened) and step.event.word == Word.DATA:
            cards = [effect.message for effect in step.effects if isinstance(effect, Show)]
            mine = [card for card in cards if card.card == CardKind.DATA_REQUEST]
            assert all(set(card.people.values()) <= set(step.before.wishes.leave_out) for card in mine)
            assert all(card.meet is None and card.to == step.before.clinician for card in mine)
            seen += len(mine)
            others = {"offers": (), "asked": (BO,), "passed": (BO, DI), "told": (), "late": not step.before.late}
            assert [data_card(replace(step.before, **others), step.facts)] * len(mine) == mine
    assert seen > 10


def test_it_is_said_in_reply_and_only_to_her():
    there = request()
    after, effects = SUPPORT.decide(there, Opened(ANA, Word.DATA), FACTS)
    assert (after, [type(effect) for effect in effects]) == (there, [Respond])
    assert SUPPORT.decide(there, Opened(BO, Word.DATA), FACTS) == (there, ())


def test_hiding_is_answered_like_coming_by():
    for step in tried(Kind.FRONT_DOOR):
        if isinstance(step.event, Opened) and step.event.word == Word.HIDE:
            fresh = replace(step.before, request="", closed=())
            _, effects = DOORSTEP.decide(fresh, replace(step.event, word=Word.HELP), step.facts)
            assert said(step.effects) == said(effects), step.event.how
    for how in ("typed", "pressed", "command"):
        _, effects = SUPPORT.decide(request(), Opened(ANA, Word.HIDE, how), replace(FACTS, now=MONDAY))
        assert said(effects) == []


def said(effects: tuple[object, ...]) -> list[Message]:
    return [effect.message for effect in effects if isinstance(effect, Show)]
