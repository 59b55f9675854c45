"""The commands for what is kept: backup, verify, restore, move. Each says what it did in counts, and names nobody."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from bot import config, keys, logs, values
from bot.config import Refused, Settings
from bot.store.base import Damaged, NoAnswer, Unfit
from bot.store.disk import InUse
from bot.store.shredding import NoLog, ShredLog
from bot.vault import Vault

Now = Callable[[], datetime]
File = Annotated[Path, typer.Argument(metavar="FILE", help="One sealed file.")]

_SERVE_AGAIN = "The next `serve` goes on from there."


def add_to(app: typer.Typer) -> None:
    """The four of them."""
    for command in (backup, verify, restore, move):
        app.command()(command)


def backup(
    file: File,
    replace: Annotated[bool, typer.Option("--replace", help="Put it in the place of a file of that name.")] = False,
) -> None:
    """Write everything that is kept into one sealed file, as it stands now; `serve` may go on meanwhile."""
    with _told():
        back_up(file, _now, replace=replace)


def back_up(file: Path, now: Now, *, replace: bool = False) -> None:
    """What `backup` does, at any time."""
    from bot.backup import make

    if file.exists() and not replace:
        raise Refused(
            ["There is a file of that name already, and it was left as it is: name another, or add --replace."]
        )
    settings = _settings()
    vault, log = opened_with(settings, now)
    try:
        label = make(settings.store, vault, log, file, now().date())
    except OSError as problem:
        raise Refused(
            [f"The backup was not written ({problem.strerror}): look at the folder of FILE and the disk."]
        ) from None
    typer.echo(f"{label.records} records of {label.made} are in the backup.")
    typer.echo(
        f"It can be restored for as long as the key ring keeps their keys (PEERSUPPORT_KEY_DAYS={settings.key_days}), "
        "with PEERSUPPORT_ROOT_KEY and the folder of PEERSUPPORT_KEY_RING, which are not in it."
    )


def verify(file: File) -> None:
    """Read a backup to its end and open every record in it, as `restore` would. Changes nothing."""
    with _told():
        settings = _settings()
        vault, _ = opened_with(settings, _now)
        from bot.backup import verify as read

        with _open(file) as source:
            found = read(source, vault, settings.key_days)
        typer.echo(f"This backup is whole, of {found.label.made}, from a store of the kind {found.label.store}.")
        typer.echo("\n".join(found.tally.lines()))
        typer.echo(
            f"Open requests that would go on, but for what was forgotten since: {sum(found.tally.open.values())}."
        )


def restore(
    file: File,
    without_shred_log: Annotated[
        bool, typer.Option("--without-shred-log", help="Even if what was forgotten since the backup comes back.")
    ] = False,
) -> None:
    """Fill the empty store that PEERSUPPORT_STORE names from a backup. What was forgotten since does not come back."""
    with _told():
        bring_back(file, _now, without_log=without_shred_log)


def bring_back(file: Path, now: Now, *, without_log: bool = False) -> None:
    """What `restore` does, at any time."""
    from bot.restore import Place
    from bot.restore import restore as run

    settings = _settings()
    vault, log = opened_with(settings, now)
    place = Place(settings.store, vault, log, settings.programme(), settings.key_days, now)
    with _open(file) as source:
        done = asyncio.run(run(source, place, without_log=without_log))
    typer.echo(f"Restored as it was on {done.label.made}:")
    typer.echo("\n".join(done.tally.lines()))
    typer.echo(f"Records that were forgotten since, and did not come back: {done.forgotten}.")
    if without_log:
        typer.echo("Without the log of what was forgotten since: forgotten requests may have come back.")
    typer.echo(f"Messages that may have gone out since, and are looked for before they are sent again: {done.unclear}.")
    typer.echo(_SERVE_AGAIN)


def move(
    to: Annotated[str, typer.Option("--to", metavar="URL", help="The other store, empty; as PEERSUPPORT_STORE.")] = "",
    undo: Annotated[bool, typer.Option("--undo", help="Serve from the old store after all, as it was left.")] = False,
) -> None:
    """Move everything from the store that PEERSUPPORT_STORE names to another, and prove that it arrived."""
    with _told():
        if undo == bool(to):
            raise Refused(["Say where to: --to postgresql://... or --to tinydb:///...; or --undo, in the old store."])
        if undo:
            _undo()
        else:
            carry(to, _now)


def carry(to: str, now: Now) -> None:
    """What `move --to` does, at any time."""
    from bot.move import move as run

    settings = _settings()
    try:
        target = values.store(to)
    except ValueError as problem:
        raise Refused([f"--to {problem}."]) from None
    vault, log = opened_with(settings, now)
    log.begin()
    proof = asyncio.run(run(settings.store, target, vault, now().date()))
    typer.echo(f"{proof.new.total} records stand in the new store, each the same as in the old one:")
    typer.echo("\n".join(proof.new.lines()))
    typer.echo("The digest is the same on both sides, and every open request was read in both: same stage, same times,")
    typer.echo("same messages owed. The old store refuses to be served from now.")
    if settings.key_ring is None:
        typer.echo(f"Set PEERSUPPORT_KEY_RING={log.path.parent} before you change PEERSUPPORT_STORE: keys are there.")
    typer.echo(f"Set PEERSUPPORT_STORE to the new store. {_SERVE_AGAIN} Then delete the old store: it forgets no more.")


def _undo() -> None:
    from bot.move import undo

    settings = _settings()
    vault, _ = opened_with(settings, _now)
    if asyncio.run(undo(settings.store, vault)):
        typer.echo("This store may be served from again, as it stood when it was moved. Never serve from both.")
    else:
        typer.echo("This store was not moved away: there is nothing to undo.")


def opened_with(settings: Settings, now: Now) -> tuple[Vault, ShredLog]:
    """The keys, and the log of what was forgotten."""
    vault = keys.to_look(settings)
    return vault, shred_log(settings, vault, now)


def shred_log(settings: Settings, vault: Vault, now: Now) -> ShredLog:
    """Where what is forgotten is noted: beside the keys, outside the store if they are."""
    return ShredLog(keys.folder(settings), vault, settings.key_days, lambda: now().date())


def _settings() -> Settings:
    settings = config.load()
    logs.configure("console", "ERROR")  # what went wrong is told in a sentence
    return settings


def _now() -> datetime:
    return datetime.now(UTC)


def _open(file: Path) -> BinaryIO:
    try:
        return file.open("rb")
    except OSError as problem:
        raise Refused([f"FILE cannot be read ({problem.strerror}): name a backup."]) from None


@contextmanager
def _told() -> Iterator[None]:
    """Whatever goes wrong, as a sentence."""
    from bot.backup import Refusal
    from bot.store.sealed_file import Unreadable
    from bot.store.writer import WriteFailed

    try:
        yield
    except (Refusal, Unreadable, Unfit, InUse) as refusal:
        raise Refused([str(refusal)]) from None
    except NoAnswer as failure:
        raise Refused([failure.sentence()]) from None
    except NoLog:
        raise Refused(["The log of what was forgotten, in the folder of PEERSUPPORT_KEY_RING, is damaged."]) from None
    except Damaged:
        raise Refused(
            ["The store does not open with this PEERSUPPORT_ROOT_KEY and PEERSUPPORT_KEY_RING: use those of `serve`."]
        ) from None
    except WriteFailed:
        raise Refused(["The store could not be written, and holds what it held: look at its disk."]) from None
    except OSError as failure:
        raise Refused(
            [f"The system did not let us ({failure.strerror}): look at the disk and PEERSUPPORT_STORE."]
        ) from None
