"""What the world does to a command is told by its own name: damage is no wrong key, a full disk no wrong setting."""

from __future__ import annotations

import base64
import errno
import os
import ssl
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme
from aiohttp import web

from bot import config
from bot.backup.transfer import transfer_store
from bot.cli.command import describe_failure, refuse_as_root
from bot.cli.serve import describe_failed_start
from bot.config.parsers import Postgres
from bot.config.settings import Refused
from bot.crypto.vault import Vault
from bot.errors import Corrupt, DatabaseUnavailable, NotServable
from bot.keys.key_ring import KeyRing
from bot.monitoring.readiness import Readiness
from bot.server import http
from bot.server.app import ServerOptions, running_server
from bot.server.platforms import PlatformNotStarted, configured_platforms
from bot.store.base import Record
from bot.store.embedded.startup import JOURNAL_NAME
from bot.store.embedded.store import EmbeddedStore
from tests.cli.test_cli import peersupport
from tests.running.ports import free_port
from tests.running.warm_cli import warm_cli
from tests.stories.serve import TICK, hospital, surroundings

NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)
ROOT, OTHER = bytes(range(32)), bytes(range(1, 33))
KEY = base64.b64encode(ROOT).decode()
FULL = "The disk of PEERSUPPORT_STORE or PEERSUPPORT_KEY_RING is full: make room, and run this again."
FULL_AFTER_A_SAVE = "ending: the disk of PEERSUPPORT_STORE is full, make room and start again"


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


async def a_store(folder: Path) -> None:
    store = EmbeddedStore.open(folder, Vault(ROOT))
    await store.save(Record("r1", "request", "asking", NOW, NOW.date(), sealed=b"x" * 600))
    await store.close()


async def test_a_flipped_bit_in_the_store_is_damage_and_another_key_is_not(tmp_path):
    await a_store(tmp_path)
    journal = tmp_path / JOURNAL_NAME
    for at in (10, len(journal.read_bytes().rstrip(b"\0")) - 300):
        flip(journal, at)
        with pytest.raises(Corrupt) as damage:
            EmbeddedStore.open(tmp_path, Vault(ROOT))
        assert "PEERSUPPORT_ROOT_KEY" not in describe_failure(damage.value)
        assert "Restore a backup" in describe_failure(damage.value)
        flip(journal, at)
    with pytest.raises(Corrupt) as wrong_key:
        EmbeddedStore.open(tmp_path, Vault(OTHER))
    assert "PEERSUPPORT_ROOT_KEY" in describe_failure(wrong_key.value)


def test_a_flipped_bit_in_the_key_ring_is_damage_and_another_key_is_not(tmp_path):
    folder = tmp_path / "ring"
    KeyRing.create(folder, (ROOT,), NOW)
    with pytest.raises(NotServable, match="does not open with this PEERSUPPORT_ROOT_KEY"):
        KeyRing.open(folder, (OTHER,))
    for file in sorted(folder.iterdir()):
        for at in (0, -1):
            flip(file, at)
            with pytest.raises(NotServable, match=r"^A file in the folder of PEERSUPPORT_KEY_RING is damaged"):
                KeyRing.open(folder, (ROOT,))
            flip(file, at)
    KeyRing.open(folder, (ROOT,))


@pytest.mark.parametrize("describe", [describe_failure, describe_failed_start])
def test_a_full_disk_is_called_full(describe):
    said = describe(OSError(errno.ENOSPC, "No space left on device", "/canary"))
    assert said == FULL


def test_a_disk_that_is_full_at_the_first_start_is_called_full_and_with_room_the_next_one_gets_further(tmp_path):
    settings = {
        "PEERSUPPORT_ROOT_KEY": KEY,
        "PEERSUPPORT_COORDINATORS": "slack:T0AB12345:U0AB12345",
        "SLACK_BOT_TOKEN": "xoxb-1",
        "SLACK_SIGNING_SECRET": "0" * 32,
        "SLACK_API_URL": f"http://127.0.0.1:{free_port()}/api/",
    }
    steps, ends = 0, []
    while True:
        folder = tmp_path / str(steps)
        folder.mkdir()
        settings["PEERSUPPORT_STORE"] = f"tinydb://{folder}/store"
        ran = warm_cli().run_main("tests.cli.on_a_full_disk", folder, str(steps), "serve", **settings)
        assert "Traceback" not in ran.stderr
        assert "unhandled" not in ran.stderr
        assert "canary" not in ran.stdout + ran.stderr
        said = ran.stderr.splitlines()[-1]
        if said.startswith("Slack could not be reached"):
            break  # everything was written
        ends.append((ran.returncode, FULL in said or said.endswith(FULL_AFTER_A_SAVE)))
        again = peersupport(folder, "serve", **settings)
        assert again.stderr.splitlines()[-1].startswith("Slack could not be reached"), (steps, again.stderr)
        steps += 1
    assert set(ends) == {(2, True), (74, True)}
    assert len(ends) > 8  # the ring, its key, the journal, the erasure log, the first record


