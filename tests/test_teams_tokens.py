"""The token by which Microsoft knows us: one for many, changed in time, and asked for once whoever needs it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from slack_house import NOON, WELCOME
from teams_house import adapter_at, house
from teams_stand_in import TeamsStandIn

from adapters.base import Stopped, TryLater
from conversations.model import Person

HOUR = timedelta(hours=1)
DOWN: tuple[Mapping[str, Any], ...] = (
    {"status": 500},
    {"status": 503, "html": True},
    {"retry_after": 9},
    {"reset": True},
    {"status": 200, "html": True},
    {"status": 200, "body": {}},
    {"status": 200, "body": []},
    {"status": 200, "body": {"access_token": 7, "expires_in": 3600}},
    {"status": 302},
)


async def test_a_token_is_changed_five_minutes_before_it_ends_and_nobody_waits_for_it() -> None:
    async with house() as h:
        await h.show("ana")
        h.pass_(HOUR - timedelta(minutes=5, seconds=1))
        await h.show("ana")
        assert h.teams.tokens == 1
        h.pass_(timedelta(seconds=1))
        h.teams.fails("token", hang=True)
        await asyncio.gather(*(h.show("ana") for _ in range(50)))
        assert len(h.teams.called("token")) <= 2  # one that hangs is no reason for another
        assert len(h.teams.used_tokens) == 1


async def test_a_new_token_is_used_once_it_has_come() -> None:
    async with house() as h:
        await h.show("ana")
        h.pass_(HOUR - timedelta(minutes=5))
        await h.show("ana")
        await h.teams.until(lambda: h.teams.tokens == 2)
        await asyncio.gather(*h.adapter._tokens._asking.values())
        h.pass_(timedelta(minutes=6))
        await h.show("ana")
        assert (h.teams.tokens, len(h.teams.used_tokens)) == (2, 2)


@pytest.mark.parametrize("fault", DOWN, ids=str)
async def test_a_token_that_is_still_good_is_used_while_there_is_no_other(fault: Mapping[str, Any]) -> None:
    async with house() as h:
        h.pass_(HOUR - timedelta(minutes=4))
        h.teams.fails("token", times=99, **fault)
        for _ in range(3):
            await h.show("ana")
            await asyncio.gather(*h.adapter._tokens._asking.values(), return_exceptions=True)
        h.pass_(timedelta(minutes=4))
        with pytest.raises(TryLater):
            await h.show("ana")
        h.teams.heals()
        await h.show("ana")
        assert len(h.teams.reads("ana")) == 4


async def test_fifty_who_need_a_token_ask_once_and_hear_the_same_yes_or_no() -> None:
    async with house() as h:
        await asyncio.gather(h.show("ana"), h.show("bo"))  # where they are reached is known
        h.pass_(2 * HOUR)
        h.teams.fails("token", status=503)
        asked = len(h.teams.called("token"))
        heard = await asyncio.gather(*(h.show("ana") for _ in range(50)), return_exceptions=True)
        assert {type(each) for each in heard} == {TryLater}
        assert len(h.teams.called("token")) == asked + 1
        await asyncio.gather(*(h.show("ana") for _ in range(50)))
        assert len(h.teams.called("token")) == asked + 2


async def test_a_token_that_is_not_taken_is_changed_once_whoever_holds_it() -> None:
    async with house() as h:
        await asyncio.gather(h.show("ana"), h.show("bo"))
        h.teams.revokes()
        await asyncio.gather(*(h.show("ana") for _ in range(50)))
        assert h.teams.tokens == 2
        assert len(h.teams.reads("ana")) == 51


async def test_a_fresh_token_that_is_not_taken_either_stops_everything() -> None:
    async with house() as h:
        ref = await h.show("ana")
        for method, deed in (
            ("post", lambda: h.show("ana")),
            ("update", lambda: h.show("ana", WELCOME, ref)),
            ("delete", lambda: h.adapter.erase(ref, WELCOME)),
            ("create", lambda: h.show("bo")),
            ("member", lambda: h.adapter.profile(h.person("ana"))),
        ):
            before = len(h.teams.called(method))
            h.teams.fails(method, status=401, times=2)
            with pytest.raises(Stopped):
                await deed()
            assert len(h.teams.called(method)) == before + 2


async def test_a_secret_that_is_not_taken_stops_at_the_start_and_later() -> None:
    async with TeamsStandIn(now=lambda: NOON) as teams:
        adapter = adapter_at(teams)
        await adapter.start()
        teams.client_secret = "rotated"
        teams.revokes()
        teams.joins("ana")
        with pytest.raises(Stopped):
            await adapter.show(Person("teams", teams.tenant, teams.aad("ana")), None, WELCOME, None)
        await adapter.close()
        again = adapter_at(teams)
        teams.client_secret = "rotated once more"
        with pytest.raises(Stopped):
            await again.start()
        await again.close()


@pytest.mark.parametrize("lasts", [None, "", "soon", "3600", 0, -5, 1e400, [], {}, "NaN", True, 10**12])
async def test_a_token_whose_end_makes_no_sense_is_used_all_the_same(lasts: object) -> None:
    async with house() as h:
        h.pass_(2 * HOUR)
        good = "stand-in-x"
        h.teams._granted[good] = (NOON + 5 * HOUR).timestamp()
        h.teams.fails("token", status=200, body={"access_token": good, "expires_in": lasts})
        await h.show("ana")
        assert h.teams.used_tokens == {good}


async def test_a_press_that_does_not_wait_leaves_the_question_for_those_who_do() -> None:
    """Whoever goes away first does not take the others' token with them."""
    async with house() as h:
        await asyncio.gather(h.show("ana"), h.show("bo"))
        h.pass_(2 * HOUR)
        first, second = (asyncio.ensure_future(h.adapter._tokens.get(h.teams.tenant)) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        assert await second
        assert len(h.teams.called("token")) == 2
