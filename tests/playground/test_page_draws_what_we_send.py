"""The page draws whatever our adapters send to Slack, and says so where it is sent anything else."""

from __future__ import annotations

import json
from typing import Any

import pytest
import pytest_asyncio

from bot.playground.chat_script import ChatScript, scenarios
from bot.playground.web.server import playing
from tests.playground import browser
from tests.playground.wired import wired

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOT_DRAWN = """async ([platform, body]) => {
  const { draw } = await import(`/page/chats/${platform}.js`);
  const root = draw(body, { people: [], press() {}, link() {} });
  return [...root.querySelectorAll(".strange")].length + root.matches(".strange");
}"""
CARD = "application/vnd.microsoft.card.adaptive"


def on_teams(*body: dict[str, Any]) -> dict[str, Any]:
    content = {"type": "AdaptiveCard", "version": "1.5", "body": list(body)}
    return {"type": "message", "attachments": [{"contentType": CARD, "content": content}]}


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="page")
async def somebody_at_the_page():
    async with browser.chromium() as chromium, playing(0) as address, browser.opened(chromium, address) as me:
        yield me.page


@pytest.mark.timeout(900)  # every dialogue there is, one after another
async def test_everything_that_anybody_on_slack_is_shown_in_our_dialogues(page):
    sent: dict[str, dict[str, Any]] = {}
    for path in scenarios().values():
        async with wired() as simulator:
            script = ChatScript(simulator)
            for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
                await script.line(number, line)
            on_slack = [each for each in simulator.screens.changes if each.shown.platform == "slack"]
            sent |= {json.dumps(each.body): each.body for each in on_slack if each.shown.kind != "said"}
    assert any(body.get("type") == "modal" for body in sent.values())
    assert [body for body in sent.values() if await page.evaluate(NOT_DRAWN, ["slack", body])] == []


@pytest.mark.parametrize(
    ("platform", "body"),
    [
        ("slack", {"text": "", "blocks": [{"type": "image", "image_url": "x", "alt_text": "x"}]}),
        ("slack", {"text": "", "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "*x*"}}]}),
        ("teams", on_teams({"type": "Image", "url": "x"})),
        ("teams", on_teams({"type": "TextBlock", "text": "x", "color": "attention"})),
    ],
    ids=["an image in Slack", "markup in Slack", "an image in Teams", "a colour in Teams"],
)
async def test_what_no_adapter_of_ours_sends_is_seen_to_be_missing(page, platform, body):
    assert await page.evaluate(NOT_DRAWN, [platform, body]) > 0
