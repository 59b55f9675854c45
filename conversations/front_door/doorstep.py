"""The record of a visitor: which request is theirs, when they asked for a peer today, and when it goes."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

from conversations.flow import Conversation, Flow, Role
from conversations.model import Event, Facts, Opened, Person, change
from conversations.vocabulary import Kind, Timer

DAY: Final = timedelta(hours=24)
AN_HOUR: Final = timedelta(hours=1)  # long enough to take our cards away; the platform is not waited for
AT_ONCE: Final = timedelta(minutes=1)  # likewise, where all of it is to go now


class DoorStage(StrEnum):
    """A visitor's record has one place."""

    DOOR = "door"
    FORGOTTEN = "forgotten"


DOOR: Final = DoorStage.DOOR
GONE: Final = DoorStage.FORGOTTEN


class Doorstep(Conversation, frozen=True, kw_only=True):
    """One person at our front door: their open request, if any, and when they asked for a peer today."""

    stage: DoorStage
    person: Person
    request: str = ""
    closed: tuple[str, ...] = ()  # requests of theirs that are not forgotten yet
    asked: tuple[datetime, ...] = ()
    named: tuple[date, ...] = ()  # the days on which they named a colleague as a peer, for a year
    goes_at: datetime | None = None  # when the record goes; None once our cards were taken away, which comes before

    def requests(self) -> tuple[str, ...]:
        """The ids of every request of theirs that is not forgotten."""
        return *self.closed, *((self.request,) if self.request else ())


def _begin(id: str, event: Event, facts: Facts) -> Doorstep | None:
    return Doorstep(id=id, stage=DOOR, person=event.by) if isinstance(event, Opened) else None


def stay_a_day(door: Doorstep, facts: Facts) -> Doorstep:
    """Stay until a day after they last came by."""
    return stay(door, facts.now + DAY, AN_HOUR)


def stay(door: Doorstep, tidied: datetime, then: timedelta) -> Doorstep:
    """Stay until our cards are taken away, and for a while after it.

    One timer does both, because 0.2.0 serves beside us and knows of no other here.
    """
    return flow.wait(change(door, goes_at=tidied + then), {Timer.GO: tidied})


flow = Flow[Doorstep](Kind.FRONT_DOOR, DoorStage, begin=_begin)

visitor: Role[Doorstep] = Role("visitor", lambda door, who, _: who == door.person)
