"""How many examples of what is long are tried: all of them in `make test-all`, a third in the run one waits for."""

from __future__ import annotations

import os

EVERY = "TEST_EXAMPLES"  # set to "all" by `make test-all`


def examples(every: int) -> int:
    """Return how many of `every` example this run tries."""
    return every if os.environ.get(EVERY) == "all" else -(-every // 3)


def every_nth(step: int) -> int:
    """Return by how many to go on in a row: `step`, but one in `make test-all`, so that none is left out."""
    return 1 if os.environ.get(EVERY) == "all" else step
