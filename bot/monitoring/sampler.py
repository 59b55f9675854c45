"""Samples our own health at even intervals: how late the event loop is, how fast the store, which platforms answer.

Samples do not depend on what people do. They go to the metrics and to the operator's alerts. Platforms are sent
nothing that needs a token.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Final, Protocol

import structlog

from adapters.background import cancel_and_wait
from bot.diagnostics import network
from bot.diagnostics.network import HostProbe
from bot.health import Finding
from bot.monitoring.alerts import Alerts
from bot.monitoring.metrics import Metrics
from bot.monitoring.readiness import Check, Readiness, SchedulerHealth

SAMPLE_SECONDS: Final = 15.0
"""Between two samples."""
LAG_SECONDS: Final = 1.0
"""Between two measurements of the event loop's lag."""
SAMPLES_PER_PLATFORM_PROBE: Final = 20
"""Platforms are probed once in so many samples: every five minutes."""

ProbePlatform = Callable[[], Awaitable[Sequence[HostProbe]]]
log = structlog.get_logger("bot.sampler")


class ProbedStore(Protocol):
    """What the sampler asks of the store."""

    async def check(self) -> None:
        """Write something empty. Raises where the store cannot be written."""

    async def next_due(self) -> datetime | None:
        """Return when the earliest record falls due, or None."""


class PlatformReachability:
    """Whether each platform could be reached when it was last probed. No check waits for a probe."""

    def __init__(self, probes: Mapping[str, ProbePlatform]) -> None:
        """Probe each platform with this function."""
        self._probes = probes
        self._results: dict[str, tuple[HostProbe, ...]] = {}

    async def probe(self) -> None:
        """Probe every platform, one after the other."""
        for platform, probe in self._probes.items():
            self._results[platform] = tuple(await probe())

    def checks(self) -> Mapping[str, Check]:
        """Return the readiness checks, by id.

        They warn and never fail: that one platform cannot be reached is no reason to refuse the requests of another.
        """
        networks: dict[str, Check] = {f"{name}-network": self._network(name) for name in self._probes}
        return networks | {"clock": self._clock}

    def _network(self, platform: str) -> Check:
        async def check() -> Finding:
            if platform not in self._results:
                return Finding(f"{platform}-network", "ok", "It has not been probed yet.")
            return _at_most_a_warning(network.reachability(platform, self._results[platform]))

        return check

    async def _clock(self) -> Finding:
        probes = [probe for results in self._results.values() for probe in results]
        found = next(network.clock(probes), Finding("clock", "ok", "No platform has told the time yet."))
        return _at_most_a_warning(found)


def _at_most_a_warning(found: Finding) -> Finding:
    return Finding(found.id, "warn", found.says, found.fix) if found.status == "fail" else found


class HealthSampler:
    """Takes a sample every SAMPLE_SECONDS from `start` until `stop`, and measures the loop's lag in between."""

    def __init__(
        self,
        store: ProbedStore,
        readiness: Readiness,
        metrics: Metrics,
        scheduler: SchedulerHealth,
        platforms: PlatformReachability,
        alerts: Alerts | None,
        looks: Sequence[Callable[[], None]],
    ) -> None:
        """Sample the store and the platforms, and feed the others; `looks` are taken with each sample.

        No `alerts` where no address for them is set.
        """
        self._store, self._readiness, self._metrics, self._scheduler = store, readiness, metrics, scheduler
        self._platforms, self._alerts = platforms, alerts
        self._looks = looks
        self._samples = 0
        self._running: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Sample in the background from now on, and collect what is logged for the alerts."""
        if self._alerts is not None:
            self._alerts.attach()
        self._running = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """Sample no more."""
        if self._alerts is not None:
            self._alerts.close()
        if self._running is not None:
            await cancel_and_wait(self._running)

    async def _run(self) -> None:
        while True:
            try:
                await self.sample()
            except Exception as broken:  # noqa: BLE001  the edge: a sample that fails must not be the last
                log.warning("pulse-failed", kind=type(broken).__name__)
            for _ in range(int(SAMPLE_SECONDS / LAG_SECONDS)):
                await self._measure_lag()

    async def _measure_lag(self) -> None:
        loop = asyncio.get_running_loop()
        before = loop.time()
        await asyncio.sleep(LAG_SECONDS)
        self._metrics.observe_lag(loop.time() - before - LAG_SECONDS)

    async def sample(self) -> None:
        """Take one sample of everything."""
        for look in self._looks:
            look()
        if self._samples % SAMPLES_PER_PLATFORM_PROBE == 1:  # the first only after we serve
            await self._platforms.probe()
        self._samples += 1
        before = asyncio.get_running_loop().time()
        with suppress(Exception):  # readiness reports it; and what cannot be read is not overdue
            async with asyncio.timeout(SAMPLE_SECONDS):
                await self._store.check()
                self._metrics.observe_store_probe(asyncio.get_running_loop().time() - before)
                self._scheduler.record_next_due(await self._store.next_due())
        findings = await self._readiness.check()
        self._metrics.set_scheduler(self._scheduler.overdue, self._scheduler.silent_for())
        self._metrics.set_findings(findings)
        if self._alerts is not None:
            await self._alerts.send(findings)
