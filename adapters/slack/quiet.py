"""A logger that says nothing, for libraries that log bodies, tokens and addresses.

Bolt copies level, filters and `disabled` from it to each of its own loggers; slack_sdk and aiohttp use it as it is.
What this package has to say it says itself, by kind: see `failed`.
"""

from __future__ import annotations

import logging
from typing import Final

import structlog

_log = structlog.get_logger("adapters.slack")


class _Silent(logging.Logger):
    """Stays silent whatever level somebody gives it."""

    def isEnabledFor(self, level: int) -> bool:  # noqa: N802  logging's own name
        return False

    def handle(self, record: logging.LogRecord) -> None:
        """Drop it."""


def _nothing(_: logging.LogRecord) -> bool:
    return False


QUIET: Final = _Silent("adapters.slack.quiet", logging.CRITICAL)
QUIET.addFilter(_nothing)
QUIET.disabled = True


def failed(what: str, kind: str) -> None:
    """Note that something went wrong, by a name from our own code; never a body, an id, a text or a token."""
    _log.warning("slack-failed", what=what.lower(), kind=kind)


def noted(what: str, kind: str) -> None:
    """Note something an operator may want to know, in the same few words."""
    _log.info("slack-noted", what=what, kind=kind)


def withdrawn(kind: str) -> None:
    """Say that one workspace took our access away: the others go on, and somebody has to know."""
    _log.error("slack-workspace-shut", kind=kind)
