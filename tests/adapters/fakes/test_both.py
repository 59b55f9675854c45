"""What both fakes promise to a bot and to a test, over real sockets and in this process."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, quote

import aiohttp
import pytest
from aiohttp import web

from adapters.fakes.base import Call
from adapters.fakes.network import InProcess, Loopback, Network
from adapters.fakes.slack.core import FakeSlack
from adapters.fakes.slack.server import SlackServer
from adapters.fakes.teams.limits import CARD_TYPE
from adapters.fakes.teams.login import SCOPE
from adapters.fakes.teams.server import TeamsServer

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HELLO = "You have a message."


@dataclass
class Said:
    """What a platform answered to a call of the bot."""

    status: int
    headers: Any
    body: Any

    @property
    def refused(self) -> bool:
        return self.status >= 400 or (isinstance(self.body, dict) and self.body.get("ok") is False)


@dataclass
class Bot:
    """The least of a bot: it calls a platform by hand, and remembers what the platform sends."""

    fake: Any
    network: Network
    session: aiohttp.ClientSession
    heard: list[bytes] = field(default_factory=list)
    token: str = ""

    async def hears(self, request: web.Request) -> web.Response:
        self.heard.append(await request.read())
        return web.Response()

    async def call(self, verb: str, path: str, body: Any = None) -> Said:
        headers = {"Authorization": f"Bearer {self.token}"}
        async with self.session.request(verb, self.fake.url + path, json=body, headers=headers) as answer:
            is_json = answer.content_type == "application/json"
            return Said(answer.status, answer.headers, await answer.json() if is_json else await answer.text())


class OnSlack(Bot):
    """Slack's methods, and how a press reads."""

    post_method, edit_method = "chat.postMessage", "chat.update"

    async def begin(self) -> None:
        self.token = self.fake.token

    def blocks(self, text: str) -> list[dict[str, Any]]:
        button = {"type": "button", "action_id": "press", "text": {"type": "plain_text", "text": "Go"}, "value": "tok"}
        section = {"type": "section", "text": {"type": "plain_text", "text": text}}
        return [section, {"type": "actions", "elements": [button]}]

    async def post(self, user: str, text: str) -> Said:
        args = {"channel": self.fake.spaces.chat(user), "text": HELLO, "blocks": self.blocks(text)}
        return await self.call("POST", "/api/chat.postMessage", args)

    async def edit(self, user: str, posted: Said, text: str) -> Said:
        where = {"channel": self.fake.spaces.chat(user), "ts": posted.body["ts"]}
        return await self.call("POST", "/api/chat.update", where | {"text": HELLO, "blocks": self.blocks(text)})

    async def delete(self, user: str, posted: Said) -> Said:
        where = {"channel": self.fake.spaces.chat(user), "ts": posted.body["ts"]}
        return await self.call("POST", "/api/chat.delete", where)

    def pressed(self, raw: bytes) -> Any:
        return json.loads(parse_qs(raw.decode())["payload"][0])["actions"][0]["value"]


class OnTeams(Bot):
    """The connector's methods, and how a press reads."""

    post_method, edit_method = "post", "update"

    async def begin(self) -> None:
        form = {"grant_type": "client_credentials", "client_id": self.fake.client_id, "scope": SCOPE}
        form |= {"client_secret": self.fake.client_secret}
        url = self.fake.settings()["TEAMS_TOKEN_URL"].format(tenant=self.fake.tenant)
        async with self.session.post(url, data=form) as answer:
            self.token = (await answer.json())["access_token"]

    def activity(self, text: str) -> dict[str, Any]:
        data = {"token": "tok"}
        fallback = {"type": "Action.Submit", "title": "Go", "data": data}
        button = {"type": "Action.Execute", "title": "Go", "verb": "press", "data": data, "fallback": fallback}
        body = [{"type": "TextBlock", "text": text, "wrap": True}]
        card = {"type": "AdaptiveCard", "version": "1.5", "fallbackText": HELLO, "body": body, "actions": [button]}
        return {"type": "message", "summary": HELLO, "attachments": [{"contentType": CARD_TYPE, "content": card}]}

    def chat(self, user: str) -> str:
        return f"/amer/v3/conversations/{quote(self.fake.chat(user), safe='')}/activities"

    async def post(self, user: str, text: str) -> Said:
        return await self.call("POST", self.chat(user), self.activity(text))

    async def edit(self, user: str, posted: Said, text: str) -> Said:
        return await self.call("PUT", f"{self.chat(user)}/{posted.body['id']}", self.activity(text))

    async def delete(self, user: str, posted: Said) -> Said:
        return await self.call("DELETE", f"{self.chat(user)}/{posted.body['id']}")

    def pressed(self, raw: bytes) -> Any:
        return json.loads(raw)["value"]["action"]["data"]["token"]


