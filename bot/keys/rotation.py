"""Daily key rotation: wraps every record's key under today's key, and destroys day keys that have expired.

No replica leads. Each runs the rotation by itself whenever it finds something to do, and two at once do the same work
twice, without harm. Nothing is remembered between runs but what the store and the key ring say.

The order makes it safe. First every record that exists is wrapped under the newest key and is durable there; then a
second look makes sure that nothing readable is left under an expired key; only then is that key destroyed. Wherever a
run is interrupted, everything can be decrypted with the keys that are left.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

import structlog

from bot.crypto.vault import Vault, wrapping_key_id
from bot.errors import KEY_RING_MISMATCH, Corrupt, NotServable, StaleRevision
from bot.health import Finding
from bot.keys.key_ring import DayKey, KeyRing
from bot.keys.unlock import RING_RECORD, names_key_ring
from bot.store.base import Record, Store

log = structlog.get_logger()

_SCAN_BATCH: Final = 500
_RECORDS_PER_SAVE: Final = 20  # records in one save
_MAX_PASSES: Final = 3  # scans in one run, while others still write under the older key


class KeyRotation:
    """Rotates the keys of one store; `run` may be called at any time, and by any number of processes.

    Args:
        store: The store whose records are rewrapped.
        vault: Rewraps them.
        ring: Holds the day keys.
        days: For how many days a key is kept after its own.
        now: Returns the present time.

    Attributes:
        succeeded: Whether the last run came to its end.
    """

    def __init__(self, store: Store, vault: Vault, ring: KeyRing, days: int, now: Callable[[], datetime]) -> None:
        """Begin without having rotated anything."""
        self._store, self._vault, self._ring, self._days, self._now = store, vault, ring, days, now
        self._rewrapped_under = b""  # the id of the key under which everything was found to be wrapped
        self._running = asyncio.Lock()
        self.succeeded = True

    async def check(self) -> Finding:
        """Return the finding that readiness and monitoring report."""
        if self.succeeded:
            return Finding("ring", "ok", "The key ring is there, and the daily key rotation succeeds.")
        return Finding(
            "ring",
            "fail",
            "The last key rotation failed.",
            "Look at PEERSUPPORT_KEY_RING and the store, and for `night-failed` in the log.",
        )

    async def run(self) -> None:
        """Make a key for today, rewrap everything under it, and destroy expired keys; nothing where that is done.

        It raises nothing: a failure is logged as `night-failed`, and the next run tries again.
        """
        if self._running.locked():
            return
        async with self._running:
            try:
                await self._run()
            except Exception as failure:  # noqa: BLE001  the edge: whatever it was, the next run tries again
                self.succeeded = False
                log.error("night-failed", kind=type(failure).__name__)
            else:
                self.succeeded = True

    async def _run(self) -> None:
        await asyncio.to_thread(self._ring.ensure_key_for, self._now())
        if self._vault.current_key_id() != self._rewrapped_under:
            await self._rewrap_everything()
        expired = self._ring.expired_keys(self._now(), self._days)
        if expired:
            await self._destroy(expired)

    async def _rewrap_everything(self) -> None:
        fingerprint = await self._store.load(RING_RECORD)
        if fingerprint is None or not names_key_ring(fingerprint, self._vault, self._ring):
            raise NotServable(KEY_RING_MISMATCH)  # nothing of it may be rewrapped, let alone destroyed
        current = self._vault.current_key_id()
        for _ in range(_MAX_PASSES):
            changed, unreadable = await self._rewrap_pass()
            if not changed:
                break
        else:
            return  # the next run goes on
        await self._store.purge()
        await asyncio.to_thread(self._ring.remove_leftovers)
        self._rewrapped_under = current
        if unreadable:
            log.error("records-do-not-open", count=unreadable)

    async def _rewrap_pass(self) -> tuple[int, int]:
        """Rewrap every record under the current key; return how many changed, and how many cannot be decrypted."""
        changed = unreadable = 0
        async for page in self._pages():
            rewrapped: list[Record] = []
            for record in page:
                try:
                    sealed = self._vault.rewrap(record.kind, record.id, record.shape, record.sealed)
                except Corrupt:
                    unreadable += 1
                    continue
                if sealed is not record.sealed:
                    # `wake` is not read back; the due time is never later than it, so waking then is in time
                    rewrapped.append(replace(record, sealed=sealed, wake=record.due))
            for start in range(0, len(rewrapped), _RECORDS_PER_SAVE):
                await self._save(rewrapped[start : start + _RECORDS_PER_SAVE])
            changed += len(rewrapped)
        return changed, unreadable

    async def _save(self, rewrapped: Sequence[Record]) -> None:
        """Save what was rewrapped; where another writer was first, its version is under the current key already."""
        try:
            await self._store.save(*rewrapped)
        except StaleRevision:
            for record in rewrapped if len(rewrapped) > 1 else ():
                await self._save([record])

    async def _pages(self) -> AsyncIterator[Sequence[Record]]:
        """Yield every record that has sealed content."""
        after = ""
        while page := await self._store.scan(after, _SCAN_BATCH):
            yield [record for record in page if record.sealed]
            after = page[-1].id
            await asyncio.sleep(0)  # an embedded store answers at once: let other tasks run in between

    async def _destroy(self, expired: Sequence[DayKey]) -> None:
        """Destroy expired keys, provided that nothing readable is wrapped under one of them.

        What is wrapped under one and still cannot be decrypted was changed by something else; its key would not help.
        """
        ids = {day.id for day in expired}
        if self._vault.current_key_id() != self._rewrapped_under or self._vault.current_key_id() in ids:
            return
        async for page in self._pages():
            for record in page:
                if wrapping_key_id(record.sealed) in ids and self._can_be_decrypted(record):
                    self._rewrapped_under = b""  # a process wrote under an old key after all: rewrap again
                    return
        await self._store.purge()
        await asyncio.to_thread(self._ring.destroy_keys, expired)
        log.info("keys-dropped", count=len(expired))

    def _can_be_decrypted(self, record: Record) -> bool:
        try:
            self._vault.rewrap(record.kind, record.id, record.shape, record.sealed)
        except Corrupt:
            return False
        return True
