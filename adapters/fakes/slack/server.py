"""The fake Slack on a network, and people in it who type and press.

    async with SlackServer() as slack:
        slack.joins("U_ANA", name="Ana")
        bot = SlackAdapter(slack.token, api_url=slack.api_url)    # or a `serve` with slack.settings()
        slack.app_url = "http://127.0.0.1:3000/slack/events"
        await slack.command("U_ANA")                          # types /peersupport in a channel
        await slack.presses("U_ANA", "Talk to someone soon")
        await slack.until(lambda: slack.reads("U_ANA"))       # waits for what comes, never for time
        assert slack.mistakes == []                           # nothing Slack would have refused

Several workspaces, some of an organisation, and an app that is installed from its own page:

        slack.adds("T0CLINIC", enterprise="E0GRID")
        slack.joins("U0BO", name="Bo", team="T0CLINIC")
        # … a `serve` with SLACK_CLIENT_ID=slack.client_id, SLACK_CLIENT_SECRET=slack.client_secret
        slack.consents("T0CLINIC")                           # the administrator presses *Allow*; None: *Cancel*
        await browser.get(app + "/slack/install")            # follows redirects there and back

People act by `command`, `types`, `presses` and `opens_home`; an administrator by `consents`, `uninstalls` and
`changes`. `post` sends raw bytes. With an `app_token` it speaks Socket Mode instead: see `lines`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Self

from adapters.fakes.base import JSON, BotReply, PlatformRequest
from adapters.fakes.network import Network
from adapters.fakes.screens import Json, ScreenItem
from adapters.fakes.slack.core import FakeSlack
from adapters.fakes.slack.payloads import HALLWAY
from adapters.fakes.slack.socket_mode import FakeSocket, FakeSockets
from adapters.fakes.slack.surfaces import SlackCard, elements, state_values
from adapters.fakes.slack.workspaces import Workspace
from adapters.fakes.wire import PATIENCE, Wire


class SlackServer(FakeSlack):
    """A fake Slack that listens, with people who act.

    Args:
        now: What time it is; by default the real time.
        network: Where it listens; by default the loopback.
        core: See `FakeSlack`.
    """

    def __init__(
        self, *, now: Callable[[], datetime] = lambda: datetime.now(UTC), network: Network | None = None, **core: Any
    ) -> None:
        super().__init__(**core)
        self.now = now
        self.wire = Wire(self, now, network)
        self.lines = FakeSockets(self.tickets, self.wire.notify)
        self._last: tuple[bytes, str] | None = None

    async def __aenter__(self) -> Self:
        await self.wire.start(self.lines.routes())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.lines.close()
        await self.wire.close()

    @property
    def app_url(self) -> str:
        """Where the bot listens, with its path."""
        return self.wire.bot_url

    @app_url.setter
    def app_url(self, url: str) -> None:
        self.wire.bot_url = url

    async def until(self, condition: Callable[[], object], within: float = PATIENCE) -> None:
        """Wait for what the bot does next, until the condition holds. Raises TimeoutError when it does not."""
        await self.wire.until(condition, within)

    # ------------------------------------------------------------ the workspace

    @property
    def teams(self) -> dict[str, Workspace]:
        """Every workspace and organisation, by its id."""
        return self.spaces.teams

    def adds(self, team: str, *, enterprise: str | None = None) -> str:
        """Add a workspace or an organisation: see `Workspaces.adds`."""
        return self.spaces.adds(team, enterprise=enterprise)

    def joins(self, user: str, **account: Any) -> str:
        """Give a person an account: see `Workspaces.joins`. Returns its id."""
        return self.spaces.joins(user, **account)

    def consents(self, team: str | None) -> None:
        """Let the next visitor of the consent page allow the app in a workspace; None: they decline."""
        self.oauth.consents = team

    # ------------------------------------------------------------ what people see

    def reads(self, user: str) -> list[SlackCard]:
        """The messages in the person's chats with the bot, oldest first."""
        return [self._read(shown) for shown in reversed(self.seen_by(user, "card"))]

    def whispered(self, user: str) -> list[SlackCard]:
        """What only this person could see, oldest first."""
        return [self._read(shown) for shown in reversed(self.seen_by(user, "aside"))]

    def form(self, user: str) -> SlackCard | None:
        """The form that is open."""
        return next((self._read(shown) for shown in self.seen_by(user, "form")), None)

    def home(self, user: str) -> SlackCard | None:
        """The Home tab."""
        return next((self._read(shown) for shown in self.seen_by(user, "home")), None)

    def called(self, method: str) -> list[Json]:
        """The arguments of every call of one method."""
        return [args for name, args in self.calls if name == method]

    # ------------------------------------------------------------ what people do

    async def command(self, user: str, text: str = "", *, team: str | None = None, channel: str = HALLWAY) -> BotReply:
        """Type `/peersupport text` somewhere. The answer, if there is one, is seen by this person only."""
        delivery = self.payloads.as_form(self.payloads.command(user, text, team=team, channel=channel), self.now())
        reply = await self._send(delivery)
        if reply.json:
            self.shows_aside(user, reply.json, self.now(), channel)
        return reply

    async def writes(self, user: str, text: str) -> BotReply:
        """Type a line in the chat with the bot; Slack itself takes a command, whose answer that person alone sees."""
        self.screens.put(user, "said", self.platform, {"text": text}, at=self.now())
        there = self.spaces.home(user)
        word, _, rest = text.strip().partition(" ")
        if word == "/peersupport":
            return await self.command(user, rest.strip(), channel=self.payloads.own_chat(user, there))
        return await self.types(user, text)

    async def types(
        self, user: str, text: str, *, team: str | None = None, event: Mapping[str, Any] | None = None
    ) -> BotReply:
        """Write to the bot in its own chat. `event` adds or overwrites fields, for the strange cases."""
        there = self.spaces.home(user, team)
        said = self.payloads.message(user, text, there, self.now())
        return await self.event(said | dict(event or {}), team=there)

    async def opens_home(self, user: str, *, tab: str = "home", team: str | None = None) -> BotReply:
        """Look at the app's Home tab, or at another of its tabs."""
        there = self.spaces.home(user, team)
        return await self.event(self.payloads.home_opened(user, tab, there), team=there)

    async def uninstalls(self, team: str = "") -> BotReply:
        """Remove the app, as an administrator: its token is dead before the bot is told."""
        place = self.teams[team or self.team]
        told = self.payloads.authorization(place)
        place.token = ""
        return await self.event({"type": "app_uninstalled"}, team=place.id, authorizations=[told])

    async def changes(self, user: str, **what: Any) -> BotReply:
        """Change a person's profile."""
        self.people[user] |= what
        return await self.event({"type": "user_change", "user": self.people[user]}, team=self.spaces.home(user))

    async def event(self, event: Mapping[str, Any], *, team: str | None = None, **envelope: Any) -> BotReply:
        """Send any event; `envelope` adds or overwrites fields around it."""
        sent = self.payloads.event(event, team or self.team, self.now()) | envelope
        return await self._send(self.payloads.as_event(sent, self.now()))

    async def presses(
        self, user: str, label: str, answers: Mapping[str, Any] | None = None, *, card: SlackCard | None = None
    ) -> BotReply:
        """Press the newest button with this label that the person can see, a form's submit included.

        `answers` are keyed by a question's name or label, and hold an option's value or label, several of them, user
        ids, or text; what is not named keeps what was ticked beforehand. `card` presses on one card, also a stale one.
        """
        seen = card or self._with_button(user, label)
        values = state_values(seen.blocks, answers or {})
        if seen.shown.kind == "form" and seen.submit == label:
            return await self.submits(user, seen.shown, values)
        element = seen.button(label)
        if element is None:
            raise AssertionError(f"{user} sees no button {label!r} there, only {seen.buttons}")
        return await self.presses_element(user, seen.shown, element, values, seen.body)

    def press_of(self, user: str, card: SlackCard, element: Json, answers: Mapping[str, Any] | None = None) -> Json:
        """The payload of a press, for tests that change it before it is sent by `interacts`."""
        values = state_values(card.blocks, answers or {})
        return self.payloads.press(user, card.shown, card.body, element, values, self.now())

    async def presses_element(
        self, user: str, shown: ScreenItem[Json], element: Json, values: Json, body: Json | None = None
    ) -> BotReply:
        """Press an element of what is shown, or of what it once was (`body`), with these values of its inputs."""
        return await self.interacts(self.payloads.press(user, shown, body or shown.body, element, values, self.now()))

    async def presses_nth(
        self, user: str, shown: ScreenItem[Json], number: int, values: Json, body: Json | None = None
    ) -> BotReply:
        """Press a button by its place among all buttons, counted from 0."""
        body = body or shown.body
        return await self.presses_element(user, shown, elements(body)[number], values, body)

    async def submits(self, user: str, shown: ScreenItem[Json], values: Json) -> BotReply:
        """Send a form. It closes, unless the answer puts something else into it."""
        reply = await self.interacts(self.payloads.submission(user, shown, values))
        if reply.status == HTTPStatus.OK:
            self.heed_submission(user, shown, reply.json, self.now())
        return reply

    async def interacts(self, payload: Mapping[str, Any]) -> BotReply:
        """Send any interaction payload."""
        return await self._send(self.payloads.as_interaction(payload, self.now()))

    async def again(self, retry: int = 1) -> BotReply:
        """Send the last request once more, as Slack does when it did not hear the answer."""
        if self._last is None:
            raise AssertionError("nothing was sent yet")
        body, content_type = self._last
        if self.app_token:
            return await self.by_line(body, content_type, retry=retry)
        headers = {"X-Slack-Retry-Num": str(retry), "X-Slack-Retry-Reason": "http_timeout"}
        return await self.post(body, content_type, headers=headers)

    async def post(
        self,
        body: bytes,
        content_type: str = JSON,
        *,
        headers: Mapping[str, str] | None = None,
        secret: str | None = None,
        at: datetime | None = None,
        signed: bool = True,
    ) -> BotReply:
        """Send raw bytes to the bot, signed unless told otherwise; `headers` overwrite."""
        proof = self.payloads.signature(body, at or self.now(), secret) if signed else {}
        sent = {"Content-Type": content_type, "User-Agent": "Slackbot 1.0"} | proof | dict(headers or {})
        return await self.wire.post(PlatformRequest("", body, sent))

    async def by_line(
        self, body: bytes, content_type: str, *, line: FakeSocket | None = None, retry: int = 0
    ) -> BotReply:
        """Send an envelope on any socket, as Slack picks; 200 and the payload once acknowledged, else 503."""
        await self.until(lambda: line or self.lines.open)
        line = line or self.lines.open[self.api.stamps.number() % len(self.lines.open)]
        number = await self.lines.send(body, content_type, line, retry)
        over = line.over
        with suppress(TimeoutError):
            await self.until(lambda: number in self.lines.acks or over.is_set(), self.lines.gives_up)
        ack = self.lines.acks.get(number)
        if ack is None:
            return BotReply(HTTPStatus.SERVICE_UNAVAILABLE)
        return BotReply(HTTPStatus.OK, json.dumps(ack["payload"]).encode() if "payload" in ack else b"")

    # ------------------------------------------------------------ small parts

    def _read(self, shown: ScreenItem[Json]) -> SlackCard:
        """What a person reads there now."""
        return SlackCard(shown, shown.body, shown.body.get("team_id") or self.spaces.team_of(shown.place))

    async def _send(self, delivery: PlatformRequest) -> BotReply:
        content_type = delivery.headers["Content-Type"]
        self._last = (delivery.body, content_type)
        return await (self.by_line(delivery.body, content_type) if self.app_token else self.wire.deliver(delivery))

    def _with_button(self, user: str, label: str) -> SlackCard:
        """The newest card with this button; a form lies on top of everything else."""
        on_top = self.seen_by(user, "form")
        visible = [self._read(shown) for shown in [*on_top, *self.seen_by(user, "card", "aside", "home")]]
        for card in visible:
            if label in card.buttons:
                return card
        raise AssertionError(f"{user} sees no button {label!r}, only {[b for card in visible for b in card.buttons]}")
