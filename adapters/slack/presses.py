"""Slack's payloads as presses. Pure; any JSON object may come in, and what is not understood is None.

`Any` lives here and nowhere else: a payload is signed by Slack, but its shape is nobody's promise.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from adapters.base import Press
from adapters.slack.cards import FIELD, FORM, PRESS
from conversations.model import Answers, Person, Value

Payload = Mapping[str, Any]
Hear = Callable[[str], str]
"""Makes of what somebody typed one of the words we know, or "". Nothing else of it leaves this module."""

_ID = re.compile(r"[A-Za-z0-9_]{1,64}", re.ASCII)
_MENTION = re.compile(r"<[@#!][^<>]*>")
_STAMP = re.compile(r"[A-Za-z0-9_.:-]{1,200}", re.ASCII)
_LATEST = 1 << 33  # of a time, in seconds
_TYPED = 2000
_TOKEN = 3000


@dataclass(frozen=True, slots=True)
class Heard:
    """A press, and the ways Slack left open to answer it at once. `home` is the presser's own workspace, if told."""

    press: Press
    home: str = field(repr=False)
    where: Literal["command", "message", "home", "form", "sent", "chat"]
    response_url: str = field(default="", repr=False)
    trigger: str = field(default="", repr=False)
    view: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Origin:
    """Which installation a payload is about: the workspace, its organisation, and whether it is the organisation's."""

    team: str = field(repr=False)
    enterprise: str = field(repr=False)
    organisation_wide: bool = False


def origin(body: Payload) -> Origin:
    """Where a payload comes from. In a chat shared with another company, an event's envelope may name theirs."""
    told = body.get("authorizations")
    ours = told[0] if isinstance(told, list) and told and isinstance(told[0], dict) else {}
    if ours:
        beside = "" if body.get("is_ext_shared_channel") is True else _id(body.get("team_id"))
        team, enterprise = _id(ours.get("team_id")) or beside, _id(ours.get("enterprise_id"))
    else:
        team, enterprise = _id(_team(body)), _id(_dict(body, "enterprise").get("id")) or _id(body.get("enterprise_id"))
    if team.startswith("E"):
        team, enterprise = "", team
    return Origin(team, enterprise, _is_true((ours or body).get("is_enterprise_install")))


# ---------------------------------------------------------------- what a person did
# `workspace` is as whose people they are known; empty, the one that the payload names


def command(body: Payload, hear: Hear, workspace: str = "") -> Heard | None:
    """`/peersupport …`. Where it was typed is no address: it may be a corridor full of people."""
    typed_in, trigger = _id(body.get("team_id")), _stamp(body.get("trigger_id"))
    by = _person(workspace or typed_in, body.get("user_id"))
    if not by or not trigger:
        return None
    press = Press(f"command:{trigger}", by, "=" + _word(body, hear), how="command")
    return Heard(press, typed_in, "command", _text(body, "response_url"), trigger)


def action(body: Payload, workspace: str = "") -> Heard | None:
    """A button. None for what is not ours, and for a link that only opens a chat."""
    by, pressed, box = _presser(body, workspace), _pressed(body), _dict(body, "container")
    if not by or not pressed:
        return None
    place = _stamp(box.get("message_ts")) or _stamp(box.get("view_id"))
    at, trigger = _stamp(pressed.get("action_ts")), _stamp(body.get("trigger_id"))
    once = f"{place}:{by.id}:{at}" if place and at else trigger
    if not once:
        return None
    view = _dict(body, "view")
    state = _dict(body, "state") or _dict(view, "state")
    fleeting = box.get("is_ephemeral") is True
    given = answers(state, by.workspace)
    press = Press(f"press:{once}", by, _token(pressed.get("value")), given, _direct(body), fleeting=fleeting)
    where: Literal["home", "form", "message"] = "message"
    if view:
        where = "home" if view.get("type") == "home" else "form"
    return Heard(press, _home(body), where, _text(body, "response_url"), trigger, _id(view.get("id")))


def submission(body: Payload, workspace: str = "") -> Heard | None:
    """A form that was sent. Sent twice it is the same press: a view has one id."""
    by, view = _presser(body, workspace), _dict(body, "view")
    token, place = _token(view.get("private_metadata")), _stamp(view.get("id"))
    if body.get("type") != "view_submission" or view.get("callback_id") != FORM or not by or not token or not place:
        return None
    once = f"form:{place}:{_stamp(view.get('hash'))}"
    press = Press(once, by, token, answers(_dict(view, "state"), by.workspace))
    return Heard(press, _home(body), "sent", trigger=_stamp(body.get("trigger_id")), view=place)


def typed(body: Payload, hear: Hear, ourselves: frozenset[str], workspace: str = "") -> Heard | None:
    """A message somebody wrote to us. Not what we or other bots say, no edits, no other channels."""
    event = _dict(body, "event")
    by, channel = _person(workspace or _team(body), event.get("user")), _id(event.get("channel"))
    ours = event.get("type") == "message" and event.get("channel_type") == "im"
    by_machine = event.get("bot_id") or event.get("subtype") or _id(event.get("user")) in ourselves
    once = _stamp(body.get("event_id")) or _stamp(event.get("ts"))
    if not ours or by_machine or not by or not channel or not once:
        return None
    press = Press(f"event:{once}", by, "=" + _word(event, hear), {}, channel, "typed")
    return Heard(press, _home_of_author(body), "chat")


