"""The commands. Each loads only what it needs; a refusal is printed as its sentences and ends with 2."""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
import threading
import webbrowser
from datetime import UTC, date, datetime
from importlib import metadata
from pathlib import Path
from typing import Annotated
from urllib.parse import quote, urlsplit

import structlog
import typer

from bot import config, doctor, keeping, lines, logs
from bot.checks import machine, serving
from bot.config import Refused, Settings
from bot.outbound import proxy_to
from bot.platforms import NotStarted
from bot.store.base import Damaged, NoAnswer, NotOnTheRing, Unfit
from bot.store.disk import InUse
from bot.values import Postgres

REFUSED = 2
PORT = 8765  # of the playground

app = typer.Typer(
    help="Brings clinicians together with trained colleagues, privately, inside Slack and Microsoft Teams.",
    pretty_exceptions_enable=False,  # a pretty traceback shows local variables
    add_completion=False,
)
keys = typer.Typer(help="Keys.", no_args_is_help=True)
app.add_typer(keys, name="keys")
db = typer.Typer(help="The tables in PostgreSQL; the embedded store has none.", no_args_is_help=True)
app.add_typer(db, name="db")
keeping.add_to(app)


def main() -> None:
    """`peersupport`, as installed. Says what went wrong by kind and place; no message of an exception is printed."""
    try:
        app()
    except Refused as refused:
        for problem in refused.problems:
            typer.echo(problem, err=True)
        raise SystemExit(REFUSED) from None


@app.callback(invoke_without_command=True)
def nothing_said(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
) -> None:
    if version:
        typer.echo(metadata.version("peersupport"))
    elif context.invoked_subcommand is None and config.load().anything:
        typer.echo(context.get_help())
    elif context.invoked_subcommand is None:
        demo(PORT, no_browser=False, script="")


@app.command()
def serve() -> None:
    """Run the programme, with the platforms that are configured."""
    settings = config.load_to_serve()
    logs.configure(settings.log_format, settings.log_level)
    machine.forbid_dumps()
    from bot.app import serve as run

    warn_of(settings)
    try:
        asyncio.run(run(settings))
    except (InUse, Damaged, NotStarted, NoAnswer, Unfit, OSError) as failure:
        raise Refused([why_not(failure)]) from None


def warn_of(settings: Settings) -> None:
    """Say at the start what an operator should look at; `doctor` says how to repair it."""
    log = structlog.get_logger("bot")
    if lines.numbers(settings.country, settings.own_lines).overdue(_today()):
        log.warning("lines-not-verified-lately", check="lines-verified")
    for name in settings.unknown:
        log.warning("setting-unknown", check="unknown-settings", setting=name)


def why_not(failure: Exception) -> str:
    """What kept the programme from starting, as a sentence; the place in the code goes to the log."""
    if isinstance(failure, InUse | Unfit | NotOnTheRing):
        return str(failure)
    if isinstance(failure, NoAnswer):
        return failure.sentence()
    if isinstance(failure, Damaged):
        return "The store does not open with this PEERSUPPORT_ROOT_KEY: use the key it was made with."
    if isinstance(failure, NotStarted) and failure.shut_out:
        return failure.sentence()
    structlog.get_logger("bot").error("not-started", exc_info=failure)
    if isinstance(failure, NotStarted):
        return failure.sentence()
    strerror = failure.strerror if isinstance(failure, OSError) else ""
    where = "PEERSUPPORT_STORE, PEERSUPPORT_BIND and PEERSUPPORT_OPS_BIND"
    return f"The system did not let us start ({strerror}): look at {where}."


@app.command()
def demo(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Where to listen; the next free one is taken.")] = PORT,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Only print the address.")] = False,
    script: Annotated[str, typer.Option(help="Play this dialogue in the terminal instead, and end.")] = "",
) -> None:
    """See it: a pretend hospital in a web page. No account, no key, and nothing leaves this computer."""
    if script:
        _perform(script.removesuffix(".chat"))
        return
    if config.load().anything:
        raise Refused(
            ["There are settings of a real programme here: run the playground in another folder, without them."]
        )
    from bot.playground.page import NoPort, play

    def ready(address: str) -> None:
        typer.echo(f"The playground is at {address}  (Ctrl-C ends it)")
        if not no_browser:  # it may be one that stays in this terminal until it is closed
            threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()

    logs.configure("console", "CRITICAL")  # what a fault makes us say stands in the inspector
    try:
        asyncio.run(play(port, ready))
    except NoPort as taken:
        raise Refused([f"No port is free from {port} on ({taken.strerror}): choose another with --port."]) from None


def _perform(script: str) -> None:
    """Play a dialogue in the terminal."""
    from bot.script import perform, scenarios

    known = scenarios()
    if script not in known:
        raise Refused([f"There is no dialogue of that name: choose one of {', '.join(sorted(known))}."])
    if not perform(known[script], typer.echo):
        raise typer.Exit(1)


