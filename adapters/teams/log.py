"""What the Teams adapter logs: names from our own code, and never a body, an id, a text or a token."""

from __future__ import annotations

import structlog

_log = structlog.get_logger("adapters.teams")


def failed(what: str, kind: str) -> None:
    """Log that `what` went wrong, and in which known way (`kind`)."""
    _log.warning("teams-failed", what=what, kind=kind)
