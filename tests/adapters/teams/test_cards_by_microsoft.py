"""Microsoft's own renderer takes every card we send to Teams, and shows what the playground shows for it."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import Any

import pytest
import pytest_asyncio

from adapters.teams.cards import ACTIONS, TYPE
from bot.playground.chat_script import ChatScript, Disagrees, scenarios
from bot.playground.web.server import playing
from tests.playground import browser
from tests.playground.wired import wired

pytestmark = pytest.mark.asyncio(loop_scope="module")

NEWER = 'Property "choices.data" is supported in version 1.6, but you are using version 1.5.'
"""What it says of whom one can pick, which Teams has taught its 1.5 and nobody else's: its documented way to ask it."""

STRANGE = {"type": "AdaptiveCard", "version": "1.5", "body": [{"type": "Strange"}]}

# Teams shows so many buttons of a card; the renderer on its own shows fewer.
THEIRS = """([json, actions]) => {
  const markdown = window.markdownit();
  AdaptiveCards.AdaptiveCard.onProcessMarkdown = (text, result) => {
    result.outputHtml = markdown.render(text);
    result.didProcess = true;
  };
  const context = new AdaptiveCards.SerializationContext(AdaptiveCards.Versions.v1_5);
  const card = new AdaptiveCards.AdaptiveCard();
  card.hostConfig.actions.maxActions = actions;
  card.parse(json, context);
  const remarks = Array.from({ length: context.eventCount }, (_, number) => context.getEventAt(number).message);
  const root = card.render();
  const questions = card.getAllInputs().map((each) => each.renderedElement.closest("[id]"));
  const plain = (node) => node.textContent.replace(/\\s+/g, " ").trim();
  const texts = [...root.querySelectorAll(".ac-textBlock, .ac-richTextBlock")]
    .filter((node) => !questions.some((question) => question.contains(node))).map(plain);
  const asked = questions.map((question) => {
    const controls = [...question.querySelectorAll("input, select, textarea")];
    return {
      label: plain(question.querySelector("label")),
      kinds: [...new Set(controls.map((each) => each.type))],
      choices: [...question.querySelectorAll("input ~ label, option[value]:not([value=''])")].map(plain),
      given: controls.filter((each) => each.checked ?? true).map((each) => each.value).filter((each) => each !== ""),
    };
  });
  const buttons = [...root.querySelectorAll(".ac-actionSet button")].map(plain);
  return { remarks, shown: { texts, asked, buttons } };
}"""

OURS = """async (json) => {
  const teams = await import("/page/chats/teams.js");
  const attachments = [{ contentType: "application/vnd.microsoft.card.adaptive", content: json }];
  const root = teams.draw({ type: "message", attachments }, { people: [], press() {}, link() {} });
  const questions = [...root.querySelectorAll("fieldset, .asked")];
  const plain = (node) => node.textContent.replace(/\\s+/g, " ").trim();
  const texts = [...root.querySelectorAll("h3, p")]
    .filter((node) => !questions.some((question) => question.contains(node))).map(plain);
  const asked = questions.map((question) => {
    const controls = [...question.querySelectorAll("input, select, textarea")];
    return {
      label: plain(question.querySelector("legend, label")),
      kinds: [...new Set(controls.map((each) => each.type))],
      choices: [...question.querySelectorAll(".tick, option:not([value=''])")].map(plain),
      given: controls.filter((each) => each.checked ?? true).map((each) => each.value).filter((each) => each !== ""),
    };
  });
  const buttons = [...root.querySelectorAll(".actions button")].map(plain);
  return { texts, asked, buttons };
}"""


# ---------------------------------------------------------------- every card


class Acting(ChatScript):
    """Plays what people do; what they read there is asserted where the dialogue is at home."""

    async def line(self, number: int, line: str) -> None:
        if re.match(r"\w+ +(reads|sees) |nothing about", line):
            return
        self.gather()
        self.unread.clear()
        with suppress(Disagrees):  # a button that is only there where somebody is on Slack
            await super().line(number, line)


def all_on_teams(dialogue: str) -> str:
    """The same people, none of whom is on Slack."""
    text = re.sub(r"^(Given peers? .*?)(?: on (?:Slack|Teams))?$", r"\1 on Teams", dialogue, flags=re.MULTILINE)
    text = text.replace(" on Slack", " on Teams")
    known = re.findall(r"[A-Z]\w*", " ".join(re.findall(r"^Given (.*) on Teams$", text, re.MULTILINE)))
    acting = re.findall(r"^([A-Z]\w*) +(?:types|presses|reads|sees|opens)", text, re.MULTILINE)
    acting += re.findall(r"^Given (\w+) on call", text, re.MULTILINE)
    return "\n".join([*(f"Given {name} on Teams" for name in sorted({*acting} - {*known})), text])


async def emitted() -> list[dict[str, Any]]:
    """Every card that anybody on Teams is shown in our dialogues, once each."""
    found: dict[str, dict[str, Any]] = {}
    told = [path.read_text("utf-8") for path in scenarios().values()]
    for dialogue in [*map(all_on_teams, told), *(each for each in told if " on Teams" in each)]:
        async with wired() as simulator:
            script = Acting(simulator)
            for line in dialogue.splitlines():
                await script.line(0, line)
        shown = (change.body.get("attachments", ()) for change in simulator.screens.changes)
        cards = [each["content"] for attached in shown for each in attached if each["contentType"] == TYPE]
        found |= {re.sub(r'"token": "[^"]*"', "", json.dumps(card)): card for card in cards}
    return list(found.values())


def kinds(piece: Any) -> set[str]:
    """Of every element in it."""
    if isinstance(piece, list):
        return set().union(*map(kinds, piece))
    if not isinstance(piece, dict):
        return set()
    return {str(piece.get("type"))}.union(*map(kinds, piece.values()))


# ---------------------------------------------------------------- and who judges it


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="page")
async def both_renderers():
    async with browser.chromium() as chromium, playing(0) as address:
        judges = [browser.judge("markdown-it"), browser.judge("adaptivecards")]
        async with browser.opened(chromium, address, *judges) as me:
            yield me.page


async def test_microsoft_shows_what_we_show(page):
    """The same texts, questions with their choices and what is ticked, and buttons; and it has no remark to make."""
    cards = await emitted()
    assert set().union(*map(kinds, cards)) >= {
        *("TextBlock", "RichTextBlock", "Container", "Input.Text", "Input.ChoiceSet"),
        *("Action.Execute", "Action.OpenUrl"),
    }
    assert any("choices.data" in each for card in cards for each in card["body"])
    for card in cards:
        theirs, ours = await page.evaluate(THEIRS, [card, ACTIONS]), await page.evaluate(OURS, card)
        picks = any("choices.data" in each for each in card["body"])
        assert theirs["remarks"] == [NEWER] * picks, card
        assert theirs["shown"] == ours, card
        assert ours["texts"] or ours["asked"], card


async def test_microsoft_would_remark_on_a_card_that_is_not_ours(page):
    """So that its silence means something."""
    theirs = await page.evaluate(THEIRS, [STRANGE, ACTIONS])
    assert theirs["remarks"]
