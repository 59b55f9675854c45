"""Runs what our promises rest on, and writes what came of it into docs/assurance.md.

make assurance                            everything; hours on a small machine
make assurance ARGS="tests hostile"       these, and the other rows stay as they were
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = ROOT / "docs" / "assurance.md"
NOT_RUN: Final = "not run yet"
_ROW: Final = re.compile(r"^\| (?P<name>[a-z]+) \| .* \| (?P<result>[^|]+) \| (?P<when>[^|]+) \|$", re.MULTILINE)


@dataclass(frozen=True)
class Check:
    """One command that shows something.

    Args:
        shows: What, in half a sentence.
        command: The command.
        result: What its lines with the result look like.
    """

    shows: str
    command: str
    result: str


CHECKS: Final[Mapping[str, Check]] = {
    "tests": Check(
        "dialogues, laws and stories: kills at system calls, power cuts, frozen replicas, rolls from 0.1.0 and 0.2.0",
        "make test-all",
        r"\d+ passed.*",
    ),
    "simulator": Check(
        "the laws of every step in hospital-years of hostile platforms, crashes and clocks that jump",
        'make simulate ARGS="--years 10 --seed 7"',
        r"\d+ runs, .*",
    ),
    "mutants": Check("each guard that is taken out makes a test fail", "make mutants", r"\d+ of \d+ mutants .*"),
    "hostile": Check(
        "no request of a stranger fails, has an effect, or leaves a byte of its body in a log",
        "make fuzz",
        r"(?:slack|teams): .*",
    ),
}


_INTRODUCTION: Final = """\
# What our promises rest on

Each row is one command that anybody can run; `make assurance` runs them and writes this page. A result is of the
commit, the day and the machine beside it. What is measured in time is in [benchmarks.md](benchmarks.md), and which test
catches which guard in [mutants.md](mutants.md).

| | shows that | command | result | when and where |
|---|---|---|---|---|
"""


@dataclass(frozen=True)
class Outcome:
    """What came of a command, and when, on which commit and machine."""

    result: str = NOT_RUN
    when: str = "-"


def outcomes() -> dict[str, Outcome]:
    """What the page says now, by the name of the check."""
    text = PAGE.read_text("utf-8") if PAGE.exists() else ""
    known = {found["name"]: Outcome(found["result"], found["when"]) for found in _ROW.finditer(text)}
    return {name: known.get(name, Outcome()) for name in CHECKS}


def page(found: Mapping[str, Outcome]) -> str:
    """The page with these outcomes."""
    rows = (
        f"| {name} | {check.shows} | `{check.command}` | {found[name].result} | {found[name].when} |"
        for name, check in CHECKS.items()
    )
    return _INTRODUCTION + "".join(f"{row}\n" for row in rows)


def run(check: Check) -> Outcome:
    """Run the command, show what it prints, and keep its lines with the result."""
    began = time.monotonic()
    with subprocess.Popen(check.command, shell=True, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:  # noqa: S602  a command of ours
        lines = [_shown(line) for line in process.stdout or ()]
    said = "; ".join(line.strip() for line in lines if re.fullmatch(check.result, line.strip()))
    verdict = said if process.returncode == 0 else f"**failed**: {said or 'see its output'}"
    minutes = (time.monotonic() - began) / 60
    return Outcome(f"{verdict} ({minutes:.0f} min)", f"{datetime.now(UTC):%Y-%m-%d}, {_commit()}, {machine()}")


def _shown(line: str) -> str:
    sys.stdout.write(line)
    return line


def _commit() -> str:
    told = subprocess.run(  # noqa: S603  a command of ours
        [shutil.which("git") or "git", "describe", "--always", "--dirty"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return told.stdout.strip() or "no commit"


def machine() -> str:
    """How large this machine is."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} cores, {memory:.0f} GiB, Python {platform.python_version()}"


def main(names: Iterable[str]) -> int:
    """Run these checks one after another; the page is written after each. Returns the number that failed."""
    failed = 0
    for name in names:
        found = outcomes() | {name: run(CHECKS[name])}
        PAGE.write_text(page(found), encoding="utf-8")
        failed += "**failed**" in found[name].result
    return failed


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="make assurance", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", choices=(*CHECKS, []), help="which; without any, all")
    sys.exit(main(parser.parse_args().names or CHECKS))
