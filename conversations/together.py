"""Bringing two people together: by name with no bot in the room, or unnamed with the bot between them.

A clinician's name moves only by their own tap; a peer's by theirs, or when a clinician chooses to meet by name.
A line is said to the other one and is held nowhere once it is delivered.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from conversations import hours, support
from conversations.flow import Decision, Effect
from conversations.model import EVERY_SLOT, Chose, Elapsed, Facts, Person, Question, Say, Told
from conversations.request import (
    ASKING,
    CHOSEN,
    CLOSED,
    LASTING_STAGES,
    RESTING,
    TOGETHER,
    Request,
    all_of_them,
    by_urgency,
    code_name,
    flow,
)
from conversations.support import lasting, neutral, search

LONGEST_LINE = 2000  # characters

PAGE = timedelta(minutes=5)

LINE = (Question("line", "text"),)


# ---------------------------------------------------------------- coming together


@flow.on(CHOSEN, choice="connect")
def introduce_them(request: Request, event: Chose, facts: Facts) -> Decision[Request]:
    """Each gets the other's name and a direct link; from here they need no bot."""
    return together(replace(request, clinician_named=True, peer_named=True), facts)


@flow.on(CHOSEN, choice="stay-unnamed")
def let_them_write(request: Request, event: Chose, facts: Facts) -> Decision[Request]:
    """Unnamed is the clinician; a peer who let their name be shown is known by it already."""
    if not facts.programme.relay:
        return request, (support.chosen_card(request, facts),)
    shown = any(peer.visible for peer in facts.peers if peer.person == request.peer)
    return together(replace(request, peer_named=shown), facts)


def together(request: Request, facts: Facts) -> Decision[Request]:
    met = _check_ins_from_now(request, facts)
    wait = by_urgency(request, facts.programme.talked_soon, facts.programme.talked_other)
    there = flow.move(
        replace(met, reminded=False),
        TOGETHER,
        talked=_decent(facts.now + wait, request, facts),
        **lasting(met, facts),
    )
    return there, (*cards(there, facts), guide_card(there, facts), *_lawsuit(there), support.crisis_kept_true(there))


def _check_ins_from_now(request: Request, facts: Facts) -> Request:
    """Check-ins count from being together; a second peer does not restart them."""
    if request.met or request.checked_in or not request.wishes.check_in:
        return replace(request, met=True)
    check_ins = tuple(facts.now + after for after in facts.programme.check_ins)
    return replace(request, met=True, check_ins=check_ins, counted_from=facts.now)


def _decent(moment: datetime, request: Request, facts: Facts) -> datetime:
    """Reminders keep out of the peer's quiet hours."""
    return hours.waking(moment, support.zone_of_peer(request, facts), facts.programme.quiet)


def cards(request: Request, facts: Facts) -> tuple[Say, Say]:
    return clinician_card(request, facts), peer_card(request, facts)


def clinician_card(request: Request, facts: Facts) -> Say:
    assert request.peer is not None
    share = () if request.clinician_named else ("share-name",)
    known = request.peer if request.peer_named else None
    return Say(
        request.clinician,
        _kind_of_card("support", request, known),
        "status",
        (*_pen_for(request, facts), *share, "someone-else", "close"),
        details={"peer-alias": code_name(request, request.alias), "way": _way_of_peer(request, facts)},
        people={"peer": known} if known else {},
        meet=_to_meet(request, known),
    )


def peer_card(request: Request, facts: Facts) -> Say:
    assert request.peer is not None
    share = () if request.peer_named else ("share-name",)
    known = request.clinician if request.clinician_named else None
    return Say(
        request.peer,
        _kind_of_card("peer", request, known),
        "offer",
        (*_pen_for(request, facts), *share, "close"),
        details={"alias": code_name(request, request.alias), "when": request.wishes.when, "how": request.wishes.how},
        people={"clinician": known} if known else {},
        meet=_to_meet(request, known),
    )


def _to_meet(request: Request, known: Person | None) -> Person | None:
    """Half named, they go on writing; whom no link leads to is told of when both are."""
    return known if _named(request) or not _apart(request) else None


def _kind_of_card(reader: str, request: Request, known: Person | None) -> str:
    """Both named, the other one named, or neither; and whether a link of their platform leads from one to the other."""
    if _named(request):
        return f"{reader}-apart" if _apart(request) else f"{reader}-together"
    if known:
        return f"{reader}-relay-named"
    return f"{reader}-relay-shared" if request.clinician_named or request.peer_named else f"{reader}-relay"


