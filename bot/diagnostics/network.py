"""Checks the network to the platforms: DNS, connection, proxy, TLS, and whether the clocks agree. Sends no credentials.

Each host of a platform is sent a request that needs no token. Who signed its certificate is read from a connection of
its own, which trusts any certificate and sends nothing else.
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

from bot.config.proxy import Egress, Route
from bot.config.settings import Settings
from bot.diagnostics.storage import CLOCK_TOLERANCE, describe_duration
from bot.health import Finding

Fault = Literal[
    "",
    "dns",
    "connection",
    "timeout",
    "tls",
    "authority",
    "expired",
    "host",
    "proxy",
    "proxy-password",
    "proxy-refuses",
]

TITLES: Final = {"slack": "Slack", "teams": "Microsoft"}
PUBLIC: Final = ("DigiCert", "Microsoft", "Amazon", "Google Trust", "Let's Encrypt", "GlobalSign", "Sectigo", "Entrust")
"""Who signs the platforms' certificates; any other signer is probably a hospital's proxy that inspects TLS."""
MAX_CLOCK_SKEW: Final = timedelta(minutes=4)
"""At five minutes Slack's requests are refused as replayed.

See https://docs.slack.dev/authentication/verifying-requests-from-slack.
"""

_TIMEOUT: Final = aiohttp.ClientTimeout(total=8, connect=5)
_EXPIRED: Final = 10  # OpenSSL's X509_V_ERR_CERT_HAS_EXPIRED
_WRONG_HOST: Final = (62, 64)  # X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH
_LONGEST_NAME: Final = 60


@dataclass(frozen=True, slots=True)
class HostProbe:
    """What one host answered: the fault, or "", and how far our clock is ahead of its, where it told the time."""

    fault: Fault = ""
    ahead: timedelta | None = None
    host: str = ""


def addresses(platform: str, settings: Settings) -> tuple[str, ...]:
    """Return an address at each host of a platform, for requests that need no token."""
    if platform == "slack":
        ours = settings.slack_api_url + "api.test"
        return (ours, "https://hooks.slack.com/") if urlsplit(ours).hostname == "slack.com" else (ours,)
    token = settings.teams_token_url.replace("{tenant}", "common")
    service = (settings.teams_service_hosts or ("smba.trafficmanager.net",))[0]
    whole = service if "://" in service else f"https://{service}/"
    return tuple({_origin(each): each for each in (settings.teams_openid_url, token, whole)}.values())


def hosts(platform: str, settings: Settings) -> str:
    """Name the hosts of a platform in words; those of a cloud of its own are others."""
    return _listed(_host(address) for address in addresses(platform, settings))


def _listed(names: Iterable[str]) -> str:
    *first, last = dict.fromkeys(names)
    return f"{', '.join(first)} and {last}" if first else last


def _host(address: str) -> str:
    return urlsplit(address).hostname or ""


def _origin(address: str) -> str:
    return "{0.scheme}://{0.netloc}".format(urlsplit(address))


async def probe_platform(platform: str, egress: Egress, now: Callable[[], datetime]) -> tuple[HostProbe, ...]:
    """Probe every host of a platform at once."""
    probes = [probe_host(address, egress.route_to(address), now) for address in addresses(platform, egress.settings)]
    return tuple(await asyncio.gather(*probes))


async def probe_host(address: str, route: Route, now: Callable[[], datetime]) -> HostProbe:
    """Send one request to this address; any response means that the host can be reached."""
    how: Any = {"proxy": route.proxy, "ssl": route.tls, "allow_redirects": False}
    host = _host(address)
    try:
        async with aiohttp.ClientSession(timeout=_TIMEOUT, trust_env=False) as session:
            before = now()
            async with session.get(address, **how) as response:
                if route.proxy and response.status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
                    return HostProbe("proxy-password", host=host)  # how a proxy refuses where nothing is encrypted
                ahead = _ahead(response.headers.get("Date", ""), before + (now() - before) / 2)
                return HostProbe(ahead=ahead, host=host)
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        return HostProbe(_fault(error), host=host)


def _ahead(date_header: str, ours: datetime) -> timedelta | None:
    try:
        theirs = parsedate_to_datetime(date_header)
    except ValueError:
        return None
    return ours - (theirs if theirs.tzinfo else theirs.replace(tzinfo=UTC))


def _fault(error: Exception) -> Fault:  # noqa: PLR0911  a table, whose order matters
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
            return "dns"
        case aiohttp.ConnectionTimeoutError() | TimeoutError():
            return "timeout"
        case _:
            return "connection"


def _certificate(error: Exception) -> Fault:
    code = getattr(error, "verify_code", 0)
    return "expired" if code == _EXPIRED else "host" if code in _WRONG_HOST else "authority"


# ---------------------------------------------------------------- who signs


class _TrustAll(ssl.SSLContext):
    """Trusts any certificate, and keeps the connections it made so that their certificates can be read."""

    def __new__(cls) -> Self:
        return super().__new__(cls, ssl.PROTOCOL_TLS_CLIENT)

    def __init__(self) -> None:
        self.check_hostname, self.verify_mode = False, ssl.CERT_NONE
        self.connections: list[ssl.SSLObject] = []

    def wrap_bio(self, *args: Any, **more: Any) -> ssl.SSLObject:
        """Make a connection as usual, and keep it."""
        made = super().wrap_bio(*args, **more)
        self.connections.append(made)
        return made


async def issuer(address: str, route: Route) -> str:
    """Return who signed the certificate that is shown at this address; "" where there is none."""
    trust_all = _TrustAll()
    await probe_host(address, Route(trust_all, route.proxy), lambda: datetime.now(UTC))
    for connection in trust_all.connections:
        try:
            shown = connection.getpeercert(binary_form=True)
        except ValueError:  # the handshake did not get so far
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
    return "an unnamed authority"


async def issuers(platform: str, egress: Egress) -> frozenset[str]:
    """Return who signed the certificates of a platform's hosts, as they are shown here."""
    asked = [issuer(a, egress.route_to(a)) for a in addresses(platform, egress.settings) if a.startswith("https:")]
    return frozenset(await asyncio.gather(*asked)) - {""}


