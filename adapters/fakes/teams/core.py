"""The fake Teams' core: login and Connector API, without I/O and at a time that it is given.

It is strict: cards over the limits are refused with 400, and stand in `mistakes`. It fails on demand: see `fails`. A
press is answered as in Teams: a card in the answer is seen by that person alone, until the activity is edited or
deleted.
"""

from __future__ import annotations

import json
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final, NamedTuple
from urllib.parse import unquote

from adapters.fakes.base import Answer, Call, FakePlatform, Fault, Observer
from adapters.fakes.rates import RateRules
from adapters.fakes.screens import Json, ScreenItem, Screens
from adapters.fakes.teams.activities import TeamsActivities
from adapters.fakes.teams.connector import Asked, Connector
from adapters.fakes.teams.limits import CARD_TYPE, IN_A_CHAT, IN_A_TENANT, problems
from adapters.fakes.teams.login import MicrosoftLogin
from adapters.fakes.teams.surfaces import message_with
from adapters.fakes.teams.tenant import Tenant

TENANT: Final = "6d1f0a52-3c84-4b7e-9a0d-5e2b7c9f1a30"
CLIENT_ID: Final = "b4e7d2c1-58a9-4f36-8d0b-2a6c9e1f7053"
MESSAGE_TYPE: Final = "application/vnd.microsoft.activity.message"
BUSY: Final = {"error": {"code": "TooManyRequests", "message": "Slow down."}}
_METHODS: Final = ("openid", "keys", "token", "create", "post", "reply", "update", "delete", "member")


class TeamsCall(NamedTuple):
    """One call that the bot made: by the name that `fails` uses, with the path and query as sent, and the body."""

    method: str
    path: str
    body: Json


