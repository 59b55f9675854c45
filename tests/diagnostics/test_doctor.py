"""The doctor finds what is wrong, changes nothing, and prints nothing that must not be pasted."""

from __future__ import annotations

import base64
import fcntl
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from adapters.base import AccessRevoked, Profile, RetryLater
from adapters.fakes.slack.server import SlackServer
from adapters.fakes.teams.server import TeamsServer
from bot import config
from bot.cli.doctor import ask_platform
from bot.diagnostics import doctor
from bot.diagnostics.credentials import Credential, GrantedScopes, examine_credential
from bot.diagnostics.machine import Machine
from bot.diagnostics.people import examine_people
from bot.health import Finding, exit_code
from bot.store.postgres.connection import SCHEMA_VERSION, ServerStatus, compatibility_comment
from conversations.model import Person

TODAY = date(2026, 11, 2)
ILL = {
    "PEERSUPPORT_COORDINATORS": "slack:TCANARY:UCANARY",
    "PEERSUPPORT_ON_CALL": "Canary Lee; +44 20 7946 0958; always; slack:TCANARY:UCANARY",
    "SLACK_BOT_TOKEN": "xoxb-canary",
    "SLACK_SIGNING_SECRET": "ca4a71" * 5 + "00",
}
TEAMS = {
    "TEAMS_CLIENT_ID": "c0c0c0c0-1111-4222-8333-444455556666",
    "TEAMS_CLIENT_SECRET": "canary",
    "TEAMS_TENANT_ID": "0f0f0f0f-1111-4222-8333-444455556666",
}


@pytest.fixture
def well(tmp_path: Path) -> dict[str, str]:
    """An installation in which nothing is left to repair."""
    store = tmp_path / "store"
    store.mkdir(0o700)
    limits = tmp_path / "limits.toml"
    limits.write_text('limits = "x"\ncounsel = "A"\nclinical_lead = "B"\ndate = 2026-11-01\n', "utf-8")
    return ILL | {
        "PEERSUPPORT_ROOT_KEY": base64.b64encode(bytes(range(32))).decode(),
        "PEERSUPPORT_STORE": f"tinydb://{store}",
        "PEERSUPPORT_KEY_RING": str(tmp_path / "ring"),
        "PEERSUPPORT_EXCEPTIONS_FILE": str(limits),
        "PEERSUPPORT_COUNTRY": "US",
        "PEERSUPPORT_ZONE": "America/Chicago",
    }


MACHINE = Machine(python=(3, 12), is_root=False, files=524_288, dumps=False, swaps=False, zones=TODAY.year, trusts=True)


def examine(
    tmp_path: Path, environ: dict[str, str], today: date = TODAY, machine: Machine = MACHINE
) -> dict[str, Finding]:
    found = doctor.examine(today, environ=environ, folder=tmp_path, inspect=lambda: machine)[1]
    return {finding.id: finding for finding in found}


def test_a_healthy_installation_has_no_warning_and_exit_code_0(tmp_path, well):
    findings = examine(tmp_path, well)
    assert [finding for finding in findings.values() if finding.status != "ok"] == []
    assert exit_code(findings.values()) == 0


