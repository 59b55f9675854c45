"""Settings are understood, or refused with a sentence that names them and never what they held."""

from __future__ import annotations

import base64
import tomllib
from datetime import date, time, timedelta
from pathlib import Path

import pytest

from bot import config
from bot.config import parsers, phone_lines
from bot.config.settings import NAMES, SECRETS, Refused
from conversations.model import OnCall, Person, Programme

KEY = base64.b64encode(bytes(range(32))).decode()
COMPLETE = {
    "PEERSUPPORT_ROOT_KEY": KEY,
    "PEERSUPPORT_COORDINATORS": "slack:T0123ABCD:U0456EFGH",
    "SLACK_BOT_TOKEN": "xoxb-canary",
    "SLACK_SIGNING_SECRET": "canary-secret",
}

TENANT = "0f0f0f0f-1111-4222-8333-444455556666"
SOMEBODY = "a0a0a0a0-1111-4222-8333-444455556666"
ON_TEAMS = {
    "PEERSUPPORT_ROOT_KEY": KEY,
    "PEERSUPPORT_COORDINATORS": f"teams:{TENANT}:{SOMEBODY}",
    "TEAMS_CLIENT_ID": "c0c0c0c0-1111-4222-8333-444455556666",
    "TEAMS_CLIENT_SECRET": "canary-secret",
    "TEAMS_TENANT_ID": TENANT,
}
GENERIC = {name.removeprefix("TEAMS_"): value for name, value in ON_TEAMS.items()}


def without(*names: str, **more: str) -> dict[str, str]:
    return {name: value for name, value in (COMPLETE | more).items() if name not in names}


def refusal(tmp_path: Path, **environ: str) -> str:
    with pytest.raises(Refused) as refused:
        config.load(environ, tmp_path)
    return str(refused.value)


def test_with_nothing_set_the_programme_is_the_one_the_design_argues_for(tmp_path):
    programme = config.load({}, tmp_path).programme()
    defaults = Programme()
    assert programme.lines
    assert programme.listener.hears("i want to die")
    for name in Programme.__slots__:
        if name not in {"lines", "listener"}:  # which come from files of ours
            assert getattr(programme, name) == getattr(defaults, name), name


