"""Access tokens for Microsoft's connector: one for each tenant, cached, and renewed before it expires.

https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-authentication#bot-to-connector

MSAL is not used; docs/decisions/libraries-tried.md shows the runs in which it breaks what is promised here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, Final

from adapters.base import AccessRevoked, RetryLater
from adapters.http_session import BROKEN, HttpSession, connection_failure, retry_after
from adapters.payload import json_object
from adapters.teams import log

SCOPE: Final = "https://api.botframework.com/.default"

EARLY: Final = timedelta(minutes=5)
"""How long before its expiry a token is renewed."""

_AT_LEAST = timedelta(seconds=30)
_LONGEST = 86_400.0  # seconds
_REFUSED = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A token that is valid until `expires`, and renewed from `renew_at` on."""

    text: str = field(repr=False)
    renew_at: datetime
    expires: datetime


@dataclass(slots=True)
class AccessTokens:
    """Gets and caches the tokens of one bot.

    Args:
        url: The token endpoint; `{tenant}` in it is replaced.
        client_id: The bot's application id.
        secret: Its client secret.
        http: The session to ask over.
        now: Tells the time.
        scope: What a token is asked for.
    """

    url: str
    client_id: str
    secret: str = field(repr=False)
    http: HttpSession
    now: Callable[[], datetime]
    scope: str = SCOPE
    _cached: dict[str, AccessToken] = field(default_factory=dict, repr=False)
    _requests: dict[str, asyncio.Task[AccessToken]] = field(default_factory=dict, repr=False)

    async def get(self, tenant: str) -> str:
        """Return a valid token. While the last one is valid, no caller waits for the next.

        However many callers wait, one request is made, and all of them share its failure.

        Raises:
            AccessRevoked: Microsoft does not accept our secret.
            RetryLater: Microsoft did not answer.
        """
        cached = self._cached.get(tenant)
        if cached is not None and self.now() < cached.renew_at:
            return cached.text
        request = self._request_once(tenant)
        if cached is not None and self.now() < cached.expires:
            return cached.text
        return (await asyncio.shield(request)).text

    async def renew(self, tenant: str) -> str:
        """Return a token that is asked for now; a cached one stays if there is no answer. Raises as `get` does."""
        return (await asyncio.shield(self._request_once(tenant))).text

    def drop(self, tenant: str, text: str) -> None:
        """Forget a token that the connector did not accept. A newer one, renewed meanwhile, stays."""
        cached = self._cached.get(tenant)
        if cached is not None and cached.text == text:
            del self._cached[tenant]

    def _request_once(self, tenant: str) -> asyncio.Task[AccessToken]:
        request = self._requests.get(tenant)
        if request is None or request.done():
            request = self._requests[tenant] = asyncio.get_running_loop().create_task(self._renew(tenant))
            request.add_done_callback(_retrieve_exception)
        return request

    async def _renew(self, tenant: str) -> AccessToken:
        asked = self.now()
        answer = await self._ask(self.url.replace("{tenant}", tenant))
        lifetime = _lifetime(answer.get("expires_in"))
        renew_at = asked + max(lifetime - EARLY, _AT_LEAST)
        self._cached[tenant] = AccessToken(answer["access_token"], renew_at, max(asked + lifetime, renew_at))
        return self._cached[tenant]

    async def _ask(self, url: str) -> dict[str, Any]:
        """Ask for a token, and once more where that is refused: one refusal may be a passing fault of the endpoint."""
        try:
            return await self._send_credentials(url)
        except AccessRevoked:
            return await self._send_credentials(url)

    async def _send_credentials(self, url: str) -> dict[str, Any]:
        """Send the client credentials: https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow.

        Only Microsoft's own JSON is a refusal; a page with the same status is a gateway's.
        """
        form = {
            "grant_type": "client_credentials",
            "client_id": self.client_id,
            "client_secret": self.secret,
            "scope": self.scope,
        }
        try:
            status, headers, body = await self.http.request("POST", url, data=form)
        except BROKEN as error:
            log.failed("token", type(error).__name__)
            failure = connection_failure(error)
            raise failure if isinstance(failure, RetryLater) else RetryLater() from None
        answer = json_object(body)
        if status == HTTPStatus.OK and isinstance(answer.get("access_token"), str):
            return answer
        log.failed("token", f"http-{status}")
        raise (
            AccessRevoked
            if status in _REFUSED and answer.get("error")
            else RetryLater(retry_after(headers, self.now()))
        )


def _retrieve_exception(request: asyncio.Task[AccessToken]) -> None:
    """Keep asyncio from reporting a failure for which no caller waited."""
    if not request.cancelled():
        request.exception()


def _lifetime(seconds: object) -> timedelta:
    """Return for how long a token is valid; no time at all if what was said makes no sense."""
    try:
        lifetime = float(str(seconds))
    except ValueError:
        return timedelta(0)
    return timedelta(seconds=min(lifetime, _LONGEST)) if lifetime > 0 else timedelta(0)
