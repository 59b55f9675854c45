"""One class of promises, kept by Slack, by Teams and by the playground of the dialogues."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from adapters.base import Adapter, Interaction
from adapters.fakes.direct import DirectAdapter
from adapters.fakes.slack.server import SlackServer
from adapters.fakes.teams.server import TeamsServer
from adapters.lru import LruCache
from adapters.rate_limit import RateLimiter
from adapters.slack import SlackAdapter, SlackApi, SlackWebhook
from adapters.teams import RATES, TeamsAdapter, TeamsWebhook
from bot.server import http
from conversations.model import Person
from tests.adapters.contract import AdapterContract, FakeInbound, Screen
from tests.adapters.slack.harness import NOON, patient
from tests.typed import parse_word


@dataclass
class OverHttp:
    """What Slack and Teams have in common here: stand-ins with the same hands."""

    stand_in: Any
    adapter: Any
    inbound: FakeInbound = field(default_factory=FakeInbound)

    def reads(self, name: str) -> list[Screen]:
        return [Screen(card.text, card.buttons, card.questions) for card in self.stand_in.reads(name)]

    async def presses(self, name: str, label: str, answers: dict[str, Any]) -> None:
        assert (await self.stand_in.presses(name, label, answers)).status == 200

    async def types(self, name: str, text: str) -> None:
        assert (await self.stand_in.types(name, text)).status == 200

    async def again(self) -> None:
        assert (await self.stand_in.again()).status == 200


class SlackWorld(OverHttp):
    def person(self, name: str) -> Person:
        return Person("slack", self.stand_in.team, name)

    async def comes_back(self) -> None:
        self.adapter._channels, self.adapter._profiles = LruCache(), LruCache()

    def is_busy(self) -> None:
        for method in ("chat.postMessage", "chat.update", "conversations.open"):
            self.stand_in.fails(method, status=429, retry_after=7)

    def loses(self, name: str) -> None:
        self.stand_in.fails("conversations.open", user=name, error="user_disabled", times=9)


class TeamsWorld(OverHttp):
    def person(self, name: str) -> Person:
        return Person("teams", self.stand_in.tenant, self.stand_in.aad(name))

    async def comes_back(self) -> None:
        self.adapter._people, self.adapter._services = LruCache(), {}

    def is_busy(self) -> None:
        for method in ("post", "update", "create"):
            self.stand_in.fails(method, retry_after=7)

    def loses(self, name: str) -> None:
        self.stand_in.removes(name)


@dataclass
class PlaygroundWorld:
    adapter: Adapter
    playground: DirectAdapter
    inbound: FakeInbound = field(default_factory=FakeInbound)
    last: Interaction | None = None

    def person(self, name: str) -> Person:
        return self.playground.person(name)

    def reads(self, name: str) -> list[Screen]:
        cards = reversed(self.playground.cards(self.person(name)))
        return [
            Screen(
                "\n".join(part for part in (card.text, card.quote) if part),
                [button.label for button in card.buttons],
                [asked.label for asked in card.fields],
            )
            for card in cards
        ]

    async def presses(self, name: str, label: str, answers: dict[str, Any]) -> None:
        card = next(card for card in self.playground.cards(self.person(name)) if card.buttons)
        button = next(button for button in card.buttons if button.label == label)
        filled = {
            name: tuple(map(self.person, given))
            if name == "leave-out"
            else tuple(given)
            if given != str(given)
            else given
            for name, given in answers.items()
        }
        self.playground.fills(self.person(name), filled)
        self.last = self.playground.press(self.person(name), button, card)
        await self.inbound.receive(self.last)

    async def types(self, name: str, text: str) -> None:
        await self.playground.types(self.person(name), text, self.inbound)

    async def again(self) -> None:
        assert self.last is not None
        await self.inbound.receive(self.last)

    async def comes_back(self) -> None: ...

    def is_busy(self) -> None:
        self.playground.busy = True

    def loses(self, name: str) -> None:
        self.playground.left.add(self.person(name))


class TestSlack(AdapterContract):
    @pytest.fixture
    async def world(self) -> AsyncIterator[SlackWorld]:
        async with SlackServer(now=lambda: NOON) as slack:
            for name in ("Ana", "Bo"):
                slack.joins(name)
            world = SlackWorld(slack, SlackAdapter(slack.token, SlackApi(slack.api_url), pace=patient()))
            await world.adapter.start()
            settings = {"secrets": [slack.secret], "parse_word": parse_word, "now": lambda: NOON}
            webhook = SlackWebhook(world.adapter, world.inbound, **settings)
            served = await http.listen(http.public({"/slack/events": webhook.handle}), "127.0.0.1:0")
            slack.app_url = served.url + "/slack/events"
            yield world
            await served.stop(webhook.drain)
            await world.adapter.close()
            assert slack.mistakes == []


class TestTeams(AdapterContract):
    @pytest.fixture
    async def world(self) -> AsyncIterator[TeamsWorld]:
        async with TeamsServer(now=lambda: NOON) as teams:
            for name in ("Ana", "Bo"):
                teams.joins(name)
            adapter = TeamsAdapter(
                teams.client_id,
                teams.client_secret,
                [teams.tenant],
                now=lambda: NOON,
                openid_url=teams.settings()["TEAMS_OPENID_URL"],
                issuer=teams.login.issuer,
                token_url=teams.settings()["TEAMS_TOKEN_URL"],
                service_hosts=[teams.url],
                pace=RateLimiter(RATES, patience=float("inf"), sleep=_no_wait),
            )
            world = TeamsWorld(teams, adapter)
            await adapter.start()
            webhook = TeamsWebhook(adapter, world.inbound, parse_word=parse_word)
            served = await http.listen(http.public({"/api/messages": webhook.handle}), "127.0.0.1:0")
            teams.app_url = served.url + "/api/messages"
            yield world
            await served.stop(webhook.drain)
            await adapter.close()
            assert teams.mistakes == []


class TestPlayground(AdapterContract):
    @pytest.fixture
    def world(self) -> PlaygroundWorld:
        playground = DirectAdapter("slack", parse_word)
        return PlaygroundWorld(playground, playground)


async def _no_wait(_: float) -> None:
    """Waits are asked for, and take no time."""
