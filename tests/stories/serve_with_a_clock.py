"""The real `serve`, with a clock that stands in a file and a Slack that never asks to wait.

python serve_with_a_clock.py CLOCK            each line on stdin forks one process that serves until it is ended or
                                              killed; its pid, and at the end its exit code, come back on stdout.
                                              What it logs or prints goes to stderr
python serve_with_a_clock.py --for-many FD    forks such a process for each message on a socket, which brings its
                                              standard streams with it (`loaded.py`)
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import json
import os
import signal
import socket
import sys
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import typer

from adapters.rate_limit import RateLimiter
from bot import config
from bot import logging as logs
from bot.cli.command import FAILURES, REFUSED
from bot.cli.serve import describe_failed_start
from bot.config import crisis_words
from bot.config.settings import Refused
from bot.server.app import ServerOptions, serve
from bot.server.platforms import PlatformNotStarted

UNREADY, SHUTDOWN_SHARE = "TEST_UNREADY_SECONDS", "TEST_SHUTDOWN_SHARE"  # in the environment, if at all
TICK = timedelta(milliseconds=100)
PATIENCE = 60.0  # seconds: how busy the machine is must not change a story
MESSAGE = 65_536  # bytes of the longest message
MOST_OPEN = 64  # files that a process has which has only loaded


async def no_wait(_: float) -> None:
    """Waits are asked for, and take no time."""


def serve_until_told(clock: Path) -> int:
    """What `peersupport serve` does, in another world."""
    try:
        settings = config.load_to_serve()
        logs.configure(settings.log_format, settings.log_level)
        ending = float(os.environ.get(UNREADY, "0")), float(os.environ.get(SHUTDOWN_SHARE, "1"))
        pace = partial(RateLimiter, patience=float("inf"), sleep=no_wait)
        options = ServerOptions(lambda: datetime.fromisoformat(clock.read_text("ascii")), TICK, pace, *ending, PATIENCE)
        asyncio.run(serve(settings, options))
    except Refused as refused:
        typer.echo("\n".join(refused.problems), err=True)
        return REFUSED
    except (*FAILURES, PlatformNotStarted) as failure:
        typer.echo(describe_failed_start(failure), err=True)
        return REFUSED
    return 0


def say(line: object) -> None:
    os.write(1, f"{line}\n".encode("ascii"))


def warm_up() -> None:
    """Load what a start loads, and import what it imports only when the settings ask for it."""
    names = ["bot.store.embedded.store", "bot.scheduler.apscheduler_"]
    if os.environ.get("PEERSUPPORT_STORE", "").startswith("postgresql"):
        names = ["bot.store.postgres.store", "bot.store.postgres.advisory_locks", "bot.scheduler.procrastinate_"]
    if "SLACK_BOT_TOKEN" in os.environ:
        names += ["adapters.slack", "adapters.slack.socket_mode", "adapters.slack.install.app"]
    if "TEAMS_CLIENT_ID" in os.environ:
        names += ["adapters.teams"]
    for name in names:
        importlib.import_module(name)
    crisis_words.listener()
    gc.freeze()  # what is shared with the processes that serve stays shared


def main(clock: Path) -> None:
    warm_up()
    for environ in sys.stdin:  # settings may be others than when it was loaded
        pid = os.fork()
        if pid == 0:
            os.environ.clear()
            os.environ.update(json.loads(environ))
            os.dup2(2, 1)
            os.close(0)
            code = 1
            try:
                code = serve_until_told(clock)
            finally:
                os._exit(code)
        say(pid)
        say(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


def for_many(asked: socket.socket) -> None:
    """Load for any settings there may be, and fork a `main` for each message, until the other end is closed."""
    os.environ["SLACK_BOT_TOKEN"] = os.environ["TEAMS_CLIENT_ID"] = ""
    warm_up()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for what is forked here
    while True:
        message, streams, _, _ = socket.recv_fds(asked, MESSAGE, 3)
        if not message:
            return
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            asked.close()
            for at, stream in enumerate(streams):
                os.dup2(stream, at)
            os.closerange(3, MOST_OPEN)
            told = json.loads(message)
            os.environ.clear()
            os.environ.update(told["environ"])
            try:
                main(Path(told["clock"]))
            finally:
                os._exit(0)
        for stream in streams:
            os.close(stream)


if __name__ == "__main__":
    if sys.argv[1] == "--for-many":
        for_many(socket.socket(fileno=int(sys.argv[2])))
    else:
        main(Path(sys.argv[1]))
