"""Hospitals in virtual time: two weeks in every run of the tests, years where there is time for them."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.simulation.faults_put_back import FAULTS
from tests.simulation.people import BUSY, LARGE, SMALL
from tests.simulation.run import simulate

FORTNIGHT = 14
FOUND_IN = {
    "lost-check-in": {"days": 3, "busy": 4},
    "one-401": {"days": 3, "busy": 4, "harsh": 4},
    "torn-away": {"days": 3, "busy": 6, "size": BUSY},
    "last-no": {"days": 4, "busy": 4, "size": SMALL},
}
"""By fault: what a short run is to be like for its law to break in one of few seeds."""
SEEDS = 30


def test_two_weeks_of_a_hospital_break_no_law():
    outcome = simulate("fortnight", FORTNIGHT, size=LARGE)
    assert not outcome.broken, outcome
    assert outcome.requests >= 5
    assert sum(outcome.faults.values()) >= 50


def in_another_process(hash_seed: str) -> str:
    """What one run says, in a process that orders its sets in its own way."""
    command = [sys.executable, "-m", "tests.simulation", "--seed", "again", "--days", "10"]
    given = {"PYTHONHASHSEED": hash_seed}
    ran = subprocess.run(command, env=given, capture_output=True, text=True, check=True)  # noqa: S603  # our own command
    return ran.stdout.splitlines()[0]


@pytest.mark.process
def test_the_same_seed_gives_the_same_run_byte_for_byte():
    assert in_another_process("1") == in_another_process("2")


def run_with(fault, seed):
    """A short run with this fault put back."""
    with pytest.MonkeyPatch.context() as patch:
        FAULTS[fault].put_back(patch)
        return simulate(seed, afterwards=1, **FOUND_IN[fault])


@pytest.mark.process
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_that_is_put_back_breaks_its_law_and_without_it_the_same_run_breaks_none(fault):
    seeds = (f"{fault}.{number}" for number in range(1, SEEDS + 1))
    found = next((seed for seed in seeds if FAULTS[fault].law in run_with(fault, seed).broken), None)
    assert found is not None, f"none of {SEEDS} runs finds it"
    outcome = simulate(found, afterwards=1, **FOUND_IN[fault])
    assert not outcome.broken, outcome