def test_every_setting_of_the_programme_arrives_in_it(tmp_path):
    limits = tmp_path / "limits.toml"
    limits.write_text('limits = "danger"\ncounsel = "A"\nclinical_lead = "B"\ndate = 2026-10-01\n', "utf-8")
    programme = config.load(
        {
            "PEERSUPPORT_NAME": "Colleagues",
            "PEERSUPPORT_ZONE": "Europe/Zurich",
            "PEERSUPPORT_COUNTRY": "UK",
            "PEERSUPPORT_COMPLAINTS": "Sam Ortiz, 555 0177",
            "PEERSUPPORT_EXCEPTIONS_FILE": str(limits),
            "PEERSUPPORT_TARGETS": "soon=15m,today=2h,no-rush=2d",
            "PEERSUPPORT_WAVES": "2,rest",
            "PEERSUPPORT_WAVE_STEPS": "soon=5m,other=30m",
            "PEERSUPPORT_TALKED_AFTER": "other=6h",
            "PEERSUPPORT_CHECK_INS": "12h,24h,30d",
            "PEERSUPPORT_QUIET_HOURS": "none",
            "PEERSUPPORT_PEER_LIMIT": "1",
            "PEERSUPPORT_REST": "24h",
            "PEERSUPPORT_OFFERS_A_WEEK": "3",
            "PEERSUPPORT_REQUESTS_A_DAY": "2",
            "PEERSUPPORT_TRAINING_VALID": "12mo",
            "PEERSUPPORT_CLOSE_AFTER": "3d",
            "PEERSUPPORT_ERASE_AFTER": "0d",
            "PEERSUPPORT_RELAY": "off",
            "PEERSUPPORT_APPROVAL": "automatic",
            "PEERSUPPORT_COORDINATORS": "slack:T1:U1, slack:T1:U2",
            "PEERSUPPORT_ON_CALL": "Dr. Kim Lee; +1 555 0100; day and night; slack:T1:U9",
        },
        tmp_path,
    ).programme()
    assert programme == Programme(
        listener=programme.listener,
        name="Colleagues",
        zone="Europe/Zurich",
        crisis="116 123",
        crisis_texts=False,
        emergency="999",
        lines=phone_lines.numbers("UK").lines,
        limits="danger",
        complaints="Sam Ortiz, 555 0177",
        targets={"soon": timedelta(minutes=15), "today": timedelta(hours=2), "no-rush": timedelta(days=2)},
        waves=(2,),
        step_soon=timedelta(minutes=5),
        step_other=timedelta(minutes=30),
        talked_soon=timedelta(hours=2),
        talked_other=timedelta(hours=6),
        check_ins=(timedelta(hours=12), timedelta(hours=24), timedelta(days=30)),
        quiet=None,
        peer_limit=1,
        rest=timedelta(hours=24),
        offers_a_week=3,
        requests_a_day=2,
        training_months=12,
        close_after=timedelta(days=3),
        erase_after=timedelta(0),
        relay=False,
        automatic_approval=True,
        coordinators=(Person("slack", "T1", "U1"), Person("slack", "T1", "U2")),
        on_call=OnCall("Dr. Kim Lee", "+1 555 0100", "day and night", Person("slack", "T1", "U9")),
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PEERSUPPORT_ROOT_KEY", ""),
        ("PEERSUPPORT_ROOT_KEY", "short-canary"),
        ("PEERSUPPORT_ROOT_KEY", base64.b64encode(bytes(32)).decode()),
        ("PEERSUPPORT_ROOT_KEY", f"{KEY},{KEY}"),
        ("PEERSUPPORT_ROOT_KEY", f"{KEY},"),
        ("PEERSUPPORT_STORE", "postgresql://peers:can@ary@db/peers"),
        ("PEERSUPPORT_STORE", "postgresql://peers:can/ary@db/peers"),
        ("PEERSUPPORT_STORE", "postgresql://peers:can#ary@db/peers"),
        ("PEERSUPPORT_STORE", "postgresql://canary@db"),
        ("PEERSUPPORT_STORE", "postgresql://peers@db/peers?canary"),
        ("PEERSUPPORT_STORE", "tinydb:///"),
        ("PEERSUPPORT_STORE", "canary"),
        ("PEERSUPPORT_BIND", "canary"),
        ("PEERSUPPORT_BIND", "127.0.0.1:70000"),
        ("PEERSUPPORT_TARGETS", "canary=30m"),
        ("PEERSUPPORT_TARGETS", "soon=0m"),
        ("PEERSUPPORT_WAVES", "5,8"),
        ("PEERSUPPORT_WAVES", "rest,5"),
        ("PEERSUPPORT_WAVE_STEPS", "soon=canary"),
        ("PEERSUPPORT_CHECK_INS", "72h,24h"),
        ("PEERSUPPORT_TRAINING_VALID", "24m"),
        ("PEERSUPPORT_QUIET_HOURS", "21:00-21:00"),
        ("PEERSUPPORT_QUIET_HOURS", "canary"),
        ("PEERSUPPORT_COORDINATORS", "slack:canary"),
        ("PEERSUPPORT_COORDINATORS", "teams:canary:canary"),
        ("PEERSUPPORT_COORDINATORS", f"teams:{TENANT}"),
        ("PEERSUPPORT_COORDINATORS", f"slack:{TENANT}:{SOMEBODY}"),
        ("PEERSUPPORT_COORDINATORS", f"canary:{TENANT}:{SOMEBODY}"),
        ("PEERSUPPORT_ON_CALL", "canary"),
        ("PEERSUPPORT_ON_CALL", "Kim; call me canary; always"),
        ("PEERSUPPORT_APPROVAL", "canary"),
        ("PEERSUPPORT_RELAY", "canary"),
        ("PEERSUPPORT_PEER_LIMIT", "0"),
        ("PEERSUPPORT_COUNTRY", "canary"),
        ("PEERSUPPORT_ZONE", "Canary/Islands"),
        ("PEERSUPPORT_ZONE", "../canary"),
        ("PEERSUPPORT_NAME", "canary" * 6),
        ("PEERSUPPORT_LINES_FILE", "canary.toml"),
        ("PEERSUPPORT_EXCEPTIONS_FILE", "canary.toml"),
        ("PEERSUPPORT_CA_FILE", "canary.pem"),
        ("HTTPS_PROXY", "canary:secret@proxy"),
        ("HTTPS_PROXY", "http://[canary]:8080"),
        ("PEERSUPPORT_ALERT_URL", "canary.example"),
        ("PEERSUPPORT_ALERT_URL", "https://[canary]/x"),
        ("PEERSUPPORT_ALERT_URL", "https://alerts.example/canary x"),
        ("PEERSUPPORT_KEY_RING", "~canary/ring"),
        ("PEERSUPPORT_LINES_FILE", "canary\0"),
        ("LOG_FORMAT", "canary"),
        ("LOG_LEVEL", "canary"),
        ("SLACK_BOT_TOKEN", ""),
        ("SLACK_BOT_TOKEN", "xapp-canary"),
        ("SLACK_SIGNING_SECRET", ""),
        ("SLACK_SIGNING_SECRET", "canary,"),
        ("SLACK_SIGNING_SECRET", "canary,canary,canary"),
        ("SLACK_WORKSPACES", "canary"),
        ("SLACK_WORKSPACES", "T0123ABCD,UCANARY"),
        ("SLACK_CLIENT_ID", ""),
        ("SLACK_CLIENT_ID", "canary"),
        ("SLACK_CLIENT_SECRET", ""),
        ("SLACK_CLIENT_SECRET", "  "),
        ("SLACK_API_URL", "canary"),
        ("SLACK_API_URL", "https://[canary]/"),
        ("TEAMS_CLIENT_ID", ""),
        ("TEAMS_CLIENT_ID", "canary"),
        ("TEAMS_CLIENT_SECRET", ""),
        ("TEAMS_CLIENT_SECRET", "  "),
        ("TEAMS_TENANT_ID", ""),
        ("TEAMS_TENANT_ID", "canary.onmicrosoft.com"),
        ("TEAMS_TENANT_ID", "common"),
        ("TEAMS_TENANT_ID", "organizations"),
        ("TEAMS_TENANT_ID", f"{TENANT},"),
        ("TEAMS_OPENID_URL", "http://canary.example/keys"),
        ("TEAMS_OPENID_URL", "https://login.example/{tenant}"),
        ("TEAMS_ISSUER", "canary"),
        ("TEAMS_TOKEN_URL", "http://canary.example/token"),
        ("TEAMS_TOKEN_URL", "https://user:canary@login.example/token"),
        ("TEAMS_TOKEN_URL", "https://login.example/{canary}/token"),
        ("TEAMS_TOKEN_URL", "https://login.example:canary/token"),
        ("TEAMS_SERVICE_HOSTS", "canary"),
        ("TEAMS_SERVICE_HOSTS", "*.canary.example"),
        ("TEAMS_SERVICE_HOSTS", "canary.example:443"),
        ("TEAMS_SERVICE_HOSTS", "https://canary.example"),
        ("TEAMS_SERVICE_HOSTS", "http://canary.example:3979"),
        ("TEAMS_SERVICE_HOSTS", "http://127.0.0.1.example:3979"),
        ("TEAMS_SERVICE_HOSTS", "http://127.0.0.1"),
        ("TEAMS_SERVICE_HOSTS", "http://127.0.0.1:3979/canary"),
        ("TEAMS_SERVICE_HOSTS", "http://127.0.0.1:3979@canary.example"),
        ("TEAMS_SERVICE_HOSTS", "smba.trafficmanager.net,"),
    ],
)
def test_a_wrong_value_is_refused_by_name_and_never_repeated(tmp_path, name, value):
    said = refusal(tmp_path, **{name: value})
    assert said.startswith(f"{name} ")
    assert "canary" not in said.lower()


