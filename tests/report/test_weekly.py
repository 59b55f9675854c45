"""What closes is counted once a week, by whichever process is first, and can be read when its year is over."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from structlog.testing import capture_logs

from bot.report.weekly import NUMBERS, WeeklyCount, open_numbers
from conversations.numbers import Numbers, Tally, Year
from tests.stories.serve import Home, at_home


def weekly(home: Home, small_cell: int = 11) -> WeeklyCount:
    """Another process's count of the same store."""
    services = home.engine.services
    return WeeklyCount(services.store, services.vault, services.repository, small_cell, services.now)


async def numbers(home: Home) -> Numbers:
    """What is kept of requests that were forgotten."""
    found = await home.engine.services.store.load(NUMBERS)
    assert found
    return open_numbers(found, home.engine.services.vault)


async def asks_and_closes(home: Home, user: str) -> None:
    """Somebody asks, and changes their mind a moment later."""
    await home.slack.command(user)
    for label in ("Talk to someone soon", "Ask now", "Change my mind"):
        await home.slack.presses(user, label)
        await home.engine.idle()


async def test_each_request_is_counted_once_and_the_sums_hold_no_day_and_no_person(tmp_path):
    async with at_home(tmp_path, "U0ANA", "U0CY", "U0DANA") as home:
        await weekly(home).run()
        for user in ("U0ANA", "U0CY"):
            await asks_and_closes(home, user)
        await weekly(home).run()
        assert sum((await numbers(home)).quarters, start=Tally()) == Tally()
        home.time.set(datetime(2026, 3, 9, 0, 1, tzinfo=UTC))  # the next Monday, before anything is erased
        await asyncio.gather(*(weekly(home).run() for _ in range(3)))
        found = await numbers(home)
        assert found.quarters == (Tally(2, 0, 0, 0, 2), Tally(), Tally(), Tally())
        await weekly(home).run()
        assert await numbers(home) == found


async def test_a_year_is_said_when_it_is_over_and_a_coordinator_reads_it(tmp_path):
    async with at_home(tmp_path, "U0ANA", "U0DANA", PEERSUPPORT_SMALL_CELL="5") as home:
        await weekly(home, 5).run()  # it begins
        for _ in range(6):
            await asks_and_closes(home, "U0ANA")
            home.time.pass_(timedelta(days=7, hours=-1))
            await weekly(home, 5).run()
            await home.settles()
        assert (await numbers(home)).years == ()
        assert await says(home, "Of requests we say nothing before a year is over.")
        home.time.set(datetime(2027, 1, 12, 15, tzinfo=UTC))
        await weekly(home, 5).run()
        assert (await numbers(home)).years == (Year(2026, 6),)
        assert await says(home, "In 2026 there were 6 requests.")


async def says(home: Home, words: str) -> bool:
    """Whether a coordinator who asks for the report reads that."""
    await home.slack.types("U0DANA", "report")
    await home.until(lambda: any(words in card.text for card in home.slack.reads("U0DANA")))
    return True


async def test_sums_that_do_not_open_are_logged_and_hold_up_nothing_else(tmp_path):
    async with at_home(tmp_path, "U0DANA") as home:
        await weekly(home).run()
        store = home.engine.services.store
        found = await store.load(NUMBERS)
        assert found
        await store.save(replace(found, sealed=b"\2" + found.sealed[1:-1] + bytes((found.sealed[-1] ^ 1,))))
        home.time.pass_(timedelta(days=7))
        with capture_logs() as said:
            await weekly(home).run()
            assert await weekly(home).years() == ()
        assert {"event": "record-failed", "kind": "Corrupt", "log_level": "error"} in said
        assert await says(home, "Of requests we say nothing before a year is over.")
