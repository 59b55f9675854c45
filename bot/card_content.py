"""What one card says, as it is stored: the keys of its text and buttons, and the values they need."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final

from conversations.immutable import Immutable, field, replace
from conversations.model import Message, Person, Question

QUOTE_ON_DISK: Final = "line"
"""Under this name a person's own words stand among the details of a stored card, in every release."""


class Manner(StrEnum):
    """How a slot came to hold what it holds. The values are on disk."""

    NEWS = "news"  # posted
    PROGRESS = "progress"  # edited, or posted where nothing stood
    REFRESH = "refresh"  # edited
    WITHDRAW = "withdraw"  # edited to a closing line
    ERASE = "erase"  # to be taken away as soon as it has arrived
    ANSWER = "answer"  # in reply, where the person stands
    FORM = "form"  # questions, answered once


class CardContent(Immutable, frozen=True):
    """What a slot shows, as it is stored. A newer release may have cards and choices that are not ours."""

    to: Person
    card: str = field(name="text")
    slot: str
    choices: tuple[str, ...] = ()
    questions: tuple[Question, ...] = ()
    details: Mapping[str, str | int] = {}
    times: Mapping[str, datetime] = {}
    people: Mapping[str, Person] = {}
    meet: Person | None = None
    manner: Manner = Manner.NEWS
    considerate: bool = False
    awaited: bool = False  # whether it answers what its reader just typed or pressed

    @classmethod
    def of(cls, message: Message, manner: Manner) -> CardContent:
        """The content of a message that a decision shows in this manner."""
        details = {**message.details, QUOTE_ON_DISK: message.quote} if message.quote else message.details
        return cls(
            message.to,
            message.card,
            message.slot,
            message.choices,
            message.questions,
            details,
            message.times,
            message.people,
            message.meet,
            manner,
            message.considerate,
        )

    @property
    def quote(self) -> str:
        """A person's own words, or nothing."""
        return str(self.details.get(QUOTE_ON_DISK, ""))

    def without_quote(self) -> CardContent:
        """The same card without a person's own words."""
        if QUOTE_ON_DISK not in self.details:
            return self
        return replace(self, details={name: value for name, value in self.details.items() if name != QUOTE_ON_DISK})

    def reads_like(self, other: CardContent) -> bool:
        """Whether a reader sees the same, however it came to be shown."""
        return self.card == other.card and replace(self, manner=other.manner, awaited=other.awaited) == other
