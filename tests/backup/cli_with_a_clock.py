"""The commands for what is kept, at the time that stands in a file; they may be made to die at a step.

Tests run `main` in a process of its own, with CLOCK STEP backup|restore|move FILE|URL. At the STEPth call to the system
that writes, syncs, renames or commits, the process ends as kill -9 would end it.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

import psycopg

from bot import logging as logs
from bot.cli import backup
from bot.config.settings import Refused


def dies_at(step: int) -> None:
    """Count every step from which something may be left behind, and die at one of them."""
    steps = count(1)

    def counted(deed: Callable[..., Any]) -> Callable[..., Any]:
        def does(*words: Any, **more: Any) -> Any:
            if next(steps) == step:
                os.kill(os.getpid(), signal.SIGKILL)
            return deed(*words, **more)

        return does

    for name in ("pwrite", "write", "fsync", "fdatasync", "ftruncate", "link", "replace", "unlink"):
        setattr(os, name, counted(getattr(os, name)))
    Path.replace = counted(Path.replace)  # type: ignore[method-assign]
    Path.unlink = counted(Path.unlink)  # type: ignore[method-assign]
    for kind in (psycopg.Connection, psycopg.AsyncConnection, psycopg.Cursor):
        kind.execute = counted(kind.execute)  # type: ignore[method-assign]
    psycopg.Cursor.executemany = counted(psycopg.Cursor.executemany)  # type: ignore[method-assign]


def main(clock: str, step: str, deed: str, what: str) -> int:
    def now() -> datetime:
        return datetime.fromisoformat(Path(clock).read_text("ascii"))

    if int(step):
        dies_at(int(step))
    try:
        logs.configure("console", "ERROR")
        with backup.storage_failures_refused():
            {
                "backup": lambda: backup.run_backup(Path(what), now, replace=True),
                "restore": lambda: backup.run_restore(Path(what), now),
                "move": lambda: backup.run_move(what, now),
            }[deed]()
    except Refused as refused:
        sys.stderr.write("\n".join(refused.problems) + "\n")
        return 2
    return 0
