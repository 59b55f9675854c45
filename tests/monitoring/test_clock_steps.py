"""A step of the machine's clock, either way, is said for an hour, in the log and to whoever asks."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp
import pytest
from structlog.testing import capture_logs

from bot import config
from bot.monitoring.monitor import Monitoring
from bot.monitoring.readiness import STEP_TOLD_SECONDS, ClockSteps
from tests.simulation.virtual_time import VirtualLoop
from tests.stories.serve import MORNING, TICK, at_home, probe


class Clocks:
    """The machine's clock and the one that no one can set."""

    wall = 1_000_000.0
    even = 50.0

    def passes(self, seconds: float, *, step: float = 0.0) -> None:
        self.even += seconds
        self.wall += seconds + step


EITHER_WAY = pytest.mark.parametrize(
    ("step", "kind", "says"), [(-18_000.0, "back", "back by 5:00:00"), (90.0, "ahead", "ahead by 0:01:30")]
)


@EITHER_WAY
async def test_a_step_is_said_once_and_for_an_hour(step, kind, says):
    clocks = Clocks()
    steps = ClockSteps(lambda: clocks.wall, lambda: clocks.even)
    with capture_logs() as logs:
        for seconds, jump in ((15, 0.0), (15, step), (15, 0.0)):
            clocks.passes(seconds, step=jump)
            steps.look()
    assert [(line["event"], line["log_level"], line["kind"]) for line in logs] == [("clock-stepped", "error", kind)]
    found = await steps.check()
    assert (found.id, found.status) == ("clock-steps", "warn")
    assert says in found.says
    clocks.passes(STEP_TOLD_SECONDS)
    assert (await steps.check()).status == "ok"


async def test_a_clock_that_is_slowly_adjusted_is_no_step():
    clocks = Clocks()
    steps = ClockSteps(lambda: clocks.wall, lambda: clocks.even)
    with capture_logs() as logs:
        for _ in range(100):
            clocks.passes(15, step=0.5)
            steps.look()
    assert not logs
    assert (await steps.check()).status == "ok"


@EITHER_WAY
async def test_the_programme_that_serves_says_a_step_in_its_log_its_readiness_and_its_metrics(
    step, kind, says, tmp_path: Path
):
    clocks = Clocks()
    with capture_logs() as logs:
        async with at_home(tmp_path, clock_steps=lambda: ClockSteps(lambda: clocks.wall, lambda: clocks.even)) as home:
            assert "ok    clock-steps" in (await probe(home.ops, "verbose"))[1]
            clocks.passes(15, step=step)
            await home.sampler.sample()
            status, said = await probe(home.ops, "verbose")
            async with aiohttp.ClientSession() as session, session.get(f"{home.ops}/metrics") as answer:
                page = await answer.text()
    assert status == 200
    assert any(line.startswith("warn  clock-steps") and says in line for line in said.splitlines())
    assert 'peersupport_check{check="clock-steps"} 1.0' in page
    assert [line for line in logs if line["event"] == "clock-stepped"] == [
        {"event": "clock-stepped", "log_level": "error", "kind": kind}
    ]


class EmptyStore:
    """One that can be written, and holds nothing."""

    async def check(self) -> None:
        """Nothing is wrong."""

    async def next_due(self) -> None:
        """Nothing falls due."""


@EITHER_WAY
def test_a_step_is_noticed_within_a_minute_whenever_it_comes(step, kind, says, tmp_path: Path):
    loop, wall = VirtualLoop(), [0.0]
    clock = ClockSteps(lambda: loop.time() + wall[0], loop.time)
    settings = config.load({"PEERSUPPORT_STORE": f"tinydb://{tmp_path}"}, tmp_path)

    async def minutes_pass() -> str:
        monitoring = Monitoring(settings, EmptyStore(), {}, lambda: MORNING, TICK, clock=clock)
        monitoring.sampler.start()
        for times in range(1, 21):
            await asyncio.sleep(61)  # each time at another moment between two samples
            wall[0] += step
            await asyncio.sleep(60)
            assert [line["kind"] for line in logs if line["event"] == "clock-stepped"] == [kind] * times
        await monitoring.sampler.stop()
        (found,) = (each for each in await monitoring.readiness.check() if each.id == "clock-steps")
        return found.says

    with capture_logs() as logs:
        assert says in loop.run_until_complete(minutes_pass())
    loop.close()
