"""A `serve` in a process of its own, a pretend Slack around it, and a clock that both of them read.

    async with story(tmp_path) as s:
        await s.slack.command("U0ANA")
        s.time.pass_(timedelta(hours=24))
        await s.reads({"U0ANA": ("Checking in",)})
        await s.serve.kill()
        await s.serve.start()

`at_home` is the same hospital around a programme in this process, for what can only be seen from inside.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Container, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import psycopg

from adapters.fakes.slack.server import SlackServer
from adapters.fakes.teams.server import TeamsServer
from adapters.rate_limit import RateLimiter
from bot import config
from bot.audit import chain
from bot.crypto.durable_file import FileSystem
from bot.crypto.vault import Vault
from bot.engine.codec import decode
from bot.engine.engine import Engine
from bot.engine.repository import ConversationRepository
from bot.keys.key_ring import KeyRing
from bot.keys.rotation import KeyRotation
from bot.keys.unlock import RING_RECORD
from bot.monitoring.readiness import ClockSteps
from bot.monitoring.sampler import HealthSampler
from bot.report.weekly import NUMBERS
from bot.server.app import ServerOptions, running_server
from bot.store.base import Record
from bot.store.embedded.journal_reader import recover_journal
from bot.store.embedded.row_format import decode_changes, to_record
from bot.store.embedded.store import EmbeddedStore
from bot.store.embedded.tracking_table import Document
from bot.store.postgres import sql
from conversations.model import Person
from conversations.registry import ENTRIES
from tests.running.ports import free_port
from tests.stories import loaded

ROOT = Path(__file__).parents[2]
KEY = bytes(range(32))
OF_THE_HOUSE = frozenset((RING_RECORD, NUMBERS, chain.ENTRY, chain.HEAD))
"""Kinds of records that are about no one who asked."""
VAULT = Vault(KEY)
MORNING = datetime(2026, 3, 2, 15, tzinfo=UTC)  # a Monday, ten o'clock in New York
PATIENCE = 60.0  # real seconds after which a test gives up; how busy the machine is must not change a story

Beginning = str | tuple[str, ...]  # of a card; one of several, where releases differ
Screens = Mapping[str, tuple[Beginning, ...]]  # by user: how each card in their chat begins, oldest first


class Time:
    """One clock for everybody, in a file: it moves only when it is moved."""

    def __init__(self, path: Path, now: datetime = MORNING) -> None:
        self.path = path
        self.set(now)

    def now(self) -> datetime:
        return self._now

    def set(self, now: datetime) -> None:
        """Whoever reads the file finds the old time or the new one."""
        self._now = now
        new = self.path.with_suffix(".new")
        new.write_text(now.isoformat(), "ascii")
        new.replace(self.path)

    def pass_(self, by: timedelta) -> None:
        self.set(self.now() + by)


def environment(slack: SlackServer, folder: Path, **settings: str) -> dict[str, str]:
    """Everything `serve` needs to know, as an operator would set it."""
    return {
        "PEERSUPPORT_STORE": f"tinydb:///{folder}",
        "PEERSUPPORT_ROOT_KEY": base64.b64encode(KEY).decode("ascii"),
        "PEERSUPPORT_COORDINATORS": f"slack:{slack.team}:U0DANA",
        "SLACK_BOT_TOKEN": slack.token,
        **({"SLACK_APP_TOKEN": slack.app_token} if slack.app_token else {"SLACK_SIGNING_SECRET": slack.secret}),
        "SLACK_API_URL": slack.api_url,
    } | settings


class Serve:
    """One `serve` at a time, on the same addresses and the same store; `root` is the checkout it is run from."""

    def __init__(self, clock: Path, settings: Mapping[str, str], root: Path = ROOT) -> None:
        self.public, self.ops = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
        self.clock, self.settings, self.root = clock, settings, root
        kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME"}}
        binds = {"PEERSUPPORT_BIND": self.public, "PEERSUPPORT_OPS_BIND": self.ops}
        self.environ = kept | {"PYTHONPATH": str(root), **binds} | dict(settings)
        self.said = b""  # everything it wrote to stdout or stderr
        self.pid = 0
        self.starts = 0
        self._listening: asyncio.Future[None] | None = None
        self._warm: Any = None  # a process that has loaded everything, and forks each of ours

    async def warm_up(self) -> None:
        """Load what every start needs; nothing is served yet."""
        if self.root == ROOT and loaded.may_be_forked(self.environ):
            self._warm = await loaded.forked(self.clock, self.environ)
            return
        out: Any = asyncio.subprocess.PIPE
        scripts = (self.root / "tests" / folder / "serve_with_a_clock.py" for folder in ("stories", "."))
        script = str(next(path for path in scripts if path.exists()))  # 0.2.0 and before have it in tests/
        self._warm = await asyncio.create_subprocess_exec(
            sys.executable, script, str(self.clock), env=self.environ, stdin=out, stdout=out, stderr=out, cwd=self.root
        )

    async def start(self) -> None:
        """Return when it serves."""
        assert await self.begin(), self.said.decode()

    async def begin(self) -> bool:
        """Whether it came to serve; else it has ended by itself."""
        self._warm.stdin.write(json.dumps(self.environ).encode() + b"\n")
        async with asyncio.timeout(PATIENCE):
            if not (forked := await self._warm.stdout.readline()):
                await self._hear()  # it could not even be loaded, and says why
                return False
            self.pid = int(forked)
            self.starts += 1
            self._ended = asyncio.ensure_future(self._warm.stdout.readline())
            before = len(self.said)
            while b'"serving"' not in self.said[before:]:
                more = asyncio.ensure_future(self._hear())
                await asyncio.wait({more, self._ended}, return_when=asyncio.FIRST_COMPLETED)
                if self._ended.done():
                    more.cancel()
                    return False
        self._listening = asyncio.ensure_future(self._listen())
        return True

    async def _hear(self) -> bool:
        """Whether there was something to hear, and may be more."""
        heard = await self._warm.stderr.read(65536)
        self.said += heard
        return bool(heard)

    async def _listen(self) -> None:
        while await self._hear():
            pass

    async def kill(self) -> None:
        """As a power cut would, for this process."""
        os.kill(self.pid, signal.SIGKILL)
        assert await self.ended() == -signal.SIGKILL

    async def end(self, within: float = PATIENCE) -> int:
        """As an operator would; its exit code."""
        os.kill(self.pid, signal.SIGTERM)
        return await self.ended(within)

    async def ended(self, within: float = PATIENCE) -> int:
        """Wait until it is over; its exit code."""
        async with asyncio.timeout(within):
            code = int(await self._ended)
        if self._listening is not None:
            self._listening.cancel()
        self.pid = 0
        return code

    async def close(self) -> None:
        """Leave no process behind; read what was still to be said."""
        if self.pid and not self._ended.done():
            os.kill(self.pid, signal.SIGKILL)
            await self.ended()
        self._warm.stdin.close()
        await self._warm.wait()
        self.said += await self._warm.stderr.read()


@dataclass(kw_only=True)
class Hospital:
    """Its Slack, its people, its clock, and where our programme keeps what it keeps."""

    slack: SlackServer
    teams: TeamsServer
    time: Time
    folder: Path
    _expected: dict[str, tuple[str, ...]] = field(default_factory=dict)

    async def reads(self, screens: Screens) -> None:
        """Wait until everybody's chat shows these cards and no others; who is not named reads what they read before."""
        self._expected |= screens
        try:
            await self.until(lambda: not self.differs())
        except TimeoutError:
            raise AssertionError(self.differs()) from None

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait for what the bot does next on either platform, until this holds."""
        waits = [asyncio.ensure_future(chats.until(condition, PATIENCE)) for chats in (self.slack, self.teams)]
        _, others = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in others:
            wait.cancel()
        failed = [found for found in await asyncio.gather(*waits, return_exceptions=True) if found is not None]
        if len(failed) == len(waits):
            raise TimeoutError

    def at(self, user: str) -> SlackServer | TeamsServer:
        """Where somebody chats."""
        return self.teams if user in self.teams.people else self.slack

    def differs(self) -> dict[str, list[str]]:
        """Whose chat shows something else, and what."""
        found = {user: [card.text for card in self.at(user).reads(user)] for user in self._expected}
        return {user: texts for user, texts in found.items() if not _alike(texts, self._expected[user])}

    def person(self, user: str) -> Person:
        if user in self.teams.people:
            return Person("teams", self.teams.tenant, self.teams.aad(user))
        return Person("slack", self.slack.team, user)


@dataclass(kw_only=True)
class Story(Hospital):
    """With our programme in a process of its own."""

    serve: Serve
    database: str = ""  # where it is PostgreSQL that keeps it

    def kept(self) -> Kept:
        """What is kept now."""
        return kept_in_tables(self.database, ring_of(self.folder)) if self.database else kept_in(self.folder)

    async def keeps(self, condition: Callable[[Kept], object]) -> Kept:
        """Wait until what is kept is like this."""
        found: list[Kept] = []

        def holds() -> object:
            found[:] = [self.kept()]
            return condition(found[0])

        await self.turns(holds)
        return found[0]

    async def turns(self, condition: Callable[[], object]) -> None:
        """Wait until this holds, where neither Slack nor a person would notice."""
        async with asyncio.timeout(PATIENCE), aiohttp.ClientSession() as session:
            while not condition():
                await (await session.get(f"http://{self.serve.ops}/livez")).read()  # it is given a turn

    async def is_ready(self) -> tuple[int, str]:
        return await probe(f"http://{self.serve.ops}")


@dataclass(kw_only=True)
class Home(Hospital):
    """With our programme in this process."""

    engine: Engine
    sampler: HealthSampler
    rotation: KeyRotation
    ops: str

    def revisions(self) -> dict[str, int]:
        """Which records there are, and how often each was written: any effect shows here.

        What is counted once a week is no effect of what a test does.
        """
        kept: Any = self.engine.services.store
        while not isinstance(kept, EmbeddedStore):  # one around it
            kept = kept.inner
        return {id_: stored["revision"] for id_, stored in kept._documents.items() if id_ != NUMBERS}

    async def settles(self) -> None:
        """Wait until nothing is left that the next tick would write: key rotation, what is due, and what is owed."""
        async with self.rotation._running:
            pass
        await self.rotation.run()
        while (due := await self.engine.next_wake()) is not None and due <= self.engine.services.now():
            await self.engine.wake()
        await self.engine.idle()

    async def kinds(self, kind: str) -> int:
        return len(await self.engine.services.store.all_of_kind(kind))

    async def is_ready(self) -> tuple[int, str]:
        return await probe(self.ops)

    def keeps_in(self, store: Any) -> None:
        """Read and write everything from here on through another store: one that fails, around the real one."""
        services = self.engine.services
        repository = ConversationRepository(store, services.vault, services.now)
        self.engine.services = self.engine.delivery.services = replace(services, store=store, repository=repository)


async def probe(ops: str, query: str = "") -> tuple[int, str]:
    """What the operator's probe says."""
    async with aiohttp.ClientSession() as session, session.get(f"{ops}/readyz?{query}") as answer:
        return answer.status, await answer.text()


