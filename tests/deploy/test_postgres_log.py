"""The server of compose.postgres.yaml logs nothing that a request causes: no statement, no value, no time of either.

A server is started with the very flags of the sample, people ask for support, and something goes wrong; then its log is
read. The same without the flags shows that there would be something to read.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from bot.store.postgres import migrate
from tests.running.not_run import not_run
from tests.store import postgres_server
from tests.store.postgres_server import Server
from tests.stories.scenes import ASKED, play
from tests.stories.serve import ROOT, at_home

SILENT = {
    "log_statement": "none",
    "log_min_duration_statement": "-1",
    "log_min_duration_sample": "-1",
    "log_duration": "off",
    "log_transaction_sample_rate": "0",
    "log_min_error_statement": "panic",
    "log_parameter_max_length_on_error": "0",
    "log_min_messages": "fatal",
    "log_checkpoints": "off",
    "log_lock_waits": "off",
    "log_connections": "off",
    "log_disconnections": "off",
    "log_replication_commands": "off",
    "log_temp_files": "-1",
}
"""What has to be in force, by a flag or by PostgreSQL's default."""
CANARY = "kestrel-in-a-value"
NOTHING_ON = {"", "off"}  # for log_connections, before PostgreSQL 18 and since


def sample() -> dict[str, Any]:
    """The service of the sample that is PostgreSQL."""
    compose = yaml.safe_load((ROOT / "deploy/compose.postgres.yaml").read_text("utf-8"))
    found: dict[str, Any] = compose["services"]["postgres"]
    return found


def flags() -> tuple[str, ...]:
    """What the sample starts the server with."""
    program, *found = sample()["command"]
    assert program == "postgres"
    return tuple(found)


@contextmanager
def prepared(*options: str) -> Iterator[tuple[Server, str]]:
    """A server with these flags, and the address of a database that `db upgrade` has prepared."""
    where = postgres_server.binaries()
    if where is None:
        not_run("PostgreSQL", postgres_server.HOW)
    with postgres_server.server(where, flags=options) as running:
        url = running.url(running.database())
        migrate.upgrade(url)
        yield running, url


async def somebody_asks(url: str, tmp_path: Path) -> None:
    """Two peers opt in, and Ana asks for support."""
    async with at_home(tmp_path, PEERSUPPORT_STORE=url, PEERSUPPORT_KEY_RING=str(tmp_path / "ring")) as home:
        await play(home, ASKED)
        await home.engine.idle()


def things_go_wrong(running: Server, url: str) -> None:
    """A checkpoint, a value that is refused, a statement that is none, and a client that hangs up in a transaction."""
    running.rows("CHECKPOINT", url)
    for statement in ("SELECT 1/0", f"SELECT '{CANARY}'::int", f"SELEKT '{CANARY}'", "SELECT * FROM no_such_table"):
        with suppress(psycopg.Error):
            running.rows(statement, url)
    with suppress(psycopg.Error), psycopg.connect(url) as connection:
        connection.execute("INSERT INTO records (id) VALUES (%s)", [CANARY])
    leaves = psycopg.connect(url)
    leaves.execute("SELECT 1")
    leaves.pgconn.finish()


async def test_the_server_of_the_sample_logs_nothing_of_a_request(tmp_path):
    with prepared(*flags()) as (running, url):
        shown = {name: str(running.rows(f"SHOW {name}", url)[0][0]) for name in SILENT}
        assert shown.pop("log_connections") in NOTHING_ON
        assert shown == {name: value for name, value in SILENT.items() if name != "log_connections"}
        await somebody_asks(url, tmp_path)
        things_go_wrong(running, url)
        running.stop()
        assert running.log() == ""


async def test_with_its_defaults_a_server_would_tell(tmp_path):
    with prepared() as (running, url):
        await somebody_asks(url, tmp_path)
        things_go_wrong(running, url)
        running.stop()
        assert CANARY in running.log()


def test_who_runs_a_server_of_their_own_reads_of_every_flag():
    page = " ".join((ROOT / "docs/operating.md").read_text("utf-8").split())
    start = page.index("The server's log must not tell")
    rule = page[start : page.index(" * ", start)]
    for flag in flags():
        name, _, value = flag.removeprefix("--").partition("=")
        assert f"`{name}`" in rule, name
        assert f"`{value}`" in rule or f" {value};" in rule or f" {value} and" in rule, flag


@pytest.mark.parametrize("flag", flags())
def test_a_flag_of_the_sample_is_one_that_silences(flag):
    name, _, value = flag.removeprefix("--").partition("=")
    assert SILENT[name] == value
