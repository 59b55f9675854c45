"""The laws that can be read from what is written down and from what stands on screens, whoever acted and how.

`tests/conversations/test_anything_by_anyone.py` holds them after every act of an evening, `tests/simulation` in whole
years of a hospital. Each is a function that asserts; its message says what is wrong in words of the programme.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from adapters.base import Card
from adapters.fakes.direct import DirectAdapter
from bot.crypto.button_token import ButtonToken
from bot.engine.codec import Stored, json_of
from bot.engine.outbox import CardSlot
from bot.rendering import Renderer
from conversations import hours
from conversations.front_door.doorstep import Doorstep
from conversations.model import Facts, Person
from conversations.peers.record import READY, PeerRecord
from conversations.registry import ENTRIES
from conversations.support.request import OPEN, Request
from conversations.vocabulary import FRONT_DOOR_ONLY

OPEN_STAGES = frozenset(OPEN)
PAIRED = frozenset({"chosen", "together"})
HERS_ALONE = frozenset({"status", "check-in", "crisis"})
Record = Stored[Request] | Stored[PeerRecord] | Stored[Doorstep]


@dataclass(slots=True)
class World:
    """What is written down, opened for the judge."""

    requests: dict[str, Stored[Request]] = field(default_factory=dict)
    volunteers: dict[Person, Stored[PeerRecord]] = field(default_factory=dict)
    doors: dict[str, Stored[Doorstep]] = field(default_factory=dict)

    def talks(self) -> object:
        """What was decided, without what is shown of it."""
        return (
            {id_: saved.conversation for id_, saved in self.requests.items()},
            {who: saved.conversation for who, saved in self.volunteers.items()},
        )

    def everything(self) -> Iterator[tuple[str, Record]]:
        """Every record, with its kind."""
        yield from (("support", saved) for saved in self.requests.values())
        yield from (("volunteering", saved) for saved in self.volunteers.values())
        yield from (("doorstep", saved) for saved in self.doors.values())


@dataclass(slots=True)
class Witness:
    """What people's presses agree to, as the pressers mean it; what the laws allow is read from here.

    agreed  who said yes to which request
    knows   (whose name, who may know it)
    lines   what was written, by whom, in which request
    asked   everybody a request was ever offered to
    """

    agreed: set[tuple[str, Person]] = field(default_factory=set)
    knows: set[tuple[Person, Person]] = field(default_factory=set)
    lines: dict[str, tuple[Person, str]] = field(default_factory=dict)
    asked: dict[str, set[Person]] = field(default_factory=dict)

    def saw_press(self, talk: Request, person: Person, token: ButtonToken, line: object) -> None:
        """Note what this press on a card of this request agrees to."""
        if token.choice in ("yes", "take-it"):
            self.agreed.add((talk.id, person))
        if token.choice in ("connect", "share-name") and talk.peer:
            self.knows |= {(person, other) for other in (talk.clinician, talk.peer) if other != person}
        if token.choice == "connect" and talk.peer:
            self.knows.add((talk.peer, talk.clinician))
        if token.choice == "send":
            self.lines[str(line)] = person, talk.id


# ---------------------------------------------------------------- one request


def a_request_is_in_order(saved: Stored[Request], witness: Witness, house: Collection[Person], now: datetime) -> None:
    """Somebody looks after it, one person at most walks with it, and only those with a part in it are written to."""
    talk, mail = saved.conversation, saved.outbox
    offered = {offer.peer for offer in talk.offers}
    assert talk.due is not None, f"nobody looks after a request that is {talk.stage}"
    assert (talk.peer is not None) >= (talk.stage in PAIRED)
    assert not (talk.offers and talk.stage != "asking"), "an offer outlives the search"
    assert talk.clinician not in {*offered, talk.peer, *talk.told, *talk.passed}, "offered their own request"
    assert not offered & {*talk.passed, *talk.wishes.leave_out}, "someone left out, or who said no, is asked"
    if talk.stage in PAIRED:
        assert (talk.id, talk.peer) in witness.agreed, "a yes that nobody said"
    witness.asked.setdefault(talk.id, set()).update(talk.asked, offered)
    involved = {talk.clinician, talk.peer, *witness.asked[talk.id], *talk.passed, *house}
    for slot in mail.slots:
        assert slot.to in involved, "somebody was written to who has no part in it"
        assert slot.to not in talk.wishes.leave_out or slot.to == talk.clinician, "left out, and written to"
        assert slot.name not in HERS_ALONE or slot.to == talk.clinician, "a peer reads what is hers alone"
    if talk.stage == "closed":
        assert talk.deadlines["forget"] <= now + timedelta(days=7), "kept for longer than promised"


def offers_are_fair(talk: Request, before: World, requests: Mapping[str, Stored[Request]], now: datetime) -> None:
    """No paused, resting or full peer is newly asked, and none out of their hours."""
    was = before.requests.get(talk.id)
    already = {offer.peer for offer in was.conversation.offers} if was else set()
    for offer in talk.offers:
        known = before.volunteers.get(offer.peer)
        if offer.peer in already or known is None:
            continue
        peer = known.conversation.peer
        again = known.conversation.deadlines.get("resume")
        assert not peer.paused or (again and again <= now), "a paused peer is asked"
        on_duty = peer.on_duty_until is not None and now < peer.on_duty_until
        assert on_duty or hours.within(now, peer.zone, peer.shifts or peer.hours), "a peer is asked out of hours"
        assert not (peer.resting_until and peer.resting_until > now), "a resting peer is asked"
        held = {request for request in peer.holding if request in requests}
        still = {id_ for id_ in held if requests[id_].conversation.stage in PAIRED}
        assert len(still) < peer.limit, "a full peer is asked"


def lines_are_gone(saved: Stored[Request], lines: Mapping[str, tuple[Person, str]]) -> None:
    """A relay line stands in its own request only, while the two are together and the other one waits for it."""
    if not lines:
        return
    talk, kept = saved.conversation, json_of(saved).decode()
    owed = {delivery.to for delivery in saved.outbox.deliveries}
    for line, (writer, request) in lines.items():
        if f'"{line}"' in kept:
            assert request == talk.id, "a line stands in another request"
            assert talk.stage == "together", "a line outlives being together"
            assert owed - {writer}, "a line is kept that nobody waits for"


# ---------------------------------------------------------------- records that know each other


def the_roster_knows_who_walks_with_whom(world: World, house: Collection[Person] = ()) -> None:
    """Each peer holds exactly the requests that they walk with; the house may have taken some before being peers."""
    walks: dict[Person, set[str]] = {}
    for id_, request in world.requests.items():
        if request.conversation.stage in PAIRED and request.conversation.peer:
            walks.setdefault(request.conversation.peer, set()).add(id_)
    for person, saved in world.volunteers.items():
        if saved.conversation.stage == READY and person not in house:
            holding = saved.conversation.peer.holding
            assert set(holding) == walks.get(person, set()), f"{person.id} holds what is not theirs"
            assert len(holding) == len(set(holding)), f"{person.id} holds a request twice"


def the_door_knows_its_request(world: World) -> None:
    """A clinician's door and their open request name each other."""
    known = {
        saved.conversation.request: saved.conversation.person
        for saved in world.doors.values()
        if saved.conversation.request
    }
    opened = {
        id_: saved.conversation.clinician
        for id_, saved in world.requests.items()
        if saved.conversation.stage in OPEN_STAGES
    }
    assert known == opened, "a door and its request disagree"


