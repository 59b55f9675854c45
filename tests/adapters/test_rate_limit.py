"""Rate limits, with Slack's rates and a clock of the test's own."""

from __future__ import annotations

import pytest

from adapters.base import RetryLater
from adapters.rate_limit import RateLimiter
from adapters.slack import RATES


class Clock:
    def __init__(self) -> None:
        self.at = 0.0
        self.waited: list[float] = []

    def now(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.waited.append(seconds)
        self.at += seconds


async def test_one_chat_gets_one_post_a_second_and_others_do_not_wait_for_it():
    clock = Clock()
    limiter = RateLimiter(RATES, now=clock.now, sleep=clock.sleep)
    await limiter.acquire("post", "D1")
    await limiter.acquire("post", "D2")
    assert clock.waited == []
    await limiter.acquire("post", "D1")
    assert clock.waited == [1.0]


async def test_a_workspace_gets_three_hundred_posts_a_minute_and_the_rest_stay_in_the_outbox():
    clock = Clock()
    limiter = RateLimiter(RATES, now=clock.now, sleep=clock.sleep)
    sent = later = 0
    for i in range(1000):
        try:
            await limiter.acquire("post", f"D{i}")
        except RetryLater as busy:
            later += 1
            clock.at += busy.after.total_seconds()
        else:
            sent += 1
        if clock.at >= 60:
            break
    assert 295 <= sent <= 325
    assert all(wait <= 2.0 for wait in clock.waited)


async def test_a_call_that_is_refused_takes_no_slot():
    clock = Clock()
    limiter = RateLimiter(RATES, patience=0.5, now=clock.now, sleep=clock.sleep)
    await limiter.acquire("post", "D1")
    for _ in range(5):
        with pytest.raises(RetryLater):
            await limiter.acquire("post", "D1")
    clock.at += 1.0
    await limiter.acquire("post", "D1")
    assert clock.waited == []
