"""Daily key rotation: old copies become unreadable in time, and no interruption loses a record."""

from __future__ import annotations

import asyncio
import base64
import os
import random
import shutil
import signal
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from structlog.testing import capture_logs

from bot import config
from bot.crypto.stable_keys import derive_key
from bot.crypto.vault import Vault, _encode_parts, _pad
from bot.errors import Corrupt, KeyRingMismatch, NotServable, StaleRevision
from bot.keys import unlock
from bot.keys.key_ring import OVERLAP, KeyRing
from bot.keys.rotation import KeyRotation
from bot.store.base import Deletion, Record, Store
from bot.store.embedded.store import EmbeddedStore
from tests.store.contract import a_record
from tests.store.postgres_server import store_in

ROOT = bytes(range(32))
EVENING = datetime(2026, 3, 2, 1, tzinfo=UTC)
DAY = timedelta(days=1)
TOLD = b"canary: what she told us"


def ring_in(folder: Path, now: datetime = EVENING) -> KeyRing:
    return KeyRing.open(folder, (ROOT,)) if folder.exists() else KeyRing.create(folder, (ROOT,), now)


def sealed(vault: Vault, id: str, said: bytes = TOLD, revision: int = 0) -> Record:
    return replace(a_record(id, sealed=vault.seal("request", id, 3, said)), revision=revision)


class Installation:
    """A store with its key ring, and a clock that the test sets."""

    def __init__(self, store: Store, ring: KeyRing, days: int = 7, now: datetime = EVENING) -> None:
        self.store, self.ring, self.now, self.days = store, ring, now, days
        self.vault = Vault(ROOT, ring)
        self.rotation = KeyRotation(store, self.vault, ring, days, lambda: self.now)

    async def begin(self) -> Installation:
        self.ring.ensure_key_for(self.now)
        await unlock.bind_store(self.store, self.vault, self.ring, self.now)
        return self

    async def pass_days(self, days: int) -> None:
        """Let days pass, each with a rotation at midnight and another one some hours later."""
        for _ in range(days):
            self.now += DAY
            await self.rotation.run()
            assert self.rotation.succeeded
        self.now += OVERLAP * 2
        await self.rotation.run()
        assert self.rotation.succeeded


async def house(tmp_path: Path, days: int = 7) -> Installation:
    ring = ring_in(tmp_path / "ring")
    return await Installation(EmbeddedStore.open(tmp_path / "store", Vault(ROOT, ring)), ring, days).begin()


def opened(vault: Vault, record: Record) -> bytes:
    return vault.open(record.kind, record.id, record.shape, record.sealed)


async def all_open(store: Store, vault: Vault) -> int:
    records = [record for record in await store.scan("", 100_000) if record.sealed]
    assert all(opened(vault, record) for record in records)
    return len(records)


# ---------------------------------------------------------------- old copies


@pytest.mark.parametrize("days", [0, 2])
async def test_an_old_copy_of_the_store_cannot_be_decrypted_after_its_days(tmp_path: Path, days: int) -> None:
    bot = await house(tmp_path, days)
    await bot.store.save(sealed(bot.vault, "r1"), sealed(bot.vault, "r2"))
    await bot.pass_days(1)
    shutil.copytree(tmp_path / "store", tmp_path / "copy")
    row = await bot.store.load("r1")
    assert row is not None
    await bot.store.save(Deletion("r1", row.revision))
    if days:
        await bot.pass_days(days)
        copied = EmbeddedStore.open(tmp_path / "copy", bot.vault)
        assert await all_open(copied, bot.vault) == 3
        await copied.close()
        await bot.pass_days(1)
    else:
        await bot.pass_days(1)
    thief = Vault(ROOT, KeyRing.open(tmp_path / "ring", (ROOT,)))
    with pytest.raises(KeyRingMismatch):
        EmbeddedStore.open(tmp_path / "copy", thief)
    with pytest.raises(Corrupt):
        opened(thief, row)
    assert await all_open(bot.store, bot.vault) == 2
    await bot.store.close()


async def test_what_postgresql_leaves_in_its_wal_dies_with_the_key_of_its_day(
    tmp_path: Path, new_database: str
) -> None:
    async with store_in(new_database) as store:
        bot = await Installation(store, ring_in(tmp_path / "ring"), days=1).begin()
        await store.save(sealed(bot.vault, "r1"), sealed(bot.vault, "r2"))
        in_the_log = [record for record in await store.scan("", 10) if record.kind == "request"]
        await store.save(Deletion("r1", 1))
        await bot.pass_days(1)
        assert [opened(bot.vault, record) for record in in_the_log] == [TOLD] * 2
        await bot.pass_days(1)
        for record in in_the_log:
            with pytest.raises(Corrupt):
                opened(bot.vault, record)
        assert await all_open(store, bot.vault) == 2


