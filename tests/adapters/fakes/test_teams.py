"""The fake Microsoft behaves as the real one does, towards a bot that is a few lines of aiohttp; on both networks."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import quote

import aiohttp
import jwt
import pytest
from aiohttp import web

from adapters.fakes.network import InProcess, Loopback, Network
from adapters.fakes.teams.core import MESSAGE_TYPE
from adapters.fakes.teams.limits import CARD_TYPE, PEOPLE, activity_problems, problems
from adapters.fakes.teams.login import SCOPE
from adapters.fakes.teams.server import TeamsServer
from adapters.fakes.teams.surfaces import seen_in

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HELLO = {"type": "TextBlock", "text": r"Ana \*said\* 1 &lt; 2.", "wrap": True}


def button(label: str, **more: Any) -> dict[str, Any]:
    data = {"token": f"tok-{label}"}
    fallback = {"type": "Action.Submit", "title": label, "data": data} | more
    return {"type": "Action.Execute", "title": label, "verb": "press", "data": data, "fallback": fallback} | more


def card(*elements: dict[str, Any], actions: Any = ()) -> dict[str, Any]:
    found = {"type": "AdaptiveCard", "version": "1.5", "fallbackText": "Hello.", "body": [HELLO, *elements]}
    return found | ({"actions": list(actions)} if actions else {})


def activity(content: dict[str, Any]) -> dict[str, Any]:
    attachment = {"contentType": CARD_TYPE, "content": content}
    return {"type": "message", "summary": "You have a message.", "attachments": [attachment]}


ABOUT = {
    "type": "Input.ChoiceSet",
    "id": "about",
    "label": "About",
    "choices": [{"title": "Work", "value": "work"}, {"title": "Home", "value": "home"}],
    "value": "work",
    "isMultiSelect": True,
}
WHO = {"type": "Input.ChoiceSet", "id": "not", "label": "Leave out", "choices": [], "choices.data": PEOPLE}
WHO |= {"isMultiSelect": True}
WORDS = {"type": "Input.Text", "id": "words", "label": "Words"}
FORM = card(ABOUT, WHO, WORDS, actions=[button("Ask"), button("Stop", associatedInputs="none")])


@dataclass
class Bot:
    """Hears everything, answers what it is told to, and calls Microsoft by hand."""

    teams: TeamsServer
    session: aiohttp.ClientSession
    received: list[dict[str, Any]] = field(default_factory=list)
    bearers: list[str] = field(default_factory=list)
    answer: Any = None
    bearer: str = ""

    async def hears(self, request: web.Request) -> web.Response:
        self.received.append(await request.json())
        self.bearers.append(request.headers.get("Authorization", "").removeprefix("Bearer "))
        return web.json_response(self.answer) if self.answer else web.Response()

    async def call(self, verb: str, path: str, body: Any = None) -> tuple[int, Any]:
        url, headers = self.teams.service_url + path, {"Authorization": f"Bearer {self.bearer}"}
        async with self.session.request(verb, url, json=body, headers=headers) as answer:
            found = await answer.json() if answer.content_type == "application/json" else await answer.text()
            return answer.status, found

    async def log_in(self, **other: str) -> tuple[int, Any]:
        form = {"grant_type": "client_credentials", "client_id": self.teams.client_id, "scope": SCOPE}
        form |= {"client_secret": self.teams.client_secret} | other
        url = self.teams.settings()["TEAMS_TOKEN_URL"].format(tenant=self.teams.tenant)
        async with self.session.post(url, data=form) as answer:
            found = await answer.json()
            self.bearer = found.get("access_token", "")
            return answer.status, found

    async def say(self, content: dict[str, Any] = FORM, user: str = "ana") -> tuple[int, Any]:
        return await self.call("POST", f"{chat(self.teams, user)}/activities", activity(content))


def chat(teams: TeamsServer, user: str = "ana") -> str:
    return f"v3/conversations/{quote(teams.chat(user), safe='')}"


@asynccontextmanager
async def _around(kind: type[Network], **fake: Any) -> AsyncIterator[Bot]:
    network = kind()
    async with (
        TeamsServer(**{"now": lambda: NOON, "network": network} | fake) as teams,
        aiohttp.ClientSession(connector=network.connector()) as session,
    ):
        teams.joins("ana", name="Ana Weber")
        teams.joins("bo")
        bot = Bot(teams, session)
        app = web.Application()
        app.router.add_post("/api/messages", bot.hears)
        teams.app_url = await network.listen(app) + "/api/messages"
        await bot.log_in()
        yield bot


@pytest.fixture(params=[Loopback, InProcess], ids=["over sockets", "in process"])
def around(request):
    return partial(_around, request.param)


# ---------------------------------------------------------------- login


async def checked(bot: Bot, token: str) -> dict[str, Any]:
    """A bot that looks twice."""
    async with bot.session.get(bot.teams.settings()["TEAMS_OPENID_URL"]) as answer:
        metadata = await answer.json()
    async with bot.session.get(metadata["jwks_uri"]) as answer:
        keys = {key["kid"]: key for key in (await answer.json())["keys"] if "msteams" in key["endorsements"]}
    key = keys.get(jwt.get_unverified_header(token).get("kid"))
    if key is None:
        raise jwt.InvalidTokenError("no such key")
    claims = jwt.decode(
        token,
        jwt.PyJWK(key, algorithm="RS256"),
        algorithms=["RS256"],
        audience=bot.teams.client_id,
        issuer=metadata["issuer"],
        leeway=300,
        options={"require": ["exp"]},
    )
    if claims.get("serviceurl") != bot.teams.service_url:
        raise jwt.InvalidTokenError("another service")
    return claims


async def test_a_token_of_microsoft_s_passes_and_no_wrong_one_does(around):
    async with around(now=lambda: datetime.now(UTC)) as bot:
        await bot.teams.types("ana", "hello")
        assert (await checked(bot, bot.bearers[-1]))["aud"] == bot.teams.client_id
        for wrong, token in bot.teams.wrong_tokens().items():
            with pytest.raises(jwt.InvalidTokenError):
                pytest.fail(f"{wrong}: {await checked(bot, token)}")
        await bot.teams.post(b"{}", signed=False)
        assert bot.bearers[-1] == ""


async def test_a_new_key_takes_the_place_of_the_old_one_and_every_question_is_counted(around):
    async with around(now=lambda: datetime.now(UTC)) as bot:
        old = bot.teams.token()
        bot.teams.login.rotates()
        await checked(bot, bot.teams.token())
        with pytest.raises(jwt.InvalidTokenError):
            await checked(bot, old)
        bot.teams.login.rotates(endorsements=["skype"])
        with pytest.raises(jwt.InvalidTokenError):
            await checked(bot, bot.teams.token())
        assert len(bot.teams.called("openid")) == len(bot.teams.called("keys")) == 3


async def test_only_a_token_given_here_opens_the_connector_and_only_while_it_is_good(around):
    now = [NOON]
    async with around(now=lambda: now[0]) as bot:
        assert (await bot.log_in(client_secret="wrong"))[1]["error"] == "invalid_client"
        assert (await bot.say())[0] == 401
        assert (await bot.log_in())[1]["expires_in"] == 3600
        assert (await bot.say())[0] == 201
        now[0] += timedelta(hours=1)
        assert (await bot.say())[0] == 401
        await bot.log_in()
        bot.teams.login.revokes()
        assert (await bot.say())[0] == 401
        assert bot.teams.login.tokens == 3
        assert len(bot.teams.wire.connections) == 1


# ---------------------------------------------------------------- cards come and go


async def test_a_card_is_posted_seen_edited_and_deleted(around):
    async with around() as bot:
        _, posted = await bot.say()
        (seen,) = bot.teams.reads("ana")
        assert (seen.text, seen.push) == ("Ana *said* 1 < 2.", "You have a message.")
        assert (seen.buttons, seen.questions) == (["Ask", "Stop"], ["About", "Leave out", "Words"])
        path = f"{chat(bot.teams)}/activities/{posted['id']}"
        assert (await bot.call("PUT", path, activity(card())))[0] == 200
        assert bot.teams.reads("ana")[0].buttons == []
        assert (await bot.call("DELETE", path))[0] == 200
        assert bot.teams.reads("ana") == []
        assert (await bot.call("PUT", path, activity(card())))[0] == 404
        assert bot.teams.connector.pushes == [("ana", "You have a message.")]
        assert [call.method for call in bot.teams.calls] == ["token", "post", "update", "delete", "update"]


async def test_a_chat_is_made_once_and_only_where_the_app_is(around):
    async with around() as bot:
        tenant = bot.teams.tenant
        wanted = {"isGroup": False, "members": [{"id": bot.teams.aad("ana")}], "tenantId": tenant}
        wanted |= {"channelData": {"tenant": {"id": tenant}}}
        by_teams_id = wanted | {"members": [{"id": bot.teams.mri("ana")}]}
        assert await bot.call("POST", "v3/conversations", wanted) == (201, {"id": bot.teams.chat("ana")})
        assert await bot.call("POST", "v3/conversations", by_teams_id) == (201, {"id": bot.teams.chat("ana")})
        assert (await bot.call("POST", "v3/conversations", wanted | {"tenantId": "x"}))[0] == 400
        assert bot.teams.mistakes.pop().startswith("create: the tenant")
        await bot.teams.uninstalls_for("ana")
        assert bot.received[-1]["action"] == "remove"
        assert (await bot.call("POST", "v3/conversations", wanted))[0] == 403
        assert (await bot.say())[1]["error"]["code"] == "BotNotInConversationRoster"
        await bot.teams.installs("ana")
        assert [received["type"] for received in bot.received[-2:]] == ["conversationUpdate", "installationUpdate"]
        assert (await bot.say())[0] == 201


async def test_members_are_found_by_either_id_in_their_own_chat_alone(around):
    async with around() as bot:
        bot.teams.joins("gus", userRole="guest")
        _, ana = await bot.call("GET", f"{chat(bot.teams)}/members/{bot.teams.aad('ana')}")
        assert (ana["name"], ana["userRole"]) == ("Ana Weber", "user")
        assert "tz" not in ana
        _, gus = await bot.call("GET", f"{chat(bot.teams, 'gus')}/members/{quote(bot.teams.mri('gus'))}")
        assert (gus["userRole"], gus["aadObjectId"]) == ("guest", bot.teams.aad("gus"))
        assert (await bot.call("GET", f"{chat(bot.teams)}/members/{bot.teams.aad('gus')}"))[0] == 404


async def test_what_teams_would_refuse_is_a_mistake(around):
    async with around() as bot:
        assert (await bot.say(card({"type": "Image", "url": "x"})))[1]["error"]["code"] == "BadSyntax"
        assert bot.teams.mistakes == ["post: 'Image' in body"]
        assert bot.teams.reads("ana") == []


# ---------------------------------------------------------------- people press


async def test_a_press_brings_the_button_s_data_and_the_answers(around):
    async with around() as bot:
        await bot.say()
        bot.answer = {"statusCode": 200, "type": MESSAGE_TYPE, "value": "Thank you."}
        answers = {"About": ["Home", "work"], "not": ["bo"], "words": "hello"}
        assert (await bot.teams.presses("ana", "Ask", answers)).status == 200
        invoke = bot.received[-1]
        data = {"token": "tok-Ask", "about": "home,work", "not": bot.teams.aad("bo"), "words": "hello"}
        assert invoke["value"]["action"] == {"type": "Action.Execute", "verb": "press", "data": data}
        assert invoke["replyToId"] == bot.teams.reads("ana")[0].id
        assert [seen.text for seen in bot.teams.whispered("ana")] == ["Thank you."]
        await bot.teams.presses("ana", "Stop")
        assert bot.received[-1]["value"]["action"]["data"] == {"token": "tok-Stop"}
        await bot.teams.again()
        assert bot.received[-1] == bot.received[-2]
        await bot.teams.submits("ana", "Ask")
        assert bot.received[-1]["value"] == {"token": "tok-Ask", "about": "work"}
        assert bot.teams.mistakes == []


async def test_a_card_in_the_answer_is_seen_until_the_stored_one_is_edited(around):
    async with around() as bot:
        _, posted = await bot.say()
        (stale,) = bot.teams.reads("ana")
        bot.answer = {"statusCode": 200, "type": CARD_TYPE, "value": card(actions=[button("Next")])}
        await bot.teams.presses("ana", "Ask")
        assert [(seen.where, seen.buttons) for seen in bot.teams.reads("ana")] == [("view", ["Next"])]
        await bot.teams.presses("ana", "Stop", card=stale)
        await bot.call("PUT", f"{chat(bot.teams)}/activities/{posted['id']}", activity(card()))
        assert [(seen.where, seen.buttons) for seen in bot.teams.reads("ana")] == [("message", [])]


async def test_an_answer_teams_does_not_understand_is_a_mistake(around):
    async with around() as bot:
        await bot.say()
        await bot.teams.presses("ana", "Ask")
        assert bot.teams.mistakes == ["answer: not one that Teams understands, of type None"]


async def test_typed_words_carry_who_says_them_and_where(around):
    async with around() as bot:
        await bot.teams.command("ana", "peer", tenant="another")
        said = bot.received[-1]
        assert (said["text"], said["from"]["aadObjectId"]) == ("/peersupport peer", bot.teams.aad("ana"))
        assert said["conversation"]["tenantId"] == said["channelData"]["tenant"]["id"] == "another"
        await bot.teams.mentions_in_group("ana", "peersupport")
        assert bot.received[-1]["text"].startswith("<at>Peer Support</at> ")
        group = f"v3/conversations/{quote(bot.received[-1]['conversation']['id'])}/activities"
        await bot.call("POST", group, {"type": "message", "text": "Please write to me alone."})
        assert [seen.text for seen in bot.teams.group()] == ["Please write to me alone."]
        await bot.teams.command_in_group("ana", "peer")
        assert bot.received[-1]["recipient"]["isTargeted"] is True
        only = {"type": "message", "text": "For you.", "recipient": {"id": bot.teams.mri("ana")}}
        await bot.call("POST", f"{group}?isTargetedActivity=true", only)
        assert [seen.text for seen in bot.teams.whispered("ana")] == ["For you."]
        assert len(bot.teams.group()) == 1


# ---------------------------------------------------------------- bad days


async def test_it_fails_in_every_way_it_is_told_to(around):
    async with around() as bot:
        teams = bot.teams
        teams.fails("post", user="bo", status=403, error="MessageWritesBlocked", quoted=True)
        assert (await bot.say())[0] == 201
        status, body = await bot.say(user="bo")
        assert (status, body["errorCode"]) == (403, 209)
        assert '"subCode": "MessageWritesBlocked"' in body["message"]
        teams.fails("post", retry_after=NOON)
        path, headers = f"{chat(teams)}/activities", {"Authorization": f"Bearer {bot.bearer}"}
        async with bot.session.post(teams.service_url + path, headers=headers) as answer:
            assert (answer.status, answer.headers["Retry-After"]) == (429, "Mon, 02 Mar 2026 12:00:00 GMT")
        teams.fails("post", status=502, html=True, done=True)
        assert (await bot.say())[1].startswith("<html>")
        assert len(teams.reads("ana")) == 2
        teams.fails("post", reset=True)
        with pytest.raises(aiohttp.ClientError):
            await bot.say()
        teams.fails("keys", hang=True)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await checked(bot, teams.token())
        teams.fails("post", times=9)
        teams.heals()
        assert (await bot.say())[0] == 201


# ---------------------------------------------------------------- limits


def test_a_card_within_the_limits_has_no_problems():
    container = {"type": "Container", "style": "emphasis", "items": [HELLO]}
    runs = {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": "her *own* words", "italic": True}]}
    link = {"type": "Action.OpenUrl", "title": "Write", "url": "https://chat.example/l"}
    whole = card(container, runs, {"type": "ActionSet", "actions": [link]}, *FORM["body"][1:], actions=FORM["actions"])
    assert activity_problems(activity(whole)) == []
    assert seen_in(activity(whole), "message", "").text.endswith("her *own* words")


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        (card() | {"version": "1.4"}, "AdaptiveCard with version '1.4'"),
        ({k: v for k, v in card().items() if k != "fallbackText"}, "AdaptiveCard without fallbackText"),
        (card({"type": "TextBlock", "text": "x"}), "TextBlock without wrap"),
        (card(HELLO | {"text": "a\u200bb"}), "an invisible character in 'a\\u200bb'"),
        (card(HELLO | {"size": "huge"}), "TextBlock with size 'huge'"),
        (card(HELLO | {"onClick": "x"}), "TextBlock with onClick"),
        (card(WORDS | {"isRequired": True}), "'words' is required and has no errorMessage"),
        (card({"type": "Input.Text", "id": "words"}), "Input.Text without label"),
        (card(WORDS, WORDS), "the id 'words' twice"),
        (
            card(WORDS | {"id": "token"}, actions=[button("A")]),
            "an input and the data of a button share the name 'token'",
        ),
        (card(ABOUT | {"value": "work,play"}), "'play' is ticked and no choice"),
        (
            card(ABOUT | {"choices": [{"title": "A", "value": "a,b"}], "value": ""}),
            "a comma in 'a,b', where commas join values",
        ),
        (card(actions=[button(str(n)) for n in range(7)]), "7 actions"),
        (card(actions=[button("A") | {"fallback": "drop"}]), "Action.Execute with fallback 'drop'"),
        (card(actions=[{"type": "Action.Submit", "title": "A", "data": {}}]), "'Action.Submit' in actions"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_over_the_limits_is_named(wrong, problem):
    assert problem in problems(wrong)


def test_an_activity_is_judged_as_a_whole():
    whole = activity(card()) | {"summary": "", "more": ""}
    size = len(json.dumps(whole))
    assert activity_problems(whole | {"more": "ü" * ((25 * 1024 - size) // 2)})[0].startswith("no summary")
    assert activity_problems(whole | {"more": "ü" * (25 * 1024 - size)})[0].endswith(" bytes")
