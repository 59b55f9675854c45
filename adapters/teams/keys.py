"""The keys Microsoft signs with: asked for once a day, and again when one is not known; never on the loop's time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import aiohttp
import jwt

from adapters.teams import quiet

DAY: Final = timedelta(hours=24)
ONCE_IN: Final = timedelta(seconds=60)  # between two attempts, whoever signs with whatever
PATIENCE: Final = 5.0  # seconds for both questions

Get = Callable[[str], Awaitable[Any]]
"""Fetches JSON. Raises aiohttp.ClientError, TimeoutError, OSError or ValueError."""


@dataclass(frozen=True, slots=True)
class Key:
    """One public key, and the channels it may speak for."""

    public: Any = field(repr=False)
    endorsements: frozenset[str]


@dataclass(slots=True)
class Keys:
    """A key server that hangs, lies or is gone leaves the keys as they were."""

    openid_url: str
    get: Get
    now: Callable[[], datetime]
    _known: Mapping[str, Key] = field(default_factory=dict)
    _fetched: datetime | None = None
    _tried: datetime | None = None
    _asking: asyncio.Task[None] | None = None

    async def key(self, kid: str) -> Key | None:
        """The key of that name, or None. Whoever knows the key waits for nobody."""
        found = self._known.get(kid)
        old = self._fetched is None or self.now() - self._fetched >= DAY
        if (old or found is None) and self._may_ask():
            self._asking = asyncio.get_running_loop().create_task(self._ask())
        if found is None and self._asking is not None:
            await asyncio.shield(self._asking)  # one question, however many wait for it
            found = self._known.get(kid)
        return found

    async def refresh(self) -> bool:
        """Ask now; whether there is any key to go by."""
        await self._ask()
        return bool(self._known)

    def _may_ask(self) -> bool:
        if self._asking is not None and not self._asking.done():
            return False
        return self._tried is None or abs(self.now() - self._tried) >= ONCE_IN

    async def _ask(self) -> None:
        self._tried = self.now()
        try:
            async with asyncio.timeout(PATIENCE):
                metadata = await self.get(self.openid_url)
                found = _keys(await self.get(_address_of_keys(metadata)))
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            quiet.failed("keys", type(error).__name__)
            return
        if found:
            self._known, self._fetched = found, self.now()


def _address_of_keys(metadata: Any) -> str:
    address = metadata.get("jwks_uri") if isinstance(metadata, dict) else None
    if isinstance(address, str):
        return address
    raise ValueError("the metadata names no keys")


def _keys(found: Any) -> dict[str, Key]:
    listed = found.get("keys") if isinstance(found, dict) else None
    keys: dict[str, Key] = {}
    for entry in listed if isinstance(listed, list) else ():
        kid = entry.get("kid") if isinstance(entry, dict) else None
        if not isinstance(kid, str) or entry.get("kty") != "RSA":
            continue
        endorsed = entry.get("endorsements")
        names = frozenset(e for e in endorsed if isinstance(e, str)) if isinstance(endorsed, list) else frozenset()
        try:
            keys[kid] = Key(jwt.PyJWK(entry, algorithm="RS256").key, names)
        except jwt.PyJWTError as error:
            quiet.failed("key", type(error).__name__)
    return keys
