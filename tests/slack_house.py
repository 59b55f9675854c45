"""The Slack adapter with a pretend desk behind it and a pretend Slack around it, over real HTTP."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from slack_stand_in import SlackStandIn

from adapters.base import Answer, Button, Card, Press
from adapters.pace import Pace
from adapters.slack import RATES, Door, Slack
from bot import web
from conversations import anywhere
from conversations.model import Person

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
REFUSAL = Card("never-shown", "This no longer needs you.", "You have a message.")
WELCOME = Card("welcome-1", "Would you like to talk?", "You have a message.", buttons=(Button("Ask", "tok-ask"),))
_ids = itertools.count()


@dataclass
class FakeDesk:
    """Says what it was told to say, and remembers what it heard."""

    heard: list[Press] = field(default_factory=list)
    answers: dict[str, Answer] = field(default_factory=dict)  # by token
    failing: Exception | None = None
    waiting: asyncio.Event | None = None  # until it is set, nothing gets written
    withdrawn: list[str] = field(default_factory=list)

    async def receive(self, press: Press) -> Answer:
        if self.waiting is not None:
            await self.waiting.wait()
        if self.failing is not None:
            raise self.failing
        self.heard.append(press)
        return self.answers.get(press.token, Answer())

    async def home(self, person: Person) -> Card:
        return WELCOME

    def refusal(self) -> Card:
        return replace(REFUSAL, id=f"refusal-{next(_ids)}")  # new for every post, as a desk's cards are

    async def shut(self, platform: str) -> None:
        if self.failing is not None:
            raise self.failing
        self.withdrawn.append(platform)


@dataclass
class House:
    slack: SlackStandIn
    adapter: Slack
    door: Door
    desk: FakeDesk

    def person(self, user: str) -> Person:
        return Person("slack", self.slack.team, user)

    async def show(self, user: str, card: Card, replacing: str | None = None, address: str | None = None) -> str:
        return await self.adapter.show(self.person(user), address, card, replacing)


async def no_wait(_: float) -> None:
    """Waits are asked for, and take no time."""


def patient() -> Pace:
    """A pace that never hands back and never waits."""
    return Pace(RATES, patience=float("inf"), sleep=no_wait)


@asynccontextmanager
async def house(
    *, pace: Pace | None = None, stand_in: dict[str, Any] | None = None, **door: Any
) -> AsyncIterator[House]:
    """Everything wired as the programme wires it."""
    async with SlackStandIn(now=lambda: NOON, **(stand_in or {})) as slack:
        for user in ("U_ANA", "U_BO"):
            slack.joins(user)
        desk = FakeDesk()
        adapter = Slack(slack.token, api_url=slack.api_url, pace=pace or patient())
        await adapter.start()
        settings = {"secrets": [slack.secret], "hear": anywhere.hear, "now": lambda: NOON} | door
        entrance = Door(adapter, desk, **settings)
        listening = await web.listen(web.public({"/slack/events": entrance.handle}), "127.0.0.1:0")
        slack.app_url = listening.url + "/slack/events"
        try:
            yield House(slack, adapter, entrance, desk)
        finally:
            await listening.stop(entrance.drain)
            await adapter.close()
