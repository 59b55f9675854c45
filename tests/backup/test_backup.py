"""Backups are consistent or unreadable; restores and transfers are exact, repeatable, and respect the erasure log."""

from __future__ import annotations

import asyncio
import base64
import io
import os
import random
import re
import resource
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import chain, pairwise
from pathlib import Path

import pytest

from bot.audit.chain import ENTRY, HEAD, OperatorAct, check_chain
from bot.backup import create
from bot.backup.create import BackupRefused, create_backup, verify_backup
from bot.backup.restore import RestoreTarget, mark_possibly_sent, restore_backup
from bot.backup.summary import StoreSummary
from bot.backup.transfer import transfer_store, undo_transfer
from bot.card_content import CardContent
from bot.config.parsers import Postgres
from bot.crypto.sealed_file import BackupHeader, SealedFileWriter, UnreadableBackup
from bot.crypto.vault import Vault
from bot.engine.codec import Stored, encode
from bot.engine.outbox import Action, CardSlot, Delivery, Outbox
from bot.errors import Corrupt, NotServable
from bot.store.base import Deletion, Record
from bot.store.erasure_log import ErasureLog, ErasureLogState
from bot.store.factory import open_exclusively
from bot.store.retired import MARKER_ID
from bot.store.snapshot import StoreNotEmpty, fill_store, open_snapshot
from conversations.front_door.doorstep import DOOR as DOOR_STAGE
from conversations.front_door.doorstep import Doorstep
from conversations.immutable import replace as changed
from conversations.model import Peer, Person, Programme
from conversations.peers.record import READY, PeerRecord
from conversations.support.request import TOGETHER, Request
from conversations.vocabulary import Timer
from tests.cli.test_cli import peersupport
from tests.running.warm_cli import warm_cli
from tests.store.kills_helper import PEOPLE
from tests.store.test_erasure_log import serving

ROOT = Path(__file__).parents[2]
KEY = bytes(range(32))
VAULT = Vault(KEY)
NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)
DAY = NOW.date()
ANA, BO = Person("slack", "T1", "U0ANA"), Person("slack", "T1", "U0BO")
DOOR, VOLUNTEER = VAULT.pseudonym("doorstep", ANA), VAULT.pseudonym("volunteering", BO)
R1 = "a1" * 16

Where = Path | Postgres


