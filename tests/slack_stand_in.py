"""A Slack on the loopback: the Web API over real HTTP, and people who type and press.

    async with SlackStandIn() as slack:
        slack.joins("U_ANA", name="Ana")
        bot = Slack(slack.token, api_url=slack.api_url)      # or a `serve` with SLACK_API_URL=slack.api_url,
        # …, SLACK_BOT_TOKEN=slack.token and SLACK_SIGNING_SECRET=slack.secret
        slack.app_url = "http://127.0.0.1:3000/slack/events"
        await slack.command("U_ANA")                          # types /peersupport in a corridor
        await slack.presses("U_ANA", "Talk to someone soon")
        await slack.until(lambda: slack.reads("U_ANA"))       # waits for what comes, never for time
        assert slack.mistakes == []                           # nothing Slack would have refused

It is strict: blocks over Slack's limits get `invalid_blocks` and stand in `mistakes`. It is hostile on demand: `fails`.
People act by `command`, `types`, `presses`, `opens_home`; an administrator by `uninstalls`, `changes`. `post` sends
raw bytes.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self
from urllib.parse import parse_qs, urlencode

import aiohttp
from aiohttp import web
from slack_limits import message_problems, view_problems

SCOPES = "chat:write,commands,im:history,im:write,users:read"
Blocks = list[dict[str, Any]]


@dataclass(frozen=True)
class Reply:
    """What the bot answered to one request."""

    status: int
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        return json.loads(self.body) if self.body.startswith(b"{") else {}


@dataclass
class Seen:
    """One card somebody can see: a message, something only they see, a form on top, or their Home tab."""

    where: str  # message | ephemeral | modal | home
    push: str
    blocks: Blocks
    order: int
    channel: str = ""
    ts: str = ""
    view: dict[str, Any] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """Everything it says, without labels of inputs and buttons."""
        return "\n".join(t for b in self.blocks if b["type"] in {"header", "section", "rich_text"} for t in _said(b))

    @property
    def buttons(self) -> list[str]:
        """The labels that can be pressed, in order; a form's submit comes last."""
        submit = [self.view["submit"]["text"]] if "submit" in self.view else []
        return [e["text"]["text"] for e in self._elements()] + submit

    @property
    def questions(self) -> list[str]:
        """The labels of the inputs."""
        return [b["label"]["text"] for b in self.blocks if b["type"] == "input"]

    @property
    def title(self) -> str:
        return self.view.get("title", {}).get("text", "")

    def _elements(self) -> Blocks:
        return [e for b in self.blocks if b["type"] == "actions" for e in b["elements"]]

    def button(self, label: str) -> dict[str, Any] | None:
        """The element with this label, and the block it stands in."""
        for block in self.blocks:
            for element in block.get("elements", []) if block["type"] == "actions" else []:
                if element["text"]["text"] == label:
                    return element | {"block_id": block.get("block_id", "b")}
        return None


@dataclass
class Fault:
    """How one method misbehaves, for one person or for all, so many times."""

    method: str
    user: str | None
    times: int
    error: str
    status: int
    retry_after: int | None
    html: bool
    reset: bool
    hang: bool
    done: bool  # the effect happens all the same


