"""What every command shares: how it reads its settings, and how a failure becomes a sentence and exit code 2."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit

import typer

from bot import config, logging
from bot.config.settings import Refused, Settings
from bot.errors import FULL, Corrupt, Damaged, DatabaseUnavailable, KeyRingMismatch, NotServable, StoreInUse

PublicAddress = Annotated[
    str, typer.Option("--http", metavar="BASE", help="Our public address, such as https://chat.example.org.")
]
"""The option --http of the commands that make an app for a platform; empty where it was not given."""

REFUSED: Final = 2
"""The exit code of a command that was refused; its sentences are on stderr."""

FAILURES: Final = (StoreInUse, Corrupt, DatabaseUnavailable, NotServable, OSError)
"""What the world may do to a command: each is told as a sentence."""

_NOT_AS_ROOT: Final = (
    "You are root, and the folder of PEERSUPPORT_STORE or PEERSUPPORT_KEY_RING is another user's: files that root "
    "leaves there keep `serve` from starting. Run this as that user (runuser -u USER --), or with systemd start the "
    "unit for it, such as peersupport-restore (docs/deploying.md)."
)
_CORRUPT: Final = (
    "The store does not open with this PEERSUPPORT_ROOT_KEY and PEERSUPPORT_KEY_RING: use those it was written with."
)


def load_settings() -> Settings:
    """Return the settings, for a command that answers in sentences: only errors are logged. Raises Refused."""
    settings = config.load()
    logging.configure("console", "ERROR")
    return settings


def now() -> datetime:
    """Return the present time, in UTC."""
    return datetime.now(UTC)


def today() -> date:
    """Return the present date, in UTC."""
    return now().date()


def describe_failure(failure: Exception) -> str:
    """Return one sentence that says what went wrong and what to do. No other exception's message is printed."""
    if isinstance(failure, DatabaseUnavailable):
        return failure.sentence()
    if isinstance(failure, OSError) and failure.errno in FULL:
        return "The disk of PEERSUPPORT_STORE or PEERSUPPORT_KEY_RING is full: make room, and run this again."
    if isinstance(failure, OSError):
        return f"The system refused ({failure.strerror}): look at the disk and PEERSUPPORT_STORE."
    if isinstance(failure, Corrupt) and not isinstance(failure, KeyRingMismatch | Damaged):
        return _CORRUPT
    return str(failure)


def refuse_as_root(settings: Settings, user: int | None = None) -> None:
    """Raise Refused where root would write into another user's folder: `serve` could not read what root leaves there.

    Args:
        settings: Name the folders.
        user: Who runs this; the user of this process by default.
    """
    from bot.keys.unlock import key_ring_folder

    folders = [key_ring_folder(settings), *([settings.store] if isinstance(settings.store, Path) else [])]
    owners = {folder.stat().st_uid for folder in folders if folder.exists()}
    if (os.geteuid() if user is None else user) == 0 and owners - {0}:
        raise Refused([_NOT_AS_ROOT])


@contextmanager
def failures_refused() -> Iterator[None]:
    """Raise Refused with one sentence where the store, the keys, the database or the system fails."""
    try:
        yield
    except FAILURES as failure:
        raise Refused([describe_failure(failure)]) from None


def check_public_address(address: str, path: str, caller: str) -> None:
    """Raise Refused where `address` cannot be our public address, to which `caller` adds `path`. Empty is none."""
    if address.rstrip("/").endswith(path):
        raise Refused([f"--http is the address without a path: leave out {path}."])
    if address and not (address.startswith("https://") and urlsplit(address).hostname):
        raise Refused([f"--http must be an address {caller} can call: it starts with https://."])
