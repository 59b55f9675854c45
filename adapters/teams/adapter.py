"""The Teams adapter: posts a card to a person, edits it, deletes it, and looks up who they are.

botbuilder's schema, turn and adapter classes are used as they are. What its stock classes do by blocking the loop, by
failing on a new key or by opening a connection for each message stands in `verify`, `client` and `identity`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, TypeVar

from botbuilder.core import BotAdapter, TurnContext
from botbuilder.schema import Activity, ConversationReference, ResourceResponse

from adapters.base import AccessRevoked, Address, Card, OutcomeUnknown, Profile, Ref, Rejected, RetryLater, Unreachable
from adapters.http_session import ConnectorFactory, HttpSession
from adapters.lru import LruCache
from adapters.rate_limit import RateLimiter
from adapters.teams import cards
from adapters.teams.allowed_hosts import AllowedHosts
from adapters.teams.client import CONNECTIONS, RATES, TIMEOUT, TeamsClient
from adapters.teams.errors import Busy, NotFound
from adapters.teams.identity.access_token import SCOPE, AccessTokens
from adapters.teams.identity.signing_keys import SigningKeys
from adapters.teams.parse import tenant_of
from adapters.teams.references import MessageReference, PersonalChat, parse_address, parse_ref
from adapters.teams.verify import TokenVerifier
from adapters.text import fit, name
from conversations.model import Person

OPENID: Final = "https://login.botframework.com/v1/.well-known/openidconfiguration"
ISSUER: Final = "https://api.botframework.com"
TOKEN: Final = "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token"  # noqa: S105  an address

_T = TypeVar("_T")

_SEND = "send"
QUICK = 1.0  # seconds for a question that is asked while a person waits
_PROFILE_MAX_AGE = timedelta(hours=1)
_LONGEST_BUSY = timedelta(seconds=5)  # for which one "busy" holds up every other call
_NAME = 80  # characters


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """What is remembered of a person in memory: their chat, profile, UPN, and when Teams last said who they are."""

    chat: PersonalChat | None = field(default=None, repr=False)
    profile: Profile = field(default=Profile(), repr=False)
    principal_name: str = field(default="", repr=False)  # by which others open a private chat with them
    asked: datetime | None = None


class TeamsAdapter(BotAdapter):  # type: ignore[misc]  # botbuilder ships no types
    """One bot in one hospital's tenants. `start` before anything else, `close` at the end.

    Args:
        client_id: The bot's application id.
        client_secret: Its client secret.
        tenants: The tenants that are let in.
        now: Tells the time.
        openid_url: Where Microsoft's signing keys are described.
        issuer: Who issues the tokens of requests.
        token_url: The token endpoint; `{tenant}` in it is replaced.
        scope: What the token is asked for.
        chat_url: The Teams that a link to a private chat leads to; ends with a slash.
        service_hosts: Further hosts that may be sent our token.
        proxy: The address of an HTTP proxy, or None.
        ca_file: A file of further certificate authorities.
        pace: The rate limits; `RATES` by default.
        connector: Makes the connection pool; see `HttpSession`.
        look_up_seconds: How long a question about a person may take while another person waits.
    """

    platform: Final = "teams"
    opens_forms: Final = False
    notifies_in_full: Final = False  # it shows a message's summary

    def __init__(
        self,
        client_id: str,
        client_secret: str,
        tenants: Sequence[str],
        *,
        now: Callable[[], datetime],
        openid_url: str = OPENID,
        issuer: str = ISSUER,
        token_url: str = TOKEN,
        scope: str = SCOPE,
        chat_url: str = cards.CHATS,
        service_hosts: Sequence[str] = (),
        proxy: str | None = None,
        ca_file: Path | None = None,
        pace: RateLimiter | None = None,
        connector: ConnectorFactory | None = None,
        look_up_seconds: float = QUICK,
    ) -> None:
        super().__init__()
        for setting, value in (("TEAMS_CLIENT_ID", client_id), ("TEAMS_CLIENT_SECRET", client_secret)):
            if not value.strip():
                raise ValueError(f"{setting} is empty: copy it from the bot's registration")
        if not tenants or not all(tenant.strip() for tenant in tenants):
            raise ValueError("TEAMS_TENANT_ID is empty: name the hospital's own tenant")
        client_id = client_id.strip()
        self.bot = f"28:{client_id}"  # the bot's id in Teams
        self.tenants = tuple(tenant.strip().lower() for tenant in tenants)
        self._now = now
        self._look_up_seconds, self._chat_url = look_up_seconds, chat_url
        self._http = HttpSession(TIMEOUT, proxy=proxy, ca_file=ca_file, limit=CONNECTIONS, connector=connector)
        self._hosts = AllowedHosts(service_hosts)
        self._tokens = AccessTokens(token_url, client_id, client_secret.strip(), self._http, now, scope)
        self._client = TeamsClient(self._http, self._tokens, self._hosts, self.tenants, now)
        self._keys = SigningKeys(openid_url, self._http, now)
        self.verifier = TokenVerifier(client_id, issuer, frozenset(self.tenants), self._keys, self._hosts, now)
        self._limiter = pace or RateLimiter(RATES)
        self._people = LruCache[KnownPerson]()
        self._services: dict[str, str] = {}  # by tenant: where it was reached last

    async def start(self) -> None:
        """Open the session and get a token and the signing keys, so that no interaction has to wait for them.

        Raises:
            AccessRevoked: Microsoft does not accept the client secret.
            RetryLater: Microsoft did not answer.
        """
        self._http.open()
        for tenant in self.tenants:
            await self._tokens.get(tenant)
        if not await self._keys.refresh():
            raise RetryLater

    async def close(self) -> None:
        """Close the session."""
        await self._http.close()

    # ------------------------------------------------------------ adapters.base.Adapter

    def check_rate(self, to: Person, address: Address | None, changing: Ref | None, *, awaited: bool = False) -> None:
        """Raise RetryLater if a post to this person, or an edit of that post, would have to wait."""
        del awaited  # at 25 calls a second no queue is worth going ahead of
        where = parse_ref(changing) or parse_address(address) or self._known(to).chat
        self._limiter.check(_SEND, where.chat if where else "")

    async def deliver(self, to: Person, address: Address | None, card: Card, replacing: Ref | None) -> Ref:
        """Post the card in the person's chat with the bot, or edit the post at `replacing`.

        A post that was deleted is posted again if it has buttons; otherwise there is nothing left to edit.
        """
        message = _line(card.text) if card.is_bare else _message(await self.render(card), card.push)
        if replacing is not None and (await self._edit(replacing, message) or not card.buttons):
            return replacing
        chat = parse_address(address) or await self._open_chat(to)
        self._services[chat.tenant] = chat.service
        try:
            return (await self._post(chat, message)).ref()
        except NotFound:
            fresh = await self._open_chat(to, anew=True)
        try:
            return (await self._post(fresh, message)).ref()
        except NotFound:
            raise Unreachable from None

    async def erase(self, ref: Ref, instead: Card) -> None:
        """Delete a post, or edit it to `instead` where the chat forbids deletion."""
        message = parse_ref(ref)
        if message is None:
            return
        try:
            await self._paced(message.chat, lambda: self._client.delete(message))
        except (NotFound, Unreachable):
            return
        except OutcomeUnknown:
            raise RetryLater from None  # deleting is idempotent
        except Rejected:
            await self._edit(ref, _message(cards.to_card(instead), instead.push))

    async def find(self, to: Person, address: Address | None, card_id: str) -> Ref | None:
        """Return None: Teams lets no bot look for its own messages, so an unknown outcome is posted again."""
        return None

    async def is_accepted(self) -> bool:
        """Return whether Microsoft gives us a token and the connector takes it, in one tenant at least."""
        return await self._client.is_accepted()

    async def profile(self, person: Person) -> Profile:
        """Return the person's profile, asked once an hour and cached in memory."""
        try:
            async with asyncio.timeout(self._look_up_seconds):
                return (await self._look_up(person)).profile
        except (TimeoutError, OutcomeUnknown, Rejected, RetryLater):
            known = self._known(person)
            if known.asked is not None:
                return known.profile
            raise RetryLater from None
        except (Unreachable, NotFound):
            return replace(self._known(person).profile, member=False, left=True)

    # ------------------------------------------------------------ for the webhook

    async def render(self, card: Card) -> cards.Json:
        """Return the Adaptive Card, with the address behind its link, which only Teams knows.

        Raises:
            RetryLater: Teams did not say in time.
        """
        link = ""
        if card.link is not None and card.link.person.platform == self.platform:
            try:
                async with asyncio.timeout(self._look_up_seconds):
                    link = cards.chat_with((await self._look_up(card.link.person)).principal_name, self._chat_url)
            except TimeoutError:
                raise RetryLater from None
            except (Unreachable, Rejected, AccessRevoked, OutcomeUnknown):
                link = ""  # the person can be found by the name in the text
        return cards.to_card(card, link)

    def remember(self, person: Person, chat: PersonalChat, given_name: str) -> None:
        """Remember where a person who just acted is reached, and the name that their activity gives."""
        known = self._known(person)
        profile = replace(
            known.profile,
            name=known.profile.name or name(given_name),
            zone=chat.zone or known.profile.zone,
            language=chat.locale.partition("-")[0] or known.profile.language,
        )
        self._people.put(_key(person), replace(known, chat=chat, profile=profile))
        self._services[chat.tenant] = chat.service

    def forget(self, person: Person) -> None:
        """Forget a person who removed the bot."""
        self._people.drop(_key(person))

    # ------------------------------------------------------------ botbuilder's BotAdapter

    async def send_activities(self, context: TurnContext, activities: list[Activity]) -> list[ResourceResponse]:
        """Post where the turn's activity came from. Raises as `TeamsClient` does."""
        chat = PersonalChat(
            context.activity.service_url, context.activity.conversation.id, tenant_of(context.activity), ""
        )
        sent = [await self._client.post(chat, activity.serialize()) for activity in activities]
        return [ResourceResponse(id=message.message) for message in sent]

    async def update_activity(self, context: TurnContext, activity: Activity) -> None:
        """Never called: a card is edited by `deliver`, which knows its reference."""
        raise NotImplementedError

    async def delete_activity(self, context: TurnContext, reference: ConversationReference) -> None:
        """Never called: a card is deleted by `erase`, which knows its reference."""
        raise NotImplementedError

    # ------------------------------------------------------------ calls

    async def _post(self, chat: PersonalChat, message: Mapping[str, Any]) -> MessageReference:
        return await self._paced(chat.chat, lambda: self._client.post(chat, message))

    async def _edit(self, ref: Ref, message: Mapping[str, Any]) -> bool:
        """Edit a post and return whether it was there. Editing is idempotent: an unknown outcome is tried again."""
        place = parse_ref(ref)
        if place is None:
            return False
        try:
            await self._paced(place.chat, lambda: self._client.put(place, message))
        except NotFound:
            return False
        except OutcomeUnknown:
            raise RetryLater from None
        return True

    async def _paced(self, chat: str, call: Callable[[], Awaitable[_T]]) -> _T:
        """Call once the rate limits allow it. While Teams asks to wait, no other call is made."""
        await self._limiter.acquire(_SEND, chat)
        try:
            return await call()
        except Busy as busy:
            self._limiter.back_off(_SEND, min(busy.after, _LONGEST_BUSY))
            raise

    def _known(self, person: Person) -> KnownPerson:
        return self._people.get(_key(person)) or KnownPerson()

    async def _open_chat(self, to: Person, *, anew: bool = False) -> PersonalChat:
        """Return the person's chat with the bot; `anew` if the one that was known is gone."""
        known = self._known(to)
        if known.chat is not None and not anew:
            return known.chat
        service = self._services.get(to.workspace, self._hosts.default_service)
        try:
            chat = await self._client.open(service, to.workspace, to.id, self.bot)
        except NotFound:
            raise Unreachable from None
        except OutcomeUnknown:
            raise RetryLater from None  # opening is idempotent
        self._people.put(_key(to), replace(known, chat=chat))
        return chat

    async def _look_up(self, person: Person) -> KnownPerson:
        known = self._known(person)
        if known.asked is not None and abs(self._now() - known.asked) < _PROFILE_MAX_AGE:
            return known
        chat = known.chat or await self._open_chat(person)
        try:
            answer = await self._client.member(chat, person.id)
        except (NotFound, Unreachable):
            return replace(known, profile=replace(known.profile, member=False, left=True))
        known = self._people.get(_key(person)) or known
        known = replace(
            known,
            asked=self._now(),
            profile=_profile(answer, person, known.profile),
            principal_name=_text(answer, "userPrincipalName"),
        )
        self._people.put(_key(person), known)
        return known