async def test_a_rotation_changes_no_content(tmp_path: Path) -> None:
    bot = await house(tmp_path)
    await bot.store.save(sealed(bot.vault, "r1"), replace(a_record("seen"), kind="seen", sealed=b""))
    before = await bot.store.load("r1")
    await bot.pass_days(1)
    after = await bot.store.load("r1")
    assert before is not None
    assert after is not None
    assert after.sealed[-92:] == before.sealed[-92:]  # the very same box: nobody decrypted it
    assert replace(after, sealed=before.sealed, revision=1) == before
    seen = await bot.store.load("seen")
    assert seen is not None
    assert seen.revision == 1
    await bot.store.close()


async def test_a_rotation_keeps_the_wake_jobs_of_records(tmp_path: Path, new_database: str) -> None:
    async with store_in(new_database) as store:
        bot = await Installation(store, ring_in(tmp_path / "ring")).begin()
        due = EVENING + 5 * DAY
        await store.save(replace(sealed(bot.vault, "r1"), due=due, wake=due))
        await bot.pass_days(1)
        found = await store.load("r1")
        assert found is not None
        assert (found.due, found.revision) == (due, 2)
        with psycopg.connect(new_database) as connection:
            assert connection.execute("SELECT wake FROM records WHERE id = 'r1'").fetchone() == (due,)


async def test_the_first_rotation_rewraps_records_of_an_older_release(tmp_path: Path) -> None:
    head, key = bytes.fromhex("0100000000"), os.urandom(32)  # made by hand, as that version made it
    place = head + _encode_parts("request", "r1", "3")
    wrapped = AESGCM(derive_key(ROOT, b"ring")).encrypt(bytes(12), key, place)
    box = head + bytes(12) + wrapped + bytes(12) + AESGCM(key).encrypt(bytes(12), _pad(TOLD), place)
    bot = await house(tmp_path)
    await bot.store.save(replace(a_record("r1", sealed=box)))
    old = await bot.store.load("r1")
    assert old is not None
    assert opened(bot.vault, old) == TOLD
    await bot.rotation.run()
    new = await bot.store.load("r1")
    assert new is not None
    assert opened(bot.vault, new) == TOLD
    assert not new.sealed.startswith(head)
    await bot.store.close()


async def test_a_store_without_a_ring_opens_with_one_and_uses_it_after_a_rotation(
    tmp_path: Path,
) -> None:
    alone = Vault(ROOT)
    store = EmbeddedStore.open(tmp_path / "store", alone)
    await store.save(sealed(alone, "r1"))
    await store.close()
    bot = await house(tmp_path)
    assert await all_open(bot.store, bot.vault) == 2
    await bot.pass_days(0)
    await bot.store.close()
    with pytest.raises(KeyRingMismatch):
        EmbeddedStore.open(tmp_path / "store", alone)
    again = await house(tmp_path)
    assert await all_open(again.store, again.vault) == 2
    await again.store.close()


# ---------------------------------------------------------------- what is kept stays


async def test_a_hundred_hours_and_a_hundred_days_of_downtime_lose_nothing(tmp_path: Path) -> None:
    bot = await house(tmp_path, days=0)
    await bot.store.save(*(sealed(bot.vault, f"r{n}") for n in range(50)))
    for down in (timedelta(hours=100), 100 * DAY):
        await bot.store.close()
        bot = await Installation(
            EmbeddedStore.open(tmp_path / "store", Vault(ROOT, ring := ring_in(tmp_path / "ring"))),
            ring,
            0,
            bot.now + down,
        ).begin()
        assert await all_open(bot.store, bot.vault) == 51
        await bot.pass_days(0)
        assert await all_open(bot.store, bot.vault) == 51
        assert len(bot.ring.day_keys) == 1
    await bot.store.close()


@pytest.mark.parametrize("jump", [-3650 * DAY, 3650 * DAY])
async def test_a_clock_that_jumps_and_comes_back_loses_nothing(tmp_path: Path, jump: timedelta) -> None:
    bot = await house(tmp_path, days=0)
    await bot.store.save(*(sealed(bot.vault, f"r{n}") for n in range(5)))
    for by in (jump, -jump):
        bot.now += by
        await bot.pass_days(1)
        assert await all_open(bot.store, bot.vault) == 6
    await bot.pass_days(2)
    assert await all_open(bot.store, bot.vault) == 6
    assert [each.day for each in bot.ring.day_keys] == [bot.now.date()]
    await bot.store.close()