def test_a_full_disk_of_the_database_is_called_full():
    assert "is full: make room there" in describe_failure(DatabaseUnavailable("53100"))


@pytest.mark.parametrize("setting", ["PEERSUPPORT_BIND", "PEERSUPPORT_OPS_BIND"])
async def test_a_port_that_is_in_use_is_named_with_its_setting(tmp_path, setting):
    taken = await http.listen(http.ops(Readiness({}).check), "127.0.0.1:0")
    bind = taken.url.removeprefix("http://")
    binds = {"PEERSUPPORT_BIND": "127.0.0.1:0", "PEERSUPPORT_OPS_BIND": "127.0.0.1:0"} | {setting: bind}
    async with hospital(tmp_path, ("U0ANA",), (), None) as (slack, teams, time):
        settings = config.load_to_serve(surroundings(slack, teams, tmp_path / "data", **binds), tmp_path)
        with pytest.raises(NotServable, match=f"^{setting} is {bind}, and another program listens there: "):
            async with running_server(settings, ServerOptions(time.now, TICK)):
                pass
    await taken.stop()


@pytest.mark.parametrize("platform", ["slack", "teams"])
async def test_a_certificate_that_is_not_trusted_is_said_at_the_start(tmp_path, platform):
    authority = trustme.CA()
    tls = http_tls(authority)
    runner = web.AppRunner(web.Application())
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port, ssl_context=tls).start()
    uuid = "c0c0c0c0-1111-4222-8333-444455556666"
    environ = {
        "slack": {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_SIGNING_SECRET": "0" * 32},
        "teams": {"TEAMS_CLIENT_ID": uuid, "TEAMS_CLIENT_SECRET": "s", "TEAMS_TENANT_ID": uuid},
    }[platform]
    addresses = {
        "slack": {"SLACK_API_URL": f"https://127.0.0.1:{port}/api/"},
        "teams": {"TEAMS_TOKEN_URL": f"https://127.0.0.1:{port}/{{tenant}}"},
    }[platform]
    (it,) = configured_platforms(config.load(environ | addresses, tmp_path), lambda: NOW)
    with pytest.raises(PlatformNotStarted) as refused:
        await it.start()
    await it.close()
    await runner.cleanup()
    assert "is not trusted" in describe_failed_start(refused.value)
    assert "PEERSUPPORT_CA_FILE" in describe_failed_start(refused.value)


def http_tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


async def test_what_is_wrong_with_the_new_store_of_a_move_names_to(tmp_path, postgres):
    await a_store(tmp_path)
    new = Postgres(postgres.url(postgres.database()))
    with pytest.raises(NotServable) as refused:
        await transfer_store(tmp_path, new, Vault(ROOT), NOW.date())
    assert str(refused.value).startswith(
        "The database of --to is not prepared: run `peersupport db upgrade` with that "
    )
    with pytest.raises(NotServable, match=r"^The server of --to does not answer: "):
        await transfer_store(tmp_path, Postgres(f"postgresql://127.0.0.1:{free_port()}/x"), Vault(ROOT), NOW.date())


@pytest.mark.parametrize("name", ["PEERSUPPORT_STORE", "PEERSUPPORT_KEY_RING"])
def test_root_leaves_no_files_in_a_folder_of_another_user(tmp_path, name):
    folder = tmp_path / "of the service"
    other = {"PEERSUPPORT_STORE": "tinydb:///nowhere/store", "PEERSUPPORT_KEY_RING": "/nowhere/ring"}
    settings = config.load(other | {name: f"tinydb://{folder}" if name.endswith("STORE") else str(folder)}, tmp_path)
    refuse_as_root(settings, user=0)  # it is not there yet: whoever makes it owns it
    folder.mkdir()
    owner = folder.stat().st_uid
    refuse_as_root(settings, user=owner)
    if owner == 0:
        os.chown(folder, 65534, 65534)
    with pytest.raises(Refused, match=r"^You are root, and "):
        refuse_as_root(settings, user=0)


@pytest.mark.parametrize("words", ["backup b", "restore b", "move --to tinydb:///x", "move --undo", "keys rotate"])
def test_a_command_that_writes_is_refused_to_root_and_to_no_one_else(tmp_path, words):
    store, is_root = tmp_path / "data", os.geteuid() == 0
    store.mkdir()
    if is_root:
        os.chown(store, 65534, 65534)
    settings = {"PEERSUPPORT_STORE": f"tinydb://{store}", "PEERSUPPORT_ROOT_KEY": KEY}
    ran = peersupport(tmp_path, *words.split(), **settings)
    assert ran.returncode == 2  # there is nothing in the store
    assert ran.stderr.startswith("You are root, and ") is is_root
    assert not is_root or list(store.iterdir()) == []
