"""The fake Slack's core: it answers the calls of a bot, without I/O and at a time that it is given.

It is strict: blocks and views over Slack's limits are refused with `invalid_blocks`, and stand in `mistakes`. A token
speaks only in its own workspace. It fails on demand: see `fails`.
"""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qsl

from adapters.fakes.base import FORM, Answer, Call, FakePlatform, Fault, Observer
from adapters.fakes.rates import RateRules
from adapters.fakes.screens import Json, ScreenItem, Screens
from adapters.fakes.slack import oauth
from adapters.fakes.slack.envelopes import OPEN, SocketTickets
from adapters.fakes.slack.limits import allowances, message_problems, view_problems
from adapters.fakes.slack.oauth import SlackOAuth
from adapters.fakes.slack.payloads import HALLWAY, SlackPayloads
from adapters.fakes.slack.web_api import WebApi, view_of
from adapters.fakes.slack.workspaces import SCOPES, TEAM, Workspaces

RESPONSES: Final = 5
"""How often a response_url may be used."""

BUSY: Final = {"ok": False, "error": "ratelimited"}
_PARSED = {"blocks", "view"}  # arguments that are JSON inside a form


class FakeSlack(FakePlatform):
    """A Slack with one app, which is installed in one workspace from the start.

    Args:
        team: The id of that workspace.
        token: The bot token there; "" where the app is in no workspace yet.
        secret: The app's signing secret.
        scopes: What the bot token may do, as in the `x-oauth-scopes` header.
        app_token: The app-level token. With one, the platform speaks Socket Mode.
        rated: Refuse calls over Slack's rate limits with 429, by the time that calls are given.
        lenient: Take any account, chat and message as existing, and judge nothing: for load tests.
        observer: Is told what is called and sent.
    """

    platform = "slack"
    route = "/slack/events"
    paths = ("/api/{method}", "/response/{user}/{number}", "/oauth/v2/authorize")

    def __init__(
        self,
        *,
        team: str = TEAM,
        token: str = "xoxb-fake",  # noqa: S107
        secret: str = "fake-signing-secret",  # noqa: S107
        scopes: str = SCOPES,
        app_token: str = "",
        rated: bool = False,
        lenient: bool = False,
        observer: Observer | None = None,
    ) -> None:
        super().__init__(observer=observer)
        self.team, self.token, self.scopes, self.app_token = team, token, scopes, app_token
        self.spaces = Workspaces(team, token, self.people, self.away, lenient=lenient)
        self.api = WebApi(self.spaces, self.screens, self.mistakes, scopes, lambda: self.url)
        self.payloads = SlackPayloads(self.spaces, self.api, secret, lambda: self.url)
        self.oauth = SlackOAuth(self.spaces, scopes)
        self.tickets = SocketTickets()
        self.rates = RateRules() if rated else None
        self.calls: list[tuple[str, Json]] = []  # every call of a method: its name and its arguments
        self.asides: list[tuple[str, bytes]] = []  # everything that was sent to a response_url: user, raw body
        self.responses: Counter[str] = Counter()  # by the number of a response_url: how often it was used
        self.redirects_asides_to = ""

    def clear(self, screens: Screens[Json]) -> None:
        """Forget everybody, what they were shown, and what was called."""
        super().clear(screens)
        self.spaces.clear()
        self.api.screens = screens
        self.api.triggers.clear()
        self.calls.clear()
        self.api.notifications.clear()

    def handle_of(self, id: object) -> str:
        """Whose account this is, or ""."""
        return self.spaces.handle_of(id)

    @property
    def secret(self) -> str:
        """The app's signing secret."""
        return self.payloads.secret

    @secret.setter
    def secret(self, secret: str) -> None:
        self.payloads.secret = secret

    @property
    def api_url(self) -> str:
        """The address of the Web API, as SLACK_API_URL has it."""
        return f"{self.url}/api/"

    def settings(self) -> dict[str, str]:
        """The environment in which a bot takes this for Slack."""
        signed = {"SLACK_APP_TOKEN": self.app_token} if self.app_token else {"SLACK_SIGNING_SECRET": self.secret}
        return {"SLACK_BOT_TOKEN": self.token, "SLACK_API_URL": self.api_url} | signed

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
        """Let the next calls of a method fail: see `Fault`."""
        if retry_after is not None:
            status, error = HTTPStatus.TOO_MANY_REQUESTS, "ratelimited"
        ends = {"html": html, "reset": reset, "hang": hang, "done": done}
        self.faults.waiting.append(Fault(method, user, times, error, status, retry_after, **ends))

    # ------------------------------------------------------------ answering

    def answer(self, call: Call, now: datetime) -> Answer:
        """Do what is asked for, at this time, and answer it."""
        match call.path.strip("/").split("/"):
            case ["api", method]:
                return self._method(method, call, now)
            case ["response", user, number]:
                return self._to_response_url(self.handle_of(user) or user, number, call.body, now)
            case ["oauth", "v2", "authorize"]:
                return self.oauth.authorize(call.query)
        return Answer(HTTPStatus.NOT_FOUND)

    def _method(self, method: str, call: Call, now: datetime) -> Answer:
        if method == "api.test":  # which anybody may ask
            return Answer(body={"ok": True})
        args = _arguments(call)
        self.calls.append((method, args))
        self.observer.called(method, args)
        if method == oauth.METHOD and not self.faults.is_left(method):
            return self.oauth.access(call.headers.get("authorization", ""), args, now)
        if refused := self._not_authorized(method, call.bearer):
            return self._says(error=refused)
        if held_back := self._held_back(method, args, now):
            return held_back
        fault = self.faults.take(method, self._concerned(args))
        found: Json = {"ok": False, "error": fault.error if fault else ""}
        if fault is None or fault.done:
            speaking = self.spaces.by_token(call.bearer) or self.spaces.teams[self.team]
            found = self.tickets.open(self.url) if method == OPEN else self.api.call(method, args, speaking, now)
        if fault is not None:
            return fault.answer({"ok": False, "error": fault.error})
        return self.through_the_weather(self._says(**found), BUSY)

    def _not_authorized(self, method: str, token: str) -> str:
        """Slack's word for a token that may not call this method; "" where it may."""
        if method == OPEN and not (self.app_token and token == self.app_token):
            return "not_allowed_token_type" if token == self.token else "invalid_auth"
        known = self.spaces.by_token(token) is not None or method in {oauth.METHOD, OPEN}
        return "" if known else "invalid_auth"

    def _held_back(self, method: str, args: Json, now: datetime) -> Answer | None:
        """The answer of a platform that is busy or down, or was called too often; None where it takes the call."""
        if method != "auth.test" and not self.lets_through:  # so that a bot may start
            return self.through_the_weather(Answer(), BUSY)
        wait = self.rates.wait(allowances(method, str(args.get("channel"))), now) if self.rates else 0
        return Answer(HTTPStatus.TOO_MANY_REQUESTS, BUSY, {"Retry-After": str(wait)}) if wait else None

    def _says(self, **found: Any) -> Answer:
        return Answer(body={"ok": False} | found, headers={"x-oauth-scopes": self.scopes})

    def _concerned(self, args: Json) -> set[str]:
        """Whom a call is about, by handle and by id."""
        named = {str(args.get(name)) for name in ("user", "users", "user_id")}
        return named | {self.handle_of(id) for id in named} | {self.spaces.owner(args.get("channel") or "")}

    def _to_response_url(self, user: str, number: str, raw: bytes, now: datetime) -> Answer:
        """What the bot says through the address of an interaction: an aside, or an edit of what was pressed.

        It takes five of them: https://docs.slack.dev/interactivity/handling-user-interaction#message_responses
        """
        body = json.loads(raw)
        if body.get("replace_original") is not True:
            self.asides.append((user, raw))
        self.responses[number] += 1
        if self.responses[number] > RESPONSES:
            return Answer(HTTPStatus.NOT_FOUND, "used_url", content_type="text/plain")
        if self.redirects_asides_to:
            return Answer(HTTPStatus.FOUND, headers={"Location": self.redirects_asides_to})
        self.observer.called("response_url", body)
        if not self.lets_through:
            return self.through_the_weather(Answer(), BUSY)
        if fault := self.faults.take("response_url", {user}):
            return fault.answer({"ok": False, "error": fault.error})
        if body.get("replace_original") is True:
            self.mistakes += [f"edit: {problem}" for problem in message_problems(body)]
            done = self.api.edit_pressed(number, body)
            return Answer(HTTPStatus.OK if done else HTTPStatus.NOT_FOUND, "ok", content_type="text/plain")
        if body.get("response_type") != "ephemeral" or body.get("replace_original") is not False:
            self.mistakes.append("a response_url was used for something else than an aside or an edit")
        self.shows_aside(user, body, now, self.api.response_channels.get(number, HALLWAY))
        return self.through_the_weather(Answer(body="ok", content_type="text/plain"), BUSY)

    # ------------------------------------------------------------ what the bot's answers do to a screen

    def shows_aside(self, user: str, said: Json, now: datetime, channel: str = HALLWAY) -> None:
        """Show something to one person alone; what is over a limit stands in `mistakes`."""
        self.mistakes += [f"aside: {problem}" for problem in message_problems(said)]
        self.api.aside(user, said, now, channel)

    def heed_submission(self, user: str, shown: ScreenItem[Json], answer: Json, now: datetime) -> None:
        """Do what was answered to a form that was sent: it closes, or says something else.

        https://docs.slack.dev/surfaces/modals#response_actions
        """
        match answer:
            case {"response_action": "update", "view": dict(view)}:
                self.mistakes += [f"modal: {problem}" for problem in view_problems(view)]
                self.api.change_form(shown, view)
            case {"response_action": "push", "view": dict(view)}:
                self.mistakes += [f"modal: {problem}" for problem in view_problems(view)]
                self.api.open_form(user, view, view_of(shown)["team_id"], now)
            case _:
                self.screens.take_away(shown)


def _arguments(call: Call) -> Json:
    """The arguments of a method, from JSON, a form or the query."""
    if call.headers.get("content-type", "").partition(";")[0] == "application/json":
        return call.arguments()
    found: Json = dict(call.query)
    if call.headers.get("content-type", "").partition(";")[0] == FORM:
        found |= dict(parse_qsl(call.body.decode(), keep_blank_values=True))
    return {name: json.loads(value) if name in _PARSED else value for name, value in found.items()}
