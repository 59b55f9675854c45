"""Several `serve` beside each other, behind a load balancer that sends every request somewhere else.

async with replicated(tmp_path, new_database) as s:
await s.slack.command("U0ANA")
await s.replicas[1].kill()
await s.replicas[1].start()
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Container, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import cycle
from typing import Any, Self

import aiohttp
from aiohttp import web

from bot.engine.outbox import LEASE
from tests.running.looking import until
from tests.stories.serve import Serve, Story, hospital, surroundings

THREE = 3
GATEWAY = 502
A_LEASE = LEASE + timedelta(seconds=1)


class Balancer:
    """Takes turns, and goes on to the next where nobody listens. What broke half-way it does not repeat: that is for
    whoever sent it.
    """

    def __init__(self, targets: Sequence[str]) -> None:
        self.targets, self.turns, self.broke = len(targets), cycle(targets), 0
        self.leaving: set[str] = set()  # said to be taken away; they get nothing new

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True))
        app = web.Application()
        app.router.add_post("/{path:.*}", self._pass_on)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()
        await self._session.close()

    async def _pass_on(self, request: web.Request) -> web.Response:
        body = await request.read()
        headers = {name: value for name, value in request.headers.items() if name not in {"Host", "Content-Length"}}
        for _ in range(self.targets):
            target = next(self.turns)
            if target in self.leaving:
                continue
            try:
                async with self._session.post(f"http://{target}{request.path}", data=body, headers=headers) as answer:
                    kind = answer.headers.get("Content-Type")
                    said = {"Content-Type": kind} if kind else {}
                    return web.Response(status=answer.status, body=await answer.read(), headers=said)
            except aiohttp.ClientConnectorError:
                continue
            except aiohttp.ClientError:
                break
        self.broke += 1
        return web.Response(status=GATEWAY)


@dataclass(kw_only=True)
class Replicated(Story):
    """The same hospital, with several of us."""

    replicas: list[Serve]
    balancer: Balancer

    async def turns(self, condition: Callable[[], object]) -> None:
        """Wait until this holds; whoever serves has a process of its own."""
        await until(condition)

    def a_lease_ends(self) -> None:
        """What somebody who was killed had in hand may be taken up by the others."""
        self.time.pass_(A_LEASE)


@asynccontextmanager
async def replicated(
    tmp_path: Any,
    database: str,
    *people: str,
    replicas: int = THREE,
    on_teams: Container[str] = (),
    stand_in: Any = None,
    **settings: str,
) -> AsyncIterator[Replicated]:
    """Everybody is there, and so many serve. In the end nothing of it is left running."""
    settings |= {"PEERSUPPORT_STORE": database, "PEERSUPPORT_KEY_RING": str(tmp_path / "ring")}
    async with hospital(tmp_path, people, on_teams, stand_in) as (slack, teams, time):
        serves = [Serve(time.path, surroundings(slack, teams, tmp_path, **settings)) for _ in range(replicas)]
        async with Balancer([each.public for each in serves]) as balancer:
            slack.app_url, teams.app_url = f"{balancer.url}/slack/events", f"{balancer.url}/api/messages"
            try:
                await asyncio.gather(*(each.warm_up() for each in serves))
                await asyncio.gather(*(each.start() for each in serves))
                yield Replicated(
                    slack=slack,
                    teams=teams,
                    serve=serves[0],
                    time=time,
                    folder=tmp_path,
                    database=database,
                    replicas=serves,
                    balancer=balancer,
                )
            finally:
                await asyncio.gather(*(each.close() for each in serves))
