"""Checks the store from outside: permissions, the database's schema and settings, and whether it is in use."""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Collection, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Final

from bot.config.parsers import Postgres
from bot.errors import DatabaseUnavailable, NotServable
from bot.health import Finding, split_problem
from bot.store.base import Lingering

_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
TOO_LATE: Final = timedelta(minutes=15)
"""What is due is looked at every minute, so something that is overdue for longer is a warning."""
CLOCK_TOLERANCE: Final = timedelta(seconds=30)
"""How far two clocks may be apart before it is a warning."""


def findings(store: Path | Postgres) -> Iterator[Finding]:
    """Yield what was found, in the order it is shown; changes nothing."""
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
    """Return whether a process serves from this folder."""
    try:
        with (folder / "lock").open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)  # given back when the file is closed
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _database(store: Postgres) -> Iterator[Finding]:
    from bot.store.postgres.connection import inspect_server

    try:
        found = inspect_server(store.url)
    except (DatabaseUnavailable, NotServable) as failure:
        says = failure.sentence() if isinstance(failure, DatabaseUnavailable) else str(failure)
        yield Finding("store-server", "fail", *split_problem(says))
        return
    yield Finding("store-server", "ok", f"The server of the store answers; it is PostgreSQL {found.version}.")
    if found.problem():
        yield Finding("store-schema", "fail", *split_problem(found.problem()))
    else:
        yield Finding("store-schema", "ok", "The database is prepared for this version.")
    if found.encrypted:
        yield Finding("store-network", "ok", "The connection to the server of the store is encrypted.")
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
    yield _clock(found.clock_offset)
    yield gone_finding(found.lingering)
    yield overdue_finding(found.overdue)


def _clock(ahead: timedelta) -> Finding:
    if abs(ahead) < CLOCK_TOLERANCE:
        return Finding("store-clock", "ok", "The clocks of this machine and of the store's server agree.")
    which = "ahead of" if ahead > timedelta(0) else "behind"
    return Finding(
        "store-clock",
        "warn",
        f"The clock of this machine is {describe_duration(ahead)} {which} that of the store's server.",
        "Let both be set by the network (chrony, or systemd-timesyncd).",
    )


def gone_finding(lingering: Collection[Lingering]) -> Finding:
    """Report whether what is destroyed leaves the database's tables within a minute."""
    if Lingering.NOT_OWNED in lingering:
        return Finding(
            "gone-from-tables",
            "warn",
            "What is destroyed stays in the tables: the user of PEERSUPPORT_STORE may not vacuum them.",
            "Make that user their owner, or let their owner run VACUUM on them every minute.",
        )
    if Lingering.SNAPSHOT in lingering:
        return Finding(
            "gone-from-tables",
            "warn",
            "What is destroyed stays in the tables: something holds a snapshot of this database, or a lock on them.",
            "Look for it in pg_stat_activity (backend_xmin), pg_replication_slots, pg_prepared_xacts and pg_locks, and "
            "end it where it lasts.",
        )
    return Finding("gone-from-tables", "ok", "What is destroyed leaves the tables within a minute.")


def overdue_finding(by: timedelta) -> Finding:
    """Report by how much the earliest due time is past; what is due, and for whom, is not said."""
    if by < TOO_LATE:
        return Finding("scheduler", "ok", "Nothing is overdue.")
    return Finding(
        "scheduler",
        "warn",
        f"Something has been due for {describe_duration(by)}, and was not done.",
        "Start `peersupport serve` if it does not run; if it does, look into its log and at /readyz?verbose.",
    )


def describe_duration(time: timedelta) -> str:
    """Return a length of time in words, such as "5 hours"; its sign is left out."""
    seconds = abs(time) // timedelta(seconds=1)
    for name, size in (("days", 86_400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {name}"
    return f"{seconds} seconds"
