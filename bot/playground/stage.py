"""The programme on pretend platforms: the production adapters over real HTTP, and a clock one can push."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path

from aiohttp import web

from adapters.base import Adapter
from adapters.pace import Pace, Rates
from adapters.playground.acting import Acting
from adapters.playground.pretend import Line
from adapters.playground.screens import Screens
from adapters.playground.slack import Slack
from adapters.playground.teams import Teams
from bot import config
from bot.archive import Archive
from bot.engine import Engine
from bot.platforms import Entrance, Platform, configured
from bot.playground.watching import Decided, Said, WatchedArchive, WatchedWords
from bot.store.base import Store
from bot.texts import Words
from bot.theatre import MONDAY, Chat, Theatre
from bot.vault import Vault
from conversations.model import Programme


class Wires:
    """What lasts from one performance to the next: both pretend platforms, and where they listen."""

    def __init__(self, url: str) -> None:
        self.line = Line(url, Screens(lambda: MONDAY))
        self.slack, self.teams = Slack(self.line), Teams(self.line)

    @property
    def platforms(self) -> tuple[Slack, Teams]:
        return self.slack, self.teams

    def routes(self) -> list[web.RouteDef]:
        return [route for each in self.platforms for route in each.routes()]


class Stage(Theatre):
    """A theatre whose people use Slack and Teams, as far as the programme can tell."""

    def __init__(self, folder: Path, wires: Wires) -> None:
        self.screens = Screens(lambda: self.now)
        self.wires, self.line = wires, wires.line
        self.line.screens, self.line.twice = self.screens, False
        for each in wires.platforms:
            each.empties()
        self.doors: Mapping[str, Entrance] = {}
        self.decided: Decided = lambda _: None
        self.said: dict[str, Said] = {}  # by the words of a card: what it was made from
        self._platforms: tuple[Platform, ...] = ()
        self._key = secrets.token_bytes(32)  # lives as long as we do: what is left on the disk opens no more
        super().__init__(folder)

    def _stages(self) -> Mapping[str, Chat]:
        return {each.platform: Acting(each, self._unheard) for each in self.wires.platforms}

    def _unheard(self) -> frozenset[str]:
        return frozenset({self.engine.noted().text}) if self._engine else frozenset()

    @property
    def engine(self) -> Engine:
        if self._engine is None:
            raise RuntimeError("the programme does not run: open it first")
        return self._engine

    async def open(self) -> None:
        if self._engine is not None:
            return
        wires = self.wires.slack.settings() | self.wires.teams.settings()
        settings = config.load(self.environment | wires, self.folder)
        self._platforms = tuple(configured(settings, lambda: self.now, self._pace))
        for platform in self._platforms:
            await platform.start()
        adapters: dict[str, Adapter] = {platform.name: platform.adapter for platform in self._platforms}
        self._engine = self._begin(adapters, self._key)
        self.doors = {platform.route: platform.entrance(self._engine) for platform in self._platforms}

    def _pace(self, rates: Rates) -> Pace:
        """In no hurry and never too fast, but it waits when a platform asks it to, on our clock."""
        return Pace(dict.fromkeys(rates, (0.0, 1)), now=lambda: self.now.timestamp())  # noqa: PLW0108  now moves

    async def stop(self) -> None:
        await super().stop()
        self.doors = {}
        for platform in self._platforms:
            await platform.close()
        self._platforms = ()

    async def idle(self) -> None:
        await self.engine.idle()
        for door in self.doors.values():
            await door.drain()
        await self.engine.idle()

    def _archive(self, store: Store, vault: Vault) -> Archive:
        archive = WatchedArchive(store, vault, lambda: self.now)
        archive.decided = lambda decision: self.decided(decision)  # noqa: PLW0108  whoever looks on comes later
        return archive

    def _words(self, programme: Programme) -> Words:
        return WatchedWords.over(super()._words(programme), self.said)

    async def knocked(self, request: web.Request) -> web.StreamResponse:
        """What a pretend platform delivers to the bot; while the bot is down, nobody is there."""
        door = self.doors.get(request.path)
        return await door.handle(request) if door else web.Response(status=HTTPStatus.SERVICE_UNAVAILABLE)