@app.command("doctor")
def examine(
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    live: Annotated[bool, typer.Option("--live", help="Also ask Slack and Microsoft whether they know us.")] = False,
) -> None:
    """Check this installation; changes nothing, and is safe to paste. Ends with 0 ok, 1 warnings, 2 failures."""
    settings, findings = doctor.examine(_today())
    if settings is not None:
        findings = (*findings, serving.ask(settings.ops_bind))
    if live and settings is not None:
        logs.configure(settings.log_format, settings.log_level)  # what an adapter logs is not of the answer
        findings = (*findings, *asyncio.run(_examine_live(settings)))
    if as_json:
        typer.echo(json.dumps([finding.as_json() for finding in findings], indent=2))
    else:
        for line in (line for finding in findings for line in finding.as_lines()):
            typer.echo(line)
    raise typer.Exit(doctor.exit_code(findings))


@app.command("config")
def show(
    markdown: Annotated[bool, typer.Option("--markdown", help="The table of docs/settings.md instead.")] = False,
    privacy: Annotated[
        bool, typer.Option("--privacy", help="Who can read what under these settings, instead.")
    ] = False,
) -> None:
    """Show the settings in force and where each came from; secrets are masked."""
    if markdown:
        from bot.settings_page import table

        typer.echo(table(), nl=False)
        return
    if privacy:
        from bot.privacy_page import page

        typer.echo(page(config.load().programme()), nl=False)
        return
    rows = config.load().shown()
    names, values = (max(map(len, column)) for column in zip(*((row.name, row.value) for row in rows), strict=True))
    for row in rows:
        typer.echo(f"{row.name:<{names}}  {row.value:<{min(values, 40)}}  {row.source}")


@keys.command("new")
def new_key() -> None:
    """Print a new root key. Keep it apart from the store: with both, everything can be read."""
    typer.echo(base64.b64encode(secrets.token_bytes(32)).decode("ascii"))


@keys.command("rotate")
def rotate_root() -> None:
    """Wrap the key ring by the new root key. PEERSUPPORT_ROOT_KEY holds the new one, a comma, and the old one."""
    settings = config.load()
    from bot import keys as ring_keys

    try:
        changed = ring_keys.rotate(settings)
    except (NoAnswer, Unfit, OSError) as failure:
        raise Refused([why_not(failure)]) from None
    typer.echo(f"{changed} files of the key ring were wrapped anew; the ring needs only the new root key.")
    typer.echo("Leave only the new key in PEERSUPPORT_ROOT_KEY, restart every `serve`, and destroy the old key.")


@keys.command("lost")
def lost_ring(
    start_again: Annotated[
        bool, typer.Option("--start-again", help="Destroy what cannot be opened, and begin with a new ring.")
    ] = False,
) -> None:
    """Say what cannot be opened because the key ring is lost. Ends with 1 when there is something."""
    settings = config.load()
    logs.configure("console", "ERROR")
    from bot import lost

    try:
        loss = asyncio.run(lost.start_again(settings, datetime.now(UTC)) if start_again else lost.look(settings))
    except (InUse, Damaged, NoAnswer, Unfit, OSError) as failure:
        raise Refused([why_not(failure)]) from None
    if not loss:
        typer.echo("Nothing is lost: the store opens with this root key and this key ring.")
        return
    typer.echo(loss.sentence())
    if start_again:
        typer.echo("It is destroyed. Start `serve`, and tell coordinators and peers that they begin anew.")
        return
    typer.echo("Look for the folder of PEERSUPPORT_KEY_RING first: with it everything opens again. If it is gone for")
    typer.echo("good, stop every `serve` and run this with --start-again: it destroys what cannot be opened.")
    raise typer.Exit(1)


@db.command("upgrade")
def upgrade() -> None:
    """Make or change the tables in PostgreSQL as this version needs them: all of it or nothing, safe to repeat."""
    url = _database()
    if url is None:
        return
    from bot.store import schema, server

    try:
        number = schema.upgrade(url)
    except (NoAnswer, Unfit) as failure:
        raise Refused([why_not(failure)]) from None
    typer.echo(server.fit(number))


@db.command("current")
def current() -> None:
    """Show which schema PostgreSQL has; ends with 1 where this version needs another."""
    url = _database()
    if url is None:
        return
    from bot.store import server

    try:
        found = server.look(url)
    except (NoAnswer, Unfit) as failure:
        raise Refused([why_not(failure)]) from None
    typer.echo(found.unfit() or server.fit(found.schema))
    raise typer.Exit(1 if found.unfit() else 0)


def _database() -> str | None:
    """The address of PostgreSQL, or None and a word where the store is embedded."""
    settings = config.load()
    logs.configure("console", "ERROR")  # what kept us from it is told in a sentence
    if isinstance(settings.store, Postgres):
        return settings.store.url
    typer.echo("PEERSUPPORT_STORE names the embedded store, which has no tables: there is nothing to do.")
    return None


