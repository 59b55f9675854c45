"""Laws that are a matter of one decision: closing, keeping, and who walks with whom."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from conversations.flow import FORGOTTEN
from conversations.flows import SUPPORT
from conversations.model import Chose, Elapsed, Facts, OnCall, Opened, Peer, Person, Programme, Say, Tell, Told
from conversations.request import Request

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
ANA, BO, CY, DANA, KIM = (Person("slack", "T1", name) for name in ("ana", "bo", "cy", "dana", "kim"))
PROGRAMME = Programme(coordinators=(DANA,), on_call=OnCall("Kim", "555 0100", "always", KIM))
PEERS = tuple(Peer(who, trained_until=NOW.date() + timedelta(days=400)) for who in (BO, CY))
FACTS = Facts(NOW, PROGRAMME, PEERS, fresh="f" * 32)

EVERYBODY = (ANA, BO, CY, DANA, KIM)
CHOICES = sorted({choice for stage in SUPPORT.stages.values() for _, choices in stage.answers for choice in choices})


def asked() -> Request:
    begun = SUPPORT.begin("a" * 32, Told("opens", ANA, urgency="soon"), FACTS)
    assert begun is not None
    opened, _ = SUPPORT.decide(begun, Told("opens", ANA, urgency="soon"), FACTS)
    asking, _ = SUPPORT.decide(opened, Chose(ANA, "ask"), FACTS)
    return asking


def together() -> Request:
    chosen, _ = SUPPORT.decide(asked(), Chose(BO, "yes"), FACTS)
    there, _ = SUPPORT.decide(chosen, Chose(ANA, "stay-unnamed"), FACTS)
    return there


def closed() -> Request:
    done, _ = SUPPORT.decide(together(), Chose(ANA, "close"), FACTS)
    return done


def test_of_two_yeses_only_the_first_finds_an_offer_that_is_open():
    first, _ = SUPPORT.decide(asked(), Chose(BO, "yes"), FACTS)
    second, effects = SUPPORT.decide(first, Chose(CY, "yes"), FACTS)
    assert (second.peer, second.offers, effects) == (BO, (), ())


def test_nobody_says_yes_to_what_they_were_not_offered():
    without_cy = replace(FACTS, peers=PEERS[:1])
    opened = replace(asked(), offers=tuple(offer for offer in asked().offers if offer.peer == BO))
    after, effects = SUPPORT.decide(opened, Chose(CY, "yes"), without_cy)
    assert (after, effects) == (opened, ())


@pytest.mark.parametrize("before", [asked, together], ids=["while asking", "together"])
def test_closing_leaves_nothing_to_wait_for_but_forgetting(before):
    request = before()
    choice = "close" if request.stage == "together" else "change-my-mind"
    after, _ = SUPPORT.decide(request, Chose(ANA, choice), FACTS)
    assert (after.stage, after.offers, after.check_ins, set(after.deadlines)) == ("closed", (), (), {"forget"})


def test_after_closing_nobody_can_make_us_keep_it_longer():
    request = closed()
    events = [Chose(who, choice) for who in EVERYBODY for choice in CHOICES]
    events += [Opened(who, word) for who in EVERYBODY for word in ("", "stop", "status", "hide", "forget me")]
    events += [Elapsed(timer) for timer in ("close", "wave", "check-in", "page")]
    for event in events:
        after, _ = SUPPORT.decide(request, event, FACTS)
        assert after.deadlines["forget"] <= request.deadlines["forget"], event


def test_keeping_is_extended_by_the_clinicians_own_tap_and_by_no_one_elses():
    request = together()
    assert SUPPORT.decide(request, Chose(ANA, "thirty-days"), FACTS)[0].deadlines["close"] > request.deadlines["close"]
    for who in (BO, CY, DANA, KIM):
        after, _ = SUPPORT.decide(request, Chose(who, "thirty-days"), FACTS)
        assert after.deadlines["close"] == request.deadlines["close"]


def test_a_forgotten_request_has_no_way_back():
    gone, _ = SUPPORT.decide(closed(), Elapsed("forget"), FACTS)
    assert gone.stage == FORGOTTEN
    for who in EVERYBODY:
        for choice in CHOICES:
            assert SUPPORT.decide(gone, Chose(who, choice), FACTS) == (gone, ())


def test_whoever_is_swapped_or_hands_back_is_never_asked_again():
    for who, choice in ((ANA, "someone-else"), (BO, "hand-back")):
        after, effects = SUPPORT.decide(together(), Chose(who, choice), FACTS)
        offered = {say.to for say in effects if isinstance(say, Say) and say.text == "peer-offer"}
        again, more = SUPPORT.decide(replace(after, told=(DANA,)), Chose(DANA, "ask-everyone"), FACTS)
        offered |= {say.to for say in more if isinstance(say, Say) and say.text == "peer-offer"}
        assert offered == {CY}, choice
        assert again.peer is None


def test_a_peer_is_freed_in_the_same_decision_that_lets_them_go():
    _, effects = SUPPORT.decide(together(), Chose(ANA, "close"), FACTS)
    told = [tell.event for tell in effects if isinstance(tell, Tell) and tell.flow == "volunteering"]
    assert [event.what for event in told if isinstance(event, Told)] == ["rests"]


def test_a_coordinator_whose_role_was_taken_away_can_do_nothing_more():
    waiting, _ = SUPPORT.decide(replace(asked(), deadlines={"half": NOW}), Elapsed("half"), FACTS)
    removed = replace(FACTS, programme=replace(PROGRAMME, coordinators=()))
    assert waiting.told == (DANA,)
    assert SUPPORT.decide(waiting, Chose(DANA, "take-it"), removed) == (waiting, ())


def test_a_line_reaches_the_other_one_only_and_stays_in_no_request():
    request = together()
    line = Chose(ANA, "send", {"line": "only for you"}, slot=f"pen-{request.alias}")
    after, effects = SUPPORT.decide(request, line, FACTS)
    said = [say for say in effects if isinstance(say, Say) and "only for you" in say.details.values()]
    assert [say.to for say in said] == [BO]
    assert "only for you" not in str([getattr(after, name) for name in Request.__dataclass_fields__])
