"""Two hundred processes are killed while they write: nothing is corrupt, lost or half."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from bot.store.tiny import TinyStore
from tests.kills_helper import PEOPLE, VAULT

KILLS = 100
ROOT = Path(__file__).parent.parent


def lived_and_died(folder: Path, way: str, seed: int, answers: int, bytes_more: int) -> dict[int, int]:
    """Kill a writer in the middle of something; return the revisions it had acknowledged."""
    command = [sys.executable, "-m", "tests.kills_helper", str(folder), way, str(seed)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, bufsize=0) as child:  # noqa: S603
        assert child.stdout is not None
        heard = b""
        while heard.count(b"\n") < answers:
            said = child.stdout.read(65536)
            assert said, f"the writer ended by itself with {child.wait()}"
            heard += said
        for _ in range(bytes_more):  # a moment that no acknowledgement marks
            os.getpid()
        child.kill()
        heard += child.stdout.read()
        child.wait()
    lines = heard.decode().split("\n")[:-1]
    return {int(person): int(revision) for person, revision in (line.split() for line in lines)}


@pytest.mark.parametrize("way", ["grow", "shrink"])
async def test_a_hundred_kills_lose_nothing_acknowledged(tmp_path: Path, way: str) -> None:
    luck = random.Random(way)  # noqa: S311
    sure = dict.fromkeys(range(PEOPLE), 0)
    for seed in range(KILLS):
        sure |= lived_and_died(tmp_path, way, seed, luck.randrange(1, 60), luck.randrange(20_000))
        store = TinyStore.open(tmp_path, VAULT)
        for person in range(PEOPLE):
            found = await store.load(f"grown-{person}")
            revision = found.revision if found else 0
            assert sure[person] <= revision <= sure[person] + 1  # the one in flight may have been written
            sure[person] = revision
            if found:
                said = VAULT.open("grown", found.id, 1, found.sealed)
                assert said.startswith(b"%s %d " % (found.id.encode(), revision))
        beside = {record.id for record in await store.kind("beside")}
        if way == "grow":
            assert beside == {f"beside-{person}-{n}" for person in sure for n in range(1, sure[person] + 1)}
        else:
            assert beside == {f"beside-{person}-{sure[person]}" for person in sure if sure[person]}
        await store.close()
        assert set(os.listdir(tmp_path)) == {"lock", "store.peersupport"}  # noqa: PTH208
    assert sum(sure.values()) > KILLS
