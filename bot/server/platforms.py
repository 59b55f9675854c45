"""Builds the chat platforms that are configured: the adapter of each, and what receives its requests.

A platform that is not configured is not even imported.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol

from aiohttp import web

from adapters.base import AccessRevoked, Adapter, CertificateNotTrusted, Inbound, OutcomeUnknown, RetryLater
from adapters.http_session import ConnectorFactory
from adapters.rate_limit import RateLimiter, Rates
from adapters.signature_record import SignatureRecord
from bot.config.proxy import proxy_to
from bot.config.settings import Settings
from bot.crypto.vault import Vault
from bot.rendering import Renderer
from bot.server.http import Handler
from bot.store.base import Store
from conversations.front_door.typed_words import parse_word
from conversations.vocabulary import Word

if TYPE_CHECKING:
    from adapters.slack import SlackAdapter, SlackApi, SlackWebhook
    from adapters.slack.install.app import SlackApp
    from adapters.slack.socket_mode import SocketUrls
    from adapters.teams import TeamsAdapter

RateLimiterFactory = Callable[[Rates], RateLimiter]
"""Makes the rate limiter of one platform, or of one workspace of it, from the platform's published rates."""


class WebhookEndpoint(Protocol):
    """Answers the requests that a platform sends us."""

    signatures: SignatureRecord

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one request within the platform's time limit."""

    async def drain(self) -> None:
        """Finish what was acknowledged and is not done yet."""


class PlatformConnection(Protocol):
    """A connection that we keep open to a platform, where it cannot send us requests."""

    def begin(self) -> None:
        """Connect, and take in events from now on."""

    def up(self) -> bool:
        """Whether the connection is open, or was interrupted only a moment ago."""

    async def drain(self) -> None:
        """Take in nothing new, finish what was taken in, and disconnect."""


@dataclass(frozen=True, slots=True)
class Platform:
    """A configured platform: either it sends requests to our `webhook` at `route`, or we keep a `connection` to it.

    `open` shows the platform our credentials; it may be called again only after it failed. Each path of `pages` answers
    a browser's GET. `refused` is what to look at where the platform refuses our credentials, instead of the usual.
    """

    name: str
    route: str
    adapter: Adapter
    webhook: Callable[[Inbound], WebhookEndpoint] | None
    open: Callable[[], Awaitable[Any]]
    close: Callable[[], Awaitable[None]]
    connection: Callable[[Inbound], PlatformConnection] | None = None
    pages: Mapping[str, Handler] = field(default_factory=dict)
    refused: str = ""

    async def start(self) -> None:
        """Show the platform our credentials. Raises PlatformNotStarted where it refuses them or does not answer.

        A single refusal may be a passing fault of its own: it is believed when the platform repeats it.
        """
        try:
            try:
                await self.open()
            except AccessRevoked:
                await self.open()
        except (AccessRevoked, RetryLater, OutcomeUnknown) as failure:
            raise PlatformNotStarted(self.name, failure, refused=self.refused) from failure


class PlatformNotStarted(Exception):
    """A platform refuses our credentials (`shut_out`), or did not answer."""

    def __init__(self, platform: str, failure: Exception, *, refused: str = "", part: str = "") -> None:
        """Name the platform, and the part of it that was asked where it has several.

        Args:
            platform: Its name.
            failure: What asking it raised.
            refused: Replaces the usual sentence for refused credentials.
            part: What was asked, where it has several.
        """
        super().__init__(platform)
        self.platform, self.shut_out = platform, isinstance(failure, AccessRevoked)
        self._untrusted = isinstance(failure, CertificateNotTrusted)
        self._refused, self._part = refused, part or platform

    def sentence(self) -> str:
        """Return what an operator should look at."""
        if self._untrusted:
            return f"The certificate shown for {_COMPANIES[self.platform]} is not trusted: {_TRUST}"
        refused, no_answer = _SENTENCES[self._part]
        return (self._refused or refused) if self.shut_out else no_answer


