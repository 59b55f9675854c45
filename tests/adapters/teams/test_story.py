"""The whole story in Teams, and with people on both platforms: real HTTP, a `serve` in a process of its own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.stories.scenes import ANA, ASKED, BO, CY, DANA, GRACE, GUIDE, MET, NEUTRAL, OFFER, PEER, STORY, Scene, play
from tests.stories.serve import EVERYBODY, Screens, Story, story

WELCOME = "If you can't stay safe"


def in_teams(scenes: tuple[Scene, ...]) -> tuple[Scene, ...]:
    """The same story where nothing typed is answered for the typist's eyes only: Ana's welcome stays in her chat."""

    def welcomed(then: Screens) -> Screens:
        return {who: (WELCOME, *cards) if who == ANA else cards for who, cards in then.items()}

    return tuple(replace(scene, then=welcomed(scene.then)) for scene in scenes)


IN_TEAMS = in_teams(STORY)


@pytest.mark.parametrize(
    ("on_teams", "scenes"),
    [
        (EVERYBODY, IN_TEAMS),
        ((BO,), STORY),
        ((ANA,), IN_TEAMS),
        ((CY, DANA), STORY),
    ],
    ids=[
        "everybody in Teams",
        "a peer in Teams",
        "the clinician in Teams",
        "another peer and the coordinator in Teams",
    ],
)
async def test_the_whole_story_with(tmp_path: Path, on_teams, scenes) -> None:
    async with story(tmp_path, on_teams=on_teams) as s:
        await play(s, scenes)
        s.time.pass_(GRACE)
        of_hers = s.person(ANA).id.encode()
        kept = await s.keeps(lambda kept: kept.kinds() == {"volunteering": 2} and of_hers not in kept.history)
        assert of_hers not in kept.files
        assert await s.serve.end() == 0
    assert b'"error"' not in s.serve.said


async def dies(s: Story) -> None:
    await s.serve.kill()
    s.teams.heals()
    await s.serve.start()


async def before_anything_arrives(s: Story, scene: Scene) -> None:
    """It is written; Teams has done nothing of it."""
    await _hanging(s, scene, done=False)


async def once_everybody_reads_it(s: Story, scene: Scene) -> None:
    """It is shown, and that it is has been written."""
    await play(s, (scene,))
    await s.keeps(lambda kept: not kept.owed())
    await dies(s)


async def before_teams_says_that_it_changed_a_card(s: Story, scene: Scene) -> None:
    """It was changed or taken away, and nobody has said so; a post has not arrived."""
    await _hanging(s, scene, done=True)


async def _hanging(s: Story, scene: Scene, *, done: bool) -> None:
    s.teams.fails("post", times=99, hang=True)
    s.teams.fails("update", times=99, hang=True, done=done)
    s.teams.fails("delete", times=99, hang=True, done=done)
    calls = len(s.teams.calls)
    reply = await scene.happens(s)
    assert reply is None or reply.status == 200, f"{scene}: {reply}"
    if any(scene.then.values()):
        await s.turns(lambda: any(call.method in {"post", "update", "delete"} for call in s.teams.calls[calls:]))
    await dies(s)


WAYS: tuple[Callable[[Story, Scene], Awaitable[None]], ...] = (
    before_anything_arrives,
    once_everybody_reads_it,
    before_teams_says_that_it_changed_a_card,
)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__.replace("_", " "))
async def test_killed_at_every_scene_the_story_in_teams_comes_to_the_same_end(tmp_path: Path, way) -> None:
    """Check-ins come after restarts with nothing inbound: where everybody is reached is in the records."""
    async with story(tmp_path, on_teams=EVERYBODY) as s:
        for scene in IN_TEAMS:
            await way(s, scene)
            await s.reads(scene.then)
        s.time.pass_(GRACE)
        await dies(s)
        await s.keeps(lambda kept: kept.kinds() == {"volunteering": 2})
        assert await s.serve.end() == 0
    assert b'"error"' not in s.serve.said


async def test_a_post_of_which_teams_never_said_whether_it_came_is_said_once_more_and_that_is_recorded(tmp_path):
    async with story(tmp_path, on_teams=EVERYBODY) as s:
        *before, asked = in_teams(ASKED)
        await play(s, tuple(before))
        s.teams.fails("post", user=BO, hang=True, done=True)
        await asked.happens(s)
        await s.turns(lambda: len(s.teams.reads(BO)) > 1)
        await s.keeps(lambda kept: kept.owed() == 1)
        await dies(s)
        await s.keeps(lambda kept: not kept.owed())
        await s.reads({ANA: (WELCOME, "Thank you for asking."), BO: (PEER, OFFER, OFFER), CY: (PEER, OFFER)})
        await s.teams.presses(BO, "Yes, I can")
        agreed = "Thank you. We'll tell you by"
        await s.reads({ANA: (WELCOME, "Bo is a trained peer"), BO: (PEER, OFFER, agreed), CY: (PEER, NEUTRAL)})
        assert await s.serve.end() == 0
    assert b"delivery-looked-for" in s.serve.said


RELAY = (
    *ASKED,
    Scene(
        BO,
        "Yes, I can",
        then={ANA: ("Bo is a trained peer",), BO: (PEER, "Thank you. We'll tell you by"), CY: (PEER, NEUTRAL)},
    ),
    Scene(
        ANA,
        "Stay unnamed and write here",
        then={ANA: ("Bo shared their name with you.",), BO: (PEER, "You can write with", GUIDE)},
    ),
)


async def test_two_on_two_platforms_write_unnamed_and_nothing_of_it_is_kept(tmp_path: Path) -> None:
    async with story(tmp_path, on_teams=(BO,)) as s:
        await play(s, RELAY)
        await s.slack.presses(ANA, "Write")
        await s.slack.presses(ANA, "Send", {"line": "canary-from-slack **bold** <at>Bo</at>"})
        await s.until(lambda: any("canary-from-slack" in card.text for card in s.teams.reads(BO)))
        line = s.teams.reads(BO)[-1]
        assert "canary-from-slack **bold** <at>Bo</at>" in line.text  # as it was written: no markup, no mention
        await s.teams.presses(BO, "Write")
        await s.until(lambda: "Send" in s.teams.reads(BO)[-1].buttons)
        await s.teams.presses(BO, "Send", {"line": "canary-from-teams <!channel>"})
        await s.until(lambda: any("canary-from-teams" in card.text for card in s.slack.reads(ANA)))
        await s.until(lambda: s.teams.reads(BO)[-1].text.startswith("On its way."))
        await s.until(lambda: not any("Send" in card.buttons for card in s.teams.reads(BO)))  # the pen is taken away
        kept = await s.keeps(lambda kept: not kept.owed())
        assert b"canary-from" not in kept.plain()
        await s.slack.presses(ANA, "Close")
        await s.until(lambda: not any("canary" in card.text for card in s.teams.reads(BO)))
        assert await s.serve.end() == 0
    assert b"canary" not in s.serve.said


async def test_by_name_each_gets_what_leads_to_the_other(tmp_path: Path) -> None:
    async with story(tmp_path, on_teams=(BO, CY)) as s:
        await play(s, ASKED)
        await s.teams.presses(BO, "Yes, I can")
        await s.until(lambda: any("Share my name and connect" in card.buttons for card in s.slack.reads(ANA)))
        await s.slack.presses(ANA, "Share my name and connect")
        await s.until(
            lambda: s.slack.reads(ANA)[-1].text.endswith("Bo is on Teams; your hospital's directory has them.")
        )
        await s.until(lambda: any(card.text.startswith(MET) for card in s.teams.reads(BO)))
        met = next(card for card in s.teams.reads(BO) if card.text.startswith(MET))
        assert met.text.endswith("Ana is on Slack; your hospital's directory has them.")
        assert "Write" in met.buttons
        assert await s.serve.end() == 0


async def test_in_teams_a_link_opens_the_private_chat(tmp_path: Path) -> None:
    async with story(tmp_path, on_teams=EVERYBODY) as s:
        await play(s, in_teams(ASKED))
        await s.teams.presses(BO, "Yes, I can")
        await s.until(lambda: any("Share my name and connect" in card.buttons for card in s.teams.reads(ANA)))
        await s.teams.presses(ANA, "Share my name and connect")
        await s.until(lambda: "Open a private chat" in s.teams.reads(ANA)[-1].buttons)
        link = s.teams.reads(ANA)[-1].button("Open a private chat")
        assert link
        assert link["url"] == "https://teams.microsoft.com/l/chat/0/0?users=u0bo@hospital.example"
        assert await s.serve.end() == 0
