"""Looks at ourselves at even intervals, whatever people do: how late the loop is, how quick the store, who is reached.

What it finds goes to the metrics and to the operator's alerts. It asks the platforms nothing that needs a token.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Final, Protocol

import structlog

from adapters.tasks import called_off
from bot.alerts import Alerts
from bot.checks import network
from bot.checks.finding import Finding
from bot.checks.network import Sight
from bot.metrics import Metrics
from bot.readiness import Check, Readiness, Turns

BEAT: Final = 15.0  # seconds between two looks
SECOND: Final = 1.0  # between two looks at the loop
AROUND: Final = 20  # beats between two looks at the platforms: five minutes

Look = Callable[[], Awaitable[Sequence[Sight]]]
log = structlog.get_logger("bot.pulse")


class Asked(Protocol):
    """What the pulse asks of the store."""

    async def check(self) -> None:
        """Write something empty."""

    async def next_due(self) -> datetime | None:
        """When the earliest record falls due, or None."""


class Around:
    """The way to the platforms, as it was when it was last looked at. Nobody who asks waits for it."""

    def __init__(self, looks: Mapping[str, Look]) -> None:
        self._looks = looks
        self._seen: dict[str, tuple[Sight, ...]] = {}

    async def look(self) -> None:
        for platform, look in self._looks.items():
            self._seen[platform] = tuple(await look())

    def checks(self) -> Mapping[str, Check]:
        """A warning at most: a platform that is away is no reason to refuse another's presses."""
        ways: dict[str, Check] = {f"{name}-network": self._way(name) for name in self._looks}
        return ways | {"clock": self._clock}

    def _way(self, platform: str) -> Check:
        async def check() -> Finding:
            if platform not in self._seen:
                return Finding(f"{platform}-network", "ok", "Nobody has looked yet.")
            return _at_most_a_warning(network.way(platform, self._seen[platform]))

        return check

    async def _clock(self) -> Finding:
        sights = [sight for seen in self._seen.values() for sight in seen]
        found = next(network.clock(sights), Finding("clock", "ok", "Nobody has told the time yet."))
        return _at_most_a_warning(found)


def _at_most_a_warning(found: Finding) -> Finding:
    return Finding(found.id, "warn", found.says, found.fix) if found.status == "fail" else found


class Pulse:
    """`start`, and at the end `stop`."""

    def __init__(
        self,
        store: Asked,
        readiness: Readiness,
        metrics: Metrics,
        turns: Turns,
        around: Around,
        alerts: Alerts | None,
    ) -> None:
        self._store, self._readiness, self._metrics, self._turns = store, readiness, metrics, turns
        self._around, self._alerts = around, alerts
        self._beats = 0
        self._running: asyncio.Task[None] | None = None

    def start(self) -> None:
        if self._alerts is not None:
            self._alerts.listen()
        self._running = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        if self._alerts is not None:
            self._alerts.close()
        if self._running is not None:
            await called_off(self._running)

    async def _run(self) -> None:
        while True:
            try:
                await self.beat()
            except Exception as broken:  # noqa: BLE001  the edge: one look that fails must not be the last
                log.warning("pulse-failed", kind=type(broken).__name__)
            for _ in range(int(BEAT / SECOND)):
                await self._a_second()

    async def _a_second(self) -> None:
        loop = asyncio.get_running_loop()
        before = loop.time()
        await asyncio.sleep(SECOND)
        self._metrics.lag(loop.time() - before - SECOND)

    async def beat(self) -> None:
        """One look at everything."""
        if self._beats % AROUND == 1:
            await self._around.look()
        self._beats += 1
        before = asyncio.get_running_loop().time()
        with suppress(Exception):  # the readiness says it, and when there is nothing to be read nothing is late
            async with asyncio.timeout(BEAT):
                await self._store.check()
                self._metrics.probe(asyncio.get_running_loop().time() - before)
                self._turns.is_due(await self._store.next_due())
        findings = await self._readiness.look()
        self._metrics.clock(self._turns.late, self._turns.silent())
        self._metrics.found(findings)
        if self._alerts is not None:
            await self._alerts.tell(findings)
