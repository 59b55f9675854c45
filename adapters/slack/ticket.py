"""Asks Slack where a line may be opened. The address holds a ticket; whoever has it is us, so it is never logged."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp

from adapters.base import Stopped, TryLater
from adapters.slack import errors, quiet
from adapters.trust import trusting

METHOD: Final = "apps.connections.open"
TAKES: Final = 10.0  # seconds until the other side counts as silent
AT_ONCE: Final = timedelta(0)  # Slack named no pause; how long ours is, is for the caller to say

_FRESH: Final = 15.0  # seconds; Slack lets a ticket live for thirty
_REFUSED: Final = errors.STOPPED | {"not_allowed_token_type", "missing_scope", "forbidden_team", "is_bot"}


class Tickets:
    """An app-level token (`xapp-…`), and the one session for what it opens. `close` at the end."""

    def __init__(
        self,
        token: str,
        *,
        api_url: str,
        proxy: str | None = None,
        ca_file: Path | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        if not token.strip():
            raise ValueError("SLACK_APP_TOKEN is empty: put the app-level token (xapp-…) of the app there")
        self._token = token.strip()
        self._url = (api_url if api_url.endswith("/") else api_url + "/") + METHOD
        self._schemes = {"wss"} if api_url.startswith("https:") else {"wss", "ws"}
        self._now = now
        self._proxy = proxy
        self._tls = trusting(ca_file)
        self._session: aiohttp.ClientSession | None = None
        self._kept: tuple[float, str] | None = None
        self.proved = asyncio.Event()  # set once Slack takes the token

    async def prove(self) -> None:
        """Ask once whether the token is good, and keep the ticket for whoever comes at once. Raises as `take` does."""
        self._kept = None
        self._kept = (self._now(), await self.take())
        self.proved.set()

    async def take(self) -> str:
        """An address that is good once, for half a minute. Raises Stopped for a token that opens none, or TryLater."""
        kept, self._kept = self._kept, None
        if kept and self._now() - kept[0] < _FRESH:
            return kept[1]
        status, headers, body = await self._asked()
        error = body.get("error")
        code = error if isinstance(error, str) else ""
        if status == HTTPStatus.OK and body.get("ok") is True:
            url = body.get("url")
            if isinstance(url, str) and urlsplit(url).scheme in self._schemes:
                return url
            quiet.failed(METHOD, "no-address")
            raise TryLater(AT_ONCE)
        quiet.failed(METHOD, errors.kind(status, code))
        if status < HTTPStatus.INTERNAL_SERVER_ERROR and code in _REFUSED:
            raise Stopped
        found = errors.classify(status, headers, code)
        waits = status == HTTPStatus.TOO_MANY_REQUESTS and isinstance(found, TryLater)
        raise found if waits else TryLater(AT_ONCE)

    async def connect(self, url: str, *, beat: float, limit: int) -> aiohttp.ClientWebSocketResponse:
        """The line itself. It breaks by itself when one and a half beats (seconds) go by without a sign of life."""
        return await self._open_session().ws_connect(
            url,
            heartbeat=beat,
            max_msg_size=limit,
            proxy=self._proxy,
            ssl=self._tls,
            timeout=aiohttp.ClientWSTimeout(ws_close=1.0),
        )

    async def close(self) -> None:
        """Give the connections back."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _asked(self) -> tuple[int, dict[str, str], dict[str, Any]]:
        headers = {"Authorization": f"Bearer {self._token}"}
        try:
            async with self._open_session().post(
                self._url,
                headers=headers,
                proxy=self._proxy,
                ssl=self._tls,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=TAKES, connect=5),
            ) as answer:
                return answer.status, dict(answer.headers), await _object(answer)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            quiet.failed(METHOD, type(error).__name__)
            raise TryLater(AT_ONCE) from None

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None, connect=5), trust_env=False)
        return self._session


async def _object(answer: aiohttp.ClientResponse) -> dict[str, Any]:
    try:
        found = json.loads(await answer.read())
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
