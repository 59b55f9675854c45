"""Outbound HTTP: through which proxy a request goes, and which certificate authorities are trusted."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlsplit
from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]  # typeshed forgot it

from adapters.tls import ssl_context
from bot.config.settings import Settings


@dataclass(frozen=True, slots=True)
class Route:
    """How one request goes out: the authorities it trusts, and the proxy's address, which may hold a password."""

    tls: ssl.SSLContext
    proxy: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Egress:
    """What the settings decide about outbound requests. Authorities are read once, which takes time."""

    settings: Settings
    tls: ssl.SSLContext

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """Read the authorities. Raises OSError where PEERSUPPORT_CA_FILE cannot be read any more."""
        return cls(settings, ssl_context(settings.ca_file))

    def route_to(self, url: str) -> Route:
        """How a request to this address goes out."""
        return Route(self.tls, proxy_to(url, self.settings))


def proxy_to(url: str, settings: Settings) -> str | None:
    """The address of HTTPS_PROXY, or None where NO_PROXY names the host, a domain above it, or all hosts (`*`)."""
    if settings.https_proxy is None or proxy_bypass_environment(urlsplit(url).netloc, {"no": settings.no_proxy}):
        return None
    return settings.https_proxy.get_secret_value()