def _alike(texts: list[str], beginnings: tuple[Beginning, ...]) -> bool:
    return len(texts) == len(beginnings) and all(map(str.startswith, texts, beginnings))


EVERYBODY = ("U0ANA", "U0BO", "U0CY", "U0DANA")


@asynccontextmanager
async def hospital(
    tmp_path: Path, people: tuple[str, ...], on_teams: Container[str], stand_in: Any
) -> AsyncIterator[tuple[SlackServer, TeamsServer, Time]]:
    time = Time(tmp_path / "clock")
    async with SlackServer(now=time.now, **(stand_in or {})) as slack, TeamsServer(now=time.now) as teams:
        for user in people or EVERYBODY:
            (teams if user in on_teams else slack).joins(user, name=user.removeprefix("U0").title())
        yield slack, teams, time
    assert slack.mistakes + slack.lines.mistakes == []
    assert teams.mistakes == []


def surroundings(slack: SlackServer, teams: TeamsServer, folder: Path, **settings: str) -> dict[str, str]:
    """What an operator would set: only the platforms that somebody is on."""
    found = environment(slack, folder)
    if teams.people:
        found |= teams.settings()
    if not slack.people:
        found = {name: value for name, value in found.items() if not name.startswith("SLACK_")}
    if "U0DANA" in teams.people:
        found["PEERSUPPORT_COORDINATORS"] = f"teams:{teams.tenant}:{teams.aad('U0DANA')}"
    return found | settings


