"""The token by which Microsoft knows us: one for many, changed in time, and asked for once whoever needs it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from adapters.base import AccessRevoked, RetryLater
from adapters.fakes.teams.server import TeamsServer
from conversations.model import Person
from tests.adapters.slack.harness import NOON, WELCOME
from tests.adapters.teams.harness import adapter_at, harness

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
    async with harness() as h:
        await h.deliver("ana")
        h.pass_(HOUR - timedelta(minutes=5, seconds=1))
        await h.deliver("ana")
        assert h.teams.login.tokens == 1
        h.pass_(timedelta(seconds=1))
        h.teams.fails("token", hang=True)
        await asyncio.gather(*(h.deliver("ana") for _ in range(50)))
        assert len(h.teams.called("token")) <= 2  # one that hangs is no reason for another
        assert len(h.teams.used_tokens) == 1


async def test_a_new_token_is_used_once_it_has_come() -> None:
    async with harness() as h:
        await h.deliver("ana")
        h.pass_(HOUR - timedelta(minutes=5))
        await h.deliver("ana")
        await h.teams.until(lambda: h.teams.login.tokens == 2)
        await asyncio.gather(*h.adapter._tokens._requests.values())
        h.pass_(timedelta(minutes=6))
        await h.deliver("ana")
        assert (h.teams.login.tokens, len(h.teams.used_tokens)) == (2, 2)


@pytest.mark.parametrize("fault", DOWN, ids=str)
async def test_a_token_that_is_still_good_is_used_while_there_is_no_other(fault: Mapping[str, Any]) -> None:
    async with harness() as h:
        h.pass_(HOUR - timedelta(minutes=4))
        h.teams.fails("token", times=99, **fault)
        for _ in range(3):
            await h.deliver("ana")
            await asyncio.gather(*h.adapter._tokens._requests.values(), return_exceptions=True)
        h.pass_(timedelta(minutes=4))
        with pytest.raises(RetryLater):
            await h.deliver("ana")
        h.teams.heals()
        await h.deliver("ana")
        assert len(h.teams.reads("ana")) == 4


async def test_fifty_who_need_a_token_ask_once_and_hear_the_same_yes_or_no() -> None:
    async with harness() as h:
        await asyncio.gather(h.deliver("ana"), h.deliver("bo"))  # where they are reached is known
        h.pass_(2 * HOUR)
        h.teams.fails("token", status=503)
        asked = len(h.teams.called("token"))
        received = await asyncio.gather(*(h.deliver("ana") for _ in range(50)), return_exceptions=True)
        assert {type(each) for each in received} == {RetryLater}
        assert len(h.teams.called("token")) == asked + 1
        await asyncio.gather(*(h.deliver("ana") for _ in range(50)))
        assert len(h.teams.called("token")) == asked + 2


async def test_a_token_that_is_not_taken_is_changed_once_whoever_holds_it() -> None:
    async with harness() as h:
        await asyncio.gather(h.deliver("ana"), h.deliver("bo"))
        h.teams.login.revokes()
        await asyncio.gather(*(h.deliver("ana") for _ in range(50)))
        assert h.teams.login.tokens == 2
        assert len(h.teams.reads("ana")) == 51


async def test_a_fresh_token_that_is_not_taken_either_is_believed_after_a_minute_without_success() -> None:
    async with harness() as h:
        ref = await h.deliver("ana")
        h.teams.fails("post", status=401, times=2)
        with pytest.raises(RetryLater) as later:
            await h.deliver("ana")
        assert later.value.after <= timedelta(seconds=5)
        h.pass_(timedelta(seconds=59))
        assert await h.adapter.is_accepted() is False
        await h.deliver("ana")
        assert await h.adapter.is_accepted()
        h.pass_(timedelta(seconds=2))
        h.teams.fails("post", status=401, times=2)
        with pytest.raises(RetryLater):
            await h.deliver("ana")
        h.pass_(timedelta(seconds=61))
        for method, deed in (
            ("post", lambda: h.deliver("ana")),
            ("update", lambda: h.deliver("ana", WELCOME, ref)),
            ("delete", lambda: h.adapter.erase(ref, WELCOME)),
            ("create", lambda: h.deliver("bo")),
            ("member", lambda: h.adapter.profile(h.person("ana"))),
        ):
            before = len(h.teams.called(method))
            h.teams.fails(method, status=401, times=2)
            with pytest.raises(AccessRevoked):
                await deed()
            assert len(h.teams.called(method)) == before + 2


async def test_what_one_tenant_of_several_refuses_shuts_nobody_out_of_the_others() -> None:
    other = "0e0e0e0e-1111-4222-8333-444455556666"
    async with harness() as h:
        adapter = adapter_at(h.teams, tenants=(other, h.teams.tenant))
        adapter._http.open()
        here, there = h.person("ana"), Person("teams", other, "eva")
        await adapter.deliver(here, None, WELCOME, None)
        with pytest.raises(RetryLater) as later:
            await adapter.deliver(there, None, WELCOME, None)  # its directory gives us no token
        assert later.value.after <= timedelta(minutes=1)
        assert await adapter.is_accepted()
        h.teams.fails("post", status=403, error="BotDisabledByAdmin", times=2)
        with pytest.raises(RetryLater):
            await adapter.deliver(here, None, WELCOME, None)
        h.pass_(timedelta(minutes=1))
        with pytest.raises(AccessRevoked):
            await adapter.deliver(here, None, WELCOME, None)  # now nobody is left
        assert await adapter.is_accepted() is False
        await adapter.close()


async def test_a_secret_that_is_not_taken_stops_at_the_start_and_later() -> None:
    async with TeamsServer(now=lambda: NOON) as teams:
        adapter = adapter_at(teams)
        await adapter.start()
        teams.client_secret = "rotated"
        teams.login.revokes()
        teams.joins("ana")
        with pytest.raises(AccessRevoked):
            await adapter.deliver(Person("teams", teams.tenant, teams.aad("ana")), None, WELCOME, None)
        await adapter.close()
        again = adapter_at(teams)
        teams.client_secret = "rotated once more"
        with pytest.raises(AccessRevoked):
            await again.start()
        await again.close()


@pytest.mark.parametrize("lasts", [None, "", "soon", "3600", 0, -5, 1e400, [], {}, "NaN", True, 10**12])
async def test_a_token_whose_end_makes_no_sense_is_used_all_the_same(lasts: object) -> None:
    async with harness() as h:
        h.pass_(2 * HOUR)
        good = "stand-in-x"
        h.teams.login.granted[good] = (NOON + 5 * HOUR).timestamp()
        h.teams.fails("token", status=200, body={"access_token": good, "expires_in": lasts})
        await h.deliver("ana")
        assert h.teams.used_tokens == {good}


async def test_a_press_that_does_not_wait_leaves_the_question_for_those_who_do() -> None:
    """Whoever goes away first does not take the others' token with them."""
    async with harness() as h:
        await asyncio.gather(h.deliver("ana"), h.deliver("bo"))
        h.pass_(2 * HOUR)
        first, second = (asyncio.ensure_future(h.adapter._tokens.get(h.teams.tenant)) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        assert await second
        assert len(h.teams.called("token")) == 2
