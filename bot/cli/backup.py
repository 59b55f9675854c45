"""The commands for stored data: backup, verify, restore, move. Each reports counts, and never a person.

What a command does stands in a function that is given the time, so that tests can run it at any.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, BinaryIO, Final

import typer

from bot.cli import command
from bot.config import parsers
from bot.config.settings import Refused

Now = Callable[[], datetime]
File = Annotated[Path, typer.Argument(metavar="FILE", help="A backup: one encrypted file.")]

_SERVE_AGAIN: Final = "The next `serve` goes on from there."


def backup(
    file: File,
    replace: Annotated[bool, typer.Option("--replace", help="Replace a file of that name.")] = False,
) -> None:
    """Write everything that is stored into one encrypted file, as it stands now; `serve` may go on meanwhile."""
    with storage_failures_refused():
        run_backup(file, command.now, replace=replace)


def run_backup(file: Path, now: Now, *, replace: bool = False) -> None:
    """Do what `backup` does, at the time that `now` tells. Raises Refused, and what a store or its keys raise."""
    from bot.backup.create import create_backup
    from bot.keys import unlock

    if file.exists() and not replace:
        raise Refused(
            ["There is a file of that name already, and it was left as it is: name another, or add --replace."]
        )
    settings = command.load_settings()
    command.refuse_as_root(settings)
    vault, log = unlock.open_vault_and_erasure_log(settings, now)
    try:
        header = create_backup(settings.store, vault, log, file, now().date())
    except OSError as problem:
        raise Refused(
            [f"The backup was not written ({problem.strerror}): look at the folder of FILE and the disk."]
        ) from None
    typer.echo(f"{header.records} records of {header.made} are in the backup.")
    typer.echo(
        f"It can be restored for as long as the key ring keeps their keys (PEERSUPPORT_KEY_DAYS={settings.key_days}), "
        "with PEERSUPPORT_ROOT_KEY and the folder of PEERSUPPORT_KEY_RING, which are not in it."
    )


def verify(file: File) -> None:
    """Read a backup to its end and decrypt every record in it, as `restore` would. Changes nothing."""
    with storage_failures_refused():
        from bot.backup.create import verify_backup
        from bot.keys import unlock

        settings = command.load_settings()
        vault, _ = unlock.open_vault_and_erasure_log(settings, command.now)
        with _open(file) as source:
            found = verify_backup(source, vault, settings.key_days)
        typer.echo(f"This backup is whole, of {found.label.made}, from a store of the kind {found.label.store}.")
        typer.echo("\n".join(found.summary.to_lines()))
        typer.echo(
            f"Open requests that would go on, but for what was forgotten since: {sum(found.summary.open.values())}."
        )


def restore(
    file: File,
    without_shred_log: Annotated[
        bool, typer.Option("--without-shred-log", help="Even if what was forgotten since the backup comes back.")
    ] = False,
) -> None:
    """Fill the empty store that PEERSUPPORT_STORE names from a backup. What was forgotten since does not come back."""
    with storage_failures_refused():
        run_restore(file, command.now, without_log=without_shred_log)


def run_restore(file: Path, now: Now, *, without_log: bool = False) -> None:
    """Do what `restore` does, at the time that `now` tells. Raises Refused, and what a store or its keys raise."""
    from bot.backup.restore import RestoreTarget, restore_backup
    from bot.keys import unlock

    settings = command.load_settings()
    command.refuse_as_root(settings)
    vault, log = unlock.open_vault_and_erasure_log(settings, now)
    target = RestoreTarget(settings.store, vault, log, settings.programme(), settings.key_days, now)
    with _open(file) as source:
        done = asyncio.run(restore_backup(source, target, without_log=without_log))
    typer.echo(f"Restored as it was on {done.label.made}:")
    typer.echo("\n".join(done.summary.to_lines()))
    typer.echo(f"Records that were forgotten since, and did not come back: {done.erased}.")
    if without_log:
        typer.echo("Without the log of what was forgotten since: forgotten requests may have come back.")
    typer.echo(
        f"Messages that may have gone out since, and are looked for before they are sent again: {done.possibly_sent}."
    )
    typer.echo(_SERVE_AGAIN)


def move(
    to: Annotated[str, typer.Option("--to", metavar="URL", help="The other store, empty; as PEERSUPPORT_STORE.")] = "",
    undo: Annotated[bool, typer.Option("--undo", help="Serve from the old store after all, as it was left.")] = False,
) -> None:
    """Move everything from the store that PEERSUPPORT_STORE names to another, and prove that it arrived."""
    with storage_failures_refused():
        if undo == bool(to):
            raise Refused(["Say where to: --to postgresql://... or --to tinydb:///...; or --undo, in the old store."])
        if undo:
            _undo_move()
        else:
            run_move(to, command.now)


def run_move(to: str, now: Now) -> None:
    """Do what `move --to` does, at the time that `now` tells. Raises Refused, and what a store or its keys raise."""
    from bot.backup.transfer import transfer_store
    from bot.keys import unlock

    settings = command.load_settings()
    command.refuse_as_root(settings)
    try:
        target = parsers.store(to)
    except ValueError:
        sentence = "--to must be tinydb:///FOLDER or postgresql://USER:PASSWORD@HOST/DATABASE, as PEERSUPPORT_STORE is."
        raise Refused([sentence]) from None
    vault, log = unlock.open_vault_and_erasure_log(settings, now)
    log.ensure_exists()
    proof = asyncio.run(transfer_store(settings.store, target, vault, now().date()))
    typer.echo(f"{proof.new.total} records stand in the new store, each the same as in the old one:")
    typer.echo("\n".join(proof.new.to_lines()))
    typer.echo("The digest is the same on both sides, and every open request was read in both: same stage, same times,")
    typer.echo("same messages owed. The old store refuses to be served from now.")
    if settings.key_ring is None:
        typer.echo(f"Set PEERSUPPORT_KEY_RING={log.path.parent} before you change PEERSUPPORT_STORE: keys are there.")
    typer.echo(f"Set PEERSUPPORT_STORE to the new store. {_SERVE_AGAIN} Then delete the old store: it forgets no more.")


def _undo_move() -> None:
    from bot.backup.transfer import undo_transfer
    from bot.keys import unlock

    settings = command.load_settings()
    command.refuse_as_root(settings)
    vault, _ = unlock.open_vault_and_erasure_log(settings, command.now)
    if asyncio.run(undo_transfer(settings.store, vault, command.today())):
        typer.echo("This store may be served from again, as it stood when it was moved. Never serve from both.")
    else:
        typer.echo("This store was not moved away: there is nothing to undo.")


def _open(file: Path) -> BinaryIO:
    try:
        return file.open("rb")
    except OSError as problem:
        raise Refused([f"FILE cannot be read ({problem.strerror}): name a backup."]) from None


@contextmanager
def storage_failures_refused() -> Iterator[None]:
    """Raise Refused as `command.failures_refused` does, and where a backup, the erasure log or a write fails."""
    from bot.backup.create import BackupRefused
    from bot.crypto.sealed_file import UnreadableBackup
    from bot.store.embedded.compaction import WriteFailed
    from bot.store.erasure_log import ErasureLogMissing

    with command.failures_refused():
        try:
            yield
        except (BackupRefused, UnreadableBackup) as refusal:
            raise Refused([str(refusal)]) from None
        except ErasureLogMissing:
            raise Refused(
                ["The log of what was forgotten, in the folder of PEERSUPPORT_KEY_RING, is damaged."]
            ) from None
        except WriteFailed:
            raise Refused(["The store could not be written, and holds what it held: look at its disk."]) from None
