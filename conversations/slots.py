"""The named places in a person's chat. Each shows the newest card that was put there.

A slot's name is written to disk with its card: it never changes once a release has written it.
"""

from __future__ import annotations

from typing import Final, NewType

Slot = NewType("Slot", str)
"""A named place in one person's chat: it shows the newest card that was put there."""

STATUS: Final = Slot("status")  # where the clinician's request stands
DATA: Final = Slot("data")  # what the clinician's request holds
DETAILS: Final = Slot("details")  # what the clinician chose, opened again while peers are asked
CRISIS: Final = Slot("crisis")
CHECK_IN: Final = Slot("check-in")
OFFER: Final = Slot("offer")  # the peer's card of a request: first the offer, then the two together
LAST: Final = Slot("last-card")  # how a peer whose part is over is; stays beside a new offer of the same request
GUIDE: Final = Slot("guide")
TALKED: Final = Slot("talked")  # whether the two have talked
CONNECTED: Final = Slot("connected")  # the clinician's: whether the two have connected
OR_ELSE: Final = Slot("or-else")  # the clinician's: whether they would like someone else
MEETING: Final = Slot("meeting")  # when the two talk
TALK_AGAIN: Final = Slot("talk-again")
WORRIED: Final = Slot("worried")  # the peer's, with numbers to call
PAGE: Final = Slot("page")  # the on-call person's, from the first peer who was worried
LAWSUIT: Final = Slot("lawsuit")
SENT: Final = Slot("sent")  # that a line was passed on, or was not
WAITING: Final = Slot("waiting")  # a coordinator's: someone is waiting
APPROVAL: Final = Slot("approval")  # a coordinator's: someone offers to be a peer
REMOVE: Final = Slot("remove")  # a coordinator's: who is to be asked no more
ENROL: Final = Slot("enrol")  # a coordinator's: who is to be invited
NOMINATE: Final = Slot("nominate")  # whom a person would trust to listen
NOMINATED: Final = Slot("nominated")  # a coordinator's: someone named a colleague
STANDING: Final = Slot("standing")  # how a peer stands with the programme
TRAINING: Final = Slot("training")
DOOR: Final = Slot("door")  # answers of the front door; its buttons are words, the same for everyone
TYPED: Final = Slot("typed")  # what became of words that were typed
OTHER_ACCOUNT: Final = Slot("other-account")  # for a peer who asks from a linked account
LINK: Final = Slot("link")  # the form in which a code is entered


def pen(alias: int) -> Slot:
    """The form in which the two who write now write: one for each peer, so that no line reaches the next peer."""
    return Slot(f"pen-{alias}")


def page(number: int) -> Slot:
    """Where the call of this peer stands in the on-call person's chat; who was worried first has number 0."""
    return Slot(f"{PAGE}-{number}") if number else PAGE


def line(number: int) -> Slot:
    """Where the relay line of this number stands in the reader's chat."""
    return Slot(f"line-{number}")
