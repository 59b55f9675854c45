"""What must be set before anybody can be served, and who may be named. Each answer is a sentence with its fix."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from bot.sources import Text, Texts
from conversations.model import Person


def has_slack(texts: Texts) -> bool:
    return any(name.startswith("SLACK_") for name in texts)


def has_socket(texts: Texts) -> bool:
    """Whether we call Slack, so that nothing of ours need be reached from there."""
    return "SLACK_APP_TOKEN" in texts


def has_oauth(texts: Texts) -> bool:
    """Whether Slack is installed from our own page rather than by one bot token."""
    return any(name in texts for name in ("SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET"))


def has_teams(texts: Texts) -> bool:
    return any(name.startswith("TEAMS_") for name in texts)


def missing(texts: Texts) -> list[str]:
    """What is not there at all; what is there and wrong is refused where it is read."""
    wanted = [*_ROOT_KEY, *(_slack(texts) if has_slack(texts) else ()), *(_TEAMS if has_teams(texts) else ())]
    said = [f"{name} is not set: {fix}" for name, fix in wanted if name not in texts]
    if has_oauth(texts):
        said += _about_oauth(texts)
    if not has_slack(texts) and not has_teams(texts):
        said.append(
            "No chat platform is configured: set SLACK_BOT_TOKEN and SLACK_SIGNING_SECRET for Slack, or "
            "TEAMS_CLIENT_ID, TEAMS_CLIENT_SECRET and TEAMS_TENANT_ID for Teams. "
            "To only look around, run `peersupport demo`."
        )
    coordinators, approval = (texts.get(f"PEERSUPPORT_{name}", Text("", "")) for name in ("COORDINATORS", "APPROVAL"))
    if not coordinators.value and approval.value != "automatic":
        said.append(
            "PEERSUPPORT_COORDINATORS is empty: name at least one, as slack:WORKSPACE:USER or teams:TENANT:OBJECTID. "
            "For a trial without one set PEERSUPPORT_APPROVAL=automatic."
        )
    return said


_MAKE_A_KEY = (
    "run `peersupport keys new`, keep what it prints in a file that only the service can read, and name that file in "
    "PEERSUPPORT_ROOT_KEY_FILE."
)
_ROOT_KEY = (("PEERSUPPORT_ROOT_KEY", _MAKE_A_KEY),)
_SIGNING = (
    "SLACK_SIGNING_SECRET",
    "in your Slack app, Basic Information, Signing Secret; or, where Slack cannot call you, set SLACK_APP_TOKEN.",
)
_SLACK = (("SLACK_BOT_TOKEN", "in your Slack app, OAuth & Permissions, Bot User OAuth Token."), _SIGNING)
_SLACK_OAUTH = (
    ("SLACK_CLIENT_ID", "in your Slack app, Basic Information, Client ID."),
    ("SLACK_CLIENT_SECRET", "in your Slack app, Basic Information, Client Secret."),
    ("SLACK_SIGNING_SECRET", "in your Slack app, Basic Information, Signing Secret."),
)
_SOCKET = _SLACK[:1]
_TEAMS = (
    ("TEAMS_CLIENT_ID", "in Entra, App registrations, the bot's, Overview, Application (client) ID."),
    ("TEAMS_CLIENT_SECRET", "in Entra, App registrations, the bot's, Certificates & secrets, the Value of a secret."),
    ("TEAMS_TENANT_ID", "in Entra, Overview, Tenant ID."),
)


def _slack(texts: Texts) -> Iterable[tuple[str, str]]:
    if has_oauth(texts):
        return _SLACK_OAUTH
    return _SOCKET if has_socket(texts) else _SLACK


def _about_oauth(texts: Texts) -> Iterator[str]:
    """Whoever finds the page can begin to install; so who may end it is never left open."""
    if not texts.get("SLACK_WORKSPACES", Text("", "")).value:
        yield (
            "SLACK_WORKSPACES is empty: with SLACK_CLIENT_ID it has to list the workspaces that may install the app, "
            "by their ids (T...), or their organisation (E...)."
        )
    if has_socket(texts):
        yield (
            "SLACK_APP_TOKEN is set beside SLACK_CLIENT_ID: Socket Mode is for one workspace, by its SLACK_BOT_TOKEN; "
            "remove it and let Slack call us over HTTP, or remove SLACK_CLIENT_ID and SLACK_CLIENT_SECRET."
        )
    if "SLACK_BOT_TOKEN" in texts:
        yield (
            "SLACK_BOT_TOKEN is set beside SLACK_CLIENT_ID: remove it, and install the app from /slack/install; or "
            "keep it, for one workspace, and remove SLACK_CLIENT_ID and SLACK_CLIENT_SECRET."
        )


def strangers(
    texts: Texts, named: Mapping[str, Iterable[Person]], workspaces: Collection[str], tenants: Collection[str]
) -> list[str]:
    """Whoever is named where no message of ours could reach them. `workspaces` empty: whichever the token is of.

    While no platform is configured nobody is a stranger: that is said by `missing`, once.
    """
    if not has_slack(texts) and not has_teams(texts):
        return []
    return [
        f"{name} names someone {problem}"
        for name, people in named.items()
        for problem in dict.fromkeys(_out_of_reach(texts, people, workspaces, tenants))
    ]


def _out_of_reach(
    texts: Texts, people: Iterable[Person], workspaces: Collection[str], tenants: Collection[str]
) -> Iterator[str]:
    for person in people:
        if person.platform == "slack" and not has_slack(texts):
            yield "on Slack, which is not configured: set SLACK_BOT_TOKEN and SLACK_SIGNING_SECRET, or leave them out."
        elif person.platform == "slack" and workspaces and person.workspace not in workspaces:
            yield "in a workspace that SLACK_WORKSPACES does not allow: add it there."
        elif person.platform == "teams" and not has_teams(texts):
            yield (
                "on Teams, which is not configured: set TEAMS_CLIENT_ID, TEAMS_CLIENT_SECRET and TEAMS_TENANT_ID, "
                "or leave them out."
            )
        elif person.platform == "teams" and person.workspace not in tenants:
            yield "in a tenant that TEAMS_TENANT_ID does not allow: add it there."
