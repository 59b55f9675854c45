"""The commands for what is kept, at the time that stands in a file; they may be made to die at a step. Run by tests.

    python keep_with_a_clock.py CLOCK STEP backup|restore|move FILE|URL

At the STEPth call to the system that writes, syncs, renames or commits, the process ends as kill -9 would end it.
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

from bot import config, keeping, logs
from bot.config import Refused


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
        with keeping._told():
            {
                "backup": lambda: keeping.back_up(Path(what), now, replace=True),
                "restore": lambda: keeping.bring_back(Path(what), now),
                "move": lambda: keeping.carry(what, now),
            }[deed]()
    except Refused as refused:
        sys.stderr.write("\n".join(refused.problems) + "\n")
        return 2
    return 0


if __name__ == "__main__":
    assert config
    sys.exit(main(*sys.argv[1:]))
