"""Verifies that a request is Microsoft's, and that its token was made for the activity it carries.

There is no switch that turns any of it off.

https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-authentication#connector-to-bot
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import jwt
from jwt.types import Options

from adapters.teams.allowed_hosts import AllowedHosts
from adapters.teams.identity.signing_keys import SigningKey, SigningKeys

SKEW: Final = 300
"""How far Microsoft's clock may be from ours, in seconds, either way."""

CHANNEL: Final = "msteams"

_LONGEST_HEADER = 8192  # characters; Microsoft's have about a thousand
_OPTIONS: Final[Options] = {
    "require": ["exp", "iss", "aud"],
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
}


@dataclass(frozen=True, slots=True)
class VerifiedToken:
    """What a verified token says: the service it was made for, and the channels its key may sign for."""

    service: str = field(repr=False)
    endorsements: frozenset[str]


@dataclass(frozen=True, slots=True)
class TokenVerifier:
    """Verifies the bearer tokens of requests.

    Args:
        client_id: The bot's application id, which a token must name as its audience.
        issuer: Who must have issued it.
        tenants: The tenants that are let in.
        keys: Microsoft's signing keys.
        hosts: The hosts that a service URL may name.
        now: Tells the time.
    """

    client_id: str
    issuer: str
    tenants: frozenset[str] = field(repr=False)
    keys: SigningKeys
    hosts: AllowedHosts
    now: Callable[[], datetime]

    async def verify(self, authorization: str) -> VerifiedToken | None:
        """Return what the token of an Authorization header says; None if it is forged, not for us, or out of time."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or len(authorization) > _LONGEST_HEADER:
            return None
        key = await self._key(token)
        claims = self._claims(token, key) if key else None
        if key is None or claims is None or not self._in_time(claims):
            return None
        service = claims.get("serviceurl", claims.get("serviceUrl"))
        return VerifiedToken(service.rstrip("/"), key.endorsements) if isinstance(service, str) else None

    async def _key(self, token: str) -> SigningKey | None:
        try:
            header = jwt.get_unverified_header(token)
        except (jwt.PyJWTError, ValueError, RecursionError):  # bytes that are no text, lists in lists in lists
            return None
        kid = header.get("kid")
        return await self.keys.key(kid) if header.get("alg") == "RS256" and isinstance(kid, str) else None

    def _claims(self, token: str, key: SigningKey) -> Mapping[str, Any] | None:
        """Verify signature, issuer and audience. The times are compared with our own clock."""
        try:
            found: Mapping[str, Any] = jwt.decode(
                token, key.public, ["RS256"], _OPTIONS, audience=self.client_id, issuer=self.issuer
            )
        except (jwt.PyJWTError, ValueError, TypeError):
            return None
        return found

    def _in_time(self, claims: Mapping[str, Any]) -> bool:
        now = self.now().timestamp()
        ends, begins = claims.get("exp"), claims.get("nbf", 0)
        if not isinstance(ends, int | float) or not isinstance(begins, int | float):
            return False
        return begins - SKEW <= now <= ends + SKEW

    def covers(self, token: VerifiedToken, activity: Mapping[str, Any]) -> bool:
        """Return whether the token was made for this activity, and the activity comes from a tenant that is let in."""
        service = activity.get("serviceUrl")
        return (
            isinstance(service, str)
            and service.rstrip("/") == token.service
            and self.hosts.allows(service)
            and activity.get("channelId") == CHANNEL
            and CHANNEL in token.endorsements
            and self._is_from_a_tenant(activity)
        )

    def _is_from_a_tenant(self, activity: Mapping[str, Any]) -> bool:
        """Return whether the activity names a tenant, and every one it names is let in."""
        named = (_in(activity, "channelData", "tenant", "id"), _in(activity, "conversation", "tenantId"))
        tenants = [tenant.lower() if isinstance(tenant, str) else "" for tenant in named if tenant is not None]
        return bool(tenants) and self.tenants.issuperset(tenants)


def looks_signed(authorization: str) -> bool:
    """Return whether an Authorization header has the form of Microsoft's, whoever sent it."""
    return re.fullmatch(r"(?i:bearer) eyJ[\w-]+\.eyJ[\w-]+\.[\w-]+", authorization) is not None


def _in(found: Any, *names: str) -> Any:
    for name in names:
        found = found.get(name) if isinstance(found, dict) else None
    return found
