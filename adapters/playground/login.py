"""A pretend login of Microsoft's: the key by which a bot knows Microsoft, and the token it is known by there."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from functools import cache
from http import HTTPStatus
from typing import Any

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa

_KEY_ID = "pretend-1"
_LIVES = timedelta(days=3650)  # whoever pushes the clock by a month is not asked to sign in again


@cache
def _key() -> rsa.RSAPrivateKey:
    """Made once in a process, and never written down."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Login:
    """Signs what it sends to the bot, and gives the bot a token to answer with."""

    def __init__(self, url: str, tenant: str, client_id: str) -> None:
        self._url, self._tenant, self._client_id = url, tenant, client_id
        self._secret, self._token = secrets.token_hex(16), secrets.token_hex(32)

    def settings(self) -> dict[str, str]:
        """The environment in which a bot takes this for Microsoft's login."""
        return {
            "TEAMS_CLIENT_ID": self._client_id,
            "TEAMS_CLIENT_SECRET": self._secret,
            "TEAMS_TENANT_ID": self._tenant,
            "TEAMS_OPENID_URL": f"{self._url}/pretend/login/openid",
            "TEAMS_ISSUER": self._url,
            "TEAMS_TOKEN_URL": f"{self._url}/pretend/login/{{tenant}}/token",
            "TEAMS_SERVICE_HOSTS": self._url,
        }

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/pretend/login/openid", self._openid),
            web.get("/pretend/login/keys", self._keys),
            web.post("/pretend/login/{tenant}/token", self._grant),
        ]

    def signs(self, service_url: str, now: datetime) -> str:
        """A token as Microsoft sends it to the bot."""
        claims = {"iss": self._url, "aud": self._client_id, "serviceurl": service_url, "nbf": now, "exp": now + _LIVES}
        return jwt.encode(claims, _key(), algorithm="RS256", headers={"kid": _KEY_ID})

    def admits(self, request: web.Request) -> bool:
        """Whether a call of the bot carries the token it was given."""
        return request.headers.get("Authorization") == f"Bearer {self._token}"

    async def _openid(self, _: web.Request) -> web.Response:
        keys = f"{self._url}/pretend/login/keys"
        algorithms = {"id_token_signing_alg_values_supported": ["RS256"]}
        return web.json_response({"issuer": self._url, "jwks_uri": keys} | algorithms)

    async def _keys(self, _: web.Request) -> web.Response:
        public: dict[str, Any] = jwt.algorithms.RSAAlgorithm.to_jwk(_key().public_key(), as_dict=True)
        public.pop("key_ops", None)
        return web.json_response({"keys": [public | {"use": "sig", "kid": _KEY_ID, "endorsements": ["msteams"]}]})

    async def _grant(self, request: web.Request) -> web.Response:
        form = await request.post()
        if form.get("client_secret") != self._secret or request.match_info["tenant"] != self._tenant:
            return web.json_response({"error": "invalid_client"}, status=HTTPStatus.UNAUTHORIZED)
        lives = {"expires_in": int(_LIVES.total_seconds())}
        return web.json_response({"token_type": "Bearer", "access_token": self._token} | lives)
