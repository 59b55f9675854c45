"""On a shared computer a notification says nothing of what a card says, and the card is there a moment later."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.fakes.direct import DirectAdapter
from adapters.fakes.slack.web_api import notification
from adapters.rate_limit import RateLimiter
from adapters.slack import RATES, SlackAdapter
from bot.playground.chat_script import ChatScript, Disagrees
from bot.playground.simulator import Simulator
from bot.rendering import Notice
from conversations.model import Person
from conversations.vocabulary import Timer
from tests.playground.wired import wired
from tests.stories.scenes import ANA, ASKED, BO, CY, DANA, NEUTRAL, TOGETHER, play
from tests.stories.serve import Home, at_home, no_wait

PUSH = "You have a message."
EVE = "U0EVE"
OFFER = "A colleague would like to talk."


def posted(home: Home, who: str) -> list[dict[str, Any]]:
    """Every post to this person, as it was posted."""
    posts = home.slack.called("chat.postMessage")
    return [post for post in posts if home.slack.spaces.owner(post["channel"]) == who]


async def test_news_is_posted_as_one_plain_line_with_the_id_of_its_card_and_filled_at_once(tmp_path: Path) -> None:
    async with at_home(tmp_path, ANA, BO, CY, DANA) as home:
        await play(home, ASKED)
        *_, offer = posted(home, BO)
        line, row = offer["blocks"]
        assert offer["text"] == PUSH
        assert line["text"] == {"type": "plain_text", "text": PUSH, "emoji": False}
        assert len(line["block_id"]) == 32
        assert [button["text"]["text"] for button in row["elements"]] == ["Show"]
        fill = home.slack.called("chat.update")[-1]
        assert fill["text"] == PUSH
        assert "A colleague would like to talk" in str(fill["blocks"])
        assert any(OFFER in card.text for card in home.slack.reads(BO))


async def test_what_answers_a_press_or_typing_is_posted_in_full(tmp_path: Path) -> None:
    async with at_home(tmp_path, ANA) as home:
        await home.slack.types(ANA, "I want to die")
        await home.engine.idle()
        (post,) = posted(home, ANA)
        assert "988" in str(post["blocks"])
        assert home.slack.called("chat.update") == []


async def test_show_fills_the_card_without_an_api_call_however_many_edits_wait(tmp_path: Path) -> None:
    async with at_home(tmp_path, ANA, BO, CY, DANA) as home:
        await play(home, ASKED[:-1])
        home.slack.fails("chat.update", times=999, status=429, retry_after=60)
        assert (await home.slack.presses(ANA, "Ask now")).status == 200
        await home.engine.idle()
        edits = len(home.slack.called("chat.update"))
        (line,) = (card for card in home.slack.reads(BO) if card.buttons == ["Show"])
        assert line.text == PUSH
        assert (await home.slack.presses(BO, "Show")).status == 200
        await home.engine.idle()
        assert any(card.text.startswith(OFFER) and "Yes, I can" in card.buttons for card in home.slack.reads(BO))
        assert len(home.slack.called("chat.update")) == edits
        home.slack.heals()
        assert (await home.slack.presses(BO, "Yes, I can")).status == 200
        await home.engine.idle()
        assert any(card.text.startswith("Thank you. We'll tell you by") for card in home.slack.reads(BO))


def busy(home: Home, edits: int) -> None:
    """So many edits have just been made that the next ones wait, at the pace that Slack allows."""
    adapter = home.engine.services.adapters["slack"]
    assert isinstance(adapter, SlackAdapter)
    adapter._client.limiter.patience = 2.0
    home.time.pass_(timedelta(minutes=1))
    for _ in range(edits):
        adapter._client.limiter.take_at_once("update")


def filled(home: Home, who: str) -> list[str]:
    """What each edit of this person's cards said first, in order."""
    edits = [edit for edit in home.slack.called("chat.update") if home.slack.spaces.owner(edit["channel"]) == who]
    return [edit["blocks"][0]["text"]["text"] for edit in edits]


