"""What time will do next: the deadlines of every conversation, and messages that are tried again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from babel.dates import format_timedelta

from bot.engine.services import Services
from bot.rendering import LANGUAGE
from conversations.registry import ENTRIES


@dataclass(frozen=True, slots=True, order=True)
class Coming:
    """One thing that falls due; `what` is a key of the texts."""

    at: datetime
    what: str


async def coming(services: Services) -> list[Coming]:
    """Everything that is waited for, soonest first. That an event was seen is of no interest to anybody."""
    found: set[Coming] = set()
    for kind in ENTRIES:
        for record in await services.store.all_of_kind(kind):
            saved = await services.repository.load(record.id)
            if saved is not None:
                found |= {Coming(at, f"coming-{kind}-{name}") for name, at in saved.conversation.deadlines.items()}
                later = (errand.retry_at for errand in saved.outbox.deliveries)
                found |= {Coming(at, "coming-message") for at in later if at is not None}
    return sorted(found)


def shown(one: Coming, services: Services) -> dict[str, Any]:
    """As the page shows it."""
    now = services.now()
    return {
        "at": one.at.isoformat(),
        "when": services.renderer.when(one.at, now, services.programme.zone),
        "in": format_timedelta(max(one.at - now, one.at - one.at), add_direction=True, locale=LANGUAGE),
        "what": services.renderer.text(one.what),
    }
