"""Runs one hospital for a while under one seed, and says what became of it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from structlog.testing import capture_logs

from tests.simulation.acts import People
from tests.simulation.hospital import Hospital
from tests.simulation.judge import LawBroken
from tests.simulation.people import BUSY, LARGE, SMALL, Size
from tests.simulation.replica import keep_track
from tests.simulation.virtual_time import VirtualLoop
from tests.simulation.weather import Fault

DAY: Final = 86_400.0
HOUR: Final = 3_600.0
AFTERWARDS: Final = 80  # days without anybody after which everything is forgotten
DOWN: Final = (1, 1, 7, 13, 26, 100)  # hours
OUTAGES: Final = (0.2, 1, 1, 4, 12)  # hours
JUMPS: Final = (-7200, -600, -30, 30, 600, 7200)  # seconds by which a clock is set wrong, and right again


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one run.

    Args:
        seed: Replays it.
        shape: How big it is; how many processes, on which kind of store.
        requests: How many searched for a peer.
        peers: How many were on the roster at the most.
        steps: How many acts there were.
        faults: How many of each kind were met.
        digest: Of everything that happened.
        broken: The law that broke, or "".
        last: The last acts before it did.
    """

    seed: str
    shape: str
    requests: int
    peers: int
    steps: int
    faults: Mapping[str, int]
    digest: str
    broken: str
    last: tuple[str, ...]

    def __str__(self) -> str:
        said = f"seed {self.seed}: {self.requests} requests, {self.peers} peers, {self.steps} steps, "
        said += f"{sum(self.faults.values())} faults, {self.shape}, {self.digest[:12]}"
        if not self.broken:
            return said
        lines = "\n".join(f"    {line}" for line in self.last)
        return f"{said}\n  BROKEN at step {self.steps}: {self.broken}\n{lines}"


class Year:
    """A hospital's time, and all that happens in it.

    Args:
        hospital: Whose.
        days: How long people act.
        harsh: How much more often than usual calls, processes and platforms break.
        busy: How much more often than usual somebody asks.
        afterwards: For how many days nobody does anything at the end.
    """

    def __init__(self, hospital: Hospital, days: float, harsh: float, busy: float, afterwards: float) -> None:
        self.hospital, self.days, self.afterwards, self.luck = hospital, days, afterwards, hospital.luck
        self.harsh, self.busy = harsh, busy
        hospital.weather.rough *= harsh
        self.people = People(hospital)
        self.peers = 0
        self._next_calm = 0.0

    async def pass_by(self) -> None:
        """Let it all happen. Raises LawBroken."""
        hospital = self.hospital
        for one in tuple(hospital.people.values()):
            if one.role == "Bo":
                hospital.add_peer(one)
        for replica in hospital.replicas:
            await replica.start()
        alarm = asyncio.get_running_loop().create_task(hospital.alarm())
        try:
            self._plan_everything()
            judge = hospital.judge
            await hospital.schedule.run(self.days * DAY, judge.after_step)
            self.people.away = True
            await self.grow_calm()
            await hospital.schedule.run((self.days + self.afterwards) * DAY, judge.after_step)
            judge.when_all_is_well(hospital.shut_out())
            if self.afterwards >= AFTERWARDS:
                judge.when_all_is_over()
        finally:
            alarm.cancel()
            with suppress(asyncio.CancelledError):
                await alarm

    def _plan_everything(self) -> None:
        for days, act in (
            (365 / (self.hospital.size.requests * self.busy), self.people.somebody_asks),
            (12.0, self.people.somebody_leaves),
            (2.0, self.people.keep_the_roster_full),
            (0.08, self.people.somebody_looks_again),
            (3.0 / self.harsh, self.a_process_is_killed),
            (25.0 / self.harsh, self.everything_is_down),
            (9.0 / self.harsh, self.a_platform_is_down),
            (11.0, self.the_clock_jumps),
            (4.0, self.the_weather_turns),
        ):
            self._again_and_again(days, act)
        self.hospital.schedule.plan(2.1 * DAY, self.grow_calm)

    def _again_and_again(self, days: float, act: Callable[[], Awaitable[None]]) -> None:
        """Let this happen by chance, every so many days."""

        async def and_again() -> None:
            if not self.people.away:
                plan()
                await act()

        def plan() -> None:
            self.hospital.schedule.plan(self.luck.expovariate(1 / (days * DAY)), and_again)

        plan()

    # ------------------------------------------------------------ what is planned to break

    async def the_weather_turns(self) -> None:
        """Some days are worse than others."""
        self.hospital.weather.rough = self.harsh * self.luck.choice((0.1, 0.3, 0.3, 1.5))

    async def a_process_is_killed(self) -> None:
        """One of ours ends at some moment."""
        alive = [replica for replica in self.hospital.replicas if replica.alive]
        if alive and not self.hospital.weather.calm:
            self.hospital.weather.count(Fault.KILLED)
            self.luck.choice(alive).crash()

    async def everything_is_down(self) -> None:
        """All of ours end, and stay away for long."""
        if self.hospital.weather.calm:
            return
        hours = self.luck.choice(DOWN)
        self.hospital.note("everything is down for", hours, "hours")
        self.hospital.weather.count(Fault.DOWN)
        self.hospital.down_until = asyncio.get_running_loop().time() + hours * HOUR
        for replica in self.hospital.replicas:
            replica.crash()

    async def a_platform_is_down(self) -> None:
        """One platform takes no calls for hours."""
        chat = self.luck.choice(list(self.hospital.platforms.values()))
        if self.hospital.weather.calm or chat.busy:
            return
        hours = self.luck.choice(OUTAGES)
        self.hospital.note(chat.platform, "takes no calls for", hours, "hours")
        self.hospital.weather.count(Fault.OUTAGE)
        chat.busy = True

        async def well() -> None:
            if chat.busy:
                chat.busy, self.hospital.judge.down_until = False, self.hospital.now()

        self.hospital.schedule.plan(hours * HOUR, well)

    async def the_clock_jumps(self) -> None:
        """The machines' clock is set wrong, and right again some hours later."""
        if self.hospital.weather.calm or self.hospital.offset:
            return
        jump = timedelta(seconds=self.luck.choice(JUMPS))
        self.hospital.note("the clock is set by", jump)
        self._set_clock(jump)

        async def right() -> None:
            self._set_clock(timedelta(0))

        self.hospital.schedule.plan(self.luck.uniform(0.1, 10) * HOUR, right)

    def _set_clock(self, offset: timedelta) -> None:
        self.hospital.offset = offset
        self.hospital.weather.count(Fault.CLOCK)
        self.hospital._sooner.set()

    # ------------------------------------------------------------ some hours in which nothing breaks

    async def grow_calm(self) -> None:
        """From now on nothing breaks, for some hours; at their end the dear laws are held."""
        hospital = self.hospital
        hospital.note("all is calm")
        hospital.weather.calm = True
        hospital.down_until = min(hospital.down_until, 1.0)
        hospital.offset = timedelta(0)
        for chat in hospital.platforms.values():
            if chat.busy:
                chat.busy, hospital.judge.down_until = False, hospital.now()
        for replica in hospital.replicas:
            await hospital.start(replica)
        hospital.judge.well_since = hospital.now()
        if not self.people.away:
            hospital.schedule.plan(4 * HOUR, self._calm_is_over)

    async def _calm_is_over(self) -> None:
        hospital = self.hospital
        if self.people.away:
            return
        self.peers = max(self.peers, len(hospital.judge.world.volunteers))
        hospital.judge.when_all_is_well(hospital.shut_out())
        hospital.note("calm is over")
        hospital.weather.calm = False
        hospital.schedule.plan(self.luck.uniform(2, 8) * DAY, self.grow_calm)


