"""A store that must not be served from says so itself, in a record of its own: half filled, or moved away."""

from __future__ import annotations

from datetime import date
from typing import Final

from bot.store.base import Record, Store, Unfit

MARKER: Final = "moved"  # kind and id of the record
ARRIVING, AWAY = "arriving", "away"  # its stages

_SAID: Final = {
    ARRIVING: (
        "The store that PEERSUPPORT_STORE names was being filled on {day}, and that did not come to its end: run the "
        "same `peersupport restore` or `peersupport move` again."
    ),
    AWAY: (
        "What this store held was moved to another store on {day}: set PEERSUPPORT_STORE to that one. To serve from "
        "here all the same, as things stood then, run `peersupport move --undo` first, and never serve from both."
    ),
}


def marker(stage: str, day: date, revision: int = 0) -> Record:
    return Record(MARKER, MARKER, stage, None, day, revision)


def why_not(found: Record | None) -> str:
    """Why this store must not be served from, as a sentence with its fix; "" when it may."""
    return "" if found is None else _SAID[found.stage].format(day=found.day)


async def refuse(store: Store) -> None:
    """Raises Unfit where this store says that it must not be served from."""
    if why := why_not(await store.load(MARKER)):
        raise Unfit(why)
