"""What a durable write costs, beside the floor, SQLite and stock TinyDB in the same run: python -m bench.store."""

from __future__ import annotations

import asyncio
import base64
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING

from tinydb import Query, TinyDB

from bot.crypto.vault import Vault
from bot.store.base import Record
from bot.store.embedded.row_format import to_document
from bot.store.embedded.store import EmbeddedStore

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

ROUNDS, WRITES, WRITERS = 7, 200, 32
SEALED = 1117  # bytes of a typical request: 1 KiB and its keys
VAULT = Vault(bytes(32))
NOW = datetime.now(UTC)


def request(number: int, revision: int = 0) -> Record:
    """A request as the engine would store it."""
    keys = {"open": (f"{number:064x}",), "peer": (f"{number % 97:064x}", f"{number % 89:064x}")}
    due = NOW + timedelta(seconds=number % 9973)
    return Record(f"{number:032x}", "request", "asking", due, NOW.date(), revision, 1, keys, os.urandom(SEALED))


class Ours:
    """An EmbeddedStore already holding some requests; every write is a new revision of one of them."""

    def __init__(self, folder: Path) -> None:
        self.store = EmbeddedStore.open(folder, VAULT)
        self.revisions: dict[int, int] = {}
        self.next = 0

    async def fill(self, count: int) -> None:
        for start in range(0, count, 1000):
            numbers = range(start, min(count, start + 1000))
            await self.store.save(*map(request, numbers))
            self.revisions.update(dict.fromkeys(numbers, 1))

    async def write(self) -> None:
        number = self.next = (self.next + 7919) % len(self.revisions)
        revision = self.revisions[number]
        self.revisions[number] = revision + 1
        await self.store.save(request(number, revision))


class Floor:
    """Append the same bytes and sync: nobody can acknowledge sooner."""

    def __init__(self, path: Path) -> None:
        self.fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self.bytes = os.urandom(1500)

    async def write(self) -> None:
        os.write(self.fd, self.bytes)
        os.fdatasync(self.fd)


class Sqlite:
    """One table, WAL, synchronous FULL, an index for due times; alone inline, together in one transaction a batch."""

    def __init__(self, path: Path) -> None:
        self.database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self.database.execute("pragma journal_mode=wal")
        self.database.execute("pragma synchronous=full")
        self.database.execute("create table record(id text primary key, due real, revision int, sealed blob)")
        self.database.execute("create index due on record(due)")
        self.next = 0
        self.queue: SimpleQueue[tuple[Record, asyncio.Future[None]] | None] = SimpleQueue()

    def fill(self, count: int) -> None:
        self.database.execute("begin")
        for number in range(count):
            self.put(request(number))
        self.database.execute("commit")

    def put(self, record: Record) -> None:
        values = (record.id, record.due.timestamp() if record.due else None, record.revision + 1, record.sealed)
        self.database.execute("insert or replace into record values(?, ?, ?, ?)", values)

    async def write(self) -> None:
        self.next = (self.next + 7919) % 1000
        self.database.execute("begin immediate")
        self.put(request(self.next))
        self.database.execute("commit")

    async def write_together(self) -> None:
        self.next = (self.next + 7919) % 1000
        done = asyncio.get_running_loop().create_future()
        self.queue.put((request(self.next), done))
        await done

    def serve(self) -> None:
        while (first := self.queue.get()) is not None:
            batch = [first]
            try:
                while (more := self.queue.get_nowait()) is not None:
                    batch.append(more)
            except Empty:
                pass
            self.database.execute("begin immediate")
            for record, _ in batch:
                self.put(record)
            self.database.execute("commit")
            loop = first[1].get_loop()
            loop.call_soon_threadsafe(_tell, batch)


def _tell(batch: list[tuple[Record, asyncio.Future[None]]]) -> None:
    for _, done in batch:
        done.set_result(None)


class Stock:
    """TinyDB as it comes, at 1,000 documents."""

    def __init__(self, path: Path) -> None:
        self.table = TinyDB(path).table("records")
        self.table.insert_multiple(map(self.as_json, range(1000)))

    def as_json(self, number: int) -> dict[str, object]:
        """Return the same columns, as JSON can hold them."""
        plain = to_document(request(number))
        sealed = base64.b64encode(plain["sealed"]).decode()
        return {**plain, "id": number, "due": str(plain["due"]), "day": str(plain["day"]), "sealed": sealed}

    async def write(self) -> None:
        self.table.update(self.as_json(500), Query().id == 500)


