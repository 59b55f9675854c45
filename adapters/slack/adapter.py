"""The Slack adapter of one workspace: posts, edits, deletes and finds cards, and looks up profiles."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any, Final

from adapters.base import (
    AccessRevoked,
    Address,
    Card,
    LeftOut,
    OutcomeUnknown,
    Profile,
    Ref,
    Rejected,
    RetryLater,
    Unreachable,
)
from adapters.lru import LruCache
from adapters.rate_limit import RateLimiter
from adapters.slack import cards, log
from adapters.slack.client import RATES, SlackApi, SlackClient
from adapters.slack.errors import DeletionForbidden, MessageGone
from adapters.slack.install.store import Installation
from adapters.slack.package.manifest import SCOPES
from adapters.slack.presses import RecentPresses
from adapters.slack.profile import to_profile
from conversations.model import Person

MOST_WAITING: Final = 10
"""How many edits may wait before those that only fill in a neutral post are left out."""

PROFILE_MAX_AGE: Final = 3600.0
"""Seconds for which a profile is cached: whether an account was switched off is not always told."""

_QUICK = 1.0  # seconds for a question that is asked while a person waits
_LOOK_BACK = 50  # messages in which a post is looked for
_QUIET_POST: Final = {"unfurl_links": False, "unfurl_media": False, "link_names": False}


class SlackAdapter:
    """One workspace, by its bot token. `start` before anything else, `close` at the end.

    Args:
        token: The bot token (`xoxb-…`).
        api: The session to call Slack over.
        pace: The workspace's rate limits; `RATES` by default.
        installation: What is known about the workspace where several are installed. The adapter is then ready at once,
            and its addresses and references name the installation, because only the bot that posted can edit a post.
    """

    platform: Final = "slack"
    opens_forms: Final = True
    notifies_in_full: Final = True  # https://docs.slack.dev/changelog/2026/07/13/notification-changes

    def __init__(
        self, token: str, api: SlackApi, *, pace: RateLimiter | None = None, installation: Installation | None = None
    ) -> None:
        if not token.strip():
            raise ValueError("SLACK_BOT_TOKEN is empty: put the bot token (xoxb-…) of the installed app there")
        self.api = api
        self._client = SlackClient(token.strip(), api, pace or RateLimiter(RATES))
        self._presses = RecentPresses(self._client.limiter.now)
        self._channels = LruCache[Address]()
        self._profiles = LruCache[tuple[float, Profile]]()  # and when Slack said so
        self.team = installation.team if installation else ""  # "" for the installation of a whole organisation
        self.enterprise = installation.enterprise if installation else ""  # the organisation of the workspace, if any
        self.installation_id = installation.id if installation else ""
        self.own_ids = frozenset({installation.bot_user}) if installation else frozenset[str]()
        self.granted_scopes = frozenset(installation.scopes) if installation else frozenset[str]()

    async def start(self) -> None:
        """Open the session and ask Slack which workspace and bot the token is of.

        Raises:
            AccessRevoked: Slack does not accept the token.
            RetryLater, OutcomeUnknown: Slack did not answer.
        """
        self.api.http.open()
        answer = await self._client.read("auth.test")
        self.team, self.enterprise = str(answer.get("team_id") or ""), str(answer.get("enterprise_id") or "")
        if answer.get("is_enterprise_install"):
            self.team = ""
        self.own_ids = frozenset(str(answer[k]) for k in ("user_id", "bot_id") if answer.get(k))
        self.granted_scopes = _scopes(answer)
        for scope in sorted(self.missing_scopes):
            log.noted("scope-not-granted", scope)

    async def close(self) -> None:
        """Close the session."""
        await self.api.http.close()

    @property
    def missing_scopes(self) -> frozenset[str]:
        """The manifest's scopes that the token lacks; none where Slack did not say which it has."""
        return frozenset(SCOPES) - self.granted_scopes if self.granted_scopes else frozenset()

    @property
    def extra_scopes(self) -> frozenset[str]:
        """The token's scopes that the manifest does not ask for."""
        return self.granted_scopes - frozenset(SCOPES)

    # ------------------------------------------------------------ adapters.base.Adapter

    def check_rate(self, to: Person, address: Address | None, changing: Ref | None, *, awaited: bool = False) -> None:
        """Raise RetryLater if a post to this person, or an edit of that post, would have to wait."""
        if changing is not None:
            if not self._presses.knows("/".join(_parts(changing))):
                self._client.limiter.check("update", at_once=awaited)
        else:
            chat = _channel(address or self._channels.get(to.id) or "")
            self._client.limiter.check("post", chat, at_once=awaited)

    async def deliver(self, to: Person, address: Address | None, card: Card, replacing: Ref | None) -> Ref:
        """Post the card in the person's chat with the bot, or edit the post at `replacing`.

        A post that was deleted is posted again if it has buttons; otherwise there is nothing left to edit.
        """
        if replacing is not None and (await self._edit(replacing, card) or not card.buttons):
            return replacing
        awaited = card.pace == "first"
        channel = address or await self._open_chat(to, awaited=awaited)
        try:
            return await self._post(channel, card)
        except Unreachable:
            self._channels.drop(to.id)
            fresh = await self._open_chat(to, awaited=awaited)
            if fresh == channel:
                raise
            return await self._post(fresh, card)

    async def erase(self, ref: Ref, instead: Card) -> None:
        """Delete a post, or edit it to `instead` where a compliance export forbids deletion."""
        channel, ts = _parts(ref)
        await self._client.limiter.acquire("update")
        try:
            await self._client.write("update", "chat.delete", channel=channel, ts=ts)
        except (MessageGone, Unreachable):
            return
        except DeletionForbidden:  # of this post; it says nothing about the next
            await self._edit(ref, instead)
        except OutcomeUnknown:
            raise RetryLater from None  # deleting is idempotent

    async def find(self, to: Person, address: Address | None, card_id: str) -> Ref | None:
        """Return the post that carries this card id, if it arrived; None also where the bot may not read the chat."""
        if self.granted_scopes and "im:history" not in self.granted_scopes:
            return None
        channel = address or await self._open_chat(to)
        await self._client.limiter.acquire("read")
        try:
            answer = await self._client.read("conversations.history", channel=_channel(channel), limit=str(_LOOK_BACK))
        except OutcomeUnknown:
            raise RetryLater from None
        for message in _dicts(answer.get("messages")):
            blocks = _dicts(message.get("blocks"))
            if blocks and blocks[0].get("block_id") == card_id and message.get("ts"):
                return f"{self.qualify(channel)}/{message['ts']}"
        return None

    async def profile(self, person: Person) -> Profile:
        """Return the person's profile, cached until Slack says that it changed, and for an hour at most."""
        known = self._profiles.get(person.id)
        if known is not None and self._client.limiter.now() - known[0] < PROFILE_MAX_AGE:
            return known[1]
        try:
            async with asyncio.timeout(_QUICK):
                answer = await self._client.read("users.info", user=person.id, include_locale="true")
        except (TimeoutError, OutcomeUnknown, Rejected, RetryLater):
            if known is not None:
                return known[1]
            raise RetryLater from None
        except Unreachable:
            return Profile(member=False, left=True)
        found = to_profile(answer.get("user"), self.team or person.workspace, person.workspace)
        self._profiles.put(person.id, (self._client.limiter.now(), found))
        return found

    async def is_accepted(self) -> bool:
        """Return whether Slack accepts the token; False also when it does not answer. Notes which scopes it has now."""
        try:
            return not await self.is_refused()
        except RetryLater:
            return False

    async def is_refused(self) -> bool:
        """Return whether Slack refuses the token. Notes which scopes it has now.

        Raises:
            RetryLater: Slack did not say.
        """
        try:
            answer = await self._client.read("auth.test")
        except AccessRevoked:
            return True
        except (OutcomeUnknown, Unreachable, Rejected):
            raise RetryLater from None
        self.granted_scopes = _scopes(answer) or self.granted_scopes
        return False

    # ------------------------------------------------------------ for the webhook

    def remember_press(self, message: Ref, url: str) -> None:
        """Note the response URL of a press, with which the pressed message can be edited at once."""
        self._presses.remember("/".join(_parts(message)), url)

    def forget_profile(self, user: str) -> None:
        """Drop a cached profile, because Slack says that it changed."""
        self._profiles.drop(user)

    def qualify(self, channel: str) -> Address:
        """Return a channel id as an address that names the installation, where there are several."""
        return f"{_channel(channel)}@{self.installation_id}" if self.installation_id else channel

    async def is_own_chat(self, channel: Address | None, person: Person) -> bool:
        """Return whether this is the person's chat with the bot and no other; False if Slack does not say at once."""
        try:
            async with asyncio.timeout(_QUICK):
                return channel is not None and _channel(channel) == _channel(
                    await self._open_chat(person, awaited=True)
                )
        except (TimeoutError, RetryLater, Unreachable, AccessRevoked, Rejected):
            return False

    async def post_ephemeral(self, channel: str, user: str, card: Card) -> None:
        """Show a card to one person in a chat; Slack does not keep it."""
        await self._client.limiter.acquire("post", _channel(channel))
        shown = cards.message(card, self.api.site)
        await self._client.write("post", "chat.postEphemeral", channel=_channel(channel), user=user, **shown)

    async def open_form(self, trigger: str, view: dict[str, Any]) -> None:
        """Open a modal, once for each trigger and within three seconds of the interaction."""
        async with asyncio.timeout(_QUICK):
            await self._client.write("view", "views.open", trigger_id=trigger, view=view)

    async def update_form(self, view_id: str, view: dict[str, Any]) -> None:
        """Replace the content of an open modal."""
        async with asyncio.timeout(_QUICK):
            await self._client.write("view", "views.update", view_id=view_id, view=view)

    async def publish_home(self, user: str, card: Card) -> None:
        """Publish a person's Home tab."""
        await self._client.limiter.acquire("page")
        await self._client.write("page", "views.publish", user_id=user, view=cards.home(card))

    # ------------------------------------------------------------ calls

    async def _acquire(self, rate: str, card: Card, chat: str = "") -> None:
        """Take a slot for this card. The least urgent edit is made while no other waits.

        Raises:
            RetryLater: The wait is longer than is waited here.
            LeftOut: So many others wait that this one is not made.
        """
        limiter = self._client.limiter
        if card.pace == "first":
            limiter.take_at_once(rate, chat)
            return
        if card.pace == "last" and (waiting := limiter.waiting(rate)):
            raise LeftOut if waiting > MOST_WAITING else RetryLater(timedelta(seconds=waiting * RATES[rate][0]))
        await limiter.acquire(rate, chat)

    async def _post(self, channel: Address, card: Card) -> Ref:
        await self._acquire("post", card, _channel(channel))
        shown = _QUIET_POST | cards.message(card, self.api.site)
        answer = await self._client.write("post", "chat.postMessage", channel=_channel(channel), **shown)
        return f"{self.qualify(answer.get('channel') or channel)}/{answer['ts']}"

    async def _edit(self, ref: Ref, card: Card) -> bool:
        """Edit a post and return whether it was there. Editing is idempotent: an unknown outcome is tried again."""
        channel, ts = _parts(ref)
        if url := self._presses.use(f"{channel}/{ts}"):
            if await self.api.edit_pressed(url, card):
                return True
            self._presses.drop(f"{channel}/{ts}")
        await self._acquire("update", card)
        no_blocks: dict[str, Any] = {"link_names": False, "blocks": []}  # those that stood there go
        shown = no_blocks | cards.message(card, self.api.site)
        try:
            await self._client.write("update", "chat.update", channel=channel, ts=ts, **shown)
        except MessageGone:
            return False
        except OutcomeUnknown:
            raise RetryLater from None
        return True

    async def _open_chat(self, to: Person, *, awaited: bool = False) -> Address:
        """Return the person's chat with the bot, asked once and cached; at once where a person waits for it."""
        known = self._channels.get(to.id)
        if known is not None:
            return known
        if awaited:
            self._client.limiter.take_at_once("open")
        else:
            await self._client.limiter.acquire("open")
        try:
            answer = await self._client.write("open", "conversations.open", users=to.id)
        except OutcomeUnknown:
            raise RetryLater from None  # opening is idempotent
        channel = answer.get("channel")
        found = str(channel.get("id", "")) if isinstance(channel, dict) else ""
        if not found:
            raise RetryLater
        self._channels.put(to.id, self.qualify(found))
        return self.qualify(found)


def installation_of(address: str) -> str:
    """Return the id of the installation that an address or a reference names; "" where there was only one."""
    return address.partition("/")[0].partition("@")[2]


def _channel(address: str) -> str:
    return address.partition("@")[0]


def _parts(ref: Ref) -> tuple[str, str]:
    channel, _, ts = ref.partition("/")
    return _channel(channel), ts


def _scopes(answer: Any) -> frozenset[str]:
    """Return the scopes that Slack's answer says the token has; none where it does not say."""
    named = next((value for name, value in answer.headers.items() if name.lower() == "x-oauth-scopes"), "")
    return frozenset(scope.strip() for scope in named.split(",") if scope.strip())


def _dicts(value: object) -> list[dict[str, Any]]:
    return [v for v in value if isinstance(v, dict)] if isinstance(value, list) else []
