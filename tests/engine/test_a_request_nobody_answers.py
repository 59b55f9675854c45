"""A request that nobody answers wakes when something can change, and not at every step of seven days."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from bot.playground.chat_script import ChatScript
from bot.playground.simulator import Simulator
from conversations.vocabulary import Kind

ASKS = """
Ana   types    {word}
Ana   reads    …
Ana   presses  [Ask now]
"""
SOON, TODAY, NO_RUSH = "soon", "today", "no-rush"
ROSTERS = {
    "no peer": (),
    "two peers": ((), ()),
    "each in their hours": (("nights",), ("days",), ("weekends",)),
}
WEEK = timedelta(days=7)
WRITES = 80
"""Of one request in a week: some steps until its target, a look every four hours, cards and check-ins."""


async def begin(simulator: Simulator, roster: tuple[tuple[str, ...], ...], word: str) -> None:
    simulator.roles["coordinators"] = (simulator.person("Dana"),)
    await simulator.open()
    for name, traits in zip(("Bo", "Cy", "Di"), roster, strict=False):
        await simulator.add_peer(name, "teams", traits)
    script = ChatScript(simulator)
    for number, line in enumerate(ASKS.format(word=word).splitlines()):
        await script.line(number, line)
    await simulator.settle()


async def revision(simulator: Simulator) -> int:
    """How often the one request was written."""
    (request,) = await simulator.engine.services.store.all_of_kind(Kind.REQUEST)
    return request.revision


@pytest.mark.parametrize("word", [SOON, TODAY, NO_RUSH])
@pytest.mark.parametrize("roster", ROSTERS)
async def test_a_week_in_which_nobody_answers_is_few_writes(tmp_path: Path, roster: str, word: str):
    simulator = Simulator(tmp_path)
    try:
        await begin(simulator, ROSTERS[roster], word)
        asked = await revision(simulator)
        await simulator.wait(simulator.now + WEEK)
        assert 0 < await revision(simulator) - asked <= WRITES
    finally:
        await simulator.stop()
