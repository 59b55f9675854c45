"""A Microsoft on the loopback: login and Connector API over real HTTP, and people who type and press.

    async with TeamsStandIn() as teams:
        teams.joins("ana")
        # … a `serve` with teams.settings() in its environment
        teams.app_url = "http://127.0.0.1:3000/api/messages"
        await teams.command("ana")                            # types /peersupport in the chat with the bot
        await teams.presses("ana", "Talk to someone soon")
        await teams.until(lambda: teams.reads("ana"))         # waits for what comes, never for time
        assert teams.mistakes == []                           # nothing Teams would have refused

It is strict: cards over the limits get 400 and stand in `mistakes`. It is hostile on demand: `fails`, `rotates`,
`revokes`. People act by `command`, `types`, `presses`, `submits`, `installs`, `uninstalls_for`; `activity` sends any
activity, `post` raw bytes, `token` and `wrong_tokens` are for what must not get in. A press is answered as in Teams: a
card in the answer is seen by that person alone, until the activity is edited or deleted.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC
from typing import Any
from zoneinfo import ZoneInfo

from slack_stand_in import Reply
from teams_connector import GROUP, Connector
from teams_limits import CARD_TYPE, Part, problems
from teams_seen import Seen
from teams_server import Body

MESSAGE_TYPE = "application/vnd.microsoft.activity.message"


class TeamsStandIn(Connector):
    """One tenant with its people, an app, and the app's bot."""

    def __init__(self, **login: Any) -> None:
        """Arguments, all by name: tenant, client_id, client_secret, now."""
        super().__init__(**login)
        self.app_url = ""  # where the bot under test listens, with its path
        self.bot, self.bot_name = f"28:{self.client_id}", "Peer Support"
        self._last: tuple[str, Body] | None = None

    # ------------------------------------------------------------ what people see

    def reads(self, user: str) -> list[Seen]:
        """The cards in the person's chat with the bot, oldest first."""
        return [self._seen_now(seen) for seen in self._messages.get(self.chat(user), [])]

    def whispered(self, user: str) -> list[Seen]:
        """What only this person could see for a moment, oldest first."""
        return list(self._whispers.get(user, []))

    def group(self) -> list[Seen]:
        """What the bot said to everybody in the group chat."""
        return list(self._messages.get(GROUP, []))

    # ------------------------------------------------------------ what people do

    async def command(self, user: str, text: str = "", *, tenant: str | None = None) -> Reply:
        """Type `/peersupport text` to the bot: Teams has no commands that nobody else sees."""
        return await self.types(user, f"/peersupport {text}".strip(), tenant=tenant)

    async def types(
        self, user: str, text: str, *, tenant: str | None = None, activity: Mapping[str, Any] | None = None
    ) -> Reply:
        """Write to the bot in its own chat. `activity` adds or overwrites fields, for the strange cases."""
        said = {"type": "message", "id": self._id(next(self._count)), "textFormat": "plain", "text": text}
        return await self.activity(user, said | dict(activity or {}), tenant=tenant)

    async def mentions_in_group(self, user: str, text: str = "") -> Reply:
        """Write `@Peer Support text` where others read along."""
        at = f"<at>{self.bot_name}</at>"
        mention = {"type": "mention", "text": at, "mentioned": {"id": self.bot, "name": self.bot_name}}
        entities = [*self._envelope(user, self.tenant)["entities"], mention]
        return await self.types(
            user, f"{at} {text}\n", activity={"conversation": self._in_group(), "entities": entities}
        )

    async def command_in_group(self, user: str, text: str = "") -> Reply:
        """Type `/peersupport text` in a group chat, for the bot's eyes only."""
        targeted = {"id": self.bot, "name": self.bot_name, "isTargeted": True}
        said = f"/peersupport {text}".strip()
        return await self.types(user, said, activity={"conversation": self._in_group(), "recipient": targeted})

    async def installs(self, user: str, *, action: str = "add") -> Reply:
        """Add the app: `membersAdded` and the installation come together. With "add-upgrade", a new version of it."""
        self._installed.add(user)
        if action == "add":
            added = [{"id": self.bot}, {"id": self.mri(user), "aadObjectId": self.aad(user)}]
            await self.activity(user, {"type": "conversationUpdate", "membersAdded": added})
        return await self.activity(user, {"type": "installationUpdate", "action": action})

    async def uninstalls_for(self, user: str, *, action: str = "remove") -> Reply:
        """Remove the app: from here on the bot may not post there. With "remove-upgrade", an old version of it."""
        if action == "remove":
            self.removes(user)
        return await self.activity(user, {"type": "installationUpdate", "action": action})

    async def presses(
        self, user: str, label: str, answers: Mapping[str, Any] | None = None, *, card: Seen | None = None
    ) -> Reply:
        """Press the newest button with this label that the person can see.

        `answers` are keyed by a question's id or label, and hold a choice's value or title, several of them, users, or
        text; what is not named keeps what was ticked beforehand. `card` presses on one card, also a stale one.
        """
        seen, action = self._button(user, label, card)
        data = seen.sends(action, answers or {}, self._picked)
        pressed = {"type": action["type"], "verb": action["verb"], "data": data}
        return await self.activity(
            user,
            {
                "type": "invoke",
                "name": "adaptiveCard/action",
                "replyToId": seen.id,
                "value": {"action": pressed, "trigger": "manual"},
            },
        )

    async def submits(
        self, user: str, label: str, answers: Mapping[str, Any] | None = None, *, card: Seen | None = None
    ) -> Reply:
        """The same press in a Teams that does not know Action.Execute: a message with a value, and no answer."""
        seen, action = self._button(user, label, card)
        value = seen.sends(action["fallback"], answers or {}, self._picked)
        return await self.activity(user, {"type": "message", "replyToId": seen.id, "value": value})

    async def activity(
        self, user: str, fields: Mapping[str, Any], *, tenant: str | None = None, token: str | None = None
    ) -> Reply:
        """Any activity: these fields over what Teams always sends."""
        activity = self._envelope(user, tenant or self.tenant) | dict(fields)
        self._last = (user, activity)
        return await self._deliver(user, activity, token)

    async def again(self) -> Reply:
        """Teams did not hear the answer to the last activity, and sends it once more."""
        assert self._last is not None
        return await self._deliver(*self._last, None)

    async def post(
        self,
        body: bytes,
        content_type: str = "application/json",
        *,
        headers: Mapping[str, str] | None = None,
        token: str | None = None,
        signed: bool = True,
    ) -> Reply:
        """Raw bytes to the bot, with Microsoft's token unless another is given or none; `headers` overwrite."""
        bears = {"Authorization": f"Bearer {token or self.token()}"} if signed else {}
        sent = {"Content-Type": content_type, "User-Agent": "Microsoft-SkypeBotApi"} | bears | dict(headers or {})
        async with self._session.post(self.app_url, data=body, headers=sent) as answer:
            return Reply(answer.status, await answer.read())

    # ------------------------------------------------------------ activities

    def _envelope(self, user: str, tenant: str) -> dict[str, Any]:
        person, now = self.people[user], self.now()
        zone, locale = person["tz"], person["locale"]
        client = {"type": "clientInfo", "locale": locale, "country": "US", "platform": "Windows", "timezone": zone}
        return {
            "channelId": "msteams",
            "serviceUrl": self.service_url,
            "id": f"f:{next(self._count):08x}",
            "from": {"id": self.mri(user), "name": person["name"], "aadObjectId": self.aad(user)},
            "conversation": {"conversationType": "personal", "tenantId": tenant, "id": self.chat(user)},
            "recipient": {"id": self.bot, "name": self.bot_name},
            "entities": [client],
            "channelData": {"tenant": {"id": tenant}},
            "locale": locale,
            "localTimezone": zone,
            "timestamp": now.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "localTimestamp": now.astimezone(ZoneInfo(zone)).isoformat(timespec="milliseconds"),
        }

    def _in_group(self) -> dict[str, Any]:
        return {"isGroup": True, "conversationType": "groupChat", "tenantId": self.tenant, "id": GROUP}

    async def _deliver(self, user: str, activity: Body, token: str | None) -> Reply:
        reply = await self.post(json.dumps(activity).encode(), token=token)
        if activity.get("name") == "adaptiveCard/action" and reply.status == 200:
            self._heed(user, activity, reply.json)
            await self._tell()
        return reply

    def _heed(self, user: str, activity: Body, answer: Body) -> None:
        """What an answer to a press does to the screen."""
        match answer:
            case {"statusCode": 200, "type": str(kind), "value": dict(card)} if kind == CARD_TYPE:
                self.mistakes += [f"answer: {problem}" for problem in problems(card)]
                self._views[activity["replyToId"]] = card
            case {"statusCode": 200, "type": str(kind), "value": str(text)} if kind == MESSAGE_TYPE:
                whisper = Seen("whisper", "", text, {}, next(self._count), activity["conversation"]["id"])
                self._whispers.setdefault(user, []).append(whisper)
            case {"statusCode": 400 | 500, "type": "application/vnd.microsoft.error", "value": {"code": _}}:
                pass  # Teams says that something went wrong
            case _:
                self.mistakes.append(f"answer: not one that Teams understands, of type {answer.get('type')!r}")

    def _button(self, user: str, label: str, card: Seen | None) -> tuple[Seen, Part]:
        visible = [card] if card else self.reads(user)[::-1]
        for seen in visible:
            action = seen.button(label)
            if action is not None:
                assert action["type"] == "Action.Execute", f"{label!r} opens a page, and tells nobody"
                return seen, action
        raise AssertionError(f"{user} sees no button {label!r}, only {[b for seen in visible for b in seen.buttons]}")

    def _picked(self, user: str) -> str:
        return self.aad(user) if user in self.people else user
