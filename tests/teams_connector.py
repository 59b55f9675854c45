"""The Connector API on the loopback: a tenant with its people, and the chats in which the bot posts and edits."""

from __future__ import annotations

import base64
import hashlib
import itertools
import uuid
from dataclasses import replace
from typing import Any

from aiohttp import web
from teams_limits import activity_problems
from teams_login import Login
from teams_seen import Seen, seen_in
from teams_server import Body, Refused, Route

GROUP = "19:ward7corridor@thread.v2"  # a group chat that somebody has added the bot to
_CHATS = "/{region:(?:amer/)?}v3/conversations"  # a region's address, or the one that serves them all
_OURS = {"tz", "locale"}  # what we remember of people and the members call does not tell


class Connector(Login):
    """One tenant with its people, and what the bot may do there."""

    def __init__(self, **login: Any) -> None:
        super().__init__(**login)
        self.people: dict[str, dict[str, Any]] = {}
        self.mistakes: list[str] = []  # what Teams would have refused
        self.pushes: list[tuple[str, str]] = []  # every notification there was: user, text
        self.used_tokens: set[str] = set()
        self._installed: set[str] = set()
        self._messages: dict[str, list[Seen]] = {}
        self._views: dict[str, Body] = {}  # activity id → the card that its reader was answered with
        self._whispers: dict[str, list[Seen]] = {}
        self._count = itertools.count(1)

    def routes(self) -> list[Route]:
        return [
            *super().routes(),
            Route("create", "POST", _CHATS, self._create),
            Route("post", "POST", _CHATS + "/{chat}/activities", self._post),
            Route("reply", "POST", _CHATS + "/{chat}/activities/{activity}", self._post),
            Route("update", "PUT", _CHATS + "/{chat}/activities/{activity}", self._update),
            Route("delete", "DELETE", _CHATS + "/{chat}/activities/{activity}", self._delete),
            Route("member", "GET", _CHATS + "/{chat}/members/{member}", self._member),
        ]

    # ------------------------------------------------------------ the tenant

    def joins(
        self, user: str, *, name: str = "", tz: str = "America/New_York", locale: str = "en-US", **flags: Any
    ) -> str:
        """Somebody joins the tenant, with the app; flags as in the members call, such as userRole="guest"."""
        address = f"{user.lower()}@hospital.example"
        self.people[user] = {
            "id": self.mri(user),
            "objectId": self.aad(user),
            "aadObjectId": self.aad(user),
            "name": name or user.title(),
            "userPrincipalName": address,
            "email": address,
            "tenantId": self.tenant,
            "userRole": "user",
            "tz": tz,
            "locale": locale,
        } | flags
        self._installed.add(user)
        return user

    def removes(self, user: str) -> None:
        """The app is gone from somebody's Teams; the bot hears nothing of it, now or ever."""
        self._installed.discard(user)

    def aad(self, user: str) -> str:
        """Their object id in the directory."""
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"stand-in/{user}"))

    def mri(self, user: str) -> str:
        """Their id in Teams, as this bot knows it."""
        return "29:1" + _long(user)

    def chat(self, user: str) -> str:
        """The id of their chat with the bot."""
        return "a:1" + _long(f"{user} and the bot")

    # ------------------------------------------------------------ what can be called

    def concerns(self, request: web.Request, body: Body) -> str | None:
        if "chat" in request.match_info:
            return self._owner(request.match_info["chat"])
        members = body.get("members")
        return self._who(members[0].get("id")) if isinstance(members, list) and members else None

    def _create(self, request: web.Request, body: Body) -> web.Response:
        self._admit(request)
        members, tenant = body.get("members"), (body.get("channelData") or {}).get("tenant") or {}
        if body.get("isGroup") is not False or not isinstance(members, list) or len(members) != 1:
            raise self._judged("create", ["not a chat with one person"])
        if body.get("tenantId") != self.tenant or tenant.get("id") != self.tenant:
            raise self._judged("create", ["the tenant must stand in tenantId and in channelData.tenant.id"])
        user = self._who(members[0].get("id"))
        if user is None:
            raise Refused(404, "UserNotFound")
        if user not in self._installed:
            raise Refused(403, "ForbiddenOperationException", "Bot is not installed in user's personal scope")
        return web.json_response({"id": self.chat(user)}, status=201)

    def _post(self, request: web.Request, body: Body) -> web.Response:
        chat = self._entered(request)
        self._judge("post", body)
        user, number = self._owner(chat), next(self._count)
        seen = seen_in(body, "message", number, chat, self._id(number))
        if request.query.get("isTargetedActivity") == "true":
            only = self._who((body.get("recipient") or {}).get("id"))
            self._whispers.setdefault(str(only), []).append(replace(seen, where="whisper"))
        else:
            self._messages.setdefault(chat, []).append(seen)
            self.pushes += [(user, seen.push)] if user else []
        return web.json_response({"id": seen.id}, status=201)

    def _update(self, request: web.Request, body: Body) -> web.Response:
        old = self._found(request)
        self._judge("update", body)
        messages = self._messages[old.conversation]
        messages[messages.index(old)] = seen_in(body, "message", old.order, old.conversation, old.id)
        self._views.pop(old.id, None)
        return web.json_response({"id": old.id})

    def _delete(self, request: web.Request, _: Body) -> web.Response:
        old = self._found(request)
        self._messages[old.conversation].remove(old)
        self._views.pop(old.id, None)
        return web.Response()

    def _member(self, request: web.Request, _: Body) -> web.Response:
        chat, user = self._entered(request), self._who(request.match_info["member"])
        if user is None or chat not in {self.chat(user), GROUP}:
            raise Refused(404, "MemberNotFoundInConversation")
        told = {name: value for name, value in self.people[user].items() if name not in _OURS}
        return web.json_response(told)

    # ------------------------------------------------------------ small parts

    def _admit(self, request: web.Request) -> None:
        self.used_tokens.add(request.headers.get("Authorization", "").removeprefix("Bearer "))
        if not self.grants(request):
            raise Refused(401, "Unauthorized", "Authorization has been denied for this request.")

    def _entered(self, request: web.Request) -> str:
        self._admit(request)
        chat = request.match_info["chat"]
        user = self._owner(chat)
        if chat != GROUP and user is None:
            raise Refused(404, "ConversationNotFound")
        if user is not None and user not in self._installed:
            raise Refused(403, "BotNotInConversationRoster", "The bot is not part of the conversation roster.")
        return chat

    def _found(self, request: web.Request) -> Seen:
        chat = self._entered(request)
        for seen in self._messages.get(chat, []):
            if seen.id == request.match_info["activity"]:
                return seen
        raise Refused(404, "ActivityNotFoundInConversation")

    def _judge(self, method: str, body: Body) -> None:
        found = activity_problems(body)
        if found:
            raise self._judged(method, found)

    def _judged(self, method: str, found: list[str]) -> Refused:
        self.mistakes += [f"{method}: {problem}" for problem in found]
        return Refused(400, "BadSyntax", found[0])

    def _seen_now(self, seen: Seen) -> Seen:
        view = self._views.get(seen.id)
        return replace(seen, where="view", said="", card=view) if view else seen

    def _who(self, id: object) -> str | None:
        return next((user for user in self.people if id in {self.mri(user), self.aad(user)}), None)

    def _owner(self, chat: str) -> str | None:
        return next((user for user in self.people if self.chat(user) == chat), None)

    def _id(self, number: int) -> str:
        return str(1_700_000_000_000 + number)


def _long(seed: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha512(seed.encode()).digest()).decode().rstrip("=")
