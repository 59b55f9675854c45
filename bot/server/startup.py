"""Starts the platforms. One that does not answer is asked again, and keeps people on the others from waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from http import HTTPStatus

import structlog
from aiohttp import web

from adapters.background import cancel_and_wait
from bot.server.http import Handler
from bot.server.platforms import Platform, PlatformNotStarted

log = structlog.get_logger()


class StartUp:
    """Starts platforms, and those that did not answer again and again in the background until they do.

    Call `start` before anything is served, and `stop` at the end. `pending` holds the platforms that have not started,
    by name.
    """

    def __init__(self, platforms: Sequence[Platform], retry_after: timedelta) -> None:
        """Start these; one that does not answer is asked again after `retry_after`."""
        self._platforms, self._retry_after = platforms, retry_after
        self.pending: dict[str, Platform] = {}
        self._retrying: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start each platform once.

        Raises:
            PlatformNotStarted: one refuses our credentials, or none of them answers.
        """
        for platform in self._platforms:
            try:
                await platform.start()
            except PlatformNotStarted as failure:
                if failure.shut_out or len(self.pending) == len(self._platforms) - 1:
                    raise
                log.error("platform-not-started", platform=platform.name)
                self.pending[platform.name] = platform
        if self.pending:
            self._retrying = asyncio.get_running_loop().create_task(self._retry())

    async def _retry(self) -> None:
        while self.pending:
            await asyncio.sleep(self._retry_after.total_seconds())
            for platform in tuple(self.pending.values()):
                try:
                    await platform.start()
                except PlatformNotStarted:
                    log.error("platform-not-started", platform=platform.name)
                    continue
                except Exception as failure:  # noqa: BLE001  the edge: one that answers nonsense is asked again, too
                    log.error("platform-not-started", platform=platform.name, kind=type(failure).__name__)
                    continue
                del self.pending[platform.name]
                log.warning("platform-started", platform=platform.name)

    async def stop(self) -> None:
        """Ask no platform again."""
        if self._retrying is not None:
            await cancel_and_wait(self._retrying)

    def unavailable_until_started(self, platform: str, handler: Handler) -> Handler:
        """Return a handler that answers 503, so that a request is sent again, until the platform has started."""

        async def handle(request: web.Request) -> web.StreamResponse:
            if platform in self.pending:
                return web.Response(status=HTTPStatus.SERVICE_UNAVAILABLE)
            return await handler(request)

        return handle
