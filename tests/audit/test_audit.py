"""What coordinators and operators did stands in one chain; whatever is done to the chain is found."""

from __future__ import annotations

import asyncio
import base64
import csv
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from adapters.fakes.slack.server import SlackCard, SlackServer
from bot.audit.chain import (
    ENTRY,
    HEAD,
    AuditEntry,
    CheckedChain,
    appended,
    by_coordinator,
    check_chain,
)
from bot.audit.export import COLUMNS, to_csv, to_jsonl
from bot.config.parsers import Postgres
from bot.crypto.vault import Vault
from bot.errors import StaleRevision
from bot.playground.chat_script import ChatScript
from bot.playground.simulator import KEY, Simulator
from bot.store.base import Deletion, Record, Store
from bot.store.factory import open_without_lock
from bot.store.snapshot import open_snapshot
from conversations.model import Person
from conversations.peers.acts import AUDITED, Act, CoordinatorAct
from conversations.registry import ENTRIES
from conversations.vocabulary import Kind
from tests.engine.two_replicas import OnPostgres
from tests.running.warm_cli import warm_cli
from tests.stories.serve import KEY as STORY_KEY
from tests.stories.serve import Story, at_home, ring_of, story, vault_with

VAULT = Vault(KEY)
DAY = date(2026, 3, 2)
DANA, EVE = Person("slack", "T1", "U0DANA"), Person("slack", "T1", "U0EVE")
SCENARIOS = Path(__file__).parents[1] / "scenarios"

Where = Path | Postgres


