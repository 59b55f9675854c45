"""Promises that one decision keeps or breaks: what is waited for, who is told, what stays and what goes."""

from __future__ import annotations

from datetime import timedelta

from conversations import slots
from conversations.front_door.doorstep import DOOR, Doorstep
from conversations.immutable import replace
from conversations.messages import KnownElsewhere, RequestOpens
from conversations.model import (
    Chose,
    Effect,
    Elapsed,
    Erase,
    Facts,
    OnCall,
    Opened,
    Peer,
    Person,
    Post,
    Tell,
    Unreached,
)
from conversations.peers.record import READY, PeerRecord
from conversations.registry import PEERS as ROSTER
from conversations.registry import VISITORS
from conversations.support.asking import NEXT_IN
from conversations.support.escalation import PAGE
from conversations.vocabulary import CardKind, Timer, Word
from tests.conversations.test_laws import (
    ANA,
    BO,
    CY,
    DANA,
    FACTS,
    KIM,
    NOW,
    PEERS,
    PROGRAMME,
    SUPPORT,
    asked,
    closed,
    said,
    together,
)

EVENING = replace(FACTS, now=NOW.replace(hour=20, minute=30))
EVENING_LATE = replace(FACTS, now=NOW.replace(hour=22))
MORNING = NOW.replace(hour=8) + timedelta(days=1)
ONE_AT_A_TIME = replace(FACTS, programme=replace(PROGRAMME, waves=(1, 1)))


def at(moment: timedelta, facts: Facts = FACTS) -> Facts:
    return replace(facts, now=facts.now + moment)


def erased(effects: tuple[Effect, ...], who: Person) -> list[Erase]:
    return [effect for effect in effects if isinstance(effect, Erase) and effect.to == who]


# ---------------------------------------------------------------- asking


def test_while_nobody_answers_the_next_wave_is_waited_for_and_knows_her_by_another_name():
    there, _ = SUPPORT.decide(replace(asked(), offers=(), asked=(), aliases=0), Elapsed(Timer.WAVE), ONE_AT_A_TIME)
    assert there.deadlines[Timer.WAVE] > NOW
    after, _ = SUPPORT.decide(there, Elapsed(Timer.WAVE), at(timedelta(minutes=10), ONE_AT_A_TIME))
    assert [offer.peer for offer in after.offers] != [offer.peer for offer in there.offers]
    assert len({offer.alias for offer in after.offers}) == len({offer.peer for offer in after.offers}) == 2


def test_who_can_talk_is_waited_for_until_it_can_be_read_and_a_day_longer_at_most():
    chosen, _ = SUPPORT.decide(asked(), Chose(BO, "yes"), FACTS)
    unread = replace(FACTS, unread={(ANA, slots.STATUS): NOW})
    wait = PROGRAMME.talked_soon
    held, effects = SUPPORT.decide(chosen, Elapsed(Timer.CHOOSE), at(wait, unread))
    assert (held.stage, held.peer, held.deadlines[Timer.CHOOSE]) == ("chosen", BO, NOW + 2 * wait)
    assert [say.times["by"] for say in said(effects)] == [NOW + 2 * wait]
    after, _ = SUPPORT.decide(held, Elapsed(Timer.CHOOSE), at(wait + timedelta(hours=24), unread))
    assert (after.stage, after.peer) == ("resting", None)


def test_a_platform_that_is_down_keeps_nobody_from_being_told_that_someone_is_waiting():
    unread = replace(FACTS, unread={(who, slot): NOW for who in (ANA, BO, CY) for slot in (slots.STATUS, slots.OFFER)})
    for timer in (Timer.HALF, Timer.TARGET, Timer.ESCALATE, Timer.WAVE):
        assert SUPPORT.decide(asked(), Elapsed(timer), unread) == SUPPORT.decide(asked(), Elapsed(timer), FACTS)


def test_a_peer_who_has_become_full_meanwhile_is_thanked_and_not_taken():
    full = tuple(replace(peer, holding=("a", "b"), limit=2) for peer in PEERS)
    after, effects = SUPPORT.decide(asked(), Chose(BO, "yes"), replace(FACTS, peers=full))
    assert (after.stage, after.peer) == ("asking", None)
    assert [say.card for say in said(effects) if say.to == BO] == [CardKind.PEER_FULL]


def test_another_takes_the_place_of_a_peer_who_cannot_be_reached():
    there, _ = SUPPORT.decide(replace(asked(), offers=(), asked=()), Elapsed(Timer.WAVE), ONE_AT_A_TIME)
    (offer,) = there.offers
    after, _ = SUPPORT.decide(there, Unreached(offer.peer), ONE_AT_A_TIME)
    assert [other.peer for other in after.offers] == [who for who in (BO, CY) if who != offer.peer]
    assert after.asked == (after.offers[0].peer,)