@pytest.fixture(params=["tinydb", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Where]:
    """Makes empty stores of a kind."""

    def new() -> Where:
        if request.param == "tinydb":
            return tmp_path / f"store-{random.getrandbits(32)}"
        postgres = request.getfixturevalue("postgres")
        return Postgres(postgres.url(postgres.database("test_0")))

    return new


@pytest.fixture
def log(tmp_path: Path) -> ErasureLog:
    return ErasureLog(tmp_path / "ring", VAULT, 7, lambda: DAY)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "backup"


def some_talks() -> tuple[Record, ...]:
    """Ana at the door, with a request in which she and Bo are together."""
    say = CardContent(ANA, "together", "status")
    mail = Outbox(
        (CardSlot(ANA, "status", "key-of-the-slot", 3, say),),
        (Delivery("e1", ANA, "status", Action.POST),),
        ((ANA, "D1"),),
    )
    request = Request(id=R1, stage=TOGETHER, clinician=ANA, peer=BO, deadlines={Timer.CLOSE: NOW + timedelta(days=7)})
    door = Doorstep(id=DOOR, stage=DOOR_STAGE, person=ANA, request=R1, deadlines={Timer.GO: NOW})
    volunteer = PeerRecord(id=VOLUNTEER, stage=READY, peer=Peer(BO, holding=(R1,)))
    talks = (
        Stored(request, "support", mail, day=DAY),
        Stored(door, "doorstep", day=DAY),
        Stored(volunteer, "volunteering", day=DAY),
    )
    seen = Record(VAULT.keyed_hash("event", "Ev1"), "seen", "seen", NOW, DAY)
    made = [encode(saved, VAULT, NOW) for saved in talks]
    return (*[one for one in made if isinstance(one, Record)], seen)


async def with_talks(where: Where, log: ErasureLog) -> list[Record]:
    """A store that holds them, written more than once; what it holds."""
    async with serving(where, VAULT, log) as store:
        await store.save(*some_talks())
        for _ in range(3):
            found = await store.load(R1)
            assert found is not None
            await store.save(found)
    return everything(where)


def everything(where: Where) -> list[Record]:
    """Every record, but for what the audit log notes of the restore or the move itself."""
    with open_snapshot(where, VAULT) as found:
        records = list(chain.from_iterable(found.batches))
    assert found.count == len(records)
    return [record for record in records if record.kind not in (ENTRY, HEAD)]


def noted_in(where: Where) -> list[str]:
    """What the audit log notes of operators, in order."""
    with open_snapshot(where, VAULT) as found:
        log = check_chain(chain.from_iterable(found.batches), VAULT)
    assert log.broken is None
    return [entry.act for entry, _ in log.entries]


def contents_of(file: Path) -> bytes:
    return file.read_bytes()


def files_of(backup: Path) -> set[Path]:
    return set(backup.parent.glob(f"{backup.name}*"))


def a_place(where: Where, log: ErasureLog, vault: Vault = VAULT) -> RestoreTarget:
    return RestoreTarget(where, vault, log, Programme(), 7, lambda: NOW)


# ---------------------------------------------------------------- there and back


async def test_what_is_restored_is_what_was_there_at_the_revisions_it_had(empty, log, file) -> None:
    old, new = empty(), empty()
    before = await with_talks(old, log)
    label = create_backup(old, VAULT, log, file, DAY)
    assert label == BackupHeader(DAY, 4, "postgresql" if isinstance(old, Postgres) else "tinydb")
    assert file.stat().st_mode & 0o777 == 0o600
    with file.open("rb") as source:
        contents = verify_backup(source, VAULT, 7)
    assert dict(contents.summary.kinds) == {"support": 1, "doorstep": 1, "volunteering": 1, "seen": 1}
    assert dict(contents.summary.open) == {"together": 1}
    with file.open("rb") as source:
        done = await restore_backup(source, a_place(new, log))
    after = everything(new)
    changed = [one for one, other in zip(before, after, strict=True) if one != other]
    assert [one.id for one in changed] == [R1]  # whose message may have gone out since
    assert noted_in(new) == [OperatorAct.RESTORED]
    assert [one.revision for one in after] == [one.revision for one in before]
    assert (done.erased, done.possibly_sent, done.summary.digest()) == (0, 1, contents.summary.digest())
    async with serving(new, VAULT) as store:
        assert list(await store.find("peer", VAULT.pseudonym("peer", BO))) == [R1]
        assert {record.id for record in await store.all_of_kind("volunteering")} == {VOLUNTEER}


async def test_what_was_forgotten_since_does_not_come_back_and_other_records_drop_it(empty, log, file) -> None:
    old, new = empty(), empty()
    await with_talks(old, log)
    create_backup(old, VAULT, log, file, DAY)
    async with serving(old, VAULT, log) as store:
        found = await store.load(R1)
        assert found is not None
        await store.save(Deletion(R1, found.revision))
    with file.open("rb") as source:
        done = await restore_backup(source, a_place(new, log))
    assert done.erased == 1
    tally = StoreSummary()
    after = {one.id: tally.add(one, VAULT) for one in everything(new)}
    door, volunteer = after[DOOR], after[VOLUNTEER]
    assert R1 not in after
    assert door is not None
    assert (door.conversation.request, door.conversation.closed) == ("", ())
    assert volunteer is not None
    assert volunteer.conversation.peer.holding == ()
    assert all(R1.encode() not in VAULT.open(o.kind, o.id, o.shape, o.sealed) for o in everything(new) if o.sealed)


async def test_a_peer_who_left_since_is_removed_from_requests(empty, log, file) -> None:
    old, new = empty(), empty()
    await with_talks(old, log)
    create_backup(old, VAULT, log, file, DAY)
    async with serving(old, VAULT, log) as store:
        await store.save(Deletion(VOLUNTEER, 1))
    with file.open("rb") as source:
        await restore_backup(source, a_place(new, log))
    (request,) = [one for one in everything(new) if one.kind == "support"]
    saved = StoreSummary().add(request, VAULT)
    assert saved is not None
    assert saved.conversation.peer is None
    assert saved.conversation.stage != TOGETHER
    assert not any(errand.to == BO for errand in saved.outbox.deliveries)


async def test_without_the_erasure_log_a_restore_needs_an_explicit_option(empty, log, file) -> None:
    old, new = empty(), empty()
    await with_talks(old, log)
    async with serving(old, VAULT, log) as store:
        await store.save(Deletion(VOLUNTEER, 1))
    create_backup(old, VAULT, log, file, DAY)
    noted = log.path.read_bytes()
    for lost in (b"", None, noted.replace(b"\n2026", b"\n2025")):
        log.path.unlink(missing_ok=True)
        log.ensure_exists() if lost == b"" else log.path.write_bytes(lost) if lost else None
        with file.open("rb") as source, pytest.raises(BackupRefused, match="--without-shred-log"):
            await restore_backup(source, a_place(new, log))
        assert isinstance(new, Postgres) or not new.exists()
    with file.open("rb") as source:
        done = await restore_backup(source, a_place(new, log), without_log=True)
    assert done.summary.total == 3


async def test_only_an_empty_store_is_filled(empty, log, file) -> None:
    old = empty()
    before = await with_talks(old, log)
    create_backup(old, VAULT, log, file, DAY)
    with file.open("rb") as source, pytest.raises(StoreNotEmpty, match="not empty"):
        await restore_backup(source, a_place(old, log))
    assert everything(old) == before


async def test_a_half_filled_store_is_not_served_from_and_can_be_filled_again(empty, log, file) -> None:
    old, new = empty(), empty()
    await with_talks(old, log)
    create_backup(old, VAULT, log, file, DAY)
    await fill_store(new, VAULT, (replace(some_talks()[0], revision=1),), DAY)
    with pytest.raises(NotServable, match="run the same `peersupport restore`"):
        async with serving(new, VAULT):
            pass
    with pytest.raises(NotServable, match="run the same `peersupport restore`"):
        create_backup(new, VAULT, log, file.with_name("other"), DAY)
    assert not list(file.parent.glob("other*"))
    with file.open("rb") as source:
        await restore_backup(source, a_place(new, log))
    async with serving(new, VAULT):
        pass


async def test_pending_deliveries_are_marked_possibly_sent_but_not_postponed_ones() -> None:
    slot = CardSlot(ANA, "status", "key", 5, CardContent(ANA, "together", "status"))
    waiting = Delivery("e1", ANA, "status", Action.POST)
    tomorrow = Delivery("e2", ANA, "status", Action.EDIT, retry_at=NOW + timedelta(hours=9))
    sending = Delivery("e3", ANA, "status", Action.POST, in_flight=True, generation=2)
    marked = mark_possibly_sent(Outbox((slot,), (waiting, tomorrow, sending)), NOW).deliveries
    assert marked == (changed(waiting, in_flight=True, generation=5, retry_at=NOW), tomorrow, sending)


# ---------------------------------------------------------------- what does not open


async def test_any_changed_byte_makes_a_backup_unreadable(tmp_path: Path, log: ErasureLog, file: Path) -> None:
    await with_talks(tmp_path / "data", log)
    create_backup(tmp_path / "data", VAULT, log, file, DAY)
    whole = contents_of(file)
    verify_backup(io.BytesIO(whole), VAULT, 7)
    for at in range(len(whole)):
        changed = bytearray(whole)
        changed[at] ^= 1 << at % 8
        with pytest.raises(UnreadableBackup):
            verify_backup(io.BytesIO(changed), VAULT, 7)
    for length in range(len(whole)):
        with pytest.raises(UnreadableBackup):
            verify_backup(io.BytesIO(whole[:length]), VAULT, 7)
    for more in (b"\0", b"more", whole):
        with pytest.raises(UnreadableBackup, match="appended"):
            verify_backup(io.BytesIO(whole + more), VAULT, 7)


def test_chunks_that_are_swapped_repeated_or_of_another_file_do_not_open(tmp_path: Path) -> None:
    def parts(vault: Vault = VAULT) -> list[bytes]:
        out = io.BytesIO()
        sealing, ends = SealedFileWriter(out, vault, BackupHeader(DAY, 0, "tinydb")), [0]
        for plain in (b'{"log":"","lines":[]}', b"\0\0\0\2[]", b"\0\0\0\2[]", b"\0\0\0\2[]"):
            sealing.add(plain)
            ends.append(out.tell())
        sealing.finish()
        bounds = [*dict.fromkeys(ends), len(out.getvalue())]
        return [out.getvalue()[start:end] for start, end in pairwise(bounds)]

    one, other = parts(), parts()
    assert len(one) == 5
    verify_backup(io.BytesIO(b"".join(one)), VAULT, 7)
    for wrong in ((0, 2, 1, 3, 4), (0, 1, 1, 2, 3, 4), (0, 1, 3, 4), (0, 1, 2, 4), (0, 1, 2, 3), (0, 4), (0,)):
        with pytest.raises(UnreadableBackup):
            verify_backup(io.BytesIO(b"".join(one[part] for part in wrong)), VAULT, 7)
    with pytest.raises(UnreadableBackup):
        verify_backup(io.BytesIO(b"".join((one[0], *other[1:]))), VAULT, 7)


async def test_a_wrong_root_key_and_missing_day_keys_differ(tmp_path: Path, log, file, monkeypatch) -> None:
    await with_talks(tmp_path / "data", log)
    create_backup(tmp_path / "data", VAULT, log, file, DAY)
    with file.open("rb") as source, pytest.raises(UnreadableBackup, match="another PEERSUPPORT_ROOT_KEY"):
        verify_backup(source, Vault(bytes(32)), 7)

    class Dropped(Vault):
        """Fail as where the day's key was destroyed."""

        __slots__ = ()

        def open(self, kind: str, id: str, shape: int, sealed: bytes) -> bytes:
            raise Corrupt

    with file.open("rb") as source, pytest.raises(UnreadableBackup, match="older than the key ring keeps keys"):
        verify_backup(source, Dropped(KEY), 7)


async def test_a_record_that_does_not_open_is_never_counted_as_one_that_does(tmp_path: Path, log, file) -> None:
    good = [replace(one, revision=1) for one in some_talks()]
    await fill_store(tmp_path / "data", VAULT, (*good[:3], replace(good[3], kind="support", sealed=b"noise")), DAY)
    async with open_exclusively(tmp_path / "data", VAULT) as store:
        await store.save(Deletion(MARKER_ID, 1))
    create_backup(tmp_path / "data", VAULT, log, file, DAY)
    with file.open("rb") as source, pytest.raises(UnreadableBackup, match="does not open"):
        verify_backup(source, VAULT, 7)
    with file.open("rb") as source, pytest.raises(UnreadableBackup, match="does not open"):
        await restore_backup(source, a_place(tmp_path / "new", log))
    assert not (tmp_path / "new").exists()


async def test_a_backup_names_no_person(empty, log: ErasureLog, file: Path) -> None:
    old = empty()
    await with_talks(old, log)
    create_backup(old, VAULT, log, file, DAY)
    data = (contents_of(file) + contents_of(log.path)).replace(b"peersupport", b"")
    for word in (
        b"U0ANA",
        b"U0BO",
        b"together",
        b"support",
        R1.encode(),
        DOOR.encode(),
        VOLUNTEER.encode(),
        b"doorstep",
    ):
        assert word not in data
    assert set(re.findall(rb'"(\w+)":', data)) == {b"format", b"made", b"records", b"store", b"id", b"key", b"check"}


# ---------------------------------------------------------------- without downtime


async def test_backups_during_writes_are_consistent_snapshots(empty, log: ErasureLog, file: Path) -> None:
    """Each save changes two records and destroys a third, together; compactions go on meanwhile."""
    where = empty()
    async with serving(where, VAULT, log) as store:
        over = asyncio.Event()

        async def writes(person: int) -> int:
            turn = 0
            while not over.is_set():
                beside = Record(f"beside-{person}-{turn + 1}", "beside", "s", None, DAY, sealed=os.urandom(900))
                before = [Deletion(f"beside-{person}-{turn}", 1)] if turn else []
                await store.save(
                    Record(f"left-{person}", "pair", str(turn + 1), None, DAY, turn, sealed=os.urandom(900)),
                    Record(f"right-{person}", "pair", str(turn + 1), None, DAY, turn, sealed=os.urandom(3000)),
                    beside,
                    *before,
                )
                turn += 1
                if turn % 5 == 0:
                    await store.purge()
            return turn

        def backs_up(number: int) -> list[Record]:
            create_backup(where, VAULT, log, file.with_name(f"backup-{number}"), DAY)
            with file.with_name(f"backup-{number}").open("rb") as source:
                return list(create.read_backup(source, VAULT, 7)[2])

        writers = [asyncio.ensure_future(writes(person)) for person in range(PEOPLE)]
        taken = [await asyncio.to_thread(backs_up, number) for number in range(25)]
        over.set()
        turns = await asyncio.gather(*writers)
    assert min(turns) > 3
    moments = set()
    for records in taken:
        stages = {one.id: one.stage for one in records}
        for person in range(PEOPLE):
            turn = int(stages.get(f"left-{person}", "0"))
            assert stages.get(f"right-{person}", "0") == str(turn)
            assert {i for i in stages if i.startswith(f"beside-{person}-")} == (
                {f"beside-{person}-{turn}"} if turn else set()
            )
            moments.add((person, turn))
    assert len(moments) > 3 * PEOPLE  # they were at many moments


async def test_no_record_is_both_in_a_backup_and_in_the_erasure_log_it_carries(empty, log, file) -> None:
    where = empty()
    async with serving(where, VAULT, log) as store:
        await store.save(*(Record(f"r{n}", "support", "s", None, DAY) for n in range(60)))

        async def forgets() -> None:
            for n in range(60):
                await store.save(Deletion(f"r{n}", 1))

        def backs_up() -> None:
            for number in range(10):
                create_backup(where, VAULT, log, file.with_name(f"backup-{number}"), DAY)

        await asyncio.gather(forgets(), asyncio.to_thread(backs_up))
    end = log.read()
    for number in range(10):
        with file.with_name(f"backup-{number}").open("rb") as source:
            _, noted, records = create.read_backup(source, VAULT, 7)
            ids = {one.id for one in records}
        before, since = noted.erased_since(ErasureLogState(noted.id)), end.erased_since(noted)
        for n in range(60):
            assert (f"r{n}" in ids) is since.contains(f"r{n}", VAULT) is not before.contains(f"r{n}", VAULT)


async def test_a_torn_end_is_not_in_the_backup_and_damage_is_refused(
    tmp_path: Path, log: ErasureLog, file: Path
) -> None:
    folder = tmp_path / "data"
    async with serving(folder, VAULT) as store:
        for n in range(3):
            await store.save(Record(f"r{n}", "seen", "s", None, DAY))
        whole = contents_of(journal := folder / "store.peersupport").rstrip(b"\0")
    for cut, left in ((0, 3), (1, 2), (9, 2), (30, 2)):
        journal.write_bytes(whole[: len(whole) - cut])
        assert len(everything(folder)) == left
        assert contents_of(journal) == whole[: len(whole) - cut]
    changed = bytearray(whole)
    changed[200] ^= 1
    journal.write_bytes(changed)
    with pytest.raises(Corrupt):
        create_backup(folder, VAULT, log, file, DAY)
    journal.unlink()
    with pytest.raises(NotServable, match="no store yet"):
        create_backup(folder, VAULT, log, file, DAY)
    assert not files_of(file)


# ---------------------------------------------------------------- from one store to the other


async def test_a_transfer_copies_every_record_and_retires_the_old_store(empty, log, tmp_path) -> None:
    for new in (tmp_path / "new", empty()):
        old = empty()
        before = await with_talks(old, log)
        proof = await transfer_store(old, new, VAULT, DAY)
        assert everything(new) == before
        assert (noted_in(old), noted_in(new)) == ([], [OperatorAct.MOVED])
        assert proof.old.to_lines() == proof.new.to_lines()
        assert (proof.new.undelivered, dict(proof.new.open)) == (1, {"together": 1})
        async with serving(new, VAULT, log):
            pass
        with pytest.raises(NotServable, match="was moved to another store on 2026-03-02"):
            async with serving(old, VAULT, log):
                pass
        with pytest.raises(NotServable, match="was moved to another store"):
            await transfer_store(old, empty(), VAULT, DAY)
        assert await undo_transfer(old, VAULT, DAY)
        assert not await undo_transfer(old, VAULT, DAY)
        async with serving(old, VAULT, log):
            pass
        assert everything(old) == before
        assert noted_in(old) == [OperatorAct.MOVE_UNDONE]


async def test_a_transfer_into_a_store_with_records_changes_neither(empty, log, tmp_path) -> None:
    old, new = tmp_path / "old", empty()
    await with_talks(old, log)
    async with serving(new, VAULT) as store:
        await store.save(Record("r", "support", "s", None, DAY))
    before = everything(old), everything(new)
    with pytest.raises(StoreNotEmpty):
        await transfer_store(old, new, VAULT, DAY)
    with pytest.raises(BackupRefused, match="name the other one"):
        await transfer_store(old, tmp_path / "x/../old", VAULT, DAY)
    assert (everything(old), everything(new)) == before
    async with serving(old, VAULT), serving(new, VAULT):
        pass


async def test_a_store_that_is_being_transferred_cannot_be_served_from(empty, log, tmp_path) -> None:
    old = tmp_path / "old"
    await with_talks(old, log)
    async with serving(old, VAULT):
        with pytest.raises(Exception, match="in use by process"):
            await transfer_store(old, empty(), VAULT, DAY)


async def test_an_unreadable_record_stops_a_transfer(empty, log, tmp_path) -> None:
    old, new = empty(), tmp_path / "new"
    await with_talks(old, log)
    async with serving(old, VAULT) as store:
        await store.save(Record("broken", "support", "together", None, DAY, sealed=b"noise"))
    with pytest.raises(BackupRefused, match="does not open, so nothing was moved"):
        await transfer_store(old, new, VAULT, DAY)
    async with serving(old, VAULT):
        pass
    with pytest.raises(NotServable):
        async with serving(new, VAULT):
            pass


# ---------------------------------------------------------------- kills and full disks


def steps(folder: Path, deed: str, what: str, store: str, step: int) -> int:
    """Run a command that dies at that step; its exit code."""
    clock = folder / "clock"
    clock.write_text(NOW.isoformat(), "ascii")
    settings = {
        "PEERSUPPORT_STORE": store,
        "PEERSUPPORT_ROOT_KEY": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
        "PEERSUPPORT_KEY_RING": str(folder / "ring"),
    }
    words = (str(clock), str(step), deed, what)
    return warm_cli().run_main("tests.backup.cli_with_a_clock", folder, *words, **settings).returncode


def address(where: Where) -> str:
    return where.url if isinstance(where, Postgres) else f"tinydb:///{where}"


async def test_a_backup_that_is_killed_leaves_the_one_before_or_none(empty, log, file, tmp_path) -> None:
    old = empty()
    await with_talks(old, log)
    luck = random.Random("backup")  # noqa: S311
    code, step = -9, 0
    while code == -9:
        step += luck.randrange(1, 4)
        code = steps(tmp_path, "backup", str(file), address(old), step)
        if file.exists():
            with file.open("rb") as source:
                assert verify_backup(source, VAULT, 7).summary.total == 4
    assert (code, set(file.parent.glob("backup*"))) == (0, {file})
    assert step > 3


async def test_a_restore_that_is_killed_leaves_nothing_to_serve_from_or_all_of_it(empty, log, file, tmp_path) -> None:
    old, new = empty(), empty()
    await with_talks(old, log)
    create_backup(old, VAULT, log, file, DAY)
    async with serving(old, VAULT, log) as store:
        found = await store.load(R1)
        assert found is not None
        await store.save(Deletion(R1, found.revision))
    luck = random.Random("restore")  # noqa: S311
    code, step = -9, 0
    while code == -9:
        step += luck.randrange(1, 6)
        code = steps(tmp_path, "restore", str(file), address(new), step)
        if code != -9:
            break
        served = await kinds_served_from(new)
        assert served in ({}, None) or sum(served.values()) == 3
        if served:
            break  # the kill came behind the end
    assert await kinds_served_from(new) == {"doorstep": 1, "seen": 1, "volunteering": 1}
    assert noted_in(new) == [OperatorAct.RESTORED]
    assert step > 3


async def kinds_served_from(where: Where) -> dict[str, int] | None:
    """What a `serve` would find; None where it refuses."""
    try:
        async with serving(where, VAULT) as store:
            found = [record.kind for record in await store.scan("", 100) if record.kind not in (ENTRY, HEAD)]
    except NotServable:
        return None
    return {kind: found.count(kind) for kind in found}


async def test_a_move_that_is_killed_is_repeated_and_never_leaves_two_to_serve_from(empty, log, tmp_path) -> None:
    old, new = tmp_path / "old", empty()
    before = await with_talks(old, log)
    luck = random.Random("move")  # noqa: S311
    code, step = -9, 0
    while code == -9:
        step += luck.randrange(1, 6)
        code = steps(tmp_path, "move", address(new), address(old), step)
        from_old, from_new = await kinds_served_from(old), await kinds_served_from(new)
        assert sum(bool(one) for one in (from_old, from_new)) <= 1
        if from_new:
            break
    assert from_old is None
    assert everything(new) == before
    assert noted_in(new) == [OperatorAct.MOVED]
    assert step > 3


def noise(id: str) -> bytes:
    return VAULT.seal("seen", id, 0, os.urandom(2000))


async def test_a_full_disk_leaves_no_half_of_a_backup(tmp_path, log, file) -> None:
    folder = tmp_path / "data"
    async with serving(folder, VAULT, log) as store:
        await store.save(*(Record(f"r{n}", "seen", "s", None, DAY, sealed=noise(f"r{n}")) for n in range(200)))
    create_backup(folder, VAULT, log, file, DAY)
    before, limit = file.read_bytes(), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) // 2, limit[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            create_backup(folder, VAULT, log, file, DAY)
        with file.open("rb") as source, pytest.raises(Exception, match="could not be"):
            await restore_backup(source, a_place(tmp_path / "new", log))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert file.read_bytes() == before
    assert not list(tmp_path.glob("backup.*"))
    assert not await kinds_served_from(tmp_path / "new")
    with file.open("rb") as source:
        await restore_backup(source, a_place(tmp_path / "new", log))


