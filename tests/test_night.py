"""The nightly turn: old copies die on their day, and whatever interrupts it, nothing that is kept is lost."""

from __future__ import annotations

import asyncio
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
from postgres_server import store_in
from structlog.testing import capture_logs

from bot import keys
from bot.night import Night
from bot.ring import OVERLAP, Ring
from bot.store.base import Damaged, Gone, NotOnTheRing, Record, Stale, Store, Unfit
from bot.store.tiny import TinyStore
from bot.vault import Vault, _joined, _padded, derived
from tests.store_contract import a_record

ROOT = bytes(range(32))
EVENING = datetime(2026, 3, 2, 1, tzinfo=UTC)
DAY = timedelta(days=1)
TOLD = b"canary: what she told us"


def ring_in(folder: Path, now: datetime = EVENING) -> Ring:
    return Ring.open(folder, (ROOT,)) if folder.exists() else Ring.make(folder, (ROOT,), now)


def sealed(vault: Vault, id: str, said: bytes = TOLD, revision: int = 0) -> Record:
    return replace(a_record(id, sealed=vault.seal("request", id, 3, said)), revision=revision)


class House:
    """A store with its ring, and a clock that is pushed."""

    def __init__(self, store: Store, ring: Ring, days: int = 7, now: datetime = EVENING) -> None:
        self.store, self.ring, self.now, self.days = store, ring, now, days
        self.vault = Vault(ROOT, ring)
        self.night = Night(store, self.vault, ring, days, lambda: self.now)

    async def begin(self) -> House:
        self.ring.keep_up(self.now)
        await keys.belongs(self.store, self.vault, self.ring, self.now)
        return self

    async def nights(self, days: int) -> None:
        """So many nights, each with its turn, and one some hours later."""
        for _ in range(days):
            self.now += DAY
            await self.night.turn()
            assert self.night.well
        self.now += OVERLAP * 2
        await self.night.turn()
        assert self.night.well


async def house(tmp_path: Path, days: int = 7) -> House:
    ring = ring_in(tmp_path / "ring")
    return await House(TinyStore.open(tmp_path / "store", Vault(ROOT, ring)), ring, days).begin()


def opened(vault: Vault, record: Record) -> bytes:
    return vault.open(record.kind, record.id, record.shape, record.sealed)


async def all_open(store: Store, vault: Vault) -> int:
    records = [record for record in await store.page("", 100_000) if record.sealed]
    assert all(opened(vault, record) for record in records)
    return len(records)


# ---------------------------------------------------------------- old copies


@pytest.mark.parametrize("days", [0, 2])
async def test_a_copy_of_the_store_does_not_open_any_more_after_so_many_days_even_with_the_present_ring(
    tmp_path: Path, days: int
) -> None:
    bot = await house(tmp_path, days)
    await bot.store.save(sealed(bot.vault, "r1"), sealed(bot.vault, "r2"))
    await bot.nights(1)
    shutil.copytree(tmp_path / "store", tmp_path / "copy")
    row = await bot.store.load("r1")
    assert row is not None
    await bot.store.save(Gone("r1", row.revision))
    if days:
        await bot.nights(days)
        copied = TinyStore.open(tmp_path / "copy", bot.vault)
        assert await all_open(copied, bot.vault) == 3
        await copied.close()
        await bot.nights(1)
    else:
        await bot.nights(1)
    thief = Vault(ROOT, Ring.open(tmp_path / "ring", (ROOT,)))
    with pytest.raises(NotOnTheRing):
        TinyStore.open(tmp_path / "copy", thief)
    with pytest.raises(Damaged):
        opened(thief, row)
    assert await all_open(bot.store, bot.vault) == 2
    await bot.store.close()


async def test_what_postgresql_leaves_in_its_log_dies_with_the_key_of_its_day(
    tmp_path: Path, new_database: str
) -> None:
    async with store_in(new_database) as store:
        bot = await House(store, ring_in(tmp_path / "ring"), days=1).begin()
        await store.save(sealed(bot.vault, "r1"), sealed(bot.vault, "r2"))
        in_the_log = [record for record in await store.page("", 10) if record.kind == "request"]
        await store.save(Gone("r1", 1))
        await bot.nights(1)
        assert [opened(bot.vault, record) for record in in_the_log] == [TOLD] * 2
        await bot.nights(1)
        for record in in_the_log:
            with pytest.raises(Damaged):
                opened(bot.vault, record)
        assert await all_open(store, bot.vault) == 2


async def test_a_turn_touches_no_word_of_what_is_kept(tmp_path: Path) -> None:
    bot = await house(tmp_path)
    await bot.store.save(sealed(bot.vault, "r1"), replace(a_record("seen"), kind="seen", sealed=b""))
    before = await bot.store.load("r1")
    await bot.nights(1)
    after = await bot.store.load("r1")
    assert before is not None
    assert after is not None
    assert after.sealed[-92:] == before.sealed[-92:]  # the very same box: nobody decrypted it
    assert replace(after, sealed=before.sealed, revision=1) == before
    seen = await bot.store.load("seen")
    assert seen is not None
    assert seen.revision == 1
    await bot.store.close()


