"""Runs every mutant, or those that are named: python -m tests.mutants [NAME …].

The code is copied for each of them, so the checkout is never touched; only the tests that are named for a mutant are
run on its copy. Beforehand all those tests are run on a copy of the code as it is, since a test that fails anyway
notices nothing.

Loading libraries takes longer than most of these tests. So they are loaded once, and each run is a fork of this process
that loads only our own code, from its own copy.
"""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from tests.mutants.catalogue import ROOT, Mutant, mutants

AT_ONCE: Final = 2
"""Runs at once."""

SECONDS: Final = 60
"""How long one test may take; a mutant that hangs is noticed then."""

_OURS: Final = ("conversations", "adapters", "bot", "tests")
_LEFT_BEHIND: Final = (".git", ".venv", ".cache", ".hypothesis", ".*_cache", "pictures", "*.egg-info")
_WORDS: Final = {int(pytest.ExitCode.OK): "survived", int(pytest.ExitCode.TESTS_FAILED): "killed"}


@dataclass(frozen=True, slots=True)
class Run:
    """Some tests in a folder; `mutant` is what the code there lacks, None where it lacks nothing."""

    folder: Path
    tests: Sequence[str]
    mutant: Mutant | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a run: "killed" where a test failed, "survived" where all passed, "broken" where none was run."""

    run: Run
    word: str
    seconds: float
    output: str

    def line(self) -> str:
        """Return a line about a mutant, with capitals where it is not as it should be."""
        word = self.word if self.word == "killed" else self.word.upper()
        which = f"{self.run.mutant.group}: {self.run.mutant.name}" if self.run.mutant else ""
        return f"{word:<8} {self.seconds:5.1f} s  {which}\n{self.output if self.word == 'broken' else ''}"


def main(names: Sequence[str]) -> int:
    """Run the mutants of these names, or all; return 0 if every one was killed."""
    chosen = [mutant for mutant in mutants() if not names or mutant.name in names]
    load_libraries()
    with tempfile.TemporaryDirectory(prefix="peersupport-mutants-") as scratch:
        clean = copy(ROOT, Path(scratch, "clean"))
        tests = sorted({test for mutant in chosen for test in mutant.killed_by})
        as_it_is = (Run(clean, tests[first::AT_ONCE]) for first in range(min(AT_ONCE, len(tests))))
        for outcome in outcomes(as_it_is, prepare=lambda _: None):
            if outcome.word != "survived":
                say(f"{outcome.output}\nThe tests fail without any mutant.\n")
                return 1
        killed = 0
        for outcome in outcomes(
            (Run(Path(scratch, m.name), m.killed_by, m) for m in chosen), lambda run: cut(run, clean)
        ):
            say(outcome.line())
            shutil.rmtree(outcome.run.folder)
            killed += outcome.word == "killed"
    say(f"{killed} of {len(chosen)} mutants were killed.\n")
    return 0 if chosen and killed == len(chosen) else 1


def load_libraries() -> None:
    """Load every module that is not our own and that tests load."""
    names = "import sys, tests.conftest, tests.running.dialogues; print(*sys.modules)"
    listed = subprocess.run([sys.executable, "-c", names], cwd=ROOT, capture_output=True, check=True)  # noqa: S603
    for name in listed.stdout.decode().split():
        if name.partition(".")[0] not in _OURS:
            with suppress(ImportError):
                importlib.import_module(name)


def cut(run: Run, clean: Path) -> None:
    """Copy the clean copy, and take the guard out of the new one."""
    copy(clean, run.folder)
    if run.mutant is not None:
        file = run.folder / run.mutant.file
        file.write_text(run.mutant.applied(file.read_text("utf-8")), "utf-8")


def outcomes(runs: Iterable[Run], prepare: Callable[[Run], None]) -> Iterator[Outcome]:
    """Make these runs, some at once; yield what came of each as soon as it ends."""
    left, under_way = iter(runs), dict[int, tuple[Run, float, Path]]()
    while True:
        while len(under_way) < AT_ONCE and (run := next(left, None)) is not None:
            prepare(run)
            handle, name = tempfile.mkstemp(prefix="output-", dir=run.folder.parent)
            under_way[started(run, handle)] = run, time.monotonic(), Path(name)
            os.close(handle)
        if not under_way:
            return
        pid, status = os.wait()
        run, began, output = under_way.pop(pid)
        word = _WORDS.get(os.waitstatus_to_exitcode(status), "broken")
        yield Outcome(run, word, time.monotonic() - began, output.read_text("utf-8", "replace")[-2000:])


def started(run: Run, output: int) -> int:
    """Begin a run in a fork of this process, and return its id."""
    sys.stdout.flush()
    if pid := os.fork():
        return pid
    code = int(pytest.ExitCode.INTERNAL_ERROR)
    try:
        os.dup2(output, 1)
        os.dup2(output, 2)
        move_into(run.folder)
        sys.dont_write_bytecode = run.mutant is not None
        loaded = "-Wignore:Module already imported:pytest.PytestAssertRewriteWarning"  # libraries are, by us
        code = int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", loaded, f"--timeout={SECONDS}", *run.tests]))
    finally:
        sys.stdout.flush()
        os._exit(code)


def move_into(folder: Path) -> None:
    """Let this process, and those that its tests start, know our code from this folder only."""
    for name in [name for name in sys.modules if name.partition(".")[0] in _OURS]:
        del sys.modules[name]
    sys.path[:] = [str(folder), *(path for path in sys.path if Path(path).resolve() != ROOT)]
    os.environ["PYTHONPATH"] = str(folder)
    for name in ("PYTEST_ADDOPTS", "CI"):
        os.environ.pop(name, None)
    os.chdir(folder)
    importlib.invalidate_caches()


def copy(source: Path, target: Path) -> Path:
    """Copy the code; times of files are kept, so that what Python compiled counts in the copy, too."""
    return Path(shutil.copytree(source, target, ignore=shutil.ignore_patterns(*_LEFT_BEHIND)))


def say(text: str) -> None:
    """Print at once."""
    sys.stdout.write(text)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
