"""What an operator does with keys: real commands and a real `serve`, with the right key ring, a wrong one, or none."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot import config
from bot.audit.chain import OperatorAct
from bot.crypto.vault import Vault
from bot.diagnostics import doctor
from bot.errors import Corrupt, KeyRingMismatch
from bot.keys import unlock
from bot.keys.key_ring import OVERLAP, KeyRing
from bot.store.embedded.store import EmbeddedStore
from tests.cli.test_cli import peersupport
from tests.stories.scenes import AFTERWARDS, ASKED, TOGETHER, play
from tests.stories.serve import KEY, Story, ring_of, story, vault_with

DAY = timedelta(days=1)
NEW = bytes(range(1, 33))
BOTH = ",".join(base64.b64encode(key).decode() for key in (NEW, KEY))
ONLY_NEW = base64.b64encode(NEW).decode()


@pytest.fixture(params=["tinydb", "postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    """The address of a database, or "" for the embedded store."""
    return str(request.getfixturevalue("new_database")) if request.param == "postgresql" else ""


async def restarted(s: Story, **settings: str) -> bool:
    """End it, and start it with other settings; whether it came to serve."""
    if s.serve.pid:
        assert await s.serve.end() == 0
    s.serve.environ |= settings
    return await s.serve.begin()


def command(s: Story, *words: str) -> tuple[int, str]:
    """The real command, with the settings of this `serve`."""
    settings: Mapping[str, str] = {
        name: value for name, value in s.serve.environ.items() if name.startswith(("PEERSUPPORT_", "SLACK_"))
    }
    ran = peersupport(s.folder.parent, *words, **settings)
    return ran.returncode, ran.stdout + ran.stderr


async def a_night(s: Story) -> None:
    """Let a day pass, and wait for the key rotation."""
    s.time.pass_(DAY)
    today = s.time.now().date()
    await s.turns(lambda: any(path.name.startswith(today.isoformat()) for path in ring_of(s.folder).iterdir()))
    await s.keeps(lambda kept: _on_the_newest(s, kept.vault))


def _on_the_newest(s: Story, vault: Vault) -> bool:
    return all(record.sealed[1:9] == vault.current_key_id() for record in s.kept().records.values() if record.sealed)


async def test_days_pass_old_copies_die_and_the_story_goes_on(tmp_path: Path, database: str) -> None:
    async with story(tmp_path, database=database, PEERSUPPORT_KEY_DAYS="2") as s:
        await play(s, ASKED)
        copy, records = tmp_path / "copy", s.kept().records
        if not database:
            shutil.copytree(s.folder, copy)
        for _ in range(4):
            await a_night(s)
        s.time.pass_(OVERLAP * 2)
        await s.turns(lambda: len(list(ring_of(s.folder).glob("*.key"))) == 3)
        thief = vault_with(ring_of(s.folder))
        for record in records.values():
            if record.sealed:
                with pytest.raises(Corrupt):
                    thief.open(record.kind, record.id, record.shape, record.sealed)
        if not database:
            with pytest.raises(KeyRingMismatch):
                EmbeddedStore.open(copy, thief)
        assert b"U0BO" in s.kept().plain()
        assert (await s.is_ready())[0] == 200
        assert await s.serve.end() == 0
    assert b'"error"' not in s.serve.said
    assert b"keys-dropped" in s.serve.said


async def test_a_ring_of_another_store_or_an_older_copy_is_refused_by_name(tmp_path: Path, database: str) -> None:
    async with story(tmp_path, database=database) as s:
        await play(s, ASKED[:2])
        shutil.copytree(ring_of(s.folder), tmp_path / "older")
        KeyRing.create(tmp_path / "another", (KEY,), s.time.now())
        await a_night(s)
        for ring in ("older", "another", "empty"):
            before = len(s.serve.said)
            assert not await restarted(s, PEERSUPPORT_KEY_RING=str(tmp_path / ring))
            await s.serve.ended()
            await s.serve.close()
            said = s.serve.said[before:].decode()
            assert "PEERSUPPORT_KEY_RING is not the ring this store was written with" in said
            code, told = command(s, "doctor")
            assert code == 2
            assert "PEERSUPPORT_KEY_RING is not the ring" in told
            await s.serve.warm_up()  # it was closed so that all it said is read
        assert not (tmp_path / "empty").exists()
        assert await restarted(s, PEERSUPPORT_KEY_RING=str(ring_of(s.folder)))


async def test_a_root_is_rotated_while_people_are_in_the_middle_of_something(tmp_path: Path, database: str) -> None:
    async with story(tmp_path, database=database) as s:
        await play(s, ASKED)
        code, told = command(s, "keys", "rotate")
        assert (code, "holds one key" in told) == (2, True)
        assert await restarted(s, PEERSUPPORT_ROOT_KEY=BOTH)
        await play(s, TOGETHER[:1])
        assert "ring-root" in command(s, "doctor")[1]
        code, told = command(s, "keys", "rotate")
        assert code == 0, told
        await play(s, TOGETHER[1:])
        assert await restarted(s, PEERSUPPORT_ROOT_KEY=ONLY_NEW)
        await play(s, AFTERWARDS)
        assert command(s, "audit", "verify") == (0, "2 entries, unbroken.\n")  # its key outlives the root
        before = len(s.serve.said)
        assert not await restarted(s, PEERSUPPORT_ROOT_KEY=base64.b64encode(KEY).decode())
        await s.serve.ended()
        await s.serve.close()
        assert b"PEERSUPPORT_ROOT_KEY" in s.serve.said[before:]
        await s.serve.warm_up()
    assert b'"error"' not in s.serve.said


async def test_a_lost_ring_is_reported_and_only_a_deliberate_command_starts_over(tmp_path: Path, database: str) -> None:
    async with story(tmp_path, database=database) as s:
        await play(s, ASKED[:4])
        await s.serve.end()
        code, told = command(s, "keys", "lost")
        assert (code, "Nothing is lost" in told) == (0, True)
        ring_of(s.folder).rename(tmp_path / "found again")
        assert not await restarted(s)
        await s.serve.ended()
        code, told = command(s, "keys", "lost")
        assert (code, "--start-again" in told) == (1, True)
        (tmp_path / "found again").rename(ring_of(s.folder))
        assert command(s, "keys", "lost")[0] == 0
        shutil.rmtree(ring_of(s.folder))
        code, told = command(s, "keys", "lost", "--start-again")
        assert (code, "It is destroyed" in told) == (0, True)
        assert await restarted(s)
        assert s.kept().kinds().get("support", 0) == s.kept().kinds().get("volunteering", 0) == 0
        assert "U0" not in told
        code, told = command(s, "audit", "export")
        assert (code, [row.split(",")[2:4] for row in told.splitlines()[1:]]) == (
            0,
            [[OperatorAct.BEGAN_ANEW, "operator"]],
        )


def test_the_doctor_warns_of_an_exposed_ring_a_late_rotation_and_a_ring_beside_the_store(
    tmp_path: Path,
) -> None:
    store = tmp_path / "store"
    store.mkdir(0o700)
    now = datetime(2026, 3, 2, tzinfo=UTC)
    settings = {
        "PEERSUPPORT_ROOT_KEY": base64.b64encode(KEY).decode(),
        "PEERSUPPORT_STORE": f"tinydb://{store}",
        "PEERSUPPORT_KEY_RING": str(tmp_path / "ring"),
    }

    def found(day: datetime, **more: str) -> dict[str, str]:
        findings = doctor.examine(day.date(), environ=settings | more, folder=tmp_path)[1]
        return {finding.id: finding.status for finding in findings if finding.id.startswith("ring")}

    assert found(now) == {"ring-apart": "ok", "ring-days": "ok", "ring": "ok"}
    ring = KeyRing.create(tmp_path / "ring", (KEY,), now)
    well = found(now)
    assert set(well.values()) == {"ok"}
    assert len(well) == 7
    assert found(now + 20 * DAY)["ring-turn"] == "warn"
    assert found(now, PEERSUPPORT_KEY_DAYS="90")["ring-days"] == "warn"
    assert found(now, PEERSUPPORT_ROOT_KEY=BOTH)["ring-root"] == "warn"
    assert found(now, PEERSUPPORT_ROOT_KEY=ONLY_NEW)["ring"] == "fail"
    (tmp_path / "ring" / ring.day_keys[0].file_name).chmod(0o644)
    assert found(now)["ring-private"] == "warn"
    shutil.move(tmp_path / "ring", store / "ring")
    assert found(now, PEERSUPPORT_KEY_RING="")["ring-apart"] == "warn"
    assert found(now, PEERSUPPORT_KEY_RING=str(store / "ring"))["ring-apart"] == "warn"


def test_a_ring_that_another_process_has_just_created_is_not_taken_for_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime(2026, 3, 2, tzinfo=UTC)
    environ = {
        "PEERSUPPORT_ROOT_KEY": base64.b64encode(KEY).decode(),
        "PEERSUPPORT_STORE": f"tinydb://{tmp_path}/store",
        "PEERSUPPORT_KEY_RING": str(tmp_path / "ring"),
    }
    theirs: list[KeyRing] = []

    def another_was_faster(_: object) -> bool:
        theirs.append(KeyRing.create(tmp_path / "ring", (KEY,), now))
        return True

    monkeypatch.setattr(unlock, "has_key_ring", another_was_faster)
    _, ring = unlock.open_vault(config.load(environ, tmp_path), now)
    assert ring.id == theirs[0].id
