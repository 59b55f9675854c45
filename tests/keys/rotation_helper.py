"""Processes that rotate keys until they are killed. Run by test_rotation.

Warm: each line on stdin ("store ring now") forks one of them. Its pid, when it begins to turn and when it has turned
come back on stdout, and that it ended.
"""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

from bot import logging as logs
from bot.config.parsers import Postgres
from bot.crypto.vault import Vault
from bot.keys import unlock
from bot.keys.key_ring import OVERLAP, KeyRing
from bot.keys.rotation import KeyRotation
from bot.store.base import Record
from bot.store.factory import open_for_serving

ROOT = bytes(range(32))
RECORDS = 400
TOLD = b"canary: what she told us"


def say(line: str) -> None:
    os.write(1, f"{line}\n".encode())


async def turn(where: str, folder: str, now: datetime) -> None:
    ring = KeyRing.open(Path(folder), (ROOT,))
    vault = Vault(ROOT, ring)
    ring.ensure_key_for(now)
    async with open_for_serving(Postgres(where) if where.startswith("postgresql:") else Path(where), vault) as kept:
        store = kept.store
        await unlock.bind_store(store, vault, ring, now)
        if await store.load("r000") is None:
            new = Record("", "request", "asking", None, date(2026, 3, 2), 0, 3)
            ids = [f"r{n:03}" for n in range(RECORDS)]
            await store.save(*(replace(new, id=id, sealed=vault.seal("request", id, 3, TOLD)) for id in ids))
        moments = iter((now, now + OVERLAP * 2, now + timedelta(hours=3)))
        rotation = KeyRotation(store, vault, ring, 0, lambda: next(moments, now + timedelta(hours=4)))
        say("turning")
        await rotation.run()
        await rotation.run()
        say("turned" if rotation.succeeded else "not well")
        await asyncio.sleep(60)


def main() -> None:
    logs.configure("json", "CRITICAL")
    for line in sys.stdin:
        where, folder, now = line.strip().split("\t")
        pid = os.fork()
        if pid == 0:
            os.close(0)
            say(str(os.getpid()))
            try:
                asyncio.run(turn(where, folder, datetime.fromisoformat(now)))
            finally:
                os._exit(1)
        say(f"ended {os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])}")


if __name__ == "__main__":
    main()
