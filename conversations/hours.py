"""When people are awake, on shift, or left in peace. All arithmetic on wall clocks lives here."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

Quiet = tuple[time, time] | None

DAY = timedelta(days=1)
SUNDAY_EVENING = timedelta(hours=18)  # from six o'clock until Monday noon

Span = tuple[frozenset[int], time, time]
"""Weekdays (Monday is 0), from, until; past midnight where until is not after from."""

# Parts of the week a peer can be asked in.
PARTS: dict[str, Span] = {
    "days": (frozenset(range(5)), time(8), time(17)),
    "evenings": (frozenset(range(5)), time(17), time(22)),
    "nights": (frozenset(range(7)), time(22), time(8)),
    "weekends": (frozenset((5, 6)), time(8), time(22)),
}

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
ANY_TIME: Final = "any-time"
SHIFTS: Final = (
    *(ANY_TIME, "06-18", "07-19", "08-20", "18-06", "19-07", "20-08"),
    *("07-15", "08-16", "09-17", "15-23", "16-00", "23-07", "00-08"),
)
"""The shifts of hospitals, from an hour until an hour; what is stored is the day and one of these, `mon 07-19`."""


def is_zone(name: str) -> bool:
    """Whether this is a time zone we can reckon with."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def local(moment: datetime, zone: str) -> datetime:
    """The same moment on a clock in this time zone."""
    return moment.astimezone(ZoneInfo(zone))


def within(moment: datetime, zone: str, parts: tuple[str, ...]) -> bool:
    """Whether this moment lies in one of the parts or shifts; none means any time."""
    here, spans = local(moment, zone), _spans(parts)
    return not spans or any(_covers(here, *span) for span in spans)


def _spans(parts: Iterable[str]) -> tuple[Span, ...]:
    """What these mean; what a newer release knows and this one does not counts for nothing."""
    return tuple(span for span in map(_span, parts) if span is not None)


@cache
def _span(part: str) -> Span | None:
    if part in PARTS:
        return PARTS[part]
    day, _, shift = part.partition(" ")
    if day not in WEEKDAYS or shift not in SHIFTS:
        return None
    start, end = (0, 0) if shift == ANY_TIME else map(int, shift.split("-"))
    return frozenset((WEEKDAYS.index(day),)), time(start), time(end)


def _covers(here: datetime, weekdays: frozenset[int], start: time, end: time) -> bool:
    clock = here.time()
    if start < end:
        return here.weekday() in weekdays and start <= clock < end
    evening = here.weekday() in weekdays and clock >= start
    return evening or ((here.weekday() - 1) % 7 in weekdays and clock < end)


def next_within(moment: datetime, zone: str, parts: tuple[str, ...]) -> datetime:
    """The first moment from now on that lies in one of the parts or shifts."""
    if within(moment, zone, parts):
        return moment
    here = local(moment, zone)
    starts = (_at(here, days, span[1]) for span in _spans(parts) for days in range(8))
    return min(start for start in starts if start > moment and within(start, zone, parts))


def waking(moment: datetime, zone: str, quiet: Quiet, *, nights: bool = False) -> datetime:
    """This moment, or the end of the quiet hours it falls in. Never earlier than asked.

    Someone who works nights sleeps when others are awake: their quiet hours are the other half of the day.
    """
    if quiet is None:
        return moment
    start, end = (quiet[1], quiet[0]) if nights else quiet
    here = local(moment, zone)
    if not _quiet(here.time(), start, end):
        return moment
    ends = (_at(here, days, end) for days in (0, 1))
    return min(at for at in ends if at >= moment)


def _quiet(clock: time, start: time, end: time) -> bool:
    return start <= clock < end if start < end else clock >= start or clock < end


def end_of_week(moment: datetime, zone: str) -> datetime:
    """When the week of night shifts ends that is meant by *this week*: Monday noon, after the last night was slept off.

    On a Sunday evening it is the week that begins with that night.
    """
    here = local(moment, zone)
    days = 7 - here.weekday()
    noon = _at(here, days, time(12))
    return noon if noon - moment > SUNDAY_EVENING else _at(here, days + 7, time(12))


def tomorrow(moment: datetime, zone: str) -> datetime:
    """Early on the next day, where they are."""
    return _at(local(moment, zone), 1, time(6))


def on_day(moment: datetime, zone: str, days: int, clock: time) -> datetime:
    """That wall-clock time so many days after this moment's day, where they are."""
    return _at(local(moment, zone), days, clock)


def _at(here: datetime, days: int, clock: time) -> datetime:
    """That wall-clock time some days on, in UTC; a time the clock skips over becomes the next that exists."""
    return datetime.combine(here.date() + days * DAY, clock, here.tzinfo).astimezone(UTC)
