"""Counts once a week what closed in the week before, in one record that holds sums and no name.

Any number of processes may run it: who writes second finds the week counted. A request that is forgotten before its
week is over, by *forget me* or because the hospital erases sooner, is counted nowhere.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Final

import structlog

from bot.crypto.vault import Vault
from bot.engine.codec import value_from_json, value_to_json
from bot.engine.repository import ConversationRepository
from bot.errors import Corrupt, DatabaseUnavailable, StaleRevision, WrittenByNewerVersion
from bot.store.base import Record, Store
from conversations import registry
from conversations.numbers import Numbers, Year, count, counted, monday_of, period

log = structlog.get_logger()

NUMBERS: Final = "numbers"
"""Kind, stage and id of the one record that holds the sums."""

_SHAPE: Final = 0


class WeeklyCount:
    """Counts the requests of one store; `run` may be called at any time, and by any number of processes.

    Args:
        store: Where the sums are kept.
        vault: Seals and opens them.
        repository: Reads the requests.
        small_cell: The smallest number of requests that anything is said of.
        now: Returns the present time.
    """

    def __init__(
        self,
        store: Store,
        vault: Vault,
        repository: ConversationRepository,
        small_cell: int,
        now: Callable[[], datetime],
    ) -> None:
        """Begin without having counted anything."""
        self._store, self._vault, self._repository = store, vault, repository
        self._small_cell, self._now = small_cell, now
        self._until = date.min  # the Monday before which everything is known to be counted

    async def run(self) -> None:
        """Count the weeks that are over; nothing where that is done. The first run only begins.

        A failure of the database is left to the next run. Sums that do not open are left as they are, and logged as
        `record-failed`, once a week: whatever else runs at a tick goes on.
        """
        monday = monday_of(self._now().date())
        if self._until >= monday:
            return
        try:
            await self._run()
        except (StaleRevision, DatabaseUnavailable):
            return  # another process was first, or the next run tries again
        except (Corrupt, WrittenByNewerVersion) as failed:
            log.error("record-failed", kind=type(failed).__name__)
        self._until = monday

    async def _run(self) -> None:
        found, today = await self._store.load(NUMBERS), self._now().date()
        monday = monday_of(today)
        before = open_numbers(found, self._vault) if found else None
        if before is None:
            after = Numbers(monday, period(monday)[0])
        elif before.until < monday:
            requests = await self._repository.all_of(registry.QUEUE)
            after = counted(before, count(registry.outcomes(requests), before.until, monday), self._small_cell)
        else:
            return
        sealed = self._vault.seal(NUMBERS, NUMBERS, _SHAPE, value_to_json(after))
        revision = found.revision if found else 0
        await self._store.save(Record(NUMBERS, NUMBERS, NUMBERS, None, today, revision, _SHAPE, {}, sealed))

    async def years(self) -> tuple[Year, ...]:
        """Return what may be said of the years that are over, oldest first; nothing where the sums do not open."""
        found = await self._store.load(NUMBERS)
        try:
            return open_numbers(found, self._vault).years if found else ()
        except (Corrupt, WrittenByNewerVersion) as failed:
            log.error("record-failed", kind=type(failed).__name__)
            return ()


def open_numbers(record: Record, vault: Vault) -> Numbers:
    """Decrypt the sums.

    Raises:
        Corrupt: They do not decrypt.
        WrittenByNewerVersion: A newer release wrote them in another shape.
    """
    return value_from_json(vault.open(NUMBERS, NUMBERS, record.shape, record.sealed), Numbers)
