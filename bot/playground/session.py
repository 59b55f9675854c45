"""One afternoon at the playground: the stage, who writes along, and who looks on. It begins, starts over and ends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from adapters.playground.screens import Change
from bot.playground.cast import SKINS, setting
from bot.playground.scribe import Scribe
from bot.playground.stage import Stage, Wires
from bot.playground.story import Story
from bot.playground.stream import Stream
from bot.playground.view import View, titled
from bot.script import Script, perform

_VERBS: Final = {"new": "reads", "edited": "sees", "answered": "is answered", "gone": "no longer sees"}


class Session:
    """Everything that is replaced when somebody starts over, and the `stream` that tells all pages, which is not."""

    def __init__(self, wires: Wires) -> None:
        self.wires, self.stream = wires, Stream()
        self.stage: Stage
        self.view: View
        self.scribe: Scribe
        self.story: Story | None = None
        self.skins = dict(SKINS)
        self._folder: TemporaryDirectory[str] | None = None

    async def begin(self) -> None:
        """The room as it stands when one comes in."""
        self._empty()
        script = Script(self.stage)
        for line in setting(self.skins):
            await script.line(0, line)
            self.scribe.wrote(line)
        await self.stage.open()
        self.view.begins()
        await self.view.look(None)

    async def end(self) -> None:
        """Nothing is left of it, in memory or on the disk."""
        await self.stage.stop()
        if self._folder is not None:
            self._folder.cleanup()

    async def anew(self, begin: Callable[[], Awaitable[None]]) -> None:
        """Start over, and show every page where it begins."""
        await self.end()
        await begin()
        self.stream.tell("state", self.view.state())

    async def tell(self, path: Path) -> None:
        """Begin a story instead: its stage is set, and its first line is next."""
        self._empty()
        self.story = Story(path, Script(self.stage))
        for line in await self.story.opens():
            self.scribe.wrote(line)
        self.view.begins()
        await self.view.look(self.story)

    def _empty(self) -> None:
        self._folder = TemporaryDirectory(prefix="peersupport-")
        self.stage = Stage(Path(self._folder.name), self.wires)
        self.scribe, self.story = Scribe(self.stage), None
        self.view = View(self.stage)
        self.stage.screens.watched = self._watched
        self.stage.decided = lambda decision: self.traces("decision", titled(decision), decision)
        self.wires.line.sent = lambda title, body: self.traces("event", title, body)
        self.wires.line.called = lambda title, body: self.traces("call", title, body)

    # ------------------------------------------------------------ what pages are told

    def _watched(self, change: Change) -> None:
        shown = change.shown
        if shown.kind != "said":
            title = f"{shown.who} {_VERBS[change.what]}: {self.view.in_short(shown)}"
            self.traces("message", title, {"on": shown.platform, "as": shown.kind, "json": change.body})
        self.stream.tell("patch", {"messages": [self.view.message(shown)]})

    def traces(self, step: str, title: str, body: Any) -> None:
        """One more step for the inspector; the same again is only counted."""
        self.stream.tell("patch", {"trace": [self.view.traced(step, title, body)]})

    async def look(self) -> None:
        """Tell what changed since pages were told last."""
        if changed := await self.view.look(self.story):
            self.stream.tell("patch", changed)

    # ------------------------------------------------------------ what was done so far

    def leave_the_story(self) -> None:
        """Whoever acts by themselves goes on from where it stood."""
        if self.story is not None:
            self.story.playing = False
            self.scribe.lines += self.story.unread()
            self.story = None

    async def copied(self) -> str:
        """A dialogue of it; it was played before it is given away, and says where it differs."""
        lines = [*self.scribe.lines, *(self.story.unread() if self.story else ())]
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