def _apart(request: Request) -> bool:
    """On two platforms, or in two workspaces, no chat of theirs can be opened: the bot stays between them."""
    return request.peer is not None and request.clinician.is_apart_from(request.peer)


def _pen_for(request: Request, facts: Facts) -> tuple[str, ...]:
    relay = not _named(request) or (_apart(request) and facts.programme.relay)
    return ("write",) if relay else ()


def _way_of_peer(request: Request, facts: Facts) -> str:
    """How they like to be reached, where they said one thing."""
    ways = next((peer.ways for peer in facts.peers if peer.person == request.peer), ())
    return ways[0] if len(ways) == 1 else "any"


def guide_card(request: Request, facts: Facts) -> Say:
    assert request.peer is not None
    worried = ("worried",) if facts.programme.on_call else ()
    return Say(request.peer, "peer-guide", "guide", (*worried, "hand-back"), manner="progress")


def _lawsuit(request: Request) -> tuple[Say, ...]:
    """What is said to a peer may not be protected by law; both are told."""
    if request.wishes.about != "complaint" or request.peer is None:
        return ()
    return tuple(Say(who, "lawsuit", "lawsuit") for who in (request.clinician, request.peer))


def about_them(request: Request, text: str, slot: str, choices: tuple[str, ...]) -> Say:
    """Something for the peer that mentions the clinician, by whatever name this peer knows."""
    assert request.peer is not None
    if request.clinician_named:
        return Say(request.peer, f"{text}-named", slot, choices, people={"clinician": request.clinician})
    return Say(request.peer, text, slot, choices, details={"alias": code_name(request, request.alias)})


def _named(request: Request) -> bool:
    return request.clinician_named and request.peer_named


# ---------------------------------------------------------------- writing through the bot


@flow.on(TOGETHER, choice="write")
def hand_them_a_pen(request: Request, event: Chose, facts: Facts) -> Decision[Request]:
    return request, (Say(event.by, "relay-form", _pen(request), ("send",), LINE, manner="form"),)


def _pen(request: Request) -> str:
    """A form belongs to the two who write now: what was meant for one peer never reaches the next."""
    return f"pen-{request.alias}"


@flow.on(TOGETHER, choice="send")
def pass_it_on(request: Request, event: Chose, facts: Facts) -> Decision[Request]:
    """The line goes to the other one and nowhere else; the writer reads only that it was passed on."""
    line = event.answers.get("line", "")
    if event.slot != _pen(request) or request.peer is None or event.by not in (request.clinician, request.peer):
        return not_passed_on(request, event, facts)
    if not isinstance(line, str) or not line.strip():
        return hand_them_a_pen(request, event, facts)  # a form is sent once: this one is over, so here is another
    other = request.peer if event.by == request.clinician else request.clinician
    numbered = replace(request, lines=request.lines + 1)
    words = _said_by(request, event.by, line.strip()[:LONGEST_LINE])
    said = replace(words, to=other, slot=f"line-{numbered.lines}", choices=("write",))
    return numbered, (said, Say(event.by, "relay-sent", "sent", ("write",)))


def _said_by(request: Request, writer: Person, line: str) -> Say:
    """Under the name the other one knows them by."""
    mine = writer == request.clinician
    if request.clinician_named if mine else request.peer_named:
        return Say(writer, "relay-line-named", "", details={"line": line}, people={"writer": writer})
    text, by = ("relay-line", "alias") if mine else ("relay-line-of-peer", "peer-alias")
    return Say(writer, text, "", details={by: code_name(request, request.alias), "line": line})


@flow.on(ASKING, CHOSEN, RESTING, CLOSED, choice="send")
def not_passed_on(request: Request, event: Chose, facts: Facts) -> Decision[Request]:
    """They parted while this was being written: the writer is told, and nothing of it is kept."""
    return request, (Say(event.by, "relay-not-passed-on", "sent"),)


@flow.on(TOGETHER, choice="share-name")
def share_my_name(request: Request, event: Chose, facts: Facts) -> Decision[Request]:
    mine = event.by == request.clinician
    shared = replace(
        request,
        clinician_named=request.clinician_named or mine,
        peer_named=request.peer_named or not mine,
    )
    own, others = cards(shared, facts) if mine else reversed(cards(shared, facts))
    return shared, (others, replace(own, manner="progress"))


