"""Traces what the programme decides and which card says what, and changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from adapters.base import Card
from adapters.fakes.screens import Change
from bot.card_content import CardContent
from bot.crypto.vault import Vault
from bot.engine.codec import Stored
from bot.engine.outbox import Outbox
from bot.engine.repository import ConversationRepository
from bot.rendering import Reader, Renderer
from bot.store.base import Deletion, Record, Store
from conversations.flow import FORGOTTEN
from conversations.model import Person


class Onlooker:
    """Looks on at a simulation. By itself it ignores everything; override what is of interest."""

    def changed(self, change: Change) -> None:
        """A screen changed."""

    def decided(self, decision: dict[str, Any]) -> None:
        """A decision was written."""


class TracedRepository(ConversationRepository):
    """Gives every decision to an onlooker as it is written: the stages, what is said, and what is waited for."""

    def __init__(self, store: Store, vault: Vault, now: Callable[[], datetime], onlooker: Onlooker) -> None:
        super().__init__(store, vault, now)
        self._onlooker = onlooker

    async def save(self, changed: Iterable[Stored[Any]], *also: Record | Deletion) -> tuple[Stored[Any], ...]:
        """Write, then tell what was decided."""
        after = tuple(changed)
        before = [self._last_read(saved.conversation.id) for saved in after]
        written = await super().save(after, *also)
        for old, new in zip(before, after, strict=True):
            if old is None or old.conversation != new.conversation or _says(old.outbox) != _says(new.outbox):
                self._onlooker.decided(_decision(old, new))
        return written

    def _last_read(self, id: str) -> Stored[Any] | None:
        known = self._cache.get(id) or self._roster.cached.get(id)
        return known.stored if known else None


def _says(mail: Outbox) -> Mapping[tuple[Person, str], CardContent]:
    return {(slot.to, slot.name): slot.content for slot in mail.slots}


def _decision(old: Stored[Any] | None, new: Stored[Any]) -> dict[str, Any]:
    """In words of the flows and of `texts`, naming people by their platform alone."""
    before = _says(old.outbox) if old else {}
    said = [say for key, say in _says(new.outbox).items() if before.get(key) != say]
    return {
        "conversation": new.kind,
        "from": old.conversation.stage if old else None,
        "to": new.conversation.stage,
        "says": [{"text": say.card, "slot": say.slot, "manner": say.manner, "on": say.to.platform} for say in said],
        "waits for": {str(name): at.isoformat() for name, at in new.conversation.deadlines.items()},
        "destroyed": new.conversation.stage == FORGOTTEN,
    }


@dataclass(frozen=True, slots=True)
class TracedCard:
    """What a card on a screen was made from."""

    text: str
    slot: str
    manner: str


@dataclass(frozen=True, slots=True)
class TracedRenderer(Renderer):
    """Remembers what every card was made from, by its words, for a platform's own JSON does not tell."""

    said: dict[str, TracedCard] = field(default_factory=dict, repr=False)

    @classmethod
    def over(cls, words: Renderer, said: dict[str, TracedCard]) -> TracedRenderer:
        """Render as another renderer does, and remember it in `said`."""
        return cls(words.programme, words.bundle, words.settings, words.fixed, said)

    def card(
        self,
        content: CardContent,
        card_id: str,
        tokens: Mapping[str, str],
        reader: Reader,
        names: Mapping[Person, str],
        now: datetime,
    ) -> Card:
        """Render a card, and remember what it was made from."""
        card = Renderer.card(self, content, card_id, tokens, reader, names, now)
        self.said[as_read(card)] = TracedCard(content.card, content.slot, content.manner)
        return card


def as_read(card: Card) -> str:
    """A card's words, however a platform has broken its lines."""
    return " ".join(card.text.split())
