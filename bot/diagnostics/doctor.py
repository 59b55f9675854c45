"""Checks an installation without changing it, and reports for each thing whether it is well, and if not what to do.

A report is safe to paste anywhere: it holds no secret, no person, no id and no path. The ids of the checks never
change. Each kind of check has a module beside this one; here are their order and the checks of the settings.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Final

from bot import config
from bot.config import parsers, phone_lines, requirements
from bot.config.settings import Refused, Settings
from bot.diagnostics import key_ring, machine, policy, storage
from bot.diagnostics.machine import Machine
from bot.health import Finding, split_problem
from conversations.model import Person

SAMPLE_PEOPLE: Final = frozenset(Person("slack", "T0123ABCD", user) for user in ("U0456EFGH", "U0789JKLM", "W0456EFGH"))
"""Whom examples name; no one has these ids."""
SAMPLE_PHONE: Final = "555 01"
"""What the example's phone number has; telephone companies keep such numbers free for use in fiction."""


def examine(
    today: date,
    *,
    environ: Mapping[str, str] | None = None,
    folder: Path | None = None,
    inspect: Callable[[], Machine] = machine.inspect,
) -> tuple[Settings | None, tuple[Finding, ...]]:
    """Run every check that needs no other machine but the database's.

    Args:
        today: the present date.
        environ: the environment; that of this process by default.
        folder: where `.env` is looked for; the working folder by default.
        inspect: returns what this machine is like.

    Returns:
        The settings, or None where they could not be understood; and what the checks found, in the order shown.
    """
    try:
        settings = config.load(environ, folder)
    except Refused as refused:
        ill = [Finding("settings", "fail", *split_problem(problem)) for problem in refused.problems]
        return None, (*ill, *machine.findings(inspect(), today))
    return settings, tuple(_findings(settings, inspect(), today))


async def examine_network(settings: Settings, now: Callable[[], datetime]) -> tuple[Finding, ...]:
    """Check the network to each configured platform: its reachability, who can read along, and the two clocks."""
    from bot.config.proxy import Egress
    from bot.diagnostics import network

    platforms = [name for name, used in (("slack", settings.slack), ("teams", settings.teams)) if used]
    egress = Egress.from_settings(settings)
    probes = {name: await network.probe_platform(name, egress, now) for name in platforms}
    found: list[Finding] = []
    for name in platforms:
        found.append(network.reachability(name, probes[name]))
        found.append(network.certificate(name, await network.issuers(name, egress), network.hosts(name, settings)))
    return (*found, *network.clock(probe for hosts in probes.values() for probe in hosts))


# ---------------------------------------------------------------- the checks, in the order they are shown


def _findings(settings: Settings, here: Machine, today: date) -> Iterator[Finding]:
    yield Finding("settings", "ok", "Every setting that is present can be understood.")
    yield _unknown(settings)
    yield from machine.findings(here, today)
    yield _root_key(settings)
    yield _secrets(settings)
    yield from key_ring.findings(settings, today)
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
    yield from policy.findings(settings)


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
            "The root key lies in the store's folder: a copy of that folder can be read by anyone.",
            "Move the key's file elsewhere, and PEERSUPPORT_ROOT_KEY_FILE with it.",
        )
    readable = sorted(name for name, file in files.items() if stat.S_IMODE(file.stat().st_mode) & stat.S_IRWXO)
    if readable:
        return Finding(
            "secret-files",
            "warn",
            f"Other users of this machine may read the file that holds {', '.join(readable)}.",
            "Run `chmod 600` on that file, and give it to the service's user.",
        )
    return Finding("secret-files", "ok", "No other user of this machine may read a file that holds a secret.")


def _slack(settings: Settings) -> Iterator[Finding]:
    missing = [problem for problem in requirements.unmet(settings) if problem.startswith(("SLACK_", "No chat"))]
    for problem in missing:
        yield Finding("slack", "fail", *split_problem(problem))
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
    yield from _slack_signing_secret(settings)
    yield from _slack_workspaces(settings)


def _slack_signing_secret(settings: Settings) -> Iterator[Finding]:
    given = [secret.get_secret_value() for secret in settings.slack_signing_secrets]
    other = settings.slack_client_secret
    if all(re.fullmatch(parsers.SIGNING_SECRET, one) for one in given) and (
        other is None or other.get_secret_value() not in given
    ):
        return
    yield Finding(
        "slack-signing",
        "warn",
        "SLACK_SIGNING_SECRET does not look like a signing secret: Slack's have 32 characters, 0 to 9 and a to f.",
        "Copy it again: in your Slack app, Basic Information, Signing Secret, and not the Client Secret above it.",
    )


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
    missing = [problem for problem in requirements.unmet(settings) if problem.startswith("TEAMS_")]
    for problem in missing:
        yield Finding("teams", "fail", *split_problem(problem))
    secret = settings.teams_client_secret
    if secret and re.fullmatch(parsers.UUID, secret.get_secret_value().lower()):
        yield Finding(
            "teams",
            "warn",
            "The client secret looks like a Secret ID, which opens nothing.",
            "Put the Value that Entra shows once, beside that id, into TEAMS_CLIENT_SECRET; or make a new secret.",
        )
    elif not missing:
        yield Finding("teams", "ok", "Teams is configured." if settings.teams else "Teams is not used.")


def _coordinators(settings: Settings) -> Finding:
    on_call = (settings.on_call.person,) if settings.on_call and settings.on_call.person else ()
    if not SAMPLE_PEOPLE.isdisjoint({*settings.coordinators, *on_call}):
        return Finding(
            "coordinators",
            "fail",
            "Someone in PEERSUPPORT_COORDINATORS or PEERSUPPORT_ON_CALL is the one of the example, and reads nothing.",
            "Put real ids there: in Slack, the profile, Copy member ID; in Entra, the user's Object ID.",
        )
    if settings.coordinators:
        return Finding("coordinators", "ok", f"{len(settings.coordinators)} named.")
    return Finding(
        "coordinators",
        "warn" if settings.approval == "automatic" else "fail",
        "No coordinator is named, so no one is asked when no peer can be found.",
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
    if SAMPLE_PHONE in settings.on_call.phone:
        return Finding(
            "on-call",
            "fail",
            "The on-call phone number is the one of the example, and reaches no one.",
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
            "The limits of secrecy are not written down, so no one has promised what people read about them.",
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
    if "PEERSUPPORT_COUNTRY" in settings.raw:
        return Finding("country", "ok", f"Crisis lines are those of {settings.country}.")
    return Finding(
        "country",
        "warn",
        f"No country is set, so crisis lines are those of {settings.country}.",
        "Set PEERSUPPORT_COUNTRY.",
    )


def _lines(settings: Settings, today: date) -> Finding:
    if phone_lines.numbers(settings.country, settings.own_lines).overdue(today):
        return Finding(
            "lines-verified",
            "warn",
            f"A phone line was last checked more than {phone_lines.CHECK_AGAIN.days} days ago.",
            "Dial them, and move verified_on in PEERSUPPORT_LINES_FILE; for the country's own lines, upgrade.",
        )
    return Finding("lines-verified", "ok", "Every phone line was checked recently.")


def _zone(settings: Settings) -> Finding:
    if "PEERSUPPORT_ZONE" in settings.raw:
        return Finding("zone", "ok", "The programme has a time zone.")
    return Finding(
        "zone",
        "warn",
        "No time zone is set, so people without one of their own read times in UTC.",
        "Set PEERSUPPORT_ZONE, such as America/Chicago.",
    )
