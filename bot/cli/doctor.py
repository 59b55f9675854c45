"""`peersupport doctor`: checks an installation, and with --live asks the platforms too."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from typing import TYPE_CHECKING, Annotated, Protocol, assert_never

import typer

from adapters.base import AccessRevoked, OutcomeUnknown, Profile, RetryLater, Unreachable
from bot import logging
from bot.cli import command
from bot.config import sources
from bot.config.settings import Settings
from bot.health import Finding, exit_code
from conversations.model import Person

if TYPE_CHECKING:
    from bot.diagnostics.credentials import Credential, GrantedScopes


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
    live: Annotated[bool, typer.Option("--live", help="Also ask Slack and Microsoft whether they know us.")] = False,
) -> None:
    """Check this installation; changes nothing, and is safe to paste. Ends with 0 ok, 1 warnings, 2 failures."""
    from bot.diagnostics import serving
    from bot.diagnostics.doctor import examine

    typer.echo(sources.describe_search(), err=True)  # no part of the report, which holds no path
    settings, findings = examine(command.today())
    if settings is not None:
        findings = (*findings, serving.ask_readiness(settings.ops_bind))
    if live and settings is not None:
        logging.configure(settings.log_format, settings.log_level)  # what an adapter logs is no part of the answer
        findings = (*findings, *asyncio.run(examine_live(settings)))
    if as_json:
        typer.echo(json.dumps([finding.as_json() for finding in findings], indent=2))
    else:
        for line in (line for finding in findings for line in finding.as_lines()):
            typer.echo(line)
    raise typer.Exit(exit_code(findings))


async def examine_live(settings: Settings) -> tuple[Finding, ...]:
    """Return what --live adds: the network between us and each platform, and whether it accepts our credentials."""
    from bot.diagnostics.credentials import credentials_in_use, examine_credential
    from bot.diagnostics.doctor import examine_network

    network = await examine_network(settings, command.now)
    used = credentials_in_use(settings)
    accepted = [await examine_credential(each, settings, ask_platform) for each in used]
    return (*network, *accepted, await examine_people_of(settings))


async def examine_people_of(settings: Settings) -> Finding:
    """Ask each platform for the people whom the settings name; nothing is written to them."""
    from bot.diagnostics.people import examine_people
    from bot.server import platforms

    adapters: dict[str, _Directory] = {}
    async with AsyncExitStack() as stack:
        if settings.slack_bot_token and not settings.slack_oauth:
            adapters["slack"] = platforms.slack_adapter(settings)
        if settings.teams_client_id and settings.teams_client_secret and settings.teams_tenants:
            adapters["teams"] = platforms.teams_adapter(settings, command.now)
        for name, adapter in tuple(adapters.items()):
            stack.push_async_callback(adapter.close)
            with suppress(AccessRevoked, Unreachable, RetryLater, OutcomeUnknown):  # another check reports it
                await adapter.start()
                continue
            del adapters[name]

        async def ask(person: Person) -> Profile | None:
            return await adapters[person.platform].profile(person) if person.platform in adapters else None

        return await examine_people(settings, ask)


async def ask_platform(credential: Credential, settings: Settings) -> GrantedScopes:
    """Show a platform one credential, as `AskPlatform` says; nothing is kept open."""
    from bot.diagnostics.credentials import GrantedScopes

    client, prove = _client_for(credential, settings)
    try:
        granted = await prove()
    finally:
        await client.close()
    return granted if isinstance(granted, GrantedScopes) else GrantedScopes()


class _Client(Protocol):
    async def close(self) -> None:
        """Close its connections."""


class _Directory(_Client, Protocol):
    async def start(self) -> None:
        """Log in."""

    async def profile(self, person: Person) -> Profile:
        """Return a person's profile."""


def _client_for(credential: Credential, settings: Settings) -> tuple[_Client, Callable[[], Awaitable[object]]]:
    """Return a client that has this credential, and what shows it to the platform."""
    from bot.diagnostics.credentials import Credential, GrantedScopes
    from bot.server import platforms

    match credential:
        case Credential.SLACK_BOT_TOKEN:
            slack = platforms.slack_adapter(settings)

            async def ask_for_scopes() -> GrantedScopes:
                await slack.start()
                return GrantedScopes(slack.missing_scopes, slack.extra_scopes)

            return slack, ask_for_scopes
        case Credential.SLACK_CLIENT_SECRET:
            app = platforms.slack_app(settings, command.now)
            return app, app.start
        case Credential.SLACK_APP_TOKEN:
            urls = platforms.slack_socket_urls(settings)
            return urls, urls.verify_token
        case Credential.TEAMS_CLIENT_SECRET:
            teams = platforms.teams_adapter(settings, command.now)
            return teams, teams.start
        case _:
            assert_never(credential)
