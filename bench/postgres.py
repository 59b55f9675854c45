"""What the PostgreSQL store costs, beside the bare statements on the same server: python -m bench.postgres.

A server of our own, with its disk waited for; it needs no root and no Docker (tests/store/postgres_server.py says where
its binaries come from). Bare is psycopg with prepared statements on a table of the same columns that nobody else needs.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from typing import Any

import psycopg
from psycopg.types.json import Jsonb
from psycopg_pool import AsyncConnectionPool

from bench.goals import Goal, missed, ratio
from bot.store.base import Record
from bot.store.postgres import migrate
from bot.store.postgres.store import CONNECTIONS, PostgresStore
from tests.store import postgres_server

ROUNDS, WRITES, WRITERS = 7, 200, 32
FEW, MANY = 100, 100_000
SEALED = 1117  # bytes of a typical request: 1 KiB and its keys
NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)
PAGE, CLAIMS = 100, 800

BARE = """
CREATE TABLE bare (id text COLLATE "C" PRIMARY KEY, due timestamptz, revision integer NOT NULL, sealed bytea NOT NULL);
CREATE INDEX ON bare (due, id)
"""
UPDATE = b"""
UPDATE bare SET due = %(due)s, revision = revision + 1, sealed = %(sealed)b
WHERE id = %(id)s AND revision = %(revision)s RETURNING 1
"""
CLAIM = b"""
UPDATE bare SET due = %(later)s, revision = revision + 1, sealed = %(sealed)b WHERE id = (
    SELECT id FROM bare WHERE due <= %(now)s ORDER BY due, id LIMIT 1 FOR UPDATE SKIP LOCKED
) RETURNING 1
"""

Connection = psycopg.AsyncConnection[Any]


def request(number: int, revision: int = 0, due: datetime | None = None) -> Record:
    """A request as the engine would store it; it falls due tomorrow or later unless told otherwise."""
    keys = {"open": (f"{number:064x}",), "peer": (f"{number % 97:064x}", f"{number % 89:064x}")}
    at = due or NOW + DAY + timedelta(seconds=number % 9973)
    return Record(f"{number:032x}", "support", "asking", at, NOW.date(), revision, 0, keys, os.urandom(SEALED))


class Ours:
    """A store in a database of its own that holds some requests; every write is a new revision of one of them."""

    def __init__(self, url: str, size: int) -> None:
        self.url, self.size = url, size
        self.revisions = dict.fromkeys(range(size), 1)
        self.turn = count(1)

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Ours]:
        migrate.upgrade(self.url)
        fill(self.url, self.size)
        async with postgres_server.store_in(self.url) as self.store:
            yield self

    def _next(self) -> int:
        return next(self.turn) * 7919 % self.size

    async def write(self) -> None:
        number = self._next()
        revision = self.revisions[number]
        self.revisions[number] = revision + 1
        await self.store.save(request(number, revision))

    async def load(self) -> None:
        assert await self.store.load(f"{self._next():032x}")  # noqa: S101

    async def find(self) -> None:
        assert len(await self.store.find("open", f"{self._next():064x}")) == 1  # noqa: S101

    async def look(self) -> None:
        """Is anything due? Nothing is."""
        assert not await self.store.due(NOW)  # noqa: S101

    async def page(self) -> None:
        """The next hundred that will be."""
        assert len(await self.store.due(NOW + 9 * DAY, FEW)) == FEW  # noqa: S101

    async def next_due(self) -> None:
        assert await self.store.next_due()  # noqa: S101

    async def fall_due(self, numbers: Sequence[int]) -> None:
        """What was asked for yesterday."""
        for start in range(0, len(numbers), 200):
            some = numbers[start : start + 200]
            await self.store.save(*(request(n, self.revisions[n], NOW - DAY) for n in some))
            self.revisions |= {n: self.revisions[n] + 1 for n in some}

    async def claim_all(self) -> int:
        """Claim a page of what is due, read each and write it back, eight at a time; how many were done."""
        done = 0

        async def one(id: str) -> None:
            record = await self.store.load(id)
            assert record is not None  # noqa: S101
            number = int(id, 16)
            await self.store.save(request(number, record.revision))
            self.revisions[number] = record.revision + 1

        async def some(ids: Sequence[str]) -> None:
            for id in ids:
                await one(id)

        while ids := await self.store.claim(NOW, PAGE, set()):
            await asyncio.gather(*(some(ids[n::CONNECTIONS]) for n in range(CONNECTIONS)))
            done += len(ids)
        return done


class Bare:
    """One table of the same bytes, and nothing but the statement."""

    def __init__(self, connection: Connection, pool: AsyncConnectionPool[Connection], size: int) -> None:
        self.connection, self.pool, self.size = connection, pool, size
        self.revisions = dict.fromkeys(range(size), 1)
        self.turn = count(1)

    @classmethod
    @asynccontextmanager
    async def opened(cls, url: str, size: int) -> AsyncIterator[Bare]:
        with psycopg.connect(url) as making:
            making.execute(BARE.encode())
            with making.cursor().copy(b"COPY bare FROM STDIN") as copy:
                for each in map(request, range(size)):
                    copy.write_row((each.id, each.due, 1, each.sealed))
        kwargs = {"autocommit": True, "prepare_threshold": 0}
        connection = await psycopg.AsyncConnection.connect(url, autocommit=True, prepare_threshold=0)
        pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            url, kwargs=kwargs, min_size=CONNECTIONS, max_size=CONNECTIONS, open=False
        )
        async with connection, pool:
            yield cls(connection, pool, size)

    def _values(self) -> dict[str, Any]:
        number = next(self.turn) * 7919 % self.size
        revision = self.revisions[number]
        self.revisions[number] = revision + 1
        each = request(number, revision)
        return {"id": each.id, "due": each.due, "revision": revision, "sealed": each.sealed}

    async def write(self) -> None:
        await _one(self.connection, UPDATE, self._values())

    async def write_pooled(self) -> None:
        async with self.pool.connection() as connection:
            await _one(connection, UPDATE, self._values())

    async def load(self) -> None:
        values = {"id": f"{next(self.turn) * 7919 % self.size:032x}"}
        await _one(self.connection, b"SELECT id, due, revision, sealed FROM bare WHERE id = %(id)s", values)

    async def fall_due(self, numbers: Sequence[int]) -> None:
        ids = [f"{number:032x}" for number in numbers]
        await self.connection.execute(b"UPDATE bare SET due = %s WHERE id = ANY(%s)", (NOW - DAY, ids))

    async def claim_all(self) -> int:
        """Each connection takes one at a time until there is none."""

        async def loop() -> int:
            done = 0
            async with self.pool.connection() as connection:
                while True:
                    values = {"now": NOW, "later": NOW + DAY, "sealed": os.urandom(SEALED)}
                    cursor = await connection.cursor(binary=True).execute(CLAIM, values)
                    if await cursor.fetchone() is None:
                        return done
                    done += 1

        return sum(await asyncio.gather(*(loop() for _ in range(CONNECTIONS))))


async def _one(connection: Connection, statement: bytes, values: dict[str, Any]) -> None:
    cursor = await connection.cursor(binary=True).execute(statement, values)
    assert await cursor.fetchone() is not None  # noqa: S101


def fill(url: str, size: int) -> None:
    """So many requests, by COPY: it is not what is measured."""
    with psycopg.connect(url) as connection:
        columns = b"COPY records (id, kind, stage, due, day, revision, shape, keys, sealed) FROM STDIN"
        with connection.cursor().copy(columns) as copy:
            for each in map(request, range(size)):
                keys = Jsonb({index: list(held) for index, held in each.keys.items()})
                copy.write_row((each.id, each.kind, each.stage, each.due, each.day, 1, 0, keys, each.sealed))
        with connection.cursor().copy(b"COPY record_keys (index, key, id) FROM STDIN") as copy:
            for each in map(request, range(size)):
                for index, held in each.keys.items():
                    for key in dict.fromkeys(held):
                        copy.write_row((index, key, each.id))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(b"VACUUM ANALYZE")


async def one_by_one(deed: Callable[[], Awaitable[None]], times: int = WRITES) -> float:
    """Microseconds each, one after the other."""
    started = time.perf_counter()
    for _ in range(times):
        await deed()
    return (time.perf_counter() - started) / times * 1e6


async def together(deed: Callable[[], Awaitable[None]], each: int = 25) -> float:
    """Microseconds each, with 32 at once."""

    async def many() -> None:
        for _ in range(each):
            await deed()

    started = time.perf_counter()
    await asyncio.gather(*(many() for _ in range(WRITERS)))
    return (time.perf_counter() - started) / (each * WRITERS) * 1e6


async def claiming(who: Ours | Bare) -> float:
    """Microseconds a claim, while 800 are due."""
    await who.fall_due(range(CLAIMS))
    started = time.perf_counter()
    done = await who.claim_all()
    taken = time.perf_counter() - started
    assert done == CLAIMS  # noqa: S101
    return taken / done * 1e6


# ---------------------------------------------------------------- starting with much to do


def opening(url: str) -> float:
    """Seconds until a store knows what falls due next, in a process of its own as at a start."""
    command = [sys.executable, "-m", "bench.postgres", "open", url]
    return float(subprocess.run(command, check=True, capture_output=True).stdout)  # noqa: S603


async def opened(url: str) -> float:
    started = time.perf_counter()
    store = await PostgresStore.open(url)
    assert await store.next_due()  # noqa: S101
    await store.due(NOW, 500)
    taken = time.perf_counter() - started
    await store.close()
    return taken


# ---------------------------------------------------------------- all of it


async def measured(server: postgres_server.Server) -> int:
    few, many, claims, one, other = (server.url(server.database()) for _ in range(5))
    async with (
        Ours(few, FEW).opened() as small,
        Ours(many, MANY).opened() as large,
        Ours(claims, 5_000).opened() as claimed,
        Bare.opened(one, 5_000) as bare,
        Bare.opened(other, 5_000) as bare_claimed,
    ):
        runs: dict[str, Callable[[], Awaitable[float]]] = {
            "save, 100 stored": partial(one_by_one, small.write),
            "save, 100,000 stored": partial(one_by_one, large.write),
            "bare UPDATE": partial(one_by_one, bare.write),
            "save, 32 writers": partial(together, large.write),
            "bare UPDATE, 32 writers": partial(together, bare.write_pooled),
            "load": partial(one_by_one, large.load),
            "bare SELECT": partial(one_by_one, bare.load),
            "find": partial(one_by_one, large.find),
            "due, nothing is, 100 stored": partial(one_by_one, small.look),
            "due, nothing is, 100,000 stored": partial(one_by_one, large.look),
            "due, a page of 100, 100 stored": partial(one_by_one, small.page),
            "due, a page of 100, 100,000 stored": partial(one_by_one, large.page),
            "next due, 100,000 stored": partial(one_by_one, large.next_due),
            "claim, load, save: eight at once": partial(claiming, claimed),
            "SKIP LOCKED claim loop, eight": partial(claiming, bare_claimed),
        }
        figures: dict[str, list[float]] = {name: [] for name in runs}
        for number in range(ROUNDS + 1):
            for name, run in runs.items():
                figure = await run()
                if number:  # the first round warms up
                    figures[name].append(figure)
        starts = [await asyncio.to_thread(opening, many) for _ in range(ROUNDS)]
    return report(figures, statistics.median(starts))


def report(figures: dict[str, list[float]], start: float) -> int:
    """Print medians, and ratios taken within each round. Returns how many goals were missed."""
    for name, each in figures.items():
        print(f"{name:36}{statistics.median(each):10.0f} µs {1e6 / statistics.median(each):10,.0f}/s")

    def times(one: str, other: str) -> float:
        return ratio(figures[one], figures[other])

    return missed(
        [
            Goal("a save, times a bare UPDATE", times("save, 100,000 stored", "bare UPDATE"), 2.0),
            Goal("a save at 100,000, times at 100", times("save, 100,000 stored", "save, 100 stored"), 1.5),
            Goal("32 writers, times bare UPDATEs", times("save, 32 writers", "bare UPDATE, 32 writers"), 2.0),
            Goal(
                "nothing due at 100,000, times at 100",
                times("due, nothing is, 100,000 stored", "due, nothing is, 100 stored"),
                1.5,
            ),
            Goal(
                "a page of due at 100,000, times at 100",
                times("due, a page of 100, 100,000 stored", "due, a page of 100, 100 stored"),
                1.5,
            ),
            Goal(
                "claim, load, save: rate, times a SKIP LOCKED loop",
                times("SKIP LOCKED claim loop, eight", "claim, load, save: eight at once"),
                0.2,
                at_least=True,
            ),
            Goal("seconds to start with 100,000 pending", start, 0.5),
        ]
    )


def main() -> int:
    """Measure in interleaved rounds and print. Returns how many goals were missed."""
    where = postgres_server.binaries()
    if where is None:
        print(postgres_server.NOT_RUN)
        return 1
    with postgres_server.server(where, fsync="on") as server:
        return asyncio.run(measured(server))


if __name__ == "__main__":
    if sys.argv[1:2] == ["open"]:
        print(asyncio.run(opened(sys.argv[2])))
        sys.exit()
    sys.exit(1 if main() else 0)
