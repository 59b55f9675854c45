"""How long an end may take: asked once it is orderly, asked twice it is quick, and it is never longer than promised.

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

PROMISED: Final = 25.0  # seconds from the first signal to the end of the process
FOR_THE_STORE: Final = 4.0  # seconds of them, in which the store is cleaned and closed
_SPARE: Final = 2.0
LINGER: Final = 3.0  # seconds in which we say that we are not ready, and still serve who has not heard it
A_MOMENT: Final = 0.5  # for what was cut off to let go

T = TypeVar("T")
log = structlog.get_logger("bot.stopping")


class Stopping:
    """`begin` once; `hurry` when somebody asks again."""

    def __init__(self, linger: float = LINGER) -> None:
        self._linger = linger
        self._until: float | None = None
        self.asked = asyncio.Event()
        self._hurried = asyncio.Event()

    def ask(self) -> None:
        """A signal: the first asks, the second hurries."""
        (self._hurried if self.asked.is_set() else self.asked).set()

    def begin(self) -> None:
        """From here the time runs."""
        if self._until is None:
            self._until = asyncio.get_running_loop().time() + PROMISED - _SPARE

    async def linger(self) -> None:
        """Give load balancers the time to hear that we are leaving."""
        await self.within(self._linger, asyncio.Event().wait)

    async def within(self, seconds: float, deed: Callable[[], Awaitable[object]], *, last: bool = False) -> None:
        """Do this, for so long at most; `last` may use what is kept for the store."""
        self.begin()
        doing = asyncio.ensure_future(deed())
        hurried = asyncio.ensure_future(self._hurried.wait())
        waits = {doing} if last else {doing, hurried}
        await asyncio.wait(waits, timeout=min(seconds, self._left(last=last)), return_when=asyncio.FIRST_COMPLETED)
        hurried.cancel()
        if not doing.done():
            doing.cancel()
            await asyncio.wait({doing}, timeout=A_MOMENT)
        if doing.done() and not doing.cancelled() and (failure := doing.exception()) is not None:
            log.error("stop-failed", kind=type(failure).__name__)

    def _left(self, *, last: bool) -> float:
        kept = 0.0 if last else FOR_THE_STORE
        now = asyncio.get_running_loop().time()
        return max((self._until or now) - kept - now, 0.0)

    @asynccontextmanager
    async def closing(self, opened: AbstractAsyncContextManager[T]) -> AsyncIterator[T]:
        """What is opened here is closed in the time there is."""
        thing = await opened.__aenter__()
        try:
            yield thing
        finally:
            await self.within(FOR_THE_STORE, lambda: opened.__aexit__(None, None, None), last=True)


def promise() -> None:
    """End the process when the time is up, whatever still hangs: a name that is looked up, a disk that is gone."""
    ending = threading.Timer(PROMISED, _end)
    ending.daemon = True
    ending.start()


def _end() -> None:
    log.error("stopped-by-force")
    os._exit(1)
