"""The lines of Socket Mode as Slack holds them: tickets that are good once, envelopes, acknowledgements, goodbyes.

It picks any line that was greeted, as Slack does with several replicas. Hostile on demand: it greets nobody, goes deaf,
cuts a line, asks for another, or says what makes no sense.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import WSMsgType, web

METHOD = "apps.connections.open"
ACCEPTS = frozenset({"slash_commands", "view_submission"})


@dataclass(eq=False)
class Line:
    """One WebSocket, from Slack's side."""

    ws: web.WebSocketResponse
    request: web.Request
    taken: list[str] = field(default_factory=list)  # envelopes acknowledged here
    ponged: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)

    async def disconnect(self, reason: str) -> None:
        """Say that this line will be closed; it stays open until somebody closes it."""
        await self.ws.send_str(json.dumps({"type": "disconnect", "reason": reason, "debug_info": {"host": "h"}}))

    async def reads(self) -> None:
        """Return when the other end has read everything that was said until now."""
        self.ponged.clear()
        await self.ws.ping()
        async with asyncio.timeout(10):
            await self.ponged.wait()

    def cut(self) -> None:
        """The network takes it, without a word."""
        assert self.request.transport is not None
        self.request.transport.abort()


class Lines:
    """All of them. `changed` is told whenever something happens here."""

    def __init__(self, changed: Callable[[], Awaitable[None]]) -> None:
        self.open: list[Line] = []  # greeted, oldest first; here also those that were told to go
        self.ever = 0  # how many were greeted
        self.greets = True
        self.deaf = False  # no ping is answered, no acknowledgement is heard
        self.gives_up = 3.0  # seconds until an envelope counts as not acknowledged
        self.acks: dict[str, dict[str, Any]] = {}
        self.sent: dict[str, dict[str, Any]] = {}  # every envelope
        self.mistakes: list[str] = []
        self._tickets: set[str] = set()
        self._count = itertools.count(1)
        self._changed = changed

    def ticket(self, base: str) -> dict[str, Any]:
        """What `apps.connections.open` answers."""
        ticket = f"ticket-{next(self._count)}"
        self._tickets.add(ticket)
        return {"url": f"{base.replace('http', 'ws', 1)}/link/?ticket={ticket}&app_id=A0APP"}

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """A WebSocket whose ticket has not been used yet."""
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets:
            return web.Response(status=403)
        self._tickets.discard(ticket)
        ws = web.WebSocketResponse(autoping=False)
        await ws.prepare(request)
        line = Line(ws, request)
        if self.greets:
            hello = {"type": "hello", "num_connections": len(self.open) + 1, "connection_info": {"app_id": "A0APP"}}
            await ws.send_str(json.dumps(hello))
            self.open.append(line)
            self.ever += 1
            await self._changed()
        try:
            async for message in ws:
                if message.type is WSMsgType.PING and not self.deaf:
                    await ws.pong(message.data)
                elif message.type is WSMsgType.PONG:
                    line.ponged.set()
                elif message.type is WSMsgType.TEXT and not self.deaf:
                    self._heard(line, json.loads(message.data))
                    await self._changed()
        finally:
            if line in self.open:
                self.open.remove(line)
            line.over.set()
            await self._changed()
        return ws

    def _heard(self, line: Line, ack: dict[str, Any]) -> None:
        number = ack.get("envelope_id", "")
        envelope = self.sent.get(number)
        if envelope is None or set(ack) - {"envelope_id", "payload"}:
            self.mistakes.append("an acknowledgement of nothing that was sent")
        elif "payload" in ack and not envelope["accepts_response_payload"]:
            self.mistakes.append("a payload where none is accepted")
        line.taken.append(number)
        self.acks[number] = ack

    async def send(self, body: bytes, content_type: str, line: Line, retry: int = 0) -> str:
        """What would have been an HTTP body, as an envelope on this line; its number."""
        kind, payload = _envelope(body, content_type)
        number = f"e0000-{next(self._count)}"
        accepts = kind in ACCEPTS or payload.get("type") in ACCEPTS
        self.sent[number] = {
            "envelope_id": number,
            "type": kind,
            "payload": payload,
            "accepts_response_payload": accepts,
        } | ({"retry_attempt": retry, "retry_reason": "timeout" if retry else ""} if kind == "events_api" else {})
        await line.ws.send_str(json.dumps(self.sent[number]))
        return number


def _envelope(body: bytes, content_type: str) -> tuple[str, Mapping[str, Any]]:
    if content_type == "application/json":
        return "events_api", json.loads(body)
    form = dict(parse_qsl(body.decode(), keep_blank_values=True))
    return ("interactive", json.loads(form["payload"])) if "payload" in form else ("slash_commands", form)
