"""Everybody's screens: what stands there as the platform's own JSON, and what it said before it was edited."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

Json = dict[str, Any]  # a platform's own; read by `reading` and by the page

Kind = Literal["said", "card", "aside", "form", "home"]
"""said: typed by the person · card: a message · aside: for their eyes only · form: a modal · home: the Home tab"""


@dataclass(slots=True, eq=False)
class Shown:
    """One thing on one person's screen. `place` is where its platform keeps it; `was` what it said, oldest first."""

    id: str
    who: str
    kind: Kind
    platform: str
    body: Json = field(repr=False)
    order: int
    at: datetime
    place: str = ""
    was: list[Json] = field(default_factory=list, repr=False)
    gone: bool = False
    overlay: Json | None = field(default=None, repr=False)  # what its reader was answered with, until it is edited

    @property
    def seen(self) -> Json:
        """What its reader sees now."""
        return self.overlay or self.body


@dataclass(frozen=True, slots=True)
class Change:
    """Somebody's screen changed: something new stands there, or something old says another thing or is gone.

    answered  their own press was answered with what stands there until the platform edits it
    """

    shown: Shown
    what: Literal["new", "edited", "answered", "gone"]
    body: Json = field(repr=False)


@dataclass(slots=True)
class Screens:
    """All of them, in the order in which things appeared. `watched` is told every change as it happens."""

    now: Callable[[], datetime]
    watched: Callable[[Change], None] = lambda _: None
    all: list[Shown] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def put(self, who: str, kind: Kind, platform: str, body: Json, place: str = "") -> Shown:
        number = next(self._numbers)
        shown = Shown(f"m{number}", who, kind, platform, body, number, self.now(), place)
        self.all.append(shown)
        self._tell(Change(shown, "new", body))
        return shown

    def edit(self, shown: Shown, body: Json) -> None:
        """Let it say something else, in its place. The same again changes nothing."""
        same, overlaid = shown.body == body, shown.overlay is not None
        shown.overlay = None
        if not same:
            shown.was.append(shown.body)
            shown.body = body
        if not same or overlaid:
            self._tell(Change(shown, "answered" if same else "edited", body))

    def answer(self, shown: Shown, body: Json) -> None:
        """Let whoever pressed see this at once."""
        shown.overlay = body
        self._tell(Change(shown, "answered", body))

    def take_away(self, shown: Shown) -> None:
        if not shown.gone:
            shown.gone = True
            self._tell(Change(shown, "gone", shown.body))

    def _tell(self, change: Change) -> None:
        self.changes.append(change)
        self.watched(change)

    def at(self, platform: str, place: str) -> Shown | None:
        """What stands at a platform's own place, if it was not taken away."""
        here = (shown for shown in reversed(self.all) if shown.platform == platform and shown.place == place)
        return next((shown for shown in here if not shown.gone), None)

    def of(self, who: str, *, also_gone: bool = False) -> list[Shown]:
        """One person's, newest first."""
        return [shown for shown in reversed(self.all) if shown.who == who and (also_gone or not shown.gone)]

    def find(self, id: str) -> Shown | None:
        return next((shown for shown in self.all if shown.id == id), None)
