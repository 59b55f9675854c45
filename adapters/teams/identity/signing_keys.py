"""Microsoft's signing keys: fetched once a day, and again when a token names a key that is not known.

https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-authentication#connector-to-bot
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, Final

import jwt

from adapters.http_session import BROKEN, HttpSession
from adapters.teams import log

MAX_AGE: Final = timedelta(hours=24)

MIN_INTERVAL: Final = timedelta(seconds=60)
"""Between two attempts to fetch the keys, so that forged tokens cannot cause more."""

TIMEOUT: Final = 5.0
"""Seconds for the metadata and the keys together."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One public key, and the channels it may sign for."""

    public: Any = field(repr=False)
    endorsements: frozenset[str]


@dataclass(slots=True)
class SigningKeys:
    """Fetches and caches the keys. A key server that hangs, lies or is gone leaves the known keys as they were.

    Args:
        openid_url: The address of the OpenID metadata, which names the address of the keys.
        http: The session to ask over.
        now: Tells the time.
    """

    openid_url: str
    http: HttpSession
    now: Callable[[], datetime]
    _keys: Mapping[str, SigningKey] = field(default_factory=dict)
    _fetched: datetime | None = None
    _attempted: datetime | None = None
    _fetching: asyncio.Task[None] | None = None

    async def key(self, kid: str) -> SigningKey | None:
        """Return the key of this id, or None. Only a caller whose key is not known waits; all share one request."""
        found = self._keys.get(kid)
        old = self._fetched is None or abs(self.now() - self._fetched) >= MAX_AGE
        if (old or found is None) and self._may_fetch():
            self._fetching = asyncio.get_running_loop().create_task(self._fetch())
        if found is None and self._fetching is not None:
            await asyncio.shield(self._fetching)
            found = self._keys.get(kid)
        return found

    async def refresh(self) -> bool:
        """Fetch the keys now, and return whether any is known."""
        await self._fetch()
        return bool(self._keys)

    def _may_fetch(self) -> bool:
        if self._fetching is not None and not self._fetching.done():
            return False
        return self._attempted is None or abs(self.now() - self._attempted) >= MIN_INTERVAL

    async def _fetch(self) -> None:
        self._attempted = self.now()
        try:
            async with asyncio.timeout(TIMEOUT):
                metadata = await self._get(self.openid_url)
                found = _parse(await self._get(_keys_url(metadata)))
        except (*BROKEN, ValueError) as error:
            log.failed("keys", type(error).__name__)
            return
        if found:
            self._keys, self._fetched = found, self.now()

    async def _get(self, url: str) -> Any:
        status, _, body = await self.http.request("GET", url)
        if status != HTTPStatus.OK:
            raise ValueError("the key server did not answer with 200")
        return json.loads(body)


def _keys_url(metadata: Any) -> str:
    address = metadata.get("jwks_uri") if isinstance(metadata, dict) else None
    if isinstance(address, str):
        return address
    raise ValueError("the metadata names no keys")


def _parse(found: Any) -> dict[str, SigningKey]:
    listed = found.get("keys") if isinstance(found, dict) else None
    keys: dict[str, SigningKey] = {}
    for entry in listed if isinstance(listed, list) else ():
        kid = entry.get("kid") if isinstance(entry, dict) else None
        if not isinstance(kid, str) or entry.get("kty") != "RSA":
            continue
        endorsed = entry.get("endorsements")
        names = frozenset(e for e in endorsed if isinstance(e, str)) if isinstance(endorsed, list) else frozenset()
        try:
            keys[kid] = SigningKey(jwt.PyJWK(entry, algorithm="RS256").key, names)
        except jwt.PyJWTError as error:
            log.failed("key", type(error).__name__)
    return keys