def _message(card: cards.Json, push: str) -> dict[str, Any]:
    """Return a message activity. `summary` is what a lock screen shows.

    It is written in Teams' own names: to have botbuilder write them takes longer than to verify a signature and post.
    """
    attachment = {"contentType": cards.TYPE, "content": card}
    return {"type": "message", "attachments": [attachment], "summary": fit(push, _NAME)}


def _line(text: str) -> dict[str, Any]:
    """Return a message activity of text alone."""
    return {"type": "message", "text": text, "textFormat": "plain", "attachments": []}


def _profile(answer: Mapping[str, Any], person: Person, before: Profile) -> Profile:
    """Read the roster's answer. A guest, an anonymous user and a person of another tenant are no members."""
    role, home = _text(answer, "userRole").lower(), _text(answer, "tenantId").lower()
    outside = role in {"guest", "anonymous"} or "#ext#" in _text(answer, "userPrincipalName").lower()
    given = name(f"{_text(answer, 'givenName')} {_text(answer, 'surname')}")
    shown = name(_text(answer, "name"), given, before.name)
    known = replace(before, name=shown, other_names=(given,) if given else ())
    return replace(known, member=not outside and home in {"", person.workspace})


def _key(person: Person) -> str:
    return f"{person.workspace}:{person.id}"


def _text(answer: Mapping[str, Any], key: str) -> str:
    value = answer.get(key)
    return value if isinstance(value, str) else ""
