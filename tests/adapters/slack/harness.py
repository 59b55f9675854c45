"""The Slack adapter between a fake engine and a fake Slack, over real HTTP."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from adapters.base import Button, Card, Interaction, Reply
from adapters.fakes.slack.server import SlackServer
from adapters.rate_limit import RateLimiter
from adapters.slack import RATES, SlackAdapter, SlackApi, SlackWebhook
from bot.server import http
from conversations.model import Person
from tests.typed import parse_word

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
REFUSAL = Card("never-shown", "This one is taken care of.", "You have a message.")
WELCOME = Card("welcome-1", "Would you like to talk?", "You have a message.", buttons=(Button("Ask", "tok-ask"),))
_ids = itertools.count()


@dataclass
class FakeInbound:
    """Gives the replies it was given, and remembers what it received."""

    received: list[Interaction] = field(default_factory=list)
    answers: dict[str, Reply] = field(default_factory=dict)  # by token
    failing: Exception | None = None
    waiting: asyncio.Event | None = None  # until it is set, nothing gets written
    withdrawn: list[str] = field(default_factory=list)

    async def receive(self, press: Interaction) -> Reply:
        if self.waiting is not None:
            await self.waiting.wait()
        if self.failing is not None:
            raise self.failing
        self.received.append(press)
        return self.answers.get(press.token, Reply())

    async def home_page(self, person: Person) -> Card:
        return WELCOME

    def refusal(self) -> Card:
        return replace(REFUSAL, id=f"refusal-{next(_ids)}")  # new for every post, as the engine's cards are

    async def access_revoked(self, platform: str) -> None:
        if self.failing is not None:
            raise self.failing
        self.withdrawn.append(platform)


@dataclass
class Harness:
    slack: SlackServer
    adapter: SlackAdapter
    webhook: SlackWebhook
    inbound: FakeInbound

    def person(self, user: str) -> Person:
        return Person("slack", self.slack.team, user)

    async def deliver(self, user: str, card: Card, replacing: str | None = None, address: str | None = None) -> str:
        return await self.adapter.deliver(self.person(user), address, card, replacing)


async def no_wait(_: float) -> None:
    """Waits are asked for, and take no time."""


def patient() -> RateLimiter:
    """A pace that never hands back and never waits."""
    return RateLimiter(RATES, patience=float("inf"), sleep=no_wait)


@asynccontextmanager
async def harness(
    *, pace: RateLimiter | None = None, stand_in: dict[str, Any] | None = None, **more: Any
) -> AsyncIterator[Harness]:
    """Everything wired as the programme wires it."""
    async with SlackServer(now=lambda: NOON, **(stand_in or {})) as slack:
        for user in ("U_ANA", "U_BO"):
            slack.joins(user)
        inbound = FakeInbound()
        adapter = SlackAdapter(slack.token, SlackApi(slack.api_url), pace=pace or patient())
        await adapter.start()
        settings = {"secrets": [slack.secret], "parse_word": parse_word, "now": lambda: NOON} | more
        webhook = SlackWebhook(adapter, inbound, **settings)
        listening = await http.listen(http.public({"/slack/events": webhook.handle}), "127.0.0.1:0")
        slack.app_url = listening.url + "/slack/events"
        try:
            yield Harness(slack, adapter, webhook, inbound)
        finally:
            await listening.stop(webhook.drain)
            await adapter.close()
