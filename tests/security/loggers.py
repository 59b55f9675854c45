"""Everything that any library logs, as it says it."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import structlog

_NAMES: Final = ("slack_bolt", "slack_sdk", "aiohttp", "aiohttp.access", "aiohttp.server", "apscheduler", "asyncio")


@dataclass
class LoggedText:
    """What was logged since the beginning, or since it was cleared."""

    out: io.StringIO = field(default_factory=io.StringIO)
    ours: list[Any] = field(default_factory=list)

    def getvalue(self) -> str:
        """All of it: what libraries wrote, and what we did."""
        return self.out.getvalue() + json.dumps(self.ours, default=repr)

    def clear(self) -> None:
        """Forget it."""
        self.out.seek(0)
        self.out.truncate()
        self.ours.clear()


@contextmanager
def every_logger_at_debug() -> Iterator[LoggedText]:
    """Whatever any library says, with arguments and tracebacks: no gate in between."""
    said = LoggedText()
    handler = logging.StreamHandler(said.out)
    handler.setFormatter(logging.Formatter("%(name)s %(pathname)s %(message)s"))
    loggers = [logging.getLogger(), *map(logging.getLogger, _NAMES)]
    before = [(logger, logger.level, logger.disabled) for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
        logger.disabled = False
    logging.getLogger().addHandler(handler)
    try:
        with structlog.testing.capture_logs() as said.ours:
            yield said
    finally:
        logging.getLogger().removeHandler(handler)
        for logger, level, disabled in before:
            logger.setLevel(level)
            logger.disabled = disabled
