"""Slack's Web API: the one session for all calls, and a client that paces the calls of one token and classifies errors.

Nothing is retried below the outbox: the SDK's own retry would repeat a post after a connection broke once Slack had
already taken it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from adapters import plain
from adapters.base import AccessRevoked, Card, OutcomeUnknown, RetryLater
from adapters.http_session import AFTER_REPAIR, BROKEN, ConnectorFactory, HttpSession, connection_failure
from adapters.rate_limit import CHAT, RateLimiter, Rates
from adapters.slack import cards, errors, log

API: Final = "https://slack.com/api/"

RATES: Final[Rates] = {
    "post": (60 / 300, 20),
    "update": (60 / 50, 10),
    "open": (60 / 50, 20),
    "read": (60 / 50, 20),
    "page": (60 / 100, 20),
    CHAT: (1.0, 1),
}
"""Each method's tier: 300 posts a minute in a workspace and one a second in a chat, 50 or 100 a minute of the others.

https://docs.slack.dev/apis/web-api/rate-limits
"""

TIMEOUT: Final = aiohttp.ClientTimeout(total=10, connect=5)

_AGAIN: Final = timedelta(seconds=2)  # after a refusal that Slack did not repeat; doubled each time it comes again
_AUTH_TEST: Final = "auth.test"


_REFUSED_AS_IT_IS: Final = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE})


_SITES: Final = frozenset({"slack.com", "slack-gov.com"})


class ApiError(Exception):
    """Slack answered, but not `ok`. `code` is the body's `error`, or ""."""

    def __init__(self, status: int, headers: Mapping[str, str], code: str) -> None:
        super().__init__(errors.kind(status, code))
        self.status, self.headers, self.code = status, headers, code


class SlackApi:
    """Where Slack's Web API is, and the session over which every token is used. `http.open` first.

    Args:
        url: The base address of the API.
        proxy: The address of an HTTP proxy, or None; the environment's is never used.
        ca_file: A file of further certificate authorities.
        timeout: For each call (default 10 s, 5 s of them to connect).
        connector: Makes the connection pool; see `HttpSession`.
    """

    def __init__(
        self,
        url: str = API,
        *,
        proxy: str | None = None,
        ca_file: Path | None = None,
        timeout: aiohttp.ClientTimeout = TIMEOUT,
        connector: ConnectorFactory | None = None,
    ) -> None:
        self.url = url if url.endswith("/") else url + "/"
        host = urlsplit(self.url).hostname
        self.site = f"https://{host}/" if host in _SITES else cards.SITE  # where people open Slack in a browser
        self.http = HttpSession(timeout, proxy=proxy, ca_file=ca_file, connector=connector)
        self._client = AsyncWebClient(base_url=self.url, ssl=self.http.tls, logger=log.QUIET, retry_handlers=[])
        self._client.proxy = proxy  # where there is none, the SDK has taken the environment's

    async def call(self, method: str, token: str = "", **args: Any) -> Any:
        """Call a method once, with this token if there is one, and return Slack's answer.

        Raises:
            ApiError: Slack refused it.
            RetryLater: It was not sent.
            OutcomeUnknown: It may have been sent, and no answer came.
        """
        if self.http.session is None:
            raise RetryLater
        self._client.session = self.http.session
        if token:
            args["headers"] = {"Authorization": f"Bearer {token}"}
        try:
            return await self._client.api_call(method, **args)
        except SlackApiError as error:
            raise _api_error(error.response) from None
        except (*BROKEN, ValueError, AttributeError) as error:  # AttributeError: the SDK, on a 200 that is not JSON
            log.failed(method, type(error).__name__)
            raise connection_failure(error) from None

    async def respond(self, url: str, card: Card) -> None:
        """Show a card to the person who acted, through the response URL of their interaction. Edits nothing.

        It needs no token: https://docs.slack.dev/interactivity/handling-user-interaction#message_responses
        """
        for version in plain.versions(card, lambda: card.text):
            if await self._respond(url, cards.ephemeral(version, self.site)) not in _REFUSED_AS_IT_IS:
                return

    async def edit_pressed(self, url: str, card: Card) -> bool:
        """Edit the message that was pressed, through the response URL of the press, and return whether it was done."""
        edit = {"replace_original": True, "blocks": [], **cards.message(card, self.site)}
        return await self._respond(url, edit) == HTTPStatus.OK

    async def _respond(self, url: str, body: Mapping[str, Any]) -> int:
        """Return Slack's status; 0 without an answer."""
        try:
            status, _, _ = await self.http.request("POST", url, json=body)
        except BROKEN as error:
            log.failed("response-url", type(error).__name__)
            return 0
        if status != HTTPStatus.OK:
            log.failed("response-url", f"http-{status}")
        return status


class SlackClient:
    """Calls the Web API with one token, within its rate limits."""

    def __init__(self, token: str, api: SlackApi, limiter: RateLimiter) -> None:
        self._token, self._api, self.limiter = token, api, limiter
        self._contradicted = 0  # refusals in a row that Slack did not repeat; a success sets it to 0

    async def read(self, method: str, **form: str) -> Any:
        """Call a method that reads. Slack takes its arguments only as a form. Raises as `write` does."""
        return await self._call("read", method, data=form)

    async def write(self, rate: str, method: str, **body: Any) -> Any:
        """Call a method that writes, with JSON arguments.

        Args:
            rate: The rate of `RATES` that a 429 pauses. Acquiring a slot beforehand is left to the caller: what a
                person waits for is not paced.
            method: The method's name.
            **body: Its arguments.

        Raises:
            Unreachable, AccessRevoked, Rejected, RetryLater, OutcomeUnknown: As in `adapters.base`.
            MessageGone, DeletionForbidden, TriggerExpired: As in `adapters.slack.errors`.
        """
        return await self._call(rate, method, json=body)

    async def _call(self, rate: str, method: str, **args: Any) -> Any:
        try:
            answer = await self._api.call(method, self._token, **args)
        except ApiError as error:
            log.failed(method, str(error))
            found = errors.classify(error.status, error.headers, error.code)
            if isinstance(found, AccessRevoked) and method != _AUTH_TEST:
                found = await self._ask_again()
            if isinstance(found, RetryLater) and error.status == HTTPStatus.TOO_MANY_REQUESTS:
                self.limiter.back_off(rate, found.after)
            raise found from None
        self._contradicted = 0
        return answer

    async def _ask_again(self) -> AccessRevoked | RetryLater:
        """Ask Slack whether it really refuses the token, and return what its refusal of a call then means."""
        try:
            await self._api.call(_AUTH_TEST, self._token, data={})
        except ApiError as error:
            log.failed(_AUTH_TEST, str(error))
            found = errors.classify(error.status, error.headers, error.code)
            return found if isinstance(found, AccessRevoked) else RetryLater(_AGAIN)
        except (OutcomeUnknown, RetryLater):
            return RetryLater(_AGAIN)
        self._contradicted += 1
        return RetryLater(min(_AGAIN * 2 ** min(self._contradicted - 1, 10), AFTER_REPAIR))


def _api_error(answer: Any) -> ApiError:
    """Read the SDK's response object, which for an answer that is not JSON is a dictionary of another shape."""
    status = int(getattr(answer, "status_code", 0) or getattr(answer, "status", 0))
    data = getattr(answer, "data", None)
    code = data.get("error") if isinstance(data, dict) else None
    return ApiError(status, getattr(answer, "headers", {}), code if isinstance(code, str) else "")
