"""What has to be set before people can be served, and what excludes what; each answer is a sentence with its fix."""

from __future__ import annotations

from collections.abc import Iterator

from bot.config.settings import Settings, must_be
from conversations.model import Person

_BY_TOKEN = ("SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET")
_BY_OAUTH = ("SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET", "SLACK_SIGNING_SECRET")
_TEAMS = ("TEAMS_CLIENT_ID", "TEAMS_CLIENT_SECRET", "TEAMS_TENANT_ID")
_NOT_WITH_OAUTH = {
    "SLACK_APP_TOKEN": "Socket Mode is for one workspace. Remove it and let Slack call us over HTTP; or keep it, with "
    "SLACK_BOT_TOKEN",
    "SLACK_BOT_TOKEN": "remove it, and install the app from /slack/install; or keep it, for one workspace",
}


def unmet(settings: Settings) -> Iterator[str]:
    """What `serve` still needs; none when it can start. A setting that is there and empty is refused as it is read."""
    wanted = ["PEERSUPPORT_ROOT_KEY"]
    if settings.slack:
        by_token = _BY_TOKEN[:1] if "SLACK_APP_TOKEN" in settings.raw else _BY_TOKEN  # Socket Mode signs nothing
        wanted += _BY_OAUTH if settings.slack_oauth else by_token
    if settings.teams:
        wanted += _TEAMS
    yield from (f"{name} is not set: it is {must_be(name)}" for name in wanted if name not in settings.raw)
    yield from _contradictions(settings)


def _contradictions(settings: Settings) -> Iterator[str]:
    """What else keeps the programme from serving. Who may end an installation from our page is never left open."""
    said = {name: raw.value for name, raw in settings.raw.items() if raw.value}
    if settings.slack_oauth and "SLACK_WORKSPACES" not in said:
        yield (
            "SLACK_WORKSPACES is empty: with SLACK_CLIENT_ID it has to list the workspaces that may install the app, "
            "by their ids (T...), or their organisation (E...)."
        )
    for name, why in _NOT_WITH_OAUTH.items():
        if settings.slack_oauth and name in settings.raw:
            yield f"{name} is set beside SLACK_CLIENT_ID: {why}, and remove SLACK_CLIENT_ID and SLACK_CLIENT_SECRET."
    if not settings.slack and not settings.teams:
        yield (
            "No chat platform is configured: set SLACK_BOT_TOKEN and SLACK_SIGNING_SECRET for Slack, or "
            "TEAMS_CLIENT_ID, TEAMS_CLIENT_SECRET and TEAMS_TENANT_ID for Teams. "
            "To only look around, run `peersupport demo`."
        )
    if "PEERSUPPORT_COORDINATORS" not in said and said.get("PEERSUPPORT_APPROVAL") != "automatic":
        yield (
            "PEERSUPPORT_COORDINATORS is empty: name at least one, as slack:WORKSPACE:USER or teams:TENANT:OBJECTID. "
            "For a trial without one set PEERSUPPORT_APPROVAL=automatic."
        )


def out_of_reach(settings: Settings) -> Iterator[str]:
    """Whom no message of ours could reach. Silent while no platform is configured: `unmet` says that once."""
    on_call = settings.on_call.person if settings.on_call else None
    named = {"PEERSUPPORT_COORDINATORS": settings.coordinators, "PEERSUPPORT_ON_CALL": (on_call,) if on_call else ()}
    for name, person in ((name, person) for name, people in named.items() for person in people):
        if why := _why_unreachable(settings, person):
            yield f"{name} names someone {why}"


def _why_unreachable(settings: Settings, person: Person) -> str:
    slack, teams, workspaces = settings.slack, settings.teams, settings.slack_workspaces
    if person.platform == "slack" and teams and not slack:
        return "on Slack, which is not configured: set SLACK_BOT_TOKEN and SLACK_SIGNING_SECRET, or leave them out."
    if person.platform == "slack" and workspaces and person.workspace not in workspaces:
        return "in a workspace that SLACK_WORKSPACES does not allow: add it there."
    if person.platform == "teams" and slack and not teams:
        return f"on Teams, which is not configured: set {', '.join(_TEAMS)}, or leave them out."
    if person.platform == "teams" and teams and person.workspace not in settings.teams_tenants:
        return "in a tenant that TEAMS_TENANT_ID does not allow: add it there."
    return ""
