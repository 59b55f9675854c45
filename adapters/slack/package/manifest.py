"""The Slack app manifest: the methods we call, the events we receive, and the scopes that both need. Pure.

`manifest.json` at the root is written from here. A test compares it with the package: a method that is called but is
not in METHODS, and a scope that nothing needs, fail.

https://docs.slack.dev/reference/app-manifest
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

COMMAND: Final = "/peersupport"
PATH: Final = "/slack/events"
INSTALL: Final = "/slack/install"
REDIRECT: Final = "/slack/oauth_redirect"

EXAMPLE: Final = "https://peersupport.example.org"
"""Our public address in the manifest at the root, until an operator gives theirs."""

METHODS: Final[Mapping[str, str]] = {
    "auth.revoke": "",
    "auth.test": "",
    "chat.delete": "chat:write",
    "chat.postEphemeral": "chat:write",
    "chat.postMessage": "chat:write",
    "chat.update": "chat:write",
    "conversations.history": "im:history",
    "conversations.open": "im:write",
    "oauth.v2.access": "",
    "users.info": "users:read",
    "views.open": "",
    "views.publish": "",
    "views.update": "",
}
"""The scope that each method needs; "" where any bot token will do."""

EVENTS: Final[Mapping[str, str]] = {
    "app_home_opened": "",
    "app_uninstalled": "",
    "message.im": "im:history",
    "tokens_revoked": "",
    "user_change": "users:read",
}
"""The scope that each event needs."""

SCOPES: Final = tuple(sorted({"commands", *METHODS.values(), *EVENTS.values()} - {""}))

_WITHOUT_HISTORY: Final = "im:history"


def scopes(*, strict: bool = False) -> list[str]:
    """Return the bot scopes. The strict ones do not let the bot read messages."""
    return [scope for scope in SCOPES if not (strict and scope == _WITHOUT_HISTORY)]


def manifest(
    name: str, url: str | None, *, strict: bool = False, oauth: bool = False, grid: bool = False
) -> dict[str, Any]:
    """Return the app manifest.

    Args:
        name: The bot's name.
        url: Our public address without a path; None for Socket Mode, where Slack calls no address.
        strict: Leave out `im:history`, `message.im` and typing in the Messages tab, so that the bot cannot read a word.
            After a crash it then cannot look for a post either.
        oauth: Let the app be installed in several workspaces from our own page.
        grid: Let it be installed in a whole organisation too.
    """
    address = {} if url is None else {"url": url.rstrip("/") + PATH}
    requests = {f"request_{key}": value for key, value in address.items()}
    redirects = {"redirect_urls": [url.rstrip("/") + REDIRECT]} if url is not None and (oauth or grid) else {}
    command = {
        "command": COMMAND,
        "description": "Talk to a trained colleague",
        "usage_hint": "help",
        "should_escape": False,
        **address,
    }
    return {
        "_metadata": {"major_version": 2},
        "display_information": {
            "name": name,
            "description": "Colleagues who listen.",
            "background_color": "#2c4a5a",
        },
        "features": {
            "app_home": {
                "home_tab_enabled": True,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": strict,
            },
            "bot_user": {"display_name": name, "always_online": True},
            "slash_commands": [command],
        },
        "oauth_config": redirects | {"scopes": {"bot": scopes(strict=strict)}},
        "settings": _settings(requests, strict=strict, grid=grid),
    }


def _settings(requests: dict[str, str], *, strict: bool, grid: bool) -> dict[str, Any]:
    """Return where events and interactions go; without an address they come over Socket Mode."""
    events = [event for event, scope in sorted(EVENTS.items()) if not (strict and scope == _WITHOUT_HISTORY)]
    return {
        "event_subscriptions": {**requests, "bot_events": events},
        "interactivity": {"is_enabled": True, **requests},
        "org_deploy_enabled": grid,
        "socket_mode_enabled": not requests,
        "token_rotation_enabled": False,
    }
