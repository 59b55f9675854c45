"""Everything saved in one turn of the event loop is one batch: one entry, one sync, and everybody who waited is told.

Who writes it is measured. A disk that answers within a millisecond is waited for on the spot, because waking a thread
and being woken by it costs as much as the sync itself; for a slower one a thread waits, and batches gather meanwhile.
The journal belongs to the thread while anything handed to it is unfinished, else to the loop.

A compaction runs in the thread, a slice at a time, whenever no batch is waiting. Batches go to the old file
meanwhile and are remembered; at the end they are added behind the snapshot, and one rename puts the new file in the
place of the old one. Before the rename the old file holds everything, after it the new one does.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from bot.store.journal import BATCH, END, SNAPSHOT, Journal
from bot.store.rows import Change, encode

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Sequence
    from pathlib import Path

    from bot.store.disk import Disk
    from bot.vault import Vault

NAME, LEFTOVER = "store.peersupport", "store.peersupport.new"

_SLICE = 64  # records: about a millisecond
_ADVANCE = 4 << 20  # a journal smaller than this is not worth compacting
_QUICK = 0.001  # seconds: a disk that syncs faster is waited for in the loop
_MEMORY = 8  # writes over which the disk's pace is averaged


class WriteFailed(Exception):
    """The disk refused a write or a sync. What was not acknowledged may or may not be there after a restart."""


def end_the_process() -> None:
    """Leave at once: in memory we know things that the disk does not, and nobody must act on them."""
    sys.stderr.write("peersupport: the store could not be written; nothing unwritten was acknowledged; ending\n")
    sys.stderr.flush()
    os._exit(74)  # EX_IOERR


class CompactionFailed(WriteFailed):
    """The store could not be compacted. It serves on, but what was destroyed can still be read from its file."""


def rewritten(
    folder: Path, disk: Disk, vault: Vault, frozen: Sequence[Change], since: Iterable[bytes], old: Journal | None
) -> Generator[None, None, Journal]:
    """Write a new file of these records and of the batches since, a slice at each step, and put it in place.

    Raises CompactionFailed while the old file still stands as it was, OSError when that is not known.
    """
    leftover = folder / LEFTOVER
    try:
        with suppress(FileNotFoundError):
            disk.remove(leftover)
        fresh = Journal.create(disk, leftover, vault)
        try:
            for start in range(0, len(frozen), _SLICE):
                fresh.add(SNAPSHOT, encode(frozen[start : start + _SLICE]))
                yield
            fresh.add(END, b"")
            for plain in since:
                fresh.add(BATCH, plain)
            fresh.finish()
        except OSError:
            with suppress(OSError):
                fresh.close()
                disk.remove(leftover)
            raise
    except OSError as error:
        reason = "The store could not be compacted."
        raise CompactionFailed(reason) from error
    disk.replace(leftover, folder / NAME)
    disk.sync_folder(folder)
    if old is not None:
        old.shred()
        old.close()
    return fresh


@dataclass(frozen=True, slots=True)
class _Turn:
    """What was accepted in one turn of the loop; it shares one future."""

    chunks: list[bytes] = field(repr=False)
    done: asyncio.Future[None]


@dataclass(frozen=True, slots=True)
class _Compact:
    frozen: Sequence[Change] = field(repr=False)
    done: asyncio.Future[None]


@dataclass(frozen=True, slots=True)
class _Close:
    done: asyncio.Future[None]


@dataclass(frozen=True, slots=True)
class _Compaction:
    steps: Generator[None, None, Journal]
    since: list[bytes] = field(repr=False)
    done: asyncio.Future[None]


class Writer:
    """The journal's thread. Every future given to it is settled, in its own loop."""

    def __init__(
        self, folder: Path, disk: Disk, vault: Vault, journal: Journal, on_failure: Callable[[], None]
    ) -> None:
        """Start writing behind what `journal` holds."""
        self._folder, self._disk, self._vault, self._journal = folder, disk, vault, journal
        self._on_failure = on_failure
        self._queue: SimpleQueue[_Turn | _Compact | _Close | BaseException] = SimpleQueue()
        self._turn: _Turn | None = None
        self._handed_over = 0  # tasks the thread has not finished
        self._pace = 0.0
        self._batch: list[_Turn] = []
        self._command: _Compact | _Close | BaseException | None = None
        self._compaction: _Compaction | None = None
        self._patience = 0
        self.failed = False
        self._thread = threading.Thread(target=self._run, name="store", daemon=True)
        self._thread.start()

    def save(self, changes: Iterable[Change]) -> asyncio.Future[None]:
        """Write this; the future is done when it is durable. Order of calls is order in the file."""
        if self._turn is None:
            loop = asyncio.get_running_loop()
            self._turn = _Turn([], loop.create_future())
            loop.call_soon(self._end_turn)
        self._turn.chunks.append(encode(changes))
        return self._turn.done

    def compact(self, frozen: Sequence[Change]) -> asyncio.Future[None]:
        """Replace the file by one of these documents and of whatever is saved from now on."""
        done = asyncio.get_running_loop().create_future()
        self._hand_over(_Compact(frozen, done))
        return done

    async def close(self) -> None:
        """Finish everything asked for before."""
        done = asyncio.get_running_loop().create_future()
        self._hand_over(_Close(done))
        await done
        self._thread.join()

    def _hand_over(self, command: _Compact | _Close | None = None) -> None:
        """Give the thread this turn's saves, and the command behind them: the order in which they were asked for."""
        for task in (self._turn, command):
            if task is not None:
                self._handed_over += 1
                task.done.add_done_callback(self._returned)
                self._queue.put(task)
        self._turn = None

    def _returned(self, _: asyncio.Future[None]) -> None:
        self._handed_over -= 1

    def _end_turn(self) -> None:
        if self._turn is None:
            return
        if self._handed_over or self._pace > _QUICK or self.failed:
            self._hand_over()
            return
        self._batch, self._turn = [self._turn], None
        try:
            written = self._written()
        except BaseException as error:  # noqa: BLE001  the edge: whatever it was, nobody may wait for ever
            self.failed = True
            self._queue.put(error)
            return
        _set(written, None)

    def outgrown(self) -> bool:
        """Say whether as much was written since the last snapshot as the snapshot holds."""
        journal = self._journal
        return journal.size > max(2 * journal.base, journal.base + _ADVANCE, self._patience)

    def is_up_to_date(self) -> bool:
        """Say whether the file hangs on the key under which everything is sealed now."""
        return self._journal.hangs_on == self._vault.current()

    def room_needed(self) -> int:
        """Bytes that a compaction may take; without them nothing can be forgotten."""
        return self._journal.size + _ADVANCE

    # ------------------------------------------------------------ the thread

    def _run(self) -> None:
        try:
            self._work()
        except BaseException as error:  # noqa: BLE001  the edge: whatever it was, nobody may wait for ever
            self._fail(error)

    def _work(self) -> None:
        while True:
            self._command = command = self._gather()
            if isinstance(command, BaseException):
                raise command  # it happened in the loop; nothing may be written behind a failed write
            if self._batch:
                _settle(self._written(), None)
            if self._compaction is not None:
                self._advance(self._compaction)
            if command is None:
                continue
            while self._compaction is not None:
                self._advance(self._compaction)
            if isinstance(command, _Close):
                self._journal.close()
                _settle([command.done], None)
                return
            since: list[bytes] = []
            steps = rewritten(self._folder, self._disk, self._vault, command.frozen, since, self._journal)
            self._compaction = _Compaction(steps, since, command.done)

    def _gather(self) -> _Compact | _Close | BaseException | None:
        """Take every turn that waits, and the command behind them if there is one."""
        with suppress(Empty):
            task = self._queue.get(block=self._compaction is None)
            while isinstance(task, _Turn):
                self._batch.append(task)
                task = self._queue.get_nowait()
            return task
        return None

    def _written(self) -> list[asyncio.Future[None]]:
        """Write and sync what has gathered; return who waits for it."""
        plain = b"".join([chunk for turn in self._batch for chunk in turn.chunks])
        started = time.perf_counter()
        self._journal.append(plain)
        self._pace += (time.perf_counter() - started - self._pace) / _MEMORY
        if self._compaction is not None:
            self._compaction.since.append(plain)
        written, self._batch = [turn.done for turn in self._batch], []
        return written

    def _advance(self, compaction: _Compaction) -> None:
        failure = None
        try:
            next(compaction.steps)
        except StopIteration as finished:
            self._journal = finished.value
        except CompactionFailed as error:
            failure = error
            self._patience = self._journal.size + _ADVANCE
        else:
            return
        self._compaction = None
        _settle([compaction.done], failure)

    def _fail(self, error: BaseException) -> None:
        self.failed = True
        self._on_failure()
        failure = WriteFailed("The store could not be written; the process must end.")
        failure.__cause__ = error
        _settle([turn.done for turn in self._batch], failure)
        if self._compaction is not None:
            _settle([self._compaction.done], failure)
        task: _Turn | _Compact | _Close | BaseException | None = self._command
        while not isinstance(task, _Close):
            if isinstance(task, _Turn | _Compact):
                _settle([task.done], failure)
            task = self._queue.get()
        with suppress(OSError):
            self._journal.close()
        _settle([task.done], None)


def _settle(futures: Sequence[asyncio.Future[None]], failure: WriteFailed | None) -> None:
    for loop in {future.get_loop() for future in futures}:
        mine = [future for future in futures if future.get_loop() is loop]
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(_set, mine, failure)


def _set(futures: Iterable[asyncio.Future[None]], failure: WriteFailed | None) -> None:
    for future in futures:
        if future.done():
            continue
        if failure is None:
            future.set_result(None)
        else:
            future.set_exception(failure)
