"""What the engine asks of a database, and nothing more."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import ClassVar, Protocol


@dataclass(frozen=True, slots=True)
class Record:
    """One document: clear columns that say nothing about a person, keyed hashes, and one sealed blob.

    `id` is random, or a keyed hash of somebody. `revision` is the one that was read: 0 for a record never stored.
    `keys` maps an index to the keyed hashes under which this record is found there. `wake` is when somebody has to be
    woken for it; it falls due earlier where a crash might leave something half done. It is written, and not read back.
    """

    id: str = field(repr=False)
    kind: str
    stage: str
    due: datetime | None
    day: date
    revision: int = 0
    shape: int = 0
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
    sealed: bytes = field(default=b"", repr=False)
    wake: datetime | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Gone:
    """This record is to be destroyed, if it is still at the revision that was read."""

    id: str = field(repr=False)
    revision: int


class Stale(Exception):
    """Somebody else wrote one of these records since we read it. Nothing was saved: read again."""


class Damaged(Exception):
    """Stored bytes do not open: wrong key, wrong place, or changed. Never treated as empty."""


class NoAnswer(Exception):
    """The database did not answer, or refused. After a save nobody knows whether it is written: begin with a read.

    `state` is PostgreSQL's code for what happened, or empty; nothing else of what it said may be known.
    """

    def __init__(self, state: str = "") -> None:
        super().__init__(state)
        self.state = state

    def sentence(self) -> str:
        """What to look at, for an operator."""
        if self.state.startswith("28"):
            return "PostgreSQL does not accept the user or the password in PEERSUPPORT_STORE: correct them."
        if self.state == "3D000":
            return "The database that PEERSUPPORT_STORE names does not exist: have it created."
        if self.state == "42501":
            return "PostgreSQL does not let the user of PEERSUPPORT_STORE do this: make it the owner of the database."
        said = f"says {self.state}" if self.state else "does not answer"
        return f"The server of PEERSUPPORT_STORE {said}: look at the address, the server and the firewall."


class Unfit(Exception):
    """This database cannot be served from; the message is a sentence with its fix."""


class Store(Protocol):
    """Durable records. Every method may be called from many tasks at once.

    `shared` says whether other processes may use the same records at the same time.
    """

    shared: ClassVar[bool]

    async def load(self, id: str) -> Record | None:
        """The newest durable-or-pending version, or None."""

    async def save(self, *changes: Record | Gone) -> None:
        """All or nothing, and durable when it returns. Each record becomes `revision + 1`. Raises Stale."""

    async def due(self, before: datetime, limit: int = 1000) -> Sequence[str]:
        """Ids whose `due` is not after `before`, earliest first."""

    async def claim(self, before: datetime, limit: int, beside: Collection[str] = ()) -> Sequence[str]:
        """As `due`, for whoever acts on it: nobody else is given these for a minute from then, or until one is saved.

        `beside` are those that whoever asks has looked at already.
        """

    async def give_back(self, ids: Collection[str]) -> None:
        """These were claimed, and nothing came of it now: whoever looks next is given them again."""

    async def next_due(self) -> datetime | None:
        """When the earliest record falls due, or None."""

    async def find(self, index: str, key: str) -> Sequence[str]:
        """Ids of the records that carry this keyed hash in this index; costs what it finds, not what is stored."""

    async def kind(self, kind: str) -> Sequence[Record]:
        """Every record of one kind; used for the roster, which is small."""

    async def purge(self) -> None:
        """Leave no byte of what was destroyed; safe to call at any time."""

    async def check(self) -> None:
        """Raise if writing is not possible now (used by /readyz)."""

    async def close(self) -> None:
        """Finish what is being written and let go of the lock."""
