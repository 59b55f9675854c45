"""Approving a peer takes a date; an empty profile is said; renewing is no new offer."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from conversations.immutable import replace
from conversations.model import Answers, Chose, Effect, Elapsed, Facts, Message, Opened, Person, Programme, Show
from conversations.peers.record import PeerRecord
from conversations.registry import PEERS
from conversations.vocabulary import CardKind, Timer, Word

VOLUNTEERING = PEERS.flow
NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
BO, DANA = Person("slack", "T1", "bo"), Person("teams", "H1", "dana")
FACTS = Facts(NOW, Programme(coordinators=(DANA,)))


def offered(**profile: str) -> tuple[PeerRecord, Message]:
    begun = VOLUNTEERING.begin("p", Opened(BO, Word.PEER), FACTS)
    assert begun is not None
    record, _ = VOLUNTEERING.decide(begun, Opened(BO, Word.PEER), FACTS)
    record, _ = VOLUNTEERING.decide(record, Chose(BO, "next", profile), FACTS)
    record, effects = VOLUNTEERING.decide(record, Chose(BO, "promise"), FACTS)
    return record, read(effects, DANA)


def read(effects: tuple[Effect, ...], who: Person) -> Message:
    (card,) = (effect.message for effect in effects if isinstance(effect, Show) and effect.message.to == who)
    return card


def test_no_date_is_chosen_beforehand():
    _, card = offered()
    (trained,) = (question for question in card.questions if question.name == "trained")
    assert (trained.chosen, len(trained.options)) == ((), 3)


@pytest.mark.parametrize("answers", [{}, {"trained": ""}, {"trained": "yesterday"}, {"trained": ("today",)}])
def test_without_a_date_nothing_is_approved_and_the_card_asks_for_it(answers: Answers):
    record, _ = offered()
    after, effects = VOLUNTEERING.decide(record, Chose(DANA, "approve", answers), FACTS)
    assert after == record
    assert read(effects, DANA).card == CardKind.COORDINATOR_APPROVE_WHEN
    assert "approve" in read(effects, DANA).choices


def test_a_card_of_before_with_its_preset_date_still_approves():
    record, _ = offered()
    after, _ = VOLUNTEERING.decide(record, Chose(DANA, "approve", {"trained": "today"}), FACTS)
    assert (after.stage, after.peer.trained_until) == ("ready", date(2028, 3, 2))


@pytest.mark.parametrize(
    ("profile", "empty"), [({}, "yes"), ({"my-role": "nurse"}, "no"), ({"my-department": "wards"}, "no")]
)
def test_an_empty_profile_is_said_before_it_is_approved(profile: dict[str, str], empty: str):
    record, card = offered(**profile)
    assert card.details["empty"] == empty
    assert (card.card == CardKind.COORDINATOR_APPROVE_EMPTY) == (empty == "yes")
    _, effects = VOLUNTEERING.decide(record, Chose(DANA, "approve"), FACTS)
    assert read(effects, DANA).details["empty"] == empty


def run_out() -> tuple[PeerRecord, Facts, tuple[Effect, ...]]:
    record, _ = offered()
    ready, _ = VOLUNTEERING.decide(record, Chose(DANA, "approve", {"trained": "today"}), FACTS)
    then = replace(FACTS, now=ready.deadlines[Timer.EXPIRED])
    over, effects = VOLUNTEERING.decide(ready, Elapsed(Timer.EXPIRED), then)
    return over, then, effects


def test_training_that_ran_out_is_renewed_and_not_offered():
    over, then, effects = run_out()
    assert read(effects, DANA).card == CardKind.COORDINATOR_RENEW
    renewed, effects = VOLUNTEERING.decide(over, Chose(DANA, "approve", {"trained": "today"}), then)
    assert read(effects, BO).card == CardKind.VOLUNTEER_RENEWED
    assert renewed.peer.since == over.peer.since
    assert renewed.peer.trained_until == date(2030, 3, 2)


def test_a_peer_on_a_break_reads_on_renewal_that_they_are_on_a_break():
    over, then, _ = run_out()
    paused = replace(over, peer=replace(over.peer, paused=True))
    _, effects = VOLUNTEERING.decide(paused, Chose(DANA, "approve", {"trained": "today"}), then)
    assert read(effects, BO).card == CardKind.VOLUNTEER_PAUSED


def test_training_that_is_not_renewed_is_not_an_offer_that_was_declined():
    over, then, _ = run_out()
    gone, effects = VOLUNTEERING.decide(over, Chose(DANA, "decline"), then)
    assert (gone.stage, read(effects, BO).card) == ("gone", CardKind.VOLUNTEER_NOT_RENEWED)


def test_no_coordinator_is_reminded_at_night():
    record, _ = offered(**{"my-role": "nurse"})
    night = replace(FACTS, now=NOW.replace(hour=23), programme=replace(FACTS.programme, zone="UTC"))
    waits, effects = VOLUNTEERING.decide(record, Elapsed(Timer.REMIND), night)
    assert effects == ()
    morning = waits.deadlines[Timer.REMIND]
    assert morning == datetime(2026, 3, 3, 8, tzinfo=UTC)
    _, effects = VOLUNTEERING.decide(waits, Elapsed(Timer.REMIND), replace(night, now=morning))
    assert read(effects, DANA).slot == "approval"
