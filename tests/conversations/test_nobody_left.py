"""When no offer is open and none can be made, the coordinator hears of it at the next step, never at the last "no"."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from conversations.immutable import replace
from conversations.messages import PeerLeft, RequestOpens
from conversations.model import Chose, Effect, Elapsed, Event, Facts, Message, Peer, Person, Programme, Show, Unreached
from conversations.registry import REQUESTS
from conversations.support.request import Request
from conversations.vocabulary import CardKind, Timer

SUPPORT = REQUESTS.flow
NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
ANA, BO, DANA = (Person("slack", "T1", name) for name in ("ana", "bo", "dana"))
READY = Peer(BO, trained_until=date(2028, 1, 1))
PROGRAMME = Programme(coordinators=(DANA,))
FACTS = Facts(NOW, PROGRAMME, (READY,), fresh="f" * 32)
FULL = replace(FACTS, peers=(replace(READY, limit=1, holding=("b" * 32,)),))

NOES: dict[str, tuple[Event, Facts]] = {
    "not this time": (Chose(BO, "not-this-time"), FACTS),
    "not today": (Chose(BO, "not-today"), FACTS),
    "left the programme": (PeerLeft(BO), replace(FACTS, peers=())),
    "cannot be reached": (Unreached(BO), FACTS),
    "is full by now": (Chose(BO, "yes"), FULL),
}


def later(facts: Facts, **by: float) -> Facts:
    return replace(facts, now=facts.now + timedelta(**by))


def asked(facts: Facts = FACTS) -> Request:
    begun = SUPPORT.begin("a" * 32, RequestOpens(ANA, "soon"), facts)
    assert begun is not None
    opened, _ = SUPPORT.decide(begun, RequestOpens(ANA, "soon"), facts)
    return SUPPORT.decide(opened, Chose(ANA, "ask"), facts)[0]


def read_by(who: Person, effects: tuple[Effect, ...]) -> list[Message]:
    return [effect.message for effect in effects if isinstance(effect, Show) and effect.to == who]


@pytest.mark.parametrize("no", NOES)
def test_the_coordinator_hears_at_the_next_step_however_the_last_one_was_lost(no: str):
    event, facts = NOES[no]
    alone, effects = SUPPORT.decide(asked(), event, later(facts, minutes=3))
    assert read_by(DANA, effects) == []
    assert alone.deadlines[Timer.HALF] == NOW + timedelta(minutes=15)
    step = alone.deadlines[Timer.WAVE]
    stepped, _ = SUPPORT.decide(alone, Elapsed(Timer.WAVE), replace(facts, now=step))
    assert stepped.deadlines[Timer.HALF] == step == NOW + timedelta(minutes=10)
    told, effects = SUPPORT.decide(stepped, Elapsed(Timer.HALF), replace(facts, now=step))
    assert [card.card for card in read_by(DANA, effects)] == [CardKind.COORDINATOR_WAITING]
    (status,) = read_by(ANA, effects)
    assert status.details["coordinator"] == "yes"
    assert status.card != CardKind.SUPPORT_ASKING
    assert told.told == (DANA,)


def test_an_offer_that_is_open_is_waited_for():
    stepped, _ = SUPPORT.decide(asked(), Elapsed(Timer.WAVE), later(FACTS, minutes=10))
    assert stepped.deadlines[Timer.HALF] == NOW + timedelta(minutes=15)


def test_everybody_on_a_break_is_nobody():
    away = replace(FACTS, peers=(replace(READY, paused=True),))
    stepped, _ = SUPPORT.decide(asked(away), Elapsed(Timer.WAVE), later(away, minutes=10))
    assert stepped.deadlines[Timer.HALF] == NOW + timedelta(minutes=10)


def test_a_peer_who_hands_back_is_not_shown_by_the_moment_the_coordinator_hears():
    chosen, _ = SUPPORT.decide(asked(), Chose(BO, "yes"), FACTS)
    again, effects = SUPPORT.decide(chosen, Chose(BO, "hand-back"), later(FACTS, minutes=2))
    assert again.deadlines[Timer.HALF] > NOW + timedelta(minutes=2)
    assert read_by(DANA, effects) == []
    stepped, _ = SUPPORT.decide(again, Elapsed(Timer.WAVE), later(FACTS, minutes=12))
    assert stepped.deadlines[Timer.HALF] == NOW + timedelta(minutes=12)


def test_the_coordinator_is_told_once_and_not_at_every_step():
    stepped, _ = SUPPORT.decide(asked(replace(FACTS, peers=())), Elapsed(Timer.HALF), FACTS)
    again, effects = SUPPORT.decide(stepped, Elapsed(Timer.WAVE), later(FACTS, minutes=10))
    assert Timer.HALF not in again.deadlines
    assert read_by(DANA, effects) == []


def test_without_a_coordinator_the_status_claims_none():
    alone = replace(FACTS, programme=Programme())
    nobody, _ = SUPPORT.decide(asked(alone), Chose(BO, "not-this-time"), later(alone, minutes=3))
    stepped, _ = SUPPORT.decide(nobody, Elapsed(Timer.WAVE), later(alone, minutes=10))
    _, effects = SUPPORT.decide(stepped, Elapsed(Timer.HALF), later(alone, minutes=10))
    (status,) = read_by(ANA, effects)
    assert (status.card, status.details["coordinator"]) == (CardKind.SUPPORT_NOBODY_CAN, "no")
