"""Whose name stands on a card may be gone, or their platform shut: that says nothing about whoever reads it."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.base import AccessRevoked, Profile, Unreachable
from adapters.fakes.direct import DirectAdapter
from bot.playground.simulator import Simulator
from conversations.model import Person
from tests.typed import parse_word


class Nameless(DirectAdapter):
    """A platform that will not say who anybody is."""

    def __init__(self, platform: str, failure: type[Exception]) -> None:
        super().__init__(platform, parse_word)
        self.failure = failure

    async def profile(self, person: Person) -> Profile:
        raise self.failure


@pytest.mark.parametrize(("failure", "read"), [(Unreachable, 1), (AccessRevoked, 0)])
async def test_a_name_that_cannot_be_told_costs_its_reader_nothing(tmp_path: Path, failure, read):
    simulator = Simulator(tmp_path)
    simulator.chats["teams"] = Nameless("teams", failure)
    await simulator.add_peer("Bo", "teams", ("visible",))
    ana, bo = simulator.person("Ana"), simulator.person("Bo")
    for who, label in ((ana, "Talk to someone soon"), (ana, "Ask now"), (bo, "Yes, I can")):
        if label == "Talk to someone soon":
            await simulator.chat("Ana").types(ana, "help", simulator.engine)
        await simulator.engine.idle()
        chat = simulator.chats[who.platform]
        card = next(card for card in chat.cards(who) if label in [button.label for button in card.buttons])
        button = next(button for button in card.buttons if button.label == label)
        await chat.presses(who, button, card, simulator.engine)
    await simulator.engine.idle()
    (request,) = await simulator.engine.services.store.all_of_kind("support")
    assert request.stage == "chosen"
    assert simulator.engine.shut_out == set()
    shown = [
        card.text for card in simulator.chat("Ana").cards(ana) if card.text.startswith("a colleague is a trained peer")
    ]
    assert len(shown) == read  # or it waits until the name can be told
    await simulator.stop()