@asynccontextmanager
async def story(
    tmp_path: Path,
    *people: str,
    on_teams: Container[str] = (),
    stand_in: Any = None,
    database: str = "",
    **settings: str,
) -> AsyncIterator[Story]:
    """Everybody is there, and the programme serves. In the end nothing of it is left running."""
    folder = tmp_path / "data"
    settings |= {"PEERSUPPORT_STORE": database, "PEERSUPPORT_KEY_RING": str(ring_of(folder))} if database else {}
    async with hospital(tmp_path, people, on_teams, stand_in) as (slack, teams, time):
        serve = Serve(time.path, surroundings(slack, teams, folder, **settings))
        slack.app_url = f"http://{serve.public}/slack/events"
        teams.app_url = f"http://{serve.public}/api/messages"
        await serve.warm_up()
        try:
            await serve.start()
            yield Story(slack=slack, teams=teams, serve=serve, time=time, folder=folder, database=database)
        finally:
            await serve.close()


async def no_wait(_: float) -> None:
    """Waits are asked for, and take no time."""


TICK = timedelta(milliseconds=100)


@asynccontextmanager
async def at_home(
    tmp_path: Path,
    *people: str,
    on_teams: Container[str] = (),
    stand_in: Any = None,
    tick: timedelta = TICK,
    clock_steps: Callable[[], ClockSteps] = ClockSteps,
    **settings: str,
) -> AsyncIterator[Home]:
    """The programme in this process, built as `serve` builds it."""
    folder = tmp_path / "data"
    async with hospital(tmp_path, people, on_teams, stand_in) as (slack, teams, time):
        binds = {"PEERSUPPORT_BIND": "127.0.0.1:0", "PEERSUPPORT_OPS_BIND": "127.0.0.1:0"}
        effective = config.load_to_serve(surroundings(slack, teams, folder, **binds, **settings), tmp_path)
        limiter = partial(RateLimiter, patience=float("inf"), sleep=no_wait, now=lambda: time.now().timestamp())
        world = ServerOptions(time.now, tick, limiter, patience=PATIENCE, clock_steps=clock_steps)
        async with running_server(effective, world) as programme:
            slack.app_url = programme.public_url + "/slack/events"
            teams.app_url = programme.public_url + "/api/messages"
            home = Home(
                slack=slack,
                teams=teams,
                time=time,
                folder=folder,
                engine=programme.engine,
                sampler=programme.monitoring.sampler,
                rotation=programme.rotation,
                ops=programme.ops_url,
            )
            await home.settles()  # the first day's key is no effect of what a test does
            yield home


