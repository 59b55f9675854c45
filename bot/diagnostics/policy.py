"""Checks the settings that decide what people are promised: relay, check-ins, quiet hours, retention, and alerts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from bot.config.settings import Settings
from bot.health import Finding

LONG_RETENTION: Final = timedelta(days=30)
"""Requests that are kept for longer are a warning."""
_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")


def findings(settings: Settings) -> Iterator[Finding]:
    """Yield what was found, in the order it is shown."""
    yield _relay(settings)
    yield _check_ins(settings)
    yield _quiet_hours(settings)
    yield _retention(settings)
    yield _log(settings)
    yield _probes(settings)
    yield _alerts(settings)


def _relay(settings: Settings) -> Finding:
    if settings.relay:
        return Finding("relay", "ok", "Two people may write unnamed through the bot.")
    return Finding("relay", "ok", "No one can stay unnamed after a yes: the relay is off.")


def _check_ins(settings: Settings) -> Finding:
    if settings.check_ins[0] <= timedelta(hours=72):
        return Finding("check-ins", "ok", "The bot checks in within three days.")
    return Finding(
        "check-ins",
        "warn",
        "The bot does not check in within the first three days.",
        "Set PEERSUPPORT_CHECK_INS, such as 24h,72h.",
    )


def _quiet_hours(settings: Settings) -> Finding:
    if settings.quiet_hours is not None:
        return Finding("quiet-hours", "ok", "Check-ins and reminders wait for the morning.")
    return Finding(
        "quiet-hours",
        "warn",
        "Check-ins and reminders go out at night, too.",
        "Set PEERSUPPORT_QUIET_HOURS, such as 21:00-08:00.",
    )


def _retention(settings: Settings) -> Finding:
    kept = settings.close_after + settings.erase_after
    if kept <= LONG_RETENTION:
        return Finding("keeping", "ok", f"A request is gone {kept.days} days after it was last touched.")
    return Finding(
        "keeping",
        "warn",
        f"A request is kept for {kept.days} days after it was last touched, and a court may ask for it.",
        "Shorten PEERSUPPORT_CLOSE_AFTER and PEERSUPPORT_ERASE_AFTER; 7d each is usual.",
    )


def _log(settings: Settings) -> Finding:
    if settings.log_level != "DEBUG":
        return Finding("log-level", "ok", "The log holds what is wrong, and not more.")
    return Finding(
        "log-level",
        "warn",
        "The log is at DEBUG. It shows no person at any level, but the noise hides what matters.",
        "Set LOG_LEVEL=INFO.",
    )


def _probes(settings: Settings) -> Finding:
    if settings.ops_bind.host in _LOOPBACK:
        return Finding("probes", "ok", "Probes and metrics are for this machine alone.")
    return Finding(
        "probes", "ok", "Probes and metrics can be read from the network; only operators should be able to reach them."
    )


def _alerts(settings: Settings) -> Finding:
    if settings.alert_url is not None:
        return Finding("alerts", "ok", "The operator is told when something is wrong.")
    return Finding("alerts", "ok", "No one is told when something is wrong: PEERSUPPORT_ALERT_URL is not set.")
