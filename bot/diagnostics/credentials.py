"""Asks each platform itself whether it accepts our credentials: a table of probes, and one function for all of them.

How a platform is asked is given as a function, because the clients are built in rooms above this one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, NamedTuple

from adapters.base import AccessRevoked, OutcomeUnknown, RetryLater, Unreachable
from bot.config.settings import Settings
from bot.health import Finding


class Credential(Enum):
    """What a platform knows us by."""

    SLACK_BOT_TOKEN = auto()
    SLACK_CLIENT_SECRET = auto()
    SLACK_APP_TOKEN = auto()
    TEAMS_CLIENT_SECRET = auto()


@dataclass(frozen=True, slots=True)
class GrantedScopes:
    """What a platform lets us do, compared with what our manifest asks for."""

    missing: frozenset[str] = frozenset()
    excess: frozenset[str] = frozenset()


AskPlatform = Callable[[Credential, Settings], Awaitable[GrantedScopes]]
"""Shows a platform one credential; no scopes where it says nothing of them.

Raises AccessRevoked or Unreachable where it is refused, RetryLater or OutcomeUnknown where there was no answer.
"""


class Advice(NamedTuple):
    """What is wrong, and what to do about it."""

    says: str
    fix: str


@dataclass(frozen=True, slots=True)
class CredentialProbe:
    """One credential, and how the doctor reports each answer to it."""

    check: str  # the id of the check
    is_set: Callable[[Settings], bool]
    not_set: Advice
    refused: Advice
    no_answer: Advice
    accepted: str


_REACH_SLACK: Final = "Check SLACK_API_URL, HTTPS_PROXY, PEERSUPPORT_CA_FILE and the firewall."
_SOCKET_MODE_FIX: Final = (
    "In your Slack app, switch Socket Mode on, and under Basic Information, App-Level Tokens make one with the "
    "scope connections:write; put it into SLACK_APP_TOKEN."
)
_REINSTALL: Final = "Paste the output of `peersupport slack-manifest` into the app's manifest and install it again."

PROBES: Final = {
    Credential.SLACK_BOT_TOKEN: CredentialProbe(
        "slack-live",
        lambda settings: settings.slack_bot_token is not None,
        Advice("Slack was not asked: there is no bot token.", "Set SLACK_BOT_TOKEN."),
        Advice(
            "Slack does not accept the bot token.",
            "Install the app in the workspace again and put its new token into SLACK_BOT_TOKEN.",
        ),
        Advice("Slack could not be reached.", _REACH_SLACK),
        "Slack accepts the bot token and has granted what is needed.",
    ),
    Credential.SLACK_CLIENT_SECRET: CredentialProbe(
        "slack-live",
        lambda settings: bool(settings.slack_client_id and settings.slack_client_secret and settings.slack_workspaces),
        Advice(
            "Slack was not asked: a setting for installing is missing.",
            "Set SLACK_CLIENT_ID, SLACK_CLIENT_SECRET and SLACK_WORKSPACES.",
        ),
        Advice(
            "Slack does not accept the client secret.",
            "Copy SLACK_CLIENT_ID and SLACK_CLIENT_SECRET again from the app's Basic Information.",
        ),
        Advice("Slack could not be reached.", _REACH_SLACK),
        "Slack accepts the client secret; the app is installed from /slack/install.",
    ),
    Credential.SLACK_APP_TOKEN: CredentialProbe(
        "slack-socket-live",
        lambda settings: settings.slack_app_token is not None,
        Advice("Slack was not asked: there is no app-level token.", _SOCKET_MODE_FIX),
        Advice("Slack does not accept the app-level token.", _SOCKET_MODE_FIX),
        Advice("Slack opened no connection for Socket Mode.", _REACH_SLACK),
        "Slack opens a connection for Socket Mode.",
    ),
    Credential.TEAMS_CLIENT_SECRET: CredentialProbe(
        "teams-live",
        lambda settings: bool(settings.teams_client_id and settings.teams_client_secret and settings.teams_tenants),
        Advice(
            "Microsoft was not asked: a setting of Teams is missing.",
            "Set TEAMS_CLIENT_ID, TEAMS_CLIENT_SECRET and TEAMS_TENANT_ID.",
        ),
        Advice(
            "Microsoft does not accept the client secret for this id and tenant.",
            "Compare TEAMS_CLIENT_ID and TEAMS_TENANT_ID with Entra; if they are right, make a new client secret there "
            "and put its Value into TEAMS_CLIENT_SECRET.",
        ),
        Advice(
            "Microsoft gave no token, or no keys to verify its requests with.",
            "Check TEAMS_TOKEN_URL, TEAMS_OPENID_URL, HTTPS_PROXY, PEERSUPPORT_CA_FILE and the firewall.",
        ),
        "Microsoft accepts the client secret and has given us its keys.",
    ),
}
"""The probe of each credential. Where Slack is installed in several workspaces, what each granted is in the store."""


def credentials_in_use(settings: Settings) -> tuple[Credential, ...]:
    """Return the credentials that these settings call for; Slack's bot token where no platform is configured."""
    slack = Credential.SLACK_CLIENT_SECRET if settings.slack_oauth else Credential.SLACK_BOT_TOKEN
    used = {
        slack: settings.slack or not settings.teams,
        Credential.SLACK_APP_TOKEN: settings.slack_app_token is not None,
        Credential.TEAMS_CLIENT_SECRET: settings.teams,
    }
    return tuple(credential for credential, is_used in used.items() if is_used)


async def examine_credential(credential: Credential, settings: Settings, ask: AskPlatform) -> Finding:
    """Ask the platform whether it accepts this credential, and report the answer with its fix."""
    probe = PROBES[credential]
    if not probe.is_set(settings):
        return Finding(probe.check, "fail", *probe.not_set)
    try:
        granted = await ask(credential, settings)
    except (AccessRevoked, Unreachable):
        return Finding(probe.check, "fail", *probe.refused)
    except (RetryLater, OutcomeUnknown):
        return Finding(probe.check, "fail", *probe.no_answer)
    if granted.missing:
        says = f"Slack has not granted {', '.join(sorted(granted.missing))}."
        fix = f"{_REINSTALL} With the strict manifest, im:history is left out on purpose."
        return Finding(probe.check, "fail", says, fix)
    if granted.excess:
        says = f"Slack lets the bot do more than it needs: {', '.join(sorted(granted.excess))}."
        return Finding(probe.check, "warn", says, _REINSTALL)
    return Finding(probe.check, "ok", probe.accepted)
