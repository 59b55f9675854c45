"""The WebSockets of Socket Mode, from Slack's side.

Any socket that was greeted may be picked for an envelope, as Slack does with several replicas. It misbehaves on demand:
it greets no connection, goes deaf, cuts a connection, asks for another, or says what makes no sense.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from aiohttp import WSMsgType, web

from adapters.fakes.slack.envelopes import Envelopes, SocketTickets
from adapters.fakes.slack.workspaces import APP

_PATIENCE = 10.0  # seconds until a far end that does not read counts as hung


@dataclass(eq=False)
class FakeSocket:
    """One WebSocket.

    taken  the numbers of envelopes that were acknowledged here
    over   set once the connection has ended
    """

    ws: web.WebSocketResponse
    request: web.Request
    taken: list[str] = field(default_factory=list)
    ponged: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)

    async def disconnect(self, reason: str) -> None:
        """Say that this connection will be closed; it stays open until one side closes it."""
        await self.ws.send_str(json.dumps({"type": "disconnect", "reason": reason, "debug_info": {"host": "h"}}))

    async def reads(self) -> None:
        """Return when the far end has read everything that was sent until now."""
        self.ponged.clear()
        await self.ws.ping()
        async with asyncio.timeout(_PATIENCE):
            await self.ponged.wait()

    def cut(self) -> None:
        """End the connection as a broken network does, without a close frame."""
        if self.request.transport is not None:
            self.request.transport.abort()


class FakeSockets:
    """All WebSockets.

    open      those that were greeted and have not ended, oldest first
    ever      how many were greeted
    greets    whether new ones are greeted
    deaf      no ping is answered, and no acknowledgement is taken
    gives_up  seconds until an envelope counts as not acknowledged
    sent      every envelope, by its number
    acks      every acknowledgement, by the number of its envelope
    mistakes  what Slack would not have understood
    """

    def __init__(self, tickets: SocketTickets, changed: Callable[[], Awaitable[None]]) -> None:
        self.open: list[FakeSocket] = []
        self.ever = 0
        self.greets = True
        self.deaf = False
        self.gives_up = 3.0
        self.envelopes = Envelopes()
        self.sent, self.acks, self.mistakes = self.envelopes.sent, self.envelopes.acks, self.envelopes.mistakes
        self._tickets, self._changed = tickets, changed

    def routes(self) -> list[web.RouteDef]:
        """Where the addresses of `apps.connections.open` lead."""
        return [web.get("/link/", self.serve)]

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Open a WebSocket for a ticket that has not been used yet."""
        if not self._tickets.redeem(request.query.get("ticket", "")):
            return web.Response(status=HTTPStatus.FORBIDDEN)
        ws = web.WebSocketResponse(autoping=False)
        await ws.prepare(request)
        socket = FakeSocket(ws, request)
        if self.greets:
            await self._greet(socket)
        try:
            await self._listen(socket)
        finally:
            if socket in self.open:
                self.open.remove(socket)
            socket.over.set()
            await self._changed()
        return ws

    async def _greet(self, socket: FakeSocket) -> None:
        hello = {"type": "hello", "num_connections": len(self.open) + 1, "connection_info": {"app_id": APP}}
        await socket.ws.send_str(json.dumps(hello))
        self.open.append(socket)
        self.ever += 1
        await self._changed()

    async def _listen(self, socket: FakeSocket) -> None:
        async for message in socket.ws:
            if message.type is WSMsgType.PING and not self.deaf:
                await socket.ws.pong(message.data)
            elif message.type is WSMsgType.PONG:
                socket.ponged.set()
            elif message.type is WSMsgType.TEXT and not self.deaf:
                socket.taken.append(self.envelopes.acknowledged(json.loads(message.data)))
                await self._changed()

    async def send(self, body: bytes, content_type: str, socket: FakeSocket, retry: int = 0) -> str:
        """Send what would have been an HTTP body as an envelope. Returns its number."""
        envelope: dict[str, Any] = self.envelopes.wrap(body, content_type, retry)
        await socket.ws.send_str(json.dumps(envelope))
        return str(envelope["envelope_id"])

    async def close(self) -> None:
        """Close every connection that is open."""
        for socket in tuple(self.open):
            await socket.ws.close()
