"""Classifies what Slack answers into the errors that `adapters.base` knows. Pure.

The status comes first: an HTML page from a gateway holds no error code. An error that only an operator can repair is
RetryLater: a message to a person in need is never dropped because of a missing scope.

https://docs.slack.dev/reference/methods lists the codes of each method.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from adapters.base import AccessRevoked, NotUnderstood, OutcomeUnknown, Rejected, RetryLater, Unreachable
from adapters.http_session import AFTER_REPAIR, retry_after


class MessageGone(Exception):
    """The message was deleted, or may no longer be edited."""


class DeletionForbidden(Exception):
    """The workspace keeps every message, for a compliance export; messages may still be edited."""


class TriggerExpired(Exception):
    """A form can no longer be opened: three seconds have passed since the interaction, or one was opened already."""


_MEANINGS: Final[Mapping[type[Exception], str]] = {
    Unreachable: """
        user_not_found users_not_found user_disabled user_not_visible user_not_in_channel cannot_dm_bot
        channel_not_found is_archived not_in_channel messaging_bots_disallowed is_inactive user_is_restricted
        user_is_ultra_restricted user_is_bot channel_is_limited_access cannot_dm_users
    """,
    AccessRevoked: """
        account_inactive token_revoked token_expired invalid_auth not_authed app_uninstalled access_denied
        team_access_not_granted
    """,
    Rejected: """
        invalid_blocks invalid_blocks_format invalid_arguments invalid_arg_name invalid_array_arg invalid_attachments
        invalid_charset invalid_form_data invalid_json json_not_object msg_too_long msg_blocks_too_long no_text
        too_many_attachments view_too_large
    """,
    MessageGone: "message_not_found cant_update_message edit_window_closed",
    DeletionForbidden: "compliance_exports_prevent_deletion cant_delete_message",
    TriggerExpired: "expired_trigger_id exchanged_trigger_id trigger_expired trigger_exchanged",
}
REVOKED: Final = frozenset(_MEANINGS[AccessRevoked].split())
"""The codes that say a token is no longer accepted."""

_CODES: Final = {code: meaning for meaning, codes in _MEANINGS.items() for code in codes.split()}
_RATE_LIMITED: Final = frozenset({"ratelimited", "rate_limited"})
_BUSY: Final = frozenset({"service_unavailable", "fatal_error", "internal_error", "request_timeout"})
_STATUSES: Final[Mapping[int, type[Exception]]] = {
    HTTPStatus.BAD_REQUEST: Rejected,
    HTTPStatus.UNAUTHORIZED: AccessRevoked,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: Rejected,
}
_CONFIGURATION: Final = (
    "missing_scope messages_tab_disabled not_enabled restricted_action ekm_access_denied no_permission "
    "not_allowed_token_type team_added_to_org org_login_required"
)
_KNOWN: Final = frozenset({*_CODES, *_RATE_LIMITED, *_BUSY, *_CONFIGURATION.split()})


def classify(status: int, headers: Mapping[str, str], code: str) -> Exception:
    """Return the exception that an answer other than `ok` stands for.

    Args:
        status: The HTTP status.
        headers: The answer's headers; a 429 says in Retry-After how long to wait.
        code: The `error` of the body, or "".
    """
    if status == HTTPStatus.OK and not code:
        return OutcomeUnknown()  # a page that says neither yes nor no
    if (
        status == HTTPStatus.TOO_MANY_REQUESTS or code in _RATE_LIMITED
    ):  # https://docs.slack.dev/apis/web-api/rate-limits
        return RetryLater(retry_after(headers))
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or code in _BUSY:
        return RetryLater()
    meaning = _STATUSES.get(status) or _CODES.get(code)
    if meaning is not None:
        return meaning()
    return RetryLater(AFTER_REPAIR) if not code or code in _KNOWN else NotUnderstood(AFTER_REPAIR)


def kind(status: int, code: str) -> str:
    """Return a name for logs, from a list of known names; never a text that Slack wrote."""
    if code in _KNOWN:
        return code
    return f"http-{status}" if status != HTTPStatus.OK else "other"
