"""Runs `peersupport` on a disk that becomes full: what is written after so many operations is refused, as ENOSPC."""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable
from typing import Any

from bot.cli import main as cli
from bot.crypto.durable_file import FileSystem

WRITES = ("create", "write", "append")


def main(steps: str, *words: str) -> int:
    """Run the command with these words; `steps` of its creations and writes succeed, and none after them."""
    sys.argv[1:] = words
    left = int(steps)

    def until_full(operation: Callable[..., Any]) -> Callable[..., Any]:
        def refused(*arguments: Any) -> Any:
            nonlocal left
            left -= 1
            if left < 0:
                raise OSError(errno.ENOSPC, "No space left on device", "/canary")
            return operation(*arguments)

        return refused

    for name in WRITES:
        setattr(FileSystem, name, until_full(getattr(FileSystem, name)))
    cli.main()
    return 0
