"""The chat platforms that are configured: what speaks for each, and what stands at its route.

A platform that is not configured is not even imported.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from aiohttp import web

from adapters.base import Adapter, Desk, Stopped, TryLater, Unclear
from adapters.pace import Pace, Rates
from bot.config import Settings
from bot.outbound import proxy_to
from conversations import anywhere

Paced = Callable[[Rates], Pace]


class Entrance(Protocol):
    """What answers a platform's requests."""

    async def handle(self, request: web.Request) -> web.Response:
        """One request, answered in time."""

    async def drain(self) -> None:
        """Finish what was promised after an acknowledgement."""


@dataclass(frozen=True, slots=True)
class Platform:
    """`open` may be called once: it asks the platform whether it knows us."""

    name: str
    route: str
    adapter: Adapter
    entrance: Callable[[Desk], Entrance]
    open: Callable[[], Awaitable[Any]]
    close: Callable[[], Awaitable[None]]

    async def start(self) -> None:
        """Raises NotStarted when the platform does not know us, or is not to be reached."""
        try:
            await self.open()
        except (Stopped, TryLater, Unclear) as failure:
            raise NotStarted(self.name, shut_out=isinstance(failure, Stopped)) from failure


class NotStarted(Exception):
    """A platform does not take our secrets (`shut_out`), or did not answer."""

    def __init__(self, platform: str, *, shut_out: bool) -> None:
        super().__init__(platform)
        self.platform, self.shut_out = platform, shut_out

    def sentence(self) -> str:
        """What to look at, for an operator."""
        refused, silent = _SENTENCES[self.platform]
        return refused if self.shut_out else silent


_SENTENCES = {
    "slack": (
        "Slack does not accept SLACK_BOT_TOKEN: install the app in the workspace again and use its new token.",
        "Slack could not be reached: look at SLACK_API_URL, HTTPS_PROXY, PEERSUPPORT_CA_FILE and the firewall.",
    ),
    "teams": (
        "Microsoft does not accept TEAMS_CLIENT_SECRET: look at all of TEAMS_*, or make a new secret for the bot.",
        "Microsoft could not be reached: look at TEAMS_*_URL, HTTPS_PROXY, PEERSUPPORT_CA_FILE and the firewall.",
    ),
}


def configured(settings: Settings, now: Callable[[], datetime], pace: Paced = Pace) -> Iterator[Platform]:
    """Every platform that any setting names."""
    if settings.slack:
        yield _slack(settings, now, pace)
    if settings.teams:
        yield teams(settings, now, pace)


def _slack(settings: Settings, now: Callable[[], datetime], pace: Paced) -> Platform:
    from adapters.slack import RATES, Door, Slack

    token = settings.slack_bot_token
    slack = Slack(
        token.get_secret_value() if token else "",
        api_url=settings.slack_api_url,
        proxy=proxy_to(settings.slack_api_url, settings),
        ca_file=settings.ca_file,
        pace=pace(RATES),
    )

    def door(desk: Desk) -> Entrance:
        return Door(
            slack,
            desk,
            secrets=[secret.get_secret_value() for secret in settings.slack_signing_secrets],
            hear=anywhere.hear,
            now=now,
            workspaces=settings.slack_workspaces,
            name=settings.name,
        )

    return Platform("slack", "/slack/events", slack, door, slack.start, slack.close)


def teams(settings: Settings, now: Callable[[], datetime], pace: Paced = Pace) -> Platform:
    """Teams alone, for whoever only wants to ask it something. Needs its id, secret and tenant."""
    from adapters.teams import RATES, Door, Teams

    secret = settings.teams_client_secret
    adapter = Teams(
        settings.teams_client_id,
        secret.get_secret_value() if secret else "",
        settings.teams_tenants,
        now=now,
        openid_url=settings.teams_openid_url,
        issuer=settings.teams_issuer,
        token_url=settings.teams_token_url,
        service_hosts=settings.teams_service_hosts,
        proxy=proxy_to(settings.teams_token_url, settings),
        ca_file=settings.ca_file,
        pace=pace(RATES),
    )

    def door(desk: Desk) -> Entrance:
        return Door(adapter, desk, hear=anywhere.hear)

    return Platform("teams", "/api/messages", adapter, door, adapter.start, adapter.close)
