"""What an installation is, and the ports through which installations and OAuth states are stored.

The implementations stand in `bot.server.slack_installations`, over the sealed store.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Installation:
    """The app in one workspace or in a whole organisation.

    Args:
        team: The workspace; "" for a whole organisation.
        enterprise: The organisation, or the one that the workspace is of; "" if there is none.
        token: The bot token.
        bot_user: The user id of the bot there.
        scopes: The scopes that were granted.
        at: When it was installed, in whole seconds of Slack's clock.
    """

    team: str = field(repr=False)
    enterprise: str = field(repr=False)
    token: str = field(repr=False)
    bot_user: str = field(repr=False)
    scopes: tuple[str, ...]
    at: datetime

    @property
    def id(self) -> str:
        """The id by which it is found: the workspace's, or else the organisation's."""
        return self.team or self.enterprise


class InstallationStore(Protocol):
    """Stores installations. It is read before every call, by every replica, so that all of them agree."""

    async def find(self, id_: str) -> Installation | None:
        """Return the installation in this workspace or organisation."""

    async def within(self, enterprise: str) -> Sequence[Installation]:
        """Return the installations in single workspaces of an organisation."""

    async def save(self, installation: Installation) -> None:
        """Replace the installation of the same id. Durable when it returns."""

    async def remove(self, id_: str, until: datetime) -> bool:
        """Delete an installation made no later than `until`, and return whether one was deleted."""


class OAuthStates(Protocol):
    """Issues the state that travels with a browser to Slack and back: for one browser, a short time, and once.

    https://docs.slack.dev/authentication/installing-with-oauth#state
    """

    def issue(self) -> tuple[str, str]:
        """Return a state for the address, and the cookie that belongs to it."""

    async def verify(self, state: str, cookie: str) -> bool:
        """Return whether these two belong together, are fresh and unused; any replica can tell. Writes nothing."""

    async def consume(self, state: str) -> bool:
        """Mark a verified state as used, and return whether this is the first time."""
