"""Teams as an adapter: shows a card to a person, changes it, takes it away, asks who somebody is.

Microsoft's schema, turn and adapter classes are used as they are. The edges, where the stock ones block the loop, fail
on a new key or open a connection for each message, are ours: `proof`, `keys`, `tokens`, `connector`.
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

from adapters.base import Address, Broken, Card, Profile, Ref, Stopped, TryLater, Unclear, Unreachable
from adapters.pace import CHAT, Pace, Rates
from adapters.plain import clean, short
from adapters.recent import Recent
from adapters.teams import cards, places
from adapters.teams.connector import Connector, Line, ask_for_token
from adapters.teams.errors import Busy, NotThere
from adapters.teams.hosts import Hosts
from adapters.teams.keys import Keys
from adapters.teams.places import Place, Reach
from adapters.teams.presses import tenant_of
from adapters.teams.proof import Proof
from adapters.teams.tokens import Tokens
from adapters.trust import trusting
from conversations.model import Person

OPENID: Final = "https://login.botframework.com/v1/.well-known/openidconfiguration"
ISSUER: Final = "https://api.botframework.com"
TOKEN: Final = "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token"  # noqa: S105  an address

# thirty a second in a tenant and seven in a chat, with a little air
RATES: Final[Rates] = {"send": (1 / 25, 25), CHAT: (1 / 7, 7)}

_T = TypeVar("_T")

_SEND = "send"
_QUICK = 1.0  # seconds for a question asked while somebody waits
_NAME_LASTS = timedelta(hours=24)
_NAME = 80


@dataclass(frozen=True, slots=True)
class Known:
    """What we know of somebody until we stop. `asked` is when Teams last said who they are."""

    reach: Reach | None = field(default=None, repr=False)
    profile: Profile = field(default=Profile(), repr=False)
    chat_name: str = field(default="", repr=False)  # by which others open a private chat with them
    asked: datetime | None = None


class Teams(BotAdapter):  # type: ignore[misc]  # botbuilder ships no types
    """One bot in one hospital's tenants. `start` before anything else, `close` at the end."""

    platform: Final = "teams"
    opens_forms: Final = False

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
        service_hosts: Sequence[str] = (),
        proxy: str | None = None,
        ca_file: Path | None = None,
        pace: Pace | None = None,
    ) -> None:
        super().__init__()
        for setting, value in (("TEAMS_CLIENT_ID", client_id), ("TEAMS_CLIENT_SECRET", client_secret)):
            if not value.strip():
                raise ValueError(f"{setting} is empty: copy it from the bot's registration")
        if not tenants or not all(tenant.strip() for tenant in tenants):
            raise ValueError("TEAMS_TENANT_ID is empty: name the hospital's own tenant")
        self.client_id = client_id.strip()
        self.bot = f"28:{self.client_id}"  # as Teams calls it
        self.tenants = tuple(tenant.strip().lower() for tenant in tenants)
        self._now = now
        self._line = Line(proxy, trusting(ca_file))
        self._hosts = Hosts(service_hosts)
        self._tokens = Tokens(token_url, self.client_id, client_secret.strip(), self._ask_for_token, now)
        self._connector = Connector(self._line, self._tokens, self._hosts, now)
        self.keys = Keys(openid_url, self._line.json, now)
        self.proof = Proof(self.client_id, issuer, frozenset(self.tenants), self.keys, self._hosts, now)
        self._pace = pace or Pace(RATES)
        self._people = Recent[Known]()
        self._services: dict[str, str] = {}  # by tenant: where it was reached last

    async def _ask_for_token(self, url: str, form: Mapping[str, str]) -> Any:
        return await ask_for_token(self._line, self._now, url, form)

    async def start(self) -> None:
        """Ask for keys and a token, so that no press has to. Raises Stopped for a secret that opens nothing."""
        self._line.open()
        for tenant in self.tenants:
            await self._tokens.get(tenant)
        if not await self.keys.refresh():
            raise TryLater

    async def close(self) -> None:
        """Give the connections back."""
        await self._line.close()

    # ------------------------------------------------------------ the seam

    def look(self, to: Person, address: Address | None, changing: Ref | None) -> None:
        """Raise TryLater where our own pace says so already."""
        place = places.place(changing) if changing is not None else None
        where = place or places.reach(address) or (self._people.get(_key(to)) or Known()).reach
        self._pace.look(_SEND, where.chat if where else "")

    async def show(self, to: Person, address: Address | None, card: Card, replacing: Ref | None) -> Ref:
        """Post the card in the person's own chat with us, or change the one at `replacing`.

        A card that somebody took away is posted afresh if it can be answered; otherwise nothing is left to change.
        """
        said = _message(await self.drawn(card), card.push)
        if replacing is not None:
            if await self._change(replacing, said):
                return replacing
            if not card.buttons:
                return replacing
        reach = places.reach(address) or await self._chat(to)
        self._services[reach.tenant] = reach.service
        try:
            return (await self._post(reach, said)).ref()
        except NotThere:
            fresh = await self._chat(to, anew=True)
        try:
            return (await self._post(fresh, said)).ref()
        except NotThere:
            raise Unreachable from None

    async def erase(self, ref: Ref, instead: Card) -> None:
        """Take a posted card away; one that is gone, or whose reader shut us out, needs no more."""
        place = places.place(ref)
        if place is None:
            return
        await self._pace.turn(_SEND, place.chat)
        try:
            await self._paced(self._connector.delete(place))
        except (NotThere, Unreachable):
            return
        except Unclear:
            raise TryLater from None  # erasing twice is harmless
        except Broken:  # this chat lets no message be deleted
            await self._change(ref, _message(cards.to_card(instead), instead.push))

    async def find(self, to: Person, address: Address | None, card_id: str) -> Ref | None:
        """Teams lets no bot look for its own messages: what is unclear is said once more."""
        return None

    async def profile(self, person: Person) -> Profile:
        """Who this is in Teams, asked once a day and remembered in memory."""
        try:
            async with asyncio.timeout(_QUICK):
                return (await self._who(person)).profile
        except (TimeoutError, Unclear, Broken):
            raise TryLater from None
        except (Unreachable, NotThere):
            return replace((self._people.get(_key(person)) or Known()).profile, member=False)

    # ------------------------------------------------------------ for the door

    def met(self, person: Person, reach: Reach, name: str) -> None:
        """Somebody just did something: this is where they are reached, and what they are called."""
        known = self._people.get(_key(person)) or Known()
        profile = replace(
            known.profile,
            name=known.profile.name or short(clean(name), _NAME) * bool(name.strip()),
            zone=reach.zone or known.profile.zone,
            language=reach.locale.partition("-")[0] or known.profile.language,
        )
        self._people.put(_key(person), replace(known, reach=reach, profile=profile))
        self._services[reach.tenant] = reach.service

    def moved_away(self, person: Person) -> None:
        """They took the bot away."""
        self._people.drop(_key(person))

    # ------------------------------------------------------------ botbuilder's side

    async def send_activities(self, context: TurnContext, activities: list[Activity]) -> list[ResourceResponse]:
        """Say something where the turn's activity came from. Raises what the connector does."""
        reach = _where(context.activity)
        sent = [await self._connector.post(reach, activity.serialize()) for activity in activities]
        return [ResourceResponse(id=place.message) for place in sent]

    async def update_activity(self, context: TurnContext, activity: Activity) -> ResourceResponse:
        """Say something else where a message of ours stands."""
        await self._connector.put(_beside(context.activity, activity.id), activity.serialize())
        return ResourceResponse(id=activity.id)

    async def delete_activity(self, context: TurnContext, reference: ConversationReference) -> None:
        """Take a message of ours away."""
        await self._connector.delete(_beside(context.activity, reference.activity_id))

    # ------------------------------------------------------------ calls

    async def _post(self, reach: Reach, said: Mapping[str, Any]) -> Place:
        await self._pace.turn(_SEND, reach.chat)
        return await self._paced(self._connector.post(reach, said))

    async def _change(self, ref: Ref, said: Mapping[str, Any]) -> bool:
        """Whether the card was there to be changed. It may be repeated: what is unclear is done again later."""
        place = places.place(ref)
        if place is None:
            return False
        await self._pace.turn(_SEND, place.chat)
        try:
            await self._paced(self._connector.put(place, said))
        except NotThere:
            return False
        except Unclear:
            raise TryLater from None
        return True

    async def _paced(self, call: Awaitable[_T]) -> _T:
        """Nobody else calls while Teams asks us to wait."""
        try:
            return await call
        except Busy as busy:
            self._pace.close(_SEND, min(busy.after, timedelta(seconds=5)))
            raise

    async def _chat(self, to: Person, *, anew: bool = False) -> Reach:
        """The person's chat with us; `anew` where the one we knew is gone."""
        known = self._people.get(_key(to)) or Known()
        if known.reach is not None and not anew:
            return known.reach
        service = self._services.get(to.workspace, self._hosts.first)
        try:
            reach = await self._connector.open(service, to.workspace, to.id, self.bot)
        except NotThere:
            raise Unreachable from None
        except Unclear:
            raise TryLater from None  # opened twice it is the same chat
        self._people.put(_key(to), replace(known, reach=reach))
        return reach

    async def _who(self, person: Person) -> Known:
        known = self._people.get(_key(person)) or Known()
        if known.asked is not None and self._now() - known.asked < _NAME_LASTS:
            return known
        reach = known.reach or await self._chat(person)
        try:
            said = await self._connector.member(reach, person.id)
        except (NotThere, Unreachable):
            return replace(known, profile=replace(known.profile, member=False))
        found = replace(self._people.get(_key(person)) or known, asked=self._now())
        found = replace(
            found, profile=_profile(said, person, found.profile), chat_name=_text(said, "userPrincipalName")
        )
        self._people.put(_key(person), found)
        return found

    async def drawn(self, card: Card) -> cards.Json:
        """With the address behind its link, which only Teams can tell. Raises TryLater when it does not in time."""
        chat = ""
        if card.link is not None and card.link.person.platform == self.platform:
            try:
                async with asyncio.timeout(_QUICK):
                    chat = cards.chat_with((await self._who(card.link.person)).chat_name)
            except TimeoutError:
                raise TryLater from None
            except (Unreachable, Broken, Stopped, Unclear):
                chat = ""  # the name in the words is enough to find them by
        return cards.to_card(card, chat)


