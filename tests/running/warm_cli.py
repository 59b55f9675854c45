"""Runs `peersupport` in processes forked from one that has loaded it, so that a test need not load it each time.

Run as a program it reads one call a line, in JSON, and answers with the exit code.
"""

from __future__ import annotations

import atexit
import importlib
import json
import os
import subprocess
import sys
import threading
import traceback
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).parents[2]
KEPT = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "PYTHONDONTWRITEBYTECODE"}}


class WarmCli:
    """The process from which the commands are forked; one call at a time."""

    def __init__(self) -> None:
        self._calls = threading.Lock()
        self._process = subprocess.Popen(  # our own program
            [sys.executable, "-m", "tests.running.warm_cli"],
            cwd=ROOT,
            env=KEPT | {"PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        atexit.register(self.close)

    def run(self, folder: Path, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run `peersupport` with these words in this folder, with these settings and no others."""
        return self._call("bot.cli.main", folder, words, (), environ)

    def run_main(self, module: str, folder: Path, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run the function `main` of a module with these words; what it returns is the exit code."""
        return self._call(module, folder, (), words, environ)

    def _call(
        self, module: str, folder: Path, argv: Sequence[str], words: Sequence[str], environ: Mapping[str, str]
    ) -> subprocess.CompletedProcess[str]:
        with self._calls, TemporaryDirectory() as outputs:
            out, err = Path(outputs, "out"), Path(outputs, "err")
            call = {"module": module, "argv": argv, "words": words, "folder": str(folder)}
            call |= {"out": str(out), "err": str(err), "environ": {**KEPT, **environ}}
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            self._process.stdin.write(json.dumps(call) + "\n")
            self._process.stdin.flush()
            code = int(self._process.stdout.readline())
            return subprocess.CompletedProcess((*argv, *words), code, out.read_text("utf-8"), err.read_text("utf-8"))

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


@cache
def warm_cli() -> WarmCli:
    """The one of this process."""
    return WarmCli()


def _load() -> None:
    import bot.backup.create  # only in the program
    import bot.cli.main
    import bot.diagnostics.doctor
    import bot.keys.recovery
    import bot.server.app
    import bot.store.postgres.store
    from bot.config import crisis_words

    assert bot.server.app
    crisis_words.listener()


def _run(call: dict[str, Any]) -> int:
    """In the forked process: run the command as the interpreter would."""
    os.environ.clear()
    os.environ.update(call["environ"])
    os.chdir(call["folder"])
    for number, path in ((0, os.devnull), (1, call["out"]), (2, call["err"])):
        os.dup2(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), number)
    sys.argv = ["peersupport", *call["argv"]]
    try:
        return importlib.import_module(call["module"]).main(*call["words"]) or 0
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else bool(end.code)
    except BaseException:  # noqa: BLE001  # as the interpreter does
        traceback.print_exc()
        return 1


def _serve() -> None:
    _load()
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                code = _run(json.loads(line))
                sys.stdout.flush()
                sys.stderr.flush()
            finally:
                os._exit(code)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)  # noqa: T201


if __name__ == "__main__":
    _serve()
