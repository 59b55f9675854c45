"""A hospital with two workspaces, its Slack app installed from our own page, and the browser of its administrator.

`several` runs the programme in this process, `several_served` a real `serve`. Nobody has installed anything yet.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Self

import aiohttp
from yarl import URL

from adapters.fakes.slack.server import SlackServer
from adapters.rate_limit import RateLimiter
from bot import config
from bot.server.app import ServerOptions, running_server
from tests.stories.serve import TICK, Home, Serve, Story, hospital, no_wait, ring_of, surroundings

HERE, THERE, ELSEWHERE, GRID = "T0HOSPITAL", "T0CLINIC", "T0STRANGE", "E0GRID"


@dataclass(frozen=True)
class Page:
    """What the browser shows in the end."""

    status: int
    text: str
    headers: dict[str, str]


class Browser:
    """Of one administrator: keeps cookies as browsers do, for which the loopback is as good as TLS."""

    def __init__(self, app: str) -> None:
        self.app = app
        jar = aiohttp.CookieJar(unsafe=True, treat_as_secure_origin=URL(app))
        self._session = aiohttp.ClientSession(cookie_jar=jar)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def goes(self, path: str, *, follow: bool = True) -> Page:
        """To a page of ours, and wherever that leads."""
        url = path if path.startswith("http") else self.app + path
        async with self._session.get(url, allow_redirects=follow) as answer:
            return Page(answer.status, await answer.text(), {k.lower(): v for k, v in answer.headers.items()})

    async def installs(self, slack: SlackServer, team: str | None) -> Page:
        """From our page to Slack, where they consent for a workspace or organisation, and back."""
        slack.consents(team)
        return await self.goes("/slack/install")

    def cookies(self) -> dict[str, str]:
        return {cookie.key: cookie.value for cookie in self._session.cookie_jar}


def oauth(slack: SlackServer, environ: dict[str, str], allowed: str) -> dict[str, str]:
    """The same settings, for an app that is installed from our own page."""
    kept = {name: value for name, value in environ.items() if name != "SLACK_BOT_TOKEN"}
    return kept | {
        "SLACK_CLIENT_ID": slack.oauth.client_id,
        "SLACK_CLIENT_SECRET": slack.oauth.client_secret,
        "SLACK_WORKSPACES": allowed,
    }


def workspaces(slack: SlackServer, enterprise: str | None = None) -> None:
    """Two of the hospital and one of others; the app is in none of them."""
    slack.teams[HERE].token, slack.teams[HERE].enterprise = "", enterprise
    slack.adds(THERE, enterprise=enterprise)
    slack.adds(ELSEWHERE)
    if enterprise:
        slack.adds(enterprise)


@dataclass(kw_only=True)
class Several(Home):
    """In this process."""

    browser: Browser


@asynccontextmanager
async def several(
    tmp_path: Path, *people: str, allowed: str = f"{HERE},{THERE}", enterprise: str | None = None, **settings: str
) -> AsyncIterator[Several]:
    async with hospital(tmp_path, people, (), {"team": HERE}) as (slack, teams, time):
        workspaces(slack, enterprise)
        binds = {"PEERSUPPORT_BIND": "127.0.0.1:0", "PEERSUPPORT_OPS_BIND": "127.0.0.1:0"}
        environ = oauth(slack, surroundings(slack, teams, tmp_path / "data", **binds), allowed) | settings
        world = ServerOptions(time.now, TICK, partial(RateLimiter, patience=float("inf"), sleep=no_wait))
        async with running_server(config.load_to_serve(environ, tmp_path), world) as programme:
            slack.app_url = programme.public_url + "/slack/events"
            slack.oauth.redirect_url = programme.public_url + "/slack/oauth_redirect"
            async with Browser(programme.public_url) as browser:
                yield Several(
                    slack=slack,
                    teams=teams,
                    time=time,
                    folder=tmp_path / "data",
                    engine=programme.engine,
                    sampler=programme.monitoring.sampler,
                    rotation=programme.rotation,
                    ops=programme.ops_url,
                    browser=browser,
                )


@dataclass(frozen=True)
class Replicas:
    """Two of the programme, side by side over one database, and where each of them answers."""

    slack: SlackServer
    one: str
    other: str


@asynccontextmanager
async def replicas(tmp_path: Path, database: str) -> AsyncIterator[Replicas]:
    async with hospital(tmp_path, (), (), {"team": HERE}) as (slack, teams, time):
        workspaces(slack)
        binds = {"PEERSUPPORT_BIND": "127.0.0.1:0", "PEERSUPPORT_OPS_BIND": "127.0.0.1:0"}
        binds |= {"PEERSUPPORT_STORE": database, "PEERSUPPORT_KEY_RING": str(ring_of(tmp_path))}
        environ = oauth(slack, surroundings(slack, teams, tmp_path, **binds), HERE)
        world = ServerOptions(time.now, TICK, partial(RateLimiter, patience=float("inf"), sleep=no_wait))
        settings = config.load_to_serve(environ, tmp_path)
        async with running_server(settings, world) as one, running_server(settings, world) as other:
            yield Replicas(slack, one.public_url, other.public_url)


@dataclass(kw_only=True)
class SeveralServed(Story):
    """In a process of its own."""

    browser: Browser


@asynccontextmanager
async def several_served(tmp_path: Path, *, database: str = "", **settings: str) -> AsyncIterator[SeveralServed]:
    ring = {"PEERSUPPORT_KEY_RING": str(ring_of(tmp_path / "data"))}
    settings |= {"PEERSUPPORT_STORE": database} | ring if database else {}
    async with hospital(tmp_path, (), (), {"team": HERE}) as (slack, teams, time):
        workspaces(slack)
        environ = oauth(slack, surroundings(slack, teams, tmp_path / "data", **settings), f"{HERE},{THERE}")
        serve = Serve(time.path, environ)
        slack.app_url = f"http://{serve.public}/slack/events"
        slack.oauth.redirect_url = f"http://{serve.public}/slack/oauth_redirect"
        await serve.warm_up()
        try:
            await serve.start()
            async with Browser(f"http://{serve.public}") as browser:
                yield SeveralServed(
                    slack=slack,
                    teams=teams,
                    time=time,
                    folder=tmp_path / "data",
                    serve=serve,
                    database=database,
                    browser=browser,
                )
        finally:
            await serve.close()