class SlackStandIn:
    """One workspace with its people, an app, and the app's bot."""

    def __init__(
        self,
        *,
        team: str = "T0HOSPITAL",
        token: str = "xoxb-stand-in",  # noqa: S107
        secret: str = "stand-in-signing-secret",  # noqa: S107
        scopes: str = SCOPES,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.team, self.token, self.secret, self.scopes, self.now = team, token, secret, scopes, now
        self.bot, self.bot_id = "U0BOT", "B0BOT"
        self.app_url = ""  # where the bot under test listens, with its path
        self.people: dict[str, dict[str, Any]] = {}
        self.calls: list[tuple[str, dict[str, Any]]] = []  # every API call: method, arguments
        self.asides: list[tuple[str, bytes]] = []  # everything sent to a response_url: user, raw body
        self.redirects_asides_to = ""
        self.mistakes: list[str] = []  # what Slack would have refused
        self._messages: dict[str, list[Seen]] = {}
        self._whispers: dict[str, list[Seen]] = {}
        self._modals: dict[str, Seen] = {}
        self._homes: dict[str, Seen] = {}
        self._triggers: dict[str, str] = {}
        self._faults: list[Fault] = []
        self._count = itertools.count(1)
        self._changed = asyncio.Condition()
        self._closing = asyncio.Event()
        self._last: tuple[bytes, str] | None = None

    # ------------------------------------------------------------ running

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=2**22)
        app.router.add_route("*", "/api/{method}", self._api)
        app.router.add_post("/response/{user}/{n}", self._response_url)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        self.api_url = self.url + "/api/"
        self._session = aiohttp.ClientSession()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._closing.set()
        await self._session.close()
        await self._runner.cleanup()

    async def until(self, condition: Callable[[], object], within: float = 10.0) -> None:
        """Wait for what the bot does next, until the condition holds; fails loudly when it never does."""
        async with asyncio.timeout(within), self._changed:
            await self._changed.wait_for(lambda: bool(condition()))

    # ------------------------------------------------------------ the workspace

    def joins(
        self, user: str, *, name: str = "", tz: str = "America/New_York", locale: str = "en-US", **flags: Any
    ) -> str:
        """Somebody joins the workspace; flags as in `users.info`, such as is_restricted=True for a guest."""
        profile = {"display_name": name or user.title(), "real_name": name or user.title()}
        self.people[user] = {
            "id": user,
            "team_id": self.team,
            "name": user.lower(),
            "tz": tz,
            "locale": locale,
            "profile": profile,
        } | flags
        return user

    def fails(
        self,
        method: str,
        *,
        user: str | None = None,
        times: int = 1,
        error: str = "",
        status: int = 200,
        retry_after: int | None = None,
        html: bool = False,
        reset: bool = False,
        hang: bool = False,
        done: bool = False,
    ) -> None:
        """The next calls of a method fail: by error code, status, HTML page, reset, or by never answering."""
        self._faults.append(Fault(method, user, times, error, status, retry_after, html, reset, hang, done))

    def heals(self) -> None:
        """No fault is left."""
        self._faults.clear()

    # ------------------------------------------------------------ what people see

    def reads(self, user: str) -> list[Seen]:
        """The cards in the person's chat with the bot, oldest first."""
        return list(self._messages.get(self._dm(user), []))

    def whispered(self, user: str) -> list[Seen]:
        """What only this person could see, oldest first."""
        return list(self._whispers.get(user, []))

    def form(self, user: str) -> Seen | None:
        """The modal that is open."""
        return self._modals.get(user)

    def home(self, user: str) -> Seen | None:
        """The Home tab."""
        return self._homes.get(user)

    def called(self, method: str) -> list[dict[str, Any]]:
        """The arguments of every call of one method."""
        return [args for name, args in self.calls if name == method]

    # ------------------------------------------------------------ what people do

    async def command(self, user: str, text: str = "", *, team: str | None = None, channel: str = "C0HALLWAY") -> Reply:
        """Type `/peersupport text` somewhere. The answer, if there is one, is seen by this person only."""
        form = {
            "token": "legacy",
            "team_id": team or self.team,
            "team_domain": "hospital",
            "channel_id": channel,
            "channel_name": "hallway",
            "user_id": user,
            "user_name": user.lower(),
            "command": "/peersupport",
            "text": text,
            "api_app_id": "A0APP",
            "response_url": self._response(user),
            "trigger_id": self._trigger(user),
        }
        reply = await self._send(urlencode(form).encode(), "application/x-www-form-urlencoded")
        if reply.json:
            self._whisper(user, reply.json)
        return reply

    async def types(
        self, user: str, text: str, *, team: str | None = None, event: Mapping[str, Any] | None = None
    ) -> Reply:
        """Write to the bot in its own chat. `event` adds or overwrites fields, for the strange cases."""
        channel = self._dm(user)
        said = {
            "type": "message",
            "channel": channel,
            "channel_type": "im",
            "user": user,
            "team": team or self.team,
            "text": text,
            "ts": self._ts(),
            "client_msg_id": f"m{next(self._count)}",
        }
        return await self.event(said | dict(event or {}), team=team)

    async def opens_home(self, user: str, *, tab: str = "home", team: str | None = None) -> Reply:
        """Look at the app's Home tab."""
        return await self.event(
            {"type": "app_home_opened", "user": user, "channel": self._dm(user), "tab": tab}, team=team
        )

    async def uninstalls(self) -> Reply:
        """An administrator removes the app."""
        return await self.event({"type": "app_uninstalled"})

    async def changes(self, user: str, **what: Any) -> Reply:
        """Somebody's profile changes."""
        self.people[user] |= what
        return await self.event({"type": "user_change", "user": self.people[user]})

    async def event(self, event: Mapping[str, Any], *, team: str | None = None, **envelope: Any) -> Reply:
        """Any event."""
        body = {
            "token": "legacy",
            "team_id": team or self.team,
            "api_app_id": "A0APP",
            "type": "event_callback",
            "event_id": f"Ev{next(self._count):08d}",
            "event_time": int(self.now().timestamp()),
            "event": dict(event),
            "authorizations": [
                {
                    "enterprise_id": None,
                    "team_id": team or self.team,
                    "user_id": self.bot,
                    "is_bot": True,
                    "is_enterprise_install": False,
                }
            ],
        } | envelope
        return await self._send(json.dumps(body).encode(), "application/json")

    async def presses(
        self, user: str, label: str, answers: Mapping[str, Any] | None = None, *, card: Seen | None = None
    ) -> Reply:
        """Press the newest button with this label that the person can see, a form's submit included.

        `answers` are keyed by a question's name or label, and hold an option's value or label, several of them, user
        ids, or text; what is not named keeps what was ticked beforehand. `card` presses on one card, also a stale one.
        """
        seen = card or self._with_button(user, label)
        if seen.where == "modal" and seen.view.get("submit", {}).get("text") == label:
            return await self._submits(user, seen, answers or {})
        element = seen.button(label)
        assert element is not None, f"{user} sees no button {label!r} there, only {seen.buttons}"
        return await self.interacts(self._block_actions(user, seen, element, answers or {}))

    async def interacts(self, payload: Mapping[str, Any]) -> Reply:
        """Any interaction payload."""
        form = urlencode({"payload": json.dumps(payload)}).encode()
        return await self._send(form, "application/x-www-form-urlencoded")

    async def again(self, retry: int = 1) -> Reply:
        """Slack did not hear the answer to the last request, and sends it once more."""
        assert self._last is not None
        body, content_type = self._last
        headers = {"X-Slack-Retry-Num": str(retry), "X-Slack-Retry-Reason": "http_timeout"}
        return await self.post(body, content_type, headers=headers)

    async def post(
        self,
        body: bytes,
        content_type: str = "application/json",
        *,
        headers: Mapping[str, str] | None = None,
        secret: str | None = None,
        at: datetime | None = None,
        signed: bool = True,
    ) -> Reply:
        """Raw bytes to the bot, signed unless told otherwise; `headers` overwrite."""
        stamp = str(int((at or self.now()).timestamp()))
        base = b"v0:" + stamp.encode() + b":" + body
        signature = "v0=" + hmac.new((secret or self.secret).encode(), base, hashlib.sha256).hexdigest()
        signs = {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": signature} if signed else {}
        sent = {"Content-Type": content_type, "User-Agent": "Slackbot 1.0"} | signs | dict(headers or {})
        async with self._session.post(self.app_url, data=body, headers=sent) as answer:
            return Reply(answer.status, await answer.read())

    # ------------------------------------------------------------ payloads

    async def _send(self, body: bytes, content_type: str) -> Reply:
        self._last = (body, content_type)
        return await self.post(body, content_type)

    def _with_button(self, user: str, label: str) -> Seen:
        modal = self._modals.get(user)
        on_top = [modal] if modal else []
        below = [*self.reads(user), *self.whispered(user), *([self._homes[user]] if user in self._homes else [])]
        for seen in [*on_top, *sorted(below, key=lambda s: -s.order)]:
            if label in seen.buttons:
                return seen
        visible = [b for s in [*on_top, *below] for b in s.buttons]
        raise AssertionError(f"{user} sees no button {label!r}, only {visible}")

    def _block_actions(
        self, user: str, seen: Seen, element: dict[str, Any], answers: Mapping[str, Any]
    ) -> dict[str, Any]:
        action = {k: element[k] for k in ("type", "action_id", "block_id", "text", "value", "url") if k in element}
        state = {"values": _state(seen.blocks, answers)}
        payload: dict[str, Any] = {
            "type": "block_actions",
            "user": {"id": user, "username": user.lower(), "name": user.lower(), "team_id": self.team},
            "api_app_id": "A0APP",
            "token": "legacy",
            "trigger_id": self._trigger(user),
            "team": {"id": self.team, "domain": "hospital"},
            "enterprise": None,
            "is_enterprise_install": False,
            "actions": [action | {"action_ts": self._ts()}],
        }
        if seen.where in {"modal", "home"}:
            view = seen.view | {"state": state, "team_id": self.team, "app_installed_team_id": self.team}
            return payload | {"container": {"type": "view", "view_id": seen.view["id"]}, "view": view}
        alone = seen.where == "ephemeral"
        return payload | {
            "container": {"type": "message", "message_ts": seen.ts, "channel_id": seen.channel, "is_ephemeral": alone},
            "channel": {"id": seen.channel, "name": "directmessage"},
            "message": {
                "type": "message",
                "bot_id": self.bot_id,
                "ts": seen.ts,
                "text": seen.push,
                "blocks": seen.blocks,
            },
            "state": state,
            "response_url": self._response(user),
        }

    async def _submits(self, user: str, seen: Seen, answers: Mapping[str, Any]) -> Reply:
        view = seen.view | {"state": {"values": _state(seen.blocks, answers)}, "app_installed_team_id": self.team}
        reply = await self.interacts(
            {
                "type": "view_submission",
                "team": {"id": self.team, "domain": "hospital"},
                "user": {"id": user, "username": user.lower(), "name": user.lower(), "team_id": self.team},
                "api_app_id": "A0APP",
                "token": "legacy",
                "trigger_id": self._trigger(user),
                "view": view,
                "response_urls": [],
                "is_enterprise_install": False,
                "enterprise": None,
            }
        )
        if reply.status == web.HTTPOk.status_code:
            self._modals.pop(user, None)
            if reply.json.get("response_action") in {"update", "push"}:
                self._open(user, reply.json["view"])
        return reply

    # ------------------------------------------------------------ the Web API

    async def _api(self, request: web.Request) -> web.StreamResponse:
        method, args = request.match_info["method"], await _arguments(request)
        if method == "api.test":  # which anybody may ask
            return web.json_response({"ok": True})
        self.calls.append((method, args))
        try:
            return await self._answer(request, method, args)
        finally:
            async with self._changed:
                self._changed.notify_all()

    async def _answer(self, request: web.Request, method: str, args: dict[str, Any]) -> web.StreamResponse:
        headers = {"x-oauth-scopes": self.scopes}
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            return web.json_response({"ok": False, "error": "invalid_auth"}, headers=headers)
        fault = self._fault(method, args)
        found = self._do(method, args) if fault is None or fault.done else {"ok": False, "error": fault.error}
        if fault is None:
            return web.json_response(found, headers=headers)
        if fault.hang:
            await self._closing.wait()
        if fault.reset:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        if fault.retry_after is not None:
            body, headers = {"ok": False, "error": "ratelimited"}, {"Retry-After": str(fault.retry_after)}
            return web.json_response(body, status=429, headers=headers)
        if fault.html:
            return web.Response(status=fault.status, text="<html><h1>Sorry</h1></html>", content_type="text/html")
        return web.json_response({"ok": False, "error": fault.error}, status=fault.status, headers=headers)

    def _fault(self, method: str, args: dict[str, Any]) -> Fault | None:
        who = {args.get(k) for k in ("user", "users", "user_id")} | {self._owner(args.get("channel", ""))}
        for fault in self._faults:
            if fault.method == method and fault.times > 0 and (fault.user is None or fault.user in who):
                fault.times -= 1
                return fault
        return None

    def _do(self, method: str, args: dict[str, Any]) -> dict[str, Any]:
        deeds: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "auth.test": self._auth_test,
            "conversations.open": self._conversations_open,
            "conversations.history": self._conversations_history,
            "chat.postMessage": self._chat_post_message,
            "chat.postEphemeral": self._chat_post_ephemeral,
            "chat.update": self._chat_update,
            "chat.delete": self._chat_delete,
            "users.info": self._users_info,
            "views.open": self._views_open,
            "views.update": self._views_update,
            "views.publish": self._views_publish,
        }
        if method not in deeds:
            return {"ok": False, "error": "unknown_method"}
        try:
            return {"ok": True} | deeds[method](args)
        except _Refused as refused:
            return {"ok": False, "error": str(refused)}

    def _auth_test(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"url": self.url, "team": "Hospital", "team_id": self.team, "user_id": self.bot, "bot_id": self.bot_id}

    def _conversations_open(self, args: dict[str, Any]) -> dict[str, Any]:
        if args.get("users") not in self.people:
            raise _Refused("user_not_found")
        return {"channel": {"id": self._dm(args["users"])}}

    def _conversations_history(self, args: dict[str, Any]) -> dict[str, Any]:
        if "im:history" not in self.scopes:
            raise _Refused("missing_scope")
        found = reversed(self._channel(args)[-int(args.get("limit", 100)) :])
        said = [
            {"type": "message", "ts": m.ts, "text": m.push, "blocks": m.blocks, "bot_id": self.bot_id} for m in found
        ]
        return {"messages": said, "has_more": False}

    def _chat_post_message(self, args: dict[str, Any]) -> dict[str, Any]:
        channel = self._channel(args)
        self._judge("chat.postMessage", message_problems(args))
        seen = self._seen("message", args, args["channel"])
        channel.append(seen)
        return {"channel": args["channel"], "ts": seen.ts, "message": {"text": args["text"]}}

    def _chat_post_ephemeral(self, args: dict[str, Any]) -> dict[str, Any]:
        self._channel(args)
        self._judge("chat.postEphemeral", message_problems(args))
        seen = self._seen("ephemeral", args, args["channel"])
        self._whispers.setdefault(args["user"], []).append(seen)
        return {"message_ts": seen.ts}

    def _chat_update(self, args: dict[str, Any]) -> dict[str, Any]:
        self._judge("chat.update", message_problems(args, 4000))
        seen = self._message(args)
        seen.push, seen.blocks = args["text"], self._ids(args.get("blocks", []))
        return {"channel": args["channel"], "ts": seen.ts}

    def _chat_delete(self, args: dict[str, Any]) -> dict[str, Any]:
        self._channel(args).remove(self._message(args))
        return {"channel": args["channel"], "ts": args["ts"]}

    def _users_info(self, args: dict[str, Any]) -> dict[str, Any]:
        if args.get("user") not in self.people:
            raise _Refused("user_not_found")
        return {"user": self.people[args["user"]]}

    def _views_open(self, args: dict[str, Any]) -> dict[str, Any]:
        self._judge("views.open", view_problems(args.get("view")))
        user = self._triggers.pop(args.get("trigger_id", ""), None)
        if user is None:
            raise _Refused("expired_trigger_id")
        return {"view": self._open(user, args["view"]).view}

    def _views_update(self, args: dict[str, Any]) -> dict[str, Any]:
        self._judge("views.update", view_problems(args.get("view")))
        for user, seen in self._modals.items():
            if seen.view["id"] == args.get("view_id"):
                return {"view": self._open(user, args["view"], seen.view["id"]).view}
        raise _Refused("not_found")

    def _views_publish(self, args: dict[str, Any]) -> dict[str, Any]:
        self._judge("views.publish", view_problems(args.get("view")))
        if args.get("user_id") not in self.people:
            raise _Refused("user_not_found")
        view = args["view"] | {"id": f"V{next(self._count)}"}
        self._homes[args["user_id"]] = Seen("home", "", self._ids(view["blocks"]), next(self._count), view=view)
        return {"view": view}

    async def _response_url(self, request: web.Request) -> web.Response:
        user, raw = request.match_info["user"], await request.read()
        self.asides.append((user, raw))
        if self.redirects_asides_to:
            raise web.HTTPFound(self.redirects_asides_to)
        body = json.loads(raw)
        if body.get("response_type") != "ephemeral" or body.get("replace_original") is not False:
            self.mistakes.append("a response_url was used for more than an aside")
        self._whisper(user, body)
        async with self._changed:
            self._changed.notify_all()
        return web.Response(text="ok")

    # ------------------------------------------------------------ small parts

    def _judge(self, method: str, found: list[str]) -> None:
        if found:
            self.mistakes += [f"{method}: {problem}" for problem in found]
            raise _Refused("invalid_blocks")

    def _whisper(self, user: str, body: dict[str, Any]) -> None:
        self.mistakes += [f"aside: {problem}" for problem in message_problems(body)]
        self._whispers.setdefault(user, []).append(self._seen("ephemeral", body, "C0HALLWAY"))

    def _open(self, user: str, view: dict[str, Any], view_id: str = "") -> Seen:
        self.mistakes += [f"modal: {problem}" for problem in view_problems(view)]
        number = next(self._count)
        view = view | {"id": view_id or f"V{number}", "hash": f"{number}.h", "team_id": self.team}
        self._modals[user] = Seen("modal", "", self._ids(view["blocks"]), number, view=view)
        return self._modals[user]

    def _seen(self, where: str, args: dict[str, Any], channel: str) -> Seen:
        return Seen(where, args["text"], self._ids(args.get("blocks", [])), next(self._count), channel, self._ts())

    def _ids(self, blocks: Blocks) -> Blocks:
        return [{"block_id": f"auto{next(self._count)}"} | block for block in blocks]

    def _message(self, args: dict[str, Any]) -> Seen:
        for seen in self._channel(args):
            if seen.ts == args.get("ts"):
                return seen
        raise _Refused("message_not_found")

    def _channel(self, args: dict[str, Any]) -> list[Seen]:
        if self._owner(args.get("channel", "")) not in self.people:
            raise _Refused("channel_not_found")
        return self._messages.setdefault(args["channel"], [])

    def _dm(self, user: str) -> str:
        return f"D0{user}"

    def _owner(self, channel: str) -> str:
        return channel.removeprefix("D0")

    def _ts(self) -> str:
        return f"1700000000.{next(self._count):06d}"

    def _trigger(self, user: str) -> str:
        trigger = f"1.2.{next(self._count):08d}"
        self._triggers[trigger] = user
        return trigger

    def _response(self, user: str) -> str:
        return f"{self.url}/response/{user}/{next(self._count)}"


