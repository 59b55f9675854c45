"""Marks a store that must not be served from: it is being filled by a restore, or was moved to another store.

The mark is a record in the store itself, so it cannot be separated from what it is about.
"""

from __future__ import annotations

from datetime import date
from typing import Final

from bot.errors import NotServable
from bot.store.base import Record, Store

MARKER_ID: Final = "moved"  # both kind and id of the record
FILLING, MOVED_AWAY = "arriving", "away"  # its stages, as they are stored

_REASONS: Final = {
    FILLING: (
        "The store that PEERSUPPORT_STORE names was being filled on {day}, and that did not come to its end: run the "
        "same `peersupport restore` or `peersupport move` again."
    ),
    MOVED_AWAY: (
        "What this store held was moved to another store on {day}: set PEERSUPPORT_STORE to that one. To serve from "
        "here all the same, as things stood then, run `peersupport move --undo` first, and never serve from both."
    ),
}


def make_marker(stage: str, day: date, revision: int = 0) -> Record:
    """Make the record that retires a store.

    Args:
        stage: `FILLING` or `MOVED_AWAY`.
        day: Today.
        revision: The marker's revision, where the store is filled with records as they are.
    """
    return Record(MARKER_ID, MARKER_ID, stage, None, day, revision)


def why_not_servable(marker: Record | None) -> str:
    """Say, in a sentence for an operator, why a store with this marker cannot be served from; "" without one."""
    return "" if marker is None else _REASONS[marker.stage].format(day=marker.day)


async def refuse_retired(store: Store) -> None:
    """Check that the store was not retired.

    Raises:
        NotServable: It was; the message says what to do.
    """
    if why := why_not_servable(await store.load(MARKER_ID)):
        raise NotServable(why)
