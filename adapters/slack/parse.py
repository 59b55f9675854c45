"""Parses Slack's payloads into interactions. Pure; any JSON object may come in, and what is not understood is None.

`Any` lives here and nowhere else: a payload is signed by Slack, but its shape is not guaranteed.

https://docs.slack.dev/interactivity/handling-user-interaction and https://docs.slack.dev/apis/events-api
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal

from adapters.base import Interaction, front_door_token
from adapters.slack.cards import FIELD, FORM, OPTION, PRESS
from adapters.slack.speech import spoken
from adapters.text import token, typed
from conversations.model import Answers, Person, Value

Payload = Mapping[str, Any]

ParseWord = Callable[[str], str]
"""Turns typed text into one of the words we know, or "". Nothing else of the text leaves this module."""

_ID = re.compile(r"[A-Za-z0-9_]{1,64}", re.ASCII)
_MENTION = re.compile(r"<[@#!][^<>]*>")
_STAMP = re.compile(r"[A-Za-z0-9_.:-]{1,200}", re.ASCII)
_HALF = re.compile("[\ud800-\udfff]")  # of a character
_LATEST = 1 << 33  # of a time, in seconds


Surface = Literal["command", "message", "home", "form", "submission", "chat"]


@dataclass(frozen=True, slots=True)
class SlackInteraction:
    """An interaction, and the ways that Slack left open to answer it at once.

    Args:
        interaction: What was done.
        home_team: The person's own workspace, as far as Slack says.
        surface: Where it was done, which decides how it can be answered.
        response_url: An address that shows something to this person only, or "".
        trigger: The id with which a modal can be opened, or "".
        view: The id of the modal it was done in, or "".
        message: The message that was pressed, as a reference, or "".
    """

    interaction: Interaction
    home_team: str = field(repr=False)
    surface: Surface
    response_url: str = field(default="", repr=False)
    trigger: str = field(default="", repr=False)
    view: str = field(default="", repr=False)
    message: str = field(default="", repr=False)

    def in_own_chat(self) -> SlackInteraction:
        """Return the same command, as typed in the person's own chat with the bot."""
        return replace(self, interaction=replace(self.interaction, in_own_chat=True))


@dataclass(frozen=True, slots=True)
class Origin:
    """Which installation a payload is for: the workspace, its organisation, and whether it is organisation-wide."""

    team: str = field(repr=False)
    enterprise: str = field(repr=False)
    organisation_wide: bool = False


def origin(body: Payload) -> Origin:
    """Return the installation a payload is for.

    An event names it in `authorizations`: in a channel shared with another company, its envelope may name theirs.
    https://docs.slack.dev/apis/events-api#authorizations
    """
    named = body.get("authorizations")
    ours = named[0] if isinstance(named, list) and named and isinstance(named[0], dict) else {}
    if ours:
        envelope = "" if body.get("is_ext_shared_channel") is True else _id(body.get("team_id"))
        team, enterprise = _id(ours.get("team_id")) or envelope, _id(ours.get("enterprise_id"))
    else:
        team, enterprise = _id(_team(body)), _id(_dict(body, "enterprise").get("id")) or _id(body.get("enterprise_id"))
    if team.startswith("E"):
        team, enterprise = "", team
    return Origin(team, enterprise, _is_true((ours or body).get("is_enterprise_install")))


# ---------------------------------------------------------------- what a person did
# `workspace` is the id by which the person is known; if empty, the one that the payload names


def command(body: Payload, parse_word: ParseWord, workspace: str = "") -> SlackInteraction | None:
    """Parse the slash command. The channel it was typed in is no address: others may be reading there."""
    typed_in, trigger = _id(body.get("team_id")), _stamp(body.get("trigger_id"))
    by = _person(workspace or typed_in, body.get("user_id"))
    if not by or not trigger:
        return None
    found = Interaction(f"command:{trigger}", by, front_door_token(_word(body, parse_word)), source="command")
    return SlackInteraction(found, typed_in, "command", _text(body, "response_url"), trigger)


