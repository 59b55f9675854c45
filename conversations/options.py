"""What can be ticked on a card, and how a card that was sent is read: a forged answer counts as not answered."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from conversations.model import Chose, Facts

ABOUT = ("work", "patient-died", "lawsuit", "review", "violence", "worn-out", "home", "rather-not-say")
TOPICS = ABOUT[:-1]
ABOUT_BEFORE: Final = "complaint"
"""A complaint or lawsuit: what an older release asked as one, and what may still stand in its records and cards."""

HARD: Final = frozenset({"patient-died", "lawsuit"})
"""After which a peer rests longer."""

LONG_REST: Final = timedelta(days=7)

AT_LAW: Final = frozenset({"lawsuit", "review"})
"""Where what is said to a peer may have to be repeated before a court or a board."""

HOW = ("any", "call", "in-person", "here")
WHO = (
    *("other-department", "my-department-only", "same-role", "trainees-only"),
    *("no-graders", "been-through", "may-evaluate"),
)
GENDERS = ("woman", "man", "non-binary")
WHEN = ("any-time", "before-shift", "break", "after-shift")
NAMES = "leave-out-names"  # the question in which names to leave out are typed
FOLLOW_UP = ("check-in", "nights")
ROLES = ("physician", "nurse", "trainee", "midwife", "pharmacist", "therapist", "technician", "other-role")
TRAINEE: Final = "trainee"
TRAINED = ("today", "half-year", "year")
TRAINED_DAYS: Final = {"today": 0, "half-year": 182, "year": 365}
DEPARTMENTS = (
    "emergency", "intensive-care", "theatre", "wards", "maternity", "children", "mental-health", "clinics",
    "laboratory", "elsewhere",
)  # fmt: skip
LANGUAGES = ("en", "es", "fr", "de", "pt", "ar", "zh", "hi", "tl")


def ways(facts: Facts) -> tuple[str, ...]:
    """How two people can talk here; writing unnamed only where the hospital lets them."""
    return HOW if facts.programme.relay else tuple(way for way in HOW if way != "here")


def topics(given: Iterable[str]) -> frozenset[str]:
    """What these mean today: a complaint or lawsuit, ticked as one in an older release, may be either."""
    ticked = frozenset(given)
    return (ticked - {ABOUT_BEFORE}) | AT_LAW if ABOUT_BEFORE in ticked else ticked


def ticked_topics(given: Iterable[str]) -> tuple[str, ...]:
    """The same, in the order of the card, so that it can be shown as ticked."""
    meant = topics(given)
    return tuple(topic for topic in TOPICS if topic in meant)


def one(event: Chose, name: str, options: tuple[str, ...], otherwise: str = "") -> str:
    """The option they picked; whatever a forged press carries instead counts as not answered."""
    given = event.answers.get(name, otherwise)
    return given if isinstance(given, str) and given in options else otherwise


def several(event: Chose, name: str, options: tuple[str, ...], otherwise: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The options they ticked, which may be none; `otherwise` where the card was not answered."""
    given = event.answers.get(name)
    return tuple(option for option in options if option in given) if isinstance(given, tuple) else otherwise
