"""The composition root: builds the programme from its settings, serves it, and shuts it down in order."""

from __future__ import annotations

import asyncio
import errno
import gc
import os
import secrets
import signal
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final, Self

import structlog

from adapters.base import Adapter
from adapters.rate_limit import RateLimiter
from bot.config.parsers import Bind
from bot.config.settings import Settings
from bot.crypto.vault import Vault
from bot.engine.engine import Engine
from bot.engine.repository import ConversationRepository
from bot.engine.services import QUICK, Services
from bot.errors import NotServable
from bot.keys import unlock
from bot.keys.rotation import KeyRotation
from bot.monitoring import readiness
from bot.monitoring.hourly_log import HourlyLog
from bot.monitoring.monitor import Monitoring
from bot.monitoring.readiness import ClockSteps
from bot.rendering import Renderer
from bot.report.weekly import WeeklyCount
from bot.scheduler.base import TICK, Upkeep
from bot.scheduler.factory import scheduler_for
from bot.server import http
from bot.server.connection_limit import OPS_CONNECTIONS, ConnectionLimiter
from bot.server.platforms import (
    Platform,
    PlatformConnection,
    RateLimiterFactory,
    WebhookEndpoint,
    configured_platforms,
)
from bot.server.shutdown import UNREADY_SECONDS, ShutDown, force_exit_at_deadline
from bot.server.startup import StartUp
from bot.store.base import Store
from bot.store.factory import OpenStore, open_for_serving

log = structlog.get_logger()

RANDOM_BELOW: Final = 1 << 30
"""The random numbers that decide who is asked first are below this."""

# seconds that each step of a shutdown may take, of those it may take in all
SCHEDULER_SECONDS: Final = 3.0
REQUESTS_SECONDS: Final = 10.0
DELIVERY_SECONDS: Final = 5.0
CLOSE_SECONDS: Final = 1.0

COLLECT_AFTER: Final = 10_000  # more new objects than were freed, of which a press keeps about a hundred


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """What differs between production and tests.

    Attributes:
        now: the programme's time.
        tick: between two safety ticks of the scheduler, and between two attempts to start a platform.
        rate_limiter: makes the rate limiter of each platform.
        unready_seconds: between the first signal and the end of serving.
        shutdown_share: how much of its time every step of a shutdown gets.
        patience: the seconds in which a platform's request is answered, and for which a platform is waited for to say
            who somebody is; None for what each platform gives.
        clock_steps: makes what notices when the machine's clock is set.
    """

    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    tick: timedelta = TICK
    rate_limiter: RateLimiterFactory = RateLimiter
    unready_seconds: float = UNREADY_SECONDS
    shutdown_share: float = 1.0
    patience: float | None = None
    clock_steps: Callable[[], ClockSteps] = ClockSteps


@dataclass(frozen=True, slots=True)
class RunningServer:
    """A programme that serves, and the addresses it serves at."""

    public_url: str
    ops_url: str
    engine: Engine
    monitoring: Monitoring
    rotation: KeyRotation