def test_every_problem_is_named_at_once(tmp_path):
    with pytest.raises(Refused) as refused:
        config.load_to_serve({"SLACK_BOT_TOKEN": "", "PEERSUPPORT_WAVES": "x", "TEAMS_TENANT_ID": ""}, tmp_path)
    named = {problem.split()[0] for problem in refused.value.problems}
    assert named == {
        "TEAMS_CLIENT_ID",
        "TEAMS_CLIENT_SECRET",
        "TEAMS_TENANT_ID",
        "SLACK_BOT_TOKEN",
        "SLACK_SIGNING_SECRET",
        "PEERSUPPORT_WAVES",
        "PEERSUPPORT_ROOT_KEY",
        "PEERSUPPORT_COORDINATORS",
    }


@pytest.mark.parametrize("left_out", sorted(COMPLETE))
def test_serving_needs_each_of_these(tmp_path, left_out):
    config.load_to_serve(COMPLETE, tmp_path)
    with pytest.raises(Refused) as refused:
        config.load_to_serve(without(left_out), tmp_path)
    assert [problem.split()[0] for problem in refused.value.problems] == [left_out]


INSTALLED = {
    **{name: value for name, value in COMPLETE.items() if name != "SLACK_BOT_TOKEN"},
    "SLACK_CLIENT_ID": "1234567890.1234567890",
    "SLACK_CLIENT_SECRET": "canary-secret",
    "SLACK_WORKSPACES": "T0123ABCD,E0123ABCD",
}


@pytest.mark.parametrize("left_out", sorted(INSTALLED))
def test_an_app_that_is_installed_from_our_page_needs_each_of_these_and_no_token(tmp_path, left_out):
    settings = config.load_to_serve(INSTALLED, tmp_path)
    assert settings.slack_oauth
    assert settings.slack_workspaces == {"T0123ABCD", "E0123ABCD"}
    with pytest.raises(Refused) as refused:
        config.load_to_serve({name: value for name, value in INSTALLED.items() if name != left_out}, tmp_path)
    assert [problem.split()[0] for problem in refused.value.problems] == [left_out]
    assert "canary" not in str(refused.value)


