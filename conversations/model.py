"""The types every other module speaks: people, events, effects, the programme, and the facts a decision is made on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Final, Literal

from conversations.crisis.listener import Listener
from conversations.immutable import Immutable, field
from conversations.immutable import replace as change  # every change to a record or a card is made by this one function
from conversations.numbers import Year
from conversations.slots import Slot
from conversations.vocabulary import CardKind, Choice, Kind, Timer, Word

__all__ = ["change"]

# ---------------------------------------------------------------- who


class Person(Immutable, frozen=True, order=True):
    """A person on a chat platform. Nothing about them is ever printed by accident."""

    platform: str
    workspace: str
    id: str

    def is_apart_from(self, other: Person) -> bool:
        """Whether no chat of their own leads from one to the other: another platform, workspace or tenant."""
        return (self.platform, self.workspace) != (other.platform, other.workspace)


Urgency = Literal["soon", "today", "no-rush"]
"""How soon the clinician hopes to talk."""

URGENCIES: Mapping[Word, Urgency] = {Word.SOON: "soon", Word.TODAY: "today", Word.NO_RUSH: "no-rush"}
"""The words that ask for a colleague."""


class Peer(Immutable, frozen=True):
    """What the programme knows about one volunteer, and how much they carry now."""

    person: Person
    role: str = ""
    department: str = ""
    been_through: tuple[str, ...] = ()
    rather_not: tuple[str, ...] = ()
    languages: tuple[str, ...] = ("en",)
    gender: str = ""
    hours: tuple[str, ...] = ()  # parts of the week, see hours.py; empty means any time
    shifts: tuple[str, ...] = ()  # by the day of the week, see hours.py; where there are any, they count instead
    on_duty_until: datetime | None = None  # asked first until then, whatever their hours say
    zone: str = "UTC"
    limit: int = 2  # open requests at once
    ways: tuple[str, ...] = ()  # how they like to talk
    visible: bool = False  # may their name be shown before the clinician chose
    evaluates: bool = False  # supervises, sits on a review of colleagues, or works on claims
    grades: bool = False  # teaches or grades trainees
    plain_push: bool = False  # may a lock screen say what the message is
    trained_until: date | None = None
    since: date | None = None
    resting_until: datetime | None = None
    paused: bool = False
    also: tuple[Person, ...] = ()  # who they are on another platform, or in another workspace
    asked: tuple[datetime, ...] = ()  # offers of the last seven days
    holding: tuple[str, ...] = ()  # ids of requests they walk with


# ---------------------------------------------------------------- what happened

Value = str | tuple[str, ...] | tuple[Person, ...]
Answers = Mapping[str, Value]


class Opened(Immutable, frozen=True):
    """Someone came to the front door: typed a word, or pressed one of its buttons.

    Args:
        by: Who it was.
        word: Which word; whatever else was typed arrives as `Word.NONE` and is kept nowhere.
        how: A "command" is answered in place; "typed" words stay in the chat; a "pressed" button leaves no words.
    """

    by: Person
    word: Word = Word.NONE
    how: Literal["pressed", "typed", "command"] = "pressed"


class Chose(Immutable, frozen=True):
    """Someone pressed a button of a card that is still the current one in its slot.

    Args:
        by: Who pressed.
        choice: What the button says. A newer release may have choices that are not ours: those are no `Choice`.
        answers: What was filled in on the card or form, by the name of the question.
        slot: The name of the slot, or of the form, that was pressed.
    """

    by: Person
    choice: str
    answers: Answers = field(default_factory=dict)
    slot: str = ""


class Elapsed(Immutable, frozen=True):
    """One of the conversation's own deadlines has passed."""

    timer: Timer


class Unreached(Immutable, frozen=True):
    """The platform says that nothing can be shown to this person any more.

    Args:
        who: Who it is.
        card: What we tried to say.
        unread: Cards that the same step owes to others: they are news still, and are said with what is true now.
    """

    who: Person
    card: str = ""
    unread: frozenset[str] = frozenset()


class Told(Immutable, frozen=True):
    """A message from one conversation to another, handled in the same write. conversations/messages.py has them all."""


Event = Opened | Chose | Elapsed | Unreached | Told

# ---------------------------------------------------------------- what we say


class Question(Immutable, frozen=True):
    """One thing a card asks. Words are looked up as `ask-<name>` and `ask-<name>-<option>`."""

    name: str
    kind: Literal["choice", "several", "people", "text"]
    options: tuple[str, ...] = ()
    chosen: tuple[str, ...] = ()  # filled in unless they change it


class Message(Immutable, frozen=True):
    """One private card, as keys into texts/*.ftl; it stands in a named slot of its reader's chat.

    The text may use `details` as they are, `times` in the reader's own time zone, `people` by the names their platform
    gives them, and always what the programme's settings say (crisis line, limits of secrecy, days kept).

    Args:
        to: The reader.
        card: What it says.
        slot: Where it stands.
        choices: Its buttons, in order.
        questions: What it asks.
        details: Values of the text.
        times: Moments in the text.
        people: People whose names stand in the text.
        meet: Whom a link on the card opens a private chat with.
        quote: A person's own words: shown as they are, once, and kept nowhere after delivery.
        considerate: Never shown in the reader's quiet hours, however late it comes to be delivered.
    """

    to: Person
    card: CardKind
    slot: Slot
    choices: tuple[Choice | Word, ...] = ()
    questions: tuple[Question, ...] = ()
    details: Mapping[str, str | int] = {}
    times: Mapping[str, datetime] = {}
    people: Mapping[str, Person] = {}
    meet: Person | None = None
    quote: str = ""
    considerate: bool = False


