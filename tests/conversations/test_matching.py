"""Whom we may ask: a colleague is protected first, whatever the roster looks like and whatever was wished for."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conversations import hours, matching
from conversations.immutable import replace
from conversations.messages import RequestOpens
from conversations.model import Chose, Facts, Peer, Person, Programme
from conversations.options import ABOUT, ABOUT_BEFORE, DEPARTMENTS, GENDERS, TOPICS, WHO, topics
from conversations.registry import REQUESTS
from conversations.support.asking import ask_the_next, asking_card
from conversations.support.request import Request, Wishes
from conversations.vocabulary import Timer
from tests.running.examples import examples

SUPPORT = REQUESTS.flow

profile = settings(derandomize=True, deadline=None, max_examples=examples(100))
NOW = datetime(2026, 3, 2, 14, tzinfo=UTC)
ANA = Person("slack", "hospital", "Ana")
FEW = DEPARTMENTS[:2]

ids = st.sampled_from("ABCDEFGH")
people = st.builds(Person, st.just("slack"), st.just("hospital"), ids)
ago = st.integers(-72, 200).map(lambda n: NOW - timedelta(hours=n))
peers = st.builds(
    Peer,
    person=st.one_of(people, st.just(ANA)),
    also=st.one_of(st.just(()), people.map(lambda one: (one,)), st.just((ANA,))),
    role=st.sampled_from(("", "trainee", "nurse")),
    department=st.sampled_from(("", *FEW)),
    rather_not=st.sets(st.sampled_from((*TOPICS, ABOUT_BEFORE)), max_size=2).map(tuple),
    been_through=st.sets(st.sampled_from((*TOPICS, ABOUT_BEFORE)), max_size=2).map(tuple),
    hours=st.sets(st.sampled_from(tuple(hours.PARTS)), max_size=2).map(tuple),
    shifts=st.sampled_from(((), (), ("mon 07-19",), ("mon 19-07", "tue any-time"))),
    on_duty_until=st.one_of(st.none(), st.none(), ago),
    evaluates=st.booleans(),
    grades=st.booleans(),
    gender=st.sampled_from(("", *GENDERS)),
    trained_until=st.sampled_from((None, date(2026, 3, 1), date(2026, 3, 2), date(2028, 1, 1))),
    resting_until=st.one_of(st.none(), ago),
    paused=st.sampled_from((False, False, True)),
    asked=st.lists(ago.filter(lambda at: at <= NOW), max_size=7).map(lambda given: tuple(sorted(given))),
    holding=st.lists(st.sampled_from(("r1", "r2")), unique=True).map(tuple),
    limit=st.integers(1, 5),
)
rosters = st.lists(peers, max_size=6, unique_by=lambda peer: peer.person).map(tuple)
wishes = st.builds(
    Wishes,
    about=st.sampled_from(("", *ABOUT, ABOUT_BEFORE)),
    role=st.sampled_from(("", "trainee", "nurse")),
    gender=st.sampled_from(("", *GENDERS)),
    who=st.sets(st.sampled_from(WHO)).map(tuple),
    department=st.sampled_from(("", *FEW)),
    leave_out=st.lists(people, max_size=2).map(tuple),
)
requests = st.builds(
    Request,
    id=st.just("r"),
    stage=st.just("asking"),
    clinician=st.just(ANA),
    wishes=wishes,
    asked=st.lists(people, max_size=2).map(tuple),
    passed=st.lists(people, max_size=2).map(tuple),
)


@profile
@given(requests, rosters, st.integers(0, 50))
def test_nobody_is_asked_who_must_not_be(request, roster, luck):
    for peer in matching.free(request, Facts(NOW, peers=roster, luck=luck)):
        wished = request.wishes
        assert peer.person != request.clinician
        for identity in (peer.person, *peer.also):
            assert identity not in {request.clinician, *wished.leave_out, *request.asked, *request.passed}
        assert not peer.paused
        assert len(peer.holding) < peer.limit
        assert peer.resting_until is None or peer.resting_until <= NOW
        assert peer.trained_until is not None
        assert peer.trained_until >= NOW.date()
        on_duty = peer.on_duty_until is not None and peer.on_duty_until > NOW
        assert on_duty or hours.within(NOW, peer.zone, peer.shifts or peer.hours)
        may_judge = peer.evaluates or (peer.grades and (wished.role == "trainee" or "no-graders" in wished.who))
        assert not may_judge or "may-evaluate" in wished.who
        assert not topics((wished.about,)) & topics(peer.rather_not)
        assert "trainees-only" not in wished.who or peer.role == "trainee"
        if wished.department and "my-department-only" in wished.who:
            assert peer.department == wished.department
        elif wished.department and "other-department" in wished.who:
            assert peer.department != wished.department


BO, CY = Person("slack", "hospital", "Bo"), Person("teams", "hospital", "Bo")
FREE = Peer(BO, department=FEW[0], trained_until=date(2026, 3, 2), limit=1)
WAITS = Request(id="r", stage="asking", clinician=ANA, wishes=Wishes(about="home", department=FEW[1]))


def wishing(**wishes: Any) -> Request:
    """The request, with other wishes."""
    return replace(WAITS, wishes=replace(WAITS.wishes, **wishes))


REASONS = {
    "it is the request of this peer": (FREE, replace(WAITS, clinician=BO)),
    "it is theirs by their other account": (replace(FREE, also=(ANA,)), WAITS),
    "left out": (FREE, replace(WAITS, wishes=replace(WAITS.wishes, leave_out=(BO,)))),
    "left out by the other account": (
        replace(FREE, also=(CY,)),
        replace(WAITS, wishes=replace(WAITS.wishes, leave_out=(CY,))),
    ),
    "asked already": (FREE, replace(WAITS, asked=(BO,))),
    "said no": (FREE, replace(WAITS, passed=(BO,))),
    "walks with them now": (FREE, replace(WAITS, peer=BO)),
    "of the same department": (replace(FREE, department=FEW[1]), WAITS),
    "of another department": (FREE, wishing(who=("my-department-only",))),
    "of another department, where both are ticked": (FREE, wishing(who=("other-department", "my-department-only"))),
    "no trainee": (FREE, wishing(who=("trainees-only",))),
    "evaluates colleagues": (replace(FREE, evaluates=True), WAITS),
    "grades the trainee who asks": (replace(FREE, grades=True), wishing(role="trainee")),
    "grades trainees, and whoever asks wants nobody who does": (
        replace(FREE, grades=True),
        wishing(who=("no-graders",)),
    ),
    "would rather not hear of a complaint or lawsuit, as an older release asked": (
        replace(FREE, rather_not=("complaint",)),
        wishing(about="lawsuit"),
    ),
    "would rather not hear of it": (replace(FREE, rather_not=("home",)), WAITS),
    "not trained": (replace(FREE, trained_until=None), WAITS),
    "training over since yesterday": (replace(FREE, trained_until=date(2026, 3, 1)), WAITS),
    "pauses": (replace(FREE, paused=True), WAITS),
    "rests": (replace(FREE, resting_until=NOW + timedelta(minutes=1)), WAITS),
    "walks with as many as they chose": (replace(FREE, holding=("another",)), WAITS),
    "out of hours": (replace(FREE, zone="UTC", hours=("nights",)), WAITS),
    "not on shift": (replace(FREE, zone="UTC", hours=("days",), shifts=("mon 19-07", "tue any-time")), WAITS),
    "no longer on duty, and out of hours": (replace(FREE, hours=("nights",), on_duty_until=NOW), WAITS),
}


@pytest.mark.parametrize("reason", REASONS)
def test_each_of_these_alone_keeps_a_peer_from_being_asked(reason: str):
    called = {who: (who.id,) for who in (ANA, BO, CY)}
    assert matching.free(WAITS, Facts(NOW, peers=(FREE,), names=called)) == (FREE,)
    peer, request = REASONS[reason]
    assert matching.free(request, Facts(NOW, peers=(peer,), names=called)) == ()


def test_a_peer_who_grades_trainees_is_asked_for_everyone_else():
    grader = replace(FREE, grades=True)
    assert matching.free(wishing(role="nurse"), Facts(NOW, peers=(grader,))) == (grader,)
    both = wishing(role="trainee", who=("may-evaluate",))
    assert matching.free(both, Facts(NOW, peers=(grader,))) == (grader,)


@pytest.mark.parametrize(
    ("about", "lived"), [("lawsuit", "lawsuit"), ("lawsuit", "complaint"), ("complaint", "review")]
)
def test_who_was_sued_is_asked_first_by_who_is_sued(about: str, lived: str):
    knows, others = replace(FREE, person=CY, been_through=(lived,)), replace(FREE, been_through=("home",))
    sued = wishing(about=about, who=("been-through",))
    for luck in range(4):
        assert matching.free(sued, Facts(NOW, peers=(others, knows), luck=luck)) == (knows, others)


def test_who_lived_through_a_review_is_not_taken_for_one_who_was_sued():
    reviewed, sued = replace(FREE, been_through=("review",)), replace(FREE, person=CY, been_through=("lawsuit",))
    asks = wishing(about="lawsuit", who=("been-through",))
    assert matching.free(asks, Facts(NOW, peers=(reviewed, sued))) == (sued, reviewed)


def test_a_wish_for_a_woman_or_a_man_is_met_where_it_can_be_and_keeps_nobody_from_being_asked():
    woman, silent = replace(FREE, person=CY, gender="woman"), FREE
    for luck in range(4):
        assert matching.free(wishing(gender="woman"), Facts(NOW, peers=(silent, woman), luck=luck)) == (woman, silent)


def test_who_had_a_week_of_offers_is_asked_only_when_no_one_else_is_left():
    worn = replace(FREE, person=CY, asked=tuple(NOW - timedelta(days=days) for days in (5, 4, 3, 2, 1)))
    assert matching.free(WAITS, Facts(NOW, peers=(worn, FREE))) == (FREE,)
    assert matching.free(WAITS, Facts(NOW, peers=(worn,))) == (worn,)
    rested = replace(worn, asked=(NOW - timedelta(days=8), *worn.asked[1:]))
    assert set(matching.free(WAITS, Facts(NOW, peers=(rested, FREE)))) == {rested, FREE}


@profile
@given(requests, rosters, st.integers(0, 50))
def test_at_most_two_of_those_on_duty_are_asked_first_and_only_once(request, roster, luck):
    facts = Facts(NOW, peers=roster, luck=luck)
    first = matching.on_duty(request, facts)
    assert len(first) <= 2
    assert not (first and request.asked)
    assert all(peer.on_duty_until and peer.on_duty_until > NOW for peer in first)
    assert set(first) <= {peer for peer in matching.could_ever(request, facts) if matching.free_now(peer, facts)}


def test_who_is_on_duty_is_asked_out_of_their_hours_and_however_often_they_were_asked():
    asked = tuple(NOW - timedelta(days=days) for days in (5, 4, 3, 2, 1))
    on_duty = replace(FREE, person=CY, hours=("nights",), asked=asked, on_duty_until=NOW + timedelta(hours=4))
    facts = Facts(NOW, peers=(FREE, on_duty))
    assert matching.on_duty(WAITS, facts) == (on_duty,)
    assert matching.on_duty(replace(WAITS, asked=(BO,)), facts) == ()
    for reason in ("pauses", "rests", "walks with as many as they chose", "evaluates colleagues", "not trained"):
        kept, request = REASONS[reason]
        ready = replace(kept, on_duty_until=NOW + timedelta(hours=4))
        assert matching.on_duty(request, Facts(NOW, peers=(ready,))) == (), reason


@profile
@given(requests, rosters, st.integers(0, 50))
def test_nobody_is_asked_twice_at_once_and_luck_changes_only_the_order(request, roster, luck):
    asked = matching.free(request, Facts(NOW, peers=roster, luck=luck))
    assert len({peer.person for peer in asked}) == len(asked)
    assert set(asked) == set(matching.free(request, Facts(NOW, peers=roster)))


@profile
@given(requests, rosters)
def test_a_week_of_offers_is_enough_while_anybody_else_is_left(request, roster):
    facts = Facts(NOW, peers=roster)
    asked = matching.free(request, facts)
    worn = [peer for peer in asked if sum(at > NOW - timedelta(days=7) for at in peer.asked) >= 5]
    assert not worn or worn == list(asked)


@profile
@given(requests, rosters)
def test_who_was_asked_least_comes_first_where_wishes_are_met_alike(request, roster):
    plain = replace(request, wishes=replace(request.wishes, who=(), language=""))
    asked = matching.free(plain, Facts(NOW, peers=roster))
    lately = [sum(at > NOW - timedelta(days=7) for at in peer.asked) for peer in asked]
    assert lately == sorted(lately)


@profile
@given(requests, rosters)
def test_we_never_say_nobody_while_somebody_could_be_asked(request, roster):
    facts = Facts(NOW, peers=roster)
    following = matching.next_free(request, facts)
    assert following is None or following >= NOW
    if matching.free(request, facts):
        assert following == NOW


@pytest.mark.parametrize(
    ("peer", "after"),
    [
        (replace(FREE, zone="UTC", hours=("evenings",)), timedelta(hours=3)),
        (replace(FREE, resting_until=NOW + timedelta(minutes=45)), timedelta(minutes=45)),
        (replace(FREE, zone="UTC", hours=("nights",)), timedelta(hours=4)),  # in eight hours
        (replace(FREE, limit=1, holding=("another",)), timedelta(hours=4)),
        (replace(FREE, paused=True), timedelta(hours=4)),
    ],
    ids=["their hours begin", "their rest ends", "their hours begin later", "full", "paused"],
)
def test_long_after_the_target_we_look_when_somebody_can_be_asked(peer: Peer, after: timedelta):
    late = replace(WAITS, searching_since=NOW - timedelta(hours=1), late=True)
    asked, offers = ask_the_next(late, Facts(NOW, peers=(peer,)))
    assert (offers, asked.deadlines[Timer.WAVE]) == ((), NOW + after)


@profile
@given(requests, rosters, st.integers(1, 240))
def test_nobody_can_be_asked_and_no_status_is_wrong_before_we_look_again(request, roster, minutes):
    facts = Facts(NOW, Programme(waves=(8,)), roster)
    late, _ = ask_the_next(replace(request, searching_since=NOW - timedelta(hours=1), late=True), facts)
    if matching.free(late, facts):
        assert late.deadlines[Timer.WAVE] <= NOW + timedelta(minutes=10)
    elif (then := NOW + timedelta(minutes=minutes)) < late.deadlines[Timer.WAVE]:
        meanwhile = replace(facts, now=then)
        assert matching.free(late, meanwhile) == ()
        if then.date() == NOW.date():  # when training ends no request is told, and the status names a later try
            assert asking_card(late, meanwhile) == asking_card(late, facts)


@profile
@given(rosters, st.integers(0, 50), st.integers(1, 3))
def test_no_two_peers_know_a_clinician_by_one_name(roster, luck, first):
    """However often we ask again, a code name that one peer was given is given to no other."""
    facts = Facts(NOW, Programme(waves=(first,)), roster, luck=luck)
    told = RequestOpens(ANA)
    talk = SUPPORT.begin("r", told, facts)
    assert talk
    talk, _ = SUPPORT.decide(talk, told, facts)
    talk, _ = SUPPORT.decide(talk, Chose(ANA, "ask"), facts)
    known = {offer.alias: offer.peer for offer in talk.offers}
    assert len(known) == len(talk.offers)
    for lucky in range(4):
        for offer in talk.offers[:1]:
            talk, _ = SUPPORT.decide(talk, Chose(offer.peer, "yes"), facts)
            if talk.stage == "chosen":
                talk, _ = SUPPORT.decide(talk, Chose(ANA, "someone-else"), replace(facts, luck=luck + 23 * lucky))
            for new in talk.offers:
                assert known.setdefault(new.alias, new.peer) == new.peer
