"""What we ask of a workspace is what we use, no more and no less."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

from adapters.slack.package.manifest import COMMAND, EVENTS, EXAMPLE, METHODS, REDIRECT, SCOPES, manifest

ROOT = Path(__file__).parents[4]
PACKAGE = ROOT / "adapters" / "slack"


def _strings(without: str) -> set[str]:
    sources = [p.read_text() for p in PACKAGE.rglob("*.py") if p.name != without]
    nodes = (node for source in sources for node in ast.walk(ast.parse(source)))
    return {n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str)}


def test_the_file_at_the_root_is_what_the_function_says():
    written = (ROOT / "manifest.json").read_text()
    assert written == json.dumps(manifest("Peer Support", EXAMPLE), indent=2) + "\n"


def test_every_method_that_is_called_is_declared_and_every_declared_one_is_called():
    literal = re.compile(r"(api|auth|bots|chat|conversations|files|im|oauth|team|users|views)\.[A-Za-z0-9.]+")
    assert {s for s in _strings(without="manifest.py") if literal.fullmatch(s)} == set(METHODS)


def test_every_event_that_is_asked_for_is_heard():
    received = _strings(without="manifest.py")
    assert {e for e in EVENTS if e.partition(".")[0] not in received} == set()


def test_every_scope_is_needed_and_every_need_has_its_scope():
    needed = {scope for scope in [*METHODS.values(), *EVENTS.values()] if scope} | {"commands"}
    assert set(SCOPES) == needed == {"commands", "chat:write", "im:write", "im:history", "users:read"}
    assert manifest("A", EXAMPLE)["oauth_config"]["scopes"]["bot"] == sorted(needed)


def test_the_strict_one_cannot_read_a_word_and_nobody_writes_into_silence():
    strict = manifest("A", EXAMPLE, strict=True)
    assert "im:history" not in strict["oauth_config"]["scopes"]["bot"]
    assert "message.im" not in strict["settings"]["event_subscriptions"]["bot_events"]
    assert strict["features"]["app_home"]["messages_tab_read_only_enabled"] is True
    assert strict["features"]["app_home"]["messages_tab_enabled"] is True


def test_with_socket_mode_slack_calls_no_address():
    called, calling = manifest("A", EXAMPLE), manifest("A", None)
    assert "url" not in json.dumps(calling)
    assert calling["settings"].pop("socket_mode_enabled") is True
    assert called["settings"].pop("socket_mode_enabled") is False
    del called["settings"]["event_subscriptions"]["request_url"], called["settings"]["interactivity"]["request_url"]
    del called["features"]["slash_commands"][0]["url"]
    assert called == calling


def test_an_app_for_several_workspaces_comes_back_to_our_page_and_one_for_an_organisation_may_be_deployed_there():
    one = manifest("A", "https://a.example/")
    several = manifest("A", "https://a.example/", oauth=True)
    assert several["oauth_config"].pop("redirect_urls") == ["https://a.example" + REDIRECT]
    assert several == one
    grid = manifest("A", "https://a.example/", grid=True)
    assert grid["oauth_config"].pop("redirect_urls") == ["https://a.example" + REDIRECT]
    assert grid["settings"].pop("org_deploy_enabled") is True
    assert one["settings"].pop("org_deploy_enabled") is False
    assert grid == one
    for made in (several, grid):
        assert {"app_uninstalled", "tokens_revoked"} <= {*made["settings"]["event_subscriptions"]["bot_events"]}
        assert made["settings"]["token_rotation_enabled"] is False


def test_one_route_takes_everything():
    said = json.dumps(manifest("A", "https://a.example/"))
    assert said.count("https://a.example/slack/events") == 3
    assert COMMAND in said
