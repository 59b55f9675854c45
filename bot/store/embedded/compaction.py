"""Rewrites the journal without what was replaced or destroyed, in small steps and crash-safe.

The new file is written beside the old one, a slice of the records at each step, so that saves may go on in between.
Batches go to the old file meanwhile and are remembered; at the end they are appended behind the snapshot, the new file
is synced, and one rename puts it in the place of the old one. Before the rename the old file holds everything, after it
the new one does. Last, the key in the old file's header is overwritten, so that its blocks are noise.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from bot.store.embedded.journal import BATCH, END, JOURNAL_NAME, SNAPSHOT, Journal
from bot.store.embedded.row_format import Change, encode_changes

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Sequence
    from pathlib import Path

    from bot.crypto.durable_file import FileSystem
    from bot.crypto.vault import Vault

UNFINISHED_NAME: Final = f"{JOURNAL_NAME}.new"
_RECORDS_PER_STEP: Final = 64  # about a millisecond


class WriteFailed(Exception):
    """The disk refused a write or a sync. Whether the unacknowledged writes are there after a restart is unknown."""


class CompactionFailed(WriteFailed):
    """The store could not be compacted. It goes on serving, but destroyed records can still be read from its file."""


def rewrite_journal(
    folder: Path,
    disk: FileSystem,
    vault: Vault,
    frozen: Sequence[Change],
    since: Iterable[bytes],
    old: Journal | None,
) -> Generator[None, None, Journal]:
    """Write a new journal and put it in place of the old one, one slice of records a step.

    Args:
        folder: The store's folder.
        disk: The file system.
        vault: Wraps the new file's key.
        frozen: The records that the new snapshot holds.
        since: Batches that were saved after `frozen` was taken; read at the last step.
        old: The journal that is replaced; None where there is none.

    Returns:
        The new journal, ready to be appended to, as the generator's value.

    Raises:
        CompactionFailed: The new file could not be written; the old one stands as it was.
        OSError: The rename failed, and it is unknown which of the files a restart will find.
    """
    unfinished = folder / UNFINISHED_NAME
    try:
        with suppress(FileNotFoundError):
            disk.remove(unfinished)
        fresh = Journal.create(disk, unfinished, vault)
        try:
            for start in range(0, len(frozen), _RECORDS_PER_STEP):
                fresh.add(SNAPSHOT, encode_changes(frozen[start : start + _RECORDS_PER_STEP]))
                yield
            fresh.add(END, b"")
            for plain in since:
                fresh.add(BATCH, plain)
            fresh.finish()
        except OSError:
            with suppress(OSError):
                fresh.close()
                disk.remove(unfinished)
            raise
    except OSError as error:
        reason = "The store could not be compacted."
        raise CompactionFailed(reason) from error
    disk.replace(unfinished, folder / JOURNAL_NAME)
    disk.sync_folder(folder)
    if old is not None:
        old.destroy_key()
        old.close()
    return fresh


def rewrite_journal_now(
    folder: Path, disk: FileSystem, vault: Vault, frozen: Sequence[Change], old: Journal | None
) -> Journal:
    """Do all steps of `rewrite_journal` at once, before the store is served from.

    Raises:
        OSError: The new file could not be written or renamed.
    """
    steps = rewrite_journal(folder, disk, vault, frozen, (), old)
    while True:
        try:
            next(steps)
        except StopIteration as finished:
            journal: Journal = finished.value
            return journal
        except CompactionFailed as failed:
            raise failed.__cause__ or failed from None
