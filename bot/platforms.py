"""The chat platforms that are configured: what speaks for each, and what stands at its route.

A platform that is not configured is not even imported.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from aiohttp import web

from adapters.base import Adapter, Desk, Stopped, TryLater, Unclear
from adapters.pace import Pace, Rates
from bot.config import Settings
from bot.outbound import proxy_to
from bot.store.base import Store
from bot.texts import Words
from bot.vault import Vault
from bot.web import Handler
from conversations import anywhere

if TYPE_CHECKING:
    from adapters.slack import App, Door, Slack, Tickets

Paced = Callable[[Rates], Pace]


class Entrance(Protocol):
    """What answers a platform's requests."""

    async def handle(self, request: web.Request) -> web.Response:
        """One request, answered in time."""

    async def drain(self) -> None:
        """Finish what was promised after an acknowledgement."""


class Line(Protocol):
    """What we keep open to a platform that does not call us."""

    def begin(self) -> None:
        """Take in from now on what comes."""

    def up(self) -> bool:
        """Whether the platform reaches us, or has not only for a moment."""

    async def drain(self) -> None:
        """Take nothing new, finish what was taken, and hang up."""


@dataclass(frozen=True, slots=True)
class Platform:
    """`open` may be called once: it asks the platform whether it knows us. It calls our `entrance`, or we a `line`."""

    name: str
    route: str
    adapter: Adapter
    entrance: Callable[[Desk], Entrance] | None
    open: Callable[[], Awaitable[Any]]
    close: Callable[[], Awaitable[None]]
    line: Callable[[Desk], Line] | None = None
    pages: Mapping[str, Handler] = field(default_factory=dict)  # for a browser: each path answers GET
    refused: str = ""  # what to look at where it does not take our secrets, instead of the usual

    async def start(self) -> None:
        """Raises NotStarted when the platform does not know us, or is not to be reached."""
        try:
            await self.open()
        except (Stopped, TryLater, Unclear) as failure:
            raise NotStarted(self.name, shut_out=isinstance(failure, Stopped), refused=self.refused) from failure


class NotStarted(Exception):
    """A platform does not take our secrets (`shut_out`), or did not answer."""

    def __init__(self, platform: str, *, shut_out: bool, refused: str = "", part: str = "") -> None:
        super().__init__(platform)
        self.platform, self.shut_out, self._refused, self._part = platform, shut_out, refused, part or platform

    def sentence(self) -> str:
        """What to look at, for an operator."""
        refused, silent = _SENTENCES[self._part]
        return (self._refused or refused) if self.shut_out else silent


_SENTENCES = {
    "slack": (
        "Slack does not accept SLACK_BOT_TOKEN: install the app in the workspace again and use its new token.",
        "Slack could not be reached: look at SLACK_API_URL, HTTPS_PROXY, PEERSUPPORT_CA_FILE and the firewall.",
    ),
    "slack-socket": (
        "Slack does not accept SLACK_APP_TOKEN: switch Socket Mode on in your Slack app, and make a new token there.",
        "Slack opened no line: look at SLACK_API_URL, HTTPS_PROXY, PEERSUPPORT_CA_FILE and the firewall.",
    ),
    "teams": (
        "Microsoft does not accept TEAMS_CLIENT_SECRET: look at all of TEAMS_*, or make a new secret for the bot.",
        "Microsoft could not be reached: look at TEAMS_*_URL, HTTPS_PROXY, PEERSUPPORT_CA_FILE and the firewall.",
    ),
}


_OAUTH_REFUSED = (
    "Slack does not accept SLACK_CLIENT_SECRET: copy it again, and SLACK_CLIENT_ID, from Basic Information."
)


def configured(
    settings: Settings, now: Callable[[], datetime], pace: Paced = Pace, kept: tuple[Store, Vault] | None = None
) -> Iterator[Platform]:
    """Every platform that any setting names. `kept` is where to keep that Slack was installed from our own page."""
    if settings.slack and settings.slack_oauth:
        if kept is None:
            raise ValueError("installations need a store to be kept in")
        yield _several_slacks(settings, now, pace, *kept)
    elif settings.slack:
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

    def door(desk: Desk) -> Door:
        signed = [secret.get_secret_value() for secret in settings.slack_signing_secrets]
        return Door(
            slack,
            desk,
            secrets=None if settings.slack_app_token else signed,
            hear=anywhere.hear,
            now=now,
            workspaces=settings.slack_workspaces,
            name=settings.name,
        )

    if settings.slack_app_token:
        return _by_socket(settings, slack, door)
    return Platform("slack", "/slack/events", slack, door, slack.start, slack.close)


def _by_socket(settings: Settings, slack: Slack, door: Callable[[Desk], Door]) -> Platform:
    """Slack, where we call it. It knows us when it takes both tokens."""
    from adapters.slack import Socket

    tickets = slack_tickets(settings)

    async def start() -> None:
        await slack.start()
        try:
            await tickets.prove()
        except (Stopped, TryLater) as failure:
            raise NotStarted("slack", shut_out=isinstance(failure, Stopped), part="slack-socket") from failure

    async def close() -> None:
        await tickets.close()
        await slack.close()

    def line(desk: Desk) -> Line:
        return Socket(tickets, door(desk), desk)

    return Platform("slack", "", slack, None, start, close, line)


def slack_tickets(settings: Settings) -> Tickets:
    """What opens a line to Slack. Needs its app-level token."""
    from adapters.slack import Tickets

    token = settings.slack_app_token
    return Tickets(
        token.get_secret_value() if token else "",
        api_url=settings.slack_api_url,
        proxy=proxy_to(settings.slack_api_url, settings),
        ca_file=settings.ca_file,
    )


def slack_app(settings: Settings, now: Callable[[], datetime]) -> App:
    """The Slack app alone, for whoever only wants to show Slack its secret. Needs its id and secret."""
    from adapters.slack import App

    secret = settings.slack_client_secret
    return App(
        settings.slack_client_id,
        secret.get_secret_value() if secret else "",
        now=now,
        api_url=settings.slack_api_url,
        proxy=proxy_to(settings.slack_api_url, settings),
        ca_file=settings.ca_file,
    )


def _several_slacks(
    settings: Settings, now: Callable[[], datetime], pace: Paced, store: Store, vault: Vault
) -> Platform:
    from adapters.slack import RATES, Door, Oauth, Workspaces
    from bot.installations import Installed, SealedStates

    app, installed = slack_app(settings, now), Installed(store, vault, now)
    slack = Workspaces(app, installed, settings.slack_workspaces, lambda: pace(RATES))
    oauth = Oauth(slack, SealedStates(store, vault, now), Words.load(settings.programme()).say)

    def door(desk: Desk) -> Entrance:
        return Door(
            slack,
            desk,
            secrets=[secret.get_secret_value() for secret in settings.slack_signing_secrets],
            hear=anywhere.hear,
            now=now,
            name=settings.name,
        )

    return Platform(
        "slack", "/slack/events", slack, door, slack.start, slack.close, pages=oauth.routes, refused=_OAUTH_REFUSED
    )


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
