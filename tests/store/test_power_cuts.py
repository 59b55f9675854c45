"""The power goes: whatever was answered, read or destroyed before it stays so, in the store, the ring and the log."""

from __future__ import annotations

import base64
import os
import stat
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from bot import config
from bot.crypto.vault import Vault
from bot.errors import NotServable
from bot.keys import unlock
from bot.keys.key_ring import OVERLAP, KeyRing, restrict_access
from bot.store.base import Deletion
from bot.store.embedded.journal import FILE_HEADER, JOURNAL_NAME
from bot.store.embedded.store import EmbeddedStore, WriteFailed
from bot.store.erasure_log import ErasureLog, ErasureLogState
from tests.keys.test_key_ring import DAY, EVENING, ROOT
from tests.store.contract import a_record
from tests.store.platter import Platter

VAULT = Vault(ROOT)


@pytest.fixture
def machine(tmp_path: Path) -> Platter:
    """One machine; its folder is on the disk already."""
    base = tmp_path / "machine"
    base.mkdir()
    return Platter(base)


def opened(machine: Platter) -> EmbeddedStore:
    """A process that begins to serve on this machine; where a write fails it ends."""
    return EmbeddedStore.open(machine.base / "data", VAULT, disk=machine, on_failure=lambda _: None)


# ---------------------------------------------------------------- the embedded store


async def test_what_was_acknowledged_is_there_when_the_power_comes_back(machine: Platter) -> None:
    store = opened(machine)
    await store.save(a_record("r1"))
    machine.power_cut()
    await store.close()
    again = opened(machine)
    assert await again.load("r1")
    await again.close()


async def test_what_a_process_read_at_its_start_is_not_gone_after_the_next_power_cut(machine: Platter) -> None:
    """A save whose sync failed is seen by the next process, which acts on it: so it makes it durable first."""
    store = opened(machine)
    await store.save(a_record("r1"))
    machine.syncs_fail = True
    with pytest.raises(WriteFailed):
        await store.save(a_record("r2"))
    await store.close()
    machine.syncs_fail = False
    store = opened(machine)
    assert await store.load("r2")
    await store.close()
    machine.power_cut()
    store = opened(machine)
    assert await store.load("r2")
    await store.close()


async def test_after_a_sync_that_failed_nothing_is_accepted_any_more(machine: Platter) -> None:
    ended: list[str] = []
    store = EmbeddedStore.open(machine.base / "data", VAULT, disk=machine, on_failure=lambda _: ended.append("now"))
    await store.save(a_record("r1"))
    machine.syncs_fail = True
    with pytest.raises(WriteFailed):
        await store.save(a_record("r2"))
    machine.syncs_fail = False
    assert ended == ["now"]
    for refused in (store.load("r1"), store.save(a_record("r3")), store.check(), store.purge()):
        with pytest.raises(WriteFailed):
            await refused
    await store.close()


async def test_a_purge_is_not_undone_and_loses_nothing_when_the_power_goes(machine: Platter) -> None:
    store = opened(machine)
    await store.save(a_record("r1"), a_record("r2"))
    await store.save(Deletion("r1", 1))
    await store.purge()
    machine.power_cut()
    await store.close()
    store = opened(machine)
    assert [record.id for record in await store.scan("", 10)] == ["r2"]
    await store.close()


async def test_the_blocks_of_a_file_that_was_compacted_away_open_with_no_key(machine: Platter, tmp_path: Path) -> None:
    store = opened(machine)
    await store.save(a_record("r1", sealed=b"told nobody"))
    freed = tmp_path / "blocks that the disk keeps"
    os.link(machine.base / "data" / JOURNAL_NAME, freed)
    await store.save(replace(a_record("r1"), revision=1))
    await store.purge()
    await store.close()
    assert len(freed.read_bytes()) > FILE_HEADER.size
    assert freed.read_bytes()[: FILE_HEADER.size] == bytes(FILE_HEADER.size)


# ---------------------------------------------------------------- the key ring


