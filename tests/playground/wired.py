"""The production adapters between a fake Slack and a fake Teams, without the page and without sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from aiohttp import web

from adapters.fakes.network import InProcess, Network
from bot.playground.chat_script import ChatScript, Disagrees
from bot.playground.wired_simulator import FakePlatforms, WiredSimulator


@asynccontextmanager
async def wired(network: Network | None = None) -> AsyncIterator[WiredSimulator]:
    """An empty simulation, by default in this process; nobody is there yet."""
    with TemporaryDirectory() as folder:
        network = network or InProcess()
        fakes = FakePlatforms(network=network)
        simulator = WiredSimulator(Path(folder), fakes)
        app = web.Application()
        app.add_routes([*fakes.routes(), *simulator.routes()])
        fakes.at(await network.listen(app))
        try:
            yield simulator
        finally:
            await simulator.stop()
            await fakes.close()
            await network.close()


def differs_on_the_wire(path: Path) -> str:
    """Where a dialogue comes out differently over the production adapters; "" where it does not."""
    lines = path.read_text(encoding="utf-8").splitlines()

    async def play() -> None:
        async with wired() as simulator:
            await ChatScript(simulator).play(enumerate(lines, 1), lambda _: None)

    try:
        asyncio.run(play())
    except Disagrees as disagrees:
        return f"{path.name}: {disagrees}"
    return ""
