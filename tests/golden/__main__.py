"""Write the golden records of a version: python -m tests.golden VERSION

Plays every dialogue and keeps a moment of one of them for whatever was not seen before: each stage of each kind of
record with each of its fields filled, each deadline, each saying, each errand on its way. A moment is everything the
store held when a save had been made, so that the story can go on from it. What releases.toml lists is never written
again.
"""
# ruff: noqa: T201  a tool prints

from __future__ import annotations

import asyncio
import base64
import json
import re
import sys
import tomllib
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bot.crypto.vault import Vault
from bot.engine.codec import decode
from bot.engine.repository import ConversationRepository
from bot.playground.chat_script import ChatScript, scenarios
from bot.playground.simulator import KEY, Simulator
from bot.store.base import Record

FOLDER = Path(__file__).parent
VAULT = Vault(KEY)  # the published root: nothing real is ever sealed with it
EMPTY: tuple[Any, ...] = (None, "", 0, False, [], {})

Feature = tuple[str, ...]
Moment = dict[str, Any]


class Watched(Simulator):
    """Every save is a moment from which a story might have to go on."""

    def __init__(self, folder: Path, scenario: str) -> None:
        super().__init__(folder)
        self.scenario, self.line, self.moments = scenario, 0, list[Moment]()

    def _repository(self, store: Any, vault: Vault) -> ConversationRepository:
        save = store.save

        async def saved(*changes: Any) -> None:
            await save(*changes)
            records = [
                record for kind in ("support", "volunteering", "doorstep") for record in await store.all_of_kind(kind)
            ]
            self.moments.append(self.moment(records))

        store.save = saved
        return super()._repository(store, vault)

    def moment(self, records: list[Record]) -> Moment:
        on_call = self.roles.get("on_call")
        return {
            "scenario": self.scenario,
            "line": self.line,
            "now": self.now.isoformat(),
            "environment": dict(self.environment),
            "people": {name: person.platform for name, person in self.people.items()},
            "coordinators": [person.id for person in self.roles.get("coordinators", ())],
            "on_call": on_call.person.id if on_call else "",
            "records": [as_json(record) for record in records],
        }


def as_json(record: Record) -> dict[str, Any]:
    return {
        "id": record.id,
        "kind": record.kind,
        "stage": record.stage,
        "due": record.due.isoformat() if record.due else None,
        "day": record.day.isoformat(),
        "shape": record.shape,
        "keys": {index: list(keys) for index, keys in record.keys.items()},
        "body": json.loads(VAULT.open(record.kind, record.id, record.shape, record.sealed)),
        "sealed": base64.b64encode(record.sealed).decode("ascii"),
    }


def features(record: dict[str, Any]) -> Iterator[Feature]:
    """What is to be seen of this record."""
    kind, stage, body = record["kind"], record["stage"], record["body"]
    yield kind, stage
    for name, value in filled(body["talk"]):
        yield kind, stage, name
        if name == "deadlines":
            yield from ((kind, stage, name, deadline) for deadline in value)
    for slot in body["mail"]["slots"]:
        yield from ((kind, "slot", name) for name, _ in filled(slot))
        yield from ((kind, "say", name) for name, _ in filled(slot["say"]))
        yield kind, "say", slot["say"]["text"]
        yield kind, "say", slot["say"]["manner"]
    for errand in body["mail"]["errands"]:
        yield from ((kind, "errand", errand["deed"], name) for name, _ in filled(errand))
    yield from ((kind, "addresses") for _ in body["mail"]["addresses"])


def filled(part: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Fields that hold more than nothing, and those of the parts in them that are no lists."""
    for name, value in part.items():
        if value not in EMPTY:
            yield name, value
        if isinstance(value, dict) and name not in ("deadlines", "details", "times", "people"):
            yield from ((f"{name}.{inner}", held) for inner, held in filled(value))


def shown(moment: Moment) -> set[Feature]:
    return {feature for record in moment["records"] for feature in features(record)}


async def played(scenario: str, lines: list[str]) -> list[Moment]:
    with TemporaryDirectory() as folder:
        simulator = Watched(Path(folder), scenario)
        script = ChatScript(simulator)
        for number, line in enumerate(lines, 1):
            simulator.line = number
            await script.line(number, line)
        await script.end()
        return simulator.moments


def chosen(moments: list[Moment]) -> list[Moment]:
    """As few as show everything; always the one that shows most of what was not seen yet."""
    left = [(moment, shown(moment)) for moment in moments]
    found: list[Moment] = []
    while left:
        best, seen = max(left, key=lambda one: (len(one[1]), -len(one[0]["records"])))
        found.append(best)
        left = [(moment, rest - seen) for moment, rest in left if rest - seen]
    return sorted(found, key=lambda moment: (moment["scenario"], moment["line"]))


def sealed_once(moments: list[Moment]) -> Iterator[Moment]:
    """The sealed bytes of one record for each stage: they hold the form of the box, the bodies all else."""
    seen: set[tuple[str, str]] = set()
    for moment in moments:
        for record in moment["records"]:
            if (record["kind"], record["stage"]) in seen:
                del record["sealed"]
            seen.add((record["kind"], record["stage"]))
        yield moment


def main(version: str) -> None:
    released = tomllib.loads((FOLDER / "releases.toml").read_text("utf-8"))["release"]
    file = FOLDER / f"{version}.jsonl"
    if file.exists() and version in {release["version"] for release in released}:
        sys.exit(f"{version} is released, and its golden records stay as they are: name the version that comes next.")
    dialogues = {name: path.read_text("utf-8").splitlines() for name, path in scenarios().items()}
    moments = [moment for name, lines in dialogues.items() for moment in asyncio.run(played(name, lines))]
    if not moments:
        sys.exit("No save was seen: does the simulator still make its repository where this tool looks?")
    lines = [json.dumps(moment, separators=(",", ":")) for moment in sealed_once(chosen(moments))]
    file.write_text("\n".join(lines) + "\n", "utf-8")
    for line in lines:
        for record in json.loads(line)["records"]:
            decode(reopened(record), VAULT)
    print(f"{file.name}: {len(lines)} of {len(moments)} moments, {file.stat().st_size // 1024} KiB")


def reopened(written: dict[str, Any]) -> Record:
    """The record as it can be put into a store: never stored before."""
    kind, id_, shape = written["kind"], written["id"], written["shape"]
    sealed = base64.b64decode(written["sealed"]) if "sealed" in written else None
    return Record(
        id=id_,
        kind=kind,
        stage=written["stage"],
        due=datetime.fromisoformat(written["due"]) if written["due"] else None,
        day=date.fromisoformat(written["day"]),
        shape=shape,
        keys={index: tuple(keys) for index, keys in written["keys"].items()},
        sealed=sealed or VAULT.seal(kind, id_, shape, json.dumps(written["body"]).encode()),
    )


if __name__ == "__main__":
    if len(sys.argv) != 2 or not re.fullmatch(r"\d+\.\d+\.\d+", sys.argv[1]):
        sys.exit(__doc__)
    main(sys.argv[1])
