"""The way to the platforms: name, line, proxy, certificate, and what time it is there. Nothing of ours is sent.

A question that needs no token is asked of each host the platform is reached at. Whoever signs its certificate is asked
for in a connection of its own, which believes everybody and says nothing worth hearing.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Final, Literal, Self
from urllib.parse import urlsplit

import aiohttp
from cryptography import x509
from cryptography.x509.oid import NameOID

from bot.checks.finding import Finding
from bot.checks.storage import about
from bot.config import Settings
from bot.outbound import Out, Way

Trouble = Literal[
    "", "name", "line", "silence", "tls", "authority", "expired", "host", "proxy", "proxy-password", "proxy-refuses"
]

TITLES: Final = {"slack": "Slack", "teams": "Microsoft"}
HOSTS: Final = {
    "slack": "slack.com and hooks.slack.com",
    "teams": "login.microsoftonline.com, login.botframework.com and smba.trafficmanager.net",
}
PUBLIC: Final = ("DigiCert", "Microsoft", "Amazon", "Google Trust", "Let's Encrypt", "GlobalSign", "Sectigo", "Entrust")
"""Who signs for platforms; anybody else is probably a hospital that reads along."""
APART: Final = timedelta(seconds=30)
REFUSED: Final = timedelta(minutes=4)  # at five the platforms' requests are refused as too old

_PATIENCE: Final = aiohttp.ClientTimeout(total=8, connect=5)
_EXPIRED: Final = 10  # OpenSSL's X509_V_ERR_CERT_HAS_EXPIRED
_ANOTHER_HOST: Final = (62, 64)  # X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH
_LONGEST_NAME: Final = 60


@dataclass(frozen=True, slots=True)
class Sight:
    """What was seen of one host. `ahead`: how far our clock is ahead of theirs, where they told the time."""

    trouble: Trouble = ""
    ahead: timedelta | None = None


def addresses(platform: str, settings: Settings) -> tuple[str, ...]:
    """Where a platform is reached, as questions that need no token."""
    if platform == "slack":
        ours = settings.slack_api_url + "api.test"
        return (ours, "https://hooks.slack.com/") if urlsplit(ours).hostname == "slack.com" else (ours,)
    token = settings.teams_token_url.replace("{tenant}", "common")
    service = (settings.teams_service_hosts or ("smba.trafficmanager.net",))[0]
    whole = service if "://" in service else f"https://{service}/"
    return tuple({_origin(each): each for each in (settings.teams_openid_url, token, whole)}.values())


def _origin(address: str) -> str:
    return "{0.scheme}://{0.netloc}".format(urlsplit(address))


async def look_at(platform: str, out: Out, now: Callable[[], datetime]) -> tuple[Sight, ...]:
    """One sight of each host of a platform, taken at once."""
    looks = [look(address, out.to(address), now) for address in addresses(platform, out.settings)]
    return tuple(await asyncio.gather(*looks))


async def look(address: str, way: Way, now: Callable[[], datetime]) -> Sight:
    """Ask there for nothing in particular; any answer is one."""
    how: Any = {"proxy": way.proxy, "ssl": way.tls, "allow_redirects": False}
    try:
        async with aiohttp.ClientSession(timeout=_PATIENCE, trust_env=False) as session:
            before = now()
            async with session.get(address, **how) as answer:
                if way.proxy and answer.status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
                    return Sight("proxy-password")  # as a proxy says it where nothing is encrypted
                return Sight(ahead=_ahead(answer.headers.get("Date", ""), before + (now() - before) / 2))
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        return Sight(_trouble(error))


def _ahead(said: str, ours: datetime) -> timedelta | None:
    try:
        theirs = parsedate_to_datetime(said)
    except ValueError:
        return None
    return ours - (theirs if theirs.tzinfo else theirs.replace(tzinfo=UTC))


def _trouble(error: Exception) -> Trouble:  # noqa: PLR0911  a table, whose order matters
    match error:
        case aiohttp.ClientHttpProxyError(status=HTTPStatus.PROXY_AUTHENTICATION_REQUIRED):
            return "proxy-password"
        case aiohttp.ClientHttpProxyError():
            return "proxy-refuses"
        case aiohttp.ClientProxyConnectionError():
            return "proxy"
        case aiohttp.ClientConnectorCertificateError():
            return _certificate(error.certificate_error)
        case aiohttp.ClientConnectorSSLError():
            return "tls"
        case aiohttp.ClientConnectorDNSError():
            return "name"
        case aiohttp.ConnectionTimeoutError() | TimeoutError():
            return "silence"
        case _:
            return "line"


def _certificate(error: Exception) -> Trouble:
    code = getattr(error, "verify_code", 0)
    return "expired" if code == _EXPIRED else "host" if code in _ANOTHER_HOST else "authority"


# ---------------------------------------------------------------- who signs


class _Witness(ssl.SSLContext):
    """Believes everybody, and remembers with whom it spoke."""

    def __new__(cls) -> Self:
        return super().__new__(cls, ssl.PROTOCOL_TLS_CLIENT)

    def __init__(self) -> None:
        self.check_hostname, self.verify_mode = False, ssl.CERT_NONE
        self.met: list[ssl.SSLObject] = []

    def wrap_bio(self, *args: Any, **more: Any) -> ssl.SSLObject:
        met = super().wrap_bio(*args, **more)
        self.met.append(met)
        return met


async def issuer(address: str, way: Way) -> str:
    """Who signed the certificate that we are shown there; "" where there is none."""
    witness = _Witness()
    await look(address, Way(witness, way.proxy), lambda: datetime.now(UTC))
    for met in witness.met:
        try:
            shown = met.getpeercert(binary_form=True)
        except ValueError:  # it never came to that
            continue
        if shown:
            return _organisation(x509.load_der_x509_certificate(shown).issuer)
    return ""


def _organisation(name: x509.Name) -> str:
    for oid in (NameOID.ORGANIZATION_NAME, NameOID.COMMON_NAME):
        for found in name.get_attributes_for_oid(oid):
            printable = "".join(c for c in str(found.value) if c.isprintable())
            if printable.strip():
                return printable.strip()[:_LONGEST_NAME]
    return "somebody unnamed"


async def issuers(platform: str, out: Out) -> frozenset[str]:
    """Everybody who signs for a platform, as it is seen from here."""
    asked = [issuer(a, out.to(a)) for a in addresses(platform, out.settings) if a.startswith("https:")]
    return frozenset(await asyncio.gather(*asked)) - {""}


# ---------------------------------------------------------------- what it means


def way(platform: str, sights: Sequence[Sight]) -> Finding:
    """Whether every host of a platform can be reached from here."""
    title = TITLES[platform]
    troubles = [sight.trouble for sight in sights if sight.trouble]
    if not troubles:
        return Finding(f"{platform}-network", "ok", f"{title} can be reached from here.")
    says, fix = _TROUBLES[troubles[0]]
    return Finding(f"{platform}-network", "fail", says.format(title=title), fix.format(hosts=HOSTS[platform]))


_TROUBLES: Final[dict[Trouble, tuple[str, str]]] = {
    "name": ("A host of {title} has no address here.", "Let this machine resolve {hosts}, or set HTTPS_PROXY."),
    "line": ("No line comes about to {title}.", "Let this machine call {hosts} on port 443, or set HTTPS_PROXY."),
    "silence": ("{title} stays silent.", "Let this machine call {hosts} on port 443, or set HTTPS_PROXY."),
    "tls": ("What answers in the place of {title} speaks no TLS.", "Look at HTTPS_PROXY and the firewall for {hosts}."),
    "authority": (
        "The certificate shown for {title} is of an authority unknown here: a proxy may read along (TLS inspection).",
        "Have {hosts} excepted from it; or name a file with the authority's certificate in PEERSUPPORT_CA_FILE.",
    ),
    "expired": (
        "The certificate shown for {title} has expired.",
        "Look at the clock of this machine; if it is right, at the proxy between here and {hosts}.",
    ),
    "host": (
        "The certificate shown for {title} is for another host.",
        "Look at the proxy or the firewall between here and {hosts}.",
    ),
    "proxy": ("The proxy does not answer.", "Correct HTTPS_PROXY, or have the proxy let this machine in."),
    "proxy-password": (
        "The proxy wants a name and a password, and not those it was given.",
        "Set HTTPS_PROXY to http://NAME:PASSWORD@proxy.example:8080, in a file that HTTPS_PROXY_FILE names.",
    ),
    "proxy-refuses": ("The proxy does not let us through to {title}.", "Have it allow CONNECT to {hosts}, port 443."),
}  # fmt: skip


def certificate(platform: str, signed_by: Iterable[str]) -> Finding:
    """Who can read along."""
    title, names = TITLES[platform], sorted(signed_by)
    if not names:
        return Finding(f"{platform}-certificate", "ok", f"No certificate of {title} was seen.")
    others = [name for name in names if not any(known in name for known in PUBLIC)]
    if not others:
        return Finding(f"{platform}-certificate", "ok", f"{title}'s certificate is signed by {' and '.join(names)}.")
    return Finding(
        f"{platform}-certificate",
        "warn",
        f"{title}'s certificate is signed by {' and '.join(others)}, which looks like a proxy that reads along "
        "(TLS inspection): what clinicians write passes through it.",
        f"Have {HOSTS[platform]} excepted from the inspection; if it has to stay, say so in the privacy notice.",
    )


def clock(sights: Iterable[Sight]) -> Iterator[Finding]:
    """Whether we have the same time as the platforms; nothing where none of them told it."""
    told = [sight.ahead for sight in sights if sight.ahead is not None]
    if not told:
        return
    worst = max(told, key=abs)
    if abs(worst) < APART:
        yield Finding("clock", "ok", "The clock of this machine is right.")
        return
    which = "ahead" if worst > timedelta(0) else "slow"
    much = f"The clock of this machine is {about(worst)} {which}"
    fix = "Let it be set by the network (chrony, or systemd-timesyncd)."
    if abs(worst) < REFUSED:
        yield Finding("clock", "warn", f"{much}.", fix)
    else:
        yield Finding("clock", "fail", f"{much}, so that what the platforms send is refused as too old.", fix)
