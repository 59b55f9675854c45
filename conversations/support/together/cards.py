"""What the two read while they are together: who the other is, how to reach them, and how to listen.

Each knows the other by name or by a code name; which of the two stands in `clinician_named` and `peer_named`.
"""

from __future__ import annotations

from conversations import slots
from conversations.model import Facts, Message, Person, Post
from conversations.options import AT_LAW, topics
from conversations.support.request import Request, code_name
from conversations.vocabulary import CardKind, Choice


def cards(request: Request, facts: Facts) -> tuple[Message, Message]:
    """What the clinician reads while the two talk, and what the peer reads."""
    return clinician_card(request, facts), peer_card(request, facts)


def clinician_card(request: Request, facts: Facts) -> Message:
    """Who the peer is to the clinician, and how to reach them."""
    assert request.peer is not None
    share = () if request.clinician_named else (Choice.SHARE_NAME,)
    known = request.peer if request.peer_named else None
    return Message(
        request.clinician,
        _card_together(_CLINICIANS, request, known),
        slots.STATUS,
        (*_pen_for(request, facts), *share, Choice.FIND_TIME, Choice.SOMEONE_ELSE, Choice.CLOSE),
        details={"peer-alias": code_name(request, request.alias), "way": _way_of_peer(request, facts)},
        people={"peer": known} if known else {},
        meet=_to_meet(request, known),
    )


def peer_card(request: Request, facts: Facts) -> Message:
    """Who the clinician is to the peer, and how to reach them.

    From here on the peer can know what it is about. Whoever was a witness of it, or may have to judge it, hands back
    like anyone: nothing that is kept, shown or timed tells why, because the law may take protection from such a talk.
    """
    assert request.peer is not None
    share = () if request.peer_named else (Choice.SHARE_NAME,)
    known = request.clinician if request.clinician_named else None
    return Message(
        request.peer,
        _card_together(_PEERS, request, known),
        slots.OFFER,
        (*_pen_for(request, facts), *share, Choice.FIND_TIME, Choice.FINISHED, Choice.WAS_THERE),
        details={"alias": code_name(request, request.alias), "when": request.wishes.when, "how": request.wishes.how},
        people={"clinician": known} if known else {},
        meet=_to_meet(request, known),
    )


def _to_meet(request: Request, known: Person | None) -> Person | None:
    """Half named, they go on writing; that no link leads to the other is said when both are named."""
    return known if _named(request) or not _apart(request) else None


# By what the two know of each other: both named and a link leads from one to the other, both named and none does,
# neither named, the reader alone named, the other one named.
_CLINICIANS = (
    CardKind.SUPPORT_TOGETHER,
    CardKind.SUPPORT_APART,
    CardKind.SUPPORT_RELAY,
    CardKind.SUPPORT_RELAY_SHARED,
    CardKind.SUPPORT_RELAY_NAMED,
)
_PEERS = (
    CardKind.PEER_TOGETHER,
    CardKind.PEER_APART,
    CardKind.PEER_RELAY,
    CardKind.PEER_RELAY_SHARED,
    CardKind.PEER_RELAY_NAMED,
)


def _card_together(kinds: tuple[CardKind, ...], request: Request, known: Person | None) -> CardKind:
    """Which of the five cards holds between the two now."""
    together, apart, relay, relay_shared, relay_named = kinds
    if _named(request):
        return apart if _apart(request) else together
    if known:
        return relay_named
    return relay_shared if request.clinician_named or request.peer_named else relay


def _apart(request: Request) -> bool:
    """On two platforms, or in two workspaces, no chat of theirs can be opened: the bot stays between them."""
    return request.peer is not None and request.clinician.is_apart_from(request.peer)


def _pen_for(request: Request, facts: Facts) -> tuple[Choice, ...]:
    relay = not _named(request) or (_apart(request) and facts.programme.relay)
    return (Choice.WRITE,) if relay else ()


def _way_of_peer(request: Request, facts: Facts) -> str:
    """How they like to be reached, where they said one thing."""
    ways = next((peer.ways for peer in facts.peers if peer.person == request.peer), ())
    return ways[0] if len(ways) == 1 else "any"


def guide_card(request: Request, facts: Facts) -> Message:
    """How to listen. *I'm worried* stands on it only where there is a person on call."""
    assert request.peer is not None
    worried = (Choice.WORRIED,) if facts.programme.on_call else ()
    return Message(request.peer, CardKind.PEER_GUIDE, slots.GUIDE, (*worried, Choice.HAND_BACK))


def lawsuit_cards(request: Request) -> tuple[Post, ...]:
    """Say to both that what is said to a peer may not be protected by law, where a complaint is what it is about."""
    if request.peer is None or topics((request.wishes.about,)).isdisjoint(AT_LAW):
        return ()
    both = (request.clinician, request.peer)
    return tuple(Post(Message(who, CardKind.LAWSUIT, slots.LAWSUIT)) for who in both)


def about_them(
    request: Request, card: CardKind, named: CardKind, slot: slots.Slot, choices: tuple[Choice, ...]
) -> Message:
    """A card for the peer that mentions the clinician, by whatever name this peer knows.

    Args:
        request: The request, with a peer.
        card: What it says where the peer knows a code name.
        named: What it says where the peer knows the name.
        slot: Where it stands.
        choices: Its buttons.
    """
    assert request.peer is not None
    if request.clinician_named:
        return Message(request.peer, named, slot, choices, people={"clinician": request.clinician})
    return Message(request.peer, card, slot, choices, details={"alias": code_name(request, request.alias)})


def _named(request: Request) -> bool:
    return request.clinician_named and request.peer_named
