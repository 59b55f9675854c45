"""Cards that are filled in at the front door: a code, names of colleagues, whom a coordinator invites or removes."""

from __future__ import annotations

from conversations.flow import Decision
from conversations.front_door.coming_in import respond
from conversations.front_door.doorstep import Doorstep, stay_a_day
from conversations.model import Chose, Facts, Opened, Tell, change
from conversations.peers import coordinator, enrolment, linking
from conversations.vocabulary import CardKind, Kind, Word


def enter_a_code(door: Doorstep, event: Chose, facts: Facts) -> Decision[Doorstep]:
    """The same answer whether the code was right or not: only the account that made it learns that it was.

    Words of danger are heard wherever a person can write them.
    """
    code = event.answers.get("code", "")
    heard = isinstance(code, str) and facts.programme.listener.hears(code)
    unsafe = (Tell(Kind.FRONT_DOOR, event.by, Opened(event.by, Word.NOT_SAFE)),) if heard else ()
    checked = respond(event.by, CardKind.LINK_CHECKED, (Word.PRIVACY,))
    return stay_a_day(door, facts), (*linking.entered(event), checked, *unsafe)


def remove_peers(door: Doorstep, event: Chose, facts: Facts) -> Decision[Doorstep]:
    """A coordinator picked who is to be asked no more."""
    return stay_a_day(door, facts), coordinator.remove(event, facts)


def enrol_peers(door: Doorstep, event: Chose, facts: Facts) -> Decision[Doorstep]:
    """A coordinator says who is to be invited."""
    return stay_a_day(door, facts), enrolment.enrol(event, facts)


def nominate_peers(door: Doorstep, event: Chose, facts: Facts) -> Decision[Doorstep]:
    """Someone names colleagues they would trust to listen."""
    named, effects = enrolment.nominate(event, door.named, facts)
    return stay_a_day(change(door, named=named), facts), effects


def leave_it(door: Doorstep, event: Chose, facts: Facts) -> Decision[Doorstep]:
    """Nothing changes; the card goes."""
    return door, enrolment.leave_it(event)
