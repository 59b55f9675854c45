"""Hostile requests at every public route: python -m tests.fuzz [--requests 100000] [--route slack] [--seed 1]

Each route is knocked at by a process of its own. atheris makes the requests up: it watches which lines of ours a
request reaches, and goes on from those that reached new ones. A request that has an effect, is answered with an error
of ours, or leaves a byte of its body in a log ends the run, and is named by its kind; the bytes it was made of are left
in a file `crash-…`.
"""
# ruff: noqa: T201  a tool prints

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final

PER_CENT: Final = 100
FIRST_LOOK: Final = 5  # part of the requests, one in so many, after which memory is measured the first time


def main() -> int:
    """Run what the arguments say. Returns the number of routes at which something is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=100_000, help="so many at each route (default 100,000)")
    parser.add_argument("--route", choices=("slack", "teams"), help="only this one")
    parser.add_argument("--seed", type=int, default=1, help="where the fuzzer begins (default 1)")
    parser.add_argument("--in-this-process", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.in_this_process:
        _fuzz(asked.route, asked.requests, asked.seed)
    routes = (asked.route,) if asked.route else ("slack", "teams")
    return sum(_run(route, asked.requests, asked.seed) != 0 for route in routes)


def _run(route: str, requests: int, seed: int) -> int:
    """Fuzz one route in a process of its own: the fuzzer takes a process over."""
    here = [sys.executable, "-m", "tests.fuzz", "--in-this-process"]
    told = ["--route", route, "--requests", str(requests), "--seed", str(seed)]
    return subprocess.run([*here, *told], check=False).returncode  # noqa: S603  ourselves


def _fuzz(route: str, requests: int, seed: int) -> None:
    """Send the requests, print what came of them, and end the process."""
    try:
        import atheris
    except ImportError:
        sys.exit("atheris is not installed: make fuzz installs it")
    with atheris.instrument_imports(include=["adapters", "bot", "conversations"]):
        from tests.fuzz.choosing import Guided
        from tests.fuzz.target import resident, target

    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    context = target(route)
    knocked: Any = loop.run_until_complete(context.__aenter__())
    began = time.perf_counter()
    memory = [0]

    def one(data: bytes) -> None:
        loop.run_until_complete(knocked.take(Guided(atheris.FuzzedDataProvider(data))))
        sent = sum(knocked.answered.values())
        if sent == requests // FIRST_LOOK:
            memory[0] = resident()
        if sent == requests:
            loop.run_until_complete(knocked.look())
            _report(route, knocked.answered, memory[0], resident(), time.perf_counter() - began)
            loop.run_until_complete(context.__aexit__(None, None, None))
            sys.stdout.flush()
            os._exit(0)

    quiet = ["-close_fd_mask=0", "-print_final_stats=0", "-verbosity=0", f"-artifact_prefix={Path.cwd()}/"]
    atheris.Setup(["fuzz", f"-seed={seed}", "-max_len=2048", "-len_control=0", "-timeout=60", *quiet], one)
    atheris.Fuzz()


def _report(route: str, answered: dict[tuple[str, int], int], first: int, last: int, seconds: float) -> None:
    total = sum(answered.values())
    print(f"{route}: {total:,} requests in {seconds:.0f} s; no error of ours, no effect, no byte of a body in a log")
    for (kind, status), number in sorted(answered.items()):
        print(f"  {kind:<15} answered {status}  {number:>9,}")
    print(f"  memory after {total // FIRST_LOOK:,} requests {first // 1024} MiB, at the end {last // 1024} MiB")


if __name__ == "__main__":
    sys.exit(main())
