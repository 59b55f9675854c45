"""Asks Slack for the address of a WebSocket. It holds a ticket that is good once, so it is never logged.

https://docs.slack.dev/reference/methods/apps.connections.open
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

import aiohttp

from adapters.base import AccessRevoked, OutcomeUnknown, RetryLater
from adapters.slack import errors, log
from adapters.slack.client import ApiError, SlackApi

METHOD: Final = "apps.connections.open"
TIMEOUT: Final = 10.0
"""Seconds until Slack counts as silent."""

NO_PAUSE: Final = timedelta(0)
"""Slack named no pause; the caller decides how long to wait."""

_FRESH: Final = 15.0  # seconds; Slack accepts a ticket for thirty
_REFUSED: Final = errors.REVOKED | {"not_allowed_token_type", "missing_scope", "forbidden_team", "is_bot"}


class SocketUrls:
    """Opens WebSockets with an app-level token.

    Args:
        token: The app-level token (`xapp-…`).
        api: The session to call Slack over; it is closed with this.
        now: A monotonic clock, in seconds.
    """

    def __init__(self, token: str, api: SlackApi, *, now: Callable[[], float] = time.monotonic) -> None:
        if not token.strip():
            raise ValueError("SLACK_APP_TOKEN is empty: put the app-level token (xapp-…) of the app there")
        self._token, self._api, self._now = token.strip(), api, now
        self._schemes = {"wss"} if api.url.startswith("https:") else {"wss", "ws"}
        self._unused: tuple[float, str] | None = None
        self.verified = asyncio.Event()  # set once Slack accepts the token

    async def verify_token(self) -> None:
        """Ask once whether the token is good, and keep the address for the first connection. Raises as `take` does."""
        self._unused = None
        self._unused = (self._now(), await self.take())
        self.verified.set()

    async def take(self) -> str:
        """Return an address that is good once, for half a minute.

        Raises:
            AccessRevoked: Slack opens no connection for this token, and said so twice.
            RetryLater: Slack did not answer, or asked to wait.
        """
        unused, self._unused = self._unused, None
        if unused and self._now() - unused[0] < _FRESH:
            return unused[1]
        self._api.http.open()
        try:
            return await self._request()
        except AccessRevoked:
            return await self._request()

    async def _request(self) -> str:
        try:
            answer = await self._api.call(METHOD, self._token)
        except (OutcomeUnknown, RetryLater):
            raise RetryLater(NO_PAUSE) from None
        except ApiError as error:
            log.failed(METHOD, str(error))
            raise _refused(error) from None
        url = answer.get("url")
        if isinstance(url, str) and urlsplit(url).scheme in self._schemes:
            return url
        log.failed(METHOD, "no-address")
        raise RetryLater(NO_PAUSE)

    async def connect(self, url: str, *, heartbeat: float, limit: int) -> aiohttp.ClientWebSocketResponse:
        """Open the WebSocket.

        Args:
            url: The address.
            heartbeat: Seconds between two pings. The connection fails after one and a half of them without an answer.
            limit: The longest message, in bytes.
        """
        return await self._api.http.open().ws_connect(
            url,
            heartbeat=heartbeat,
            max_msg_size=limit,
            proxy=self._api.http.proxy,
            ssl=self._api.http.tls,
            timeout=aiohttp.ClientWSTimeout(ws_close=1.0),
        )

    async def close(self) -> None:
        """Close the session."""
        await self._api.http.close()


def _refused(error: ApiError) -> Exception:
    if error.code in _REFUSED and error.status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return AccessRevoked()
    if error.status == HTTPStatus.TOO_MANY_REQUESTS:
        return errors.classify(error.status, error.headers, error.code)
    return RetryLater(NO_PAUSE)