def command_channel(body: Payload) -> str:
    """Return the direct message in which the slash command was typed, or ""."""
    channel = _id(body.get("channel_id"))
    return channel if channel.startswith("D") else ""


def action(body: Payload, workspace: str = "") -> SlackInteraction | None:
    """Parse a pressed button. None for a button that is not ours, and for a link that only opens a chat."""
    by, pressed, box = _user(body, workspace), _pressed(body), _dict(body, "container")
    if not by or not pressed:
        return None
    place = _stamp(box.get("message_ts")) or _stamp(box.get("view_id"))
    at, trigger = _stamp(pressed.get("action_ts")), _stamp(body.get("trigger_id"))
    once = f"{place}:{by.id}:{at}" if place and at else trigger
    if not once:
        return None
    view = _dict(body, "view")
    given = answers(_dict(body, "state") or _dict(view, "state"), by.workspace)
    ephemeral = box.get("is_ephemeral") is True
    value = token(pressed.get("value"))
    found = Interaction(f"press:{once}", by, value, given, _direct_channel(body), ephemeral=ephemeral)
    surface: Surface = "message" if not view else "home" if view.get("type") == "home" else "form"
    channel, ts = _direct_channel(body), _stamp(box.get("message_ts"))
    message = f"{channel}/{ts}" if channel and ts and not ephemeral else ""
    url = _text(body, "response_url")
    return SlackInteraction(found, _home(body), surface, url, trigger, _id(view.get("id")), message)


def shortcut(body: Payload, workspace: str = "") -> SlackInteraction | None:
    """Parse a shortcut, as the slash command without a word. Our manifest has none; an administrator may add one.

    https://docs.slack.dev/reference/interaction-payloads/shortcuts-interaction-payload
    """
    by, trigger = _user(body, workspace), _stamp(body.get("trigger_id"))
    if _text(body, "type") not in {"shortcut", "message_action"} or not by or not trigger:
        return None
    found = Interaction(f"shortcut:{trigger}", by, front_door_token(""), source="command")
    return SlackInteraction(found, _home(body), "home", _text(body, "response_url"), trigger)


def submission(body: Payload, workspace: str = "") -> SlackInteraction | None:
    """Parse a submitted modal. A view has one id, so a second submission of it is the same interaction."""
    by, view = _user(body, workspace), _dict(body, "view")
    value, place = token(view.get("private_metadata")), _stamp(view.get("id"))
    if body.get("type") != "view_submission" or view.get("callback_id") != FORM or not by or not value or not place:
        return None
    once = f"form:{place}:{_stamp(view.get('hash'))}"
    found = Interaction(once, by, value, answers(_dict(view, "state"), by.workspace))
    return SlackInteraction(found, _home(body), "submission", trigger=_stamp(body.get("trigger_id")), view=place)


def message(
    body: Payload, parse_word: ParseWord, own_ids: frozenset[str], workspace: str = ""
) -> SlackInteraction | None:
    """Parse a message that a person wrote to the bot, or changed. None for what no person says, and other channels."""
    event = _dict(body, "event")
    said = spoken(event, own_ids)
    by, channel = _person(workspace or _team(body), said.get("user") if said else None), _id(event.get("channel"))
    once = _stamp(body.get("event_id")) or _stamp(event.get("ts"))
    if said is None or not by or not channel or not once:
        return None
    found = Interaction(f"event:{once}", by, front_door_token(_word(said, parse_word)), {}, channel, "typed")
    return SlackInteraction(found, _home_of_author(body), "chat")


def is_through_an_app(body: Payload) -> bool:
    """Return whether a message was posted by an app: by another bot, or by one that a person let speak for them."""
    event = _dict(body, "event")
    return bool(event.get("bot_id") or _dict(event, "message").get("bot_id"))


def home_opened(body: Payload, workspace: str = "") -> Person | None:
    """Return who opened the Home tab."""
    event = _dict(body, "event")
    if event.get("type") != "app_home_opened" or event.get("tab") != "home":
        return None
    return _person(workspace or _team(body), event.get("user"))


# ---------------------------------------------------------------- what a workspace did


