"""Numbers for Prometheus, about the machinery and never about anybody: none moves because somebody asked.

All are set at even intervals from what we measure ourselves (pulse.py), and in coarse steps, so that no press shows in
them. docs/decisions/metrics.md says of each why it tells nothing, and what was left out.
"""

from __future__ import annotations

import bisect
import platform
from collections.abc import Iterable
from datetime import datetime, timedelta
from importlib import metadata
from typing import Final

from prometheus_client import CollectorRegistry, Gauge, Histogram, disable_created_metrics
from prometheus_client.exposition import generate_latest

from bot.checks.finding import WORST, Finding

LAG: Final = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)  # seconds; a press takes a hundredth
PROBE: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)  # seconds; a write takes a thousandth
STEPS: Final = (0, 300, 900, 3600, 6 * 3600, 86_400)  # seconds by which something is late

disable_created_metrics()  # type: ignore[no-untyped-call]


class Metrics:
    """One page of numbers, in a registry of its own."""

    def __init__(self, started: datetime) -> None:
        self._registry = registry = CollectorRegistry()
        about = {"version": metadata.version("peersupport"), "python": platform.python_version()}
        info = Gauge("peersupport_info", "What runs.", tuple(about), registry=registry)
        info.labels(**about).set(1)
        start = Gauge("peersupport_start_time_seconds", "When it started, in seconds since 1970.", registry=registry)
        start.set(started.timestamp())
        self._ready = Gauge("peersupport_ready", "1 when /readyz says so.", registry=registry)
        self._check = Gauge(
            "peersupport_check", "What /readyz?verbose says: 0 ok, 1 warning, 2 failure.", ("check",), registry=registry
        )
        self._lag = Histogram(
            "peersupport_loop_lag_seconds", "How late the loop turns.", buckets=LAG, registry=registry
        )
        self._probe = Histogram(
            "peersupport_store_probe_seconds",
            "How long the store takes to write something empty for us.",
            buckets=PROBE,
            registry=registry,
        )
        self._late = Gauge(
            "peersupport_overdue_seconds", "How late the earliest thing is, in coarse steps.", registry=registry
        )
        self._silent = Gauge(
            "peersupport_clock_silent_seconds", "For how long the clock has not turned, in steps.", registry=registry
        )

    def lag(self, seconds: float) -> None:
        self._lag.observe(_up(seconds, LAG))

    def probe(self, seconds: float) -> None:
        self._probe.observe(_up(seconds, PROBE))

    def clock(self, late: timedelta, silent: timedelta) -> None:
        self._late.set(_down(late))
        self._silent.set(_down(silent))

    def found(self, findings: Iterable[Finding]) -> None:
        """What the checks say now."""
        findings = tuple(findings)
        self._ready.set(all(finding.status != "fail" for finding in findings))
        for finding in findings:
            self._check.labels(check=finding.id).set(WORST.index(finding.status))

    def page(self) -> bytes:
        return generate_latest(self._registry)


def _up(value: float, steps: tuple[float, ...]) -> float:
    """The step it falls into: the sum of a histogram would tell what its buckets do not."""
    return steps[min(bisect.bisect_left(steps, value), len(steps) - 1)] if value <= steps[-1] else 2 * steps[-1]


def _down(time: timedelta) -> int:
    return STEPS[bisect.bisect_right(STEPS, time.total_seconds()) - 1]
