"""Processes that write until they are killed, and print what was acknowledged to them. Run by test_kills.

Warm: each line on stdin ("folder way seed", or an address of PostgreSQL for the folder) forks one writer, before there
is any loop or thread. Its pid, whatever it says, and at the end its exit code come back on stdout, in this order.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

from bot.config.parsers import Postgres
from bot.crypto.vault import Vault
from bot.store.base import Deletion, Record, Store
from bot.store.factory import open_for_serving

VAULT = Vault(bytes(range(32)))
NOW = datetime(2024, 3, 1, tzinfo=UTC)
PEOPLE = 8


def record(id: str, kind: str, revision: int, size: int) -> Record:
    """A record whose box repeats which revision it is, so that a mixture would show."""
    sealed = VAULT.seal(kind, id, 1, b"%s %d " % (id.encode(), revision + 1) + bytes(size))
    return Record(id, kind, "asking", NOW, date(2024, 3, 1), revision, 1, {"open": (id,)}, sealed)


def say(line: str) -> None:
    os.write(1, line.encode())


async def grow(store: Store, person: int, luck: random.Random) -> None:
    """Each save is a new revision of one record and a new record, together."""
    id = f"grown-{person}"
    known = await store.load(id)
    revision = known.revision if known else 0
    while True:
        beside = record(f"beside-{person}-{revision + 1}", "beside", 0, luck.randrange(300))
        await store.save(record(id, "grown", revision, luck.randrange(3000)), beside)
        revision += 1
        say(f"{person} {revision}\n")


async def shrink(store: Store, person: int, luck: random.Random) -> None:
    """Each save makes a request and destroys the one before, together; now and then everything is purged."""
    id = f"grown-{person}"
    known = await store.load(id)
    revision = known.revision if known else 0
    while True:
        destroyed = [Deletion(old, 1) for old in await store.find("open", f"beside-{person}-{revision}")]
        beside = replace(record(f"beside-{person}-{revision + 1}", "beside", 0, luck.randrange(6000)))
        await store.save(record(id, "grown", revision, 100), beside, *destroyed)
        revision += 1
        say(f"{person} {revision}\n")
        if luck.random() < 0.2:
            await store.purge()


async def write(where: str, way: str, seed: int) -> None:
    luck = random.Random(seed)  # noqa: S311
    deed = grow if way == "grow" else shrink
    async with open_for_serving(Postgres(where) if where.startswith("postgresql:") else Path(where), VAULT) as kept:
        store = kept.store
        await asyncio.gather(*(deed(store, person, luck) for person in range(PEOPLE)))


def main() -> None:
    for line in sys.stdin:
        where, way, seed = line.split("\t")
        pid = os.fork()
        if pid == 0:
            os.close(0)
            code = 1
            try:
                say(f"{os.getpid()}\n")
                asyncio.run(write(where, way, int(seed)))
            finally:
                os._exit(code)
        say(f"ended {os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])}\n")


if __name__ == "__main__":
    main()
