"""What came back from the connector, as one of the things the house understands. Pure.

Status first: a gateway's page has no code. Codes may stand in JSON inside a JSON string.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Final

from adapters.base import Broken, Stopped, TryLater, Unclear, Unreachable

GONE: Final = frozenset(
    {
        "MessageWritesBlocked",
        "ConversationBlockedByUser",
        "BotNotInConversationRoster",
        "BotNotInConversation",
        "ForbiddenOperationException",
    }
)
STOPPED: Final = frozenset({"BotDisabledByAdmin", "BotDisabledByAdminForTenant", "AppBlockedByTenantAdmin"})
LATER: Final = frozenset(
    {
        HTTPStatus.PRECONDITION_FAILED,
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.INTERNAL_SERVER_ERROR,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)
OURS: Final = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.METHOD_NOT_ALLOWED})

_SOON = timedelta(seconds=30)
_AFTER_REPAIR = timedelta(minutes=15)
_LONGEST = timedelta(hours=1)
_DIGITS = 8


class NotThere(Exception):
    """No such conversation, or no such message in it."""


class Busy(TryLater):
    """Teams itself asks us to wait."""


def classify(status: int, headers: Mapping[str, str], body: bytes, now: datetime) -> Exception:
    """The exception an answer that is not 2xx stands for."""
    codes = codes_in(body)
    if status in LATER:
        return Busy(retry_after(headers, now))
    if status == HTTPStatus.NOT_FOUND:
        return NotThere()
    if status == HTTPStatus.UNAUTHORIZED or codes & STOPPED:
        return Stopped()
    if status == HTTPStatus.FORBIDDEN:
        return Unreachable()
    if status in OURS:
        return Broken()
    return TryLater(_AFTER_REPAIR)


def broken(*, sent: bool) -> Exception:
    """What a broken line stands for: `sent` says whether Teams may have heard us."""
    return Unclear() if sent else TryLater(_SOON)


def kind(status: int, body: bytes) -> str:
    """A name for logs, from a list we know; never what the other side wrote."""
    known = sorted(codes_in(body) & (GONE | STOPPED))
    return known[0] if known else f"http-{status}"


def codes_in(body: bytes) -> frozenset[str]:
    """Every code an error names, however deep its JSON is wrapped in strings."""
    return frozenset(_codes(_json(body), 4))


def _codes(found: Any, depth: int) -> list[str]:
    if isinstance(found, str) and depth and found.lstrip().startswith("{"):
        return _codes(_json(found), depth - 1)
    if not isinstance(found, dict) or not depth:
        return []
    named = [found[key] for key in ("code", "subCode", "errorCode") if isinstance(found.get(key), str)]
    return named + [code for key in ("error", "message") for code in _codes(found.get(key), depth - 1)]


def _json(text: str | bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def retry_after(headers: Mapping[str, str], now: datetime) -> timedelta:
    """How long we were asked to wait, in seconds or until a date; between a second and an hour."""
    said = next((value for name, value in headers.items() if name.lower() == "retry-after"), "").strip()
    if said.isascii() and said.isdigit() and len(said) < _DIGITS:
        asked = timedelta(seconds=int(said))
    else:
        asked = _until(said, now)
    return min(max(asked, timedelta(seconds=1)), _LONGEST)


def _until(said: str, now: datetime) -> timedelta:
    try:
        at = parsedate_to_datetime(said)
    except (ValueError, TypeError):
        return _SOON
    return (at if at.tzinfo else at.replace(tzinfo=UTC)) - now
