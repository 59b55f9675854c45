"""Laws that are a matter of one decision: closing, keeping, and who walks with whom."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from msgspec import to_builtins

from conversations import slots
from conversations.flow import FORGOTTEN
from conversations.immutable import replace
from conversations.messages import Helped, OfferMade, RequestOpens
from conversations.model import (
    Chose,
    Effect,
    Elapsed,
    Erase,
    Facts,
    Message,
    OnCall,
    Opened,
    Peer,
    Person,
    Programme,
    Show,
    Tell,
)
from conversations.peers.record import READY, PeerRecord
from conversations.registry import PEERS as ROSTER
from conversations.registry import REQUESTS, VISITORS
from conversations.support.request import OPEN, Request
from conversations.vocabulary import Kind, Timer, Word
from tests.conversations.explore import tried

SUPPORT = REQUESTS.flow

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
ANA, BO, CY, DANA, KIM = (Person("slack", "T1", name) for name in ("ana", "bo", "cy", "dana", "kim"))
PROGRAMME = Programme(coordinators=(DANA,), on_call=OnCall("Kim", "555 0100", "always", KIM))
PEERS = tuple(Peer(who, trained_until=NOW.date() + timedelta(days=400)) for who in (BO, CY))
FACTS = Facts(NOW, PROGRAMME, PEERS, fresh="f" * 32)

EVERYBODY = (ANA, BO, CY, DANA, KIM)
CHOICES = sorted({choice for stage in SUPPORT.stages for choice in SUPPORT.choices(stage)})


def said(effects: tuple[Effect, ...]) -> list[Message]:
    return [effect.message for effect in effects if isinstance(effect, Show)]


def asked() -> Request:
    begun = SUPPORT.begin("a" * 32, RequestOpens(ANA, "soon"), FACTS)
    assert begun is not None
    opened, _ = SUPPORT.decide(begun, RequestOpens(ANA, "soon"), FACTS)
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
def test_closing_leaves_nothing_to_wait_for_but_forgetting_and_numbers(before):
    request = before()
    choice = "close" if request.stage == "together" else "change-my-mind"
    after, _ = SUPPORT.decide(request, Chose(ANA, choice), FACTS)
    left = {"forget", "tidy", "crisis"} | (set() if before is asked else {"last-card"})
    assert (after.stage, after.offers, after.check_ins, set(after.deadlines)) == ("closed", (), (), left)


def test_after_closing_nobody_can_make_us_keep_it_longer():
    request = closed()
    events = [Chose(who, choice) for who in EVERYBODY for choice in CHOICES]
    events += [
        Opened(who, word)
        for who in EVERYBODY
        for word in (Word.NONE, Word.STOP, Word.STATUS, Word.HIDE, Word.FORGET_ME)
    ]
    events += [Elapsed(timer) for timer in (Timer.CLOSE, Timer.WAVE, Timer.CHECK_IN, Timer.PAGE)]
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
    gone, _ = SUPPORT.decide(closed(), Elapsed(Timer.FORGET), FACTS)
    assert gone.stage == FORGOTTEN
    for who in EVERYBODY:
        for choice in CHOICES:
            assert SUPPORT.decide(gone, Chose(who, choice), FACTS) == (gone, ())


def test_whoever_is_swapped_or_hands_back_is_never_asked_again():
    for who, choice in ((ANA, "someone-else"), (BO, "hand-back")):
        after, effects = SUPPORT.decide(together(), Chose(who, choice), FACTS)
        offered = {say.to for say in said(effects) if say.card == "peer-offer"}
        again, more = SUPPORT.decide(replace(after, told=(DANA,)), Chose(DANA, "ask-everyone"), FACTS)
        offered |= {say.to for say in said(more) if say.card == "peer-offer"}
        assert offered == {CY}, choice
        assert again.peer is None


def test_who_was_there_hands_back_and_nothing_tells_why():
    presses = [
        step for step in tried(SUPPORT.kind) if isinstance(step.event, Chose) and step.event.choice == "was-there"
    ]
    assert len(presses) > 100
    for step in presses:
        assert SUPPORT.decide(step.before, replace(step.event, choice="hand-back"), step.facts) == (
            step.after,
            step.effects,
        )


def test_while_a_request_goes_on_no_question_and_no_numbers_are_taken_from_the_clinician():
    """What a step said and its reader has not seen is never cleared in silence; hiding is the clinician's own word."""
    kept = {slots.CHECK_IN, slots.CRISIS}
    for step in tried(SUPPORT.kind):
        hides = isinstance(step.event, Opened) and step.event.word == Word.HIDE
        if step.after.stage not in OPEN or hides:
            continue
        for effect in step.effects:
            if isinstance(effect, Erase) and effect.to == step.before.clinician:
                assert effect.slot not in kept, step.event
                assert effect.slot or kept <= effect.keep, step.event


