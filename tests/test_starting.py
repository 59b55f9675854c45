"""One platform that does not answer when we start keeps nobody waiting on the other."""

from __future__ import annotations

from functools import partial

import pytest
from story_serve import TICK, hospital, no_wait, probe, surroundings

from adapters.pace import Pace
from bot import config
from bot.app import World, running
from bot.platforms import NotStarted

BINDS = {"PEERSUPPORT_BIND": "127.0.0.1:0", "PEERSUPPORT_OPS_BIND": "127.0.0.1:0"}


async def test_the_other_serves_and_it_joins_when_it_answers(tmp_path):
    async with hospital(tmp_path, ("U0ANA", "U0BO"), ("U0BO",), None) as (slack, teams, time):
        teams.fails("token", times=1_000_000, status=503)
        settings = config.load_to_serve(surroundings(slack, teams, tmp_path / "data", **BINDS), tmp_path)
        world = World(time.now, TICK, partial(Pace, patience=float("inf"), sleep=no_wait))
        async with running(settings, world) as programme:
            slack.app_url = programme.public + "/slack/events"
            teams.app_url = programme.public + "/api/messages"
            assert (await slack.command("U0ANA")).status == 200
            assert slack.whispered("U0ANA")[-1].text.startswith("If you can't stay safe")
            assert (await teams.command("U0BO")).status == 503
            assert await probe(programme.ops) == (503, "teams")
            teams.heals()
            asked = len(teams.called("token"))
            await teams.until(lambda: len(teams.called("keys")) and len(teams.called("token")) > asked)
            while (await teams.command("U0BO")).status == 503:
                pass
            await teams.until(lambda: teams.reads("U0BO"))
            assert await probe(programme.ops) == (200, "ok")


@pytest.mark.parametrize(("silent", "secret"), [(True, False), (False, True)])
async def test_where_nobody_answers_or_a_secret_is_wrong_it_does_not_start(tmp_path, silent, secret):
    async with hospital(tmp_path, ("U0ANA", "U0BO"), ("U0BO",), None) as (slack, teams, time):
        wrong = {"SLACK_BOT_TOKEN": "xoxb-wrong"} if secret else {}
        if silent:
            teams.fails("token", times=100, status=503)
            slack.fails("auth.test", times=100, status=503)
        settings = config.load_to_serve(surroundings(slack, teams, tmp_path / "data", **BINDS, **wrong), tmp_path)
        with pytest.raises(NotStarted):
            async with running(settings, World(time.now, TICK)):
                pass
