"""A dialogue on the page: which line is next, and where the bot differs."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from bot.script import Disagrees, Script, is_silent

PACE: Final = 0.6  # seconds between two lines, for whoever reads along

State = Literal["done", "next", "later", "failed"]


@dataclass(slots=True)
class Story:
    """One dialogue, played line by line."""

    path: Path
    script: Script
    at: int = 0  # lines that are played
    says: str = ""  # where the bot differs
    playing: bool = False
    lines: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.lines = self.path.read_text(encoding="utf-8").splitlines()

    @property
    def begun(self) -> bool:
        """Whether the programme runs: it starts with the first who acts."""
        return self.script.theatre.runs

    @property
    def pause(self) -> float:
        return PACE

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
