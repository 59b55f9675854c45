"""What a page is told: all screens, what time will do, what is stored, and what happened, step by step."""

from __future__ import annotations

import asyncio
import base64
import itertools
from collections import deque
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from babel import Locale
from babel.dates import format_datetime

from adapters.base import Card
from adapters.fakes.people import FakePeople
from adapters.fakes.screens import Json, ScreenItem
from adapters.fakes.slack.server import SlackServer
from adapters.fakes.teams.server import TeamsServer
from adapters.text import fit
from bot.engine.unit_of_work import SEEN
from bot.playground import privacy_lens, timeline
from bot.playground.chat_script import scenarios
from bot.playground.story_player import Story
from bot.playground.tracing import as_read
from bot.playground.wired_simulator import WiredSimulator
from bot.rendering import FOLDER, LANGUAGE, Renderer
from bot.store.base import Record
from bot.store.embedded.journal import JOURNAL_NAME as FILE
from conversations.registry import ENTRIES

END: Final = 6 * 1024  # bytes of a file that are shown
TICK: Final = timedelta(minutes=1)
TRACED: Final = 2000  # steps that are remembered
PARTS: Final = ("clinician", "peer", "coordinator", "on-call")  # as they stand side by side
SHORT: Final = 60  # characters of a card in a line


class View:
    """One simulation, as a page shows it."""

    def __init__(self, simulator: WiredSimulator) -> None:
        self._simulator = simulator
        self._trace: deque[dict[str, Any]] = deque(maxlen=TRACED)
        self._steps = itertools.count(1)
        self._things: dict[str, tuple[Json, str | None]] = {}  # what stood there, and what it was about
        self._purged = simulator.now
        self._standing: dict[str, Any] = {}
        self._lens: tuple[Renderer, dict[str, Any]] | None = None

    def state(self) -> dict[str, Any]:
        """Everything a page needs that has seen nothing yet."""
        return {
            **self._standing,
            "messages": [self.message(shown) for shown in self._simulator.screens.all],
            "trace": list(self._trace),
            "stories": [{"name": name, "about": _about(path)} for name, path in scenarios().items()],
            "languages": [{"code": code, "says": name} for code, name in _languages().items()],
        }

    async def look(self, story: Story | None) -> dict[str, Any]:
        """Whatever is different from what was told last."""
        simulator = self._simulator
        soon = [timeline.shown(each, simulator.engine.services) for each in await self._coming()]
        at = {
            "iso": simulator.now.isoformat(),
            "says": format_datetime(simulator.now, "EEEE, MMMM d, h:mm a", locale=LANGUAGE),
        }
        standing: dict[str, Any] = {
            "now": at,
            "people": sorted(map(self._person, simulator.people), key=lambda person: PARTS.index(person["part"])),
            "coming": soon,
            "next": soon[0] if soon else None,
            "stored": [_as_held(record) for record in await self._records()],
            "disk": await asyncio.to_thread(_on_the_disk, simulator.folder),
            "story": story.shown() if story else None,
            "faults": {each.platform: each.weather for each in simulator.fakes.both} | {"twice": simulator.fakes.twice},
            "privacy": self._privacy(),
        }
        changed = {key: value for key, value in standing.items() if self._standing.get(key) != value}
        self._standing = standing
        return changed

    def _privacy(self) -> dict[str, Any]:
        """The table of who can read what; it says the same until other texts are loaded."""
        words = self._simulator.engine.services.renderer
        if self._lens is None or self._lens[0] is not words:
            self._lens = words, privacy_lens.table(words)
        return self._lens[1]

    async def soonest(self) -> datetime | None:
        """When the next thing falls due."""
        return next((each.at for each in await self._coming()), None)

    async def _coming(self) -> list[timeline.Coming]:
        return await timeline.coming(self._simulator.engine.services)

    async def _records(self) -> list[Record]:
        """What the programme holds; and the turn of its clock, by which what was destroyed is gone from the disk."""
        store = self._simulator.engine.services.store
        if self._simulator.now - self._purged >= TICK:
            await store.purge()
            self._purged = self._simulator.now
        return [record for kind in (*ENTRIES, SEEN) for record in await store.all_of_kind(kind)]

    def _person(self, name: str) -> dict[str, Any]:
        return {
            "name": name,
            "part": self._simulator.part(name),
            "says": ", ".join(self._simulator.traits.get(name, ())),
            "platform": self._simulator.person(name).platform,
            "ids": {each.platform: _id(each, name) for each in self._simulator.fakes.both if name in each.people},
        }

    def message(self, shown: ScreenItem[Json]) -> dict[str, Any]:
        """One thing on a screen, with what it is about."""
        return {
            "id": shown.id,
            "who": shown.who,
            "order": shown.order,
            "kind": shown.kind,
            "platform": shown.platform,
            "body": shown.seen,
            "push": shown.body.get("summary") or (shown.body.get("text", "") if shown.kind == "card" else ""),
            "at": format_datetime(shown.at or self._simulator.now, "h:mm a", locale=LANGUAGE),
            "edited": bool(shown.was),
            "gone": shown.gone,
            "thing": self._thing(shown),
        }

    def _thing(self, shown: ScreenItem[Json]) -> str | None:
        """Found when it is shown, and kept: later the same words may be said about something else."""
        body, thing = self._things.get(shown.id, ({}, None))
        if body is not shown.seen:
            thing = privacy_lens.typed(shown) if shown.kind == "said" else self._about(shown)
            self._things[shown.id] = shown.seen, thing
        return thing

    def _about(self, shown: ScreenItem[Json]) -> str | None:
        card = self.card(shown)
        return privacy_lens.thing(
            shown, card, self._simulator.said.get(as_read(card)), self._simulator.engine.services.renderer
        )

    def card(self, shown: ScreenItem[Json]) -> Card:
        """What its reader sees there, as a card."""
        chat = self._simulator.chats[shown.platform]
        assert isinstance(chat, FakePeople)  # noqa: S101  this simulation has no others
        return chat.reads(shown)

    def in_short(self, shown: ScreenItem[Json]) -> str:
        """Its first words."""
        return fit(as_read(self.card(shown)), SHORT)

    def begins(self) -> None:
        """Forget the steps so far: they only set the scene."""
        self._trace.clear()

    def traced(self, step: str, title: str, body: Any) -> dict[str, Any]:
        """One more step of what happened. The same again is the same step, counted."""
        last = self._trace[-1] if self._trace else None
        if last is not None and (last["step"], last["title"]) == (step, title):
            last |= {"body": body, "times": last.get("times", 1) + 1}
            return last
        entry = {"n": next(self._steps), "step": step, "title": title, "body": body}
        self._trace.append(entry)
        return entry


