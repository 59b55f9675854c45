"""Requests that mean no good, at the routes of both platforms: unsigned, wrongly signed, and validly signed garbage.

What is validly signed comes from somebody who may not use the bot, or is a button that nobody was given. So none of
these requests may have an effect.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlencode

from adapters.fakes.base import FORM, JSON
from adapters.fakes.slack.server import SlackServer
from adapters.fakes.teams.server import TeamsServer
from tests.fuzz.choosing import Choices, one_of

CANARY: Final = "quillbody"
"""Stands in every body that can hold it, and must stand in no log."""
STRANGER: Final = "Stranger"
MEMBER: Final = "Ana"
_ODD: Final = (
    None,
    "",
    0,
    -1,
    1e300,
    True,
    [],
    {},
    [[]],
    CANARY * 600,
    "\ud800",
    "\u202e",
    {"id": {}},
    [CANARY],
    "\x00",
)
_KEYS: Final = ("type", "id", "value", "user", "team", "actions", "event", "state", "channelData", "from", "text")
_TYPES: Final = (FORM, JSON, "application/octet-stream", "multipart/form-data; boundary=x", "text/plain", "", "a;b;c")


@dataclass(frozen=True)
class HostileRequest:
    """One request, without its address.

    Args:
        kind: What is wrong with it.
        send: Sends it, and returns the answer.
        refused: Whether nothing about it may be believed, so that the answer is 401.
    """

    kind: str
    send: Callable[[], Any] = field(repr=False)
    refused: bool = False


def changed(value: Any, choices: Choices, depth: int = 0) -> Any:
    """The same payload with one of its parts turned into something else, left out, or added."""
    if depth < 12 and isinstance(value, dict) and value and choices.below(5):
        key = one_of(choices, sorted(value))
        return value | {key: changed(value[key], choices, depth + 1)}
    if depth < 12 and isinstance(value, list) and value and choices.below(5):
        at = choices.below(len(value))
        return [*value[:at], changed(value[at], choices, depth + 1), *value[at + 1 :]]
    if isinstance(value, dict) and choices.below(2):
        return value | {one_of(choices, _KEYS): _made_up(choices)}
    return _made_up(choices)


def _made_up(choices: Choices) -> Any:
    """Something odd, or a text that is no word of the front door's buttons: those anybody may press."""
    return one_of(choices, _ODD) if choices.below(2) else CANARY + choices.text()


def _dumped(payload: Any) -> bytes:
    return json.dumps(payload).encode("utf-8", "surrogatepass")


# ---------------------------------------------------------------- Slack


@dataclass
class OnSlack:
    """Makes requests to Slack's route.

    Args:
        slack: The fake Slack, in which MEMBER is a member and STRANGER is a guest.
    """

    slack: SlackServer
    _seeds: tuple[Mapping[str, Any], ...] = ()

    def __post_init__(self) -> None:
        team = self.slack.team
        member, stranger = (self.slack.spaces.id_of(each) for each in (MEMBER, STRANGER))
        button = {"type": "button", "action_id": "press:0", "block_id": "b", "value": "A" * 200, "action_ts": "1.2"}
        press = {
            "type": "block_actions",
            "team": {"id": team},
            "trigger_id": "1.2.3",
            "container": {"type": "message", "message_ts": "1.1", "channel_id": "D1"},
            "channel": {"id": "D1"},
            "message": {"ts": "1.1", "blocks": []},
            "actions": [button],
            "state": {"values": {}},
        }
        view = {
            "id": "V1",
            "hash": "1",
            "type": "modal",
            "callback_id": "form",
            "private_metadata": "A" * 200,
            "state": {"values": {"b": {"field:line": {"type": "plain_text_input", "value": CANARY}}}},
        }
        form = {"type": "view_submission", "team": {"id": team}, "view": view}
        message = {
            "type": "message",
            "user": stranger,
            "text": CANARY,
            "channel": "D2",
            "channel_type": "im",
            "ts": "1.2",
        }
        bots = [{"team_id": team, "user_id": "U0BOT", "is_bot": True}]

        def event(inner: Mapping[str, Any]) -> Mapping[str, Any]:
            return {
                "type": "event_callback",
                "team_id": team,
                "event_id": "Ev1",
                "event": inner,
                "authorizations": bots,
            }

        def by(user: str, payload: Mapping[str, Any]) -> Mapping[str, Any]:
            return {**payload, "user": {"id": user, "team_id": team}}

        self._seeds = (
            by(member, press),
            by(stranger, press),
            by(member, form),
            by(stranger, form),
            by(stranger, {"type": "shortcut", "team": {"id": team}, "callback_id": "open", "trigger_id": "1.2.3"}),
            event(message),
            event({"type": "app_home_opened", "user": stranger, "channel": "D2", "tab": "home"}),
            event(
                {"type": "reaction_added", "user": member, "item": {"type": "message", "channel": "D1", "ts": "1.1"}}
            ),
            {"command": "/peersupport", "text": CANARY, "team_id": team, "user_id": stranger, "trigger_id": "1.2.3"},
        )

    def make(self, choices: Choices) -> HostileRequest:
        """The next request."""
        match choices.below(5):
            case 0:
                return self._unsigned(choices)
            case 1:
                return self._signed_wrongly(choices)
            case 2:
                body, content_type = CANARY.encode() + choices.raw(), one_of(choices, _TYPES)
                return HostileRequest("signed bytes", lambda: self.slack.post(body, content_type))
            case 3:
                body = b"payload=" + CANARY.encode() * choices.below(2) + choices.raw()
                return HostileRequest("signed form", lambda: self.slack.post(body, FORM))
            case _:
                return self._signed_payload(choices)

    def _unsigned(self, choices: Choices) -> HostileRequest:
        body, content_type = self._some_body(choices)
        return HostileRequest("unsigned", lambda: self.slack.post(body, content_type, signed=False), refused=True)

    def _signed_wrongly(self, choices: Choices) -> HostileRequest:
        body, content_type = self._some_body(choices)
        now = self.slack.now()
        how: Mapping[str, Any] = one_of(
            choices,
            (
                {"secret": "another"},
                {"at": now - timedelta(seconds=301 + choices.below(10**6))},
                {"at": now + timedelta(seconds=301 + choices.below(10**6))},
                {"headers": {"X-Slack-Signature": "v0=" + choices.raw().hex()}},
                {"headers": {"X-Slack-Signature": _printable(choices.text())}},
                {"headers": {"X-Slack-Request-Timestamp": _printable(choices.text())}},
            ),
        )
        return HostileRequest("wrongly signed", lambda: self.slack.post(body, content_type, **how), refused=True)

    def _signed_payload(self, choices: Choices) -> HostileRequest:
        body, content_type = self._some_body(choices)
        return HostileRequest("signed payload", lambda: self.slack.post(body, content_type))

    def _some_body(self, choices: Choices) -> tuple[bytes, str]:
        payload = changed(one_of(choices, self._seeds), choices)
        if isinstance(payload, dict) and "command" in payload:
            fields = {str(key): str(value) for key, value in payload.items()}
            return urlencode(fields, errors="surrogatepass").encode(), FORM
        if isinstance(payload, dict) and payload.get("type") == "event_callback":
            return _dumped(payload), JSON
        return urlencode({"payload": _dumped(payload)}).encode(), FORM


