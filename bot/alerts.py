"""Tells the operator that something is wrong, by its kind alone, and at even intervals that all is well.

What we log as an error is what the operator is told: one list, so the two cannot differ. It waits for the next beat of
the pulse, and the same kind is not told again within the hour: when a message failed shows in no alert.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final

import aiohttp
import structlog

from bot.checks.finding import Finding
from bot.outbound import Way

KINDS: Final = frozenset(
    {
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
        "slack-workspace-shut",
        "unhandled",
        "well",
        "words-incomplete",
        "words-missing",
    }
)
"""All there is to say. `well` is the heartbeat: when it stops, nobody is ready, or nobody is there."""

AGAIN: Final = timedelta(hours=1)
HEARTBEAT: Final = timedelta(minutes=5)
_PATIENCE: Final = aiohttp.ClientTimeout(total=5)

log = structlog.get_logger("bot.alerts")


class Alerts(logging.Handler):
    """Listens to what is logged; `tell` sends what has gathered. What could not be sent stays for the next time."""

    def __init__(self, url: str, way: Way, now: Callable[[], datetime]) -> None:
        super().__init__(logging.ERROR)
        self._url, self._way, self._now = url, way, now
        self._waiting: set[str] = set()
        self._told: dict[str, datetime] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Take the kind of an error of ours, and nothing else of it."""
        kind = record.msg.get("event") if isinstance(record.msg, dict) else None
        if kind in KINDS:
            self._waiting.add(str(kind))

    def listen(self) -> None:
        logging.root.addHandler(self)

    def close(self) -> None:
        logging.root.removeHandler(self)
        super().close()

    async def tell(self, findings: Iterable[Finding]) -> None:
        """Send what has gathered, and how we are. One attempt each: a beat later there is another."""
        is_ready = all(finding.status != "fail" for finding in findings)
        self._waiting.add("well" if is_ready else "not-ready")
        self._waiting.discard("not-ready" if is_ready else "well")
        due = [kind for kind in sorted(self._waiting) if self._is_due(kind)]
        self._waiting.clear()
        if not due:
            return
        async with aiohttp.ClientSession(timeout=_PATIENCE, trust_env=False) as session:
            for kind in due:
                if await self._send(session, kind):
                    self._told[kind] = self._now()
                else:
                    self._waiting.add(kind)

    def _is_due(self, kind: str) -> bool:
        last = self._told.get(kind)
        return last is None or abs(self._now() - last) >= (HEARTBEAT if kind == "well" else AGAIN)

    async def _send(self, session: aiohttp.ClientSession, kind: str) -> bool:
        said = {"kind": kind, "text": f"peersupport: {kind}"}  # `text` is what a chat's incoming webhook shows
        try:
            async with session.post(
                self._url, json=said, ssl=self._way.tls, proxy=self._way.proxy, allow_redirects=False
            ) as answer:
                if answer.status < HTTPStatus.MULTIPLE_CHOICES:
                    return True
                log.warning("alert-not-taken", status=answer.status)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            log.warning("alert-not-taken", kind=type(error).__name__)
        return False
