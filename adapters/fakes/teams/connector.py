"""The Connector API: what the bot may do in the tenant's chats.

https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-api-reference
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Any

from adapters.fakes.base import Answer
from adapters.fakes.screens import Json, ScreenItem, Screens
from adapters.fakes.teams.limits import activity_problems
from adapters.fakes.teams.tenant import GROUP, TeamsRefusal, Tenant

_KEPT = ("type", "text", "summary", "attachments")  # what of an activity is shown


@dataclass(frozen=True, slots=True)
class Asked:
    """One call: in which chat, about which activity or member, with what query and body. "" where there is none."""

    chat: str = field(default="", repr=False)
    about: str = field(default="", repr=False)
    targeted: bool = False
    body: Json = field(default_factory=dict, repr=False)


class Connector:
    """Every method, by its name. What is over a limit is refused, and stands in `mistakes`.

    pushes  every notification there was: handle and text
    """

    def __init__(self, tenant: Tenant, screens: Screens[Json], mistakes: list[str]) -> None:
        self.screens, self.mistakes = screens, mistakes
        self.pushes: list[tuple[str, str]] = []
        self._tenant = tenant
        self._numbers = itertools.count(1)
        self.methods = {
            "create": self._create,
            "post": self._post,
            "reply": self._post,
            "update": self._update,
            "delete": self._delete,
            "member": self._member,
        }

    def number(self) -> int:
        """A number that is given once."""
        return next(self._numbers)

    def id(self) -> str:
        """The id of an activity."""
        return str(1_700_000_000_000 + self.number())

    def call(self, method: str, asked: Asked, now: datetime) -> Answer:
        """What a method answers to the bot."""
        try:
            return self.methods[method](asked, now)
        except TeamsRefusal as refusal:
            return Answer(refusal.status, refusal.body)

    def _create(self, asked: Asked, _: datetime) -> Answer:
        """Open the chat with one person, made where there was none."""
        body = asked.body
        members, tenant = body.get("members"), (body.get("channelData") or {}).get("tenant") or {}
        if body.get("isGroup") is not False or not isinstance(members, list) or len(members) != 1:
            raise self._judged("create", ["not a chat with one person"])
        if body.get("tenantId") != self._tenant.id or tenant.get("id") != self._tenant.id:
            raise self._judged("create", ["the tenant must stand in tenantId and in channelData.tenant.id"])
        user = self._tenant.handle_of(members[0].get("id"))
        if not user:
            raise TeamsRefusal(HTTPStatus.NOT_FOUND, "UserNotFound")
        if user not in self._tenant.installed:
            why = "Bot is not installed in user's personal scope"
            raise TeamsRefusal(HTTPStatus.FORBIDDEN, "ForbiddenOperationException", why)
        return Answer(HTTPStatus.CREATED, {"id": self._tenant.chat(user)})

    def _post(self, asked: Asked, now: datetime) -> Answer:
        user, id = self._entered(asked), self.id()
        self._judge("post", asked.body)
        if asked.targeted:
            only = self._tenant.handle_of((asked.body.get("recipient") or {}).get("id"))
            self.screens.put(only, "aside", "teams", drawn(asked.body), id, now)
            return Answer(HTTPStatus.CREATED, {"id": id})
        self.screens.put(user or asked.chat, "card", "teams", drawn(asked.body), id, now)
        if user:
            self.pushes.append((user, asked.body.get("summary") or asked.body.get("text") or ""))
        return Answer(HTTPStatus.CREATED, {"id": id})

    def _update(self, asked: Asked, now: datetime) -> Answer:
        shown = self._standing(asked, now)
        self._judge("update", asked.body)
        self.screens.edit(shown, drawn(asked.body))
        return Answer(body={"id": shown.place})

    def _delete(self, asked: Asked, now: datetime) -> Answer:
        self.screens.take_away(self._standing(asked, now))
        return Answer()

    def _member(self, asked: Asked, _: datetime) -> Answer:
        self._entered(asked)
        user = self._tenant.handle_of(asked.about)
        there = self._tenant.lenient or asked.chat in {self._tenant.chat(user) if user else "", GROUP}
        if not user or not there:
            raise TeamsRefusal(HTTPStatus.NOT_FOUND, "MemberNotFoundInConversation")
        return Answer(body=self._tenant.told_of(user))

    # ------------------------------------------------------------ small parts

    def _entered(self, asked: Asked) -> str:
        """Whose chat this is, "" for the group. Raises TeamsRefusal where the bot is not in it."""
        user = self._tenant.owner(asked.chat) if asked.chat != GROUP else ""
        if asked.chat != GROUP and not user:
            raise TeamsRefusal(HTTPStatus.NOT_FOUND, "ConversationNotFound")
        if user and (user not in self._tenant.installed or user in self._tenant.away):
            why = "The bot is not part of the conversation roster."
            raise TeamsRefusal(HTTPStatus.FORBIDDEN, "BotNotInConversationRoster", why)
        return user

    def _standing(self, asked: Asked, now: datetime) -> ScreenItem[Json]:
        user = self._entered(asked) or asked.chat
        shown = self.screens.at(asked.about)
        if shown is None and self._tenant.lenient:
            shown = self.screens.put(user, "card", "teams", {}, asked.about, now)
        if shown is None or shown.who != user:
            raise TeamsRefusal(HTTPStatus.NOT_FOUND, "ActivityNotFoundInConversation")
        return shown

    def _judge(self, method: str, body: Json) -> None:
        found = [] if self._tenant.lenient else activity_problems(body)
        if found:
            raise self._judged(method, found)

    def _judged(self, method: str, found: list[str]) -> TeamsRefusal:
        self.mistakes += [f"{method}: {problem}" for problem in found]
        return TeamsRefusal(HTTPStatus.BAD_REQUEST, "BadSyntax", found[0])


def drawn(activity: Json) -> Json:
    """What of an activity is shown."""
    kept: dict[str, Any] = {name: activity[name] for name in _KEPT if activity.get(name)}
    return kept