async def one_by_one(write: Callable[[], Awaitable[None]], count: int = WRITES) -> float:
    """Microseconds a write, each waiting for the one before."""
    started = time.perf_counter()
    for _ in range(count):
        await write()
    return (time.perf_counter() - started) / count * 1e6


async def together(write: Callable[[], Awaitable[None]], each: int = 60) -> float:
    """Microseconds a write with 32 writers at once."""

    async def writer() -> None:
        for _ in range(each):
            await write()

    started = time.perf_counter()
    await asyncio.gather(*(writer() for _ in range(WRITERS)))
    return (time.perf_counter() - started) / (each * WRITERS) * 1e6


async def main(folder: Path) -> int:
    """Measure in interleaved rounds and print the table. Returns how many goals were missed."""
    sizes = (10, 100, 1_000, 50_000, 100_000)
    ours = {size: Ours(folder / f"ours-{size}") for size in sizes}
    for size, store in ours.items():
        await store.fill(size)
    crowd = Ours(folder / "crowd")
    await crowd.fill(1000)
    floor, stock, sqlite = Floor(folder / "floor"), Stock(folder / "stock.json"), Sqlite(folder / "sqlite")
    sqlite.fill(1000)
    thread = Thread(target=sqlite.serve)
    thread.start()
    runs: dict[str, Callable[[], Awaitable[float]]] = {
        "floor": lambda: one_by_one(floor.write),
        **{f"ours {size:,}": partial(one_by_one, store.write) for size, store in ours.items()},
        "sqlite": lambda: one_by_one(sqlite.write),
        "stock tinydb 1,000": lambda: one_by_one(stock.write, 5),
        "ours, 32 writers": lambda: together(crowd.write),
        "sqlite, 32 writers": lambda: together(sqlite.write_together),
    }
    figures: dict[str, list[float]] = {name: [] for name in runs}
    for number in range(ROUNDS + 1):
        for name, run in runs.items():
            figure = await run()
            if number:  # the first round warms up
                figures[name].append(figure)
    sqlite.queue.put(None)
    thread.join()
    for store in (*ours.values(), crowd):
        await store.store.close()
    opened = []
    for _ in range(ROUNDS):
        command = [sys.executable, "-m", "bench.store", "open", str(folder / "ours-100000")]
        opened.append(float(subprocess.run(command, check=True, capture_output=True).stdout))  # noqa: ASYNC221, S603
    return report(figures, statistics.median(opened))


def report(figures: dict[str, list[float]], opened: float) -> int:
    """Print medians, and ratios taken within each round."""
    for name, figure in figures.items():
        print(f"{name:24}{statistics.median(figure):10.0f} µs a write {1e6 / statistics.median(figure):10,.0f}/s")

    def ratio(one: str, other: str) -> float:
        return statistics.median(a / b for a, b in zip(figures[one], figures[other], strict=True))

    goals = [
        ("one write, times the floor", ratio("ours 1,000", "floor"), 2.0),
        ("at 100,000 documents, times 100", ratio("ours 100,000", "ours 100"), 1.5),
        ("at 50,000 documents, times 10", ratio("ours 50,000", "ours 10"), 1.5),
        ("one write, times SQLite", ratio("ours 1,000", "sqlite"), 1.3),
        ("32 writers, times SQLite", ratio("ours, 32 writers", "sqlite, 32 writers"), 1.0),
        ("one write, times stock TinyDB", ratio("ours 1,000", "stock tinydb 1,000"), 1 / 50),
        ("seconds to open 100,000", opened, 2.0),
    ]
    print()
    for what, value, goal in goals:
        print(f"{what:34}{value:8.3f}   goal ≤ {goal:<6.3g}{'met' if value <= goal else 'MISSED'}")
    return sum(value > goal for _, value, goal in goals)


async def opening(folder: Path) -> float:
    """Seconds until a store serves, in a process of its own as at a start."""
    started = time.perf_counter()
    store = EmbeddedStore.open(folder, VAULT)
    taken = time.perf_counter() - started
    await store.close()
    return taken


if __name__ == "__main__":
    if sys.argv[1:2] == ["open"]:
        print(asyncio.run(opening(Path(sys.argv[2]))))
        sys.exit()
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as scratch:
        sys.exit(1 if asyncio.run(main(Path(scratch))) else 0)
