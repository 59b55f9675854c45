"""Slack in several workspaces: one adapter for the house, and for each of them the voice with which it was installed.

Who keeps installations is asked before each call, so that a replica notices at once what another one heard. Where we
are not, or no longer, what is to be said stays owed: installing again delivers it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from adapters.base import Address, Card, Profile, Ref, Stopped, TryLater, Unreachable
from adapters.pace import Pace
from adapters.slack import quiet
from adapters.slack.app import App, NotInstalled
from adapters.slack.installations import Installation, Installations
from adapters.slack.manifest import SCOPES
from adapters.slack.places import Place, known_as
from adapters.slack.presses import Origin
from adapters.slack.slack import RATES, Slack, place_of
from conversations.model import Person

OWED_FOR: Final = timedelta(minutes=5)  # between two looks whether we are there again


class Workspaces:
    """Every workspace in which we are installed and which `allowed` lists, by itself or by its organisation."""

    platform: Final = "slack"
    opens_forms: Final = True

    def __init__(
        self,
        app: App,
        installations: Installations,
        allowed: Collection[str],
        pace: Callable[[], Pace] = lambda: Pace(RATES),
    ) -> None:
        if not allowed:
            raise ValueError("SLACK_WORKSPACES is empty: list the workspaces that may install the app")
        self.app = app
        self._installations = installations
        self._allowed = frozenset(allowed)
        self._pace = pace
        self._voices: dict[str, tuple[Installation, Slack]] = {}
        self._told: set[str] = set()  # places of which the operator knows that their token is not taken
        self.api_url, self.respond = app.api_url, app.respond
        self.start, self.close = app.start, app.close

    # ------------------------------------------------------------ the seam

    def look(self, to: Person, address: Address | None, changing: Ref | None) -> None:
        """Raise TryLater where that workspace's pace says so already."""
        known = self._voices.get(place_of(changing or address or "") or to.workspace)
        if known is not None:
            known[1].look(to, address, changing)

    async def show(self, to: Person, address: Address | None, card: Card, replacing: Ref | None) -> Ref:
        """Post or edit with the voice of the chat it stands in; else with the first that reaches them."""
        async for slack in self._voices_for(to, replacing or address):
            if replacing is not None and not _is_of(slack, replacing) and not card.buttons:
                return replacing  # it stands where we are no longer, and asks nothing
            try:
                return await slack.show(to, _own(slack, address), card, _own(slack, replacing))
            except Unreachable:
                continue
            except Stopped:
                raise self._shut(slack) from None
        raise Unreachable

    async def erase(self, ref: Ref, instead: Card) -> None:
        """Take a card away with the voice that posted it. One from before there were several is looked for."""
        found = False
        async for slack in self._voices_in([place_of(ref)] if place_of(ref) else sorted(self._allowed)):
            found = True
            try:
                await slack.erase(ref, instead)
            except Stopped:
                raise self._shut(slack) from None
        if not found:
            raise _Owed

    async def find(self, to: Person, address: Address | None, card_id: str) -> Ref | None:
        """The post that carries this card id, in whichever of our chats with them."""
        async for slack in self._voices_for(to, address):
            try:
                found = await slack.find(to, _own(slack, address), card_id)
            except Unreachable:
                continue
            except Stopped:
                raise self._shut(slack) from None
            if found is not None:
                return found
        return None

    async def profile(self, person: Person) -> Profile:
        """What the first workspace says that knows them as a member. Nobody, where we are not."""
        found = Profile(member=False)
        try:
            async for slack in self._voices_for(person, None):
                found = await slack.profile(person)
                if found.member:
                    return found
        except (_Owed, Stopped):
            return found  # that we are shut out there keeps nobody elsewhere from reading their card
        return found

    # ------------------------------------------------------------ whose voice

    async def _voice(self, place: str) -> Slack | None:
        """With which to speak there now, or None where we are not."""
        installation = await self._installations.find(place) if place else None
        if installation is None or not known_as(_origin(installation), self._allowed):
            self._voices.pop(place, None)
            return None
        return self._speaking(installation)

    def _speaking(self, installation: Installation) -> Slack:
        known = self._voices.get(installation.place)
        if known is not None and known[0] == installation:
            return known[1]
        slack = self.app.voice(installation, self._pace())
        self._voices[installation.place] = (installation, slack)
        self._told.discard(installation.place)
        return slack

    def _shut(self, slack: Slack) -> _Owed:
        """Slack does not take this token any more: the operator is told once."""
        if slack.place not in self._told:
            self._told.add(slack.place)
            quiet.withdrawn("token-refused")
        return _Owed()

    async def _voices_for(self, who: Person, at: str | None) -> AsyncIterator[Slack]:
        """First where it stands already, then wherever else they may be. Raises TryLater where we are nowhere."""
        found = False
        async for slack in self._voices_in([place_of(at or ""), who.workspace]):
            found = True
            yield slack
        if not found:
            raise _Owed

    async def _voices_in(self, places: Sequence[str]) -> AsyncIterator[Slack]:
        """Of these workspaces and organisations; after an organisation's own come those of its workspaces."""
        of = [await self._installations.within(place) for place in places if place.startswith("E")]
        within = (each.place for found in of for each in found)
        for place in dict.fromkeys((*places, *within)):
            slack = await self._voice(place)
            if slack is not None:
                yield slack

    # ------------------------------------------------------------ for the door

    async def at(self, origin: Origin) -> Place | None:
        """The installation a payload is about: the workspace's own, else its organisation's."""
        ids = (origin.enterprise, origin.team) if origin.organisation_wide else (origin.team, origin.enterprise)
        for id_ in ids:
            slack = await self._voice(id_)
            if slack is None:
                continue
            workspace = known_as(replace(origin, enterprise=slack.enterprise or origin.enterprise), self._allowed)
            return Place(slack, workspace, origin.team) if workspace else None
        return None

    async def withdrawn(self, origin: Origin, at: datetime) -> bool:
        """Forget the installation this is about, unless it was made since. The others are not concerned."""
        place = origin.enterprise if origin.organisation_wide or not origin.team else origin.team
        if place == origin.enterprise and (slack := await self._voice(place)) and await slack.is_known():
            return False  # taken out of one workspace of an organisation, which has it still
        if place and await self._installations.remove(place, at):
            self._voices.pop(place, None)
            quiet.withdrawn("uninstalled")
        return False

    # ------------------------------------------------------------ installing

    async def admit(self, code: str) -> Installation:
        """Turn Slack's code into an installation that may be. Raises NotInstalled, Stopped or TryLater."""
        installation = await self.app.exchange(code)
        refused = await self._why_not(installation)
        if refused:
            await self.app.give_back(installation)
            raise NotInstalled(refused)
        return installation

    async def install(self, installation: Installation) -> None:
        """Keep it. When this returns, every replica speaks with it."""
        for scope in sorted(frozenset(SCOPES) - frozenset(installation.scopes)):
            quiet.noted("scope-not-granted", scope)
        await self._installations.keep(installation)
        quiet.noted("workspace", "installed")

    async def _why_not(self, installation: Installation) -> str:
        if not known_as(_origin(installation), self._allowed):
            return "foreign"
        if installation.enterprise and installation.enterprise not in self._allowed:
            others = await self._installations.within(installation.enterprise)
            if any(other.team != installation.team for other in others):
                return "organisation"
        return ""


class _Owed(TryLater):
    """We are not there, or not any more. Nothing is logged: a line for each message would say when somebody asked."""

    def __init__(self) -> None:
        super().__init__(OWED_FOR)


def _origin(installation: Installation) -> Origin:
    return Origin(installation.team, installation.enterprise)


def _is_of(slack: Slack, address: str) -> bool:
    return place_of(address) in {"", slack.place}


def _own(slack: Slack, address: str | None) -> str | None:
    """The address, if it is of this voice."""
    return address if address is not None and _is_of(slack, address) else None
