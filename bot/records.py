"""Between a conversation in memory and a sealed record in the store: the shapes on disk, and their upgrades."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Generic, TypeVar

import orjson
from pydantic import TypeAdapter, ValidationError

from bot import beyond
from bot.beyond import Beyond
from bot.outbox import Mail, appointed, due
from bot.store.base import Gone, Newer, Record
from bot.vault import Vault
from conversations.anywhere import Doorstep
from conversations.flow import FORGOTTEN, Conversation, Flow
from conversations.flows import DOORSTEP, SUPPORT, VOLUNTEERING
from conversations.model import Person
from conversations.request import Request
from conversations.volunteering import Volunteer

C = TypeVar("C", bound=Conversation)

Body = dict[str, Any]  # plain JSON: {"fields": …, "talk": …, "mail": …}
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
    beyond: Beyond | None = field(default=None, repr=False)  # what a newer version wrote there, and we carry


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
FIELDS = beyond.mark(Request, Volunteer, Doorstep, Mail)  # whoever writes these writes nothing we do not know
MIXED = ""  # more than the writer knew: to be looked at by everybody


def dump(saved: Saved[Any], vault: Vault, now: datetime) -> Record | Gone:
    """The record to write; a forgotten conversation is one to destroy."""
    talk, kind = saved.talk, saved.kind
    if talk.stage == FORGOTTEN:
        return Gone(talk.id, saved.revision)
    inside = KINDS[kind].talk.dump_json(talk), MAIL.dump_json(saved.mail)
    plain = b'{"fields":"%b","talk":%b,"mail":%b}' % (FIELDS.encode("ascii"), *inside)
    if saved.beyond is not None:
        plain = orjson.dumps(beyond.carried(saved.beyond, orjson.loads(plain)) | {"fields": MIXED})
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
    """Raises Damaged when the record does not open here, and Newer when there is something in it we cannot carry."""
    kind = KINDS.get(record.kind)
    if kind is None or record.shape > len(UPGRADES):
        raise Newer
    body: Body = orjson.loads(vault.open(record.kind, record.id, record.shape, record.sealed))
    for upgrade in UPGRADES[record.shape :]:
        body = upgrade(body)
    try:
        talk, mail = kind.talk.validate_python(body["talk"]), MAIL.validate_python(body["mail"])
    except (ValidationError, KeyError):
        raise Newer from None  # its words quote what they did not understand
    if not kind.flow.knows(talk):
        raise Newer
    more = None if body.get("fields") == FIELDS else _beyond(body, kind, talk, mail)
    return Saved(talk, record.kind, mail, record.revision, record.day, more)


def _beyond(body: Body, kind: Kind[Any], talk: Any, mail: Mail) -> Beyond | None:
    """Another version wrote it: whatever of it we would not write ourselves."""
    ours = {"talk": kind.talk.dump_python(talk, mode="json"), "mail": MAIL.dump_python(mail, mode="json")}
    return beyond.found({name: value for name, value in body.items() if name != "fields"}, ours)


def id_of(kind: str, of: str | Person, vault: Vault) -> str:
    """A request is known by its random id; a volunteer and a doorstep by a keyed hash of the person."""
    return of if isinstance(of, str) else vault.pseudonym(kind, of)
