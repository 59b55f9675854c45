"""The embedded store: the contract, crashes and torn writes, damage, forgetting, and write coalescing."""

from __future__ import annotations

import asyncio
import base64
import errno
import gzip
import os
import random
import stat
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st
from tinydb import Query

from bot.crypto.durable_file import FileSystem
from bot.crypto.vault import Vault
from bot.errors import Corrupt, StaleRevision, StoreInUse
from bot.keys.key_ring import KeyRing
from bot.store.base import Deletion, Record, Store
from bot.store.embedded.compaction import UNFINISHED_NAME
from bot.store.embedded.journal import ENTRY_HEAD, FILE_HEADER, JOURNAL_NAME, read_wrapping_key_id
from bot.store.embedded.store import CompactionFailed, EmbeddedStore, WriteFailed
from tests.running.examples import every_nth, examples
from tests.store.contract import NOON, StoreContract, a_record

VAULT = Vault(bytes(range(32)))


class TestEmbeddedStore(StoreContract):
    """TinyDB behind a sealed journal."""

    @pytest.fixture
    async def store(self, tmp_path: Path) -> AsyncIterator[EmbeddedStore]:
        self.folder = tmp_path / "data"
        self.stores = [EmbeddedStore.open(self.folder, VAULT)]
        yield self.stores[0]
        await self.stores[-1].close()

    @pytest.fixture
    def reopen(self, store: EmbeddedStore) -> Callable[[], Awaitable[Store]]:
        async def again() -> Store:
            await self.stores[-1].close()
            self.stores.append(EmbeddedStore.open(self.folder, VAULT))
            return self.stores[-1]

        return again


async def written(folder: Path, *saves: tuple[Record | Deletion, ...], vault: Vault = VAULT) -> Path:
    """A closed store after these saves, one entry each; its file."""
    store = EmbeddedStore.open(folder, vault)
    for changes in saves:
        await store.save(*changes)
    await store.close()
    return folder / JOURNAL_NAME


def entries(data: bytes) -> list[tuple[int, int]]:
    """Where each entry begins and ends."""
    found, at = [], FILE_HEADER.size
    while at + ENTRY_HEAD.size <= len(data) and data[at : at + 4] == b"\xf5psj":
        end = at + ENTRY_HEAD.size + ENTRY_HEAD.unpack_from(data, at)[2] + 1
        found.append((at, end))
        at = end
    return found


async def ids(folder: Path) -> set[str]:
    """Open, read everything, close."""
    store = EmbeddedStore.open(folder, VAULT)
    found = {record.id for record in await store.all_of_kind("request")}
    await store.close()
    return found


def is_refused(folder: Path, data: bytes) -> bool:
    """Say whether these bytes are refused, and left unchanged."""
    (folder / JOURNAL_NAME).write_bytes(data)
    try:
        EmbeddedStore.open(folder, VAULT)
    except Corrupt:
        return (folder / JOURNAL_NAME).read_bytes() == data and not (folder / UNFINISHED_NAME).exists()
    return False


# ---------------------------------------------------------------- torn, or damaged


@pytest.mark.parametrize("tear", ["shorter", "zeros to the end"])
async def test_an_entry_torn_at_any_byte_is_cut_off_and_all_before_it_kept(tmp_path: Path, tear: str) -> None:
    path = await written(tmp_path, (a_record("r1"),), (a_record("r2"),), (a_record("r3", sealed=bytes(range(200))),))
    start, end = entries(path.read_bytes())[-1]
    whole = path.read_bytes()[: end + 600]  # fewer of the zeros ahead: it is read some hundred times
    for cut in range(start, end):
        path.write_bytes(whole[:cut] if tear == "shorter" else whole[:cut] + bytes(len(whole) - cut))
        assert await ids(tmp_path) == {"r1", "r2"}
    path.write_bytes(whole)
    assert await ids(tmp_path) == {"r1", "r2", "r3"}


