"""The words every other module speaks: who, what happened, what we say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Literal

# ---------------------------------------------------------------- who


@dataclass(frozen=True, slots=True, order=True)
class Person:
    """Somebody on a chat platform. Nothing about them is ever printed by accident."""

    platform: str
    workspace: str = field(repr=False)
    id: str = field(repr=False)

    def is_apart_from(self, other: Person) -> bool:
        """Whether no chat of their own leads from one to the other: another platform, workspace or tenant."""
        return (self.platform, self.workspace) != (other.platform, other.workspace)


Urgency = Literal["soon", "today", "no-rush"]


@dataclass(frozen=True, slots=True)
class Peer:
    """What the programme knows about one volunteer, and how much they carry now."""

    person: Person
    role: str = ""
    department: str = field(default="", repr=False)
    been_through: tuple[str, ...] = field(default=(), repr=False)
    rather_not: tuple[str, ...] = field(default=(), repr=False)
    languages: tuple[str, ...] = ("en",)
    hours: tuple[str, ...] = ()  # parts of the week, see hours.py; empty means any time
    zone: str = "UTC"
    limit: int = 2  # open requests at once
    ways: tuple[str, ...] = ()  # how they like to talk
    visible: bool = False  # may their name be shown before the clinician chose
    evaluates: bool = False  # supervises, or sits on a review of colleagues
    plain_push: bool = False  # may a lock screen say what the message is
    trained_until: date | None = None
    since: date | None = None
    resting_until: datetime | None = None
    paused: bool = False
    also: tuple[Person, ...] = field(
        default=(), repr=False
    )  # who they are on another platform, or in another workspace
    asked: tuple[datetime, ...] = ()  # offers of the last seven days
    holding: tuple[str, ...] = field(default=(), repr=False)  # ids of requests they walk with


# ---------------------------------------------------------------- what happened

Value = str | tuple[str, ...] | tuple[Person, ...]
Answers = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Opened:
    """Someone came to the front door: typed a word, or pressed one of its buttons.

    `word` is one of `anywhere.WORDS`; whatever else was typed arrives as "" and is kept nowhere.
    `how`: a "command" is answered in place; "typed" words stay in the chat; a "pressed" button leaves no words.
    """

    by: Person
    word: str = ""
    how: Literal["pressed", "typed", "command"] = "pressed"


@dataclass(frozen=True, slots=True)
class Chose:
    """Someone pressed a button of a card that is still the current one in its slot."""

    by: Person
    choice: str
    answers: Answers = field(default_factory=dict, repr=False)
    slot: str = ""  # the name of the slot, or of the form, that was pressed


@dataclass(frozen=True, slots=True)
class Elapsed:
    """One of the conversation's own deadlines has passed."""

    timer: str


@dataclass(frozen=True, slots=True)
class Unreached:
    """The platform says nothing can be shown to this person any more; `text` is what we tried to say."""

    who: Person
    text: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """Another conversation tells this one something, inside the same write."""

    what: str
    who: Person
    request: str = field(default="", repr=False)
    urgency: Urgency = "soon"


Event = Opened | Chose | Elapsed | Unreached | Told

# ---------------------------------------------------------------- what we say

Manner = Literal["news", "progress", "refresh", "withdraw", "erase", "answer", "form"]
"""How something is said.

news      posted, because an edit does not buzz; the old card of the slot is taken away
progress  edits the card in place, or posts it where none stands
refresh   edits the card in place, if there is one or one is on its way
withdraw  edits the card in place; says nothing to someone who never saw it
erase     takes the card away
answer    only in reply, where the person stands; held in no slot
form      questions asked at once, on top of what they see; held in no slot
"""


EVERY_SLOT = "*"  # an erase of every card, except
KEPT = frozenset(("worried", "page"))  # a number somebody may still need, and the page it belongs to


@dataclass(frozen=True, slots=True)
class Question:
    """One thing a card asks. Words are looked up as `ask-<name>` and `ask-<name>-<option>`."""

    name: str
    kind: Literal["choice", "several", "people", "text"]
    options: tuple[str, ...] = ()
    chosen: tuple[str, ...] = ()  # ticked unless they change it


