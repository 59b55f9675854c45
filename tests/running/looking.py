"""Waits for what another process does where nothing but a look tells that it was done."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

PATIENCE = 60.0  # real seconds after which a test gives up


async def until(happened: Callable[[], object]) -> None:
    """Look, in a thread of its own, until it has happened."""
    async with asyncio.timeout(PATIENCE):
        while not await asyncio.to_thread(happened):
            pass