async def a_minute(home: Home) -> None:
    """A minute passes, and at each second of it everything that is due is done."""
    for _ in range(60):
        home.time.pass_(timedelta(seconds=1))
        await home.engine.wake()
        await home.engine.idle()


async def test_with_more_than_ten_edits_waiting_a_card_is_left_to_show_for_good(tmp_path: Path) -> None:
    async with at_home(tmp_path, ANA, BO, CY, DANA) as home:
        await play(home, ASKED[:-1])
        busy(home, edits=30)
        assert (await home.slack.presses(ANA, "Ask now")).status == 200
        await home.engine.idle()
        for _ in range(3):
            await a_minute(home)
        for peer in (BO, CY):
            assert [card.text for card in home.slack.reads(peer) if card.buttons == ["Show"]] == [PUSH]
            assert not any(said.startswith(OFFER) for said in filled(home, peer))
        assert (await home.slack.presses(BO, "Show")).status == 200
        await home.engine.idle()
        assert any(card.text.startswith(OFFER) for card in home.slack.reads(BO))


async def test_with_fewer_it_is_filled_in_when_none_waits_any_more(tmp_path: Path) -> None:
    async with at_home(tmp_path, ANA, BO, CY, DANA) as home:
        await play(home, ASKED[:-1])
        busy(home, edits=15)
        assert (await home.slack.presses(ANA, "Ask now")).status == 200
        await home.engine.idle()
        assert [card.text for card in home.slack.reads(BO) if card.buttons == ["Show"]] == [PUSH]
        await a_minute(home)
        assert all(any(card.text.startswith(OFFER) for card in home.slack.reads(peer)) for peer in (BO, CY))


async def test_what_corrects_a_card_goes_before_what_fills_one_in(tmp_path: Path) -> None:
    async with at_home(tmp_path, ANA, BO, CY, DANA, EVE) as home:
        await play(home, ASKED)
        await home.slack.command(EVE)
        await home.slack.presses(EVE, "Talk to someone soon")
        await home.engine.idle()
        busy(home, edits=15)
        assert (await home.slack.presses(EVE, "Ask now")).status == 200  # one card to fill in for each peer
        await home.engine.idle()
        assert (await home.slack.presses(BO, "Yes, I can")).status == 200  # and one of Cy's to correct
        await home.engine.idle()
        before = len(filled(home, CY))
        await a_minute(home)
        assert [said.split(".")[0] for said in filled(home, CY)[before:]] == [
            NEUTRAL.rstrip("."),
            OFFER.rstrip("."),
        ]


async def test_another_persons_show_shows_nothing(tmp_path: Path) -> None:
    async with at_home(tmp_path, ANA, BO, CY, DANA) as home:
        await play(home, ASKED[:-1])
        home.slack.fails("chat.update", times=999, status=429, retry_after=60)
        await home.slack.presses(ANA, "Ask now")
        await home.engine.idle()
        (line,) = (card for card in home.slack.reads(BO) if card.buttons == ["Show"])
        await home.slack.presses(CY, "Show", card=line)
        await home.engine.idle()
        assert [card.text for card in home.slack.reads(BO) if card.buttons == ["Show"]] == [PUSH]


async def test_a_person_s_line_is_kept_until_it_is_filled_in_and_no_longer(tmp_path: Path) -> None:
    async with at_home(tmp_path, ANA, BO, CY, DANA) as home:
        await play(home, (*ASKED, *TOGETHER))
        assert home.engine.services.renderer.text(Notice.PUSH) == PUSH
        slots = [
            slot
            for record in await home.engine.services.store.all_of_kind("support")
            if (stored := await home.engine.services.repository.load(record.id)) is not None
            for slot in stored.outbox.slots
        ]
        assert slots
        assert not any(slot.veiled for slot in slots)