_COMPANIES: Final = {"slack": "Slack", "teams": "Microsoft"}
_TRUST: Final = (
    "where your network inspects TLS, put its authority's certificate into a file, and name that in "
    "PEERSUPPORT_CA_FILE; `peersupport doctor --live` says whose certificate it is."
)
_SENTENCES: Final = {
    "slack": (
        "Slack does not accept SLACK_BOT_TOKEN: install the app in the workspace again and use its new token.",
        "Slack could not be reached: look at SLACK_API_URL, HTTPS_PROXY, PEERSUPPORT_CA_FILE and the firewall.",
    ),
    "slack-socket": (
        "Slack does not accept SLACK_APP_TOKEN: switch Socket Mode on in your Slack app, and make a new token there.",
        "Slack opened no connection: look at SLACK_API_URL, HTTPS_PROXY, PEERSUPPORT_CA_FILE and the firewall.",
    ),
    "teams": (
        "Microsoft does not accept TEAMS_CLIENT_SECRET: look at all of TEAMS_*, or make a new secret for the bot.",
        "Microsoft could not be reached: look at TEAMS_*_URL, HTTPS_PROXY, PEERSUPPORT_CA_FILE and the firewall.",
    ),
}
_INSTALLATION_REFUSED: Final = (
    "Slack does not accept SLACK_CLIENT_SECRET: copy it again, and SLACK_CLIENT_ID, from Basic Information."
)


def configured_platforms(
    settings: Settings,
    now: Callable[[], datetime],
    rate_limiter: RateLimiterFactory = RateLimiter,
    storage: tuple[Store, Vault] | None = None,
    connector: ConnectorFactory | None = None,
    patience: float | None = None,
) -> Iterator[Platform]:
    """Yield every platform that the settings name.

    Args:
        settings: which platforms, and with which credentials.
        now: the programme's time.
        rate_limiter: makes the rate limiter of each.
        storage: where Slack's installations are kept; needed where people install the app from our own page.
        connector: makes connection pools, where they are not of TCP.
        patience: the seconds in which a platform's request is answered; None for what that platform gives.
    """
    if settings.slack and settings.slack_oauth:
        if storage is None:
            raise ValueError("installations need a store to be kept in")
        yield _slack_in_many_workspaces(settings, now, rate_limiter, *storage, patience)
    elif settings.slack:
        yield _slack(settings, now, rate_limiter, connector, patience)
    if settings.teams:
        yield _teams(settings, now, rate_limiter, connector, patience)


# ---------------------------------------------------------------- Slack


def slack_api(settings: Settings, connector: ConnectorFactory | None = None) -> SlackApi:
    """Return a client of Slack's Web API, with a session of its own."""
    from adapters.slack import SlackApi

    url = settings.slack_api_url
    return SlackApi(url, proxy=proxy_to(url, settings), ca_file=settings.ca_file, connector=connector)


def slack_adapter(
    settings: Settings, rate_limiter: RateLimiterFactory = RateLimiter, connector: ConnectorFactory | None = None
) -> SlackAdapter:
    """Return the adapter of the one workspace that SLACK_BOT_TOKEN is for."""
    from adapters.slack import RATES, SlackAdapter

    token = settings.slack_bot_token
    api = slack_api(settings, connector)
    return SlackAdapter(token.get_secret_value() if token else "", api, pace=rate_limiter(RATES))


def slack_socket_urls(settings: Settings) -> SocketUrls:
    """Return the client that asks for addresses of Socket Mode connections. Needs SLACK_APP_TOKEN."""
    from adapters.slack.socket_mode import SocketUrls

    token = settings.slack_app_token
    return SocketUrls(token.get_secret_value() if token else "", slack_api(settings))


def slack_app(settings: Settings, now: Callable[[], datetime]) -> SlackApp:
    """Return the client of the app itself, in no workspace. Needs SLACK_CLIENT_ID and SLACK_CLIENT_SECRET."""
    from adapters.slack.install.app import SlackApp

    secret = settings.slack_client_secret
    return SlackApp(settings.slack_client_id, secret.get_secret_value() if secret else "", slack_api(settings), now=now)


def _word_parser(settings: Settings) -> Callable[[str], Word]:
    return partial(parse_word, listener=settings.programme().listener)


def _slack(
    settings: Settings,
    now: Callable[[], datetime],
    rate_limiter: RateLimiterFactory,
    connector: ConnectorFactory | None,
    patience: float | None,
) -> Platform:
    from adapters.slack import PATIENCE, SlackWebhook

    slack = slack_adapter(settings, rate_limiter, connector)

    def webhook(inbound: Inbound) -> SlackWebhook:
        signed = [secret.get_secret_value() for secret in settings.slack_signing_secrets]
        return SlackWebhook(
            slack,
            inbound,
            secrets=None if settings.slack_app_token else signed,
            parse_word=_word_parser(settings),
            now=now,
            workspaces=settings.slack_workspaces,
            name=settings.name,
            patience=patience or PATIENCE,
        )

    if settings.slack_app_token:
        return _slack_over_socket_mode(settings, slack, webhook, patience)
    return Platform("slack", "/slack/events", slack, webhook, slack.start, slack.close)


