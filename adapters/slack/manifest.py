"""What the app asks of a workspace, and what we call and hear in return. Pure.

`manifest.json` at the root is written from here. A test reads this package and compares: a method that is
called without standing in METHODS, or a scope that nothing needs, fails it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

COMMAND: Final = "/peersupport"
PATH: Final = "/slack/events"
INSTALL: Final = "/slack/install"
REDIRECT: Final = "/slack/oauth_redirect"
EXAMPLE: Final = "https://peersupport.example.org"  # stands in the manifest at the root until an operator puts theirs

# method → the scope it needs; "" where any bot token will do
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

# event → the scope it needs
EVENTS: Final[Mapping[str, str]] = {
    "app_home_opened": "",
    "app_uninstalled": "",
    "message.im": "im:history",
    "tokens_revoked": "",
    "user_change": "users:read",
}

SCOPES: Final = tuple(sorted({"commands", *METHODS.values(), *EVENTS.values()} - {""}))

_WITHOUT_HISTORY: Final = "im:history"


def scopes(*, strict: bool = False) -> list[str]:
    """What the bot asks for; the strict one cannot read a word."""
    return [scope for scope in SCOPES if not (strict and scope == _WITHOUT_HISTORY)]


def manifest(
    name: str, url: str | None, *, strict: bool = False, oauth: bool = False, grid: bool = False
) -> dict[str, Any]:
    """Slack's app manifest. `url` is our public address, without a path; None where we call Slack (Socket Mode).

    With `oauth` it can be installed in several workspaces; with `grid` in a whole organisation, too.

    The strict one cannot read a word: no `im:history`, no `message.im`, and the Messages tab takes no typing, so that
    nobody writes into silence. After a crash it cannot look for a post either; see docs/decisions.
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
        "settings": {
            "event_subscriptions": {
                **requests,
                "bot_events": [e for e, scope in sorted(EVENTS.items()) if not (strict and scope == _WITHOUT_HISTORY)],
            },
            "interactivity": {"is_enabled": True, **requests},
            "org_deploy_enabled": grid,
            "socket_mode_enabled": url is None,
            "token_rotation_enabled": False,
        },
    }