def test_a_token_and_an_app_that_is_installed_are_not_both_taken(tmp_path):
    with pytest.raises(Refused, match=r"^SLACK_BOT_TOKEN is set beside SLACK_CLIENT_ID: remove it, ") as refused:
        config.load_to_serve(INSTALLED | {"SLACK_BOT_TOKEN": "xoxb-canary"}, tmp_path)
    assert "canary" not in str(refused.value)


def test_a_coordinator_of_an_organisation_is_named_by_it(tmp_path):
    grid = INSTALLED | {"PEERSUPPORT_COORDINATORS": "slack:E0123ABCD:W0456EFGH"}
    assert config.load_to_serve(grid, tmp_path).coordinators == (Person("slack", "E0123ABCD", "W0456EFGH"),)
    assert "SLACK_WORKSPACES" in refusal(tmp_path, **grid | {"SLACK_WORKSPACES": "T0123ABCD"})


@pytest.mark.parametrize("left_out", sorted(ON_TEAMS))
def test_teams_alone_is_enough_and_needs_each_of_these(tmp_path, left_out):
    assert not config.load_to_serve(ON_TEAMS, tmp_path).slack
    # who is named in a tenant that is left out is another sentence
    others = {"PEERSUPPORT_COORDINATORS": "", "PEERSUPPORT_APPROVAL": "automatic"} if "TENANT" in left_out else {}
    left = {name: value for name, value in (ON_TEAMS | others).items() if name != left_out}
    with pytest.raises(Refused) as refused:
        config.load_to_serve(left, tmp_path)
    assert [problem.split()[0] for problem in refused.value.problems] == [left_out]


def test_both_platforms_may_serve_and_then_both_are_complete(tmp_path):
    settings = config.load_to_serve(COMPLETE | ON_TEAMS, tmp_path)
    assert (settings.slack, settings.teams) == (True, True)
    for name in ("SLACK_SIGNING_SECRET", "TEAMS_CLIENT_SECRET"):
        with pytest.raises(Refused, match=f"^{name} is not set: "):
            config.load_to_serve({n: v for n, v in (COMPLETE | ON_TEAMS).items() if n != name}, tmp_path)


def test_with_no_platform_both_are_offered(tmp_path):
    with pytest.raises(Refused) as refused:
        config.load_to_serve(without("SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET"), tmp_path)
    (said,) = refused.value.problems
    assert all(name in said for name in ("SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", *ON_TEAMS) if "PEER" not in name)


def test_with_socket_mode_no_signing_secret_is_needed(tmp_path):
    (tmp_path / "token").write_text("xapp-canary\n", "utf-8")
    for token in ({"SLACK_APP_TOKEN": "xapp-canary"}, {"SLACK_APP_TOKEN_FILE": "token"}):
        settings = config.load_to_serve(without("SLACK_SIGNING_SECRET") | token, tmp_path)
        assert settings.slack_app_token is not None
        assert settings.slack_app_token.get_secret_value() == "xapp-canary"
        assert "canary" not in repr(settings) + repr(settings.effective())


def test_socket_mode_is_for_one_workspace(tmp_path):
    several = {"SLACK_CLIENT_ID": "1234.5678", "SLACK_CLIENT_SECRET": "canary", "SLACK_APP_TOKEN": "xapp-canary"}
    with pytest.raises(Refused) as refused:
        config.load_to_serve(without("SLACK_BOT_TOKEN") | several | {"SLACK_WORKSPACES": "T0HOSPITAL"}, tmp_path)
    said = [problem for problem in refused.value.problems if "Socket Mode" in problem]
    assert len(said) == 1
    assert said[0].startswith("SLACK_APP_TOKEN is set beside SLACK_CLIENT_ID: ")


@pytest.mark.parametrize("token", ["", " ", "xoxb-canary", "canary", "xapp-canary xapp-canary"])
def test_an_app_token_of_another_kind_is_refused_rather_than_ignored(tmp_path, token):
    with pytest.raises(Refused) as refused:
        config.load_to_serve(COMPLETE | {"SLACK_APP_TOKEN": token}, tmp_path)
    (said,) = refused.value.problems
    assert said.startswith("SLACK_APP_TOKEN must be the app-level token (xapp-...)")
    assert "canary" not in said


def test_coordinators_may_be_missing_only_with_automatic_approval(tmp_path):
    alone = without("PEERSUPPORT_COORDINATORS", PEERSUPPORT_APPROVAL="automatic")
    assert config.load_to_serve(alone, tmp_path).coordinators == ()
    with pytest.raises(Refused, match="PEERSUPPORT_COORDINATORS is empty"):
        config.load_to_serve(without("PEERSUPPORT_COORDINATORS"), tmp_path)


def test_a_coordinator_from_a_workspace_that_is_not_allowed_is_refused(tmp_path):
    assert "SLACK_WORKSPACES" in refusal(tmp_path, **COMPLETE, SLACK_WORKSPACES="T999")


