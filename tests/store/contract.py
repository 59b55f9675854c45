"""The contract of `Store`: one set of tests that every implementation passes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from bot.errors import StaleRevision
from bot.store.base import Deletion, Record, Store

NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)
DAY = date(2024, 3, 1)


def a_record(id: str = "r1", *, due: datetime | None = None, sealed: bytes = b"box", **keys: tuple[str, ...]) -> Record:
    return Record(id, "request", "asking", due, DAY, 0, 3, keys, sealed)


class StoreContract:
    """Subclass it and define two fixtures: `store`, an empty one, and `reopen`, which closes it and opens it again."""

    async def test_what_was_saved_is_loaded_one_revision_on(self, store: Store) -> None:
        record = a_record(due=NOON, open=("k1",), peer=("k2", "k3"))
        await store.save(record)
        assert await store.load("r1") == replace(record, revision=1)

    async def test_several_are_loaded_at_once_and_what_there_is_not_is_left_out(self, store: Store) -> None:
        await store.save(a_record("r1"), a_record("r2", sealed=b"other"), a_record("r3"))
        found = await store.load_all(["r2", "never", "r1"])
        assert found == {
            "r1": replace(a_record("r1"), revision=1),
            "r2": replace(a_record("r2", sealed=b"other"), revision=1),
        }
        assert await store.load_all([]) == {}

    async def test_what_was_never_saved_is_none(self, store: Store) -> None:
        assert await store.load("r1") is None
        assert await store.next_due() is None
        assert (
            list(await store.due(NOON))
            == list(await store.find("open", "k"))
            == list(await store.all_of_kind("x"))
            == []
        )

    async def test_what_was_acknowledged_is_there_after_a_restart(
        self, store: Store, reopen: Callable[[], Awaitable[Store]]
    ) -> None:
        await store.save(a_record("r1", due=NOON, open=("k1",)), a_record("r2"), a_record("r3"))
        await store.save(Deletion("r3", 1), replace(a_record("r2"), revision=1, stage="together", sealed=b""))
        before = [await store.load(id) for id in ("r1", "r2", "r3")]
        again = await reopen()
        assert [await again.load(id) for id in ("r1", "r2", "r3")] == before
        assert before[2] is None
        assert list(await again.find("open", "k1")) == ["r1"]
        assert await again.next_due() == NOON

    async def test_the_second_of_two_writers_is_stale_and_changes_nothing(self, store: Store) -> None:
        await store.save(a_record())
        first = await store.load("r1")
        assert first is not None
        await store.save(replace(first, stage="together"))
        with pytest.raises(StaleRevision):
            await store.save(a_record("other"), replace(first, stage="closed"))
        with pytest.raises(StaleRevision):
            await store.save(a_record("other"), Deletion("r1", first.revision))
        now = await store.load("r1")
        assert now is not None
        assert now.stage == "together"
        assert await store.load("other") is None

    async def test_a_new_record_must_not_exist_and_a_known_one_must(self, store: Store) -> None:
        await store.save(a_record())
        with pytest.raises(StaleRevision):
            await store.save(a_record())
        with pytest.raises(StaleRevision):
            await store.save(replace(a_record("r2"), revision=1))
        with pytest.raises(StaleRevision):
            await store.save(Deletion("r2", 0))
        with pytest.raises(StaleRevision):
            await store.save(Deletion("r2", 1))

    async def test_of_many_at_once_exactly_one_wins(self, store: Store) -> None:
        await store.save(a_record())
        seen = await store.load("r1")
        assert seen is not None
        results = await asyncio.gather(
            *(store.save(replace(seen, stage=f"s{n}"), a_record(f"won-{n}")) for n in range(20)), return_exceptions=True
        )
        won = [n for n, result in enumerate(results) if result is None]
        assert len(won) == 1
        assert sum(isinstance(result, StaleRevision) for result in results) == 19
        assert [n for n in range(20) if await store.load(f"won-{n}")] == won

    async def test_one_save_cannot_change_a_record_twice(self, store: Store) -> None:
        with pytest.raises(ValueError, match="once"):
            await store.save(a_record(), a_record())
        assert await store.load("r1") is None

    async def test_a_save_of_nothing_is_nothing(self, store: Store) -> None:
        await store.save(a_record())
        await store.save()
        (record,) = await store.scan("", 10)
        assert record.revision == 1

    async def test_a_deleted_record_is_found_nowhere(self, store: Store) -> None:
        await store.save(a_record(due=NOON, open=("k1",)))
        await store.save(Deletion("r1", 1))
        assert await store.load("r1") is None
        assert await store.next_due() is None
        assert list(await store.find("open", "k1")) == list(await store.all_of_kind("request")) == []
        assert list(await store.due(NOON)) == []

    async def test_a_deleted_record_may_be_created_again(self, store: Store) -> None:
        await store.save(a_record())
        await store.save(Deletion("r1", 1))
        await store.save(a_record(sealed=b"new"))
        found = await store.load("r1")
        assert found is not None
        assert (found.revision, found.sealed) == (1, b"new")

    async def test_what_is_due_comes_earliest_first_and_no_more_than_asked(self, store: Store) -> None:
        for n in (3, 1, 4, 0, 2):
            await store.save(a_record(f"r{n}", due=NOON + timedelta(minutes=n)))
        await store.save(a_record("never"))
        assert list(await store.due(NOON + timedelta(minutes=3))) == ["r0", "r1", "r2", "r3"]
        assert list(await store.due(NOON + timedelta(minutes=3), limit=2)) == ["r0", "r1"]
        assert list(await store.due(NOON - timedelta(microseconds=1))) == []
        assert await store.next_due() == NOON

    async def test_a_moved_deadline_is_due_once_and_only_then(self, store: Store) -> None:
        await store.save(a_record(due=NOON))
        for revision, minutes in enumerate((5, 0, 5, 0), start=1):
            await store.save(replace(a_record(due=NOON + timedelta(minutes=minutes)), revision=revision))
        assert list(await store.due(NOON + timedelta(hours=1))) == ["r1"]
        assert await store.next_due() == NOON
        await store.save(replace(a_record(), revision=5))
        assert await store.next_due() is None

    async def test_a_due_time_is_a_moment_whatever_zone_wrote_it(self, store: Store) -> None:
        await store.save(a_record(due=NOON.astimezone(timezone(timedelta(hours=-5)))))
        assert await store.next_due() == NOON

    async def test_a_due_time_without_a_zone_is_refused(self, store: Store) -> None:
        with pytest.raises(ValueError, match="zone"):
            await store.save(a_record(due=NOON.replace(tzinfo=None)))

    async def test_keys_find_what_carries_them_now(self, store: Store) -> None:
        await store.save(a_record("r1", peer=("k1", "k2")), a_record("r2", peer=("k1",)), a_record("r3", open=("k1",)))
        assert set(await store.find("peer", "k1")) == {"r1", "r2"}
        await store.save(replace(a_record("r1", peer=("k2",)), revision=1))
        assert list(await store.find("peer", "k1")) == ["r2"]
        assert list(await store.find("peer", "k2")) == ["r1"]
        assert list(await store.find("open", "k1")) == ["r3"]

    async def test_all_of_kind_lists_every_record_of_that_kind_and_no_other(self, store: Store) -> None:
        await store.save(a_record("r1"), replace(a_record("p1"), kind="peer"), replace(a_record("p2"), kind="peer"))
        assert {record.id for record in await store.all_of_kind("peer")} == {"p1", "p2"}

    async def test_a_scan_returns_every_record_once_in_the_order_of_ids(self, store: Store) -> None:
        ids = ["B", "a", "c1", "c10", "c2", "ß", "\uffee", "\U0001f33b"]
        await store.save(*(a_record(id, due=NOON, open=(id,)) for id in reversed(ids)), a_record("gone"))
        await store.save(Deletion("gone", 1), replace(a_record("c2"), revision=1, kind="peer", sealed=b"new"))
        met: list[Record] = []
        while page := await store.scan(met[-1].id if met else "", 3):
            assert len(page) <= 3
            met += page
            if met[-1].id == "c1":
                await store.save(a_record("b"), a_record("d"))  # one behind us, one before us
        assert [record.id for record in met] == ["B", "a", "c1", "c10", "c2", "d", "ß", "\uffee", "\U0001f33b"]
        assert met == [await store.load(record.id) for record in met]

    async def test_a_scan_ends_after_the_last_record(self, store: Store) -> None:
        assert list(await store.scan("", 10)) == []
        await store.save(a_record("r1"))
        assert list(await store.scan("r1", 10)) == []

    async def test_a_purge_keeps_what_was_not_deleted(
        self, store: Store, reopen: Callable[[], Awaitable[Store]]
    ) -> None:
        await store.save(a_record("r1", due=NOON, open=("k",)), a_record("r2"))
        await store.save(Deletion("r2", 1))
        await store.purge()
        await store.purge()
        again = await reopen()
        assert await again.load("r1") == replace(a_record("r1", due=NOON, open=("k",)), revision=1)
        assert await again.load("r2") is None

    async def test_saves_during_a_purge_are_kept(self, store: Store, reopen: Callable[[], Awaitable[Store]]) -> None:
        await store.save(*(a_record(f"old-{n}") for n in range(500)))
        await store.save(Deletion("old-0", 1))
        await asyncio.gather(store.purge(), *(store.save(a_record(f"new-{n}")) for n in range(100)), store.purge())
        again = await reopen()
        assert len(await again.all_of_kind("request")) == 599

    async def test_a_cancelled_save_leaves_the_others_alone(self, store: Store) -> None:
        tasks = [asyncio.ensure_future(store.save(a_record(f"r{n}"))) for n in range(3)]
        reader = asyncio.ensure_future(store.load("r1"))
        await asyncio.sleep(0)
        tasks[1].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await reader
        assert await store.load("r0")
        assert await store.load("r2")

    async def test_the_check_of_a_healthy_store_passes(self, store: Store) -> None:
        await store.save(a_record())
        await store.check()
        (record,) = await store.scan("", 10)
        assert record.revision == 1

    async def test_no_repr_reveals_what_is_stored(self, store: Store) -> None:
        await store.save(a_record("secret-id", open=("secret-key",), sealed=b"secret-box"))
        shown = repr(store) + repr(await store.load("secret-id")) + repr(Deletion("secret-id", 1))
        assert "secret" not in shown