# ---------------------------------------------------------------- what is on the disk


@dataclass(frozen=True)
class Kept:
    """What a data folder holds, opened with the root key and the ring.

    Args:
        files: All of them, one behind the other.
        history: Everything that can still be decrypted, also what was replaced since.
        all: Every record.
        vault: Opens them.
    """

    files: bytes
    history: bytes
    all: Mapping[str, Record]
    vault: Vault = field(repr=False)

    @property
    def records(self) -> dict[str, Record]:
        """The records that are about somebody, or a conversation."""
        return {id_: kept for id_, kept in self.all.items() if kept.kind not in OF_THE_HOUSE}

    def kinds(self) -> dict[str, int]:
        found = [kept.kind for kept in self.records.values()]
        return {kind: found.count(kind) for kind in sorted(set(found))}

    def plain(self) -> bytes:
        """Every record as it was before it was sealed."""
        return b"\n".join(
            self.vault.open(kept.kind, kept.id, kept.shape, kept.sealed) for kept in self.all.values() if kept.sealed
        )

    def owed(self) -> int:
        """How many messages are not delivered yet."""
        opened = (decode(kept, self.vault) for kept in self.records.values() if kept.kind in ENTRIES)
        return sum(len(saved.outbox.deliveries) for saved in opened)


def ring_of(folder: Path) -> Path:
    """Where the ring of this data folder is."""
    return folder / "ring"


def vault_with(ring: Path) -> Vault:
    """The vault as whoever has the root, and this ring where there is one, could make it."""
    return Vault(KEY, KeyRing.open(ring, (KEY,))) if ring.is_dir() else VAULT


def kept_in_tables(database: str, ring: Path) -> Kept:
    """Look into PostgreSQL at one moment, beside whoever serves from it: what anybody with its password can read."""
    with psycopg.connect(database) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        rows = connection.cursor(binary=True).execute("SELECT id FROM records").fetchall()
        found = [
            sql.to_record(row)
            for row in connection.cursor(binary=True).execute(sql.LOAD_ALL.encode(), {"ids": [i for (i,) in rows]})
        ]
        files = b""
        for table in ("records", "record_keys"):
            with connection.cursor().copy(f"COPY {table} TO STDOUT".encode()) as lines:
                files += b"".join(bytes(line) for line in lines)
    sealed = b"\n".join(kept.sealed for kept in found)
    return Kept(files + sealed, files + sealed, {kept.id: kept for kept in found}, vault_with(ring))


def kept_in(folder: Path) -> Kept:
    """Look into a copy, with the key; the store may be in use."""
    history: list[bytes] = []
    documents: dict[str, Document] = {}

    def take(_: bytes, plain: bytes) -> None:
        history.append(plain)
        for id_, stored in decode_changes(plain):
            if stored is None:
                documents.pop(id_, None)
            else:
                documents[id_] = stored

    files = b""
    with tempfile.TemporaryDirectory() as place:
        copy = Path(place) / "copy"
        for path in sorted(each for each in folder.iterdir() if each.is_file()):
            with suppress(FileNotFoundError):  # a compaction has just ended
                found = path.read_bytes()
                files += found
                if path.name == "store.peersupport":
                    copy.write_bytes(found)
        vault = vault_with(ring_of(folder))
        recover_journal(FileSystem(), copy, vault, take).close()
    records = {id_: to_record(id_, stored) for id_, stored in documents.items()}
    return Kept(files, b"\n".join(history), records, vault)
