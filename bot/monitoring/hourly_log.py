"""Keeps the log from telling when someone asked: what a single request can cause is told on the hour, as counts.

Whoever collects a log stamps each line with the moment at which it came, so a coarse time in the line would not help.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any, Final

import structlog

from bot import logging as logs

HELD: Final = frozenset(
    {
        "card-refused",
        "clock-failed",
        "delivery-failed",
        "delivery-looked-for",
        "left-to-a-newer-version",
        "message-dead",
        "record-failed",
        "request-failed",
        "save-looked-for",
        "server-failed",
        "slack-failed",
        "store-failed",
        "teams-failed",
        "undeclared-target",
        "words-incomplete",
        "words-missing",
    }
)
"""The events that one request, or what follows from it, can cause."""

_Line = tuple[str, str, str, tuple[tuple[str, str], ...]]
"""An event, the logger and the method that it was logged with, and the words in it."""


class HourlyLog:
    """Counts the events in `HELD` from `start` until `stop`, and logs the counts once an hour, in a fixed order."""

    def __init__(self) -> None:
        self._counts: Counter[_Line] = Counter()
        self._hour: datetime | None = None

    def start(self) -> None:
        """Hold these events back from now on, in this whole process."""
        logs.hold_back(self._holds)

    def stop(self) -> None:
        """Log what was counted, and hold nothing back any more."""
        logs.hold_back(None)
        self._log()

    def look(self, now: datetime) -> None:
        """Log what was counted, if another hour has begun since the last look."""
        hour = now.replace(minute=0, second=0, microsecond=0)
        if self._hour is not None and hour != self._hour:
            logs.hold_back(None)
            self._log()
            logs.hold_back(self._holds)
        self._hour = hour

    def _holds(self, logger: str, method: str, event: dict[str, Any]) -> bool:
        """Count an event instead of logging it; numbers in it are dropped, as they may be of one case."""
        name = str(event.get("event"))
        if name not in HELD:
            return False
        words = tuple(sorted((key, str(event[key])) for key in event.keys() & logs.WORD_KEYS - {"event"}))
        self._counts[name, logger, method, words] += 1
        return True

    def _log(self) -> None:
        counts, self._counts = self._counts, Counter()
        for (event, logger, method, words), count in sorted(counts.items()):
            getattr(structlog.get_logger(logger), method)(event, count=count, **dict(words))
