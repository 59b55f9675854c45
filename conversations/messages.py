"""What conversations tell each other. Each message is a class; a table says which stage of which flow handles it."""

from __future__ import annotations

from datetime import date
from typing import Literal

from conversations.model import Person, Told, Urgency

HowRemoved = Literal["", "kindly", "at-once"]
"""Whether a colleague whom a removed peer walks with decides how it goes on, or it ends at once, for safety."""

# ---------------------------------------------------------------- to a request


class RequestOpens(Told, frozen=True):
    """A clinician asks for support: begins the request."""

    clinician: Person
    urgency: Urgency = "soon"


class PeerLeft(Told, frozen=True):
    """A peer has left the programme, and with it every request that knows them.

    Args:
        peer: Who has left.
        removed: How a coordinator removed them; empty where they left themselves.
    """

    peer: Person
    removed: HowRemoved = ""


class RosterChanged(Told, frozen=True):
    """A peer can be asked from now on, or at another time, or not any more."""


class Undelivered(Told, frozen=True):
    """A message was given up after many tries, though its reader is still there. Told by the engine."""

    to: Person
    card: str = ""


class TakenAwayUnread(Told, frozen=True):
    """A card was taken away before its reader saw it. Told by the engine to the conversation that did so."""

    to: Person
    card: str = ""


class PeerCameBy(Told, frozen=True):
    """The peer came to the front door, which shows that they are there; `asks` if it was about those they walk with."""

    peer: Person
    asks: bool = True


class PeerComesBack(Told, frozen=True):
    """A peer whose part may be over asks at the front door how things stand, or says that they are worried."""

    peer: Person


class QueueAsked(Told, frozen=True):
    """This coordinator would like to see again the cards of whom they were told that someone waits."""

    by: Person


class ReadLate(Told, frozen=True):
    """The words of a card can be read only now, long after they were said: their platform was down, or a neutral line
    stood in their place. Told by the engine.
    """

    to: Person
    card: str


# ---------------------------------------------------------------- to a peer


class Invited(Told, frozen=True):
    """A coordinator invites this person to become a peer: begins their record.

    Args:
        who: Who is invited.
        by: The coordinator.
        trained_on: The day of their training, as the coordinator says; None where it is not known.
    """

    who: Person
    by: Person
    trained_on: date | None = None


class Nominated(Told, frozen=True):
    """A colleague named this person as a peer: begins their record. By whom is not said."""

    who: Person


class CameBy(Told, frozen=True):
    """This person asked at the front door how things stand, or said that they are worried."""

    worried: bool = False


class OfferMade(Told, frozen=True):
    """A request was offered to this peer."""


class Accompanies(Told, frozen=True):
    """The peer accompanies the clinician of this request from now on."""

    request: str


class Freed(Told, frozen=True):
    """The peer no longer holds this request, and had not met its clinician."""

    request: str


class Helped(Told, frozen=True):
    """The peer no longer holds this request and had been together with its clinician: a rest begins.

    Args:
        request: The request's id.
        was_hard: Whether the rest is a long one: after a death or a lawsuit.
    """

    request: str
    was_hard: bool = False


class WasWorried(Told, frozen=True):
    """The peer called for help for a clinician, or for themselves: a long rest begins."""


class IsReady(Told, frozen=True):
    """The peer wishes to be asked again before their rest is over."""


class NotToday(Told, frozen=True):
    """The peer asks for no more offers today."""


class NeedsABreak(Told, frozen=True):
    """The peer asks for a break."""


class CannotBeReached(Told, frozen=True):
    """The platform shows the peer nothing any more."""


class Removed(Told, frozen=True):
    """A coordinator takes this peer off the roster. No reason is said or kept.

    Args:
        by: The coordinator, whom the peer can write to.
        at_once: Whether it also ends their part with the colleague they walk with, for safety.
    """

    by: Person
    at_once: bool = False


class KnownElsewhere(Told, frozen=True):
    """This person entered the peer's code: both are the same person."""

    who: Person


# ---------------------------------------------------------------- to a request, or to the front door


class IsThere(Told, frozen=True):
    """This person typed or pressed something, which shows that they are there, and means nothing else."""

    who: Person


# ---------------------------------------------------------------- to a request, or to a peer


class HideCards(Told, frozen=True):
    """This person wants the cards of this conversation out of their chat, wherever it is about someone else."""

    who: Person


# ---------------------------------------------------------------- to the front door


class NotAPeer(Told, frozen=True):
    """This person typed a word of peers, and is none."""


class RequestAsked(Told, frozen=True):
    """A request of this person began to look for a peer: it counts towards the day's limit."""


class RequestEnded(Told, frozen=True):
    """A request of this person was closed."""

    request: str


class RequestForgotten(Told, frozen=True):
    """A request of this person was destroyed."""

    request: str
