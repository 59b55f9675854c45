"""The numbers of the programme: what is counted of requests, and what of it may be said without telling on anyone.

Counted is once a week, of the requests that closed in that week, as sums and without a day. Said is a year that is
over, once and for ever: figures that move would tell who came by their differences. A cell from 1 to k - 1 is said by
no figure, and follows from none: where one of the parts of a whole is as small as that, none of them is said.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Final, Literal

from conversations import hours
from conversations.immutable import Immutable, replace

WEEK: Final = timedelta(days=7)
QUARTERS: Final = 4
A_SHARE: Final = 2
"""A share is said of so many times k requests."""


class Outcome(Immutable, frozen=True):
    """What a request remembers of itself to be counted by.

    Args:
        after_hours: Whether it began on a weekend, or outside 8 to 5, where the clinician is.
        answered: Whether a peer said yes before the target had passed, or after it; empty where none did.
        escalated: Whether a coordinator or the person on call was told that someone was waiting.
        closed_on: The day on which it closed.
    """

    after_hours: bool = False
    answered: Literal["", "in-time", "later"] = ""
    escalated: bool = False
    closed_on: date | None = None


class Tally(Immutable, frozen=True):
    """Sums over requests that have closed. They name no one, and are said to no one as they are."""

    requests: int = 0
    in_time: int = 0
    later: int = 0
    after_hours: int = 0
    escalated: int = 0

    def __add__(self, other: Tally) -> Tally:
        """The sums of both."""
        return Tally(*(getattr(self, name) + getattr(other, name) for name in self.__struct_fields__))


class Year(Immutable, frozen=True):
    """What is said of a year that is over. None where it would tell of a few.

    Args:
        year: Which one.
        requests: How many requests closed in it; None for fewer than k.
        quarters: How many in each quarter; empty where one of them is too small.
        in_time: In how many a peer said yes before the target had passed.
        later: In how many afterwards.
        after_hours: How many came on a weekend, or outside 8 to 5.
        escalated: In how many a coordinator was told that someone was waiting.
    """

    year: int
    requests: int | None = None
    quarters: tuple[int, ...] = ()
    in_time: int | None = None
    later: int | None = None
    after_hours: int | None = None
    escalated: int | None = None


class Numbers(Immutable, frozen=True):
    """All that is remembered of requests once they are forgotten.

    Args:
        until: The Monday before which everything has been counted.
        year: The running year.
        quarters: The sums of each quarter of it, from the first.
        years: What is said of the years that are over, oldest first.
    """

    until: date
    year: int
    quarters: tuple[Tally, ...] = (Tally(),) * QUARTERS
    years: tuple[Year, ...] = ()


# ---------------------------------------------------------------- counting


def monday_of(day: date) -> date:
    """The Monday of this day's week."""
    return day - timedelta(days=day.weekday())


def is_after_hours(began: datetime, zone: str) -> bool:
    """Whether this moment lies on a weekend, or outside 8 to 5, on the wall clock of this zone."""
    return not hours.within(began, zone, ("days",))


def count(closed: Iterable[Outcome], until: date, before: date) -> dict[date, Tally]:
    """The sums of each week that is over and not yet counted, by its Monday.

    Args:
        closed: What each request that has closed remembers.
        until: The Monday before which everything has been counted.
        before: The Monday of the running week.
    """
    found = {until + weeks * WEEK: Tally() for weeks in range((before - until) // WEEK)}
    for one in closed:
        week = monday_of(one.closed_on) if one.closed_on else None
        if week in found:
            answered = one.answered == "in-time", one.answered == "later"
            found[week] += Tally(1, *answered, one.after_hours, one.escalated)
    return found


def counted(numbers: Numbers, weeks: Mapping[date, Tally], k: int) -> Numbers:
    """The numbers with these weeks, in order. A week belongs to the year and quarter of its Thursday.

    With the first week of a year the one before is closed: what may be said of it is kept, and the sums are destroyed.
    """
    for monday, tally in sorted(weeks.items()):
        year, quarter = period(monday)
        if year != numbers.year:
            over = said(numbers, k)
            numbers = replace(numbers, year=year, quarters=(Tally(),) * QUARTERS, years=(*numbers.years, over))
        sums = tuple(sum_ + tally if at == quarter else sum_ for at, sum_ in enumerate(numbers.quarters))
        numbers = replace(numbers, until=monday + WEEK, quarters=sums)
    return numbers


def period(monday: date) -> tuple[int, int]:
    """The year, and the quarter from 0, that a week belongs to by its Thursday."""
    thursday = monday + timedelta(days=3)
    return thursday.year, (thursday.month - 1) // 3


# ---------------------------------------------------------------- what may be said


def said(numbers: Numbers, k: int) -> Year:
    """What may be said of the running year as it ends: nothing of it tells of fewer than k requests."""
    whole = sum(numbers.quarters, start=Tally())
    year = Year(numbers.year)
    if whole.requests < k:
        return year
    year = replace(year, requests=whole.requests)
    if whole.requests < A_SHARE * k:
        return year
    in_time, later = parts(whole.requests, k, whole.in_time, whole.later)
    (after_hours,) = parts(whole.requests, k, whole.after_hours)
    (escalated,) = parts(whole.requests, k, whole.escalated)
    quarters = tuple(quarter.requests for quarter in numbers.quarters)
    shown = quarters if min(quarters) >= k else ()
    year = replace(year, in_time=in_time, later=later, after_hours=after_hours, escalated=escalated)
    return replace(year, quarters=shown)


def parts(whole: int, k: int, *cells: int) -> tuple[int | None, ...]:
    """The parts of a whole that is said, or none of them: what is left of the whole is a part, too."""
    return cells if all(cell == 0 or cell >= k for cell in (*cells, whole - sum(cells))) else (None,) * len(cells)
