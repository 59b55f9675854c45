"""The nightly turn: what is kept is hung on today's key, and keys that have outlived their days are destroyed.

No replica leads. Each takes the turn by itself, whenever it finds that there is something to do; two at once do the
same thing twice. Nothing is remembered between turns but what the store and the ring say.

The order is the safety: first everything that is kept is hung on the newest key and is durable there, then a second
look makes sure, and only then is a key dropped. Whatever interrupts a turn, everything opens with the keys that are
left.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

import structlog

from bot.checks.finding import Finding
from bot.keys import FINGERPRINT, is_of
from bot.ring import Day, Ring
from bot.store.base import ANOTHER_RING, Damaged, Record, Stale, Store, Unfit
from bot.vault import Vault, wrapped_under

log = structlog.get_logger()

_PAGE: Final = 500
_TOGETHER: Final = 20  # records in one save
_TIMES: Final = 3  # walks in one turn, while others write under the older key


class Night:
    """`turn` may be called at any time, as often as one likes, by as many as one likes."""

    def __init__(self, store: Store, vault: Vault, ring: Ring, days: int, now: Callable[[], datetime]) -> None:
        """Keep a key for so many days after its own."""
        self._store, self._vault, self._ring, self._days, self._now = store, vault, ring, days, now
        self._turned = b""  # the key on which we have found everything
        self._turning = asyncio.Lock()
        self.well = True  # whether the last turn came to its end

    async def look(self) -> Finding:
        """For whoever asks whether we are well."""
        if self.well:
            return Finding("ring", "ok", "The key ring is there, and the nightly turn comes to its end.")
        return Finding(
            "ring",
            "fail",
            "The last nightly turn did not come to its end.",
            "Look at PEERSUPPORT_KEY_RING and the store, and for `night-failed` in the log.",
        )

    async def turn(self) -> None:
        """See that there is a key for today, hang everything on it, drop what is too old. Nothing when that is done.

        Raises nothing that the next turn may not do better: it is said in the log.
        """
        if self._turning.locked():
            return
        async with self._turning:
            try:
                await self._turn()
            except Exception as failure:  # noqa: BLE001  the edge: whatever it was, the next turn tries again
                self.well = False
                log.error("night-failed", kind=type(failure).__name__)
            else:
                self.well = True

    async def _turn(self) -> None:
        await asyncio.to_thread(self._ring.keep_up, self._now())
        if self._vault.current() != self._turned:
            await self._hang_everything()
        outlived = self._ring.outlived(self._now(), self._days)
        if outlived:
            await self._drop(outlived)

    async def _hang_everything(self) -> None:
        fingerprint = await self._store.load(FINGERPRINT)
        if fingerprint is None or not is_of(fingerprint, self._vault, self._ring):
            raise Unfit(ANOTHER_RING)  # another ring: nothing of it may be turned, let alone dropped
        current = self._vault.current()
        for _ in range(_TIMES):
            changed, shut = await self._walk()
            if not changed:
                break
        else:
            return  # the next turn goes on
        await self._store.purge()
        await asyncio.to_thread(self._ring.tidy)
        self._turned = current
        if shut:
            log.error("records-do-not-open", count=shut)

    async def _walk(self) -> tuple[int, int]:
        """Hang every record on the current key; how many were not there yet, and how many do not open."""
        changed = shut = 0
        async for page in self._pages():
            turned: list[Record] = []
            for record in page:
                try:
                    sealed = self._vault.rewrap(record.kind, record.id, record.shape, record.sealed)
                except Damaged:
                    shut += 1
                    continue
                if sealed is not record.sealed:
                    # when somebody is to be woken is not read back: at its due time is early enough, and never late
                    turned.append(replace(record, sealed=sealed, wake=record.due))
            for start in range(0, len(turned), _TOGETHER):
                await self._save(turned[start : start + _TOGETHER])
            changed += len(turned)
        return changed, shut

    async def _save(self, turned: Sequence[Record]) -> None:
        """Whoever writes one of them meanwhile hangs it on the current key by that."""
        try:
            await self._store.save(*turned)
        except Stale:
            for record in turned if len(turned) > 1 else ():
                await self._save([record])

    async def _pages(self) -> AsyncIterator[Sequence[Record]]:
        """Every record that has something sealed."""
        after = ""
        while page := await self._store.page(after, _PAGE):
            yield [record for record in page if record.sealed]
            after = page[-1].id
            await asyncio.sleep(0)  # an embedded store answers at once: let presses in between

    async def _drop(self, outlived: Sequence[Day]) -> None:
        """Drop them if nothing that opens hangs on them.

        What hangs on one of them and still does not open was changed by somebody else than us: its key would not help.
        """
        ids = {day.id for day in outlived}
        if self._vault.current() != self._turned or self._vault.current() in ids:
            return
        async for page in self._pages():
            for record in page:
                if wrapped_under(record.sealed) in ids and self._opens(record):
                    self._turned = b""  # somebody wrote under an old key after all: turn again
                    return
        await self._store.purge()
        await asyncio.to_thread(self._ring.drop, outlived)
        log.info("keys-dropped", count=len(outlived))

    def _opens(self, record: Record) -> bool:
        try:
            self._vault.rewrap(record.kind, record.id, record.shape, record.sealed)
        except Damaged:
            return False
        return True