async def test_writes_during_a_rotation_are_neither_overwritten_nor_lost(tmp_path: Path, new_database: str) -> None:
    async with store_in(new_database) as store, store_in(new_database) as other:
        bot = await Installation(store, ring_in(tmp_path / "ring"), days=0).begin()
        late = Installation(other, KeyRing.open(tmp_path / "ring", (ROOT,)), days=0)  # has not heard of the new day yet
        await store.save(*(sealed(bot.vault, f"r{n:03}") for n in range(200)))
        bot.now += DAY

        async def press(n: int) -> None:
            while (found := await other.load(f"r{n:03}")) is not None:
                try:
                    await other.save(sealed(late.vault, found.id, b"changed", found.revision))
                except StaleRevision:
                    continue
                return

        await asyncio.gather(bot.rotation.run(), *(press(n) for n in range(0, 200, 7)))
        await other.save(sealed(late.vault, "new", b"changed"))  # still under yesterday's
        late.now = bot.now = bot.now + OVERLAP * 2
        for each in (bot, late, bot):
            await each.rotation.run()
            assert each.rotation.succeeded
        said = {
            record.id: opened(bot.vault, record) for record in await store.scan("", 1000) if record.kind == "request"
        }
        assert said == {f"r{n:03}": b"changed" if n % 7 == 0 else TOLD for n in range(200)} | {"new": b"changed"}
        assert len(bot.ring.day_keys) == 1


async def test_two_replicas_may_rotate_at_once(tmp_path: Path, new_database: str) -> None:
    async with store_in(new_database) as store, store_in(new_database) as other:
        one = await Installation(store, ring_in(tmp_path / "ring"), days=1).begin()
        two = Installation(other, KeyRing.open(tmp_path / "ring", (ROOT,)), days=1)
        await store.save(*(sealed(one.vault, f"r{n:03}") for n in range(300)))
        for _ in range(4):
            await asyncio.gather(one.pass_days(1), two.pass_days(1))
        assert await all_open(store, one.vault) == await all_open(other, two.vault) == 301
        assert len(one.ring.day_keys) <= 4  # two of one day are possible
        assert {each.day for each in one.ring.day_keys} == {(one.now - DAY).date(), one.now.date()}


async def test_a_rotation_that_is_done_is_not_repeated(tmp_path: Path) -> None:
    bot = await house(tmp_path)
    await bot.store.save(sealed(bot.vault, "r1"))
    await bot.pass_days(1)
    before = await bot.store.load("r1")
    for _ in range(3):
        bot.now += timedelta(minutes=1)
        await bot.rotation.run()
    assert await bot.store.load("r1") == before
    await bot.store.close()


# ---------------------------------------------------------------- what is not well


async def test_a_damaged_record_is_reported_and_keeps_no_key_alive(tmp_path: Path) -> None:
    bot = await house(tmp_path, days=1)
    good, bad = sealed(bot.vault, "r1"), sealed(bot.vault, "r2")
    bad = replace(bad, sealed=bad.sealed[:30] + bytes([bad.sealed[30] ^ 1]) + bad.sealed[31:])
    await bot.store.save(good, bad)
    with capture_logs() as told:
        await bot.pass_days(3)
    assert [line for line in told if line["log_level"] == "error"] == [
        {"event": "records-do-not-open", "count": 1, "log_level": "error"}
    ] * 3
    assert len(bot.ring.day_keys) == 2
    assert await bot.store.load("r2") == replace(bad, revision=1)
    await bot.store.close()


async def test_what_was_written_under_an_old_key_after_the_rewrap_keeps_it_alive(tmp_path: Path) -> None:
    bot = await house(tmp_path, days=0)
    late = Vault(ROOT, KeyRing.open(tmp_path / "ring", (ROOT,)))  # another process, which has not seen today's key
    bot.now += DAY
    await bot.rotation.run()
    assert late.current_key_id() != bot.vault.current_key_id()
    await bot.store.save(sealed(late, "r1"))
    bot.now += OVERLAP * 2
    for _ in range(2):
        await bot.rotation.run()
        assert bot.rotation.succeeded
        assert await all_open(bot.store, Vault(ROOT, KeyRing.open(tmp_path / "ring", (ROOT,)))) == 2
    assert len(bot.ring.day_keys) == 1
    await bot.store.close()


