"""What happens before an embedded store can be served from: locking its folder, and reading its journal."""

from __future__ import annotations

import gc
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from bot.crypto.durable_file import FileLocked, FileSystem
from bot.errors import StoreInUse
from bot.store.embedded.compaction import UNFINISHED_NAME, rewrite_journal_now
from bot.store.embedded.journal import JOURNAL_NAME
from bot.store.embedded.journal_reader import recover_journal
from bot.store.embedded.row_format import apply_changes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bot.crypto.vault import Vault
    from bot.store.embedded.journal import Journal
    from bot.store.embedded.tracking_table import Document

_LOCK: Final = "lock"
_OWNER_ONLY: Final = 0o700


def lock_folder(disk: FileSystem, folder: Path) -> int:
    """Create the folder if need be, close it to other users, and lock it for this process.

    Returns:
        The descriptor that holds the lock until it is closed.

    Raises:
        StoreInUse: Another process holds the lock.
        OSError: The folder cannot be used.
    """
    if not folder.exists():
        folder.mkdir(_OWNER_ONLY, parents=True)
        disk.sync_folder(folder.parent)
    with suppress(PermissionError):  # a mounted volume may belong to another user
        folder.chmod(_OWNER_ONLY)
    try:
        return disk.lock(folder / _LOCK)
    except FileLocked as locked:
        raise StoreInUse(
            f"The store is in use by process {locked.holder}. An embedded store serves one process: "
            "stop that one, or set PEERSUPPORT_STORE to another folder."
        ) from None


def read_folder(folder: Path, disk: FileSystem, vault: Vault) -> tuple[dict[str, Document], Journal, int]:
    """Read what the folder holds; begin an empty journal where there is none.

    A journal that still holds destroyed records is compacted at once, which finishes a purge that was interrupted.

    Returns:
        The records, their journal, and how many replaced versions it still holds.

    Raises:
        Corrupt: The journal does not decrypt or is damaged; nothing was touched.
        OSError: A file cannot be read or written.
    """
    with suppress(FileNotFoundError):
        disk.remove(folder / UNFINISHED_NAME)
    documents: dict[str, Document] = {}
    destroyed = replaced = 0

    def take(_: bytes, plain: bytes) -> None:
        nonlocal destroyed, replaced
        seen = apply_changes(documents, plain)
        destroyed, replaced = destroyed + seen.destroyed, replaced + seen.replaced

    path = folder / JOURNAL_NAME
    journal = recover_journal(disk, path, vault, take) if path.exists() else None
    if journal is not None and not destroyed:
        return documents, journal, replaced
    return documents, rewrite_journal_now(folder, disk, vault, list(documents.items()), journal), 0


def delete_journal(folder: Path) -> None:
    """Delete the records in this folder for good, when they can no longer be decrypted.

    Raises:
        StoreInUse: A process serves from this folder.
    """
    disk = FileSystem()
    lock = lock_folder(disk, folder)
    try:
        for name in (JOURNAL_NAME, UNFINISHED_NAME):
            with suppress(FileNotFoundError):
                disk.remove(folder / name)
        disk.sync_folder(folder)
    finally:
        disk.close(lock)


@contextmanager
def gc_paused() -> Iterator[None]:
    """Pause the garbage collector while a store is read; searching objects that stay in use doubles the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
