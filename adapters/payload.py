"""Reads what a platform sends over HTTP: a body of limited size, and the JSON object in it."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Final

from aiohttp import web

BODY_LIMIT: Final = 256 * 1024
"""The longest request body that is read, in bytes. Neither Slack nor Teams sends more than a fraction of it."""


async def read_body(request: web.Request, deadline: float) -> bytes | None:
    """Return the raw request body, or None if it is longer than `BODY_LIMIT`.

    A body whose length is not announced is read only until it exceeds the limit.

    Raises:
        TimeoutError: It has not come by `deadline` (loop time).
    """
    if (request.content_length or 0) > BODY_LIMIT:
        return None
    if request.content.is_eof():  # it came with the headers, as nearly always: nothing is waited for
        return await _read(request)
    async with asyncio.timeout_at(deadline):
        return await _read(request)


async def _read(request: web.Request) -> bytes | None:
    body = bytearray()
    while chunk := await request.content.readany():
        body += chunk
        if len(body) > BODY_LIMIT:
            return None
    return bytes(body)


def json_object(text: bytes | str) -> dict[str, Any]:
    """Return the JSON object in `text`, or an empty one if it holds anything else. Never raises."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
