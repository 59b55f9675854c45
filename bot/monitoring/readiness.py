"""The checks behind /readyz, under the ids that the doctor uses for the same things.

Each check may take a second. The store is checked once however many probes ask, and its answer is kept for a second, so
that no probe can put load on it. A warning leaves us ready: taking us out of a load balancer would help no one.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import structlog

from bot.diagnostics import storage
from bot.health import Finding, Status
from bot.store.base import Lingering

Check = Callable[[], Awaitable[Finding]]
"""Returns what it found; one that raises or takes longer than a second has failed."""

CHECK_SECONDS: Final = 1.0
"""How long a check may take."""
CACHE_SECONDS: Final = 1.0
"""How long the answer of a cached check is kept."""
REFUSED_SECONDS: Final = 300.0
"""For how long a platform refuses us before it is told."""
STEP_SECONDS: Final = 5.0
"""A clock that is set by less is adjusted, as time services do."""
STEP_TOLD_SECONDS: Final = 3600.0
"""For how long a step is told."""
MISSED_TICKS: Final = 3
"""How many ticks the scheduler may miss before it counts as stopped."""

log = structlog.get_logger("bot.readiness")


class Readiness:
    """Runs every check at once, as often as it is asked."""

    def __init__(self, checks: Mapping[str, Check]) -> None:
        """Run these checks, each under its id."""
        self._checks = checks
        self._stopping = False

    async def check(self) -> tuple[Finding, ...]:
        """Return what each check finds now; a single failure means not ready."""
        if self._stopping:
            return (Finding("stopping", "fail", "It has been asked to stop.", "Wait, or start it again."),)
        found = await asyncio.gather(*(_within_a_second(id, check) for id, check in self._checks.items()))
        return tuple(found)

    def begin_shutdown(self) -> None:
        """Report not ready from now on, though requests that still come in are served."""
        self._stopping = True


async def _within_a_second(id: str, check: Check) -> Finding:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            return await check()
    except Exception as error:  # noqa: BLE001  the edge
        log.warning("check-failed", check=id, kind=type(error).__name__)
        return Finding(id, "fail", "This check failed, or took longer than a second.", "Look into the log.")


def cached(check: Check) -> Check:
    """Return a check that runs once for all who ask at the same time, and whose answer is kept for a second."""
    asking: asyncio.Future[Finding] | None = None
    asked = -CACHE_SECONDS

    async def cached_check() -> Finding:
        nonlocal asking, asked
        loop = asyncio.get_running_loop()
        if asking is None or (asking.done() and loop.time() - asked >= CACHE_SECONDS):
            asking, asked = asyncio.ensure_future(check()), loop.time()
            asking.add_done_callback(_retrieve_failure)
        return await asyncio.shield(asking)

    return cached_check


def _retrieve_failure(asking: asyncio.Future[Finding]) -> None:
    """Keep asyncio from logging the failure of a check whose callers have all gone."""
    if not asking.cancelled():
        asking.exception()


# ---------------------------------------------------------------- the checks


def store(check: Callable[[], Awaitable[None]]) -> Check:
    """Return a check of whether the store can be written; `check` writes to it."""

    async def run() -> Finding:
        try:
            await check()
        except Exception as error:  # noqa: BLE001  the edge
            log.warning("check-failed", check="store", kind=type(error).__name__)
            return Finding(
                "store", "fail", "The store cannot be written.", "Run `peersupport doctor`, look into the log."
            )
        return Finding("store", "ok", "The store can be written.")

    return run


def forgetting(lingering: Callable[[], Awaitable[Collection[Lingering]]]) -> Check:
    """Return a check of whether what is destroyed leaves the tables; `lingering` asks the database."""

    async def run() -> Finding:
        return storage.gone_finding(await lingering())

    return run


def platforms(
    is_open: Mapping[str, Callable[[], bool]], is_up: Mapping[str, Callable[[], bool]]
) -> Mapping[str, Check]:
    """Return the checks of whether each platform serves: a warning where it does not, a failure where none is left.

    Args:
        is_open: By platform, whether it accepts our credentials.
        is_up: Of the platforms that we keep a connection to, whether it is open.
    """

    def status() -> Status:
        serves = any(opens() and (name not in is_up or is_up[name]()) for name, opens in is_open.items())
        return "warn" if serves else "fail"

    opened = {name: partial(_platform, name, opens, status) for name, opens in is_open.items()}
    return opened | {f"{name}-socket": partial(_connection, name, up, status) for name, up in is_up.items()}


async def _platform(name: str, is_open: Callable[[], bool], otherwise: Callable[[], Status]) -> Finding:
    if is_open():
        return Finding(name, "ok", "The platform accepts our credentials.")
    return Finding(
        name,
        otherwise(),
        "The platform does not accept our credentials, or has not answered yet. It is asked again by itself.",
        "Run `peersupport doctor --live`.",
    )


async def _connection(name: str, is_up: Callable[[], bool], otherwise: Callable[[], Status]) -> Finding:
    if is_up():
        return Finding(f"{name}-socket", "ok", "A connection to Slack is open.")
    return Finding(f"{name}-socket", otherwise(), "No connection to Slack is open.", "Run `peersupport doctor --live`.")


class RefusedPlatforms:
    """Tells of a platform that refuses our credentials for five minutes, and when it accepts them again.

    A single refusal is told with the other counts of its hour: its moment would be the moment of a request.

    Args:
        refuses: by platform, whether it refuses us now.
        monotonic: a clock that no one can set, in seconds.
    """

    def __init__(
        self, refuses: Mapping[str, Callable[[], bool]], monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._refuses, self._monotonic = refuses, monotonic
        self._since: dict[str, float] = {}
        self._told: set[str] = set()

    def look(self) -> None:
        """Look at each platform."""
        for name, refuses in self._refuses.items():
            if not refuses():
                self._since.pop(name, None)
                if name in self._told:
                    self._told.discard(name)
                    log.warning("platform-open", platform=name)
            elif self._monotonic() - self._since.setdefault(name, self._monotonic()) >= REFUSED_SECONDS:
                if name not in self._told:
                    log.error("platform-stopped", platform=name)
                self._told.add(name)


class ClockSteps:
    """Whether the machine's clock was set: then what falls due was, or will be, looked at too early or too late.

    Args:
        wall: the machine's clock, in seconds.
        monotonic: a clock that no one can set, in seconds.
    """

    def __init__(self, wall: Callable[[], float] = time.time, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._wall, self._monotonic = wall, monotonic
        self._distance = wall() - monotonic()
        self._stepped: tuple[float, float] | None = None  # when, by the monotonic clock, and by how many seconds

    def look(self) -> None:
        """Compare the two clocks; a step between two looks is logged as an error, once."""
        distance = self._wall() - self._monotonic()
        step, self._distance = distance - self._distance, distance
        if abs(step) >= STEP_SECONDS:
            self._stepped = self._monotonic(), step
            log.error("clock-stepped", kind="ahead" if step > 0 else "back")

    async def check(self) -> Finding:
        """Warn for an hour after a step."""
        if self._stepped is None or self._monotonic() - self._stepped[0] > STEP_TOLD_SECONDS:
            return Finding("clock-steps", "ok", "The machine's clock runs evenly.")
        how = f"{'ahead' if self._stepped[1] > 0 else 'back'} by {timedelta(seconds=round(abs(self._stepped[1])))}"
        return Finding(
            "clock-steps",
            "warn",
            f"Within the last hour the machine's clock was set {how}. "
            "What was planned while it was wrong may come too early or too late by as much.",
            "Have the clock kept right by chrony or systemd-timesyncd.",
        )


def signatures(all_refused: Mapping[str, Callable[[], bool]]) -> Check:
    """Return a check of whether the requests of some platform are all refused; once so, it is logged as an error.

    Args:
        all_refused: By platform, whether its last requests all failed verification.
    """
    told: set[str] = set()

    async def run() -> Finding:
        refused = {name for name, are_refused in all_refused.items() if are_refused()}
        for name in sorted(refused - told):
            log.error("signatures-refused", platform=name)
        told.clear()
        told.update(refused)
        if not refused:
            return Finding("signatures-refused", "ok", "The requests of the platforms are verified.")
        return Finding(
            "signatures-refused",
            "warn",
            f"What comes in as from {' and '.join(sorted(refused))} is all refused: nobody is answered there.",
            "Compare SLACK_SIGNING_SECRET with the app's Basic Information, TEAMS_CLIENT_ID with the bot's "
            "registration, and this machine's clock with the right time.",
        )

    return run


class SchedulerHealth:
    """Whether the scheduler runs, by its regular ticks alone: a wake-up for a deadline would give it away."""

    def __init__(self, tick: timedelta, now: Callable[[], datetime]) -> None:
        """Expect a tick in every `tick`; `now` is the programme's time."""
        self._tick, self._now = tick, now
        self._last_tick = 0.0
        self.overdue = timedelta(0)  # by how much the earliest due time was past, when the store was last asked

    def record_tick(self) -> None:
        """Note that a tick has ended without an error."""
        self._last_tick = asyncio.get_running_loop().time()

    def silent_for(self) -> timedelta:
        """Return for how long no tick has ended, beyond those that may be missed."""
        since = timedelta(seconds=asyncio.get_running_loop().time() - self._last_tick)
        return max(since - MISSED_TICKS * self._tick, timedelta(0))

    def record_next_due(self, earliest: datetime | None) -> None:
        """Note the earliest due time in the store, or that there is none."""
        self.overdue = max(self._now() - earliest, timedelta(0)) if earliest else timedelta(0)

    async def check(self) -> Finding:
        """Warn where the scheduler has stopped, or something has been due for long."""
        if self.silent_for():
            return Finding("scheduler", "warn", "The scheduler does not run.", "Look into the log; start again.")
        return storage.overdue_finding(self.overdue)
