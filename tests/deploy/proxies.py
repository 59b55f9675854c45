"""The reverse proxies of deploy/proxy, really run: as they stand there, but for addresses and a certificate made here.

As nobody where we are root, on the loopback, in a folder of their own. nginx, HAProxy and Caddy are the system's.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.running.not_run import not_run

SAMPLES = Path(__file__).parents[2] / "deploy/proxy"
NOBODY = 65534
PATIENCE = 60.0  # real seconds after which a test gives up


@dataclass(frozen=True)
class Replica:
    """Where one listens. Two of them differ by their address in 127.0.0.0/8, as they do by their machine."""

    host: str
    public: int
    ops: int


@dataclass(frozen=True)
class Sample:
    """One of the files, and how it becomes ours."""

    file: str
    program: str
    arguments: Callable[[Path], Sequence[str]]
    examines: Callable[[Path], Sequence[str]]
    ours: Callable[[str, int, Path, Sequence[Replica]], str]


def swap(text: str, changes: Mapping[str, str]) -> str:
    """Every one of these lines stands there once, and becomes another."""
    for line, other in changes.items():
        text, found = re.subn(rf"(?m)^([ \t]*){re.escape(line)}.*$", lambda m, other=other: m[1] + other, text)
        assert found == 1, line
    return text


def _nginx(text: str, port: int, folder: Path, replicas: Sequence[Replica]) -> str:
    servers = "".join(f"server {each.host}:{each.public} max_fails=1 fail_timeout=2s;" for each in replicas)
    places = "".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    changes = {
        "http {": f"http {{ {places}",
        "server 127.0.0.1:3000": servers,
        "listen 443 ssl;": f"listen 127.0.0.1:{port} ssl;",
        "listen [::]:443 ssl;": "",
        "ssl_certificate /": f"ssl_certificate {folder}/tls.pem;",
        "ssl_certificate_key /": f"ssl_certificate_key {folder}/tls.pem;",
    }
    return swap(text, changes)


def _places(folder: Path) -> str:
    """Where nginx would keep what it does not keep; it insists on having the folders, and by default only root may."""
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    return "".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)


def _haproxy(text: str, port: int, folder: Path, replicas: Sequence[Replica]) -> str:
    servers = "\n    ".join(
        f"server replica-{n} {each.host}:{each.public} port {each.ops}" for n, each in enumerate(replicas)
    )
    changes = {
        "bind :443 ssl crt": f"bind 127.0.0.1:{port} ssl crt {folder}/tls.pem ssl-min-ver TLSv1.2",
        "server-template replica- 2 peersupport:3000": servers,
    }
    return swap(text, changes)


def _caddy(text: str, port: int, folder: Path, replicas: Sequence[Replica]) -> str:
    changes = {
        "admin off": "admin off\n\tauto_https off",
        "chat.example.org {": f"https://127.0.0.1:{port} {{\n\tbind 127.0.0.1\n\ttls {folder}/tls.pem {folder}/tls.pem",
        "reverse_proxy 127.0.0.1:3000 {": f"reverse_proxy {replicas[0].host}:{replicas[0].public} {{",
    }
    return swap(text, changes)


def _run_nginx(folder: Path) -> Sequence[str]:
    return ("-p", str(folder), "-c", str(folder / "nginx.conf"), "-g", f"daemon off; pid {folder}/pid;")


NGINX = Sample("nginx.conf", "nginx", _run_nginx, lambda folder: ("-t", *_run_nginx(folder)), _nginx)
HAPROXY = Sample(
    "haproxy.cfg",
    "haproxy",
    lambda folder: ("-db", "-f", str(folder / "haproxy.cfg")),
    lambda folder: ("-c", "-f", str(folder / "haproxy.cfg")),
    _haproxy,
)
CADDY = Sample(
    "Caddyfile",
    "caddy",
    lambda folder: ("run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")),
    lambda folder: ("validate", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")),
    _caddy,
)


def examine(sample: Sample, folder: Path) -> str:
    """What the program finds wrong with the file as it stands, but for the place of the certificate; "" for nothing."""
    (folder / "tls.pem").write_bytes(certificate())
    text = re.sub(r"/etc/\w+/(?:tls/)?\w+\.pem", str(folder / "tls.pem"), (SAMPLES / sample.file).read_text("utf-8"))
    text = re.sub(r"(?m)^http {", lambda _: f"http {{ {_places(folder)}", text)
    (folder / sample.file).write_text(text, "utf-8")
    surroundings = {"PATH": "/usr/bin:/bin", "HOME": str(folder)}
    command = [installed(sample), *sample.examines(folder)]
    ran = subprocess.run(command, cwd=folder, env=surroundings, capture_output=True, text=True, check=False)  # noqa: S603
    return "" if ran.returncode == 0 else ran.stdout + ran.stderr


def installed(sample: Sample) -> str:
    """The program. Skips whoever asks where there is none; in CI, where all is installed, that would be a lie."""
    found = shutil.which(sample.program, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    if found is None:
        not_run(sample.program, f"apt-get install {sample.program}")
    return str(found)


@dataclass
class Proxy:
    """One that runs. `url` is what a platform calls, over TLS; `said` is everything it wrote until now."""

    url: str
    trust: ssl.SSLContext
    said: bytearray
    folder: Path


@asynccontextmanager
async def proxy(sample: Sample, port: int, *replicas: Replica) -> AsyncIterator[Proxy]:
    """The sample in front of these replicas. It listens when this returns, and is gone in the end."""
    program = installed(sample)
    with TemporaryDirectory(prefix="proxy-") as place:
        folder = Path(place)
        nobody = _lay_out(sample, port, folder, replicas)
        running = await asyncio.create_subprocess_exec(
            program,
            *sample.arguments(folder),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            cwd=folder,
            env={"PATH": "/usr/bin:/bin", "HOME": place, "XDG_DATA_HOME": place, "XDG_CONFIG_HOME": place},
            **nobody,
        )
        said = bytearray()
        hearing = asyncio.ensure_future(_hear(running, said))
        try:
            await _listens(running, port, said)
            yield Proxy(f"https://127.0.0.1:{port}", _trusting(folder / "tls.pem"), said, folder)
        finally:
            with suppress(ProcessLookupError):
                running.terminate()
            async with asyncio.timeout(PATIENCE):
                await running.wait()
                await hearing


def _lay_out(sample: Sample, port: int, folder: Path, replicas: Sequence[Replica]) -> dict[str, Any]:
    """Everything it reads; and as whom it is run."""
    (folder / "tls.pem").write_bytes(certificate())
    text = (SAMPLES / sample.file).read_text("utf-8")
    (folder / sample.file).write_text(sample.ours(text, port, folder, replicas), "utf-8")
    if os.geteuid() != 0:
        return {}
    for path in (folder, *folder.iterdir()):
        os.chown(path, NOBODY, NOBODY)
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []}


async def _hear(running: asyncio.subprocess.Process, said: bytearray) -> None:
    assert running.stdout is not None
    while more := await running.stdout.read(65536):
        said += more


async def _listens(running: asyncio.subprocess.Process, port: int, said: bytearray) -> None:
    async with asyncio.timeout(PATIENCE):
        while True:
            assert running.returncode is None, said.decode()
            with suppress(ConnectionRefusedError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                return
            await asyncio.sleep(0.01)  # it tells nobody that it listens


def _trusting(certificate: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificate))


def certificate() -> bytes:
    """A key and a certificate of 127.0.0.1, one behind the other."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return made.public_bytes(serialization.Encoding.PEM) + private
