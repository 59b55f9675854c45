"""Names to leave out are compared with what directories call people, before every wave, on every platform."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.base import AccessRevoked, Profile, RetryLater, Unreachable
from adapters.fakes.direct import DirectAdapter
from bot.playground.chat_script import ChatScript
from bot.playground.simulator import Simulator
from conversations.model import Person
from tests.typed import parse_word

ASKED = """
Ana   types    /peersupport
Ana   reads    …
Ana   presses  [Talk to someone soon]
Ana   reads    …
Ana   presses  [Choose more]
Ana   sees     …
Ana   leaves out anyone called {names}
Ana   presses  [Ask]
"""


class Directory(DirectAdapter):
    """A platform whose directory calls people otherwise than their ids, and may be out of order."""

    def __init__(self, platform: str, **called: Profile) -> None:
        super().__init__(platform, parse_word)
        self.called = called
        self.failure: type[Exception] | None = None

    async def profile(self, person: Person) -> Profile:
        if self.failure is not None:
            raise self.failure
        return self.called.get(person.id, Profile(name=person.id))


async def played(simulator: Simulator, names: str) -> ChatScript:
    script = ChatScript(simulator)
    for number, line in enumerate(ASKED.format(names=names).splitlines()):
        await script.line(number, line)
    await simulator.settle()
    return script


def offered(simulator: Simulator, *names: str) -> list[str]:
    return [name for name in names if simulator.chat(name).cards(simulator.person(name))]


async def test_any_name_of_the_directory_counts(tmp_path: Path):
    simulator = Simulator(tmp_path)
    simulator.chats["teams"] = Directory("teams", Bo=Profile(name="Bobby", other_names=("Robert Chen",)))
    await simulator.add_peer("Bo", "teams", ())
    await simulator.add_peer("Cy", "teams", ())
    await played(simulator, "chen")
    assert offered(simulator, "Bo", "Cy") == ["Cy"]
    await simulator.stop()


@pytest.mark.parametrize("failure", [RetryLater, AccessRevoked, Unreachable, TimeoutError])
async def test_whom_a_directory_cannot_name_now_is_asked_once_it_can(tmp_path: Path, failure: type[Exception]):
    simulator = Simulator(tmp_path)
    directory = simulator.chats["teams"] = Directory("teams")
    directory.failure = failure
    await simulator.add_peer("Bo", "teams", ())
    await simulator.add_peer("Cy", "slack", ())
    await played(simulator, "Kowalski")
    assert offered(simulator, "Bo", "Cy") == ["Cy"]
    directory.failure = None
    await ChatScript(simulator).passes("10", "minute")
    await simulator.settle()
    assert offered(simulator, "Bo", "Cy") == ["Bo", "Cy"]
    await simulator.stop()


async def test_what_is_no_name_leaves_nobody_out(tmp_path: Path):
    simulator = Simulator(tmp_path)
    directory = simulator.chats["teams"] = Directory("teams")
    directory.failure = RetryLater
    await simulator.add_peer("Bo", "teams", ())
    await played(simulator, "...")
    assert offered(simulator, "Bo") == ["Bo"]
    await simulator.stop()