# ---------------------------------------------------------------- as an operator reads it


async def test_the_commands_say_in_sentences_what_they_did_and_what_to_do(tmp_path: Path) -> None:
    settings = {
        "PEERSUPPORT_STORE": "tinydb:///./data",
        "PEERSUPPORT_ROOT_KEY": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
    }
    log = ErasureLog(tmp_path / "data/ring", VAULT, 7, lambda: datetime.now(UTC).date())
    await with_talks(tmp_path / "data", log)

    def says(code: int, *words: str, **more: str) -> str:
        ran = peersupport(tmp_path, *words, **(settings | more))
        assert ran.returncode == code, ran.stdout + ran.stderr
        assert "Traceback" not in ran.stderr
        assert not any(word in ran.stdout + ran.stderr for word in ("U0ANA", R1, DOOR, VOLUNTEER))
        return (ran.stderr if code else ran.stdout).strip()

    assert says(0, "backup", "b1").startswith("4 records of 20")
    assert says(2, "backup", "b1").endswith("name another, or add --replace.")
    says(0, "backup", "b1", "--replace")
    assert "No such file" in says(2, "backup", "missing/b1")
    checked = says(0, "verify", "b1")
    assert "Open requests that would go on, but for what was forgotten since: 1." in checked
    assert "open requests        1  1 together" in checked
    assert "another PEERSUPPORT_ROOT_KEY" in says(
        2, "verify", "b1", PEERSUPPORT_ROOT_KEY=base64.b64encode(KEY[::-1]).decode()
    )
    (tmp_path / "noise").write_bytes(b"noise")
    assert says(2, "verify", "noise") == "This file is not a backup of this programme."
    assert says(2, "verify", "nothing").startswith("FILE cannot be read")
    assert "not empty" in says(2, "restore", "b1")
    assert "--without-shred-log" in says(2, "restore", "b1", PEERSUPPORT_STORE="tinydb:///./new")
    ring = str(log.path.parent)
    done = says(0, "restore", "b1", PEERSUPPORT_STORE="tinydb:///./new", PEERSUPPORT_KEY_RING=ring)
    assert "Records that were forgotten since, and did not come back: 0." in done
    assert "looked for before they are sent again: 1." in done
    assert says(2, "move").startswith("Say where to")
    assert says(2, "move", "--to", "mysql://x").startswith("--to must be tinydb:///")
    moved = says(0, "move", "--to", "tinydb:///./other")
    assert f"Set PEERSUPPORT_KEY_RING={ring.replace(str(tmp_path) + '/', '')}" in moved
    assert "digest is the same on both sides" in moved
    assert "was moved to another store" in says(2, "move", "--to", "tinydb:///./third")
    assert "may be served from again" in says(0, "move", "--undo")
    assert "nothing to undo" in says(0, "move", "--undo")
    assert says(2, "backup", "b2", PEERSUPPORT_ROOT_KEY="").startswith("PEERSUPPORT_ROOT_KEY")
