"""Whatever is thrown at the door, signed or not: no effect, no difference that tells anything, no failure."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest

from adapters.fakes.base import BotReply
from adapters.fakes.slack.surfaces import SlackCard, state_values
from bot.crypto.vault import Vault
from tests.stories.scenes import AFTERWARDS, ANA, ASKED, BO, CY, DANA, GRACE, OFFER, PEER, TOGETHER, play
from tests.stories.serve import VAULT, Home, at_home

REFUSAL = "This was already answered. Nothing more is needed."
FORM = "application/x-www-form-urlencoded"
JSON = "application/json"


@dataclass(frozen=True)
class Before:
    """Everything that must not change."""

    revisions: Mapping[str, int]
    screens: Mapping[str, list[Any]]
    calls: int

    @classmethod
    def of(cls, home: Home) -> Before:
        screens = {user: [card.blocks for card in home.slack.reads(user)] for user in home.slack.people}
        aside = {"users.info", "chat.postEphemeral", "views.open"}  # asks who somebody is; is for the presser's eyes
        calls = [method for method, _ in home.slack.calls if method not in aside]
        return cls(home.revisions(), screens, len(calls))


@asynccontextmanager
async def nothing_happens(home: Home) -> AsyncIterator[None]:
    """No record is written, no card is touched, and nobody is told anything through the API."""
    await home.settles()
    before = Before.of(home)
    yield
    await home.engine.idle()
    assert Before.of(home) == before


# ---------------------------------------------------------------- who did not sign


async def test_what_slack_did_not_sign_is_401_and_always_the_same(tmp_path: Path) -> None:
    async with at_home(tmp_path) as home:
        await play(home, ASKED)
        slack, now = home.slack, home.slack.now()
        command = urlencode(
            {"team_id": slack.team, "user_id": ANA, "command": "/peersupport", "trigger_id": "1"}
        ).encode()
        stamp = str(int(now.timestamp()))
        async with nothing_happens(home):
            refused = [
                await slack.post(command, FORM, signed=False),
                await slack.post(command, FORM, secret="another"),
                await slack.post(command, FORM, at=now - timedelta(seconds=301)),
                await slack.post(command, FORM, at=now + timedelta(seconds=302)),
                await slack.post(command, FORM, headers={"X-Slack-Signature": ""}),
                await slack.post(command, FORM, headers={"X-Slack-Signature": "v0="}),
                await slack.post(command, FORM, headers={"X-Slack-Signature": "v0=" + "0" * 64}),
                await slack.post(command, FORM, headers={"X-Slack-Signature": "v1=" + "0" * 64}),
                await slack.post(command, FORM, headers={"X-Slack-Signature": "v0=\u00e9"}),
                await slack.post(command, FORM, headers={"X-Slack-Request-Timestamp": ""}),
                await slack.post(command, FORM, headers={"X-Slack-Request-Timestamp": "now"}),
                await slack.post(command, FORM, headers={"X-Slack-Request-Timestamp": "-1"}),
                await slack.post(command, FORM, headers={"X-Slack-Request-Timestamp": "9" * 400}),
                await slack.post(command, FORM, headers={"X-Slack-Request-Timestamp": "\u0661"}),
                await slack.post(command, FORM, headers={"X-Slack-Request-Timestamp": f"{stamp}.0"}),
                await slack.post(b"\xff\xfe{", JSON, signed=False),
                await slack.post(b"", JSON, signed=False),
            ]
        assert set(refused) == {BotReply(401, b"unauthorized")}


async def test_a_signature_is_for_these_bytes_and_no_others(tmp_path: Path) -> None:
    async with at_home(tmp_path) as home:
        await play(home, ASKED)
        card = offer(home, BO)
        element = card.button("Yes, I can")
        assert element is not None
        payload = home.slack.press_of(BO, card, element, {})
        body = urlencode({"payload": json.dumps(payload)}).encode()
        longer = {"Content-Type": FORM}
        async with nothing_happens(home):
            signed = await headers_of(home, body)
            for changed in (body + b"&", body.replace(BO.encode(), CY.encode()), body[:-1], b""):
                async with aiohttp.ClientSession() as session:
                    answer = await session.post(home.slack.app_url, data=changed, headers=signed | longer)
                    assert (answer.status, await answer.read()) == (401, b"unauthorized")


async def headers_of(home: Home, body: bytes) -> dict[str, str]:
    """What Slack would send with these bytes."""
    stamp = str(int(home.slack.now().timestamp()))
    base = b"v0:" + stamp.encode() + b":" + body
    signature = "v0=" + hmac.new(home.slack.secret.encode(), base, hashlib.sha256).hexdigest()
    return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": signature}


def offer(home: Home, user: str) -> SlackCard:
    return next(card for card in home.slack.reads(user) if "Yes, I can" in card.buttons)


# ---------------------------------------------------------------- signed garbage


def shapes(value: Any, luck: random.Random) -> Any:
    """The same payload with one of its parts turned into something else."""
    odd = (None, "", 0, -1, 1e300, True, [], {}, [[]], "x" * 5000, "\ud800", "\u202e", {"id": {}}, ["a"], "\x00")
    if isinstance(value, dict) and value and luck.random() < 0.8:
        key = luck.choice(sorted(value))
        return value | {key: shapes(value[key], luck)}
    if isinstance(value, list) and value and luck.random() < 0.8:
        at = luck.randrange(len(value))
        return [*value[:at], shapes(value[at], luck), *value[at + 1 :]]
    return luck.choice(odd)


async def test_signed_garbage_is_answered_and_does_nothing(tmp_path: Path) -> None:
    garbage: list[tuple[bytes, str]] = [
        (b"", JSON),
        (b"", FORM),
        (b"{", JSON),
        (b"[]", JSON),
        (b"null", JSON),
        (b'"text"', JSON),
        (b"\xff\xfe\x00", JSON),
        (b"\xff\xfe\x00", FORM),
        (b"payload=%FF", FORM),
        (b"payload={", FORM),
        (b"payload=[]", FORM),
        (b"&".join(b"a%d=b" % n for n in range(5000)), FORM),
        (b"[" * 100_000, JSON),
        (b'{"a":' * 40_000 + b"1" + b"}" * 40_000, JSON),
        (b'{"type":"event_callback"}', JSON),
        (b'{"type":"block_actions","actions":[{"type":"button","action_id":"press:0","value":"=soon"}]}', JSON),
        (b'{"command":"/peersupport"}', JSON),
        (os.urandom(4000), "application/octet-stream"),
        (os.urandom(4000), "multipart/form-data; boundary=x"),
    ]
    async with at_home(tmp_path) as home:
        await play(home, ASKED)
        async with nothing_happens(home):
            for body, content_type in garbage:
                reply = await home.slack.post(body, content_type)
                assert reply.status in {200, 400}, body[:80]
            too_long = await home.slack.post(b"a=" + b"b" * 300_000, FORM)
            assert too_long.status == 413


async def test_a_thousand_payloads_with_one_thing_wrong_never_fail(tmp_path: Path) -> None:
    luck = random.Random(20260302)  # noqa: S311
    async with at_home(tmp_path, stand_in={}) as home:
        await play(home, ASKED)
        card = offer(home, BO)
        element = card.button("Yes, I can")
        assert element is not None
        press = home.slack.press_of(BO, card, element | {"value": "A" * 200}, {})
        view = {
            "type": "view_submission",
            "team": {"id": home.slack.team},
            "user": {"id": ANA, "team_id": home.slack.team},
            "view": {
                "id": "V1",
                "hash": "1",
                "type": "modal",
                "callback_id": "form",
                "private_metadata": "A" * 200,
                "state": {"values": {"b": {"field:line": {"type": "plain_text_input", "value": "hello"}}}},
            },
        }
        event = {
            "type": "event_callback",
            "team_id": home.slack.team,
            "event_id": "Ev1",
            "event": {"type": "reaction_added", "user": ANA, "channel": "D0U0ANA", "channel_type": "im", "ts": "1.2"},
            "authorizations": [{"team_id": home.slack.team, "user_id": "U0BOT", "is_bot": True}],
        }
        strange = []
        async with nothing_happens(home):
            for n in range(1000):
                payload = shapes((press, view, event)[n % 3], luck)
                if payload == event:
                    continue
                as_json = n % 3 == 2
                body = json.dumps(payload).encode() if as_json else urlencode({"payload": json.dumps(payload)}).encode()
                reply = await home.slack.post(body, JSON if as_json else FORM)
                if reply.status not in {200, 400} or len(reply.body) > 4000:
                    strange.append((reply, payload))
        assert strange == []
        assert len(home.slack.asides) > 100  # many were understood, and kindly refused
        at_the_door = b"We wrote to you in our own chat"  # what a front-door button of an aside is answered with
        assert len({raw for _, raw in home.slack.asides if at_the_door not in raw}) == 1


# ---------------------------------------------------------------- tokens


async def pressed(home: Home, user: str, token: str, **payload: Any) -> BotReply:
    """A button whose value somebody forged, validly signed by Slack: an app in the workspace can make one."""
    card = home.slack.reads(user)[-1]
    element = {"type": "button", "action_id": "press:0", "text": {"type": "plain_text", "text": "Yes"}, "value": token}
    return await home.slack.interacts(home.slack.press_of(user, card, element, {}) | payload)


def token_of(card: SlackCard, label: str) -> str:
    element = card.button(label)
    assert element is not None
    return str(element["value"])


async def refused(home: Home, user: str, token: str, **payload: Any) -> bytes:
    """What this press is answered with, byte for byte."""
    before = len(home.slack.asides)
    reply = await pressed(home, user, token, **payload)
    assert (reply.status, reply.body) == (200, b"")
    await home.slack.until(lambda: len(home.slack.asides) > before)
    assert home.slack.asides[before][0] == user
    return home.slack.asides[before][1]


async def test_every_refusal_is_the_same_line_byte_for_byte_and_does_nothing(tmp_path: Path) -> None:
    async with at_home(tmp_path) as home:
        await play(home, ASKED)
        ours, theirs = token_of(offer(home, BO), "Yes, I can"), Vault(bytes(reversed(range(32))))
        genuine = VAULT.read_token(ours)
        assert genuine is not None
        elsewhere = theirs.token(genuine.record_id, genuine.slot, genuine.generation, "yes")
        nobodys = VAULT.token("0" * 32, genuine.slot, genuine.generation, "yes")
        other_slot = VAULT.token(genuine.record_id, "0" * 16, genuine.generation, "yes")
        flipped = ours[:40] + ("A" if ours[40] != "A" else "B") + ours[41:]
        random_bytes = base64.urlsafe_b64encode(os.urandom(125)).decode().rstrip("=")
        answers = set()
        async with nothing_happens(home):
            answers.add(await refused(home, CY, ours))  # copied from Bo's card
            answers.add(await refused(home, DANA, ours))
            answers.add(await refused(home, ANA, ours))
            answers.add(await refused(home, BO, token_of(home.slack.reads(ANA)[-1], "Change my mind")))
            for forged in (elsewhere, nobodys, other_slot, flipped, random_bytes, ours[:-1], ours + "A", "", "x"):
                answers.add(await refused(home, BO, forged))
            answers.add(await refused(home, BO, ours, team={"id": "T0FOREIGN"}))
        assert len(answers) == 1
        said = json.loads(answers.pop())
        assert said["response_type"] == "ephemeral"
        assert said["replace_original"] is False
        assert said["blocks"][0]["text"]["text"] == REFUSAL


async def test_a_token_of_what_is_forgotten_is_refused_with_the_same_bytes(tmp_path: Path) -> None:
    async with at_home(tmp_path) as home:
        await play(home, ASKED)
        old = token_of(offer(home, BO), "Yes, I can")
        never = await refused(home, BO, "A" * 200)
        await play(home, (*TOGETHER, *AFTERWARDS))
        home.time.pass_(GRACE)
        await home.engine.wake()
        assert await home.kinds("support") == 0
        async with nothing_happens(home):
            assert await refused(home, BO, old) == never


async def test_an_old_button_of_ones_own_changes_nothing(tmp_path: Path) -> None:
    """A card that was overtaken: no effect, and no screen is edited; unless it asks for less."""
    async with at_home(tmp_path) as home:
        await play(home, ASKED)
        stale = [
            (CY, token_of(offer(home, CY), "Yes, I can")),
            (CY, token_of(offer(home, CY), "I can't today")),
            (BO, token_of(offer(home, BO), "Yes, I can")),
        ]
        await play(home, TOGETHER)
        async with nothing_happens(home):
            for user, token in stale:
                assert (await pressed(home, user, token)).status == 200
        await home.reads({})


async def test_an_unknown_word_on_a_front_door_button_only_opens_the_door(tmp_path: Path) -> None:
    """These buttons carry constants; whatever they say, they act for the presser alone."""
    async with at_home(tmp_path) as home:
        await play(home, ASKED)
        await home.engine.idle()
        before = home.revisions()
        support = {record.id for record in await home.engine.services.store.all_of_kind("support")}
        for word in ("=nonsense", "=", "=yes", "=forget  me", "=approve", "=" + "x" * 2000, "=\u00e9"):
            assert (await pressed(home, CY, word)).status == 200
        await home.engine.idle()
        after = home.revisions()
        assert {id_: after[id_] for id_ in before if id_ in support} == {id_: before[id_] for id_ in support}
        kinds = [record.kind for record in await home.engine.services.store.all_of_kind("doorstep")]
        assert len(kinds) == 2 + 1  # Ana's, Bo's, Cy's
        await home.reads({CY: (PEER, OFFER, "If you can't stay safe")})


# ---------------------------------------------------------------- strangers


@pytest.mark.parametrize(
    "flag", ["is_restricted", "is_ultra_restricted", "is_bot", "deleted", "is_stranger", "is_workflow_bot"]
)
async def test_guests_and_strangers_get_the_neutral_line_and_open_nothing(tmp_path: Path, flag: str) -> None:
    async with at_home(tmp_path) as home:
        home.slack.joins("U0GUEST", **{flag: True})
        async with nothing_happens(home):
            for word in ("", "peer", "help", "queue", "forget me"):
                reply = await home.slack.command("U0GUEST", word)
                assert reply.status == 200
            assert (await home.slack.types("U0GUEST", "I need help")).status == 200
            await home.slack.until(lambda: len(home.slack.whispered("U0GUEST")) > 5)
            elsewhere = await home.slack.command("U0ANA", "", team="T0FOREIGN")
        said = {json.dumps(card.blocks[0]["text"]) for card in home.slack.whispered("U0GUEST")}
        assert said == {json.dumps({"type": "plain_text", "text": REFUSAL, "emoji": False})}
        assert elsewhere.json["blocks"][0]["text"]["text"] == REFUSAL


# ---------------------------------------------------------------- forms


async def writing_to_each_other(home: Home) -> None:
    """Ana and Bo write through the bot, unnamed."""
    await play(home, ASKED)
    await home.slack.presses(BO, "Yes, I can")
    await home.slack.until(lambda: any("Stay unnamed and write here" in c.buttons for c in home.slack.reads(ANA)))
    await home.slack.presses(ANA, "Stay unnamed and write here")
    for who in (ANA, BO):
        await home.slack.until(lambda who=who: any("Write" in card.buttons for card in home.slack.reads(who)))


async def test_a_form_counts_only_for_whom_it_was_opened(tmp_path: Path) -> None:
    """Whoever else sends it, even the other of the two, is refused as any stranger, and nothing is passed on."""
    async with at_home(tmp_path) as home:
        await writing_to_each_other(home)
        for owner, others in ((ANA, (BO, CY)), (BO, (ANA, CY))):
            await home.slack.presses(owner, "Write")
            form = home.slack.form(owner)
            assert form is not None
            values = state_values(form.blocks, {"line": "said by nobody"})
            async with nothing_happens(home):
                sent = [home.slack.payloads.submission(who, form.shown, values) for who in others]
                answers = {(await home.slack.interacts(payload)).body for payload in sent}
                assert len(answers) == 1
                assert REFUSAL.encode() in answers.pop()
            assert (await home.slack.submits(owner, form.shown, values)).status == 200
        await home.engine.idle()
        assert sum("said by nobody" in card.text for card in home.slack.reads(BO)) == 1
        assert sum("said by nobody" in card.text for card in home.slack.reads(ANA)) == 1


async def test_a_card_that_quoted_a_person_is_not_drawn_again(tmp_path: Path) -> None:
    """Its words are kept nowhere, so what stands there can only be left as it is."""
    async with at_home(tmp_path) as home:
        await writing_to_each_other(home)
        await home.slack.presses(ANA, "Write")
        await home.slack.presses(ANA, "Send", {"line": "only for you"})
        await home.slack.until(lambda: any("only for you" in card.text for card in home.slack.reads(BO)))
        await home.engine.idle()
        cards = {"only for you" in card.text: card for card in home.slack.reads(BO) if "Write" in card.buttons}
        drawn = {
            quotes: await home.engine.current_card(home.person(BO), token_of(card, "Write"))
            for quotes, card in cards.items()
        }
        assert drawn[True] is None
        assert drawn[False] is not None


# ---------------------------------------------------------------- what stood there before


async def test_a_button_of_the_card_before_decides_nothing_about_the_one_after_it(tmp_path: Path) -> None:
    """She read that Bo said yes, and wanted someone else: her name is not shared with Cy by a button about Bo."""
    async with at_home(tmp_path) as home:
        await play(home, ASKED)
        await home.slack.presses(BO, "Yes, I can")
        connect = "Share my name and connect"
        await home.slack.until(lambda: any(connect in card.buttons for card in home.slack.reads(ANA)))
        about_bo = token_of(next(card for card in home.slack.reads(ANA) if connect in card.buttons), connect)
        await home.slack.presses(ANA, "Someone else")
        await home.slack.until(lambda: any("Yes, I can" in card.buttons for card in home.slack.reads(CY)))
        await home.slack.presses(CY, "Yes, I can")
        await home.slack.until(lambda: any(connect in card.buttons for card in home.slack.reads(ANA)))
        async with nothing_happens(home):
            assert (await pressed(home, ANA, about_bo)).status == 200
        assert (await home.slack.presses(ANA, connect)).status == 200
        await home.slack.until(lambda: any("Ana would like to talk" in card.text for card in home.slack.reads(CY)))