# ---------------------------------------------------------------- screens


def no_button_is_dead(kind: str, saved: Record, facts: Facts, left: Callable[[Person], bool]) -> None:
    """Every button that is shown is one that its reader may press."""
    flow, stage = ENTRIES[kind].flow, saved.conversation.stage
    for slot in saved.outbox.slots:
        if not slot.content.choices or slot.name == "door" or slot.content.manner == "erase" or left(slot.to):
            continue
        for choice in sorted({*slot.content.choices} - FRONT_DOOR_ONLY):
            roles = flow.roles_for(stage, choice)
            assert any(role.holds(saved.conversation, slot.to, facts) for role in roles), (
                f"{slot.to.id} has a dead [{choice}] in {slot.name} while {stage}"
            )


def the_screen_shows_what_was_decided(
    saved: Record, chats: Mapping[str, DirectAdapter], words: Renderer, excused: Callable[[CardSlot], bool]
) -> None:
    """What nobody waits for any more stands on its reader's screen, with the buttons that were decided."""
    waiting = {errand.to for errand in saved.outbox.deliveries}
    for slot in saved.outbox.slots:
        if slot.to in waiting or slot.is_erased or excused(slot):
            continue
        assert slot.ref, f"{slot.to.id} was never shown {slot.content.card}"
        shown = chats[slot.to.platform].screens.at(slot.ref)
        assert shown, f"{slot.to.id} no longer sees {slot.content.card}"
        labels = [words.text(f"button-{choice}") for choice in slot.content.choices]
        assert [button.label for button in shown.body.buttons] == labels, f"{slot.to.id} sees an old {slot.name}"


def a_lock_screen_says_nothing(card: Card) -> None:
    """The words of a notification are one constant."""
    assert card.push == "You have a message.", "a lock screen says more"


def a_line_is_for_the_other_one(card: Card, reader: Person, witness: Witness, world: World) -> None:
    """A relay line is read by the one it was written to, and by nobody else."""
    if card.quote in witness.lines:
        writer, request = witness.lines[card.quote]
        saved = world.requests.get(request)
        assert reader != writer, "a line comes back to its writer"
        parties = {saved.conversation.clinician, saved.conversation.peer, *saved.conversation.passed} if saved else ()
        assert saved is None or reader in parties, "a line is read by a third person"


def names_are_known(
    told: str, reader: Person, named: Iterable[Person], may_know: Callable[[Person, Person, str], bool]
) -> None:
    """Nobody reads the name of a person who did not agree to it; `may_know` says who may read of whom, and how."""
    for person in named:
        assert reader == person or may_know(person, reader, told), f"{reader.id} reads of {person.id}: {told}"