# ---------------------------------------------------------------- what it means


def reachability(platform: str, probes: Sequence[HostProbe]) -> Finding:
    """Report whether every host of a platform can be reached from here."""
    title = TITLES[platform]
    faults = [probe.fault for probe in probes if probe.fault]
    if not faults:
        return Finding(f"{platform}-network", "ok", f"{title} can be reached from here.")
    says, fix = _FAULTS[faults[0]]
    return Finding(
        f"{platform}-network", "fail", says.format(title=title), fix.format(hosts=_listed(each.host for each in probes))
    )


_FAULTS: Final[dict[Fault, tuple[str, str]]] = {
    "dns": ("A host of {title} has no address here.", "Let this machine resolve {hosts}, or set HTTPS_PROXY."),
    "connection": ("{title} cannot be connected to.", "Let this machine call {hosts} on port 443, or set HTTPS_PROXY."),
    "timeout": ("{title} does not answer.", "Let this machine call {hosts} on port 443, or set HTTPS_PROXY."),
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
        "The proxy asks for a name and a password, and does not accept those it was given.",
        "Set HTTPS_PROXY to http://NAME:PASSWORD@proxy.example:8080, in a file that HTTPS_PROXY_FILE names.",
    ),
    "proxy-refuses": ("The proxy does not let us through to {title}.", "Have it allow CONNECT to {hosts}, port 443."),
}  # fmt: skip


def certificate(platform: str, signed_by: Iterable[str], hosts: str) -> Finding:
    """Report who signed the certificates of a platform's hosts: a signer that is no public authority can read along."""
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
        f"Have {hosts} excepted from the inspection; if it has to stay, say so in the privacy notice.",
    )


def clock(probes: Iterable[HostProbe]) -> Iterator[Finding]:
    """Report whether our clock agrees with the platforms'; yields nothing where none of them told the time."""
    skews = [probe.ahead for probe in probes if probe.ahead is not None]
    if not skews:
        return
    worst = max(skews, key=abs)
    if abs(worst) < CLOCK_TOLERANCE:
        yield Finding("clock", "ok", "The clock of this machine is right.")
        return
    which = "ahead" if worst > timedelta(0) else "slow"
    much = f"The clock of this machine is {describe_duration(worst)} {which}"
    fix = "Let it be set by the network (chrony, or systemd-timesyncd)."
    if abs(worst) < MAX_CLOCK_SKEW:
        yield Finding("clock", "warn", f"{much}.", fix)
    else:
        yield Finding("clock", "fail", f"{much}, so that what the platforms send is refused as too old.", fix)
