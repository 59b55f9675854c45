"""Asks each platform whether the people whom the settings name are there: an alarm that no one reads helps no one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator

from adapters.base import AccessRevoked, OutcomeUnknown, Profile, RetryLater, Unreachable
from bot.config.settings import Settings
from bot.health import Finding
from conversations.model import Person

AskProfile = Callable[[Person], Awaitable[Profile | None]]
"""Asks a platform for a person; None where this platform cannot be asked. Raises as `Adapter.profile` does."""


async def examine_people(settings: Settings, ask: AskProfile) -> Finding:
    """Report which coordinators, and whether the person on call, can be reached; by their place, never by an id."""
    missing, not_asked, unknown = [], [], 0
    for place, person in _named(settings):
        if person.platform == "slack" and settings.slack_oauth:
            not_asked.append(place)  # the tokens of its workspaces are in the store
            continue
        try:
            found = await ask(person)
        except (RetryLater, OutcomeUnknown, AccessRevoked):
            unknown += 1
            continue
        except Unreachable:
            found = Profile(member=False)
        unknown += found is None
        if found is not None and (not found.member or found.left):
            missing.append(place)
    if missing:
        return Finding(
            "people-live",
            "fail",
            f"No message of ours reaches {', nor '.join(missing)}.",
            "Correct the id: in Slack, the profile, Copy member ID, of the bot's own workspace; in Entra, the user's "
            "Object ID, and have the app installed for them. Who has left is taken out of the setting.",
        )
    if unknown:
        return Finding("people-live", "warn", "Not everyone whom the settings name could be asked for.", "Try again.")
    if not_asked:
        return Finding(
            "people-live",
            "warn",
            f"Slack was not asked for {', nor for '.join(not_asked)}: the app is installed from its own page, so its "
            "tokens are in the store.",
            "Have each of them type /peersupport: whoever gets an answer can be reached.",
        )
    return Finding("people-live", "ok", "Everyone whom the settings name can be reached.")


def _named(settings: Settings) -> Iterator[tuple[str, Person]]:
    for number, person in enumerate(settings.coordinators, 1):
        yield f"number {number} of PEERSUPPORT_COORDINATORS", person
    if settings.on_call is not None and settings.on_call.person is not None:
        yield "the person in PEERSUPPORT_ON_CALL", settings.on_call.person
