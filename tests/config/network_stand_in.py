"""What stands between a hospital and the internet, on the loopback: a proxy, and servers that speak TLS.

    async with house_of_tls(authority, "slack.com", to=slack.url) as tls, Proxy({"slack.com": tls}) as proxy:
        HTTPS_PROXY=proxy.url, PEERSUPPORT_CA_FILE=authority's file

A name is whatever the proxy says it is, so the real ones can be called and nothing leaves this machine.
"""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import trustme


def authority(folder: Path, name: str = "Example Inspection") -> tuple[trustme.CA, Path]:
    """One that signs certificates, and the file by which it is known."""
    signs = trustme.CA(organization_name=name)
    file = folder / f"{name.replace(' ', '-')}.pem"
    signs.cert_pem.write_to_path(str(file))
    return signs, file


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while some := await reader.read(65536):
            writer.write(some)
            await writer.drain()
    with suppress(OSError, RuntimeError):
        writer.close()


async def _joined(one: tuple[asyncio.StreamReader, asyncio.StreamWriter], port: int) -> None:
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        one[1].close()
        return
    try:
        await asyncio.gather(_pass_on(one[0], writer), _pass_on(reader, one[1]))
    finally:
        writer.transport.abort()


class _Serving:
    """Holds its connections until it ends, and leaves none behind."""

    port: int

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    async def _listen(self, tls: ssl.SSLContext | None = None) -> None:
        self._server = await asyncio.start_server(self._met, "127.0.0.1", 0, ssl=tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _met(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self.serves(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def serves(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        raise NotImplementedError

    async def __aenter__(self) -> Self:
        await self._listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await asyncio.sleep(0)
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


class Tls(_Serving):
    """Speaks TLS as this host, and passes on what it hears to a server that does not."""

    def __init__(self, signed_by: trustme.CA, host: str, to: str, *, until: datetime | None = None) -> None:
        super().__init__()
        self._to = urlsplit(to).port or 0
        self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        signed_by.issue_cert(host, not_after=until).configure_cert(self._tls)

    async def __aenter__(self) -> Self:
        await self._listen(self._tls)
        return self

    async def serves(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _joined((reader, writer), self._to)


class Says(_Serving):
    """Answers whatever is asked with these bytes; none: it stays silent."""

    def __init__(self, answer: bytes) -> None:
        super().__init__()
        self._answer = answer
        self.heard: list[bytes] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def serves(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.heard.append(head)
        writer.write(self._answer)
        await writer.drain()
        if not self._answer:
            await reader.read()


def at(now: datetime) -> bytes:
    """An answer that tells the time."""
    date = now.astimezone(UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
    return f"HTTP/1.1 200 OK\r\nDate: {date}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()


class Proxy(_Serving):
    """CONNECT only. `names` says which port a host is at; to others it refuses to connect."""

    def __init__(self, names: Mapping[str, int], *, password: str = "", refuses: bool = False) -> None:
        super().__init__()
        self._names, self._password, self._refuses = names, password, refuses
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        """With the name and password it wants."""
        return f"http://{'bot:' + self._password + '@' if self._password else ''}127.0.0.1:{self.port}"

    async def serves(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("ascii")
        verb, target, _ = head.split(" ", 2)
        self.asked.append(f"{verb} {target}")
        wanted = "Basic " + base64.b64encode(f"bot:{self._password}".encode()).decode()
        if self._password and f"Proxy-Authorization: {wanted}\r\n" not in head:
            writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
        elif self._refuses or verb != "CONNECT" or target.rpartition(":")[0] not in self._names:
            writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
        else:
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await writer.drain()
            await _joined((reader, writer), self._names[target.rpartition(":")[0]])
            return
        await writer.drain()


@asynccontextmanager
async def inspected(
    signed_by: trustme.CA, hosts: Mapping[str, str], *, password: str = "", refuses: bool = False
) -> AsyncIterator[Proxy]:
    """A proxy behind which each host is this server, under a certificate that the authority made for it."""
    fronts = {host: Tls(signed_by, host, to) for host, to in hosts.items()}
    for front in fronts.values():
        await front.__aenter__()
    names = {host: front.port for host, front in fronts.items()}
    try:
        async with Proxy(names, password=password, refuses=refuses) as proxy:
            yield proxy
    finally:
        for front in fronts.values():
            await front.__aexit__()
