"""The store, from outside: may it be written, who else may look, is it prepared, does somebody serve from it."""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Final

from bot.checks.finding import Finding, halves
from bot.store.base import NoAnswer, Unfit
from bot.values import Postgres

_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
TOO_LATE: Final = timedelta(minutes=15)
"""What is due is looked at every minute, so what waits longer waits for nobody."""
APART: Final = timedelta(seconds=30)
"""How far two clocks may be apart before somebody should look."""


def findings(store: Path | Postgres) -> Iterator[Finding]:
    """Read, change nothing."""
    yield from _database(store) if isinstance(store, Postgres) else _folder(store)


def _folder(folder: Path) -> Iterator[Finding]:
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
    says = "A process is serving from this store." if is_held(folder) else "No process holds the store."
    yield Finding("store-lock", "ok", says)


def is_held(folder: Path) -> bool:
    """Whether a process serves from this folder."""
    try:
        with (folder / "lock").open("rb") as file:
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
    yield _clock(found.ahead)
    yield late(found.late)


def _clock(ahead: timedelta) -> Finding:
    if abs(ahead) < APART:
        return Finding("store-clock", "ok", "The clocks of this machine and of the store's server agree.")
    which = "ahead of" if ahead > timedelta(0) else "behind"
    return Finding(
        "store-clock",
        "warn",
        f"The clock of this machine is {about(ahead)} {which} that of the store's server.",
        "Let both be set by the network (chrony, or systemd-timesyncd).",
    )


def late(by: timedelta) -> Finding:
    """How late the earliest thing is that nobody has seen to; what it is, and whose, is not said."""
    if by < TOO_LATE:
        return Finding("scheduler", "ok", "Nothing waits longer than it should.")
    return Finding(
        "scheduler",
        "warn",
        f"Something has been due for {about(by)}, and nobody sees to it.",
        "Start `peersupport serve` if it does not run; if it does, look into its log and at /readyz?verbose.",
    )


def about(time: timedelta) -> str:
    """A length of time as somebody would say it."""
    seconds = abs(time) // timedelta(seconds=1)
    for name, size in (("days", 86_400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {name}"
    return f"{seconds} seconds"
