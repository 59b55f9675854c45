"""The Teams adapter between a fake engine and a fake Microsoft, over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import aiohttp

from adapters.base import Card
from adapters.fakes.teams.server import TeamsServer
from adapters.rate_limit import RateLimiter
from adapters.teams import RATES, TeamsAdapter, TeamsWebhook
from bot.server import http
from conversations.model import Person
from tests.adapters.slack.harness import NOON, REFUSAL, WELCOME, FakeInbound, no_wait
from tests.typed import parse_word

NOTED = replace(REFUSAL, text="Thank you. This is noted.")
NOT_HERE = replace(REFUSAL, text="Please write to me in a chat of our own.")


@dataclass
class FakeTeamsInbound(FakeInbound):
    """Also says what stands where somebody pressed."""

    stands: dict[str, Card] = field(default_factory=dict)  # by token
    gone: list[Person] = field(default_factory=list)

    def group_notice(self) -> Card:
        return NOT_HERE

    def acknowledgement(self) -> Card:
        return NOTED

    async def current_card(self, by: Person, token: str) -> Card | None:
        return self.stands.get(token)

    async def app_removed(self, person: Person) -> None:
        if self.failing is not None:
            raise self.failing
        self.gone.append(person)


@dataclass
class Harness:
    teams: TeamsServer
    adapter: TeamsAdapter
    webhook: TeamsWebhook
    inbound: FakeTeamsInbound
    clock: list[datetime]

    def person(self, user: str) -> Person:
        return Person("teams", self.teams.tenant, self.teams.aad(user))

    def pass_(self, by: timedelta) -> None:
        self.clock[0] += by

    def waits_at_most(self, seconds: float) -> None:
        """For an answer of Microsoft's."""
        assert self.adapter._http._session is not None
        self.adapter._http._session._timeout = aiohttp.ClientTimeout(total=seconds)

    async def deliver(
        self, user: str, card: Card = WELCOME, replacing: str | None = None, at: str | None = None
    ) -> str:
        return await self.adapter.deliver(self.person(user), at, card, replacing)


def patient() -> RateLimiter:
    """A pace that never hands back and never waits."""
    return RateLimiter(RATES, patience=float("inf"), sleep=no_wait)


def adapter_at(teams: TeamsServer, *, tenants: Sequence[str] = (), **more: Any) -> TeamsAdapter:
    """An adapter that takes this for Microsoft, in its tenant or in these."""
    said = teams.settings()
    return TeamsAdapter(
        said["TEAMS_CLIENT_ID"],
        said["TEAMS_CLIENT_SECRET"],
        tenants or [said["TEAMS_TENANT_ID"]],
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
async def harness(
    *, people: tuple[str, ...] = ("ana", "bo"), patience: float = 9.0, **more: Any
) -> AsyncIterator[Harness]:
    """Everything wired as the programme wires it."""
    clock = [NOON]
    async with TeamsServer(now=lambda: clock[0]) as teams:
        for user in people:
            teams.joins(user)
        inbound, adapter = FakeTeamsInbound(), adapter_at(teams, **more)
        await adapter.start()
        webhook = TeamsWebhook(adapter, inbound, parse_word=parse_word, patience=patience)
        listening = await http.listen(http.public({"/api/messages": webhook.handle}), "127.0.0.1:0")
        teams.app_url = listening.url + "/api/messages"
        try:
            yield Harness(teams, adapter, webhook, inbound, clock)
        finally:
            await listening.stop(webhook.drain)
            await adapter.close()
