"""Tasks that run on after an acknowledgement, and how to cancel a task that may swallow the cancellation."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any


class BackgroundTasks:
    """Holds a reference to every task until it ends; the event loop itself keeps only weak ones.

    https://docs.python.org/3/library/asyncio-task.html#asyncio.create_task

    Args:
        failed: Called with "task" and the exception's class name when a task fails.
    """

    def __init__(self, failed: Callable[[str, str], None]) -> None:
        self._failed = failed
        self._running: set[asyncio.Task[Any]] = set()

    def start(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run it in the background."""
        self.track(asyncio.ensure_future(coroutine))

    def track(self, task: asyncio.Task[Any]) -> asyncio.Task[Any]:
        """Hold a reference to this task until it ends, and return it."""
        self._running.add(task)
        task.add_done_callback(self._ended)
        return task

    async def drain(self, within: float) -> None:
        """Wait for every task, at most `within` seconds, and cancel the rest."""
        if self._running:
            _, late = await asyncio.wait(self._running, timeout=within)
            for task in late:
                task.cancel()

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._failed("task", type(error).__name__)


async def cancel_and_wait(task: asyncio.Task[None]) -> None:
    """Cancel a task and return once it has ended. Cancels again every 0.1 s, as a library may swallow the first one."""
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=0.1)
