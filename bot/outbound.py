"""How we go out to the network: through which proxy, and believing whom."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlsplit
from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]  # typeshed forgot it

from adapters.trust import trusting
from bot.config import Settings


@dataclass(frozen=True, slots=True)
class Way:
    """The proxy's address may hold a password."""

    tls: ssl.SSLContext
    proxy: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Out:
    """What the settings say of going out. Authorities are read once: there are many, and it takes its time."""

    settings: Settings
    tls: ssl.SSLContext

    @classmethod
    def by(cls, settings: Settings) -> Self:
        """Raises OSError where PEERSUPPORT_CA_FILE has gone."""
        return cls(settings, trusting(settings.ca_file))

    def to(self, url: str) -> Way:
        return Way(self.tls, proxy_to(url, self.settings))


def proxy_to(url: str, settings: Settings) -> str | None:
    """HTTPS_PROXY, unless NO_PROXY names the address's host, a domain above it, or all (`*`)."""
    no: Mapping[str, str] = {"no": settings.no_proxy}
    if settings.https_proxy is None or proxy_bypass_environment(urlsplit(url).netloc, no):
        return None
    return settings.https_proxy.get_secret_value()
