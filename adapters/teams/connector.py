"""Microsoft's connector, over one session: post, change and delete a message, open a chat, ask who somebody is.

No retries below us, but one: a token that is not taken is changed once. What may have happened is said (`Unclear`) and
settled by whoever keeps the queue. No redirect is followed, and no host hears our token that is not on the list.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

import aiohttp

from adapters.base import Stopped, TryLater, Unclear
from adapters.teams import errors, quiet
from adapters.teams.hosts import Hosts
from adapters.teams.places import Place, Reach
from adapters.teams.tokens import Tokens

TIMEOUT: Final = aiohttp.ClientTimeout(total=12, connect=5)
CONNECTIONS: Final = 20

_MOST = 512 * 1024  # bytes of an answer
_AFTER_REPAIR = timedelta(minutes=15)


@dataclass(slots=True)
class Line:
    """One session for everything we ask of Microsoft."""

    proxy: str | None = field(repr=False)
    tls: ssl.SSLContext
    _session: aiohttp.ClientSession | None = None

    def open(self) -> None:
        if self._session is None:
            pool = aiohttp.TCPConnector(limit=CONNECTIONS, limit_per_host=CONNECTIONS)
            self._session = aiohttp.ClientSession(timeout=TIMEOUT, connector=pool, trust_env=False)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
        self._session = None

    async def ask(self, method: str, url: str, **args: Any) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers and body. Raises aiohttp.ClientError, TimeoutError or OSError."""
        if self._session is None:
            raise aiohttp.ClientConnectionError
        how: Any = {"ssl": self.tls, "proxy": self.proxy, "allow_redirects": False}
        async with self._session.request(method, url, **how, **args) as answer:
            return answer.status, answer.headers, await _whole(answer.content)

    async def json(self, url: str) -> Any:
        """What stands at a public address. Raises as `ask` does, and ValueError."""
        status, _, body = await self.ask("GET", url)
        if status != HTTPStatus.OK:
            raise ValueError("not to be had")
        return json.loads(body)


@dataclass(slots=True)
class Connector:
    """Speaks for our bot. Every method raises what `_call` does."""

    line: Line
    tokens: Tokens
    hosts: Hosts
    now: Callable[[], datetime]

    async def post(self, reach: Reach, activity: Mapping[str, Any]) -> Place:
        """Say something in a chat."""
        said = await self._call("POST", reach.service, f"{_chat(reach.chat)}/activities", reach.tenant, activity)
        return Place(reach.service, reach.chat, reach.tenant, _id(said))

    async def put(self, place: Place, activity: Mapping[str, Any]) -> None:
        """Say something else where this stands."""
        await self._call("PUT", place.service, _message(place), place.tenant, activity)

    async def delete(self, place: Place) -> None:
        await self._call("DELETE", place.service, _message(place), place.tenant)

    async def open(self, service: str, tenant: str, member: str, bot: str) -> Reach:
        """The chat with somebody, made where there was none; made twice it is the same."""
        wanted = {
            "bot": {"id": bot},
            "isGroup": False,
            "members": [{"id": member}],
            "tenantId": tenant,
            "channelData": {"tenant": {"id": tenant}},
        }
        said = await self._call("POST", service, "v3/conversations", tenant, wanted)
        return Reach(service, _id(said), tenant, member)

    async def member(self, reach: Reach, who: str) -> Mapping[str, Any]:
        """Who this is, as the chat's roster knows them."""
        path = f"{_chat(reach.chat)}/members/{quote(who, safe='')}"
        return await self._call("GET", reach.service, path, reach.tenant)

    async def _call(
        self, method: str, service: str, path: str, tenant: str, body: Mapping[str, Any] | None = None
    ) -> Mapping[str, Any]:
        """One request, one answer. Raises NotThere, Unreachable, Broken, Stopped, TryLater or Unclear."""
        if not self.hosts.trusts(service):
            quiet.failed("connector", "host-not-on-the-list")
            raise TryLater(_AFTER_REPAIR)
        url = f"{service.rstrip('/')}/{path}"
        token = await self.tokens.get(tenant)
        status, headers, said = await self._once(method, url, token, body)
        if status == HTTPStatus.UNAUTHORIZED:
            self.tokens.drop(tenant, token)
            status, headers, said = await self._once(method, url, await self.tokens.get(tenant), body)
        if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            return _object(said)
        quiet.failed(method.lower(), errors.kind(status, said))
        raise errors.classify(status, headers, said, self.now())

    async def _once(
        self, method: str, url: str, token: str, body: Mapping[str, Any] | None
    ) -> tuple[int, Mapping[str, str], bytes]:
        head = {"Authorization": f"Bearer {token}", "Content-Type": "application/json; charset=utf-8"}
        said = None if body is None else json.dumps(body, ensure_ascii=False).encode()  # Teams counts bytes
        try:
            return await self.line.ask(method, url, headers=head, data=said)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.ClientHttpProxyError) as error:
            quiet.failed(method.lower(), type(error).__name__)
            raise errors.broken(sent=False) from None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            quiet.failed(method.lower(), type(error).__name__)
            raise errors.broken(sent=True) from None


async def _whole(content: aiohttp.StreamReader) -> bytes:
    """An answer comes in pieces: it is read to its end."""
    body = bytearray()
    async for piece in content.iter_any():
        body += piece
        if len(body) > _MOST:
            raise aiohttp.ClientPayloadError
    return bytes(body)


async def ask_for_token(line: Line, now: Callable[[], datetime], url: str, form: Mapping[str, str]) -> Any:
    """Post the form of a token request. Raises Stopped where our secret is not taken, else TryLater."""
    try:
        status, headers, body = await line.ask("POST", url, data=dict(form))
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        quiet.failed("token", type(error).__name__)
        raise TryLater from None
    said = _object(body)
    if status == HTTPStatus.OK and isinstance(said.get("access_token"), str):
        return said
    quiet.failed("token", f"http-{status}")
    if status in {HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        raise Stopped
    raise TryLater(errors.retry_after(headers, now()))


def _chat(chat: str) -> str:
    return f"v3/conversations/{quote(chat, safe='')}"


def _message(place: Place) -> str:
    return f"{_chat(place.chat)}/activities/{quote(place.message, safe='')}"


def _object(body: bytes) -> Mapping[str, Any]:
    """The object an answer holds; {} for none, and for what is not one."""
    try:
        found = json.loads(body) if body else {}
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _id(said: Mapping[str, Any]) -> str:
    """Of what was made. Without one it was perhaps made, and cannot be found again."""
    found = said.get("id")
    if not isinstance(found, str) or not found:
        raise Unclear
    return found
