"""The fake Teams on a network, and people in it who type and press.

    async with TeamsServer() as teams:
        teams.joins("ana")
        # … a `serve` with teams.settings() in its environment
        teams.app_url = "http://127.0.0.1:3000/api/messages"
        await teams.command("ana")                            # types /peersupport in the chat with the bot
        await teams.presses("ana", "Talk to someone soon")
        await teams.until(lambda: teams.reads("ana"))         # waits for what comes, never for time
        assert teams.mistakes == []                           # nothing Teams would have refused

People act by `command`, `types`, `presses`, `submits`, `installs` and `uninstalls_for`. `activity` sends any activity,
`post` raw bytes; `token` and `wrong_tokens` are for what must not get in.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Self

from adapters.fakes.base import JSON, BotReply, PlatformRequest
from adapters.fakes.network import Network
from adapters.fakes.screens import Json, ScreenItem
from adapters.fakes.teams.core import FakeTeams
from adapters.fakes.teams.limits import Part
from adapters.fakes.teams.surfaces import TeamsCard, actions, read
from adapters.fakes.teams.tenant import GROUP
from adapters.fakes.wire import PATIENCE, Wire


class TeamsServer(FakeTeams):
    """A fake Teams that listens, with people who act.

    Args:
        now: What time it is; by default the real time.
        network: Where it listens; by default the loopback.
        core: See `FakeTeams`.
    """

    def __init__(
        self, *, now: Callable[[], datetime] = lambda: datetime.now(UTC), network: Network | None = None, **core: Any
    ) -> None:
        super().__init__(**core)
        self.now = now
        self.wire = Wire(self, now, network)
        self._last: tuple[str, Json] | None = None

    async def __aenter__(self) -> Self:
        await self.wire.start()
        return self

    async def __aexit__(self, *_: object) -> None:
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

    def called(self, method: str) -> list[Json]:
        """The body of every call of one method; its length is how often it was called."""
        return [call.body for call in self.calls if call.method == method]

    # ------------------------------------------------------------ the tenant

    @property
    def bot(self) -> str:
        """The bot's id in Teams."""
        return self.activities.bot

    @property
    def service_url(self) -> str:
        """Where the connector of this tenant's region is."""
        return self.login.service_url

    def joins(self, user: str, **account: Any) -> str:
        """Give a person an account, with the app: see `Tenant.joins`. Returns the handle."""
        self.directory.joins(user, **account)
        return user

    def removes(self, user: str) -> None:
        """Take the app away from a person; the bot is not told."""
        self.directory.installed.discard(user)

    def aad(self, user: str) -> str:
        """A person's object id in the directory."""
        return self.directory.aad(user)

    def mri(self, user: str) -> str:
        """A person's id in Teams, as this bot knows it."""
        return self.directory.mri(user)

    def chat(self, user: str) -> str:
        """The id of a person's chat with the bot."""
        return self.directory.chat(user)

    def token(self, **how: Any) -> str:
        """A token as Microsoft sends it to the bot now: see `MicrosoftLogin.token`."""
        return self.login.token(self.now(), **how)

    def wrong_tokens(self) -> dict[str, str]:
        """Every kind of token that must not get in now: see `MicrosoftLogin.wrong_tokens`."""
        return self.login.wrong_tokens(self.now())

    # ------------------------------------------------------------ what people see

    def reads(self, user: str) -> list[TeamsCard]:
        """The cards in the person's chat with the bot, oldest first."""
        return [read(shown) for shown in reversed(self.seen_by(user, "card"))]

    def whispered(self, user: str) -> list[TeamsCard]:
        """What only this person could see for a moment, oldest first."""
        return [read(shown) for shown in reversed(self.seen_by(user, "aside"))]

    def group(self) -> list[TeamsCard]:
        """What the bot said to everybody in the group chat."""
        return self.reads(GROUP)

    # ------------------------------------------------------------ what people do

    async def command(self, user: str, text: str = "", *, tenant: str | None = None) -> BotReply:
        """Type `/peersupport text` to the bot: Teams has no commands that others do not see."""
        return await self.types(user, f"/peersupport {text}".strip(), tenant=tenant)

    async def writes(self, user: str, text: str) -> BotReply:
        """Type a line in the chat with the bot; a command is a message like any other."""
        self.screens.put(user, "said", self.platform, {"text": text}, at=self.now())
        return await self.types(user, text)

    async def types(
        self, user: str, text: str, *, tenant: str | None = None, activity: Mapping[str, Any] | None = None
    ) -> BotReply:
        """Write to the bot in its own chat. `activity` adds or overwrites fields, for the strange cases."""
        return await self.activity(user, self.activities.message(text) | dict(activity or {}), tenant=tenant)

    async def mentions_in_group(self, user: str, text: str = "") -> BotReply:
        """Write `@Peer Support text` where others read along."""
        client = self.envelope(user)["entities"]
        said, fields = self.activities.mention(text, client)
        return await self.types(user, said, activity=fields)

    async def command_in_group(self, user: str, text: str = "") -> BotReply:
        """Type `/peersupport text` in a group chat, for the bot's eyes only."""
        return await self.types(user, f"/peersupport {text}".strip(), activity=self.activities.targeted())

    async def installs(self, user: str, *, action: str = "add") -> BotReply:
        """Add the app: `membersAdded` and the installation come together. With "add-upgrade", a new version of it."""
        self.directory.installed.add(user)
        if action == "add":
            added = [{"id": self.bot}, {"id": self.mri(user), "aadObjectId": self.aad(user)}]
            await self.activity(user, {"type": "conversationUpdate", "membersAdded": added})
        return await self.activity(user, {"type": "installationUpdate", "action": action})

    async def uninstalls_for(self, user: str, *, action: str = "remove") -> BotReply:
        """Remove the app: from here on the bot may not post there. With "remove-upgrade", an old version of it."""
        if action == "remove":
            self.removes(user)
        return await self.activity(user, {"type": "installationUpdate", "action": action})

    async def presses(
        self, user: str, label: str, answers: Mapping[str, Any] | None = None, *, card: TeamsCard | None = None
    ) -> BotReply:
        """Press the newest button with this label that the person can see.

        `answers` are keyed by a question's id or label, and hold a choice's value or title, several of them, users, or
        text; what is not named keeps what was ticked beforehand. `card` presses on one card, also a stale one.
        """
        seen, action = self.button_of(user, label, card)
        data = seen.sends(action, answers or {}, self.picked)
        return await self.activity(user, self.activities.press(seen.id, action, data))

    async def presses_action(self, user: str, shown: ScreenItem[Json], action: Json, inputs: Json) -> BotReply:
        """Press an action of what is shown, or of what it once was, with these values of its inputs."""
        data = action["data"] | (inputs if action.get("associatedInputs") != "none" else {})
        return await self.activity(user, self.activities.press(shown.place, action, data))

    async def presses_nth(
        self, user: str, shown: ScreenItem[Json], number: int, inputs: Json, body: Json | None = None
    ) -> BotReply:
        """Press a button by its place among all buttons, counted from 0."""
        return await self.presses_action(user, shown, actions(body or shown.seen)[number], inputs)

    async def submits(
        self, user: str, label: str, answers: Mapping[str, Any] | None = None, *, card: TeamsCard | None = None
    ) -> BotReply:
        """Press in a Teams that does not know Action.Execute: a message with a value, and no answer."""
        seen, action = self.button_of(user, label, card)
        data = seen.sends(action["fallback"], answers or {}, self.picked)
        return await self.activity(user, self.activities.submit(seen.id, data))

    async def activity(
        self, user: str, fields: Mapping[str, Any], *, tenant: str | None = None, token: str | None = None
    ) -> BotReply:
        """Send any activity: these fields over what Teams always sends."""
        activity = self.envelope(user, tenant) | dict(fields)
        self._last = (user, activity)
        return await self._deliver(user, activity, token)

    async def again(self) -> BotReply:
        """Send the last activity once more, as Teams does when it did not hear the answer."""
        if self._last is None:
            raise AssertionError("nothing was sent yet")
        return await self._deliver(*self._last, None)

    async def post(
        self,
        body: bytes,
        content_type: str = JSON,
        *,
        headers: Mapping[str, str] | None = None,
        token: str | None = None,
        signed: bool = True,
    ) -> BotReply:
        """Send raw bytes to the bot, with Microsoft's token unless another is given or none; `headers` overwrite."""
        return await self.wire.post(
            PlatformRequest("", body, self._headers(content_type, token, headers, signed=signed))
        )

    # ------------------------------------------------------------ small parts

    def envelope(self, user: str, tenant: str | None = None) -> Json:
        """What every activity of a person holds now."""
        return self.activities.envelope(user, tenant or self.tenant, self.now())

    def picked(self, user: str) -> str:
        """What the people picker holds for a handle."""
        return self.aad(user) if user in self.people else user

    def button_of(self, user: str, label: str, card: TeamsCard | None = None) -> tuple[TeamsCard, Part]:
        """The newest card with this button, and the button's action."""
        visible = [card] if card else self.reads(user)[::-1]
        for seen in visible:
            action = seen.button(label)
            if action is not None:
                if action["type"] != "Action.Execute":
                    raise AssertionError(f"{label!r} opens a page, and the bot is not told")
                return seen, action
        raise AssertionError(f"{user} sees no button {label!r}, only {[b for seen in visible for b in seen.buttons]}")

    def _headers(
        self, content_type: str, token: str | None, headers: Mapping[str, str] | None, *, signed: bool
    ) -> dict[str, str]:
        bears = {"Authorization": f"Bearer {token or self.token()}"} if signed else {}
        return {"Content-Type": content_type, "User-Agent": "Microsoft-SkypeBotApi"} | bears | dict(headers or {})

    async def _deliver(self, user: str, activity: Json, token: str | None) -> BotReply:
        is_press = activity.get("name") == "adaptiveCard/action"
        title = f"{user}: {activity.get('name', activity.get('type'))}"
        headers = self._headers(JSON, token, None, signed=True)
        reply = await self.wire.deliver(
            PlatformRequest(title, json.dumps(activity).encode(), headers, activity, is_press=is_press)
        )
        if is_press and reply.status == HTTPStatus.OK:
            shown = self.screens.at(str(activity.get("replyToId")))
            self.heed_press(user, shown, reply.json, self.now())
            await self.wire.notify()
        return reply
