"""What goes out to Teams, and what every failure there means to the engine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from aiohttp import web as aioweb

from adapters.base import AccessRevoked, OutcomeUnknown, Rejected, RetryLater, Unreachable
from adapters.fakes.teams.server import TeamsServer
from adapters.rate_limit import RateLimiter
from adapters.teams import RATES, TeamsAdapter, cards, errors
from adapters.teams.allowed_hosts import AllowedHosts
from adapters.teams.references import MessageReference, PersonalChat
from tests.adapters.slack.harness import NOON, REFUSAL, WELCOME, no_wait
from tests.adapters.teams.harness import Harness, adapter_at, harness, patient
from tests.adapters.teams.test_story import WELCOME as WELCOMED
from tests.adapters.teams.test_webhook import asked
from tests.stories.scenes import ANA, BO, CY, GUIDE, MET, NEUTRAL, PEER

PLAIN = replace(WELCOME, buttons=(), id="plain-1")
TLS = "https:"  # apart from hosts that are nobody's we know
GONE = (
    "MessageWritesBlocked",
    "ConversationBlockedByUser",
    "BotNotInConversationRoster",
    "ForbiddenOperationException",
    "never heard of",
)
BUSY: tuple[Mapping[str, Any], ...] = tuple(
    {"status": status, "html": html} for status in (412, 429, 500, 502, 503, 504) for html in (False, True)
)
STRANGE: tuple[Mapping[str, Any], ...] = (
    {"status": 302},
    {"status": 405},
    {"status": 409},
    {"status": 418, "html": True},
)


def reach(h: Harness, user: str, chat: str = "") -> str:
    """Where somebody is reached, as it is kept."""
    return PersonalChat(h.teams.service_url, chat or h.teams.chat(user), h.teams.tenant, h.teams.mri(user)).address()


# ---------------------------------------------------------------- as it should be


@pytest.mark.parametrize(
    ("credentials", "setting"),
    [
        (("", "secret", ["tenant"]), "TEAMS_CLIENT_ID"),
        (("id", " ", ["tenant"]), "TEAMS_CLIENT_SECRET"),
        (("id", "secret", []), "TEAMS_TENANT_ID"),
        (("id", "secret", ["tenant", " "]), "TEAMS_TENANT_ID"),
    ],
)
def test_an_empty_credential_or_tenant_refuses_to_start(credentials: tuple[str, str, list[str]], setting: str) -> None:
    with pytest.raises(ValueError, match=f"{setting} is empty"):
        TeamsAdapter(*credentials, now=lambda: NOON)


async def test_a_card_is_posted_edited_and_taken_away() -> None:
    async with harness() as h:
        ref = await h.deliver("ana")
        assert [(card.text, card.buttons) for card in h.teams.reads("ana")] == [("Would you like to talk?", ["Ask"])]
        assert await h.deliver("ana", replace(WELCOME, id="w2", text="Thank you."), ref) == ref
        assert [card.text for card in h.teams.reads("ana")] == ["Thank you."]
        await h.adapter.erase(ref, REFUSAL)
        await h.adapter.erase(ref, REFUSAL)
        assert h.teams.reads("ana") == []
        assert await h.adapter.find(h.person("ana"), None, WELCOME.id) is None
        assert h.teams.mistakes == []


async def test_a_lock_screen_shows_the_neutral_line_and_nothing_else_of_a_card() -> None:
    async with harness() as h:
        ref = await h.deliver("ana", replace(WELCOME, text="quill", quote="quill", title="quill"))
        await h.deliver("ana", replace(WELCOME, text="quill"), ref)
        for body in (*h.teams.called("post"), *h.teams.called("update")):
            assert set(body) == {"type", "attachments", "summary"}
            assert body["summary"] == body["attachments"][0]["content"]["fallbackText"] == WELCOME.push
        assert h.teams.connector.pushes == [("ana", WELCOME.push)]


async def test_a_chat_is_opened_once_and_not_at_all_when_it_is_known() -> None:
    async with harness() as h:
        await h.deliver("ana")
        await h.deliver("ana", replace(WELCOME, id="w2"))
        await h.deliver("bo", at=reach(h, "bo"))
        (opened,) = h.teams.called("create")
        assert opened["members"] == [{"id": h.teams.aad("ana")}]
        assert (len(h.teams.reads("ana")), len(h.teams.reads("bo"))) == (2, 1)


async def test_an_execute_is_also_put_where_everybody_s_client_reads_it(tmp_path: Path) -> None:
    async with asked(tmp_path) as home:
        reply = await home.teams.presses(BO, "Yes, I can")
        offer = home.teams.reads(BO)[-1].id
        await home.engine.idle()
        (stands,) = (card for card in home.teams.reads(BO) if card.id == offer or "Thank you." in card.text)
        assert stands.where == "message"
        puts = [
            call.body["attachments"][0]["content"] for call in home.teams.calls if call.method in {"update", "post"}
        ]
        assert words(reply.json["value"]) in [words(card) for card in puts]


def words(card: Mapping[str, Any]) -> str:
    return "\n".join(run["text"] for part in card["body"] for run in part.get("inlines", ()))


# ---------------------------------------------------------------- a post


@pytest.mark.parametrize("quoted", [False, True], ids=["plain", "JSON in a JSON string"])
@pytest.mark.parametrize("error", GONE)
async def test_who_blocked_or_removed_the_bot_is_unreachable(error: str, quoted: bool) -> None:
    async with harness() as h:
        ref = await h.deliver("ana")
        for method in ("post", "update", "delete", "create"):
            h.teams.fails(method, status=403, error=error, quoted=quoted)
        with pytest.raises(Unreachable):
            await h.deliver("ana")
        with pytest.raises(Unreachable):
            await h.deliver("bo")
        with pytest.raises(Unreachable):
            await h.deliver("ana", PLAIN, ref)
        await h.adapter.erase(ref, REFUSAL)
        assert len(h.teams.called("post")) == 2


@pytest.mark.parametrize("quoted", [False, True])
async def test_a_bot_that_was_switched_off_for_the_tenant_is_stopped(quoted: bool) -> None:
    async with harness() as h:
        h.teams.fails("post", status=403, error="BotDisabledByAdmin", quoted=quoted, times=2)
        with pytest.raises(RetryLater):
            await h.deliver("ana")
        h.pass_(timedelta(minutes=1))
        with pytest.raises(AccessRevoked):
            await h.deliver("ana")


async def test_a_chat_teams_no_longer_knows_is_opened_once_more() -> None:
    async with harness() as h:
        await h.deliver("ana", at=reach(h, "ana", "a:old"))
        assert [call.method for call in h.teams.calls[-3:]] == ["post", "create", "post"]
        assert len(h.teams.reads("ana")) == 1
        h.teams.fails("post", status=404, times=9)
        with pytest.raises(Unreachable):
            await h.deliver("ana", at=reach(h, "ana"))
        assert [call.method for call in h.teams.calls[-3:]] == ["post", "create", "post"]


@pytest.mark.parametrize("fault", [*BUSY, *STRANGE], ids=str)
async def test_what_teams_did_not_do_now_is_done_later(fault: Mapping[str, Any]) -> None:
    async with harness() as h:
        ref, other = await h.deliver("ana"), await h.deliver("ana")
        for method in ("post", "update", "delete", "create", "member"):
            h.teams.fails(method, **fault)
        means = Rejected if fault["status"] == 405 else RetryLater
        with pytest.raises(means):
            await h.deliver("ana", at=reach(h, "ana"))
        with pytest.raises(means):
            await h.deliver("bo")
        with pytest.raises(means):
            await h.deliver("ana", PLAIN, ref)
        with pytest.raises(RetryLater):
            await h.adapter.profile(h.person("ana"))
        if means is RetryLater:
            with pytest.raises(RetryLater):
                await h.adapter.erase(other, REFUSAL)
        h.teams.heals()
        await h.deliver("ana")
        assert len(h.teams.reads("ana")) == 3


@pytest.mark.parametrize("status", [400, 413])
async def test_what_makes_no_sense_to_teams_is_broken_and_what_cannot_be_deleted_is_emptied(status: int) -> None:
    async with harness() as h:
        ref = await h.deliver("ana")
        for method in ("post", "update", "delete", "create"):
            h.teams.fails(method, status=status)
        with pytest.raises(Rejected):
            await h.deliver("ana")
        with pytest.raises(Rejected):
            await h.deliver("ana", PLAIN, ref)
        with pytest.raises(Rejected):
            await h.deliver("bo")
        await h.adapter.erase(ref, REFUSAL)
        assert [card.text for card in h.teams.reads("ana")] == [REFUSAL.text]


def test_how_long_to_wait_may_be_said_in_seconds_or_as_a_date() -> None:
    for said, meant in (
        ("7", 7),
        ("0", 1),
        ("soon", 30),
        ("-3", 30),
        ("", 30),
        ("9" * 6, 3600),
        ("\u0663", 30),
        ("9" * 60, 30),
        ("1.5", 30),
        ("Mon, 02 Mar 2026 12:00:40 GMT", 40),
        ("Mon, 02 Mar 2026 12:00:40", 40),
        ("Mon, 02 Mar 2026 11:00:00 GMT", 1),
        ("Mon, 02 Mar 2027 12:00:00 GMT", 3600),
        ("Mon, 99 Mar 2026 12:00:00 GMT", 30),
        ("Mon, 02 Mar 2026 12:00:40 +9999", 30),
    ):
        found = errors.classify(429, {"retry-after": said}, b"", NOON)
        assert isinstance(found, RetryLater)
        assert found.after == timedelta(seconds=meant), said


@pytest.mark.parametrize("after", [7, NOON + timedelta(seconds=7)])
async def test_too_many_requests_waits_as_long_as_teams_says_and_nobody_else_pushes_in(after: Any) -> None:
    async with harness(pace=RateLimiter(RATES, sleep=no_wait)) as h:
        await h.deliver("bo")
        h.teams.fails("post", retry_after=after)
        with pytest.raises(RetryLater) as first:
            await h.deliver("ana")
        with pytest.raises(RetryLater) as second:
            await h.deliver("bo")
        assert first.value.after == timedelta(seconds=7)
        assert timedelta(seconds=4) < second.value.after <= timedelta(seconds=5)
        assert len(h.teams.called("post")) == 2


async def test_a_line_that_broke_after_we_spoke_is_unclear_and_never_repeated() -> None:
    async with harness() as h:
        await h.deliver("ana")
        for fault in ({"reset": True, "done": True}, {"status": 200, "html": True}, {"status": 201, "body": {"id": 7}}):
            h.teams.fails("post", **fault)
            before = len(h.teams.called("post"))
            with pytest.raises(OutcomeUnknown):
                await h.deliver("ana")
            assert len(h.teams.called("post")) == before + 1


async def test_an_answer_that_never_comes_is_unclear_for_a_post_and_later_for_all_that_may_be_repeated() -> None:
    async with harness() as h:
        ref = await h.deliver("ana")
        h.waits_at_most(0.05)
        for method in ("post", "update", "delete", "create", "member"):
            h.teams.fails(method, hang=True)
        with pytest.raises(OutcomeUnknown):
            await h.deliver("ana")
        for deed in (
            h.deliver("ana", PLAIN, ref),
            h.adapter.erase(ref, REFUSAL),
            h.deliver("bo"),
            h.adapter.profile(h.person("ana")),
        ):
            with pytest.raises(RetryLater):
                await deed


async def test_what_may_be_repeated_is_later_when_the_line_breaks() -> None:
    async with harness() as h:
        ref = await h.deliver("ana")
        for method in ("update", "delete", "create", "member"):
            h.teams.fails(method, reset=True, times=9, done=method == "update")
        for deed in (
            h.deliver("ana", PLAIN, ref),
            h.adapter.erase(ref, REFUSAL),
            h.deliver("bo"),
            h.adapter.profile(h.person("ana")),
        ):
            with pytest.raises(RetryLater):
                await deed
        h.teams.heals()
        assert await h.deliver("ana", PLAIN, ref) == ref


async def test_nobody_listening_means_later_for_nothing_was_said() -> None:
    async with TeamsServer(now=lambda: NOON) as teams:
        adapter = adapter_at(teams)
        await adapter.start()
    teams.joins("ana")
    h = Harness(teams, adapter, None, None, [])  # type: ignore[arg-type]
    for deed in (h.deliver("ana"), h.deliver("ana", at=reach(h, "ana")), adapter.profile(h.person("ana"))):
        with pytest.raises(RetryLater):
            await deed
    await adapter.close()


async def test_a_card_somebody_took_away_is_posted_afresh_only_if_it_can_be_answered() -> None:
    async with harness() as h:
        ref = await h.deliver("ana")
        await h.adapter.erase(ref, REFUSAL)
        assert await h.deliver("ana", PLAIN, ref) == ref
        assert h.teams.reads("ana") == []
        assert await h.deliver("ana", WELCOME, ref) != ref
        assert len(h.teams.reads("ana")) == 1
        assert await h.deliver("ana", WELCOME, "no place") not in {ref, "no place"}
        await h.adapter.erase("no place", REFUSAL)


# ---------------------------------------------------------------- who somebody is


async def test_who_is_not_in_the_chat_or_comes_from_elsewhere_is_no_member() -> None:
    async with harness() as h:
        assert (await h.adapter.profile(h.person("ana"))).member
        h.teams.joins("gus", userPrincipalName="gus_else.example#EXT#@hospital.example")
        assert not (await h.adapter.profile(h.person("gus"))).member
        h.teams.fails("member", status=404)
        assert not (await h.adapter.profile(h.person("bo"))).member
        assert (await h.adapter.profile(h.person("bo"))).member  # what was not said is not remembered


async def test_whose_name_is_blank_in_teams_is_called_by_their_other_name() -> None:
    async with harness() as h:
        h.teams.joins("zo", name="\u3164", givenName="Zo\u00eb", surname="N\u00fa\u00f1ez")
        h.teams.joins("li", name="\u674e\u5a1c", givenName="Na", surname="Li")
        assert (await h.adapter.profile(h.person("zo"))).name == "Zo\u00eb N\u00fa\u00f1ez"
        found = await h.adapter.profile(h.person("li"))
        assert (found.name, found.other_names) == ("\u674e\u5a1c", ("Na Li",))


async def test_who_somebody_is_is_asked_once_a_day() -> None:
    async with harness() as h:
        for _ in range(3):
            assert (await h.adapter.profile(h.person("ana"))).name == "Ana"
        assert len(h.teams.called("member")) == 1
        h.pass_(timedelta(hours=24))
        await h.adapter.profile(h.person("ana"))
        assert len(h.teams.called("member")) == 2


# ---------------------------------------------------------------- in order


async def test_what_somebody_reads_stays_in_order_while_teams_is_busy(tmp_path: Path) -> None:
    async with asked(tmp_path) as home:
        await home.teams.presses(BO, "Yes, I can")
        await home.engine.idle()
        home.teams.fails("post", user=BO, retry_after=7)
        calls = len(home.teams.calls)
        await home.teams.presses(ANA, "Share my name and connect")
        await home.engine.idle()
        posts = [call.path for call in home.teams.calls[calls:] if call.method == "post"]
        assert sum(quote(home.teams.chat(BO), safe="") in path or home.teams.chat(BO) in path for path in posts) == 1
        home.time.pass_(timedelta(seconds=8))
        await home.engine.wake()
        await home.reads({ANA: (WELCOMED, "Bo knows your name"), BO: (PEER, MET, GUIDE), CY: (PEER, NEUTRAL)})


# ---------------------------------------------------------------- where a token may go


@pytest.mark.parametrize(
    ("fits", "service"),
    [
        *(
            (True, service)
            for service in (
                "https://smba.trafficmanager.net/amer/",
                "https://smba.trafficmanager.net",
                f"{TLS}//SMBA.TrafficManager.net/emea",
                "https://emea.ng.msg.teams.microsoft.com/x",
                "https://directline.botframework.com/",
                f"{TLS}//smba.infra.gov.teams.microsoft.us/teams/",
                "https://relay.hospital.example/teams/",
                "http://127.0.0.1:4000/amer/",
            )
        ),
        *(
            (False, service)
            for service in (
                "http://smba.trafficmanager.net/amer/",
                "https://smba.trafficmanager.net:443/amer/",
                "https://smba.trafficmanager.net:8443/amer/",
                "https://smba.trafficmanager.net.evil.example/amer/",
                "https://smba.trafficmanager.net@evil.example/",
                "https://evil.example@smba.trafficmanager.net/",
                "https://:@smba.trafficmanager.net/",
                "https://xsmba.trafficmanager.net/",
                "https://evil.trafficmanager.net/",
                f"{TLS}//evilbotframework.com/",
                "https://botframework.com.evil.example/",
                "https://botframework.com/",
                "https://.botframework.com/",
                "https://evil.example\\.botframework.com/",
                "https://evil.example%2f.botframework.com/",
                "https://evil.example%00.botframework.com/",
                "https://evil.example\uff0f.botframework.com/",
                "https://evil.example;.botframework.com/",
                f"{TLS}//evil example.botframework.com/",
                "https://[::1].botframework.com/",
                "https://smba.trafficmanager.net./",
                "https://smba.trafficmanager.net\\@evil.example/",
                f"{TLS}//smba.traffic\tmanager.net/",
                " https://smba.trafficmanager.net/",
                "https://smba.trafficmanager.net/\r\nHost: evil.example",
                "https://smba.trafficmanager.net/?x=",
                "https://smba.trafficmanager.net/?",
                "https://smba.trafficmanager.net/#x",
                "https:smba.trafficmanager.net",
                "//smba.trafficmanager.net/",
                "smba.trafficmanager.net",
                "ftp://smba.trafficmanager.net/",
                "https://user:pass@127.0.0.1:4000/",
                "http://127.0.0.1:4001/",
                "http://127.0.0.1/",
                "http://127.0.0.1:99999/",
                "https://127.0.0.1:4000/",
                "http://127.0.0.1:4000@evil.example/",
                f"{TLS}//169.254.169.254/",
                "https://[",
                "",
            )
        ),
    ],
)
def test_only_hosts_of_the_list_are_trusted(fits: bool, service: str) -> None:
    assert (
        AllowedHosts(["relay.hospital.example", "http://127.0.0.1:4000", "https://outside.example"]).allows(service)
        == fits
    )


@asynccontextmanager
async def elsewhere(leads_to: str = "") -> AsyncIterator[tuple[str, list[str]]]:
    """Another server on the loopback, and every bearer that came there; it may lead on to somewhere."""
    came: list[str] = []

    async def answer(request: aioweb.Request) -> aioweb.Response:
        came.append(request.headers.get("Authorization", ""))
        return aioweb.Response(status=307, headers={"Location": leads_to}) if leads_to else aioweb.Response()

    app = aioweb.Application()
    app.router.add_route("*", "/{anything:.*}", answer)
    runner = aioweb.AppRunner(app, access_log=None)
    await runner.setup()
    await aioweb.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}", came
    finally:
        await runner.cleanup()


async def test_a_token_goes_to_no_host_off_the_list_and_holds_nobody_up() -> None:
    async with elsewhere() as (evil, came), harness(pace=RateLimiter(RATES, sleep=no_wait)) as h:
        chat, tenant = h.teams.chat("ana"), h.teams.tenant
        there = PersonalChat(f"{evil}/amer/", chat, tenant, h.teams.mri("ana")).address()
        place = MessageReference(evil, chat, tenant, "1").ref()
        for deed in (h.deliver("ana", at=there), h.deliver("ana", PLAIN, place), h.adapter.erase(place, REFUSAL)):
            with pytest.raises(RetryLater):
                await deed
        assert came == []
        await h.deliver("bo", at=reach(h, "bo"))
        await h.deliver("bo")


async def test_a_token_follows_no_redirect() -> None:
    async with elsewhere() as (evil, came), elsewhere(leads_to=evil) as (listed, first), harness() as h:
        adapter: TeamsAdapter = adapter_at(h.teams, service_hosts=[h.teams.url, listed])
        await adapter.start()
        there = PersonalChat(listed, h.teams.chat("ana"), h.teams.tenant, h.teams.mri("ana")).address()
        with pytest.raises(RetryLater):
            await adapter.deliver(h.person("ana"), there, WELCOME, None)
        await adapter.close()
        assert (len(first), came) == (1, [])


async def test_a_thousand_sends_need_one_token_and_twenty_connections() -> None:
    async with harness(pace=patient()) as h:
        at = {user: reach(h, user) for user in ("ana", "bo")}
        await asyncio.gather(*(h.deliver(user, at=at[user]) for user in at for _ in range(500)))
        assert len(h.teams.called("token")) == len(h.teams.used_tokens) == 1
        assert len(h.teams.wire.connections) <= 20
        assert len(h.teams.reads("ana")) == len(h.teams.reads("bo")) == 500


async def test_scope_service_and_chats_are_those_of_the_cloud() -> None:
    scope, service = "https://api.botframework.us/.default", "smba.infra.gov.teams.microsoft.us"
    async with TeamsServer() as teams:
        teams.joins("ana")
        teams.login.scope = scope
        commercial = adapter_at(teams)
        with pytest.raises(AccessRevoked):
            await commercial.start()
        await commercial.close()
        adapter = adapter_at(teams, scope=scope, chat_url="https://gov.teams.microsoft.us/")
        await adapter.start()
        await adapter.close()
    assert AllowedHosts((service,)).default_service == f"https://{service}/teams/"
    link = cards.chat_with("ana@hospital.example", "https://gov.teams.microsoft.us/")
    assert link == "https://gov.teams.microsoft.us/l/chat/0/0?users=ana@hospital.example"
