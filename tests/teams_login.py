"""Microsoft's login on the loopback: the keys by which a bot knows Microsoft, and the tokens it is known by."""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from teams_server import Body, Route, Server

SCOPE = "https://api.botframework.com/.default"
TENANT = "6d1f0a52-3c84-4b7e-9a0d-5e2b7c9f1a30"
CLIENT_ID = "b4e7d2c1-58a9-4f36-8d0b-2a6c9e1f7053"


@dataclass(frozen=True)
class Key:
    """One of Microsoft's signing keys, and for which channels it speaks."""

    private: rsa.RSAPrivateKey = field(repr=False)
    kid: str
    endorsements: tuple[str, ...]

    @property
    def pem(self) -> bytes:
        """The public half, as everybody can have it."""
        return self.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    @property
    def x5t(self) -> str:
        return _base64(hashlib.sha256(self.pem).digest()[:20])

    def published(self) -> dict[str, Any]:
        public = jwt.algorithms.RSAAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        del public["key_ops"]
        return public | {"use": "sig", "kid": self.kid, "x5t": self.x5t, "endorsements": list(self.endorsements)}


@cache
def _rsa(number: int) -> rsa.RSAPrivateKey:
    """Making one takes a while, so all tests share them."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Login(Server):
    """OpenID metadata, signing keys, and the token endpoint."""

    def __init__(
        self,
        *,
        tenant: str = TENANT,
        client_id: str = CLIENT_ID,
        client_secret: str = "stand-in-client-secret",  # noqa: S107
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        super().__init__()
        self.tenant, self.client_id, self.client_secret, self.now = tenant, client_id, client_secret, now
        self.lives = 3600  # seconds for which a token to the bot is good
        self.keys: list[Key] = []  # those that are published
        self.stranger = Key(_rsa(0), "key-0", ("msteams",))  # one that never is
        self._generations = itertools.count(1)
        self._granted: dict[str, float] = {}  # tokens given to the bot → until when, in seconds
        self.rotates()

    def routes(self) -> list[Route]:
        return [
            *super().routes(),
            Route("openid", "GET", "/v1/.well-known/openidconfiguration", self._openid),
            Route("keys", "GET", "/v1/.well-known/keys", self._keys),
            Route("token", "POST", "/{tenant}/oauth2/v2.0/token", self._token),
        ]

    @property
    def issuer(self) -> str:
        return self.url

    @property
    def service_url(self) -> str:
        return f"{self.url}/amer/"

    def settings(self) -> dict[str, str]:
        """The environment in which a bot takes this for Microsoft."""
        return {
            "TEAMS_CLIENT_ID": self.client_id,
            "TEAMS_CLIENT_SECRET": self.client_secret,
            "TEAMS_TENANT_ID": self.tenant,
            "TEAMS_OPENID_URL": f"{self.url}/v1/.well-known/openidconfiguration",
            "TEAMS_ISSUER": self.issuer,
            "TEAMS_TOKEN_URL": f"{self.url}/{{tenant}}/oauth2/v2.0/token",
            "TEAMS_SERVICE_HOSTS": self.url,
        }

    # ------------------------------------------------------------ keys

    def rotates(self, endorsements: Iterable[str] = ("msteams",)) -> Key:
        """A new key signs from here on; those before it are published no more."""
        number = next(self._generations)
        self.keys[:] = [Key(_rsa(number), f"key-{number}", tuple(endorsements))]
        return self.keys[0]

    def token(
        self, *, alg: str = "RS256", key: Key | None = None, headers: Mapping[str, Any] | None = None, **claims: Any
    ) -> str:
        """A token as Microsoft sends to the bot. A claim or header that is None is left out.

        `alg` "none" signs nothing, and "HS256" signs with what everybody knows: the public key.
        """
        signer, now = key or self.keys[0], int(self.now().timestamp())
        usual = {"iss": self.issuer, "aud": self.client_id, "nbf": now, "exp": now + 3600}
        payload = _without_none(usual | {"serviceurl": self.service_url} | claims)
        header = _without_none({"kid": signer.kid, "x5t": signer.x5t} | dict(headers or {}))
        if alg == "HS256":  # PyJWT is too careful to do this
            signed = f"{_piece(header | {'alg': alg, 'typ': 'JWT'})}.{_piece(payload)}"
            return f"{signed}.{_base64(hmac.digest(signer.pem, signed.encode(), 'sha256'))}"
        return jwt.encode(payload, None if alg == "none" else signer.private, algorithm=alg, headers=header)

    def wrong_tokens(self) -> dict[str, str]:
        """Every kind of token that must not get in, by what is wrong with it. Having none is `post(signed=False)`."""
        now, mine = int(self.now().timestamp()), self.keys[0]
        head, payload, signature = self.token().split(".")
        return {
            "garbage": "garbage",
            "three pieces of garbage": "a.b.c",
            "bytes outside ASCII": "ü.ü.ü",
            "another issuer": self.token(iss="https://issuer.example"),
            "a longer issuer": self.token(iss=self.issuer + "/"),
            "no issuer": self.token(iss=None),
            "another audience": self.token(aud="another-app"),
            "no audience": self.token(aud=None),
            "HS256 with the public key": self.token(alg="HS256"),
            "no algorithm": self.token(alg="none"),
            "no signature": f"{head}.{payload}.",
            "another payload": f"{head}.{_piece({'aud': self.client_id, 'exp': now + 60})}.{signature}",
            "another key's signature": self.token(key=self.stranger, headers={"kid": mine.kid, "x5t": mine.x5t}),
            "an unknown kid": self.token(key=self.stranger),
            "no kid": self.token(headers={"kid": None}),
            "expired": self.token(nbf=now - 7200, exp=now - 600),
            "no exp": self.token(exp=None),
            "not valid yet": self.token(nbf=now + 600),
            "another service URL": self.token(serviceurl="https://service.example/amer/"),
            "no service URL": self.token(serviceurl=None),
        }

    def _openid(self, request: web.Request, _: Body) -> web.Response:
        return web.json_response(
            {
                "issuer": self.issuer,
                "jwks_uri": f"{self.url}/v1/.well-known/keys",
                "id_token_signing_alg_values_supported": ["RS256"],
            }
        )

    def _keys(self, request: web.Request, _: Body) -> web.Response:
        return web.json_response({"keys": [key.published() for key in self.keys]})

    # ------------------------------------------------------------ tokens

    @property
    def tokens(self) -> int:
        """How many were given."""
        return len(self._granted)

    def revokes(self) -> None:
        """No token that the bot holds is good any longer, whatever it was told."""
        self._granted = dict.fromkeys(self._granted, 0.0)

    def grants(self, request: web.Request) -> bool:
        """Whether a call carries a token that was given here and has not run out."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        return scheme == "Bearer" and self.now().timestamp() < self._granted.get(token, 0.0)

    def _token(self, request: web.Request, form: Body) -> web.Response:
        if request.match_info["tenant"] != self.tenant:
            return _no(400, "invalid_request", "AADSTS90002: Tenant not found.")
        if form.get("grant_type") != "client_credentials":
            return _no(400, "unsupported_grant_type", "AADSTS70003: The app requested an unsupported grant type.")
        if form.get("scope") != SCOPE:
            return _no(400, "invalid_scope", "AADSTS70011: The provided value for scope is not valid.")
        if form.get("client_id") != self.client_id:
            return _no(400, "unauthorized_client", "AADSTS700016: Application was not found in the directory.")
        if form.get("client_secret") != self.client_secret:
            return _no(401, "invalid_client", "AADSTS7000215: Invalid client secret provided.")
        token = f"stand-in-{len(self._granted)}.{hashlib.sha256(self.url.encode()).hexdigest()}"
        self._granted[token] = self.now().timestamp() + self.lives
        lives = {"expires_in": self.lives, "ext_expires_in": self.lives}
        return web.json_response({"token_type": "Bearer", "access_token": token} | lives)


def _no(status: int, error: str, description: str) -> web.Response:
    return web.json_response({"error": error, "error_description": description}, status=status)


def _piece(of_a_token: Mapping[str, Any]) -> str:
    return _base64(json.dumps(of_a_token).encode())


def _base64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def _without_none(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
