"""Remembers whether a platform's requests pass verification, so that a wrong secret or clock does not stay unseen."""

from __future__ import annotations

from typing import Final

REFUSALS: Final = 5
"""So many refusals without an acceptance between them mean that something is wrong on our side."""


class SignatureRecord:
    """Counts the refusals since the last request that passed; it holds no time and nothing of a request.

    Count only what looks like the platform's own request: anyone can send others.
    """

    def __init__(self) -> None:
        self._refused = 0

    def add(self, *, passed: bool) -> None:
        """Note how the verification of one request ended."""
        self._refused = 0 if passed else self._refused + 1

    def all_refused(self) -> bool:
        """Whether the last `REFUSALS` requests were all refused."""
        return self._refused >= REFUSALS
