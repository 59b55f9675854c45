"""The Teams adapter with a pretend desk behind it and a pretend Microsoft around it, over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import aiohttp
from slack_house import NOON, REFUSAL, WELCOME, FakeDesk, no_wait
from teams_stand_in import TeamsStandIn

from adapters.base import Card
from adapters.pace import Pace
from adapters.teams import RATES, Door, Teams
from bot import web
from conversations import anywhere
from conversations.model import Person

NOTED = replace(REFUSAL, text="Thank you. This is noted.")
NOT_HERE = replace(REFUSAL, text="Please write to me in a chat of our own.")


@dataclass
class TeamsDesk(FakeDesk):
    """Also says what stands where somebody pressed."""

    stands: dict[str, Card] = field(default_factory=dict)  # by token
    gone: list[Person] = field(default_factory=list)

    def not_here(self) -> Card:
        return NOT_HERE

    def noted(self) -> Card:
        return NOTED

    async def current(self, by: Person, token: str) -> Card | None:
        return self.stands.get(token)

    async def left(self, person: Person) -> None:
        if self.failing is not None:
            raise self.failing
        self.gone.append(person)


@dataclass
class House:
    teams: TeamsStandIn
    adapter: Teams
    door: Door
    desk: TeamsDesk
    clock: list[datetime]

    def person(self, user: str) -> Person:
        return Person("teams", self.teams.tenant, self.teams.aad(user))

    def pass_(self, by: timedelta) -> None:
        self.clock[0] += by

    def waits_at_most(self, seconds: float) -> None:
        """For an answer of Microsoft's."""
        assert self.adapter._line._session is not None
        self.adapter._line._session._timeout = aiohttp.ClientTimeout(total=seconds)

    async def show(self, user: str, card: Card = WELCOME, replacing: str | None = None, at: str | None = None) -> str:
        return await self.adapter.show(self.person(user), at, card, replacing)


def patient() -> Pace:
    """A pace that never hands back and never waits."""
    return Pace(RATES, patience=float("inf"), sleep=no_wait)


def adapter_at(teams: TeamsStandIn, **more: Any) -> Teams:
    """An adapter that takes this for Microsoft."""
    said = teams.settings()
    return Teams(
        said["TEAMS_CLIENT_ID"],
        said["TEAMS_CLIENT_SECRET"],
        [said["TEAMS_TENANT_ID"]],
        **{
            "now": teams.now,
            "openid_url": said["TEAMS_OPENID_URL"],
            "issuer": said["TEAMS_ISSUER"],
            "token_url": said["TEAMS_TOKEN_URL"],
            "service_hosts": [said["TEAMS_SERVICE_HOSTS"]],
            "pace": patient(),
        }
        | more,
    )


@asynccontextmanager
async def house(*, people: tuple[str, ...] = ("ana", "bo"), patience: float = 9.0, **more: Any) -> AsyncIterator[House]:
    """Everything wired as the programme wires it."""
    clock = [NOON]
    async with TeamsStandIn(now=lambda: clock[0]) as teams:
        for user in people:
            teams.joins(user)
        desk, adapter = TeamsDesk(), adapter_at(teams, **more)
        await adapter.start()
        door = Door(adapter, desk, hear=anywhere.hear, patience=patience)
        listening = await web.listen(web.public({"/api/messages": door.handle}), "127.0.0.1:0")
        teams.app_url = listening.url + "/api/messages"
        try:
            yield House(teams, adapter, door, desk, clock)
        finally:
            await listening.stop(door.drain)
            await adapter.close()