async def test_an_entry_with_missing_sectors_is_cut_off(tmp_path: Path) -> None:
    path = await written(tmp_path, (a_record("r1"),), (a_record("r2", sealed=os.urandom(2000)),))
    whole = path.read_bytes()
    start, end = entries(whole)[-1]
    sectors = range(start // 512, (end - 1) // 512 + 1)
    for lost in range(1, 1 << len(sectors)):
        torn = bytearray(whole)
        for n, sector in enumerate(sectors):
            if lost >> n & 1:
                low, high = max(start, sector * 512), min(end, sector * 512 + 512)
                torn[low:high] = bytes(high - low)
        path.write_bytes(torn)
        assert await ids(tmp_path) == {"r1"}


async def test_writing_goes_on_after_a_torn_entry_was_cut_off(tmp_path: Path) -> None:
    path = await written(tmp_path, (a_record("r1"),), (a_record("r2", sealed=bytes(5000)),))
    whole = path.read_bytes()
    path.write_bytes(whole[: entries(whole)[-1][1] - 1])
    await written(tmp_path, (a_record("r3"),))
    assert await ids(tmp_path) == {"r1", "r3"}


async def test_any_flipped_bit_is_refused_and_nothing_is_touched(tmp_path: Path) -> None:
    path = await written(tmp_path, (a_record("r1"),), (a_record("r2"),), (a_record("r3"),))
    end = entries(path.read_bytes())[-1][1]
    whole = path.read_bytes()[: end + 600]  # fewer of the zeros ahead: it is read some thousand times
    path.write_bytes(whole)
    with path.open("r+b", buffering=0) as file:
        for at, right in enumerate(whole[:end]):
            for bit in range(8):
                file.seek(at)
                file.write(bytes([right ^ 1 << bit]))  # in place: to write the whole file takes longer than to read it
                with pytest.raises(Corrupt):
                    EmbeddedStore.open(tmp_path, VAULT)
                assert path.read_bytes() == whole[:at] + bytes([right ^ 1 << bit]) + whole[at + 1 :], (at, bit)
                assert not (tmp_path / UNFINISHED_NAME).exists()
            file.seek(at)
            file.write(bytes([right]))
    assert await ids(tmp_path) == {"r1", "r2", "r3"}


@settings(max_examples=examples(150), deadline=None)
@given(data=st.data())
def test_any_changed_bytes_among_the_entries_are_refused(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("store")
    path = asyncio.run(written(folder, *((a_record(f"r{n}", sealed=os.urandom(600)),) for n in range(4))))
    whole = path.read_bytes()
    end = entries(whole)[-2][1]
    at = data.draw(st.integers(0, end - 1))
    new = data.draw(st.one_of(st.binary(min_size=1, max_size=700), st.integers(1, 700).map(bytes)))[: end - at]
    changed = whole[:at] + new + whole[at + len(new) :]
    assert changed == whole or is_refused(folder, changed)


async def test_entries_dropped_repeated_or_exchanged_are_refused(tmp_path: Path) -> None:
    path = await written(tmp_path / "a", *((a_record(f"r{n}"),) for n in range(4)))
    whole = path.read_bytes()
    spans = entries(whole)
    parts = [whole[start:end] for start, end in spans]
    head, tail = whole[: FILE_HEADER.size], whole[spans[-1][1] :]
    stranger = (await written(tmp_path / "b", *((a_record(f"r{n}"),) for n in range(4)))).read_bytes()
    theirs = [stranger[start:end] for start, end in entries(stranger)]
    for n in range(len(parts)):
        others = parts[:n] + parts[n + 1 :]
        assert n == len(parts) - 1 or is_refused(tmp_path / "a", head + b"".join(others) + tail)
        assert is_refused(tmp_path / "a", head + b"".join([*parts[:n], theirs[n], *parts[n + 1 :]]) + tail)
        assert is_refused(tmp_path / "a", head + b"".join([*parts, parts[n]]) + tail)
        for m in range(n):
            swapped = list(parts)
            swapped[n], swapped[m] = swapped[m], swapped[n]
            assert is_refused(tmp_path / "a", head + b"".join(swapped) + tail)


async def test_the_header_of_one_store_does_not_open_the_entries_of_another(tmp_path: Path) -> None:
    one = (await written(tmp_path / "a", (a_record(),))).read_bytes()
    two = (await written(tmp_path / "b", (a_record(),))).read_bytes()
    assert is_refused(tmp_path / "a", two[: FILE_HEADER.size] + one[FILE_HEADER.size :])


@pytest.mark.parametrize("data", [b"", b"{}", bytes(4096), b"peersupport store\n"])
async def test_a_file_that_is_no_journal_is_refused(tmp_path: Path, data: bytes) -> None:
    assert is_refused(tmp_path, data)


async def test_a_snapshot_that_stops_early_is_refused(tmp_path: Path) -> None:
    path = await written(tmp_path, (a_record("r1"), a_record("r2")), (Deletion("r2", 1),))
    await ids(tmp_path)  # compacts
    whole = path.read_bytes()
    for cut in range(FILE_HEADER.size, entries(whole)[1][1]):
        assert is_refused(tmp_path, whole[:cut])


async def test_a_wrong_root_key_is_refused_by_name(tmp_path: Path) -> None:
    path = await written(tmp_path, (a_record(),))
    before = path.read_bytes()
    with pytest.raises(Corrupt, match="PEERSUPPORT_ROOT_KEY"):
        EmbeddedStore.open(tmp_path, Vault(bytes(32)))
    assert path.read_bytes() == before
    assert await ids(tmp_path) == {"r1"}


# ---------------------------------------------------------------- one process, private files


async def test_a_second_process_is_refused_at_once_naming_the_holder_and_the_setting(tmp_path: Path) -> None:
    store = EmbeddedStore.open(tmp_path, VAULT)
    with pytest.raises(StoreInUse, match=rf"process {os.getpid()}\b.*PEERSUPPORT_STORE"):
        EmbeddedStore.open(tmp_path, VAULT)
    await store.close()
    await EmbeddedStore.open(tmp_path, VAULT).close()


async def test_only_we_may_read_the_files(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    await written(folder, (a_record(),))
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


async def test_a_closed_store_refuses_every_call(tmp_path: Path) -> None:
    store = EmbeddedStore.open(tmp_path, VAULT)
    await store.close()
    await store.close()
    with pytest.raises(WriteFailed):
        await store.save(a_record())
    with pytest.raises(WriteFailed):
        await store.load("r1")


async def test_clear_columns_answer_a_query(tmp_path: Path) -> None:
    store = EmbeddedStore.open(tmp_path, VAULT)
    await store.save(a_record("r1", due=NOON), replace(a_record("r2"), stage="together"))
    assert [record.id for record in await store.search(Query().stage == "together")] == ["r2"]
    assert [record.id for record in await store.search(Query().due == NOON)] == ["r1"]
    await store.close()


async def test_all_of_kind_returns_the_same_object_until_a_record_changes(tmp_path: Path) -> None:
    store = EmbeddedStore.open(tmp_path, VAULT)
    await store.save(a_record("r1"), a_record("r2"))
    found = await store.all_of_kind("request")
    await store.save(replace(a_record("v1"), kind="volunteer"))
    assert await store.all_of_kind("request") is found
    await store.save(replace(a_record("r1"), stage="together", revision=1), Deletion("r2", 1), a_record("r3"))
    assert [(record.id, record.stage) for record in await store.all_of_kind("request")] == [
        ("r1", "together"),
        ("r3", "asking"),
    ]
    await store.save(replace(a_record("r1"), kind="volunteer", revision=2))
    assert [record.id for record in await store.all_of_kind("request")] == ["r3"]
    assert {record.id for record in await store.all_of_kind("volunteer")} == {"v1", "r1"}
    await store.close()


# ---------------------------------------------------------------- forgetting


def forms(canary: bytes) -> list[bytes]:
    """Return the forms in which bytes could still be found."""
    text = canary.decode("latin-1")
    shifted = [base64.b64encode(b"x" * n + canary)[4:-4] for n in range(3)]
    assert min(map(len, shifted)) >= 8, "too short: it would be found by chance"
    return [canary, canary.hex().encode(), canary.hex().upper().encode(), *shifted, text.encode("utf-16-le")]


def anything(folder: Path) -> bytes:
    """Everything in the folder, and what can be unpacked of it."""
    raw = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    for data in list(raw):
        at = data.find(b"\x1f\x8b\x08")
        while at >= 0:
            with suppress(OSError, EOFError, zlib.error):
                raw.append(gzip.decompress(data[at:]))
            at = data.find(b"\x1f\x8b\x08", at + 1)
    return b"\n".join(raw)


async def test_nothing_stands_on_the_disk_in_clear(tmp_path: Path) -> None:
    record = a_record("canary-of-the-id", due=NOON, open=("canary-of-a-key",), sealed=b"canary-of-a-box")
    await written(tmp_path, (replace(record, kind="canary-kind", stage="canary-stage"),))
    canaries = (
        b"canary-of-the-id",
        b"canary-of-a-key",
        b"canary-of-a-box",
        b"canary-kind",
        b"canary-stage",
        b"2024-03-01",
    )
    left = anything(tmp_path)
    assert not any(form in left for canary in canaries for form in forms(canary))


def opened(folder: Path) -> bytes:
    """Return everything that the root key still decrypts in the folder's files."""
    plain = []
    for path in folder.iterdir():
        data = path.read_bytes()
        if len(data) > FILE_HEADER.size:
            _, _, file_id, wrapped, _ = FILE_HEADER.unpack_from(data)
            box = AESGCM(VAULT.unwrap_file_key(file_id, wrapped))
            for number, (start, end) in enumerate(entries(data)):
                payload = data[start + ENTRY_HEAD.size : end - 1]
                plain.append(box.decrypt(payload[:12], payload[12:], file_id + number.to_bytes(8, "big")))
    return b"\n".join(plain)


@pytest.mark.parametrize("way", ["purge", "restart"])
async def test_after_forgetting_not_even_the_root_key_finds_a_byte(tmp_path: Path, way: str) -> None:
    boxes = [VAULT.seal("request", "r", 1, b"told nobody %d" % n) for n in range(3)]
    store = EmbeddedStore.open(tmp_path, VAULT)
    await store.save(
        a_record("keep-me", sealed=boxes[0]), a_record("canary-as-an-id", open=("canary-as-a-key",), sealed=boxes[1])
    )
    await store.save(replace(a_record("canary-as-an-id", sealed=boxes[2]), revision=1))
    await store.save(Deletion("canary-as-an-id", 2))
    assert boxes[1] in opened(tmp_path)
    if way == "purge":
        await store.purge()
    await store.close()
    if way == "restart":
        await EmbeddedStore.open(tmp_path, VAULT).close()
    left = opened(tmp_path) + anything(tmp_path)
    assert b"keep-me" in left
    assert boxes[0] in left
    for canary in (b"canary-as-an-id", b"canary-as-a-key", boxes[1], boxes[2], boxes[1][-64:], boxes[2][-64:]):
        assert not any(form in left for form in forms(canary))


async def test_what_was_replaced_is_purged_too(tmp_path: Path) -> None:
    store = EmbeddedStore.open(tmp_path, VAULT)
    await store.save(a_record(sealed=b"canary, an undelivered line"))
    await store.save(replace(a_record(sealed=b"delivered"), revision=1))
    await store.close()
    store = EmbeddedStore.open(tmp_path, VAULT)
    assert b"canary" in opened(tmp_path)
    await store.purge()
    assert b"canary" not in opened(tmp_path)
    await store.close()


async def test_a_purge_puts_the_file_under_the_newest_key_though_nothing_changed(tmp_path: Path) -> None:
    now = datetime(2026, 3, 2, 1, tzinfo=UTC)
    ring = KeyRing.create(tmp_path / "ring", (bytes(range(32)),), now)
    vault = Vault(bytes(range(32)), ring)
    await written(tmp_path / "data", (a_record(),), vault=vault)
    store = EmbeddedStore.open(tmp_path / "data", vault)
    assert ring.ensure_key_for(now + timedelta(days=1))
    assert read_wrapping_key_id(tmp_path / "data") != vault.current_key_id()
    await store.purge()
    assert read_wrapping_key_id(tmp_path / "data") == vault.current_key_id()
    await store.close()


async def test_a_record_destroyed_while_a_purge_runs_is_gone_after_the_next_call(tmp_path: Path) -> None:
    store = EmbeddedStore.open(tmp_path, VAULT)
    await store.save(*(a_record(f"r{n}", sealed=b"canary-%d" % n) for n in range(300)))
    await store.save(Deletion("r0", 1))
    running = asyncio.ensure_future(store.purge())
    await asyncio.sleep(0)
    await store.save(Deletion("r1", 1))
    await store.purge()
    await running
    assert b'"r1"' not in opened(tmp_path)
    assert b"canary-0" not in opened(tmp_path)
    await store.close()


# ---------------------------------------------------------------- the disk fails, the power goes


class FailingFileSystem(FileSystem):
    """Works for a number of operations and then fails for good; or loses power, and what was not synced with it.

    After `power_cut` each 512-byte sector written since the last sync may or may not have arrived.
    """

    def __init__(self, steps: int, error: int = errno.EIO) -> None:
        self.left, self.error, self.steps = steps, error, 0
        self.fds: set[int] = set()
        self.unsynced: dict[int, list[tuple[int, bytes]]] = {}

    def step(self) -> None:
        self.steps += 1
        if self.left <= 0:
            raise OSError(self.error, os.strerror(self.error))
        self.left -= 1

    def open(self, path: Path) -> int:
        self.step()
        return self.keep(super().open(path))

    def create(self, path: Path) -> int:
        self.step()
        return self.keep(super().create(path))

    def lock(self, path: Path) -> int:
        return self.keep(super().lock(path))

    def keep(self, fd: int) -> int:
        self.fds.add(fd)
        return fd

    def write(self, fd: int, data: bytes, at: int) -> None:
        size = os.fstat(fd).st_size
        before = os.pread(fd, len(data), at).ljust(len(data), b"\0") if at <= size else bytes(len(data))
        self.unsynced.setdefault(fd, []).append((at, before))
        try:
            self.step()
        except OSError:
            super().write(fd, data[: len(data) // 2], at)
            raise
        super().write(fd, data, at)

    def sync(self, fd: int) -> None:
        self.step()
        super().sync(fd)
        self.unsynced.pop(fd, None)

    def truncate(self, fd: int, size: int) -> None:
        self.step()
        super().truncate(fd, size)

    def replace(self, old: Path, new: Path) -> None:
        self.step()
        super().replace(old, new)

    def remove(self, path: Path) -> None:
        self.step()
        super().remove(path)

    def sync_folder(self, folder: Path) -> None:
        self.step()
        super().sync_folder(folder)

    def close(self, fd: int) -> None:
        self.fds.discard(fd)
        super().close(fd)

    def power_cut(self, luck: random.Random) -> None:
        for fd, writes in self.unsynced.items():
            if fd not in self.fds:
                continue
            for at, before in writes:
                for start in range(at - at % 512, at + len(before), 512):
                    low, high = max(at, start), min(at + len(before), start + 512)
                    if luck.random() < 0.5:
                        os.pwrite(fd, before[low - at : high - at], low)

    def die(self) -> None:
        """Close every descriptor, as the end of a process does."""
        for fd in list(self.fds):
            os.close(fd)
        self.fds.clear()


async def steps_of_a_life(folder: Path) -> int:
    disk = FailingFileSystem(10**9)
    await ProcessLife().live(folder, disk)
    return disk.steps


@pytest.mark.parametrize("ending", ["killed", "power cut", "no space"])
async def test_whichever_disk_operation_fails_saves_are_durable_and_atomic(tmp_path: Path, ending: str) -> None:
    total = await steps_of_a_life(tmp_path / "whole")
    assert total > 60
    luck = random.Random(7)  # noqa: S311
    for step in range(0, total + 3, every_nth(3)):
        folder = tmp_path / str(step)
        disk = FailingFileSystem(step, errno.ENOSPC if ending == "no space" else errno.EIO)
        life = ProcessLife()
        await life.live(folder, disk)
        if ending == "power cut":
            disk.power_cut(luck)
        disk.die()
        await life.check(folder)


class ProcessLife:
    """One process: which saves were acknowledged to it, and of which the outcome is unknown."""

    def __init__(self) -> None:
        self.sure: dict[str, int] = {}
        self.unsure: dict[str, int] = {}  # of the one save that was not answered; revision 0: destroyed
        self.ended: list[str] = []

    async def live(self, folder: Path, disk: FileSystem) -> None:
        try:
            store = EmbeddedStore.open(folder, VAULT, disk=disk, on_failure=lambda _: self.ended.append("now"))
        except (OSError, WriteFailed):
            return
        try:
            await self.work(store)
        except CompactionFailed:
            assert not self.ended  # it may serve on
        except WriteFailed:
            assert self.ended == ["now"]
            for refused in (store.save(a_record("later")), store.load("a0"), store.check(), store.purge()):
                with pytest.raises(WriteFailed):
                    await refused
        await store.close()

    async def work(self, store: EmbeddedStore) -> None:
        for n in range(6):
            await self.save(store, a_record(f"a{n}", sealed=os.urandom(700)))
            await self.save(store, a_record(f"b{n}", sealed=os.urandom(1700)))
            await self.save(store, replace(a_record(f"a{n}"), revision=1), Deletion(f"b{n}", 1))
            if n % 2:
                purge = asyncio.ensure_future(store.purge())
                try:
                    await self.save(store, a_record(f"c{n}"))
                finally:
                    await asyncio.gather(purge, return_exceptions=True)
                purge.result()

    async def save(self, store: EmbeddedStore, *changes: Record | Deletion) -> None:
        now = {change.id: 0 if isinstance(change, Deletion) else change.revision + 1 for change in changes}
        self.unsure = now
        await store.save(*changes)
        self.sure.update(now)
        self.unsure = {}

    async def check(self, folder: Path) -> None:
        store = EmbeddedStore.open(folder, VAULT)
        assert not (folder / UNFINISHED_NAME).exists()
        found = {record.id: record.revision for record in await store.all_of_kind("request")}
        await store.save(a_record("later"))
        await store.close()
        after = self.sure | self.unsure
        possible = [{id: revision for id, revision in state.items() if revision} for state in (self.sure, after)]
        assert found in possible


async def test_a_compaction_without_room_is_reported_and_the_store_goes_on_serving(tmp_path: Path) -> None:
    class FullFor(FileSystem):
        """No new file fits."""

        full = False

        def create(self, path: Path) -> int:
            if self.full:
                raise OSError(errno.ENOSPC, "no space")
            return super().create(path)

        def free_bytes(self, folder: Path) -> int:
            return 0 if self.full else super().free_bytes(folder)

    disk, ended = FullFor(), []
    store = EmbeddedStore.open(tmp_path, VAULT, disk=disk, on_failure=lambda _: ended.append("now"))
    await store.save(a_record("r1", sealed=b"canary"), a_record("r2"))
    await store.save(Deletion("r1", 1))
    disk.full = True
    with pytest.raises(CompactionFailed):
        await store.purge()
    with pytest.raises(WriteFailed, match="PEERSUPPORT_STORE"):
        await store.check()
    await store.save(a_record("r3"))
    disk.full = False
    await store.purge()
    await store.check()
    assert b"canary" not in opened(tmp_path)
    assert not ended
    await store.close()


async def test_no_reader_sees_what_is_not_yet_on_the_disk(tmp_path: Path) -> None:
    class Watched(FileSystem):
        """Says how many syncs there were."""

        syncs = 0

        def sync(self, fd: int) -> None:
            super().sync(fd)
            self.syncs += 1

    disk = Watched()
    store = EmbeddedStore.open(tmp_path, VAULT, disk=disk)
    for read in (store.load("r1"), store.find("open", "k"), store.all_of_kind("request")):
        before = disk.syncs
        current = await store.load("r1")
        revision = current.revision if current else 0
        saving = asyncio.ensure_future(store.save(replace(a_record("r1", open=("k",)), revision=revision)))
        await asyncio.sleep(0)  # accepted, and not yet written
        assert disk.syncs == before
        with pytest.raises(StaleRevision):
            await store.save(replace(a_record("r1"), revision=revision))
        assert await read
        assert disk.syncs == before + 1
        await saving
    await store.close()


async def test_a_purge_does_not_spin_until_the_callback_of_a_done_compaction_runs(tmp_path: Path) -> None:
    store = EmbeddedStore.open(tmp_path, VAULT)
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    done.set_result(None)
    store._unsynced["r1"] = done
    assert await store.load("r1") is None
    store._outdated, store._compacting = 1, done
    asyncio.get_running_loop().call_soon(setattr, store, "_compacting", None)
    await store.purge()
    await store.close()


async def test_concurrent_writers_share_their_syncs(tmp_path: Path) -> None:
    disk = FailingFileSystem(10**9)
    store = EmbeddedStore.open(tmp_path, VAULT, disk=disk)
    before = disk.steps
    await asyncio.gather(*(store.save(a_record(f"r{n}")) for n in range(32)))
    assert disk.steps - before <= 4
    await store.close()


async def test_a_slow_disk_is_written_to_from_a_thread_and_loses_nothing(tmp_path: Path) -> None:
    store = EmbeddedStore.open(tmp_path, VAULT)
    store._writer._pace = 3600.0
    await asyncio.gather(*(store.save(a_record(f"r{n}")) for n in range(50)))
    for n in range(20):
        await store.save(replace(a_record(f"r{n}"), revision=1))
    await asyncio.gather(store.purge(), *(store.save(Deletion(f"r{n}", 1)) for n in range(20, 50)))
    await store.close()
    assert await ids(tmp_path) == {f"r{n}" for n in range(20)}


async def test_a_journal_that_outgrew_its_snapshot_is_compacted(tmp_path: Path) -> None:
    store = EmbeddedStore.open(tmp_path, VAULT)
    for revision in range(30):
        await store.save(replace(a_record(sealed=os.urandom(1 << 19)), revision=revision))
    await store.close()
    assert (tmp_path / JOURNAL_NAME).stat().st_size < 10 << 20
    assert await ids(tmp_path) == {"r1"}


# ---------------------------------------------------------------- against a plain model

one_of_few = st.sampled_from(["r0", "r1", "r2", "r3"])
dues = st.one_of(st.none(), st.integers(0, 5).map(lambda n: NOON + timedelta(minutes=n)))
keys = st.lists(st.sampled_from(["k0", "k1", "k2"]), max_size=2, unique=True).map(tuple)
puts = st.tuples(st.just("put"), one_of_few, dues, keys, st.booleans())
gones = st.tuples(st.just("gone"), one_of_few, st.none(), st.just(()), st.booleans())
others = st.tuples(st.sampled_from(["purge", "reopen"]), st.none(), st.none(), st.just(()), st.just(True))


@settings(max_examples=examples(120), deadline=None)
@given(deeds=st.lists(st.one_of(puts, puts, gones, others), max_size=25))
def test_the_store_behaves_like_a_dictionary(tmp_path_factory: pytest.TempPathFactory, deeds: list[tuple]) -> None:
    asyncio.run(compare(tmp_path_factory.mktemp("store"), deeds))


async def compare(folder: Path, deeds: list[tuple]) -> None:
    model: dict[str, Record] = {}
    store = EmbeddedStore.open(folder, VAULT)
    for what, id, due, held, honest in deeds:
        if what == "purge":
            await store.purge()
        elif what == "reopen":
            await store.close()
            store = EmbeddedStore.open(folder, VAULT)
        else:
            now = model[id].revision if id in model else 0
            revision = now if honest else now + 1
            new = replace(a_record(id, due=due, open=held), revision=revision)
            try:
                await store.save(Deletion(id, revision) if what == "gone" else new)
            except StaleRevision:
                assert not honest or (what == "gone" and not now)
            else:
                assert honest
                model.pop(id, None)
                if what == "put":
                    model[id] = replace(new, revision=revision + 1)
        timed = sorted((record.due, id) for id, record in model.items() if record.due)
        assert list(await store.due(NOON + timedelta(minutes=3))) == [
            id for due, id in timed if due <= NOON + timedelta(minutes=3)
        ]
        assert await store.next_due() == (timed[0][0] if timed else None)
        for key in ("k0", "k1", "k2"):
            assert set(await store.find("open", key)) == {id for id, r in model.items() if key in r.keys["open"]}
        assert {record.id: record for record in await store.all_of_kind("request")} == model
    await store.close()
