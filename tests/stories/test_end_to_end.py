"""The whole story over HTTP with a real `serve`: nothing early, nothing twice, nothing kept."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from conversations.hours import local
from tests.stories.scenes import (
    AFTERWARDS,
    ANA,
    ASKED,
    BO,
    GRACE,
    GUIDE,
    MET,
    PEER,
    STORY,
    THANKS,
    TOGETHER,
    Scene,
    play,
)
from tests.stories.serve import VAULT, Story, story

A_MOMENT = timedelta(seconds=1)


BY_SOCKET = {"app_token": "xapp-stand-in"}


@pytest.fixture(params=["tinydb", "postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    """Where it is kept: in a folder, or there."""
    return str(request.getfixturevalue("new_database")) if request.param == "postgresql" else ""


@pytest.fixture(params=["http", "socket"])
def stand_in(request: pytest.FixtureRequest) -> dict[str, str]:
    """How what people do comes to us."""
    return BY_SOCKET if request.param == "socket" else {}


async def test_ana_is_accompanied_and_forgotten(tmp_path: Path, database: str, stand_in: dict[str, str]) -> None:
    async with story(tmp_path, database=database, stand_in=stand_in) as s:
        await play(s, ASKED)
        early = await s.keeps(lambda kept: not kept.owed())
        await play(s, STORY[len(ASKED) :])
        before = await s.keeps(lambda kept: not kept.owed())
        assert before.kinds()["support"] == 1
        assert b"U0ANA" in before.plain()

        closed = s.time.now()
        await woken_at(s, closed + GRACE - A_MOMENT)
        assert s.kept().kinds()["support"] == 1  # not a moment before it was said
        s.time.set(closed + GRACE)
        assert f"{local(s.time.now(), 'America/New_York'):%B %-d}" == "March 19"  # as Ana was told
        ever = (*early.records.values(), *before.records.values())
        gone = [record for record in ever if record.kind in {"support", "doorstep", "seen"}]
        after = await s.keeps(lambda kept: not any(record.id.encode() in kept.history for record in gone))
        assert await s.serve.end() == 0

    assert after.kinds() == {"volunteering": 2}
    assert b"U0ANA" not in after.plain() + after.history
    assert VAULT.pseudonym("doorstep", s.person(ANA)).encode() not in after.history
    assert not any(record.sealed and record.sealed in after.history for record in gone)
    assert s.slack.reads(ANA) == []  # her cards left before the record did


async def woken_at(s: Story, moment: datetime) -> None:
    """Whatever is due by then is done when this returns: a start does it, and a stop finishes what it began."""
    s.time.set(moment)
    assert await s.serve.end() == 0
    await s.serve.start()
    assert await s.serve.end() == 0
    await s.serve.start()


_TOLD = (PEER, MET, GUIDE, "Ana would like to talk again.")
ASKED_AGAIN = (
    Scene(passes=timedelta(hours=2), then={BO: (*_TOLD, "Have you and Ana talked?")}),
    Scene(BO, "We have talked", then={BO: (*_TOLD, THANKS)}),
)
"""What 0.2.0 did not do, so it is no part of the story that every release tells: talking again is asked after, too."""


async def test_nothing_comes_a_moment_early(tmp_path: Path) -> None:
    async with story(tmp_path) as s:
        await play(s, (*ASKED, *TOGETHER))
        for scene in (*AFTERWARDS[:-2], *ASKED_AGAIN, *AFTERWARDS[-2:]):
            if scene.passes:
                due = s.time.now() + scene.passes
                await woken_at(s, due - A_MOMENT)
                await s.reads({})
                s.time.set(due - scene.passes)
            await play(s, (scene,))


async def test_after_a_hundred_hours_of_downtime_one_check_in_comes(tmp_path: Path) -> None:
    async with story(tmp_path) as s:
        await play(s, (*ASKED, *TOGETHER))
        await s.serve.kill()
        s.time.pass_(timedelta(hours=100))
        posts = len(s.slack.called("chat.postMessage"))
        await s.serve.start()
        await s.slack.until(lambda: any(card.text.startswith("A few days on.") for card in s.slack.reads(ANA)))
        await s.keeps(lambda kept: not kept.owed())
        assert await s.serve.end() == 0
        new = [args["channel"] for args in s.slack.called("chat.postMessage")[posts:]]
        assert new.count("D0U0ANA") == 1
