"""The programme between the fake Slack and the fake Teams: the production adapters, and a clock that one can push."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from pathlib import Path

from aiohttp import web

from adapters.base import Adapter
from adapters.fakes.base import Observer
from adapters.fakes.network import Loopback, Network
from adapters.fakes.people import FakePeople
from adapters.fakes.screens import Change, Json, Screens
from adapters.fakes.slack.server import SlackServer
from adapters.fakes.teams.server import TeamsServer
from adapters.rate_limit import RateLimiter, Rates
from bot import config
from bot.crypto.vault import Vault
from bot.engine.engine import Engine
from bot.engine.repository import ConversationRepository
from bot.playground.simulator import MONDAY, Chat, Simulator
from bot.playground.tracing import Onlooker, TracedCard, TracedRenderer, TracedRepository
from bot.rendering import Renderer
from bot.server.platforms import Platform, WebhookEndpoint, configured_platforms
from bot.store.base import Store
from conversations.model import Programme

# A bot finds a connector at the root of its host; Slack's API would be in the way of the bot's own routes there.
_PREFIX = {"slack": "/pretend/slack", "teams": ""}


class FakePlatforms:
    """Both fake platforms. They last from one simulation to the next, and go by the clock of the present one.

    Args:
        observer: Is told every call and every delivery.
        network: Where the platforms and the bot meet; by default the loopback.
    """

    def __init__(self, observer: Observer | None = None, network: Network | None = None) -> None:
        self._clock: Simulator | None = None
        self.network = network or Loopback()
        token, secret = f"xoxb-{secrets.token_hex(16)}", secrets.token_hex(16)
        self.slack = SlackServer(now=self._now, network=self.network, observer=observer, token=token, secret=secret)
        self.teams = TeamsServer(
            now=self._now, network=self.network, observer=observer, client_secret=secrets.token_hex(16)
        )

    @property
    def both(self) -> tuple[SlackServer, TeamsServer]:
        """Slack and Teams."""
        return self.slack, self.teams

    @property
    def twice(self) -> bool:
        """Whether every press is delivered twice."""
        return self.slack.wire.twice

    @twice.setter
    def twice(self, twice: bool) -> None:
        for each in self.both:
            each.wire.twice = twice

    def at(self, url: str) -> None:
        """Take it that everything is served at this address: the bot, Teams, and below /pretend/slack Slack."""
        for each in self.both:
            each.url = url + _PREFIX[each.platform]
            each.app_url = url + each.route

    def routes(self) -> list[web.RouteDef]:
        """What the platforms answer."""
        return [route for each in self.both for route in each.wire.routes(_PREFIX[each.platform])]

    def settings(self) -> dict[str, str]:
        """The environment in which a bot takes these for Slack and Teams."""
        return self.slack.settings() | self.teams.settings()

    def begin(self, simulator: Simulator, screens: Screens[Json]) -> None:
        """Forget everything, and go on by this simulation's clock and screens."""
        self._clock = simulator
        self.twice = False
        for each in self.both:
            each.clear(screens)

    def _now(self) -> datetime:
        return self._clock.now if self._clock else MONDAY

    async def close(self) -> None:
        """Close the sessions in which the platforms call the bot."""
        for each in self.both:
            await each.wire.close()


class WiredSimulator(Simulator):
    """A simulation whose people use Slack and Teams, as far as the programme can tell.

    Args:
        folder: Where the programme keeps what it stores.
        platforms: The fake platforms, which begin anew.
        onlooker: Is told what changes on the screens, and what is decided.
    """

    def __init__(self, folder: Path, platforms: FakePlatforms, onlooker: Onlooker | None = None) -> None:
        self.onlooker = onlooker or Onlooker()
        self.screens = Screens[Json](self._changed)
        self.fakes = platforms
        platforms.begin(self, self.screens)
        self.doors: Mapping[str, WebhookEndpoint] = {}
        self.said: dict[str, TracedCard] = {}  # by the words of a card: what it was made from
        self._platforms: tuple[Platform, ...] = ()
        self._key = secrets.token_bytes(32)  # lives as long as we do: what is left on the disk opens no more
        super().__init__(folder)

    def _changed(self, change: Change) -> None:
        self.onlooker.changed(change)

    def _chats(self) -> Mapping[str, Chat]:
        return {each.platform: FakePeople(each, self._unheard) for each in self.fakes.both}

    def _unheard(self) -> frozenset[str]:
        return frozenset({self.engine.acknowledgement().text}) if self._engine else frozenset()

    @property
    def engine(self) -> Engine:
        """The running programme. Raises RuntimeError before `open`."""
        if self._engine is None:
            raise RuntimeError("the programme does not run: open it first")
        return self._engine

    async def open(self) -> None:
        """Let the programme run, with the settings given by now."""
        if self._engine is not None:
            return
        settings = config.load(self.environment | self.fakes.settings(), self.folder)
        self._platforms = tuple(
            configured_platforms(settings, lambda: self.now, self._pace, connector=self.fakes.network.connector)
        )
        for platform in self._platforms:
            await platform.start()
        adapters: dict[str, Adapter] = {platform.name: platform.adapter for platform in self._platforms}
        self._engine = self._begin(adapters, self._key)
        self.doors = {each.route: each.webhook(self._engine) for each in self._platforms if each.webhook}

    def _pace(self, rates: Rates) -> RateLimiter:
        """Never too fast, but waiting when a platform asks for it, by our clock."""
        return RateLimiter(dict.fromkeys(rates, (0.0, 1)), now=lambda: self.now.timestamp())  # noqa: PLW0108  now moves

    async def stop(self) -> None:
        """Stop the programme; what it stored stays."""
        await super().stop()
        self.doors = {}
        for platform in self._platforms:
            await platform.close()
        self._platforms = ()

    async def idle(self) -> None:
        """Return when everything that can be shown now is shown."""
        await self.engine.idle()
        for door in self.doors.values():
            await door.drain()
        await self.engine.idle()

    def _repository(self, store: Store, vault: Vault) -> ConversationRepository:
        return TracedRepository(store, vault, lambda: self.now, self.onlooker)

    def _renderer(self, programme: Programme) -> Renderer:
        return TracedRenderer.over(super()._renderer(programme), self.said)

    def routes(self) -> list[web.RouteDef]:
        """Where the platforms deliver to the bot."""
        return [web.post(each.route, self.deliver) for each in self.fakes.both]

    async def deliver(self, request: web.Request) -> web.StreamResponse:
        """Hand a platform's request to the bot; while the bot is down it is answered with 503."""
        door = self.doors.get(request.path)
        return await door.handle(request) if door else web.Response(status=HTTPStatus.SERVICE_UNAVAILABLE)
