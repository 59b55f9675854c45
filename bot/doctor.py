"""Looks at an installation without changing it, and says for each thing whether it is well, and if not what to do.

What it says is safe to paste anywhere: no secret, no person, no id, no path. The ids of the checks never change. Each
kind of thing has a module in checks/; here are the order, the programme's settings, and what the platforms say of us.
"""

from __future__ import annotations

import stat
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Final

from adapters.base import Stopped, TryLater, Unclear, Unreachable
from bot import config, lines, values
from bot.checks import machine, ring, storage, switches
from bot.checks.finding import Finding, exit_code, halves
from bot.checks.machine import Machine
from bot.config import Refused, Settings

__all__ = ["Finding", "examine", "examine_around", "examine_live", "examine_teams_live", "exit_code"]


@dataclass(frozen=True, slots=True)
class Granted:
    """What a platform allows us, against what our manifest asks for."""

    lacks: frozenset[str] = frozenset()
    exceeds: frozenset[str] = frozenset()


Granting = Callable[[Settings], Awaitable[Granted]]
"""Asks a platform who we are, and what we may. Raises Stopped, TryLater or Unclear."""
Asked = Callable[[Settings], Awaitable[None]]
"""Asks a platform whether it knows us. Raises Stopped, TryLater or Unclear."""

SAMPLE: Final = "555 01"  # of the example; kept free by the telephone companies for such use


def examine(
    today: date,
    *,
    environ: Mapping[str, str] | None = None,
    folder: Path | None = None,
    looked: Callable[[], Machine] = machine.look,
) -> tuple[Settings | None, tuple[Finding, ...]]:
    """Every check that needs nobody else's machine. No settings where they could not be understood."""
    try:
        settings = config.load(environ, folder)
    except Refused as refused:
        ill = [Finding("settings", "fail", *halves(problem)) for problem in refused.problems]
        return None, (*ill, *machine.findings(looked(), today))
    return settings, tuple(_findings(settings, looked(), today))


async def examine_around(settings: Settings, now: Callable[[], datetime]) -> tuple[Finding, ...]:
    """The way to each platform that is configured, who can read along on it, and what time it is there."""
    from bot.checks import network
    from bot.outbound import Out

    platforms = [name for name, used in (("slack", settings.slack), ("teams", settings.teams)) if used]
    out = Out.by(settings)
    sights = {name: await network.look_at(name, out, now) for name in platforms}
    found: list[Finding] = []
    for name in platforms:
        found.append(network.way(name, sights[name]))
        found.append(network.certificate(name, await network.issuers(name, out)))
    return (*found, *network.clock(sight for seen in sights.values() for sight in seen))


async def examine_live(settings: Settings, granting: Granting) -> Finding:
    """Ask Slack itself whether the token works and may do what we need."""
    if settings.slack_bot_token is None:
        return Finding("slack-live", "fail", "Slack was not asked: there is no bot token.", "Set SLACK_BOT_TOKEN.")
    try:
        granted = await granting(settings)
    except (Stopped, Unreachable):
        return Finding(
            "slack-live",
            "fail",
            "Slack does not accept the bot token.",
            "Install the app in the workspace again and put its new token into SLACK_BOT_TOKEN.",
        )
    except (TryLater, Unclear):
        return Finding(
            "slack-live",
            "fail",
            "Slack could not be reached.",
            "Check SLACK_API_URL, HTTPS_PROXY, PEERSUPPORT_CA_FILE and the firewall.",
        )
    if granted.lacks:
        return Finding(
            "slack-live",
            "fail",
            f"Slack has not granted {', '.join(sorted(granted.lacks))}.",
            "Paste the output of `peersupport slack-manifest` into the app's manifest and install it again. "
            "With the strict manifest, im:history is left out on purpose.",
        )
    if granted.exceeds:
        return Finding(
            "slack-live",
            "warn",
            f"Slack lets the bot do more than it needs: {', '.join(sorted(granted.exceeds))}.",
            "Paste the output of `peersupport slack-manifest` into the app's manifest and install it again.",
        )
    return Finding("slack-live", "ok", "Slack accepts the bot token and has granted what is needed.")