@asynccontextmanager
async def running_server(
    settings: Settings, options: ServerOptions = ServerOptions(), shutdown: ShutDown | None = None
) -> AsyncIterator[RunningServer]:
    """Run the whole programme. On leaving it accepts nothing new, and finishes in its time what was accepted.

    Raises:
        PlatformNotStarted: a platform refuses our credentials, or none answers.
        StoreInUse, Corrupt, NotServable, DatabaseUnavailable: the store or its keys cannot be opened.
        OSError: an address cannot be listened on, or a file cannot be read or written.
    """
    shutdown = shutdown or ShutDown()
    async with AsyncExitStack() as stack:  # what was started last is stopped first
        hourly = HourlyLog()
        stack.callback(hourly.stop)
        storage = await _open_storage(settings, options, shutdown, stack)
        platforms = tuple(
            configured_platforms(
                settings, options.now, options.rate_limiter, storage.store_and_vault, patience=options.patience
            )
        )
        for platform in platforms:
            stack.push_async_callback(shutdown.run_within, CLOSE_SECONDS, platform.close)
        startup = StartUp(platforms, options.tick)
        stack.push_async_callback(shutdown.run_within, CLOSE_SECONDS, startup.stop)
        await startup.start()
        repository = ConversationRepository(*storage.store_and_vault, options.now)
        weekly = WeeklyCount(*storage.store_and_vault, repository, settings.small_cell, options.now)
        adapters = {each.name: each.adapter for each in platforms}
        services = _services(settings, options, storage, adapters, repository, weekly)
        engine = Engine(services)
        stack.push_async_callback(shutdown.run_within, DELIVERY_SECONDS, engine.idle)
        entrances = _Entrances.for_platforms(platforms, engine)
        monitoring = _monitoring(settings, options, storage, startup, engine, entrances, hourly)
        upkeep = Upkeep((storage.rotation.run, weekly.run), monitoring.record_tick)
        scheduler = await scheduler_for(
            engine, storage.opened.store, options.now, services.written, tick=options.tick, upkeep=upkeep
        )
        ops_routes = http.ops(monitoring.readiness.check, monitoring.page)
        with _port_named("PEERSUPPORT_OPS_BIND", settings.ops_bind):
            ops = await http.listen(ops_routes, str(settings.ops_bind), ConnectionLimiter(OPS_CONNECTIONS))
        stack.push_async_callback(shutdown.run_within, CLOSE_SECONDS, ops.stop)
        hourly.start()  # before that, nothing in the log is about a request
        with _port_named("PEERSUPPORT_BIND", settings.bind):
            public = await http.listen(http.public(*entrances.routes(startup)), str(settings.bind))
        stack.push_async_callback(shutdown.run_within, REQUESTS_SECONDS, partial(public.stop, *entrances.drains()))
        if storage.opened.first:
            await engine.resume()
            await storage.opened.allow_others()
        _collect_less_often()
        monitoring.record_tick()
        for connection in entrances.connections.values():
            connection.begin()
        scheduler.start()
        stack.push_async_callback(shutdown.run_within, SCHEDULER_SECONDS, scheduler.stop)
        monitoring.sampler.start()
        stack.push_async_callback(shutdown.run_within, CLOSE_SECONDS, monitoring.sampler.stop)
        log.info("serving")
        yield RunningServer(public.url, ops.url, engine, monitoring, storage.rotation)
    log.info("stopped")


def _collect_less_often() -> None:
    """Keep the cyclic garbage collector out of presses: reference counts free nearly all that a press makes.

    What was built until here lives as long as we do, and is not walked again; what is new is walked when there is much
    of it. With Python's default of 700 objects a tenth of a press was spent on finding next to nothing.
    """
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER)


async def serve(settings: Settings, options: ServerOptions = ServerOptions()) -> None:
    """Serve until SIGTERM or SIGINT; a second signal leaves what is under way to the next start. Raises as above."""
    shutdown = ShutDown(options.unready_seconds, options.shutdown_share)

    def on_signal() -> None:
        if not shutdown.requested.is_set():
            force_exit_at_deadline()
        shutdown.request()

    for sign in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(sign, on_signal)
    async with running_server(settings, options, shutdown) as server:
        await shutdown.requested.wait()
        server.monitoring.readiness.begin_shutdown()
        await shutdown.wait_unready()


# ---------------------------------------------------------------- the parts


@contextmanager
def _port_named(setting: str, bind: Bind) -> Iterator[None]:
    """Raise NotServable with the setting and its value where it cannot be listened on."""
    try:
        yield
    except OSError as refused:
        if refused.errno == errno.EADDRINUSE:
            why = "another program listens there: stop it, or choose another port"
        else:
            reason = os.strerror(refused.errno) if refused.errno and refused.errno > 0 else refused.strerror
            why = f"it cannot be listened on ({reason}): choose an address of this machine and a port above 1023"
        raise NotServable(f"{setting} is {bind}, and {why}.") from None