def event_type(body: Payload) -> str:
    """Return the event's type, or ""."""
    kind = _dict(body, "event").get("type")
    return kind if isinstance(kind, str) else ""


def revokes_access(body: Payload) -> bool:
    """Return whether this event revokes our access: an uninstallation, or the revocation of a bot token."""
    tokens = _dict(_dict(body, "event"), "tokens")
    kind = event_type(body)
    return kind == "app_uninstalled" or (kind == "tokens_revoked" and bool(tokens.get("bot")))


def event_time(body: Payload) -> datetime | None:
    """Return when an event happened, by Slack's clock."""
    seconds = body.get("event_time")
    return datetime.fromtimestamp(seconds, UTC) if isinstance(seconds, int) and 0 < seconds < _LATEST else None


def changed_user(body: Payload) -> str:
    """Return the id of the user whose profile changed, or ""."""
    return _id(_dict(_dict(body, "event"), "user").get("id")) if event_type(body) == "user_change" else ""


def switched_off(body: Payload, workspace: str = "") -> Person | None:
    """Return whose account was switched off: https://docs.slack.dev/reference/events/user_change."""
    user = _dict(_dict(body, "event"), "user")
    off = event_type(body) == "user_change" and user.get("deleted") is True
    return _person(workspace or _team(body), user.get("id")) if off else None


# ---------------------------------------------------------------- answers


def answers(state: Payload, workspace: str) -> Answers:
    """Return what was selected and written. An unanswered choice or text is absent; an empty list is an answer.

    https://docs.slack.dev/reference/interaction-payloads/view-interactions-payload describes `state.values`.
    """
    found: dict[str, Value] = {}
    for inputs in _dict(state, "values").values():
        for action_id, given in inputs.items() if isinstance(inputs, dict) else ():
            if isinstance(action_id, str) and action_id.startswith(FIELD) and isinstance(given, dict):
                value = _value(given, workspace)
                if value is not None:
                    found[action_id.removeprefix(FIELD)] = value
    return found


def _value(given: Payload, workspace: str) -> Value | None:
    kind = _text(given, "type")
    if kind in {"radio_buttons", "static_select"}:
        return _option(_dict(given, "selected_option")) or None
    if kind in {"checkboxes", "multi_static_select"}:
        chosen = given.get("selected_options")
        values = [_option(o) for o in chosen if isinstance(o, dict)] if isinstance(chosen, list) else []
        return tuple([v for v in values if v])
    if kind == "multi_users_select":
        ids = given.get("selected_users")
        people = [_person(workspace, i) for i in ids] if isinstance(ids, list) else []
        return tuple([p for p in people if p])
    if kind == "plain_text_input":
        return typed(given.get("value")) or None
    return None


def _option(chosen: Payload) -> str:
    """Return the value of an option that a card of ours may have offered, or ""."""
    value = _text(chosen, "value")
    return "" if len(value) > OPTION or _HALF.search(value) else value


# ---------------------------------------------------------------- pieces of a payload


def _user(body: Payload, workspace: str) -> Person | None:
    """Return who acted. A payload of an organisation-wide installation names only the user's workspace."""
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
    """Return the button of ours that was pressed, or nothing."""
    actions = body.get("actions")
    pressed = actions[0] if isinstance(actions, list) and actions else None
    if body.get("type") != "block_actions" or not isinstance(pressed, dict) or pressed.get("type") != "button":
        return {}
    name = pressed.get("action_id")
    return pressed if isinstance(name, str) and name.startswith(PRESS) else {}


def _direct_channel(body: Payload) -> str | None:
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


def _word(body: Payload, parse_word: ParseWord) -> str:
    """Return the word of a text, read without the mentions that Slack writes into it."""
    return parse_word(_MENTION.sub(" ", _text(body, "text")))


def _id(value: object) -> str:
    return value if isinstance(value, str) and _ID.fullmatch(value) else ""


def _stamp(value: object) -> str:
    return value if isinstance(value, str) and _STAMP.fullmatch(value) else ""


def _person(workspace: object, user: object) -> Person | None:
    place, who = _id(workspace), _id(user)
    return Person("slack", place, who) if place and who else None
