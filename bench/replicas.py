"""Replicas on one PostgreSQL: everything due at one moment, and twenty yeses at once: python -m bench.replicas.

Processes on the loopback: one, two or three of ours (the whole programme), a Slack that says yes to everything and
remembers what it was asked to show, PostgreSQL, and this one. On a machine with two cores they share them, so a second
replica can help only as far as there is a core for it. The anchors are measured in the same run: a claim loop over a
table (FOR UPDATE SKIP LOCKED, eight connections), and a Procrastinate worker with one job for each message.
"""

from __future__ import annotations

import asyncio
import base64
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from aiohttp import web
from procrastinate import App, PsycopgConnector

from adapters.fakes.screens import Screens
from adapters.fakes.slack.server import SlackServer
from bench import hospital
from bench.goals import Goal, missed
from bench.hospital import TEAM, VOLUNTEER, Button
from bench.loopback import Other, at_once, launched, serve, unpaced
from bench.slack import SECRET, TOKEN, requests_for
from bot import config
from bot import logging as logs
from bot.crypto.vault import Vault
from bot.engine.codec import Stored, decode, encode
from bot.keys.key_ring import KeyRing
from bot.server import app as programme
from bot.store.base import Record
from bot.store.postgres import migrate
from bot.store.postgres.store import PostgresStore
from conversations.immutable import replace
from conversations.support.request import Offer, Request
from conversations.vocabulary import Timer
from tests.store import postgres_server

DUE = int(os.environ.get("DUE", "2000"))
REQUESTS = int(os.environ.get("REQUESTS", "1000"))
YESES = 20
JOBS = 2_000
KEY = bytes(range(32))
VAULT = Vault(KEY)
AHEAD = timedelta(seconds=20)  # in which everything is written before it falls due

other = partial(launched, "bench.replicas")


# ---------------------------------------------------------------- everything due at one moment


def due_at(moment: datetime, number: int) -> list[Record]:
    """Requests whose check-in falls due just then."""
    made = []
    for n in range(number):
        talk = replace(hospital.together(n, moment - timedelta(hours=1)), checked_in=None)
        talk = replace(talk, check_ins=(moment,), deadlines=talk.deadlines | {Timer.CHECK_IN: moment})
        mail = hospital.mail_of(talk, n)
        mail = replace(mail, slots=mail.slots[:-1])
        made.append(encode(Stored(talk, "support", mail), VAULT, moment))
    return [record for record in made if isinstance(record, Record)]


async def put(url: str, records: Sequence[Record]) -> None:
    """Write them as a replica would: with a poke for each that falls due within the hour."""
    store = await PostgresStore.open(url)
    await store.enable_wake_jobs(lambda: datetime.now(UTC))
    waiting = iter([records[start : start + 50] for start in range(0, len(records), 50)])

    async def line() -> None:
        for batch in waiting:
            await store.save(*batch)

    await asyncio.gather(*(line() for _ in range(4)))
    await store.close()


def transactions(server: postgres_server.Server, url: str) -> int:
    """How many were committed in this database by those who have let go of it."""
    database = urlsplit(url).path.removeprefix("/")
    while server.sql(f"SELECT 1 FROM pg_stat_activity WHERE datname = '{database}'"):  # noqa: S608  a name of ours
        time.sleep(0.05)
    ((found,),) = server.sql(f"SELECT xact_commit FROM pg_stat_database WHERE datname = '{database}'")  # noqa: S608
    return int(found)


async def check_ins(server: postgres_server.Server, api: Other, replicas: int, number: int) -> tuple[float, float]:
    """Check-ins delivered a second, from the moment they fell due until Slack had shown the last, each once.

    Returns:
        The rate, and how many transactions each took with everything the replicas did meanwhile.
    """
    url, ring = server.url(server.database()), tempfile.mkdtemp(dir=server.folder)
    migrate.upgrade(url)
    moment = datetime.now(UTC) + AHEAD + timedelta(milliseconds=number * 1.5)
    await put(url, [*hospital.volunteers(VAULT, moment), *due_at(moment, number)])
    await api.order("forget")
    before = transactions(server, url)
    async with AsyncExitStack() as running:
        for _ in range(replicas):
            await running.enter_async_context(other("ours", api.url, url, ring))
        late = (datetime.now(UTC) - moment).total_seconds()
        assert late < 0, f"it took {late:.0f} s too long to write them"  # noqa: S101
        while (shown := await api.order("shown"))["posts"] < number:  # noqa: ASYNC110
            await asyncio.sleep(0.2)
        taken = shown["last"] - moment.timestamp()
    shown = await api.order("shown")
    assert shown["posts"] == shown["cards"] == number, "a message was shown twice"  # noqa: S101
    each = (transactions(server, url) - before) / number
    print(
        f"{replicas} replica{'s' * (replicas > 1):1}   {number:,} check-ins in {taken:6.1f} s {number / taken:8,.0f}/s"
        f" {taken / number * 1e3:6.1f} ms {each:5.1f} transactions each"
    )
    return number / taken, each