@pytest.mark.parametrize(
    ("change", "check", "status"),
    [
        ({"PEERSUPPORT_ROOT_KEY": None}, "root-key", "fail"),
        ({"PEERSUPPORT_ROOT_KEY": "x"}, "settings", "fail"),
        ({"TEAMS_CLIENT_ID": "x"}, "settings", "fail"),
        ({"SLACK_APP_TOKEN": "x"}, "settings", "fail"),
        ({"SLACK_APP_TOKEN": "xapp-canary"}, "slack", "warn"),
        ({"PEERSUPPORT_REALY": "off"}, "unknown-settings", "warn"),
        ({"PEERSUPPORT_STORE": "tinydb:///dev/null/x"}, "store-folder", "fail"),
        ({"SLACK_BOT_TOKEN": None}, "slack", "fail"),
        ({"SLACK_BOT_TOKEN": None, "SLACK_SIGNING_SECRET": None}, "slack", "fail"),
        ({"SLACK_SIGNING_SECRET": "canary"}, "slack-signing", "warn"),
        ({"SLACK_SIGNING_SECRET": f"{'ca4a71' * 5}00,CA4A71"}, "slack-signing", "warn"),
        ({"SLACK_SIGNING_SECRET": "xoxb-canary"}, "settings", "fail"),
        ({"SLACK_SIGNING_SECRET": "xapp-canary"}, "settings", "fail"),
        (
            {"SLACK_BOT_TOKEN": None, "SLACK_CLIENT_ID": "1234.5678", "SLACK_CLIENT_SECRET": "ca4a71" * 5 + "00"},
            "slack-signing",
            "warn",
        ),
        ({"TEAMS_TENANT_ID": TEAMS["TEAMS_TENANT_ID"]}, "teams", "fail"),
        (TEAMS | {"TEAMS_CLIENT_SECRET": TEAMS["TEAMS_CLIENT_ID"]}, "teams", "warn"),
        ({"PEERSUPPORT_COORDINATORS": None}, "coordinators", "fail"),
        ({"PEERSUPPORT_COORDINATORS": "slack:T0123ABCD:U0456EFGH"}, "coordinators", "fail"),
        ({"PEERSUPPORT_ON_CALL": "Kim; +44 20 7946 0958; always; slack:T0123ABCD:U0789JKLM"}, "coordinators", "fail"),
        ({"PEERSUPPORT_APPROVAL": "automatic"}, "approval", "fail"),
        ({"PEERSUPPORT_ON_CALL": None}, "on-call", "warn"),
        ({"PEERSUPPORT_ON_CALL": "Kim; +44 20 7946 0958; always"}, "on-call", "warn"),
        ({"PEERSUPPORT_EXCEPTIONS_FILE": None}, "exceptions", "fail"),
        ({"PEERSUPPORT_COUNTRY": None}, "country", "warn"),
        ({"PEERSUPPORT_ZONE": None}, "zone", "warn"),
        ({"PEERSUPPORT_CHECK_INS": "7d"}, "check-ins", "warn"),
        ({"PEERSUPPORT_QUIET_HOURS": "none"}, "quiet-hours", "warn"),
        ({"PEERSUPPORT_ERASE_AFTER": "90d"}, "keeping", "warn"),
        ({"LOG_LEVEL": "DEBUG"}, "log-level", "warn"),
        ({"PEERSUPPORT_ALERT_URL": "pager"}, "settings", "fail"),
        ({"PEERSUPPORT_CA_FILE": "/dev/null"}, "settings", "fail"),
    ],
)
def test_what_is_wrong_is_found_under_its_own_id_with_a_fix(tmp_path, well, change, check, status):
    environ = {name: value for name, value in (well | change).items() if value is not None}
    finding = examine(tmp_path, environ)[check]
    assert finding.status == status
    assert finding.fix
    assert exit_code([finding]) == {"warn": 1, "fail": 2}[status]


@pytest.mark.parametrize(
    ("is_so", "today", "check", "status"),
    [
        ({}, date(2027, 11, 1), "python", "ok"),
        ({}, date(2028, 11, 1), "python", "warn"),
        ({"is_root": True}, TODAY, "user", "warn"),
        ({"files": 256}, TODAY, "open-files", "warn"),
        ({"files": -1}, TODAY, "open-files", "ok"),
        ({"dumps": True}, TODAY, "memory", "warn"),
        ({"swaps": True}, TODAY, "memory", "warn"),
        ({"zones": None}, TODAY, "time-zones", "fail"),
        ({"zones": 2019}, TODAY, "time-zones", "warn"),
        ({"zones": 0}, TODAY, "time-zones", "ok"),  # the machine does not say of when they are
        ({"trusts": False}, TODAY, "trust-store", "fail"),
    ],
)
def test_an_unsuitable_machine_is_found(tmp_path, well, is_so, today, check, status):
    finding = examine(tmp_path, well, today, replace(MACHINE, **is_so))[check]
    assert finding.status == status
    assert finding.fix or status == "ok"