async def around(fake: Any, kind: type[Bot], network: Network) -> AsyncIterator[Any]:
    async with fake, aiohttp.ClientSession(connector=network.connector()) as session:
        bot = kind(fake, network, session)
        app = web.Application()
        app.router.add_post("/bot", bot.hears)
        fake.app_url = await network.listen(app) + "/bot"
        for user in ("ana", "bo"):
            fake.joins(user)
        await bot.begin()
        yield bot


class Promises:
    """Subclass it, and give one fixture: `bot`."""

    async def test_what_is_posted_is_read_by_that_person_alone(self, bot):
        assert not (await bot.post("ana", "One.")).refused
        assert [(card.text, card.push, card.buttons) for card in bot.fake.reads("ana")] == [("One.", HELLO, ["Go"])]
        assert bot.fake.reads("bo") == []
        assert bot.fake.mistakes == []

    async def test_an_edit_stands_where_the_message_stood_and_what_is_deleted_is_gone(self, bot):
        first = await bot.post("ana", "One.")
        await bot.post("ana", "Two.")
        assert not (await bot.edit("ana", first, "Again.")).refused
        assert [card.text for card in bot.fake.reads("ana")] == ["Again.", "Two."]
        assert not (await bot.delete("ana", first)).refused
        assert [card.text for card in bot.fake.reads("ana")] == ["Two."]
        assert (await bot.delete("ana", first)).refused
        assert (await bot.edit("ana", first, "Again.")).refused

    async def test_what_is_over_a_limit_is_refused_and_noted_as_a_mistake(self, bot):
        assert (await bot.post("ana", "x" * 40_000)).refused
        assert bot.fake.reads("ana") == []
        assert any("characters" in each or "bytes" in each for each in bot.fake.mistakes)

    async def test_a_call_without_a_token_is_refused(self, bot):
        bot.token = "another"
        assert (await bot.post("ana", "One.")).refused
        assert bot.fake.reads("ana") == []

    async def test_a_fault_concerns_one_person_so_many_times(self, bot):
        bot.fake.fails(bot.post_method, user="ana", times=2, error="no", status=400)
        assert not (await bot.post("bo", "One.")).refused
        assert [(await bot.post("ana", "One.")).refused for _ in range(3)] == [True, True, False]
        bot.fake.fails(bot.post_method, times=9, status=500)
        bot.fake.heals()
        assert not (await bot.post("ana", "Two.")).refused

    async def test_a_fault_may_ask_to_wait_or_be_a_page(self, bot):
        bot.fake.fails(bot.post_method, retry_after=7)
        said = await bot.post("ana", "One.")
        assert (said.status, said.headers["Retry-After"]) == (429, "7")
        bot.fake.fails(bot.post_method, status=502, html=True)
        said = await bot.post("ana", "One.")
        assert (said.status, "<html>" in said.body) == (502, True)

    async def test_a_fault_may_reset_the_connection_although_it_was_done(self, bot):
        bot.fake.fails(bot.post_method, reset=True, done=True)
        with pytest.raises(aiohttp.ClientError):
            await bot.post("ana", "One.")
        assert [card.text for card in bot.fake.reads("ana")] == ["One."]

    async def test_a_fault_may_hang_until_it_is_released(self, bot):
        bot.fake.fails(bot.post_method, hang=True)
        bot.fake.wire.release()
        assert (await bot.post("ana", "One.")).status == 503

    @pytest.mark.parametrize(("weather", "status"), [("busy", 429), ("down", 503)])
    async def test_a_platform_may_be_busy_or_down_as_a_whole(self, bot, weather, status):
        bot.fake.weather = weather
        assert (await bot.post("ana", "One.")).status == status
        bot.fake.weather = "none"
        assert not (await bot.post("ana", "One.")).refused
        assert [card.text for card in bot.fake.reads("ana")] == ["One."]

    async def test_an_account_that_has_ended_takes_no_message(self, bot):
        bot.fake.away.add("ana")
        assert (await bot.post("ana", "One.")).refused
        assert not (await bot.post("bo", "One.")).refused

    async def test_a_press_reaches_the_bot_and_may_be_delivered_again_or_twice(self, bot):
        await bot.post("ana", "One.")
        assert (await bot.fake.presses("ana", "Go")).status == 200
        assert (await bot.fake.again()).status == 200
        assert bot.heard[0] == bot.heard[1]
        bot.fake.wire.twice = True
        await bot.fake.presses("ana", "Go")
        assert [bot.pressed(raw) for raw in bot.heard] == ["tok"] * 4

    async def test_a_button_that_is_not_there_cannot_be_pressed(self, bot):
        await bot.post("ana", "One.")
        with pytest.raises(AssertionError, match="sees no button"):
            await bot.fake.presses("ana", "Stop")

    async def test_what_the_bot_does_can_be_waited_for(self, bot):
        await bot.post("ana", "One.")
        await bot.fake.until(lambda: bot.fake.reads("ana"))
        with pytest.raises(TimeoutError):
            await bot.fake.until(lambda: bot.fake.reads("bo"), within=0)

    async def test_where_nothing_listens_a_connection_is_refused(self, bot):
        with pytest.raises(aiohttp.ClientConnectorError):
            await bot.session.get("http://127.0.0.1:9/")


