"""Who somebody is to Slack."""

from __future__ import annotations

from adapters.base import Profile
from adapters.plain import clean


def to_profile(user: object, team: str, known_in: str = "") -> Profile:
    """What `users.info` says. A guest, a bot, somebody who left or who comes from elsewhere is no member.

    Elsewhere is another workspace than `team`; where `known_in` is an organisation, another organisation than that.
    """
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
        member=not any(user.get(flag) for flag in outside) and _at_home(user, team, known_in),
    )


def _at_home(user: dict[object, object], team: str, known_in: str) -> bool:
    """Of this workspace, or of several in its organisation. `is_stranger` misses those who share a channel with us."""
    found = user.get("enterprise_user")
    organisation = found if isinstance(found, dict) else {}
    if known_in.startswith("E"):
        return organisation.get("enterprise_id") == known_in
    teams = organisation.get("teams")
    return user.get("team_id") in {None, team} or (isinstance(teams, list) and team in teams)
