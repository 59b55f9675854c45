"""A stage on the loopback: the production adapters between a pretend Slack and a pretend Teams, without the page."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from aiohttp import web

from bot.playground.stage import Stage, Wires
from bot.script import Disagrees, Script


@asynccontextmanager
async def wired() -> AsyncIterator[Stage]:
    """An empty stage; nobody is there yet."""
    with TemporaryDirectory() as folder, socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        wires = Wires(f"http://127.0.0.1:{listening.getsockname()[1]}")
        stage = Stage(Path(folder), wires)
        app = web.Application()
        app.add_routes(
            [*wires.routes(), *(web.post(door, stage.knocked) for door in (each.door for each in wires.platforms))]
        )
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await runner.setup()
        await web.SockSite(runner, listening).start()
        try:
            yield stage
        finally:
            await stage.stop()
            await wires.line.close()
            await runner.cleanup()


def differs_on_the_wire(path: Path) -> str:
    """Where a dialogue comes out differently over the production adapters; "" where it does not."""
    lines = path.read_text(encoding="utf-8").splitlines()

    async def play() -> None:
        async with wired() as stage:
            await Script(stage).play(enumerate(lines, 1), lambda _: None)

    try:
        asyncio.run(play())
    except Disagrees as disagrees:
        return f"{path.name}: {disagrees}"
    return ""
