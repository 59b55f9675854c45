"""Writes batches of saves to the journal, and compacts it in between (write coalescing, or group commit).

Everything that is saved in one turn of the event loop becomes one batch: one journal entry and one fdatasync. All saves
of a batch share one future, which is done once they are durable. So a burst of presses costs one sync, and a single
press waits for no other.

Which thread writes is decided by measuring. Where the disk syncs within a millisecond, the event loop writes the batch
itself, because waking a thread and being woken by it takes as long as the sync. Where it is slower, a thread writes,
and the next batch gathers meanwhile. The journal belongs to the thread while anything handed to it is unfinished, and
to the loop otherwise, so no lock is needed.

A compaction runs in the thread, one step whenever no batch is waiting (see `compaction`).

After a failed write or sync the process has to end. What is in memory may then be ahead of the disk, and on Linux a
failed fsync marks the pages clean, so trying again would report success without writing
(https://wiki.postgresql.org/wiki/Fsync_Errors). Every future that is still waiting gets WriteFailed.
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
from typing import TYPE_CHECKING, Final

from bot.errors import FULL
from bot.store.embedded.compaction import CompactionFailed, WriteFailed, rewrite_journal

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Sequence
    from pathlib import Path

    from bot.crypto.durable_file import FileSystem
    from bot.crypto.vault import Vault
    from bot.store.embedded.journal import Journal
    from bot.store.embedded.row_format import Change

_COMPACTION_SLACK: Final = 4 << 20  # bytes; a journal smaller than this is not worth compacting
_FAST_SYNC: Final = 0.001  # seconds; the event loop itself waits for a disk that syncs faster
_PACE_WINDOW: Final = 8  # writes over which the duration of a sync is averaged


def exit_process(error: BaseException) -> None:
    """End the process at once: memory is ahead of the disk, and nothing may act on what is not durable.

    Args:
        error: Why the store could not be written; a full disk is said to be full.
    """
    full = isinstance(error, OSError) and error.errno in FULL
    why = ": the disk of PEERSUPPORT_STORE is full, make room and start again" if full else ""
    sys.stderr.write(f"peersupport: the store could not be written; nothing unwritten was acknowledged; ending{why}\n")
    sys.stderr.flush()
    os._exit(74)  # EX_IOERR


@dataclass(frozen=True, slots=True)
class _Batch:
    """What was saved in one turn of the event loop, and the future that all of it shares."""

    chunks: list[bytes] = field(repr=False)
    done: asyncio.Future[None]


@dataclass(frozen=True, slots=True)
class _Compact:
    """Asks for a compaction to these records."""

    frozen: Sequence[Change] = field(repr=False)
    done: asyncio.Future[None]


@dataclass(frozen=True, slots=True)
class _Close:
    """Asks for the end."""

    done: asyncio.Future[None]


@dataclass(frozen=True, slots=True)
class _Compaction:
    """A compaction that is under way, and the batches that were written since it began."""

    steps: Generator[None, None, Journal]
    since: list[bytes] = field(repr=False)
    done: asyncio.Future[None]


class Writer:
    """Makes saves durable, in the order in which they were made; every future it returns is settled.

    Args:
        folder: The store's folder.
        disk: The file system.
        vault: Wraps the key of the next journal.
        journal: What to append to.
        on_failure: Called once, from the writing thread, with why a write or a sync failed; normally `exit_process`.
    """

    def __init__(
        self,
        folder: Path,
        disk: FileSystem,
        vault: Vault,
        journal: Journal,
        on_failure: Callable[[BaseException], None],
    ) -> None:
        """Start the thread."""
        self._folder, self._disk, self._vault, self._journal = folder, disk, vault, journal
        self._on_failure = on_failure
        self._queue: SimpleQueue[_Batch | _Compact | _Close | BaseException] = SimpleQueue()
        self._open_batch: _Batch | None = None
        self._handed_over = 0  # commands the thread has not finished
        self._pace = 0.0
        self._gathered: list[_Batch] = []
        self._command: _Compact | _Close | BaseException | None = None
        self._compaction: _Compaction | None = None
        self._retry_size = 0
        self.failed = False
        self._thread = threading.Thread(target=self._run, name="store", daemon=True)
        self._thread.start()

    def save(self, batch: bytes) -> asyncio.Future[None]:
        """Write an encoded batch of changes after all earlier ones; the future is done when it is durable."""
        if self._open_batch is None:
            loop = asyncio.get_running_loop()
            self._open_batch = _Batch([], loop.create_future())
            loop.call_soon(self._end_batch)
        self._open_batch.chunks.append(batch)
        return self._open_batch.done

    def compact(self, frozen: Sequence[Change]) -> asyncio.Future[None]:
        """Replace the journal by one of these records and of whatever is saved from now on."""
        done = asyncio.get_running_loop().create_future()
        self._hand_over(_Compact(frozen, done))
        return done

    async def close(self) -> None:
        """Finish everything that was asked for before, and end the thread."""
        done = asyncio.get_running_loop().create_future()
        self._hand_over(_Close(done))
        await done
        self._thread.join()

    def _hand_over(self, command: _Compact | _Close | None = None) -> None:
        """Give the thread this turn's saves, and after them the command, which was asked for later."""
        for task in (self._open_batch, command):
            if task is not None:
                self._handed_over += 1
                task.done.add_done_callback(self._command_done)
                self._queue.put(task)
        self._open_batch = None

    def _command_done(self, _: asyncio.Future[None]) -> None:
        self._handed_over -= 1

    def _end_batch(self) -> None:
        if self._open_batch is None:
            return
        if self._handed_over or self._pace > _FAST_SYNC or self.failed:
            self._hand_over()
            return
        self._gathered, self._open_batch = [self._open_batch], None
        try:
            written = self._written()
        except BaseException as error:  # noqa: BLE001  the edge: whatever it was, every future must be settled
            self.failed = True
            self._queue.put(error)
            return
        _set_results(written, None)

    def should_compact(self) -> bool:
        """Say whether as much was written since the last compaction as the snapshot holds."""
        journal = self._journal
        return journal.size > max(2 * journal.base, journal.base + _COMPACTION_SLACK, self._retry_size)

    def is_under_current_key(self) -> bool:
        """Say whether the journal's key is wrapped under the current key of the ring."""
        return self._journal.wrapping_key_id == self._vault.current_key_id()

    def compaction_bytes(self) -> int:
        """Return how many free bytes a compaction may need; without them nothing can be forgotten."""
        return self._journal.size + _COMPACTION_SLACK

    # ------------------------------------------------------------ the thread

    def _run(self) -> None:
        try:
            self._work()
        except BaseException as error:  # noqa: BLE001  the edge: whatever it was, every future must be settled
            self._fail(error)

    def _work(self) -> None:
        while True:
            self._command = command = self._gather()
            if isinstance(command, BaseException):
                raise command  # it happened in the loop; nothing may be written behind a failed write
            if self._gathered:
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
            steps = rewrite_journal(self._folder, self._disk, self._vault, command.frozen, since, self._journal)
            self._compaction = _Compaction(steps, since, command.done)

    def _gather(self) -> _Compact | _Close | BaseException | None:
        """Take every batch that waits, and the command behind them if there is one."""
        with suppress(Empty):
            task = self._queue.get(block=self._compaction is None)
            while isinstance(task, _Batch):
                self._gathered.append(task)
                task = self._queue.get_nowait()
            return task
        return None

    def _written(self) -> list[asyncio.Future[None]]:
        """Write and sync what has gathered; return the futures of those who wait for it."""
        plain = b"".join([chunk for batch in self._gathered for chunk in batch.chunks])
        started = time.perf_counter()
        self._journal.append(plain)
        self._pace += (time.perf_counter() - started - self._pace) / _PACE_WINDOW
        if self._compaction is not None:
            self._compaction.since.append(plain)
        written, self._gathered = [batch.done for batch in self._gathered], []
        return written

    def _advance(self, compaction: _Compaction) -> None:
        failure = None
        try:
            next(compaction.steps)
        except StopIteration as finished:
            self._journal = finished.value
        except CompactionFailed as error:
            failure = error
            self._retry_size = self._journal.size + _COMPACTION_SLACK
        else:
            return
        self._compaction = None
        _settle([compaction.done], failure)

    def _fail(self, error: BaseException) -> None:
        self.failed = True
        self._on_failure(error)
        failure = WriteFailed("The store could not be written; the process must end.")
        failure.__cause__ = error
        _settle([batch.done for batch in self._gathered], failure)
        if self._compaction is not None:
            _settle([self._compaction.done], failure)
        task: _Batch | _Compact | _Close | BaseException | None = self._command
        while not isinstance(task, _Close):
            if isinstance(task, _Batch | _Compact):
                _settle([task.done], failure)
            task = self._queue.get()
        with suppress(OSError):
            self._journal.close()
        _settle([task.done], None)


def _settle(futures: Sequence[asyncio.Future[None]], failure: WriteFailed | None) -> None:
    for loop in {future.get_loop() for future in futures}:
        mine = [future for future in futures if future.get_loop() is loop]
        with suppress(RuntimeError):  # the loop is closed, so no task waits any more
            loop.call_soon_threadsafe(_set_results, mine, failure)


def _set_results(futures: Iterable[asyncio.Future[None]], failure: WriteFailed | None) -> None:
    for future in futures:
        if future.done():
            continue
        if failure is None:
            future.set_result(None)
        else:
            future.set_exception(failure)
