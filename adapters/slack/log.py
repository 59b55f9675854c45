"""What the Slack adapter logs: names from our own code, and never a body, an id, a text or a token.

`QUIET` is a logger for libraries that log all of those. Bolt copies level, filters and `disabled` from it to each of
its own loggers; slack_sdk and aiohttp use it as it is.
"""

from __future__ import annotations

import logging
from typing import Final

import structlog

_log = structlog.get_logger("adapters.slack")


def _nothing(_: logging.LogRecord) -> bool:
    return False


QUIET: Final = logging.Logger("adapters.slack.quiet", logging.CRITICAL)  # noqa: LOG001  in no registry that enables it
QUIET.addFilter(_nothing)
QUIET.disabled = True


def failed(what: str, kind: str) -> None:
    """Log that `what` went wrong, and in which known way (`kind`)."""
    _log.warning("slack-failed", what=what.lower(), kind=kind)


def noted(what: str, kind: str) -> None:
    """Log something that an operator may want to know."""
    _log.info("slack-noted", what=what, kind=kind)


def workspace_lost(kind: str) -> None:
    """Log that one workspace revoked our access, while the others go on."""
    _log.error("slack-workspace-shut", kind=kind)
