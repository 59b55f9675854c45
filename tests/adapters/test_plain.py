"""What a platform gets that refused a card: one plain block, and the buttons in one row; after that, bare text."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.base import Button, Card, Field, Link, Option
from adapters.plain import versions
from adapters.slack.cards import message, to_blocks
from adapters.teams.cards import TOKEN, to_card
from bot.playground.chat_script import ChatScript, scenarios
from bot.playground.simulator import Simulator
from conversations.model import Person

ANA = Person("slack", "T0HOSPITAL", "U0ANA")
BUTTONS = tuple(Button(f"Button {number}", f"token-{number}") for number in range(5))
FULL = Card(
    "id-of-the-card",
    "A peer is there.\nYou are still unnamed.",
    "You have a message.",
    quote="Could we\ntalk at noon?",
    fields=(Field("how", "several", "How", (Option("a", "By phone"),), ("a",)), Field("line", "text", "Your words")),
    buttons=BUTTONS,
    link=Link("Open a private chat", ANA),
    title="A peer",
)
WORDS = "A peer\nA peer is there.\nYou are still unnamed.\nCould we\ntalk at noon?"


def test_slack_gets_one_plain_block_and_one_row_of_buttons():
    _, plain, bare = versions(FULL, lambda: "Type status.")
    words, row = to_blocks(plain)
    assert (words["type"], words["text"]) == ("section", {"type": "plain_text", "text": WORDS, "emoji": False})
    assert row["type"] == "actions"
    assert [element["value"] for element in row["elements"]] == [button.token for button in BUTTONS]
    assert message(bare) == {"text": "Type status."}


def test_teams_gets_plain_lines_and_one_row_of_buttons():
    _, plain, _ = versions(FULL, lambda: "Type status.")
    drawn = to_card(plain)
    assert {block["type"] for block in drawn["body"]} == {"RichTextBlock"}
    assert [set(run) for block in drawn["body"] for run in block["inlines"]] == [{"type", "text"}] * len(
        WORDS.splitlines()
    )
    assert [run["text"] for block in drawn["body"] for run in block["inlines"]] == WORDS.splitlines()
    assert [action["data"][TOKEN] for action in drawn["actions"]] == [button.token for button in BUTTONS]
    assert {action["associatedInputs"] for action in drawn["actions"]} == {"none"}


@pytest.mark.parametrize(
    "dialogue", ["accompanied-to-the-end", "volunteer-approved", "across-platforms", "at-the-door"]
)
async def test_every_card_of_ours_fits_into_one_block_and_one_row(tmp_path: Path, dialogue: str):
    play = ChatScript(Simulator(tmp_path))
    lines = scenarios()[dialogue].read_text("utf-8").splitlines()
    await play.play(iter(enumerate(lines, 1)), lambda _: None)
    cards = [change.body for chat in play.simulator.chats.values() for change in chat.screens.changes if change.body]
    assert len(cards) > len(lines) / 4
    for card in cards:
        blocks = to_blocks(list(versions(card, str))[1])
        assert [block["type"] for block in blocks] == (["section", "actions"] if card.buttons else ["section"]), card
        to_card(list(versions(card, str))[1])