async def examine_socket_live(settings: Settings, ask: Asked) -> Finding:
    """Ask Slack itself whether it opens a line to us; none is opened."""
    try:
        await ask(settings)
    except (Stopped, Unreachable):
        return Finding(
            "slack-socket-live",
            "fail",
            "Slack does not accept the app-level token.",
            "In your Slack app, switch Socket Mode on, and under Basic Information, App-Level Tokens make one with the "
            "scope connections:write; put it into SLACK_APP_TOKEN.",
        )
    except (TryLater, Unclear):
        return Finding(
            "slack-socket-live",
            "fail",
            "Slack opened no line for Socket Mode.",
            "Check SLACK_API_URL, HTTPS_PROXY, PEERSUPPORT_CA_FILE and the firewall.",
        )
    return Finding("slack-socket-live", "ok", "Slack opens a line for Socket Mode.")


async def examine_oauth_live(settings: Settings, ask: Asked) -> Finding:
    """Show Slack itself the client secret. What was granted where is in the store, and said when somebody installs."""
    if not (settings.slack_client_id and settings.slack_client_secret and settings.slack_workspaces):
        return Finding(
            "slack-live",
            "fail",
            "Slack was not asked: a setting for installing is missing.",
            "Set SLACK_CLIENT_ID, SLACK_CLIENT_SECRET and SLACK_WORKSPACES.",
        )
    try:
        await ask(settings)
    except (Stopped, Unreachable):
        return Finding(
            "slack-live",
            "fail",
            "Slack does not accept the client secret.",
            "Copy SLACK_CLIENT_ID and SLACK_CLIENT_SECRET again from the app's Basic Information.",
        )
    except (TryLater, Unclear):
        return Finding(
            "slack-live",
            "fail",
            "Slack could not be reached.",
            "Check SLACK_API_URL, HTTPS_PROXY, PEERSUPPORT_CA_FILE and the firewall.",
        )
    return Finding("slack-live", "ok", "Slack accepts the client secret; the app is installed from /slack/install.")


async def examine_teams_live(settings: Settings, ask: Asked) -> Finding:
    """Ask Microsoft itself for a token, with our secret, and for the keys by which we know it."""
    if not (settings.teams_client_id and settings.teams_client_secret and settings.teams_tenants):
        return Finding(
            "teams-live",
            "fail",
            "Microsoft was not asked: a setting of Teams is missing.",
            "Set TEAMS_CLIENT_ID, TEAMS_CLIENT_SECRET and TEAMS_TENANT_ID.",
        )
    try:
        await ask(settings)
    except (Stopped, Unreachable):
        return Finding(
            "teams-live",
            "fail",
            "Microsoft does not accept the client secret for this id and tenant.",
            "Compare TEAMS_CLIENT_ID and TEAMS_TENANT_ID with Entra; if they are right, make a new client secret there "
            "and put its Value into TEAMS_CLIENT_SECRET.",
        )
    except (TryLater, Unclear):
        return Finding(
            "teams-live",
            "fail",
            "Microsoft gave no token, or no keys to know it by.",
            "Check TEAMS_TOKEN_URL, TEAMS_OPENID_URL, HTTPS_PROXY, PEERSUPPORT_CA_FILE and the firewall.",
        )
    return Finding("teams-live", "ok", "Microsoft accepts the client secret and has told us its keys.")


# ---------------------------------------------------------------- the checks, in the order they are shown


def _findings(settings: Settings, here: Machine, today: date) -> Iterator[Finding]:
    yield Finding("settings", "ok", "Every setting that is present can be understood.")
    yield _unknown(settings)
    yield from machine.findings(here, today)
    yield _root_key(settings)
    yield _secrets(settings)
    yield from ring.findings(settings, today)
    yield from storage.findings(settings.store)
    yield from _slack(settings)
    yield from _teams(settings)
    yield _coordinators(settings)
    yield _approval(settings)
    yield _on_call(settings)
    yield _exceptions(settings, today)
    yield _country(settings)
    yield _lines(settings, today)
    yield _zone(settings)
    yield from switches.findings(settings)


