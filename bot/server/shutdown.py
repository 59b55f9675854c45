"""How long a shutdown may take: the first signal starts an orderly one, a second hurries it, and both have a deadline.

What does not fit into the time is left as it stands. Nothing is lost by that: it is written down, and the next start
goes on with it.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final, TypeVar

import structlog

SHUTDOWN_SECONDS: Final = 25.0
"""From the first signal to the end of the process."""
STORE_SECONDS: Final = 4.0
"""The part of them that is kept for purging and closing the store."""
UNREADY_SECONDS: Final = 3.0
"""How long we report not ready and still serve, so that a load balancer notices before requests are refused."""
_RESERVE: Final = 2.0  # seconds for the interpreter to end in
_CANCEL_SECONDS: Final = 0.5  # for a task that was cancelled to end

T = TypeVar("T")
log = structlog.get_logger("bot.shutdown")


class ShutDown:
    """The deadline of a shutdown, and the signals that ask for it."""

    def __init__(self, unready_seconds: float = UNREADY_SECONDS, share: float = 1.0) -> None:
        """Report not ready for so long before requests are refused.

        `share`: how much of its time every step gets; a test of what hangs need not wait for all of it.
        """
        self._unready_seconds = unready_seconds
        self._share = share
        self._deadline: float | None = None
        self.requested = asyncio.Event()
        self._hurried = asyncio.Event()

    def request(self) -> None:
        """Note a signal: the first requests a shutdown, the second hurries it."""
        (self._hurried if self.requested.is_set() else self.requested).set()

    async def wait_unready(self) -> None:
        """Give load balancers the time to notice that we report not ready; a second signal cuts it short."""
        await self.run_within(self._unready_seconds, asyncio.Event().wait)

    async def run_within(
        self, seconds: float, action: Callable[[], Awaitable[object]], *, closes_store: bool = False
    ) -> None:
        """Run one step of the shutdown for so long at most, and cancel it then; a failure is logged.

        `closes_store`: it may use the time that is kept for the store, and a second signal does not cut it short.
        """
        self._start_deadline()
        running = asyncio.ensure_future(action())
        hurried = asyncio.ensure_future(self._hurried.wait())
        waits = {running} if closes_store else {running, hurried}
        timeout = min(seconds * self._share, self._seconds_left(closes_store=closes_store))
        await asyncio.wait(waits, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        hurried.cancel()
        if not running.done():
            running.cancel()
            await asyncio.wait({running}, timeout=_CANCEL_SECONDS)
        if running.done() and not running.cancelled() and (failure := running.exception()) is not None:
            log.error("stop-failed", kind=type(failure).__name__)

    def _start_deadline(self) -> None:
        if self._deadline is None:
            self._deadline = asyncio.get_running_loop().time() + SHUTDOWN_SECONDS - _RESERVE

    def _seconds_left(self, *, closes_store: bool) -> float:
        reserved = 0.0 if closes_store else STORE_SECONDS
        now = asyncio.get_running_loop().time()
        return max((self._deadline or now) - reserved - now, 0.0)

    @asynccontextmanager
    async def closing_store(self, store: AbstractAsyncContextManager[T]) -> AsyncIterator[T]:
        """Open a store for the length of the block; closing it has the time that is kept for it."""
        opened = await store.__aenter__()
        try:
            yield opened
        finally:
            await self.run_within(STORE_SECONDS, lambda: store.__aexit__(None, None, None), closes_store=True)


def force_exit_at_deadline() -> None:
    """End the process SHUTDOWN_SECONDS from now, whatever still hangs: a host name's lookup, a disk that is gone."""
    timer = threading.Timer(SHUTDOWN_SECONDS, _exit)
    timer.daemon = True
    timer.start()


def _exit() -> None:
    log.error("stopped-by-force")
    os._exit(1)
