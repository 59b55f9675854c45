"""A pretend Slack: the Web API a bot calls, and what a person's Slack sends. Its people, tokens and rooms are invented.

https://docs.slack.dev/reference/methods and https://docs.slack.dev/reference/interaction-payloads
"""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import secrets
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import parse_qs, urlencode

from aiohttp import web

from adapters.playground.pretend import Answered, Line, Pretend
from adapters.playground.screens import Json, Kind, Shown

TEAM: Final = "T0HOSPITAL"
BOT: Final = "U0PEERSUPPORT"
BOT_ID: Final = "B0PEERSUPPORT"
APP: Final = "A0PEERSUPPORT"
SCOPES: Final = "chat:write,commands,im:history,im:write,users:read"
DOOR: Final = "/slack/events"

_FORM = "application/x-www-form-urlencoded"


class Slack(Pretend):
    """One workspace, with one app in it."""

    platform = "slack"
    door = DOOR

    def __init__(self, line: Line) -> None:
        super().__init__(line)
        self.token, self.secret = f"xoxb-{secrets.token_hex(16)}", secrets.token_hex(16)
        self._numbers = itertools.count(1)
        self._triggers: dict[str, str] = {}  # who may be shown a form, by what Slack gave with their press
        self._methods: Mapping[str, Callable[[Json], Json]] = {
            "auth.test": lambda _: {"team_id": TEAM, "user_id": BOT, "bot_id": BOT_ID},
            "conversations.open": self._open,
            "conversations.history": self._history,
            "chat.postMessage": self._post,
            "chat.postEphemeral": self._whisper,
            "chat.update": self._update,
            "chat.delete": self._delete,
            "users.info": self._info,
            "views.open": self._open_view,
            "views.update": self._update_view,
            "views.publish": self._publish,
        }

    def empties(self) -> None:
        super().empties()
        self._triggers.clear()

    def settings(self) -> dict[str, str]:
        """The environment in which a bot takes this for Slack."""
        return {
            "SLACK_BOT_TOKEN": self.token,
            "SLACK_SIGNING_SECRET": self.secret,
            "SLACK_API_URL": f"{self.line.url}/pretend/slack/api/",
        }

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/pretend/slack/api/{method}", self._called),
            web.post("/pretend/slack/aside/{user}/{number}", self._answered_later),
        ]

    def id_of(self, name: str) -> str:
        return f"U0{name.upper()}"

    # ------------------------------------------------------------ what a person does

    async def types(self, name: str, text: str) -> Answered:
        """Write to the bot, or give its command: Slack answers that for their eyes only."""
        self.screens.put(name, "said", self.platform, {"text": text})
        if text.strip().split(" ")[0] != "/peersupport":
            return await self._event(self._message(name, text))
        answer = await self._form(self._command(name, text.strip().removeprefix("/peersupport").strip()))
        if isinstance(answer.body, dict):
            self._aside(name, answer.body)
        return answer

    async def presses(self, shown: Shown, button: int, inputs: Json, body: Json | None = None) -> Answered:
        """Press a button of what is shown, or of what it once was."""
        body = body or shown.body
        element = elements(body)[button]
        return await self._interacts(self._press(shown, body, element, {"values": inputs}))

    async def sends(self, shown: Shown, inputs: Json) -> Answered:
        """Send a form. It closes unless the answer puts something else into it."""
        answer = await self._interacts(self._submission(shown, {"values": inputs}))
        match answer.body:
            case {"response_action": "update", "view": dict(view)}:
                self.screens.edit(shown, shown.body | view)
            case _ if answer.status == web.HTTPOk.status_code:
                self.screens.take_away(shown)
        return answer

    def closes(self, shown: Shown) -> None:
        self.screens.take_away(shown)

    async def opens_home(self, name: str) -> Answered:
        opened = {"type": "app_home_opened", "user": self.id_of(name), "channel": _chat(name), "tab": "home"}
        return await self._event(opened)

    # ------------------------------------------------------------ payloads

    def _command(self, name: str, text: str) -> Json:
        return {
            "team_id": TEAM,
            "channel_id": _chat(name),
            "user_id": self.id_of(name),
            "command": "/peersupport",
            "text": text,
            "api_app_id": APP,
            "response_url": self._aside_url(name),
            "trigger_id": self._trigger(name),
        }

    def _message(self, name: str, text: str) -> Json:
        room = {"channel": _chat(name), "channel_type": "im", "team": TEAM, "ts": self._stamp()}
        return {"type": "message", "user": self.id_of(name), "text": text} | room

    def _press(self, shown: Shown, body: Json, element: Json, state: Json) -> Json:
        kept = ("type", "action_id", "block_id", "text", "value", "url")
        action = {key: element[key] for key in kept if key in element} | {"action_ts": self._stamp()}
        payload = self._payload("block_actions", shown.who) | {"actions": [action]}
        if shown.kind in {"form", "home"}:
            view = _sent_back(shown, body, state)
            return payload | {"container": {"type": "view", "view_id": shown.place}, "view": view}
        channel, _, stamp = shown.place.partition("/")
        alone = shown.kind == "aside"
        return payload | {
            "container": {"type": "message", "message_ts": stamp, "channel_id": channel, "is_ephemeral": alone},
            "channel": {"id": channel, "name": "directmessage"},
            "message": {"type": "message", "bot_id": BOT_ID, "ts": stamp} | body,
            "state": state,
            "response_url": self._aside_url(shown.who),
        }

    def _submission(self, shown: Shown, state: Json) -> Json:
        view = _sent_back(shown, shown.body, state)
        return self._payload("view_submission", shown.who) | {"view": view, "response_urls": []}

    def _payload(self, kind: str, name: str) -> Json:
        return {
            "type": kind,
            "user": {"id": self.id_of(name), "team_id": TEAM},
            "team": {"id": TEAM, "domain": "hospital"},
            "api_app_id": APP,
            "trigger_id": self._trigger(name),
            "is_enterprise_install": False,
            "enterprise": None,
        }

    async def _event(self, event: Json) -> Answered:
        envelope: Json = {"type": "event_callback", "team_id": TEAM, "api_app_id": APP, "event": event}
        envelope |= {"event_id": f"Ev{next(self._numbers):08d}", "event_time": int(self._now())}
        self.line.sent(f"{self.name_of(event['user'])}: {event['type']}", envelope)
        return await self._signed(json.dumps(envelope).encode(), "application/json")

    async def _interacts(self, payload: Json) -> Answered:
        self.line.sent(f"{self.name_of(payload['user']['id'])}: {payload['type']}", payload)
        return await self._signed(urlencode({"payload": json.dumps(payload)}).encode(), _FORM, press=True)

    async def _form(self, form: Json) -> Answered:
        self.line.sent(f"{self.name_of(form['user_id'])}: {form['command']}", form)
        return await self._signed(urlencode(form).encode(), _FORM)

    async def _signed(self, body: bytes, content_type: str, *, press: bool = False) -> Answered:
        stamp = str(int(self._now()))
        digest = hmac.digest(self.secret.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hex()
        proof = {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={digest}"}
        return await self.line.knock(DOOR, body, {"Content-Type": content_type} | proof, press=press)

    def _now(self) -> float:
        return self.screens.now().timestamp()

    def _stamp(self) -> str:
        return f"{int(self._now())}.{next(self._numbers):06d}"

    def _trigger(self, name: str) -> str:
        trigger = f"1.2.{next(self._numbers):08d}"
        self._triggers[trigger] = name
        return trigger

    def _aside_url(self, name: str) -> str:
        return f"{self.line.url}/pretend/slack/aside/{self.id_of(name)}/{next(self._numbers)}"

    # ------------------------------------------------------------ the Web API

    async def _called(self, request: web.Request) -> web.Response:
        method, args = request.match_info["method"], await _arguments(request)
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            return web.json_response({"ok": False, "error": "invalid_auth"})
        self.line.called(method, args)

        async def deed(_: web.Request) -> web.Response:
            return web.json_response(self._do(method, args), headers={"x-oauth-scopes": SCOPES})

        return await (deed(request) if method == "auth.test" else self.through(request, deed))  # a bot may start

    def _do(self, method: str, args: Json) -> Json:
        if method not in self._methods:
            return {"ok": False, "error": "unknown_method"}
        try:
            return {"ok": True} | self._methods[method](args)
        except _Refused as refused:
            return {"ok": False, "error": str(refused)}

    def _open(self, args: Json) -> Json:
        return {"channel": {"id": _chat(self._member(args.get("users")))}}

    def _history(self, args: Json) -> Json:
        name = self._owner(args.get("channel"))
        cards = [shown for shown in self.screens.of(name) if shown.kind == "card" and shown.platform == self.platform]
        return {"messages": [{"ts": shown.place.partition("/")[2]} | shown.body for shown in cards]}

    def _post(self, args: Json) -> Json:
        name, stamp = self._owner(args.get("channel")), self._stamp()
        self._show(name, "card", args, f"{_chat(name)}/{stamp}")
        return {"channel": _chat(name), "ts": stamp}

    def _whisper(self, args: Json) -> Json:
        name, stamp = self._owner(args.get("channel")), self._stamp()
        self._show(name, "aside", args, f"{_chat(name)}/{stamp}")
        return {"message_ts": stamp}

    def _update(self, args: Json) -> Json:
        shown = self._standing(args)
        self.screens.edit(shown, self._drawn(args))
        return {"channel": args["channel"], "ts": args["ts"]}

    def _delete(self, args: Json) -> Json:
        self.screens.take_away(self._standing(args))
        return {"channel": args["channel"], "ts": args["ts"]}

    def _info(self, args: Json) -> Json:
        name = self._member(args.get("user"))
        about = {"profile": {"display_name": name, "real_name": name}, "tz": "UTC", "locale": "en-US"}
        return {"user": {"id": self.id_of(name), "team_id": TEAM} | about}

    def _open_view(self, args: Json) -> Json:
        name = self._triggers.pop(str(args.get("trigger_id")), "")
        if not name:
            raise _Refused("expired_trigger_id")
        for open_already in [shown for shown in self.screens.of(name) if shown.kind == "form"]:
            self.screens.take_away(open_already)
        view, place = self._view(args), f"V{next(self._numbers)}"
        self.screens.put(name, "form", self.platform, view, place)
        return {"view": view | {"id": place}}

    def _update_view(self, args: Json) -> Json:
        shown = self.screens.at(self.platform, str(args.get("view_id")))
        if shown is None:
            raise _Refused("not_found")
        self.screens.edit(shown, shown.body | self._view(args))
        return {"view": shown.body | {"id": shown.place}}

    def _publish(self, args: Json) -> Json:
        name = self._member(args.get("user_id"))
        view, place = self._view(args), f"V{self.id_of(name)}"
        if (shown := self.screens.at(self.platform, place)) is not None:
            self.screens.edit(shown, view)
        else:
            self.screens.put(name, "home", self.platform, view, place)
        return {"view": view | {"id": place}}

    async def _answered_later(self, request: web.Request) -> web.Response:
        """What the bot says through the address that came with a press."""
        body = await request.json()
        self.line.called("response_url", body)

        async def deed(_: web.Request) -> web.Response:
            self._aside(self.name_of(request.match_info["user"]), body)
            return web.Response(text="ok")

        return await self.through(request, deed)

    # ------------------------------------------------------------ small parts

    def _aside(self, name: str, said: Json) -> None:
        self._show(name, "aside", said, f"{_chat(name)}/{self._stamp()}")

    def _show(self, name: str, kind: Kind, said: Json, place: str) -> None:
        self.screens.put(name, kind, self.platform, self._drawn(said), place)

    def _drawn(self, said: Json) -> Json:
        return {"text": said.get("text", ""), "blocks": self._numbered(said.get("blocks") or [])}

    def _view(self, args: Json) -> Json:
        view = args.get("view")
        if not isinstance(view, dict):
            raise _Refused("invalid_arguments")
        return view | {"blocks": self._numbered(view["blocks"])}

    def _numbered(self, blocks: list[Json]) -> list[Json]:
        """Slack gives a name to every block that has none. Ours depend on the place, so that the same is the same."""
        return [{"block_id": f"block{place}"} | block for place, block in enumerate(blocks)]

    def _standing(self, args: Json) -> Shown:
        self._owner(args.get("channel"))
        shown = self.screens.at(self.platform, f"{args.get('channel')}/{args.get('ts')}")
        if shown is None:
            raise _Refused("message_not_found")
        return shown

    def _member(self, id: object) -> str:
        name = self.name_of(id)
        if not name or name in self.away:
            raise _Refused("user_not_found")
        return name

    def _owner(self, channel: object) -> str:
        name = self.name_of(f"U0{str(channel).removeprefix('D0')}")
        if not name or name in self.away:
            raise _Refused("channel_not_found")
        return name


class _Refused(Exception):
    """One of Slack's words for no."""


def elements(body: Json) -> list[Json]:
    """Every button, in order, with the name of its block."""
    actions = [block for block in body.get("blocks", []) if block["type"] == "actions"]
    return [{"block_id": block.get("block_id")} | element for block in actions for element in block["elements"]]


def _sent_back(shown: Shown, body: Json, state: Json) -> Json:
    """A form or a Home tab as Slack sends it along: with its name, and with what was filled in."""
    return body | {"id": shown.place, "hash": f"{shown.place}.0", "state": state, "app_installed_team_id": TEAM}


def _chat(name: str) -> str:
    return f"D0{name.upper()}"


async def _arguments(request: web.Request) -> dict[str, Any]:
    if request.content_type == "application/json":
        found = await request.json()
        return found if isinstance(found, dict) else {}
    form = parse_qs((await request.read()).decode(), keep_blank_values=True)
    return {key: values[0] for key, values in form.items()}
