"""Records of every released version are read, and their stories go on to the end."""

from __future__ import annotations

import itertools
import json
import tomllib
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from structlog.testing import capture_logs

from adapters.base import Card
from bot.crypto.durable_file import FileSystem
from bot.engine.codec import decode, json_of
from bot.playground.simulator import Simulator
from conversations.flow import FORGOTTEN
from conversations.model import OnCall
from conversations.peers.enrolment import YEAR
from conversations.peers.record import READY
from conversations.registry import ENTRIES
from tests.golden.__main__ import FOLDER, VAULT, Moment, reopened
from tests.running.examples import every_nth

RELEASES = [each["version"] for each in tomllib.loads((FOLDER / "releases.toml").read_text("utf-8"))["release"]]
SETS = sorted((path.stem for path in FOLDER.glob("*.jsonl")), key=lambda name: tuple(map(int, name.split("."))))
ASKING_ONCE_A_DAY = {"PEERSUPPORT_WAVE_STEPS": "soon=24h,other=24h"}  # weeks of it, every ten minutes, show no more
LONG = timedelta(days=75)  # the check-in after thirty days, then a week, then another
NEW_SET = (
    "A record is not written as the newest golden set ({newest}) has it. Older versions serve beside this one, so read "
    "docs/decisions/side-by-side.md on what one release may change; then write the set of the coming version with "
    "`python -m tests.golden VERSION`, and commit it."
)


def moments(version: str) -> list[Moment]:
    return [json.loads(line) for line in (FOLDER / f"{version}.jsonl").read_text("utf-8").splitlines()]


ALL = [
    pytest.param(moment, id=f"{version}-{moment['scenario']}-{number}")
    for version in SETS
    for number, moment in enumerate(moments(version))
]
every_moment = pytest.mark.parametrize("moment", ALL)
some_moments = pytest.mark.parametrize("moment", ALL[:: every_nth(4)])  # all of them in `make test-all`
SET = {"newest": SETS[-1]}


@pytest.fixture(autouse=True)
def no_disk_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """What survives a power cut is tested elsewhere; here are thousands of writes."""
    monkeypatch.setattr(FileSystem, "sync", lambda *_: None)
    monkeypatch.setattr(FileSystem, "sync_folder", lambda *_: None)


class Again(Simulator):
    """The simulation as some version left it at that moment."""

    def __init__(self, folder: Path, moment: Moment) -> None:
        super().__init__(folder)
        self.now = datetime.fromisoformat(moment["now"])
        self.environment = moment["environment"] | ASKING_ONCE_A_DAY
        self.people = {name: self.chats[platform].person(name) for name, platform in moment["people"].items()}
        if moment["coordinators"]:
            self.roles["coordinators"] = tuple(self.person(name) for name in moment["coordinators"])
        if moment["on_call"]:
            name = moment["on_call"]
            self.roles["on_call"] = OnCall(name, "555 0100", "day and night", self.person(name))
        self._ids = itertools.count(10**9)
        for chat in self._adapters.values():
            chat._numbers = itertools.count(10**6)
        self.moment = moment

    async def go_on(self) -> None:
        """What was shown stands on the screens again; what was owed is delivered."""
        await self.open()
        services = self.engine.services
        await services.store.save(*map(reopened, self.moment["records"]))
        for record in self.moment["records"]:
            saved = await services.repository.load(record["id"])
            assert saved is not None
            for slot in saved.outbox.slots:
                if slot.ref:
                    _, reader = await services.reader(saved, slot.to)
                    key = services.slot_key(slot)
                    card = await services.card(
                        slot.content, record["id"], key, slot.generation, services.new_id(), reader
                    )
                    screens = self._adapters[slot.to.platform].screens
                    screens.put(slot.to.id, "card", slot.to.platform, card, slot.ref)
        await self.engine.resume()
        await self.settle()

    def standing(self) -> Iterator[tuple[str, str, Card]]:
        """Who may press what."""
        for name in self.people:
            for card in self.chat(name).cards(self.person(name)):
                yield from ((name, button.token, card) for button in card.buttons if button.token[0] != "=")

    async def ends(self) -> None:
        """Everybody is let go of, and who was a peer is one, or has gone."""
        await self.wait(self.now + LONG)
        store = self.engine.services.store
        if await store.all_of_kind("doorstep"):  # of someone who named a colleague: how often is counted for a year
            await self.wait(self.now + YEAR)
        for kind in ("support", "doorstep"):
            assert await store.all_of_kind(kind) == (), kind
        assert {record.stage for record in await store.all_of_kind("volunteering")} <= {READY}
        await self.stop()


