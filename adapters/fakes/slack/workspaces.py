"""Who and what there is at the fake Slack: workspaces and organisations, accounts, tokens, and chats with the bot."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from adapters.fakes.screens import Json

SCOPES: Final = "chat:write,commands,im:history,im:write,users:read"
TEAM: Final = "T0HOSPITAL"
APP: Final = "A0APP"


class SlackRefusal(Exception):
    """Slack says no; the message is its error code. https://docs.slack.dev/reference/methods"""


@dataclass(slots=True)
class Workspace:
    """A workspace, or an organisation that installs for all of its workspaces. Without a token the app is not in it."""

    id: str
    enterprise: str | None = None
    token: str = field(default="", repr=False)
    bot: str = "U0BOT"
    bot_id: str = "B0BOT"

    @property
    def wide(self) -> bool:
        """Whether this is an organisation."""
        return self.id.startswith("E")


class Workspaces:
    """All of them. The first one is where the app is installed from the start.

    lenient  any account and any chat exists as soon as it is asked for; for load tests, which write their data directly
    """

    def __init__(self, team: str, token: str, people: dict[str, Json], away: set[str], *, lenient: bool) -> None:
        self.first = team
        self.people, self.away = people, away
        self.lenient = lenient
        self.teams: dict[str, Workspace] = {team: Workspace(team, None, token)}
        self._handles: dict[str, str] = {}  # by id
        self._acts_in: dict[str, tuple[str, ...]] = {}  # by handle: the workspaces of an account, the first one first
        self._numbers = itertools.count(1)

    # ------------------------------------------------------------ accounts

    def adds(self, team: str, *, enterprise: str | None = None) -> str:
        """Add a workspace, perhaps of an organisation; or, by an id with E, an organisation. The app is not in it."""
        above = enterprise or (team if team.startswith("E") else None)
        self.teams[team] = Workspace(team, above, "", f"U{team}B", f"B{team}")
        return team

    def joins(
        self,
        user: str,
        *,
        id: str = "",
        name: str = "",
        tz: str = "America/New_York",
        locale: str = "en-US",
        team: str | tuple[str, ...] = (),
        **flags: Any,
    ) -> str:
        """Give a person an account in a workspace, or in several of one organisation. Returns its id.

        Args:
            user: The handle; also the id, unless one is given.
            id: The account's id.
            name: The display name, by default made from the handle.
            tz: The time zone, as IANA names it.
            locale: The language and region.
            team: The workspaces, the one where they act first at the beginning; by default the first one.
            flags: Further fields as in https://docs.slack.dev/reference/methods/users.info, such as `is_restricted`.
        """
        teams = self._acts_in[user] = (team,) if isinstance(team, str) else team or (self.first,)
        id = id or user
        if enterprise := self.teams[teams[0]].enterprise:
            flags = {"enterprise_user": {"id": id, "enterprise_id": enterprise, "teams": list(teams)}} | flags
        profile = {"display_name": name or user.title(), "real_name": name or user.title()}
        account = {"id": id, "team_id": teams[0], "name": user.lower(), "tz": tz, "locale": locale, "profile": profile}
        self.people[user] = account | flags
        self._handles[id] = user
        return id

    def clear(self) -> None:
        """Forget all accounts."""
        self.people.clear()
        self._handles.clear()
        self._acts_in.clear()

    def id_of(self, user: str) -> str:
        """The id of an account; of an unknown handle the handle itself, as of a guest from another workspace."""
        account = self.people.get(user)
        return str(account["id"]) if account else user

    def handle_of(self, id: object) -> str:
        """Whose account this is, or ""."""
        return self._handles.get(str(id), "")

    def known(self, id: object, speaking: Workspace) -> str:
        """The handle of an account that the app of this workspace can see. Raises SlackRefusal."""
        user = self.handle_of(id)
        if self.lenient and not user:
            self.joins(user := str(id))
        teams = self._acts_in.get(user, ())
        of_theirs = {self.teams[team].enterprise for team in teams}
        sees = speaking.id in teams or (speaking.wide and speaking.enterprise in of_theirs)
        if not user or user in self.away or not sees:
            raise SlackRefusal("user_not_found")
        return user

    def home(self, user: str, team: str | None = None) -> str:
        """The workspace a person acts in: this one, or else their first."""
        return team or self._acts_in.get(user, (self.first,))[0]

    # ------------------------------------------------------------ tokens

    def by_token(self, token: str) -> Workspace | None:
        """Where the app is known by this token."""
        return next((place for place in self.teams.values() if place.token and place.token == token), None)

    def app_in(self, team: str) -> Workspace:
        """The app that is seen there: the workspace's own, or else its organisation's."""
        place = self.teams.get(team) or Workspace(team)
        above = self.teams.get(place.enterprise or "")
        return above if above and above.token and not place.token else place

    def installed(self, team: str) -> Workspace:
        """The app is installed there from now on, with a token."""
        place = self.teams[team]
        place.token = place.token or f"xoxb-of-{team}-{next(self._numbers)}"
        return place

    # ------------------------------------------------------------ chats

    def chat(self, user: str, team: str = "") -> str:
        """The id of a person's chat with the app of a workspace."""
        id = self.id_of(user)
        return f"D0{id}" if team in {"", self.first} else f"D{team}X{id}"

    def owner(self, channel: object) -> str:
        """Whose chat with the app this is, or ""."""
        place, channel = self.team_of(channel), str(channel)
        id = channel.removeprefix("D0" if place == self.first else f"D{place}X")
        if self.lenient and id and not self.handle_of(id):
            self.joins(id)
        return self.handle_of(id)

    def team_of(self, channel: object) -> str:
        """The workspace a chat is of."""
        return next((team for team in self.teams if str(channel).startswith(f"D{team}X")), self.first)


class Stamps:
    """Numbers that are given once: timestamps of messages, triggers, ids of events and of views."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def number(self) -> int:
        """The next number."""
        return next(self._numbers)

    def message(self, now: datetime) -> str:
        """The `ts` of a message, which no other message has."""
        return f"{int(now.timestamp())}.{self.number():06d}"
