"""Keeps Slack's installations as encrypted records in the store, and seals the OAuth states of those under way.

The store is read each time, so that every replica notices at once what was installed or removed; only a record that has
changed is decrypted again. Neither says anything about a person.
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

from adapters.slack.install.store import Installation
from bot.crypto.vault import Vault
from bot.engine.unit_of_work import SEEN_FOR
from bot.errors import Corrupt, StaleRevision
from bot.store.base import Deletion, Record, Store

KIND: Final = "installation"
ORGANISATION: Final = "organisation"
"""The index of installations in single workspaces, by the organisation that these belong to."""
STATE_LIFETIME: Final = timedelta(minutes=10)

_SHAPE: Final = 0
_STATE: Final = "slack-state"
_TEXT = TypeAdapter(Installation)
_LONGEST_STATE: Final = 1000  # characters


class SlackInstallationStore:
    """Keeps installations for the adapter, as its port `InstallationStore` asks."""

    def __init__(self, store: Store, vault: Vault, now: Callable[[], datetime]) -> None:
        """Keep them in `store`, encrypted by `vault`; `now` is the programme's time."""
        self._store, self._vault, self._now = store, vault, now
        self._decrypted: dict[str, tuple[bytes, Installation]] = {}

    async def find(self, place: str) -> Installation | None:
        """Return the installation in this workspace or organisation, or None. Raises Corrupt."""
        id_ = self._id(place)
        return self._open(id_, await self._store.load(id_))

    async def within(self, enterprise: str) -> Sequence[Installation]:
        """Return the installations in single workspaces of an organisation. Raises Corrupt."""
        ids = await self._store.find(ORGANISATION, self._vault.keyed_hash(ORGANISATION, enterprise))
        found = [self._open(id_, await self._store.load(id_)) for id_ in ids]
        return [installation for installation in found if installation is not None]

    async def save(self, installation: Installation) -> None:
        """Store an installation, in place of an earlier one for the same place."""
        id_ = self._id(installation.id)
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
                keys={ORGANISATION: (self._vault.keyed_hash(ORGANISATION, of),)} if of else {},
                sealed=self._vault.seal(KIND, id_, _SHAPE, _TEXT.dump_json(installation)),
            )
            try:
                return await self._store.save(record)
            except StaleRevision:
                continue

    async def remove(self, place: str, since: datetime) -> bool:
        """Delete the installation unless it was made after `since`. Returns whether one was deleted."""
        id_ = self._id(place)
        while True:
            record = await self._store.load(id_)
            installation = self._open(id_, record)
            if record is None or installation is None or installation.at > since:
                return False
            try:
                await self._store.save(Deletion(id_, record.revision))
            except StaleRevision:
                continue
            self._decrypted.pop(id_, None)
            return True

    def _id(self, place: str) -> str:
        return self._vault.keyed_hash(KIND, place)

    def _open(self, id_: str, record: Record | None) -> Installation | None:
        if record is None or record.kind != KIND:
            self._decrypted.pop(id_, None)
            return None
        sealed, known = self._decrypted.get(id_, (b"", None))
        if known is None or sealed != record.sealed:
            known = _TEXT.validate_json(self._vault.open(KIND, id_, record.shape, record.sealed))
            self._decrypted[id_] = (record.sealed, known)
        return known


class OAuthStateStore:
    """Issues OAuth states for the adapter, as its port `OAuthStates` asks.

    A state is encrypted data that opens only with the cookie of the browser it was issued to. All that is stored is
    that a state was used. Why there is one: https://www.rfc-editor.org/rfc/rfc6749#section-10.12
    """

    def __init__(self, store: Store, vault: Vault, now: Callable[[], datetime]) -> None:
        """Note the used ones in `store`; `now` is the programme's time."""
        self._store, self._vault, self._now = store, vault, now

    def issue(self) -> tuple[str, str]:
        """Return a new state, and the cookie it opens with; both are valid for ten minutes."""
        cookie = secrets.token_urlsafe(32)
        until = (self._now() + STATE_LIFETIME).isoformat().encode("ascii")
        box = self._vault.seal(_STATE, _bound(cookie), _SHAPE, until)
        return base64.urlsafe_b64encode(box).rstrip(b"=").decode("ascii"), cookie

    async def verify(self, state: str, cookie: str) -> bool:
        """Return whether this state was issued with this cookie less than ten minutes ago and was not used yet."""
        box, now = _decode(state), self._now()
        try:
            until = datetime.fromisoformat(self._vault.open(_STATE, _bound(cookie), _SHAPE, box).decode("ascii"))
        except Corrupt:
            return False
        return now < until <= now + STATE_LIFETIME and await self._store.load(self._used(state)) is None

    async def consume(self, state: str) -> bool:
        """Mark a state as used. Returns False where it was used before; of two at the same moment one is first."""
        now = self._now()
        seen = Record(id=self._used(state), kind="seen", stage="seen", due=now + SEEN_FOR, day=now.date())
        try:
            await self._store.save(seen)
        except StaleRevision:
            return False
        return True

    def _used(self, state: str) -> str:
        return self._vault.keyed_hash(_STATE, hashlib.sha256(_decode(state)).hexdigest())


def _bound(cookie: str) -> str:
    return hashlib.sha256(cookie.encode(errors="replace")).hexdigest()


def _decode(state: str) -> bytes:
    """Return the bytes that a state encodes; none where it is not one of ours."""
    try:
        if len(state) > _LONGEST_STATE:
            return b""
        return base64.b64decode(state.encode("ascii") + b"=" * (-len(state) % 4), b"-_", validate=True)
    except (ValueError, binascii.Error):
        return b""
