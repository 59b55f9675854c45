"""Exceptions that more than one room raises or handles.

They are named after what is wrong in the world. Where an operator may read one, its message is a sentence that says
what to do.
"""

from __future__ import annotations

import errno
from typing import Final

FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
"""The numbers by which the system says that a disk, or what one user may use of it, is full."""


class StaleRevision(Exception):
    """Another writer changed one of the records since it was read. Nothing was saved; read again and decide anew."""


class Corrupt(Exception):
    """Stored bytes do not decrypt: wrong key, wrong record, or changed. They are never treated as an empty store."""


class WrittenByNewerVersion(Exception):
    """A newer release wrote this record. Leave it unchanged; a replica of that release will process it."""


class Damaged(Corrupt):
    """What is stored was changed or cut after it was written. The message says what to do."""


KEY_RING_MISMATCH: Final = (
    "PEERSUPPORT_KEY_RING is not the ring this store was written with, or an older copy of it: name the folder that "
    "every other `serve` of this store uses; if that is lost, see `peersupport keys lost`."
)


class KeyRingMismatch(Corrupt):
    """The store is encrypted under a key that this key ring does not hold. The message says what to do."""

    def __init__(self) -> None:
        """Use the one message that this has."""
        super().__init__(KEY_RING_MISMATCH)


class StoreInUse(Exception):
    """Another process holds this store; the message says which one and what to do."""


class DatabaseUnavailable(Exception):
    """The database did not answer, or refused.

    When a save raises this, its outcome is unknown: read before writing again.

    Args:
        state: PostgreSQL's SQLSTATE code, or "" where there is none. Nothing else of the server's message is kept,
            because it may quote a value: https://www.postgresql.org/docs/current/errcodes-appendix.html
    """

    def __init__(self, state: str = "") -> None:
        """Keep the code alone."""
        super().__init__(state)
        self.state = state

    def sentence(self) -> str:
        """Say to an operator what to look at."""
        if self.state.startswith("28"):
            return "PostgreSQL does not accept the user or the password in PEERSUPPORT_STORE: correct them."
        if self.state == "3D000":
            return "The database that PEERSUPPORT_STORE names does not exist: have it created."
        if self.state == "42501":
            return "PostgreSQL does not let the user of PEERSUPPORT_STORE do this: make it the owner of the database."
        if self.state == "53100":
            return "The disk of the server of PEERSUPPORT_STORE is full: make room there, and run this again."
        said = f"says {self.state}" if self.state else "does not answer"
        return f"The server of PEERSUPPORT_STORE {said}: look at the address, the server and the firewall."


class NotServable(Exception):
    """This store or key ring cannot be served from; the message is a sentence that says what to do."""
