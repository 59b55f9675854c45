"""Every tests/scenarios/*.chat is a test; it is played once as it stands, and once with a restart after every line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.script import perform


def pytest_collect_file(parent: pytest.Collector, file_path: Path) -> pytest.Collector | None:
    return Scenario.from_parent(parent, path=file_path) if file_path.suffix == ".chat" else None


class Scenario(pytest.File):
    """One dialogue."""

    def collect(self) -> Iterator[pytest.Item]:
        yield Dialogue.from_parent(self, name=self.path.stem, restarting=False)
        yield Dialogue.from_parent(self, name=f"{self.path.stem}, restarting at every line", restarting=True)


class Differs(Exception):
    """The bot did not do what the script says."""


class Dialogue(pytest.Item):
    """One performance of it."""

    def __init__(self, *, restarting: bool, **more: object) -> None:
        super().__init__(**more)  # type: ignore[arg-type]
        self.restarting = restarting

    def runtest(self) -> None:
        told: list[str] = []
        if not perform(self.path, told.append, restarting=self.restarting):
            raise Differs(told[-1])

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: object = None) -> str:
        if isinstance(excinfo.value, Differs):
            return str(excinfo.value)
        return str(super().repr_failure(excinfo))

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, 0, self.name.replace("-", " ")
