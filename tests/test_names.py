"""Whose name stands on a card may be gone, or their platform shut: that says nothing about whoever reads it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from adapters.base import Profile, Stopped, Unreachable
from adapters.playground.playground import Playground
from bot.theatre import Theatre
from conversations import anywhere
from conversations.model import Person


@dataclass(slots=True)
class Nameless(Playground):
    """A platform that will not say who anybody is."""

    failure: type[Exception] = Unreachable

    async def profile(self, person: Person) -> Profile:
        raise self.failure


@pytest.mark.parametrize(("failure", "read"), [(Unreachable, 1), (Stopped, 0)])
async def test_a_name_that_cannot_be_told_costs_its_reader_nothing(tmp_path: Path, failure, read):
    theatre = Theatre(tmp_path)
    theatre.chats["teams"] = Nameless("teams", anywhere.hear, failure=failure)
    await theatre.cast("Bo", "teams", ("visible",))
    ana, bo = theatre.person("Ana"), theatre.person("Bo")
    for who, label in ((ana, "Talk to someone soon"), (ana, "Ask"), (bo, "Yes, I can")):
        if label == "Talk to someone soon":
            await theatre.chat("Ana").types(ana, "help", theatre.engine)
        await theatre.engine.idle()
        chat = theatre.chats[who.platform]
        card = next(card for card in chat.cards(who) if label in [button.label for button in card.buttons])
        button = next(button for button in card.buttons if button.label == label)
        await chat.presses(who, button, card, theatre.engine)
    await theatre.engine.idle()
    (request,) = await theatre.engine.house.store.kind("support")
    assert request.stage == "chosen"
    assert theatre.engine.shut_out == set()
    shown = [
        card.text for card in theatre.chat("Ana").cards(ana) if card.text.startswith("a colleague is a trained peer")
    ]
    assert len(shown) == read  # or it waits until the name can be told
    await theatre.stop()
