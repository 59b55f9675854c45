"""The key ring: day keys, their expiry, several processes, power cuts, and rotation of the root key."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from bot.crypto.durable_file import FileSystem
from bot.crypto.vault import Vault
from bot.errors import Corrupt, NotServable
from bot.keys.key_ring import OVERLAP, KeyRing, KeyRingMissing, restrict_access

ROOT, NEW_ROOT = bytes(range(32)), bytes(range(1, 33))
EVENING = datetime(2026, 3, 2, 21, tzinfo=UTC)
DAY = timedelta(days=1)


def vault(ring: KeyRing) -> Vault:
    return Vault(ROOT, ring)


def sealed_each_day(ring: KeyRing, days: int) -> list[bytes]:
    """Seal one record a day, as a copy made on that day would hold it."""
    copies = []
    for day in range(days):
        ring.ensure_key_for(EVENING + day * DAY)
        copies.append(vault(ring).seal("request", "r1", 0, b"day %d" % day))
    return copies


def opens(ring: KeyRing, sealed: bytes) -> bool:
    try:
        vault(ring).open("request", "r1", 0, sealed)
    except Corrupt:
        return False
    return True


# ---------------------------------------------------------------- day by day


def test_each_day_has_a_key_of_its_own_that_decrypts_what_it_wrapped(tmp_path: Path) -> None:
    ring = KeyRing.create(tmp_path / "ring", (ROOT,), EVENING)
    copies = sealed_each_day(ring, 4)
    assert [each.day for each in ring.day_keys] == [date(2026, 3, day) for day in (2, 3, 4, 5)]
    assert not ring.ensure_key_for(EVENING + 3 * DAY)
    assert all(opens(KeyRing.open(tmp_path / "ring", (ROOT,)), copy) for copy in copies)


@pytest.mark.parametrize(("days", "left"), [(0, 1), (1, 2), (3, 4), (7, 8)])
def test_a_key_is_kept_for_as_many_days_as_are_set(tmp_path: Path, days: int, left: int) -> None:
    ring = KeyRing.create(tmp_path / "ring", (ROOT,), EVENING)
    copies = sealed_each_day(ring, 10)
    ring.destroy_keys(ring.expired_keys(EVENING + 9 * DAY + OVERLAP, days))
    assert [opens(ring, copy) for copy in copies] == [False] * (10 - left) + [True] * left


def test_a_destroyed_key_cannot_be_recovered_with_the_root_key(tmp_path: Path) -> None:
    ring = KeyRing.create(tmp_path / "ring", (ROOT,), EVENING)
    (old, _) = sealed_each_day(ring, 2)
    first = tmp_path / "ring" / ring.day_keys[0].file_name
    with first.open("rb") as held_open:  # whoever looks at the bytes themselves
        ring.destroy_keys(ring.day_keys[:1])
        assert not first.exists()
        assert held_open.read().strip(b"\0") == b""
    assert not opens(KeyRing.open(tmp_path / "ring", (ROOT,)), old)


def test_no_key_expires_within_an_hour_of_its_successor(tmp_path: Path) -> None:
    ring = KeyRing.create(tmp_path / "ring", (ROOT,), EVENING)
    midnight = datetime(2026, 3, 3, tzinfo=UTC)
    ring.ensure_key_for(midnight)
    assert list(ring.expired_keys(midnight + OVERLAP - timedelta(seconds=1), 0)) == []
    assert [each.day for each in ring.expired_keys(midnight + OVERLAP, 0)] == [date(2026, 3, 2)]


def test_a_clock_some_seconds_ahead_of_another_makes_one_key_for_the_new_day_and_not_two(tmp_path: Path) -> None:
    early = KeyRing.create(tmp_path / "ring", (ROOT,), EVENING)
    late = KeyRing.open(tmp_path / "ring", (ROOT,))
    midnight = datetime(2026, 3, 3, tzinfo=UTC)
    assert early.ensure_key_for(midnight + timedelta(seconds=1))
    assert not late.ensure_key_for(midnight - timedelta(seconds=1))
    assert late.current_key()[0] == early.current_key()[0]


def test_keys_made_by_a_clock_far_ahead_expire_as_well(tmp_path: Path) -> None:
    ring = KeyRing.create(tmp_path / "ring", (ROOT,), EVENING)
    ring.ensure_key_for(EVENING + 3650 * DAY)
    wrong = vault(ring).seal("request", "r1", 0, b"x")
    assert ring.ensure_key_for(EVENING + timedelta(minutes=5))
    assert ring.current_key()[0] == ring.day_keys[-1].id
    assert ring.day_keys[-1].day == EVENING.date()
    ring.ensure_key_for(EVENING + 8 * DAY)
    ring.destroy_keys(ring.expired_keys(EVENING + 8 * DAY + OVERLAP, 7))
    assert not opens(ring, wrong)
    assert len(ring.day_keys) == 1


def test_a_clock_that_ran_backwards_destroys_no_key_in_use(tmp_path: Path) -> None:
    ring = KeyRing.create(tmp_path / "ring", (ROOT,), EVENING)
    copy = vault(ring).seal("request", "r1", 0, b"x")
    assert ring.ensure_key_for(EVENING - 3650 * DAY)
    assert list(ring.expired_keys(EVENING - 3650 * DAY + OVERLAP, 0)) == []
    assert opens(ring, copy)


# ---------------------------------------------------------------- many processes


def test_a_key_that_another_process_made_is_found_by_its_id(tmp_path: Path) -> None:
    ours = KeyRing.create(tmp_path / "ring", (ROOT,), EVENING)
    theirs = KeyRing.open(tmp_path / "ring", (ROOT,))
    theirs.ensure_key_for(EVENING + DAY)
    assert opens(ours, vault(theirs).seal("request", "r1", 0, b"x"))


def test_processes_that_create_a_ring_at_once_share_one(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from datetime import datetime; from bot.keys.key_ring import KeyRing\n"
        "ring = KeyRing.create(Path(sys.argv[1]), (bytes(range(32)),), datetime.fromisoformat(sys.argv[2]))\n"
        "print(ring.id.hex())\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "ring"), EVENING.isoformat()]
    many = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(4)]  # noqa: S603
    said = {process.communicate()[0] for process in many}
    assert [process.returncode for process in many] == [0] * 4
    assert said == {KeyRing.open(tmp_path / "ring", (ROOT,)).id.hex().encode() + b"\n"}
    assert not list((tmp_path / "ring").glob("*.new"))


def test_two_keys_of_one_day_both_decrypt_and_both_expire(tmp_path: Path) -> None:
    one = KeyRing.create(tmp_path / "ring", (ROOT,), EVENING)
    two = KeyRing.open(tmp_path / "ring", (ROOT,))
    for ring in (one, two):  # neither sees the other in time
        ring.reload = lambda: None  # type: ignore[method-assign]
        ring.ensure_key_for(EVENING + DAY)
        del ring.reload
    one.reload()
    both = {each.id for each in one.day_keys[1:]}
    assert len(both) == 2
    two.reload()
    assert one.current_key()[0] == two.current_key()[0] in both
    copies = [Vault(ROOT, ring).seal("request", "r1", 0, b"x") for ring in (one, two)]
    assert all(opens(ring, copy) for ring in (one, two) for copy in copies)
    one.ensure_key_for(EVENING + 9 * DAY)
    one.destroy_keys(one.expired_keys(EVENING + 9 * DAY + OVERLAP, 7))
    assert [each.day for each in one.day_keys] == [date(2026, 3, 11)]


def test_without_access_to_the_ring_for_long_nothing_is_encrypted(tmp_path: Path) -> None:
    ring = KeyRing.create(tmp_path / "ring", (ROOT,), EVENING)
    kept = vault(ring).seal("request", "r1", 0, b"x")
    ring._read_at -= OVERLAP.total_seconds()
    (tmp_path / "ring").rename(tmp_path / "gone")
    (tmp_path / "ring").mkdir()  # as where something was mounted
    assert opens(ring, kept)
    with pytest.raises(NotServable, match="PEERSUPPORT_KEY_RING"):
        vault(ring).seal("request", "r1", 0, b"x")
    (tmp_path / "ring").rmdir()
    (tmp_path / "gone").rename(tmp_path / "ring")
    assert opens(ring, vault(ring).seal("request", "r1", 0, b"x"))


# ---------------------------------------------------------------- power cuts


class PowerCut(Exception):
    """Nothing further happens."""


class InterruptedFileSystem(FileSystem):
    """A file system that stops before its n-th operation."""

    def __init__(self, operations: int) -> None:
        self.left = operations

    def _operation(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise PowerCut

    def create(self, path: Path) -> int:
        self._operation()
        return super().create(path)

    def write(self, fd: int, data: bytes, at: int) -> None:
        try:
            self._operation()
        except PowerCut:
            super().write(fd, data[: len(data) // 2], at)  # half of it arrives
            raise
        super().write(fd, data, at)

    def sync(self, fd: int) -> None:
        self._operation()
        super().sync(fd)

    def replace(self, old: Path, new: Path) -> None:
        self._operation()
        super().replace(old, new)

    def remove(self, path: Path) -> None:
        self._operation()
        super().remove(path)

    def sync_folder(self, folder: Path) -> None:
        self._operation()
        super().sync_folder(folder)


def test_a_power_cut_at_any_operation_leaves_a_ring_that_decrypts_everything(tmp_path: Path) -> None:
    operations = 0
    while True:
        folder, kept = tmp_path / f"{operations}", b""
        try:
            ring = KeyRing.create(folder, (ROOT,), EVENING, InterruptedFileSystem(operations))
            kept = vault(ring).seal("request", "r1", 0, b"x")
            ring.ensure_key_for(EVENING + DAY)
            kept = vault(ring).rewrap("request", "r1", 0, kept)
            ring.destroy_keys(ring.expired_keys(EVENING + DAY + OVERLAP * 4, 0))
        except PowerCut:
            operations += 1
        else:
            break
        try:
            again = KeyRing.open(folder, (ROOT,))
        except KeyRingMissing:
            again = KeyRing.create(folder, (ROOT,), EVENING)
        again.ensure_key_for(EVENING + DAY)
        again.remove_leftovers()
        assert not kept or opens(again, kept)
        assert not list(folder.glob("*.dropped"))
    assert operations > 20


# ---------------------------------------------------------------- another root


def test_the_root_key_is_rotated_and_then_the_old_one_opens_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "ring"
    before = KeyRing.create(folder, (ROOT,), EVENING)
    copies = sealed_each_day(before, 3)
    token = vault(before).token("ab" * 16, "offer", 1, "yes")
    both = KeyRing.open(folder, (NEW_ROOT, ROOT))
    assert both.count_outdated_wraps() == 4
    assert both.rewrap() == 4
    assert both.count_outdated_wraps() == both.rewrap() == 0
    assert all(opens(before, copy) for copy in copies)  # who has them in memory goes on
    after = KeyRing.open(folder, (NEW_ROOT,))
    assert all(opens(after, copy) for copy in copies)
    assert Vault(NEW_ROOT, after).read_token(token) == vault(before).read_token(token)
    with pytest.raises(NotServable, match="PEERSUPPORT_ROOT_KEY"):
        KeyRing.open(folder, (ROOT,))


def test_during_a_root_key_rotation_new_keys_decrypt_with_the_old_one(tmp_path: Path) -> None:
    folder = tmp_path / "ring"
    old = KeyRing.create(folder, (ROOT,), EVENING)
    KeyRing.open(folder, (NEW_ROOT, ROOT)).ensure_key_for(EVENING + DAY)
    old.reload()
    assert len(old.day_keys) == 2


def test_an_interrupted_root_key_rotation_is_finished_by_the_next(
    tmp_path: Path,
) -> None:
    operations = 0
    while True:
        folder = tmp_path / f"{operations}"
        copies = sealed_each_day(KeyRing.create(folder, (ROOT,), EVENING), 2)
        try:
            KeyRing.open(folder, (NEW_ROOT, ROOT), InterruptedFileSystem(operations)).rewrap()
        except PowerCut:
            operations += 1
        else:
            break
        again = KeyRing.open(folder, (NEW_ROOT, ROOT))
        assert all(opens(again, copy) for copy in copies)
        again.rewrap()
        assert all(opens(KeyRing.open(folder, (NEW_ROOT,)), copy) for copy in copies)
    assert operations > 15


# ---------------------------------------------------------------- what is refused


def test_opening_creates_no_ring(tmp_path: Path) -> None:
    with pytest.raises(KeyRingMissing):
        KeyRing.open(tmp_path / "ring", (ROOT,))
    assert list(tmp_path.iterdir()) == []


def test_a_ring_is_created_with_one_root_key(tmp_path: Path) -> None:
    with pytest.raises(NotServable, match="one key"):
        KeyRing.create(tmp_path / "ring", (NEW_ROOT, ROOT), EVENING)
    assert list(tmp_path.iterdir()) == []


def test_a_changed_or_renamed_file_is_refused_and_not_taken_for_a_key(tmp_path: Path) -> None:
    ring = KeyRing.create(tmp_path / "ring", (ROOT,), EVENING)
    path = tmp_path / "ring" / ring.day_keys[0].file_name
    whole = path.read_bytes()
    for wrong in (whole[:-1], whole + b"\0", whole[:20] + bytes([whole[20] ^ 1]) + whole[21:]):
        path.write_bytes(wrong)
        with pytest.raises(NotServable, match="PEERSUPPORT_KEY_RING"):
            KeyRing.open(tmp_path / "ring", (ROOT,))
    path.write_bytes(whole)
    path.rename(path.with_name(path.name.replace("2026", "2036")))
    with pytest.raises(NotServable, match="PEERSUPPORT_KEY_RING"):
        KeyRing.open(tmp_path / "ring", (ROOT,))


def test_only_we_may_read_it(tmp_path: Path) -> None:
    folder = tmp_path / "ring"
    folder.mkdir(0o755)
    folder.chmod(0o755)
    KeyRing.create(folder, (ROOT,), EVENING)
    restrict_access(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_nothing_printable_shows_a_key(tmp_path: Path) -> None:
    ring = KeyRing.create(tmp_path / "ring", (ROOT,), EVENING)
    assert repr(ring) == "KeyRing(…)"
    assert ring.stable_keys.index.hex() not in repr(ring.stable_keys) + repr(ring.day_keys)
    assert repr(ring.stable_keys.index) not in repr(ring.stable_keys) + repr(ring.day_keys)


def test_leftovers_of_killed_processes_are_removed_but_no_file_being_written(tmp_path: Path) -> None:
    ring = KeyRing.create(tmp_path / "ring", (ROOT,), EVENING)
    old, fresh = (tmp_path / "ring" / f"ring.{n}.new" for n in "12")
    old.write_bytes(b"x")
    fresh.write_bytes(b"x")
    long_ago = old.stat().st_mtime - 2 * OVERLAP.total_seconds()
    os.utime(old, (long_ago, long_ago))
    ring.remove_leftovers()
    assert (old.exists(), fresh.exists()) == (False, True)
