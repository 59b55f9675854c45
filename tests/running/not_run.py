"""How a test that cannot be run on this machine says so, and what it would take."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest

NOT_RUN, NOT_FOUND = "not run: ", " was not found"  # around the name of what is wanting; the last line of a run sums up


def not_run(what: str, how: str) -> NoReturn:
    """Skip the test that asks, for want of something on this machine; under CI, where everything is, fail it.

    Args:
        what: What was not found, as the last line is to name it: "nginx".
        how: What to do about it: "apt-get install nginx".
    """
    says = f"{NOT_RUN}{what}{NOT_FOUND}: {how}"
    if os.environ.get("CI"):
        pytest.fail(says, pytrace=False)
    pytest.skip(says)
