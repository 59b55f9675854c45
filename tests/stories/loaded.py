"""A process in which everything that `serve` needs is loaded, once for all tests of a worker.

Loading takes longer than most stories. Each `Serve` gets a fork of it, on pipes of its own; what is forked runs
`serve_with_a_clock.main`, as a process that was started for one `Serve` does.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
SCRIPT = Path(__file__).with_name("serve_with_a_clock.py")


class Pipes:
    """The far ends of a forked process's standard streams, as asyncio's own `Process` has them."""

    def __init__(self, stdin: int, stdout: asyncio.StreamReader, stderr: asyncio.StreamReader) -> None:
        self.stdin, self.stdout, self.stderr = _Input(stdin), stdout, stderr

    async def wait(self) -> None:
        """Return when it has ended: nothing holds its output open any more."""
        while await self.stdout.read(65536):
            pass


@dataclass
class _Input:
    """What the process reads from; a line of ours is far shorter than what a pipe takes at once."""

    fd: int

    def write(self, line: bytes) -> None:
        """Write a line."""
        os.write(self.fd, line)

    def close(self) -> None:
        """Let the process read the end; once."""
        os.close(self.fd)


def may_be_forked(environ: Mapping[str, str]) -> bool:
    """Whether nothing in this environment has to be read by a new interpreter."""
    return not any(name.startswith("PYTHON") for name in environ.keys() - {"PYTHONPATH"})


async def forked(clock: Path, environ: Mapping[str, str]) -> Pipes:
    """Fork a process that waits for lines with the environment of one `serve` each.

    Args:
        clock: The file with the time.
        environ: The environment for what it loads besides.
    """
    (their_in, stdin), (stdout, their_out), (stderr, their_err) = os.pipe(), os.pipe(), os.pipe()
    theirs = (their_in, their_out, their_err)
    line = json.dumps({"clock": str(clock), "environ": dict(environ)}).encode()
    socket.send_fds(_loaded(), [line], theirs)
    for end in theirs:
        os.close(end)
    return Pipes(stdin, await _reader(stdout), await _reader(stderr))


async def _reader(end: int) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(reader)
    await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, os.fdopen(end, "rb", 0))
    return reader


@cache
def _loaded() -> socket.socket:
    """Start the process. It ends with us: then its end of the connection is closed."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME"}}
    with theirs:
        process = subprocess.Popen(  # noqa: S603  ourselves
            [sys.executable, SCRIPT, "--for-many", str(theirs.fileno())],
            env=kept | {"PYTHONPATH": str(ROOT)},
            pass_fds=[theirs.fileno()],
            cwd=ROOT,
        )

    def end() -> None:
        ours.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=10)

    atexit.register(end)
    return ours
