"""Two networks that fake platforms and the bot can meet on: real sockets on the loopback, and memory.

Both carry real HTTP between aiohttp's own client and server, so that the production adapters run on either unchanged.
`InProcess` needs no socket, no port and no waiting, which makes it the quicker one and one that a simulation can own.
"""

from __future__ import annotations

import asyncio
import errno
import itertools
from collections.abc import Iterable
from typing import Any, Protocol

import aiohttp
from aiohttp import web
from aiohttp.client_proto import ResponseHandler
from aiohttp.client_reqrep import ClientRequest
from aiohttp.tracing import Trace

HOST = "127.0.0.1"
_SHUTDOWN = 1.0  # seconds that open requests are given at the end


class Network(Protocol):
    """Where servers listen, and where clients find them."""

    async def listen(self, app: web.Application) -> str:
        """Serve an application. Returns its address, without a slash at the end."""

    def connector(self) -> aiohttp.BaseConnector:
        """What a client of this network makes its connections with."""

    async def close(self) -> None:
        """Stop serving."""


class Loopback:
    """Real TCP on 127.0.0.1, each server on a free port."""

    def __init__(self) -> None:
        self._runners: list[web.AppRunner] = []

    async def listen(self, app: web.Application) -> str:
        """Serve an application on a free port."""
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN)
        await runner.setup()
        self._runners.append(runner)
        await web.TCPSite(runner, HOST, 0).start()
        return f"http://{HOST}:{runner.addresses[0][1]}"

    def connector(self) -> aiohttp.BaseConnector:
        """A pool of TCP connections."""
        return aiohttp.TCPConnector()

    async def close(self) -> None:
        """Stop every server."""
        for runner in self._runners:
            await runner.cleanup()
        self._runners.clear()


class InProcess:
    """HTTP without sockets: what a client writes is handed to the server's protocol in the next turn of the loop.

    Its addresses look like those of the loopback, for settings demand that; no port is opened.
    """

    def __init__(self) -> None:
        self._runners: list[web.AppRunner] = []
        self._servers: dict[tuple[str, int], web.Server] = {}

    async def listen(self, app: web.Application) -> str:
        """Serve an application under an address of its own."""
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN)
        await runner.setup()
        self._runners.append(runner)
        port = len(self._runners)
        assert runner.server is not None  # noqa: S101  it was just set up
        self._servers[HOST, port] = runner.server
        return f"http://{HOST}:{port}"

    def connector(self) -> aiohttp.BaseConnector:
        """A pool of connections in memory."""
        return _MemoryConnector(self._servers)

    async def close(self) -> None:
        """Stop every server; its address refuses from then on."""
        for runner in self._runners:
            await runner.cleanup()
        self._runners.clear()
        self._servers.clear()


class _MemoryConnector(aiohttp.BaseConnector):
    """Connects a client to a server of this process. Where nothing listens it refuses, as a closed port does."""

    def __init__(self, servers: dict[tuple[str, int], web.Server]) -> None:
        super().__init__()
        self._servers = servers

    async def _create_connection(
        self,
        req: ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109  aiohttp's own signature
    ) -> ResponseHandler:
        server = self._servers.get((req.url.host or "", req.url.port or 0))
        if server is None:
            refused = OSError(errno.ECONNREFUSED, "nothing listens there")
            raise aiohttp.ClientConnectorError(req.connection_key, refused)
        loop = asyncio.get_running_loop()
        client = ResponseHandler(loop=loop)
        _connect(loop, client, server())
        return client


def _connect(loop: asyncio.AbstractEventLoop, client: asyncio.Protocol, server: asyncio.Protocol) -> None:
    """Make two transports that are each other's far end, and tell both protocols."""
    near, far = _MemoryTransport(loop, client), _MemoryTransport(loop, server)
    near.peer, far.peer = far, near
    server.connection_made(far)
    client.connection_made(near)


_ports = itertools.count(1)


class _MemoryTransport(asyncio.Transport):
    """One end of a connection. What is written here is received at the other end, in a turn of its own."""

    def __init__(self, loop: asyncio.AbstractEventLoop, protocol: asyncio.BaseProtocol) -> None:
        super().__init__({"peername": (HOST, next(_ports))})
        self.peer: _MemoryTransport
        self._loop, self._protocol = loop, protocol
        self._closing = self._paused = False
        self._held: list[bytes] = []

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        if not self._closing:
            self._loop.call_soon(self.peer._receive, bytes(data))  # noqa: SLF001  of the same class

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview[Any]]) -> None:
        self.write(b"".join(list_of_data))

    def _receive(self, data: bytes) -> None:
        if self._paused:
            self._held.append(data)
        elif not self._closing and isinstance(self._protocol, asyncio.Protocol):
            self._protocol.data_received(data)

    def pause_reading(self) -> None:
        self._paused = True

    def resume_reading(self) -> None:
        self._paused = False
        held, self._held = self._held, []
        for data in held:
            self._receive(data)

    def is_reading(self) -> bool:
        return not self._paused and not self._closing

    def close(self) -> None:
        self._end(None)

    def abort(self) -> None:
        self._end(ConnectionResetError())

    def _end(self, failure: Exception | None) -> None:
        for end in (self, self.peer):
            if not end._closing:  # noqa: SLF001  of the same class
                end._closing = end is self  # noqa: SLF001  what is on its way is still received there
                self._loop.call_soon(end._lose, failure if end is not self else None)  # noqa: SLF001

    def _lose(self, failure: Exception | None) -> None:
        self._closing = True
        self._loop.call_soon(self._protocol.connection_lost, failure)

    def is_closing(self) -> bool:
        return self._closing

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self._protocol

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._protocol = protocol

    def can_write_eof(self) -> bool:
        return False

    def get_write_buffer_size(self) -> int:
        return 0

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Nothing is ever buffered for writing."""
