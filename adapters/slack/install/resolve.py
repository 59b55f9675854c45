"""Finds the installation that a payload is about, and the workspace id by which the people in it are known.

A person of an organisation (Enterprise Grid) has one id in all its workspaces. Where SLACK_WORKSPACES lists the
organisation, people are known by it, so that one human is one person in however many of its workspaces; otherwise they
are known by the workspace.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from adapters.slack.adapter import SlackAdapter
from adapters.slack.client import SlackApi
from adapters.slack.parse import Origin, SlackInteraction


@dataclass(frozen=True, slots=True)
class ResolvedWorkspace:
    """Where a payload comes from.

    Args:
        slack: The adapter that may speak there.
        known_as: The id of the workspace or organisation by which the people there are known.
        team: The workspace itself, as far as Slack said.
    """

    slack: SlackAdapter
    known_as: str
    team: str

    def qualified(self, found: SlackInteraction) -> SlackInteraction:
        """Return the same interaction, with an address that names the installation."""
        interaction = found.interaction
        if interaction.address is None or not self.slack.installation_id:
            return found  # one installation needs no name
        return replace(found, interaction=replace(interaction, address=self.slack.qualify(interaction.address)))


class WorkspaceResolver(Protocol):
    """Knows every workspace the app is installed in: one, by its token, or those that were installed by OAuth."""

    @property
    def platform(self) -> str:
        """The name of the platform."""

    @property
    def api(self) -> SlackApi:
        """Where Slack is."""

    async def resolve(self, origin: Origin) -> ResolvedWorkspace | None:
        """Return where a payload comes from, or None if the app is not installed there or may not be used there.

        Raises:
            Exception: What the store of installations raises.
        """

    async def uninstalled(self, origin: Origin, at: datetime) -> bool:
        """Note that access was revoked at this time, and return whether that leaves no workspace at all.

        Slack's events are asked about first: one of them may speak of a token that has been replaced since.

        Raises:
            RetryLater: Slack does not say now whether it accepts the token.
        """


def known_as(origin: Origin, allowed: Collection[str]) -> str:
    """Return the allowed id, of the organisation or else of the workspace, by which people there are known, or ""."""
    return next((id_ for id_ in (origin.enterprise, origin.team) if id_ and id_ in allowed), "")


class SingleWorkspace:
    """The one workspace, or organisation, of a bot token.

    Args:
        slack: Its adapter.
        allowed: The ids that are let in; if empty, the token's own.
    """

    def __init__(self, slack: SlackAdapter, allowed: Collection[str]) -> None:
        self._slack, self._allowed = slack, frozenset(allowed)
        self.platform, self.api = slack.platform, slack.api

    async def resolve(self, origin: Origin) -> ResolvedWorkspace | None:
        """Return the workspace if the payload comes from it."""
        known = replace(origin, enterprise=origin.enterprise or self._slack.enterprise)
        found = known_as(known, self._allowed or {self._slack.team or self._slack.enterprise})
        return ResolvedWorkspace(self._slack, found, origin.team) if found else None

    async def uninstalled(self, origin: Origin, at: datetime) -> bool:
        """Return whether it is this workspace, and Slack refuses the token; there is no other."""
        del at
        at_ours = await self.resolve(origin)
        return at_ours is not None and await at_ours.slack.is_refused()