def test_slack_is_configured_by_any_of_its_settings_even_empty(tmp_path):
    assert config.load({"SLACK_WORKSPACES": ""}, tmp_path).slack
    assert not config.load({"PEERSUPPORT_ZONE": "UTC"}, tmp_path).slack


@pytest.mark.parametrize("name", ["TEAMS_SERVICE_HOSTS", "TEAMS_ISSUER", "TEAMS_OPENID_URL", "TEAMS_TOKEN_URL"])
def test_teams_is_configured_by_any_of_its_settings_even_empty(tmp_path, name):
    assert config.load({name: ""}, tmp_path).teams
    assert not config.load({"TEAMS_OF_NURSES": "3"}, tmp_path).teams


def test_everything_of_teams_arrives_as_it_is_used(tmp_path):
    settings = config.load(
        ON_TEAMS
        | {
            "TEAMS_CLIENT_ID": ON_TEAMS["TEAMS_CLIENT_ID"].upper(),
            "TEAMS_TENANT_ID": f"{TENANT.upper()}, {SOMEBODY},{TENANT}",
            "TEAMS_SERVICE_HOSTS": "SMBA.trafficmanager.net, http://127.0.0.1:3979/,http://[::1]:1",
            "TEAMS_TOKEN_URL": "http://127.0.0.1:8080/{tenant}/token",
            "TEAMS_ISSUER": "http://localhost:8080",
            "PEERSUPPORT_COORDINATORS": f"teams:{TENANT}:{SOMEBODY.upper()}",
            "PEERSUPPORT_ON_CALL": f"Kim; +44 20 7946 0958; always; teams:{TENANT.upper()}:{SOMEBODY}",
        },
        tmp_path,
    )
    assert settings.teams_client_id == ON_TEAMS["TEAMS_CLIENT_ID"]
    assert settings.teams_client_secret is not None
    assert settings.teams_client_secret.get_secret_value() == "canary-secret"
    assert settings.teams_tenants == (TENANT, SOMEBODY)
    assert settings.teams_service_hosts == ("smba.trafficmanager.net", "http://127.0.0.1:3979", "http://[::1]:1")
    assert settings.teams_token_url == "http://127.0.0.1:8080/{tenant}/token"
    assert settings.teams_issuer == "http://localhost:8080"
    assert settings.coordinators == (Person("teams", TENANT, SOMEBODY),)
    assert settings.on_call is not None
    assert settings.on_call.person == Person("teams", TENANT, SOMEBODY)


def test_without_a_word_teams_is_microsofts(tmp_path):
    settings = config.load({}, tmp_path)
    assert settings.teams_openid_url == "https://login.botframework.com/v1/.well-known/openidconfiguration"
    assert settings.teams_issuer == "https://api.botframework.com"
    assert settings.teams_token_url == "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token"
    assert (settings.teams_client_id, settings.teams_client_secret) == ("", None)
    assert settings.teams_tenants == settings.teams_service_hosts == ()


@pytest.mark.parametrize(
    ("cloud", "login", "issuer", "service", "chats"),
    [
        ("commercial", "login.microsoftonline.com", "https://api.botframework.com", (), "https://teams.microsoft.com/"),
        (
            *("gcc", "login.microsoftonline.com", "https://api.botframework.com"),
            *(("smba.infra.gcc.teams.microsoft.com",), "https://teams.microsoft.com/"),
        ),
        (
            *("gcc-high", "login.microsoftonline.us", "https://api.botframework.us"),
            *(("smba.infra.gov.teams.microsoft.us",), "https://gov.teams.microsoft.us/"),
        ),
        (
            *("dod", "login.microsoftonline.us", "https://api.botframework.us"),
            *(("smba.infra.dod.teams.microsoft.us",), "https://dod.teams.microsoft.us/"),
        ),
    ],
)
def test_everything_of_a_cloud_follows_one_setting(tmp_path, cloud, login, issuer, service, chats):
    settings = config.load_to_serve(ON_TEAMS | {"TEAMS_CLOUD": cloud, "TEAMS_ISSUER": ""}, tmp_path)
    assert settings.teams_token_url == f"https://{login}/{{tenant}}/oauth2/v2.0/token"
    assert (settings.teams_issuer, settings.teams_scope) == (issuer, f"{issuer}/.default")
    keys = "login.botframework.azure.us" if issuer.endswith(".us") else "login.botframework.com"
    assert settings.teams_openid_url == f"https://{keys}/v1/.well-known/openidconfiguration"
    assert (settings.teams_service_hosts, settings.teams_chat_url) == (service, chats)
    shown = {row.name: (row.value, row.source) for row in settings.effective()}
    assert shown["TEAMS_ISSUER"][0] == issuer
    assert shown["TEAMS_ISSUER"][1] == ("TEAMS_CLOUD" if issuer.endswith(".us") else "environment")


