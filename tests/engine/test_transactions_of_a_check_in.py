"""How many transactions one due check-in costs replicas: each is a round trip, and most of the time it takes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from adapters.base import Adapter
from bot.crypto.vault import Vault
from bot.engine.codec import Stored
from bot.engine.engine import Engine
from bot.playground.simulator import KEY, Simulator
from bot.store.postgres.store import PostgresStore
from conversations.model import Person
from conversations.support.request import TOGETHER, Request
from conversations.vocabulary import Kind, Timer
from tests.store.postgres_server import Server

FEW, MANY = 20, 120
AT_MOST = 4.2
"""The decision, where its reader is reached, and what came of the post and of the edit that fills in its words. The
rest is shared: what is claimed and read ahead, the roster, and the connections that are opened meanwhile."""


class OneReplica(Simulator):
    """The simulation with one of us on PostgreSQL, and its wake jobs."""

    def __init__(self, folder: Path, database: str) -> None:
        super().__init__(folder)
        self._database = database
        self._store: PostgresStore | None = None

    async def open(self) -> None:
        if self._engine is None:
            self._store = await PostgresStore.open(self._database)
            await self._store.enable_wake_jobs(lambda: self.now)
        await super().open()

    def _begin(self, adapters: Mapping[str, Adapter], key: bytes = KEY) -> Engine:
        assert self._store is not None
        return self._on(self._store, adapters, Vault(key))


def due(simulator: Simulator, peer: Person, number: int) -> Stored[Request]:
    """A request whose check-in falls due in half an hour, and so has a job."""
    at = simulator.now + timedelta(minutes=30)
    request = Request(
        id=f"{number:032x}",
        stage=TOGETHER,
        deadlines={Timer.CHECK_IN: at, Timer.CLOSE: at + timedelta(days=7)},
        clinician=simulator.person(f"Ana{number}"),
        peer=peer,
        clinician_named=True,
        peer_named=True,
        met=True,
        check_ins=(at,),
        counted_from=simulator.now - timedelta(hours=24),
        searching_since=simulator.now - timedelta(hours=24),
        touched=simulator.now,
    )
    return Stored(request, Kind.REQUEST.value, day=simulator.now.date())


def transactions(server: Server, url: str) -> int:
    """How many were committed in this database by those who have let go of it."""
    database = urlsplit(url).path.removeprefix("/")
    while server.sql(f"SELECT 1 FROM pg_stat_activity WHERE datname = '{database}'"):  # noqa: S608  a name of ours
        pass
    ((found,),) = server.sql(f"SELECT xact_commit FROM pg_stat_database WHERE datname = '{database}'")  # noqa: S608
    return int(found)


async def cost(folder: Path, server: Server, database: str, numbers: range) -> int:
    """What so many check-ins cost that fall due at once, each shown once, with all that is shared."""
    simulator = OneReplica(folder, database)
    await simulator.open()
    await simulator.add_peer(f"Bo{len(numbers)}", "teams", ())
    peer = simulator.person(f"Bo{len(numbers)}")
    await simulator.engine.services.repository.save([due(simulator, peer, number) for number in numbers])
    await simulator.stop()
    before = transactions(server, database)
    await simulator.open()
    simulator.now += timedelta(minutes=30)
    await simulator.catch_up()
    shown = [len(simulator.chat("Ana0").cards(simulator.person(f"Ana{number}"))) for number in numbers]
    assert shown == [1] * len(numbers)
    await simulator.stop()
    return transactions(server, database) - before


async def test_a_due_check_in_costs_four_transactions(tmp_path: Path, postgres: Server, new_database: str) -> None:
    few = await cost(tmp_path, postgres, new_database, range(FEW))
    once = await cost(tmp_path, postgres, new_database, range(FEW, FEW + MANY))
    again = await cost(tmp_path, postgres, new_database, range(FEW + MANY, FEW + 2 * MANY + 1))
    # a busy machine parts what goes together otherwise: it only ever adds, so the lesser of two is nearer
    each = min((once - few) / (MANY - FEW), (again - few) / (MANY + 1 - FEW))
    assert each <= AT_MOST, f"{each:.2f} each, and {few - each * FEW:.0f} besides"
