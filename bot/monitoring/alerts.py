"""Alerts the operator when something is wrong, by its kind alone, and sends a heartbeat when all is well.

What is logged as an error is what is alerted: one list, so the two cannot differ. An alert waits for the next sample of
our health, and the same kind is not sent again within the hour, so no alert tells when a message failed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final

import aiohttp
import structlog

from bot.config.proxy import Route
from bot.health import Finding

KINDS: Final = frozenset(
    {
        "card-refused",
        "clock-stepped",
        "delivery-failed",
        "message-dead",
        "night-failed",
        "not-ready",
        "platform-not-started",
        "platform-shut",
        "platform-stopped",
        "record-failed",
        "records-do-not-open",
        "request-failed",
        "server-failed",
        "signatures-refused",
        "slack-workspace-shut",
        "undeclared-target",
        "unhandled",
        "well",
        "words-incomplete",
        "words-missing",
    }
)
"""Every kind of alert. `well` is the heartbeat: when it stops, we are not ready or not running."""

REPEAT_AFTER: Final = timedelta(hours=1)
"""Before this has passed, the same kind is not sent again."""
HEARTBEAT: Final = timedelta(minutes=5)
"""Between two heartbeats."""
_TIMEOUT: Final = aiohttp.ClientTimeout(total=5)

log = structlog.get_logger("bot.alerts")


class Alerts(logging.Handler):
    """Collects the kinds of errors that are logged; `send` sends them. What could not be sent is sent the next time."""

    def __init__(self, url: str, route: Route, now: Callable[[], datetime]) -> None:
        """Send to `url`, over the proxy and with the certificates of `route`."""
        super().__init__(logging.ERROR)
        self._url, self._route, self._now = url, route, now
        self._pending: set[str] = set()
        self._sent: dict[str, datetime] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Collect the kind of one of our errors, and nothing else of it."""
        kind = record.msg.get("event") if isinstance(record.msg, dict) else None
        if kind in KINDS:
            self._pending.add(str(kind))

    def attach(self) -> None:
        """Collect what is logged from now on."""
        logging.root.addHandler(self)

    def close(self) -> None:
        """Collect no more."""
        logging.root.removeHandler(self)
        super().close()

    async def send(self, findings: Iterable[Finding]) -> None:
        """Send what was collected, and whether we are ready. Each is tried once: the next sample tries again."""
        is_ready = all(finding.status != "fail" for finding in findings)
        self._pending.add("well" if is_ready else "not-ready")
        self._pending.discard("not-ready" if is_ready else "well")
        due = [kind for kind in sorted(self._pending) if self._is_due(kind)]
        self._pending.clear()
        if not due:
            return
        async with aiohttp.ClientSession(timeout=_TIMEOUT, trust_env=False) as session:
            for kind in due:
                if await self._post(session, kind):
                    self._sent[kind] = self._now()
                else:
                    self._pending.add(kind)

    def _is_due(self, kind: str) -> bool:
        last = self._sent.get(kind)
        return last is None or abs(self._now() - last) >= (HEARTBEAT if kind == "well" else REPEAT_AFTER)

    async def _post(self, session: aiohttp.ClientSession, kind: str) -> bool:
        payload = {"kind": kind, "text": f"peersupport: {kind}"}  # `text` is what a chat's incoming webhook shows
        try:
            async with session.post(
                self._url, json=payload, ssl=self._route.tls, proxy=self._route.proxy, allow_redirects=False
            ) as response:
                if response.status < HTTPStatus.MULTIPLE_CHOICES:
                    return True
                log.warning("alert-not-taken", status=response.status)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            log.warning("alert-not-taken", kind=type(error).__name__)
        return False
