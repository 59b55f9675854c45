"""A command loads what it needs: a dialogue no real platform, `serve` no fake one, a small one next to nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from adapters.fakes.slack.server import SlackServer
from bot import config
from tests.cli.test_cli import TO_SERVE
from tests.server.test_shutdown import served

PROGRAM = """
import atexit, sys
atexit.register(lambda: print(*sys.modules, sep="\\n", file=open("loaded", "w", encoding="ascii")))
from bot.cli.main import main
main()
"""


def loaded(folder: Path, *words: str, **environ: str) -> set[str]:
    """The modules that are loaded at the end of a command, by their first two names."""
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME"}}
    subprocess.run(  # noqa: S603
        [sys.executable, "-c", PROGRAM, *words],
        cwd=folder,
        env=kept | {"PYTHONPATH": str(Path(config.__file__).parents[2])} | environ,
        capture_output=True,
        check=False,
        timeout=60,
    )
    return {".".join(name.split(".")[:2]) for name in (folder / "loaded").read_text("ascii").split()}


def test_serve_loads_the_platforms_that_are_configured_and_no_fake_one(tmp_path):
    """Slack cannot be reached, so it ends when everything up to the first call has been loaded."""
    nowhere = "http://127.0.0.1:1/api/"
    found = loaded(tmp_path, "serve", **TO_SERVE, SLACK_API_URL=nowhere, PEERSUPPORT_BIND="127.0.0.1:0")
    assert {"adapters.slack", "bot.server", "bot.scheduler", "bot.monitoring"} <= found
    assert not {"adapters.teams", "adapters.fakes", "bot.playground"} & found


async def test_a_process_that_serves_has_loaded_no_fake_platform(tmp_path):
    async with SlackServer() as slack, served(tmp_path, slack, "-c", PROGRAM, "serve") as (process, _):
        slack.joins("U0ANA", name="Ana")
        assert (await slack.command("U0ANA")).status == 200
        process.terminate()
        assert await process.wait() == 0
    found = set((tmp_path / "loaded").read_text("ascii").split())
    assert "adapters.slack.webhook" in found
    assert not {name for name in found if name.startswith(("adapters.fakes", "bot.playground"))}


def test_a_dialogue_in_the_terminal_loads_no_real_platform_and_no_server(tmp_path):
    found = loaded(tmp_path, "demo", "--script", "accompanied-to-the-end")
    assert {"adapters.fakes", "bot.playground"} <= found
    assert not {"adapters.slack", "adapters.teams", "bot.server", "slack_bolt", "slack_sdk", "psycopg"} & found


def test_a_command_that_needs_no_store_loads_none(tmp_path):
    for words in (("keys", "new"), ("config",), ("--version",)):
        rooms = {name for name in loaded(tmp_path, *words) if name.startswith(("bot.", "adapters."))}
        assert rooms <= {
            "bot.cli",
            "bot.config",
            "bot.errors",
            "bot.health",
            "bot.logging",
            "adapters.base",
            "adapters.tls",
        }