async def test_an_open_store_is_bound_to_its_ring_and_to_no_other(tmp_path: Path) -> None:
    bot = await house(tmp_path)
    other = ring_in(tmp_path / "other")
    with pytest.raises(NotServable, match="PEERSUPPORT_KEY_RING"):
        await unlock.bind_store(bot.store, Vault(ROOT, other), other, EVENING)
    await unlock.bind_store(bot.store, bot.vault, bot.ring, EVENING)
    await bot.store.close()


async def test_where_the_ring_of_a_store_is_gone_no_other_is_made_in_silence(tmp_path: Path) -> None:
    said = {"PEERSUPPORT_STORE": f"tinydb:///{tmp_path}/store", "PEERSUPPORT_KEY_RING": str(tmp_path / "ring")}
    settings = config.load(said | {"PEERSUPPORT_ROOT_KEY": base64.b64encode(ROOT).decode("ascii")}, tmp_path)
    vault, _ = unlock.open_vault(settings, EVENING)
    await EmbeddedStore.open(tmp_path / "store", vault).close()
    shutil.rmtree(tmp_path / "ring")
    with pytest.raises(NotServable, match="PEERSUPPORT_KEY_RING"):
        unlock.open_vault(settings, EVENING)
    assert not (tmp_path / "ring").exists()


async def test_keys_are_kept_where_the_store_cannot_be_purged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bot = await house(tmp_path, days=0)
    await bot.store.save(sealed(bot.vault, "r1"))

    async def full() -> None:
        raise OSError

    monkeypatch.setattr(bot.store, "purge", full)
    bot.now += DAY
    await bot.rotation.run()
    bot.now += OVERLAP * 2
    await bot.rotation.run()
    assert not bot.rotation.succeeded
    assert len(bot.ring.day_keys) == 2
    monkeypatch.undo()
    await bot.rotation.run()
    assert bot.rotation.succeeded
    assert len(bot.ring.day_keys) == 1
    await bot.store.close()


async def test_a_store_of_another_ring_is_neither_served_nor_rotated(tmp_path: Path, new_database: str) -> None:
    async with store_in(new_database) as store:
        ours = await Installation(store, ring_in(tmp_path / "ring")).begin()
        with pytest.raises(NotServable, match="PEERSUPPORT_KEY_RING"):
            await Installation(store, ring_in(tmp_path / "another")).begin()
        shutil.copytree(tmp_path / "ring", tmp_path / "older")
        await ours.pass_days(1)
        with pytest.raises(NotServable, match="older copy"):
            await Installation(store, ring_in(tmp_path / "older")).begin()
        theirs = Installation(store, ring_in(tmp_path / "older"), days=0, now=ours.now + 9 * DAY)
        await theirs.rotation.run()
        assert not theirs.rotation.succeeded
        assert len(theirs.ring.day_keys) == 2  # its own, and what it had
        await Installation(store, ring_in(tmp_path / "ring")).begin()


# ---------------------------------------------------------------- kills


KILLS = 60


@pytest.mark.parametrize("where", ["tinydb", "postgresql"])
async def test_kills_during_rotations_lose_nothing(tmp_path: Path, where: str, request: pytest.FixtureRequest) -> None:
    """Processes that rotate keys are killed, each a little later than the one before."""
    address = request.getfixturevalue("new_database") if where == "postgresql" else str(tmp_path / "store")
    luck, ended = random.Random(where), 0  # noqa: S311
    ring_in(tmp_path / "ring")
    forge = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.keys.rotation_helper"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert forge.stdin is not None
    assert forge.stdout is not None
    for night in range(KILLS):
        now = EVENING + night * DAY
        forge.stdin.write(f"{address}\t{tmp_path / 'ring'}\t{now.isoformat()}\n".encode())
        pid = int(await forge.stdout.readline())
        assert await forge.stdout.readline() == b"turning\n"
        for _ in range(luck.randrange(40_000)):
            os.getpid()
        if night % 10 == 9:
            assert await forge.stdout.readline() == b"turned\n"
            ended += 1
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            ended += 1
        while not (await forge.stdout.readline()).startswith(b"ended"):
            pass
        vault = Vault(ROOT, KeyRing.open(tmp_path / "ring", (ROOT,)))
        await looked_through(address, vault)
    forge.stdin.close()
    await forge.wait()
    assert KILLS // 10 <= ended < KILLS


async def looked_through(address: str, vault: Vault) -> None:
    if address.startswith("postgresql:"):
        async with store_in(address) as store:
            assert await all_open(store, vault) == 401
    else:
        tiny = EmbeddedStore.open(Path(address), vault)
        assert await all_open(tiny, vault) == 401
        await tiny.close()