# ---------------------------------------------------------------- twenty yeses at once


async def yeses(server: postgres_server.Server, api: Other, replicas: int, number: int) -> None:
    """Twenty say yes at once, a request at a time, spread over the replicas; each has exactly one winner."""
    url, ring = server.url(server.database()), tempfile.mkdtemp(dir=server.folder)
    migrate.upgrade(url)
    now = datetime.now(UTC)
    records, presses = [], []
    for n in range(number):
        who = [VOLUNTEER[(n + k) % len(VOLUNTEER)] for k in range(YESES)]
        talk: Request = replace(
            hospital.asking(now), asked=tuple(who), deadlines={Timer.TARGET: now + timedelta(hours=9)}
        )
        talk = replace(talk, offers=tuple(Offer(peer, alias) for alias, peer in enumerate(who)))
        mail = hospital.mail_of(talk, n)
        made = encode(Stored(talk, "support", mail), VAULT, now)
        assert isinstance(made, Record)  # noqa: S101
        records.append(made)
        presses.append([_yes(talk, slot) for slot in mail.slots if slot.name == "offer"])
    roster = [decode(record, VAULT) for record in hospital.volunteers(VAULT, now)]
    peers = [
        replace(
            one, conversation=replace(one.conversation, peer=replace(one.conversation.peer, limit=10**6)), revision=0
        )
        for one in roster
    ]
    await put(url, [*(made for one in peers if isinstance(made := encode(one, VAULT, now), Record)), *records])
    async with AsyncExitStack() as running:
        ours = [await running.enter_async_context(other("ours", api.url, url, ring)) for _ in range(replicas)]
        started = time.perf_counter()
        for buttons in presses:
            each = [buttons[k::replicas] for k in range(replicas)]
            asked = [at_once(one.url, requests_for(one, some), len(some)) for one, some in zip(ours, each, strict=True)]
            await asyncio.gather(*asked)
        taken = time.perf_counter() - started
    ours_now = Vault(KEY, KeyRing.open(Path(ring), (KEY,)))
    stages = await _winners(url, ours_now, [record.id for record in records if record.kind == "support"])
    print(f"{replicas} replicas  {number:,} requests x {YESES} yeses at once in {taken:.1f} s: {dict(stages)}")
    assert stages == {"one winner, who holds it": number}, "a request without exactly one winner"  # noqa: S101


def _yes(talk: Request, slot: Any) -> Button:
    channel, _, ts = (slot.ref or "").partition("/")
    return Button(slot.to.id, channel, ts, VAULT.token(talk.id, slot.key, slot.generation, "yes"))


async def _winners(url: str, vault: Vault, ids: Sequence[str]) -> Counter[str]:
    """What became of each request, and whether exactly the peer it names holds it."""
    store = await PostgresStore.open(url)
    holders = Counter(
        request
        for record in await store.all_of_kind("volunteering")
        for request in decode(record, vault).conversation.peer.holding
    )
    found: Counter[str] = Counter()
    for id in ids:
        record = await store.load(id)
        talk = decode(record, vault).conversation if record else None
        one = talk is not None and talk.peer is not None and not talk.offers and holders[id] == 1
        found["one winner, who holds it" if one else "something else"] += 1
    await store.close()
    return found


# ---------------------------------------------------------------- anchors


async def claim_loop(url: str, number: int) -> float:
    """Rows claimed and marked a second: one statement each, eight connections."""
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as one:
        await one.execute("CREATE TABLE anchor (id bigserial PRIMARY KEY, due timestamptz, done boolean DEFAULT false)")
        await one.execute("CREATE INDEX ON anchor (due) WHERE NOT done")
        await one.execute("INSERT INTO anchor (due) SELECT now() FROM generate_series(1, %s)", (number,))
    claim = """
        UPDATE anchor SET done = true WHERE id = (
            SELECT id FROM anchor WHERE NOT done AND due <= now() ORDER BY due LIMIT 1 FOR UPDATE SKIP LOCKED
        ) RETURNING id"""

    async def line() -> None:
        async with await psycopg.AsyncConnection.connect(url, autocommit=True, prepare_threshold=0) as connection:
            while await (await connection.execute(claim)).fetchone():
                pass

    started = time.perf_counter()
    await asyncio.gather(*(line() for _ in range(8)))
    return number / (time.perf_counter() - started)


