"""What Slack sends to the bot, signed. https://docs.slack.dev/reference/interaction-payloads"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from adapters.fakes.base import FORM, JSON, PlatformRequest
from adapters.fakes.screens import Json, ScreenItem
from adapters.fakes.slack.web_api import WebApi, view_of
from adapters.fakes.slack.workspaces import APP, Workspace, Workspaces

HALLWAY = "C0HALLWAY"  # a channel that the bot is not in
_LEGACY = {"token": "legacy", "api_app_id": APP}


class SlackPayloads:
    """Builds commands, events and interactions, and the HTTP requests that carry them."""

    def __init__(self, workspaces: Workspaces, api: WebApi, secret: str, url: Callable[[], str]) -> None:
        self.secret = secret
        self._spaces, self._api, self._url = workspaces, api, url

    # ------------------------------------------------------------ what a person does

    def command(self, user: str, text: str, *, team: str | None = None, channel: str = HALLWAY) -> Json:
        """`/peersupport text`, typed in some channel. https://docs.slack.dev/interactivity/implementing-slash-commands"""
        there = self._spaces.home(user, team)
        form = _LEGACY | {
            "team_id": there,
            "team_domain": "hospital",
            "channel_id": channel,
            "channel_name": "hallway",
            "user_id": self._spaces.id_of(user),
            "user_name": user.lower(),
            "command": "/peersupport",
            "text": text,
            "response_url": self.response_url(user, channel),
            "trigger_id": self.trigger(user),
        }
        place = self._spaces.teams.get(there)
        if place is not None and place.enterprise:
            wide = str(self._spaces.app_in(there).wide).lower()
            form |= {"enterprise_id": place.enterprise, "enterprise_name": "Grid", "is_enterprise_install": wide}
        return form

    def message(self, user: str, text: str, there: str, now: datetime) -> Json:
        """The event of a line that was written in the chat with the bot."""
        room = {"channel": self.own_chat(user, there), "channel_type": "im", "team": there}
        stamps = {"ts": self._api.stamps.message(now), "client_msg_id": f"m{self._api.stamps.number()}"}
        return {"type": "message", "user": self._spaces.id_of(user), "text": text} | room | stamps

    def home_opened(self, user: str, tab: str, there: str) -> Json:
        """The event of a look at one of the app's tabs."""
        opened = {"type": "app_home_opened", "user": self._spaces.id_of(user), "tab": tab}
        return opened | {"channel": self.own_chat(user, there)}

    def event(self, event: Mapping[str, Any], team: str, now: datetime) -> Json:
        """Any event, in its envelope. https://docs.slack.dev/apis/events-api"""
        return _LEGACY | {
            "team_id": team,
            "type": "event_callback",
            "event_id": f"Ev{self._api.stamps.number():08d}",
            "event_time": int(now.timestamp()),
            "event": dict(event),
            "authorizations": [self.authorization(self._spaces.app_in(team))],
        }

    def press(self, user: str, shown: ScreenItem[Json], body: Json, element: Json, values: Json, now: datetime) -> Json:
        """The press of an element of what is shown, or of what it once was (`body`), with the state of its inputs.

        https://docs.slack.dev/reference/interaction-payloads/block_actions-payload
        """
        kept = ("type", "action_id", "block_id", "text", "value", "url")
        action = {key: element[key] for key in kept if key in element} | {"action_ts": self._api.stamps.message(now)}
        payload = self._interaction("block_actions", user, shown) | {"actions": [action]}
        if shown.kind in {"form", "home"}:
            view = self._view_with(shown, body, values)
            return payload | {"container": {"type": "view", "view_id": shown.place}, "view": view}
        channel, _, stamp = shown.place.partition("/")
        alone = shown.kind == "aside"
        bot = self._spaces.app_in(self._spaces.team_of(channel))
        return payload | {
            "container": {"type": "message", "message_ts": stamp, "channel_id": channel, "is_ephemeral": alone},
            "channel": {"id": channel, "name": "directmessage"},
            "message": {"type": "message", "bot_id": bot.bot_id, "ts": stamp} | body,
            "state": {"values": values},
            "response_url": self.response_url(user, channel, shown.place if shown.kind == "card" else ""),
        }

    def submission(self, user: str, shown: ScreenItem[Json], values: Json) -> Json:
        """A form is sent. https://docs.slack.dev/reference/interaction-payloads/view-interactions-payload"""
        view = self._view_with(shown, shown.body, values)
        return self._interaction("view_submission", user, shown) | {"view": view, "response_urls": []}

    def _interaction(self, kind: str, user: str, shown: ScreenItem[Json]) -> Json:
        id = self._spaces.id_of(user)
        names = {"username": user.lower(), "name": user.lower(), "team_id": self._spaces.home(user)}
        sent = _LEGACY | {"type": kind, "user": {"id": id} | names, "trigger_id": self.trigger(user)}
        return sent | self._where(user, shown)

    def _where(self, user: str, shown: ScreenItem[Json]) -> Json:
        """The installation it happened in: that of a whole organisation names no workspace."""
        in_a_chat = shown.place.startswith("D") and "/" in shown.place
        team = self._spaces.team_of(shown.place) if in_a_chat else shown.body.get("team_id", "")
        place = self._spaces.teams.get(team) or self._spaces.app_in(self._spaces.home(user))
        enterprise = {"id": place.enterprise, "name": "Grid"} if place.enterprise else None
        named = None if place.wide else {"id": place.id, "domain": "hospital"}
        return {"team": named, "enterprise": enterprise, "is_enterprise_install": place.wide}

    def _view_with(self, shown: ScreenItem[Json], body: Json, values: Json) -> Json:
        there = body.get("team_id") or self._spaces.first
        sent = {"state": {"values": values}, "team_id": there, "app_installed_team_id": there}
        return view_of(shown) | body | sent

    def own_chat(self, user: str, there: str) -> str:
        """Their chat with the app that is seen in a workspace."""
        return self._spaces.chat(user, self._spaces.app_in(there).id)

    def authorization(self, place: Workspace) -> Json:
        """For which installation an event is sent. https://docs.slack.dev/apis/events-api#authorizations"""
        return {
            "enterprise_id": place.enterprise,
            "team_id": None if place.wide else place.id,
            "user_id": place.bot,
            "is_bot": True,
            "is_enterprise_install": place.wide,
        }

    def trigger(self, user: str) -> str:
        """What a form may be opened with, once."""
        trigger = f"1.2.{self._api.stamps.number():08d}"
        self._api.triggers[trigger] = user
        return trigger

    def response_url(self, user: str, channel: str, message: str = "") -> str:
        """An address that takes asides to one person, where the interaction was, and edits of what was pressed."""
        number = str(self._api.stamps.number())
        self._api.response_channels[number] = channel
        self._api.response_messages[number] = message
        return f"{self._url()}/response/{self._spaces.id_of(user)}/{number}"

    # ------------------------------------------------------------ on their way

    def as_form(self, form: Mapping[str, Any], now: datetime) -> PlatformRequest:
        """A command, as an HTTP request."""
        title = f"{self._spaces.handle_of(form.get('user_id'))}: {form.get('command')}"
        return self._signed(title, urlencode(form).encode(), FORM, dict(form), now)

    def as_interaction(self, payload: Mapping[str, Any], now: datetime) -> PlatformRequest:
        """An interaction, as an HTTP request."""
        user = payload.get("user")
        who = self._spaces.handle_of(user.get("id")) if isinstance(user, dict) else ""
        body = urlencode({"payload": json.dumps(payload)}).encode()
        return self._signed(f"{who}: {payload.get('type')}", body, FORM, dict(payload), now, is_press=True)

    def as_event(self, envelope: Json, now: datetime) -> PlatformRequest:
        """An event in its envelope, as an HTTP request."""
        event = envelope["event"]
        title = f"{self._spaces.handle_of(event.get('user'))}: {event.get('type')}"
        return self._signed(title, json.dumps(envelope).encode(), JSON, envelope, now)

    def _signed(
        self, title: str, body: bytes, content_type: str, payload: Json, now: datetime, *, is_press: bool = False
    ) -> PlatformRequest:
        headers = {"Content-Type": content_type, "User-Agent": "Slackbot 1.0"} | self.signature(body, now)
        return PlatformRequest(title, body, headers, payload, is_press)

    def signature(self, body: bytes, at: datetime, secret: str | None = None) -> dict[str, str]:
        """The headers that prove these bytes. https://docs.slack.dev/authentication/verifying-requests-from-slack"""
        stamp = str(int(at.timestamp()))
        digest = hmac.digest((secret or self.secret).encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256)
        return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={digest.hex()}"}
