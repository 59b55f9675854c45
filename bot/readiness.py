"""What a running programme says of itself at /readyz, under the ids by which the doctor says it.

Each check has a second. What costs the store something is asked once, however many ask, and kept for a second, so that
no probe can weigh on it. A warning leaves us ready: taking us out of a load balancer would help nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

import structlog

from bot.checks import storage
from bot.checks.finding import Finding

Check = Callable[[], Awaitable[Finding]]
"""Raising, or taking longer than a second: failed."""

A_CHECK_TAKES: Final = 1.0  # seconds
KEPT_FOR: Final = 1.0  # seconds
TICKS: Final = 3  # that the clock may miss before it counts as stopped

log = structlog.get_logger("bot.readiness")


class Readiness:
    """`look` may be called as often as anybody likes."""

    def __init__(self, checks: Mapping[str, Check]) -> None:
        self._checks = checks
        self._stopping = False

    async def look(self) -> tuple[Finding, ...]:
        """What each check finds now. One that fails is ready for nothing."""
        if self._stopping:
            return (Finding("stopping", "fail", "It has been asked to stop.", "Wait, or start it again."),)
        found = await asyncio.gather(*(_within_a_second(id, check) for id, check in self._checks.items()))
        return tuple(found)

    def stops(self) -> None:
        """From here on we are not ready, though what still comes in is served."""
        self._stopping = True


async def _within_a_second(id: str, check: Check) -> Finding:
    try:
        async with asyncio.timeout(A_CHECK_TAKES):
            return await check()
    except Exception as error:  # noqa: BLE001  the edge
        log.warning("check-failed", check=id, kind=type(error).__name__)
        return Finding(id, "fail", "This check failed, or took longer than a second.", "Look into the log.")


def once(check: Check) -> Check:
    """The same check, asked once for all who ask at the same time, and its answer kept for a second."""
    asking: asyncio.Future[Finding] | None = None
    asked = -KEPT_FOR

    async def kept() -> Finding:
        nonlocal asking, asked
        loop = asyncio.get_running_loop()
        if asking is None or (asking.done() and loop.time() - asked >= KEPT_FOR):
            asking, asked = asyncio.ensure_future(check()), loop.time()
            asking.add_done_callback(_heard)
        return await asyncio.shield(asking)

    return kept


def _heard(asking: asyncio.Future[Finding]) -> None:
    """Perhaps nobody waits for it any more; then nobody need be told that it failed."""
    if not asking.cancelled():
        asking.exception()


# ---------------------------------------------------------------- the checks


def store(check: Callable[[], Awaitable[None]]) -> Check:
    """Whether it can be written."""

    async def look() -> Finding:
        try:
            await check()
        except Exception as error:  # noqa: BLE001  the edge
            log.warning("check-failed", check="store", kind=type(error).__name__)
            return Finding(
                "store", "fail", "The store cannot be written.", "Run `peersupport doctor`, look into the log."
            )
        return Finding("store", "ok", "The store can be written.")

    return look


def platform(name: str, is_open: Callable[[], bool]) -> Check:
    """Whether a platform lets us in."""

    async def look() -> Finding:
        if is_open():
            return Finding(name, "ok", "It lets us in.")
        return Finding(name, "fail", "It does not let us in.", "Run `peersupport doctor --live`; then start again.")

    return look


class Turns:
    """Whether the clock turns, by its regular ticks alone: a turn for somebody's deadline would tell of it."""

    def __init__(self, tick: timedelta, now: Callable[[], datetime]) -> None:
        self._tick, self._now = tick, now
        self._last = 0.0
        self.late = timedelta(0)  # how late the earliest thing is that nobody has seen to, when it was last looked at

    def turned(self) -> None:
        """A tick has ended well."""
        self._last = asyncio.get_running_loop().time()

    def silent(self) -> timedelta:
        """For how long no tick has ended, beyond those that may be missed."""
        since = timedelta(seconds=asyncio.get_running_loop().time() - self._last)
        return max(since - TICKS * self._tick, timedelta(0))

    def is_due(self, earliest: datetime | None) -> None:
        self.late = max(self._now() - earliest, timedelta(0)) if earliest else timedelta(0)

    async def look(self) -> Finding:
        if self.silent():
            return Finding("scheduler", "warn", "The clock does not turn.", "Look into the log; start again.")
        return storage.late(self.late)