def opened_home(body: Payload, workspace: str = "") -> Person | None:
    """Who stands in the Home tab."""
    event = _dict(body, "event")
    if event.get("type") != "app_home_opened" or event.get("tab") != "home":
        return None
    return _person(workspace or _team(body), event.get("user"))


# ---------------------------------------------------------------- what a workspace did


def event_type(body: Payload) -> str:
    """The event's type, or ""."""
    kind = _dict(body, "event").get("type")
    return kind if isinstance(kind, str) else ""


def withdrawn(body: Payload) -> bool:
    """Whether this event takes our access away."""
    tokens = _dict(_dict(body, "event"), "tokens")
    kind = event_type(body)
    return kind == "app_uninstalled" or (kind == "tokens_revoked" and bool(tokens.get("bot")))


def told_at(body: Payload) -> datetime | None:
    """When an event happened, by Slack's clock."""
    said = body.get("event_time")
    return datetime.fromtimestamp(said, UTC) if isinstance(said, int) and 0 < said < _LATEST else None


def changed_user(body: Payload) -> str:
    """Whose profile changed, or ""."""
    return _id(_dict(_dict(body, "event"), "user").get("id")) if event_type(body) == "user_change" else ""


# ---------------------------------------------------------------- answers


def answers(state: Payload, workspace: str) -> Answers:
    """What was ticked and written. A choice or a text nobody made is absent; an empty list is an answer."""
    found: dict[str, Value] = {}
    for inputs in _dict(state, "values").values():
        for action_id, given in inputs.items() if isinstance(inputs, dict) else ():
            if isinstance(action_id, str) and action_id.startswith(FIELD) and isinstance(given, dict):
                value = _value(given, workspace)
                if value is not None:
                    found[action_id.removeprefix(FIELD)] = value
    return found


def _value(given: Payload, workspace: str) -> Value | None:
    kind = given.get("type")
    if kind in {"radio_buttons", "static_select"}:
        return _words(_dict(given, "selected_option").get("value")) or None
    if kind in {"checkboxes", "multi_static_select"}:
        chosen = given.get("selected_options")
        values = [_words(o.get("value")) for o in chosen if isinstance(o, dict)] if isinstance(chosen, list) else []
        return tuple(v for v in values if v)
    if kind == "multi_users_select":
        ids = given.get("selected_users")
        people = [_person(workspace, i) for i in ids] if isinstance(ids, list) else []
        return tuple(p for p in people if p)
    if kind == "plain_text_input":
        return _words(given.get("value")) or None
    return None


# ---------------------------------------------------------------- pieces of a payload


def _presser(body: Payload, workspace: str) -> Person | None:
    """Who pressed, in the workspace we are installed in. An organisation-wide installation names only the user's."""
    return _person(workspace or _team(body), _dict(body, "user").get("id"))


def _team(body: Payload) -> object:
    elsewhere = _dict(body, "view").get("app_installed_team_id")
    return elsewhere or _dict(body, "team").get("id") or body.get("team_id") or _dict(body, "user").get("team_id")


def _home(body: Payload) -> str:
    return _id(_dict(body, "user").get("team_id")) or _id(_team(body))


def _home_of_author(body: Payload) -> str:
    event = _dict(body, "event")
    return _id(event.get("user_team")) or _id(event.get("team")) or _id(_team(body))


def _pressed(body: Payload) -> Payload:
    """The button of ours that was pressed, or nothing."""
    actions = body.get("actions")
    pressed = actions[0] if isinstance(actions, list) and actions else None
    if body.get("type") != "block_actions" or not isinstance(pressed, dict) or pressed.get("type") != "button":
        return {}
    name = pressed.get("action_id")
    return pressed if isinstance(name, str) and name.startswith(PRESS) else {}


def _direct(body: Payload) -> str | None:
    channel = _id(_dict(body, "channel").get("id")) or _id(_dict(body, "container").get("channel_id"))
    return channel if channel.startswith("D") else None


def _is_true(value: object) -> bool:
    return value is True or value == "true"


def _dict(body: Payload, key: str) -> Payload:
    value = body.get(key)
    return value if isinstance(value, dict) else {}


def _text(body: Payload, key: str) -> str:
    value = body.get(key)
    return value if isinstance(value, str) else ""


def _word(body: Payload, hear: Hear) -> str:
    """What the text means, without the names and rooms that Slack writes into it."""
    return hear(_MENTION.sub(" ", _text(body, "text")))


def _id(value: object) -> str:
    return value if isinstance(value, str) and _ID.fullmatch(value) else ""


def _stamp(value: object) -> str:
    return value if isinstance(value, str) and _STAMP.fullmatch(value) else ""


def _words(value: object) -> str:
    """Whole characters only: half of one could be written nowhere."""
    return value[:_TYPED].encode(errors="ignore").decode() if isinstance(value, str) else ""


def _token(value: object) -> str:
    """A value we once gave out: printable, and no longer than Slack lets us give."""
    return value if isinstance(value, str) and len(value) <= _TOKEN and value.isascii() and value.isprintable() else ""


def _person(workspace: object, user: object) -> Person | None:
    place, who = _id(workspace), _id(user)
    return Person("slack", place, who) if place and who else None
