"""Where the app is installed: what an installation is, and what is asked of whoever keeps them and their secrets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Installation:
    """One workspace, or a whole organisation: then `team` is empty. `at` is when, in whole seconds of Slack's clock."""

    team: str = field(repr=False)
    enterprise: str = field(repr=False)  # the organisation the workspace is of, or ""
    token: str = field(repr=False)
    bot_user: str = field(repr=False)
    scopes: tuple[str, ...]
    at: datetime

    @property
    def place(self) -> str:
        """The one id by which it is found."""
        return self.team or self.enterprise


class Installations(Protocol):
    """Asked before every call, by every replica: what it answers is what is true now."""

    async def find(self, place: str) -> Installation | None:
        """The installation in this workspace or organisation."""

    async def within(self, enterprise: str) -> Sequence[Installation]:
        """Those in single workspaces of an organisation."""

    async def keep(self, installation: Installation) -> None:
        """Write it down in place of the one before; when this returns it is durable."""

    async def remove(self, place: str, since: datetime) -> bool:
        """Destroy what was installed there until then; what was installed after it stays. Whether anything went."""


class States(Protocol):
    """What goes with a browser to Slack and comes back with it: nobody else can bring it, late or twice."""

    def issue(self) -> tuple[str, str]:
        """A state for the address, and its other half for a cookie."""

    async def opens(self, state: str, cookie: str) -> bool:
        """Whether these belong together, are fresh and unspent; any replica can tell. Writes nothing."""

    async def spend(self, state: str) -> bool:
        """Let it count once: whether this is the first time. To be asked only of one that opens."""
