"""Hospitals in virtual time: a month in every run of the tests, ten years where there is time for them."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.simulation.run import simulate

MONTH = 30


def test_a_month_of_a_hospital_breaks_no_law():
    outcome = simulate("month", MONTH)
    assert not outcome.broken, outcome
    assert outcome.requests >= 10
    assert sum(outcome.faults.values()) >= 200


def in_another_process(hash_seed: str) -> str:
    """What one run says, in a process that orders its sets in its own way."""
    command = [sys.executable, "-m", "tests.simulation", "--seed", "again", "--days", "10"]
    given = {"PYTHONHASHSEED": hash_seed}
    ran = subprocess.run(command, env=given, capture_output=True, text=True, check=True)  # noqa: S603  # our own command
    return ran.stdout.splitlines()[0]


@pytest.mark.process
def test_the_same_seed_gives_the_same_run_byte_for_byte():
    assert in_another_process("1") == in_another_process("2")
