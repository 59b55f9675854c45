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
from functools import partial

import structlog

from adapters.base import Adapter
from adapters.pace import Pace
from bot import keys, web
from bot.archive import Archive
from bot.clock.base import TICK
from bot.clock.chosen import clock_for
from bot.config import Settings
from bot.engine import Engine
from bot.house import House
from bot.keeping import shred_log
from bot.night import Night
from bot.platforms import Paced, configured
from bot.starting import Starting
from bot.stopping import LINGER, Stopping, promise
from bot.store.base import Store
from bot.store.opened import opened
from bot.texts import Words
from bot.values import Bind
from bot.vault import Vault
from bot.watch import Watch

log = structlog.get_logger()

LUCK = 1 << 30

# seconds that each part of an end may take, of those that are promised in all
_TURN, _ANSWER, _DELIVER, _CLOSE = 3.0, 10.0, 5.0, 1.0


@dataclass(frozen=True, slots=True)
class World:
    """What differs between the real world and a rehearsal: the time, how often we look, and how we take turns."""

    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    tick: timedelta = TICK
    pace: Paced = Pace
    linger: float = LINGER  # seconds between the first signal and the end of serving


@dataclass(frozen=True, slots=True)
class Running:
    """A programme that serves, and where."""

    public: str
    ops: str
    engine: Engine
    watch: Watch


@asynccontextmanager
async def running(
    settings: Settings, world: World = World(), stopping: Stopping | None = None
) -> AsyncIterator[Running]:
    """The whole programme, up and serving. On leaving it accepts nothing new and finishes what it can in its time."""
    stopping = stopping or Stopping()
    async with AsyncExitStack() as ending:
        vault, ring = keys.unlocked(settings, world.now())
        log_of = shred_log(settings, vault, world.now)
        kept = await ending.enter_async_context(stopping.closing(opened(settings.store, vault, log_of)))
        store = kept.store
        await keys.belongs(store, vault, ring, world.now())
        night = Night(store, vault, ring, settings.key_days, world.now)
        platforms = tuple(configured(settings, world.now, world.pace, (store, vault)))
        for platform in platforms:
            ending.push_async_callback(stopping.within, _CLOSE, platform.close)
        starting = Starting(platforms, world.tick)
        ending.push_async_callback(starting.stop)
        await starting.begin()
        house = _house(settings, world, store, vault, {each.name: each.adapter for each in platforms})
        engine = Engine(house)
        ending.push_async_callback(stopping.within, _DELIVER, engine.idle)
        doors = [(each, each.entrance(engine)) for each in platforms if each.entrance]
        lines = {each.name: each.line(engine) for each in platforms if each.line}
        clock = await clock_for(store, engine, tick=world.tick)
        is_open = {each.name: _open(engine, starting, each.name) for each in platforms}
        up = {name: line.up for name, line in lines.items()}
        watch = Watch(settings, store, is_open, world.now, world.tick, up, {"ring": night.look})
        clock.nightly, clock.ticked = night.turn, watch.turned
        ops = await web.listen(web.ops(watch.ready.look, watch.page), _at(settings.ops_bind))
        ending.push_async_callback(stopping.within, _CLOSE, ops.stop)
        posts = {each.route: starting.admitted(each.name, door.handle) for each, door in doors}
        pages = {path: starting.admitted(each.name, page) for each in platforms for path, page in each.pages.items()}
        public = await web.listen(web.public(posts, pages), _at(settings.bind))
        drains = (*(door.drain for _, door in doors), *(line.drain for line in lines.values()))
        ending.push_async_callback(stopping.within, _ANSWER, partial(public.stop, *drains))
        if kept.first:
            await engine.resume()
            await kept.joined()
        gc.freeze()  # what was built until here lives as long as we do: no collection need walk it during a press
        watch.turned()
        for line in lines.values():
            line.begin()
        clock.start()
        ending.push_async_callback(stopping.within, _TURN, clock.stop)
        watch.pulse.start()
        ending.push_async_callback(watch.pulse.stop)
        log.info("serving")
        yield Running(public.url, ops.url, engine, watch)
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


def _open(engine: Engine, starting: Starting, platform: str) -> Callable[[], bool]:
    return lambda: platform not in engine.shut_out and platform not in starting.waiting


async def serve(settings: Settings, world: World = World()) -> None:
    """Serve until asked to stop by SIGTERM or SIGINT. Asked again, what is under way is left for the next start."""
    stopping = Stopping(world.linger)

    def asked() -> None:
        if not stopping.asked.is_set():
            promise()
        stopping.ask()

    for sign in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(sign, asked)
    async with running(settings, world, stopping) as programme:
        await stopping.asked.wait()
        programme.watch.ready.stops()
        await stopping.linger()