def test_a_setting_of_its_own_wins_over_the_cloud(tmp_path):
    own = {"TEAMS_ISSUER": "https://issuer.example", "TEAMS_SERVICE_HOSTS": "smba.example.org"}
    settings = config.load_to_serve(ON_TEAMS | own | {"TEAMS_CLOUD": "dod"}, tmp_path)
    assert (settings.teams_issuer, settings.teams_service_hosts) == (own["TEAMS_ISSUER"], ("smba.example.org",))
    assert settings.teams_scope == "https://api.botframework.us/.default"
    assert "TEAMS_CLOUD" in refusal(tmp_path, TEAMS_CLOUD="canary")


def test_the_names_that_microsofts_tools_write_are_read_too_also_from_files(tmp_path):
    (tmp_path / "secret").write_text("canary-secret\n", "utf-8")
    by_file = {name: value for name, value in GENERIC.items() if name != "CLIENT_SECRET"}
    settings = config.load_to_serve(by_file | {"CLIENT_SECRET_FILE": "secret"}, tmp_path)
    assert settings.teams
    assert settings.teams_client_id == ON_TEAMS["TEAMS_CLIENT_ID"]
    assert settings.teams_tenants == (TENANT,)
    shown = {row.name: (row.value, row.source) for row in settings.effective()}
    assert shown["TEAMS_CLIENT_SECRET"] == (config.MASK, "CLIENT_SECRET_FILE (environment)")
    assert shown["TEAMS_TENANT_ID"] == (TENANT, "TENANT_ID (environment)")


def test_the_name_that_is_only_ours_wins_even_empty(tmp_path):
    assert config.load_to_serve(ON_TEAMS | {"TENANT_ID": "canary", "CLIENT_ID": ""}, tmp_path).teams_tenants == (
        TENANT,
    )
    assert refusal(tmp_path, **GENERIC, TEAMS_TENANT_ID="").startswith("TEAMS_TENANT_ID must be")


@pytest.mark.parametrize(
    "environ",
    [{"CLIENT_ID": "x"}, {"CLIENT_SECRET": "x"}, {"CLIENT_ID": "x", "TENANT_ID": "x"}, {"TENANT_ID_FILE": "x"}],
)
def test_a_name_that_anybody_may_use_does_not_configure_teams_by_itself(tmp_path, environ):
    settings = config.load_to_serve(COMPLETE | environ, tmp_path)
    assert not settings.teams
    assert settings.teams_client_id == ""
    assert not config.load(environ, tmp_path).anything


@pytest.mark.parametrize("name", ["CLIENT_ID", "CLIENT_SECRET", "TENANT_ID"])
def test_an_empty_one_of_the_shared_names_is_refused_under_both(tmp_path, name):
    said = refusal(tmp_path, **GENERIC | {name: "", "PEERSUPPORT_COORDINATORS": ""})
    assert said.startswith(f"{name}, read as TEAMS_{name}, must ")


@pytest.mark.parametrize("setting", ["PEERSUPPORT_COORDINATORS", "PEERSUPPORT_ON_CALL"])
@pytest.mark.parametrize(
    ("configured", "somebody", "fix"),
    [
        (COMPLETE, f"teams:{TENANT}:{SOMEBODY}", "TEAMS_CLIENT_ID"),
        (ON_TEAMS, f"teams:{SOMEBODY}:{TENANT}", "TEAMS_TENANT_ID"),
        (ON_TEAMS, "slack:T0123ABCD:U0456EFGH", "SLACK_BOT_TOKEN"),
        (COMPLETE | {"SLACK_WORKSPACES": "T999"}, "slack:T0123ABCD:U0456EFGH", "SLACK_WORKSPACES"),
    ],
)
def test_whoever_no_message_could_reach_is_not_named(tmp_path, setting, configured, somebody, fix):
    named = somebody if setting.endswith("COORDINATORS") else f"Kim; +44 20 7946 0958; always; {somebody}"
    rest = {name: value for name, value in configured.items() if name != "PEERSUPPORT_COORDINATORS"}
    said = refusal(tmp_path, **rest, **{setting: named})
    assert said.startswith(f"{setting} names someone ")
    assert fix in said
    assert somebody.split(":")[2] not in said


def test_two_signing_secrets_are_accepted_while_rotating(tmp_path):
    settings = config.load(without(SLACK_SIGNING_SECRET="old, new"), tmp_path)
    assert [secret.get_secret_value() for secret in settings.slack_signing_secrets] == ["old", "new"]


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_may_stand_in_a_file_of_its_own_but_not_in_both(tmp_path, name):
    inside = tmp_path / "inside"
    inside.write_text(config.load({}, tmp_path).effective()[NAMES.index(name)].value + "\n", "utf-8")
    said = refusal(tmp_path, **{name: "anything", f"{name}_FILE": str(inside)})
    assert f"{name} and {name}_FILE are both set: remove one." in said


