"""A pretend Teams: the Connector API a bot calls, and what a person's Teams sends. Its people and rooms are invented.

https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-api-reference
"""

from __future__ import annotations

import hashlib
import itertools
import json
import uuid
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, Final

from aiohttp import web

from adapters.playground.login import Login
from adapters.playground.pretend import Answered, Line, Pretend
from adapters.playground.screens import Json, Shown

TENANT: Final = "7b0f6a52-1c84-4b7e-9a0d-5e2b7c9f1a31"
CLIENT_ID: Final = "c5e7d2c1-58a9-4f36-8d0b-2a6c9e1f7054"
BOT: Final = f"28:{CLIENT_ID}"
CARD: Final = "application/vnd.microsoft.card.adaptive"
MESSAGE: Final = "application/vnd.microsoft.activity.message"
DOOR: Final = "/api/messages"

_SORTED = 6  # bytes of an id that are the name's
_CHATS = "/v3/conversations"
_Called = Callable[[str, web.Request, Json], web.Response]


class Teams(Pretend):
    """One tenant, in which everybody has the app."""

    platform = "teams"
    door = DOOR

    def __init__(self, line: Line) -> None:
        super().__init__(line)
        self.login = Login(line.url, TENANT, CLIENT_ID)
        self._numbers = itertools.count(1)

    def settings(self) -> dict[str, str]:
        """The environment in which a bot takes this for Teams."""
        return self.login.settings()

    def routes(self) -> list[web.RouteDef]:
        one, message = f"{_CHATS}/{{chat}}", f"{_CHATS}/{{chat}}/activities/{{message}}"
        return [
            *self.login.routes(),
            web.post(_CHATS, self._hears("open a chat", self._open)),
            web.post(f"{one}/activities", self._hears("post", self._post)),
            web.post(message, self._hears("post", self._post)),
            web.put(message, self._hears("change", self._put)),
            web.delete(message, self._hears("delete", self._delete)),
            web.get(f"{one}/members/{{member}}", self._hears("member", self._member)),
        ]

    def id_of(self, name: str) -> str:
        """An object id of the directory. It sorts as the names do, so that lots fall the same wherever one plays."""
        return str(uuid.UUID(bytes=name.encode()[:_SORTED].ljust(_SORTED, b"\0") + _digest(name)))

    # ------------------------------------------------------------ what a person does

    async def types(self, name: str, text: str) -> Answered:
        """Write to the bot. Teams has no command that is answered for one pair of eyes: it is a message like any."""
        self.screens.put(name, "said", self.platform, {"text": text})
        return await self._sends(name, {"type": "message", "textFormat": "plain", "text": text})

    async def presses(self, shown: Shown, button: int, inputs: Json, body: Json | None = None) -> Answered:
        """Press a button of what is shown, or of what it once was. The answer is what they see at once."""
        action = actions(body or shown.seen)[button]
        taken_along = inputs if action.get("associatedInputs") != "none" else {}
        pressed = {"type": action["type"], "verb": action["verb"], "data": action["data"] | taken_along}
        value = {"action": pressed, "trigger": "manual"}
        invoke = {"type": "invoke", "name": "adaptiveCard/action", "replyToId": shown.place, "value": value}
        answer = await self._sends(shown.who, invoke)
        match answer.body:
            case {"type": str(kind), "value": dict(card)} if kind == CARD:
                self.screens.answer(shown, _message_with(shown.body, card))
            case {"type": str(kind), "value": str(text)} if kind == MESSAGE:
                self.screens.put(shown.who, "aside", self.platform, {"type": "message", "text": text})
        return answer

    # ------------------------------------------------------------ activities

    async def _sends(self, name: str, fields: Json) -> Answered:
        activity = self._envelope(name) | fields
        self.line.sent(f"{name}: {fields.get('name', fields['type'])}", activity)
        proof = {"Authorization": f"Bearer {self.login.signs(self._service, self.screens.now())}"}
        body = json.dumps(activity).encode()
        press = fields["type"] == "invoke"
        return await self.line.knock(DOOR, body, {"Content-Type": "application/json"} | proof, press=press)

    def _envelope(self, name: str) -> Json:
        now = self.screens.now().isoformat(timespec="milliseconds")
        return {
            "channelId": "msteams",
            "serviceUrl": self._service,
            "id": f"f:{next(self._numbers):08x}",
            "from": {"id": _mri(name), "name": name, "aadObjectId": self.id_of(name)},
            "conversation": {"conversationType": "personal", "tenantId": TENANT, "id": _chat(name)},
            "recipient": {"id": BOT, "name": "Peer Support"},
            "entities": [{"type": "clientInfo", "locale": "en-US", "platform": "Web", "timezone": "UTC"}],
            "channelData": {"tenant": {"id": TENANT}},
            "locale": "en-US",
            "localTimezone": "UTC",
            "timestamp": now,
            "localTimestamp": now,
        }

    @property
    def _service(self) -> str:
        return f"{self.line.url}/"

    # ------------------------------------------------------------ the Connector API

    def _hears(self, title: str, deed: _Called) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handler(request: web.Request) -> web.Response:
            if not self.login.admits(request):
                return _no(HTTPStatus.UNAUTHORIZED, "Unauthorized")
            body = await _object(request)
            self.line.called(title, body)

            async def through(_: web.Request) -> web.Response:
                name = self._owner(request.match_info.get("chat", ""))
                return deed(name, request, body)

            return await self.through(request, through)

        return handler

    def _open(self, _: str, request: web.Request, body: Json) -> web.Response:
        members = body.get("members") or [{}]
        name = self.name_of(members[0].get("id"))
        if not name or name in self.away:
            return _no(HTTPStatus.NOT_FOUND, "UserNotFound")
        return web.json_response({"id": _chat(name)}, status=HTTPStatus.CREATED)

    def _post(self, name: str, request: web.Request, body: Json) -> web.Response:
        if refused := self._not_in(name):
            return refused
        place = str(1_700_000_000_000 + next(self._numbers))
        self.screens.put(name, "card", self.platform, _as_shown(body), place)
        return web.json_response({"id": place}, status=HTTPStatus.CREATED)

    def _put(self, name: str, request: web.Request, body: Json) -> web.Response:
        shown = self.screens.at(self.platform, request.match_info["message"])
        if (refused := self._not_in(name)) or shown is None:
            return refused or _no(HTTPStatus.NOT_FOUND, "ActivityNotFoundInConversation")
        self.screens.edit(shown, _as_shown(body))
        return web.json_response({"id": shown.place})

    def _delete(self, name: str, request: web.Request, _: Json) -> web.Response:
        shown = self.screens.at(self.platform, request.match_info["message"])
        if (refused := self._not_in(name)) or shown is None:
            return refused or _no(HTTPStatus.NOT_FOUND, "ActivityNotFoundInConversation")
        self.screens.take_away(shown)
        return web.Response()

    def _member(self, name: str, request: web.Request, _: Json) -> web.Response:
        asked = request.match_info["member"]
        known = next((each for each in self.people if asked in {_mri(each), self.id_of(each)}), "")
        if not known or known in self.away:
            return _no(HTTPStatus.NOT_FOUND, "MemberNotFoundInConversation")
        about = {"name": known, "userPrincipalName": address(known), "userRole": "user", "tenantId": TENANT}
        return web.json_response({"id": _mri(known), "aadObjectId": self.id_of(known)} | about)

    def _not_in(self, name: str) -> web.Response | None:
        if not name:
            return _no(HTTPStatus.NOT_FOUND, "ConversationNotFound")
        return _no(HTTPStatus.FORBIDDEN, "BotNotInConversationRoster") if name in self.away else None

    def _owner(self, chat: str) -> str:
        return next((name for name in self.people if _chat(name) == chat), "")

    def too_many(self) -> web.Response:
        answer = super().too_many()
        answer.text = json.dumps({"error": {"code": "TooManyRequests", "message": "Slow down."}})
        return answer


def _digest(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()[: 16 - _SORTED]


def actions(body: Json) -> list[Json]:
    """Every button of a message's card, in order."""
    card = card_of(body)
    return list(card.get("actions", [])) if card else []


def card_of(body: Json) -> Json | None:
    """The card in a message, if it holds one."""
    attached = body.get("attachments") or [{}]
    content = attached[0].get("content")
    return content if isinstance(content, dict) else None


def address(name: str) -> str:
    """Their user principal name, by which a private chat with them opens."""
    return f"{name.lower()}@hospital.example"


def _message_with(body: Json, card: Json) -> Json:
    return body | {"attachments": [{"contentType": CARD, "content": card}]}


def _as_shown(body: Json) -> Json:
    return {key: body[key] for key in ("type", "text", "summary", "attachments") if body.get(key)}


def _mri(name: str) -> str:
    return f"29:1playground-{name}"


def _chat(name: str) -> str:
    return f"a:1playground-{name}"


def _no(status: HTTPStatus, code: str) -> web.Response:
    return web.json_response({"error": {"code": code, "message": code}}, status=status)


async def _object(request: web.Request) -> dict[str, Any]:
    try:
        found = json.loads(await request.read() or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