@app.command("slack-manifest")
def slack_manifest(
    http: Annotated[
        str, typer.Option(metavar="BASE", help="Our public address, such as https://chat.example.org.")
    ] = "",
    socket: Annotated[
        bool, typer.Option("--socket", help="For Socket Mode: we call Slack, and have no public address.")
    ] = False,
    url: Annotated[
        bool, typer.Option("--url", help="Print a link that opens Slack with the manifest filled in.")
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Without reading what people type to the bot.")] = False,
    oauth: Annotated[bool, typer.Option("--oauth", help="To be installed from our own page, in any number.")] = False,
    grid: Annotated[bool, typer.Option("--grid", help="And in a whole organisation of Enterprise Grid.")] = False,
) -> None:
    """Print the manifest with which a Slack administrator makes the app."""
    from adapters.slack.manifest import EXAMPLE, PATH, manifest

    if http and socket:
        raise Refused(["--http and --socket exclude each other: with Socket Mode Slack calls no address."])
    _check_address(http, PATH, "Slack")
    if socket and (oauth or grid):
        raise Refused(["--socket is for one workspace: to install in several, leave it out and give --http."])
    if not http and not socket:
        typer.echo(
            f"{EXAMPLE} stands for your public address: give yours with --http, or none with --socket.", err=True
        )
    made = manifest(config.load().name, None if socket else http or EXAMPLE, strict=strict, oauth=oauth, grid=grid)
    if url:
        compact = json.dumps(made, separators=(",", ":"))
        typer.echo(f"https://api.slack.com/apps?new_app=1&manifest_json={quote(compact)}")
    else:
        typer.echo(json.dumps(made, indent=2))


@app.command("teams-package")
def teams_package(
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where to write the zip.")],
    http: Annotated[
        str, typer.Option(metavar="BASE", help="Our public address, such as https://chat.example.org.")
    ] = "",
) -> None:
    """Write the zip that a Teams administrator uploads: manifest and icons."""
    from adapters.teams.package import EXAMPLE, LONGEST_NAME, PATH, package

    _check_address(http, PATH, "Teams")
    settings = config.load()
    if not settings.teams_client_id:
        raise Refused(
            ["TEAMS_CLIENT_ID is not set: make the bot first (README.md, Setting up Teams) and put its id there."]
        )
    if len(settings.name) > LONGEST_NAME:
        raise Refused([f"PEERSUPPORT_NAME is longer than the {LONGEST_NAME} characters Teams shows: shorten it."])
    if not http:
        typer.echo(f"{EXAMPLE} stands for your public address: give yours with --http.", err=True)
    made = package(settings.teams_client_id, settings.name, http or EXAMPLE, metadata.version("peersupport"))
    try:
        out.write_bytes(made)
    except OSError as problem:
        raise Refused([f"--out names a file that cannot be written ({problem.strerror}): name another."]) from None


def _check_address(http: str, path: str, caller: str) -> None:
    """Refuse what could not be the public address of ours; empty is none."""
    if http.rstrip("/").endswith(path):
        raise Refused([f"--http is the address without a path: leave out {path}."])
    if http and not (http.startswith("https://") and urlsplit(http).hostname):
        raise Refused([f"--http must be an address {caller} can call: it starts with https://."])


async def _examine_live(settings: Settings) -> list[doctor.Finding]:
    around = await doctor.examine_around(settings, lambda: datetime.now(UTC))
    found = [await _examine_slack_live(settings)] if settings.slack or not settings.teams else []
    found += [await doctor.examine_socket_live(settings, _ask_for_a_line)] if settings.slack_app_token else []
    teams = [await doctor.examine_teams_live(settings, _ask_teams)] if settings.teams else []
    return [*around, *found, *teams]


async def _examine_slack_live(settings: Settings) -> doctor.Finding:
    if settings.slack_oauth:
        return await doctor.examine_oauth_live(settings, _ask_slack)
    return await doctor.examine_live(settings, _granted_by_slack)


async def _ask_slack(settings: Settings) -> None:
    from bot import platforms

    app = platforms.slack_app(settings, lambda: datetime.now(UTC))
    try:
        await app.start()
    finally:
        await app.close()


async def _granted_by_slack(settings: Settings) -> doctor.Granted:
    from adapters.slack.slack import Slack

    token = settings.slack_bot_token
    slack = Slack(
        token.get_secret_value() if token else "",
        api_url=settings.slack_api_url,
        proxy=proxy_to(settings.slack_api_url, settings),
        ca_file=settings.ca_file,
    )
    try:
        await slack.start()
        return doctor.Granted(slack.lacks, slack.exceeds)
    finally:
        await slack.close()


async def _ask_for_a_line(settings: Settings) -> None:
    from bot import platforms

    tickets = platforms.slack_tickets(settings)
    try:
        await tickets.prove()
    finally:
        await tickets.close()


async def _ask_teams(settings: Settings) -> None:
    from bot import platforms

    teams = platforms.teams(settings, lambda: datetime.now(UTC))
    try:
        await teams.open()
    finally:
        await teams.close()


def _today() -> date:
    return datetime.now(UTC).date()


if __name__ == "__main__":
    main()
