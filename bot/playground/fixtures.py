"""Who is at the playground when it opens: invented people, and which platform each of them uses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from bot.rendering import PLATFORMS as LABELS


@dataclass(frozen=True, slots=True)
class CastRole:
    """What a person is at the playground; the `traits` of a peer are those of a dialogue."""

    part: str
    skin: str
    traits: str = ""


CAST: Final[Mapping[str, CastRole]] = {
    "Ana": CastRole("clinician", "slack"),
    "Bo": CastRole("peer", "slack", "nurse, wards"),
    "Cy": CastRole("peer", "teams", "physician, emergency, visible"),
    "Eli": CastRole("peer", "teams", "midwife, maternity"),
    "Dana": CastRole("coordinator", "slack"),
}
SKINS: Final = {who: role.skin for who, role in CAST.items()}


def setting(skins: Mapping[str, str]) -> list[str]:
    """Who is there, as a dialogue says it: those with a part in the programme are known before it begins."""
    others = [who for who, role in CAST.items() if role.part != "peer"]
    coordinators = [who for who, role in CAST.items() if role.part == "coordinator"]
    return [
        *(f"Given {who} on {LABELS[skins[who]]}" for who in others),
        f"Given coordinators {', '.join(coordinators)}",
        f"Given {coordinators[0]} on call",
        *(f"Given peer {who} ({CAST[who].traits}) on {LABELS[skins[who]]}" for who in CAST if who not in others),
    ]
