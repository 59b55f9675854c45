"""The same story, with kill -9 at every turn: it goes on to the same end, and every card is on screen exactly once."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest

from tests.stories.scenes import ANA, ASKED, BO, GRACE, OFFER, STORY, TOGETHER, Scene, play
from tests.stories.serve import Kept, Story, story

CARDS = ("chat.postMessage", "chat.update", "chat.delete", "response_url")


async def dies(s: Story) -> None:
    await s.serve.kill()
    s.slack.heals()
    await s.serve.start()


async def at_once_after_the_answer(s: Story, scene: Scene) -> None:
    """It is written; hardly anything is delivered."""
    reply = await scene.happens(s)
    assert reply is None or reply.status == 200, f"{scene}: {reply}"
    await dies(s)


async def as_soon_as_everybody_reads_it(s: Story, scene: Scene) -> None:
    """Slack shows it; that it does may not be written yet."""
    await play(s, (scene,))
    await dies(s)


async def while_slack_keeps_us_waiting(s: Story, scene: Scene) -> None:
    """Nothing was shown, and nobody has said so."""
    await _hanging(s, scene, done=False)


async def before_slack_says_that_it_is_done(s: Story, scene: Scene) -> None:
    """It was shown, and nobody has said so."""
    await _hanging(s, scene, done=True)


async def _hanging(s: Story, scene: Scene, *, done: bool) -> None:
    for method in CARDS:
        s.slack.fails(method, times=1, hang=True, done=done)
    before = called(s)
    reply = await scene.happens(s)
    assert reply is None or reply.status == 200, f"{scene}: {reply}"
    if any(scene.then.values()):
        await s.turns(lambda: called(s) > before)
    await dies(s)


def called(s: Story) -> int:
    """How often we called to change what stands in a chat."""
    return s.slack.responses.total() + sum(method in CARDS for method, _ in s.slack.calls)


async def before_the_answer(s: Story, scene: Scene) -> None:
    """Slack hears nothing, and sends it again."""
    if scene.passes:
        await at_once_after_the_answer(s, scene)
        return
    luck = random.Random(str(scene))  # noqa: S311
    doing = asyncio.ensure_future(scene.happens(s))
    for _ in range(luck.randrange(3, 120)):
        await asyncio.sleep(0)
    await dies(s)
    with suppress(aiohttp.ClientError):
        await doing
    again = await s.slack.again()
    assert again.status == 200, f"{scene}: {again}"
    if scene.command is not None and not s.slack.whispered(scene.who):
        s.slack.shows_aside(scene.who, again.json, s.slack.now())


WAYS = (
    at_once_after_the_answer,
    as_soon_as_everybody_reads_it,
    while_slack_keeps_us_waiting,
    before_slack_says_that_it_is_done,
    before_the_answer,
)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__.replace("_", " "))
async def test_killed_at_every_scene_the_story_comes_to_the_same_end(tmp_path: Path, way) -> None:
    async with story(tmp_path) as s:
        for scene in STORY:
            await way(s, scene)
            await s.reads(scene.then)
        closed = s.time.now()
        s.time.set(closed + GRACE)
        await dies(s)
        await s.keeps(lambda kept: kept.kinds() == {"volunteering": 2} and b"U0ANA" not in kept.history)
        await s.reads({})
        assert await s.serve.end() == 0
        assert s.serve.starts == len(STORY) + 2
        shown_at_once = way is not while_slack_keeps_us_waiting
        assert not shown_at_once or set(cards_posted(s).values()) == {1}  # nothing was shown and taken away again
    assert b'"error"' not in s.serve.said


def cards_posted(s: Story) -> Counter[str]:
    """How often each card was put on a screen, by the id it carries."""
    return Counter(args["blocks"][0]["block_id"] for args in s.slack.called("chat.postMessage"))


async def test_a_repeat_is_looked_for_before_it_is_repeated(tmp_path: Path) -> None:
    async with story(tmp_path) as s:
        await play(s, ASKED[:-1])
        s.slack.fails("chat.postMessage", user=BO, hang=True, done=True)
        await s.slack.presses(ANA, "Ask now")
        await s.turns(lambda: len(s.slack.reads(BO)) > 1)
        await dies(s)
        await s.keeps(lambda kept: not kept.owed())
        await s.reads(ASKED[-1].then)
        assert [args["channel"] for args in s.slack.called("conversations.history")].count("D0U0BO") == 1
        assert set(cards_posted(s).values()) == {1}
        assert await s.serve.end() == 0


@pytest.mark.parametrize(("may_look", "offers"), [(True, 1), (False, 2)])
async def test_it_comes_twice_only_where_slack_never_said_and_we_may_not_look(tmp_path: Path, may_look, offers) -> None:
    scopes = "chat:write,commands,im:write,users:read" + (",im:history" if may_look else "")
    async with story(tmp_path, stand_in={"scopes": scopes}) as s:
        await play(s, ASKED[:-1])
        s.slack.fails("chat.postMessage", user=BO, reset=True, done=True)
        await s.slack.presses(ANA, "Ask now")
        await s.slack.until(lambda: len(s.slack.reads(BO)) > 1)
        await s.keeps(lambda kept: kept.owed() == 1)
        pushes = iter(range(12))  # two minutes at most: a connection that was reset may take a second try

        def settled(kept: Kept) -> bool:
            if kept.owed() and next(pushes, None) is not None:
                s.time.pass_(timedelta(seconds=10))
            return not kept.owed()

        await s.keeps(settled)
        repeated = [False] * (offers - 1)  # the neutral line of the post we know nothing of: nobody filled it in
        assert [card.text.startswith(OFFER) for card in s.slack.reads(BO)] == [False, *repeated, True]
        assert set(cards_posted(s).values()) == {1, offers}
        await play(s, TOGETHER[:1]) if may_look else None
        assert await s.serve.end() == 0
    assert b"delivery-looked-for" in s.serve.said  # a repeat is recorded
