"""What a coordinator does that the audit log notes, and how a decision shows that it was done.

An entry names the coordinator and the kind of act. It never names the peer or the request that it was about.
What a person does as a clinician or as a peer is in no row of this table, also where they coordinate as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final

from conversations.flow import Conversation
from conversations.immutable import Immutable
from conversations.messages import Invited
from conversations.model import Chose, Effect, Person, Tell
from conversations.support.request import Request
from conversations.vocabulary import Choice, Kind


class Act(StrEnum):
    """What a coordinator did, as an entry of the audit log says it."""

    APPROVED = "approved-a-peer"
    TALK_FIRST = "asked-to-talk-first"
    DECLINED = "declined-a-peer"
    REMOVED = "removed-peers"
    ENROLLED = "invited-peers"
    INVITED = "invited-a-nominee"
    NOT_INVITED = "did-not-invite-a-nominee"
    ASKED_EVERYONE = "asked-everyone"
    TOOK_IT = "took-a-request"


class CoordinatorAct(Immutable, frozen=True):
    """One act of a coordinator.

    Args:
        act: What they did.
        by: Who did it.
        count: How many people an invitation went to; 0 for every other act.
    """

    act: Act
    by: Person
    count: int = 0


AUDITED: Final[Mapping[tuple[str, str], Act]] = {
    (Kind.PEER, Choice.APPROVE): Act.APPROVED,
    (Kind.PEER, Choice.TALK_FIRST): Act.TALK_FIRST,
    (Kind.PEER, Choice.DECLINE): Act.DECLINED,
    (Kind.PEER, Choice.INVITE): Act.INVITED,
    (Kind.PEER, Choice.NO_INVITATION): Act.NOT_INVITED,
    (Kind.FRONT_DOOR, Choice.REMOVE): Act.REMOVED,
    (Kind.FRONT_DOOR, Choice.INVITE): Act.ENROLLED,
    (Kind.REQUEST, Choice.ASK_EVERYONE): Act.ASKED_EVERYONE,
    (Kind.REQUEST, Choice.TAKE_IT): Act.TOOK_IT,
}
"""Every choice, by the kind of conversation that it is made in, by which a coordinator changes something."""


def act_of(
    kind: str, before: Conversation, event: Chose, after: Conversation, effects: Sequence[Effect]
) -> CoordinatorAct | None:
    """Return the act of a coordinator that a decision was.

    Args:
        kind: The kind of the conversation.
        before: The conversation as it stood.
        event: What was chosen.
        after: The conversation as it was decided.
        effects: What the decision says to people and to other conversations. A choice that was refused says nothing.

    Returns:
        The act; None where nothing was done, as when a card asks for what is missing, and for every other choice.
    """
    act = AUDITED.get((kind, event.choice))
    if act is None or (isinstance(before, Request) and before.clinician == event.by):
        return None
    told = [effect for effect in effects if isinstance(effect, Tell)]
    match act:
        case Act.REMOVED | Act.ENROLLED:
            done = bool(told)  # the card stands again where no one was picked
        case Act.APPROVED:
            done = after != before  # the card asks when they were trained
        case Act.TOOK_IT:
            done = True  # whether it fitted or not: no entry at all would tell a coordinator who was left out
        case _:
            done = bool(effects)
    count = sum(isinstance(tell.event, Invited) for tell in told)
    return CoordinatorAct(act, event.by, count) if done else None
