"""Every dialogue again, told by two replicas that share a PostgreSQL: nobody can tell."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.two_replicas import differs_on_postgres

# who reads first is decided by whoever is faster: tests/stories/test_replicas.py has it
A_RACE = "two-peers-press-at-once"
DIALOGUES = [path for path in sorted((Path(__file__).parents[1] / "scenarios").glob("*.chat")) if path.stem != A_RACE]


@pytest.mark.parametrize("path", DIALOGUES, ids=lambda path: path.stem)
def test_the_dialogue_comes_out_the_same_on_two_replicas(path: Path, new_database: str) -> None:
    assert differs_on_postgres(path, new_database) == ""
