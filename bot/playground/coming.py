"""What time will do next: the deadlines of every conversation, and messages that are tried again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from babel.dates import format_timedelta

from bot.house import House
from bot.records import KINDS
from bot.texts import LANGUAGE


@dataclass(frozen=True, slots=True, order=True)
class Coming:
    """One thing that falls due; `what` is a key of the texts."""

    at: datetime
    what: str


async def coming(house: House) -> list[Coming]:
    """Everything that is waited for, soonest first. That an event was seen is of no interest to anybody."""
    found: set[Coming] = set()
    for kind in KINDS:
        for record in await house.store.kind(kind):
            saved = await house.archive.load(record.id)
            if saved is not None:
                found |= {Coming(at, f"coming-{kind}-{name}") for name, at in saved.talk.deadlines.items()}
                later = (errand.not_before for errand in saved.mail.errands)
                found |= {Coming(at, "coming-message") for at in later if at is not None}
    return sorted(found)


def shown(one: Coming, house: House) -> dict[str, Any]:
    """As the page shows it."""
    now = house.now()
    return {
        "at": one.at.isoformat(),
        "when": house.words.when(one.at, now, house.programme.zone),
        "in": format_timedelta(max(one.at - now, one.at - one.at), add_direction=True, locale=LANGUAGE),
        "what": house.words.say(one.what),
    }
