"""A step of the machine's clock, either way, is said for an hour, in the log and to whoever asks."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from bot.monitoring.readiness import STEP_TOLD_SECONDS, ClockSteps


class Clocks:
    """The machine's clock and the one that no one can set."""

    wall = 1_000_000.0
    even = 50.0

    def passes(self, seconds: float, *, step: float = 0.0) -> None:
        self.even += seconds
        self.wall += seconds + step


@pytest.mark.parametrize(
    ("step", "kind", "says"), [(-18_000.0, "back", "back by 5:00:00"), (90.0, "ahead", "ahead by 0:01:30")]
)
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
