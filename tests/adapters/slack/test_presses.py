"""Whoever presses sees their own card change first: through the response URL of the press, beside every rate limit."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from adapters.base import RetryLater
from adapters.rate_limit import RateLimiter
from adapters.slack import RATES
from tests.adapters.slack.harness import WELCOME, harness, no_wait

ASKED = replace(WELCOME, id="asked", text="We have asked.", buttons=())


def busy(rate: str = "update") -> RateLimiter:
    """A limiter at a time that stands still, of which one rate is used up."""
    limiter = RateLimiter(RATES, now=lambda: 1000.0, sleep=no_wait)
    for _ in range(30):
        limiter.take_at_once(rate)
    return limiter


async def test_forty_who_press_at_once_see_their_card_change_without_an_api_call() -> None:
    async with harness(pace=busy()) as h:
        people = [f"U_P{number}" for number in range(40)]
        for user in people:
            h.slack.joins(user)
        refs = {user: await h.deliver(user, replace(WELCOME, pace="first"), address=f"D0{user}") for user in people}
        with pytest.raises(RetryLater):
            h.adapter.check_rate(h.person(people[0]), None, refs[people[0]])
        await asyncio.gather(*(h.slack.presses(user, "Ask") for user in refs))
        for user, ref in refs.items():
            h.adapter.check_rate(h.person(user), None, ref)
            assert await h.deliver(user, ASKED, replacing=ref) == ref
            assert [card.text for card in h.slack.reads(user)] == [ASKED.text]
        assert h.slack.called("chat.update") == []


async def test_who_asks_first_of_all_today_does_not_wait_for_their_chat_to_be_opened() -> None:
    limiter = busy("open")
    async with harness(pace=limiter) as h:
        await h.deliver("U_ANA", replace(WELCOME, pace="first"))
        assert [card.text for card in h.slack.reads("U_ANA")] == [WELCOME.text]
        with pytest.raises(RetryLater):
            await h.deliver("U_BO", WELCOME)


@pytest.mark.parametrize("fault", [{"status": 404}, {"status": 500}, {"reset": True}])
async def test_an_address_that_slack_no_longer_takes_gives_way_to_the_api(fault: dict[str, object]) -> None:
    async with harness() as h:
        ref = await h.deliver("U_ANA", WELCOME)
        await h.slack.presses("U_ANA", "Ask")
        h.slack.fails("response_url", **fault)  # type: ignore[arg-type]  # the table holds any fault
        await h.deliver("U_ANA", ASKED, replacing=ref)
        assert [card.text for card in h.slack.reads("U_ANA")] == [ASKED.text]
        assert len(h.slack.called("chat.update")) == 1


async def test_an_address_is_used_a_few_times_only_and_for_half_an_hour() -> None:
    clock = [1000.0]
    limiter = RateLimiter(RATES, patience=float("inf"), now=lambda: clock[0], sleep=no_wait)
    async with harness(pace=limiter) as h:
        ref = await h.deliver("U_ANA", WELCOME)
        await h.slack.presses("U_ANA", "Ask")
        for number in range(7):
            await h.deliver("U_ANA", replace(WELCOME, text=f"Edit {number}"), replacing=ref)
        assert len(h.slack.called("chat.update")) == 4
        await h.slack.presses("U_ANA", "Ask")
        clock[0] += 30 * 60
        await h.deliver("U_ANA", ASKED, replacing=ref)
        assert len(h.slack.called("chat.update")) == 5
        assert max(h.slack.responses.values()) <= 5


async def test_what_a_person_waits_for_goes_before_what_may_come_later() -> None:
    async with harness(pace=busy()) as h:
        ref = await h.deliver("U_ANA", WELCOME)
        with pytest.raises(RetryLater):
            await h.deliver("U_ANA", ASKED, replacing=ref)
        await h.deliver("U_ANA", replace(ASKED, pace="first"), replacing=ref)
        assert [card.text for card in h.slack.reads("U_ANA")] == [ASKED.text]