@pytest.mark.parametrize("missing", ["counsel", "clinical_lead", "date"])
def test_limits_of_secrecy_that_one_side_did_not_sign_fail(tmp_path, well, missing):
    limits = Path(well["PEERSUPPORT_EXCEPTIONS_FILE"])
    kept = [line for line in limits.read_text("utf-8").splitlines() if not line.startswith(missing)]
    limits.write_text("\n".join(kept), "utf-8")
    assert examine(tmp_path, well)["exceptions"].status == "fail"


def test_limits_of_secrecy_signed_tomorrow_fail_today(tmp_path, well):
    assert examine(tmp_path, well, date(2026, 10, 31))["exceptions"].status == "fail"


def test_phone_lines_unverified_for_90_days_are_a_warning(tmp_path, well):
    assert examine(tmp_path, well, date(2027, 6, 1))["lines-verified"].status == "warn"


def test_a_secret_that_others_may_read_is_a_warning_and_a_key_in_the_store_a_failure(tmp_path, well):
    for folder, mode, status in (("", 0o600, "ok"), ("", 0o644, "warn"), ("store", 0o600, "fail")):
        key = tmp_path / folder / "key"
        key.write_text(well["PEERSUPPORT_ROOT_KEY"], "ascii")
        key.chmod(mode)
        by_file = {name: value for name, value in well.items() if name != "PEERSUPPORT_ROOT_KEY"}
        finding = examine(tmp_path, by_file | {"PEERSUPPORT_ROOT_KEY_FILE": str(key)})["secret-files"]
        assert finding.status == status
        assert str(tmp_path) not in repr(finding)
    (tmp_path / ".env").write_text("SLACK_BOT_TOKEN=xoxb-canary\n", "ascii")
    (tmp_path / ".env").chmod(0o644)
    by_dotenv = {name: value for name, value in well.items() if name != "SLACK_BOT_TOKEN"}
    assert "SLACK_BOT_TOKEN" in examine(tmp_path, by_dotenv)["secret-files"].says


def test_a_store_that_others_may_read_is_a_warning(tmp_path, well):
    (tmp_path / "store").chmod(0o755)
    assert examine(tmp_path, well)["store-private"].status == "warn"


def test_a_store_in_use_is_reported_and_left_alone(tmp_path, well):
    lock = tmp_path / "store" / "lock"
    with lock.open("w", encoding="ascii") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert "is serving" in examine(tmp_path, well)["store-lock"].says
    assert "No process" in examine(tmp_path, well)["store-lock"].says


def test_a_ready_database_is_ok_and_one_without_fsync_is_a_failure(tmp_path, well, new_database):
    found = examine(tmp_path, well | {"PEERSUPPORT_STORE": new_database})
    stored = {id: finding.status for id, finding in found.items() if id.startswith("store-")}
    assert stored.pop("store-durable") == "fail"  # a test's server need not survive a power cut
    assert set(stored) == {"store-server", "store-schema", "store-network", "store-clock"}
    assert set(stored.values()) == {"ok"}
    assert found["scheduler"].status == "ok"


@pytest.mark.parametrize("version", [None, "9999", "canary"])
def test_a_database_with_another_schema_is_a_failure(tmp_path, well, postgres, version):
    name = postgres.database("test_0" if version else "template0")
    if version:
        postgres.sql(f"UPDATE alembic_version SET version_num = '{version}'", name)  # noqa: S608
        postgres.sql(compatibility_comment(9999), name)  # a newer version that says of nobody older that it may go on
    found = examine(tmp_path, well | {"PEERSUPPORT_STORE": postgres.url(name)})
    assert found["store-schema"].status == "fail"
    assert version is not None or "db upgrade" in found["store-schema"].fix


@pytest.mark.parametrize("where", ["127.0.0.1:1/p", "nowhere.example/p?host=/nowhere", "127.0.0.1/p?sslmode=canary"])
def test_a_database_that_does_not_answer_is_a_failure_and_its_address_is_not_printed(tmp_path, well, where):
    found = examine(tmp_path, well | {"PEERSUPPORT_STORE": f"postgresql://canary:canary@{where}"})
    assert found["store-server"].status == "fail"
    assert "canary" not in repr(found)
    assert "nowhere" not in repr(found)


