"""Looks at an installation without changing it, and says for each thing whether it is well, and if not what to do.

What it says is safe to paste anywhere: no secret, no name, no id, no path. The ids of the checks never change.
"""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Final, Literal

from adapters.base import Stopped, TryLater, Unclear, Unreachable
from bot import config, lines, values
from bot.config import Refused, Settings
from bot.store.base import NoAnswer, Unfit
from bot.values import Postgres

Status = Literal["ok", "warn", "fail"]
Lacking = Callable[[Settings], Awaitable[frozenset[str]]]
"""Asks a platform who we are; answers with the permissions it did not grant. Raises Stopped, TryLater or Unclear."""
Asked = Callable[[Settings], Awaitable[None]]
"""Asks a platform whether it knows us. Raises Stopped, TryLater or Unclear."""

_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


SAMPLE: Final = "555 01"  # of the example; kept free by the telephone companies for such use


@dataclass(frozen=True, slots=True)
class Finding:
    """One line, and one fix where there is something to fix."""

    id: str
    status: Status
    says: str
    fix: str = ""

    def as_json(self) -> Mapping[str, str]:
        return asdict(self)


def examine(
    today: date, *, environ: Mapping[str, str] | None = None, folder: Path | None = None
) -> tuple[Settings | None, tuple[Finding, ...]]:
    """Every check that needs nobody else's machine. No settings where they could not be understood."""
    try:
        settings = config.load(environ, folder)
    except Refused as refused:
        return None, tuple(Finding("settings", "fail", *halves(problem)) for problem in refused.problems)
    return settings, tuple(_findings(settings, today))


async def examine_live(settings: Settings, lacking: Lacking) -> Finding:
    """Ask Slack itself whether the token works and may do what we need."""
    if settings.slack_bot_token is None:
        return Finding("slack-live", "fail", "Slack was not asked: there is no bot token.", "Set SLACK_BOT_TOKEN.")
    try:
        missing = await lacking(settings)
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
    if missing:
        return Finding(
            "slack-live",
            "fail",
            f"Slack has not granted {', '.join(sorted(missing))}.",
            "Paste the output of `peersupport slack-manifest` into the app's manifest and install it again. "
            "With the strict manifest, im:history is left out on purpose.",
        )
    return Finding("slack-live", "ok", "Slack accepts the bot token and has granted what is needed.")


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


def exit_code(findings: Iterable[Finding]) -> int:
    """0 when all is well, 1 when something deserves a look, 2 when something must be repaired."""
    return max((("ok", "warn", "fail").index(finding.status) for finding in findings), default=0)


# ---------------------------------------------------------------- the checks, in the order they are shown


def _findings(settings: Settings, today: date) -> Iterator[Finding]:
    yield Finding("settings", "ok", "Every setting that is present can be understood.")
    yield _unknown(settings)
    yield _root_key(settings)
    yield _secrets(settings)
    from bot import doctor_ring  # which makes findings of ours

    yield from doctor_ring.examine(settings, today)
    yield from _database(settings.store) if isinstance(settings.store, Postgres) else _store(settings.store)
    yield from _slack(settings)
    yield from _teams(settings)
    yield _coordinators(settings)
    yield _approval(settings)
    yield _on_call(settings)
    yield _exceptions(settings, today)
    yield _country(settings)
    yield _lines(settings, today)
    yield _zone(settings)


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


def _store(folder: Path) -> Iterator[Finding]:
    if not folder.exists():
        parent = next(path for path in folder.absolute().parents if path.exists())
        if parent.is_dir() and os.access(parent, os.W_OK | os.X_OK):
            yield Finding("store-folder", "ok", "The store's folder will be made at the first start.")
        else:
            yield Finding(
                "store-folder",
                "fail",
                "The store's folder does not exist, and we may not make it.",
                "Make the folder of PEERSUPPORT_STORE and give it to the service's user.",
            )
        return
    if not folder.is_dir() or not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        yield Finding(
            "store-folder",
            "fail",
            "The store's folder cannot be written by this user.",
            "Give the folder of PEERSUPPORT_STORE to the service's user, or run the doctor as that user.",
        )
        return
    yield Finding("store-folder", "ok", "The store's folder can be read and written.")
    if stat.S_IMODE(folder.stat().st_mode) & _OTHERS:
        yield Finding(
            "store-private",
            "warn",
            "Other users of this machine may look into the store's folder.",
            "Run `chmod 700` on the folder of PEERSUPPORT_STORE.",
        )
    else:
        yield Finding("store-private", "ok", "The store's folder is closed to other users.")
    says = "A process is serving from this store." if _is_held(folder / "lock") else "No process holds the store."
    yield Finding("store-lock", "ok", says)


def _is_held(lock: Path) -> bool:
    try:
        with lock.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)  # given back when the file is closed
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _database(store: Postgres) -> Iterator[Finding]:
    from bot.store.server import look

    try:
        found = look(store.url)
    except (NoAnswer, Unfit) as failure:
        says = failure.sentence() if isinstance(failure, NoAnswer) else str(failure)
        yield Finding("store-server", "fail", *halves(says))
        return
    yield Finding("store-server", "ok", f"The server of the store answers; it is PostgreSQL {found.version}.")
    if found.unfit():
        yield Finding("store-schema", "fail", *halves(found.unfit()))
    else:
        yield Finding("store-schema", "ok", "The database is prepared for this version.")
    if found.encrypted:
        yield Finding("store-network", "ok", "Nobody between here and the server of the store can read along.")
    else:
        yield Finding(
            "store-network",
            "warn",
            "What goes to the server of the store is not encrypted on its way.",
            "Add ?sslmode=verify-full to PEERSUPPORT_STORE, and sslrootcert where your own authority signed.",
        )
    if found.durable:
        yield Finding("store-durable", "ok", "The server of the store waits for its disk.")
    else:
        yield Finding(
            "store-durable",
            "fail",
            "The server of the store does not wait for its disk: a power cut takes what was acknowledged.",
            "Set fsync = on in its configuration.",
        )


def _slack(settings: Settings) -> Iterator[Finding]:
    missing = [problem for problem in settings.missing_to_serve() if problem.startswith(("SLACK_", "No chat"))]
    for problem in missing:
        yield Finding("slack", "fail", *halves(problem))
    if not missing:
        yield Finding("slack", "ok", "Slack is configured." if settings.slack else "Slack is not used.")


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


def halves(problem: str) -> tuple[str, str]:
    """A refusal is one sentence, "what is wrong: what to do"."""
    says, found, fix = problem.partition(": ")
    return (says + ".", fix[:1].upper() + fix[1:]) if found else (problem, "See docs/settings.md.")
