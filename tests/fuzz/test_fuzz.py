"""Some hundred hostile requests at each route; `make fuzz` sends a hundred thousand, and follows what they reach."""

from __future__ import annotations

import pytest

from tests.fuzz.choosing import Luck
from tests.fuzz.requests import HostileRequest, OnSlack
from tests.fuzz.target import ROUTES, Broken, target

SOME = 300


@pytest.mark.parametrize("route", ROUTES)
async def test_no_hostile_request_fails_has_an_effect_or_leaves_a_byte_in_a_log(route: str) -> None:
    luck = Luck(20261130)
    async with target(route) as knocked:
        for _ in range(SOME):
            await knocked.take(luck)
        await knocked.look()
    kinds = {kind for kind, _ in knocked.answered}
    assert {"unsigned", "wrongly signed", "signed bytes", "signed payload"} <= kinds


async def test_a_request_that_has_an_effect_is_found() -> None:
    async with target("slack") as knocked:
        assert isinstance(knocked.maker, OnSlack)
        slack = knocked.maker.slack
        knocked.maker.make = lambda _: HostileRequest("a press", lambda: slack.presses("Ana", "Change my mind"))
        await knocked.take(Luck(1))
        with pytest.raises(Broken, match="a record was written"):
            await knocked.look()