def test_a_peer_is_freed_in_the_same_decision_that_lets_them_go():
    _, effects = SUPPORT.decide(together(), Chose(ANA, "close"), FACTS)
    told = [tell.event for tell in effects if isinstance(tell, Tell) and tell.kind == Kind.PEER]
    assert told == [Helped("a" * 32)]


def test_a_coordinator_whose_role_was_taken_away_can_do_nothing_more():
    waiting, _ = SUPPORT.decide(replace(asked(), deadlines={Timer.HALF: NOW}), Elapsed(Timer.HALF), FACTS)
    removed = replace(FACTS, programme=replace(PROGRAMME, coordinators=()))
    assert waiting.told == (DANA,)
    assert SUPPORT.decide(waiting, Chose(DANA, "take-it"), removed) == (waiting, ())


def test_a_line_reaches_the_other_one_only_and_stays_in_no_request():
    request = together()
    line = Chose(ANA, "send", {"line": "only for you"}, slot=f"pen-{request.alias}")
    after, effects = SUPPORT.decide(request, line, FACTS)
    assert [say.to for say in said(effects) if say.quote == "only for you"] == [BO]
    assert "only for you" not in str(to_builtins(after))


def test_a_line_that_was_written_to_another_peer_reaches_nobody():
    """The form was opened when Bo was there, and is sent when Cy is."""
    before = together()
    asking, _ = SUPPORT.decide(before, Chose(ANA, "someone-else"), FACTS)
    chosen, _ = SUPPORT.decide(asking, Chose(CY, "yes"), FACTS)
    there, _ = SUPPORT.decide(chosen, Chose(ANA, "stay-unnamed"), FACTS)
    assert (there.stage, there.peer) == ("together", CY)
    line = Chose(ANA, "send", {"line": "for Bo only"}, slot=f"pen-{before.alias}")
    after, effects = SUPPORT.decide(there, line, FACTS)
    assert [(say.to, say.quote) for say in said(effects)] == [(ANA, "")]
    assert "for Bo only" not in str(to_builtins(after))


def test_a_coordinator_acts_only_on_what_they_were_told_of():
    assert SUPPORT.decide(asked(), Chose(DANA, "take-it"), FACTS) == (asked(), ())


def test_a_check_in_that_falls_due_at_night_is_asked_in_the_morning():
    night = replace(FACTS, now=NOW.replace(hour=23))
    due = replace(together(), deadlines={Timer.CHECK_IN: night.now})
    waits, effects = SUPPORT.decide(due, Elapsed(Timer.CHECK_IN), night)
    assert (waits.deadlines, effects) == ({Timer.CHECK_IN: NOW.replace(hour=8) + timedelta(days=1)}, ())
    morning = replace(FACTS, now=waits.deadlines[Timer.CHECK_IN])
    _, effects = SUPPORT.decide(waits, Elapsed(Timer.CHECK_IN), morning)
    assert [(say.to, say.slot) for say in said(effects)] == [(ANA, slots.CHECK_IN)]


def test_who_asks_twice_has_one_request():
    door = VISITORS.flow.begin("d", Opened(ANA, Word.SOON), FACTS)
    assert door is not None
    once, first = VISITORS.flow.decide(door, Opened(ANA, Word.SOON), FACTS)
    twice, second = VISITORS.flow.decide(once, Opened(ANA, Word.TODAY), replace(FACTS, fresh="e" * 32))
    told = [tell for tell in (*first, *second) if isinstance(tell, Tell) and tell.kind == Kind.REQUEST]
    asks = [tell.event for tell in told if isinstance(tell.event, RequestOpens | Opened)]
    assert [isinstance(event, RequestOpens) for event in asks] == [True, False]
    assert (once.request, twice.request) == ("f" * 32, "f" * 32)


def test_that_a_peer_was_asked_is_remembered_for_a_week_and_no_longer():
    asked_at = tuple(NOW - timedelta(days=days) for days in (8, 6))
    record = PeerRecord(id="p", stage=READY, peer=Peer(BO, asked=asked_at))
    after, _ = ROSTER.flow.decide(record, OfferMade(), FACTS)
    assert after.peer.asked == (asked_at[1], NOW)
    after, _ = ROSTER.flow.decide(after, Elapsed(Timer.TIDY), replace(FACTS, now=NOW + timedelta(days=8)))
    assert after.peer.asked == ()
