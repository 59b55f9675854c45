"""Starts the platforms. One that does not answer now is asked again, and keeps nobody on the other one waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from http import HTTPStatus

import structlog
from aiohttp import web

from adapters.tasks import called_off
from bot.platforms import NotStarted, Platform
from bot.web import Handler

log = structlog.get_logger()


class Starting:
    """`begin` before anything is served; `stop` at the end. `waiting` holds who has not answered yet."""

    def __init__(self, platforms: Sequence[Platform], again: timedelta) -> None:
        self._platforms, self._again = platforms, again
        self.waiting: dict[str, Platform] = {}
        self._asking: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        """Raises NotStarted where a platform does not take our secrets, or where none of them answers."""
        for platform in self._platforms:
            try:
                await platform.start()
            except NotStarted as failure:
                if failure.shut_out or len(self.waiting) == len(self._platforms) - 1:
                    raise
                log.error("platform-not-started", platform=platform.name)
                self.waiting[platform.name] = platform
        if self.waiting:
            self._asking = asyncio.get_running_loop().create_task(self._ask_again())

    async def _ask_again(self) -> None:
        while self.waiting:
            await asyncio.sleep(self._again.total_seconds())
            for platform in tuple(self.waiting.values()):
                try:
                    await platform.start()
                except NotStarted:
                    log.error("platform-not-started", platform=platform.name)
                    continue
                except Exception as failure:  # noqa: BLE001  the edge: one that answers nonsense is asked again, too
                    log.error("platform-not-started", platform=platform.name, kind=type(failure).__name__)
                    continue
                del self.waiting[platform.name]
                log.warning("platform-started", platform=platform.name)

    async def stop(self) -> None:
        if self._asking is not None:
            await called_off(self._asking)

    def admitted(self, platform: str, handler: Handler) -> Handler:
        """Whoever knocks before we know who we are there is asked to knock again."""

        async def handle(request: web.Request) -> web.StreamResponse:
            if platform in self.waiting:
                return web.Response(status=HTTPStatus.SERVICE_UNAVAILABLE)
            return await handler(request)

        return handle
