"""What this package has to say to an operator: a name from our own code, and never a body, an id, a text or a token."""

from __future__ import annotations

import structlog

_log = structlog.get_logger("adapters.teams")


def failed(what: str, kind: str) -> None:
    """Note that something went wrong, by its kind."""
    _log.warning("teams-failed", what=what, kind=kind)