def test_if_a_coordinator_does_not_answer_the_next_in_line_is_told():
    waiting, _ = SUPPORT.decide(asked(), Elapsed(Timer.HALF), FACTS)
    assert (waiting.told, waiting.deadlines[Timer.ESCALATE]) == ((DANA,), NOW + NEXT_IN)
    after, effects = SUPPORT.decide(waiting, Elapsed(Timer.ESCALATE), at(NEXT_IN))
    assert (after.told, next(say.to for say in said(effects))) == ((DANA, KIM), KIM)


def test_a_deadline_that_passed_is_over_even_where_nothing_came_of_it():
    nobody = replace(FACTS, programme=replace(PROGRAMME, coordinators=(), on_call=None))
    after, _ = SUPPORT.decide(replace(asked(), deadlines={Timer.ESCALATE: NOW}), Elapsed(Timer.ESCALATE), nobody)
    assert Timer.ESCALATE not in after.deadlines


def test_nobody_asks_for_more_than_so_many_peers_in_a_day():
    often = tuple(NOW - timedelta(hours=hours) for hours in range(PROGRAMME.requests_a_day))
    for asked_at, opens in ((often, 0), (often[1:], 1), ((*often[1:], NOW - timedelta(hours=24)), 1)):
        door = Doorstep(id="d", stage=DOOR, person=ANA, asked=asked_at)
        after, effects = VISITORS.flow.decide(door, Opened(ANA, Word.SOON), FACTS)
        assert bool(after.request) is bool(opens)
        requests = [effect for effect in effects if isinstance(effect, Tell) and isinstance(effect.event, RequestOpens)]
        assert len(requests) == opens


def test_a_visitor_is_not_forgotten_while_a_request_of_theirs_is_known():
    door = Doorstep(id="d", stage=DOOR, person=ANA)
    for known, stage in (({"request": "r"}, "door"), ({"closed": ("r",)}, "door"), ({}, "forgotten")):
        after, _ = VISITORS.flow.decide(replace(door, **known), Elapsed(Timer.GO), FACTS)
        assert after.stage == stage
        assert bool(after.deadlines) is (stage == "door")


# ---------------------------------------------------------------- together


def test_a_peer_is_asked_whether_they_talked_in_waking_hours():
    chosen, _ = SUPPORT.decide(asked(), Chose(BO, "yes"), EVENING)
    evening = replace(EVENING, now=EVENING.now - timedelta(hours=2))
    there, _ = SUPPORT.decide(replace(chosen, urgency="no-rush"), Chose(ANA, "stay-unnamed"), evening)
    assert there.deadlines[Timer.TALKED] == MORNING


def test_who_is_in_no_rush_is_asked_in_the_morning_whether_they_connected_whatever_hours_the_peer_keeps():
    reminded = replace(together(), urgency="no-rush", reminded=True)
    waiting, effects = SUPPORT.decide(reminded, Elapsed(Timer.TALKED), EVENING_LATE)
    assert (waiting.deadlines[Timer.TALKED], effects) == (MORNING, ())
    _, effects = SUPPORT.decide(waiting, Elapsed(Timer.TALKED), replace(EVENING, now=MORNING))
    assert [(say.to, say.card, say.considerate) for say in said(effects)] == [(ANA, CardKind.SUPPORT_CONNECTED, True)]


def test_who_asked_for_someone_soon_is_asked_while_the_peer_sleeps_and_nobody_is_called_silent_for_it():
    chosen, _ = SUPPORT.decide(asked(), Chose(BO, "yes"), EVENING)
    there, _ = SUPPORT.decide(chosen, Chose(ANA, "stay-unnamed"), EVENING)
    double = EVENING.now + 2 * PROGRAMME.talked_soon
    assert there.deadlines[Timer.TALKED] == double < MORNING
    asks_her, effects = SUPPORT.decide(there, Elapsed(Timer.TALKED), replace(EVENING, now=double))
    assert [(say.to, say.card) for say in said(effects)] == [(ANA, CardKind.SUPPORT_CONNECTED)]
    silent_too = replace(EVENING, now=asks_her.deadlines[Timer.TALKED])
    waiting, effects = SUPPORT.decide(asks_her, Elapsed(Timer.TALKED), silent_too)
    assert (waiting.stage, waiting.deadlines[Timer.TALKED], effects) == ("together", MORNING, ())
    _, effects = SUPPORT.decide(waiting, Elapsed(Timer.CHECK_IN), replace(EVENING, now=MORNING))
    assert CardKind.CHECK_IN_PEER_SILENT not in [say.card for say in said(effects)]
    asks_him, effects = SUPPORT.decide(waiting, Elapsed(Timer.TALKED), replace(EVENING, now=MORNING))
    assert [(say.to, say.card) for say in said(effects)] == [(BO, CardKind.PEER_TALKED)]
    assert asks_him.deadlines[Timer.TALKED] == MORNING + PROGRAMME.talked_soon


