"""Where Teams reaches somebody, and where a card of ours stands. Opaque to the rest of the house, and sealed there."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from adapters.base import Address, Ref


@dataclass(frozen=True, slots=True)
class Reach:
    """One person's chat with us: the service that keeps it, its id, and the person's id there.

    `zone` and `locale` are what their client said last, or "".
    """

    service: str = field(repr=False)
    chat: str = field(repr=False)
    tenant: str = field(repr=False)
    member: str = field(repr=False)
    zone: str = field(default="", repr=False)
    locale: str = field(default="", repr=False)

    def address(self) -> Address:
        return json.dumps([self.service, self.chat, self.tenant, self.member, self.zone, self.locale])


@dataclass(frozen=True, slots=True)
class Place:
    """One message of ours."""

    service: str = field(repr=False)
    chat: str = field(repr=False)
    tenant: str = field(repr=False)
    message: str = field(repr=False)

    def ref(self) -> Ref:
        return json.dumps([self.service, self.chat, self.tenant, self.message])


def reach(address: Address | None) -> Reach | None:
    """What an address says; None for none, and for one that another version wrote."""
    parts = _strings(address, 6)
    return Reach(*parts) if parts else None


def place(ref: Ref) -> Place | None:
    """What a ref says."""
    parts = _strings(ref, 4)
    return Place(*parts) if parts else None


def _strings(text: str | None, count: int) -> list[str]:
    try:
        found: Any = json.loads(text or "")
    except ValueError:
        return []
    whole = isinstance(found, list) and len(found) == count and all(isinstance(part, str) for part in found)
    return found if whole else []
