"""Asking colleagues to become peers: a coordinator's list, or up to three names of anyone. No one is a peer without
a promise of their own.

An invitation is read in private. Who says no, or nothing, is seen by no one; nor is anyone told who named them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final

from conversations import slots
from conversations.messages import Invited, Nominated
from conversations.model import Chose, Effect, Erase, Facts, Message, Opened, Person, Post, Question, Tell, Update
from conversations.options import TRAINED, TRAINED_DAYS, one
from conversations.vocabulary import CardKind, Choice, Kind

MOST: Final = 200
"""How many are invited at once."""

NOMINATIONS: Final = 3
"""How many colleagues one person names in a year."""

YEAR: Final = timedelta(days=365)
NAMED_LINES: Final = 20
"""How many lines of a list that cannot be read are named."""

FIELDS: Final = ("invite-list", "invite-list-2", "invite-list-3", "invite-list-4")
"""Where a list is pasted. A field takes 3,000 characters on Slack, 200 lines of a CSV about 10,000."""

NOTHING: Final = ("",) * len(FIELDS)

LEFT_ALONE: Final = (slots.REMOVE, slots.ENROL, slots.NOMINATE)
"""Where cards stand that *Not now* takes away."""

_BARE: Final = {"slack": r"[UW][A-Z0-9]{6,}", "teams": r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"}
"""What an account looks like where its platform and workspace are not said."""

_HEADING: Final = r"(?i)(user|member|object|account|person|slack|teams|platform|name|e-?mail)?[ _-]*(ids?)?"
"""What a column of a CSV may be called."""


# ---------------------------------------------------------------- a list


def read_list(text: str, by: Person, facts: Facts) -> tuple[tuple[Person, ...], tuple[int, ...]]:
    """Read a list or CSV of accounts, one in each line; other cells of a line are passed over.

    An account is `slack:WORKSPACE:USER` or `teams:TENANT:OBJECTID`, as in the settings. The id alone is enough on the
    coordinator's own platform, and where all we know on the other one are in one tenant or workspace. A first line
    without an account is a heading.

    Args:
        text: The list as it was pasted.
        by: The coordinator.
        facts: The world as it is.

    Returns:
        The accounts, each once; and the numbers of the lines, from 1, that hold no account or more than one.
    """
    workspaces = _workspaces(by, facts)
    found: dict[Person, None] = {}
    broken: list[int] = []
    for number, line in enumerate(text.splitlines(), 1):
        cells = [cell.strip(" \t\"'<>@") for cell in re.split(r"[,;\t]", line)]
        accounts = {who for cell in cells if (who := _account(cell, workspaces)) is not None}
        if len(accounts) == 1:
            found |= dict.fromkeys(accounts)
        elif any(cells) and (number > 1 or accounts or not _is_heading(cells)):
            broken.append(number)
    return tuple(found), tuple(broken)


def _workspaces(by: Person, facts: Facts) -> dict[str, str]:
    """By platform, the one workspace or tenant in which an id alone can be meant."""
    known = {(who.platform, who.workspace) for who in (*facts.programme.coordinators, *_accounts_of_peers(facts))}
    alone = {
        platform: next(iter(theirs))
        for platform in _BARE
        if len(theirs := {workspace for known_platform, workspace in known if known_platform == platform}) == 1
    }
    return alone | {by.platform: by.workspace}


def _accounts_of_peers(facts: Facts) -> Iterator[Person]:
    return (who for peer in facts.peers for who in (peer.person, *peer.also))


def _account(cell: str, workspaces: dict[str, str]) -> Person | None:
    """The account that a cell names; Entra writes ids in either case, and means the same."""
    if whole := re.fullmatch(r"(?i)(slack|teams)\s*:\s*([\w.-]{2,})\s*:\s*([\w.-]{2,})", cell):
        platform, *ids = whole[1].casefold(), whole[2], whole[3]
        return Person(platform, *(id_.casefold() if re.fullmatch(f"(?i){_BARE['teams']}", id_) else id_ for id_ in ids))
    for platform, workspace in workspaces.items():
        id_ = cell.casefold() if platform == "teams" else cell
        if re.fullmatch(_BARE[platform], id_):
            return Person(platform, workspace, id_)
    return None


def _is_heading(cells: list[str]) -> bool:
    return any(re.fullmatch(_HEADING, cell) for cell in cells if cell)


# ---------------------------------------------------------------- a coordinator invites many


def enrol_card(
    to: Person, problem: str = "", pasted: tuple[str, ...] = NOTHING, lines: tuple[int, ...] = ()
) -> Message:
    """Who is to be invited: picked here, or pasted from a list. What was pasted stands there again after a problem."""
    questions = (
        Question("invite", "people"),
        *(Question(name, "text", (), (text,) if text else ()) for name, text in zip(FIELDS, pasted, strict=True)),
        Question("trained", "choice", TRAINED),
    )
    named = ", ".join(map(str, lines[:NAMED_LINES])) + (" …" if len(lines) > NAMED_LINES else "")
    details: dict[str, str | int] = {"problem": problem or "no", "lines": named, "broken": len(lines), "most": MOST}
    return Message(to, CardKind.COORDINATOR_ENROL, slots.ENROL, (Choice.INVITE, Choice.NOT_NOW), questions, details)


def enrol(event: Chose, facts: Facts) -> tuple[Effect, ...]:
    """Invite everyone who was picked or listed, or no one: a list that cannot be read as a whole invites none."""
    if event.by not in facts.programme.coordinators:
        return (Erase(event.by, slots.ENROL),)
    given = (event.answers.get(name, "") for name in FIELDS)
    pasted = tuple(text if isinstance(text, str) else "" for text in given)
    listed, broken = read_list("\n".join(text.strip("\n") for text in pasted if text), event.by, facts)
    people = tuple(dict.fromkeys((*_picked(event, "invite"), *listed)))
    problem = "lines" if broken else "none" if not people else "many" if len(people) > MOST else ""
    if problem:
        return (Post(enrol_card(event.by, problem, pasted, broken)),)
    invited = Message(event.by, CardKind.COORDINATOR_ENROLLED, slots.ENROL, details={"people": len(people)})
    trained = _trained_on(event, facts)
    return *(Tell(Kind.PEER, who, Invited(who, event.by, trained)) for who in people), Update(invited)


def _trained_on(event: Chose, facts: Facts) -> date | None:
    when = one(event, "trained", TRAINED)
    return facts.now.date() - timedelta(days=TRAINED_DAYS[when]) if when else None


def _picked(event: Chose, name: str) -> tuple[Person, ...]:
    return tuple(who for who in event.answers.get(name, ()) if isinstance(who, Person))


# ---------------------------------------------------------------- anyone names a colleague


def nominate_card(to: Person, left: int, problem: str = "") -> Message:
    """Whom they would trust to listen; `left` names are left to them this year."""
    details: dict[str, str | int] = {"left": left, "problem": problem or "no"}
    choices = (Choice.NOMINATE, Choice.NOT_NOW) if left else (Choice.NOT_NOW,)
    questions = (Question("nominate", "people"),) if left else ()
    return Message(to, CardKind.DOOR_NOMINATE, slots.NOMINATE, choices, questions, details)


def left_to_name(named: tuple[date, ...], facts: Facts) -> int:
    """How many names are left to a person who named colleagues on these days."""
    return max(0, NOMINATIONS - len(lately(named, facts)))


def lately(named: tuple[date, ...], facts: Facts) -> tuple[date, ...]:
    """Those days that are less than a year ago."""
    return tuple(day for day in named if day > facts.now.date() - YEAR)


def nominate(event: Chose, named: tuple[date, ...], facts: Facts) -> tuple[tuple[date, ...], tuple[Effect, ...]]:
    """Pass the names on to the coordinators; kept of it is only the day, to count by.

    Returns:
        The days on which this person named a colleague, and what follows.
    """
    before = lately(named, facts)
    people = tuple(who for who in dict.fromkeys(_picked(event, "nominate")) if who != event.by)
    left = left_to_name(before, facts)
    if not people or len(people) > left:
        return before, (Post(nominate_card(event.by, left, "many" if people else "none")),)
    thanks = Message(event.by, CardKind.DOOR_NOMINATED, slots.NOMINATE)
    told = (Tell(Kind.PEER, who, Nominated(who)) for who in people)
    return (*before, *(facts.now.date() for _ in people)), (*told, Update(thanks))


def answer_nominate(event: Opened, named: tuple[date, ...], facts: Facts) -> tuple[Effect, ...]:
    """The card on which colleagues are named."""
    return (Post(nominate_card(event.by, left_to_name(named, facts))),)


def leave_it(event: Chose) -> tuple[Effect, ...]:
    """Nothing changes; the card goes."""
    return tuple(Erase(event.by, slot) for slot in LEFT_ALONE if slot == event.slot)
