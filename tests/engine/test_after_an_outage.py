"""How long a platform was down says nothing about a card: one failure of ours afterwards does not end it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from bot.playground.simulator import Simulator


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
