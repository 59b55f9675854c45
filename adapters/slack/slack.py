"""Slack as an adapter: shows a card to a person, edits it, takes it away, looks for it, asks who somebody is.

One session, one total time-out, no retries below us: the SDK would repeat a post after a line that broke once Slack had
heard it. What may have happened is said (`Unclear`) and settled by whoever keeps the queue.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from adapters.base import Address, Broken, Card, Profile, Ref, Stopped, TryLater, Unclear, Unreachable
from adapters.pace import CHAT, Pace, Rates
from adapters.recent import Recent
from adapters.slack import cards, errors, quiet
from adapters.slack.manifest import SCOPES
from adapters.slack.people import to_profile
from adapters.trust import trusting
from conversations.model import Person

API: Final = "https://slack.com/api/"

# the method's tier at Slack, with a little air: three hundred posts a minute in a workspace, one a second in a chat
RATES: Final[Rates] = {
    "post": (60 / 300, 20),
    "update": (60 / 50, 10),
    "open": (60 / 50, 20),
    "read": (60 / 50, 20),
    "page": (60 / 100, 20),
    CHAT: (1.0, 1),
}

_TIMEOUT = aiohttp.ClientTimeout(total=10, connect=5)
_QUICK = 1.0  # seconds for a question asked while somebody waits
_LOOK_BACK = 50


class Slack:
    """One workspace, by its bot token. `start` before anything else, `close` at the end."""

    platform: Final = "slack"
    opens_forms: Final = True

    def __init__(
        self,
        token: str,
        *,
        api_url: str = API,
        proxy: str | None = None,
        ca_file: Path | None = None,
        pace: Pace | None = None,
        timeout: aiohttp.ClientTimeout = _TIMEOUT,
    ) -> None:
        if not token.strip():
            raise ValueError("SLACK_BOT_TOKEN is empty: put the bot token (xoxb-…) of the installed app there")
        self._token = token.strip()
        self.api_url = api_url if api_url.endswith("/") else api_url + "/"
        self._proxy = proxy
        self._tls = trusting(ca_file)
        self._timeout = timeout
        self._pace = pace or Pace(RATES)
        self._session: aiohttp.ClientSession | None = None
        self._client: AsyncWebClient | None = None
        self._chats = Recent[str]()
        self._keeps_everything = False  # the workspace lets no message be deleted
        self._profiles = Recent[Profile]()
        self.team = ""
        self.ourselves: frozenset[str] = frozenset()  # our user id and bot id
        self.lacks: frozenset[str] = frozenset()  # scopes of the manifest that were not granted
        self.exceeds: frozenset[str] = frozenset()  # scopes that were granted and nobody asked for
        self._granted: frozenset[str] = frozenset()

    async def start(self) -> None:
        """Open the session and ask Slack who we are. Raises Stopped for a token that opens nothing."""
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=self._timeout, trust_env=False)
            self._client = self._web_client(self._session)
        answer = await self._ask("auth.test")
        self.team = str(answer.get("team_id", ""))
        self.ourselves = frozenset(str(answer[k]) for k in ("user_id", "bot_id") if answer.get(k))
        scopes = next((v for k, v in answer.headers.items() if k.lower() == "x-oauth-scopes"), "")
        self._granted = frozenset(s.strip() for s in scopes.split(",") if s.strip())
        self.lacks = frozenset(SCOPES) - self._granted if self._granted else frozenset()
        self.exceeds = self._granted - frozenset(SCOPES)
        for scope in sorted(self.lacks):
            quiet.noted("scope-not-granted", scope)

    async def close(self) -> None:
        """Give the connections back."""
        if self._session is not None:
            await self._session.close()

    # ------------------------------------------------------------ the seam

    def look(self, to: Person, address: Address | None, changing: Ref | None) -> None:
        """Raise TryLater where our own pace says so already."""
        if changing is not None:
            self._pace.look("update")
        else:
            self._pace.look("post", address or self._chats.get(to.id) or "")

    async def show(self, to: Person, address: Address | None, card: Card, replacing: Ref | None) -> Ref:
        """Post the card in the person's own chat with us, or edit the one at `replacing`.

        A card that somebody took away is posted afresh if it can be answered; otherwise nothing is left to edit.
        """
        if replacing is not None:
            if await self._edit(replacing, card):
                return replacing
            if not card.buttons:
                return replacing
        channel = address or await self._chat(to)
        try:
            return await self._post(channel, card)
        except Unreachable:
            fresh = await self._chat(to, known=channel)
            if fresh == channel:
                raise
            return await self._post(fresh, card)

    async def erase(self, ref: Ref, instead: Card) -> None:
        """Take a posted card away; where compliance exports forbid it, take away what can be read and pressed."""
        channel, _, ts = ref.partition("/")
        if self._keeps_everything:
            await self._edit(ref, instead)
            return
        await self._pace.turn("update")
        try:
            await self._do("update", "chat.delete", channel=channel, ts=ts)
        except (_Missing, Unreachable):
            return
        except _KeptByRule:
            self._keeps_everything = True
            await self._edit(ref, instead)
        except Unclear:
            raise TryLater from None  # erasing twice is harmless

    async def find(self, to: Person, address: Address | None, card_id: str) -> Ref | None:
        """The post that carries this card id, if it arrived after all; None too where we may not look."""
        if self._granted and "im:history" not in self._granted:
            return None
        channel = address or await self._chat(to)
        await self._pace.turn("read")
        try:
            answer = await self._ask("conversations.history", channel=channel, limit=str(_LOOK_BACK))
        except Unclear:
            raise TryLater from None
        for message in _dicts(answer.get("messages")):
            blocks = _dicts(message.get("blocks"))
            if blocks and blocks[0].get("block_id") == card_id and message.get("ts"):
                return f"{channel}/{message['ts']}"
        return None

    async def profile(self, person: Person) -> Profile:
        """Who this is in Slack, asked once and remembered in memory until Slack says it changed."""
        known = self._profiles.get(person.id)
        if known is not None:
            return known
        try:
            async with asyncio.timeout(_QUICK):
                answer = await self._ask("users.info", user=person.id, include_locale="true")
        except (TimeoutError, Unclear, Broken):
            raise TryLater from None
        except Unreachable:
            return Profile(member=False)
        found = to_profile(answer.get("user"), self.team)
        self._profiles.put(person.id, found)
        return found

    # ------------------------------------------------------------ for the door

    def forget(self, user: str) -> None:
        """Somebody's profile changed: ask again when it is needed."""
        self._profiles.drop(user)

    async def is_own_chat(self, channel: Address | None, person: Person) -> bool:
        """Whether this is the person's chat with us; no, when Slack cannot say. It may be one of two colleagues."""
        try:
            return channel is not None and channel == await self._chat(person)
        except (TryLater, Unreachable, Stopped, Broken):
            return False

    async def whisper(self, channel: str, user: str, card: Card) -> None:
        """Show something to one pair of eyes in a chat; it is kept nowhere."""
        await self._pace.turn("post", channel)
        await self._do("post", "chat.postEphemeral", channel=channel, user=user, **cards.message(card))

    async def open_form(self, trigger: str, view: dict[str, Any]) -> None:
        """Open a modal: within three seconds of the press, and once."""
        async with asyncio.timeout(_QUICK):
            await self._do("view", "views.open", trigger_id=trigger, view=view)

    async def update_form(self, view_id: str, view: dict[str, Any]) -> None:
        """Put something else into a modal that is open."""
        async with asyncio.timeout(_QUICK):
            await self._do("view", "views.update", view_id=view_id, view=view)

    async def publish_home(self, user: str, card: Card) -> None:
        """Write somebody's Home tab."""
        await self._pace.turn("page")
        await self._do("page", "views.publish", user_id=user, view=cards.home(card))

    async def respond(self, url: str, card: Card) -> None:
        """Answer a press for the presser's eyes only, through the address Slack gave with it. It edits nothing."""
        if self._session is None:
            return
        body = cards.aside(card)
        try:
            how: Any = {"ssl": self._tls, "proxy": self._proxy, "allow_redirects": False}
            async with self._session.post(url, json=body, **how) as answer:
                if answer.status != HTTPStatus.OK:
                    quiet.failed("response-url", f"http-{answer.status}")
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            quiet.failed("response-url", type(error).__name__)

    # ------------------------------------------------------------ calls

    async def _post(self, channel: str, card: Card) -> Ref:
        await self._pace.turn("post", channel)
        still = {"unfurl_links": False, "unfurl_media": False, "link_names": False}
        answer = await self._do("post", "chat.postMessage", channel=channel, **still, **cards.message(card))
        return f"{answer.get('channel') or channel}/{answer['ts']}"

    async def _edit(self, ref: Ref, card: Card) -> bool:
        """Whether the card was there to be edited. An edit may be repeated: what is unclear is done again later."""
        channel, _, ts = ref.partition("/")
        await self._pace.turn("update")
        try:
            await self._do("update", "chat.update", channel=channel, ts=ts, link_names=False, **cards.message(card))
        except _Missing:
            return False
        except Unclear:
            raise TryLater from None
        return True

    async def _chat(self, to: Person, known: str | None = None) -> str:
        """The person's chat with us; `known` is one that Slack no longer knows."""
        if known is not None:
            self._chats.drop(to.id)
        kept = self._chats.get(to.id)
        if kept is not None:
            return kept
        await self._pace.turn("open")
        try:
            answer = await self._do("open", "conversations.open", users=to.id)
        except Unclear:
            raise TryLater from None  # opening twice gives the same chat
        channel = answer.get("channel")
        found = str(channel.get("id", "")) if isinstance(channel, dict) else ""
        if not found:
            raise TryLater
        self._chats.put(to.id, found)
        return found

    async def _ask(self, method: str, **form: str) -> Any:
        """A method that reads: Slack takes these as a form."""
        return await self._call("read", method, data=form)

    async def _do(self, rate: str, method: str, **body: Any) -> Any:
        """A method that writes, as JSON."""
        return await self._call(rate, method, json=body)

    async def _call(self, rate: str, method: str, **args: Any) -> Any:
        """One request, one answer, or one of the four things the house understands."""
        if self._client is None:
            raise TryLater
        try:
            return await self._client.api_call(method, **args)
        except SlackApiError as error:
            raise self._refused(rate, method, error) from None
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.ClientHttpProxyError) as error:
            quiet.failed(method, type(error).__name__)
            raise errors.broken(sent=False) from None
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError, AttributeError) as error:
            quiet.failed(method, type(error).__name__)  # AttributeError: the SDK, on a 200 that is not JSON
            raise errors.broken(sent=True) from None

    def _refused(self, rate: str, method: str, error: SlackApiError) -> Exception:
        answer = error.response
        status = int(getattr(answer, "status_code", 0) or getattr(answer, "status", 0))
        data = getattr(answer, "data", None)
        name = data.get("error") if isinstance(data, dict) else None
        code = name if isinstance(name, str) else ""
        quiet.failed(method, errors.kind(status, code))
        if status == HTTPStatus.OK and not code:
            return Unclear()  # a page that is neither yes nor no
        if code in errors.MISSING:
            return _Missing()
        if code in errors.KEPT_BY_RULE:
            return _KeptByRule()
        if code in errors.EXPIRED:
            return Expired()
        found = errors.classify(status, getattr(answer, "headers", {}), code)
        if isinstance(found, TryLater) and status == HTTPStatus.TOO_MANY_REQUESTS:
            self._pace.close(rate, found.after)
        return found

    def _web_client(self, session: aiohttp.ClientSession) -> AsyncWebClient:
        client = AsyncWebClient(
            token=self._token,
            base_url=self.api_url,
            session=session,
            ssl=self._tls,
            proxy=self._proxy,
            logger=quiet.QUIET,
            retry_handlers=[],
        )
        client.proxy = self._proxy  # without one, the SDK takes the environment's
        return client


class Expired(Exception):
    """The three seconds in which a form can be opened are over, or it was opened already."""


class _Missing(Exception):
    """The message is no longer there, or can no longer be changed."""


class _KeptByRule(Exception):
    """The message may be changed, but not deleted: the workspace keeps everything that was said."""


def _dicts(value: object) -> list[dict[str, Any]]:
    return [v for v in value if isinstance(v, dict)] if isinstance(value, list) else []
