"""How many files and functions one press and one due check-in cross: python -m bench.crossings [--files].

The press is Ana's *Ask* in the dialogue across-platforms: it edits a card in Slack and posts one in Teams, and is
counted until both stand. The due check-in is the first of accompanied-to-the-end, until it is posted. Only our own code
counts, and none of the fakes or the playground. A change of file is a call that follows one in another of our files.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from types import FrameType
from typing import Any

from adapters.slack import SlackWebhook
from adapters.teams import TeamsWebhook
from bot.engine.engine import Engine
from bot.playground.chat_script import ChatScript, scenarios
from tests.playground.wired import wired

ROOT = Path(__file__).parents[1]
OURS = ("adapters", "bot", "conversations")
SCENERY = ("adapters/fakes", "bot/playground")

ASK = 2  # which of the presses
FIRST_CHECK_IN = 1  # which of the times the engine was woken; before it, the peer was asked whether they talked

BEFORE = {"press": (43, 325, 481), "check-in": (26, 193, 260)}
"""Files, functions and changes of file in 0.2.0, measured the same way."""


@dataclass(slots=True)
class Crossing:
    """What one event made run, in order."""

    calls: list[tuple[str, str]] = field(default_factory=list)

    def figures(self) -> tuple[int, int, int]:
        """Files, functions, and changes from one file to another."""
        files = [file for file, _ in self.calls]
        changes = sum(one != other for one, other in pairwise(files))
        return len(set(files)), len(set(self.calls)), changes


NOW: ContextVar[Crossing | None] = ContextVar("crossing", default=None)


def note(frame: FrameType, event: str, _: Any) -> None:
    """Count a call of our own code for the event that caused it, in whatever task it runs."""
    crossing = NOW.get() if event == "call" else None
    if crossing is None:
        return
    path = Path(frame.f_code.co_filename)
    if not path.is_relative_to(ROOT):
        return
    name = path.relative_to(ROOT).as_posix()
    if name.startswith(OURS) and not name.startswith(SCENERY):
        crossing.calls.append((name, frame.f_code.co_qualname))


def watched(deed: Callable[..., Awaitable[Any]], seen: list[Crossing]) -> Callable[..., Awaitable[Any]]:
    """The same, with a count of its own for each time it is called."""

    async def run(*args: Any, **more: Any) -> Any:
        crossing = Crossing()
        seen.append(crossing)
        token = NOW.set(crossing)
        try:
            return await deed(*args, **more)
        finally:
            NOW.reset(token)

    return run


async def played(scenario: str) -> None:
    """Play this dialogue over the production adapters, and count."""
    lines = scenarios()[scenario].read_text("utf-8").splitlines()
    async with wired() as simulator:
        script = ChatScript(simulator)
        sys.setprofile(note)
        try:
            await script.play(enumerate(lines, 1), lambda _: None)
        finally:
            sys.setprofile(None)


def told(what: str, crossing: Crossing) -> None:
    """One line for people; with --files, every file with its functions too."""
    files, functions, changes = crossing.figures()
    was = "{} / {} / {}".format(*BEFORE[what])
    print(f"{what:9} {files:3} files  {functions:3} functions  {changes:3} changes of file   0.2.0: {was}")
    if "--files" in sys.argv:
        names: dict[str, dict[str, int]] = {}
        for file, function in crossing.calls:
            names.setdefault(file, {}).setdefault(function, 0)
            names[file][function] += 1
        for file, functions_of in names.items():
            print(f"    {file}: {', '.join(f'{name} {times}' for name, times in functions_of.items())}")


def main() -> None:
    """Both figures."""
    presses: list[Crossing] = []
    wakes: list[Crossing] = []
    for owner in (SlackWebhook, TeamsWebhook):
        setattr(owner, "handle", watched(owner.handle, presses))  # noqa: B010  a method is not to be assigned
    setattr(Engine, "wake", watched(Engine.wake, wakes))  # noqa: B010
    asyncio.run(played("across-platforms"))
    told("press", presses[ASK])
    wakes.clear()
    asyncio.run(played("accompanied-to-the-end"))
    told("check-in", wakes[FIRST_CHECK_IN])


if __name__ == "__main__":
    main()
