"""What a page is told: everybody's screens, what time will do, what is stored, and what happened, step by step."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from babel import Locale
from babel.dates import format_datetime

from adapters.base import Card
from adapters.plain import short
from adapters.playground.acting import Acting
from adapters.playground.screens import Shown
from bot.playground import coming, lens
from bot.playground.stage import Stage
from bot.playground.story import Story
from bot.playground.watching import as_read
from bot.records import KINDS
from bot.script import scenarios
from bot.store.base import Record
from bot.texts import FOLDER, LANGUAGE

TRACED: Final = 2000  # steps that are remembered
PARTS: Final = ("clinician", "peer", "coordinator", "on-call")  # as they stand side by side
SHORT: Final = 60  # characters of a card in a line
SEEN: Final = "seen"  # the kind of records that say an event was seen


class View:
    """One stage, looked at. `standing` is what was told of it last."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._trace: list[dict[str, Any]] = []
        self._standing: dict[str, Any] = {}

    def state(self) -> dict[str, Any]:
        """Everything a page needs that has seen nothing yet."""
        return {
            **self._standing,
            "messages": [self.message(shown) for shown in self._stage.screens.all],
            "trace": self._trace[-TRACED:],
            "stories": [{"name": name, "about": _about(path)} for name, path in scenarios().items()],
            "languages": [{"code": code, "says": name} for code, name in _languages().items()],
        }

    async def look(self, story: Story | None) -> dict[str, Any]:
        """What is different from what was told last."""
        stage = self._stage
        soon = [coming.shown(each, stage.engine.house) for each in await self._coming()]
        at = {"iso": stage.now.isoformat(), "says": format_datetime(stage.now, "EEEE, MMMM d, h:mm a", locale=LANGUAGE)}
        standing: dict[str, Any] = {
            "now": at,
            "people": sorted(map(self._person, stage.people), key=lambda person: PARTS.index(person["part"])),
            "coming": soon,
            "next": soon[0] if soon else None,
            "stored": [_as_stored(record) for record in await self._records()],
            "story": story.shown() if story else None,
            "faults": {each.platform: each.weather for each in stage.wires.platforms} | {"twice": stage.line.twice},
            "privacy": lens.shown(stage.engine.house.words),
        }
        changed = {key: value for key, value in standing.items() if self._standing.get(key) != value}
        self._standing = standing
        return changed

    async def soonest(self) -> datetime | None:
        """When the next thing falls due."""
        return next((each.at for each in await self._coming()), None)

    async def _coming(self) -> list[coming.Coming]:
        return await coming.coming(self._stage.engine.house)

    async def _records(self) -> list[Record]:
        store = self._stage.engine.house.store
        await store.purge()
        return [record for kind in (*KINDS, SEEN) for record in await store.kind(kind)]

    def _person(self, name: str) -> dict[str, Any]:
        return {
            "name": name,
            "part": self._stage.part(name),
            "says": ", ".join(self._stage.traits.get(name, ())),
            "platform": self._stage.person(name).platform,
            "ids": {each.platform: each.id_of(name) for each in self._stage.wires.platforms},
        }

    def message(self, shown: Shown) -> dict[str, Any]:
        """One thing on a screen, with what it is about."""
        return {
            "id": shown.id,
            "who": shown.who,
            "order": shown.order,
            "kind": shown.kind,
            "platform": shown.platform,
            "body": shown.seen,
            "push": shown.body.get("summary") or (shown.body.get("text", "") if shown.kind == "card" else ""),
            "at": format_datetime(shown.at, "h:mm a", locale=LANGUAGE),
            "edited": bool(shown.was),
            "gone": shown.gone,
            "thing": self._thing(shown),
        }

    def _thing(self, shown: Shown) -> str:
        if shown.kind == "said":
            return lens.typed(shown.platform)
        card = self.card(shown)
        return lens.thing(card, self._stage.said.get(as_read(card)), shown.platform)

    def card(self, shown: Shown) -> Card:
        """What its reader sees there."""
        chat = self._stage.chats[shown.platform]
        assert isinstance(chat, Acting)  # noqa: S101  this stage has no others
        return chat.reads(shown)

    def in_short(self, shown: Shown) -> str:
        """Its first words."""
        return short(as_read(self.card(shown)), SHORT)

    def begins(self) -> None:
        """What came before was only the setting of the stage."""
        self._trace.clear()

    def traced(self, step: str, title: str, body: Any) -> dict[str, Any]:
        """One more step of what happened, numbered."""
        entry = {"n": len(self._trace) + 1, "step": step, "title": title, "body": body}
        self._trace.append(entry)
        return entry


def titled(decision: Mapping[str, Any]) -> str:
    """A decision in a line."""
    return f"{decision['conversation']}: {decision['from'] or 'new'} → {decision['to']}"


def _as_stored(record: Record) -> dict[str, Any]:
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