@pytest.fixture(params=["tinydb", "postgresql"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> Where:
    """An empty store of either kind."""
    return tmp_path / "store" if request.param == "tinydb" else Postgres(request.getfixturevalue("new_database"))


def records_in(where: Where, vault: Vault = VAULT) -> list[Record]:
    """Every record of a store, as a command reads them beside a running `serve`."""
    with open_snapshot(where, vault) as found:
        return [record for batch in found.batches for record in batch]


async def appends(store: Store, act: Act, by: Person = DANA, count: int = 0) -> None:
    """Append one entry, as the engine does: again from the beginning where another writer was first."""
    while True:
        with suppress(StaleRevision):
            return await store.save(*await appended(store, VAULT, DAY, by_coordinator(CoordinatorAct(act, by, count))))


FIVE = (Act.APPROVED, Act.DECLINED, Act.REMOVED, Act.ENROLLED, Act.TALK_FIRST)


async def five_entries(where: Where) -> list[Record]:
    """A store whose log has these five entries."""
    async with open_without_lock(where, VAULT) as store:
        for act in FIVE:
            await appends(store, act)
    return records_in(where)


def acts(chain: CheckedChain) -> list[str]:
    """What was done, in order."""
    return [entry.act for entry, _ in chain.entries]


# ---------------------------------------------------------------- what is done to the chain is found


async def test_a_chain_that_nobody_touched_is_whole(where):
    assert check_chain([], VAULT) == CheckedChain()
    chain = check_chain(await five_entries(where), VAULT)
    assert (acts(chain), chain.broken) == (list(FIVE), None)
    first, hmac = chain.entries[0]
    assert (first.sequence, first.day, first.actor, first.count) == (1, DAY, "slack:T1:U0DANA", 0)
    assert len(hmac) == 64


def _id(number: int) -> str:
    return f"audit-{number:010}"


Entries = dict[str, Record]


def _plain(found: Entries, number: int, place: str = "") -> dict[str, str]:
    record = found[place or _id(number)]
    opened: dict[str, str] = json.loads(VAULT.open(record.kind, record.id, record.shape, record.sealed))
    return opened


def _seal(found: Entries, id: str, content: object) -> None:
    """What only somebody can do who holds every key of the vault but follows no rule of ours."""
    like = found.get(id) or replace(found[_id(1)], id=id)
    sealed = VAULT.seal(like.kind, id, like.shape, json.dumps(content).encode())
    found[id] = replace(like, sealed=sealed)


def changed_bytes(found: Entries) -> None:
    sealed = bytearray(found[_id(3)].sealed)
    sealed[-1] ^= 1
    found[_id(3)] = replace(found[_id(3)], sealed=bytes(sealed))


def changed_content(found: Entries) -> None:
    plain = _plain(found, 3)
    _seal(found, _id(3), plain | {"content": plain["content"].replace("U0DANA", "U0EVE")})


def changed_hmac(found: Entries) -> None:
    _seal(found, _id(3), _plain(found, 3) | {"hmac": "0" * 64})


def made_anew(found: Entries) -> None:
    """The entry and its HMAC, but not those behind it."""
    content = _plain(found, 2)["content"].replace("U0DANA", "U0EVE")
    _seal(found, _id(2), {"content": content, "hmac": VAULT.audit_hmac(_plain(found, 1)["hmac"], content)})


def removed(found: Entries) -> None:
    del found[_id(3)]


def removed_and_moved_up(found: Entries) -> None:
    for number in (3, 4):
        _seal(found, _id(number), _plain(found, number + 1))
    del found[_id(5)]


def reordered_bytes(found: Entries) -> None:
    three, four = found[_id(3)], found[_id(4)]
    found[_id(3)], found[_id(4)] = replace(three, sealed=four.sealed), replace(four, sealed=three.sealed)


def reordered_content(found: Entries) -> None:
    three, four = _plain(found, 3), _plain(found, 4)
    _seal(found, _id(3), four)
    _seal(found, _id(4), three)


def inserted_behind(found: Entries) -> None:
    _seal(found, _id(6), _plain(found, 5))


def inserted_far_behind(found: Entries) -> None:
    _seal(found, _id(9_999_999_999), _plain(found, 5))


def inserted_elsewhere(found: Entries) -> None:
    _seal(found, "audit-3", _plain(found, 3))


def truncated(found: Entries) -> None:
    del found[_id(5)]


def emptied(found: Entries) -> None:
    for number in range(1, 6):
        del found[_id(number)]


def without_its_head(found: Entries) -> None:
    del found[HEAD]


def with_a_damaged_head(found: Entries) -> None:
    found[HEAD] = replace(found[HEAD], sealed=found[HEAD].sealed[:-1] + b"\0")


def with_an_older_head(found: Entries) -> None:
    _seal(found, HEAD, {"count": 4, "hmac": _plain(found, 4)["hmac"]})


def with_a_head_of_another_chain(found: Entries) -> None:
    _seal(found, HEAD, {"count": 5, "hmac": "0" * 64})


TAMPERED: Mapping[Callable[[Entries], None], int] = {
    changed_bytes: 3,
    changed_content: 3,
    changed_hmac: 3,
    made_anew: 3,
    removed: 3,
    removed_and_moved_up: 3,
    reordered_bytes: 3,
    reordered_content: 3,
    inserted_behind: 6,
    inserted_far_behind: 6,
    inserted_elsewhere: 6,
    truncated: 5,
    emptied: 1,
    without_its_head: 6,
    with_a_damaged_head: 6,
    with_an_older_head: 5,
    with_a_head_of_another_chain: 6,
}


async def test_whatever_is_done_to_it_is_found_and_the_first_entry_is_named(where):
    written = {record.id: record for record in await five_entries(where)}
    for tamper, first in TAMPERED.items():
        found = dict(written)
        tamper(found)
        assert found != written
        assert check_chain(found.values(), VAULT).broken == first, tamper.__name__


async def test_another_programmes_chain_does_not_check(where):
    chain = check_chain(await five_entries(where), Vault(bytes(range(32))))
    assert (chain.entries, chain.broken) == ((), 1)


@pytest.mark.parametrize("damage", [without_its_head, with_a_damaged_head])
async def test_without_its_head_the_log_goes_on_and_the_break_is_named_for_ever(where, damage):
    found = {record.id: record for record in await five_entries(where)}
    damage(found)
    async with open_without_lock(where, VAULT) as store:
        head = await store.load(HEAD)
        assert head
        await store.save(replace(found[HEAD], revision=head.revision) if HEAD in found else Deletion(HEAD, 5))
        for act in (Act.INVITED, Act.APPROVED):
            await appends(store, act)
    chain = check_chain(records_in(where), VAULT)
    assert (acts(chain), chain.broken) == ([*FIVE, Act.INVITED, Act.APPROVED], 6)


# ---------------------------------------------------------------- several at once


async def test_whoever_writes_at_the_same_time_stands_in_the_chain_too(where):
    async with open_without_lock(where, VAULT) as store:
        await asyncio.gather(*(appends(store, Act.APPROVED, who) for who in (DANA, EVE) * 5))
    chain = check_chain(records_in(where), VAULT)
    assert chain.broken is None
    assert sorted(entry.actor for entry, _ in chain.entries) == ["slack:T1:U0DANA"] * 5 + ["slack:T1:U0EVE"] * 5


async def test_two_who_press_at_once_both_stand_in_the_chain(tmp_path, where):
    database = where.url if isinstance(where, Postgres) else ""
    both = "slack:T0HOSPITAL:U0DANA,slack:T0HOSPITAL:U0EVE"
    settings = {"PEERSUPPORT_COORDINATORS": both}
    async with story(tmp_path, "U0BO", "U0CY", "U0DANA", "U0EVE", database=database, **settings) as s:
        for who in ("U0BO", "U0CY"):
            await offers_to_be_a_peer(s.slack, who)
        for who in ("U0DANA", "U0EVE"):
            await is_asked(s.slack, who, 2)
        cards = {"U0DANA": s.slack.reads("U0DANA")[0], "U0EVE": s.slack.reads("U0EVE")[1]}
        assert cards["U0DANA"].text != cards["U0EVE"].text  # each about another colleague
        await asyncio.gather(*(s.slack.presses(who, "Talk first", card=card) for who, card in cards.items()))
        found = await asyncio.to_thread(export, s, tmp_path)
    assert [row["act"] for row in found] == [Act.TALK_FIRST] * 2
    assert {row["actor"] for row in found} == set(both.split(","))


STEPS = {"Thank you for offering": "Next", "I promise": "I promise"}


async def offers_to_be_a_peer(slack: SlackServer, who: str) -> None:
    """Somebody offers to be a peer, and a coordinator is asked."""
    await slack.types(who, "peer")
    for beginning, label in STEPS.items():
        await slack.until(partial(reads, slack, who, beginning))
        await slack.presses(who, label)


async def is_asked(slack: SlackServer, who: str, cards: int = 1) -> None:
    """Wait until a coordinator was asked about so many, and show each of these cards."""

    def open_cards() -> list[SlackCard]:
        return [card for card in slack.reads(who) if {"Show", "Talk first"} & set(card.buttons)]

    await slack.until(lambda: len(open_cards()) == cards)
    for card in open_cards():
        if "Show" in card.buttons:
            await slack.presses(who, "Show", card=card)
    await slack.until(lambda: all("Talk first" in card.buttons for card in open_cards()))


def reads(slack: SlackServer, who: str, beginning: str) -> bool:
    """Whether a card that begins like this stands in their chat."""
    return any(card.text.startswith(beginning) for card in slack.reads(who))


# ---------------------------------------------------------------- which acts, and of whom


@asynccontextmanager
async def simulated(where: Where, tmp_path: Path) -> AsyncIterator[Simulator]:
    """The programme of the dialogues on a store of either kind."""
    yield OnPostgres(tmp_path, where.url) if isinstance(where, Postgres) else Simulator(tmp_path)


async def plays(where: Where, tmp_path: Path, lines: Sequence[str]) -> tuple[Simulator, list[Record]]:
    """Play a dialogue, and return every record that is kept at its end."""
    async with simulated(where, tmp_path) as simulator:
        await ChatScript(simulator).play(enumerate(lines, 1), lambda _: None)
        return simulator, records_in(where)


def scenario(name: str) -> list[str]:
    """The lines of one of our dialogues."""
    return (SCENARIOS / f"{name}.chat").read_text("utf-8").splitlines()


NOTED = {
    "a-coordinator-helps": [("Eve", Act.TOOK_IT, 0)],
    "a-coordinator-who-walks-asks": [("Dana", Act.TOOK_IT, 0)],
    "a-peer-is-removed": [("Dana", Act.REMOVED, 0)],
    "invited-from-a-list": [("Dana", Act.ENROLLED, 3)],
    "named-by-a-colleague": [("Dana", Act.NOT_INVITED, 0), ("Dana", Act.INVITED, 0)],
}


@pytest.mark.parametrize("name", NOTED)
async def test_each_act_of_a_coordinator_is_noted_once_and_nobody_else_is_named(where, tmp_path, name):
    simulator, records = await plays(where, tmp_path, scenario(name))
    chain = check_chain(records, VAULT)
    assert chain.broken is None
    assert [(entry.actor.split(":")[-1], entry.act, entry.count) for entry, _ in chain.entries] == NOTED[name]
    others = set(simulator.people) - {who for who, *_ in NOTED[name]}
    requests = {record.id for record in records if record.kind in ENTRIES} | {f"{n:032x}" for n in range(2000)}
    for record in records:
        if record.kind in (ENTRY, HEAD):
            said = VAULT.open(record.kind, record.id, record.shape, record.sealed).decode() + record.id
            content = json.loads(said.removesuffix(record.id)).get("content", "")
            assert not [who for who in others if who in content]
            assert not [id_ for id_ in requests if id_ in said]
            assert (record.due, record.keys) == (None, {})


async def test_what_coordinators_ask_for_themselves_is_never_noted(where, tmp_path):
    lines = """
        Given coordinators Dana, Eve
        Given peer Bo
        Dana  types    /peersupport
        Dana  reads    If you can't stay safe, call or text 988 now. …
        Dana  presses  [Talk to someone soon]
        Dana  reads    We can ask trained colleagues now. … [Ask now] [Choose more] [Change my mind]
        Dana  presses  [Ask now]
        Dana  sees     Thank you for asking. …
        Bo    reads    A colleague would like to talk. … [Yes, I can] [Not this time] [I can't today]
        Bo    presses  [Yes, I can]
        Bo    sees     …
        Dana  reads    A trained peer can talk with you: … [Share my name and connect] …
        Dana  presses  [Share my name and connect]
        Dana  reads    …
        Bo    reads    Dana would like to talk with you. …
        Bo    reads    Listen first. …
        Dana  types    queue
        Dana  reads    …
        Dana  types    peers
        Dana  reads    …
        Dana  types    nominate
        Dana  reads    …
        Dana  picks    Cy
        Dana  presses  [Name them]
        Dana  sees     …
        Dana  reads    A colleague named Cy …
        Eve   reads    A colleague named Cy …
        Dana  types    remove
        Dana  reads    …
        Dana  presses  [Remove]
        Dana  reads    Pick someone first. …
        Dana  presses  [Not now]
    """
    _, records = await plays(where, tmp_path, [line.strip() for line in lines.splitlines()])
    assert check_chain(records, VAULT) == CheckedChain()


def test_every_audited_choice_is_one_that_a_flow_answers():
    for kind, choice in AUDITED:
        assert ENTRIES[kind].flow.knows_choice(choice), (kind, choice)
    assert sorted(AUDITED.values()) == sorted(Act)


class Watching:
    """A store around another, which remembers what each write held."""

    def __init__(self, inner: Store) -> None:
        self.inner = inner
        self.writes: list[set[str]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    async def save(self, *changes: Record | Deletion) -> None:
        self.writes.append({change.kind for change in changes if isinstance(change, Record)})
        await self.inner.save(*changes)


async def test_an_entry_is_in_the_very_write_that_does_what_it_tells_of(tmp_path):
    async with at_home(tmp_path, "U0BO", "U0DANA") as home:
        watching = Watching(home.engine.services.store)
        home.keeps_in(watching)
        await offers_to_be_a_peer(home.slack, "U0BO")
        await is_asked(home.slack, "U0DANA")
        assert not any(ENTRY in kinds for kinds in watching.writes)
        await home.slack.presses("U0DANA", "Decline")
        assert [kinds & {Kind.PEER, ENTRY, HEAD} for kinds in watching.writes if ENTRY in kinds] == [
            {Kind.PEER, ENTRY, HEAD}
        ]


# ---------------------------------------------------------------- the command


async def test_the_log_is_verified_beside_a_running_programme_and_a_missing_entry_is_named(tmp_path, where):
    database = where.url if isinstance(where, Postgres) else ""
    async with story(tmp_path, "U0BO", "U0CY", "U0DANA", database=database) as s:
        verified = partial(asyncio.to_thread, warm_cli().run, tmp_path, "audit", "verify", **s.serve.settings)
        ran = await verified()
        assert (ran.returncode, ran.stdout, ran.stderr) == (0, "0 entries, unbroken.\n", "")
        for who in ("U0BO", "U0CY"):
            await offers_to_be_a_peer(s.slack, who)
            await is_asked(s.slack, "U0DANA")
            await s.slack.presses("U0DANA", "Decline")
        ran = await verified()
        assert (ran.returncode, ran.stdout) == (0, "2 entries, unbroken.\n")
        found = await asyncio.to_thread(export, s, tmp_path)
        assert [(row["sequence"], row["act"], row["actor"]) for row in found] == [
            ("1", Act.DECLINED, "slack:T0HOSPITAL:U0DANA"),
            ("2", Act.DECLINED, "slack:T0HOSPITAL:U0DANA"),
        ]
        lines = await asyncio.to_thread(
            warm_cli().run, tmp_path, "audit", "export", "--format", "jsonl", **s.serve.settings
        )
        assert [json.loads(line)["hmac"] for line in lines.stdout.splitlines()] == [row["hmac"] for row in found]
        assert not {"U0BO", "U0CY"} & set(lines.stdout.replace('"', ":").split(":"))
        await s.serve.end()
        place = where if isinstance(where, Postgres) else s.folder
        async with open_without_lock(place, vault_with(ring_of(s.folder))) as store:
            first = await store.load(_id(1))
            assert first
            await store.save(Deletion(first.id, first.revision))
        ran = await verified()
        assert (ran.returncode, ran.stderr) == (1, "")
        assert ran.stdout.startswith("The log is broken at entry 1: ")
        told = await asyncio.to_thread(warm_cli().run, tmp_path, "audit", "export", **s.serve.settings)
        assert (told.returncode, len(told.stdout.splitlines())) == (1, 2)
        assert told.stderr.startswith("The log is broken at entry 1: ")


def test_without_a_store_the_command_is_refused_in_a_sentence(tmp_path):
    ran = warm_cli().run(tmp_path, "audit", "verify", PEERSUPPORT_ROOT_KEY=base64.b64encode(STORY_KEY).decode())
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "PEERSUPPORT_STORE" in ran.stderr
    assert list(tmp_path.iterdir()) == []


def export(s: Story, folder: Path, *words: str) -> list[dict[str, str]]:
    """What the command exports beside the running programme."""
    ran = warm_cli().run(folder, "audit", "export", *words, **s.serve.settings)
    assert (ran.returncode, ran.stderr) == (0, "")
    return list(csv.DictReader(ran.stdout.splitlines()))


def test_an_export_says_each_entry_in_either_format():
    entry = AuditEntry(1, DAY, "approved-a-peer", "slack:T1:U0DANA")
    chain = CheckedChain(((entry, "ab"),))
    assert to_csv(chain).splitlines() == [",".join(COLUMNS), "1,2026-03-02,approved-a-peer,slack:T1:U0DANA,0,ab"]
    (line,) = to_jsonl(chain).splitlines()
    assert json.loads(line) == {
        "sequence": 1,
        "day": "2026-03-02",
        "act": "approved-a-peer",
        "actor": "slack:T1:U0DANA",
        "count": 0,
        "hmac": "ab",
    }