def _printable(text: str) -> str:
    """What may stand in a header."""
    return "".join(char for char in text if " " < char < "\x7f")


# ---------------------------------------------------------------- Teams


@dataclass
class OnTeams:
    """Makes requests to Teams' route.

    Args:
        teams: The fake Teams, in which MEMBER has an account.
    """

    teams: TeamsServer
    _seeds: tuple[Mapping[str, Any], ...] = ()

    def __post_init__(self) -> None:
        self._token = self.teams.token()
        # one with another service URL is held against the body, and one outside ASCII ends at the HTTP parser
        wrong = self.teams.wrong_tokens().items()
        self._wrong = tuple(each for name, each in wrong if each.isascii() and "service URL" not in name)
        member = self.teams.envelope(MEMBER)
        stranger = {
            **member,
            "from": {"id": "29:stranger", "name": STRANGER, "aadObjectId": "00000000-0000-4000-8000-00000000dead"},
            "conversation": {"conversationType": "personal", "tenantId": "another", "id": "a:stranger"},
            "channelData": {"tenant": {"id": "another"}},
        }
        action = {"type": "Action.Execute", "verb": "press", "data": {"token": "A" * 200, "line": CANARY}}
        press = {"type": "invoke", "name": "adaptiveCard/action", "replyToId": "1", "value": {"action": action}}
        fetch = {"type": "invoke", "name": "task/fetch", "value": {"data": {"token": "A" * 200}}}
        submit = {"type": "message", "replyToId": "1", "value": {"token": "A" * 200, "line": CANARY}}
        message = {"type": "message", "id": "17", "textFormat": "plain", "text": CANARY}
        update = {"type": "conversationUpdate", "membersAdded": [{"id": "29:stranger"}]}
        self._seeds = (
            {**member, **press},
            {**stranger, **press},
            {**member, **fetch},
            {**stranger, **submit},
            {**stranger, **message},
            {**stranger, **update},
            {**stranger, "type": "installationUpdate", "action": "remove"},
            {**member, "type": "messageReaction", "reactionsAdded": [{"type": "like"}]},
            {**member, "type": "invoke", "name": CANARY, "value": {}},
        )

    def make(self, choices: Choices) -> HostileRequest:
        """The next request."""
        match choices.below(4):
            case 0:
                body = self._some_body(choices)
                return HostileRequest("unsigned", lambda: self.teams.post(body, signed=False), refused=True)
            case 1:
                body, token = (
                    self._some_body(choices),
                    one_of(choices, (*self._wrong, _printable(choices.text()) or "x")),
                )
                return HostileRequest("wrongly signed", lambda: self.teams.post(body, token=token), refused=True)
            case 2:
                body, content_type = CANARY.encode() + choices.raw(), one_of(choices, _TYPES)
                return HostileRequest("signed bytes", lambda: self.teams.post(body, content_type, token=self._token))
            case _:
                body = self._some_body(choices)
                return HostileRequest("signed payload", lambda: self.teams.post(body, token=self._token))

    def _some_body(self, choices: Choices) -> bytes:
        return _dumped(changed(one_of(choices, self._seeds), choices))
