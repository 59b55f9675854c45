"""Every setting can stand in a file of its own, as systemd, Docker and Kubernetes hand them over."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
import trustme

from bot import config
from bot.config import sources
from bot.config.settings import Settings

KEY = base64.b64encode(bytes(range(32))).decode()
UUID = "c0c0c0c0-1111-4222-8333-444455556666"


@pytest.fixture
def values(tmp_path: Path) -> dict[str, str]:
    """Something that each setting understands, other than its default."""
    limits = tmp_path / "limits.toml"
    limits.write_text('limits = "x"\ncounsel = "A"\nclinical_lead = "B"\ndate = 2026-11-01\n', "utf-8")
    lines = tmp_path / "lines.toml"
    lines.write_text('[[lines]]\nname = "EAP"\nreach = "555 0101"\nverified_on = 2026-11-01\n', "utf-8")
    authority = tmp_path / "authority.pem"
    trustme.CA().cert_pem.write_to_path(str(authority))
    return {
        "PEERSUPPORT_NAME": "Colleagues",
        "PEERSUPPORT_ZONE": "Europe/Zurich",
        "PEERSUPPORT_COUNTRY": "CH",
        "PEERSUPPORT_LINES_FILE": str(lines),
        "PEERSUPPORT_EXCEPTIONS_FILE": str(limits),
        "PEERSUPPORT_COORDINATORS": "slack:T1:U1",
        "PEERSUPPORT_APPROVAL": "automatic",
        "PEERSUPPORT_ON_CALL": "Kim; +44 20 7946 0958; always; slack:T1:U2",
        "PEERSUPPORT_RELAY": "off",
        "PEERSUPPORT_TARGETS": "soon=20m",
        "PEERSUPPORT_WAVES": "3,rest",
        "PEERSUPPORT_WAVE_STEPS": "soon=5m",
        "PEERSUPPORT_TALKED_AFTER": "soon=1h",
        "PEERSUPPORT_PEER_LIMIT": "3",
        "PEERSUPPORT_REST": "24h",
        "PEERSUPPORT_OFFERS_A_WEEK": "4",
        "PEERSUPPORT_REQUESTS_A_DAY": "2",
        "PEERSUPPORT_TRAINING_VALID": "12mo",
        "PEERSUPPORT_CHECK_INS": "48h",
        "PEERSUPPORT_QUIET_HOURS": "none",
        "PEERSUPPORT_CLOSE_AFTER": "3d",
        "PEERSUPPORT_ERASE_AFTER": "3d",
        "PEERSUPPORT_STORE": "postgresql://u:canary@db/p",
        "PEERSUPPORT_ROOT_KEY": KEY,
        "PEERSUPPORT_BIND": "127.0.0.1:3001",
        "PEERSUPPORT_OPS_BIND": "127.0.0.1:9091",
        "PEERSUPPORT_CA_FILE": str(authority),
        "PEERSUPPORT_ALERT_URL": "https://alerts.example/x",
        "HTTPS_PROXY": "http://u:canary@proxy.example:8080",
        "NO_PROXY": "hospital.example",
        "LOG_FORMAT": "console",
        "LOG_LEVEL": "ERROR",
        "SLACK_BOT_TOKEN": "xoxb-canary",
        "SLACK_SIGNING_SECRET": "canary",
        "SLACK_WORKSPACES": "T1",
        "SLACK_API_URL": "https://slack.example/api/",
        "TEAMS_CLIENT_ID": UUID,
        "TEAMS_CLIENT_SECRET": "canary",
        "TEAMS_TENANT_ID": UUID,
        "TEAMS_OPENID_URL": "https://keys.example/",
        "TEAMS_ISSUER": "https://issuer.example",
        "TEAMS_TOKEN_URL": "https://token.example/{tenant}",
        "TEAMS_SCOPE": "https://scope.example/.default",
        "TEAMS_CHAT_URL": "https://chats.example/",
        "TEAMS_SERVICE_HOSTS": "service.example.org",
    }


@pytest.mark.parametrize("name", config.NAMES)
def test_every_setting_can_be_the_content_of_a_file(tmp_path, name):
    (tmp_path / "value").write_text(" something \n", "utf-8")
    texts, unknown, problems = sources.read({f"{name}_FILE": "value"}, tmp_path, config.NAMES)
    assert (texts[name].value, unknown, problems) == ("something", (), [])
    assert texts[name].file == tmp_path / "value"


def test_a_file_says_the_same_as_the_environment(tmp_path, values):
    given = {name: values[name] for name in config.NAMES if name in values}
    in_files = {}
    for name, value in given.items():
        file = tmp_path / f"{name}.credential"
        file.write_bytes(b"\xef\xbb\xbf" + value.encode() + b" \r\n")  # as an editor on Windows saves it
        in_files[f"{name}_FILE"] = str(file)
    by_file, direct = config.load(in_files, tmp_path), config.load(given, tmp_path)
    attributes = {str(info.alias): attribute for attribute, info in Settings.model_fields.items()}
    for name in given:
        attribute = attributes[name]
        assert getattr(by_file, attribute) == getattr(direct, attribute), name
        assert getattr(direct, attribute) != getattr(config.load({}, tmp_path), attribute), name


def test_a_secret_that_systemd_hands_over_is_read_from_its_folder_of_credentials(tmp_path, values):
    """`Environment=SLACK_BOT_TOKEN_FILE=%d/slack-bot-token`: it writes the folder there, read-only, for us alone."""
    folder = tmp_path / "credentials"
    folder.mkdir()
    for name in ("SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", "PEERSUPPORT_ROOT_KEY"):
        file = folder / name.lower().replace("_", "-")
        file.write_text(values[name] + "\n", "ascii")
        file.chmod(0o400)
    folder.chmod(0o500)
    environ = {
        f"{name}_FILE": str(folder / name.lower().replace("_", "-"))
        for name in ("SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", "PEERSUPPORT_ROOT_KEY")
    }
    settings = config.load_to_serve(environ | {"PEERSUPPORT_COORDINATORS": "slack:T1:U1"}, tmp_path)
    assert settings.slack_bot_token is not None
    assert settings.slack_bot_token.get_secret_value() == "xoxb-canary"
    shown = {row.name: row for row in settings.effective()}
    assert shown["SLACK_BOT_TOKEN"].value == config.MASK
    assert shown["SLACK_BOT_TOKEN"].source == "SLACK_BOT_TOKEN_FILE (environment)"


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "PEERSUPPORT_ALERT_URL", "PEERSUPPORT_STORE"])
def test_an_address_that_may_hold_a_secret_is_never_shown(tmp_path, values, name):
    settings = config.load({name: values[name].replace("alerts.example/x", "alerts.example/canary")}, tmp_path)
    assert "canary" not in repr(settings) + repr(settings.effective())
