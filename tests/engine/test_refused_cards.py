"""A card that a platform refuses is said again plainly with its buttons, then as text; then those who wait are told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.adapters.teams.test_story import in_teams
from tests.stories.scenes import ANA, ASKED, BO, CY, DANA, play
from tests.stories.serve import Home, at_home

CHOSEN = "Bo is a trained peer (Nurse, since 2026)"
BARE = "You have a message.\nWe can't show you buttons here just now. Type status"
REFUSALS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("slack", {"error": "invalid_blocks"}),
    ("slack", {"error": "msg_blocks_too_long"}),
    ("slack", {"status": 413, "html": True}),
    ("slack", {"status": 400, "html": True}),
    ("teams", {"status": 400}),
    ("teams", {"status": 413}),
)


async def bo_says_yes(home: Home, platform: str, times: int, refusal: dict[str, Any]) -> None:
    """Everything up to the news that a peer said yes, which is refused so many times."""
    await play(home, (*ASKED[:-3], *in_teams(ASKED[-3:])) if platform == "teams" else ASKED)
    server: Any = getattr(home, platform)
    for method in ("chat.postMessage", "chat.update") if platform == "slack" else ("post",):
        server.fails(method, user=ANA, times=times, **refusal)
    assert (await home.at(BO).presses(BO, "Yes, I can")).status == 200
    await home.engine.idle()


def on(platform: str) -> tuple[str, ...]:
    return (ANA,) if platform == "teams" else ()


@pytest.mark.parametrize(("platform", "refusal"), REFUSALS)
async def test_refused_once_it_is_said_plainly_with_its_buttons(tmp_path: Path, platform: str, refusal: Any) -> None:
    async with at_home(tmp_path, ANA, BO, CY, DANA, on_teams=on(platform)) as home:
        await bo_says_yes(home, platform, 1, refusal)
        (card,) = (card for card in home.at(ANA).reads(ANA) if card.text.startswith(CHOSEN))
        assert "Share my name and connect" in card.buttons
        assert (await home.at(ANA).presses(ANA, "Share my name and connect")).status == 200
        await home.engine.idle()
        assert any(card.text.startswith("Bo knows your name") for card in home.at(ANA).reads(ANA))


@pytest.mark.parametrize(("platform", "refusal"), [REFUSALS[0], REFUSALS[-1]])
async def test_refused_twice_it_is_text_that_says_what_to_type(tmp_path: Path, platform: str, refusal: Any) -> None:
    async with at_home(tmp_path, ANA, BO, CY, DANA, on_teams=on(platform)) as home:
        await bo_says_yes(home, platform, 2, refusal)
        assert next(card.text for card in home.at(ANA).reads(ANA) if "We can't show" in card.text).startswith(BARE)
        await home.at(ANA).types(ANA, "status")
        await home.engine.idle()
        assert any("Share my name and connect" in card.buttons for card in home.at(ANA).reads(ANA))


@pytest.mark.parametrize(("platform", "refusal"), [REFUSALS[0], REFUSALS[-1]])
async def test_refused_in_every_way_a_coordinator_hears_of_it(tmp_path: Path, platform: str, refusal: Any) -> None:
    async with at_home(tmp_path, ANA, BO, CY, DANA, on_teams=on(platform)) as home:
        await bo_says_yes(home, platform, 3, refusal)
        assert any(card.text.startswith("Someone waits for support") for card in home.at(DANA).reads(DANA))


async def test_what_answers_her_own_typing_is_text_in_full(tmp_path: Path) -> None:
    async with at_home(tmp_path, ANA) as home:
        home.slack.fails("chat.postMessage", user=ANA, times=2, error="invalid_blocks")
        await home.slack.types(ANA, "I want to die")
        await home.engine.idle()
        (card,) = home.slack.reads(ANA)
        assert "988" in card.text
        assert "Type status" in card.text
