"""The one card of details: what can be ticked, everything optional, and what was."""

from __future__ import annotations

from conversations import matching
from conversations.model import Chose, Facts, Person, Question, Say
from conversations.request import Request, Wishes

ABOUT = ("work", "patient-died", "complaint", "worn-out", "home", "rather-not-say")
HOW = ("any", "call", "in-person", "here")
WHO = ("other-department", "same-role", "been-through", "may-evaluate")
WHEN = ("any-time", "before-shift", "break", "after-shift")
ROLES = ("physician", "nurse", "trainee", "midwife", "pharmacist", "therapist", "technician", "other-role")
DEPARTMENTS = (
    "emergency", "intensive-care", "theatre", "wards", "maternity", "children", "mental-health", "clinics",
    "laboratory", "elsewhere",
)  # fmt: skip
LANGUAGES = ("en", "es", "fr", "de", "pt", "ar", "zh", "hi", "tl")


def ways(facts: Facts) -> tuple[str, ...]:
    """How two people can talk here; writing unnamed only where the hospital lets them."""
    return HOW if facts.programme.relay else tuple(way for way in HOW if way != "here")


def questions(facts: Facts) -> tuple[Question, ...]:
    return (
        Question("about", "choice", ABOUT),
        Question("how", "choice", ways(facts), ("any",)),
        Question("who", "several", WHO, ("other-department",)),
        Question("role", "choice", ROLES),
        Question("department", "choice", DEPARTMENTS),
        Question("language", "choice", LANGUAGES),
        Question("leave-out", "people"),
        Question("when", "choice", WHEN, ("any-time",)),
        Question("follow-up", "several", ("check-in", "nights"), ("check-in",)),
    )


def details_card(request: Request, facts: Facts) -> Say:
    soonest = matching.next_free(request, facts)
    text = "support-details"
    if soonest is None:
        text = "support-details-nobody"
    elif soonest > facts.now:
        text = "support-details-later"
    choices, times = ("ask", "change-my-mind"), {"next": soonest} if soonest else {}
    return Say(request.clinician, text, "status", choices, questions(facts), times=times)


def wishes(event: Chose, facts: Facts) -> Wishes:
    """What was ticked; whatever a forged press carries besides counts for nothing."""
    follow_up = several(event, "follow-up", ("check-in", "nights"), ("check-in",))
    people = event.answers.get("leave-out", ())
    return Wishes(
        about=one(event, "about", ABOUT),
        how=one(event, "how", ways(facts), "any"),
        who=several(event, "who", WHO, ("other-department",)),
        role=one(event, "role", ROLES),
        department=one(event, "department", DEPARTMENTS),
        language=one(event, "language", LANGUAGES),
        leave_out=tuple(who for who in people if isinstance(who, Person)),
        when=one(event, "when", WHEN, "any-time"),
        nights="nights" in follow_up,
        check_in="check-in" in follow_up,
    )


def one(event: Chose, name: str, options: tuple[str, ...], otherwise: str = "") -> str:
    """The option they picked; whatever a forged press carries instead counts as not answered."""
    given = event.answers.get(name, otherwise)
    return given if isinstance(given, str) and given in options else otherwise


def several(event: Chose, name: str, options: tuple[str, ...], otherwise: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The options they ticked, which may be none; `otherwise` where the card was not answered."""
    given = event.answers.get(name)
    return tuple(option for option in options if option in given) if isinstance(given, tuple) else otherwise
