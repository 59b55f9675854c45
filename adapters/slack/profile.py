"""Reads a person's profile from Slack's answer. Pure."""

from __future__ import annotations

from adapters.base import Profile
from adapters.text import name

_OUTSIDERS = ("deleted", "is_bot", "is_workflow_bot", "is_restricted", "is_ultra_restricted", "is_stranger")


def to_profile(user: object, team: str, known_in: str = "") -> Profile:
    """Return the profile in the user object of `users.info`: https://docs.slack.dev/reference/objects/user-object.

    A guest, a bot, a person who left and a person of another workspace are no members.

    Args:
        user: The object, or whatever came in its place.
        team: Our workspace.
        known_in: What the person is known by. If it is an organisation, its other workspaces are ours too.
    """
    if not isinstance(user, dict):
        return Profile(member=False)
    about = user.get("profile")
    shown = about if isinstance(about, dict) else {}
    names = (shown.get("display_name"), shown.get("real_name"), user.get("real_name"))
    main = name(*names, user.get("name"))
    zone, locale = user.get("tz"), user.get("locale")
    return Profile(
        name=main,
        other_names=tuple(dict.fromkeys(called for each in names if (called := name(each)) not in {"", main})),
        zone=zone if isinstance(zone, str) else None,
        language=locale.partition("-")[0] if isinstance(locale, str) and locale else None,
        member=not any(user.get(flag) for flag in _OUTSIDERS) and _is_of(user, team, known_in),
        left=bool(user.get("deleted")),
    )


def _is_of(user: dict[object, object], team: str, known_in: str) -> bool:
    """Return whether the user is of this workspace or organisation. `is_stranger` misses those of Slack Connect."""
    found = user.get("enterprise_user")
    organisation = found if isinstance(found, dict) else {}
    if known_in.startswith("E"):
        return organisation.get("enterprise_id") == known_in
    teams = organisation.get("teams")
    return user.get("team_id") in {None, team} or (isinstance(teams, list) and team in teams)
