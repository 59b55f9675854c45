"""Who somebody is to Slack, and remembering it for a while, in memory only."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final, Generic, TypeVar

from adapters.base import Profile
from adapters.slack.cards import clean

REMEMBERED: Final = 10_000

_T = TypeVar("_T")


def to_profile(user: object, team: str) -> Profile:
    """What `users.info` says. A guest, a bot, somebody who left or who comes from elsewhere is no member."""
    if not isinstance(user, dict):
        return Profile(member=False)
    about = user.get("profile")
    shown = about if isinstance(about, dict) else {}
    outside = ("deleted", "is_bot", "is_workflow_bot", "is_restricted", "is_ultra_restricted", "is_stranger")
    names = (shown.get("display_name"), shown.get("real_name"), user.get("real_name"), user.get("name"))
    zone, locale = user.get("tz"), user.get("locale")
    return Profile(
        name=clean(next((n for n in names if isinstance(n, str) and n.strip()), ""))[:80],
        zone=zone if isinstance(zone, str) else None,
        language=locale.partition("-")[0] if isinstance(locale, str) and locale else None,
        member=not any(user.get(flag) for flag in outside) and _at_home(user, team),
    )


def _at_home(user: dict[object, object], team: str) -> bool:
    """Of this workspace, or of several in its organisation. `is_stranger` misses those who share a channel with us."""
    organisation = user.get("enterprise_user")
    teams = organisation.get("teams") if isinstance(organisation, dict) else None
    return user.get("team_id") in {None, team} or (isinstance(teams, list) and team in teams)


class Recent(Generic[_T]):
    """The last ten thousand, so that memory ends somewhere."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, _T] = OrderedDict()

    def get(self, key: str) -> _T | None:
        if key in self._kept:
            self._kept.move_to_end(key)
        return self._kept.get(key)

    def put(self, key: str, value: _T) -> None:
        self._kept[key] = value
        if len(self._kept) > REMEMBERED:
            self._kept.popitem(last=False)

    def drop(self, key: str) -> None:
        self._kept.pop(key, None)
