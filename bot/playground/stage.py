"""The programme on pretend platforms: the production adapters over real HTTP, and a clock one can push."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
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
from bot.engine import Engine
from bot.platforms import Entrance, Platform, configured
from bot.theatre import Chat, Theatre


class Stage(Theatre):
    """A theatre whose people use Slack and Teams, as far as the programme can tell."""

    def __init__(self, folder: Path, url: str) -> None:
        self.screens = Screens(lambda: self.now)
        self.line = Line(url, self.screens)
        self.slack, self.teams = Slack(self.line), Teams(self.line)
        self.doors: Mapping[str, Entrance] = {}
        self._platforms: tuple[Platform, ...] = ()
        self._key = secrets.token_bytes(32)  # lives as long as we do: what is left on the disk opens no more
        super().__init__(folder)

    def _stages(self) -> Mapping[str, Chat]:
        return {each.platform: Acting(each, self._unheard) for each in (self.slack, self.teams)}

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
        wires = self.slack.settings() | self.teams.settings()
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

    async def close(self) -> None:
        """The curtain falls, and the line is hung up."""
        await self.stop()
        await self.line.close()

    async def idle(self) -> None:
        await self.engine.idle()
        for door in self.doors.values():
            await door.drain()
        await self.engine.idle()

    # ------------------------------------------------------------ the line

    def routes(self) -> list[web.RouteDef]:
        return [*self.slack.routes(), *self.teams.routes()]

    async def knocked(self, request: web.Request) -> web.StreamResponse:
        """What a pretend platform delivers to the bot; while the bot is down, nobody is there."""
        door = self.doors.get(request.path)
        return await door.handle(request) if door else web.Response(status=503)
