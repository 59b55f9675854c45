"""The seam between a chat platform and the programme: cards out, interactions in, and how a call can fail."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, Literal, Protocol

from conversations.model import Answers, Person

Address = str
"""Opaque: where a platform reaches a person. Sealed wherever it is kept."""

Ref = str
"""Opaque: one posted card, enough to edit or erase it."""

# ---------------------------------------------------------------- out


@dataclass(frozen=True, slots=True)
class Button:
    """A button of a card. `token` is opaque to the platform and comes back in `Interaction.token`."""

    label: str
    token: str = field(repr=False)
    style: Literal["plain", "primary", "danger"] = "plain"


@dataclass(frozen=True, slots=True)
class Option:
    """One value that can be picked in a `Field`, and the words shown for it."""

    value: str
    label: str


@dataclass(frozen=True, slots=True)
class Field:
    """One question of a card, in the reader's language. `initial` holds the values selected beforehand."""

    name: str
    kind: Literal["choice", "several", "people", "text"]
    label: str
    options: tuple[Option, ...] = ()
    initial: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Link:
    """A button that opens a private chat with a person. The bot is not a member of that chat."""

    label: str = field(repr=False)
    person: Person


@dataclass(frozen=True, slots=True)
class Card:
    """What one person reads.

    Args:
        id: Random and new for every post, so that the post can be looked for on the platform after a crash.
        text: The body, in the reader's language.
        push: What a lock screen may show.
        quote: A person's own words. An adapter shows them as they are, never as markup.
        fields: The questions it asks, in order.
        buttons: Its buttons, in order. On a form the first one submits.
        link: A button that opens a chat with another person.
        title: The heading of a form, or "".
        pace: "first" where its reader waits for it, having just typed or pressed; "last" where it only fills in what a
            neutral post left out, which its reader may also press for.
        is_bare: Whether it is sent as text alone, without blocks, because the platform refused better ways to say it.
    """

    id: str
    text: str = field(repr=False)
    push: str
    quote: str = field(default="", repr=False)
    fields: tuple[Field, ...] = ()
    buttons: tuple[Button, ...] = ()
    link: Link | None = None
    title: str = ""
    pace: Literal["first", "usual", "last"] = "usual"
    is_bare: bool = False


# ---------------------------------------------------------------- in

_FRONT_DOOR: Final = "="  # no sealed token begins with it


def front_door_token(word: str) -> str:
    """Return the token of a front-door word. Buttons of the front door carry it, the same for everyone."""
    return _FRONT_DOOR + word


def front_door_word(token: str) -> str | None:
    """Return the word that a front-door token carries, or None for every other token."""
    return token[len(_FRONT_DOOR) :] if token.startswith(_FRONT_DOOR) else None


@dataclass(frozen=True, slots=True)
class Interaction:
    """One thing a person did on a platform.

    Args:
        id: The platform's own id, the same when the platform delivers it again.
        by: The person who did it.
        token: The token of the pressed button, or `front_door_token(word)` for typed text. The word is a
            `vocabulary.Word` or empty; nothing else that was typed leaves the adapter.
        answers: What was selected or written on the card, by the field's name.
        address: Where the person can be reached, if the payload says so.
        source: Whether it was a button, a message or a slash command.
        ephemeral: Whether the pressed card was ephemeral. Such a card cannot be edited, so only the reply can say that
            it is out of date.
        in_own_chat: Whether a slash command was typed in the person's own chat with the bot: a card that is posted is
            the whole answer then.
    """

    id: str = field(repr=False)
    by: Person
    token: str = field(repr=False)
    answers: Answers = field(default_factory=dict, repr=False)
    address: Address | None = field(default=None, repr=False)
    source: Literal["pressed", "typed", "command"] = "pressed"
    ephemeral: bool = False
    in_own_chat: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """How an adapter answers an interaction once it is written down.

    The kinds are:

        acknowledged  nothing to show; the outbox delivers what changed
        ephemeral     a card that only the person who acted sees
        form          questions to open on top of what the person sees
        refused       the neutral line; nothing on any screen is edited
    """

    kind: Literal["acknowledged", "ephemeral", "form", "refused"] = "acknowledged"
    card: Card | None = None


