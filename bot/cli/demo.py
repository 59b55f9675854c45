"""`peersupport demo`: the playground in a web page, or one dialogue played in the terminal."""

from __future__ import annotations

import asyncio
import threading
import webbrowser
from typing import Annotated, Final

import typer

from bot import config, logging
from bot.config.settings import Refused

PORT: Final = 8765


def demo(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Where to listen; the next free one is taken.")] = PORT,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Only print the address.")] = False,
    script: Annotated[str, typer.Option(help="Play this dialogue in the terminal instead, and end.")] = "",
) -> None:
    """Try it out: a pretend hospital in a web page. Needs no account and no key; nothing leaves this computer."""
    if script:
        _play_dialogue(script.removesuffix(".chat"))
        return
    if config.load().anything:
        raise Refused(
            ["There are settings of a real programme here: run the playground in another folder, without them."]
        )
    from bot.playground.web.server import NoPort, play

    def ready(address: str) -> None:
        typer.echo(f"The playground is at {address}  (Ctrl-C ends it)")
        if not no_browser:  # it may be one that stays in this terminal until it is closed
            threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()

    logging.configure("console", "CRITICAL")  # a fault that a visitor causes is shown in the page's inspector
    try:
        asyncio.run(play(port, ready))
    except NoPort as taken:
        raise Refused([f"No port is free from {port} on ({taken.strerror}): choose another with --port."]) from None


def _play_dialogue(name: str) -> None:
    """Play one of the dialogues of tests/scenarios; ends with exit code 1 where it goes differently."""
    from bot.playground.chat_script import perform, scenarios

    known = scenarios()
    if name not in known:
        raise Refused([f"There is no dialogue of that name: choose one of {', '.join(sorted(known))}."])
    if not perform(known[name], typer.echo):
        raise typer.Exit(1)
