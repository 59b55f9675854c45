"""A platform that is down: it is asked ever less often, soon again when it is back, and no card is given up for it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from bot.playground.simulator import Simulator
from conversations.vocabulary import Kind


async def test_one_failure_after_a_long_outage_gives_no_card_up(tmp_path: Path, monkeypatch: Any):
    simulator = Simulator(tmp_path)
    await simulator.open()
    ana, slack = simulator.person("Ana"), simulator.chat("Ana")
    await slack.types(ana, "help", simulator.engine)
    await simulator.settle()
    slack.busy = True
    await slack.types(ana, "soon", simulator.engine)
    await simulator.settle()
    await simulator.wait(simulator.now + timedelta(minutes=30))
    slack.busy = False
    honest, failures = slack.deliver, iter([RuntimeError("of ours")])  # type: ignore[attr-defined]

    async def deliver(*call: Any) -> Any:
        for failure in failures:
            raise failure
        return await honest(*call)

    monkeypatch.setattr(slack, "deliver", deliver)
    await simulator.wait(simulator.now + timedelta(minutes=30))
    assert any("Ask now" in [button.label for button in card.buttons] for card in slack.cards(ana))
    await simulator.stop()


async def test_a_platform_that_is_down_is_asked_ever_less_often_and_soon_again_when_it_is_back(tmp_path: Path):
    simulator = Simulator(tmp_path)
    await simulator.open()
    ana, slack = simulator.person("Ana"), simulator.chat("Ana")
    store = simulator.engine.services.store

    async def writes() -> int:
        (request,) = await store.all_of_kind(Kind.REQUEST)
        return request.revision

    slack.busy = True
    await slack.types(ana, "soon", simulator.engine)
    await simulator.settle()
    written = []
    for hours in (1, 1, 6):
        before = await writes()
        await simulator.wait(simulator.now + timedelta(hours=hours))
        written.append((await writes() - before) / hours)
    assert written[0] > written[1] > 0  # it begins with twice a minute, and ends with twelve times an hour
    assert written[2] <= 2 * 12
    slack.busy = False
    await simulator.wait(simulator.now + timedelta(minutes=5))
    assert any("Ask now" in [button.label for button in card.buttons] for card in slack.cards(ana))
    await simulator.stop()
