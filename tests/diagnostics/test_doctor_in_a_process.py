"""The doctor is run on set-ups that are really broken: it names each fault, and what to do about it."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import aiohttp
import pytest

from adapters.fakes.slack.server import SlackServer
from adapters.fakes.slack.workspaces import SCOPES
from adapters.fakes.teams.server import TeamsServer
from bot import config
from bot.cli.doctor import examine_live
from bot.config.parsers import Bind
from bot.diagnostics import doctor, machine, network, serving
from bot.diagnostics.network import PUBLIC, HostProbe
from bot.health import Finding
from bot.store.postgres.connection import connect
from tests.config.network_stand_in import Says, Tls, at, authority, inspected
from tests.diagnostics.test_doctor import MACHINE
from tests.running.ports import free_port
from tests.stories.serve import story

TODAY = date(2026, 11, 2)
KEY = base64.b64encode(bytes(range(32))).decode()
CANARY = "canary"
Broken = tuple[str, str, str]  # id, status, what the fix names


def settings_of(slack: SlackServer, folder: Path) -> dict[str, str]:
    """A Slack that is well, with a secret that must not be told."""
    slack.joins("U0CANARY", name="Canary")
    return {
        "PEERSUPPORT_ROOT_KEY": KEY,
        "PEERSUPPORT_STORE": f"tinydb://{folder}/store",
        "PEERSUPPORT_COORDINATORS": f"slack:{slack.team}:U0CANARY",
        "SLACK_BOT_TOKEN": slack.token,
        "SLACK_SIGNING_SECRET": CANARY,
        "SLACK_API_URL": slack.api_url,
    }


async def examine(folder: Path, environ: Mapping[str, str]) -> dict[str, Finding]:
    """What `peersupport doctor --live` finds."""
    settings, found = await asyncio.to_thread(
        doctor.examine, TODAY, environ=dict(environ), folder=folder, inspect=lambda: MACHINE
    )
    live = await examine_live(settings) if settings is not None else ()
    return {finding.id: finding for finding in (*found, *live)}


# ---------------------------------------------------------------- set-ups


@asynccontextmanager
async def well(folder: Path) -> AsyncIterator[dict[str, str]]:
    async with SlackServer() as slack:
        yield settings_of(slack, folder)


@asynccontextmanager
async def refuses(folder: Path) -> AsyncIterator[dict[str, str]]:
    async with SlackServer() as slack:
        yield settings_of(slack, folder) | {"SLACK_BOT_TOKEN": "xoxb-canary"}


@asynccontextmanager
async def lacks_scopes(folder: Path) -> AsyncIterator[dict[str, str]]:
    async with SlackServer(scopes=SCOPES.replace("im:write,", "")) as slack:
        yield settings_of(slack, folder)


@asynccontextmanager
async def has_too_many_scopes(folder: Path) -> AsyncIterator[dict[str, str]]:
    async with SlackServer(scopes=SCOPES + ",channels:history") as slack:
        yield settings_of(slack, folder)


@asynccontextmanager
async def is_away(folder: Path) -> AsyncIterator[dict[str, str]]:
    async with SlackServer() as slack:
        yield settings_of(slack, folder) | {"SLACK_API_URL": f"http://127.0.0.1:{free_port()}/api/"}


def has_a_skewed_clock(by: timedelta) -> Any:
    @asynccontextmanager
    async def skewed(folder: Path) -> AsyncIterator[dict[str, str]]:
        async with SlackServer() as slack, Says(at(datetime.now(UTC) + by)) as says:
            yield settings_of(slack, folder) | {"SLACK_API_URL": says.url}

    return skewed


@asynccontextmanager
async def speaks_no_tls(folder: Path) -> AsyncIterator[dict[str, str]]:
    async with SlackServer() as slack:
        yield settings_of(slack, folder) | {"SLACK_API_URL": slack.api_url.replace("http:", "https:")}


def is_inspected(*, known: bool, signer: str = "Example Inspection", **how: Any) -> Any:
    """Slack under its own name, behind a proxy that reads along."""

    @asynccontextmanager
    async def behind(folder: Path) -> AsyncIterator[dict[str, str]]:
        signs, file = authority(folder, signer)
        async with SlackServer() as slack, AsyncExitStack() as stack:
            hosts = {"slack.com": slack.url, "hooks.slack.com": slack.url}
            proxy = await stack.enter_async_context(inspected(signs, hosts, **how))
            trust = {"PEERSUPPORT_CA_FILE": str(file)} if known else {}
            named = {"SLACK_API_URL": "https://slack.com/api/", "HTTPS_PROXY": proxy.url}
            yield settings_of(slack, folder) | named | trust

    return behind


@asynccontextmanager
async def has_a_certificate_of_another(folder: Path) -> AsyncIterator[dict[str, str]]:
    signs, file = authority(folder)
    async with SlackServer() as slack, Tls(signs, "another.example", slack.url) as front:
        yield settings_of(slack, folder) | {
            "SLACK_API_URL": f"https://127.0.0.1:{front.port}/api/",
            "PEERSUPPORT_CA_FILE": str(file),
        }


@asynccontextmanager
async def has_an_old_certificate(folder: Path) -> AsyncIterator[dict[str, str]]:
    signs, file = authority(folder)
    yesterday = datetime.now(UTC) - timedelta(days=1)
    async with SlackServer() as slack, Tls(signs, "127.0.0.1", slack.url, until=yesterday) as front:
        yield settings_of(slack, folder) | {
            "SLACK_API_URL": f"https://127.0.0.1:{front.port}/api/",
            "PEERSUPPORT_CA_FILE": str(file),
        }


def has_a_proxy(**settings: Any) -> Any:
    @asynccontextmanager
    async def beside(folder: Path) -> AsyncIterator[dict[str, str]]:
        async with is_inspected(known=True, **settings)(folder) as environ:
            yield environ | {"HTTPS_PROXY": environ["HTTPS_PROXY"].replace("bot:secret@", "bot:canary@")}

    return beside


@asynccontextmanager
async def has_a_proxy_that_is_gone(folder: Path) -> AsyncIterator[dict[str, str]]:
    async with is_inspected(known=True)(folder) as environ:
        yield environ | {"HTTPS_PROXY": f"http://bot:canary@127.0.0.1:{free_port()}"}


@asynccontextmanager
async def teams(folder: Path, **more: str) -> AsyncIterator[dict[str, str]]:
    async with TeamsServer() as microsoft:
        microsoft.joins("canary")
        yield (
            {
                "PEERSUPPORT_ROOT_KEY": KEY,
                "PEERSUPPORT_STORE": f"tinydb://{folder}/store",
                "PEERSUPPORT_COORDINATORS": f"teams:{microsoft.tenant}:{microsoft.aad('canary')}",
            }
            | dict(microsoft.settings())
            | more
        )


@asynccontextmanager
async def nobody_coordinates(folder: Path) -> AsyncIterator[dict[str, str]]:
    async with SlackServer() as slack:
        found = settings_of(slack, folder)
        yield found | {"PEERSUPPORT_COORDINATORS": f"{found['PEERSUPPORT_COORDINATORS']},slack:{slack.team}:U1CANARY"}


@asynccontextmanager
async def nobody_is_on_call(folder: Path) -> AsyncIterator[dict[str, str]]:
    async with SlackServer() as slack:
        slack.joins("U1CANARY", name="Gone", deleted=True)
        on_call = f"Kim; +44 20 7946 0958; always; slack:{slack.team}:U1CANARY"
        yield settings_of(slack, folder) | {"PEERSUPPORT_ON_CALL": on_call}


@asynccontextmanager
async def teams_with_a_coordinator_who_is_nobody(folder: Path) -> AsyncIterator[dict[str, str]]:
    async with teams(folder) as environ:
        nobody = "canary-1111-4222-8333-444455556666".replace("canary", "c0c0c0c0")
        yield environ | {"PEERSUPPORT_COORDINATORS": f"teams:{environ['TEAMS_TENANT_ID']}:{nobody}"}


@asynccontextmanager
async def teams_with_a_wrong_secret(folder: Path) -> AsyncIterator[dict[str, str]]:
    async with teams(folder, TEAMS_CLIENT_SECRET="xcanary") as environ:
        yield environ


@asynccontextmanager
async def teams_without_keys(folder: Path) -> AsyncIterator[dict[str, str]]:
    async with teams(folder, TEAMS_OPENID_URL=f"http://127.0.0.1:{free_port()}/v1/") as environ:
        yield environ


@asynccontextmanager
async def a_folder_that_is_closed(folder: Path) -> AsyncIterator[dict[str, str]]:
    (folder / "file").write_text("not a folder", "ascii")
    async with SlackServer() as slack:
        yield settings_of(slack, folder) | {"PEERSUPPORT_STORE": f"tinydb://{folder}/file"}


SKEW = timedelta(minutes=10)
CASES: list[tuple[Any, Broken]] = [
    (refuses, ("slack-live", "fail", "SLACK_BOT_TOKEN")),
    (lacks_scopes, ("slack-live", "fail", "slack-manifest")),
    (has_too_many_scopes, ("slack-live", "warn", "slack-manifest")),
    (is_away, ("slack-network", "fail", "127.0.0.1")),
    (is_away, ("slack-live", "fail", "SLACK_API_URL")),
    (has_a_skewed_clock(timedelta(minutes=2)), ("clock", "warn", "chrony")),
    (has_a_skewed_clock(SKEW), ("clock", "fail", "chrony")),
    (has_a_skewed_clock(-SKEW), ("clock", "fail", "chrony")),
    (speaks_no_tls, ("slack-network", "fail", "HTTPS_PROXY")),
    (is_inspected(known=False), ("slack-network", "fail", "PEERSUPPORT_CA_FILE")),
    (is_inspected(known=False), ("slack-certificate", "warn", "privacy notice")),
    (is_inspected(known=True), ("slack-certificate", "warn", "privacy notice")),
    (has_a_certificate_of_another, ("slack-network", "fail", "firewall")),
    (has_an_old_certificate, ("slack-network", "fail", "clock")),
    (has_a_proxy_that_is_gone, ("slack-network", "fail", "HTTPS_PROXY")),
    (has_a_proxy(password="secret"), ("slack-network", "fail", "HTTPS_PROXY_FILE")),
    (has_a_proxy(refuses=True), ("slack-network", "fail", "CONNECT")),
    (nobody_coordinates, ("people-live", "fail", "Copy member ID")),
    (nobody_is_on_call, ("people-live", "fail", "Copy member ID")),
    (teams_with_a_coordinator_who_is_nobody, ("people-live", "fail", "Object ID")),
    (is_away, ("people-live", "warn", "again")),
    (teams_with_a_wrong_secret, ("teams-live", "fail", "TEAMS_CLIENT_SECRET")),
    (teams_without_keys, ("teams-live", "fail", "TEAMS_OPENID_URL")),
    (teams_without_keys, ("teams-network", "fail", "127.0.0.1")),
    (a_folder_that_is_closed, ("store-folder", "fail", "PEERSUPPORT_STORE")),
]


@pytest.mark.parametrize(
    ("broken", "expected"), CASES, ids=[f"{n}-{expected[0]}" for n, (_, expected) in enumerate(CASES)]
)
async def test_a_broken_set_up_is_named_with_its_fix(tmp_path, broken, expected):
    check, status, names = expected
    async with broken(tmp_path) as environ:
        found = await examine(tmp_path, environ)
    assert (found[check].status, found[check].fix != "") == (status, True)
    assert names in found[check].fix
    said = repr(found)
    assert CANARY not in said.lower().replace("u0canary", "")
    assert str(tmp_path) not in said


async def test_a_healthy_set_up_is_ok(tmp_path):
    for ground in (well, teams):
        async with ground(tmp_path) as environ:
            found = await examine(tmp_path, environ)
        live = [finding for id, finding in found.items() if id.endswith(("-live", "-network", "-certificate", "clock"))]
        assert len(live) == 5
        assert {finding.status for finding in live} == {"ok"}


@pytest.mark.parametrize(
    ("failure", "fix"),
    [
        (aiohttp.ClientConnectorDNSError(cast("Any", None), OSError(-2, "unknown")), "resolve"),
        (TimeoutError(), "port 443"),
        (aiohttp.ServerDisconnectedError(), "port 443"),
    ],
)
def test_faults_that_the_loopback_cannot_produce_are_named_too(failure, fix):
    """To ask for a name, or wait for nobody, would reach beyond it or take its time."""
    found = network.reachability("teams", [HostProbe(network._fault(failure), host="login.example.org")])
    assert (found.id, found.status) == ("teams-network", "fail")
    assert fix in found.fix
    assert "login.example.org" in found.fix


@pytest.mark.parametrize(
    ("platform", "settings", "hosts"),
    [
        ("teams", {}, "login.botframework.com, login.microsoftonline.com and smba.trafficmanager.net"),
        (
            *("teams", {"TEAMS_CLOUD": "gcc"}),
            "login.botframework.com, login.microsoftonline.com and smba.infra.gcc.teams.microsoft.com",
        ),
        (
            *("teams", {"TEAMS_CLOUD": "dod"}),
            "login.botframework.azure.us, login.microsoftonline.us and smba.infra.dod.teams.microsoft.us",
        ),
        ("slack", {}, "slack.com and hooks.slack.com"),
        ("slack", {"SLACK_API_URL": "https://slack-gov.com/api/"}, "slack-gov.com"),
    ],
)
def test_the_hosts_to_let_through_are_those_of_the_cloud_that_is_set(tmp_path, platform, settings, hosts):
    found = config.load(settings, tmp_path)
    assert network.hosts(platform, found) == hosts
    assert hosts in network.certificate(platform, ["An Inspecting Proxy"], network.hosts(platform, found)).fix


@pytest.mark.parametrize("signer", PUBLIC)
async def test_a_certificate_of_a_public_authority_is_ok(tmp_path, signer):
    async with is_inspected(known=True, signer=f"{signer} Inc")(tmp_path) as environ:
        found = await examine(tmp_path, environ)
    assert (found["slack-certificate"].status, found["slack-network"].status) == ("ok", "ok")
    assert signer in found["slack-certificate"].says


# ---------------------------------------------------------------- PostgreSQL


async def test_a_password_that_postgresql_refuses_is_named(tmp_path, postgres, new_database):
    postgres.sql("CREATE ROLE stranger LOGIN PASSWORD 'right'")
    rules = postgres.folder / "data" / "pg_hba.conf"
    before = rules.read_text("ascii")
    rules.write_text("local all stranger scram-sha-256\n" + before, "ascii")
    try:
        postgres.sql("SELECT pg_reload_conf()")
        asked = new_database.replace("peersupport@", "stranger:xcanary@")
        async with well(tmp_path) as environ:
            found = await examine(tmp_path, environ | {"PEERSUPPORT_STORE": asked})
    finally:
        rules.write_text(before, "ascii")
        postgres.sql("SELECT pg_reload_conf()")
    assert found["store-server"].status == "fail"
    assert "does not accept the user or the password" in found["store-server"].says
    assert "canary" not in found["store-server"].says


async def test_a_missing_database_is_named(tmp_path, postgres):
    async with well(tmp_path) as environ:
        found = await examine(tmp_path, environ | {"PEERSUPPORT_STORE": postgres.url("xcanary")})
    assert (found["store-server"].status, found["store-server"].fix) == ("fail", "Have it created.")
    assert "canary" not in found["store-server"].says


async def test_overdue_records_in_postgresql_are_reported_without_saying_which(tmp_path, new_database):
    due = datetime.now(UTC) - timedelta(hours=5)
    with connect(new_database) as connection:
        connection.execute(
            "INSERT INTO records (id, kind, stage, due, day, revision, shape, keys, sealed) "
            "VALUES ('canary', 'support', 'asking', %s, %s, 1, 1, '{}', '')",
            (due, due.date()),
        )
    async with well(tmp_path) as environ:
        found = await examine(tmp_path, environ | {"PEERSUPPORT_STORE": new_database})
    assert found["scheduler"].status == "warn"
    assert "5 hours" in found["scheduler"].says
    assert "serve" in found["scheduler"].fix
    assert not {"canary", "support", "asking"} & set(found["scheduler"].says.split())


# ---------------------------------------------------------------- the machine


def run(folder: Path, *words: str, limit: str = "true", **environ: str) -> subprocess.CompletedProcess[str]:
    """The real command, under a shell's limits."""
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME"}}
    command = ["/bin/sh", "-c", f'{limit}; exec "$0" -m bot "$@"', sys.executable, *words]
    root = str(Path(config.__file__).parents[2])
    return subprocess.run(  # noqa: S603
        command,
        cwd=folder,
        env=kept | {"PYTHONPATH": root} | environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_a_machine_that_is_broken_is_found_by_the_real_command(tmp_path):
    old = tmp_path / "zones" / "America"
    old.mkdir(parents=True)
    (old / "Chicago").write_bytes(_a_zone())
    (tmp_path / "zones" / "tzdata.zi").write_text("# version 2016a\n", "ascii")
    ran = run(
        tmp_path,
        "doctor",
        "--json",
        limit="ulimit -n 128",
        PYTHONTZPATH=str(tmp_path / "zones"),
        SSL_CERT_FILE=str(tmp_path / "nothing"),
        SSL_CERT_DIR=str(tmp_path / "nothing"),
        PEERSUPPORT_OPS_BIND=f"127.0.0.1:{free_port()}",
    )
    found = {each["id"]: each for each in json.loads(ran.stdout)}
    assert found["open-files"]["status"] == "warn"
    assert "LimitNOFILE" in found["open-files"]["fix"]
    assert found["time-zones"]["status"] == "warn"
    assert "tzdata" in found["time-zones"]["fix"]
    assert found["trust-store"]["status"] == "fail"
    assert "ca-certificates" in found["trust-store"]["fix"]
    assert found["user"]["status"] == ("warn" if os.geteuid() == 0 else "ok")
    assert ran.returncode == 2


def _a_zone() -> bytes:
    from importlib.resources import files

    return files("tzdata").joinpath("zoneinfo/America/Chicago").read_bytes()


def test_swap_counts_unless_it_is_in_memory_or_forbidden(tmp_path):
    swaps = tmp_path / "swaps"
    for lines, may in (("", False), ("/dev/zram0 partition 1 0 1\n", False), ("/swapfile file 1 0 1\n", True)):
        swaps.write_text("Filename Type Size Used Priority\n" + lines, "ascii")
        assert machine._swaps(swaps, tmp_path / "no-group") is may
    assert not machine._swaps(tmp_path / "nothing", tmp_path / "no-group")


def test_a_process_that_serves_leaves_no_core(tmp_path):
    program = "from bot.diagnostics import machine; machine.forbid_dumps(); import os; os.abort()"
    ran = subprocess.run(  # noqa: S603
        ["/bin/sh", "-c", 'ulimit -c unlimited; exec "$0" -c "$1"', sys.executable, program],
        cwd=tmp_path,
        env={"PYTHONPATH": str(Path(config.__file__).parents[2])},
        check=False,
        capture_output=True,
    )
    assert ran.returncode == -6
    assert list(tmp_path.iterdir()) == []


# ---------------------------------------------------------------- a programme that serves here


async def test_a_programme_that_serves_here_is_asked_for_its_readiness(tmp_path):
    async with story(tmp_path) as s:
        host, _, port = s.serve.ops.rpartition(":")
        ops = Bind(host, int(port))
        assert (await asyncio.to_thread(serving.ask_readiness, ops)).says.endswith("says it is well.")
        assert (await s.slack.uninstalls()).status == 200
        found = await asyncio.to_thread(serving.ask_readiness, ops)
        assert (found.status, found.says) == ("fail", "The programme that serves here is not well: slack.")
        assert await s.serve.end() == 0
        assert (await asyncio.to_thread(serving.ask_readiness, ops)).status == "ok"


async def test_another_program_at_that_address_is_a_warning():
    async with Says(at(datetime.now(UTC))) as other:
        found = await asyncio.to_thread(serving.ask_readiness, Bind("127.0.0.1", other.port))
    assert (found.status, "PEERSUPPORT_OPS_BIND" in found.fix) == ("warn", True)