def test_a_value_from_a_file_is_the_value(tmp_path):
    (tmp_path / "key").write_text(KEY + "\n", "utf-8")
    settings = config.load({"PEERSUPPORT_ROOT_KEY_FILE": "key"}, tmp_path)
    assert settings.root_key is not None
    assert settings.root_key.get_secret_value() == bytes(range(32))
    assert "PEERSUPPORT_ROOT_KEY_FILE names a file" in refusal(tmp_path, PEERSUPPORT_ROOT_KEY_FILE="absent")


def test_the_environment_wins_over_dotenv_and_dotenv_over_the_file(tmp_path):
    (tmp_path / ".env").write_text("PEERSUPPORT_NAME=Dot\nPEERSUPPORT_COUNTRY=CA\n", "utf-8")
    (tmp_path / "all.toml").write_text(
        'PEERSUPPORT_COUNTRY = "UK"\nPEERSUPPORT_RELAY = false\nPEERSUPPORT_CHECK_INS = ["1h", "2h"]\n'
        'PEERSUPPORT_PEER_LIMIT = 3\nPEERSUPPORT_TARGETS = { soon = "5m" }\n',
        "utf-8",
    )
    settings = config.load({"PEERSUPPORT_NAME": "Env", "PEERSUPPORT_CONFIG": "all.toml"}, tmp_path)
    assert (settings.name, settings.country, settings.relay, settings.peer_limit) == ("Env", "CA", False, 3)
    assert settings.check_ins == (timedelta(hours=1), timedelta(hours=2))
    assert settings.targets["soon"] == timedelta(minutes=5)
    sources = {row.name: row.source for row in settings.effective()}
    assert sources["PEERSUPPORT_NAME"] == "environment"
    assert sources["PEERSUPPORT_COUNTRY"] == ".env"
    assert sources["PEERSUPPORT_RELAY"] == "all.toml"
    assert sources["PEERSUPPORT_ZONE"] == "default"


@pytest.mark.parametrize(("file", "text"), [("all.toml", "= canary"), ("absent.toml", None)])
def test_a_file_of_settings_that_cannot_be_read_is_refused(tmp_path, file, text):
    if text is not None:
        (tmp_path / file).write_text(text, "utf-8")
    said = refusal(tmp_path, PEERSUPPORT_CONFIG=file)
    assert said.startswith("PEERSUPPORT_CONFIG ")
    assert "canary" not in said


def test_a_folder_that_cannot_be_looked_into_is_a_sentence(tmp_path):
    nowhere = tmp_path / ("x" * 300)  # no folder can have this name
    with pytest.raises(Refused, match=r"^\.env cannot be read"):
        config.load({}, nowhere)


def test_neither_repr_nor_the_view_shows_a_secret(tmp_path):
    secret = {name: value for name, value in COMPLETE.items() if name in SECRETS}
    settings = config.load(COMPLETE, tmp_path)
    shown = {row.name: row.value for row in settings.effective()}
    for name, value in secret.items():
        assert shown[name] == config.MASK
        assert value not in repr(settings) + str(settings) + repr(settings.effective())
    assert "U0456EFGH" not in repr(settings) + repr(settings.programme())


def test_a_slip_of_the_pen_is_noticed(tmp_path):
    assert config.load({"PEERSUPPORT_REALY": "off"}, tmp_path).unknown == ("PEERSUPPORT_REALY",)
    assert config.load({"TEAMS_CLIENTID": "an-id"}, tmp_path).unknown == ("TEAMS_CLIENTID",)


def test_quiet_hours_are_two_times_of_day(tmp_path):
    assert config.load({"PEERSUPPORT_QUIET_HOURS": "22:30-07:15"}, tmp_path).quiet_hours == (time(22, 30), time(7, 15))


@pytest.mark.parametrize(
    ("address", "folder"),
    [("tinydb:///var/lib/peersupport", "/var/lib/peersupport"), ("tinydb:///./data", "data")],
)
def test_a_store_is_a_folder(tmp_path, address, folder):
    assert config.load({"PEERSUPPORT_STORE": address}, tmp_path).store == Path(folder)


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("postgresql://peers:canary@db.example:5433/peers", "postgresql://peers:********@db.example:5433/peers"),
        ("postgres://peers:c%40n%2Fary@[::1],b/p", "postgres://peers:********@[::1],b/p"),
        ("postgresql://peers@db/peers?password=canary&sslmode=verify-full", None),
        ("postgresql://peers:canary@/p?host=/run/postgresql&sslpassword=canary", None),
        ("postgresql://db/peers?sslmode=require", "postgresql://db/peers?sslmode=require"),
    ],
)
def test_a_database_is_shown_without_its_password(tmp_path, address, shown):
    settings = config.load({"PEERSUPPORT_STORE": address}, tmp_path)
    assert settings.store == parsers.Postgres(address)
    said = {line.name: line.value for line in settings.effective()}["PEERSUPPORT_STORE"]
    assert "ary" not in said + repr(settings) + repr(settings.store)
    assert shown is None or said == shown
    assert ("********" in said) == ("ary" in address)


