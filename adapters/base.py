"""The seam. A platform can show a card to a person, and tell us what they pressed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal, Protocol

from conversations.model import Answers, Person

Address = str  # opaque: where a platform reaches somebody; sealed wherever it is kept
Ref = str  # opaque: one posted card, enough to edit or erase it

# ---------------------------------------------------------------- out


@dataclass(frozen=True, slots=True)
class Button:
    label: str
    token: str = field(repr=False)  # opaque; comes back in Press.token
    style: Literal["plain", "primary", "danger"] = "plain"


@dataclass(frozen=True, slots=True)
class Option:
    value: str
    label: str


@dataclass(frozen=True, slots=True)
class Field:
    """One question of a card, in the reader's language. `initial` holds the values ticked beforehand."""

    name: str
    kind: Literal["choice", "several", "people", "text"]
    label: str
    options: tuple[Option, ...] = ()
    initial: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Link:
    """Opens a private chat with somebody; the bot is not in that room."""

    label: str = field(repr=False)
    person: Person


@dataclass(frozen=True, slots=True)
class Card:
    """What one person reads. `quote` is a person's own words: shown as they are, never as markup.

    `id` is random, new for every post, and can be looked for on the platform after a crash.
    `push` is what a lock screen may show.
    """

    id: str
    text: str = field(repr=False)
    push: str
    quote: str = field(default="", repr=False)
    fields: tuple[Field, ...] = ()
    buttons: tuple[Button, ...] = ()
    link: Link | None = None
    title: str = ""  # of a form


# ---------------------------------------------------------------- in


@dataclass(frozen=True, slots=True)
class Press:
    """What a platform tells us. `id` is the platform's own, and the same when it delivers again.

    `token` is that of the pressed button, or `"=" + word` for a front-door button and for typed words
    (the word is one of `anywhere.WORDS`, or empty; nothing else that was typed crosses this line).
    """

    id: str = field(repr=False)
    by: Person
    token: str = field(repr=False)
    answers: Answers = field(default_factory=dict, repr=False)
    address: Address | None = field(default=None, repr=False)
    how: Literal["pressed", "typed", "command"] = "pressed"
    fleeting: bool = False  # pressed on an aside, which nobody can edit: only an answer tells that it has become old


@dataclass(frozen=True, slots=True)
class Answer:
    """What the platform may be told at once, after the write.

    now      it is written; what it changes on screens follows
    aside    a card for the presser's eyes, in reply to a command
    form     questions to open on top of what they see
    refused  the neutral line; nothing on anybody's screen is edited
    """

    kind: Literal["now", "aside", "form", "refused"] = "now"
    card: Card | None = None


class Desk(Protocol):
    """What an adapter may ask of the house."""

    async def receive(self, press: Press) -> Answer:
        """Take a press in. When it returns, what it changed is written down; only then may it be acknowledged."""

    async def home(self, person: Person) -> Card:
        """The page that stands open for everybody alike, whether or not they ever asked for support."""

    def refusal(self) -> Card:
        """The neutral line: for strangers, guests and whatever we cannot or may not answer."""

    def not_here(self) -> Card:
        """One line for a room full of people, where we say nothing else."""

    def noted(self) -> Card:
        """A word for a platform that wants one, where no card is left to show."""

    async def current(self, by: Person, token: str) -> Card | None:
        """The card as it stands now where this button was pressed, for a platform that draws it from the answer.

        None where nothing stands, or what stands held somebody's own words: those are shown once.
        """

    async def left(self, person: Person) -> None:
        """They took the bot away: forget where they are reached."""

    async def shut(self, platform: str) -> None:
        """The platform has withdrawn our access: stop all sends there and tell the operator."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What a platform says about somebody, asked when needed and stored nowhere by the adapter's caller."""

    name: str = field(default="", repr=False)
    zone: str | None = None
    language: str | None = None
    member: bool = True  # False: a guest, a bot, or somebody from elsewhere


class Adapter(Protocol):
    """One chat platform."""

    @property
    def platform(self) -> str:
        """The name by which its people are known."""

    @property
    def opens_forms(self) -> bool:
        """Whether a form opens on top of what somebody sees; else it is a card in their chat, like any other."""

    def look(self, to: Person, address: Address | None, changing: Ref | None) -> None:
        """Raise TryLater where it is plain beforehand that a post to them, or a change of that card, has to wait.

        Asked before anything is written for the call. Silence promises nothing: the call itself may still raise it.
        """

    async def show(self, to: Person, address: Address | None, card: Card, replacing: Ref | None) -> Ref:
        """Post the card privately, or edit the one at `replacing`. Raises Unreachable, TryLater or Unclear."""

    async def erase(self, ref: Ref, instead: Card) -> None:
        """Take a posted card away, or leave `instead` where that is forbidden; gone is fine. Raises TryLater."""

    async def find(self, to: Person, address: Address | None, card_id: str) -> Ref | None:
        """The post that carries this card id, if it arrived after all. Raises TryLater, Unreachable."""

    async def profile(self, person: Person) -> Profile:
        """Who this is to the platform. Raises TryLater when it does not answer in time."""


class Unreachable(Exception):
    """This person left, blocked us, or never installed the bot. Do not try again."""


class TryLater(Exception):
    """The platform is busy or down; it did not do what we asked. Try again after a pause."""

    def __init__(self, after: timedelta = timedelta(seconds=30)) -> None:
        super().__init__("the platform is busy or down")
        self.after = after


class Unclear(Exception):
    """The line broke after we spoke: it may have been shown, or not. Look before repeating."""


class Broken(Exception):
    """The platform says that what we sent makes no sense. Sending it again will not help; somebody must mend us."""


class Stopped(Exception):
    """The platform has withdrawn our access to the whole workspace. Stop all sends and tell the operator."""
