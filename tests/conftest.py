"""Every tests/scenarios/*.chat is a test, played three times: as it stands, with a restart after every line, and over
the production adapters, between a pretend Slack and a pretend Teams.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import postgres_server
import pytest
from postgres_server import Server
from wired import differs_on_the_wire

from bot.script import perform
from bot.store import schema


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A real server, for whoever asks; without one, what was not run is said, and continuous integration fails."""
    where = postgres_server.binaries()
    if where is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(postgres_server.NOT_RUN)
    with postgres_server.server(where) as running:
        schema.upgrade(running.url(running.database()))  # test_0: the template of every prepared one
        yield running


@pytest.fixture
def new_database(postgres: Server) -> str:
    """The address of a prepared, empty database."""
    return postgres.url(postgres.database("test_0"))


def pytest_collect_file(parent: pytest.Collector, file_path: Path) -> pytest.Collector | None:
    return Scenario.from_parent(parent, path=file_path) if file_path.suffix == ".chat" else None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Everything that is not run for want of a browser stands in one line of the summary, with what to do about it."""
    report = yield
    if report.skipped and isinstance(report.longrepr, tuple) and "not run: " in report.longrepr[2]:
        report.longrepr = (str(Path(__file__).with_name("browser.py")), 1, report.longrepr[2])
    return report


class Scenario(pytest.File):
    """One dialogue."""

    def collect(self) -> Iterator[pytest.Item]:
        yield Dialogue.from_parent(self, name=self.path.stem, differs=as_it_stands)
        yield Dialogue.from_parent(self, name=f"{self.path.stem}, restarting at every line", differs=restarting)
        yield Dialogue.from_parent(self, name=f"{self.path.stem}, on the wire", differs=differs_on_the_wire)


def as_it_stands(path: Path) -> str:
    told: list[str] = []
    return "" if perform(path, told.append) else told[-1]


def restarting(path: Path) -> str:
    told: list[str] = []
    return "" if perform(path, told.append, restarting=True) else told[-1]


class Differs(Exception):
    """The bot did not do what the script says."""


class Dialogue(pytest.Item):
    """One performance of it."""

    def __init__(self, *, differs: Callable[[Path], str], **more: object) -> None:
        super().__init__(**more)  # type: ignore[arg-type]
        self.differs = differs

    def runtest(self) -> None:
        if difference := self.differs(self.path):
            raise Differs(difference)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: object = None) -> str:
        if isinstance(excinfo.value, Differs):
            return str(excinfo.value)
        return str(super().repr_failure(excinfo))

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, 0, self.name.replace("-", " ")