async def plain_jobs(url: str, number: int) -> float:
    """Plain Procrastinate jobs a second: one worker, one job for each message, which does nothing."""
    app = App(connector=PsycopgConnector(conninfo=url))
    done = count()

    @app.task(name="message")
    async def message(id: str) -> None:  # noqa: ARG001
        next(done)

    async with app.open_async():
        await message.batch_defer_async(*({"id": f"{n}"} for n in range(number)))
        started = time.perf_counter()
        await app.run_worker_async(wait=False, delete_jobs="always", install_signal_handlers=False, concurrency=8)
        return number / (time.perf_counter() - started)


# ---------------------------------------------------------------- the other processes


async def be_slack() -> None:
    """The fake Slack, which says how many cards were posted, how many different ones, and when the last came."""
    slack = SlackServer(team=TEAM, token=TOKEN, secret=SECRET, lenient=True)

    async def order(request: web.Request) -> web.Response:
        if request.match_info["what"] == "forget":
            slack.clear(Screens())
        posts = [item for item in slack.screens.all if item.kind == "card" and item.body]
        last = max((item.at.timestamp() for item in posts if item.at), default=0.0)
        different = {item.body["blocks"][0]["block_id"] for item in posts}
        return web.json_response({"posts": len(posts), "cards": len(different), "last": last})

    app = web.Application()
    app.add_routes([*slack.wire.routes(), web.post("/{what}", order)])
    await serve(app, "/api/")


async def be_ours(api: str, url: str, ring: str) -> None:
    """The whole programme, with a Slack that may be spoken to at any time."""
    logs.configure("json", "ERROR")
    environ = {
        "PEERSUPPORT_STORE": url,
        "PEERSUPPORT_KEY_RING": ring,
        "PEERSUPPORT_ROOT_KEY": base64.b64encode(KEY).decode("ascii"),
        "PEERSUPPORT_COORDINATORS": f"slack:{TEAM}:U0DANA",
        "PEERSUPPORT_BIND": "127.0.0.1:0",
        "PEERSUPPORT_OPS_BIND": "127.0.0.1:0",
        "PEERSUPPORT_QUIET_HOURS": "none",
        "SLACK_BOT_TOKEN": TOKEN,
        "SLACK_SIGNING_SECRET": SECRET,
        "SLACK_API_URL": api,
    }
    async with programme.running_server(
        config.load(environ, Path("/")), programme.ServerOptions(rate_limiter=unpaced)
    ) as running:
        await serve(web.Application(), "", running.public_url + "/slack/events")


# ---------------------------------------------------------------- all of it


async def main() -> int:
    """Measure and print. Returns how many goals were missed."""
    where = postgres_server.binaries()
    if where is None:
        print(postgres_server.NOT_RUN)
        return 1
    with postgres_server.server(where) as server:
        async with other("slack") as api:
            anchors = server.url(server.database())
            migrate.upgrade(anchors)
            claimed, before = await claim_loop(anchors, DUE), await plain_jobs(anchors, JOBS)
            rates, each = [], []
            for replicas in (1, 2, 3):
                rate, transactions_each = await check_ins(server, api, replicas, DUE)
                rates.append(rate)
                each.append(transactions_each)
                if replicas == 1:
                    jobs = (before + await plain_jobs(anchors, JOBS)) / 2  # on either side of what they are beside
            print(f"claim loop, nothing sent {claimed:8,.0f}/s     plain Procrastinate job each {jobs:8,.0f}/s")
            await yeses(server, api, 3, REQUESTS)
    return missed(
        [
            Goal("S6 sending each, beside a plain job each", rates[0] / jobs, 0.7, at_least=True),
            Goal("S6 transactions of a check-in", each[0], 4.5),
            Goal("S6 a second replica beside one", rates[1] / rates[0], 1, at_least=True),
            Goal("a third replica beside one", rates[2] / rates[0], 1, at_least=True),
            Goal("sending each, beside the bare claim loop", rates[0] / claimed, 0.05, at_least=True),
        ]
    )


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["slack"]:
            asyncio.run(be_slack())
        case ["ours", api, url, ring]:
            asyncio.run(be_ours(api, url, ring))
        case _:
            sys.exit(asyncio.run(main()) > 0)