@dataclass(frozen=True, slots=True)
class _Storage:
    """The store, opened to serve from, with its keys."""

    opened: OpenStore
    vault: Vault
    rotation: KeyRotation

    @property
    def store_and_vault(self) -> tuple[Store, Vault]:
        """Where records are kept, and what encrypts them."""
        return self.opened.store, self.vault


async def _open_storage(
    settings: Settings, options: ServerOptions, shutdown: ShutDown, stack: AsyncExitStack
) -> _Storage:
    vault, ring = unlock.open_vault(settings, options.now())
    erasure_log = unlock.open_erasure_log(settings, vault, options.now)
    opening = open_for_serving(settings.store, vault, erasure_log)
    opened = await stack.enter_async_context(shutdown.closing_store(opening))
    await unlock.bind_store(opened.store, vault, ring, options.now())
    return _Storage(opened, vault, KeyRotation(opened.store, vault, ring, settings.key_days, options.now))


@dataclass(frozen=True, slots=True)
class _Entrances:
    """What takes in people's interactions: webhooks that platforms call, and connections that we keep to them."""

    platforms: Sequence[Platform]
    webhooks: Mapping[str, WebhookEndpoint]
    connections: Mapping[str, PlatformConnection]

    @classmethod
    def for_platforms(cls, platforms: Sequence[Platform], engine: Engine) -> Self:
        """Return the webhooks and connections of these platforms; each hands what comes in to the engine."""
        webhooks = {each.name: each.webhook(engine) for each in platforms if each.webhook}
        connections = {each.name: each.connection(engine) for each in platforms if each.connection}
        return cls(platforms, webhooks, connections)

    def routes(self, startup: StartUp) -> tuple[Mapping[str, http.Handler], Mapping[str, http.Handler]]:
        """Return the handlers of POST and those of GET, by path; each answers 503 until its platform has started."""
        wrap = startup.unavailable_until_started
        posts = {
            each.route: wrap(each.name, self.webhooks[each.name].handle)
            for each in self.platforms
            if each.name in self.webhooks
        }
        pages = {path: wrap(each.name, page) for each in self.platforms for path, page in each.pages.items()}
        return posts, pages

    def drains(self) -> Sequence[http.Drain]:
        """Return what finishes the interactions that were acknowledged."""
        return [*(each.drain for each in self.webhooks.values()), *(each.drain for each in self.connections.values())]


def _services(
    settings: Settings,
    options: ServerOptions,
    storage: _Storage,
    adapters: Mapping[str, Adapter],
    repository: ConversationRepository,
    weekly: WeeklyCount,
) -> Services:
    programme = settings.programme()
    store, vault = storage.store_and_vault
    return Services(
        store=store,
        repository=repository,
        vault=vault,
        renderer=Renderer.load(programme),
        programme=programme,
        adapters=adapters,
        now=options.now,
        new_id=lambda: secrets.token_hex(16),
        luck=lambda: secrets.randbelow(RANDOM_BELOW),
        patience=options.patience or QUICK,
        years=weekly.years,
    )


def _monitoring(
    settings: Settings,
    options: ServerOptions,
    storage: _Storage,
    startup: StartUp,
    engine: Engine,
    entrances: _Entrances,
    hourly: HourlyLog,
) -> Monitoring:
    def is_open(platform: str) -> bool:
        return platform not in engine.shut_out and platform not in startup.pending

    store = storage.opened.store
    forgetting = {"gone-from-tables": readiness.cached(readiness.forgetting(store.lingering))} if store.shared else {}
    return Monitoring(
        settings,
        storage.opened.store,
        {each.name: partial(is_open, each.name) for each in entrances.platforms},
        options.now,
        options.tick,
        refuses={each.name: partial(engine.shut_out.__contains__, each.name) for each in entrances.platforms},
        hourly=hourly,
        clock=options.clock_steps(),
        connections={name: connection.up for name, connection in entrances.connections.items()},
        more={
            "ring": storage.rotation.check,
            **forgetting,
            "signatures-refused": readiness.signatures(
                {name: webhook.signatures.all_refused for name, webhook in entrances.webhooks.items()}
            ),
        },
    )
