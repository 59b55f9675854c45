"""What we call goes through the hospital's proxy, and we believe the system's authorities and the hospital's own."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial

import pytest

from adapters.rate_limit import RateLimiter
from bot import config
from bot.config.proxy import proxy_to
from bot.server.app import ServerOptions, running_server
from bot.server.platforms import PlatformNotStarted
from tests.config.network_stand_in import authority, inspected
from tests.stories.serve import TICK, hospital, no_wait, surroundings

BINDS = {"PEERSUPPORT_BIND": "127.0.0.1:0", "PEERSUPPORT_OPS_BIND": "127.0.0.1:0"}
MICROSOFT = "smba.trafficmanager.net"
PASSWORD = "canary-of-the-proxy"


@asynccontextmanager
async def behind_a_proxy(tmp_path, **more):
    """Both platforms under their own names, behind a proxy that reads along; the settings of whoever lives with it."""
    signs, file = authority(tmp_path)
    async with hospital(tmp_path, ("U0ANA", "U0BO", "U0DANA"), ("U0BO",), None) as (slack, teams, time):
        here = teams.url
        hosts = {"slack.com": slack.url, "hooks.slack.com": slack.url, MICROSOFT: here}
        async with inspected(signs, hosts, password=PASSWORD) as proxy:
            teams.url, slack.url = f"https://{MICROSOFT}", "https://hooks.slack.com"
            environ = surroundings(slack, teams, tmp_path / "data", **BINDS) | {
                "SLACK_API_URL": "https://slack.com/api/",
                "TEAMS_SERVICE_HOSTS": "",
                "HTTPS_PROXY": proxy.url,
                "PEERSUPPORT_CA_FILE": str(file),
            }
            settings = config.load_to_serve(environ | more, tmp_path)
            world = ServerOptions(time.now, TICK, partial(RateLimiter, patience=float("inf"), sleep=no_wait))
            yield slack, teams, proxy, settings, world


async def test_both_platforms_are_reached_through_the_proxy_and_only_through_it(tmp_path, capsys):
    async with behind_a_proxy(tmp_path) as (slack, teams, proxy, settings, world):
        async with running_server(settings, world) as programme:
            slack.app_url = programme.public_url + "/slack/events"
            teams.app_url = programme.public_url + "/api/messages"
            assert (await slack.command("U0ANA")).status == 200
            assert (await slack.presses("U0ANA", "Talk to someone soon")).status == 200
            await slack.until(lambda: slack.reads("U0ANA"))
            assert (await teams.command("U0BO")).status == 200
            await teams.until(lambda: teams.reads("U0BO"))
        assert {asked.partition(" ")[2] for asked in proxy.asked} >= {"slack.com:443", f"{MICROSOFT}:443"}
        assert {asked.partition(" ")[0] for asked in proxy.asked} == {"CONNECT"}
    said = capsys.readouterr()
    assert PASSWORD not in said.out + said.err


async def test_an_answer_for_one_pair_of_eyes_goes_through_the_proxy(tmp_path):
    async with behind_a_proxy(tmp_path) as (slack, teams, proxy, settings, world):
        slack.joins("U0CY", name="Cy")
        async with running_server(settings, world) as programme:
            slack.app_url = programme.public_url + "/slack/events"
            teams.app_url = programme.public_url + "/api/messages"
            await slack.command("U0ANA", "peer")
            await slack.until(lambda: slack.reads("U0ANA"))
            assert (await slack.presses("U0CY", "Next", card=slack.reads("U0ANA")[-1])).status == 200
            await slack.until(lambda: slack.asides)
        assert "CONNECT hooks.slack.com:443" in proxy.asked


@pytest.mark.parametrize(
    "ill",
    [
        {"PEERSUPPORT_CA_FILE": ""},  # nobody here knows who signs
        {"HTTPS_PROXY": "http://bot:wrong@127.0.0.1:1"},
    ],
)
async def test_without_the_authority_or_the_proxy_nothing_starts_and_nothing_is_sent(tmp_path, ill):
    async with behind_a_proxy(tmp_path, **ill) as (slack, teams, _, settings, world):
        with pytest.raises(PlatformNotStarted):
            async with running_server(settings, world):
                pass
        assert slack.calls == []
        assert teams.called("token") == []


async def test_the_systems_own_authorities_are_believed_besides(tmp_path, monkeypatch):
    """SSL_CERT_FILE moves the system's; PEERSUPPORT_CA_FILE adds another to them."""
    one, its_file = authority(tmp_path, "Example System")
    _, another = authority(tmp_path, "Example Hospital")
    monkeypatch.setenv("SSL_CERT_FILE", str(its_file))
    async with (
        hospital(tmp_path, ("U0ANA", "U0DANA"), (), None) as (slack, teams, time),
        inspected(one, {"slack.com": slack.url}) as proxy,
    ):
        environ = surroundings(slack, teams, tmp_path / "data", **BINDS) | {
            "SLACK_API_URL": "https://slack.com/api/",
            "HTTPS_PROXY": proxy.url,
            "PEERSUPPORT_CA_FILE": str(another),
        }
        async with running_server(
            config.load_to_serve(environ, tmp_path), ServerOptions(time.now, timedelta(seconds=60))
        ):
            assert slack.called("auth.test")


@pytest.mark.parametrize(
    ("no_proxy", "url", "goes_through"),
    [
        ("", "https://slack.com/api/", True),
        ("hospital.example", "https://slack.com/api/", True),
        ("hospital.example", "https://alerts.hospital.example/x", False),
        (".hospital.example, localhost", "https://alerts.hospital.example:8443/x", False),
        ("*", "https://slack.com/api/", False),
        ("127.0.0.1", "http://127.0.0.1:9093/", False),
    ],
)
def test_hosts_that_no_proxy_names_are_called_directly(tmp_path, no_proxy, url, goes_through):
    settings = config.load({"HTTPS_PROXY": "http://proxy.example:8080", "NO_PROXY": no_proxy}, tmp_path)
    assert (proxy_to(url, settings) is not None) is goes_through
    assert proxy_to(url, config.load({}, tmp_path)) is None
