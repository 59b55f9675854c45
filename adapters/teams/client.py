"""Microsoft's connector: posts, edits and deletes messages, opens chats and looks up members, over one session.

Nothing is retried below the outbox but one thing: a token that is not accepted is renewed once. No redirect is
followed, and only allowed hosts are sent our token.

https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-api-reference
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

import aiohttp

from adapters.base import AccessRevoked, OutcomeUnknown, RetryLater
from adapters.http_session import AFTER_REPAIR, BROKEN, HttpSession, connection_failure
from adapters.payload import json_object
from adapters.rate_limit import CHAT, Rates
from adapters.teams import errors, log
from adapters.teams.allowed_hosts import AllowedHosts
from adapters.teams.identity.access_token import AccessTokens
from adapters.teams.references import MessageReference, PersonalChat
from adapters.teams.refusals import Refusals

RATES: Final[Rates] = {"send": (1 / 25, 25), CHAT: (1 / 7, 7)}
"""Thirty calls a second in a tenant and seven in a chat, with a little air.

https://learn.microsoft.com/microsoftteams/platform/bots/how-to/rate-limit
"""

TIMEOUT: Final = aiohttp.ClientTimeout(total=12, connect=5)
CONNECTIONS: Final = 20


@dataclass(slots=True)
class TeamsClient:
    """Calls the connector as the bot.

    Every method raises NotFound, Unreachable, Rejected, AccessRevoked, RetryLater or OutcomeUnknown.

    Args:
        http: The session to call over.
        tokens: The bot's access tokens.
        hosts: The hosts that may be sent them.
        tenants: The tenants that the bot serves.
        now: Tells the time.
    """

    http: HttpSession
    tokens: AccessTokens
    hosts: AllowedHosts
    tenants: Sequence[str] = field(repr=False)
    now: Callable[[], datetime]
    refusals: Refusals = field(init=False)

    def __post_init__(self) -> None:
        self.refusals = Refusals(self.now)

    async def post(self, chat: PersonalChat, activity: Mapping[str, Any]) -> MessageReference:
        """Post a message in a chat."""
        answer = await self._call("POST", chat.service, f"{_chat(chat.chat)}/activities", chat.tenant, activity)
        return MessageReference(chat.service, chat.chat, chat.tenant, _id(answer))

    async def put(self, message: MessageReference, activity: Mapping[str, Any]) -> None:
        """Replace a message."""
        await self._call("PUT", message.service, _message(message), message.tenant, activity)

    async def delete(self, message: MessageReference) -> None:
        """Delete a message."""
        await self._call("DELETE", message.service, _message(message), message.tenant)

    async def open(self, service: str, tenant: str, member: str, bot: str) -> PersonalChat:
        """Open the chat with a person, who is named by their id in the directory. Idempotent."""
        wanted = {
            "bot": {"id": bot},
            "isGroup": False,
            "members": [{"id": member}],
            "tenantId": tenant,
            "channelData": {"tenant": {"id": tenant}},
        }
        answer = await self._call("POST", service, "v3/conversations", tenant, wanted)
        return PersonalChat(service, _id(answer), tenant, member)

    async def member(self, chat: PersonalChat, person: str) -> Mapping[str, Any]:
        """Look up a person in the chat's roster."""
        path = f"{_chat(chat.chat)}/members/{quote(person, safe='')}"
        return await self._call("GET", chat.service, path, chat.tenant)

    async def is_accepted(self, *, besides: str = "") -> bool:
        """Return whether some tenant, besides this one, gives us a token and was not lately seen to refuse it."""
        for tenant in self.tenants:
            if tenant != besides and not self.refusals.refuses(tenant):
                with suppress(AccessRevoked, RetryLater):
                    await self.tokens.renew(tenant)
                    return True
        return False

    async def _call(
        self, method: str, service: str, path: str, tenant: str, body: Mapping[str, Any] | None = None
    ) -> Mapping[str, Any]:
        """Call once. What one tenant refuses is no refusal of the others: then the platform is not shut."""
        try:
            return await self._call_as_bot(method, service, path, tenant, body)
        except AccessRevoked:
            if await self.is_accepted(besides=tenant):
                raise RetryLater from None
            raise

    async def _call_as_bot(
        self, method: str, service: str, path: str, tenant: str, body: Mapping[str, Any] | None
    ) -> Mapping[str, Any]:
        if not self.hosts.allows(service):
            log.failed("connector", "host-not-on-the-list")
            raise RetryLater(AFTER_REPAIR)
        url = f"{service.rstrip('/')}/{path}"
        token = await self.tokens.get(tenant)
        status, headers, answer = await self._send(method, url, token, body)
        if status == HTTPStatus.UNAUTHORIZED:
            self.tokens.drop(tenant, token)
            status, headers, answer = await self._send(method, url, await self.tokens.get(tenant), body)
        if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            self.refusals.accepted(tenant)
            return json_object(answer)
        log.failed(method.lower(), errors.kind(status, answer))
        found = errors.classify(status, headers, answer, self.now())
        raise self.refusals.refused(tenant) if isinstance(found, AccessRevoked) else found

    async def _send(
        self, method: str, url: str, token: str, body: Mapping[str, Any] | None
    ) -> tuple[int, Mapping[str, str], bytes]:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json; charset=utf-8"}
        data = None if body is None else json.dumps(body, ensure_ascii=False).encode()  # Teams counts bytes
        try:
            return await self.http.request(method, url, headers=headers, data=data)
        except BROKEN as error:
            log.failed(method.lower(), type(error).__name__)
            raise connection_failure(error) from None


def _chat(chat: str) -> str:
    return f"v3/conversations/{quote(chat, safe='')}"


def _message(message: MessageReference) -> str:
    return f"{_chat(message.chat)}/activities/{quote(message.message, safe='')}"


def _id(answer: Mapping[str, Any]) -> str:
    """Return the id of what was made. Without one it was perhaps made, and cannot be found again."""
    found = answer.get("id")
    if not isinstance(found, str) or not found:
        raise OutcomeUnknown
    return found