def titled(decision: Mapping[str, Any]) -> str:
    """A decision in a line."""
    return f"{decision['conversation']}: {decision['from'] or 'new'} → {decision['to']}"


def _id(fake: SlackServer | TeamsServer, name: str) -> str:
    """A person's id on this platform."""
    return fake.spaces.id_of(name) if isinstance(fake, SlackServer) else fake.aad(name)


def _on_the_disk(folder: Path) -> list[dict[str, Any]]:
    """The store's file, byte for byte: the end of what is written in it, before the room it has set aside."""
    files = sorted(file for file in (folder / "store").iterdir() if file.name.startswith(FILE))
    return [
        {"name": file.name, "bytes": len(written), "end": base64.b64encode(written[-END:]).decode()}
        for file in files
        if (written := file.read_bytes().rstrip(b"\0"))
    ]


def _as_held(record: Record) -> dict[str, Any]:
    return {
        "id": record.id,
        "kind": record.kind,
        "stage": record.stage,
        "due": record.due.isoformat() if record.due else None,
        "day": record.day.isoformat(),
        "revision": record.revision,
        "bytes": len(record.sealed),
        "keys": {index: list(keys) for index, keys in record.keys.items()},
        "sealed": base64.b64encode(record.sealed).decode("ascii"),
    }


def _about(path: Path) -> str:
    first = path.read_text(encoding="utf-8").partition("\n")[0]
    return first.removeprefix("#").strip()


def _languages() -> dict[str, str]:
    codes = sorted(folder.name for folder in FOLDER.iterdir() if (folder / "playground.ftl").is_file())
    return {code: Locale.parse(code).get_display_name() or code for code in codes}
