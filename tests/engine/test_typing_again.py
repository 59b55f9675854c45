"""Who types freely once more finds one answer at the bottom of the chat, not one for every time."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from bot.playground.chat_script import ChatScript
from bot.playground.simulator import PLATFORMS, Simulator

CRISIS = "If you can't stay safe, call or text 988 now."
BEFORE: Mapping[str, tuple[str, ...]] = {
    "nobody was asked for": (),
    "the short card stands": ("Talk to someone soon",),
    "peers are asked": ("Talk to someone soon", "Ask now"),
    "a peer is there": ("Talk to someone soon", "Ask now", "Bo: Yes, I can"),
    "the two write": ("Talk to someone soon", "Ask now", "Bo: Yes, I can", "Stay unnamed and write here"),
    "the peer has finished": (
        *("Talk to someone soon", "Ask now", "Bo: Yes, I can"),
        *("Stay unnamed and write here", "Bo: I've finished"),
    ),
}
TYPED = ("what a night", "and a long week", "is anyone there?")


async def at(stage: str, platform: str, folder: Path) -> ChatScript:
    """A play in which Ana has come as far as this."""
    play = ChatScript(Simulator(folder))
    await play.add_peers("Bo", None, platform)
    await play.has_account("Ana", platform)
    await types(play, "Ana", "help")
    for press in BEFORE[stage]:
        who, _, label = press.rpartition(": ")
        await play.presses(who or "Ana", label)
        await play.simulator.settle()
    return play


async def types(play: ChatScript, who: str, text: str) -> None:
    """Somebody types this, and all of it is answered."""
    await play.types(who, text)
    await play.simulator.settle()


def shown(play: ChatScript, who: str) -> list[str]:
    """What stands in their chat, newest last."""
    return [card.text for card in reversed(play.simulator.chat(who).cards(play.simulator.person(who)))]


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("stage", BEFORE)
async def test_typing_again_replaces_the_last_answer_and_says_the_crisis_line_once_and_first(
    tmp_path: Path, stage: str, platform: str
):
    play = await at(stage, platform, tmp_path)
    before = shown(play, "Ana")
    await types(play, "Ana", TYPED[0])
    once = shown(play, "Ana")
    answers = [text for text in once if "keep what you typed" in text]
    assert [text.startswith(CRISIS) for text in answers] == [True], "no answer, or more than one"
    new = once[once.index(answers[0]) :]
    assert len(new) == (1 if stage == "nobody was asked for" else 2), "where they stand comes below"
    assert all(text.count(CRISIS) <= 1 for text in new)
    for typed in TYPED[1:]:
        await types(play, "Ana", typed)
        assert shown(play, "Ana") == once, "the answers pile up"
    assert set(once) - {answers[0]} <= set(before)


@pytest.mark.parametrize("platform", PLATFORMS)
async def test_a_peer_who_types_again_is_answered_once_beside_the_cards_of_the_walk(tmp_path: Path, platform: str):
    play = await at("the two write", platform, tmp_path)
    before = shown(play, "Bo")
    for typed in TYPED:
        await types(play, "Bo", typed)
        *walk, answer = shown(play, "Bo")
        assert walk == before
        assert answer.startswith(CRISIS)
        assert answer.count(CRISIS) == 1