# ---------------------------------------------------------------- parting


@flow.on(TOGETHER, choice="someone-else")
def somebody_else(request: Request, event: Chose, facts: Facts) -> Decision[Request]:
    return look_again(request, facts, "neutral")


@flow.on(TOGETHER, choice="hand-back")
@flow.told(TOGETHER, what="peer-gone")
def the_peer_stepped_back(request: Request, event: Chose | Told, facts: Facts) -> Decision[Request]:
    return look_again(request, facts, "peer-handed-back", "support-looking-again")


def look_again(request: Request, facts: Facts, peer_reads: str, text: str = "") -> Decision[Request]:
    """The chat with this peer is cleared on both sides, and others are asked."""
    assert request.peer is not None
    passed = replace(request, passed=(*request.passed, request.peer))
    asking, effects = search(passed, facts, text=text, manner="news" if text else "progress")
    return asking, (*clear(request.clinician), *clear(request.peer), neutral(request.peer, peer_reads), *effects)


def clear(who: Person) -> tuple[Effect, ...]:
    """Take away every card of this conversation that this decision does not speak to."""
    return (Say(who, "", EVERY_SLOT, manner="erase"),)


# ---------------------------------------------------------------- have you two talked


@flow.after(TOGETHER, timer="talked")
def ask_whether_they_talked(request: Request, event: Elapsed, facts: Facts) -> Decision[Request]:
    """A peer who stays silent is asked once; at double the time someone else is."""
    assert request.peer is not None
    if request.reminded:
        return look_again(request, facts, "peer-silent", "support-looking-again")
    wait = by_urgency(request, facts.programme.talked_soon, facts.programme.talked_other)
    asked = flow.wait(replace(request, reminded=True), talked=_decent(facts.now + wait, request, facts))
    question = about_them(request, "peer-talked", "talked", ("talked", "not-yet", "hand-back"))
    return asked, (replace(question, considerate=True),)


@flow.on(TOGETHER, choice="talked")
def they_talked(request: Request, event: Chose, facts: Facts) -> Decision[Request]:
    return flow.wait(request, talked=None), (Say(event.by, "peer-thanks", "talked", manner="progress"),)


@flow.on(TOGETHER, choice="not-yet")
def they_will(request: Request, event: Chose, facts: Facts) -> Decision[Request]:
    wait = by_urgency(request, facts.programme.talked_soon, facts.programme.talked_other)
    waiting = flow.wait(replace(request, reminded=False), talked=_decent(facts.now + wait, request, facts))
    return waiting, (Say(event.by, "peer-not-yet", "talked", manner="progress"),)


# ---------------------------------------------------------------- worried


@flow.on(TOGETHER, choice="worried")
def page_the_on_call(request: Request, event: Chose, facts: Facts) -> Decision[Request]:
    """Numbers at once; the on-call person gets the peer's contact, never the clinician's."""
    on_call = facts.programme.on_call
    if on_call is None or request.peer is None:
        return request, ()
    numbers = Say(request.peer, "peer-worried", "worried")
    kept_out = all_of_them({request.peer, request.clinician, *request.wishes.leave_out}, facts)
    if on_call.person is None or on_call.person in kept_out:
        return request, (numbers,)
    page = Say(on_call.person, "on-call-page", "page", ("on-it",), people={"peer": request.peer}, meet=request.peer)
    return flow.wait(replace(request, worried=request.peer), page=facts.now + PAGE), (numbers, page)


@flow.after(*LASTING_STAGES, timer="page")
def nobody_answered_the_page(request: Request, event: Elapsed, facts: Facts) -> Decision[Request]:
    """Said wherever the request stands by then: a peer may have handed back and still be worried."""
    if facts.programme.on_call is None or request.worried is None:
        return request, ()
    return request, (Say(request.worried, "peer-phone-now", "worried"),)


@flow.on(*LASTING_STAGES, choice="on-it")
def the_on_call_is_on_it(request: Request, event: Chose, facts: Facts) -> Decision[Request]:
    if request.worried is None:
        return request, ()
    told = Say(request.worried, "peer-on-call-coming", "worried")
    return flow.wait(request, page=None), (Say(event.by, "on-call-thanks", "page", manner="withdraw"), told)
