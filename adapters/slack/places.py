"""Which of our installations a payload is about, and as whose people those in it are known.

Somebody of an organisation (Enterprise Grid) has one id in all its workspaces. Where SLACK_WORKSPACES lists the
organisation they are known by it, so that one human is one person however many of its workspaces they are in; else
by the workspace.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from adapters.base import Card
from adapters.slack.presses import Heard, Origin
from adapters.slack.slack import Slack


@dataclass(frozen=True, slots=True)
class Place:
    """Where we may speak, with which voice, and whose people they are there: an organisation's or a workspace's.

    `team` is the workspace itself, as far as Slack said.
    """

    slack: Slack
    workspace: str
    team: str

    def marked(self, heard: Heard) -> Heard:
        """The same press, with an address that says which of our chats it is."""
        if heard.press.address is None:
            return heard
        return replace(heard, press=replace(heard.press, address=self.slack.marked(heard.press.address)))


class Places(Protocol):
    """All of them: one, by its token, or as many as were installed."""

    @property
    def platform(self) -> str:
        """Slack's name in the house."""

    @property
    def api_url(self) -> str:
        """Where Slack is."""

    async def at(self, origin: Origin) -> Place | None:
        """Where this comes from, if we are there and may be. Raises what the store raises."""

    async def withdrawn(self, origin: Origin, at: datetime) -> bool:
        """Somebody took our access away then; whether that leaves us nowhere."""

    async def respond(self, url: str, card: Card) -> None:
        """Answer a press through the address Slack gave with it."""


def known_as(origin: Origin, allowed: Collection[str]) -> str:
    """The workspace or organisation of whoever is there; "" where we may not be."""
    return next((id_ for id_ in (origin.enterprise, origin.team) if id_ and id_ in allowed), "")


class TheOne:
    """The one workspace, or organisation, of a bot token. `allowed` empty: that one."""

    def __init__(self, slack: Slack, allowed: Collection[str]) -> None:
        self._slack, self._allowed = slack, frozenset(allowed)
        self.platform, self.api_url, self.respond = slack.platform, slack.api_url, slack.respond

    async def at(self, origin: Origin) -> Place | None:
        """Here, if that is where it comes from."""
        known = replace(origin, enterprise=origin.enterprise or self._slack.enterprise)
        workspace = known_as(known, self._allowed or {self._slack.team or self._slack.enterprise})
        return Place(self._slack, workspace, origin.team) if workspace else None

    async def withdrawn(self, origin: Origin, at: datetime) -> bool:
        """There is no other."""
        del at
        return await self.at(origin) is not None
