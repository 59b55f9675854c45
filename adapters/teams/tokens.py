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
    text: str = field(repr=False)
    until: datetime


@dataclass(slots=True)
class Tokens:
    """`url` may hold `{tenant}`."""

    url: str
    client_id: str
    secret: str = field(repr=False)
    ask: Ask
    now: Callable[[], datetime]
    _held: dict[str, Token] = field(default_factory=dict, repr=False)
    _turns: dict[str, asyncio.Lock] = field(default_factory=dict, repr=False)

    async def get(self, tenant: str) -> str:
        """A token that counts for some minutes yet. Raises Stopped or TryLater."""
        async with self._turns.setdefault(tenant, asyncio.Lock()):
            held = self._held.get(tenant)
            if held is None or held.until <= self.now():
                held = self._held[tenant] = await self._fresh(tenant)
            return held.text

    def drop(self, tenant: str, text: str) -> None:
        """Microsoft did not take this one; a newer one that came meanwhile stays."""
        held = self._held.get(tenant)
        if held is not None and held.text == text:
            del self._held[tenant]

    async def _fresh(self, tenant: str) -> Token:
        form = {
            "grant_type": "client_credentials",
            "client_id": self.client_id,
            "client_secret": self.secret,
            "scope": SCOPE,
        }
        asked = self.now()
        said = await self.ask(self.url.replace("{tenant}", tenant), form)
        lasts = timedelta(seconds=min(float(said.get("expires_in", 0)), 86_400.0))
        return Token(str(said["access_token"]), asked + max(lasts - EARLY, _AT_LEAST))
