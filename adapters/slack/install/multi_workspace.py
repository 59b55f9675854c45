"""Slack in several workspaces: one adapter for the engine, and one of each workspace the app is installed in.

The store of installations is read before each call, so that a replica notices at once what another one was told. Where
the app is not installed, or no longer, a delivery stays in the outbox: installing the app again delivers it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from adapters.base import AccessRevoked, Address, Card, Profile, Ref, RetryLater, Unreachable
from adapters.rate_limit import RateLimiter
from adapters.slack import log
from adapters.slack.adapter import SlackAdapter, installation_of
from adapters.slack.client import RATES
from adapters.slack.install.app import NotInstalled, SlackApp
from adapters.slack.install.resolve import ResolvedWorkspace, known_as
from adapters.slack.install.store import Installation, InstallationStore
from adapters.slack.package.manifest import SCOPES
from adapters.slack.parse import Origin
from conversations.model import Person

NOT_INSTALLED_RETRY: Final = timedelta(minutes=5)
"""How often it is tried again to deliver where the app is not installed."""


class MultiWorkspaceSlack:
    """Every workspace the app is installed in and that is allowed, by its own id or its organisation's.

    Args:
        app: The Slack app.
        installations: Where installations are stored.
        allowed: The ids of workspaces and organisations that may install the app.
        pace: Makes the rate limits of one workspace.
    """

    platform: Final = "slack"
    opens_forms: Final = True
    notifies_in_full: Final = True

    def __init__(
        self,
        app: SlackApp,
        installations: InstallationStore,
        allowed: Collection[str],
        pace: Callable[[], RateLimiter] = lambda: RateLimiter(RATES),
    ) -> None:
        if not allowed:
            raise ValueError("SLACK_WORKSPACES is empty: list the workspaces that may install the app")
        self.app, self.api = app, app.api
        self._installations = installations
        self._allowed = frozenset(allowed)
        self._pace = pace
        self._adapters: dict[str, tuple[Installation, SlackAdapter]] = {}
        self._reported: set[str] = set()  # installations of which the operator knows that their token is refused

    async def start(self) -> None:
        """Start the app. Raises as `SlackApp.start` does."""
        await self.app.start()

    async def close(self) -> None:
        """Close the session."""
        await self.app.close()

    # ------------------------------------------------------------ adapters.base.Adapter

    def check_rate(self, to: Person, address: Address | None, changing: Ref | None, *, awaited: bool = False) -> None:
        """Raise RetryLater if the workspace's rate limits would make it wait."""
        known = self._adapters.get(installation_of(changing or address or "") or to.workspace)
        if known is not None:
            known[1].check_rate(to, address, changing, awaited=awaited)

    async def deliver(self, to: Person, address: Address | None, card: Card, replacing: Ref | None) -> Ref:
        """Post or edit as the bot of the chat it stands in, or else as the first that reaches the person."""
        async for slack in self._adapters_for(to, replacing or address):
            if replacing is not None and not _is_of(slack, replacing) and not card.buttons:
                return replacing  # it stands where the app is no longer installed, and asks nothing
            try:
                ref = await slack.deliver(to, _own(slack, address), card, _own(slack, replacing))
            except Unreachable:
                continue
            except AccessRevoked:
                raise self._refused(slack) from None
            self._reported.discard(slack.installation_id)
            return ref
        raise Unreachable

    async def erase(self, ref: Ref, instead: Card) -> None:
        """Delete a post as the bot that posted it. A reference that names no bot is tried with each."""
        found = False
        id_ = installation_of(ref)
        async for slack in self._adapters_in([id_] if id_ else sorted(self._allowed)):
            found = True
            try:
                await slack.erase(ref, instead)
            except AccessRevoked:
                raise self._refused(slack) from None
        if not found:
            raise _NowhereInstalled

    async def find(self, to: Person, address: Address | None, card_id: str) -> Ref | None:
        """Return the post that carries this card id, in whichever of the bot's chats with the person."""
        async for slack in self._adapters_for(to, address):
            try:
                found = await slack.find(to, _own(slack, address), card_id)
            except Unreachable:
                continue
            except AccessRevoked:
                raise self._refused(slack) from None
            if found is not None:
                return found
        return None

    async def is_accepted(self) -> bool:
        """Return True: what one workspace refuses is no refusal of the others, and is reported for itself."""
        return True

    async def profile(self, person: Person) -> Profile:
        """Return the profile in the first workspace where the person is a member, or that of no member."""
        found = Profile(member=False)
        try:
            async for slack in self._adapters_for(person, None):
                found = await slack.profile(person)
                if found.member:
                    return found
        except (_NowhereInstalled, AccessRevoked):
            return found  # a revoked token there keeps no one elsewhere from reading their card
        return found

    # ------------------------------------------------------------ which adapter

    async def _adapter(self, id_: str) -> SlackAdapter | None:
        """Return the adapter of an installation as it now stands in the store, or None."""
        installation = await self._installations.find(id_) if id_ else None
        if installation is None or not known_as(_origin(installation), self._allowed):
            self._adapters.pop(id_, None)
            return None
        known = self._adapters.get(id_)
        if known is not None and known[0] == installation:
            return known[1]
        slack = self.app.adapter(installation, self._pace())
        self._adapters[installation.id] = (installation, slack)
        self._reported.discard(installation.id)
        return slack

    def _refused(self, slack: SlackAdapter) -> _NowhereInstalled:
        """Report once that Slack no longer accepts this token."""
        if slack.installation_id not in self._reported:
            self._reported.add(slack.installation_id)
            log.workspace_lost("token-refused")
        return _NowhereInstalled()

    async def _adapters_for(self, person: Person, at: str | None) -> AsyncIterator[SlackAdapter]:
        """Yield the adapter of the chat, then those of wherever else the person may be. Raises RetryLater for none."""
        found = False
        async for slack in self._adapters_in([installation_of(at or ""), person.workspace]):
            found = True
            yield slack
        if not found:
            raise _NowhereInstalled

    async def _adapters_in(self, ids: Sequence[str]) -> AsyncIterator[SlackAdapter]:
        """Yield the adapters of these workspaces and organisations, and then those of an organisation's workspaces."""
        of = [await self._installations.within(id_) for id_ in ids if id_.startswith("E")]
        within = (each.id for found in of for each in found)
        for id_ in dict.fromkeys((*ids, *within)):
            slack = await self._adapter(id_)
            if slack is not None:
                yield slack

    # ------------------------------------------------------------ for the webhook

    async def resolve(self, origin: Origin) -> ResolvedWorkspace | None:
        """Return the installation a payload is for: the workspace's own, or else its organisation's."""
        ids = (origin.enterprise, origin.team) if origin.organisation_wide else (origin.team, origin.enterprise)
        for id_ in ids:
            slack = await self._adapter(id_)
            if slack is None:
                continue
            found = known_as(replace(origin, enterprise=slack.enterprise or origin.enterprise), self._allowed)
            return ResolvedWorkspace(slack, found, origin.team) if found else None
        return None

    async def uninstalled(self, origin: Origin, at: datetime) -> bool:
        """Delete the installation this is about, unless it was made since. Never leaves no workspace: False."""
        id_ = origin.enterprise if origin.organisation_wide or not origin.team else origin.team
        if (slack := await self._adapter(id_)) and not await slack.is_refused():
            return False  # of an older token, or removed from one workspace of an organisation that still has it
        if id_ and await self._installations.remove(id_, at):
            self._adapters.pop(id_, None)
            log.workspace_lost("uninstalled")
        return False

    # ------------------------------------------------------------ installing

    async def admit(self, code: str) -> Installation:
        """Exchange a code for an installation, and revoke it if it is not allowed.

        Raises:
            NotInstalled, AccessRevoked, RetryLater: As `SlackApp.exchange` does; NotInstalled also where the workspace
                is not allowed.
        """
        installation = await self.app.exchange(code)
        refused = await self._reason_to_refuse(installation)
        if refused:
            await self.app.revoke(installation)
            raise NotInstalled(refused)
        return installation

    async def install(self, installation: Installation) -> None:
        """Store an installation. Every replica uses it when this returns."""
        for scope in sorted(frozenset(SCOPES) - frozenset(installation.scopes)):
            log.noted("scope-not-granted", scope)
        await self._installations.save(installation)
        log.noted("workspace", "installed")

    async def _reason_to_refuse(self, installation: Installation) -> str:
        if not known_as(_origin(installation), self._allowed):
            return "foreign"
        if installation.enterprise and installation.enterprise not in self._allowed:
            others = await self._installations.within(installation.enterprise)
            if any(other.team != installation.team for other in others):
                return "organisation"
        return ""


class _NowhereInstalled(RetryLater):
    """The app is not installed there. Not logged: a line for each message would say when a person asked."""

    def __init__(self) -> None:
        super().__init__(NOT_INSTALLED_RETRY)


def _origin(installation: Installation) -> Origin:
    return Origin(installation.team, installation.enterprise)


def _is_of(slack: SlackAdapter, address: str) -> bool:
    return installation_of(address) in {"", slack.installation_id}


def _own(slack: SlackAdapter, address: str | None) -> str | None:
    """Return the address if it is one of this adapter's."""
    return address if address is not None and _is_of(slack, address) else None
