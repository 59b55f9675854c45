"""Everybody's screens: what stands there, as the platform's own JSON or as a card, and what it said before."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, Literal, TypeVar

Json = dict[str, Any]  # a platform's own; read by `read_back` and by the page
Body = TypeVar("Body")

Kind = Literal["said", "card", "aside", "form", "home"]
"""said: typed by the person · card: a message · aside: for their eyes only · form: a modal · home: the Home tab"""


@dataclass(slots=True, eq=False)
class ScreenItem(Generic[Body]):
    """One thing on one person's screen.

    who      the handle of the person, or the name of a group
    place    where its platform keeps it
    was      what it said before, oldest first
    overlay  what its reader was answered with; it covers the body until the platform edits that
    """

    id: str
    who: str
    kind: Kind
    platform: str
    body: Body = field(repr=False)
    order: int
    at: datetime | None = None
    place: str = ""
    was: list[Body] = field(default_factory=list, repr=False)
    gone: bool = False
    overlay: Body | None = field(default=None, repr=False)

    @property
    def seen(self) -> Body:
        """What its reader sees now."""
        return self.overlay or self.body


@dataclass(frozen=True, slots=True)
class Change:
    """A screen changed: something is new there, or says something else, or is gone.

    `answered` means that a press was answered with what stands there until the platform edits it.
    """

    shown: ScreenItem[Any]
    what: Literal["new", "edited", "answered", "gone"]
    body: Any = field(repr=False)


def _ignore(_: Change) -> None:
    """Watch nothing."""


class Screens(Generic[Body]):
    """The screens of one platform, in the order in which things appeared. `watcher` is given every change."""

    def __init__(self, watcher: Callable[[Change], None] = _ignore) -> None:
        self.all: list[ScreenItem[Body]] = []
        self.changes: list[Change] = []
        self._watcher = watcher
        self._places: dict[str, ScreenItem[Body]] = {}
        self._numbers = itertools.count(1)

    def put(
        self, who: str, kind: Kind, platform: str, body: Body, place: str = "", at: datetime | None = None
    ) -> ScreenItem[Body]:
        """Show something new."""
        number = next(self._numbers)
        shown = ScreenItem(f"m{number}", who, kind, platform, body, number, at, place)
        self.all.append(shown)
        if place:
            self._places[place] = shown
        self._tell(Change(shown, "new", body))
        return shown

    def edit(self, shown: ScreenItem[Body], body: Body) -> None:
        """Let it say something else, in its place. The same again changes nothing, but takes an overlay away."""
        same, overlaid = shown.body == body, shown.overlay is not None
        shown.overlay = None
        if not same:
            shown.was.append(shown.body)
            shown.body = body
        if not same or overlaid:
            self._tell(Change(shown, "answered" if same else "edited", body))

    def answer(self, shown: ScreenItem[Body], body: Body) -> None:
        """Let the person who pressed see this at once, over what stands there."""
        shown.overlay = body
        self._tell(Change(shown, "answered", body))

    def take_away(self, shown: ScreenItem[Body]) -> None:
        """Take it off the screen; twice is the same as once."""
        if not shown.gone:
            shown.gone = True
            self._tell(Change(shown, "gone", shown.body))

    def _tell(self, change: Change) -> None:
        self.changes.append(change)
        self._watcher(change)

    def at(self, place: str) -> ScreenItem[Body] | None:
        """What stands at a platform's own place, unless it was taken away."""
        shown = self._places.get(place)
        return None if shown is None or shown.gone else shown

    def was_at(self, place: str) -> bool:
        """Whether anything ever stood at this place."""
        return place in self._places

    def of(self, who: str, *kinds: Kind, also_gone: bool = False) -> list[ScreenItem[Body]]:
        """What stands on one person's screen, newest first; of some kinds only, where any are named."""
        return [
            shown
            for shown in reversed(self.all)
            if shown.who == who and (also_gone or not shown.gone) and (not kinds or shown.kind in kinds)
        ]

    def find(self, id: str) -> ScreenItem[Body] | None:
        """The thing with this id, standing or gone."""
        return next((shown for shown in self.all if shown.id == id), None)
