"""Who gets in at the door for Teams: nobody but Microsoft, for a person of ours, with an activity that is one."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from adapters.fakes.base import BotReply
from adapters.signature_record import REFUSALS
from tests.adapters.teams.harness import harness
from tests.adapters.teams.test_story import WELCOME, in_teams
from tests.stories.scenes import ANA, ASKED, BO, CY, NEUTRAL, PEER, play
from tests.stories.serve import EVERYBODY, Home, at_home

REFUSED = BotReply(401, b"")
SAYS_WHO = {"openid", "keys", "token", "member"}  # asks Microsoft, and changes nothing


def before(home: Home) -> tuple[Any, ...]:
    """Everything that must not change."""
    screens = {user: [(card.said, card.card) for card in home.teams.reads(user)] for user in home.teams.people}
    said = [call for call in home.teams.calls if call.method not in SAYS_WHO]
    return home.revisions(), screens, home.teams.group(), len(said)


@asynccontextmanager
async def nothing_happens(home: Home) -> AsyncIterator[None]:
    """No record is written, no card is touched, and nobody is told anything."""
    await home.engine.idle()
    was = before(home)
    yield
    await home.engine.idle()
    assert before(home) == was


@asynccontextmanager
async def asked(tmp_path: Path) -> AsyncIterator[Home]:
    """Ana has asked, and Bo and Cy may say yes; all in Teams."""
    async with at_home(tmp_path, on_teams=EVERYBODY) as home:
        await play(home, in_teams(ASKED))
        await home.engine.idle()
        yield home


def press(home: Home, user: str, label: str, **data: Any) -> dict[str, Any]:
    """The activity of a press on this button."""
    seen, action = home.teams.button_of(user, label, None)
    filled = seen.sends(action, {}, home.teams.picked) | data
    value = {"action": {"type": action["type"], "verb": action["verb"], "data": filled}, "trigger": "manual"}
    return {"type": "invoke", "name": "adaptiveCard/action", "replyToId": seen.id, "value": value}


async def bo_is_heard(home: Home) -> None:
    """What was refused before did not use anything up."""
    assert (await home.teams.presses(BO, "Yes, I can")).status == 200
    await home.reads({ANA: (WELCOME, "Bo is a trained peer"), BO: (PEER, "Thank you."), CY: (PEER, NEUTRAL)})


# ---------------------------------------------------------------- tokens


async def test_no_wrong_token_gets_in_and_each_is_told_the_same(tmp_path: Path) -> None:
    async with asked(tmp_path) as home:
        teams, yes = home.teams, press(home, BO, "Yes, I can")
        whole = json.dumps(teams.envelope(BO) | yes).encode()
        async with nothing_happens(home):
            for wrong, token in teams.wrong_tokens().items():
                assert await teams.activity(BO, yes, token=token) == REFUSED, wrong
            assert await teams.post(whole, signed=False) == REFUSED
            for header in ("", "Bearer", "Bearer ", "Basic eA==", teams.token(), f"Bearer Bearer {teams.token()}"):
                reply = await teams.post(whole, signed=False, headers={"Authorization": header})
                assert reply == REFUSED, header[:16]
        await bo_is_heard(home)


async def test_requests_of_microsoft_s_that_are_all_refused_are_noticed_and_those_of_others_are_not() -> None:
    async with harness() as h:
        for _ in range(REFUSALS * 2):
            await raw(h.teams.app_url, b"Bearer canary")
            await raw(h.teams.app_url, b"Bearer a.b.c")
        assert not h.webhook.signatures.all_refused()
        typed = {"type": "message", "text": "help"}
        for wrong in ("another audience", "expired"):  # another client id, another clock
            for _ in range(REFUSALS):
                assert await h.teams.activity("ana", typed, token=h.teams.wrong_tokens()[wrong]) == REFUSED
            assert h.webhook.signatures.all_refused()
            assert (await h.teams.types("ana", "help")).status == 200
            assert not h.webhook.signatures.all_refused()


def deep(levels: int) -> str:
    """A token's header with so many lists in one another."""
    return base64.urlsafe_b64encode(b"[" * levels).decode().rstrip("=")


async def test_no_header_makes_the_door_fail() -> None:
    async with harness() as h:
        for header in (
            b"Bearer \xfc.\xfc.\xfc",
            b"Bearer \xed\xa0\x80.x.x",
            f"Bearer {deep(5000)}.x.x".encode(),
            b"Bearer " + b"." * 7000,
            b"Bearer eyJhbGciOiJSUzI1NiIsImtpZCI6W119.e30.x",
            b"Bearer bnVsbA.e30.x",
        ):
            assert await raw(h.teams.app_url, header) == b"401", header[:40]
        assert h.inbound.received == []


