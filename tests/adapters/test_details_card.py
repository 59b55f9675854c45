"""To ask is one tap: the first card has its buttons before any question, on a phone's first screen."""

from __future__ import annotations

import json
from pathlib import Path

from adapters.base import Card
from adapters.fakes.teams.limits import parts
from adapters.slack.cards import to_blocks
from adapters.teams.cards import to_card
from bot.playground.chat_script import ChatScript
from bot.playground.simulator import Simulator

SCREEN = 400  # characters that a phone shows above the buttons, at most
SHORT = ["Ask now", "Choose more", "Change my mind"]


async def shown(folder: Path, platform: str, *presses: str) -> Card:
    """Ana's newest card once she has pressed this."""
    play = ChatScript(Simulator(folder))
    await play.add_peers("Bo", None, platform)
    await play.has_account("Ana", platform)
    await play.types("Ana", "help")
    for label in presses:
        await play.simulator.settle()
        await play.presses("Ana", label)
    await play.simulator.settle()
    return play.simulator.chat("Ana").cards(play.simulator.person("Ana"))[0]


def asks(drawn: object) -> int:
    """How many questions stand on a card of either platform."""
    return json.dumps(drawn).count('"type": "Input.') + json.dumps(drawn).count('"type": "input"')


async def test_on_teams_the_buttons_come_before_any_question(tmp_path: Path):
    card = await shown(tmp_path / "short", "teams", "Talk to someone soon")
    drawn = to_card(card)
    assert [action["title"] for action in drawn["actions"]] == SHORT
    assert asks(drawn) == 0
    assert sum(len(part["text"]) for _, part in parts(drawn) if isinstance(part.get("text"), str)) < SCREEN
    chosen = to_card(await shown(tmp_path / "all", "teams", "Talk to someone soon", "Choose more"))
    assert chosen["actions"][0]["title"] == "Ask"
    assert asks(chosen) > len(SHORT)


async def test_on_slack_the_buttons_come_before_any_question(tmp_path: Path):
    card = await shown(tmp_path / "short", "slack", "Talk to someone soon")
    blocks = to_blocks(card)
    assert [element["text"]["text"] for element in blocks[-1]["elements"]] == SHORT
    assert asks(blocks) == 0
    assert sum(len(block["text"]["text"]) for block in blocks if "text" in block) < SCREEN
    chosen = to_blocks(await shown(tmp_path / "all", "slack", "Talk to someone soon", "Choose more"))
    assert asks(chosen) > len(SHORT)
