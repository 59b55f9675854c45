"""The Slack app before it is installed: proves its client secret, and exchanges OAuth codes for installations."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Final

from adapters.base import AccessRevoked, OutcomeUnknown, RetryLater
from adapters.rate_limit import RateLimiter, Rates
from adapters.slack import log
from adapters.slack.adapter import SlackAdapter
from adapters.slack.client import ApiError, SlackApi
from adapters.slack.install.store import Installation

INSTALLS: Final[Rates] = {"install": (1.0, 20)}
"""How often a code is exchanged. Our page is open to everyone, and that must not use up our rate limit at Slack."""

_OUR_SECRET: Final = frozenset({"bad_client_secret", "invalid_client_id", "bad_client_id"})
_NO_CODE: Final = frozenset({"invalid_code", "code_already_used", "code_expired"})
_BUSY: Final = frozenset({"", "ratelimited", "service_unavailable", "fatal_error", "internal_error", "request_timeout"})


class NotInstalled(Exception):
    """An installation was refused. `reason` is the key of the sentence that the page shows."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class SlackApp:
    """One Slack app, by its client id and secret. `start` before anything else, `close` at the end.

    Args:
        client_id: The app's client id.
        client_secret: The app's client secret.
        api: The session to call Slack over.
        now: Tells the time.
        pace: The limit of exchanges; `INSTALLS` by default.
    """

    def __init__(
        self,
        client_id: str,
        client_secret: str,
        api: SlackApi,
        *,
        now: Callable[[], datetime],
        pace: RateLimiter | None = None,
    ) -> None:
        if not client_id.strip() or not client_secret.strip():
            raise ValueError("SLACK_CLIENT_ID and SLACK_CLIENT_SECRET: copy both from the app's Basic Information")
        self.client_id, self.api = client_id, api
        both = base64.b64encode(f"{client_id}:{client_secret}".encode()).decode("ascii")
        self._headers = {"Authorization": f"Basic {both}"}
        self._now = now
        self._limiter = pace or RateLimiter(INSTALLS)

    async def start(self) -> None:
        """Open the session and prove the client secret.

        Raises:
            AccessRevoked: Slack does not accept it.
            RetryLater: Slack did not answer.
        """
        self.api.http.open()
        try:
            await self._exchange("none")
        except NotInstalled:
            return  # Slack checks the secret before the code, and this was no code

    async def close(self) -> None:
        """Close the session."""
        await self.api.http.close()

    def adapter(self, installation: Installation, limiter: RateLimiter) -> SlackAdapter:
        """Return the adapter of an installation, over the app's own session."""
        return SlackAdapter(installation.token, self.api, pace=limiter, installation=installation)

    async def exchange(self, code: str) -> Installation:
        """Exchange a code for an installation: https://docs.slack.dev/reference/methods/oauth.v2.access.

        Raises:
            NotInstalled: The code is not valid, or the app has token rotation switched on.
            AccessRevoked: Slack does not accept our secret.
            RetryLater: Slack did not answer.
        """
        await self._limiter.acquire("install")
        answer = await self._exchange(code)
        if answer.get("refresh_token") or answer.get("expires_in"):
            raise NotInstalled("rotation")
        installation = _installation(answer, self._now())
        if not installation.token or not installation.id:
            raise NotInstalled("failed")
        return installation

    async def revoke(self, installation: Installation) -> None:
        """Revoke a token that we may not use. Nothing is lost if that fails, because the token is stored nowhere."""
        try:
            await self._call("auth.revoke", token=installation.token)
        except (NotInstalled, AccessRevoked, RetryLater) as failure:
            log.failed("auth.revoke", type(failure).__name__)

    async def _exchange(self, code: str) -> Any:
        return await self._call("oauth.v2.access", data={"code": code}, headers=self._headers)

    async def _call(self, method: str, **args: Any) -> Any:
        try:
            return await self.api.call(method, **args)
        except OutcomeUnknown:
            raise RetryLater from None
        except ApiError as error:
            raise _refused(method, error) from None


def _refused(method: str, error: ApiError) -> Exception:
    if error.code in _NO_CODE:
        return NotInstalled("expired")
    ours = error.code in _OUR_SECRET
    log.failed(method, "client-secret" if ours else f"http-{error.status}")
    if ours:
        return AccessRevoked()
    busy = error.code in _BUSY or error.status == HTTPStatus.TOO_MANY_REQUESTS
    return RetryLater() if busy or error.status >= HTTPStatus.INTERNAL_SERVER_ERROR else NotInstalled("failed")


def _installation(answer: Any, now: datetime) -> Installation:
    """Read the answer of `oauth.v2.access`; what is missing is empty."""
    wide = answer.get("is_enterprise_install") is True
    return Installation(
        team="" if wide else _id(answer.get("team")),
        enterprise=_id(answer.get("enterprise")),
        token=str(answer.get("access_token") or ""),
        bot_user=str(answer.get("bot_user_id") or ""),
        scopes=tuple(sorted({s.strip() for s in str(answer.get("scope") or "").split(",") if s.strip()})),
        at=_slack_time(answer.headers, now),
    )


def _slack_time(headers: Any, now: datetime) -> datetime:
    """Return the time of Slack's clock, which its events carry too, from the Date header; ours if there is none."""
    date = next((v for k, v in headers.items() if k.lower() == "date"), "")
    try:
        return parsedate_to_datetime(date).astimezone(UTC)
    except ValueError:
        return now.replace(microsecond=0)


def _id(of: Any) -> str:
    found = of.get("id") if isinstance(of, dict) else None
    return found if isinstance(found, str) else ""
