"""Builds the programme from its settings, runs it, and takes it down without losing a word."""

from __future__ import annotations

import asyncio
import gc
import secrets
import signal
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog

from adapters.base import Adapter
from adapters.pace import Pace
from bot import web
from bot.archive import Archive
from bot.clock.base import TICK
from bot.clock.chosen import clock_for
from bot.config import Settings
from bot.engine import Engine
from bot.house import House
from bot.platforms import Paced, configured
from bot.starting import Starting
from bot.store.base import Store
from bot.store.opened import opened
from bot.texts import Words
from bot.values import Bind
from bot.vault import Vault

log = structlog.get_logger()

LUCK = 1 << 30


@dataclass(frozen=True, slots=True)
class World:
    """What differs between the real world and a rehearsal: the time, how often we look, and how we take turns."""

    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    tick: timedelta = TICK
    pace: Paced = Pace


@dataclass(frozen=True, slots=True)
class Running:
    """A programme that serves, and where."""

    public: str
    ops: str
    engine: Engine


@asynccontextmanager
async def running(settings: Settings, world: World = World()) -> AsyncIterator[Running]:
    """The whole programme, up and serving. On leaving it accepts nothing new and finishes what it began."""
    async with AsyncExitStack() as ending:
        vault = Vault(settings.root_key.get_secret_value() if settings.root_key else b"")
        kept = await ending.enter_async_context(opened(settings.store, vault))
        store = kept.store
        platforms = tuple(configured(settings, world.now, world.pace))
        for platform in platforms:
            ending.push_async_callback(platform.close)
        starting = Starting(platforms, world.tick)
        ending.push_async_callback(starting.stop)
        await starting.begin()
        house = _house(settings, world, store, vault, {each.name: each.adapter for each in platforms})
        engine = Engine(house)
        ending.push_async_callback(engine.idle)
        doors = {each.route: each.entrance(engine) for each in platforms}
        clock = await clock_for(store, engine, tick=world.tick)
        checks = {"store": _writable(store), **{each.name: _open(engine, starting, each.name) for each in platforms}}
        ops = await web.listen(web.ops(checks), _at(settings.ops_bind))
        ending.push_async_callback(ops.stop)
        posts = {each.route: starting.admitted(each.name, doors[each.route].handle) for each in platforms}
        public = await web.listen(web.public(posts), _at(settings.bind))
        ending.push_async_callback(public.stop, *(door.drain for door in doors.values()))
        if kept.first:
            await engine.resume()
            await kept.joined()
        gc.freeze()  # what was built until here lives as long as we do: no collection need walk it during a press
        clock.start()
        ending.push_async_callback(clock.stop)
        log.info("serving")
        yield Running(public.url, ops.url, engine)
    log.info("stopped")


def _house(settings: Settings, world: World, store: Store, vault: Vault, adapters: Mapping[str, Adapter]) -> House:
    programme = settings.programme()
    return House(
        store=store,
        archive=Archive(store, vault, world.now),
        vault=vault,
        words=Words.load(programme),
        programme=programme,
        adapters=adapters,
        now=world.now,
        new_id=lambda: secrets.token_hex(16),
        luck=lambda: secrets.randbelow(LUCK),
    )


def _at(bind: Bind) -> str:
    host = f"[{bind.host}]" if ":" in bind.host else bind.host
    return f"{host}:{bind.port}"


def _writable(store: Store) -> web.Check:
    async def check() -> bool:
        await store.check()
        return True

    return check


def _open(engine: Engine, starting: Starting, platform: str) -> web.Check:
    async def check() -> bool:
        return platform not in engine.shut_out and platform not in starting.waiting

    return check


async def serve(settings: Settings, world: World = World()) -> None:
    """Serve until asked to stop by SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(sign, stop.set)
    async with running(settings, world):
        await stop.wait()
