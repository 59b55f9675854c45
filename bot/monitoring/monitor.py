"""Puts together what watches a running programme: readiness, metrics, alerts, and the sampler that feeds them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from types import MappingProxyType

from bot.config.proxy import Egress
from bot.config.settings import Settings
from bot.diagnostics import network
from bot.monitoring import readiness
from bot.monitoring.alerts import Alerts
from bot.monitoring.hourly_log import HourlyLog
from bot.monitoring.metrics import Metrics
from bot.monitoring.readiness import ClockSteps, Readiness, RefusedPlatforms, SchedulerHealth
from bot.monitoring.sampler import HealthSampler, PlatformReachability, ProbedStore


class Monitoring:
    """The readiness checks, the page of metrics, and the sampler, which is to be started when we serve.

    Args:
        settings: where alerts go, and how platforms are reached.
        store: what is probed.
        is_open: tells of each platform whether it accepts our credentials.
        now: the programme's time.
        tick: between two ticks of the scheduler.
        refuses: tells of each platform whether it refuses our credentials now.
        hourly: what is held back from the log, to be told once an hour.
        connections: tells of each platform that we keep a connection to whether it is open.
        more: further readiness checks, by id.
        clock: notices when the machine's clock is set.

    Raises:
        OSError: the file that PEERSUPPORT_CA_FILE names has gone.
    """

    def __init__(
        self,
        settings: Settings,
        store: ProbedStore,
        is_open: Mapping[str, Callable[[], bool]],
        now: Callable[[], datetime],
        tick: timedelta,
        refuses: Mapping[str, Callable[[], bool]] = MappingProxyType({}),
        hourly: HourlyLog | None = None,
        connections: Mapping[str, Callable[[], bool]] = MappingProxyType({}),
        more: Mapping[str, readiness.Check] = MappingProxyType({}),
        clock: ClockSteps | None = None,
    ) -> None:
        egress = Egress.from_settings(settings)
        scheduler, metrics, clock = SchedulerHealth(tick, now), Metrics(now()), clock or ClockSteps()
        platforms = PlatformReachability({name: partial(network.probe_platform, name, egress, now) for name in is_open})
        self.readiness = Readiness(
            {
                "store": readiness.cached(readiness.store(store.check)),
                **more,
                **readiness.platforms(is_open, connections),
                "scheduler": scheduler.check,
                "clock-steps": clock.check,
                **platforms.checks(),
            }
        )
        self.page = metrics.page
        self.record_tick = scheduler.record_tick
        alerts = None
        if settings.alert_url is not None:
            url = settings.alert_url.get_secret_value()
            alerts = Alerts(url, egress.route_to(url), now)
        looks = [clock.look, RefusedPlatforms(refuses).look]
        if hourly is not None:
            looks.append(lambda: hourly.look(now()))
        self.sampler = HealthSampler(store, self.readiness, metrics, scheduler, platforms, alerts, looks)
