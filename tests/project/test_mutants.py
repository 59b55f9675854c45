"""The catalogue of guards does not rot: each guard stands where it says, and each test that is to notice exists."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from collections import Counter
from functools import cache

import pytest

from tests.mutants.catalogue import ROOT, BackedUp, Mutant, backed_up, mutants

ALL = mutants()


@cache
def tree(source: str) -> str:
    return ast.dump(ast.parse(source))


@pytest.mark.parametrize("mutant", ALL, ids=lambda mutant: mutant.name)
def test_a_guard_stands_once_and_the_code_without_it_is_still_code(mutant: Mutant):
    source = (ROOT / mutant.file).read_text("utf-8")
    assert tree(mutant.applied(source)) != tree(source)
    assert mutant.file.startswith(("adapters/", "bot/", "conversations/"))
    assert mutant.promise.endswith(".")


@pytest.mark.parametrize("mutant", ALL, ids=lambda mutant: mutant.name)
def test_the_tests_that_are_to_notice_exist(mutant: Mutant):
    assert mutant.killed_by
    for test in mutant.killed_by:
        file, *names = test.split("::")
        assert (ROOT / file).is_file(), test
        if file.endswith(".chat"):
            assert names[0].partition(",")[0] == (ROOT / file).stem
            continue
        found = importlib.import_module(file.removesuffix(".py").replace("/", "."))
        for name in names:
            found = getattr(found, name.partition("[")[0])
        assert names[-1].startswith("test_")


@pytest.mark.parametrize("guard", backed_up(), ids=lambda guard: guard.name)
def test_a_guard_that_another_one_backs_up_stands_once_and_says_which(guard: BackedUp):
    assert (ROOT / guard.file).read_text("utf-8").count(guard.guard) == 1
    assert guard.behind.endswith(".")
    assert (guard.file, guard.guard) not in {(mutant.file, mutant.guard) for mutant in ALL}


def test_no_guard_is_taken_out_twice_and_there_are_enough():
    assert max(Counter(mutant.name for mutant in ALL).values()) == 1
    assert max(Counter((mutant.file, mutant.guard) for mutant in ALL).values()) == 1
    assert len(ALL) >= 190


def test_the_guards_that_were_once_found_to_be_held_by_luck_are_among_them():
    assert {
        "form-is-bound-to-its-person",
        "quiet-hours-at-delivery",
        "last-entry-is-written-again-at-the-start",
        "key-of-the-old-file-is-shredded",
        "folder-is-synced-after-the-rename",
        "line-of-an-erasure-is-synced",
        "ring-that-others-can-read",
        "left-out-colleagues-are-not-asked",
    } <= {mutant.name for mutant in ALL}


@pytest.mark.process
def test_a_mutant_is_killed_by_the_command_that_anybody_can_run():
    command = [sys.executable, "-m", "tests.mutants", "names-that-are-too-many"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, check=False, text=True)  # noqa: S603  ourselves
    assert (ran.returncode, ran.stdout.splitlines()[-1]) == (0, "1 of 1 mutants were killed."), ran.stdout