def _message(drawn: cards.Json, push: str) -> dict[str, Any]:
    """`summary` is what a lock screen shows.

    In Teams' own names already: to be told them by botbuilder costs more than to verify a signature and post the card.
    """
    shown = {"contentType": cards.TYPE, "content": drawn}
    return {"type": "message", "attachments": [shown], "summary": short(clean(push), _NAME)}


def _profile(said: Mapping[str, Any], person: Person, before: Profile) -> Profile:
    """A guest, somebody unnamed, or one of another tenant is no member."""
    role, home = _text(said, "userRole").lower(), _text(said, "tenantId").lower()
    outside = role in {"guest", "anonymous"} or "#ext#" in _text(said, "userPrincipalName").lower()
    name = clean(_text(said, "name"))[:_NAME].strip()
    return replace(before, name=name or before.name, member=not outside and home in {"", person.workspace})


def _where(activity: Activity) -> Reach:
    return Reach(activity.service_url, activity.conversation.id, tenant_of(activity), "")


def _beside(activity: Activity, message: str) -> Place:
    reach = _where(activity)
    return Place(reach.service, reach.chat, reach.tenant, message)


def _key(person: Person) -> str:
    return f"{person.workspace}:{person.id}"


def _text(said: Mapping[str, Any], key: str) -> str:
    value = said.get(key)
    return value if isinstance(value, str) else ""
