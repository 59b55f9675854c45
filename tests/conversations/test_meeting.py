"""A time to talk: one names up to three, only the other one picks, and no one is asked before whether they talked."""

from __future__ import annotations

from datetime import time, timedelta

import pytest

from conversations.immutable import replace
from conversations.model import Chose, Facts, Person, Update
from conversations.support.request import Meeting, Request
from conversations.vocabulary import CardKind, Timer
from tests.conversations.explore import ANA, BO, SUPPORT, WORLDS

FACTS = WORLDS["everybody is there"]
TOMORROW = FACTS.now + timedelta(days=1)
THERE = Request(
    id="r",
    stage="together",
    clinician=ANA,
    peer=BO,
    deadlines={Timer.TALKED: FACTS.now + timedelta(hours=2)},
    meeting=Meeting(asked_at=FACTS.now),
)
NAMED = replace(THERE, meeting=Meeting(offered=(TOMORROW, TOMORROW + timedelta(hours=3)), by_clinician=True))


def after(request: Request, by: Person, choice: str, facts: Facts = FACTS, **answers: tuple[str, ...]) -> Request:
    return SUPPORT.decide(request, Chose(by, choice, answers), facts)[0]


@pytest.mark.parametrize(
    "picked", [(), ("tea-time",), tuple(f"tomorrow-{part}" for part in FACTS.programme.talk_times)]
)
def test_one_two_or_three_times_are_named(picked):
    assert after(THERE, ANA, "offer-times", times=picked).meeting == THERE.meeting
    named = after(THERE, BO, "offer-times", times=("tomorrow-break", "day-after-evening")).meeting
    assert (len(named.offered), named.by_clinician, named.asked_at) == (2, False, None)


def test_only_who_is_asked_picks_and_only_a_time_that_was_named():
    assert after(NAMED, ANA, "first-time").meeting == NAMED.meeting
    assert after(NAMED, BO, "third-time").meeting == NAMED.meeting
    assert after(NAMED, BO, "second-time").meeting == Meeting(agreed=NAMED.meeting.offered[1])


def test_nobody_is_asked_whether_they_have_talked_before_the_time_they_chose():
    agreed = after(NAMED, BO, "first-time")
    assert agreed.deadlines[Timer.MEET] == TOMORROW
    assert agreed.deadlines[Timer.TALKED] >= TOMORROW + FACTS.programme.talked_soon
    answered = after(replace(NAMED, deadlines={}), BO, "first-time")
    assert Timer.TALKED not in answered.deadlines


def test_a_time_that_has_passed_is_not_agreed_on():
    later = replace(FACTS, now=TOMORROW + timedelta(minutes=1))
    decided, (shown,) = SUPPORT.decide(NAMED, Chose(BO, "first-time"), later)
    assert decided.meeting == NAMED.meeting
    assert isinstance(shown, Update)
    assert shown.message.card == CardKind.TOGETHER_PAST


def test_the_hours_of_the_parts_are_a_setting():
    facts = replace(FACTS, programme=replace(FACTS.programme, talk_times={"break": time(13, 15)}))
    named = after(THERE, ANA, "offer-times", facts, times=("tomorrow-break",)).meeting.offered
    assert [at.strftime("%H:%M") for at in named] == ["13:15"]