class FakeTeams(FakePlatform):
    """One tenant, with one bot.

    Args:
        tenant: The id of the tenant.
        client_id: The id of the bot.
        client_secret: Its secret.
        rated: Refuse calls over Teams' rate limits with 429, by the time that calls are given.
        lenient: Take any account, chat and message as existing, and judge nothing: for load tests.
        observer: Is told what is called and sent.
    """

    platform = "teams"
    route = "/api/messages"
    paths = ("/v1/.well-known/{document}", "/{tenant}/oauth2/v2.0/token", "/v3/{rest:.+}", "/amer/v3/{rest:.+}")

    def __init__(
        self,
        *,
        tenant: str = TENANT,
        client_id: str = CLIENT_ID,
        client_secret: str = "fake-client-secret",  # noqa: S107
        rated: bool = False,
        lenient: bool = False,
        observer: Observer | None = None,
    ) -> None:
        super().__init__(observer=observer)
        self.tenant, self.client_id = tenant, client_id
        self.login = MicrosoftLogin(tenant, client_id, client_secret, lambda: self.url)
        self.directory = Tenant(tenant, self.people, self.away, lenient=lenient)
        self.connector = Connector(self.directory, self.screens, self.mistakes)
        self.activities = TeamsActivities(
            self.directory, f"28:{client_id}", self.connector.number, lambda: self.login.service_url
        )
        self.rates = RateRules() if rated else None
        self.calls: list[TeamsCall] = []
        self.used_tokens: set[str] = set()

    def clear(self, screens: Screens[Json]) -> None:
        """Forget everybody, what they were shown, and what was called."""
        super().clear(screens)
        self.directory.clear()
        self.connector.screens = screens
        self.connector.pushes.clear()
        self.calls.clear()

    def handle_of(self, id: object) -> str:
        """Whose account this is, by its object id or its Teams id, or ""."""
        return self.directory.handle_of(id)

    @property
    def client_secret(self) -> str:
        """The bot's secret."""
        return self.login.client_secret

    @client_secret.setter
    def client_secret(self, secret: str) -> None:
        self.login.client_secret = secret

    def settings(self) -> dict[str, str]:
        """The environment in which a bot takes this for Microsoft."""
        return self.login.settings()

    def fails(
        self,
        method: str,
        *,
        user: str | None = None,
        times: int = 1,
        error: str = "ServiceError",
        status: int | None = None,
        retry_after: int | datetime | str | None = None,
        **how: Any,
    ) -> None:
        """Let the next calls of a method fail: see `Fault` for how.

        Methods: openid keys token create post reply update delete member. With `retry_after` it is a 429, else a 503,
        unless a status is given.
        """
        if method not in _METHODS:
            raise ValueError(f"no method {method!r}")
        status = status or (HTTPStatus.SERVICE_UNAVAILABLE if retry_after is None else HTTPStatus.TOO_MANY_REQUESTS)
        self.faults.waiting.append(Fault(method, user, times, error, status, retry_after, **how))

    # ------------------------------------------------------------ answering

    def answer(self, call: Call, now: datetime) -> Answer:
        """Do what is asked for, at this time, and answer it."""
        method, about = _route(call)
        if not method:
            return Answer(HTTPStatus.NOT_FOUND)
        asked = Asked(*about, call.query.get("isTargetedActivity") == "true", call.arguments())
        self.calls.append(TeamsCall(method, call.raw_path, asked.body))
        fault = self.faults.take(method, {self._concerned(method, asked)})
        if fault is not None and not fault.done:
            return self._failure(fault)
        answer = self._do(method, asked, call, now)
        return answer if fault is None else self._failure(fault)

    def _do(self, method: str, asked: Asked, call: Call, now: datetime) -> Answer:
        match method:
            case "openid":
                return self.login.openid()
            case "keys":
                return self.login.published_keys()
            case "token":
                return self.login.grant(asked.chat, asked.body, now)
        self.used_tokens.add(call.bearer)
        if not (self.directory.lenient or self.login.admits(call.bearer, now)):
            error = {"code": "Unauthorized", "message": "Authorization has been denied for this request."}
            return Answer(HTTPStatus.UNAUTHORIZED, {"error": error})
        self.observer.called(method, asked.body)
        held_back = self._held_back(asked, now)
        return held_back or self.through_the_weather(self.connector.call(method, asked, now), BUSY)

    def _held_back(self, asked: Asked, now: datetime) -> Answer | None:
        """The answer of a platform that is busy or down, or was called too often; None where it takes the call."""
        if not self.lets_through:
            return self.through_the_weather(Answer(), BUSY)
        keys = [("", IN_A_TENANT), *((asked.chat, each) for each in IN_A_CHAT if asked.chat)]
        wait = self.rates.wait(keys, now) if self.rates else 0
        return Answer(HTTPStatus.TOO_MANY_REQUESTS, BUSY, {"Retry-After": str(wait)}) if wait else None

    def _concerned(self, method: str, asked: Asked) -> str:
        """Whom a call is about, if it is about one person."""
        if method not in self.connector.methods:
            return ""
        members = asked.body.get("members")
        if isinstance(members, list) and members:
            return self.directory.handle_of(members[0].get("id"))
        return self.directory.owner(asked.chat) if asked.chat else ""

    def _failure(self, fault: Fault) -> Answer:
        said: Any = {"error": {"code": fault.error, "message": f"{fault.error}."}}
        if fault.quoted:
            inner = {"subCode": fault.error, "details": f"{fault.error}.", "errorCode": None, "errorSubCode": None}
            said = {"errorCode": 209, "message": json.dumps(inner, indent=2)}
        return fault.answer(said if fault.body is None else fault.body)

    # ------------------------------------------------------------ what the bot's answers do to a screen

    def heed_press(self, user: str, shown: ScreenItem[Json] | None, answer: Json, now: datetime) -> None:
        """Do what was answered to a press.

        https://learn.microsoft.com/adaptive-cards/authoring-cards/universal-action-model#response-format
        """
        match answer:
            case {"statusCode": 200, "type": str(kind), "value": dict(card)} if kind == CARD_TYPE:
                self.mistakes += [f"answer: {problem}" for problem in problems(card)]
                if shown is not None and shown.who == user:
                    self.screens.answer(shown, message_with(shown.body, card))
            case {"statusCode": 200, "type": str(kind), "value": str(text)} if kind == MESSAGE_TYPE:
                self.screens.put(user, "aside", self.platform, {"type": "message", "text": text}, at=now)
            case {"statusCode": 400 | 500, "type": "application/vnd.microsoft.error", "value": {"code": _}}:
                pass  # Teams says that something went wrong
            case _:
                self.mistakes.append(f"answer: not one that Teams understands, of type {answer.get('type')!r}")


def _route(call: Call) -> tuple[str, tuple[str, str]]:
    """The method that a path asks for, with its chat (or tenant) and its activity or member; "" for no such path."""
    parts = [unquote(part) for part in call.path.strip("/").split("/")]
    if parts[:1] == ["amer"]:  # a region's address, or the one that serves them all
        parts = parts[1:]
    match call.verb, parts:
        case "GET", ["v1", ".well-known", "openidconfiguration" | "keys" as document]:
            return document.replace("openidconfiguration", "openid"), ("", "")
        case "POST", [tenant, "oauth2", "v2.0", "token"]:
            return "token", (tenant, "")
        case verb, ["v3", "conversations", *rest]:
            return _in_chats(verb, rest)
    return "", ("", "")


def _in_chats(verb: str, rest: list[str]) -> tuple[str, tuple[str, str]]:
    """The same for what stands below the address of all chats."""
    match verb, rest:
        case "POST", []:
            return "create", ("", "")
        case "POST", [chat, "activities"]:
            return "post", (chat, "")
        case "POST" | "PUT" | "DELETE" as verb, [chat, "activities", activity]:
            return {"POST": "reply", "PUT": "update", "DELETE": "delete"}[verb], (chat, activity)
        case "GET", [chat, "members", member]:
            return "member", (chat, member)
    return "", ("", "")
