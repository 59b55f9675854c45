"""The card of details, first short, then with its questions, all optional; and what was ticked there."""

from __future__ import annotations

from datetime import datetime

from conversations import hours, matching, slots
from conversations.model import Chose, Facts, Message, Person, Question, change
from conversations.options import (
    ABOUT,
    ABOUT_BEFORE,
    DEPARTMENTS,
    FOLLOW_UP,
    GENDERS,
    LANGUAGES,
    NAMES,
    ROLES,
    WHEN,
    WHO,
    one,
    several,
    ways,
)
from conversations.peers import names
from conversations.support.request import Request, Wishes, on_nights
from conversations.vocabulary import CardKind, Choice, Timer

_SHORT = CardKind.SUPPORT_ASK, CardKind.SUPPORT_ASK_LATER, CardKind.SUPPORT_ASK_NOBODY
_STILL = frozenset(("how", "when", "follow-up"))
"""Questions whose answers count while a peer is there."""

_QUESTIONS = CardKind.SUPPORT_DETAILS, CardKind.SUPPORT_DETAILS_LATER, CardKind.SUPPORT_DETAILS_NOBODY


def questions(request: Request, facts: Facts) -> tuple[Question, ...]:
    """What the card of details asks once the clinician wants to choose more; every question is optional.

    Args:
        request: Its wishes stand on the card already. Whom she left out stands on no card: a platform would keep it.
        facts: The world as it is.
    """
    ticked, nights = request.wishes, on_nights(request, facts.now)
    follow_up = tuple(name for name, yes in (("check-in", ticked.check_in), ("nights", nights)) if yes)
    return (
        Question("about", "choice", _topics(ticked.about), _given(ticked.about)),
        Question("how", "choice", ways(facts), _given(ticked.how)),
        Question("who", "several", WHO, ticked.who),
        Question("role", "choice", ROLES, _given(ticked.role)),
        Question("department", "choice", DEPARTMENTS, _given(ticked.department)),
        Question("language", "choice", LANGUAGES, _given(ticked.language)),
        Question("gender", "choice", GENDERS, _given(ticked.gender)),
        Question("leave-out", "people"),
        Question(NAMES, "text"),
        Question("when", "choice", WHEN, _given(ticked.when)),
        Question("follow-up", "several", FOLLOW_UP, follow_up),
    )


def _topics(ticked: str) -> tuple[str, ...]:
    return (*ABOUT, ABOUT_BEFORE) if ticked == ABOUT_BEFORE else ABOUT


def _given(option: str) -> tuple[str, ...]:
    return (option,) if option else ()


def details_card(request: Request, facts: Facts) -> Message:
    """What stands before anyone is asked; it says so where no peer can be asked yet.

    At first it is short, so that asking is on the first screen of a phone. The card with every wish a clinician may
    tick comes once she wants to choose more.
    """
    soonest = matching.next_free(request, facts)
    now, later, nobody = _QUESTIONS if request.choosing else _SHORT
    card = nobody if soonest is None else later if soonest > facts.now else now
    times = {"next": soonest} if soonest else {}
    if request.choosing:
        choices = Choice.ASK, Choice.CHANGE_MY_MIND
        asked = questions(request, facts)
        return Message(request.clinician, card, slots.STATUS, choices, asked, times=times)
    short = Choice.ASK_NOW, Choice.CHOOSE_MORE, Choice.CHANGE_MY_MIND
    return Message(request.clinician, card, slots.STATUS, short, times=times)


def change_card(request: Request, facts: Facts) -> Message:
    """What the clinician chose, to be changed while peers are asked; the status stays where it is."""
    choices, asked = (Choice.SAVE, Choice.NOT_NOW), questions(request, facts)
    return Message(request.clinician, CardKind.SUPPORT_CHANGE, slots.DETAILS, choices, asked)


def change_some_card(request: Request, facts: Facts) -> Message:
    """What can still be changed while a peer is there: how and when to talk, and whether we check in.

    Not whom to ask: to leave out who is there already would show that it is they, and what the peer read stays read.
    """
    choices = Choice.SAVE, Choice.NOT_NOW
    asked = tuple(question for question in questions(request, facts) if question.name in _STILL)
    return Message(request.clinician, CardKind.SUPPORT_CHANGE_SOME, slots.DETAILS, choices, asked)