def _unknown(settings: Settings) -> Finding:
    if not settings.unknown:
        return Finding("unknown-settings", "ok", "No setting is misspelt.")
    return Finding(
        "unknown-settings",
        "warn",
        f"This version does not know {', '.join(settings.unknown)}, and ignores it.",
        "Correct the spelling (docs/settings.md), or remove it.",
    )


def _root_key(settings: Settings) -> Finding:
    if settings.root_key is None:
        return Finding(
            "root-key",
            "fail",
            "There is no root key.",
            "Run `peersupport keys new` and name the file that holds it in PEERSUPPORT_ROOT_KEY_FILE.",
        )
    return Finding("root-key", "ok", "The root key is there and long enough.")


def _secrets(settings: Settings) -> Finding:
    files = settings.kept_in_files()
    key = files.get("PEERSUPPORT_ROOT_KEY")
    if key is not None and isinstance(settings.store, Path) and settings.store.resolve() in key.resolve().parents:
        return Finding(
            "secret-files",
            "fail",
            "The root key lies in the store's folder: whoever copies that folder can read everything in it.",
            "Move the key's file elsewhere, and PEERSUPPORT_ROOT_KEY_FILE with it.",
        )
    told = sorted(name for name, file in files.items() if stat.S_IMODE(file.stat().st_mode) & stat.S_IRWXO)
    if told:
        return Finding(
            "secret-files",
            "warn",
            f"Other users of this machine may read the file that holds {', '.join(told)}.",
            "Run `chmod 600` on that file, and give it to the service's user.",
        )
    return Finding("secret-files", "ok", "No other user of this machine may read a file that holds a secret.")


def _slack(settings: Settings) -> Iterator[Finding]:
    missing = [problem for problem in settings.missing_to_serve() if problem.startswith(("SLACK_", "No chat"))]
    for problem in missing:
        yield Finding("slack", "fail", *halves(problem))
    if settings.slack_app_token and settings.slack_signing_secrets:
        yield Finding(
            "slack",
            "warn",
            "SLACK_APP_TOKEN and SLACK_SIGNING_SECRET are both set: we call Slack, and it cannot call us.",
            "Remove the one you do not use, and see that Socket Mode in the app's settings agrees.",
        )
    elif not missing:
        how = "for Socket Mode" if settings.slack_app_token else "for HTTP"
        yield Finding("slack", "ok", f"Slack is configured, {how}." if settings.slack else "Slack is not used.")
    yield from _slack_workspaces(settings)


def _slack_workspaces(settings: Settings) -> Iterator[Finding]:
    if not settings.slack or not settings.slack_workspaces:
        return
    if {id_[0] for id_ in settings.slack_workspaces} == {"E", "T"}:
        yield Finding(
            "slack-workspaces",
            "warn",
            "Workspaces are listed beside an organisation. Its people are known by it, in all its workspaces.",
            "In SLACK_WORKSPACES leave out workspaces of an organisation that is listed, and name its coordinators as "
            "slack:E...:USER; keep workspaces that are not of it.",
        )
        return
    yield Finding("slack-workspaces", "ok", "It is listed which workspaces may use the bot.")


def _teams(settings: Settings) -> Iterator[Finding]:
    missing = [problem for problem in settings.missing_to_serve() if problem.startswith("TEAMS_")]
    for problem in missing:
        yield Finding("teams", "fail", *halves(problem))
    secret = settings.teams_client_secret
    if secret and values.uuid(secret.get_secret_value()):
        yield Finding(
            "teams",
            "warn",
            "The client secret looks like a Secret ID, which opens nothing.",
            "Put the Value that Entra shows once, beside that id, into TEAMS_CLIENT_SECRET; or make a new secret.",
        )
    elif not missing:
        yield Finding("teams", "ok", "Teams is configured." if settings.teams else "Teams is not used.")


