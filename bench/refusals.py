"""Whether refusals can be told apart by how long they take: python -m bench.refusals.

A press may be refused because nothing was ever behind the button, because the card is somebody else's, or because
what it was about is forgotten. All three read the same line. Here the kinds are pressed in turn, and two figures
compare each with the first: how often it took longer (0.5 where time tells nothing), and the difference of their
medians. Only the platform sees these times; who presses also waits for its network, whose jitter the difference is held
to.
"""

from __future__ import annotations

import asyncio
import random
import secrets
import statistics
import sys
import tempfile
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from bench.goals import Goal, missed
from bench.hospital import CLINICIAN, Button
from bench.loopback import Other, at_once, launched
from bench.slack import buttons_of, requests_for

other = partial(launched, "bench.slack")
PRESSES, WARM_UP, DRAWS, SEED = 1_500, 150, 1_000, 7
JITTER = 0.002  # seconds: less than two equal requests differ by on their way through a public network


def longer(ones: Sequence[float], others: Sequence[float]) -> float:
    """How often one of the first took longer than one of the others: 0.5 where they are alike (Mann and Whitney)."""
    ordered = sorted(others)
    above = sum(bisect_left(ordered, one) + bisect_right(ordered, one) for one in ones)
    return above / (2 * len(ones) * len(others))


def apart(ones: Sequence[float], others: Sequence[float], luck: random.Random) -> tuple[float, float]:
    """The least and the greatest difference of the medians that is likely: 95 of 100 draws with repetition."""
    drawn = sorted(
        statistics.median(luck.choices(ones, k=len(ones))) - statistics.median(luck.choices(others, k=len(others)))
        for _ in range(DRAWS)
    )
    return drawn[DRAWS // 40], drawn[-DRAWS // 40]


async def refused(ours: Other) -> dict[str, list[float]]:
    """Seconds of each press, by why it is refused. The kinds take turns."""
    open_, gone = await buttons_of(ours, PRESSES), await buttons_of(ours, PRESSES)
    await ours.order("forget", tokens=[button.token for button in gone])
    kinds: dict[str, list[Button]] = {
        "never was": [replace(button, token=secrets.token_urlsafe(189)) for button in open_],
        "another's": [replace(button, user=_another(button.user)) for button in open_],
        "forgotten": gone,
    }
    taken: dict[str, list[float]] = {kind: [] for kind in kinds}
    for turn in zip(*kinds.values(), strict=True):
        for kind, button in zip(kinds, turn, strict=True):
            seconds, _ = await at_once(ours.url, requests_for(ours, [button]), 1)
            taken[kind] += seconds
    return {kind: seconds[WARM_UP:] for kind, seconds in taken.items()}


def _another(user: str) -> str:
    ids = [who.id for who in CLINICIAN]
    return ids[ids.index(user) - 1]


async def main(folder: Path) -> int:
    """Measure and print. Returns how many goals were missed."""
    luck = random.Random(SEED)  # noqa: S311  nothing secret
    async with other("slack") as api, other("ours", api.url, str(folder), "free") as ours:
        await ours.order("know")
        found = await refused(ours)
    first = found["never was"]
    goals = []
    for kind, seconds in found.items():
        least, most = apart(seconds, first, luck)
        print(
            f"{kind:12} p50 {statistics.median(seconds) * 1e3:6.3f} ms; longer than one that never was: "
            f"{longer(seconds, first):.2f} of the time, by {least * 1e3:+.3f} … {most * 1e3:+.3f} ms"
        )
        if kind != "never was":
            goals.append(Goal(f"seconds apart from one that never was, {kind}", max(abs(least), abs(most)), JITTER))
    return missed(goals)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if sys.argv[1:] else None) as scratch:
        sys.exit(1 if asyncio.run(main(Path(scratch))) else 0)
