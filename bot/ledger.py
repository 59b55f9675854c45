"""What is noted about one conversation's mail in the same moment is written in one go, however many note it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from bot.archive import Archive
from bot.outbox import Mail
from bot.records import Saved
from bot.store.base import Stale

Change = Callable[[Mail], Mail]
Waiting = list[tuple[Change, "asyncio.Future[Saved[Any] | None]"]]


class Ledger:
    """Pure changes to mail, applied to the newest revision in the order they came."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._waiting: dict[str, Waiting] = {}
        self._writing: set[asyncio.Task[None]] = set()
        self.written: Callable[[], None] = lambda: None  # told after every write; the clock listens

    async def note(self, id: str, change: Change) -> Saved[Any] | None:
        """Return when it is durable: the conversation as it stands then, or None when it is gone."""
        noted: asyncio.Future[Saved[Any] | None] = asyncio.get_running_loop().create_future()
        waiting = self._waiting.setdefault(id, [])
        waiting.append((change, noted))
        if len(waiting) == 1:
            task = asyncio.get_running_loop().create_task(self._write(id))
            self._writing.add(task)
            task.add_done_callback(self._writing.discard)
        return await asyncio.shield(noted)

    async def _write(self, id: str) -> None:
        await asyncio.sleep(0)  # whoever notes something in this same turn comes along
        batch = self._waiting.pop(id)
        try:
            saved = await self._apply(id, [change for change, _ in batch])
        except BaseException as failed:
            for _, noted in batch:
                if not noted.done():
                    noted.set_exception(failed)
            if not isinstance(failed, Exception):
                raise
            return  # whoever noted something has been told
        for _, noted in batch:
            if not noted.done():
                noted.set_result(saved)

    async def _apply(self, id: str, changes: list[Change]) -> Saved[Any] | None:
        while (saved := await self._archive.load(id)) is not None:
            mail = saved.mail
            for change in changes:
                mail = change(mail)
            if mail == saved.mail:
                return saved
            try:
                (after,) = await self._archive.write([replace(saved, mail=mail)])
            except Stale:
                continue
            self.written()
            return after
        return None