def test_with_ten_edits_waiting_a_fill_waits_and_with_more_it_is_left_out() -> None:
    clock = [1000.0]
    limiter = RateLimiter(RATES, now=lambda: clock[0], sleep=no_wait)
    assert limiter.waiting("update") == 0
    for _ in range(10):
        limiter.take_at_once("update")
    assert limiter.waiting("update") == 0
    waiting = []
    for _ in range(13):
        limiter.take_at_once("update")
        waiting.append(limiter.waiting("update"))
    assert waiting == sorted(waiting)
    assert limiter.waiting("update") > 10
    clock[0] += 60
    assert limiter.waiting("update") == 0


class Loud(DirectAdapter):
    """A Slack whose notifications show the blocks, and a bot that does not know."""

    @property
    def notifies_in_full(self) -> bool:
        return False

    def notified(self, who: Person) -> list[tuple[str, ...]]:
        return [(card.push, card.text) for card in self.cards(who)]


async def test_the_law_over_all_dialogues_names_a_notification_that_says_too_much(tmp_path: Path) -> None:
    simulator = Simulator(tmp_path)
    simulator.chats["slack"] = Loud("slack", lambda _: "")
    script = ["Given peers Bo", "Ana types help", "Ana reads …", "Ana presses [Talk to someone soon]", "Ana reads …"]
    with pytest.raises(Disagrees, match=r"Bo is notified  You have a message\. / A colleague would like to talk"):
        await ChatScript(simulator).play(enumerate([*script, "Ana presses [Ask now]"]), lambda _: None)
    await simulator.stop()


async def test_so_does_the_law_over_dialogues_on_the_wire(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SlackAdapter, "notifies_in_full", False)
    async with wired() as simulator:
        script = [
            "Given peers Bo",
            "Ana types help",
            "Ana reads …",
            "Ana presses [Talk to someone soon]",
            "Ana reads …",
        ]
        with pytest.raises(Disagrees, match=r"Bo is notified  You have a message\. / .*colleague would like to talk"):
            await ChatScript(simulator).play(enumerate([*script, "Ana presses [Ask now]"]), lambda _: None)


@pytest.mark.parametrize(
    ("blocks", "desktop"),
    [
        ([], "You have a message."),
        ([{"type": "section", "text": {"type": "mrkdwn", "text": "Checking in."}}], "Checking in."),
        ([{"type": "divider"}, {"type": "header", "text": {"type": "plain_text", "text": "Offer"}}], "Offer"),
        ([{"type": "context", "elements": [{"type": "mrkdwn", "text": "Code name"}]}], "Code name"),
        (
            [
                {"type": "rich_text", "elements": [{"elements": [{"type": "text", "text": "A line"}]}]},
                {"type": "section", "text": {"type": "mrkdwn", "text": "Said"}},
                {"type": "actions", "elements": [{"type": "button", "text": {"type": "plain_text", "text": "Yes"}}]},
            ],
            "A line Said",
        ),
    ],
)
def test_the_fake_slack_derives_a_desktops_notification_from_every_block_and_a_phones_from_the_text(blocks, desktop):
    assert notification({"text": PUSH, "blocks": blocks}) == (PUSH, desktop)


async def test_a_deadline_that_follows_a_question_counts_from_when_it_was_filled_in(tmp_path: Path) -> None:
    async with at_home(tmp_path, ANA, BO, CY, DANA) as home:
        await play(home, ASKED)
        home.slack.fails("chat.update", user=ANA, times=99, status=429, retry_after=600)
        assert (await home.slack.presses(BO, "Yes, I can")).status == 200
        await home.engine.idle()
        before = await choose_by(home)
        home.time.pass_(timedelta(minutes=20))
        assert (await home.slack.presses(ANA, "Show")).status == 200
        await home.engine.idle()
        assert any("Share my name and connect" in card.buttons for card in home.slack.reads(ANA))
        assert await choose_by(home) - before == timedelta(minutes=20)


async def choose_by(home: Home) -> datetime:
    """When the peer is released unless the clinician chooses."""
    (record,) = await home.engine.services.store.all_of_kind("support")
    stored = await home.engine.services.repository.load(record.id)
    assert stored is not None
    deadline: datetime = stored.conversation.deadlines[Timer.CHOOSE]
    return deadline
