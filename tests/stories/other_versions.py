"""Other versions of the programme, in folders of their own: those that were released, and one that comes after ours.

Each is run by the Python that runs the tests, from its own folder, so its dependencies are ours.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import tomllib
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from tests.running.not_run import not_run
from tests.stories.serve import ROOT, Kept

PACKAGES = ("conversations", "adapters", "bot")
ROOMS = (*PACKAGES, "tests/stories/serve_with_a_clock.py")
_LISTED = tomllib.loads((ROOT / "tests/golden/releases.toml").read_text("utf-8"))["release"]
RELEASES = {each["version"]: each["commit"] for each in _LISTED}
GO_BACK = [each["version"] for each in _LISTED if each.get("goes_back", True)]  # they read what we write
NEXT = "next_version"  # the field that the next version has in every part, and nobody before it

_FIELD = f'{NEXT}: str = ""'
_EDITS = (
    ("conversations/support/request.py", "    touched: datetime | None = None\n", f"    {_FIELD}\n"),
    ("conversations/support/request.py", "    peer: Person\n    alias: int\n", f"    {_FIELD}\n"),
    ("conversations/support/request.py", "clinician=event.clinician, urgency=event.urgency,", f' {NEXT}="request",'),
    ("conversations/support/asking.py", "tuple(Offer(who, alias", f', {NEXT}="offer"'),
    ("conversations/model.py", "    holding: tuple[str, ...] = ()", f"\n    {_FIELD}\n"),
    ("conversations/peers/record.py", "peer = Peer(who,", f' {NEXT}="peer",'),
    ("conversations/front_door/doorstep.py", "    asked: tuple[datetime, ...] = ()\n", f"    {_FIELD}\n"),
    ("conversations/front_door/doorstep.py", "Doorstep(id=id, stage=DOOR, person=event.by", f', {NEXT}="doorstep"'),
    ("bot/engine/outbox.py", "    quoted: bool = False", f"\n    {_FIELD}\n"),
    ("bot/engine/outbox_builder.py", "slot = CardSlot(content.to, content.slot,", f' {NEXT}="slot",'),
    ("bot/engine/outbox.py", 'field(default=0, name="tries")\n', f"    {_FIELD}\n"),
    ("bot/engine/outbox_builder.py", "Delivery(id_, content.to, content.slot, action", f', {NEXT}="errand"'),
)
"""Which file, behind what, and what is put there: a field in every part of a record, and a value of its own."""


def coming(folder: Path) -> Path:
    """What is in this checkout, and a field more in every part of a record."""
    for room in ROOMS:
        if (ROOT / room).is_dir():
            shutil.copytree(ROOT / room, folder / room, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            (folder / room).parent.mkdir(parents=True)
            shutil.copy(ROOT / room, folder / room)
    for name, behind, more in _EDITS:
        file = folder / name
        before, found, after = file.read_text("utf-8").partition(behind)
        assert found, f"tests/stories/other_versions.py no longer finds in {name}: {behind}"
        assert behind not in after, f"tests/stories/other_versions.py finds twice in {name}: {behind}"
        file.write_text(before + found + more + after, "utf-8")
    return folder


def released(version: str, folder: Path) -> Path:
    """That version as it stands in history."""
    commit = RELEASES[version]
    git = shutil.which("git")
    command = [git or "git", "-C", ROOT, "archive", "--format=zip", commit, *PACKAGES, "tests/serve_with_a_clock.py"]
    found = subprocess.run(command, capture_output=True, check=False) if git else None  # noqa: S603
    if found is None or found.returncode:
        not_run(
            f"the history of git with {version} ({commit[:8]})" if git else "git",
            "apt-get install git, and check out all of the history (git fetch --unshallow)",
        )
    with zipfile.ZipFile(io.BytesIO(found.stdout)) as archive:
        archive.extractall(folder)
    return folder


Place = tuple[str, ...]


def parts(kept: Kept) -> dict[Place, str]:
    """Every part of every record, by where it is, and what the next version wrote in it; "" where it wrote nothing."""
    found: dict[Place, str] = {}
    for id_, record in kept.records.items():
        if record.sealed:
            plain = kept.vault.open(record.kind, id_, record.shape, record.sealed)
            found |= {(record.kind, id_, *place): value for place, value in _parts(orjson.loads(plain))}
    return found


def _parts(part: Any) -> Iterator[tuple[Place, str]]:
    if isinstance(part, list):
        for item in part:
            who = item.get("key") or item.get("id") or str(item.get("peer", "")) if isinstance(item, dict) else ""
            yield from (((str(who), *place), value) for place, value in _parts(item))
    if isinstance(part, dict):
        yield (), part.get(NEXT, "")
        for name, inner in part.items():
            yield from (((name, *place), value) for place, value in _parts(inner))


def lost(before: Mapping[Place, str], after: Mapping[Place, str]) -> set[Place]:
    """The parts that are still there, without what a newer version had written in them."""
    return {place for place, value in before.items() if value and after.get(place, value) != value}
