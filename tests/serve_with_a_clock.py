"""The real `serve`, with a clock that stands in a file and a Slack that never asks to wait. Run by story_serve.

Warm: each line on stdin forks one process that serves until it is ended or killed; its pid, and at the end its exit
code, come back on stdout. What it logs or prints goes to stderr.
"""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import typer

from adapters.pace import Pace
from bot import config, logs
from bot.__main__ import REFUSED, why_not
from bot.app import World, serve
from bot.config import Refused
from bot.platforms import NotStarted
from bot.store.base import Damaged, NoAnswer, Unfit
from bot.store.disk import InUse

TICK = timedelta(milliseconds=100)


async def no_wait(_: float) -> None:
    """Waits are asked for, and take no time."""


def serve_until_told(clock: Path) -> int:
    """What `peersupport serve` does, in another world."""
    try:
        settings = config.load_to_serve()
        logs.configure(settings.log_format, settings.log_level)
        pace = partial(Pace, patience=float("inf"), sleep=no_wait)
        asyncio.run(serve(settings, World(lambda: datetime.fromisoformat(clock.read_text("ascii")), TICK, pace, 0.0)))
    except Refused as refused:
        typer.echo("\n".join(refused.problems), err=True)
        return REFUSED
    except (InUse, Damaged, NotStarted, NoAnswer, Unfit, OSError) as failure:
        typer.echo(why_not(failure), err=True)
        return REFUSED
    return 0


def say(line: object) -> None:
    os.write(1, f"{line}\n".encode("ascii"))


def main(clock: Path) -> None:
    for _ in sys.stdin:
        pid = os.fork()
        if pid == 0:
            os.dup2(2, 1)
            os.close(0)
            code = 1
            try:
                code = serve_until_told(clock)
            finally:
                os._exit(code)
        say(pid)
        say(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
