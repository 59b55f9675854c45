"""Nobody is woken: laws of the clock on the wall, in every zone, when clocks change too."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from conversations import hours
from tests.running.examples import examples

profile = settings(derandomize=True, deadline=None, max_examples=examples(100))
ZONES = ("UTC", "America/New_York", "Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe", "America/St_Johns")
DAY = timedelta(days=1)

moments = st.datetimes(datetime(2024, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - st adds it
zones = st.sampled_from(ZONES)
clocks = st.builds(time, st.integers(0, 23), st.sampled_from((0, 30)))
quiet_hours = st.tuples(clocks, clocks).filter(lambda pair: pair[0] != pair[1])
shifts = tuple(f"{day} {shift}" for day in hours.WEEKDAYS for shift in hours.SHIFTS)
parts = st.lists(st.sampled_from((*hours.PARTS, *shifts)), unique=True, max_size=8).map(tuple)

USUAL = (time(21), time(8))
SPRING = datetime(2026, 3, 8, 6, 30, tzinfo=UTC)  # in New York clocks jump from 2 to 3
AUTUMN = datetime(2026, 11, 1, 5, 30, tzinfo=UTC)  # and here from 2 back to 1


def is_quiet(moment: datetime, zone: str, quiet: tuple[time, time]) -> bool:
    clock = moment.astimezone(ZoneInfo(zone)).time()
    start, end = quiet
    return start <= clock < end if start < end else clock >= start or clock < end


@profile
@given(moments, zones, quiet_hours, st.booleans())
@example(SPRING, "America/New_York", USUAL, False)
@example(AUTUMN, "America/New_York", USUAL, False)
@example(SPRING, "America/New_York", (time(21), time(2, 30)), False)
@example(AUTUMN, "America/New_York", (time(21), time(1, 30)), False)
def test_nobody_is_woken_and_nobody_earlier_than_asked(moment, zone, quiet, nights):
    awake = hours.waking(moment, zone, quiet, nights=nights)
    assert awake >= moment
    assert not is_quiet(awake, zone, (quiet[1], quiet[0]) if nights else quiet)


@profile
@given(moments, zones, quiet_hours)
def test_nobody_waits_longer_than_a_night_and_an_hour(moment, zone, quiet):
    """A change of the clocks may add an hour to a night; never a day."""
    assert hours.waking(moment, zone, quiet) - moment <= DAY + timedelta(hours=1)


@profile
@given(moments, zones, quiet_hours)
def test_who_is_awake_is_told_at_once(moment, zone, quiet):
    if not is_quiet(moment, zone, quiet):
        assert hours.waking(moment, zone, quiet) == moment
    assert hours.waking(moment, zone, None) == moment


@profile
@given(moments, zones)
def test_waking_hours_of_those_on_nights_begin_where_the_others_end(moment, zone):
    by_day, by_night = hours.waking(moment, zone, USUAL), hours.waking(moment, zone, USUAL, nights=True)
    assert moment in (by_day, by_night)
    assert by_day != by_night


@profile
@given(moments, zones, parts)
@example(SPRING, "America/New_York", ("days",))
@example(AUTUMN, "America/New_York", ("weekends",))
@example(SPRING, "America/New_York", ("sun any-time",))
@example(AUTUMN, "America/New_York", ("sun 00-08",))
def test_the_next_hour_somebody_can_be_asked_lies_in_their_hours(moment, zone, chosen):
    following = hours.next_within(moment, zone, chosen)
    assert following >= moment
    assert hours.within(following, zone, chosen)
    assert following - moment <= timedelta(days=7, hours=1)


@profile
@given(moments, zones, parts, st.integers(0, 7 * 24 * 2))
def test_nothing_earlier_would_have_done(moment, zone, chosen, half_hours):
    following = hours.next_within(moment, zone, chosen)
    between = moment + half_hours * timedelta(minutes=30)
    assert between >= following or not hours.within(between, zone, chosen)


@profile
@given(moments, zones)
def test_every_moment_lies_in_some_part_of_the_week(moment, zone):
    assert hours.within(moment, zone, ())
    assert hours.within(moment, zone, tuple(hours.PARTS))


@profile
@given(moments, zones)
def test_tomorrow_is_the_next_day_and_early(moment, zone):
    following = hours.tomorrow(moment, zone).astimezone(ZoneInfo(zone))
    assert following.date() == moment.astimezone(ZoneInfo(zone)).date() + DAY
    assert following.time() == time(6)


@pytest.mark.parametrize(
    ("shift", "begins", "ends"),
    [
        ("mon 07-19", (2, 7), (2, 19)),
        ("mon 19-07", (2, 19), (3, 7)),
        ("sun 23-07", (8, 23), (9, 7)),
        ("mon 16-00", (2, 16), (3, 0)),
        ("mon any-time", (2, 0), (3, 0)),
    ],
)
def test_a_shift_is_from_its_hour_on_its_day_until_its_other_hour(shift, begins, ends):
    """The second of March 2026 is a Monday."""
    start, end = (datetime(2026, 3, *at, tzinfo=UTC) for at in (begins, ends))
    minute = timedelta(minutes=1)
    inside = [hours.within(moment, "UTC", (shift,)) for moment in (start - minute, start, end - minute, end)]
    assert inside == [False, True, True, False]


def test_what_a_newer_release_calls_a_shift_counts_for_nothing_here():
    assert hours.within(SPRING, "UTC", ("mon 03-04", "holidays"))
    assert not hours.within(SPRING, "UTC", ("mon 03-04", "mon 07-19"))  # a Sunday
    assert hours.next_within(SPRING, "UTC", ("holidays",)) == SPRING