class Inbound(Protocol):
    """The port through which an adapter reaches the engine."""

    async def receive(self, interaction: Interaction) -> Reply:
        """Process an interaction. What it changed is durable when this returns; only then may it be acknowledged."""

    async def home_page(self, person: Person) -> Card:
        """Return the front door as a page: the same for everyone, whether or not they ever asked for support."""

    def refusal(self) -> Card:
        """Return the neutral line for guests, strangers and everything that may not be answered."""

    def group_notice(self) -> Card:
        """Return the only line the bot says in a group chat."""

    def acknowledgement(self) -> Card:
        """Return a short confirmation, for a platform that demands an answer where no card is left to show."""

    async def current_card(self, by: Person, token: str) -> Card | None:
        """Return the card that now stands where this button was pressed, for a platform that draws it from the answer.

        None if no card stands there, or if it quoted a person's words: those are shown only once.
        """

    async def app_removed(self, person: Person) -> None:
        """Count a person as unreachable at once: they removed the bot, or their account was switched off."""

    async def access_revoked(self, platform: str) -> None:
        """Stop all deliveries to a platform that has revoked our access, and tell the operator."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What a platform says about a person. The engine asks when it needs it and stores none of it.

    `other_names` are what the directory calls them besides. `zone` is an IANA name, `language` a two-letter code.
    `member` is False for a guest, a bot, or a person of another organisation. `left` is True where no one reads what is
    posted, though the platform may take it: the account was switched off, or the person is no longer in the chat.
    """

    name: str = field(default="", repr=False)
    zone: str | None = None
    language: str | None = None
    member: bool = True
    left: bool = False
    other_names: tuple[str, ...] = field(default=(), repr=False)


class Adapter(Protocol):
    """One chat platform, outbound."""

    @property
    def platform(self) -> str:
        """The platform's name, as it stands in `Person.platform`."""

    @property
    def opens_forms(self) -> bool:
        """Whether a form opens on top of what a person sees. If not, it is posted as a card like any other."""

    @property
    def notifies_in_full(self) -> bool:
        """Whether its notifications show a card's own words, so that news has to be posted without them first."""

    def check_rate(self, to: Person, address: Address | None, changing: Ref | None, *, awaited: bool = False) -> None:
        """Check the rate limits before anything is written for a call, without taking a slot.

        Args:
            to: The reader.
            address: Where they are reached, if known.
            changing: The post to be edited; None for a new post.
            awaited: Whether the reader waits for it: see `Card.pace`.

        Raises:
            RetryLater: The call would have to wait. Returning promises nothing: the call itself may still raise it.
        """

    async def deliver(self, to: Person, address: Address | None, card: Card, replacing: Ref | None) -> Ref:
        """Post the card in the person's private chat with the bot, or edit the post at `replacing`.

        Returns:
            The post that now shows the card.

        Raises:
            Unreachable: The person cannot be reached on this platform.
            RetryLater: The platform did not do it.
            OutcomeUnknown: The platform may have done it.
            Rejected: The platform refuses this content.
            AccessRevoked: The platform no longer accepts our credentials.
            LeftOut: So many edits wait that this one, whose pace is "last", is not made.
        """

    async def erase(self, ref: Ref, instead: Card) -> None:
        """Delete a post, or replace it with `instead` where the platform forbids deletion. Idempotent.

        Raises:
            RetryLater: The platform did not answer, or asked to wait.
        """

    async def find(self, to: Person, address: Address | None, card_id: str) -> Ref | None:
        """Look for the post that carries this card id, after an unknown outcome. None if there is none.

        Raises:
            RetryLater: The platform did not answer, or asked to wait.
            Unreachable: The person cannot be reached on this platform.
        """

    async def is_accepted(self) -> bool:
        """Ask the platform whether it accepts our credentials. False also when it does not answer; raises nothing."""

    async def profile(self, person: Person) -> Profile:
        """Return the person's profile on this platform, cached for at most an hour.

        Raises:
            RetryLater: The platform did not answer within a second.
        """


class Unreachable(Exception):
    """The person left, blocked the bot or never installed it. Do not try again."""


A_PAUSE: Final = timedelta(seconds=30)
"""How long a call waits where a platform that is busy or down does not say for how long it is."""


class RetryLater(Exception):
    """The platform is busy or down and did not do what was asked. Try again `after` a pause (default 30 seconds)."""

    def __init__(self, after: timedelta = A_PAUSE) -> None:
        super().__init__("the platform is busy or down")
        self.after = after


class CertificateNotTrusted(RetryLater):
    """Nothing was sent, as the certificate shown for the platform's address is not one we trust."""


class NotUnderstood(RetryLater):
    """The platform refused for a reason that we do not know. Try again for a while, but not for ever."""


class OutcomeUnknown(Exception):
    """The connection broke after the request was sent, so it may have taken effect. Look before repeating it."""


class Rejected(Exception):
    """The platform refuses the content as invalid. Repeating it will not help: it is said in a plainer way."""


class LeftOut(Exception):
    """So many edits wait that one of the least urgent is left out. Its reader can press for it."""


class AccessRevoked(Exception):
    """The platform has revoked our access to a whole workspace, and said so when it was asked again: tell the operator.

    A refusal that the platform does not repeat is RetryLater.
    """
