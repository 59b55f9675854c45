"""Looks over the programme's shoulder, and changes nothing: what was decided, and which card says what."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from adapters.base import Card
from bot.archive import Archive
from bot.outbox import Mail
from bot.records import Saved
from bot.store.base import Gone, Record
from bot.texts import Reader, Words
from conversations.flow import FORGOTTEN
from conversations.model import Person, Say

Decided = Callable[[dict[str, Any]], None]


class WatchedArchive(Archive):
    """Tells every decision as it is written: from which stage to which, what is said, and what is waited for."""

    decided: Decided = staticmethod(lambda _: None)

    async def write(self, changed: Iterable[Saved[Any]], *also: Record | Gone) -> tuple[Saved[Any], ...]:
        after = tuple(changed)
        before = [await self.load(saved.talk.id) for saved in after]
        written = await super().write(after, *also)
        for old, new in zip(before, after, strict=True):
            if old is None or old.talk != new.talk or _says(old.mail) != _says(new.mail):
                self.decided(_decision(old, new))
        return written


def _says(mail: Mail) -> Mapping[tuple[Person, str], Say]:
    return {(slot.to, slot.name): slot.say for slot in mail.slots}


def _decision(old: Saved[Any] | None, new: Saved[Any]) -> dict[str, Any]:
    """In words of the flows and of `texts`, naming nobody but by their platform."""
    before = _says(old.mail) if old else {}
    said = [say for key, say in _says(new.mail).items() if before.get(key) != say]
    return {
        "conversation": new.kind,
        "from": old.talk.stage if old else None,
        "to": new.talk.stage,
        "says": [{"text": say.text, "slot": say.slot, "manner": say.manner, "on": say.to.platform} for say in said],
        "waits for": {name: at.isoformat() for name, at in new.talk.deadlines.items()},
        "destroyed": new.talk.stage == FORGOTTEN,
    }


@dataclass(frozen=True, slots=True)
class Said:
    """What a card on a screen was made from."""

    text: str
    slot: str
    manner: str


@dataclass(frozen=True, slots=True)
class WatchedWords(Words):
    """Remembers what every card says, by its words: a platform's own JSON does not tell."""

    said: dict[str, Said] = field(default_factory=dict, repr=False)

    @classmethod
    def over(cls, words: Words, said: dict[str, Said]) -> WatchedWords:
        return cls(words.programme, words.bundle, words.settings, said)

    def card(
        self,
        say: Say,
        card_id: str,
        token: Callable[[str], str],
        reader: Reader,
        names: Mapping[Person, str],
        now: datetime,
    ) -> Card:
        card = Words.card(self, say, card_id, token, reader, names, now)
        self.said[as_read(card)] = Said(say.text, say.slot, say.manner)
        return card


def as_read(card: Card) -> str:
    """A card's words, however a platform has broken its lines."""
    return " ".join(card.text.split())
