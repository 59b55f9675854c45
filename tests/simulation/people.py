"""Who is at the hospital, and how they behave: what they are likely to press, when, and what they write."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from adapters.base import Card
from conversations import hours
from conversations.model import Peer, Person, Value
from conversations.options import ABOUT, DEPARTMENTS, NAMES, ROLES
from tests.simulation.platform import HostilePlatform

COORDINATORS: Final = 2
ZONES: Final = ("America/New_York",) * 8 + ("America/Los_Angeles", "Europe/London")
ASKING: Final = ("soon", "soon", "today", "no-rush", "/peersupport soon", "/peersupport today", "help")
TYPED: Final = (
    *("status", "help", "privacy", "data", "numbers", "soon", "worried", "my patient died, canary-typed"),
    *("status", "help", "status", "I am not safe", "i want to die", "hide", "resume", "resume", "peer"),
    *("stop", "forget me", "pause", "on duty", "shifts", "change", "leave"),
)
NOTHING: Final = 2.0
"""The weight of pressing nothing at all."""

LIKELY: Final[Mapping[str, float]] = {
    "ask-now": 14,
    "choose-more": 2,
    "ask": 14,
    "change-my-mind": 0.1,
    "sooner": 0.3,
    "keep-asking": 2,
    "stop-asking": 0.1,
    "yes": 1.5,
    "not-this-time": 1.6,
    "not-today": 0.8,
    "connect": 2,
    "stay-unnamed": 3,
    "someone-else": 0.2,
    "write": 1.2,
    "send": 8,
    "share-name": 0.3,
    "hand-back": 0.2,
    "was-there": 0.1,
    "worried": 0.15,
    "find-time": 0.3,
    "offer-times": 3,
    "first-time": 2,
    "second-time": 1,
    "third-time": 1,
    "no-time": 0.3,
    "talked": 1,
    "not-yet": 1,
    "connected": 1,
    "not-connected": 0.6,
    "keep-waiting": 0.7,
    "finished": 0.3,
    "close": 0.15,
    "okay-for-now": 2,
    "talk-again": 0.5,
    "something-else": 0.3,
    "no-more": 0.1,
    "thirty-days": 0.5,
    "ask-later": 0.5,
    "tomorrow": 2,
    "in-three-days": 2,
    "okay": 1,
    "break": 0.2,
    "to-talk": 0.2,
    "ask-everyone": 0.8,
    "take-it": 0.5,
    "on-it": 3,
    "approve": 4,
    "talk-first": 0.3,
    "decline": 0.2,
    "next": 4,
    "promise": 4,
    "not-now": 0.3,
    "pause": 0.02,
    "on-duty": 0.2,
    "four-hours": 1,
    "eight-hours": 1,
    "twelve-hours": 1,
    "save-shifts": 1,
    "resume": 3,
    "change": 0.05,
    "save": 2,
    "leave": 0.01,
    "show": 4,
    "for-today": 1,
    "a-week": 1,
    "until-i-say": 0.5,
}
"""How likely each choice is pressed where it stands; every other button counts for little."""
RARE: Final = 0.02

KEEN: Final[Mapping[str, float]] = {"yes": 4}
RELUCTANT: Final[Mapping[str, float]] = {"yes": 0.05, "not-this-time": 15, "not-today": 5}
DISTRACTED: Final[Mapping[str, float]] = {
    **dict.fromkeys(("send", "talked", "not-yet", "hand-back", "finished"), 0.05),
    "yes": 6,
    "write": 3,
    "share-name": 3,
}
"""How much likelier than others somebody of this leaning presses a choice."""


@dataclass(frozen=True, slots=True)
class Size:
    """How big a hospital is.

    Args:
        name: What it is called.
        clinicians: How many may ask.
        peers: How many are on the roster when the year begins.
        fewest: Below how many serving peers new ones are trained.
        requests: How often a year somebody who has no request asks for a peer, or means to.
        leanings: Those of its peers, one of which each of them has.
        answers: The least and the most likely that a peer does anything about a card.
    """

    name: str
    clinicians: int
    peers: int
    fewest: int
    requests: int
    leanings: tuple[Mapping[str, float], ...]
    answers: tuple[float, float] = (0.5, 1.0)


LARGE: Final = Size("large", 150, 40, 36, 640, ({}, {}, KEEN))
SMALL: Final = Size("small", 30, 3, 3, 200, (RELUCTANT,), (0.9, 1.0))
"""Few peers, who mostly all say no: then a coordinator has to hear of it."""
BUSY: Final = Size("busy", 40, 8, 7, 200, (DISTRACTED,), (0.9, 1.0))
"""Peers who say yes, begin to write, and do not answer whether the two have talked."""


@dataclass(slots=True)
class Somebody:
    """One person, and their habits.

    answers  how likely they do anything at all about a card
    pace     the median of how long they take, in seconds
    leaning  how much likelier than others they press each choice
    """

    person: Person
    name: str
    role: str
    answers: float
    pace: float
    leaning: Mapping[str, float]
    is_planned: bool = False  # to look at their screen

    def likes(self, choice: str) -> float:
        """The weight of pressing this choice where it stands."""
        return LIKELY.get(choice, RARE) * self.leaning.get(choice, 1)

    def delay(self, luck: random.Random) -> float:
        """How long until they look at what arrived: mostly minutes, sometimes hours, sometimes a day."""
        return min(self.pace * luck.lognormvariate(0, 1.6), 90_000.0)


def everybody(size: Size, platforms: Mapping[str, HostilePlatform], luck: random.Random) -> Iterator[Somebody]:
    """Everyone who is at the hospital when the year begins."""
    for role, count in (("Ana", size.clinicians), ("Bo", size.peers), ("Dana", COORDINATORS), ("Kim", 1)):
        for number in range(1, count + 1):
            yield somebody(role, number, size, platforms, luck)


def somebody(
    role: str, number: int, size: Size, platforms: Mapping[str, HostilePlatform], luck: random.Random
) -> Somebody:
    """One more person of this role."""
    platform = platforms[luck.choice(sorted(platforms))]
    name = f"{role}{number:03d}"
    person = platform.person(name)
    platform.zones[person] = luck.choice(ZONES)
    pace = {"Ana": 600.0, "Bo": 400.0, "Dana": 300.0, "Kim": 120.0}[role]
    answers = luck.uniform(*(size.answers if role == "Bo" else (0.5, 1.0)))
    leaning = luck.choice(size.leanings) if role == "Bo" else {}
    return Somebody(person, name, role, answers, pace * luck.uniform(0.3, 3.0), leaning)


def as_peer(one: Somebody, zone: str, luck: random.Random) -> Peer:
    """What the programme knows of one who is a trained peer from the start."""
    parts = luck.sample(sorted(hours.PARTS), luck.randint(2, 4)) if luck.random() < 0.4 else ()
    return Peer(
        one.person,
        role=luck.choice(ROLES),
        department=luck.choice(DEPARTMENTS),
        been_through=tuple(luck.sample(ABOUT[:-1], luck.randint(0, 3))),
        hours=tuple(parts),
        zone=zone,
        limit=luck.choice((1, 2, 2, 3)),
        visible=luck.random() < 0.2,
        evaluates=luck.random() < 0.1,
        plain_push=luck.random() < 0.2,
        trained_until=date(2030, 1, 1),
        since=date(2024, 1, 1),
    )


def fill_in(card: Card, line: str, others: list[Person], luck: random.Random) -> dict[str, Value]:
    """What somebody ticks and writes on a card before they press one of its buttons.

    Args:
        card: What they read.
        line: What they write where a line is asked for.
        others: Those whom a clinician may want to leave out.
        luck: Decides.
    """
    filled: dict[str, Value] = {}
    for asked in card.fields:
        if asked.name == NAMES:
            if luck.random() < 0.1:
                filled[asked.name] = luck.choice(others).id
        elif asked.kind == "text":
            filled[asked.name] = line
        elif asked.kind == "people":
            if luck.random() < 0.4:
                filled[asked.name] = tuple(luck.sample(others, luck.randint(1, 3)))
        elif asked.kind == "choice" and asked.options and luck.random() < 0.4:
            filled[asked.name] = luck.choice(asked.options).value
        elif asked.kind == "several" and asked.options and asked.name != "evaluates" and luck.random() < 0.3:
            ticked = [option.value for option in asked.options if luck.random() < 0.5]
            filled[asked.name] = tuple(dict.fromkeys((*asked.initial, *ticked)))
    return filled
