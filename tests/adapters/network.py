"""What stands between the program and a platform in a hospital: TLS with an authority of its own, and a proxy."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from adapters.fakes.slack.server import SlackServer


class Authority:
    """A certificate authority. `bundle` is what a hospital would put into PEERSUPPORT_CA_FILE."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.key, self.name = ec.generate_private_key(ec.SECP256R1()), _named("an authority")
        self.bundle = folder / "ca.pem"
        is_one = x509.BasicConstraints(ca=True, path_length=None)
        self.bundle.write_bytes(self._signed(self.name, self.key, is_one).public_bytes(serialization.Encoding.PEM))
        self.folder = folder

    def server(self) -> ssl.SSLContext:
        """A server's side of TLS, for 127.0.0.1."""
        key, pem = ec.generate_private_key(ec.SECP256R1()), serialization.Encoding.PEM
        place = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        both = self.folder / "server.pem"
        both.write_bytes(
            key.private_bytes(pem, *plain) + self._signed(_named("a server"), key, place).public_bytes(pem)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(both)
        return context

    def _signed(self, name: x509.Name, key: ec.EllipticCurvePrivateKey, says: x509.ExtensionType) -> x509.Certificate:
        now = datetime.now(UTC)
        made = x509.CertificateBuilder().subject_name(name).issuer_name(self.name).public_key(key.public_key())
        made = made.serial_number(x509.random_serial_number())
        made = made.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        return made.add_extension(says, critical=True).sign(self.key, hashes.SHA256())


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])


Caller = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def listening(each: Callable[..., Awaitable[None]], tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """A server on the loopback, and its address; every connection is closed at the end."""
    tasks: set[asyncio.Task[None]] = set()

    async def accept(*caller: asyncio.StreamReader | asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await each(*caller)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            caller[1].close()
            tasks.discard(task)

    server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=tls)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def carry(one: Caller, other: Caller, received: bytearray) -> None:
    """Copy both ways until one side closes."""

    async def across(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            received.extend(data)
            writer.write(data)
            await writer.drain()
        writer.close()

    try:
        await asyncio.gather(across(one[0], other[1]), across(other[0], one[1]))
    finally:
        other[1].close()


@asynccontextmanager
async def behind_tls(slack: SlackServer, authority: Authority, came: list[str] | None = None) -> AsyncIterator[str]:
    """The same fake with TLS in front of it; `came` notes the address of every connection."""
    host, _, port = slack.url.removeprefix("http://").partition(":")

    async def each(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if came is not None:
            came.append("{}:{}".format(*writer.get_extra_info("sockname")))
        await carry((reader, writer), await asyncio.open_connection(host, int(port)), bytearray())

    async with listening(each, authority.server()) as place:
        yield place


@asynccontextmanager
async def proxy() -> AsyncIterator[tuple[str, list[str], bytearray]]:
    """A proxy that serves CONNECT only: its address, the targets it was asked for, and the bytes it saw."""
    carried: list[str] = []
    seen = bytearray()

    async def each(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked, place, _ = (await reader.readuntil(b"\r\n\r\n")).decode().split(" ", 2)
        if asked != "CONNECT":
            return
        carried.append(place)
        host, _, port = place.partition(":")
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await carry((reader, writer), await asyncio.open_connection(host, int(port)), seen)

    async with listening(each) as place:
        yield place, carried, seen
