"""The fake Microsoft login: the keys by which a bot knows Microsoft, and the tokens it is known by.

https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-authentication
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from http import HTTPStatus
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from adapters.fakes.base import Answer
from adapters.fakes.screens import Json

SCOPE: Final = "https://api.botframework.com/.default"
_SIGNED_FOR = 3600  # seconds


@dataclass(frozen=True, slots=True)
class MicrosoftKey:
    """One of Microsoft's signing keys, and for which channels it speaks."""

    private: rsa.RSAPrivateKey = field(repr=False)
    kid: str
    endorsements: tuple[str, ...]

    @property
    def pem(self) -> bytes:
        """The public half."""
        return self.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    @property
    def x5t(self) -> str:
        """What stands for the thumbprint of a certificate."""
        return _base64(hashlib.sha256(self.pem).digest()[:20])

    def published(self) -> Json:
        """The key as it stands among Microsoft's published keys."""
        public: Json = jwt.algorithms.RSAAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        public.pop("key_ops", None)
        return public | {"use": "sig", "kid": self.kid, "x5t": self.x5t, "endorsements": list(self.endorsements)}


@cache
def _rsa(_: int) -> rsa.RSAPrivateKey:
    """The key with this number. Making one takes a while, so each is made once in a process; none is written down."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class MicrosoftLogin:
    """OpenID metadata, signing keys, and the token endpoint.

    scope    what a token has to be asked for; each of Microsoft's clouds has its own
    lives    seconds for which a token of the bot is good
    keys     the keys that are published
    granted  the tokens that the bot was given, and until when each is good, in seconds since the epoch
    """

    def __init__(self, tenant: str, client_id: str, client_secret: str, url: Callable[[], str]) -> None:
        self.tenant, self.client_id, self.client_secret = tenant, client_id, client_secret
        self.scope = SCOPE
        self.lives = 3600
        self.keys: list[MicrosoftKey] = []
        self.granted: dict[str, float] = {}
        self._url = url
        self._generations = itertools.count(1)
        self.rotates()

    @property
    def issuer(self) -> str:
        """Who signs."""
        return self._url()

    @property
    def service_url(self) -> str:
        """Where the connector of this tenant's region is."""
        return f"{self._url()}/amer/"

    @property
    def stranger(self) -> MicrosoftKey:
        """A key that is never published."""
        return MicrosoftKey(_rsa(0), "key-0", ("msteams",))

    def settings(self) -> dict[str, str]:
        """The environment in which a bot takes this for Microsoft."""
        return {
            "TEAMS_CLIENT_ID": self.client_id,
            "TEAMS_CLIENT_SECRET": self.client_secret,
            "TEAMS_TENANT_ID": self.tenant,
            "TEAMS_OPENID_URL": f"{self._url()}/v1/.well-known/openidconfiguration",
            "TEAMS_ISSUER": self.issuer,
            "TEAMS_TOKEN_URL": f"{self._url()}/{{tenant}}/oauth2/v2.0/token",
            "TEAMS_SERVICE_HOSTS": self._url(),
        }

    # ------------------------------------------------------------ how the bot knows Microsoft

    def rotates(self, endorsements: Iterable[str] = ("msteams",)) -> MicrosoftKey:
        """Sign with a new key from here on; those before it are published no more."""
        number = next(self._generations)
        self.keys[:] = [MicrosoftKey(_rsa(number), f"key-{number}", tuple(endorsements))]
        return self.keys[0]

    def token(
        self,
        at: datetime,
        *,
        alg: str = "RS256",
        key: MicrosoftKey | None = None,
        headers: Mapping[str, Any] | None = None,
        **claims: Any,
    ) -> str:
        """A token as Microsoft sends it to the bot. A claim or header that is None is left out.

        `alg` "none" signs nothing, and "HS256" signs with what everybody knows: the public key.
        """
        signer, now = key or self.keys[0], int(at.timestamp())
        usual = {"iss": self.issuer, "aud": self.client_id, "nbf": now, "exp": now + _SIGNED_FOR}
        payload = _without_none(usual | {"serviceurl": self.service_url} | claims)
        header = _without_none({"kid": signer.kid, "x5t": signer.x5t} | dict(headers or {}))
        if alg == "HS256":  # PyJWT is too careful to do this
            signed = f"{_piece(header | {'alg': alg, 'typ': 'JWT'})}.{_piece(payload)}"
            return f"{signed}.{_base64(hmac.digest(signer.pem, signed.encode(), 'sha256'))}"
        secret: Any = None if alg == "none" else signer.private
        return jwt.encode(payload, secret, algorithm=alg, headers=header)

    def wrong_tokens(self, at: datetime) -> dict[str, str]:
        """Every kind of token that must not get in, by what is wrong with it. Having none is another."""
        now, mine = int(at.timestamp()), self.keys[0]

        def token(**claims: Any) -> str:
            return self.token(at, **claims)

        head, payload, signature = token().split(".")
        return {
            "garbage": "garbage",
            "three pieces of garbage": "a.b.c",
            "bytes outside ASCII": "ü.ü.ü",
            "another issuer": token(iss="https://issuer.example"),
            "a longer issuer": token(iss=self.issuer + "/"),
            "no issuer": token(iss=None),
            "another audience": token(aud="another-app"),
            "no audience": token(aud=None),
            "HS256 with the public key": token(alg="HS256"),
            "no algorithm": token(alg="none"),
            "no signature": f"{head}.{payload}.",
            "another payload": f"{head}.{_piece({'aud': self.client_id, 'exp': now + 60})}.{signature}",
            "another key's signature": token(key=self.stranger, headers={"kid": mine.kid, "x5t": mine.x5t}),
            "an unknown kid": token(key=self.stranger),
            "no kid": token(headers={"kid": None}),
            "expired": token(nbf=now - 7200, exp=now - 600),
            "no exp": token(exp=None),
            "not valid yet": token(nbf=now + 600),
            "another service URL": token(serviceurl="https://service.example/amer/"),
            "no service URL": token(serviceurl=None),
        }

    def openid(self) -> Answer:
        """The metadata document, which says where the keys are."""
        found = {"issuer": self.issuer, "jwks_uri": f"{self._url()}/v1/.well-known/keys"}
        return Answer(body=found | {"id_token_signing_alg_values_supported": ["RS256"]})

    def published_keys(self) -> Answer:
        """The keys that sign at present."""
        return Answer(body={"keys": [key.published() for key in self.keys]})

    # ------------------------------------------------------------ how Microsoft knows the bot

    @property
    def tokens(self) -> int:
        """How many tokens were given."""
        return len(self.granted)

    def revokes(self) -> None:
        """Let no token that the bot holds be good any longer, although it was told otherwise."""
        self.granted = dict.fromkeys(self.granted, 0.0)

    def admits(self, token: str, at: datetime) -> bool:
        """Whether this token was given here and is still good."""
        return at.timestamp() < self.granted.get(token, 0.0)

    def grant(self, tenant: str, form: Json, at: datetime) -> Answer:
        """Answer a request for a token.

        https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
        """
        if tenant != self.tenant:
            return _no("invalid_request", "AADSTS90002: Tenant not found.")
        if form.get("grant_type") != "client_credentials":
            return _no("unsupported_grant_type", "AADSTS70003: The app requested an unsupported grant type.")
        if form.get("scope") != self.scope:
            return _no("invalid_scope", "AADSTS70011: The provided value for scope is not valid.")
        if form.get("client_id") != self.client_id:
            return _no("unauthorized_client", "AADSTS700016: Application was not found in the directory.")
        if form.get("client_secret") != self.client_secret:
            wrong = "AADSTS7000215: Invalid client secret provided."
            return _no("invalid_client", wrong, HTTPStatus.UNAUTHORIZED)
        token = f"stand-in-{len(self.granted)}.{hashlib.sha256(self._url().encode()).hexdigest()}"
        self.granted[token] = at.timestamp() + self.lives
        lives = {"expires_in": self.lives, "ext_expires_in": self.lives}
        return Answer(body={"token_type": "Bearer", "access_token": token} | lives)


def _no(error: str, description: str, status: int = HTTPStatus.BAD_REQUEST) -> Answer:
    return Answer(status, {"error": error, "error_description": description})


def _piece(of_a_token: Mapping[str, Any]) -> str:
    return _base64(json.dumps(of_a_token).encode())


def _base64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def _without_none(values: Mapping[str, Any]) -> Json:
    return {name: value for name, value in values.items() if value is not None}
