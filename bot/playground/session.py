"""One session of the playground: the simulation, its recorder, and what pages are told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from adapters.fakes.screens import Change
from bot.playground.chat_script import ChatScript, perform
from bot.playground.fixtures import SKINS, setting
from bot.playground.recorder import Recorder
from bot.playground.story_player import Story
from bot.playground.tracing import Onlooker
from bot.playground.web.stream import Stream
from bot.playground.web.view import View, titled
from bot.playground.wired_simulator import FakePlatforms, WiredSimulator

_VERBS: Final = {"new": "reads", "edited": "sees", "answered": "is answered", "gone": "no longer sees"}


class Session(Onlooker):
    """Everything that is replaced when the page starts over, and the `stream` to all pages, which is not.

    It looks on at the fake platforms and at the programme, and passes on what it sees to the inspector of every page.
    """

    def __init__(self, url: str) -> None:
        self.stream = Stream()
        self.fakes = FakePlatforms(self)
        self.fakes.at(url)
        self.simulator: WiredSimulator
        self.view: View
        self.recorder: Recorder
        self.story: Story | None = None
        self.skins = dict(SKINS)
        self._folder: TemporaryDirectory[str] | None = None

    async def begin(self) -> None:
        """Set the scene that the page opens with."""
        self._empty()
        script = ChatScript(self.simulator)
        for line in setting(self.skins):
            await script.line(0, line)
            self.recorder.wrote(line)
        await self.simulator.open()
        self.view.begins()
        await self.view.look(None)

    async def end(self) -> None:
        """Leave nothing of it, in memory or on the disk."""
        await self.simulator.stop()
        if self._folder is not None:
            self._folder.cleanup()

    async def start_over(self, begin: Callable[[], Awaitable[None]]) -> None:
        """End what there is, begin in another way, and show every page where that begins."""
        await self.end()
        await begin()
        self.stream.tell("state", self.view.state())

    async def open_story(self, path: Path) -> None:
        """Begin with a story: its scene is set, and its first line is next."""
        self._empty()
        self.story = Story(path, ChatScript(self.simulator))
        for line in await self.story.opens():
            self.recorder.wrote(line)
        self.view.begins()
        await self.view.look(self.story)

    def _empty(self) -> None:
        self._folder = TemporaryDirectory(prefix="peersupport-")
        self.simulator = WiredSimulator(Path(self._folder.name), self.fakes, self)
        self.recorder, self.story = Recorder(self.simulator), None
        self.view = View(self.simulator)

    # ------------------------------------------------------------ what pages are told

    def changed(self, change: Change) -> None:
        """A screen changed: show it, and trace it."""
        shown = change.shown
        if shown.kind != "said":
            title = f"{shown.who} {_VERBS[change.what]}: {self.view.in_short(shown)}"
            self.trace("message", title, {"on": shown.platform, "as": shown.kind, "json": change.body})
        self.stream.tell("patch", {"messages": [self.view.message(shown)]})

    def decided(self, decision: dict[str, Any]) -> None:
        """The programme decided something."""
        self.trace("decision", titled(decision), decision)

    def sent(self, title: str, body: Any) -> None:
        """A platform delivered something to the bot."""
        self.trace("event", title, body)

    def called(self, title: str, body: Any) -> None:
        """The bot called a platform."""
        self.trace("call", title, body)

    def trace(self, step: str, title: str, body: Any) -> None:
        """Add one step to the inspector; the same again is only counted."""
        self.stream.tell("patch", {"trace": [self.view.traced(step, title, body)]})

    async def look(self) -> None:
        """Tell what changed since pages were told last."""
        if changed := await self.view.look(self.story):
            self.stream.tell("patch", changed)

    # ------------------------------------------------------------ what was done so far

    def leave_story(self) -> None:
        """Go on without the story, from where it stands."""
        if self.story is not None:
            self.story.playing = False
            self.recorder.lines += self.story.unread()
            self.story = None

    async def copied(self) -> str:
        """What was done so far, as a dialogue. It is played first, and ends with where it differs, if it does."""
        lines = [*self.recorder.lines, *(self.story.unread() if self.story else ())]
        text = "\n".join(lines) + "\n"
        differs = await asyncio.to_thread(_differs, text)
        return f"{text}\n{differs}" if differs else text


def _differs(text: str) -> str:
    """Where the dialogue differs when it is played, as comments; "" when it passes."""
    told: list[str] = []
    with TemporaryDirectory() as folder:
        path = Path(folder) / "differs.chat"
        path.write_text(text, encoding="utf-8")
        passes = perform(path, told.append)
    return "" if passes else "".join(f"# {line}\n" for line in told[-1].splitlines())
