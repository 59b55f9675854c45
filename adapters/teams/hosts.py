"""Which addresses may hear from us, our token in hand. Pure: asked of every address an activity or a record names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import SplitResult, urlsplit

MICROSOFTS: Final = ("smba.trafficmanager.net", "*.botframework.com", "*.teams.microsoft.com", "*.teams.microsoft.us")
FIRST: Final = "https://smba.trafficmanager.net/teams/"  # serves every region of the public cloud

_SHAPE: Final = re.compile(
    r"https?://(?:[a-z0-9-]+(?:\.[a-z0-9-]+)*|\[::1\])(?::[0-9]{1,5})?(?:/[a-z0-9._~/-]*)?", re.IGNORECASE
)
"""Letters, digits and hyphens between dots, and a plain path: nothing that another reader takes for another host."""

_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


class Hosts:
    """Microsoft's own, and what the hospital names besides: hosts, or loopback origins, matched with their port."""

    def __init__(self, named: Sequence[str] = ()) -> None:
        origins = [urlsplit(name) for name in named if "://" in name]
        self._names = (*MICROSOFTS, *(name.lower() for name in named if "://" not in name))
        self._origins = frozenset(_origin(parts) for parts in origins if parts.hostname in _LOOPBACK)
        own = [f"{parts.scheme}://{parts.netloc}/" for parts in origins if parts.hostname in _LOOPBACK]
        own += [f"https://{name.lower()}/teams/" for name in named if "://" not in name and "*" not in name]
        self.first = own[0] if own else FIRST
        """Where somebody is looked for of whom we know nothing yet."""

    def trusts(self, service: str) -> bool:
        """Whether a token of ours may go there."""
        if not service.isascii() or _SHAPE.fullmatch(service) is None:
            return False
        try:
            parts = urlsplit(service)
            origin = _origin(parts)
        except ValueError:  # a port that is none
            return False
        if origin in self._origins:
            return True
        named = parts.netloc.lower()  # with a port it is another place
        return parts.scheme == "https" and any(_matches(named, name) for name in self._names)


def _origin(parts: SplitResult) -> tuple[str, str, int | None]:
    return parts.scheme, parts.hostname or "", parts.port


def _matches(host: str, name: str) -> bool:
    return host.endswith(name[1:]) if name.startswith("*.") else host == name
