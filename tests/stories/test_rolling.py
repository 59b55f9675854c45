"""Deploying at noon: versions take turns on one store, or serve side by side, and no field and no word is lost."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from tests.stories.other_versions import GO_BACK, RELEASES, coming, lost, parts, released
from tests.stories.scenes import GRACE, STORY, in_any_release, play
from tests.stories.serve import Kept, Serve, Story, story

OURS_ALONE = {"Ask now", "Okay"}
"""What a replica of the last release cannot answer: it asks to press again, or does not find who has finished."""


class Roll:
    """One hospital's programme, in one version after another, or in two at once."""

    def __init__(self, s: Story, ending: AsyncExitStack) -> None:
        self.s, self._ending = s, ending

    async def another(self, root: Path) -> Serve:
        """A `serve` that is run from this folder; it has not started yet."""
        serve = Serve(self.s.time.path, self.s.serve.settings, root)
        self._ending.push_async_callback(serve.close)
        await serve.warm_up()
        return serve

    def called(self, serve: Serve) -> None:
        """From here on the platforms call this one."""
        self.s.serve = serve
        self.s.slack.app_url = f"http://{serve.public}/slack/events"
        self.s.teams.app_url = f"http://{serve.public}/api/messages"

    async def goes_on_with(self, serve: Serve) -> None:
        """The one that serves ends, as it does in a roll, and this one begins where it was."""
        if serve is not self.s.serve:
            assert await self.s.serve.end() == 0
            await serve.start()
            self.called(serve)

    async def settled(self) -> Kept:
        return await self.s.keeps(lambda kept: not kept.owed())

    async def end_well(self, *serves: Serve) -> None:
        for serve in serves:
            assert await serve.end() == 0
            assert b"Traceback" not in serve.said
            assert b"record-failed" not in serve.said

    async def is_forgotten(self) -> None:
        self.s.time.pass_(GRACE)
        await self.s.keeps(lambda kept: set(kept.kinds()) <= {"volunteering", "seen"})


@asynccontextmanager
async def roll(s: Story) -> AsyncIterator[Roll]:
    async with AsyncExitStack() as ending:
        yield Roll(s, ending)


# ---------------------------------------------------------------- one after the other, on the embedded store


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("scenes", [6, 12, 18])
async def test_a_release_hands_over_to_us_with_requests_open(tmp_path: Path, release: str, scenes: int) -> None:
    """Whatever stood in its folder goes on to the end."""
    old = released(release, tmp_path / "old")
    async with story(tmp_path) as s, roll(s) as versions:
        ours, theirs = s.serve, await versions.another(old)
        await ours.end()
        shutil.rmtree(s.folder)
        await theirs.start()
        versions.called(theirs)
        await play(s, in_any_release(STORY[:scenes]))
        await versions.goes_on_with(ours)
        await play(s, in_any_release(STORY[scenes:]))
        await versions.is_forgotten()
        await versions.end_well(ours)


@pytest.mark.parametrize("release", GO_BACK)
async def test_a_release_hands_over_to_us_takes_back_and_hands_over_again(tmp_path: Path, release: str) -> None:
    """Upgrade, downgrade, upgrade, with requests open all the while."""
    old = released(release, tmp_path / "old")
    async with story(tmp_path) as s, roll(s) as versions:
        ours, theirs = s.serve, await versions.another(old)
        for number, scene in enumerate(STORY):
            await versions.goes_on_with(theirs if number // 4 % 2 == 0 else ours)
            await play(s, in_any_release((scene,)))
        await versions.goes_on_with(ours)
        await versions.is_forgotten()
        await versions.end_well(ours)


THEIRS = {0, 1, 8, 9, 10, 15, 16, 20}  # the scenes in which the next version serves; somebody asks in 8 to 10
IN_EVERY_PART = {"request", "offer", "peer", "doorstep", "slot"}


async def test_we_lose_nothing_of_what_the_next_version_writes(tmp_path: Path) -> None:
    """It serves first, then we, then it again: every field of its own is where it put it, as long as its place is."""
    new = coming(tmp_path / "new")
    seen: set[str] = set()
    carried = 0
    async with story(tmp_path) as s, roll(s) as versions:
        ours, theirs = s.serve, await versions.another(new)
        before = parts(await versions.settled())
        for number, scene in enumerate(STORY):
            await versions.goes_on_with(theirs if number in THEIRS else ours)
            await play(s, in_any_release((scene,)))
            after = parts(await versions.settled())
            assert lost(before, after) == set()
            carried += number not in THEIRS and sum(map(bool, after.values()))
            before = after
            seen |= set(after.values())
        assert seen >= IN_EVERY_PART
        assert carried > len(STORY)
        await versions.goes_on_with(theirs)
        await versions.is_forgotten()
        await versions.end_well(theirs)


# ---------------------------------------------------------------- both at once, on PostgreSQL


@pytest.mark.parametrize("release", GO_BACK)
async def test_a_release_and_we_serve_one_story_side_by_side(tmp_path: Path, new_database: str, release: str) -> None:
    """As in a roll: each press goes to the other one, and whoever wakes first does what is due.

    A button that the release does not have is answered there as an old card is, and pressed again; here it is ours.
    """
    old = released(release, tmp_path / "old")
    async with story(tmp_path, database=new_database) as s, roll(s) as versions:
        ours, theirs = s.serve, await versions.another(old)
        await theirs.start()
        for number, scene in enumerate(STORY):
            versions.called(theirs if number % 2 == 0 and scene.presses not in OURS_ALONE else ours)
            await play(s, in_any_release((scene,)))
        await versions.is_forgotten()
        await versions.end_well(ours, theirs)


async def test_two_versions_side_by_side_serve_one_story(tmp_path: Path, new_database: str) -> None:
    """Behind a balancer that sends each press to the other one; whoever wakes first does what is due."""
    new = coming(tmp_path / "new")
    seen: set[str] = set()
    async with story(tmp_path, database=new_database) as s, roll(s) as versions:
        ours, theirs = s.serve, await versions.another(new)
        await theirs.start()
        before = parts(await versions.settled())
        for number, scene in enumerate(STORY):
            begins = scene.presses == "Talk to someone soon"  # what the newer one has begun is in danger
            versions.called(theirs if begins or number % 2 == 0 else ours)
            await play(s, in_any_release((scene,)))
            after = parts(await versions.settled())
            assert lost(before, after) == set()
            before = after
            seen |= set(after.values())
        assert seen >= IN_EVERY_PART
        await versions.is_forgotten()
        await versions.end_well(ours, theirs)
