"""What a coordinator reads when they ask for the queue and the peers: counts, in bands, as of the hour."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations import slots
from conversations.immutable import replace
from conversations.messages import PeerLeft, Removed
from conversations.model import Chose, Erase, Facts, Opened, Peer, Person, Programme, WalksWith
from conversations.peers import coordinator, enrolment
from conversations.vocabulary import Word

NOW = datetime(2026, 3, 2, 14, 40, tzinfo=UTC)
DANA, BO = Person("slack", "hospital", "Dana"), Person("slack", "hospital", "Bo")
FACTS = Facts(NOW, programme=Programme(coordinators=(DANA,)))
TODAY = NOW.date()


def counted(*minutes: int) -> dict[str, str | int]:
    """What the queue says where people have waited for so long."""
    waiting = tuple(NOW - timedelta(minutes=each) for each in minutes)
    return dict(coordinator.queue_card(Opened(DANA, Word.QUEUE), replace(FACTS, waiting=waiting)).details)


def test_the_queue_counts_by_bands_as_of_the_hour():
    bands = {"up-to-1": 1, "up-to-4": 2, "up-to-24": 1, "longer": 1}
    assert counted(39, 40, 60 + 41, 4 * 60 + 39, 24 * 60, 26 * 60) == {"total": 5, **bands}


@given(st.lists(st.integers(0, 3000), max_size=8), st.integers(0, 19))
def test_within_an_hour_nobody_who_asks_moves_it(minutes, later):
    """Dana may look every minute: what she reads changes when the next hour begins."""
    waiting = tuple(NOW - timedelta(minutes=each) for each in minutes)
    asked_since = tuple(NOW + timedelta(minutes=each) for each in range(later))
    before = coordinator.queue_card(Opened(DANA, Word.QUEUE), replace(FACTS, waiting=waiting))
    facts = replace(FACTS, now=NOW + timedelta(minutes=later), waiting=(*waiting, *asked_since))
    assert coordinator.queue_card(Opened(DANA, Word.QUEUE), facts) == before


def test_each_is_counted_once():
    said = counted(*range(40, 4000, 7))
    assert said["total"] == sum(int(said[band]) for band in (*coordinator.BANDS, "longer")) == len(range(40, 4000, 7))


def test_peers_are_counted_and_only_those_whose_training_ends_are_named():
    ends = {"A": 0, "B": 60, "C": 61, "D": -1, "E": 400, "F": 400}
    peers = tuple(
        Peer(
            replace(BO, id=id_),
            trained_until=TODAY + timedelta(days=days),
            paused=id_ == "F",
            resting_until=NOW + timedelta(days=1) if id_ == "E" else None,
            holding=("r", "s") if id_ == "C" else (),
        )
        for id_, days in ends.items()
    )
    card = coordinator.peers_card(Opened(DANA, Word.PEERS), replace(FACTS, peers=peers))
    assert dict(card.details) == {"ready": 4, "paused": 1, "soon": 2, "over": 1, "more": 0}
    assert {name: who.id for name, who in card.people.items()} == {
        "soon-names-0": "A",
        "soon-names-1": "B",
        "over-names-0": "D",
    }
    easy = tuple(replace(peer, resting_until=None, holding=(), asked=(NOW,)) for peer in peers)
    assert coordinator.peers_card(Opened(DANA, Word.PEERS), replace(FACTS, peers=easy)) == card


def removing(*picked: Person, facts: Facts = FACTS, safety: tuple[str, ...] = ()) -> tuple[Any, ...]:
    """What comes of it when Dana presses *Remove*."""
    return coordinator.remove(Chose(DANA, "remove", {"whom": picked, "safety": safety}), facts)


def test_whoever_is_picked_is_removed_by_each_of_their_accounts():
    elsewhere = Person("teams", "hospital", "Bo")
    linked = replace(FACTS, peers=(Peer(elsewhere, also=(BO,)),))
    *told, _ = removing(BO, facts=linked)
    assert {tell.of for tell in told} == {BO, elsewhere}
    assert {tell.event for tell in told} == {Removed(DANA)}
    *told, _ = removing(BO, safety=("at-once",), facts=replace(FACTS, peers=(Peer(BO),)))
    assert [tell.event for tell in told] == [Removed(DANA, at_once=True)]


def test_for_safety_it_ends_too_what_someone_does_who_is_in_no_roster_any_more():
    *_, ended, _ = removing(BO, safety=("at-once",))
    assert (ended.of, ended.event) == (WalksWith(BO), PeerLeft(BO, "at-once"))


def test_the_answer_is_the_same_whether_they_were_peers_or_not():
    assert removing(BO)[-1] == removing(BO, facts=replace(FACTS, peers=(Peer(BO),)))[-1]


def test_who_coordinates_no_more_removes_nobody():
    nobody = replace(FACTS, programme=Programme())
    assert removing(BO, facts=nobody) == enrolment.leave_it(Chose(DANA, "not-now", {}, slots.REMOVE))
    assert removing(BO, facts=nobody) == (Erase(DANA, slots.REMOVE),)


@pytest.mark.parametrize("number", [10, 11, 170])
def test_a_list_ends_after_ten_names_and_says_how_many_more_there_are(number: int):
    peers = tuple(Peer(replace(BO, id=f"P{n:03}"), trained_until=date(2026, 3, 20)) for n in range(number))
    card = coordinator.peers_card(Opened(DANA, Word.PEERS), replace(FACTS, peers=peers))
    assert len(card.people) == 10
    assert card.details["more"] == number - 10