@pytest.fixture(params=[Loopback, InProcess], ids=["over sockets", "in process"])
def network(request):
    return request.param()


@pytest.mark.parametrize("server", [(SlackServer, OnSlack), (TeamsServer, OnTeams)], ids=["Slack", "Teams"])
async def test_a_rated_platform_asks_to_wait_and_takes_calls_again_once_time_has_passed(server):
    clock, network = [NOON], InProcess()
    fake, kind = server
    async for bot in around(fake(now=lambda: clock[0], network=network, rated=True), kind, network):
        said = [await bot.post("ana", "One.") for _ in range(9)]
        taken = sum(not each.refused for each in said)
        assert taken in {1, 7}
        assert (said[-1].status, said[-1].headers["Retry-After"]) == (429, "1")
        assert not (await bot.post("bo", "One.")).refused
        clock[0] += timedelta(seconds=2)
        assert not (await bot.post("ana", "Two.")).refused
        assert len(bot.fake.reads("ana")) == taken + 1


class TestSlack(Promises):
    @pytest.fixture
    async def bot(self, network):
        async for bot in around(SlackServer(now=lambda: NOON, network=network), OnSlack, network):
            yield bot


class TestTeams(Promises):
    @pytest.fixture
    async def bot(self, network):
        async for bot in around(TeamsServer(now=lambda: NOON, network=network), OnTeams, network):
            yield bot


def test_a_core_answers_at_the_time_it_is_given_without_a_loop():
    slack = FakeSlack()
    slack.spaces.joins("ana")
    args = json.dumps({"channel": "D0ana", "text": HELLO}).encode()
    headers = {"authorization": f"Bearer {slack.token}", "content-type": "application/json"}
    stamps = [
        slack.answer(Call("POST", "/api/chat.postMessage", "", {}, headers, args), NOON + days).body["ts"]
        for days in (timedelta(0), timedelta(days=3))
    ]
    assert [int(float(stamp)) for stamp in stamps] == [int((NOON + timedelta(days=n)).timestamp()) for n in (0, 3)]
