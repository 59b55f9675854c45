"""A start after a crash with many edits under way, and whether presses notice: python -m bench.restart."""

from __future__ import annotations

import asyncio
import os
import signal
import statistics
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from bench.goals import Goal, missed
from bench.loopback import Other, in_time, launched
from bench.slack import buttons_of, requests_for

other = partial(launched, "bench.slack")
OWED, PRESSES, A_SECOND = 20_000, 100, 10


async def left_by_a_crash(api: Other, folder: Path, *, owed: bool) -> None:
    """Requests as a killed process leaves them, with or without an edit of each under way."""
    async with other("ours", api.url, str(folder), "as-it-is") as ours:
        for _ in range(OWED // 1000):
            await ours.order("prepare", count=1000, owed=owed)
        os.kill(ours.pid, signal.SIGKILL)


async def started_again(api: Other, folder: Path, pace: str, *, owed: bool) -> tuple[float, list[float], int]:
    """Seconds until it is ready, seconds of each press, and KiB in memory after them."""
    await left_by_a_crash(api, folder, owed=owed)
    began = time.perf_counter()
    async with other("ours", api.url, str(folder), pace) as ours:
        ready = time.perf_counter() - began
        made = await buttons_of(ours, PRESSES)
        taken = await in_time(ours.url, requests_for(ours, made), A_SECOND)
        name = f"{OWED if owed else 0:,} owed, Slack {pace}"
        print(
            f"{name:28} ready in {ready:5.2f} s; a press p50 {statistics.median(taken) * 1e3:6.1f} ms, slowest "
            f"{max(taken) * 1e3:8.1f} ms, failed {taken.count(float('inf'))}; {ours.rss() / 1024:.0f} MiB"
        )
        return ready, taken, ours.rss()


async def main(folder: Path) -> int:
    """Measure and print. Returns how many goals were missed."""
    async with other("slack") as api:
        _, _, calm = await started_again(api, folder / "calm", "as-it-is", owed=False)
        goals = []
        for pace in ("as-it-is", "free"):
            ready, taken, memory = await started_again(api, folder / pace, pace, owed=True)
            goals += [
                Goal(f"seconds until ready, {pace}", ready, 2.0),
                Goal(f"seconds of the slowest press, {pace}", max(taken), 0.1),
                Goal(f"memory, times a start with nothing owed, {pace}", memory / calm, 1.3),
            ]
    return missed(goals)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if sys.argv[1:] else None) as scratch:
        sys.exit(1 if asyncio.run(main(Path(scratch))) else 0)
