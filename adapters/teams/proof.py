"""Is this request Microsoft's, and about the activity it carries? There is no switch that turns any of it off.

https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-authentication
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import jwt

from adapters.teams.hosts import Hosts
from adapters.teams.keys import Key, Keys

SKEW: Final = 300  # seconds, either way
CHANNEL: Final = "msteams"

_LONGEST = 8192  # characters of a header; Microsoft's have about a thousand


@dataclass(frozen=True, slots=True)
class Claims:
    """What a genuine token says."""

    service: str = field(repr=False)
    endorsements: frozenset[str]


@dataclass(frozen=True, slots=True)
class Proof:
    """Everything a request is measured by."""

    client_id: str
    issuer: str
    tenants: frozenset[str] = field(repr=False)
    keys: Keys
    hosts: Hosts
    now: Callable[[], datetime]

    async def claims(self, authorization: str) -> Claims | None:
        """What the token of this header says, or None where it is not genuine, not for us, or not of this hour."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or len(authorization) > _LONGEST:
            return None
        key = await self._key(token)
        said = self._verified(token, key) if key else None
        if key is None or said is None or not self._in_time(said):
            return None
        service = said.get("serviceurl", said.get("serviceUrl"))
        return Claims(service.rstrip("/"), key.endorsements) if isinstance(service, str) else None

    async def _key(self, token: str) -> Key | None:
        try:
            header = jwt.get_unverified_header(token)
        except (jwt.PyJWTError, ValueError, RecursionError):  # bytes that are no text, lists in lists in lists
            return None
        kid = header.get("kid")
        return await self.keys.key(kid) if header.get("alg") == "RS256" and isinstance(kid, str) else None

    def _verified(self, token: str, key: Key) -> Mapping[str, Any] | None:
        """Signature, issuer, audience; the times are ours to judge, by our own clock."""
        try:
            found: Mapping[str, Any] = jwt.decode(
                token,
                key.public,
                algorithms=["RS256"],
                audience=self.client_id,
                issuer=self.issuer,
                options={
                    "require": ["exp", "iss", "aud"],
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                },
            )
        except (jwt.PyJWTError, ValueError, TypeError):
            return None
        return found

    def _in_time(self, said: Mapping[str, Any]) -> bool:
        now = self.now().timestamp()
        ends, begins = said.get("exp"), said.get("nbf", 0)
        if not isinstance(ends, int | float) or not isinstance(begins, int | float):
            return False
        return begins - SKEW <= now <= ends + SKEW

    def covers(self, claims: Claims, activity: Mapping[str, Any]) -> bool:
        """Whether this activity is the one the token was made for, from a tenant that may use us."""
        service = activity.get("serviceUrl")
        return (
            isinstance(service, str)
            and service.rstrip("/") == claims.service
            and self.hosts.trusts(service)
            and activity.get("channelId") == CHANNEL
            and CHANNEL in claims.endorsements
            and self._at_home(activity)
        )

    def _at_home(self, activity: Mapping[str, Any]) -> bool:
        """Every tenant it names is one of ours, and it names one."""
        named = (_in(activity, "channelData", "tenant", "id"), _in(activity, "conversation", "tenantId"))
        tenants = [tenant.lower() if isinstance(tenant, str) else "" for tenant in named if tenant is not None]
        return bool(tenants) and self.tenants.issuperset(tenants)


def _in(found: Any, *names: str) -> Any:
    for name in names:
        found = found.get(name) if isinstance(found, dict) else None
    return found
