"""Socket Mode without its connections: tickets, envelopes and acknowledgements.

https://docs.slack.dev/apis/events-api/using-socket-mode
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

from adapters.fakes.base import JSON
from adapters.fakes.screens import Json
from adapters.fakes.slack.workspaces import APP

OPEN: Final = "apps.connections.open"
ACCEPTS: Final = frozenset({"slash_commands", "view_submission"})  # may be acknowledged with a payload


class SocketTickets:
    """Each address that was given out opens one WebSocket."""

    def __init__(self) -> None:
        self._waiting: set[str] = set()
        self._numbers = itertools.count(1)

    def open(self, url: str) -> Json:
        """What `apps.connections.open` answers. https://docs.slack.dev/reference/methods/apps.connections.open"""
        ticket = f"ticket-{next(self._numbers)}"
        self._waiting.add(ticket)
        return {"ok": True, "url": f"{url.replace('http', 'ws', 1)}/link/?ticket={ticket}&app_id={APP}"}

    def redeem(self, ticket: str) -> bool:
        """Whether this ticket was good; from now on it is not."""
        good = ticket in self._waiting
        self._waiting.discard(ticket)
        return good


class Envelopes:
    """What was sent and what was acknowledged, by number. An acknowledgement that breaks a rule is a mistake."""

    def __init__(self) -> None:
        self.sent: dict[str, Json] = {}
        self.acks: dict[str, Json] = {}
        self.mistakes: list[str] = []
        self._numbers = itertools.count(1)

    def wrap(self, body: bytes, content_type: str, retry: int) -> Json:
        """What would have been an HTTP body, in an envelope. `retry` counts how often it was sent before."""
        kind, payload = _opened(body, content_type)
        number = f"e0000-{next(self._numbers)}"
        accepts = kind in ACCEPTS or payload.get("type") in ACCEPTS
        sent = {"envelope_id": number, "type": kind, "payload": payload, "accepts_response_payload": accepts}
        if kind == "events_api":
            sent |= {"retry_attempt": retry, "retry_reason": "timeout" if retry else ""}
        self.sent[number] = sent
        return sent

    def acknowledged(self, ack: Json) -> str:
        """Take an acknowledgement. Returns the number of its envelope."""
        number = str(ack.get("envelope_id", ""))
        envelope = self.sent.get(number)
        if envelope is None or set(ack) - {"envelope_id", "payload"}:
            self.mistakes.append("an acknowledgement of nothing that was sent")
        elif "payload" in ack and not envelope["accepts_response_payload"]:
            self.mistakes.append("a payload where none is accepted")
        self.acks[number] = ack
        return number


def _opened(body: bytes, content_type: str) -> tuple[str, Mapping[str, Any]]:
    """The kind of an envelope, and its payload."""
    if content_type == JSON:
        return "events_api", json.loads(body)
    form = dict(parse_qsl(body.decode(), keep_blank_values=True))
    return ("interactive", json.loads(form["payload"])) if "payload" in form else ("slash_commands", form)
