"""The key ring: what hangs on it opens wherever the ring is, and what hung on a dropped key opens nowhere, ever."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from bot.ring import OVERLAP, NoRing, Ring, close_to_others
from bot.store.base import Damaged, Unfit
from bot.store.disk import Disk
from bot.vault import Vault

ROOT, NEW_ROOT = bytes(range(32)), bytes(range(1, 33))
EVENING = datetime(2026, 3, 2, 21, tzinfo=UTC)
DAY = timedelta(days=1)


def vault(ring: Ring) -> Vault:
    return Vault(ROOT, ring)


def sealed_each_day(ring: Ring, days: int) -> list[bytes]:
    """One record a day, as somebody would have copied it that day."""
    copies = []
    for day in range(days):
        ring.keep_up(EVENING + day * DAY)
        copies.append(vault(ring).seal("request", "r1", 0, b"day %d" % day))
    return copies


def opens(ring: Ring, sealed: bytes) -> bool:
    try:
        vault(ring).open("request", "r1", 0, sealed)
    except Damaged:
        return False
    return True


# ---------------------------------------------------------------- day by day


def test_each_day_has_a_key_of_its_own_and_every_one_opens_what_hangs_on_it(tmp_path: Path) -> None:
    ring = Ring.make(tmp_path / "ring", (ROOT,), EVENING)
    copies = sealed_each_day(ring, 4)
    assert [each.day for each in ring.days] == [date(2026, 3, day) for day in (2, 3, 4, 5)]
    assert not ring.keep_up(EVENING + 3 * DAY)
    assert all(opens(Ring.open(tmp_path / "ring", (ROOT,)), copy) for copy in copies)


@pytest.mark.parametrize(("days", "left"), [(0, 1), (1, 2), (3, 4), (7, 8)])
def test_a_key_outlives_its_day_by_as_many_as_were_asked_for(tmp_path: Path, days: int, left: int) -> None:
    ring = Ring.make(tmp_path / "ring", (ROOT,), EVENING)
    copies = sealed_each_day(ring, 10)
    ring.drop(ring.outlived(EVENING + 9 * DAY + OVERLAP, days))
    assert [opens(ring, copy) for copy in copies] == [False] * (10 - left) + [True] * left


def test_a_dropped_key_is_gone_from_the_folder_for_whoever_holds_the_root(tmp_path: Path) -> None:
    ring = Ring.make(tmp_path / "ring", (ROOT,), EVENING)
    (old, _) = sealed_each_day(ring, 2)
    first = tmp_path / "ring" / ring.days[0].file
    with first.open("rb") as held_open:  # whoever looks at the bytes themselves
        ring.drop(ring.days[:1])
        assert not first.exists()
        assert held_open.read().strip(b"\0") == b""
    assert not opens(Ring.open(tmp_path / "ring", (ROOT,)), old)


def test_nothing_is_dropped_within_the_hour_in_which_somebody_may_still_be_writing_under_it(tmp_path: Path) -> None:
    ring = Ring.make(tmp_path / "ring", (ROOT,), EVENING)
    midnight = datetime(2026, 3, 3, tzinfo=UTC)
    ring.keep_up(midnight)
    assert list(ring.outlived(midnight + OVERLAP - timedelta(seconds=1), 0)) == []
    assert [each.day for each in ring.outlived(midnight + OVERLAP, 0)] == [date(2026, 3, 2)]


def test_a_clock_some_seconds_ahead_of_another_makes_one_key_for_the_new_day_and_not_two(tmp_path: Path) -> None:
    early = Ring.make(tmp_path / "ring", (ROOT,), EVENING)
    late = Ring.open(tmp_path / "ring", (ROOT,))
    midnight = datetime(2026, 3, 3, tzinfo=UTC)
    assert early.keep_up(midnight + timedelta(seconds=1))
    assert not late.keep_up(midnight - timedelta(seconds=1))
    assert late.current()[0] == early.current()[0]


def test_after_a_clock_that_ran_far_ahead_the_days_go_on_and_its_keys_are_dropped_as_well(tmp_path: Path) -> None:
    ring = Ring.make(tmp_path / "ring", (ROOT,), EVENING)
    ring.keep_up(EVENING + 3650 * DAY)
    wrong = vault(ring).seal("request", "r1", 0, b"x")
    assert ring.keep_up(EVENING + timedelta(minutes=5))
    assert ring.current()[0] == ring.days[-1].id
    assert ring.days[-1].day == EVENING.date()
    ring.keep_up(EVENING + 8 * DAY)
    ring.drop(ring.outlived(EVENING + 8 * DAY + OVERLAP, 7))
    assert not opens(ring, wrong)
    assert len(ring.days) == 1


def test_a_clock_that_ran_backwards_drops_nothing_that_is_in_use(tmp_path: Path) -> None:
    ring = Ring.make(tmp_path / "ring", (ROOT,), EVENING)
    copy = vault(ring).seal("request", "r1", 0, b"x")
    assert ring.keep_up(EVENING - 3650 * DAY)
    assert list(ring.outlived(EVENING - 3650 * DAY + OVERLAP, 0)) == []
    assert opens(ring, copy)


# ---------------------------------------------------------------- many processes


def test_a_key_that_another_process_made_is_found_when_it_is_met(tmp_path: Path) -> None:
    ours = Ring.make(tmp_path / "ring", (ROOT,), EVENING)
    theirs = Ring.open(tmp_path / "ring", (ROOT,))
    theirs.keep_up(EVENING + DAY)
    assert opens(ours, vault(theirs).seal("request", "r1", 0, b"x"))


def test_of_two_who_begin_a_ring_at_once_one_begins_it_and_both_have_it(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from datetime import datetime; from bot.ring import Ring\n"
        "ring = Ring.make(Path(sys.argv[1]), (bytes(range(32)),), datetime.fromisoformat(sys.argv[2]))\n"
        "print(ring.id.hex())\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "ring"), EVENING.isoformat()]
    many = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(4)]  # noqa: S603
    said = {process.communicate()[0] for process in many}
    assert [process.returncode for process in many] == [0] * 4
    assert said == {Ring.open(tmp_path / "ring", (ROOT,)).id.hex().encode() + b"\n"}
    assert not list((tmp_path / "ring").glob("*.new"))


def test_two_keys_of_one_day_both_open_and_both_go(tmp_path: Path) -> None:
    one = Ring.make(tmp_path / "ring", (ROOT,), EVENING)
    two = Ring.open(tmp_path / "ring", (ROOT,))
    for ring in (one, two):  # neither sees the other in time
        ring.look = lambda: None  # type: ignore[method-assign]
        ring.keep_up(EVENING + DAY)
        del ring.look
    one.look()
    both = {each.id for each in one.days[1:]}
    assert len(both) == 2
    two.look()
    assert one.current()[0] == two.current()[0] in both
    copies = [Vault(ROOT, ring).seal("request", "r1", 0, b"x") for ring in (one, two)]
    assert all(opens(ring, copy) for ring in (one, two) for copy in copies)
    one.keep_up(EVENING + 9 * DAY)
    one.drop(one.outlived(EVENING + 9 * DAY + OVERLAP, 7))
    assert [each.day for each in one.days] == [date(2026, 3, 11)]


def test_who_cannot_look_into_the_ring_for_long_does_not_write_any_more(tmp_path: Path) -> None:
    ring = Ring.make(tmp_path / "ring", (ROOT,), EVENING)
    kept = vault(ring).seal("request", "r1", 0, b"x")
    ring._looked -= OVERLAP.total_seconds()
    (tmp_path / "ring").rename(tmp_path / "gone")
    (tmp_path / "ring").mkdir()  # as where something was mounted
    assert opens(ring, kept)
    with pytest.raises(Unfit, match="PEERSUPPORT_KEY_RING"):
        vault(ring).seal("request", "r1", 0, b"x")
    (tmp_path / "ring").rmdir()
    (tmp_path / "gone").rename(tmp_path / "ring")
    assert opens(ring, vault(ring).seal("request", "r1", 0, b"x"))


# ---------------------------------------------------------------- power cuts


class PowerCut(Exception):
    """Nothing further happens."""


class Cut(Disk):
    """A disk that stops before its n-th deed."""

    def __init__(self, deeds: int) -> None:
        self.left = deeds

    def _deed(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise PowerCut

    def create(self, path: Path) -> int:
        self._deed()
        return super().create(path)

    def write(self, fd: int, data: bytes, at: int) -> None:
        try:
            self._deed()
        except PowerCut:
            super().write(fd, data[: len(data) // 2], at)  # half of it arrives
            raise
        super().write(fd, data, at)

    def sync(self, fd: int) -> None:
        self._deed()
        super().sync(fd)

    def replace(self, old: Path, new: Path) -> None:
        self._deed()
        super().replace(old, new)

    def remove(self, path: Path) -> None:
        self._deed()
        super().remove(path)

    def sync_folder(self, folder: Path) -> None:
        self._deed()
        super().sync_folder(folder)


def test_wherever_the_power_goes_the_ring_opens_and_so_does_all_that_hangs_on_what_is_kept(tmp_path: Path) -> None:
    deeds = 0
    while True:
        folder, kept = tmp_path / f"{deeds}", b""
        try:
            ring = Ring.make(folder, (ROOT,), EVENING, Cut(deeds))
            kept = vault(ring).seal("request", "r1", 0, b"x")
            ring.keep_up(EVENING + DAY)
            kept = vault(ring).rewrap("request", "r1", 0, kept)
            ring.drop(ring.outlived(EVENING + DAY + OVERLAP * 4, 0))
        except PowerCut:
            deeds += 1
        else:
            break
        try:
            again = Ring.open(folder, (ROOT,))
        except NoRing:
            again = Ring.make(folder, (ROOT,), EVENING)
        again.keep_up(EVENING + DAY)
        again.tidy()
        assert not kept or opens(again, kept)
        assert not list(folder.glob("*.dropped"))
    assert deeds > 20


# ---------------------------------------------------------------- another root


def test_a_root_is_exchanged_while_both_are_accepted_and_then_the_old_one_opens_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "ring"
    before = Ring.make(folder, (ROOT,), EVENING)
    copies = sealed_each_day(before, 3)
    token = vault(before).token("ab" * 16, "offer", 1, "yes")
    both = Ring.open(folder, (NEW_ROOT, ROOT))
    assert both.behind() == 4
    assert both.rewrap() == 4
    assert both.behind() == both.rewrap() == 0
    assert all(opens(before, copy) for copy in copies)  # who has them in memory goes on
    after = Ring.open(folder, (NEW_ROOT,))
    assert all(opens(after, copy) for copy in copies)
    assert Vault(NEW_ROOT, after).read_token(token) == vault(before).read_token(token)
    with pytest.raises(Unfit, match="PEERSUPPORT_ROOT_KEY"):
        Ring.open(folder, (ROOT,))


def test_while_both_roots_are_accepted_new_keys_can_be_read_by_whoever_has_only_the_old_one(tmp_path: Path) -> None:
    folder = tmp_path / "ring"
    old = Ring.make(folder, (ROOT,), EVENING)
    Ring.open(folder, (NEW_ROOT, ROOT)).keep_up(EVENING + DAY)
    old.look()
    assert len(old.days) == 2


def test_an_exchange_that_is_cut_short_anywhere_leaves_everything_to_open_and_is_finished_by_the_next(
    tmp_path: Path,
) -> None:
    deeds = 0
    while True:
        folder = tmp_path / f"{deeds}"
        copies = sealed_each_day(Ring.make(folder, (ROOT,), EVENING), 2)
        try:
            Ring.open(folder, (NEW_ROOT, ROOT), Cut(deeds)).rewrap()
        except PowerCut:
            deeds += 1
        else:
            break
        again = Ring.open(folder, (NEW_ROOT, ROOT))
        assert all(opens(again, copy) for copy in copies)
        again.rewrap()
        assert all(opens(Ring.open(folder, (NEW_ROOT,)), copy) for copy in copies)
    assert deeds > 15


# ---------------------------------------------------------------- what is refused


def test_where_there_is_no_ring_none_is_made_by_looking(tmp_path: Path) -> None:
    with pytest.raises(NoRing):
        Ring.open(tmp_path / "ring", (ROOT,))
    assert list(tmp_path.iterdir()) == []


def test_a_ring_begins_with_one_root(tmp_path: Path) -> None:
    with pytest.raises(Unfit, match="one key"):
        Ring.make(tmp_path / "ring", (NEW_ROOT, ROOT), EVENING)
    assert list(tmp_path.iterdir()) == []


def test_a_changed_or_renamed_file_is_refused_and_not_taken_for_a_key(tmp_path: Path) -> None:
    ring = Ring.make(tmp_path / "ring", (ROOT,), EVENING)
    path = tmp_path / "ring" / ring.days[0].file
    whole = path.read_bytes()
    for wrong in (whole[:-1], whole + b"\0", whole[:20] + bytes([whole[20] ^ 1]) + whole[21:]):
        path.write_bytes(wrong)
        with pytest.raises(Unfit, match="PEERSUPPORT_KEY_RING"):
            Ring.open(tmp_path / "ring", (ROOT,))
    path.write_bytes(whole)
    path.rename(path.with_name(path.name.replace("2026", "2036")))
    with pytest.raises(Unfit, match="PEERSUPPORT_KEY_RING"):
        Ring.open(tmp_path / "ring", (ROOT,))


def test_only_we_may_read_it(tmp_path: Path) -> None:
    folder = tmp_path / "ring"
    folder.mkdir(0o755)
    folder.chmod(0o755)
    Ring.make(folder, (ROOT,), EVENING)
    close_to_others(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_nothing_printable_shows_a_key(tmp_path: Path) -> None:
    ring = Ring.make(tmp_path / "ring", (ROOT,), EVENING)
    assert repr(ring) == "Ring(…)"
    assert ring.lasting.index.hex() not in repr(ring.lasting) + repr(ring.days)
    assert repr(ring.lasting.index) not in repr(ring.lasting) + repr(ring.days)


def test_what_was_left_by_whoever_was_killed_is_tidied_away_but_not_what_is_being_written(tmp_path: Path) -> None:
    ring = Ring.make(tmp_path / "ring", (ROOT,), EVENING)
    old, fresh = (tmp_path / "ring" / f"ring.{n}.new" for n in "12")
    old.write_bytes(b"x")
    fresh.write_bytes(b"x")
    long_ago = old.stat().st_mtime - 2 * OVERLAP.total_seconds()
    os.utime(old, (long_ago, long_ago))
    ring.tidy()
    assert (old.exists(), fresh.exists()) == (False, True)
