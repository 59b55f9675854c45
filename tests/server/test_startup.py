"""A platform that does not answer at the start keeps people on the other from nothing."""

from __future__ import annotations

import json
from functools import partial

import pytest
from structlog.testing import capture_logs

from adapters.base import Card, Link
from adapters.rate_limit import RateLimiter
from adapters.signature_record import REFUSALS
from bot import config
from bot.health import Finding
from bot.server.app import RunningServer, ServerOptions, running_server
from bot.server.platforms import PlatformNotStarted, teams_adapter
from conversations.model import Person
from tests.stories.serve import TICK, hospital, no_wait, probe, surroundings

BINDS = {"PEERSUPPORT_BIND": "127.0.0.1:0", "PEERSUPPORT_OPS_BIND": "127.0.0.1:0"}


async def signatures(programme: RunningServer) -> Finding:
    """Return what is found about signatures alone: a scheduler that a busy machine holds up is another finding."""
    (found,) = (each for each in await programme.monitoring.readiness.check() if each.id == "signatures-refused")
    return found


async def test_the_other_platform_serves_and_the_silent_one_joins_when_it_answers(tmp_path):
    async with hospital(tmp_path, ("U0ANA", "U0BO"), ("U0BO",), None) as (slack, teams, time):
        teams.fails("token", times=1_000_000, status=503)
        settings = config.load_to_serve(surroundings(slack, teams, tmp_path / "data", **BINDS), tmp_path)
        world = ServerOptions(time.now, TICK, partial(RateLimiter, patience=float("inf"), sleep=no_wait))
        async with running_server(settings, world) as programme:
            slack.app_url = programme.public_url + "/slack/events"
            teams.app_url = programme.public_url + "/api/messages"
            assert (await slack.command("U0ANA")).status == 200
            assert slack.whispered("U0ANA")[-1].text.startswith("If you can't stay safe")
            assert (await teams.command("U0BO")).status == 503
            assert await probe(programme.ops_url) == (200, "ok")
            teams.heals()
            asked = len(teams.called("token"))
            await teams.until(lambda: len(teams.called("keys")) and len(teams.called("token")) > asked)
            while (await teams.command("U0BO")).status == 503:
                pass
            await teams.until(lambda: teams.reads("U0BO"))
            assert await probe(programme.ops_url) == (200, "ok")


@pytest.mark.parametrize(("silent", "secret"), [(True, False), (False, True)])
async def test_without_any_answer_or_with_a_wrong_secret_it_does_not_start(tmp_path, silent, secret):
    async with hospital(tmp_path, ("U0ANA", "U0BO"), ("U0BO",), None) as (slack, teams, time):
        wrong = {"SLACK_BOT_TOKEN": "xoxb-wrong"} if secret else {}
        if silent:
            teams.fails("token", times=100, status=503)
            slack.fails("auth.test", times=100, status=503)
        settings = config.load_to_serve(surroundings(slack, teams, tmp_path / "data", **BINDS, **wrong), tmp_path)
        with pytest.raises(PlatformNotStarted):
            async with running_server(settings, ServerOptions(time.now, TICK)):
                pass


async def test_a_wrong_signing_secret_is_a_warning_and_an_alert_and_ends_with_the_first_good_request(tmp_path):
    async with hospital(tmp_path, ("U0ANA",), (), None) as (slack, teams, time):
        settings = config.load_to_serve(surroundings(slack, teams, tmp_path / "data", **BINDS), tmp_path)
        with capture_logs() as logs:
            async with running_server(settings, ServerOptions(time.now, TICK)) as programme:
                slack.app_url = programme.public_url + "/slack/events"
                right, slack.secret = slack.secret, "another"
                for _ in range(20):
                    assert (await slack.command("U0ANA")).status == 401
                for _ in range(3):
                    assert await programme.monitoring.readiness.check()
                refused = await signatures(programme)
                assert refused.status == "warn"
                assert "SLACK_SIGNING_SECRET" in refused.fix
                assert await probe(programme.ops_url) == (200, "ok")
                slack.secret = right
                assert (await slack.command("U0ANA")).status == 200
                assert (await signatures(programme)).status == "ok"
    assert [line for line in logs if line["event"] == "signatures-refused"] == [
        {"event": "signatures-refused", "platform": "slack", "log_level": "error"}
    ]


async def test_the_cloud_that_is_set_is_the_one_that_teams_is_spoken_to_in(tmp_path):
    async with hospital(tmp_path, ("U0ANA", "U0BO"), ("U0BO",), None) as (slack, teams, time):
        teams.login.scope = "https://api.botframework.us/.default"
        settings = config.load(surroundings(slack, teams, tmp_path / "data", TEAMS_CLOUD="gcc-high"), tmp_path)
        adapter = teams_adapter(settings, time.now)
        await adapter.start()  # no token is given for another scope
        bo = Person("teams", teams.tenant, teams.aad("U0BO"))
        shown = await adapter.render(Card("c1", "t", "p", link=Link("Write to Bo", bo)))
        await adapter.close()
    assert "https://gov.teams.microsoft.us/l/chat/" in json.dumps(shown)


@pytest.mark.parametrize(("platform", "method"), [("slack", "auth.test"), ("teams", "token")])
async def test_a_refusal_that_is_not_repeated_keeps_nobody_from_starting(tmp_path, platform, method):
    async with hospital(tmp_path, ("U0ANA", "U0BO"), ("U0BO",), None) as (slack, teams, time):
        slack.fails("auth.test", times=int(platform == "slack"), error="invalid_auth")
        teams.fails("token", times=int(platform == "teams"), status=401, error="invalid_client")
        settings = config.load_to_serve(surroundings(slack, teams, tmp_path / "data", **BINDS), tmp_path)
        async with running_server(settings, ServerOptions(time.now, TICK)) as programme:
            assert await probe(programme.ops_url) == (200, "ok")
            found = {each.id: each.status for each in await programme.monitoring.readiness.check()}
            assert (found["slack"], found["teams"]) == ("ok", "ok")
        assert len((slack if platform == "slack" else teams).called(method)) > 1


@pytest.mark.parametrize("wrong", ["another audience", "expired", "another issuer"])
async def test_tokens_of_microsoft_s_that_are_all_refused_are_a_warning_too(tmp_path, wrong):
    async with hospital(tmp_path, ("U0ANA", "U0BO"), ("U0BO",), None) as (slack, teams, time):
        settings = config.load_to_serve(surroundings(slack, teams, tmp_path / "data", **BINDS), tmp_path)
        async with running_server(settings, ServerOptions(time.now, TICK)) as programme:
            teams.app_url = programme.public_url + "/api/messages"
            for _ in range(REFUSALS):
                typed = {"type": "message", "text": "help"}
                assert (await teams.activity("U0BO", typed, token=teams.wrong_tokens()[wrong])).status == 401
            refused = await signatures(programme)
            assert refused.status == "warn"
            assert "as from teams" in refused.says
            assert await probe(programme.ops_url) == (200, "ok")
