"""Our own tokens: one for each tenant, asked for by one of those who need it, and changed before it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

SCOPE: Final = "https://api.botframework.com/.default"
EARLY: Final = timedelta(minutes=5)

_AT_LEAST = timedelta(seconds=30)

Ask = Callable[[str, Mapping[str, str]], Awaitable[Any]]
"""Posts a form, and answers with JSON. Raises Stopped, TryLater or Unclear."""


@dataclass(frozen=True, slots=True)
class Token:
    """Good until it `ends`; from `renewed` on the next one is asked for."""

    text: str = field(repr=False)
    renewed: datetime
    ends: datetime


@dataclass(slots=True)
class Tokens:
    """`url` may hold `{tenant}`."""

    url: str
    client_id: str
    secret: str = field(repr=False)
    ask: Ask
    now: Callable[[], datetime]
    _held: dict[str, Token] = field(default_factory=dict, repr=False)
    _asking: dict[str, asyncio.Task[Token]] = field(default_factory=dict, repr=False)

    async def get(self, tenant: str) -> str:
        """A token that is good. Nobody waits for the next one while the last still is. Raises Stopped or TryLater."""
        held = self._held.get(tenant)
        if held is not None and self.now() < held.renewed:
            return held.text
        asking = self._asked_once(tenant)
        if held is not None and self.now() < held.ends:
            return held.text
        return (await asyncio.shield(asking)).text

    def drop(self, tenant: str, text: str) -> None:
        """Microsoft did not take this one; a newer one that came meanwhile stays."""
        held = self._held.get(tenant)
        if held is not None and held.text == text:
            del self._held[tenant]

    def _asked_once(self, tenant: str) -> asyncio.Task[Token]:
        """One question, however many wait for its answer, also for a no."""
        asking = self._asking.get(tenant)
        if asking is None or asking.done():
            asking = self._asking[tenant] = asyncio.get_running_loop().create_task(self._fresh(tenant))
            asking.add_done_callback(_heard)
        return asking

    async def _fresh(self, tenant: str) -> Token:
        form = {
            "grant_type": "client_credentials",
            "client_id": self.client_id,
            "client_secret": self.secret,
            "scope": SCOPE,
        }
        asked = self.now()
        said = await self.ask(self.url.replace("{tenant}", tenant), form)
        lasts = _lasts(said.get("expires_in"))
        renewed = asked + max(lasts - EARLY, _AT_LEAST)
        self._held[tenant] = Token(str(said["access_token"]), renewed, max(asked + lasts, renewed))
        return self._held[tenant]


def _heard(asking: asyncio.Task[Token]) -> None:
    """Perhaps nobody waited; then nobody need be told that it failed."""
    if not asking.cancelled():
        asking.exception()


def _lasts(said: object) -> timedelta:
    """For how long it is good; no time at all where what was said makes no sense."""
    try:
        seconds = float(str(said))
    except ValueError:
        return timedelta(0)
    return timedelta(seconds=min(seconds, 86_400.0)) if seconds > 0 else timedelta(0)