@every_moment
def test_every_record_opens_as_it_was_written(moment: Moment):
    """The box, too: what the vault of that version sealed."""
    for written in moment["records"]:
        record = reopened(written)
        plain = VAULT.open(record.kind, record.id, record.shape, record.sealed)
        assert orjson.loads(plain) == written["body"]
        saved = decode(record, VAULT)
        assert (saved.conversation.id, saved.conversation.stage) == (record.id, record.stage)
        assert saved.unknown is None


@some_moments
async def test_it_goes_on_to_the_end_by_itself(moment: Moment, tmp_path: Path):
    simulator = Again(tmp_path, moment)
    with capture_logs() as said:
        await simulator.go_on()
        await simulator.ends()
    assert [line for line in said if line["log_level"] in ("error", "critical")] == []


@some_moments
async def test_every_button_that_stands_there_is_still_answered(moment: Moment, tmp_path: Path):
    """One after the other, whoever holds it; and then to the end."""
    simulator = Again(tmp_path, moment)
    with capture_logs() as said:
        await simulator.go_on()
        for name, token, card in [*simulator.standing()]:
            button = next((each for each in card.buttons if each.token == token), None)
            if button is not None:
                await simulator.chat(name).presses(simulator.person(name), button, card, simulator.engine)
                await simulator.settle()
        await simulator.ends()
    assert [line for line in said if line["log_level"] in ("error", "critical")] == []


# ---------------------------------------------------------------- the newest set is of this version


def fields(value: Any, path: str = "") -> set[str]:
    """Where what is written, whatever it says."""
    if isinstance(value, list):
        return set().union(*(fields(part, f"{path}[]") for part in value))
    if not isinstance(value, dict) or path.endswith((".deadlines", ".details", ".times", ".people")):
        return set()
    return {f"{path}.{name}" for name in value}.union(*(fields(part, f"{path}.{name}") for name, part in value.items()))


def written_now(written: dict[str, Any]) -> dict[str, Any]:
    body = orjson.loads(json_of(decode(reopened(written), VAULT)))
    return {name: body[name] for name in ("talk", "mail")}


def test_what_we_write_has_the_fields_of_the_newest_set():
    for moment in moments(SETS[-1]):
        for written in moment["records"]:
            body = {name: written["body"][name] for name in ("talk", "mail")}
            differ = fields(written_now(written)) ^ fields(body)
            assert not differ, f"{NEW_SET.format_map(SET)} It is about {', '.join(sorted(differ))}."


NEVER_STORED = {"new", FORGOTTEN}


def test_every_stage_stands_in_the_newest_set():
    seen = {(written["kind"], written["stage"]) for moment in moments(SETS[-1]) for written in moment["records"]}
    stages = {
        (kind, stage) for kind, each in ENTRIES.items() for stage in each.flow.stages if stage not in NEVER_STORED
    }
    assert seen == stages, NEW_SET.format_map(SET)


def test_every_released_version_has_its_set():
    assert [version for version in RELEASES if version not in SETS] == []


def test_a_set_holds_a_sealed_record_for_every_stage():
    for version in SETS:
        written = [each for moment in moments(version) for each in moment["records"]]
        sealed = {(each["kind"], each["stage"]) for each in written if "sealed" in each}
        assert sealed == {(each["kind"], each["stage"]) for each in written}