def _slack_over_socket_mode(
    settings: Settings,
    slack: SlackAdapter,
    webhook: Callable[[Inbound], SlackWebhook],
    patience: float | None,
) -> Platform:
    """Return Slack as a connection of ours. It is started when Slack accepts both tokens."""
    from adapters.slack import PATIENCE
    from adapters.slack.socket_mode import SocketModeConnection

    urls = slack_socket_urls(settings)

    async def start() -> None:
        await slack.start()
        try:
            await urls.verify_token()
        except (AccessRevoked, RetryLater) as failure:
            raise PlatformNotStarted("slack", failure, part="slack-socket") from failure

    async def close() -> None:
        await urls.close()
        await slack.close()

    def connection(inbound: Inbound) -> PlatformConnection:
        return SocketModeConnection(urls, webhook(inbound), inbound, patience=patience or PATIENCE)

    return Platform("slack", "", slack, None, start, close, connection)


def _slack_in_many_workspaces(
    settings: Settings,
    now: Callable[[], datetime],
    rate_limiter: RateLimiterFactory,
    store: Store,
    vault: Vault,
    patience: float | None,
) -> Platform:
    from adapters.slack import PATIENCE, RATES, SlackWebhook
    from adapters.slack.install.multi_workspace import MultiWorkspaceSlack
    from adapters.slack.install.oauth import OAuthPages
    from bot.server.slack_installations import OAuthStateStore, SlackInstallationStore

    app, installations = slack_app(settings, now), SlackInstallationStore(store, vault, now)
    slack = MultiWorkspaceSlack(app, installations, settings.slack_workspaces, lambda: rate_limiter(RATES))
    oauth = OAuthPages(slack, OAuthStateStore(store, vault, now), Renderer.load(settings.programme()).text)

    def webhook(inbound: Inbound) -> WebhookEndpoint:
        return SlackWebhook(
            slack,
            inbound,
            secrets=[secret.get_secret_value() for secret in settings.slack_signing_secrets],
            parse_word=_word_parser(settings),
            now=now,
            name=settings.name,
            patience=patience or PATIENCE,
        )

    return Platform(
        "slack",
        "/slack/events",
        slack,
        webhook,
        slack.start,
        slack.close,
        pages=oauth.routes,
        refused=_INSTALLATION_REFUSED,
    )


# ---------------------------------------------------------------- Teams


def teams_adapter(
    settings: Settings,
    now: Callable[[], datetime],
    rate_limiter: RateLimiterFactory = RateLimiter,
    connector: ConnectorFactory | None = None,
) -> TeamsAdapter:
    """Return the adapter of Teams. Needs TEAMS_CLIENT_ID, TEAMS_CLIENT_SECRET and TEAMS_TENANT_ID."""
    from adapters.teams import RATES, TeamsAdapter

    secret = settings.teams_client_secret
    return TeamsAdapter(
        settings.teams_client_id,
        secret.get_secret_value() if secret else "",
        settings.teams_tenants,
        now=now,
        openid_url=settings.teams_openid_url,
        issuer=settings.teams_issuer,
        token_url=settings.teams_token_url,
        scope=settings.teams_scope,
        chat_url=settings.teams_chat_url,
        service_hosts=settings.teams_service_hosts,
        proxy=proxy_to(settings.teams_token_url, settings),
        ca_file=settings.ca_file,
        pace=rate_limiter(RATES),
        connector=connector,
    )


def _teams(
    settings: Settings,
    now: Callable[[], datetime],
    rate_limiter: RateLimiterFactory,
    connector: ConnectorFactory | None,
    patience: float | None,
) -> Platform:
    from adapters.teams import PATIENCE, TeamsWebhook

    teams = teams_adapter(settings, now, rate_limiter, connector)

    def webhook(inbound: Inbound) -> WebhookEndpoint:
        return TeamsWebhook(teams, inbound, parse_word=_word_parser(settings), patience=patience or PATIENCE)

    return Platform("teams", "/api/messages", teams, webhook, teams.start, teams.close)
