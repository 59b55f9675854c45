"""Real-shaped payloads, knocking at our door: python -m tests.security.replay FOLDER

Each JSON file of the folder is sent twice: as if it happened in our workspace, and as if in another. Every one must be
answered with 200 or 400, within a second, and nothing of the other workspace may be taken in. Such files are not ours
to ship, so this is no test; `test_slack_payloads.py` makes its own.
"""
# ruff: noqa: T201  a tool prints

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.adapters.slack.harness import Harness, harness

FINE = {200, 400}
SLOW = 1.0  # seconds
SHOWN = 5


@dataclass(frozen=True, slots=True)
class Answered:
    """How one payload fared."""

    name: str
    team: str
    status: int
    seconds: float

    @property
    def fine(self) -> bool:
        return self.status in FINE and self.seconds < SLOW


async def replay(payloads: dict[str, Any]) -> tuple[list[Answered], int]:
    """Every payload's two answers, and how many presses of another workspace were taken in."""
    answered = []
    async with harness() as h:
        for name, found in payloads.items():
            for team in (h.slack.team, "T0ELSEWHERE"):
                started = time.perf_counter()
                reply = await _send(h, name, _moved(found, team, h.slack.url))
                answered.append(Answered(name, team, reply.status, time.perf_counter() - started))
        return answered, sum(press.by.workspace != h.slack.team for press in h.inbound.received)


async def _send(h: Harness, name: str, body: Any) -> Any:
    if name.startswith("slash_command"):
        return await h.slack.post(urlencode(body).encode(), "application/x-www-form-urlencoded")
    if name.startswith(("event", "socket", "response")):
        return await h.slack.post(json.dumps(body).encode())
    return await h.slack.interacts(body)


def _moved(value: Any, team: str, url: str, key: str = "") -> Any:
    """The same payload as if it happened in this workspace, with answers going nowhere but to the stand-in."""
    if isinstance(value, dict):
        return {k: _moved(v, team, url, k) for k, v in value.items()}
    if isinstance(value, list):
        return [_moved(v, team, url, key) for v in value]
    if key in {"team_id", "team", "app_installed_team_id"} and isinstance(value, str):
        return team
    if isinstance(value, str) and value.startswith("https://hooks.slack.com"):
        return url + "/response/U_ANA/1"
    return team if key == "id" and isinstance(value, str) and value.startswith("T") else value


def report(answered: list[Answered], strangers: int) -> bool:
    """Print what came of it; whether all of it was well."""
    statuses = Counter(one.status for one in answered)
    print(
        f"{len(answered)} payloads sent:", ", ".join(f"{n} answered {status}" for status, n in sorted(statuses.items()))
    )
    print(f"presses of another workspace taken in: {strangers}")
    print("slowest:")
    for one in sorted(answered, key=lambda one: -one.seconds)[:SHOWN]:
        print(f"  {one.seconds * 1e3:6.1f} ms  {one.name} ({one.team})")
    bad = [one for one in answered if not one.fine]
    for one in bad:
        print(f"NOT FINE  {one.status}  {one.seconds:.2f} s  {one.name} ({one.team})")
    return bool(answered) and not bad and not strangers


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    files = sorted(Path(sys.argv[1]).glob("*.json"))
    payloads = {file.name: json.loads(file.read_text("utf-8")) for file in files}
    sys.exit(0 if report(*asyncio.run(replay(payloads))) else 1)
