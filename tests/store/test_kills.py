"""Processes are killed while they write: nothing that was acknowledged is lost, and no save is half there."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.store.base import Store
from bot.store.embedded.store import EmbeddedStore
from tests.store.kills_helper import PEOPLE, VAULT
from tests.store.postgres_server import Server, store_in

KILLS = 100
FEWER_KILLS = 20  # each of them connects anew
ROOT = Path(__file__).parents[2]


class WriterPool:
    """Makes writers that are born warm: to start a Python for each would take longer than its life."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._asks, self._hears = process.stdin.fileno(), process.stdout.fileno()

    def lived_and_died(self, folder: Path | str, way: str, seed: int, answers: int, moments: int) -> dict[int, int]:
        """Kill a writer in the middle of something; return the revisions it had acknowledged."""
        os.write(self._asks, f"{folder}\t{way}\t{seed}\n".encode())
        heard = b""
        while heard.count(b"\n") <= answers:  # the first line is its pid
            heard += self._more()
            assert b"ended" not in heard, f"the writer ended by itself: {heard[-20:]!r}"
        for _ in range(moments):  # a while that no acknowledgement marks
            os.getpid()
        os.kill(int(heard.split(b"\n", 1)[0]), signal.SIGKILL)
        while not heard.endswith(b"\nended -9\n"):
            heard += self._more()
        lines = heard.decode().split("\n")[1:-2]
        return {int(person): int(revision) for person, revision in (line.split() for line in lines)}

    def _more(self) -> bytes:
        said = os.read(self._hears, 65536)
        assert said, "the forge is gone"
        return said


@pytest.fixture(scope="module")
def forge() -> Iterator[WriterPool]:
    command = [sys.executable, "-m", "tests.store.kills_helper"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:  # noqa: S603
        yield WriterPool(process)


@pytest.mark.parametrize("way", ["grow", "shrink"])
async def test_a_hundred_kills_lose_nothing_acknowledged(forge: WriterPool, tmp_path: Path, way: str) -> None:
    luck = random.Random(way)  # noqa: S311
    sure = dict.fromkeys(range(PEOPLE), 0)
    for seed in range(KILLS):
        sure |= forge.lived_and_died(tmp_path, way, seed, luck.randrange(1, 60), luck.randrange(20_000))
        store = EmbeddedStore.open(tmp_path, VAULT)
        await look_through(store, way, sure)
        await store.close()
        assert set(os.listdir(tmp_path)) == {"lock", "store.peersupport"}  # noqa: PTH208
    assert sum(sure.values()) > KILLS


@pytest.mark.parametrize("way", ["grow", "shrink"])
async def test_in_postgresql_a_kill_loses_nothing_acknowledged_either(
    forge: WriterPool, postgres: Server, new_database: str, way: str
) -> None:
    luck = random.Random(way)  # noqa: S311
    sure = dict.fromkeys(range(PEOPLE), 0)
    async with store_in(new_database) as store:
        for seed in range(FEWER_KILLS):
            sure |= forge.lived_and_died(new_database, way, seed, luck.randrange(1, 60), luck.randrange(20_000))
            postgres.settles(new_database)
            await look_through(store, way, sure)
    assert sum(sure.values()) > FEWER_KILLS


async def look_through(store: Store, way: str, sure: dict[int, int]) -> None:
    """Each record is as somebody was told, or one further; whatever goes together is there together."""
    for person in range(PEOPLE):
        found = await store.load(f"grown-{person}")
        revision = found.revision if found else 0
        assert sure[person] <= revision <= sure[person] + 1  # the one in flight may have been written
        sure[person] = revision
        if found:
            said = VAULT.open("grown", found.id, 1, found.sealed)
            assert said.startswith(b"%s %d " % (found.id.encode(), revision))
    beside = {record.id for record in await store.all_of_kind("beside")}
    if way == "grow":
        assert beside == {f"beside-{person}-{n}" for person in sure for n in range(1, sure[person] + 1)}
    else:
        assert beside == {f"beside-{person}-{sure[person]}" for person in sure if sure[person]}
