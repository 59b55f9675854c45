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

Several workspaces, some of an organisation, and an app that is installed from its own page:

        slack.adds("T0CLINIC", enterprise="E0GRID")
        slack.joins("U0BO", name="Bo", team="T0CLINIC")
        # … a `serve` with SLACK_CLIENT_ID=slack.client_id, SLACK_CLIENT_SECRET=slack.client_secret
        slack.consents("T0CLINIC")                           # who presses *Allow* there; None: *Cancel*
        await browser.get(app + "/slack/install")            # follows redirects there and back

A token speaks only in its own workspace: with another's, people and chats are not found, and `mistakes` says so.

It is strict: blocks over Slack's limits get `invalid_blocks` and stand in `mistakes`. It is hostile on demand: `fails`.
People act by `command`, `types`, `presses`, `opens_home`; an administrator by `consents`, `uninstalls`,
`changes`. `post` sends raw bytes. With `app_token` it speaks Socket Mode instead: SLACK_APP_TOKEN for
SLACK_SIGNING_SECRET, and `lines`.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import itertools
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, Self
from urllib.parse import parse_qs, urlencode

import aiohttp
from aiohttp import web
from slack_limits import message_problems, view_problems
from slack_lines import METHOD, Line, Lines

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
    team: str = ""  # whose app showed it; "" where it cannot be told
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
class Team:
    """A workspace, or an organisation that installs for all of its: what the app is there. No token: not installed."""

    id: str
    enterprise: str | None = None
    token: str = ""
    bot: str = "U0BOT"
    bot_id: str = "B0BOT"

    @property
    def wide(self) -> bool:
        return self.id.startswith("E")


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
        app_token: str = "",
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.team, self.token, self.secret, self.scopes, self.now = team, token, secret, scopes, now
        self.app_token = app_token
        self.lines = Lines(self._notify)
        self.bot, self.bot_id = "U0BOT", "B0BOT"
        self.app_url = ""  # where the bot under test listens, with its path
        self.people: dict[str, dict[str, Any]] = {}
        self.calls: list[tuple[str, dict[str, Any]]] = []  # every API call: method, arguments
        self.asides: list[tuple[str, bytes]] = []  # everything sent to a response_url: user, raw body
        self.redirects_asides_to = ""
        self.mistakes: list[str] = []  # what Slack would have refused
        self.teams: dict[str, Team] = {team: Team(team, None, token, self.bot, self.bot_id)}
        self.client_id, self.client_secret = "1234567890.1234567890", "stand-in-client-secret"
        self.redirect_url = ""  # as it stands in the app's settings
        self.asked: list[dict[str, str]] = []  # what came with each visit to the page that asks for consent
        self.revoked: list[str] = []  # tokens that were given back
        self.rotates = False  # tokens expire and are renewed
        self._consents: str | None = team
        self._codes: dict[str, str] = {}
        self._acts_in: dict[str, tuple[str, ...]] = {}  # by user, the workspace where they act first
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
        app.router.add_get("/link/", self.lines.serve)
        app.router.add_post("/response/{user}/{n}", self._response_url)
        app.router.add_get("/oauth/v2/authorize", self._authorize)
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
        for line in tuple(self.lines.open):
            await line.ws.close()
        await self._session.close()
        await self._runner.cleanup()

    async def until(self, condition: Callable[[], object], within: float = 10.0) -> None:
        """Wait for what the bot does next, until the condition holds; fails loudly when it never does."""
        async with asyncio.timeout(within), self._changed:
            await self._changed.wait_for(lambda: bool(condition()))

    # ------------------------------------------------------------ the workspace

    def adds(self, team: str, *, enterprise: str | None = None) -> str:
        """Another workspace, perhaps of an organisation; or, by an id with E, an organisation. The app is not in it."""
        self.teams[team] = Team(
            team, enterprise or (team if team.startswith("E") else None), "", f"U{team}B", f"B{team}"
        )
        return team

    def consents(self, team: str | None) -> None:
        """Whoever comes to the page that asks for consent is an administrator there, and allows it; None: declines."""
        self._consents = team

    def joins(
        self,
        user: str,
        *,
        name: str = "",
        tz: str = "America/New_York",
        locale: str = "en-US",
        team: str | tuple[str, ...] = (),
        **flags: Any,
    ) -> str:
        """Somebody joins a workspace, or several of one organisation; flags as in `users.info`."""
        teams = self._acts_in[user] = (team,) if isinstance(team, str) else team or (self.team,)
        if enterprise := self.teams[teams[0]].enterprise:
            flags = {"enterprise_user": {"id": user, "enterprise_id": enterprise, "teams": list(teams)}} | flags
        profile = {"display_name": name or user.title(), "real_name": name or user.title()}
        self.people[user] = {
            "id": user,
            "team_id": teams[0],
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
        found = [seen for team in self.teams for seen in self._messages.get(self._dm(user, team), [])]
        return sorted(found, key=lambda seen: seen.order)

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
        there = self._home(user, team)
        form = {
            "token": "legacy",
            "team_id": there,
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
        if enterprise := self.teams[there].enterprise if there in self.teams else None:
            wide = str(self._app_in(there).wide).lower()
            form |= {"enterprise_id": enterprise, "enterprise_name": "Grid", "is_enterprise_install": wide}
        reply = await self._send(urlencode(form).encode(), "application/x-www-form-urlencoded")
        if reply.json:
            self._whisper(user, reply.json)
        return reply

    async def types(
        self, user: str, text: str, *, team: str | None = None, event: Mapping[str, Any] | None = None
    ) -> Reply:
        """Write to the bot in its own chat. `event` adds or overwrites fields, for the strange cases."""
        there = self._home(user, team)
        channel = self._dm(user, self._app_in(there).id)
        said = {
            "type": "message",
            "channel": channel,
            "channel_type": "im",
            "user": user,
            "team": there,
            "text": text,
            "ts": self._ts(),
            "client_msg_id": f"m{next(self._count)}",
        }
        return await self.event(said | dict(event or {}), team=there)

    async def opens_home(self, user: str, *, tab: str = "home", team: str | None = None) -> Reply:
        """Look at the app's Home tab."""
        there = self._home(user, team)
        channel = self._dm(user, self._app_in(there).id)
        return await self.event({"type": "app_home_opened", "user": user, "channel": channel, "tab": tab}, team=there)

    async def uninstalls(self, team: str = "") -> Reply:
        """An administrator removes the app: its token is dead before anybody is told."""
        place = self.teams[team or self.team]
        told = self._authorized(place)
        place.token = "" if team else place.token
        return await self.event({"type": "app_uninstalled"}, team=place.id, authorizations=[told])

    async def changes(self, user: str, **what: Any) -> Reply:
        """Somebody's profile changes."""
        self.people[user] |= what
        return await self.event({"type": "user_change", "user": self.people[user]}, team=self._home(user))

    async def event(self, event: Mapping[str, Any], *, team: str | None = None, **envelope: Any) -> Reply:
        """Any event."""
        there = team or self.team
        body = {
            "token": "legacy",
            "team_id": there,
            "api_app_id": "A0APP",
            "type": "event_callback",
            "event_id": f"Ev{next(self._count):08d}",
            "event_time": int(self.now().timestamp()),
            "event": dict(event),
            "authorizations": [self._authorized(self._app_in(there))],
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
        if self.app_token:
            return await self.by_line(body, content_type, retry=retry)
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
        return await (self.by_line if self.app_token else self.post)(body, content_type)

    async def by_line(self, body: bytes, content_type: str, *, line: Line | None = None, retry: int = 0) -> Reply:
        """An envelope on any line, as Slack picks; 200 and the payload where it is acknowledged, else 503."""
        await self.until(lambda: line or self.lines.open)
        line = line or self.lines.open[next(self._count) % len(self.lines.open)]
        number = await self.lines.send(body, content_type, line, retry)
        with suppress(TimeoutError):
            await self.until(lambda: number in self.lines.acks or line.over.is_set(), self.lines.gives_up)
        ack = self.lines.acks.get(number)
        if ack is None:
            return Reply(503, b"")
        return Reply(200, json.dumps(ack["payload"]).encode() if "payload" in ack else b"")

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()

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
            "user": {"id": user, "username": user.lower(), "name": user.lower(), "team_id": self._home(user)},
            "api_app_id": "A0APP",
            "token": "legacy",
            "trigger_id": self._trigger(user),
            **self._where(user, seen),
            "actions": [action | {"action_ts": self._ts()}],
        }
        if seen.where in {"modal", "home"}:
            there = seen.team or self.team
            view = seen.view | {"state": state, "team_id": there, "app_installed_team_id": there}
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
        there = seen.team or self.team
        view = seen.view | {"state": {"values": _state(seen.blocks, answers)}, "app_installed_team_id": there}
        reply = await self.interacts(
            {
                "type": "view_submission",
                "user": {"id": user, "username": user.lower(), "name": user.lower(), "team_id": self._home(user)},
                "api_app_id": "A0APP",
                "token": "legacy",
                "trigger_id": self._trigger(user),
                "view": view,
                "response_urls": [],
                **self._where(user, seen),
            }
        )
        if reply.status == web.HTTPOk.status_code:
            self._modals.pop(user, None)
            if reply.json.get("response_action") in {"update", "push"}:
                self._open(user, reply.json["view"], team=there)
        return reply

    def _where(self, user: str, seen: Seen) -> dict[str, Any]:
        """As interactions say in which installation they happened: one of an organisation names no workspace."""
        place = self.teams.get(seen.team) or self._app_in(self._home(user))
        enterprise = {"id": place.enterprise, "name": "Grid"} if place.enterprise else None
        team = None if place.wide else {"id": place.id, "domain": "hospital"}
        return {"team": team, "enterprise": enterprise, "is_enterprise_install": place.wide}

    def _authorized(self, place: Team) -> dict[str, Any]:
        return {
            "enterprise_id": place.enterprise,
            "team_id": None if place.wide else place.id,
            "user_id": place.bot,
            "is_bot": True,
            "is_enterprise_install": place.wide,
        }

    def _home(self, user: str, team: str | None = None) -> str:
        """The workspace somebody is acting in: this one, or their first."""
        return team or self._acts_in.get(user, (self.team,))[0]

    def _app_in(self, team: str) -> Team:
        """The app that is seen there: the workspace's own, else its organisation's."""
        place = self.teams.get(team) or Team(team)
        above = self.teams.get(place.enterprise or "")
        return above if above and above.token and not place.token else place

    # ------------------------------------------------------------ installing

    async def _authorize(self, request: web.Request) -> web.Response:
        """The page on which an administrator consents; they press at once."""
        self.asked.append(dict(request.query))
        code = f"{next(self._count)}.code"
        if self._consents is not None:
            self._codes[code] = self._consents
        said = {"error": "access_denied"} if self._consents is None else {"code": code}
        raise web.HTTPFound(f"{self.redirect_url}?{urlencode(said | {'state': request.query.get('state', '')})}")

    def _oauth_access(self, request: web.Request, args: dict[str, Any]) -> web.Response:
        known = "Basic " + base64.b64encode(f"{self.client_id}:{self.client_secret}".encode()).decode()
        if request.headers.get("Authorization") != known:
            return web.json_response({"ok": False, "error": "bad_client_secret"})
        team = self._codes.pop(args.get("code", ""), None)
        if team is None:
            return web.json_response({"ok": False, "error": "invalid_code"})
        place = self.teams[team]
        place.token = place.token or f"xoxb-of-{team}-{next(self._count)}"
        found = {
            "ok": True,
            "app_id": "A0APP",
            "authed_user": {"id": "U0ADMIN"},
            "scope": self.asked[-1]["scope"] if self.asked else self.scopes,
            "token_type": "bot",
            "access_token": place.token,
            "bot_user_id": place.bot,
            "team": None if place.wide else {"id": place.id, "name": "Hospital"},
            "enterprise": {"id": place.enterprise, "name": "Grid"} if place.enterprise else None,
            "is_enterprise_install": place.wide,
        } | ({"refresh_token": "xoxe-1", "expires_in": 43200} if self.rotates else {})
        return web.json_response(found, headers={"Date": format_datetime(self.now(), usegmt=True)})

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
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if method == METHOD and (not self.app_token or token != self.app_token):
            error = "not_allowed_token_type" if token == self.token else "invalid_auth"
            return web.json_response({"ok": False, "error": error}, headers=headers)
        if method == "oauth.v2.access" and not any(f.method == method and f.times > 0 for f in self._faults):
            return self._oauth_access(request, args)
        place = next((team for team in self.teams.values() if team.token and team.token == token), None)
        if place is None and method not in {"oauth.v2.access", METHOD}:
            return web.json_response({"ok": False, "error": "invalid_auth"}, headers=headers)
        fault = self._fault(method, args)
        self._speaking = place or self.teams[self.team]
        found = self._do(method, args) if fault is None or fault.done else {"ok": False, "error": fault.error}
        return await self._with_fault(request, fault, found, headers)

    async def _with_fault(
        self, request: web.Request, fault: Fault | None, found: dict[str, Any], headers: dict[str, str]
    ) -> web.StreamResponse:
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
        who = {args.get(k) for k in ("user", "users", "user_id")} | {self._owner(args.get("channel") or "")}
        for fault in self._faults:
            if fault.method == method and fault.times > 0 and (fault.user is None or fault.user in who):
                fault.times -= 1
                return fault
        return None

    def _do(self, method: str, args: dict[str, Any]) -> dict[str, Any]:
        deeds: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "auth.revoke": self._auth_revoke,
            "auth.test": self._auth_test,
            METHOD: lambda _: self.lines.ticket(self.url),
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
        place = self._speaking
        found = {"url": self.url, "team": "Hospital", "team_id": place.id, "user_id": place.bot, "bot_id": place.bot_id}
        if place.enterprise:
            found |= {"enterprise_id": place.enterprise, "is_enterprise_install": place.wide}
        return found

    def _auth_revoke(self, _: dict[str, Any]) -> dict[str, Any]:
        self.revoked.append(self._speaking.token)
        self._speaking.token = ""
        return {"revoked": True}

    def _known(self, user: Any) -> dict[str, Any]:
        """Somebody whom the token that is speaking may know."""
        place, teams = self._speaking, self._acts_in.get(user, ())
        if place.id not in teams and not (place.wide and place.enterprise in {self.teams[t].enterprise for t in teams}):
            raise _Refused("user_not_found")
        return self.people[user]

    def _conversations_open(self, args: dict[str, Any]) -> dict[str, Any]:
        self._known(args.get("users"))
        return {"channel": {"id": self._dm(args["users"], self._speaking.id)}}

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
        return {"user": self._known(args.get("user"))}

    def _views_open(self, args: dict[str, Any]) -> dict[str, Any]:
        self._judge("views.open", view_problems(args.get("view")))
        user = self._triggers.pop(args.get("trigger_id", ""), None)
        if user is None:
            raise _Refused("expired_trigger_id")
        return {"view": self._open(user, args["view"], team=self._speaking.id).view}

    def _views_update(self, args: dict[str, Any]) -> dict[str, Any]:
        self._judge("views.update", view_problems(args.get("view")))
        for user, seen in self._modals.items():
            if seen.view["id"] == args.get("view_id"):
                return {"view": self._open(user, args["view"], seen.view["id"], team=self._speaking.id).view}
        raise _Refused("not_found")

    def _views_publish(self, args: dict[str, Any]) -> dict[str, Any]:
        self._judge("views.publish", view_problems(args.get("view")))
        self._known(args.get("user_id"))
        view = args["view"] | {"id": f"V{next(self._count)}"}
        self._homes[args["user_id"]] = Seen(
            "home", "", self._ids(view["blocks"]), next(self._count), view=view, team=self._speaking.id
        )
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

    def _open(self, user: str, view: dict[str, Any], view_id: str = "", team: str = "") -> Seen:
        self.mistakes += [f"modal: {problem}" for problem in view_problems(view)]
        number = next(self._count)
        view = view | {"id": view_id or f"V{number}", "hash": f"{number}.h", "team_id": team or self.team}
        self._modals[user] = Seen("modal", "", self._ids(view["blocks"]), number, view=view, team=team)
        return self._modals[user]

    def _seen(self, where: str, args: dict[str, Any], channel: str) -> Seen:
        blocks, number = self._ids(args.get("blocks", [])), next(self._count)
        return Seen(where, args["text"], blocks, number, channel, self._ts(), team=self._team_of(channel))

    def _ids(self, blocks: Blocks) -> Blocks:
        return [{"block_id": f"auto{next(self._count)}"} | block for block in blocks]

    def _message(self, args: dict[str, Any]) -> Seen:
        for seen in self._channel(args):
            if seen.ts == args.get("ts"):
                return seen
        raise _Refused("message_not_found")

    def _channel(self, args: dict[str, Any]) -> list[Seen]:
        channel = args.get("channel") or ""
        if self._owner(channel) not in self.people:
            raise _Refused("channel_not_found")
        if self._team_of(channel) != self._speaking.id:  # another app's chat, as far as this token can see
            self.mistakes.append("a chat was spoken to with the token of another workspace")
            raise _Refused("channel_not_found")
        return self._messages.setdefault(channel, [])

    def _dm(self, user: str, team: str = "") -> str:
        """Somebody's chat with the app of a workspace."""
        return f"D0{user}" if team in {"", self.team} else f"D{team}X{user}"

    def _owner(self, channel: str) -> str:
        place = self._team_of(channel)
        return channel.removeprefix("D0") if place == self.team else channel.removeprefix(f"D{place}X")

    def _team_of(self, channel: str) -> str:
        return next((team for team in self.teams if channel.startswith(f"D{team}X")), self.team)

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