async def test_whoever_was_to_be_woken_for_a_record_still_is(tmp_path: Path, new_database: str) -> None:
    async with store_in(new_database) as store:
        bot = await House(store, ring_in(tmp_path / "ring")).begin()
        due = EVENING + 5 * DAY
        await store.save(replace(sealed(bot.vault, "r1"), due=due, wake=due))
        await bot.nights(1)
        found = await store.load("r1")
        assert found is not None
        assert (found.due, found.revision) == (due, 2)
        with psycopg.connect(new_database) as connection:
            assert connection.execute("SELECT wake FROM records WHERE id = 'r1'").fetchone() == (due,)


async def test_what_an_older_version_sealed_is_hung_on_the_ring_in_the_first_night(tmp_path: Path) -> None:
    head, key = bytes.fromhex("0100000000"), os.urandom(32)  # made by hand, as that version made it
    place = head + _joined("request", "r1", "3")
    wrapped = AESGCM(derived(ROOT, b"ring")).encrypt(bytes(12), key, place)
    box = head + bytes(12) + wrapped + bytes(12) + AESGCM(key).encrypt(bytes(12), _padded(TOLD), place)
    bot = await house(tmp_path)
    await bot.store.save(replace(a_record("r1", sealed=box)))
    old = await bot.store.load("r1")
    assert old is not None
    assert opened(bot.vault, old) == TOLD
    await bot.night.turn()
    new = await bot.store.load("r1")
    assert new is not None
    assert opened(bot.vault, new) == TOLD
    assert not new.sealed.startswith(head)
    await bot.store.close()


async def test_a_store_that_was_begun_without_a_ring_opens_with_one_and_hangs_on_it_after_a_night(
    tmp_path: Path,
) -> None:
    alone = Vault(ROOT)
    store = TinyStore.open(tmp_path / "store", alone)
    await store.save(sealed(alone, "r1"))
    await store.close()
    bot = await house(tmp_path)
    assert await all_open(bot.store, bot.vault) == 2
    await bot.nights(0)
    await bot.store.close()
    with pytest.raises(NotOnTheRing):
        TinyStore.open(tmp_path / "store", alone)
    again = await house(tmp_path)
    assert await all_open(again.store, again.vault) == 2
    await again.store.close()


# ---------------------------------------------------------------- what is kept stays


async def test_a_hundred_hours_and_a_hundred_days_of_downtime_lose_nothing(tmp_path: Path) -> None:
    bot = await house(tmp_path, days=0)
    await bot.store.save(*(sealed(bot.vault, f"r{n}") for n in range(50)))
    for down in (timedelta(hours=100), 100 * DAY):
        await bot.store.close()
        bot = await House(
            TinyStore.open(tmp_path / "store", Vault(ROOT, ring := ring_in(tmp_path / "ring"))), ring, 0, bot.now + down
        ).begin()
        assert await all_open(bot.store, bot.vault) == 51
        await bot.nights(0)
        assert await all_open(bot.store, bot.vault) == 51
        assert len(bot.ring.days) == 1
    await bot.store.close()


@pytest.mark.parametrize("jump", [-3650 * DAY, 3650 * DAY])
async def test_a_clock_that_jumps_and_comes_back_loses_nothing(tmp_path: Path, jump: timedelta) -> None:
    bot = await house(tmp_path, days=0)
    await bot.store.save(*(sealed(bot.vault, f"r{n}") for n in range(5)))
    for by in (jump, -jump):
        bot.now += by
        await bot.nights(1)
        assert await all_open(bot.store, bot.vault) == 6
    await bot.nights(2)
    assert await all_open(bot.store, bot.vault) == 6
    assert [each.day for each in bot.ring.days] == [bot.now.date()]
    await bot.store.close()


async def test_whoever_writes_during_the_turn_is_not_overwritten_and_not_lost(
    tmp_path: Path, new_database: str
) -> None:
    async with store_in(new_database) as store, store_in(new_database) as other:
        bot = await House(store, ring_in(tmp_path / "ring"), days=0).begin()
        late = House(other, Ring.open(tmp_path / "ring", (ROOT,)), days=0)  # has not heard of the new day yet
        await store.save(*(sealed(bot.vault, f"r{n:03}") for n in range(200)))
        bot.now += DAY

        async def press(n: int) -> None:
            while (found := await other.load(f"r{n:03}")) is not None:
                try:
                    await other.save(sealed(late.vault, found.id, b"changed", found.revision))
                except Stale:
                    continue
                return

        await asyncio.gather(bot.night.turn(), *(press(n) for n in range(0, 200, 7)))
        await other.save(sealed(late.vault, "new", b"changed"))  # still under yesterday's
        late.now = bot.now = bot.now + OVERLAP * 2
        for each in (bot, late, bot):
            await each.night.turn()
            assert each.night.well
        said = {
            record.id: opened(bot.vault, record) for record in await store.page("", 1000) if record.kind == "request"
        }
        assert said == {f"r{n:03}": b"changed" if n % 7 == 0 else TOLD for n in range(200)} | {"new": b"changed"}
        assert len(bot.ring.days) == 1