def test_the_file_of_a_database_with_a_password_is_one_of_a_secret(tmp_path):
    (tmp_path / "store").write_text("postgresql://peers:canary@db/peers\n", "utf-8")
    settings = config.load({"PEERSUPPORT_STORE_FILE": "store"}, tmp_path)
    assert settings.store == parsers.Postgres("postgresql://peers:canary@db/peers")
    assert settings.kept_in_files() == {"PEERSUPPORT_STORE": tmp_path / "store"}
    (tmp_path / "store").write_text("postgresql://peers@db/peers\n", "utf-8")
    assert not config.load({"PEERSUPPORT_STORE_FILE": "store"}, tmp_path).kept_in_files()


def test_a_hospitals_lines_come_before_the_countrys_and_age_with_them(tmp_path):
    (tmp_path / "own.toml").write_text(
        'emergency = "7777"\nverified_on = 2026-10-01\n\n'
        '[[lines]]\nname = "Employee assistance"\nreach = "555 0101"\nverified_on = 2026-06-01\n',
        "utf-8",
    )
    settings = config.load({"PEERSUPPORT_LINES_FILE": str(tmp_path / "own.toml")}, tmp_path)
    programme = settings.programme()
    assert (programme.crisis, programme.emergency) == ("988", "7777")
    assert [line.name for line in programme.lines][:2] == ["Employee assistance", "988 in Spanish"]
    assert phone_lines.numbers("US", settings.own_lines).verified_on == date(2026, 6, 1)


def test_a_line_without_a_date_is_refused(tmp_path):
    (tmp_path / "own.toml").write_text('[[lines]]\nname = "x"\nreach = "y"\n', "utf-8")
    assert "verified_on" in refusal(tmp_path, PEERSUPPORT_LINES_FILE=str(tmp_path / "own.toml"))


def test_lines_ask_to_be_checked_again_after_90_days():
    known = phone_lines.numbers("US")
    assert known.verified_on is not None
    assert not known.overdue(known.verified_on + timedelta(days=90))
    assert known.overdue(known.verified_on + timedelta(days=91))


@pytest.mark.parametrize("country", phone_lines.countries())
def test_every_country_has_someone_to_call_and_says_whether_they_can_be_texted(country):
    known = phone_lines.numbers(country)
    assert known.crisis
    assert known.emergency
    assert known.crisis_texts is (country in {"US", "CA"})


def test_every_number_of_ours_says_where_and_when_it_was_looked_up():
    shipped = tomllib.loads(Path(phone_lines.__file__).with_suffix(".toml").read_text("utf-8"))
    for country, entry in shipped.items():
        for each in (entry, *entry["lines"]):
            assert each["source"].startswith(("https://", "http://")), country
            assert each["verified_on"] <= date(2026, 11, 30), country


def test_the_numbers_are_those_that_each_country_calls():
    called = {country: phone_lines.numbers(country) for country in phone_lines.countries()}
    assert {country: (known.crisis, known.emergency) for country, known in called.items()} == {
        "US": ("988", "911"),
        "CA": ("988", "911"),
        "UK": ("116 123", "999"),
        "CH": ("143", "144 or 112"),
        "EU": ("112", "112"),
    }
    assert "text HOME to 741741" in {line.reach for line in called["US"].lines}


@pytest.mark.parametrize(
    ("country", "own", "texts"),
    [
        ("US", "", True),
        ("UK", "", False),
        ("US", 'crisis = "555 0199"', False),  # nobody said that this one can be texted
        ("UK", 'crisis = "555 0199"\ncrisis_texts = true', True),
        ("US", "crisis_texts = false", False),
        ("US", 'emergency = "7777"', True),
    ],
)
def test_a_crisis_line_is_texted_only_where_somebody_said_so(tmp_path, country, own, texts):
    (tmp_path / "own.toml").write_text(f"verified_on = 2026-11-01\n{own}\n", "utf-8")
    environ = {"PEERSUPPORT_COUNTRY": country, "PEERSUPPORT_LINES_FILE": str(tmp_path / "own.toml")}
    assert config.load(environ, tmp_path).programme().crisis_texts is texts


def test_whether_a_line_takes_texts_is_yes_or_no(tmp_path):
    (tmp_path / "own.toml").write_text('crisis_texts = "canary"\n', "utf-8")
    said = refusal(tmp_path, PEERSUPPORT_LINES_FILE=str(tmp_path / "own.toml"))
    assert "crisis_texts = true or false" in said
    assert "canary" not in said
