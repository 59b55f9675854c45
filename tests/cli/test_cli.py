"""Commands end with the exit code they document, and a refusal is sentences, never a traceback."""

from __future__ import annotations

import base64
import json
import os
import re
import signal
import subprocess
import sys
import zipfile
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from bot import config
from bot.store.postgres import connection
from tests.running.warm_cli import warm_cli


def peersupport(folder: Path, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own, as an operator would in this folder."""
    return warm_cli().run(folder, *words, **environ)


def test_serve_without_settings_is_refused_with_sentences_and_exit_code_2(tmp_path):
    ran = peersupport(tmp_path, "serve")
    assert ran.returncode == 2
    assert ran.stdout == ""
    assert "Traceback" not in ran.stderr
    assert [line.split()[0] for line in ran.stderr.splitlines()] == [
        "PEERSUPPORT_ROOT_KEY",
        "No",
        "PEERSUPPORT_COORDINATORS",
    ]
    assert list(tmp_path.iterdir()) == []


def test_a_refused_secret_is_not_repeated(tmp_path):
    ran = peersupport(tmp_path, "serve", PEERSUPPORT_ROOT_KEY="canary", SLACK_BOT_TOKEN="xapp-canary")
    assert ran.returncode == 2
    assert "canary" not in ran.stdout + ran.stderr


def test_a_new_key_is_32_random_bytes(tmp_path):
    first, second = (peersupport(tmp_path, "keys", "new").stdout for _ in range(2))
    assert len(base64.b64decode(first, validate=False)) == 32
    assert first != second
    assert config.load({"PEERSUPPORT_ROOT_KEY": first}, tmp_path).root_key


def test_config_shows_where_a_value_came_from_and_masks_secrets(tmp_path):
    (tmp_path / ".env").write_text("PEERSUPPORT_RELAY=off\n", "utf-8")
    ran = peersupport(tmp_path, "config", SLACK_BOT_TOKEN="xoxb-canary")
    assert ran.returncode == 0
    shown = {line.split()[0]: line.split()[1:] for line in ran.stdout.splitlines()}
    assert shown["PEERSUPPORT_RELAY"] == ["off", ".env"]
    assert shown["SLACK_BOT_TOKEN"] == [config.MASK, "environment"]
    assert "canary" not in ran.stdout


def test_who_can_read_what_is_printed_for_the_settings_in_force(tmp_path):
    (tmp_path / ".env").write_text("PEERSUPPORT_RELAY=off\n", encoding="utf-8")
    ran = peersupport(tmp_path, "config", "--privacy")
    assert ran.returncode == 0
    assert ran.stdout.startswith("# Who can read what")
    assert "Writing through the bot is switched off here." in ran.stdout


def test_doctor_prints_json_for_programs(tmp_path):
    ran = peersupport(tmp_path, "doctor", "--json")
    findings = json.loads(ran.stdout)
    assert ran.returncode == 2
    assert all(set(finding) == {"id", "status", "says", "fix"} for finding in findings)
    assert [finding["id"] for finding in findings if finding["status"] == "fail"] == [
        "root-key",
        "slack",
        "coordinators",
        "exceptions",
    ]


def test_doctor_prints_a_line_for_each_finding(tmp_path):
    ran = peersupport(tmp_path, "doctor", TEAMS_TENANT_ID="canary")
    assert ran.returncode == 2
    assert ran.stdout.startswith("fail  settings")
    assert "canary" not in ran.stdout


def test_the_manifest_is_json_and_its_link_carries_the_same(tmp_path):
    at = ("slack-manifest", "--http", "https://chat.example.org")
    ran = peersupport(tmp_path, *at)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert json.loads(ran.stdout)["settings"]["interactivity"]["request_url"] == "https://chat.example.org/slack/events"
    link = urlsplit(peersupport(tmp_path, *at, "--url").stdout.strip())
    assert (link.netloc, link.path) == ("api.slack.com", "/apps")
    assert json.loads(parse_qs(link.query)["manifest_json"][0]) == json.loads(ran.stdout)
    assert "im:history" not in peersupport(tmp_path, *at, "--strict").stdout


def test_a_manifest_for_socket_mode_needs_no_address(tmp_path):
    ran = peersupport(tmp_path, "slack-manifest", "--socket")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert json.loads(ran.stdout)["settings"]["socket_mode_enabled"] is True
    assert "https://" not in ran.stdout


def test_a_manifest_for_a_grid_says_where_slack_comes_back_to(tmp_path):
    ran = peersupport(tmp_path, "slack-manifest", "--http", "https://chat.example.org", "--grid", "--strict")
    made = json.loads(ran.stdout)
    assert made["oauth_config"]["redirect_urls"] == ["https://chat.example.org/slack/oauth_redirect"]
    assert made["settings"]["org_deploy_enabled"] is True
    assert "im:history" not in made["oauth_config"]["scopes"]["bot"]


def test_without_an_address_the_manifest_is_the_one_at_the_root_and_says_what_to_put_there(tmp_path):
    ran = peersupport(tmp_path, "slack-manifest")
    assert ran.stdout == (Path(config.__file__).parents[2] / "manifest.json").read_text("utf-8")
    assert "--http" in ran.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("--http", "http://chat.example.org"),
        ("--http", "x.example"),
        ("--http", "https://x.example", "--socket"),
        ("--socket", "--oauth"),
    ],
)
def test_a_manifest_that_could_not_work_is_refused(tmp_path, words):
    assert peersupport(tmp_path, "slack-manifest", *words).returncode == 2


BOT = "c0c0c0c0-1111-4222-8333-444455556666"


def test_the_teams_package_is_written_for_the_bot_in_the_settings(tmp_path):
    words = ("teams-package", "--out", "app.zip", "--http", "https://chat.example.org")
    ran = peersupport(tmp_path, *words, TEAMS_CLIENT_ID=BOT.upper(), PEERSUPPORT_NAME="Colleagues")
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
    with zipfile.ZipFile(tmp_path / "app.zip") as archive:
        app = json.loads(archive.read("manifest.json"))
    assert (app["id"], app["name"]["short"], app["validDomains"]) == (BOT, "Colleagues", ["chat.example.org"])


def test_without_an_address_the_teams_package_is_written_and_says_what_to_give(tmp_path):
    ran = peersupport(tmp_path, "teams-package", "--out", "app.zip", CLIENT_ID=BOT, CLIENT_SECRET="canary")
    assert ran.returncode == 0
    assert "--http" in ran.stderr
    assert (tmp_path / "app.zip").is_file()


@pytest.mark.parametrize(
    ("words", "environ", "named"),
    [
        ((), {}, "TEAMS_CLIENT_ID"),
        ((), {"TEAMS_CLIENT_ID": "canary"}, "TEAMS_CLIENT_ID"),
        ((), {"TEAMS_CLIENT_ID": BOT, "PEERSUPPORT_NAME": "N" * 31}, "PEERSUPPORT_NAME"),
        (("--http", "http://chat.example.org"), {"TEAMS_CLIENT_ID": BOT}, "--http"),
        (("--http", "https://chat.example.org/api/messages"), {"TEAMS_CLIENT_ID": BOT}, "--http"),
        (("--http", "https://"), {"TEAMS_CLIENT_ID": BOT}, "--http"),
        (("--out", "no/such/folder/app.zip"), {"TEAMS_CLIENT_ID": BOT}, "--out"),
    ],
)
def test_a_teams_package_that_could_not_work_is_refused(tmp_path, words, environ, named):
    ran = peersupport(tmp_path, "teams-package", "--out", "app.zip", *words, **environ)
    assert ran.returncode == 2
    assert named in ran.stderr
    assert "canary" not in ran.stderr
    assert list(tmp_path.iterdir()) == []


def test_demo_plays_a_dialogue(tmp_path):
    played = peersupport(tmp_path, "demo", "--script", "accompanied-to-the-end")
    assert (played.returncode, played.stderr) == (0, "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", [(), ("demo", "--no-browser", "--port", "0")])
def test_without_settings_the_playground_runs_until_it_is_interrupted(tmp_path, words):
    environ = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME"}} | {"BROWSER": "true"}
    environ |= {"PYTHONPATH": str(Path(config.__file__).parents[2]), "PYTHONDONTWRITEBYTECODE": "1"}
    with subprocess.Popen(  # noqa: S603  # our own command
        [sys.executable, "-m", "bot", *words], cwd=tmp_path, env=environ, stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        assert re.match(r"The playground is at http://[0-9.]+:\d+/", running.stdout.readline())
        running.send_signal(signal.SIGINT)
        assert running.wait(timeout=20) == 0
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_dialogue_is_refused_with_the_names_of_those_there_are(tmp_path):
    ran = peersupport(tmp_path, "demo", "--script", "nobody-wrote-this")
    assert ran.returncode == 2
    assert "accompanied-to-the-end" in ran.stderr


def test_without_a_command_help_is_printed_once_something_is_configured(tmp_path):
    ran = peersupport(tmp_path, PEERSUPPORT_ZONE="UTC")
    assert ran.returncode == 0
    assert "Usage" in ran.stdout


TO_SERVE = {
    "PEERSUPPORT_ROOT_KEY": base64.b64encode(bytes(range(32))).decode(),
    "PEERSUPPORT_APPROVAL": "automatic",
    "SLACK_BOT_TOKEN": "xoxb-canary",
    "SLACK_SIGNING_SECRET": "canary",
}


def test_serve_refuses_a_database_until_db_upgrade_has_made_its_tables(tmp_path, postgres):
    name = postgres.database()
    url = {"PEERSUPPORT_STORE": postgres.url(name)}
    refused = peersupport(tmp_path, "serve", **TO_SERVE, **url)
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert "peersupport db upgrade" in refused.stderr
    before = peersupport(tmp_path, "db", "current", **url)
    assert (before.returncode, before.stdout) == (1, refused.stderr)
    ran = [peersupport(tmp_path, "db", *words, **url) for words in (("upgrade",), ("upgrade",), ("current",))]
    assert {(each.returncode, each.stdout, each.stderr) for each in ran} == {
        (0, f"The schema is {connection.SCHEMA_VERSION:04}, as this version needs it.\n", "")
    }


def test_an_older_version_serves_a_newer_schema_that_allows_it(tmp_path, postgres):
    name = postgres.database()
    url = {"PEERSUPPORT_STORE": postgres.url(name)}
    assert peersupport(tmp_path, "db", "upgrade", **url).returncode == 0
    newer = connection.SCHEMA_VERSION + 1
    postgres.sql(f"UPDATE alembic_version SET version_num = '{newer:04}'", name)  # noqa: S608
    for works_for, code in ((connection.SCHEMA_VERSION, 0), (newer, 1)):
        postgres.sql(connection.compatibility_comment(works_for), name)
        said = peersupport(tmp_path, "db", "current", **url)
        assert (said.returncode, said.stderr) == (code, "")
        assert f"{newer:04}, a newer version's; this one" in said.stdout or code
        again = peersupport(tmp_path, "db", "upgrade", **url)
        assert (again.returncode, again.stdout) == ((0, said.stdout) if not code else (2, ""))
    refused = peersupport(tmp_path, "serve", **TO_SERVE, **url)
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert "newer version" in refused.stderr
    assert postgres.sql("SELECT version_num FROM alembic_version", name) == [(f"{newer:04}",)]


@pytest.mark.parametrize("words", [("serve",), ("db", "upgrade"), ("db", "current")])
def test_a_database_that_does_not_answer_is_refused_in_a_sentence_without_its_address(tmp_path, words):
    address = "postgresql://canary:canary@127.0.0.1:1/canary"
    ran = peersupport(tmp_path, *words, **TO_SERVE | {"PEERSUPPORT_STORE": address})
    assert (ran.returncode, ran.stdout, ran.stderr.count("\n")) == (2, "", 1)
    assert "PEERSUPPORT_STORE" in ran.stderr
    assert "canary" not in ran.stderr


def test_the_embedded_store_has_no_tables(tmp_path):
    for word in ("upgrade", "current"):
        ran = peersupport(tmp_path, "db", word)
        assert (ran.returncode, ran.stderr) == (0, "")
        assert "nothing to do" in ran.stdout