class Show(Immutable, frozen=True):
    """An effect that shows a message; each kind of showing is a class of its own below."""

    message: Message

    @property
    def to(self) -> Person:
        """Whose screen changes."""
        return self.message.to


class Post(Show, frozen=True):
    """Post it as news, because an edit does not notify; the old card of the slot is taken away."""


class Update(Show, frozen=True):
    """Edit the card in its place, or post it where none stands."""


class Refresh(Show, frozen=True):
    """Edit the card in its place, if there is one or one is on its way; else do nothing."""


class Withdraw(Show, frozen=True):
    """Edit the card in its place to a closing line; a reader who never saw it is told nothing."""


class Respond(Show, frozen=True):
    """Answer where the person stands: in reply to a command, else as news in the chat."""


class OpenForm(Show, frozen=True):
    """Ask questions at once, on top of what the person sees; where a platform cannot, as a card in the chat."""


class Erase(Immutable, frozen=True):
    """Take cards of this conversation away.

    Args:
        to: Whose cards; None takes everyone's.
        slot: Only this one; None takes every card that the same decision does not speak to.
        keep: Slots that stay when every card is taken away.
        spare: Cards that stay wherever they stand.
    """

    to: Person | None
    slot: Slot | None = None
    keep: frozenset[Slot] = frozenset()
    spare: frozenset[CardKind] = frozenset()


class Code(Immutable, frozen=True):
    """Names the peer who made this code, if there is one."""

    text: str


class KnownTo(Immutable, frozen=True):
    """Names every conversation that this person knows of and that is not about them: its card stands in their chat, or
    they had a part in it.
    """

    person: Person


class WalksWith(Immutable, frozen=True):
    """Names every request that this person walks with, or is asked for, be they a peer or not."""

    person: Person


class Searching(Immutable, frozen=True):
    """Names every request that looks for a peer still after its target, and then only where something changed."""


class Tell(Immutable, frozen=True):
    """A message from one conversation to another; both are written in one save.

    Args:
        kind: What kind of conversation is told.
        of: Which one: a request by its id, a peer or a visitor by the person, a peer by a code of theirs; or each that
            a person knows of or walks with, or that still looks for a peer.
        event: What it is told.
    """

    kind: Kind
    of: str | Person | Code | KnownTo | WalksWith | Searching
    event: Told | Opened


Effect = Post | Update | Refresh | Withdraw | Respond | OpenForm | Erase | Tell

# ---------------------------------------------------------------- what the world looks like


DEAF: Final = Listener()
"""Hears nothing, where nobody has said what there is to hear."""


class Line(Immutable, frozen=True):
    """A phone or text line a person can reach without us, as data that a hospital can change."""

    name: str
    reach: str


class OnCall(Immutable, frozen=True):
    """The licensed person the programme names for "I'm worried"."""

    name: str
    phone: str
    hours: str
    person: Person | None = None


class Programme(Immutable, frozen=True):
    """What the hospital decided. Every field is a setting; the defaults are argued in the product design."""

    name: str = "Peer Support"
    zone: str = "UTC"
    crisis: str = "988"
    crisis_texts: bool = True  # whether the crisis line can be texted, too
    emergency: str = "911"
    lines: tuple[Line, ...] = ()
    listener: Listener = DEAF  # hears that someone is not safe
    complaints: str = ""  # who hears that something felt wrong with a peer: name and phone
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
    talk_times: Mapping[str, time] = field(
        default_factory=lambda: {
            "before-shift": time(6, 30),
            "break": time(12),
            "after-shift": time(15, 30),
            "evening": time(19),
        }
    )
    check_ins: tuple[timedelta, ...] = (timedelta(hours=24), timedelta(hours=72))
    quiet: tuple[time, time] | None = (time(21), time(8))
    peer_limit: int = 2  # what a peer starts with; they may choose one to five
    rest: timedelta = timedelta(hours=48)
    offers_a_week: int = 5
    requests_a_day: int = 3
    training_months: int = 24
    close_after: timedelta = timedelta(days=7)
    erase_after: timedelta = timedelta(days=7)
    small_cell: int = 11  # the smallest number of requests that a report says anything of
    relay: bool = True
    automatic_approval: bool = False
    coordinators: tuple[Person, ...] = ()
    on_call: OnCall | None = None


class Facts(Immutable, frozen=True):
    """A snapshot taken before deciding, so that nothing is asked for half-way.

    `fresh` is a new random id for a request this step may open; `luck` a random number for what must not be guessable.
    """

    now: datetime
    programme: Programme = Programme()
    peers: tuple[Peer, ...] = ()
    fresh: str = ""
    luck: int = 0
    zone: str = "UTC"  # of the person who acts
    waiting: tuple[datetime, ...] = ()  # since when people wait for a peer, where a coordinator asks
    years: tuple[Year, ...] = ()  # what may be said of the years that are over, where a coordinator asks
    known_in: tuple[str, ...] = ()  # ids of open requests that ask or hold this volunteer
    names: Mapping[Person, tuple[str, ...]] = {}
    """What directories call people, looked up only for a request that leaves names out. Who is not in it could not be
    looked up."""
    unread: Mapping[tuple[Person, str], datetime] = {}
    """The cards of this conversation, by reader and slot, that no platform has shown yet, and since when it did not.
    Known only when a deadline has passed."""
