"""Every benchmark, one table at the end, and the same as JSON: python -m bench [--json FILE] [NAME …].

The figures are ratios against peers that ran in the same minutes. On a busy machine they are worth little.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
from argparse import ArgumentParser
from datetime import UTC, datetime
from pathlib import Path

from bench.goals import RECORD, Goal

NAMES = (
    *("decide", "crossings", "store", "burst", "restart", "refusals", "slack", "teams", "growth", "page", "postgres"),
    "replicas",
)


def measured(name: str) -> tuple[list[Goal], int]:
    """Run one benchmark. Its goals with their figures, and its exit code: 0 where all were met."""
    with tempfile.TemporaryDirectory() as folder:
        record = Path(folder, "goals.jsonl")
        command, environ = (sys.executable, "-m", f"bench.{name}"), os.environ | {RECORD: str(record)}
        code = subprocess.run(command, env=environ, check=False).returncode  # noqa: S603  our own program
        lines = record.read_text("utf-8").splitlines() if record.exists() else []
    return [Goal(**json.loads(line)) for line in lines], code


def main() -> int:
    """Returns how many benchmarks missed a goal, or could not run."""
    parser = ArgumentParser(prog="python -m bench", description="Run the benchmarks.")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("names", nargs="*", help=f"which ones, of {', '.join(NAMES)}")
    given = parser.parse_args()
    found, codes = {}, {}
    for name in given.names or NAMES:
        print(f"\n---- {name}", flush=True)
        found[name], codes[name] = measured(name)
    print(f"\n{os.cpu_count()} cores, Python {platform.python_version()}, {datetime.now(UTC):%Y-%m-%d}\n")
    for name, goals in found.items():
        for goal in goals:
            print(f"{name:10}{goal}")
    if given.json:
        figures = {name: [goal.as_json() for goal in goals] for name, goals in found.items()}
        today = f"{datetime.now(UTC):%Y-%m-%d}"
        machine = {"cores": os.cpu_count(), "python": platform.python_version(), "date": today}
        given.json.write_text(json.dumps({"machine": machine, "goals": figures}, indent=2) + "\n", "utf-8")
    return sum(code != 0 for code in codes.values())


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