def test_a_key_that_something_may_be_wrapped_under_outlives_a_power_cut(machine: Platter) -> None:
    folder = machine.base / "ring"
    ring = KeyRing.create(folder, (ROOT,), EVENING, machine)
    ring.ensure_key_for(EVENING + DAY)
    sealed = Vault(ROOT, ring).seal("request", "r1", 0, b"x")
    machine.power_cut()
    assert Vault(ROOT, KeyRing.open(folder, (ROOT,))).open("request", "r1", 0, sealed) == b"x"


def test_a_key_that_was_destroyed_does_not_come_back_with_the_power(machine: Platter, tmp_path: Path) -> None:
    folder = machine.base / "ring"
    ring = KeyRing.create(folder, (ROOT,), EVENING, machine)
    sealed = Vault(ROOT, ring).seal("request", "r1", 0, b"x")
    first = ring.day_keys[0].file_name
    freed = tmp_path / "blocks that the disk keeps"
    os.link(folder / first, freed)
    ring.ensure_key_for(EVENING + DAY)
    ring.destroy_keys(ring.expired_keys(EVENING + DAY + OVERLAP * 4, 0))
    machine.power_cut()
    assert not list(folder.glob(f"{first}*"))
    assert not any(freed.read_bytes())
    left = Vault(ROOT, KeyRing.open(folder, (ROOT,)))
    assert not left.has_key(sealed[1:9])


def test_the_blocks_of_a_key_file_that_was_rewrapped_open_with_no_key(machine: Platter, tmp_path: Path) -> None:
    folder = machine.base / "ring"
    KeyRing.create(folder, (ROOT,), EVENING, machine)
    freed = [tmp_path / path.name for path in folder.iterdir()]
    for kept in freed:
        os.link(folder / kept.name, kept)
    assert KeyRing.open(folder, (bytes(range(1, 33)), ROOT), machine).rewrap() == len(freed) == 2
    assert not any(any(kept.read_bytes()) for kept in freed)


def test_a_ring_is_closed_to_others_before_it_is_served_from(tmp_path: Path) -> None:
    key = base64.b64encode(ROOT).decode("ascii")
    folder = tmp_path / "ring"
    KeyRing.create(folder, (ROOT,), EVENING)
    folder.chmod(0o755)
    said = {"PEERSUPPORT_STORE": f"tinydb:///{tmp_path}/data", "PEERSUPPORT_KEY_RING": str(folder)}
    unlock.open_vault(config.load(said | {"PEERSUPPORT_ROOT_KEY": key}, tmp_path), EVENING)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


class OfAnotherUser(type(Path())):
    """A folder on a mounted volume: its mode is not ours to change."""

    def chmod(self, mode: int, *, follow_symlinks: bool = True) -> None:
        raise PermissionError


def test_a_ring_that_every_user_may_read_is_not_served_from(tmp_path: Path) -> None:
    folder = OfAnotherUser(tmp_path / "ring")
    folder.mkdir()
    for mode, is_ours in ((0o700, True), (0o750, True), (0o755, False), (0o704, False), (0o701, False)):
        Path(folder).chmod(mode)
        if is_ours:
            restrict_access(folder)
            continue
        with pytest.raises(NotServable, match="chmod 700"):
            restrict_access(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o701


# ---------------------------------------------------------------- the erasure log


def test_a_line_is_on_the_disk_before_its_record_is_destroyed(machine: Platter) -> None:
    log = ErasureLog(machine.base, VAULT, 7, lambda: date(2026, 3, 2), disk=machine)
    pending = log.begin_erasure(["r1"])
    machine.power_cut()
    pending.finish()  # its process is gone, and so is its lock
    state = log.read()
    assert state.erased_since(ErasureLogState(state.id)).contains("r1", VAULT)


def test_a_log_that_was_pruned_keeps_its_lines_when_the_power_goes(machine: Platter) -> None:
    today = [date(2026, 3, 2)]
    log = ErasureLog(machine.base, VAULT, 7, lambda: today[0], disk=machine)
    log.begin_erasure(["r1"]).finish()
    today[0] = date(2026, 3, 13)
    log.begin_erasure(["r2"]).finish()
    log.prune()
    log.begin_erasure(["r3"]).finish()
    machine.power_cut()
    state = log.read()
    gone = state.erased_since(ErasureLogState(state.id))
    assert [gone.contains(each, VAULT) for each in ("r1", "r2", "r3")] == [False, True, True]