async def raw(url: str, authorization: bytes, body: bytes = b"{}", more: bytes = b"") -> bytes:
    """The status of a request in which every byte is ours."""
    place = urlsplit(url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    head = (
        b"POST %b HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n" % place.path.encode()
    )
    writer.write(head + b"Authorization: %b\r\n%bContent-Length: %d\r\n\r\n" % (authorization, more, len(body)) + body)
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer.split(b" ", 2)[1]


async def test_a_clock_may_differ_by_five_minutes_and_no_more() -> None:
    async with harness() as h:
        now = int(h.teams.now().timestamp())
        for fits, claims in (
            (True, {"nbf": now - 3600, "exp": now - 299}),
            (False, {"nbf": now - 3600, "exp": now - 301}),
            (True, {"nbf": now + 299, "exp": now + 3600}),
            (False, {"nbf": now + 301, "exp": now + 3600}),
            (False, {"exp": "soon"}),
            (False, {"exp": None}),
            (False, {"exp": str(now + 60)}),
            (False, {"exp": [now + 60]}),
            (True, {"nbf": None}),
        ):
            reply = await h.teams.activity("ana", {"type": "message", "text": "help"}, token=h.teams.token(**claims))
            assert reply.status == (200 if fits else 401), claims
        assert len(h.inbound.received) == 3


async def test_a_service_may_end_in_a_slash_or_not_and_must_otherwise_be_the_same() -> None:
    async with harness() as h:
        bare = h.teams.service_url.rstrip("/")
        for fits, claimed, said in (
            (True, bare, bare),
            (True, bare + "/", bare),
            (True, bare, bare + "/"),
            (False, bare, bare + "x"),
            (False, bare, bare.upper()),
            (False, bare, None),
            (False, bare, [bare]),
            (False, "", ""),
            (False, "https://service.example/", "https://service.example/"),
            (False, "http://smba.trafficmanager.net/amer/", "http://smba.trafficmanager.net/amer/"),
            (False, [bare], bare),
        ):
            typed = {"type": "message", "text": "help", "serviceUrl": said}
            reply = await h.teams.activity("ana", typed, token=h.teams.token(serviceurl=claimed))
            assert reply.status == (200 if fits else 401), (claimed, said)
        assert len(h.inbound.received) == 3


async def test_only_teams_is_heard_and_only_by_a_key_that_may_speak_for_it() -> None:
    async with harness() as h:
        for channel in ("emulator", "webchat", "MSTEAMS", "", None, ["msteams"]):
            typed = {"type": "message", "text": "help", "channelId": channel}
            assert await h.teams.activity("ana", typed) == REFUSED
        for endorsements in ((), ("webchat",), ("msteams2",)):
            h.teams.login.rotates(endorsements)
            h.pass_(timedelta(seconds=60))
            assert await h.teams.types("ana", "help") == REFUSED
        assert h.inbound.received == []


# ---------------------------------------------------------------- keys


async def test_a_new_key_is_asked_for_once_a_minute_and_then_gets_in() -> None:
    async with harness() as h:
        h.pass_(timedelta(seconds=60))
        for _ in range(5):
            assert (
                await h.teams.activity("ana", {"type": "message"}, token=h.teams.token(key=h.teams.login.stranger))
                == REFUSED
            )
        asked = len(h.teams.called("keys"))
        assert asked == 2  # at the start, and for the first stranger
        h.teams.login.rotates()
        assert await h.teams.types("ana", "help") == REFUSED  # somebody has asked less than a minute ago
        h.pass_(timedelta(seconds=60))
        assert {reply.status for reply in await asyncio.gather(*(h.teams.types("ana", "help") for _ in range(20)))} == {
            200
        }
        assert len(h.teams.called("keys")) == asked + 1
        old = h.teams.token(key=h.teams.login.stranger)
        assert await h.teams.activity("ana", {"type": "message", "text": "help"}, token=old) == REFUSED


async def test_a_key_server_that_hangs_keeps_nobody_waiting_whose_key_is_known() -> None:
    async with harness() as h:
        h.pass_(timedelta(hours=25))  # and the keys are old
        h.teams.fails("openid", times=9, hang=True)
        unknown = {"type": "message", "text": "help"}
        strangers = [
            asyncio.ensure_future(h.teams.activity("bo", unknown, token=h.teams.token(key=h.teams.login.stranger)))
            for _ in range(5)
        ]
        await h.teams.until(lambda: len(h.teams.called("openid")) == 2)
        for _ in range(20):
            assert (await h.teams.types("ana", "help")).status == 200
        assert not any(stranger.done() for stranger in strangers)
        assert len(h.teams.called("openid")) == 2
        h.teams.wire.release()  # at last it answers, with an error
        assert set(await asyncio.gather(*strangers)) == {REFUSED}


LIES: tuple[dict[str, Any], ...] = (
    {"status": 503, "html": True},
    {"status": 200, "html": True},
    {"reset": True},
    {"status": 200, "body": []},
    {"status": 200, "body": {}},
    {"status": 200, "body": {"keys": []}},
    {"status": 200, "body": {"keys": ["x", None, {"kid": []}]}},
    {"status": 200, "body": {"keys": [{"kid": "key-1", "kty": "RSA"}]}},
    {"status": 200, "body": {"keys": [{"kid": "key-1", "kty": "RSA", "n": 5, "e": None}]}},
    {"status": 200, "body": {"keys": [{"kid": "key-1", "kty": "RSA", "n": "AQAB", "e": "AQAB"}]}},
    {"status": 200, "body": {"keys": [{"kid": "key-1", "kty": "RSA", "n": "!", "e": ""}]}},
    {"status": 200, "body": {"keys": [{"kid": "key-1", "kty": "RSA", "n": "\u00fc", "e": "AQAB"}]}},
    {"status": 200, "body": {"jwks_uri": "not an address"}},
    {"status": 200, "body": {"jwks_uri": "http://["}},
    {"status": 302, "body": {}},
)


@pytest.mark.parametrize("lie", LIES, ids=str)
@pytest.mark.parametrize("asked", ["openid", "keys"])
async def test_keys_are_kept_whatever_the_server_says_instead_of_new_ones(asked: str, lie: Mapping[str, Any]) -> None:
    async with harness() as h:
        h.pass_(timedelta(hours=25))
        h.teams.fails(asked, **lie)
        unknown = h.teams.token(key=h.teams.login.stranger)
        assert await h.teams.activity("ana", {"type": "message", "text": "help"}, token=unknown) == REFUSED
        assert (await h.teams.types("ana", "help")).status == 200
        h.teams.heals()
        h.teams.login.rotates()
        h.pass_(timedelta(seconds=60))
        assert (await h.teams.types("ana", "help")).status == 200


async def test_one_bad_key_among_good_ones_is_left_out() -> None:
    async with harness() as h:
        h.teams.login.rotates()
        bad = {"kid": "key-0", "kty": "RSA", "n": 5, "e": None}
        tiny = {"kid": "key-x", "kty": "RSA", "n": "Aw", "e": "AQAB"}
        h.teams.fails("keys", status=200, body={"keys": [bad, tiny, *(key.published() for key in h.teams.login.keys)]})
        h.pass_(timedelta(seconds=60))
        assert (await h.teams.types("ana", "help")).status == 200


async def test_as_many_keys_as_microsoft_has_are_read_to_the_end() -> None:
    """They do not come in one piece."""
    async with harness() as h:
        h.teams.login.rotates()
        (new,) = [key.published() for key in h.teams.login.keys]
        others = [new | {"kid": f"other-{n}", "x5c": ["A" * 2000]} for n in range(150)]
        h.teams.fails("keys", status=200, body={"keys": [*others, new]})
        h.pass_(timedelta(seconds=60))
        assert (await h.teams.types("ana", "help")).status == 200


# ---------------------------------------------------------------- bodies


async def test_what_is_no_json_is_415_what_is_too_much_413_and_what_is_malformed_400() -> None:
    async with harness() as h:
        for kind in ("text/plain", "application/xml", "application/x-www-form-urlencoded", "multipart/form-data", "x"):
            assert await h.teams.post(b"{}", kind) == BotReply(415, b"")
        too_much = b"{" + b" " * (256 * 1024)
        assert await h.teams.post(too_much) == BotReply(413, b"")
        assert await h.teams.post(too_much[:-1]) == BotReply(400, b"")

        async def pieces() -> AsyncIterator[bytes]:
            for _ in range(257):
                yield b" " * 1024

        bears = {"Authorization": f"Bearer {h.teams.token()}", "Content-Type": "application/json"}
        async with h.teams.wire.client().post(h.teams.app_url, data=pieces(), headers=bears) as answer:
            assert (answer.status, await answer.read()) == (413, b"")
        for body in (
            b"",
            b"{",
            b"[]",
            b"{}",
            b"null",
            b"3",
            b'"text"',
            b"\xff\xfe\x00",
            b"[" * 200_000,
            b'{"a":' * 40_000 + b"1" + b"}" * 40_000,
            b"9" * 200_000,
        ):
            assert await h.teams.post(body) == BotReply(400, b""), body[:20]
            assert await h.teams.post(body, signed=False) == REFUSED, body[:20]
        assert h.inbound.received == []


async def test_what_is_packed_is_not_unpacked() -> None:
    async with harness() as h:
        bears = f"Bearer {h.teams.token()}".encode()
        for packed in (b"garbage", gzip.compress(b"{}"), gzip.compress(b"{}")[:-9], gzip.compress(b" " * 50_000_000)):
            for header in (bears, b"Bearer x"):
                assert await raw(h.teams.app_url, header, packed, b"Content-Encoding: gzip\r\n") == b"415"
        assert (await h.teams.types("ana", "help")).status == 200


async def test_who_speaks_too_slowly_is_told_so_and_it_is_no_failure_of_ours() -> None:
    async with harness(patience=0.05) as h:

        async def pieces() -> AsyncIterator[bytes]:
            yield b"{"
            await answered.wait()

        answered = asyncio.Event()
        bears = {"Authorization": "Bearer x", "Content-Type": "application/json"}
        try:
            async with h.teams.wire.client().post(h.teams.app_url, data=pieces(), headers=bears) as answer:
                assert answer.status == 408
                answer.close()  # else the end of the server waits for the rest
        finally:
            answered.set()


# ---------------------------------------------------------------- who


async def test_of_another_tenant_nobody_gets_in_wherever_it_is_named(tmp_path: Path) -> None:
    async with asked(tmp_path) as home:
        teams, other = home.teams, "00000000-0000-4000-8000-000000000000"
        here = {"conversationType": "personal", "tenantId": teams.tenant, "id": teams.chat(BO)}
        async with nothing_happens(home):
            for tenant in (other, "*", teams.tenant + " ", teams.tenant[:-1]):
                assert await teams.types(BO, "help", tenant=tenant) == REFUSED
            for fields in (
                {"channelData": {"tenant": {"id": other}}},
                {"channelData": {"tenant": {"id": [teams.tenant]}}},
                {"conversation": here | {"tenantId": other}},
                {"conversation": here | {"tenantId": 7}},
                {"conversation": here | {"tenantId": None}, "channelData": {}},
                {"conversation": None, "channelData": None},
            ):
                assert await teams.activity(BO, press(home, BO, "Yes, I can") | fields) == REFUSED, fields
        await bo_is_heard(home)


async def test_who_has_no_id_in_the_directory_does_not_get_in(tmp_path: Path) -> None:
    async with asked(tmp_path) as home:
        teams = home.teams
        async with nothing_happens(home):
            for aad in (None, "", " ", [], {}, "a b", "x" * 101, "\ud800", "../x"):
                who = {"from": {"id": teams.mri(BO), "name": "Bo", "aadObjectId": aad}}
                assert await teams.activity(BO, press(home, BO, "Yes, I can") | who) == REFUSED, aad
                assert await teams.types(BO, "help", activity=who) == REFUSED, aad
                assert (await teams.activity(BO, {"type": "installationUpdate", "action": "add"} | who)).status == 200
            assert await teams.types(BO, "help", activity={"from": None}) == REFUSED
        await bo_is_heard(home)


@pytest.mark.parametrize("flags", [{"userRole": "guest"}, {"userRole": "anonymous"}, {"tenantId": "elsewhere"}])
async def test_a_guest_reads_the_neutral_line_and_opens_nothing(tmp_path: Path, flags: Mapping[str, Any]) -> None:
    async with asked(tmp_path) as home:
        teams, guest = home.teams, "U0GUEST"
        teams.joins(guest, **flags)
        yes, records = press(home, BO, "Yes, I can"), home.revisions()
        for word in ("", "peer", "help", "queue", "forget me"):
            assert await teams.command(guest, word) == BotReply(200, b"")
        await teams.until(lambda: len(teams.reads(guest)) == 5)
        assert {(line.said, line.push, line.card == {}) for line in teams.reads(guest)} == {(OLD, OLD, True)}
        answers = {(await teams.activity(guest, yes)).body for _ in range(2)}
        assert answers == {(await teams.activity(CY, yes)).body}  # who is no guest reads the same of another's card
        await teams.installs(guest)
        await home.engine.idle()
        assert home.revisions() == records
        await bo_is_heard(home)


async def test_what_a_guest_writes_reaches_nobody() -> None:
    async with harness() as h:
        h.teams.joins("guest", userRole="guest")
        for who, heard in (("guest", 0), ("ana", 1)):
            assert (await h.teams.command(who, "help")).status == 200
            assert len(h.inbound.received) == heard


OLD = "This was already answered. Nothing more is needed."