def _coordinators(settings: Settings) -> Finding:
    if settings.coordinators:
        return Finding("coordinators", "ok", f"{len(settings.coordinators)} named.")
    return Finding(
        "coordinators",
        "warn" if settings.approval == "automatic" else "fail",
        "Nobody is at the end of a wait: no coordinator is named.",
        "Name one in PEERSUPPORT_COORDINATORS, as slack:WORKSPACE:USER or teams:TENANT:OBJECTID; two are better.",
    )


def _approval(settings: Settings) -> Finding:
    if settings.approval == "coordinator":
        return Finding("approval", "ok", "A coordinator approves every peer.")
    return Finding(
        "approval",
        "fail",
        "Peers are approved automatically, trained or not; that is for trials only.",
        "Set PEERSUPPORT_APPROVAL=coordinator.",
    )


def _on_call(settings: Settings) -> Finding:
    if settings.on_call is None:
        return Finding(
            "on-call",
            "warn",
            "No licensed person is on call, so peers do not get the button I'm worried.",
            "Set PEERSUPPORT_ON_CALL to their name; phone; hours; and slack:WORKSPACE:USER or teams:TENANT:OBJECTID.",
        )
    if SAMPLE in settings.on_call.phone:
        return Finding(
            "on-call",
            "fail",
            "The on-call phone number is the one of the example, and reaches nobody.",
            "Put the real number into PEERSUPPORT_ON_CALL.",
        )
    if settings.on_call.person is None:
        return Finding(
            "on-call",
            "warn",
            "The person on call can be phoned, but not reached in chat.",
            "Add ; slack:WORKSPACE:USER or ; teams:TENANT:OBJECTID to PEERSUPPORT_ON_CALL.",
        )
    return Finding("on-call", "ok", "A licensed person is on call, by phone and in chat.")


def _exceptions(settings: Settings, today: date) -> Finding:
    if settings.limits is None:
        return Finding(
            "exceptions",
            "fail",
            "The limits of secrecy are not written down, so the words people read about it are nobody's promise.",
            "Have counsel and the clinical lead sign them; name the file in PEERSUPPORT_EXCEPTIONS_FILE.",
        )
    if not settings.limits.signed(today):
        return Finding(
            "exceptions",
            "fail",
            "The limits of secrecy are not signed by both, or not yet.",
            "PEERSUPPORT_EXCEPTIONS_FILE needs counsel, clinical_lead and a date that is not in the future.",
        )
    return Finding("exceptions", "ok", "The limits of secrecy are signed.")


def _country(settings: Settings) -> Finding:
    if settings.is_set("PEERSUPPORT_COUNTRY"):
        return Finding("country", "ok", f"Crisis lines are those of {settings.country}.")
    return Finding(
        "country",
        "warn",
        f"Nobody chose a country, so crisis lines are those of {settings.country}.",
        "Set PEERSUPPORT_COUNTRY.",
    )


def _lines(settings: Settings, today: date) -> Finding:
    if lines.numbers(settings.country, settings.own_lines).overdue(today):
        return Finding(
            "lines-verified",
            "warn",
            f"A phone line was last checked more than {lines.CHECK_AGAIN.days} days ago.",
            "Dial them, and move verified_on in PEERSUPPORT_LINES_FILE; for the country's own lines, upgrade.",
        )
    return Finding("lines-verified", "ok", "Every phone line was checked lately.")


def _zone(settings: Settings) -> Finding:
    if settings.is_set("PEERSUPPORT_ZONE"):
        return Finding("zone", "ok", "The programme has a time zone.")
    return Finding(
        "zone",
        "warn",
        "Nobody chose a time zone, so people without one of their own read times in UTC.",
        "Set PEERSUPPORT_ZONE, such as America/Chicago.",
    )
