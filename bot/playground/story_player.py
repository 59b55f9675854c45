"""A dialogue on the page: which line is next, and where the bot differs."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from typing import Any, Final, Literal

from bot.playground.chat_script import ChatScript, Disagrees, is_silent

PACE: Final = 0.6  # seconds between two lines, for a reader

_ACTS = re.compile(r"(?P<who>[A-Z]\w*) +(?:types|presses|reads|sees|opens) ")

State = Literal["done", "next", "later", "failed"]


@dataclass(slots=True)
class Story:
    """One dialogue, played line by line."""

    path: Path
    script: ChatScript
    at: int = 0  # lines that are played
    says: str = ""  # where the bot differs
    playing: bool = False
    lines: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.lines = self.path.read_text(encoding="utf-8").splitlines()

    def unread(self) -> list[str]:
        """What was shown and the story has not read yet, as lines of its own."""
        self.script.gather()
        return [self.script.as_line(happening) for happening in self.script.unread]

    async def opens(self) -> list[str]:
        """Play the lines that set the scene, and give all who will act an account. Returns the lines."""
        given = list(takewhile(lambda line: is_silent(line) or line.startswith("Given "), self.lines))
        for number, line in enumerate(given, 1):
            await self.script.line(number, line)
        self.at = len(given)
        for line in self.lines[self.at :]:
            if acts := _ACTS.match(line):
                self.script.simulator.person(acts["who"])
        await self.script.simulator.open()
        return given

    async def step(self) -> list[str]:
        """Play the next line that says something, and the silence before it; what was played."""
        first = self.at
        while self.at < len(self.lines) and not self.says:
            line = self.lines[self.at]
            try:
                await self.script.line(self.at + 1, line)
            except Disagrees as disagrees:
                self.says = str(disagrees)
                break
            self.at += 1
            if not is_silent(line):
                break
        if self.says or self.at == len(self.lines):
            self.playing = False
        return self.lines[first : self.at]

    def shown(self) -> dict[str, Any]:
        """As the page shows it."""
        lines = [{"text": line, "state": self._state(place)} for place, line in enumerate(self.lines)]
        return {"name": self.path.stem, "lines": lines, "playing": self.playing, "says": self.says}

    def _state(self, place: int) -> State:
        if place == self.at:
            return "failed" if self.says else "next"
        return "done" if place < self.at else "later"
