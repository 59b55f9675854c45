"""What an adapter still does after it has acknowledged; and how a task is called off that may not hear it at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any


class Tasks:
    """Held until each ends, or the loop might forget it half-way. `failed` is told the kind of what went wrong."""

    def __init__(self, failed: Callable[[str, str], None]) -> None:
        self._failed = failed
        self._running: set[asyncio.Task[Any]] = set()

    def later(self, deed: Coroutine[Any, Any, None]) -> None:
        """Do it behind the acknowledgement."""
        self.keep(asyncio.ensure_future(deed))

    def keep(self, task: asyncio.Task[Any]) -> asyncio.Task[Any]:
        """Hold this task until it ends."""
        self._running.add(task)
        task.add_done_callback(self._ended)
        return task

    async def drain(self, within: float) -> None:
        """Finish; what takes longer than so many seconds is cut off."""
        if self._running:
            _, late = await asyncio.wait(self._running, timeout=within)
            for task in late:
                task.cancel()

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._failed("task", type(error).__name__)


async def called_off(task: asyncio.Task[None]) -> None:
    """Return when it is over. It is told so until it hears: a library between us may keep a cancellation to itself."""
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=0.1)
