"""Installing the Slack app in several workspaces: who may, what is kept of it, and how it ends."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
from structlog.testing import capture_logs

from adapters.base import Card, RetryLater
from adapters.fakes.slack.server import SlackServer
from adapters.rate_limit import RateLimiter
from adapters.slack import parse
from adapters.slack.client import SlackApi
from adapters.slack.install.app import INSTALLS, NotInstalled, SlackApp
from adapters.slack.install.oauth import COOKIE
from adapters.slack.install.resolve import known_as
from adapters.slack.install.store import Installation
from adapters.slack.parse import Origin
from bot.server.slack_installations import OAuthStateStore, SlackInstallationStore
from bot.store.embedded.store import EmbeddedStore
from conversations.model import Person
from tests.adapters.slack.install.harness import (
    ELSEWHERE,
    GRID,
    HERE,
    THERE,
    Browser,
    replicas,
    several,
    several_served,
)
from tests.stories.scenes import ABOUT, ANA, ASKED, BO, CY, DANA, NEUTRAL, PEER, Scene, opting_in, play
from tests.stories.serve import VAULT, kept_in

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
TITLE = "Peer support in Slack"


@pytest.fixture(params=["tinydb", "postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    """Where it is kept: in a folder, or there."""
    return str(request.getfixturevalue("new_database")) if request.param == "postgresql" else ""


async def refused(s, user, team=None):
    """They type the command and read the neutral line."""
    assert (await s.slack.command(user, team=team)).status == 200
    assert s.slack.whispered(user)[-1].text == "This was already answered. Nothing more is needed."


# ---------------------------------------------------------------- the whole story

MET = (
    Scene(BO, "Yes, I can", then={ANA: ("Bo is a trained peer",), BO: (PEER, "Thank you. We'll"), CY: (PEER, NEUTRAL)}),
    Scene(
        ANA,
        "Share my name and connect",
        then={
            ANA: ("Bo knows your name and would be glad to talk. You can write to each other here.",),
            BO: (PEER, "Ana would like to talk with you. You can write to each other here.", "Listen first."),
        },
    ),
)


async def test_a_clinician_and_a_peer_in_two_workspaces_meet_and_one_of_them_is_uninstalled_meanwhile(
    tmp_path: Path, database: str
) -> None:
    async with several_served(tmp_path, database=database) as s:
        for user in (BO, CY):
            s.slack.joins(user, name=user.removeprefix("U0").title(), team=THERE)
        await refused(s, ANA)
        for team in (HERE, THERE):
            page = await s.browser.installs(s.slack, team)
            assert (page.status, TITLE in page.text, "The app is installed" in page.text) == (200, True, True)
        await play(s, (*ASKED, *MET))
        assert "Bo is in another part of Slack" in s.slack.reads(ANA)[0].text
        tokens = [s.slack.teams[team].token for team in (HERE, THERE)]
        assert len(set(tokens)) == 2
        await s.serve.kill()  # whoever starts next is installed where we were
        await s.serve.start()

        before = s.kept()
        assert before.kinds()["installation"] == 2
        (gone,) = [kept for kept in before.records.values() if kept.id == VAULT.keyed_hash("installation", THERE)]
        assert (await s.slack.uninstalls(THERE)).status == 200
        await s.keeps(lambda kept: kept.kinds()["installation"] == 1 and gone.sealed not in kept.history)
        assert await s.is_ready() == (200, "ok")  # the other workspace is served as before

        said = await s.slack.presses(ANA, "Write")
        assert said.status == 200
        assert (await s.slack.presses(ANA, "Send", {"line": "Thank you, Bo."})).status == 200
        await s.keeps(lambda kept: kept.owed())
        assert len(s.slack.reads(BO)) == 3

        assert (await s.browser.installs(s.slack, THERE)).status == 200
        assert s.slack.teams[THERE].token not in tokens
        s.time.pass_(timedelta(minutes=6))
        await s.slack.until(lambda: any("Thank you, Bo." in seen.text for seen in s.slack.reads(BO)))
        await s.keeps(lambda kept: not kept.owed())

        kept = s.kept()
        secrets = [*tokens, s.slack.teams[THERE].token, s.slack.oauth.client_secret, s.slack.secret]
        assert await s.serve.end() == 0
    for secret in secrets:
        raw = secret.encode()
        for shape in (raw, base64.b64encode(raw)[:-4], raw.hex().encode(), secret.encode("utf-16-le")):
            assert shape not in kept.files + kept.history + s.serve.said
    assert b"T0CLINIC" not in s.serve.said
    assert secrets[0].encode() in kept.plain()  # it is looked for in the right place


# ---------------------------------------------------------------- the way to Slack and back


async def test_our_page_leads_to_slack_with_what_we_ask_for_and_nothing_else(tmp_path):
    async with several(tmp_path) as s:
        there = await s.browser.goes("/slack/install", follow=False)
        assert there.status == 302
        address = urlsplit(there.headers["location"])
        assert address.geturl().startswith(s.slack.url + "/oauth/v2/authorize?")
        query = parse_qs(address.query)
        assert query.keys() == {"client_id", "scope", "state"}
        assert query["client_id"] == [s.slack.oauth.client_id]
        assert query["scope"] == ["chat:write,commands,im:history,im:write,users:read"]
        strict = parse_qs(
            urlsplit((await s.browser.goes("/slack/install?strict", follow=False)).headers["location"]).query
        )
        assert strict["scope"] == ["chat:write,commands,im:write,users:read"]
        cookie = there.headers["set-cookie"]
        assert cookie.startswith(COOKIE + "=")
        assert all(part in cookie for part in ("HttpOnly", "Secure", "SameSite=Lax", "Path=/", "Max-Age=600"))
        assert "Domain" not in cookie


async def test_pages_tell_no_more_than_they_must_and_are_not_kept(tmp_path):
    async with several(tmp_path) as s:
        for page in (
            await s.browser.goes("/slack/install", follow=False),
            await s.browser.installs(s.slack, HERE),
            await s.browser.goes("/slack/oauth_redirect?code=%3Cscript%3Ecanary&state=canary&error=canary"),
        ):
            assert page.headers["cache-control"] == "no-store"
            assert page.headers["content-security-policy"].startswith("default-src 'none'")
            assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
            assert page.headers["x-content-type-options"] == "nosniff"
            assert page.headers["referrer-policy"] == "no-referrer"
            assert "canary" not in page.text
            assert "server" not in page.headers
            assert HERE not in page.text
        assert s.browser.cookies() == {}  # it has done what it was for
        async with aiohttp.ClientSession() as session:
            for method in ("POST", "HEAD", "PUT"):
                for path in ("/slack/install", "/slack/oauth_redirect"):
                    async with session.request(method, s.browser.app + path) as answer:
                        assert answer.status == 404


OUTCOMES = {
    "somebody declines": (None, 400, "chose not to install"),
    "of another hospital": (ELSEWHERE, 400, "not one of this programme"),
}


@pytest.mark.parametrize("case", OUTCOMES)
async def test_what_comes_to_nothing_is_said_kindly_and_nothing_is_kept(tmp_path, case):
    team, status, said = OUTCOMES[case]
    async with several(tmp_path) as s:
        page = await s.browser.installs(s.slack, team)
        assert (page.status, said in page.text) == (status, True)
        assert await s.kinds("installation") == 0
        if team is not None:
            assert [token.startswith(f"xoxb-of-{team}") for token in s.slack.api.revoked] == [True]


async def test_a_code_that_has_run_out_a_busy_slack_and_a_rotating_token_come_to_nothing(tmp_path):
    async with several(tmp_path) as s:
        for fault, said, status in (
            ({"error": "invalid_code"}, "had run out or was used", 400),
            ({"error": "code_already_used"}, "had run out or was used", 400),
            ({"status": 503, "html": True}, "in a minute", 503),
            ({"retry_after": 30}, "in a minute", 503),
            ({"reset": True}, "in a minute", 503),
            ({"error": "bad_client_secret"}, "finds why in its log", 400),
            ({"error": "something_new"}, "finds why in its log", 400),
        ):
            s.slack.fails("oauth.v2.access", **fault)
            page = await s.browser.installs(s.slack, HERE)
            assert (page.status, said in page.text) == (status, True), fault
        s.slack.oauth.rotates = True
        page = await s.browser.installs(s.slack, HERE)
        assert "Token rotation is on" in page.text
        assert await s.kinds("installation") == await s.kinds("seen") == 0  # nothing was written for any of these


async def test_whoever_plays_with_our_page_does_not_use_up_slack():
    async with SlackServer() as slack:
        pace = RateLimiter(INSTALLS, patience=0.0, now=lambda: 0.0)
        app = SlackApp(
            slack.oauth.client_id, slack.oauth.client_secret, SlackApi(slack.api_url), now=lambda: NOON, pace=pace
        )
        await app.start()
        refused = [type(await _raised(app.exchange("guessed"))) for _ in range(30)]
        assert refused == [NotInstalled] * 20 + [RetryLater] * 10
        await app.close()


async def _raised(work):
    try:
        return await work
    except (NotInstalled, RetryLater) as failure:
        return failure


async def test_a_state_counts_once_for_one_browser_unchanged_and_for_ten_minutes(tmp_path):
    async with several(tmp_path) as s:
        s.slack.consents(HERE)

        async def begun() -> str:
            """The address on which Slack would send the browser back."""
            there = await s.browser.goes("/slack/install", follow=False)
            return (await s.browser.goes(there.headers["location"], follow=False)).headers["location"]

        asked = len(s.slack.called("oauth.v2.access"))
        address = await begun()
        async with aiohttp.ClientSession() as another, another.get(address) as answer:
            assert (answer.status, "begun elsewhere" in await answer.text()) == (400, True)

        address = await begun()
        state = parse_qs(urlsplit(address).query)["state"][0]
        for changed in (
            state[:-1],
            state + "A",
            state[:40] + ("A" if state[40] != "A" else "B") + state[41:],
            "",
            "é",
            "A" * 5000,
        ):
            page = await s.browser.goes(address.replace(state, changed))
            assert "begun elsewhere" in page.text, changed
            address, state = (again := await begun()), parse_qs(urlsplit(again).query)["state"][0]

        s.time.pass_(timedelta(minutes=10))
        assert "begun elsewhere" in (await s.browser.goes(address)).text
        assert len(s.slack.called("oauth.v2.access")) == asked  # nobody's code was shown to Slack

        address = await begun()
        cookie = s.browser.cookies()
        assert "The app is installed" in (await s.browser.goes(address)).text
        s.browser._session.cookie_jar.update_cookies(cookie)
        assert "begun elsewhere" in (await s.browser.goes(address)).text  # even with the cookie it had
        assert len(s.slack.called("oauth.v2.access")) == asked + 1


async def test_any_replica_takes_back_what_another_one_sent_out_and_only_one_of_them(tmp_path):
    store = EmbeddedStore.open(tmp_path / "data", VAULT)
    one, other = (OAuthStateStore(store, VAULT, lambda: NOON) for _ in range(2))
    state, cookie = one.issue()
    assert len(state) < 500
    assert not await other.verify(state, cookie + "x")
    assert await other.verify(state, cookie)
    assert await store.all_of_kind("seen") == ()  # looking writes nothing
    assert await other.consume(state)
    assert not await one.consume(state)
    assert not await one.verify(state, cookie)
    seen = await store.all_of_kind("seen")
    assert [record.sealed for record in seen] == [b""]  # that it was used, and nothing else
    late = OAuthStateStore(store, VAULT, lambda: NOON + timedelta(minutes=10))
    assert not await late.verify(*one.issue())
    assert not await one.verify(*late.issue())  # from a clock that is far ahead
    await store.close()


async def test_behind_any_load_balancer_one_replica_sends_another_takes_back_and_each_notices(tmp_path, new_database):
    async with replicas(tmp_path, new_database) as r, Browser(r.one) as browser:
        r.slack.oauth.redirect_url = r.one + "/slack/oauth_redirect"
        there = await browser.goes("/slack/install", follow=False)
        back = (await browser.goes(there.headers["location"], follow=False)).headers["location"]
        cookie = {"Cookie": f"{COOKIE}={browser.cookies()[COOKIE]}"}  # a browser sees one address, whoever answers
        async with aiohttp.ClientSession(headers=cookie) as session:
            async with session.get(back.replace(r.one, r.other)) as answer:
                assert "The app is installed" in await answer.text()
            async with session.get(back) as answer:
                assert "begun elsewhere" in await answer.text()
        for replica in (r.one, r.other):
            r.slack.app_url = replica + "/slack/events"
            await r.slack.command(ANA)
            assert r.slack.whispered(ANA)[-1].text.startswith("If you can't stay safe")
        assert (await r.slack.uninstalls(HERE)).status == 200  # only the other one hears of it
        r.slack.app_url = r.one + "/slack/events"
        await refused(r, ANA)


# ---------------------------------------------------------------- what is kept

A = Installation(THERE, "", "xoxb-canary-1", "U0BOT", ("chat:write",), NOON)


async def test_a_replica_notices_at_once_what_another_one_installed_or_removed(tmp_path):
    store = EmbeddedStore.open(tmp_path / "data", VAULT)
    one, other = (SlackInstallationStore(store, VAULT, lambda: NOON) for _ in range(2))
    assert await other.find(THERE) is None
    await one.save(A)
    assert await other.find(THERE) == A
    again = replace(A, token="xoxb-canary-2", at=NOON + timedelta(hours=1))
    await other.save(again)
    assert await one.find(THERE) == again
    assert not await other.remove(THERE, NOON)  # told late, of what was before
    assert await one.find(THERE) == again
    assert await other.remove(THERE, again.at)
    assert await one.find(THERE) is None
    assert not await one.remove(THERE, again.at)
    await store.purge()
    await store.close()
    history = kept_in(tmp_path / "data").history
    assert b"canary" not in history
    assert VAULT.keyed_hash("installation", THERE).encode() not in history
    assert "canary" not in repr(A)
    assert THERE not in repr(A)


async def test_those_within_an_organisation_are_found_by_it(tmp_path):
    store = EmbeddedStore.open(tmp_path / "data", VAULT)
    kept = SlackInstallationStore(store, VAULT, lambda: NOON)
    within = [replace(A, team=team, enterprise=GRID) for team in (HERE, THERE)]
    for each in (*within, replace(A, team=ELSEWHERE), replace(A, team="", enterprise=GRID)):
        await kept.save(each)
    assert list(await kept.within(GRID)) == within
    assert (await kept.find(GRID)).team == ""
    await store.close()


# ---------------------------------------------------------------- how it ends


async def installed(s, *teams):
    for team in teams:
        assert (await s.browser.installs(s.slack, team)).status == 200


async def test_a_late_word_of_an_uninstallation_does_not_undo_what_was_installed_since(tmp_path):
    async with several(tmp_path) as s:
        await installed(s, THERE)
        s.slack.joins(BO, team=THERE)
        s.time.pass_(timedelta(minutes=1))
        await s.slack.uninstalls(THERE)
        assert await s.kinds("installation") == 0
        await refused(s, BO)  # nobody's workspace, nobody's people
        s.time.pass_(timedelta(minutes=1))
        await installed(s, THERE)
        assert (await s.slack.again()).status == 200  # what was sent last is the late word
        uninstalled = {"type": "app_uninstalled"}
        before = int((s.time.now() - timedelta(minutes=1)).timestamp())
        assert (await s.slack.event(uninstalled, team=THERE, event_time=before)).status == 200
        assert await s.kinds("installation") == 1
        assert (await s.slack.command(BO)).json["blocks"]


async def test_only_the_loss_of_the_bots_own_token_counts_and_only_there(tmp_path):
    async with several(tmp_path) as s:
        await installed(s, HERE, THERE)
        with capture_logs() as logs:
            await s.slack.event({"type": "tokens_revoked", "tokens": {"oauth": ["U0ANA"], "bot": []}}, team=THERE)
            assert await s.kinds("installation") == 2
            await s.slack.event({"type": "tokens_revoked", "tokens": {"oauth": [], "bot": ["U0BOT"]}}, team=THERE)
            assert await s.kinds("installation") == 2  # an older token: Slack accepts the one we have
            s.slack.teams[THERE].token = ""
            await s.slack.event({"type": "tokens_revoked", "tokens": {"oauth": [], "bot": ["U0BOT"]}}, team=THERE)
            assert await s.kinds("installation") == 1
        assert [line for line in logs if line["log_level"] == "error"] == [
            {"event": "slack-workspace-shut", "kind": "uninstalled", "log_level": "error"}
        ]
        assert await s.is_ready() == (200, "ok")
        assert (await s.slack.command(ANA)).json["blocks"]


async def test_while_slack_does_not_say_whether_it_takes_a_token_no_workspace_is_lost(tmp_path):
    async with several(tmp_path) as s:
        await installed(s, HERE, THERE)
        revoked = {"type": "tokens_revoked", "tokens": {"oauth": [], "bot": ["U0BOT"]}}
        for fault in ({"status": 503}, {"error": "fatal_error"}, {"html": True}):
            s.slack.fails("auth.test", times=1, **fault)
            assert (await s.slack.event(revoked, team=THERE)).status == 503  # Slack sends it again
            assert await s.kinds("installation") == 2
        assert (await s.slack.event(revoked, team=THERE)).status == 200
        assert await s.kinds("installation") == 2


async def test_a_token_that_slack_no_longer_takes_keeps_its_messages_owed_and_the_others_going(tmp_path):
    async with several(tmp_path) as s:
        s.slack.joins(BO, team=THERE)
        await installed(s, HERE, THERE)
        await s.slack.command(BO)
        s.slack.teams[THERE].token = ""  # revoked, and nobody told us
        with capture_logs() as logs:
            for word in ("peer", "settings"):
                assert (await s.slack.command(BO, word)).status == 200
            assert (await s.slack.command(ANA, "peer")).status == 200
            await s.slack.until(lambda: s.slack.reads(ANA))
            await s.engine.idle()
        assert [line["kind"] for line in logs if line["log_level"] == "error"] == ["token-refused"]  # said once
        assert await s.is_ready() == (200, "ok")
        await installed(s, THERE)
        s.time.pass_(timedelta(minutes=6))
        await s.slack.until(lambda: s.slack.reads(BO))


async def test_where_we_are_not_no_line_says_that_somebody_is_to_be_told_something(tmp_path):
    async with several(tmp_path, PEERSUPPORT_COORDINATORS=f"slack:{THERE}:{DANA}") as s:
        await installed(s, HERE)
        with capture_logs() as logs:
            await s.slack.command(ANA, "peer")
            await s.slack.until(lambda: s.slack.reads(ANA))
            await s.slack.presses(ANA, "Next", ABOUT)
            await s.reads({ANA: ("I promise:",)})
            await s.slack.presses(ANA, "I promise")  # Dana is to hear of it
            await s.reads({ANA: ("Thank you. A coordinator",)})
            await s.engine.idle()
        assert logs == []


async def test_somebody_in_two_workspaces_links_the_two_and_is_not_offered_their_own_request(tmp_path):
    kim = "U0KIM"
    async with several(tmp_path) as s:
        s.slack.joins(BO, name="Bo", team=THERE)
        s.slack.joins(kim, name="Kim", team=HERE)
        await installed(s, HERE, THERE)
        await play(s, opting_in(BO, "Bo"))
        await s.slack.types(BO, "link")
        await s.reads({BO: (PEER, "Your code is")})
        (code,) = re.findall(r"Your code is ([^.]+)\.", s.slack.reads(BO)[-1].text)
        await s.slack.types(kim, "code")
        await s.slack.until(lambda: any("Link them" in seen.buttons for seen in s.slack.reads(kim)))
        await s.slack.presses(kim, "Link them", {"code": code})
        await s.slack.until(lambda: "linked" in s.slack.reads(BO)[-1].text)
        await s.slack.command(kim)
        await s.slack.presses(kim, "Talk to someone soon")
        await s.slack.until(lambda: any("Ask now" in seen.buttons for seen in s.slack.reads(kim)))
        await s.slack.presses(kim, "Ask now")
        await s.slack.until(lambda: any("Change my mind" in seen.buttons for seen in s.slack.reads(kim)))
        await s.engine.idle()
        assert not any("Yes, I can" in seen.buttons for seen in s.slack.reads(BO))


# ---------------------------------------------------------------- an organisation


def test_whoever_is_of_an_organisation_that_is_listed_is_known_by_it_and_else_by_the_workspace():
    assert known_as(Origin(HERE, GRID), {HERE, GRID}) == GRID
    assert known_as(Origin(HERE, GRID), {HERE, THERE}) == HERE
    assert known_as(Origin("", GRID), {HERE}) == ""
    assert known_as(Origin("", ""), {HERE, ""}) == ""


def test_an_event_is_for_whom_it_says_and_not_for_whom_its_envelope_is_of():
    ours = {"enterprise_id": None, "team_id": HERE, "is_enterprise_install": False}
    shared = {
        "team_id": ELSEWHERE,
        "enterprise_id": "E0THEIRS",
        "is_ext_shared_channel": True,
        "authorizations": [ours],
    }
    assert parse.origin(shared) == Origin(HERE, "")
    wide = {"enterprise_id": GRID, "team_id": None, "is_enterprise_install": True}
    assert parse.origin(shared | {"authorizations": [wide]}) == Origin("", GRID, organisation_wide=True)
    assert parse.origin({"team_id": HERE, "authorizations": [wide]}) == Origin(HERE, GRID, organisation_wide=True)
    pressed = {"team": None, "enterprise": {"id": GRID}, "is_enterprise_install": True, "user": {"team_id": HERE}}
    assert parse.origin(pressed) == Origin(HERE, GRID, organisation_wide=True)
    command = {"team_id": HERE, "enterprise_id": GRID, "is_enterprise_install": "true"}
    assert parse.origin(command) == Origin(HERE, GRID, organisation_wide=True)
    assert parse.origin({"team_id": GRID}) == Origin("", GRID)


async def test_somebody_is_one_person_in_all_workspaces_of_an_organisation(tmp_path):
    kim = "W0KIM"
    async with several(
        tmp_path, DANA, allowed=GRID, enterprise=GRID, PEERSUPPORT_COORDINATORS=f"slack:{GRID}:{DANA}"
    ) as s:
        s.slack.joins(DANA, name="Dana", team=(HERE, THERE))
        s.slack.joins(kim, name="Kim", team=(HERE, THERE))
        page = await s.browser.installs(s.slack, GRID)
        assert "installed for your organisation" in page.text

        await s.slack.command(kim, "peer", team=HERE)
        await s.slack.until(lambda: s.slack.reads(kim))
        await s.slack.presses(kim, "Next", ABOUT)
        await s.reads({kim: ("I promise:",)})
        await s.slack.presses(kim, "I promise")
        await s.reads({kim: ("Thank you. A coordinator",), DANA: ("Kim offers to be a peer",)})
        await s.slack.presses(DANA, "Approve", {"trained": "today"})
        await s.reads({kim: (PEER,), DANA: ("Approved.",)})

        await s.slack.command(kim, team=THERE)
        await s.slack.presses(kim, "Talk to someone soon")
        await s.slack.until(lambda: any("Ask now" in seen.buttons for seen in s.slack.reads(kim)))
        await s.slack.presses(kim, "Ask now")
        await s.slack.until(lambda: any("Change my mind" in seen.buttons for seen in s.slack.reads(kim)))
        await s.engine.idle()
        assert not any("Yes, I can" in seen.buttons for seen in s.slack.reads(kim))  # nobody is offered their own
        assert await s.kinds("doorstep") == 1
        assert await s.engine.services.store.load(VAULT.pseudonym("doorstep", Person("slack", GRID, kim)))
        await refused(s, kim, team=ELSEWHERE)

        told = [{"enterprise_id": GRID, "team_id": HERE, "is_enterprise_install": True}]
        await s.slack.event({"type": "app_uninstalled"}, team=HERE, authorizations=told)
        assert await s.kinds("installation") == 1  # it was taken out of one workspace only
        await s.slack.uninstalls(GRID)
        assert await s.kinds("installation") == 0
        await refused(s, kim)


async def test_an_organisation_that_is_listed_may_also_be_installed_workspace_by_workspace(tmp_path):
    async with several(
        tmp_path, ANA, BO, DANA, allowed=GRID, enterprise=GRID, PEERSUPPORT_COORDINATORS=f"slack:{GRID}:{DANA}"
    ) as s:
        s.slack.joins(BO, name="Bo", team=(THERE, HERE))
        s.slack.joins(DANA, name="Dana", team=THERE)
        await installed(s, HERE, THERE)
        assert s.slack.api.revoked == []
        await s.slack.command(BO, "peer", team=THERE)
        await s.slack.until(lambda: s.slack.reads(BO))
        await s.slack.command(BO, "peer", team=HERE)
        await s.slack.presses(BO, "Next", ABOUT)
        await s.reads({BO: ("I promise:",)})
        await s.slack.presses(BO, "I promise")
        # who never wrote to us is found in whichever workspace she is
        await s.slack.until(lambda: any("Approve" in seen.buttons for seen in s.slack.reads(DANA)))
        assert await s.kinds("doorstep") == 1
        assert {seen.team for seen in s.slack.reads(BO)} == {HERE}  # one chat, wherever he types

        await s.slack.uninstalls(HERE)
        # the card with his answer stands where we are no longer
        await s.slack.presses(DANA, "Approve", {"trained": "today"})
        await s.slack.until(lambda: s.slack.reads(BO)[-1].text.startswith(PEER))
        assert {seen.team for seen in s.slack.reads(BO)} == {HERE, THERE}
        await s.slack.presses(BO, "Pause")
        await s.slack.until(lambda: any("Until I say" in seen.buttons for seen in s.slack.reads(BO)))


async def test_two_workspaces_of_one_organisation_are_installed_only_where_it_is_listed(tmp_path):
    async with several(tmp_path, enterprise=GRID) as s:
        await installed(s, HERE)
        page = await s.browser.installs(s.slack, THERE)
        assert (page.status, "lists the" in page.text) == (400, True)
        assert await s.kinds("installation") == 1
        await installed(s, HERE)  # again is fine
        page = await s.browser.installs(s.slack, GRID)
        assert "not one of this programme" in page.text


async def test_strangers_who_share_a_channel_with_us_read_what_everybody_else_reads_who_may_not(tmp_path):
    async with several(
        tmp_path, ANA, allowed=GRID, enterprise=GRID, PEERSUPPORT_COORDINATORS=f"slack:{GRID}:{DANA}"
    ) as s:
        await installed(s, GRID)
        s.slack.joins("U0GUEST", is_restricted=True)
        s.slack.joins("U0OTHER", team_id=ELSEWHERE, enterprise_user={"id": "U0OTHER", "enterprise_id": "E0THEIRS"})
        s.slack.joins("U0ALONE", team_id=ELSEWHERE, enterprise_user=None)
        said = [await s.slack.command(user) for user in ("U0GUEST", "U0OTHER", "U0ALONE", "U0NOBODY")]
        said.append(await s.slack.command(ANA, team=ELSEWHERE))
        assert {reply.body for reply in said} == {said[0].body}
        assert await s.kinds("doorstep") == 0
        s.slack.joins("U0NEWLY", team_id=ELSEWHERE, enterprise_user=None)
        s.slack.fails("users.info", times=99, status=503)
        foreign = {"team": ELSEWHERE, "user_team": "E0THEIRS"}
        assert (await s.slack.types("U0NEWLY", "help", team=HERE, event=foreign)).status == 200
        assert await s.kinds("doorstep") == 0
        assert (await s.slack.types(ANA, "help", team=HERE)).status == 200
        assert await s.kinds("doorstep") == 1


async def test_the_token_of_one_workspace_knows_people_by_their_organisation_where_that_is_listed(tmp_path):
    from tests.stories.serve import at_home

    async with at_home(tmp_path, DANA, SLACK_WORKSPACES=GRID, PEERSUPPORT_COORDINATORS=f"slack:{GRID}:{DANA}") as s:
        s.slack.teams[HERE].enterprise = GRID
        s.slack.joins(ANA, team=HERE)
        assert (await s.slack.command(ANA)).json["blocks"]
        # asked at the start, Slack did not say so yet; what comes in says it
        assert await s.engine.services.store.load(VAULT.pseudonym("doorstep", Person("slack", GRID, ANA)))


# ---------------------------------------------------------------- starting


async def test_a_wrong_client_secret_is_noticed_at_the_start(tmp_path):
    from bot.server.platforms import PlatformNotStarted

    with pytest.raises(PlatformNotStarted) as refused:
        async with several(tmp_path, SLACK_CLIENT_SECRET="canary"):
            pass
    assert refused.value.sentence().startswith("Slack does not accept SLACK_CLIENT_SECRET:")
    assert "canary" not in refused.value.sentence()


def test_every_outcome_has_its_words():
    from bot.rendering import FOLDER, LANGUAGE

    written = (FOLDER / LANGUAGE / "install.ftl").read_text("utf-8")
    sources = "".join(
        Path("adapters/slack/install", name).read_text("utf-8") for name in ("oauth.py", "app.py", "multi_workspace.py")
    )
    keys = {
        line.partition(" ")[0].removeprefix("install-") for line in written.splitlines() if line.startswith("install-")
    }
    assert {key for key in keys if f'"{key}"' not in sources} == {"title"}
    assert json.dumps(sorted(keys)) == json.dumps(
        [
            "again",
            "declined",
            "done",
            "done-organisation",
            "expired",
            "failed",
            "foreign",
            "later",
            "organisation",
            "rotation",
            "title",
        ]
    )


async def test_taking_a_workspace_off_the_list_ends_it_at_the_next_start(tmp_path):
    async with several(tmp_path) as s:
        await installed(s, HERE, THERE)
    async with several(tmp_path, allowed=HERE) as s:
        s.slack.joins(BO, team=THERE)
        assert await s.kinds("installation") == 2
        await refused(s, BO)
        bo = Person("slack", THERE, BO)
        with pytest.raises(RetryLater):
            await s.engine.services.adapters["slack"].deliver(bo, None, Card("c", "Hello", "You have a message."), None)
        assert [name for name, _ in s.slack.calls if name != "oauth.v2.access"] == []  # its token is used for nothing