async def test_two_replicas_that_turn_at_once_do_it_once_or_twice_and_right(tmp_path: Path, new_database: str) -> None:
    async with store_in(new_database) as store, store_in(new_database) as other:
        one = await House(store, ring_in(tmp_path / "ring"), days=1).begin()
        two = House(other, Ring.open(tmp_path / "ring", (ROOT,)), days=1)
        await store.save(*(sealed(one.vault, f"r{n:03}") for n in range(300)))
        for _ in range(4):
            await asyncio.gather(one.nights(1), two.nights(1))
        assert await all_open(store, one.vault) == await all_open(other, two.vault) == 301
        assert len(one.ring.days) <= 4  # two of one day are possible
        assert {each.day for each in one.ring.days} == {(one.now - DAY).date(), one.now.date()}


async def test_a_turn_that_is_done_is_not_done_again(tmp_path: Path) -> None:
    bot = await house(tmp_path)
    await bot.store.save(sealed(bot.vault, "r1"))
    await bot.nights(1)
    before = await bot.store.load("r1")
    for _ in range(3):
        bot.now += timedelta(minutes=1)
        await bot.night.turn()
    assert await bot.store.load("r1") == before
    await bot.store.close()


# ---------------------------------------------------------------- what is not well


async def test_a_record_that_was_damaged_is_told_stays_and_keeps_nobody_elses_key(tmp_path: Path) -> None:
    bot = await house(tmp_path, days=1)
    good, bad = sealed(bot.vault, "r1"), sealed(bot.vault, "r2")
    bad = replace(bad, sealed=bad.sealed[:30] + bytes([bad.sealed[30] ^ 1]) + bad.sealed[31:])
    await bot.store.save(good, bad)
    with capture_logs() as told:
        await bot.nights(3)
    assert [line for line in told if line["log_level"] == "error"] == [
        {"event": "records-do-not-open", "count": 1, "log_level": "error"}
    ] * 3
    assert len(bot.ring.days) == 2
    assert await bot.store.load("r2") == replace(bad, revision=1)
    await bot.store.close()


async def test_a_disk_that_cannot_be_cleaned_keeps_the_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bot = await house(tmp_path, days=0)
    await bot.store.save(sealed(bot.vault, "r1"))

    async def full() -> None:
        raise OSError

    monkeypatch.setattr(bot.store, "purge", full)
    bot.now += DAY
    await bot.night.turn()
    bot.now += OVERLAP * 2
    await bot.night.turn()
    assert not bot.night.well
    assert len(bot.ring.days) == 2
    monkeypatch.undo()
    await bot.night.turn()
    assert bot.night.well
    assert len(bot.ring.days) == 1
    await bot.store.close()


async def test_a_store_of_another_ring_is_neither_served_nor_turned(tmp_path: Path, new_database: str) -> None:
    async with store_in(new_database) as store:
        ours = await House(store, ring_in(tmp_path / "ring")).begin()
        with pytest.raises(Unfit, match="PEERSUPPORT_KEY_RING"):
            await House(store, ring_in(tmp_path / "another")).begin()
        shutil.copytree(tmp_path / "ring", tmp_path / "older")
        await ours.nights(1)
        with pytest.raises(Unfit, match="older copy"):
            await House(store, ring_in(tmp_path / "older")).begin()
        theirs = House(store, ring_in(tmp_path / "older"), days=0, now=ours.now + 9 * DAY)
        await theirs.night.turn()
        assert not theirs.night.well
        assert len(theirs.ring.days) == 2  # its own, and what it had
        await House(store, ring_in(tmp_path / "ring")).begin()


# ---------------------------------------------------------------- kills


KILLS = 60


@pytest.mark.parametrize("where", ["tinydb", "postgresql"])
async def test_kills_in_the_middle_of_turns_leave_everything_to_open(
    tmp_path: Path, where: str, request: pytest.FixtureRequest
) -> None:
    """Whole processes, each with a night to turn, killed after a while that grows."""
    address = request.getfixturevalue("new_database") if where == "postgresql" else str(tmp_path / "store")
    luck, ended = random.Random(where), 0  # noqa: S311
    ring_in(tmp_path / "ring")
    forge = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.night_helper"), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
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
        vault = Vault(ROOT, Ring.open(tmp_path / "ring", (ROOT,)))
        await looked_through(address, vault)
    forge.stdin.close()
    await forge.wait()
    assert KILLS // 10 <= ended < KILLS


async def looked_through(address: str, vault: Vault) -> None:
    if address.startswith("postgresql:"):
        async with store_in(address) as store:
            assert await all_open(store, vault) == 401
    else:
        tiny = TinyStore.open(Path(address), vault)
        assert await all_open(tiny, vault) == 401
        await tiny.close()
