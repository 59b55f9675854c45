"""What a press costs and what a request weighs as they grow, and beside what one would write instead: bench.growth.

What one would write instead is Bolt with a table of requests in SQLite, by SQLAlchemy, and APScheduler's jobs in SQL.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as sql
from aiohttp import web
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from bench.goals import Goal, missed
from bench.hospital import Button
from bench.loopback import CROWD, Other, at_once, launched, serve
from bench.slack import SECRET, TOKEN, buttons_of, requests_for

ours_or_slack = partial(launched, "bench.slack")
usual = partial(launched, "bench.growth")
SIZES = tuple(int(size) for size in os.environ.get("SIZES", "100,1000,10000,100000").split(","))
PRESSES, AT_ONCE = 600, 1_000


async def pressed(who: Other, buttons: Sequence[Button]) -> float:
    """Microseconds of processor time a press."""
    requests = requests_for(who, buttons)
    before = who.cpu()
    await at_once(who.url, requests, CROWD)
    return (who.cpu() - before) / len(requests) * 1e6


async def grown(api: Other, folder: Path) -> list[Goal]:
    """The same process, with more and more open requests in it."""
    costs, weights = [], []
    async with ours_or_slack("ours", api.url, str(folder / "ours"), "shut") as ours:
        await pressed(ours, await buttons_of(ours, PRESSES))  # warm
        stored = PRESSES
        for size in SIZES:
            while stored < size:
                await ours.order("prepare", count=min(AT_ONCE, size - stored))
                stored += min(AT_ONCE, size - stored)
            costs.append(await pressed(ours, await buttons_of(ours, PRESSES)))
            stored += PRESSES
            weights.append((stored, ours.rss()))
            print(f"{stored:8,} open requests: a press {costs[-1]:6.0f} µs, {ours.rss() / 1024:5.0f} MiB")
    (few, light), (many, heavy) = weights[0], weights[-1]
    return [
        Goal(f"a press at {many:,}, times at {few:,}", costs[-1] / costs[0], 1.1),
        Goal("KiB in memory a request", (heavy - light) / (many - few), 5.0),
    ]


async def beside_the_usual(api: Other, folder: Path) -> list[Goal]:
    """Interleaved rounds against what one would write instead."""
    ratios = []
    async with (
        ours_or_slack("ours", api.url, str(folder / "beside"), "shut") as ours,
        usual("usual", api.url, str(folder)) as other,
    ):
        for number in range(4):
            mine = await pressed(ours, await buttons_of(ours, PRESSES))
            theirs = await pressed(other, [Button(*one) for one in await other.order("prepare", count=PRESSES)])
            if number:  # the first round warms up
                ratios.append(mine / theirs)
                print(f"a press: ours {mine:6.0f} µs, Bolt with SQLite and APScheduler in SQL {theirs:6.0f} µs")
    return [Goal("a press, times Bolt + SQLAlchemy + APScheduler", statistics.median(ratios), 0.3)]


# ---------------------------------------------------------------- what one would write instead


def _check_in(request: str) -> None:
    """What the job would do; it never falls due here."""


async def be_usual(api: str, folder: str) -> None:
    """Bolt as its tutorial has it; each press changes a row and moves a job, both in SQLite."""
    from slack_bolt.async_app import AsyncApp
    from slack_sdk.web.async_client import AsyncWebClient

    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    engine = sql.create_engine(f"sqlite:///{folder}/usual.db")
    table = sql.Table("requests", sql.MetaData(), sql.Column("id", sql.String, primary_key=True), sql.Column("body"))
    with engine.begin() as connection:
        connection.execute(sql.text("CREATE TABLE requests (id TEXT PRIMARY KEY, body TEXT)"))
    scheduler = AsyncIOScheduler(jobstores={"default": SQLAlchemyJobStore(url=f"sqlite:///{folder}/jobs.db")})
    scheduler.start()
    bolt = AsyncApp(signing_secret=SECRET, client=AsyncWebClient(TOKEN, base_url=api))
    rows = 0

    @bolt.action("press:0")
    async def okay(ack: Any, action: dict[str, Any]) -> None:
        id_ = action["value"]
        with engine.begin() as connection:
            body = json.loads(connection.execute(sql.select(table.c.body).where(table.c.id == id_)).scalar_one())
            body["stage"] = "okay"
            connection.execute(sql.update(table).where(table.c.id == id_).values(body=json.dumps(body)))
        due = datetime.now().astimezone() + timedelta(hours=48)
        scheduler.add_job(_check_in, "date", [id_], run_date=due, id=id_, replace_existing=True)
        await ack()

    async def prepare(request: web.Request) -> web.Response:
        nonlocal rows
        ids = [f"r{rows + number}" for number in range((await request.json())["count"])]
        rows += len(ids)
        with engine.begin() as connection:
            connection.execute(table.insert(), [{"id": id_, "body": '{"stage": "asked"}'} for id_ in ids])
        return web.json_response([(f"U1C{n:05d}", f"D0{n}", f"1700000000.{n:06d}", id_) for n, id_ in enumerate(ids)])

    app = bolt.web_app("/slack/events")
    app.router.add_post("/prepare", prepare)
    await serve(app, "/slack/events")


async def main(folder: Path) -> int:
    """Measure and print. Returns how many goals were missed."""
    async with ours_or_slack("slack") as api:
        return missed([*await beside_the_usual(api, folder), *await grown(api, folder)])


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["usual", api, folder]:
            asyncio.run(be_usual(api, folder))
        case more:
            with tempfile.TemporaryDirectory(dir=more[0] if more else None) as scratch:
                sys.exit(1 if asyncio.run(main(Path(scratch))) else 0)
