"""Forty people ask within twenty seconds, against a Slack that answers at once: python -m bench.burst.

What counts is how long a person who pressed waits for their own card to change, beside the two hundred offers that the
forty requests send.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from adapters.fakes.slack.server import SlackServer
from bench import hospital
from bench.goals import Goal, missed
from bench.loopback import launched
from bench.slack import SECRET, TOKEN

other = partial(launched, "bench.slack")
PEOPLE, SECONDS, SEED = 40, 20.0, 7


async def changed(slack: SlackServer, user: str, label: str) -> float:
    """Press a button. Seconds until the newest card of one's own chat is another, or says something else."""

    def newest() -> str:
        return slack.reads(user)[-1].text if slack.reads(user) else ""

    before = newest()
    began = time.perf_counter()
    await slack.presses(user, label)
    await slack.until(lambda: newest() != before, within=60)
    return time.perf_counter() - began


async def asks(slack: SlackServer, user: str, after: float) -> tuple[float, float]:
    """Come by, press how soon, and ask. Seconds until each of the two presses showed."""
    await asyncio.sleep(after)
    await slack.command(user)
    opened = await changed(slack, user, "Talk to someone soon")
    return opened, await changed(slack, user, "Ask now")


async def main(folder: Path) -> int:
    """Measure and print. Returns how many goals were missed."""
    luck = random.Random(SEED)  # noqa: S311  nothing secret
    async with SlackServer(team=hospital.TEAM, token=TOKEN, secret=SECRET) as slack:
        for who in (*hospital.VOLUNTEER, *hospital.CLINICIAN[:PEOPLE]):
            slack.joins(who.id, name=f"Person {who.id[-3:]}")
        async with other("ours", slack.api_url, str(folder), "as-it-is") as ours:
            slack.app_url = ours.url
            coming = [asks(slack, who.id, luck.uniform(0, SECONDS)) for who in hospital.CLINICIAN[:PEOPLE]]
            shown = [seconds for both in await asyncio.gather(*coming) for seconds in both]
    slowest = statistics.quantiles(shown, n=10)[-1]
    print(
        f"{PEOPLE} people ask within {SECONDS:.0f} s; a press shows after p50 {statistics.median(shown):.2f} s, ",
        end="",
    )
    print(f"p90 {slowest:.2f} s, at most {max(shown):.2f} s")
    return missed([Goal("seconds until nine of ten presses show", slowest, 3.0)])


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if sys.argv[1:] else None) as scratch:
        sys.exit(1 if asyncio.run(main(Path(scratch))) else 0)
