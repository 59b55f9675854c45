"""Classifies what the connector answers into the errors that `adapters.base` knows. Pure.

The status comes first: a gateway's page holds no code. Codes may stand in JSON inside a JSON string.

https://learn.microsoft.com/microsoftteams/platform/bots/build-conversational-capability#status-code-responses
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final

from adapters.base import AccessRevoked, Rejected, RetryLater, Unreachable
from adapters.http_session import AFTER_REPAIR, retry_after

REVOKED: Final = frozenset({"BotDisabledByAdmin", "BotDisabledByAdminForTenant", "AppBlockedByTenantAdmin"})
_UNREACHABLE: Final = frozenset(
    {
        "MessageWritesBlocked",
        "ConversationBlockedByUser",
        "BotNotInConversationRoster",
        "BotNotInConversation",
        "ForbiddenOperationException",
    }
)
_BUSY: Final = frozenset({412, 429, 500, 502, 503, 504})
_REJECTED: Final = frozenset({400, 405, 413})
_DEPTH: Final = 4  # of JSON in strings


class NotFound(Exception):
    """There is no such conversation, or no such message in it."""


class Busy(RetryLater):
    """Teams itself asks to wait."""


def classify(status: int, headers: Mapping[str, str], body: bytes, now: datetime) -> Exception:
    """Return the exception that an answer other than 2xx stands for.

    Args:
        status: The HTTP status.
        headers: The answer's headers, which may hold Retry-After.
        body: The answer's body.
        now: The present time, for a Retry-After that is a date.
    """
    if status in _BUSY:
        return Busy(retry_after(headers, now))
    if status == HTTPStatus.NOT_FOUND:
        return NotFound()
    if status == HTTPStatus.UNAUTHORIZED or codes_in(body) & REVOKED:
        return AccessRevoked()
    if status == HTTPStatus.FORBIDDEN and not body.lstrip().startswith(b"<"):  # a page is a gateway's, not the person's
        return Unreachable()
    return Rejected() if status in _REJECTED else RetryLater(AFTER_REPAIR)


def kind(status: int, body: bytes) -> str:
    """Return a name for logs, from a list of known names; never a text that Microsoft wrote."""
    known = sorted(codes_in(body) & (_UNREACHABLE | REVOKED))
    return known[0] if known else f"http-{status}"


def codes_in(body: bytes) -> frozenset[str]:
    """Return every code that an error names, however deep its JSON is wrapped in strings."""
    return frozenset(_codes(_load(body), _DEPTH))


def _codes(found: Any, depth: int) -> list[str]:
    if isinstance(found, str) and depth and found.lstrip().startswith("{"):
        return _codes(_load(found), depth - 1)
    if not isinstance(found, dict) or not depth:
        return []
    named = [found[key] for key in ("code", "subCode", "errorCode") if isinstance(found.get(key), str)]
    return named + [code for key in ("error", "message") for code in _codes(found.get(key), depth - 1)]


def _load(text: str | bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
