"""The first line of a run says which tests it leaves out; the last one, what could not be run on this machine.

With workers (pytest-xdist) only they collect: the first of them that is done writes its count into a file whose name
it was given, and the process that prints reads it there.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.running.needs import NEEDS, needed
from tests.running.not_run import NOT_FOUND, NOT_RUN


def pytest_configure(config: pytest.Config) -> None:
    """Count in every process that collects, and print in the one that has the terminal."""
    if hasattr(config, "workerinput"):
        config.pluginmanager.register(Count(config, Path(config.workerinput["left_out"])))
        return
    config.pluginmanager.register(LastLine(config))
    if config.getoption("dist", "no") != "no" and config.getoption("tx", None):
        config.pluginmanager.register(FirstLineOfWorkers(config))
    else:
        config.pluginmanager.register(Count(config, None))


class Count:
    """Counts the tests that are left out for what they need."""

    def __init__(self, config: pytest.Config, file: Path | None) -> None:
        self.config, self.file = config, file
        self.left_out: Counter[str] = Counter()

    def pytest_deselected(self, items: Iterable[pytest.Item]) -> None:
        """Count those that have a marker of `NEEDS`, where `-m` chooses by marker."""
        if self.config.getoption("markexpr"):
            self.left_out.update(marker for item in items if (marker := needed(item)))

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_finish(self) -> None:
        """Tell, before the worker says that it has collected."""
        if self.file:
            new = self.file.with_name(f"{self.file.name}-{os.getpid()}")
            new.write_text(json.dumps(self.left_out), "ascii")
            new.replace(self.file)
        elif self.left_out:
            _write(self.config, first_line(self.left_out))


class FirstLineOfWorkers:
    """Prints the first line where workers collect."""

    def __init__(self, config: pytest.Config) -> None:
        self.config, self.told = config, False
        self.folder = tempfile.TemporaryDirectory(prefix="peersupport-left-out-")

    def pytest_sessionstart(self) -> None:
        """Keep pytest-xdist from printing that it begins, above the first line."""
        workers: Any = self.config.pluginmanager.get_plugin("terminaldistreporter")
        workers.setstatus = workers.ensure_show_status = lambda *_, **__: None

    def pytest_configure_node(self, node: Any) -> None:
        """Give a new worker the name of the file."""
        node.workerinput["left_out"] = str(Path(self.folder.name) / "count")

    def pytest_xdist_node_collection_finished(self) -> None:
        """Print what the first worker that is done has counted."""
        if not self.told:
            self.told = True
            left_out: Counter[str] = Counter(json.loads((Path(self.folder.name) / "count").read_text("ascii")))
            if left_out:
                _write(self.config, first_line(left_out))

    def pytest_unconfigure(self) -> None:
        """Remove the file."""
        self.folder.cleanup()


class LastLine:
    """Prints the last line, and makes of it a failure under CI."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.wanting: Counter[str] = Counter()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count what was not run, by what was not found."""
        if report.skipped and isinstance(report.longrepr, tuple):
            _, begins, reason = report.longrepr[2].partition(NOT_RUN)
            if begins:
                self.wanting[reason.partition(NOT_FOUND)[0]] += 1
                report.longrepr = (str(Path(__file__)), 1, report.longrepr[2])  # so that one line of -ra stands for all

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fail under CI, whatever way a test took not to be run."""
        if self.wanting and os.environ.get("CI") and session.exitstatus == 0:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    @pytest.hookimpl(tryfirst=True)
    def pytest_unconfigure(self) -> None:
        """Print the last line, below pytest's own."""
        if self.wanting:
            _write(self.config, last_line(self.wanting))


def first_line(left_out: Counter[str]) -> str:
    """Return how many tests are left out, and for what."""
    *parts, last = [f"{NEEDS[marker]} ({left_out[marker]})" for marker in reversed(NEEDS) if left_out[marker]]
    what = f"{', '.join(parts)} or {last}" if parts else last
    return f"Leaves out {left_out.total()} tests that need {what}: make test-all runs them."


def last_line(wanting: Counter[str]) -> str:
    """Return what could not be run here, and for want of what."""
    parts = [f"{count} test{'s' if count > 1 else ''} for want of {what}" for what, count in sorted(wanting.items())]
    return f"Could not run on this machine: {', '.join(parts)}."


def _write(config: pytest.Config, line: str) -> None:
    reporter: Any = config.pluginmanager.get_plugin("terminalreporter")
    reporter.write_line(line)
