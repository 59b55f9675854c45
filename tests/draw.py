"""Try everything: every flow is run from its beginning with everybody doing anything, and what happened is drawn.

`python -m tests.draw` writes docs/flows.md and, from its table, docs/privacy.md with the excerpt in the README; a test
fails when a page is not what the running code would draw.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from bot import privacy_page
from bot.texts import Words
from conversations import anywhere
from conversations.anywhere import Doorstep
from conversations.flow import FORGOTTEN, Effect, Flow
from conversations.flows import DOORSTEP, SUPPORT, VOLUNTEERING
from conversations.model import (
    Answers,
    Chose,
    Elapsed,
    Event,
    Facts,
    Line,
    OnCall,
    Opened,
    Peer,
    Person,
    Programme,
    Say,
    Told,
    Unreached,
)
from conversations.request import Request
from conversations.volunteering import Volunteer

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "flows.md"
PRIVACY = ROOT / "docs" / "privacy.md"
README = ROOT / "README.md"
FLOWS: tuple[Flow[Any], ...] = (SUPPORT, VOLUNTEERING, DOORSTEP)
MONDAY = datetime(2026, 3, 2, 14, tzinfo=UTC)

ANA, BO, CY, DI, DANA, EVE, KIM, OTTO = (
    Person(platform, "hospital", name)
    for platform, name in (
        ("slack", "Ana"),
        ("teams", "Bo"),
        ("slack", "Cy"),
        ("slack", "Di"),
        ("slack", "Dana"),
        ("teams", "Eve"),
        ("slack", "Kim"),
        ("slack", "Otto"),
    )
)
TRAINED = date(2028, 1, 1)
SINCE = date(2025, 1, 1)
PEERS = (
    Peer(BO, role="nurse", zone="America/New_York", trained_until=TRAINED, since=SINCE),
    Peer(CY, role="", visible=True, trained_until=TRAINED, since=SINCE),
)
KIM_ON_CALL = OnCall("Dr. Kim Lee", "555 0100", "day and night", KIM)
LINES = (Line("Physician Support Line", "1-888-409-0141"), Line("Crisis Text Line", "text HOME to 741741"))
FULL_HOUSE = Programme(coordinators=(DANA, EVE), on_call=KIM_ON_CALL, waves=(1,), lines=LINES)

WORLDS: dict[str, Facts] = {
    "everybody is there": Facts(MONDAY, FULL_HOUSE, PEERS),
    "one trained peer, a phone on call": Facts(
        MONDAY,
        Programme(
            automatic_approval=True,
            crisis_texts=False,
            check_ins=(timedelta(hours=4),),
            lines=LINES,
            relay=False,
            on_call=replace(KIM_ON_CALL, person=None),
            quiet=None,
        ),
        (replace(PEERS[1], role="midwife"),),
    ),
    "everybody sleeps": Facts(
        MONDAY, FULL_HOUSE, tuple(replace(peer, hours=("nights",), zone="UTC") for peer in PEERS)
    ),
    "nobody volunteered": Facts(MONDAY, Programme(lines=LINES, quiet=(time(22), time(7)))),
}


@dataclass(frozen=True, slots=True)
class Tried:
    """One event, and what it did."""

    before: Any
    event: Event
    facts: Facts
    after: Any
    effects: tuple[Effect, ...]

    @property
    def says(self) -> tuple[Say, ...]:
        return tuple(effect for effect in self.effects if isinstance(effect, Say))


Happens = Callable[[Any, Facts], Iterator[tuple[Event, Facts]]]
Likeness = Callable[[Any], object]

MOST = 2000  # states of one kind in one world that are not alike


def explore(flow: Flow[Any], first: Iterable[tuple[Any, Facts]], happens: Happens, alike: Likeness) -> Iterator[Tried]:
    """Every event from every state that can be reached, breadth first; states that are alike are tried once."""
    todo = deque(first)
    seen: set[object] = set()
    while todo:
        talk, facts = todo.popleft()
        if talk.stage == FORGOTTEN or alike(talk) in seen:
            continue
        seen.add(alike(talk))
        assert len(seen) < MOST, "something grows without end"
        for event, then in happens(talk, facts):
            yield from _one(flow, talk, event, then, todo)
        for late in (timedelta(0), timedelta(days=3), timedelta(days=20)):
            yield from _time_passes(flow, talk, facts, late, todo)


def _one(flow: Flow[Any], talk: Any, event: Event, facts: Facts, todo: deque[tuple[Any, Facts]]) -> Iterator[Tried]:
    after, effects = flow.decide(talk, event, facts)
    todo.append((after, facts))
    yield Tried(talk, event, facts, after, effects)


def _time_passes(
    flow: Flow[Any], talk: Any, facts: Facts, late: timedelta, todo: deque[tuple[Any, Facts]]
) -> Iterator[Tried]:
    """Each deadline that has passed, oldest first and once: a clock may be late, never early."""
    if talk.due is None:
        return
    then = replace(facts, now=max(talk.due, facts.now) + late)
    over: set[str] = set()
    while running := sorted((at, name) for name, at in talk.deadlines.items() if name not in over and at <= then.now):
        over.add(running[0][1])
        for step in _one(flow, talk, Elapsed(running[0][1]), then, todo):
            yield step
            talk = step.after


def choices_at(flow: Flow[Any], stage: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(choice for _, choices in flow.stages[stage].answers for choice in choices))


# ---------------------------------------------------------------- support

WISHES: tuple[Answers, ...] = (
    {},
    {
        "about": "complaint",
        "how": "call",
        "who": ("same-role", "been-through", "may-evaluate"),
        "leave-out": (DANA,),
        "when": "break",
        "follow-up": ("check-in", "nights"),
    },
    {"how": "here", "follow-up": (), "role": 7, "language": "Klingon", "who": "none"},  # forged, or nonsense
)
ANSWERS: dict[str, tuple[Answers, ...]] = {
    "ask": WISHES,
    "send": ({"line": "It has been a long week."}, {"line": " "}, {}),
}


def requests(facts: Facts) -> Iterator[tuple[Request, Facts]]:
    for urgency in ("soon", "today", "no-rush"):
        begun = SUPPORT.begin("r", Told("opens", ANA, request="r", urgency=urgency), facts)
        assert begun
        yield begun, facts


def _what_happens_to_a_request(talk: Request, facts: Facts) -> Iterator[tuple[Event, Facts]]:
    if talk.stage == "new":
        yield Told("opens", ANA, request="r"), facts
        return
    involved = {ANA, KIM, *talk.told, *(offer.peer for offer in talk.offers), *((talk.peer,) if talk.peer else ())}
    for by in sorted({*involved, OTTO}):
        for choice in choices_at(SUPPORT, talk.stage):
            for answers in ANSWERS.get(choice, ({},)):
                yield Chose(by, choice, answers, f"pen-{talk.alias}"), replace(facts, luck=len(talk.passed))
    for offer in talk.offers:  # they said yes somewhere else a moment ago
        full = (
            replace(peer, holding=("a", "b", "c", "d", "e")) if peer.person == offer.peer else peer
            for peer in facts.peers
        )
        yield Chose(offer.peer, "yes"), replace(facts, peers=tuple(full))
    for who in sorted(involved):
        yield Unreached(who, "relay-line"), facts
        yield Told("undelivered", who), facts
        yield Told("peer-gone", who), facts
    for word in ("", "soon", "stop", "forget me", "hide", anywhere.NOT_SAFE):
        yield Opened(ANA, word), facts
    yield Opened(ANA, "", "typed"), facts
    yield Opened(OTTO, "stop"), facts


def _requests_alike(talk: Request) -> object:
    """What decides how a request goes on, without the hour and without what is as good as the same."""
    match talk.stage:
        case "details":
            return talk.stage, talk.urgency
        case "asking":
            offers = frozenset(offer.peer for offer in talk.offers)
            wishes = talk.wishes.about, bool(talk.check_ins)
            return talk.stage, wishes, offers, talk.late, talk.met, bool(talk.told), len(talk.passed) > 1
        case "together":
            named = talk.clinician_named, talk.peer_named
            return talk.stage, talk.peer, named, talk.reminded, "page" in talk.deadlines, bool(talk.check_ins)
        case _:
            return talk.stage, talk.wishes.about, talk.peer, talk.met, bool(talk.check_ins)


# ---------------------------------------------------------------- volunteering

PROFILES: tuple[Answers, ...] = (
    {},
    {
        "my-role": "physician",
        "my-department": "wards",
        "been-through": ("work",),
        "languages": ("es",),
        "my-hours": ("nights", "tea-time"),
        "limit": "1",
        "showing": ("visible", "plain-push"),
        "evaluates": ("reviews",),
    },
    {"limit": "many", "my-role": ("nurse",), "languages": (), "my-hours": "days"},
)
VOLUNTEER_ANSWERS: dict[str, tuple[Answers, ...]] = {
    "next": PROFILES,
    "save": PROFILES,
    "approve": ({}, {"trained": "year"}, {"trained": "never"}),
}


def volunteers(facts: Facts) -> Iterator[tuple[Volunteer, Facts]]:
    begun = VOLUNTEERING.begin("v", Opened(DI, "peer"), facts)
    assert begun
    yield begun, replace(facts, known_in=("r",), fresh="1a2b3c4d")


def _what_happens_to_a_volunteer(talk: Volunteer, facts: Facts) -> Iterator[tuple[Event, Facts]]:
    for word in sorted(anywhere.ABOUT_A_PEER):
        yield Opened(DI, word), facts
    if talk.stage == "new":
        return
    for by in (DI, DANA, EVE, OTTO):
        for choice in choices_at(VOLUNTEERING, talk.stage):
            for answers in VOLUNTEER_ANSWERS.get(choice, ({},)):
                yield Chose(by, choice, answers), facts
    for what in ("asked", "holds", "freed", "rests", "not-today", "break", "hide", "unreachable", "also"):
        yield Told(what, DI, request="r"), facts
    yield Told("also", BO), facts
    yield Unreached(DI), facts


def _volunteers_alike(talk: Volunteer) -> object:
    peer = talk.peer
    return (
        talk.stage,
        peer.paused,
        talk.paused_until is None,
        bool(peer.asked),
        len(peer.holding) > 1,
        peer.resting_until is None,
        talk.reminders,
        "expiring" in talk.deadlines,
        "expired" in talk.deadlines,
        peer.evaluates,
        bool(talk.code),
        peer.also,
    )


# ---------------------------------------------------------------- the door


def doorsteps(facts: Facts) -> Iterator[tuple[Doorstep, Facts]]:
    begun = DOORSTEP.begin("d", Opened(ANA), facts)
    assert begun
    there, _ = DOORSTEP.decide(begun, Opened(ANA), facts)
    yield there, replace(facts, fresh="r")


def _what_happens_at_the_door(talk: Doorstep, facts: Facts) -> Iterator[tuple[Event, Facts]]:
    for word in sorted(anywhere.WORDS):
        for how in ("pressed", "typed", "command"):
            yield Opened(ANA, word, how), facts
    for code in ("1A2B-3c4d", "a word", 7):
        for by in (ANA, OTTO):
            yield Chose(by, "link-me", {"code": code}, "link"), facts
    for request in ("r", "another"):
        for what in ("asked", "ended", "forgotten"):
            yield Told(what, ANA, request=request), facts
    yield Unreached(ANA), facts


def _doorsteps_alike(talk: Doorstep) -> object:
    return talk.stage, talk.request, min(len(talk.asked), 4), talk.closed[:2]


@cache
def tried(name: str) -> tuple[Tried, ...]:
    """Everything that can happen to this kind of conversation, in every world."""
    first, happens, alike = {
        "support": (requests, _what_happens_to_a_request, _requests_alike),
        "volunteering": (volunteers, _what_happens_to_a_volunteer, _volunteers_alike),
        "doorstep": (doorsteps, _what_happens_at_the_door, _doorsteps_alike),
    }[name]
    flow = next(flow for flow in FLOWS if flow.name == name)
    return tuple(
        step
        for facts in WORLDS.values()
        for step in explore(flow, first(facts), happens, alike)  # type: ignore[operator]
    )


# ---------------------------------------------------------------- drawing


def _because(event: Event, words: Words) -> str:
    """Why a line is drawn, as the people in it would say."""
    match event:
        case Chose(choice=choice):
            return words.say(f"button-{choice}")
        case Elapsed(timer=timer):
            return f"({timer} runs out)"
        case Opened(word=word):
            return f"types “{word}”" if word else "comes to the door"
        case Told(what=what):
            return f"({what})"
        case Unreached():
            return "(cannot be reached)"


def lines(name: str) -> Iterator[str]:
    """Who moves where, and by what; staying is not drawn."""
    words = Words.load(Programme())
    edges: dict[tuple[str, str], list[str]] = {}
    for step in tried(name):
        if step.before.stage != step.after.stage:
            label = _because(step.event, words)
            edges.setdefault((step.before.stage, step.after.stage), []).append(label)
    flow = next(flow for flow in FLOWS if flow.name == name)
    order = [*flow.stages, FORGOTTEN]
    first = order[0]
    yield "stateDiagram-v2"
    yield f"    [*] --> {first}"
    for before, after in sorted(edges, key=lambda edge: (order.index(edge[0]), order.index(edge[1]))):
        yield f"    {before} --> {after}: {' / '.join(sorted(set(edges[before, after])))}"
    yield f"    {FORGOTTEN} --> [*]"


def table(flow: Flow[Any]) -> Iterator[str]:
    """What the code declares, in words a reader sees on buttons."""
    words = Words.load(Programme())
    yield "| stage | who may press what | what may run out |"
    yield "|---|---|---|"
    for stage in flow.stages.values():
        who = "<br>".join(
            f"{role.name}: {' · '.join(words.say(f'button-{choice}') for choice in choices)}"
            for role, choices in stage.answers
        )
        yield f"| {stage.name} | {who or '-'} | {', '.join(stage.waits) or '-'} |"


INTRODUCTION = """\
Drawn by running the code: in every stage everybody presses everything, and every deadline passes.
A test fails when this page is not current; `python -m tests.draw` draws it again."""


def page() -> str:
    """The whole page."""
    titles = {"support": "Asking for support", "volunteering": "Offering to be a peer"}
    parts = [
        "# How conversations go",
        INTRODUCTION,
    ]
    for name, title in titles.items():
        flow = next(flow for flow in FLOWS if flow.name == name)
        parts += [f"## {title}", "```mermaid\n" + "\n".join(lines(name)) + "\n```", "\n".join(table(flow))]
    return "\n\n".join(parts) + "\n"


def readme() -> str:
    """The README, with the rows of who can read what as the table has them."""
    begin, end = "<!-- who can read what -->\n", "<!-- /who can read what -->"
    before, _, rest = README.read_text("utf-8").partition(begin)
    return before + begin + privacy_page.excerpt(FULL_HOUSE) + end + rest.partition(end)[2]


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    PRIVACY.write_text(privacy_page.page(FULL_HOUSE), encoding="utf-8")
    README.write_text(readme(), encoding="utf-8")
