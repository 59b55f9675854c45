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
from bot import clock, readiness, web
from bot.alerts import Alerts
from bot.archive import Archive
from bot.checks import network
from bot.config import Settings
from bot.engine import Engine
from bot.house import House
from bot.metrics import Metrics
from bot.outbound import Way
from bot.platforms import Paced, configured
from bot.pulse import Around, Pulse
from bot.readiness import Readiness
from bot.starting import Starting
from bot.stopping import LINGER, Stopping, promise
from bot.store.base import Store
from bot.store.opened import opened
from bot.texts import Words
from bot.values import Bind
from bot.vault import Vault

log = structlog.get_logger()

LUCK = 1 << 30

# seconds that each part of an end may take, of those that are promised in all
_TURN, _ANSWER, _DELIVER, _CLOSE = 3.0, 10.0, 5.0, 1.0


@dataclass(frozen=True, slots=True)
class World:
    """What differs between the real world and a rehearsal: the time, how often we look, and how we take turns."""

    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    tick: timedelta = clock.TICK
    pace: Paced = Pace
    linger: float = LINGER  # seconds between the first signal and the end of serving


@dataclass(frozen=True, slots=True)
class Running:
    """A programme that serves, and where."""

    public: str
    ops: str
    engine: Engine
    pulse: Pulse
    leave: Callable[[], None]  # say that we are not ready, and go on serving


@asynccontextmanager
async def running(
    settings: Settings, world: World = World(), stopping: Stopping | None = None
) -> AsyncIterator[Running]:
    """The whole programme, up and serving. On leaving it accepts nothing new and finishes what it can in its time."""
    stopping = stopping or Stopping()
    async with AsyncExitStack() as ending:
        vault = Vault(settings.root_key.get_secret_value() if settings.root_key else b"")
        store = await ending.enter_async_context(stopping.closing(opened(settings.store, vault)))
        platforms = tuple(configured(settings, world.now, world.pace))
        for platform in platforms:
            ending.push_async_callback(stopping.within, _CLOSE, platform.close)
        starting = Starting(platforms, world.tick)
        ending.push_async_callback(starting.stop)
        await starting.begin()
        house = _house(settings, world, store, vault, {each.name: each.adapter for each in platforms})
        engine = Engine(house)
        ending.push_async_callback(stopping.within, _DELIVER, engine.idle)
        doors = {each.route: each.entrance(engine) for each in platforms}
        waker = clock.Clock(engine, store, tick=world.tick)
        turns = readiness.Turns(world.tick, world.now)
        waker.ticked = turns.turned
        around = Around({each.name: partial(network.look_at, each.name, settings, world.now) for each in platforms})
        ready = Readiness(
            {
                "store": readiness.once(readiness.store(store.check)),
                **{each.name: readiness.platform(each.name, _open(engine, starting, each.name)) for each in platforms},
                "scheduler": turns.look,
                **around.checks(),
            }
        )
        metrics = Metrics(world.now())
        ops = await web.listen(web.ops(ready.look, metrics.page), _at(settings.ops_bind))
        ending.push_async_callback(stopping.within, _CLOSE, ops.stop)
        posts = {each.route: starting.admitted(each.name, doors[each.route].handle) for each in platforms}
        public = await web.listen(web.public(posts), _at(settings.bind))
        drains = tuple(door.drain for door in doors.values())
        ending.push_async_callback(stopping.within, _ANSWER, partial(public.stop, *drains))
        await engine.resume()
        gc.freeze()  # what was built until here lives as long as we do: no collection need walk it during a press
        turns.turned()
        waker.start()
        ending.push_async_callback(stopping.within, _TURN, waker.stop)
        pulse = Pulse(store, ready, metrics, turns, around, _alerts(settings, world))
        pulse.start()
        ending.push_async_callback(pulse.stop)
        log.info("serving")
        yield Running(public.url, ops.url, engine, pulse, ready.stops)
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


def _alerts(settings: Settings, world: World) -> Alerts | None:
    if settings.alert_url is None:
        return None
    url = settings.alert_url.get_secret_value()
    return Alerts(url, Way.to(url, settings), world.now)


async def serve(settings: Settings, world: World = World()) -> None:
    """Serve until asked to stop by SIGTERM or SIGINT. Asked again, what is under way is left for the next start."""
    stopping = Stopping(world.linger)
    for sign in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(sign, stopping.ask)
    async with running(settings, world, stopping) as programme:
        await stopping.asked.wait()
        promise()
        programme.leave()
        await stopping.linger()
