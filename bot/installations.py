"""Slack's installations as records in the store, and the states of those under way. Neither says anything of a person.

The store is asked each time, so that every replica notices at once what was installed or removed; opened is only what
was not opened before.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

from pydantic import TypeAdapter

from adapters.slack.installations import Installation
from bot.step import SEEN_FOR
from bot.store.base import Damaged, Gone, Record, Stale, Store
from bot.vault import Vault

KIND: Final = "installation"
ORGANISATION: Final = "organisation"  # index: installations in single workspaces of it
LIFE: Final = timedelta(minutes=10)  # of a state

_SHAPE: Final = 0
_STATE: Final = "slack-state"
_TEXT = TypeAdapter(Installation)
_LONGEST = 1000  # characters of a state


class Installed:
    """Keeps installations: `Installations` for the adapter."""

    def __init__(self, store: Store, vault: Vault, now: Callable[[], datetime]) -> None:
        self._store, self._vault, self._now = store, vault, now
        self._opened: dict[str, tuple[bytes, Installation]] = {}

    async def find(self, place: str) -> Installation | None:
        """The installation there. Raises Damaged."""
        id_ = self._id(place)
        return self._open(id_, await self._store.load(id_))

    async def within(self, enterprise: str) -> Sequence[Installation]:
        """Those in single workspaces of an organisation. Raises Damaged."""
        ids = await self._store.find(ORGANISATION, self._vault.mark(ORGANISATION, enterprise))
        found = [self._open(id_, await self._store.load(id_)) for id_ in ids]
        return [installation for installation in found if installation is not None]

    async def keep(self, installation: Installation) -> None:
        """Write it down, whatever was there before."""
        id_ = self._id(installation.place)
        of = installation.team and installation.enterprise
        while True:
            known = await self._store.load(id_)
            record = Record(
                id=id_,
                kind=KIND,
                stage="installed",
                due=None,
                day=self._now().date(),
                revision=known.revision if known else 0,
                shape=_SHAPE,
                keys={ORGANISATION: (self._vault.mark(ORGANISATION, of),)} if of else {},
                sealed=self._vault.seal(KIND, id_, _SHAPE, _TEXT.dump_json(installation)),
            )
            try:
                return await self._store.save(record)
            except Stale:
                continue

    async def remove(self, place: str, since: datetime) -> bool:
        """Destroy it unless it is newer."""
        id_ = self._id(place)
        while True:
            record = await self._store.load(id_)
            installation = self._open(id_, record)
            if record is None or installation is None or installation.at > since:
                return False
            try:
                await self._store.save(Gone(id_, record.revision))
            except Stale:
                continue
            self._opened.pop(id_, None)
            return True

    def _id(self, place: str) -> str:
        return self._vault.mark(KIND, place)

    def _open(self, id_: str, record: Record | None) -> Installation | None:
        if record is None or record.kind != KIND:
            self._opened.pop(id_, None)
            return None
        sealed, known = self._opened.get(id_, (b"", None))
        if known is None or sealed != record.sealed:
            known = _TEXT.validate_json(self._vault.open(KIND, id_, record.shape, record.sealed))
            self._opened[id_] = (record.sealed, known)
        return known


class SealedStates:
    """`States` for the adapter: a sealed box that opens for one browser's cookie. Only that it was used is kept."""

    def __init__(self, store: Store, vault: Vault, now: Callable[[], datetime]) -> None:
        self._store, self._vault, self._now = store, vault, now

    def issue(self) -> tuple[str, str]:
        """Fresh for ten minutes."""
        cookie = secrets.token_urlsafe(32)
        until = (self._now() + LIFE).isoformat().encode("ascii")
        box = self._vault.seal(_STATE, _bound(cookie), _SHAPE, until)
        return base64.urlsafe_b64encode(box).rstrip(b"=").decode("ascii"), cookie

    async def opens(self, state: str, cookie: str) -> bool:
        """For this cookie, and until it was spent or ten minutes have passed."""
        box, now = _unwritten(state), self._now()
        try:
            until = datetime.fromisoformat(self._vault.open(_STATE, _bound(cookie), _SHAPE, box).decode("ascii"))
        except Damaged:
            return False
        return now < until <= now + LIFE and await self._store.load(self._used(state)) is None

    async def spend(self, state: str) -> bool:
        """Where two come at the same moment the store decides."""
        now = self._now()
        seen = Record(id=self._used(state), kind="seen", stage="seen", due=now + SEEN_FOR, day=now.date())
        try:
            await self._store.save(seen)
        except Stale:
            return False
        return True

    def _used(self, state: str) -> str:
        return self._vault.mark(_STATE, hashlib.sha256(_unwritten(state)).hexdigest())


def _bound(cookie: str) -> str:
    return hashlib.sha256(cookie.encode(errors="replace")).hexdigest()


def _unwritten(state: str) -> bytes:
    """The bytes a state stands for; none for whatever was not written by us."""
    try:
        if len(state) > _LONGEST:
            return b""
        return base64.b64decode(state.encode("ascii") + b"=" * (-len(state) % 4), b"-_", validate=True)
    except (ValueError, binascii.Error):
        return b""