@dataclass(frozen=True, slots=True)
class Say:
    """One private message, as keys into texts/*.ftl; it stands in a named slot of that person's chat.

    What the words may use: `details` as they are, `times` in the reader's own zone, `people` by the name their platform
    gives them, and always what the programme's settings say (crisis line, limits of secrecy, days kept).
    """

    to: Person
    text: str
    slot: str
    choices: tuple[str, ...] = ()
    questions: tuple[Question, ...] = ()
    details: Mapping[str, str | int] = field(default_factory=dict, repr=False)
    times: Mapping[str, datetime] = field(default_factory=dict)
    people: Mapping[str, Person] = field(default_factory=dict, repr=False)
    meet: Person | None = None  # whom a link in this card opens a private chat with
    manner: Manner = "news"
    considerate: bool = False  # never shown in the reader's quiet hours, however late it comes to be delivered


@dataclass(frozen=True, slots=True)
class Code:
    """Names the volunteer who made this code, if anybody did."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Tell:
    """A word from one conversation to another; both are written in one save.

    `of` names the other: a request by its id, a volunteer or a doorstep by the person, a volunteer by a code of theirs.
    """

    flow: Literal["support", "volunteering", "doorstep"]
    of: str | Person | Code = field(repr=False)
    event: Told | Opened


# ---------------------------------------------------------------- what the world looks like


@dataclass(frozen=True, slots=True)
class Line:
    """A phone or text line a person can reach without us, as data that a hospital can change."""

    name: str
    reach: str


@dataclass(frozen=True, slots=True)
class OnCall:
    """The licensed person the programme names for "I'm worried"."""

    name: str = field(repr=False)
    phone: str = field(repr=False)
    hours: str
    person: Person | None = None


@dataclass(frozen=True, slots=True)
class Programme:
    """What the hospital decided. Every field is a setting; the defaults are argued in the product design."""

    name: str = "Peer Support"
    zone: str = "UTC"
    crisis: str = "988"
    crisis_texts: bool = True  # whether the crisis line can be texted, too
    emergency: str = "911"
    lines: tuple[Line, ...] = ()
    limits: str = ""  # the named exceptions to secrecy, as signed off
    targets: Mapping[Urgency, timedelta] = field(
        default_factory=lambda: {
            "soon": timedelta(minutes=30),
            "today": timedelta(hours=4),
            "no-rush": timedelta(hours=24),
        }
    )
    waves: tuple[int, ...] = (5, 8)  # after these, everyone who is left
    step_soon: timedelta = timedelta(minutes=10)
    step_other: timedelta = timedelta(minutes=60)
    talked_soon: timedelta = timedelta(hours=2)
    talked_other: timedelta = timedelta(hours=12)
    check_ins: tuple[timedelta, ...] = (timedelta(hours=24), timedelta(hours=72))
    quiet: tuple[time, time] | None = (time(21), time(8))
    peer_limit: int = 2  # what a peer starts with; they may choose one to five
    rest: timedelta = timedelta(hours=48)
    offers_a_week: int = 5
    requests_a_day: int = 3
    training_months: int = 24
    close_after: timedelta = timedelta(days=7)
    erase_after: timedelta = timedelta(days=7)
    relay: bool = True
    automatic_approval: bool = False
    coordinators: tuple[Person, ...] = field(default=(), repr=False)
    on_call: OnCall | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """A snapshot taken before deciding, so that nothing is asked for half-way.

    `fresh` is a new random id for a request this step may open; `luck` a random number for what must not be guessable.
    """

    now: datetime
    programme: Programme = field(default_factory=Programme)
    peers: tuple[Peer, ...] = ()
    fresh: str = ""
    luck: int = 0
    zone: str = "UTC"  # of whoever acts
    known_in: tuple[str, ...] = field(default=(), repr=False)  # ids of open requests that ask or hold this volunteer
