"""After walking with a colleague a peer rests: two days, and a week after a death, a lawsuit or a worry."""

from __future__ import annotations

from datetime import timedelta

import pytest

from conversations.immutable import replace
from conversations.messages import Helped, IsReady, WasWorried
from conversations.model import Facts, Programme
from conversations.peers.record import READY, PeerRecord
from conversations.registry import PEERS
from conversations.support.request import Request, Wishes, WorriedCall, was_hard
from tests.conversations.explore import ANA, BO, CY, MONDAY, WORLDS

FACTS = WORLDS["everybody is there"]
PEER = next(peer for peer in FACTS.peers if peer.person == BO)
RECORD = PeerRecord(id="p", stage=READY, peer=replace(PEER, resting_until=None, holding=("r",)))


def rest_after(told: object, record: PeerRecord = RECORD, facts: Facts = FACTS) -> timedelta | None:
    """How long they rest from now on."""
    after, _ = PEERS.flow.decide(record, told, facts)
    return after.peer.resting_until and after.peer.resting_until - facts.now


@pytest.mark.parametrize(
    ("about", "hard"),
    [
        *((topic, False) for topic in ("", "work", "review", "violence", "worn-out", "home", "rather-not-say")),
        *((topic, True) for topic in ("patient-died", "lawsuit", "complaint")),
    ],
)
def test_a_death_and_a_lawsuit_are_hard_to_hear_of(about: str, hard: bool):
    assert was_hard(Request(id="r", stage="together", clinician=ANA, wishes=Wishes(about=about)), BO) is hard


def test_so_it_is_where_the_peer_worried_and_for_that_peer_alone():
    worried = Request(id="r", stage="together", clinician=ANA, calls=(WorriedCall(BO),))
    assert was_hard(worried, BO)
    assert not was_hard(worried, CY)


def test_the_usual_rest_is_the_hospital_s_and_the_long_one_a_week_at_least():
    two_weeks = replace(FACTS, programme=replace(FACTS.programme, rest=timedelta(days=14)))
    assert rest_after(Helped("r")) == Programme().rest == timedelta(hours=48)
    assert rest_after(Helped("r", was_hard=True)) == rest_after(WasWorried()) == timedelta(days=7)
    assert rest_after(Helped("r", was_hard=True), facts=two_weeks) == timedelta(days=14)


def test_a_rest_is_never_made_shorter_but_by_the_peer():
    resting = replace(RECORD, peer=replace(RECORD.peer, resting_until=MONDAY + timedelta(days=6)))
    assert rest_after(Helped("r"), resting) == resting.peer.resting_until - FACTS.now
    assert rest_after(IsReady(), resting) is None