def test_a_card_about_her_names_her_only_once_she_shared_her_name():
    there = together()
    _, effects = SUPPORT.decide(there, Elapsed(Timer.TALKED), at(timedelta(hours=2)))
    assert [(say.to, dict(say.people)) for say in said(effects)] == [(BO, {})]
    named, _ = SUPPORT.decide(there, Chose(ANA, "share-name"), FACTS)
    _, effects = SUPPORT.decide(named, Elapsed(Timer.TALKED), at(timedelta(hours=2)))
    assert [(say.to, dict(say.people)) for say in said(effects)] == [(BO, {"clinician": ANA})]


def test_any_press_of_the_peer_shows_that_they_are_there():
    silent, _ = SUPPORT.decide(together(), Elapsed(Timer.TALKED), at(timedelta(hours=2)))
    assert silent.reminded
    after, _ = SUPPORT.decide(silent, Chose(BO, "write"), at(timedelta(hours=3)))
    assert not after.reminded
    assert after.deadlines[Timer.TALKED] > silent.deadlines[Timer.TALKED]


def test_a_worried_peer_reads_to_phone_if_nobody_answers():
    paged, effects = SUPPORT.decide(together(), Chose(BO, "worried"), FACTS)
    assert [(say.to, dict(say.people)) for say in said(effects) if say.to == KIM] == [(KIM, {"peer": BO})]
    assert paged.deadlines[Timer.PAGE] == NOW + PAGE
    _, effects = SUPPORT.decide(paged, Elapsed(Timer.PAGE), at(PAGE))
    assert [(say.to, say.card) for say in said(effects)] == [(BO, CardKind.PEER_PHONE_NOW)]


def test_a_call_that_an_older_release_noted_is_followed_beside_a_new_one():
    old = replace(together(), worried=CY, deadlines={**together().deadlines, Timer.PAGE: NOW + timedelta(minutes=1)})
    paged, effects = SUPPORT.decide(old, Chose(BO, "worried"), FACTS)
    assert [(say.to, say.slot) for say in said(effects) if say.to == KIM] == [(KIM, slots.page(1))]
    phoning, effects = SUPPORT.decide(paged, Elapsed(Timer.PAGE), at(timedelta(minutes=1)))
    assert [(say.to, say.card) for say in said(effects)] == [(CY, CardKind.PEER_PHONE_NOW)]
    _, effects = SUPPORT.decide(phoning, Chose(KIM, "on-it", slot=slots.page(1)), FACTS)
    assert [say.to for say in said(effects)] == [KIM, BO]


def test_one_who_is_on_call_and_worried_is_not_told_to_phone_themselves():
    on_call = replace(FACTS.programme, on_call=OnCall("Bo", "555 0100", "day and night", BO))
    _, effects = SUPPORT.decide(together(), Chose(BO, "worried"), replace(FACTS, programme=on_call))
    assert [(say.to, say.card) for say in said(effects)] == [(BO, CardKind.PEER_WORRIED_ON_CALL)]


def test_a_closed_request_is_kept_until_a_late_call_is_answered():
    closed, _ = SUPPORT.decide(together(), Chose(ANA, "close"), FACTS)
    last_minute = replace(FACTS, now=closed.deadlines[Timer.FORGET] - timedelta(minutes=2))
    paged, _ = SUPPORT.decide(closed, Chose(BO, "worried"), last_minute)
    assert paged.deadlines[Timer.FORGET] > paged.deadlines[Timer.TIDY] > paged.deadlines[Timer.PAGE]


def test_a_check_in_that_was_promised_stays_when_the_peer_parts():
    there = together()
    after, _ = SUPPORT.decide(there, Chose(BO, "hand-back"), FACTS)
    assert after.deadlines[Timer.CHECK_IN] == there.deadlines[Timer.CHECK_IN]


def test_numbers_and_a_question_she_has_not_read_stay_when_the_peer_parts():
    _, effects = SUPPORT.decide(together(), Chose(BO, "hand-back"), FACTS)
    assert [erase.keep >= {slots.CRISIS, slots.CHECK_IN} for erase in erased(effects, ANA)] == [True]


