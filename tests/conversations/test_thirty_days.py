"""One more check-in after thirty days: asked for once, kept until the day that was read. Nights end with their week."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from conversations import hours
from conversations.immutable import replace
from conversations.messages import RequestOpens
from conversations.model import Chose, Effect, Elapsed, Facts, Message, Peer, Person, Programme, Show
from conversations.registry import REQUESTS
from conversations.support.check_ins import THIRTY_DAYS
from conversations.support.request import Request, on_nights
from conversations.vocabulary import CardKind, Choice, Timer

SUPPORT = REQUESTS.flow
ANA, BO = Person("slack", "T1", "ana"), Person("teams", "H1", "bo")
PEERS = (Peer(BO, zone="America/New_York", trained_until=date(2030, 1, 1)),)
EVENING = datetime(2026, 3, 2, 22, 30, tzinfo=UTC)  # a Monday, in quiet hours
FACTS = Facts(EVENING, Programme(), PEERS, fresh="f" * 32, zone="Europe/Zurich")


def at(moment: datetime) -> Facts:
    return replace(FACTS, now=moment)


def asked(facts: Facts = FACTS, *ticked: str) -> Request:
    begun = SUPPORT.begin("a" * 32, RequestOpens(ANA, "soon"), facts)
    assert begun is not None
    there, _ = SUPPORT.decide(begun, RequestOpens(ANA, "soon"), facts)
    return SUPPORT.decide(there, Chose(ANA, "ask", {"follow-up": ("check-in", *ticked)}), facts)[0]


def together() -> Request:
    chosen, _ = SUPPORT.decide(asked(), Chose(BO, "yes"), FACTS)
    there, _ = SUPPORT.decide(chosen, Chose(ANA, "connect"), FACTS)
    return SUPPORT.decide(there, Chose(BO, "talked"), FACTS)[0]


def said(effects: tuple[Effect, ...]) -> Message:
    (card,) = (effect.message for effect in effects if isinstance(effect, Show) and effect.message.slot == "check-in")
    return card


def after_three_days() -> tuple[Request, Facts, Message]:
    request, card = together(), None
    for _ in range(2):
        facts = at(request.deadlines[Timer.CHECK_IN])
        request, effects = SUPPORT.decide(request, Elapsed(Timer.CHECK_IN), facts)
        card = said(effects)
    assert card is not None
    return request, facts, card


def with_one_more() -> tuple[Request, datetime]:
    request, facts, _ = after_three_days()
    later, effects = SUPPORT.decide(request, Chose(ANA, Choice.THIRTY_DAYS), facts)
    return later, said(effects).times["until"]


Press = tuple[timedelta, Person, str]
Lived = tuple[datetime, Request, Message | None]


def lived(request: Request, *presses: Press) -> Iterator[Lived]:
    """The request until it is erased: every deadline as it falls due, and these presses after the monthly check-in."""
    month = EVENING + THIRTY_DAYS
    acts = sorted((month + after, by.id, by, choice) for after, by, choice in presses)
    while request.due is not None:
        if acts and acts[0][0] < request.due:
            now, _, by, choice = acts.pop(0)
            request, effects = SUPPORT.decide(request, Chose(by, choice), at(now))
        else:
            now, timer = min((moment, name) for name, moment in request.deadlines.items())
            request, effects = SUPPORT.decide(request, Elapsed(timer), at(now))
        cards = [each.message for each in effects if isinstance(each, Show) and each.message.slot == "check-in"]
        yield now, request, (cards or [None])[0]


def test_it_is_offered_at_the_last_check_in_and_pressed_once():
    request, facts, card = after_three_days()
    assert Choice.THIRTY_DAYS in card.choices
    once, effects = SUPPORT.decide(request, Chose(ANA, Choice.THIRTY_DAYS), facts)
    twice, again = SUPPORT.decide(once, Chose(ANA, Choice.THIRTY_DAYS), at(facts.now + timedelta(days=2)))
    assert (twice.check_ins, twice.deadlines, said(again)) == (once.check_ins, once.deadlines, said(effects))


def test_the_check_in_after_thirty_days_says_so_and_is_the_last():
    request, _ = with_one_more()
    cards = [(now, card) for now, _, card in lived(request) if card is not None]
    ((now, card),) = cards
    assert (card.card, card.details["last"]) == (CardKind.CHECK_IN_MONTH, "yes")
    assert Choice.THIRTY_DAYS not in card.choices
    assert timedelta(0) <= now - (EVENING + THIRTY_DAYS) < timedelta(hours=14)


@pytest.mark.parametrize(
    "presses",
    [
        (),
        ((timedelta(days=2), ANA, "okay-for-now"),),
        ((timedelta(days=3), ANA, "something-else"), (timedelta(days=5), ANA, "thirty-days")),
    ],
    ids=["nothing is pressed", "okay", "another answer, and the old button"],
)
def test_the_date_she_reads_is_the_date_kept(presses: tuple[Press, ...]):
    request, until = with_one_more()
    *_, (erased, gone, _) = lived(request, *presses)
    assert gone.stage == "forgotten"
    assert erased.astimezone(ZoneInfo("Europe/Zurich")).date() == until.astimezone(ZoneInfo("Europe/Zurich")).date()
    assert erased <= until


def test_who_was_down_on_that_day_keeps_nothing_longer():
    request, until = with_one_more()
    request, _ = SUPPORT.decide(request, Elapsed(Timer.CHECK_IN), at(until - timedelta(days=3)))
    read, _ = SUPPORT.decide(request, Elapsed(Timer.CLOSE), at(until - timedelta(days=3)))
    assert read.stage != "closed"
    closed, _ = SUPPORT.decide(read, Elapsed(Timer.CLOSE), at(read.deadlines[Timer.CLOSE]))
    assert closed.deadlines[Timer.FORGET] == until


def test_two_who_go_on_talking_are_given_the_time():
    request, until = with_one_more()
    late = at(until - timedelta(days=8))
    on, _ = SUPPORT.decide(request, Chose(ANA, "talk-again"), late)
    on, _ = SUPPORT.decide(on, Elapsed(Timer.CLOSE), at(request.deadlines[Timer.CLOSE]))
    assert on.stage == "together"
    assert on.deadlines[Timer.CLOSE] > request.deadlines[Timer.CLOSE]


def test_no_more_is_sooner_than_the_date():
    request, until = with_one_more()
    quiet, _ = SUPPORT.decide(request, Chose(ANA, "no-more"), at(EVENING + timedelta(days=5)))
    assert quiet.deadlines[Timer.CLOSE] < until - timedelta(days=20)
    assert Timer.CHECK_IN not in quiet.deadlines


def test_an_old_button_after_a_month_starts_nothing():
    """An older release offered it again at every check-in, for ever."""
    request, _, _ = after_three_days()
    month = at(EVENING + THIRTY_DAYS + timedelta(days=1))
    after, effects = SUPPORT.decide(request, Chose(ANA, Choice.THIRTY_DAYS), month)
    assert (after.check_ins, said(effects).card) == ((), CardKind.CHECK_IN_NO_MORE)


# ---------------------------------------------------------------- nights


@pytest.mark.parametrize(
    ("ticked", "ends"),
    [
        ("2026-03-02T09:00", "2026-03-09T12:00"),  # Monday
        ("2026-03-06T23:00", "2026-03-09T12:00"),  # Friday
        ("2026-03-08T10:00", "2026-03-09T12:00"),  # Sunday morning: tonight is the last
        ("2026-03-08T21:00", "2026-03-16T12:00"),  # Sunday evening: tonight is the first
        ("2026-03-23T21:00", "2026-03-30T12:00"),  # summer time begins in between
    ],
)
def test_the_week_of_nights_ends_on_monday_at_noon(ticked: str, ends: str):
    zone = ZoneInfo("Europe/Zurich")
    moment, end = (datetime.fromisoformat(text).replace(tzinfo=zone) for text in (ticked, ends))
    assert hours.end_of_week(moment, zone.key) == end


def test_on_nights_this_week_and_not_after_it():
    request = asked(FACTS, "nights")
    assert on_nights(request, EVENING + timedelta(days=5))
    assert not on_nights(request, EVENING + timedelta(days=8))
    old = replace(request, wishes=replace(request.wishes, nights_until=None))  # as 0.2.0 wrote it
    assert on_nights(old, EVENING + timedelta(days=5))
    assert not on_nights(old, EVENING + timedelta(days=8))


def test_a_tick_of_last_week_is_no_tick_of_this_week():
    request, _ = SUPPORT.decide(asked(FACTS, "nights"), Elapsed(Timer.TARGET), FACTS)
    next_week = at(EVENING + timedelta(days=9))
    still, _ = SUPPORT.decide(request, Chose(ANA, "save", {"follow-up": ("check-in", "nights")}), FACTS)
    anew, _ = SUPPORT.decide(request, Chose(ANA, "save", {"follow-up": ("check-in", "nights")}), next_week)
    assert still.wishes.nights_until == request.wishes.nights_until
    assert on_nights(anew, next_week.now + timedelta(days=2))
