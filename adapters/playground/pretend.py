"""What every pretend platform has: people of the hospital, weather on the line, and a way to the bot's door."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, Literal

import aiohttp
from aiohttp import web

from adapters.playground.screens import Screens

Weather = Literal["none", "slow", "busy", "down"]
"""slow: answers late · busy: answers 429 · down: answers 503"""

Deed = Callable[[web.Request], Awaitable[web.Response]]
Heard = Callable[[str, Any], None]

SLOW: Final = 0.7  # seconds by which a slow platform answers late
BUSY_FOR: Final = 30  # seconds that a busy platform asks for, on the pretend clock


@dataclass(frozen=True, slots=True)
class Answered:
    """What the bot answered at its door."""

    status: int
    body: Any = None


class Line:
    """Between the pretend platforms and the bot: real HTTP, both ways, on the loopback.

    `url` is where both listen; `screens` may be changed for empty ones. `called` and `sent` are told what goes over
    the line, for whoever looks on.
    """

    def __init__(self, url: str, screens: Screens) -> None:
        self.url = url
        self.screens = screens
        self.twice = False  # every press is delivered twice
        self.called: Heard = lambda _title, _body: None
        self.sent: Heard = lambda _title, _body: None
        self._session: aiohttp.ClientSession | None = None

    async def knock(self, path: str, body: bytes, headers: dict[str, str], *, press: bool = False) -> Answered:
        """Deliver to the bot, a press perhaps twice; the first answer counts."""
        if self._session is None:
            self._session = aiohttp.ClientSession(trust_env=False)
        answers = []
        for _ in range(2 if self.twice and press else 1):
            async with self._session.post(self.url + path, data=body, headers=headers) as answer:
                is_json = answer.content_type == "application/json"
                answers.append(Answered(answer.status, await answer.json() if is_json else None))
        return answers[0]

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
        self._session = None


class Pretend:
    """One pretend platform."""

    platform = ""
    door = ""  # where it knocks at the bot's

    def __init__(self, line: Line) -> None:
        self.line = line
        self.weather: Weather = "none"
        self.people: dict[str, str] = {}  # name → the platform's own id
        self.away: set[str] = set()  # names of those who left the hospital

    def empties(self) -> None:
        """Nobody is here any more, and the weather is fine."""
        self.weather = "none"
        self.people.clear()
        self.away.clear()

    @property
    def screens(self) -> Screens:
        return self.line.screens

    def id_of(self, name: str) -> str:
        """As the platform would number them."""
        raise NotImplementedError

    def joins(self, name: str) -> str:
        """Somebody is given an account; their id."""
        return self.people.setdefault(name, self.id_of(name))

    def name_of(self, id: object) -> str:
        """Whose account this is, or ""."""
        return next((name for name, known in self.people.items() if known == id), "")

    async def through(self, request: web.Request, deed: Deed) -> web.Response:
        """One call of the bot, as the weather lets it through."""
        match self.weather:
            case "busy":
                return self.too_many()
            case "down":
                return web.Response(status=HTTPStatus.SERVICE_UNAVAILABLE, text="down")
            case "slow":
                await asyncio.sleep(SLOW)
        return await deed(request)

    def too_many(self) -> web.Response:
        return web.json_response(
            {"ok": False, "error": "ratelimited"},
            status=HTTPStatus.TOO_MANY_REQUESTS,
            headers={"Retry-After": str(BUSY_FOR)},
        )
