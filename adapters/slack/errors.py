"""What came back from Slack, as one of the four things the house understands. Pure.

Status first: an HTML page from a gateway has no `error`. What an operator has to repair is kept and tried again later:
a message to a person in need is never dropped because of a missing scope.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from http import HTTPStatus
from typing import Final

from adapters.base import Broken, Stopped, TryLater, Unclear, Unreachable

GONE: Final = frozenset(
    {
        "user_not_found",
        "users_not_found",
        "user_disabled",
        "user_not_visible",
        "user_not_in_channel",
        "cannot_dm_bot",
        "channel_not_found",
        "is_archived",
        "not_in_channel",
        "messaging_bots_disallowed",
    }
)
STOPPED: Final = frozenset(
    {
        "account_inactive",
        "token_revoked",
        "token_expired",
        "invalid_auth",
        "not_authed",
        "app_uninstalled",
        "access_denied",
        "team_access_not_granted",
    }
)
CONFIGURATION: Final = frozenset(
    {
        "missing_scope",
        "messages_tab_disabled",
        "not_enabled",
        "restricted_action",
        "ekm_access_denied",
        "no_permission",
        "not_allowed_token_type",
        "team_added_to_org",
        "org_login_required",
    }
)
OURS: Final = frozenset(
    {"invalid_blocks", "invalid_arguments", "msg_too_long", "msg_blocks_too_long", "no_text", "view_too_large"}
)
LATER: Final = frozenset(
    {"ratelimited", "rate_limited", "service_unavailable", "fatal_error", "internal_error", "request_timeout"}
)
MISSING: Final = frozenset({"message_not_found", "cant_update_message", "edit_window_closed"})
KEPT_BY_RULE: Final = frozenset({"compliance_exports_prevent_deletion", "cant_delete_message"})
EXPIRED: Final = frozenset({"expired_trigger_id", "exchanged_trigger_id", "trigger_expired", "trigger_exchanged"})

KNOWN: Final = GONE | STOPPED | CONFIGURATION | OURS | LATER | MISSING | KEPT_BY_RULE | EXPIRED

_SOON = timedelta(seconds=30)
_AFTER_REPAIR = timedelta(minutes=15)
_LONGEST = timedelta(hours=1)
_DIGITS = 8


def classify(status: int, headers: Mapping[str, str], error: str) -> Exception:
    """The exception an answer that is not `ok` stands for. 429 and 5xx are what they are, whatever the body says."""
    if status == HTTPStatus.TOO_MANY_REQUESTS or error in {"ratelimited", "rate_limited"}:
        return TryLater(_retry_after(headers))
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or error in LATER:
        return TryLater(_SOON)
    if error in STOPPED or status == HTTPStatus.UNAUTHORIZED:
        return Stopped()
    if error in GONE:
        return Unreachable()
    if error in OURS:
        return Broken()
    return TryLater(_AFTER_REPAIR)


def broken(*, sent: bool) -> Exception:
    """What a broken line stands for: `sent` says whether Slack may have heard us."""
    return Unclear() if sent else TryLater(_SOON)


def kind(status: int, error: str) -> str:
    """A name for logs, from a list we know; never what the other side wrote."""
    if error in KNOWN:
        return error
    return f"http-{status}" if status != HTTPStatus.OK else "other"


def _retry_after(headers: Mapping[str, str]) -> timedelta:
    said = next((v for k, v in headers.items() if k.lower() == "retry-after"), "")
    seconds = int(said) if said.isascii() and said.isdigit() and len(said) < _DIGITS else 30
    return min(max(timedelta(seconds=seconds), timedelta(seconds=1)), _LONGEST)
