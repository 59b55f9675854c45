"""Runs hospital-years and prints what became of them: python -m tests.simulation --seed 7 --years 10"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import pytest

from tests.simulation.faults_put_back import FAULTS
from tests.simulation.run import Outcome, simulate


def seeds(seed: str, years: int) -> list[str]:
    """The seeds of so many hospital-years; a seed that names its year already is one year."""
    return [f"{seed}.{year}" for year in range(1, years + 1)] if "." not in seed else [seed]


def run_all(names: list[str], run: Callable[[str], Outcome], processes: int) -> list[Outcome]:
    """Run one hospital for each seed, on several cores, in the order of the seeds."""
    if processes == 1 or len(names) == 1:
        return [run(name) for name in names]
    with ProcessPoolExecutor(processes) as pool:
        return list(pool.map(run, names))


def run_with(fault: str, days: float, harsh: float, busy: float, name: str) -> Outcome:
    """Run one hospital; with a mended fault put back, if one is named."""
    with pytest.MonkeyPatch.context() as patch:
        if fault:
            FAULTS[fault].put_back(patch)
        return simulate(name, days, harsh, busy)


def summary(outcomes: list[Outcome]) -> str:
    """Say what each run came to, which faults were met, and what all of it was."""
    faults: Counter[str] = Counter()
    for outcome in outcomes:
        faults.update(outcome.faults)
    met = ", ".join(f"{kind}: {count}" for kind, count in faults.most_common())
    requests, steps = sum(one.requests for one in outcomes), sum(one.steps for one in outcomes)
    broken = sum(bool(one.broken) for one in outcomes)
    total = f"{len(outcomes)} runs, {broken} broken, {requests} requests, {steps} steps, {faults.total()} faults"
    return "\n".join((*map(str, outcomes), met, total))


def main() -> int:
    """Run what was asked for. Returns 1 where a law broke."""
    parser = argparse.ArgumentParser(prog="simulate", description=__doc__)
    parser.add_argument("--seed", default="1", help="decides everything; 7.3 replays the third year of seed 7")
    parser.add_argument("--years", type=int, default=1, help="hospital-years, each with a seed of its own")
    parser.add_argument("--days", type=float, default=365, help="days of each year")
    parser.add_argument("--harsh", type=float, default=1.0, help="how much more often than usual things break")
    parser.add_argument("--busy", type=float, default=1.0, help="how much more often than usual people ask")
    parser.add_argument("--put-back", choices=FAULTS, default="", help="a mended fault, which a law is to find")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    asked = parser.parse_args()
    began = time.monotonic()
    run = partial(run_with, asked.put_back, asked.days, asked.harsh, asked.busy)
    outcomes = run_all(seeds(asked.seed, asked.years), run, asked.processes)
    sys.stdout.write(f"{summary(outcomes)}, {time.monotonic() - began:.0f} s\n")
    return int(any(outcome.broken for outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main())
