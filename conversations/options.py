"""What can be ticked on a card, and how a card that was sent is read: a forged answer counts as not answered."""

from __future__ import annotations

from conversations.model import Chose, Facts

ABOUT = ("work", "patient-died", "complaint", "worn-out", "home", "rather-not-say")
HOW = ("any", "call", "in-person", "here")
WHO = ("other-department", "same-role", "been-through", "may-evaluate")
WHEN = ("any-time", "before-shift", "break", "after-shift")
NAMES = "leave-out-names"  # the question in which names to leave out are typed
FOLLOW_UP = ("check-in", "nights")
ROLES = ("physician", "nurse", "trainee", "midwife", "pharmacist", "therapist", "technician", "other-role")
DEPARTMENTS = (
    "emergency", "intensive-care", "theatre", "wards", "maternity", "children", "mental-health", "clinics",
    "laboratory", "elsewhere",
)  # fmt: skip
LANGUAGES = ("en", "es", "fr", "de", "pt", "ar", "zh", "hi", "tl")


def ways(facts: Facts) -> tuple[str, ...]:
    """How two people can talk here; writing unnamed only where the hospital lets them."""
    return HOW if facts.programme.relay else tuple(way for way in HOW if way != "here")


def one(event: Chose, name: str, options: tuple[str, ...], otherwise: str = "") -> str:
    """The option they picked; whatever a forged press carries instead counts as not answered."""
    given = event.answers.get(name, otherwise)
    return given if isinstance(given, str) and given in options else otherwise


def several(event: Chose, name: str, options: tuple[str, ...], otherwise: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The options they ticked, which may be none; `otherwise` where the card was not answered."""
    given = event.answers.get(name)
    return tuple(option for option in options if option in given) if isinstance(given, tuple) else otherwise
