"""The hosts that may be sent our access token. Pure; asked of every service URL that an activity or a record names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import SplitResult, urlsplit

MICROSOFTS: Final = ("smba.trafficmanager.net", "*.botframework.com", "*.teams.microsoft.com", "*.teams.microsoft.us")

DEFAULT_SERVICE: Final = "https://smba.trafficmanager.net/teams/"
"""Serves every region of the public cloud.

https://learn.microsoft.com/microsoftteams/platform/bots/how-to/conversations/send-proactive-messages
"""

_SHAPE: Final = re.compile(
    r"https?://(?:[a-z0-9-]+(?:\.[a-z0-9-]+)*|\[::1\])(?::[0-9]{1,5})?(?:/[a-z0-9._~/-]*)?", re.IGNORECASE
)
"""Letters, digits and hyphens between dots, and a plain path: nothing that another parser takes for another host."""

_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


class AllowedHosts:
    """Microsoft's hosts, and those a hospital names besides.

    Args:
        named: Further host names, which may begin with `*.`, or origins on the loopback with their port.
    """

    def __init__(self, named: Sequence[str] = ()) -> None:
        origins = [urlsplit(name) for name in named if "://" in name]
        self._names = (*MICROSOFTS, *(name.lower() for name in named if "://" not in name))
        self._origins = frozenset(_origin(parts) for parts in origins if parts.hostname in _LOOPBACK)
        own = [f"{parts.scheme}://{parts.netloc}/" for parts in origins if parts.hostname in _LOOPBACK]
        own += [f"https://{name.lower()}/teams/" for name in named if "://" not in name and "*" not in name]
        self.default_service = own[0] if own else DEFAULT_SERVICE
        """Where a chat is opened with a person of whom no service URL is known."""

    def allows(self, service: str) -> bool:
        """Return whether our token may be sent to this address."""
        if not service.isascii() or _SHAPE.fullmatch(service) is None:
            return False
        try:
            parts = urlsplit(service)
            origin = _origin(parts)
        except ValueError:  # a port that is none
            return False
        if origin in self._origins:
            return True
        host = parts.netloc.lower()  # with a port it is another place
        return parts.scheme == "https" and any(_matches(host, name) for name in self._names)


def _origin(parts: SplitResult) -> tuple[str, str, int | None]:
    return parts.scheme, parts.hostname or "", parts.port


def _matches(host: str, name: str) -> bool:
    return host.endswith(name[1:]) if name.startswith("*.") else host == name
