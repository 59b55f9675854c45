"""Between a conversation in memory and a sealed record in the store: the shapes on disk, and their upgrades."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Generic, TypeVar

import orjson
from pydantic import TypeAdapter

from bot.outbox import Mail, appointed, due
from bot.store.base import Gone, Record
from bot.vault import Vault
from conversations.anywhere import Doorstep
from conversations.flow import FORGOTTEN, Conversation, Flow
from conversations.flows import DOORSTEP, SUPPORT, VOLUNTEERING
from conversations.model import Person
from conversations.request import Request
from conversations.volunteering import Volunteer

C = TypeVar("C", bound=Conversation)

Body = dict[str, Any]  # plain JSON: {"talk": …, "mail": …}
UPGRADES: tuple[Callable[[Body], Body], ...] = ()  # UPGRADES[n] turns shape n into shape n + 1

PEER = "peer"  # index: requests that ask or hold this volunteer
CODE = "code"  # index: the volunteer who made this code


@dataclass(frozen=True, slots=True)
class Saved(Generic[C]):
    """One conversation with everything it shows and owes, at the revision it was read."""

    talk: C
    kind: str
    mail: Mail = field(default_factory=Mail)
    revision: int = 0
    day: date = field(default=date.min)


@dataclass(frozen=True, slots=True)
class Kind(Generic[C]):
    """How one kind of conversation is decided and kept."""

    flow: Flow[C]
    talk: TypeAdapter[C]
    keys: Callable[[C, Vault], Mapping[str, tuple[str, ...]]]


def _known_peers(request: Request, vault: Vault) -> Mapping[str, tuple[str, ...]]:
    holder = (request.peer,) if request.peer else ()
    return {PEER: tuple(vault.peer_key(PEER, who) for who in (*holder, *(offer.peer for offer in request.offers)))}


def _known_code(volunteer: Volunteer, vault: Vault) -> Mapping[str, tuple[str, ...]]:
    return {CODE: (vault.mark(CODE, volunteer.code),)} if volunteer.code else {}


KINDS: dict[str, Kind[Any]] = {
    "support": Kind(SUPPORT, TypeAdapter(Request), _known_peers),
    "volunteering": Kind(VOLUNTEERING, TypeAdapter(Volunteer), _known_code),
    "doorstep": Kind(DOORSTEP, TypeAdapter(Doorstep), lambda *_: {}),
}
MAIL = TypeAdapter(Mail)


def dump(saved: Saved[Any], vault: Vault, now: datetime) -> Record | Gone:
    """The record to write; a forgotten conversation is one to destroy."""
    talk, kind = saved.talk, saved.kind
    if talk.stage == FORGOTTEN:
        return Gone(talk.id, saved.revision)
    plain = b'{"talk":%b,"mail":%b}' % (KINDS[kind].talk.dump_json(talk), MAIL.dump_json(saved.mail))
    owed = (talk.due, due(saved.mail, now))
    planned = (talk.due, appointed(saved.mail, now))
    return Record(
        id=talk.id,
        kind=kind,
        stage=talk.stage,
        due=min((at for at in owed if at), default=None),
        day=saved.day if saved.revision else now.date(),
        revision=saved.revision,
        shape=len(UPGRADES),
        keys={index: keys for index, keys in KINDS[kind].keys(talk, vault).items() if keys},
        sealed=vault.seal(kind, talk.id, len(UPGRADES), plain),
        wake=min((at for at in planned if at), default=None),
    )


def load(record: Record, vault: Vault) -> Saved[Any]:
    """Raises Damaged when the record does not open here."""
    body: Body = orjson.loads(vault.open(record.kind, record.id, record.shape, record.sealed))
    for upgrade in UPGRADES[record.shape :]:
        body = upgrade(body)
    return Saved(
        KINDS[record.kind].talk.validate_python(body["talk"]),
        record.kind,
        MAIL.validate_python(body["mail"]),
        record.revision,
        record.day,
    )


def id_of(kind: str, of: str | Person, vault: Vault) -> str:
    """A request is known by its random id; a volunteer and a doorstep by a keyed hash of the person."""
    return of if isinstance(of, str) else vault.pseudonym(kind, of)
