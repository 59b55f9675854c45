"""The app itself, before it is anywhere: shows Slack its secret, makes installations of codes, or gives them back."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from adapters.base import Card, Stopped, TryLater
from adapters.pace import Pace, Rates
from adapters.slack import quiet
from adapters.slack.installations import Installation
from adapters.slack.slack import API, TIMEOUT, Slack, respond
from adapters.trust import trusting

_OUR_SECRET: Final = frozenset({"bad_client_secret", "invalid_client_id", "bad_client_id"})
_NO_CODE: Final = frozenset({"invalid_code", "code_already_used", "code_expired"})
_LATER: Final = frozenset(
    {"", "ratelimited", "service_unavailable", "fatal_error", "internal_error", "request_timeout"}
)


INSTALLS: Final[Rates] = {"install": (1.0, 20)}  # anybody may come to our page: that must not use Slack up


class NotInstalled(Exception):
    """Why an installation came to nothing, in one of the words that stand on the page."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class App:
    """One Slack app, by its client id and secret. `start` before anything else, `close` at the end."""

    def __init__(
        self,
        client_id: str,
        client_secret: str,
        *,
        now: Callable[[], datetime],
        api_url: str = API,
        proxy: str | None = None,
        ca_file: Path | None = None,
        pace: Pace | None = None,
        timeout: aiohttp.ClientTimeout = TIMEOUT,
    ) -> None:
        if not client_id.strip() or not client_secret.strip():
            raise ValueError("SLACK_CLIENT_ID and SLACK_CLIENT_SECRET: copy both from the app's Basic Information")
        self.client_id = client_id
        self._secret = client_secret
        self._now = now
        self.api_url = api_url if api_url.endswith("/") else api_url + "/"
        self._proxy, self._ca_file, self._timeout = proxy, ca_file, timeout
        self._tls = trusting(ca_file)
        self._pace = pace or Pace(INSTALLS)
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        """Open the session, and show Slack the secret. Raises Stopped where it is not taken, and TryLater."""
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=self._timeout, trust_env=False)
        try:
            await self._exchanged("none")
        except NotInstalled:
            return  # that is no code; but it was looked at, so the secret is right

    async def close(self) -> None:
        """Give the connections back."""
        if self._session is not None:
            await self._session.close()

    def voice(self, installation: Installation, pace: Pace) -> Slack:
        """What speaks for us where we are installed, over our connections."""
        return Slack(
            installation.token,
            api_url=self.api_url,
            proxy=self._proxy,
            ca_file=self._ca_file,
            pace=pace,
            session=self._session,
            installation=installation,
        )

    async def respond(self, url: str, card: Card) -> None:
        """Answer a press through the address Slack gave with it."""
        if self._session is not None:
            await respond(self._session, url, card, tls=self._tls, proxy=self._proxy)

    async def exchange(self, code: str) -> Installation:
        """What Slack's code stands for. Raises NotInstalled, Stopped or TryLater."""
        await self._pace.turn("install")
        answer = await self._exchanged(code)
        if answer.get("refresh_token") or answer.get("expires_in"):
            raise NotInstalled("rotation")
        installation = _installation(answer, self._now())
        if not installation.token or not installation.place:
            raise NotInstalled("failed")
        return installation

    async def give_back(self, installation: Installation) -> None:
        """Revoke a token that we may not use. Where that fails nothing is lost: it is kept nowhere."""
        try:
            await self._call("auth.revoke", token=installation.token)
        except (NotInstalled, Stopped, TryLater) as failure:
            quiet.failed("auth.revoke", type(failure).__name__)

    async def _exchanged(self, code: str) -> Any:
        both = base64.b64encode(f"{self.client_id}:{self._secret}".encode()).decode("ascii")
        return await self._call("oauth.v2.access", data={"code": code}, headers={"Authorization": f"Basic {both}"})

    async def _call(self, method: str, *, token: str | None = None, **args: Any) -> Any:
        if self._session is None:
            raise TryLater
        client = AsyncWebClient(
            token=token,
            base_url=self.api_url,
            session=self._session,
            ssl=self._tls,
            proxy=self._proxy,
            logger=quiet.QUIET,
            retry_handlers=[],
        )
        client.proxy = self._proxy  # without one, the SDK takes the environment's
        try:
            return await client.api_call(method, **args)
        except SlackApiError as error:
            raise _refused(method, error.response) from None
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError, AttributeError) as error:
            quiet.failed(method, type(error).__name__)
            raise TryLater from None


def _refused(method: str, answer: Any) -> Exception:
    data, status = getattr(answer, "data", None), int(getattr(answer, "status_code", 0) or 0)
    said = data.get("error") if isinstance(data, dict) else ""
    code = said if isinstance(said, str) else ""
    if code in _NO_CODE:
        return NotInstalled("expired")
    quiet.failed(method, "client-secret" if code in _OUR_SECRET else f"http-{status}")
    if code in _OUR_SECRET:
        return Stopped()
    later = code in _LATER or status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR
    return TryLater() if later else NotInstalled("failed")


def _installation(answer: Any, now: datetime) -> Installation:
    """As `oauth.v2.access` tells it; what is not there is empty."""
    wide = answer.get("is_enterprise_install") is True
    return Installation(
        team="" if wide else _id(answer.get("team")),
        enterprise=_id(answer.get("enterprise")),
        token=str(answer.get("access_token") or ""),
        bot_user=str(answer.get("bot_user_id") or ""),
        scopes=tuple(sorted({s.strip() for s in str(answer.get("scope") or "").split(",") if s.strip()})),
        at=_said_at(answer.headers, now),
    )


def _said_at(headers: Any, now: datetime) -> datetime:
    """Slack's own time, which its events carry, too; ours where it says none."""
    said = next((v for k, v in headers.items() if k.lower() == "date"), "")
    try:
        return parsedate_to_datetime(said).astimezone(UTC)
    except ValueError:
        return now.replace(microsecond=0)


def _id(of: Any) -> str:
    found = of.get("id") if isinstance(of, dict) else None
    return found if isinstance(found, str) else ""