def test_a_database_over_an_open_network_is_a_warning(tmp_path, well, monkeypatch):
    looked = ServerStatus(14, SCHEMA_VERSION, encrypted=False, durable=True)
    monkeypatch.setattr("bot.store.postgres.connection.inspect_server", lambda _: looked)
    found = examine(tmp_path, well | {"PEERSUPPORT_STORE": "postgresql://db/p"})
    assert found["store-network"].status == "warn"
    assert replace(looked, version=13).problem()
    assert not looked.problem()


def test_examining_changes_nothing(tmp_path, well):
    before = sorted(tmp_path.rglob("*"))
    examine(tmp_path, well | {"PEERSUPPORT_STORE": f"tinydb://{tmp_path}/new/folder"})
    assert sorted(tmp_path.rglob("*")) == before


def test_findings_hold_no_secret_and_no_path(tmp_path, well):
    said = repr(examine(tmp_path, well)) + repr(examine(tmp_path, ILL | {"CLIENT_SECRET": "canary"}))
    assert "canary" not in said.lower()
    assert str(tmp_path) not in said


def test_a_platform_that_is_not_used_is_ok(tmp_path, well):
    by_platform = examine(tmp_path, well)
    assert by_platform["slack"].says == "Slack is configured, for HTTP."
    assert by_platform["teams"].says == "Teams is not used."
    called = without_signing_secret(well)
    assert examine(tmp_path, called)["slack"].says == "Slack is configured, for Socket Mode."
    somebody = f"teams:{TEAMS['TEAMS_TENANT_ID']}:{TEAMS['TEAMS_CLIENT_ID']}"
    on_teams = {name: value for name, value in well.items() if not name.startswith("SLACK_")} | TEAMS
    on_teams |= {
        "PEERSUPPORT_COORDINATORS": somebody,
        "PEERSUPPORT_ON_CALL": f"Kim; +44 20 7946 0958; always; {somebody}",
    }
    findings = examine(tmp_path, on_teams)
    assert (findings["slack"].says, findings["teams"].says) == ("Slack is not used.", "Teams is configured.")
    assert exit_code(findings.values()) == 0


def test_without_any_platform_one_failure_names_both(tmp_path):
    findings = examine(tmp_path, {})
    assert (findings["slack"].status, findings["teams"].status) == ("fail", "ok")
    assert "SLACK_BOT_TOKEN" in findings["slack"].fix
    assert "TEAMS_CLIENT_ID" in findings["slack"].fix


async def live(credential: Credential, settings: config.Settings) -> Finding:
    return await examine_credential(credential, settings, ask_platform)


async def test_microsoft_is_asked_for_a_token_and_its_keys(tmp_path):
    async with TeamsServer() as teams:
        settings = config.load(dict(teams.settings()), tmp_path)
        assert (await live(Credential.TEAMS_CLIENT_SECRET, settings)).status == "ok"
        wrong = config.load(dict(teams.settings()) | {"TEAMS_CLIENT_SECRET": "canary"}, tmp_path)
        finding = await live(Credential.TEAMS_CLIENT_SECRET, wrong)
        assert "TEAMS_CLIENT_SECRET" in finding.fix
    finding = await live(Credential.TEAMS_CLIENT_SECRET, settings)  # nobody is there any more
    assert "TEAMS_TOKEN_URL" in finding.fix
    nothing = config.load({"TEAMS_ISSUER": ""}, tmp_path)
    assert "TEAMS_CLIENT_ID" in (await live(Credential.TEAMS_CLIENT_SECRET, nothing)).fix


def without_signing_secret(well: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in well.items() if "SIGNING" not in name} | {"SLACK_APP_TOKEN": "xapp-canary"}


async def test_slack_is_asked_for_a_socket_mode_connection_and_none_is_opened(tmp_path, well):
    async with SlackServer(app_token="xapp-canary") as slack:
        settings = config.load(without_signing_secret(well) | {"SLACK_API_URL": slack.api_url}, tmp_path)
        assert (await live(Credential.SLACK_APP_TOKEN, settings)).status == "ok"
        assert slack.lines.ever == 0
        slack.app_token = "xapp-another"
        finding = await live(Credential.SLACK_APP_TOKEN, settings)
        assert "connections:write" in finding.fix
    finding = await live(Credential.SLACK_APP_TOKEN, settings)  # nobody is there any more
    assert "HTTPS_PROXY" in finding.fix