def test_a_coordinator_who_was_there_is_asked_first_unless_something_keeps_them_out():
    walked = replace(together(), peer=DANA)
    apart, _ = SUPPORT.decide(walked, Chose(DANA, "finished"), FACTS)
    nobody = replace(FACTS, programme=replace(PROGRAMME, coordinators=()))
    left_out = replace(apart, wishes=replace(apart.wishes, leave_out=(DANA,)))
    swapped = replace(apart, passed=(*apart.passed, DANA))
    at_night = replace(apart, urgency="no-rush")
    for request, facts, is_first in (
        (apart, FACTS, True),
        (apart, EVENING_LATE, True),
        (at_night, EVENING_LATE, False),
        (apart, nobody, False),
        (left_out, FACTS, False),
        (swapped, FACTS, False),
    ):
        asking, effects = SUPPORT.decide(request, Chose(ANA, "talk-again"), facts)
        assert ([offer.peer for offer in asking.offers] == [DANA]) is is_first
        choices = [say.choices for say in said(effects) if say.to == DANA]
        assert choices == ([("yes", "not-this-time")] if is_first else [])


def test_a_coordinator_who_declines_or_serves_no_more_is_asked_no_more_and_still_hears_as_one():
    apart, _ = SUPPORT.decide(replace(together(), peer=DANA), Chose(DANA, "finished"), FACTS)
    asking, _ = SUPPORT.decide(apart, Chose(ANA, "talk-again"), FACTS)
    declined, _ = SUPPORT.decide(asking, Chose(DANA, "not-this-time"), FACTS)
    assert (declined.offers, declined.passed) == ((), apart.passed)
    told, _ = SUPPORT.decide(declined, Elapsed(Timer.HALF), FACTS)
    assert told.told == (DANA,)
    nobody = replace(FACTS, programme=replace(PROGRAMME, coordinators=()))
    late, effects = SUPPORT.decide(asking, Chose(DANA, "yes"), nobody)
    assert (late.stage, late.offers, [say.card for say in said(effects)]) == ("asking", (), [CardKind.NEUTRAL])


# ---------------------------------------------------------------- closing


def test_closing_takes_our_cards_out_of_both_chats_but_for_numbers():
    _, effects = SUPPORT.decide(together(), Chose(ANA, "close"), FACTS)
    assert [erase.keep >= {slots.CRISIS, slots.WORRIED} for erase in erased(effects, ANA) if not erase.slot] == [True]
    assert [erase.slot for erase in erased(effects, BO)] == [None]


def test_what_time_closes_waits_for_waking_hours_and_what_a_person_closes_does_not():
    there = together()
    due = there.deadlines[Timer.CLOSE]
    for event, facts in ((Elapsed(Timer.CLOSE), replace(FACTS, now=due)), (Chose(ANA, "close"), FACTS)):
        after, effects = SUPPORT.decide(there, event, facts)
        news = [effect.message.considerate for effect in effects if isinstance(effect, Post)]
        assert (after.stage, set(news)) == ("closed", {isinstance(event, Elapsed)})


def test_a_closed_request_waits_for_the_day_on_which_it_is_forgotten():
    assert closed().deadlines[Timer.FORGET] == NOW + PROGRAMME.erase_after


def test_close_on_a_card_of_before_ends_only_the_part_of_the_peer_who_presses_it():
    """0.2.0 showed *Close* to a peer, too."""
    ended, effects = SUPPORT.decide(together(), Chose(BO, "close"), FACTS)
    finished, the_same = SUPPORT.decide(together(), Chose(BO, "finished"), FACTS)
    assert (ended, effects) == (finished, the_same)
    assert (ended.stage, ended.peer, ended.check_ins) == ("afterwards", None, together().check_ins)
    assert ended.check_ins
    assert closed().stage == "closed"


# ---------------------------------------------------------------- one person, two accounts


def test_a_code_links_one_other_account_once_and_for_ten_minutes():
    elsewhere, another = Person("teams", "H1", "bo"), Person("teams", "H1", "eve")
    made, _ = ROSTER.flow.decide(PeerRecord(id="p", stage=READY, peer=Peer(BO)), Opened(BO, Word.LINK), FACTS)
    assert made.code
    assert ROSTER.flow.decide(made, KnownElsewhere(BO), FACTS) == (made, ())
    linked, _ = ROSTER.flow.decide(made, KnownElsewhere(elsewhere), FACTS)
    assert (linked.peer.also, linked.code) == ((elsewhere,), "")
    assert ROSTER.flow.decide(linked, KnownElsewhere(another), FACTS) == (linked, ())
    over, _ = ROSTER.flow.decide(made, Elapsed(Timer.CODE), at(timedelta(minutes=10)))
    assert ROSTER.flow.decide(over, KnownElsewhere(elsewhere), FACTS) == (over, ())
