"""Every tests/scenarios/*.chat is a test, played three times: as it stands, with a restart after every line, and over
the production adapters, between a pretend Slack and a pretend Teams.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bot.playground.chat_script import perform
from tests.playground.wired import differs_on_the_wire


def pytest_collect_file(parent: pytest.Collector, file_path: Path) -> pytest.Collector | None:
    """Collect the dialogues beside the modules."""
    return Scenario.from_parent(parent, path=file_path) if file_path.suffix == ".chat" else None


class Scenario(pytest.File):
    """One dialogue."""

    def collect(self) -> Iterator[pytest.Item]:
        """Yield its three performances."""
        yield Dialogue.from_parent(self, name=self.path.stem, differs=as_it_stands)
        yield Dialogue.from_parent(self, name=f"{self.path.stem}, restarting at every line", differs=restarting)
        yield Dialogue.from_parent(self, name=f"{self.path.stem}, on the wire", differs=differs_on_the_wire)


def as_it_stands(path: Path) -> str:
    """Return where the bot differs from the script; "" where it does not."""
    told: list[str] = []
    return "" if perform(path, told.append) else told[-1]


def restarting(path: Path) -> str:
    """As `as_it_stands`, with a restart of the bot after every line."""
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
        """Fail where the performance differs from the script."""
        if difference := self.differs(self.path):
            raise Differs(difference)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: object = None) -> str:
        """Return the difference itself; a traceback of ours would say nothing more."""
        if isinstance(excinfo.value, Differs):
            return str(excinfo.value)
        return str(super().repr_failure(excinfo))

    def reportinfo(self) -> tuple[Path, int, str]:
        """Return where it stands, and its name as a sentence."""
        return self.path, 0, self.name.replace("-", " ")
