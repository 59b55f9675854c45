"""The metrics for Prometheus. They describe the machinery and never people: none moves because a person did something.

They are set at even intervals from our own measurements (sampler.py), in coarse steps, so that no interaction shows in
them. docs/decisions/metrics.md explains of each why it gives no one away, and what was left out.
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

from bot.health import STATUSES, Finding

LAG_BUCKETS: Final = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Seconds; one interaction delays the loop by about a hundredth."""
PROBE_BUCKETS: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
"""Seconds; one write takes about a thousandth."""
DELAY_STEPS: Final = (0, 300, 900, 3600, 6 * 3600, 86_400)
"""Seconds: a delay is reported as the step below it."""

disable_created_metrics()  # type: ignore[no-untyped-call]


class Metrics:
    """The metrics of this process, in a registry of their own."""

    def __init__(self, started: datetime) -> None:
        """Set what does not change; `started` is when this process began."""
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
            "peersupport_loop_lag_seconds",
            "How late the event loop runs what is due.",
            buckets=LAG_BUCKETS,
            registry=registry,
        )
        self._probe = Histogram(
            "peersupport_store_probe_seconds",
            "How long the store takes for an empty write.",
            buckets=PROBE_BUCKETS,
            registry=registry,
        )
        self._overdue = Gauge(
            "peersupport_overdue_seconds",
            "By how much the earliest due time is past, in coarse steps.",
            registry=registry,
        )
        self._silent = Gauge(
            "peersupport_clock_silent_seconds",
            "For how long the scheduler has not ticked, in coarse steps.",
            registry=registry,
        )

    def observe_lag(self, seconds: float) -> None:
        """Add a measurement of the event loop's lag."""
        self._lag.observe(_round_up(seconds, LAG_BUCKETS))

    def observe_store_probe(self, seconds: float) -> None:
        """Add a measurement of how long an empty write took."""
        self._probe.observe(_round_up(seconds, PROBE_BUCKETS))

    def set_scheduler(self, overdue: timedelta, silent: timedelta) -> None:
        """Set by how much the earliest due time is past, and for how long the scheduler has been silent."""
        self._overdue.set(_round_down(overdue))
        self._silent.set(_round_down(silent))

    def set_findings(self, findings: Iterable[Finding]) -> None:
        """Set what the readiness checks found."""
        findings = tuple(findings)
        self._ready.set(all(finding.status != "fail" for finding in findings))
        for finding in findings:
            self._check.labels(check=finding.id).set(STATUSES.index(finding.status))

    def page(self) -> bytes:
        """Return the metrics in Prometheus' text format."""
        return generate_latest(self._registry)


def _round_up(value: float, steps: tuple[float, ...]) -> float:
    """Return the bucket it falls into: the sum of a histogram would give away what its buckets do not."""
    return steps[min(bisect.bisect_left(steps, value), len(steps) - 1)] if value <= steps[-1] else 2 * steps[-1]


def _round_down(time: timedelta) -> int:
    return DELAY_STEPS[bisect.bisect_right(DELAY_STEPS, time.total_seconds()) - 1]
