"""One hospital: its processes, its platforms, its clock, and the judge; what can be done to them."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from adapters.base import Interaction, Reply
from adapters.fakes.screens import Change
from bot import config
from bot.crypto.vault import Vault
from bot.engine.codec import Stored, encode, id_of
from bot.errors import DatabaseUnavailable
from bot.playground.simulator import KEY
from bot.rendering import Renderer
from conversations import registry
from conversations.front_door.typed_words import parse_word
from conversations.immutable import replace
from conversations.model import OnCall, Person
from conversations.peers.record import READY, PeerRecord
from conversations.vocabulary import Word
from tests.simulation.judge import Judge
from tests.simulation.memory_store import MemoryStore, Tables
from tests.simulation.people import Size, Somebody, as_peer, everybody
from tests.simulation.platform import HostilePlatform
from tests.simulation.replica import Common, Replica
from tests.simulation.schedule import Schedule, Trace
from tests.simulation.weather import Fault, Weather

BEGINS: Final = datetime(2026, 3, 2, 13, tzinfo=UTC)
SETTINGS: Final = {
    "PEERSUPPORT_APPROVAL": "coordinator",
    "PEERSUPPORT_TIMEZONE": "America/New_York",
    "PEERSUPPORT_WAVES": "3,5,8,rest",
}
RETRY: Final = 5.0  # seconds until what could not be done is tried again, as our schedulers do
SWEEP: Final = 60.0  # seconds between two sweeps of a replica


class Hospital:
    """Everything of one hospital that a run acts on.

    Args:
        luck: Decides everything.
        replicas: How many processes serve it.
        shared: Whether they share a database; one process alone may have the embedded store.
        size: How big it is.
    """

    def __init__(self, luck: random.Random, *, replicas: int, shared: bool, size: Size) -> None:
        self.luck, self.weather, self.trace, self.schedule = luck, Weather(luck), Trace(), Schedule()
        self.size = size
        self.offset = timedelta(0)  # by which the clock was set
        self.tables = Tables(self._written)
        self.vault = Vault(KEY)
        self.platforms = {name: self._platform(name) for name in ("slack", "teams")}
        self.people: dict[Person, Somebody] = {one.person: one for one in everybody(size, self.platforms, luck)}
        self.programme = self._programme()
        self.listener = self.programme.listener
        renderer = Renderer.load(self.programme)
        self.judge = Judge(self.tables, self.platforms, self.vault, self.programme, renderer, self.now)
        self._ids = itertools.count(1)
        common = Common(
            MemoryStore(self.tables, shared=shared),
            self.platforms,
            self.vault,
            self.programme,
            renderer,
            self.weather,
            luck,
            self.now,
            lambda: f"{luck.getrandbits(64):016x}{next(self._ids):016x}",
            self._crashed,
        )
        self.shared = shared
        self.replicas = [Replica(f"replica-{number}", common) for number in range(replicas)]
        self.down_until = 0.0  # by the loop's clock: nothing is started before
        self.watch: Any = None  # told when something is new on a person's screen
        self._sooner = asyncio.Event()  # something may be due sooner than the alarm was set for
        self._next: datetime | None = None

    def _platform(self, name: str) -> HostilePlatform:
        def changed(change: Change) -> None:
            self._screen_changed(name, change)

        return HostilePlatform(name, self._hear, self.weather, self.luck, self.now, changed)

    def _hear(self, typed: str) -> Word:
        return parse_word(typed, self.listener)

    def _programme(self) -> Any:
        coordinators = tuple(one.person for one in self.people.values() if one.role == "Dana")
        kim = next(one.person for one in self.people.values() if one.role == "Kim")
        on_call = OnCall("Dr. Kim Lee", "555 0100", "day and night", kim)
        programme = config.load(SETTINGS, Path("/nonexistent")).programme()
        return replace(programme, coordinators=coordinators, on_call=on_call)

    # ------------------------------------------------------------ time

    def now(self) -> datetime:
        """The time on the machines' clock, which may be wrong."""
        return BEGINS + timedelta(seconds=asyncio.get_running_loop().time()) + self.offset

    async def alarm(self) -> None:
        """Wake a process whenever something falls due, as our schedulers do: late, for nothing, or twice."""
        while True:
            due = self.tables.next_due()
            wait = (due - self.now()).total_seconds() if due else 3600.0
            if any(replica.alive and replica.engine.shut_out for replica in self.replicas):
                wait = min(wait, SWEEP)
            if wait > 0 and await self._is_sooner(wait, due):
                continue
            if not await self._wake() or self.tables.next_due() == due:
                await asyncio.sleep(RETRY)

    async def _is_sooner(self, wait: float, due: datetime | None) -> bool:
        self._sooner.clear()
        self._next = due
        try:
            async with asyncio.timeout(wait):
                await self._sooner.wait()
        except TimeoutError:
            return False
        return True

    async def _wake(self) -> bool:
        """Wake those who are woken; whether anybody was."""
        alive = [replica for replica in self.replicas if replica.alive]
        woken = list(alive)
        if self.shared and alive:
            woken = [self.luck.choice(alive)]
            if self.weather.happens(Fault.LOST_WAKE):
                await asyncio.sleep(self.luck.random() * SWEEP)
            if self.weather.happens(Fault.DOUBLED_WAKE):
                woken.append(self.luck.choice(alive))
        await asyncio.gather(*(self._wake_one(replica) for replica in woken))
        return bool(woken)

    async def _wake_one(self, replica: Replica) -> None:
        with suppress(DatabaseUnavailable):
            if replica.alive:
                await replica.call(replica.engine.wake())

    def _written(self, changes: Any) -> None:
        self.judge.written(changes)
        due = self.tables.next_due()
        if due is not None and (self._next is None or due < self._next):
            self._sooner.set()

    # ------------------------------------------------------------ processes

    def _crashed(self, replica: Replica) -> None:
        self.note(replica.name, "dies")
        self.schedule.plan(self.luck.uniform(1, 90), lambda: self.start(replica))

    async def start(self, replica: Replica) -> None:
        """Start a process that does not run, unless the machine is down for longer."""
        left = self.down_until - asyncio.get_running_loop().time()
        if left > 0:
            self.schedule.plan(left + 1, lambda: self.start(replica))
        elif not replica.alive:
            self.note(replica.name, "starts")
            if self.down_until:
                self.down_until, self.judge.down_until = 0.0, self.now()
            await replica.start()
            self._sooner.set()

    def _stamp(self) -> str:
        return f"{self.schedule.steps} {self.now():%Y-%m-%d %H:%M:%S}"

    def note(self, *what: Any) -> None:
        """Write down what happens."""
        self.trace.add(self._stamp(), *what)

    def shut_out(self) -> Mapping[str, set[str]]:
        """Which platforms each process takes to be shut."""
        return {replica.name: set(replica.engine.shut_out) for replica in self.replicas if replica.alive}

    # ------------------------------------------------------------ people

    def add_peer(self, one: Somebody) -> None:
        """Write down one more trained peer, as a hospital that begins with some would."""
        peer = as_peer(one, self.platforms[one.person.platform].zones[one.person], self.luck)
        record = PeerRecord(id=id_of(registry.ROSTER, one.person, self.vault), stage=READY, peer=peer)
        if record.id not in self.tables.records:
            day: date = self.now().date()
            self.tables.apply([encode(Stored(record, registry.ROSTER.value, day=day), self.vault, self.now())])

    def _screen_changed(self, platform: str, change: Change) -> None:
        chat = self.platforms[platform]
        reader = chat.person(change.shown.who)
        if change.what in ("new", "edited") and change.shown.kind != "home":
            since = chat.call_since if change.shown.kind == "card" else None
            self.judge.saw_screen(reader, change, since)
            if change.body.buttons and self.watch is not None:
                self.watch(reader, change)

    async def send(self, press: Interaction, *, foreign: bool = False, tries: int = 4) -> None:
        """Deliver what somebody did: late, twice, or again where we did not answer."""
        if self.weather.happens(Fault.LATE):
            self.schedule.plan(self.luck.uniform(5, 600), lambda: self._deliver(press, foreign, tries))
            return
        copies = 2 if self.weather.happens(Fault.DOUBLED) else 1
        await asyncio.gather(*(self._deliver(press, foreign, tries) for _ in range(copies)))

    async def _deliver(self, press: Interaction, foreign: bool, tries: int) -> None:
        alive = [replica for replica in self.replicas if replica.alive]
        answer: Reply | None = None
        if alive:
            self.judge.saw_press(press)
            replica = self.luck.choice(alive)
            with suppress(DatabaseUnavailable):
                answer = await replica.call(replica.engine.receive(press))
        if answer is None:
            if tries > 1:
                self.weather.count(Fault.AGAIN)
                self.schedule.plan(self.luck.uniform(3, 120), lambda: self._deliver(press, foreign, tries - 1))
            return
        self.judge.saw_answer(press, answer, foreign=foreign)
        chat = self.platforms[press.by.platform]
        if not chat._is_mute(press):
            chat.answered(press.by, answer)