def left_out_card(request: Request, event: Chose) -> Message | None:
    """What comes of the names that were typed now, if any were: the same words whether or not anyone is called so.

    Args:
        request: The request with what was ticked now; it holds as many names as it may.
        event: The press that brought them.
    """
    given = _names(event)
    if not given:
        return None
    too_many = not set(given) <= set(request.wishes.names)
    details: dict[str, str | int] = {"too-many": "yes" if too_many else "no", "most": names.MOST}
    return Message(request.clinician, CardKind.SUPPORT_LEFT_OUT, slots.DETAILS, details=details)


def _names(event: Chose) -> tuple[str, ...]:
    text = event.answers.get(NAMES, "")
    return names.typed(text) if isinstance(text, str) else ()


def data_card(request: Request, facts: Facts) -> Message:
    """What the request holds of its clinician's own, for nobody else.

    The other kinds are named and not shown: a list of those who were asked would publish every "no". Names that she
    typed are her own words, so they are shown like any and kept with the card no longer than it takes to deliver it.
    """
    ticked, due = request.wishes, request.deadlines
    times = {
        "began": request.counted_from,
        "check-in": due.get(Timer.CHECK_IN),
        "closing": due.get(Timer.CLOSE),
        "erased": due.get(Timer.FORGET),
    }
    flags = {
        "asked": request.counted_from,
        "checks-in": due.get(Timer.CHECK_IN),
        "closes": due.get(Timer.CLOSE),
        "erases": due.get(Timer.FORGET),
        "nights": on_nights(request, facts.now),
        "picked": ticked.leave_out,
        "named": ticked.names,
    }
    details: dict[str, str | int] = {
        "ticked-urgency": request.urgency,
        "stage": request.stage,
        "ticked-about": ticked.about,
        "ticked-how": ticked.how,
        "ticked-when": ticked.when,
        "ticked-who": ",".join(ticked.who),
        "ticked-language": ticked.language,
        "ticked-gender": ticked.gender,
        "role": ticked.role,
        "department": ticked.department,
        **{name: "yes" if held else "no" for name, held in flags.items()},
    }
    return Message(
        request.clinician,
        CardKind.DATA_REQUEST,
        slots.DATA,
        details=details,
        times={name: at for name, at in times.items() if at is not None},
        people={f"left-out-{number}": who for number, who in enumerate(ticked.leave_out)},
        quote="\n".join(ticked.names),
    )


def _end_of_nights(request: Request, facts: Facts) -> datetime | None:
    """What was ticked before ends as it was to end; what is ticked now, with this week."""
    return request.wishes.nights_until if on_nights(request, facts.now) else hours.end_of_week(facts.now, request.zone)


def wishes(event: Chose, request: Request, facts: Facts) -> Wishes:
    """What was ticked; whatever a forged press carries besides counts for nothing.

    Args:
        event: The press.
        request: The request with what was chosen earlier: who was left out stays left out.
        facts: The world as it is.
    """
    before = request.wishes
    people = event.answers.get("leave-out", ())
    others = Wishes(
        about=one(event, "about", (*ABOUT, ABOUT_BEFORE)),
        who=several(event, "who", WHO, ("other-department",)),
        role=one(event, "role", ROLES),
        department=one(event, "department", DEPARTMENTS),
        language=one(event, "language", LANGUAGES),
        gender=one(event, "gender", GENDERS),
        leave_out=tuple(dict.fromkeys((*before.leave_out, *(who for who in people if isinstance(who, Person))))),
        names=tuple(dict.fromkeys((*before.names, *_names(event))))[: names.MOST],
    )
    return _with_the_rest(others, event, request, facts)


def some_wishes(event: Chose, request: Request, facts: Facts) -> Wishes:
    """What was ticked of what can be changed while a peer is there; what was chosen besides stays."""
    return _with_the_rest(request.wishes, event, request, facts)


def _with_the_rest(others: Wishes, event: Chose, request: Request, facts: Facts) -> Wishes:
    follow_up = several(event, "follow-up", FOLLOW_UP, ("check-in",))
    return change(
        others,
        how=one(event, "how", ways(facts), "any"),
        when=one(event, "when", WHEN, "any-time"),
        nights="nights" in follow_up,
        nights_until=_end_of_nights(request, facts) if "nights" in follow_up else None,
        check_in="check-in" in follow_up,
    )
