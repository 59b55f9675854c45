"""Everything by which a running programme is watched, put together: probes, metrics, alerts, and the pulse behind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from types import MappingProxyType

from bot import readiness
from bot.alerts import Alerts
from bot.checks import network
from bot.config import Settings
from bot.metrics import Metrics
from bot.outbound import Out
from bot.pulse import Around, Asked, Pulse
from bot.readiness import Readiness, Turns


class Watch:
    """`pulse.start` when it serves, and `pulse.stop` at the end. `is_open` says of each platform whether it lets us in.

    `lines` says of each that we keep a line to whether there is one. Raises OSError where PEERSUPPORT_CA_FILE has gone.
    """

    def __init__(
        self,
        settings: Settings,
        store: Asked,
        is_open: Mapping[str, Callable[[], bool]],
        now: Callable[[], datetime],
        tick: timedelta,
        lines: Mapping[str, Callable[[], bool]] = MappingProxyType({}),
        more: Mapping[str, readiness.Check] = MappingProxyType({}),
    ) -> None:
        out = Out.by(settings)
        turns, metrics = Turns(tick, now), Metrics(now())
        around = Around({name: partial(network.look_at, name, out, now) for name in is_open})
        self.ready = Readiness(
            {
                "store": readiness.once(readiness.store(store.check)),
                **more,
                **{name: readiness.platform(name, opens) for name, opens in is_open.items()},
                **{f"{name}-socket": readiness.line(is_up) for name, is_up in lines.items()},
                "scheduler": turns.look,
                **around.checks(),
            }
        )
        self.page = metrics.page
        self.turned = turns.turned
        alerts = None
        if settings.alert_url is not None:
            url = settings.alert_url.get_secret_value()
            alerts = Alerts(url, out.to(url), now)
        self.pulse = Pulse(store, self.ready, metrics, turns, around, alerts)
