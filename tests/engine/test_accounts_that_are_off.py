"""An account that is off still accepts posts: who would not read is not offered anything, asked, or alarmed."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from bot.engine.delivery import FAILURES
from conversations.model import Person
from tests.adapters.teams.harness import harness as teams_harness
from tests.stories.scenes import ANA, ASKED, BO, CY, DANA, TOGETHER, play
from tests.stories.serve import Home, at_home

ONE = "Thank you for asking. We've asked one colleague."


def switch_off(home: Home, who: str) -> None:
    """Slack says so only to those who ask."""
    home.slack.people[who]["deleted"] = True
    home.time.pass_(timedelta(hours=1))


async def test_a_peer_whose_account_is_off_is_not_offered_and_not_counted(tmp_path: Path) -> None:
    async with at_home(tmp_path, ANA, BO, CY, DANA) as home:
        await play(home, ASKED[:-3])
        before = len(home.slack.reads(BO))
        switch_off(home, BO)
        await play(home, ASKED[-3:-1])
        assert (await home.slack.presses(ANA, "Ask now")).status == 200
        await home.engine.idle()
        assert len(home.slack.reads(BO)) == before
        assert any(card.text.startswith(ONE) for card in home.slack.reads(ANA))


async def test_a_clinician_whose_account_is_off_is_not_asked_how_she_is(tmp_path: Path) -> None:
    async with at_home(tmp_path, ANA, BO, CY, DANA) as home:
        await play(home, (*ASKED, *TOGETHER))
        before = len(home.slack.called("chat.postMessage"))
        switch_off(home, ANA)
        home.time.pass_(timedelta(hours=23))
        await home.engine.wake()
        await home.engine.idle()
        posts = home.slack.called("chat.postMessage")[before:]
        assert [call for call in posts if home.slack.spaces.owner(call["channel"]) == ANA] == []
        assert any("we can no longer reach them" in card.text for card in home.slack.reads(DANA))


async def test_an_answer_that_takes_too_long_holds_nothing_back(tmp_path: Path) -> None:
    async with at_home(tmp_path, ANA, BO, CY, DANA) as home:
        await play(home, ASKED[:-3])
        home.time.pass_(timedelta(hours=1))
        await play(home, ASKED[-3:-1])
        home.slack.fails("users.info", user=BO, times=9, hang=True)
        assert (await home.slack.presses(ANA, "Ask now")).status == 200
        await home.engine.idle()
        assert any("A colleague would like to talk" in card.text for card in home.slack.reads(BO))


async def test_on_slack_a_person_is_looked_at_once_an_hour_and_when_slack_says_so(tmp_path: Path) -> None:
    async with at_home(tmp_path, ANA, BO, CY, DANA) as home:
        person, adapter = Person("slack", home.slack.team, ANA), home.engine.services.adapters["slack"]
        for hours, asked in ((0, 1), (0, 1), (1, 2), (0, 2)):
            home.time.pass_(timedelta(hours=hours))
            assert not (await adapter.profile(person)).left
            assert len(home.slack.called("users.info")) == asked
        await home.slack.changes(ANA, deleted=True)
        assert (await adapter.profile(person)).left


async def test_on_teams_the_conversation_tells_who_is_in_it() -> None:
    async with teams_harness() as h:
        assert not (await h.adapter.profile(h.person("ana"))).left
        h.teams.fails("member", status=404, times=9)
        assert not (await h.adapter.profile(h.person("ana"))).left
        h.pass_(timedelta(hours=1))
        assert (await h.adapter.profile(h.person("ana"))).left
        h.teams.heals()
        h.teams.fails("member", status=503, times=9)
        assert not (await h.adapter.profile(h.person("ana"))).left  # what was known goes on


@pytest.mark.parametrize("error", ["is_inactive", "user_is_restricted", "channel_is_limited_access"])
async def test_a_refusal_about_one_person_ends(tmp_path: Path, error: str) -> None:
    async with at_home(tmp_path, ANA, BO, CY, DANA) as home:
        await play(home, ASKED[:-1])
        home.slack.fails("chat.postMessage", user=BO, times=99, error=error)
        assert (await home.slack.presses(ANA, "Ask now")).status == 200
        await home.engine.idle()
        assert any(card.text.startswith(ONE) for card in home.slack.reads(ANA))


async def test_a_refusal_that_has_no_name_here_ends_too(tmp_path: Path) -> None:
    async with at_home(tmp_path, ANA, BO, CY, DANA) as home:
        await play(home, ASKED[:-1])
        home.slack.fails("chat.postMessage", user=BO, times=99, error="never_heard_of")
        assert (await home.slack.presses(ANA, "Ask now")).status == 200
        await home.engine.idle()
        for _ in range(30):
            home.time.pass_(timedelta(minutes=15))
            await home.engine.wake()
            await home.engine.idle()
        (fault,) = home.slack.faults.waiting
        assert 99 - fault.times <= FAILURES + 1