async def test_slack_is_asked_whether_the_bot_token_has_every_scope(tmp_path, well):
    settings = config.load(well, tmp_path)

    async def all_granted(*_: object) -> GrantedScopes:
        return GrantedScopes()

    async def one_is_missing(*_: object) -> GrantedScopes:
        return GrantedScopes(missing=frozenset({"im:write"}))

    async def refused(*_: object) -> GrantedScopes:
        raise AccessRevoked

    async def away(*_: object) -> GrantedScopes:
        raise RetryLater

    token = Credential.SLACK_BOT_TOKEN
    assert (await examine_credential(token, settings, all_granted)).status == "ok"
    assert "im:write" in (await examine_credential(token, settings, one_is_missing)).says
    assert "SLACK_BOT_TOKEN" in (await examine_credential(token, settings, refused)).fix
    assert "SLACK_API_URL" in (await examine_credential(token, settings, away)).fix


INSTALLED = {"SLACK_CLIENT_ID": "1234567890.1234567890", "SLACK_CLIENT_SECRET": "fake-client-secret"}


def test_workspaces_listed_beside_their_organisation_are_a_warning(tmp_path, well):
    kept = {name: value for name, value in well.items() if name != "SLACK_BOT_TOKEN"} | INSTALLED
    assert examine(tmp_path, kept)["slack"].says == "SLACK_WORKSPACES is empty."
    good = examine(tmp_path, kept | {"SLACK_WORKSPACES": "TCANARY"})
    assert (good["slack"].status, good["slack-workspaces"].status) == ("ok", "ok")
    mixed = examine(tmp_path, kept | {"SLACK_WORKSPACES": "TCANARY,E0GRID"})["slack-workspaces"]
    assert (mixed.status, "CANARY" in mixed.says + mixed.fix) == ("warn", False)


async def test_slack_is_asked_whether_it_accepts_the_client_secret(tmp_path):
    async with SlackServer() as slack:
        environ = INSTALLED | {"SLACK_WORKSPACES": "T0HOSPITAL", "SLACK_API_URL": slack.api_url}
        settings = config.load(environ, tmp_path)
        assert (await live(Credential.SLACK_CLIENT_SECRET, settings)).status == "ok"
        wrong = config.load(environ | {"SLACK_CLIENT_SECRET": "canary"}, tmp_path)
        finding = await live(Credential.SLACK_CLIENT_SECRET, wrong)
        assert (finding.status, "SLACK_CLIENT_SECRET" in finding.fix) == ("fail", True)
    finding = await live(Credential.SLACK_CLIENT_SECRET, settings)  # nobody is there any more
    assert (finding.status, "SLACK_API_URL" in finding.fix) == ("fail", True)
    nothing = config.load({"SLACK_CLIENT_ID": INSTALLED["SLACK_CLIENT_ID"]}, tmp_path)
    assert "SLACK_WORKSPACES" in (await live(Credential.SLACK_CLIENT_SECRET, nothing)).fix


async def test_whoever_slack_is_not_asked_for_is_named_with_what_to_do(tmp_path: Path, well: dict[str, str]):
    """The tokens of an app that is installed from its own page are in the store: that is no reason to say *ok*."""

    async def never(person: Person) -> Profile | None:
        raise AssertionError(person.platform)

    environ = {name: value for name, value in well.items() if name != "SLACK_BOT_TOKEN"}
    oauth = {"SLACK_CLIENT_ID": "123456.789012", "SLACK_CLIENT_SECRET": "canary", "SLACK_WORKSPACES": "TCANARY"}
    settings = config.load(environ | oauth, tmp_path)
    finding = await examine_people(settings, never)
    assert (finding.status, "number 1 of PEERSUPPORT_COORDINATORS" in finding.says) == ("warn", True)
    assert "/peersupport" in finding.fix
    assert "canary" not in repr(finding).lower()