class _Refused(Exception):
    """An error code of Slack's."""


async def _arguments(request: web.Request) -> dict[str, Any]:
    if request.content_type == "application/json":
        return await request.json()
    form = parse_qs((await request.read()).decode(), keep_blank_values=True) | parse_qs(request.query_string)
    return {k: json.loads(v[0]) if k in {"blocks", "view"} else v[0] for k, v in form.items()}


def _said(block: dict[str, Any]) -> list[str]:
    if block["type"] == "rich_text":
        return [t["text"] for part in block["elements"] for t in part["elements"]]
    return [block["text"]["text"]]


def _state(blocks: Blocks, answers: Mapping[str, Any]) -> dict[str, Any]:
    """state.values as Slack builds it: every input of the surface, with what was ticked beforehand or chosen now."""
    values: dict[str, Any] = {}
    unused = set(answers)
    for block in blocks:
        if block["type"] != "input":
            continue
        element = block["element"]
        names = {element["action_id"].partition(":")[2], block["label"]["text"]} & set(answers)
        unused -= names
        given = answers[names.pop()] if names else None
        values[block["block_id"]] = {element["action_id"]: {"type": element["type"]} | _given(element, given)}
    assert not unused, f"nobody asked for {sorted(unused)}"
    return values


def _given(element: dict[str, Any], given: Any) -> dict[str, Any]:
    every = [*element.get("options", []), *(o for g in element.get("option_groups", []) for o in g["options"])]
    match element["type"]:
        case "plain_text_input":
            return {"value": element.get("initial_value") if given is None else given}
        case "multi_users_select":
            return {"selected_users": list(element.get("initial_users", []) if given is None else given)}
        case "radio_buttons" | "static_select":
            return {"selected_option": element.get("initial_option") if given is None else _option(every, given)}
    chosen = element.get("initial_options", []) if given is None else [_option(every, g) for g in given]
    return {"selected_options": chosen}


def _option(options: Blocks, wanted: str) -> dict[str, Any]:
    for option in options:
        if wanted in {option["value"], option["text"]["text"]}:
            return option
    raise AssertionError(f"no option {wanted!r}, only {[o['text']['text'] for o in options]}")