def size_of(seed: str) -> Size:
    """How big the hospital of this seed is."""
    return random.Random(f"{seed}: how big").choice((*[LARGE] * 8, SMALL, BUSY))  # noqa: S311


async def _simulate(seed: str, size: Size, days: float, harsh: float, busy: float, afterwards: float) -> Outcome:
    keep_track(asyncio.get_running_loop())
    luck = random.Random(seed)  # noqa: S311
    replicas = luck.choice((1, 1, 2, 3))
    shared = replicas > 1 or luck.random() < 0.25
    hospital = Hospital(luck, replicas=replicas, shared=shared, size=size)
    year, broken = Year(hospital, days, harsh, busy, afterwards), ""
    try:
        await year.pass_by()
    except LawBroken as law:
        broken = str(law)
    return Outcome(
        seed,
        f"{hospital.size.name}, {replicas} on {'PostgreSQL' if shared else 'embedded'}",
        len(hospital.judge.requests),
        year.peers,
        hospital.schedule.steps,
        {fault.value: count for fault, count in sorted(hospital.weather.met.items())},
        hospital.trace.digest,
        broken,
        tuple(hospital.trace.last) if broken else (),
    )


def simulate(
    seed: str,
    days: float = 365,
    harsh: float = 1.0,
    busy: float = 1.0,
    afterwards: float = AFTERWARDS,
    size: Size | None = None,
) -> Outcome:
    """Run one hospital.

    Args:
        seed: Decides everything: the same seed gives the same run.
        days: How long people act.
        harsh: How much more often than usual calls, processes and platforms break.
        busy: How much more often than usual somebody asks.
        afterwards: For how many days they are then left alone; by default, until everything is forgotten.
        size: How big it is; by default, the seed decides.
    """
    with capture_logs(), asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(_simulate(seed, size or size_of(seed), days, harsh, busy, afterwards))
