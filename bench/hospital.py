"""What the benchmarks press on: volunteers, requests whose clinician was asked how it is going, and their buttons."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.card_content import CardContent
from bot.crypto.vault import Vault
from bot.engine.codec import Stored, encode, id_of
from bot.engine.outbox import Action, CardSlot, Delivery, Outbox
from bot.store.base import Record
from conversations.immutable import replace
from conversations.model import Peer, Person
from conversations.peers.record import READY, PeerRecord
from conversations.support.request import ASKING, TOGETHER, Offer, Request, Wishes
from conversations.vocabulary import Kind, Timer

TEAM = "T0HOSPITAL"
VOLUNTEERS, CLINICIANS = 50, 200
CHECK_IN = ("okay-for-now", "talk-again", "something-else", "thirty-days", "no-more")
_DAY = timedelta(days=1)


def person(id: str) -> Person:
    return Person("slack", TEAM, id)


CLINICIAN = tuple(person(f"U1C{n:05d}") for n in range(CLINICIANS))
VOLUNTEER = tuple(person(f"U2V{n:05d}") for n in range(VOLUNTEERS))


@dataclass(frozen=True, slots=True)
class Button:
    """Something that can be pressed once."""

    user: str
    channel: str
    ts: str
    token: str = field(repr=False)


def volunteers(vault: Vault, now: datetime) -> list[Record]:
    """A roster of people who are ready."""
    made = []
    for n, who in enumerate(VOLUNTEER):
        peer = Peer(
            who,
            role=("nurse", "physician", "trainee")[n % 3],
            department=("emergency", "surgery", "icu")[n % 3],
            been_through=("event",),
            zone="America/New_York",
            trained_until=(now + 300 * _DAY).date(),
            since=now.date(),
        )
        talk = PeerRecord(id=id_of(Kind.PEER, who, vault), stage=READY, peer=peer)
        card = CardContent(who, "volunteer-ready", "standing", ("pause", "profile", "leave"))
        made.append(encode(Stored(talk, Kind.PEER.value, Outbox((_slot(who, card, n),))), vault, now))
    return [record for record in made if isinstance(record, Record)]


def together(number: int, now: datetime) -> Request:
    """Somebody who was brought together with a peer, and asked how it is going."""
    who, peer = CLINICIAN[number % CLINICIANS], VOLUNTEER[number % VOLUNTEERS]
    return Request(
        id=secrets.token_hex(16),
        stage=TOGETHER,
        deadlines={Timer.CLOSE: now + 10 * _DAY},
        clinician=who,
        zone="America/New_York",
        wishes=Wishes(about="event", role="nurse", department="emergency", leave_out=(VOLUNTEER[-1],)),
        searching_since=now - 3 * _DAY,
        wave=1,
        asked=VOLUNTEER[:5],
        peer=peer,
        alias=number % 40,
        clinician_named=True,
        peer_named=True,
        met=True,
        checked_in=now,
        touched=now - 2 * _DAY,
    )


def asking(now: datetime) -> Request:
    """Somebody for whom five peers are asked."""
    minutes = {Timer.WAVE: 10, Timer.HALF: 15, Timer.TARGET: 30}
    offers = tuple(Offer(who, alias) for alias, who in enumerate(VOLUNTEER[:5]))
    return Request(
        id=secrets.token_hex(16),
        stage=ASKING,
        deadlines={name: now + timedelta(minutes=after) for name, after in minutes.items()},
        clinician=CLINICIAN[0],
        zone="America/New_York",
        wishes=Wishes(about="event", role="nurse", department="emergency"),
        searching_since=now,
        wave=1,
        offers=offers,
        asked=tuple(offer.peer for offer in offers),
        touched=now,
    )


def mail_of(request: Request, number: int = 0) -> Outbox:
    """What stands in their chats; everything was delivered."""
    who, peer = request.clinician, request.peer
    if peer is None:
        by = {"by": request.deadlines[Timer.TARGET]}
        says = [CardContent(who, "support-asking", "status", ("change-my-mind",), times=by)]
        for offer in request.offers:
            answers = ("yes", "not-this-time", "not-today")
            says.append(CardContent(offer.peer, "peer-offer", "offer", answers, details={"alias": offer.alias}))
    else:
        says = [
            CardContent(who, "support-together", "status", ("someone-else", "close"), people={"peer": peer}, meet=peer),
            CardContent(peer, "peer-together", "offer", ("close",), people={"clinician": who}, meet=who),
            CardContent(peer, "peer-guide", "guide", ("hand-back",)),
            CardContent(who, "check-in-later", "check-in", CHECK_IN),
        ]
    return Outbox(tuple(_slot(say.to, say, number * len(says) + n) for n, say in enumerate(says)))


def _slot(who: Person, say: CardContent, number: int) -> CardSlot:
    ref = f"D0{who.id}/1700000000.{number:06d}"
    return CardSlot(who, say.slot, secrets.token_hex(8), generation=1, content=say, ref=ref, shown=1)


def check_ins(
    vault: Vault, count: int, now: datetime, *, owed: bool = False
) -> tuple[Sequence[Record], Sequence[Button]]:
    """So many requests, and for each the button that says "okay for now".

    Args:
        vault: Encrypts them.
        count: How many.
        now: The time.
        owed: Whether an edit of the clinician's card is on its way just now, as when a crash comes.
    """
    records, buttons = [], []
    for number in range(count):
        talk = together(number, now)
        mail = mail_of(talk, number)
        slot = mail.slots[-1]
        if owed:
            edit = Delivery(secrets.token_hex(8), slot.to, slot.name, Action.EDIT)
            mail = replace(mail, deliveries=(edit,)).marked_in_flight((edit.id,), now)
        channel, _, ts = (slot.ref or "").partition("/")
        record = encode(Stored(talk, Kind.REQUEST.value, mail), vault, now)
        if isinstance(record, Record):
            records.append(record)
            token = vault.token(talk.id, slot.key, slot.generation, "okay-for-now")
            buttons.append(Button(slot.to.id, channel, ts, token))
    return records, buttons
